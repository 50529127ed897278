//! Exports of the 1022 desk: one row per ticket with its dates. Texts of citizens are not taken.

use chrono::{DateTime, Utc};
use ioc_ingest::{
    Fact,
    ticket::{Channel, TicketKind, TicketStatus, TicketStep},
    word::Word as _,
};

use super::{
    Around, FirstLines,
    columns::Field,
    dossier::{CLOSING, OPENING},
    report::Report,
    row::Row,
};
use crate::{city::problem::nearest, unit::name::plain_key};

/// Fields of the table.
pub(super) const FIELDS: &[Field] = &[
    Field::required("ticket"),
    Field::required("created_at"),
    Field::optional("channel"),
    Field::optional("kind"),
    Field::optional("category"),
    Field::optional("unit"),
    Field::optional("assigned_at"),
    Field::optional("first_response_at"),
    Field::optional("due_at"),
    Field::optional("resolved_at"),
    Field::optional("closed_at"),
    Field::optional("status"),
    Field::optional("rating"),
];

/// Reads a row as steps; nothing of it when it has a problem.
pub(super) fn read(
    row: &Row<'_>,
    first_lines: &mut FirstLines,
    around: Around<'_>,
    report: &mut Report,
) -> Vec<Fact> {
    let before = report.problems.len();
    let steps = steps(row, around, report);
    let steps = steps.filter(|_| report.problems.len() == before).unwrap_or_default();
    if let Some(step) = steps.first()
        && let Some(first) = first_lines.insert(step.ticket.clone(), row.line)
    {
        let problem = format!("stands a second time, first in line {first}");
        row.warn("ticket", &problem, "both are read as steps of the same ticket", report);
    }
    steps.into_iter().map(|step| Fact::Ticket(Box::new(step))).collect()
}

fn steps(row: &Row<'_>, around: Around<'_>, report: &mut Report) -> Option<Vec<TicketStep>> {
    let read = row.code("ticket", report);
    let ticket = row.needed("ticket", read, report);
    let read = row.when("created_at", report);
    let created = row.needed("created_at", read, report);
    let mut at = |field, time| {
        row.when(field, report).map(|when| when.map(|when| when.instant(around.zone, time)))
    };
    let assigned = at("assigned_at", OPENING);
    let first_response = at("first_response_at", OPENING);
    let due = at("due_at", CLOSING);
    let (resolved, closed) = (at("resolved_at", CLOSING), at("closed_at", CLOSING));
    let day = created.map_or(around.today, |created| created.day(around.zone));
    let unit = row.unit("unit", day, around, report);
    let channel = row.word("channel", report, Channel::parse);
    let kind = row.word("kind", report, TicketKind::parse);
    let status = row.word("status", report, TicketStatus::parse);
    let rating = rating(row, report);
    let category = category(row, around, report);
    let (ticket, created) = (ticket?, created?.instant(around.zone, OPENING));
    let ends = Ends { resolved: resolved?, closed: closed?, rating: rating? };
    let status = status?;
    let (assigned, unit) = (assigned?, unit?);
    check(row, created, assigned, &ends, status, around, report);
    let plain = step(&ticket, TicketStatus::New, created);
    let mut steps = vec![TicketStep {
        channel: channel?,
        kind: kind?,
        category,
        due_at: due?,
        // The unit comes with the step that gave the ticket to it, where the table tells when.
        unit: if assigned.is_some() { None } else { unit.clone() },
        first_response_at: first_response?,
        ..plain
    }];
    if let Some(at) = assigned {
        steps.push(TicketStep { unit, ..step(&ticket, TicketStatus::Assigned, at.max(created)) });
    }
    steps.extend(ends.steps(&ticket, status, assigned.max(Some(created))));
    Some(steps)
}

/// How a ticket ended.
#[derive(Debug, Clone, Copy)]
struct Ends {
    resolved: Option<DateTime<Utc>>,
    closed: Option<DateTime<Utc>>,
    rating: Option<u8>,
}

impl Ends {
    fn steps(
        self,
        ticket: &str,
        status: Option<TicketStatus>,
        begin: Option<DateTime<Utc>>,
    ) -> Vec<TicketStep> {
        use TicketStatus as S;
        let end = match status {
            Some(end @ (S::Rejected | S::Duplicate | S::Transferred)) => end,
            _ => S::Resolved,
        };
        let mut steps = Vec::new();
        if let Some(at) = self.resolved.or(self.closed.filter(|_| end != S::Resolved)) {
            steps.push(step(ticket, end, at.max(begin.unwrap_or(at))));
        }
        if let Some(at) = self.closed.filter(|_| end == S::Resolved) {
            let begin = self.resolved.max(begin);
            steps.push(step(ticket, S::Closed, at.max(begin.unwrap_or(at))));
        }
        if let Some(last) = steps.last_mut() {
            last.rating = self.rating;
        }
        steps
    }
}

fn step(ticket: &str, status: TicketStatus, at: DateTime<Utc>) -> TicketStep {
    TicketStep {
        ticket: ticket.into(),
        status,
        at,
        channel: None,
        kind: None,
        category: None,
        unit: None,
        summary: None,
        location: None,
        due_at: None,
        first_response_at: None,
        solved_at_desk: None,
        merged_into: None,
        rating: None,
    }
}

#[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
fn rating(row: &Row<'_>, report: &mut Report) -> Option<Option<u8>> {
    let count = row.count("rating", report)?;
    match count.map(|count| u8::try_from(count.value).ok().filter(|stars| (1..=5).contains(stars)))
    {
        None => Some(None),
        Some(Some(stars)) => Some(Some(stars)),
        Some(None) => {
            row.problem("rating", "is no rating", "write 1 to 5", report);
            None
        }
    }
}

/// The category of this name; an unknown one is left empty and told.
fn category(row: &Row<'_>, around: Around<'_>, report: &mut Report) -> Option<Box<str>> {
    let cell = row.cell("category")?;
    let key = plain_key(cell);
    let known = around.categories.iter();
    let found = known.clone().find(|(token, name)| token == cell || plain_key(name) == key);
    if let Some((token, _)) = found {
        return Some(token.as_str().into());
    }
    let near = nearest(cell, known.map(|(_, name)| name.as_str()));
    let advice = near.map_or_else(
        || "the ticket is taken without a category".to_owned(),
        |name| format!("the ticket is taken without a category; perhaps {name}"),
    );
    row.warn("category", "is no category of this desk", &advice, report);
    None
}

fn check(
    row: &Row<'_>,
    created: DateTime<Utc>,
    assigned: Option<DateTime<Utc>>,
    ends: &Ends,
    status: Option<TicketStatus>,
    around: Around<'_>,
    report: &mut Report,
) {
    use TicketStatus as S;
    let day = |at: DateTime<Utc>| at.with_timezone(&around.zone).date_naive();
    for (field, later) in [
        ("assigned_at", assigned),
        ("resolved_at", ends.resolved),
        ("closed_at", ends.closed),
        ("created_at", Some(created)),
    ] {
        let Some(later) = later else { continue };
        if day(later) < day(created) {
            let problem = format!("lies before the day of receipt, {}", day(created));
            row.problem(field, &problem, "correct one of the two dates", report);
        }
        if day(later) > around.today {
            row.problem(field, "lies in the future", "correct the date", report);
        }
    }
    let needs_end = matches!(
        status,
        Some(S::Resolved | S::Published | S::Closed | S::Rejected | S::Duplicate | S::Transferred)
    );
    if needs_end && ends.resolved.or(ends.closed).is_none() {
        let advice = "fill the date on which it was handled or closed, or correct the status";
        row.problem("status", "needs the date of its end", advice, report);
    }
}
