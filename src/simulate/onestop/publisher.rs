//! The one-stop system as a publisher: what happens from now on, and the last weeks once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, atomic::Ordering},
};

use super::{Entry, LIFE_MAX_DAYS, Onestop};
use crate::simulate::{
    office::{PAST_AT_ONCE, Past, RECENT_DAYS},
    publisher::{Duty, Identity, LATE_AFTER_MS, Outgoing, Surroundings, Work},
};

/// Civil days before the start whose quarterly forms are published: two quarters and a month.
const FORMS_DAYS: i64 = 215;

/// The one-stop system.
#[derive(Debug)]
pub(crate) struct OnestopOffice {
    identity: Identity,
    onestop: Onestop,
    past: Past,
    /// What will happen, by instant and order of making.
    coming: BTreeMap<(i64, u64), Entry>,
    made: u64,
    /// The first civil day that is not in `coming`.
    next_day: i64,
    recent: VecDeque<(i64, Entry)>,
}

impl OnestopOffice {
    /// A system with what is under way at the start.
    pub(crate) fn new(
        around: &Surroundings,
        identity: Identity,
        onestop: Onestop,
        past: Past,
    ) -> Self {
        let (start, today) = (around.start_ms, onestop.day_of(around.start_ms));
        let mut office = Self {
            identity,
            onestop,
            past,
            coming: BTreeMap::new(),
            made: 0,
            next_day: today + 1,
            recent: VecDeque::new(),
        };
        let mut recent = Vec::new();
        for day in today - LIFE_MAX_DAYS..=today {
            for (at, entry) in office.onestop.of_day(day) {
                if at < start {
                    recent.push((at, entry));
                } else {
                    office.add(at, entry);
                }
            }
        }
        if office.past.backfill {
            for day in today - FORMS_DAYS..today - LIFE_MAX_DAYS {
                recent.extend(office.onestop.forms_of_day(day));
            }
        } else {
            let since = office.onestop.begin_of(today - RECENT_DAYS);
            recent.retain(|(at, _)| *at >= since);
        }
        recent.sort_by_key(|(at, _)| *at);
        office.past.stats.backfill_total.fetch_add(recent.len() as u64, Ordering::Relaxed);
        office.recent = recent.into();
        office
    }

    fn add(&mut self, at: i64, entry: Entry) {
        self.coming.insert((at, self.made), entry);
        self.made += 1;
    }

    /// Its status message.
    pub(crate) fn status(&self, online: bool) -> Outgoing {
        self.identity.status(online)
    }

    /// Does what falls due.
    pub(crate) fn perform(&mut self, duty: Duty, due_ms: i64, now_ms: i64, work: &mut Work) {
        match duty {
            Duty::Hello => {
                work.messages.push(self.identity.status(true));
                work.duties.push((due_ms + 1, Duty::Record));
                work.duties.push((due_ms + 1, Duty::Past));
            }
            Duty::Record => self.record(due_ms, now_ms, work),
            Duty::Past => self.publish_past(due_ms, work),
            Duty::Fault
            | Duty::State
            | Duty::Events
            | Duty::Interval
            | Duty::Incident
            | Duty::Health
            | Duty::Replay => {}
        }
    }

    fn publish(&mut self, at_ms: i64, entry: Entry, late: bool, work: &mut Work) {
        let (stream, fact) = entry.fact();
        work.messages.push(self.identity.message(stream, at_ms, late, &fact));
    }

    fn record(&mut self, due_ms: i64, now_ms: i64, work: &mut Work) {
        while self.onestop.begin_of(self.next_day) <= due_ms {
            for (at, entry) in self.onestop.of_day(self.next_day) {
                self.add(at, entry);
            }
            self.next_day += 1;
        }
        while let Some(first) = self.coming.first_entry().filter(|first| first.key().0 <= due_ms) {
            let ((at_ms, _), entry) = first.remove_entry();
            self.publish(at_ms, entry, now_ms - due_ms > LATE_AFTER_MS, work);
        }
        let midnight = self.onestop.begin_of(self.next_day);
        let next = self.coming.first_key_value().map_or(midnight, |((at, _), _)| midnight.min(*at));
        work.duties.push((next.max(due_ms + 1), Duty::Record));
    }

    /// The next lot of the last weeks.
    fn publish_past(&mut self, due_ms: i64, work: &mut Work) {
        let stats = Arc::clone(&self.past.stats);
        for _ in 0..PAST_AT_ONCE {
            let Some((at_ms, entry)) = self.recent.pop_front() else { return };
            self.publish(at_ms, entry, true, work);
            stats.backfilled.fetch_add(1, Ordering::Relaxed);
        }
        work.duties.push((due_ms + self.past.lot_every_ms, Duty::Past));
    }
}
