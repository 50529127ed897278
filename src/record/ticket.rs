//! Tickets of the service desk as they stand.
//!
//! Handled means: reached resolved, published or closed after the last step that left it open. Waiting
//! for the citizen or for others stops the clock. A ticket whose due time nobody told is due by the
//! service levels of the desk that were valid when it was created.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ioc_ingest::{
    Word as _,
    dossier::{LimitUnit, TimeLimit},
    ticket::{Channel, Location, TicketKind, TicketStatus, TicketStep},
};

use super::{
    Due, Pause, Precision, Reach, Rules, Step, Told, latest, minutes, paused, small, sort, times,
    working_min,
};
use crate::indicator::law::DeskLimits;

/// A ticket as it stands; a row of the table of that name, whose comments say what the columns mean.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the columns are described in the schema, once")]
pub struct Ticket {
    pub ticket: Box<str>,
    pub status: TicketStatus,
    pub status_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub handled_at: Option<DateTime<Utc>>,
    pub channel: Option<Channel>,
    pub kind: Option<TicketKind>,
    pub category: Option<Box<str>>,
    pub unit: Option<Box<str>>,
    pub summary: Option<Box<str>>,
    pub location: Option<Location>,
    pub due_at: Option<DateTime<Utc>>,
    pub first_response_at: Option<DateTime<Utc>>,
    pub solved_at_desk: Option<bool>,
    pub merged_into: Option<Box<str>>,
    pub rating: Option<u8>,
    pub units: i16,
    pub reopened: i16,
    pub assigned_at: Option<DateTime<Utc>>,
    pub is_paused: bool,
    pub paused_s: i64,
    pub effective_due: Option<DateTime<Utc>>,
    pub on_time: Option<bool>,
    pub sla_met: Option<bool>,
    pub satisfied: Option<bool>,
    pub dispatch_min: Option<i32>,
    pub first_response_min: Option<i32>,
    pub resolve_min: Option<i32>,
    pub calendar: i16,
    pub left_at: Option<DateTime<Utc>>,
    pub created_day: NaiveDate,
    pub handled_day: Option<NaiveDate>,
    pub left_day: Option<NaiveDate>,
    pub due_day: Option<NaiveDate>,
}

impl Step for TicketStep {
    fn at(&self) -> DateTime<Utc> {
        self.at
    }

    fn rank(&self) -> u8 {
        let place = TicketStatus::ALL.iter().position(|status| *status == self.status);
        place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
    }
}

/// What a status means for the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Waiting,
    Handled,
    Left,
}

const fn phase(status: TicketStatus) -> Phase {
    match status {
        TicketStatus::New
        | TicketStatus::Triaged
        | TicketStatus::Assigned
        | TicketStatus::InProgress
        | TicketStatus::Reopened => Phase::Open,
        TicketStatus::WaitingCitizen | TicketStatus::WaitingOther => Phase::Waiting,
        TicketStatus::Resolved | TicketStatus::Published | TicketStatus::Closed => Phase::Handled,
        TicketStatus::Rejected | TicketStatus::Duplicate | TicketStatus::Transferred => Phase::Left,
    }
}

/// Folds the steps of one ticket; null without steps.
pub fn fold(mut steps: Vec<Told<TicketStep>>, rules: &Rules<'_>) -> Option<Ticket> {
    sort(&mut steps);
    let steps = &steps[..];
    let (first, last) = (&steps.first()?.step, &steps.last()?.step);
    let is_open =
        |told: &Told<TicketStep>| matches!(phase(told.step.status), Phase::Open | Phase::Waiting);
    let closing = &steps[steps.iter().rposition(is_open).map_or(0, |at| at + 1)..];
    let since = |wanted: Phase| {
        let mut reached = closing.iter().filter(|told| phase(told.step.status) == wanted);
        let stands = phase(last.status) == wanted;
        reached.next().filter(|_told| stands).map(|told| told.step.at)
    };
    let (handled_at, left_at) = (since(Phase::Handled), since(Phase::Left));
    let assigned = [TicketStatus::Assigned, TicketStatus::InProgress];
    let mut taken = steps.iter().filter(|told| assigned.contains(&told.step.status));
    let units: BTreeSet<&str> = steps.iter().filter_map(|told| told.step.unit.as_deref()).collect();
    let reopened = times(steps, |step| step.status == TicketStatus::Reopened);
    let mut ticket = Ticket {
        ticket: first.ticket.clone(),
        status: last.status,
        status_at: last.at,
        created_at: first.at,
        handled_at,
        channel: latest(steps, |step| step.channel),
        kind: latest(steps, |step| step.kind),
        category: latest(steps, |step| step.category.clone()),
        unit: latest(steps, |step| step.unit.clone()),
        summary: latest(steps, |step| step.summary.clone()),
        location: latest(steps, |step| step.location),
        due_at: None,
        first_response_at: latest(steps, |step| step.first_response_at),
        solved_at_desk: latest(steps, |step| step.solved_at_desk),
        merged_into: latest(steps, |step| step.merged_into.clone()),
        rating: latest(steps, |step| step.rating),
        units: small(units.len()),
        reopened,
        assigned_at: taken.next().map(|told| told.step.at),
        is_paused: false,
        paused_s: 0,
        effective_due: None,
        on_time: None,
        sla_met: None,
        satisfied: None,
        dispatch_min: None,
        first_response_min: None,
        resolve_min: None,
        calendar: 0,
        left_at,
        created_day: rules.day(first.at),
        handled_day: handled_at.map(|at| rules.day(at)),
        left_day: left_at.map(|at| rules.day(at)),
        due_day: None,
    };
    judge(&mut ticket, steps, rules);
    Some(ticket)
}

/// Judges its time.
fn judge(ticket: &mut Ticket, steps: &[Told<TicketStep>], rules: &Rules<'_>) {
    let (created, end) = (ticket.created_at, ticket.handled_at.or(ticket.left_at));
    let counted =
        end.map_or(steps, |end| &steps[..steps.partition_point(|told| told.step.at <= end)]);
    let waits = |step: &TicketStep| phase(step.status) == Phase::Waiting;
    let pauses = Pause::all(counted, created, waits);
    ticket.is_paused = end.is_none() && pauses.last().is_some_and(|pause| pause.to.is_none());
    ticket.paused_s = paused(&pauses).num_seconds();
    let told = Due::in_force(steps, end, |step: &TicketStep| step.due_at);
    ticket.due_at = told.map(|due| due.at);
    let mut reach = Reach::default();
    let limits = rules.parameters.desk(ticket.created_day);
    let usual = || {
        let at = usual_due(ticket, limits?, &mut reach, rules)?;
        Some(Due { at, set_at: DateTime::<Utc>::MIN_UTC })
    };
    if let Some(due) = told.or_else(usual) {
        let put_off = due.put_off(&pauses);
        ticket.effective_due = (!ticket.is_paused).then_some(due.at + put_off);
        ticket.due_day = ticket.effective_due.map(|due| rules.day(due));
        let too_late = Precision::Minute.too_late(due.at, rules) + put_off;
        ticket.on_time = ticket.handled_at.map(|handled| handled < too_late);
    }
    let rating = ticket.rating.zip(limits);
    ticket.satisfied = rating.map(|(rating, limits)| rating >= limits.satisfied_rating);
    let unit = ticket.unit.as_deref();
    ticket.dispatch_min = ticket.assigned_at.map(|at| minutes((at - created).num_minutes()));
    let mut working = |until: Option<DateTime<Utc>>, pauses: &[Pause]| {
        let spent = until.map(|until| working_min(rules, unit, (created, until), pauses));
        spent.and_then(|spent| reach.take(spent))
    };
    ticket.first_response_min = working(ticket.first_response_at, &[]);
    ticket.resolve_min = working(ticket.handled_at, &pauses);
    ticket.sla_met = ticket.on_time.map(|is_on_time| {
        let targets = limits.map(|limits| is_prompt(ticket, limits, &mut reach, rules));
        is_on_time && targets.unwrap_or(true)
    });
    let from = ticket.created_day;
    let until = ticket.handled_day.unwrap_or(from).max(from);
    reach.note(rules.calendar.completeness(from, until));
    ticket.calendar = reach.0;
}

/// When a ticket is due whose due time nobody told; null where the calendar does not reach.
fn usual_due(
    ticket: &Ticket,
    limits: &DeskLimits,
    reach: &mut Reach,
    rules: &Rules<'_>,
) -> Option<DateTime<Utc>> {
    let category = ticket.category.as_deref();
    let is_urgent = limits.urgent_categories.iter().any(|urgent| category == Some(urgent));
    let value = match ticket.kind {
        Some(TicketKind::Petition) => limits.petition_working_days,
        _ if is_urgent => {
            return Some(ticket.created_at + TimeDelta::hours(limits.urgent_h.into()));
        }
        Some(TicketKind::Inquiry | TicketKind::Request | TicketKind::Report) | None => {
            limits.normal_working_days
        }
    };
    let limit = TimeLimit { value, unit: LimitUnit::WorkingDay };
    reach.take(rules.calendar.due(ticket.created_at, limit, ticket.unit.as_deref()))
}

/// Whether it was given to a unit and answered for the first time within the service levels. What was
/// not told is no breach.
fn is_prompt(ticket: &Ticket, limits: &DeskLimits, reach: &mut Reach, rules: &Rules<'_>) -> bool {
    let (created, unit) = (ticket.created_at, ticket.unit.as_deref());
    let forwarded = ticket.assigned_at.and_then(|at| {
        let spent = reach.take(rules.calendar.working_minutes(unit, created, at))?;
        Some(spent <= limits.forward_working_min.into())
    });
    let limit =
        TimeLimit { value: limits.first_response_working_days, unit: LimitUnit::WorkingDay };
    let responded = ticket.first_response_at.and_then(|at| {
        let due = reach.take(rules.calendar.due(created, limit, unit))?;
        Some(rules.day(at) <= rules.day(due))
    });
    forwarded.unwrap_or(true) && responded.unwrap_or(true)
}

#[cfg(test)]
mod tests;
