//! Exports of a one-stop system: one row per dossier with its dates, or one row per step.
//!
//! A row becomes the steps that its dates tell, with every other cell on the first of them. A date
//! without a time is taken at the opening of the day where something begins and at its close where
//! something ends or is due, so that a dossier that ended on its last day was on time.

use chrono::{DateTime, NaiveTime, Utc};
use ioc_ingest::{
    Fact,
    dossier::{Applicant, DossierChannel, DossierStatus, DossierStep, Fee, PaidOnline},
    word::Word as _,
};

use super::{Around, FirstLines, columns::Field, report::Report, row::Row};

/// Fields of the table.
pub(super) const FIELDS: &[Field] = &[
    Field::required("dossier"),
    Field::optional("formality"),
    Field::optional("field"),
    Field::optional("unit"),
    Field::optional("received_by"),
    Field::optional("channel"),
    Field::optional("status"),
    Field::optional("at"),
    Field::optional("submitted_at"),
    Field::optional("received_at"),
    Field::optional("due_at"),
    Field::optional("supplement_asked_at"),
    Field::optional("supplement_done_at"),
    Field::optional("ended_at"),
    Field::optional("returned_at"),
    Field::optional("refused_at"),
    Field::optional("withdrawn_at"),
    Field::optional("limit"),
    Field::optional("applicant"),
    Field::optional("paid_online"),
    Field::optional("fee_vnd"),
    Field::optional("digitised"),
    Field::optional("has_component_file"),
    Field::optional("reused"),
    Field::optional("vneid"),
    Field::optional("result_links"),
];

/// Time of day of a beginning without a time.
pub(super) const OPENING: NaiveTime = NaiveTime::from_hms_opt(7, 0, 0).expect("a time of day");
/// Time of day of an end without a time.
pub(super) const CLOSING: NaiveTime = NaiveTime::from_hms_opt(17, 0, 0).expect("a time of day");

/// Reads a row as steps; nothing of it when it has a problem.
pub(super) fn read(
    row: &Row<'_>,
    first_lines: &mut FirstLines,
    around: Around<'_>,
    report: &mut Report,
) -> Vec<Fact> {
    let before = report.problems.len();
    let steps = if is_step(row) {
        step_row(row, around, report).map(|step| vec![step])
    } else {
        life_row(row, around, report)
    };
    let steps = steps.filter(|_| report.problems.len() == before).unwrap_or_default();
    if let (false, Some(step)) = (is_step(row), steps.first())
        && let Some(first) = first_lines.insert(step.dossier.clone(), row.line)
    {
        let problem = format!("stands a second time, first in line {first}");
        row.warn("dossier", &problem, "both are read as steps of the same dossier", report);
    }
    steps.into_iter().map(|step| Fact::Dossier(Box::new(step))).collect()
}

/// Whether a row tells one step: it has its time, or the table has no other time to begin with.
fn is_step(row: &Row<'_>) -> bool {
    let has_begin = row.has_column("received_at") || row.has_column("submitted_at");
    row.cell("at").is_some() || (row.has_column("at") && !has_begin)
}

/// The times of a row.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    submitted: Option<DateTime<Utc>>,
    received: Option<DateTime<Utc>>,
    due: Option<DateTime<Utc>>,
    asked: Option<DateTime<Utc>>,
    supplied: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
    returned: Option<DateTime<Utc>>,
    refused: Option<DateTime<Utc>>,
    withdrawn: Option<DateTime<Utc>>,
}

fn times(row: &Row<'_>, around: Around<'_>, report: &mut Report) -> Option<Times> {
    let mut at = |field, time| {
        row.when(field, report).map(|when| when.map(|when| when.instant(around.zone, time)))
    };
    let times = (
        at("submitted_at", OPENING),
        at("received_at", OPENING),
        at("due_at", CLOSING),
        at("supplement_asked_at", OPENING),
        at("supplement_done_at", OPENING),
        at("ended_at", CLOSING),
        at("returned_at", CLOSING),
        at("refused_at", CLOSING),
        at("withdrawn_at", CLOSING),
    );
    Some(Times {
        submitted: times.0?,
        received: times.1?,
        due: times.2?,
        asked: times.3?,
        supplied: times.4?,
        ended: times.5?,
        returned: times.6?,
        refused: times.7?,
        withdrawn: times.8?,
    })
}

/// A row that tells one step.
fn step_row(row: &Row<'_>, around: Around<'_>, report: &mut Report) -> Option<DossierStep> {
    let read = row.when("at", report);
    let when = row.needed("at", read, report);
    let read = status(row, report);
    let status = row.needed("status", read, report);
    let times = times(row, around, report);
    let at = when?.instant(around.zone, OPENING);
    let day = when?.day(around.zone);
    let step = step_with_facts(row, status?, at, day, around, report)?;
    let times = times?;
    Some(DossierStep {
        submitted_at: times.submitted,
        received_at: times.received,
        due_at: times.due,
        ..step
    })
}

#[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
fn status(row: &Row<'_>, report: &mut Report) -> Option<Option<DossierStatus>> {
    row.word("status", report, DossierStatus::parse)
}

/// A row that tells a whole life.
fn life_row(row: &Row<'_>, around: Around<'_>, report: &mut Report) -> Option<Vec<DossierStep>> {
    use DossierStatus as S;
    let times = times(row, around, report);
    let status = status(row, report);
    let first = times.and_then(|times| {
        let first = times.submitted.or(times.received).or(times.refused);
        if first.is_none() {
            let advice = "fill the date of receipt, or that of submission or refusal";
            row.problem("received_at", "the row has no date to begin with", advice, report);
        }
        first
    });
    let day = first.map_or(around.today, |first| first.with_timezone(&around.zone).date_naive());
    let facts = step_with_facts(
        row,
        S::Accepted,
        first.unwrap_or(DateTime::UNIX_EPOCH),
        day,
        around,
        report,
    );
    let times = times?;
    check_order(row, &times, around, report);
    let status = status?;
    check_status(row, status, &times, report);
    let facts = facts?;
    first?;
    let mut steps = Vec::new();
    let mut add = |status, at: Option<DateTime<Utc>>| {
        if let Some(at) = at {
            steps.push(step(&facts.dossier, status, at));
        }
    };
    // An end on the day of its begin must not lie before it because it has no time.
    let not_before = |at: Option<DateTime<Utc>>, begin| at.max(at.and(begin));
    add(S::Registered, times.submitted);
    add(S::Accepted, not_before(times.received, times.submitted));
    add(S::SupplementRequested, not_before(times.asked, times.received));
    add(S::InProcess, not_before(times.supplied, times.asked));
    let begin = times.supplied.max(times.asked).max(times.received).max(times.submitted);
    add(S::NotAccepted, not_before(times.refused, times.submitted));
    add(S::Withdrawn, not_before(times.withdrawn, begin));
    if let Some(end @ (S::Stopped | S::NotAccepted | S::Withdrawn)) = status {
        // Its status says that no result came: what was handed back then are the papers.
        add(end, not_before(times.ended.or(times.returned), begin));
    } else {
        add(S::Done, not_before(times.ended, begin));
        add(S::Returned, not_before(times.returned, begin.max(times.ended)));
    }
    if let Some(first) = steps.first_mut() {
        let (status, at) = (first.status, first.at);
        *first = DossierStep {
            status,
            at,
            submitted_at: times.submitted,
            received_at: times.received,
            due_at: times.due,
            ..facts
        };
    }
    Some(steps)
}

/// Everything of a row that is no date, as a step.
fn step_with_facts(
    row: &Row<'_>,
    status: DossierStatus,
    at: DateTime<Utc>,
    day: chrono::NaiveDate,
    around: Around<'_>,
    report: &mut Report,
) -> Option<DossierStep> {
    let read = row.code("dossier", report);
    let dossier = row.needed("dossier", read, report);
    let formality = row.code("formality", report);
    let unit = row.unit("unit", day, around, report);
    let received_by = row.unit("received_by", day, around, report);
    let channel = row.word("channel", report, DossierChannel::parse);
    let limit = row.limit("limit", report);
    let applicant = row.word("applicant", report, Applicant::parse);
    let paid_online = row.word("paid_online", report, PaidOnline::parse);
    let fee = row.count("fee_vnd", report);
    let digitised = row.flag("digitised", report);
    let has_component_file = row.flag("has_component_file", report);
    let reused = row.flag("reused", report);
    let vneid = row.flag("vneid", report);
    let result_links = row.count("result_links", report);
    let fee = fee?.map(|fee| vec![Fee { kind: "le-phi".into(), amount_vnd: fee.value }]);
    let links = result_links?.map(|links| u16::try_from(links.value).unwrap_or(u16::MAX));
    Some(DossierStep {
        formality: formality?,
        field: row.token("field"),
        unit: unit?,
        received_by: received_by?,
        channel: channel?,
        limit: limit?,
        digitised: digitised?,
        has_component_file: has_component_file?,
        reused: reused?,
        vneid: vneid?,
        paid_online: paid_online?,
        fees: fee,
        result_links: links,
        applicant: applicant?,
        ..step(&dossier?, status, at)
    })
}

/// A step that tells nothing but itself.
fn step(dossier: &str, status: DossierStatus, at: DateTime<Utc>) -> DossierStep {
    DossierStep {
        dossier: dossier.into(),
        status,
        at,
        formality: None,
        field: None,
        unit: None,
        received_by: None,
        channel: None,
        submitted_at: None,
        received_at: None,
        due_at: None,
        limit: None,
        digitised: None,
        has_component_file: None,
        reused: None,
        from_national_store: None,
        vneid: None,
        paid_online: None,
        fees: None,
        result_links: None,
        applicant: None,
        step: None,
        step_due_at: None,
        apology_at: None,
    }
}

/// Days that lie before the day that they follow, or in the future.
fn check_order(row: &Row<'_>, times: &Times, around: Around<'_>, report: &mut Report) {
    let day = |at: DateTime<Utc>| at.with_timezone(&around.zone).date_naive();
    let pairs = [
        ("received_at", times.received, times.submitted, "the day of submission"),
        ("supplement_asked_at", times.asked, times.submitted.or(times.received), "the first day"),
        ("supplement_done_at", times.supplied, times.asked, "the day on which it was asked for"),
        ("ended_at", times.ended, times.received.or(times.submitted), "the day of receipt"),
        ("returned_at", times.returned, times.ended.or(times.received), "the end of processing"),
        ("refused_at", times.refused, times.submitted, "the day of submission"),
        ("withdrawn_at", times.withdrawn, times.received.or(times.submitted), "the day of receipt"),
    ];
    for (field, later, earlier, what) in pairs {
        let (Some(later), Some(earlier)) = (later, earlier) else { continue };
        if day(later) < day(earlier) {
            let problem = format!("lies before {what}, {}", day(earlier));
            row.problem(field, &problem, "correct one of the two dates", report);
        }
        if day(later) > around.today {
            row.problem(field, "lies in the future", "correct the date", report);
        }
    }
    let begin = times.submitted.or(times.received);
    if begin.is_some_and(|begin| day(begin) > around.today) {
        let field = if times.submitted.is_some() { "submitted_at" } else { "received_at" };
        row.problem(field, "lies in the future", "correct the date", report);
    }
}

/// An end without its date cannot be stored; a date of an end that the status denies is strange.
fn check_status(row: &Row<'_>, status: Option<DossierStatus>, times: &Times, report: &mut Report) {
    use DossierStatus as S;
    let ended = times.ended.or(times.returned);
    let (is_told, field) = match status {
        None => return,
        Some(S::Done | S::Stopped) => (ended.is_some(), "ended_at"),
        Some(S::Returned) => (ended.is_some(), "returned_at"),
        Some(S::NotAccepted) => (times.refused.or(ended).is_some(), "refused_at"),
        Some(S::Withdrawn) => (times.withdrawn.or(ended).is_some(), "withdrawn_at"),
        Some(S::SupplementRequested) => (times.asked.is_some(), "supplement_asked_at"),
        Some(S::Accepted | S::InProcess | S::PaymentRequested) => {
            (times.received.is_some(), "received_at")
        }
        Some(S::Registered) => (true, "submitted_at"),
    };
    if !is_told {
        let advice = "fill the date of this status, or correct the status";
        row.problem("status", &format!("needs a date in {field}"), advice, report);
    } else if matches!(status, Some(S::Registered | S::Accepted | S::InProcess)) && ended.is_some()
    {
        let advice = "the date counts: the dossier is taken as ended";
        row.warn("status", "says that the dossier is open, but it has an end", advice, report);
    } else if status == Some(S::PaymentRequested) && ended.is_none() {
        let advice = "the dossier is taken as in process: no column tells since when it waits";
        row.warn("status", "says that payment is awaited", advice, report);
    }
}
