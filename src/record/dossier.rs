//! Dossiers as they stand.
//!
//! Statuses, pauses and the judgement of time follow the rules of Decision 766 (criterion 2.1) and of
//! form II.06a/VPCP/KSTT: the due time in force at the end counts; a pause puts it off only when the
//! due time had been set before papers or payment were asked for, because a due time that was set
//! afterwards already contains the waiting.

use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::dossier::{
    Applicant, DossierChannel, DossierStatus, DossierStep, PaidOnline, TimeLimit,
};

use super::{Pause, Rules, Step, Told, latest, small, sort};

mod code;
mod judge;
mod process;

pub use judge::Outcome;
use judge::{Acceptance, Clock};

/// A dossier as it stands; a row of the table of that name, whose comments say what the columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are described in the schema, once")]
pub struct Dossier {
    pub dossier: Box<str>,
    pub formality: Option<Box<str>>,
    pub field: Option<Box<str>>,
    pub unit: Option<Box<str>>,
    pub received_by: Option<Box<str>>,
    pub channel: DossierChannel,
    pub status: DossierStatus,
    pub status_at: DateTime<Utc>,
    pub submitted_at: DateTime<Utc>,
    pub received_at: Option<DateTime<Utc>>,
    pub due_at: Option<DateTime<Utc>>,
    pub limit: Option<TimeLimit>,
    pub has_component_file: Option<bool>,
    pub digitised: Option<bool>,
    pub reused: Option<bool>,
    pub from_national_store: Option<bool>,
    pub vneid: Option<bool>,
    pub paid_online: Option<PaidOnline>,
    pub fee_count: Option<i16>,
    pub fee_vnd: Option<i64>,
    pub result_links: Option<i16>,
    pub applicant: Option<Applicant>,
    pub apology_at: Option<DateTime<Utc>>,
    pub petitions: i16,
    pub disliked: bool,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_status: Option<DossierStatus>,
    pub returned_at: Option<DateTime<Utc>>,
    pub refused_at: Option<DateTime<Utc>>,
    pub supplements: i16,
    pub is_paused: bool,
    pub paused_s: i64,
    pub effective_due: Option<DateTime<Utc>>,
    pub overdue_at: Option<DateTime<Utc>>,
    pub outcome: Option<Outcome>,
    pub on_time: Option<bool>,
    pub handling_min: Option<i32>,
    pub limit_min: Option<i32>,
    pub acceptance_min: Option<i32>,
    pub accepted_in_time: Option<bool>,
    pub steps_total: i16,
    pub steps_on_time: i16,
    pub boundary_free: Option<bool>,
    pub illegal_moves: i16,
    pub calendar: i16,
    pub code_date_differs: bool,
    pub submitted_day: NaiveDate,
    pub received_day: Option<NaiveDate>,
    pub ended_day: Option<NaiveDate>,
    pub refused_day: Option<NaiveDate>,
    pub overdue_day: Option<NaiveDate>,
}

/// What of other records concerns a dossier.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Links {
    /// Petitions that name it.
    pub petitions: i16,
    /// Whether a citizen's form on it has a mean below one point.
    pub disliked: bool,
}

impl Step for DossierStep {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }

    fn rank(&self) -> u8 {
        self.status.code()
    }
}

/// Folds the steps of one dossier; null without steps.
pub fn fold(mut steps: Vec<Told<DossierStep>>, links: Links, rules: &Rules<'_>) -> Option<Dossier> {
    sort(&mut steps);
    let steps = &steps[..];
    let (first, last) = (&steps.first()?.step, &steps.last()?.step);
    let received_at = accepted_at(steps);
    let handed_in = latest(steps, |step| step.submitted_at).or_else(|| first_of(steps, REGISTERED));
    let submitted_at = handed_in.unwrap_or(received_at.map_or(first.at, |at| at.min(first.at)));
    let channel = latest(steps, |step| step.channel).unwrap_or(DossierChannel::Direct);
    let unit = latest(steps, |step| step.unit.clone());
    let received_by = latest(steps, |step| step.received_by.clone());
    let (end, closing) = (end_of(steps), closing_run(steps));
    let clock = Clock {
        steps,
        unit: unit.as_deref(),
        limit: latest(steps, |step| step.limit),
        acceptance: received_at.map(|at| Acceptance {
            at,
            handed_in: handed_in.filter(|_known| channel == DossierChannel::Online),
        }),
        end: end.filter(|_end| received_at.is_some()),
    };
    let judged = judge::judge(&clock, rules);
    let (steps_total, steps_on_time) = process::count(&clock, rules);
    let fees = latest(steps, |step| step.fees.as_ref());
    let refused_at = first_of(closing, &[DossierStatus::NotAccepted]);
    let boundary_free = received_by.as_deref().zip(unit.as_deref()).and_then(|(by, unit)| {
        rules.is_outside(by, unit, rules.day(received_at.unwrap_or(submitted_at)))
    });
    Some(Dossier {
        dossier: first.dossier.clone(),
        formality: latest(steps, |step| step.formality.clone()),
        field: latest(steps, |step| step.field.clone()),
        unit: unit.clone(),
        received_by,
        channel,
        status: last.status,
        status_at: last.at,
        submitted_at,
        received_at,
        due_at: judged.due_at,
        limit: clock.limit,
        has_component_file: latest(steps, |step| step.has_component_file),
        digitised: latest(steps, |step| step.digitised),
        reused: latest(steps, |step| step.reused),
        from_national_store: latest(steps, |step| step.from_national_store),
        vneid: latest(steps, |step| step.vneid),
        paid_online: latest(steps, |step| step.paid_online),
        fee_count: fees.map(|fees| small(fees.len())),
        fee_vnd: fees.map(|fees| {
            let sum = fees.iter().fold(0_u64, |sum, fee| sum.saturating_add(fee.amount_vnd));
            i64::try_from(sum).unwrap_or(i64::MAX)
        }),
        result_links: latest(steps, |step| step.result_links).map(|links| small(links.into())),
        applicant: latest(steps, |step| step.applicant),
        apology_at: latest(steps, |step| step.apology_at),
        petitions: links.petitions,
        disliked: links.disliked,
        ended_at: clock.end.map(|(at, _status)| at),
        end_status: clock.end.map(|(_at, status)| status),
        returned_at: first_of(closing, &[DossierStatus::Returned]),
        refused_at,
        supplements: judge::supplements(steps),
        is_paused: judged.is_paused,
        paused_s: judged.paused_s,
        effective_due: judged.effective_due,
        overdue_at: judged.overdue_at,
        outcome: judged.outcome,
        on_time: judged.on_time,
        handling_min: judged.handling_min,
        limit_min: judged.limit_min,
        acceptance_min: judged.acceptance_min,
        accepted_in_time: judged.accepted_in_time,
        steps_total,
        steps_on_time,
        boundary_free,
        illegal_moves: illegal_moves(steps),
        calendar: judged.reach.0,
        code_date_differs: received_at
            .is_some_and(|at| code::date_differs(&first.dossier, rules.day(at))),
        submitted_day: rules.day(submitted_at),
        received_day: received_at.map(|at| rules.day(at)),
        ended_day: clock.end.map(|(at, _status)| rules.day(at)),
        refused_day: refused_at.map(|at| rules.day(at)),
        overdue_day: judged.overdue_at.map(|at| rules.day(at)),
    })
}

const REGISTERED: &[DossierStatus] = &[DossierStatus::Registered];
/// What shows that a dossier was accepted, where nothing tells when.
const AFTER_ACCEPTANCE: &[DossierStatus] = &[
    DossierStatus::InProcess,
    DossierStatus::PaymentRequested,
    DossierStatus::Stopped,
    DossierStatus::Done,
    DossierStatus::Returned,
];

/// Time of the first step with one of these statuses.
fn first_of(steps: &[Told<DossierStep>], statuses: &[DossierStatus]) -> Option<DateTime<Utc>> {
    steps.iter().find(|told| statuses.contains(&told.step.status)).map(|told| told.step.at)
}

/// When a dossier was accepted. One that was refused and shows no step of an accepted one never was,
/// whatever time its source told.
fn accepted_at(steps: &[Told<DossierStep>]) -> Option<DateTime<Utc>> {
    let shown =
        first_of(steps, &[DossierStatus::Accepted]).or_else(|| first_of(steps, AFTER_ACCEPTANCE));
    if shown.is_none() && first_of(steps, &[DossierStatus::NotAccepted]).is_some() {
        return None;
    }
    latest(steps, |step| step.received_at).or(shown)
}

/// Whether handling is over in this status.
const fn is_end(status: DossierStatus) -> bool {
    match status {
        DossierStatus::NotAccepted
        | DossierStatus::Withdrawn
        | DossierStatus::Stopped
        | DossierStatus::Done
        | DossierStatus::Returned => true,
        DossierStatus::Registered
        | DossierStatus::Accepted
        | DossierStatus::InProcess
        | DossierStatus::SupplementRequested
        | DossierStatus::PaymentRequested => false,
    }
}

/// The steps since a dossier was last open; none while it is.
fn closing_run(steps: &[Told<DossierStep>]) -> &[Told<DossierStep>] {
    let open = steps.iter().rposition(|told| !is_end(told.step.status));
    &steps[open.map_or(0, |at| at + 1)..]
}

/// Which step ended a dossier: 9 before 10 before 8, 3 and 7.
fn end_of(steps: &[Told<DossierStep>]) -> Option<(DateTime<Utc>, DossierStatus)> {
    let closing = closing_run(steps);
    let first = |status| closing.iter().find(|told| told.step.status == status);
    first(DossierStatus::Done)
        .or_else(|| first(DossierStatus::Returned))
        .or_else(|| closing.first())
        .map(|told| (told.step.at, told.step.status))
}

/// Whether the rules allow `to` after `from`. The same status again is no move.
const fn is_legal(from: DossierStatus, to: DossierStatus) -> bool {
    use DossierStatus as S;
    if from.code() == to.code() {
        return true;
    }
    match from {
        S::Registered => {
            matches!(to, S::Accepted | S::NotAccepted | S::SupplementRequested | S::Withdrawn)
        }
        S::Accepted => matches!(to, S::InProcess | S::Withdrawn),
        S::InProcess => matches!(
            to,
            S::SupplementRequested | S::PaymentRequested | S::Stopped | S::Done | S::Withdrawn
        ),
        S::SupplementRequested => {
            matches!(to, S::Accepted | S::InProcess | S::Stopped | S::Withdrawn)
        }
        S::PaymentRequested => matches!(to, S::InProcess | S::Stopped | S::Withdrawn),
        S::Done => matches!(to, S::Returned),
        S::NotAccepted | S::Withdrawn | S::Stopped | S::Returned => false,
    }
}

fn illegal_moves(steps: &[Told<DossierStep>]) -> i16 {
    let moves = steps.windows(2).map(|pair| (pair[0].step.status, pair[1].step.status));
    small(moves.filter(|(from, to)| !is_legal(*from, *to)).count())
}

/// Whether the clock of an accepted dossier stands in this status.
const fn waits(status: DossierStatus) -> bool {
    matches!(status, DossierStatus::SupplementRequested | DossierStatus::PaymentRequested)
}

#[cfg(test)]
mod tests;
