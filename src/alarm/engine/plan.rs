//! What operators ask for: planned without changing anything, so that it is refused or stored as a whole.

use std::{collections::BTreeMap, sync::Arc};

use super::{Action, Alarm, AlarmId, By, Change, DateTime, Engine, Suppression, Timer, Utc};
use crate::alarm::{
    Refusal, book,
    machine::{OutOfService, Shelf},
    operate::{Operation, Outcome, Request},
};

/// Changes that are numbered and not made yet, and what each asked alarm came to.
#[derive(Debug)]
pub struct Plan {
    /// In the order of their numbers.
    pub changes: Vec<Arc<Change>>,
    /// In the order of the request.
    pub outcomes: Vec<Outcome>,
}

impl Engine {
    /// What a request comes to.
    pub fn plan(&self, request: &Request, now: DateTime<Utc>) -> Plan {
        let mut changes: Vec<Arc<Change>> = Vec::new();
        let mut planned: BTreeMap<&AlarmId, Alarm> = BTreeMap::new();
        let mut outcomes = Vec::with_capacity(request.alarms.len());
        for (id, seen) in &request.alarms {
            let Some(alarm) = planned.get(id).or_else(|| self.alarm(id)) else {
                outcomes.push(Outcome::Unknown);
                continue;
            };
            let status = &alarm.status;
            let has_changed = seen.is_some_and(|seen| {
                seen.occurrence != status.occurrence || seen.state != status.state
            });
            let seq = self.book.next() + i64::try_from(changes.len()).unwrap_or(i64::MAX);
            let mut next = alarm.clone();
            outcomes.push(match operate(&mut next, request, now, seq) {
                // Who was first is told even where the state is another one by now.
                Err(refusal) => Outcome::Refused(refusal, Box::new(alarm.clone())),
                Ok(_) if has_changed => Outcome::Changed(Box::new(alarm.clone())),
                Ok(change) => {
                    changes.push(Arc::new(change));
                    planned.insert(id, next.clone());
                    Outcome::Done(Box::new(next))
                }
            });
        }
        Plan { changes, outcomes }
    }

    /// Makes planned changes. Nothing else may have happened since they were planned.
    pub fn accept(&mut self, changes: &[Arc<Change>]) {
        for change in changes {
            self.book.keep(Arc::clone(change));
            let Some(key) = self.key(&change.alarm.id) else { continue };
            if let Some(instance) = self.instances.get_mut(&key) {
                instance.alarm = change.alarm.clone();
            }
            if let Some(shelf) = &change.alarm.status.shelf {
                self.timers.insert((shelf.until, Timer::Shelf(key)));
            }
        }
    }
}

/// Does one thing to one alarm.
fn operate(
    alarm: &mut Alarm,
    request: &Request,
    now: DateTime<Utc>,
    seq: i64,
) -> Result<Change, Refusal> {
    let Request { operation, who, reason, .. } = request;
    let mut by = By { who: Some(who.clone()), reason: reason.clone(), ..By::default() };
    let action = match operation {
        Operation::Acknowledge => Action::Acknowledge(who.clone()),
        Operation::Reset => Action::Reset,
        Operation::Shelve { until, second } => {
            (by.until, by.second) = (Some(*until), second.clone());
            Action::Shelve(Shelf {
                until: *until,
                by: who.clone(),
                second: second.clone(),
                reason: reason.clone().unwrap_or_default(),
            })
        }
        Operation::Unshelve => Action::Unshelve,
        Operation::Suppress => {
            by.suppressed = Some(Suppression::Operator);
            Action::Suppress(Suppression::Operator)
        }
        Operation::Unsuppress => {
            by.suppressed = Some(Suppression::Operator);
            Action::Unsuppress(Suppression::Operator)
        }
        Operation::OutOfService { ticket } => {
            by.ticket.clone_from(ticket);
            Action::OutOfService(OutOfService { by: who.clone(), ticket: ticket.clone() })
        }
        Operation::InService => Action::InService,
        Operation::Comment => {
            alarm.comments += 1;
            return Ok(book::note(alarm, "comment", now, by, seq));
        }
        Operation::Assign { to } if alarm.assignee == *to => return Err(Refusal::Same),
        Operation::Assign { to } => {
            alarm.assignee.clone_from(to);
            by.assignee.clone_from(to);
            return Ok(book::note(alarm, "assign", now, by, seq));
        }
        Operation::Link { ticket } if alarm.ticket == *ticket => return Err(Refusal::Same),
        Operation::Link { ticket } => {
            alarm.ticket.clone_from(ticket);
            by.ticket.clone_from(ticket);
            return Ok(book::note(alarm, "link", now, by, seq));
        }
    };
    book::act(alarm, &action, now, by, seq)
}
