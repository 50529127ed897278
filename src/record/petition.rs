//! Petitions as they stand.
//!
//! Limits in working days as the national portal counts them, from the day on which the petition came
//! to the responsible unit: refuse, ask for more information, handle; publish, from the answer. Those that
//! were valid on that day; before any was, nothing is judged.

use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::petition::{PetitionClass, PetitionKind, PetitionStatus, PetitionStep};

use super::{Precision, Reach, Rules, Step, Told, latest, small, sort, working_min};
use crate::indicator::law::PetitionLimits;

/// A petition as it stands; a row of the table of that name, whose comments say what the columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are described in the schema, once")]
pub struct Petition {
    pub petition: Box<str>,
    pub kind: Option<PetitionKind>,
    pub class: Option<PetitionClass>,
    pub unit: Option<Box<str>>,
    pub dossier: Option<Box<str>>,
    pub status: PetitionStatus,
    pub status_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub sent_at: DateTime<Utc>,
    pub info_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    pub published_at: Option<DateTime<Utc>>,
    pub refused_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub satisfied: Option<bool>,
    pub due_at: Option<DateTime<Utc>>,
    pub overdue_at: Option<DateTime<Utc>>,
    /// Whether it was in time; null while in process and where the calendar does not reach.
    pub on_time: Option<bool>,
    pub published_on_time: Option<bool>,
    pub handling_min: Option<i32>,
    pub illegal_moves: i16,
    pub calendar: i16,
    pub received_day: NaiveDate,
    pub ended_day: Option<NaiveDate>,
    pub published_day: Option<NaiveDate>,
    pub overdue_day: Option<NaiveDate>,
}

impl Step for PetitionStep {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }

    fn rank(&self) -> u8 {
        match self.status {
            PetitionStatus::Received => 0,
            PetitionStatus::MoreInfo => 1,
            PetitionStatus::Transferred => 2,
            PetitionStatus::Processing => 3,
            PetitionStatus::Answered => 4,
            PetitionStatus::Published => 5,
            PetitionStatus::Refused => 6,
        }
    }
}

/// Folds the steps of one petition; null without steps.
pub fn fold(mut steps: Vec<Told<PetitionStep>>, rules: &Rules<'_>) -> Option<Petition> {
    sort(&mut steps);
    let (first, last) = (&steps.first()?.step, &steps.last()?.step);
    let last_of = |status| {
        let mut reached = steps.iter().rev().filter(|told| told.step.status == status);
        reached.next().map(|told| told.step.at)
    };
    let open = steps.iter().rposition(|told| !is_end(told.step.status));
    let closing = &steps[open.map_or(0, |at| at + 1)..];
    let first_of = |status| {
        let mut reached = closing.iter().filter(|told| told.step.status == status);
        reached.next().map(|told| told.step.at)
    };
    let unit = latest(&steps, |step| step.unit.clone());
    let mut petition = Petition {
        petition: first.petition.clone(),
        kind: latest(&steps, |step| step.kind),
        class: latest(&steps, |step| step.class),
        unit,
        dossier: latest(&steps, |step| step.dossier.clone()),
        status: last.status,
        status_at: last.at,
        received_at: first.at,
        sent_at: last_of(PetitionStatus::Transferred).unwrap_or(first.at),
        info_at: last_of(PetitionStatus::MoreInfo),
        answered_at: first_of(PetitionStatus::Answered),
        published_at: first_of(PetitionStatus::Published),
        refused_at: first_of(PetitionStatus::Refused),
        ended_at: closing.first().map(|told| told.step.at),
        satisfied: latest(&steps, |step| step.satisfied),
        due_at: None,
        overdue_at: None,
        on_time: None,
        published_on_time: None,
        handling_min: None,
        illegal_moves: illegal_moves(&steps),
        calendar: 0,
        received_day: rules.day(first.at),
        ended_day: None,
        published_day: None,
        overdue_day: None,
    };
    judge(&mut petition, rules);
    Some(petition)
}

/// Judges its time.
fn judge(petition: &mut Petition, rules: &Rules<'_>) {
    let mut reach = Reach::default();
    let calendar = rules.calendar;
    let unit = petition.unit.clone();
    let unit = unit.as_deref();
    let sent = rules.day(petition.sent_at);
    let limits = rules.parameters.petition(sent);
    let last = match limits {
        Some(limits) => judge_limits(petition, limits, &mut reach, rules),
        None => None,
    };
    let spent =
        petition.ended_at.map(|ended| working_min(rules, unit, (petition.sent_at, ended), &[]));
    petition.handling_min = spent.and_then(|spent| reach.take(spent));
    petition.ended_day = petition.ended_at.map(|at| rules.day(at));
    petition.published_day = petition.published_at.map(|at| rules.day(at));
    petition.overdue_day = petition.overdue_at.map(|at| rules.day(at));
    let end = last.into_iter().chain(petition.published_day).chain(petition.ended_day).max();
    reach.note(calendar.completeness(sent, end.unwrap_or(sent).max(sent)));
    petition.calendar = reach.0;
}

/// Compares with the limits. The last day in time, of what counts as it stands.
fn judge_limits(
    petition: &mut Petition,
    limits: &PetitionLimits,
    reach: &mut Reach,
    rules: &Rules<'_>,
) -> Option<NaiveDate> {
    let calendar = rules.calendar;
    let sent = rules.day(petition.sent_at);
    let waits = petition.status == PetitionStatus::MoreInfo;
    // What counts, and within how many working days.
    let (until, limit) = match (petition.ended_at, petition.refused_at) {
        (Some(ended), Some(refused)) if ended == refused && petition.answered_at.is_none() => {
            (Some(refused), limits.refuse_working_days)
        }
        (Some(ended), _) => (Some(ended), limits.handle_working_days),
        (None, _) if waits => (petition.info_at, limits.more_info_working_days),
        (None, _) => (None, limits.handle_working_days),
    };
    let due = reach.take(calendar.add_working_days(sent, limits.handle_working_days));
    let unit = petition.unit.as_deref();
    petition.due_at = due.and_then(|day| reach.take(calendar.closing(unit, day)));
    let last = reach.take(calendar.add_working_days(sent, limit));
    petition.on_time = until.zip(last).map(|(until, last)| rules.day(until) <= last);
    let is_late = petition.on_time == Some(false);
    petition.overdue_at = last
        .filter(|_last| !waits && (petition.ended_at.is_none() || is_late))
        .map(|last| Precision::Day.too_late(crate::day::midnight(last, rules.zone), rules));
    petition.published_on_time =
        petition.published_at.zip(petition.answered_at).and_then(|(published, answered)| {
            let last = calendar.add_working_days(rules.day(answered), limits.publish_working_days);
            reach.take(last).map(|last| rules.day(published) <= last)
        });
    last
}

/// Whether handling is over in this status.
const fn is_end(status: PetitionStatus) -> bool {
    match status {
        PetitionStatus::Answered | PetitionStatus::Published | PetitionStatus::Refused => true,
        PetitionStatus::Received
        | PetitionStatus::MoreInfo
        | PetitionStatus::Transferred
        | PetitionStatus::Processing => false,
    }
}

/// Whether the rules allow `to` after `from`. The same status again is no move.
const fn is_legal(from: PetitionStatus, to: PetitionStatus) -> bool {
    use PetitionStatus as S;
    match from {
        S::Received | S::Transferred | S::Processing | S::MoreInfo => {
            !matches!(to, S::Received | S::Published)
        }
        S::Answered => matches!(to, S::Answered | S::Published),
        S::Published => matches!(to, S::Published),
        S::Refused => matches!(to, S::Refused | S::Published),
    }
}

fn illegal_moves(steps: &[Told<PetitionStep>]) -> i16 {
    let moves = steps.windows(2).map(|pair| (pair[0].step.status, pair[1].step.status));
    small(moves.filter(|(from, to)| from != to && !is_legal(*from, *to)).count())
}

#[cfg(test)]
mod tests;
