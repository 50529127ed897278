//! Judges the time of a dossier: due time in force, pauses, outcome, working time.

use chrono::{DateTime, Utc};
use ioc_ingest::dossier::{DossierStatus, DossierStep, LimitUnit, TimeLimit};

use super::{Pause, Rules, Told, waits};
use crate::record::{Due, Precision, Reach, minutes, paused, times, working_min};

/// How an ended dossier came out (form II.06a; which bucket the side exits count in is configuration).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Ended on a civil day before the due day.
    Early,
    /// Ended on the due day, in time.
    OnDay,
    /// Ended too late.
    Late,
    /// Ended without a due time.
    NoDue,
    /// Withdrawn by the applicant.
    Withdrawn,
    /// Refused after it had been accepted.
    Refused,
    /// Stopped.
    Stopped,
}

impl Outcome {
    /// Word of a row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::OnDay => "on_day",
            Self::Late => "late",
            Self::NoDue => "no_due",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }

    /// The outcome with this word.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Early,
            Self::OnDay,
            Self::Late,
            Self::NoDue,
            Self::Withdrawn,
            Self::Refused,
            Self::Stopped,
        ]
        .into_iter()
        .find(|outcome| outcome.as_str() == text)
    }
}

/// When a dossier was accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acceptance {
    pub(super) at: DateTime<Utc>,
    /// When it was handed in online; null where that is not known, and for other channels.
    pub(super) handed_in: Option<DateTime<Utc>>,
}

/// What the judgement rests on.
pub(super) struct Clock<'a> {
    /// Sorted.
    pub(super) steps: &'a [Told<DossierStep>],
    pub(super) unit: Option<&'a str>,
    pub(super) limit: Option<TimeLimit>,
    /// Null for a dossier that was never accepted.
    pub(super) acceptance: Option<Acceptance>,
    /// End of an accepted dossier.
    pub(super) end: Option<(DateTime<Utc>, DossierStatus)>,
}

impl<'a> Clock<'a> {
    /// The steps up to the end.
    pub(super) fn until_end(&self) -> &'a [Told<DossierStep>] {
        let Some((end, _status)) = self.end else { return self.steps };
        &self.steps[..self.steps.partition_point(|told| told.step.at <= end)]
    }
}

/// What is judged.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) due_at: Option<DateTime<Utc>>,
    pub(super) is_paused: bool,
    pub(super) paused_s: i64,
    pub(super) effective_due: Option<DateTime<Utc>>,
    pub(super) overdue_at: Option<DateTime<Utc>>,
    pub(super) outcome: Option<Outcome>,
    pub(super) on_time: Option<bool>,
    pub(super) handling_min: Option<i32>,
    pub(super) limit_min: Option<i32>,
    pub(super) acceptance_min: Option<i32>,
    pub(super) accepted_in_time: Option<bool>,
    pub(super) reach: Reach,
}

/// How often papers were asked for. A repeated step tells more of the same request.
pub(super) fn supplements(steps: &[Told<DossierStep>]) -> i16 {
    times(steps, is_asking)
}

/// Whether papers are being asked for, and not for the first time.
fn asks_again(steps: &[Told<DossierStep>]) -> bool {
    steps.last().is_some_and(|last| is_asking(&last.step)) && supplements(steps) > 1
}

fn is_asking(step: &DossierStep) -> bool {
    step.status == DossierStatus::SupplementRequested
}

/// Days are compared where the limit is in days or not known, minutes where it is in hours.
pub(super) const fn precision(limit: Option<TimeLimit>) -> Precision {
    match limit {
        Some(TimeLimit { unit: LimitUnit::Hour, .. }) => Precision::Minute,
        Some(TimeLimit {
            unit: LimitUnit::Day | LimitUnit::WorkingDay | LimitUnit::Month, ..
        })
        | None => Precision::Day,
    }
}

/// Judges a dossier.
pub(super) fn judge(clock: &Clock<'_>, rules: &Rules<'_>) -> Judged {
    let end = clock.end.map(|(at, _status)| at);
    let told = Due::in_force(clock.steps, end, |step: &DossierStep| step.due_at);
    let mut judged = Judged { due_at: told.map(|due| due.at), ..Judged::default() };
    let Some(acceptance) = clock.acceptance else { return judged };
    let pauses = Pause::all(clock.until_end(), acceptance.at, |step| waits(step.status));
    judged.paused_s = paused(&pauses).num_seconds();
    judged.is_paused = pauses.last().is_some_and(|pause| pause.to.is_none());
    let by_limit = clock
        .limit
        .and_then(|limit| judged.reach.take(rules.calendar.due(acceptance.at, limit, clock.unit)));
    // A due time by limit was set before everything that followed the acceptance.
    let computed = || by_limit.map(|at| Due { at, set_at: DateTime::<Utc>::MIN_UTC });
    let due = told.or_else(computed);
    if let Some(due) = due {
        judge_due(&mut judged, clock, &pauses, due, rules);
    }
    if judged.is_paused && asks_again(clock.steps) {
        judged.on_time = Some(false);
    }
    judged.outcome = clock.end.map(|(_at, status)| match status {
        DossierStatus::Withdrawn => Outcome::Withdrawn,
        DossierStatus::NotAccepted => Outcome::Refused,
        DossierStatus::Stopped => Outcome::Stopped,
        _ended if told.is_none() => Outcome::NoDue,
        _ended => judged.outcome.unwrap_or(Outcome::NoDue),
    });
    let spent = end.map(|end| working_min(rules, clock.unit, (acceptance.at, end), &pauses));
    judged.handling_min = spent.and_then(|spent| judged.reach.take(spent));
    let allowed = by_limit.map_or_else(
        || {
            // Pauses that the due time contains are no handling time.
            let due = told?;
            let within: Vec<Pause> =
                pauses.iter().filter(|pause| pause.from <= due.set_at).copied().collect();
            Some(working_min(rules, clock.unit, (acceptance.at, due.at), &within))
        },
        |due| Some(working_min(rules, clock.unit, (acceptance.at, due), &[])),
    );
    judged.limit_min = allowed.and_then(|allowed| judged.reach.take(allowed));
    let wait = acceptance
        .handed_in
        .map(|from| rules.calendar.working_minutes(clock.unit, from, acceptance.at).map(minutes));
    judged.acceptance_min = wait.and_then(|wait| judged.reach.take(wait));
    let limits = acceptance.handed_in.and_then(|from| rules.parameters.onestop(rules.day(from)));
    judged.accepted_in_time = judged
        .acceptance_min
        .zip(limits)
        .map(|(wait, limits)| wait <= limits.accept_online_working_min);
    let last = due.map(|due| due.at).into_iter().chain(end).max().unwrap_or(acceptance.at);
    let span = (rules.day(acceptance.at), rules.day(last).max(rules.day(acceptance.at)));
    judged.reach.note(rules.calendar.completeness(span.0, span.1));
    judged
}

/// Compares with the due time.
fn judge_due(
    judged: &mut Judged,
    clock: &Clock<'_>,
    pauses: &[Pause],
    due: Due,
    rules: &Rules<'_>,
) {
    let put_off = due.put_off(pauses);
    let too_late = precision(clock.limit).too_late(due.at, rules) + put_off;
    judged.effective_due = (!judged.is_paused).then_some(due.at + put_off);
    let Some((end, _status)) = clock.end else {
        judged.overdue_at = (!judged.is_paused).then_some(too_late);
        let standing = pauses.iter().find(|pause| pause.to.is_none());
        judged.on_time = standing.map(|pause| pause.from < too_late);
        return;
    };
    let is_late = end >= too_late;
    judged.overdue_at = is_late.then_some(too_late);
    judged.on_time = Some(!is_late);
    let is_early = rules.day(end - put_off) < rules.day(due.at);
    judged.outcome = Some(match (is_late, is_early) {
        (true, _) => Outcome::Late,
        (false, true) => Outcome::Early,
        (false, false) => Outcome::OnDay,
    });
}
