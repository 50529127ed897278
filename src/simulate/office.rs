//! The city's systems without a place: the service desk and the feeds of figures.

use std::{collections::VecDeque, sync::Arc, sync::atomic::Ordering};

use ioc_ingest::{Fact, Stream};

use super::{
    SimulateStats,
    calendar::HOUR_MS,
    desk::{Desk, Entry, LIFE_MAX_DAYS},
    metric::Feed,
    publisher::{Duty, Identity, LATE_AFTER_MS, Outgoing, Surroundings, Work},
    year::Year,
};

/// Messages of the past that go out together.
pub(super) const PAST_AT_ONCE: u32 = 10;
/// Span of the tickets that are computed ahead.
const LOOK_AHEAD_MS: i64 = HOUR_MS;
/// Civil days before the start that are published again at every start: today and yesterday.
pub(super) const RECENT_DAYS: i64 = 1;

/// How the past is published.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    /// Whether all of it, or only the last days.
    pub(crate) backfill: bool,
    /// Simulated milliseconds between two lots of messages.
    pub(crate) lot_every_ms: i64,
    /// Where it is counted.
    pub(crate) stats: Arc<SimulateStats>,
}

impl Past {
    /// A past at `per_s` messages per real second in a simulation of this speed.
    pub(crate) fn new(backfill: bool, per_s: f64, speed: f64, stats: Arc<SimulateStats>) -> Self {
        let every_ms = f64::from(PAST_AT_ONCE) * 1000.0 / per_s.max(0.1) * speed;
        let lot_every_ms = i64::from(super::dice::whole(every_ms, u32::MAX)).max(1);
        Self { backfill, lot_every_ms, stats }
    }
}

/// The service desk as a publisher.
#[derive(Debug)]
pub(crate) struct DeskOffice {
    identity: Identity,
    desk: Desk,
    past: Past,
    coming: VecDeque<(i64, Entry)>,
    known_until_ms: i64,
    recent: VecDeque<(i64, Entry)>,
    year: Option<Year>,
    next_ticket: usize,
}

impl DeskOffice {
    /// A desk with the tickets that are under way at the start; `year` is published once, after the
    /// recent days.
    pub(crate) fn new(
        around: &Surroundings,
        identity: Identity,
        desk: Desk,
        year: Option<Year>,
        past: Past,
    ) -> Self {
        let today = desk.day_of(around.start_ms);
        let days = if past.backfill { LIFE_MAX_DAYS - 1 } else { RECENT_DAYS };
        let mut recent = Vec::new();
        for day in today - days..=today {
            let steps = desk.tickets(day).into_iter().flatten();
            recent.extend(steps.map(|step| (step.at.timestamp_millis(), Entry::Step(step))));
            let ended =
                |call: &ioc_ingest::ticket::Call| call.ended_at.map(|at| at.timestamp_millis());
            let calls = desk.calls(day).into_iter();
            recent.extend(calls.filter_map(|call| Some((ended(&call)?, Entry::Call(call)))));
        }
        recent.retain(|(at, _)| *at < around.start_ms);
        recent.sort_by_key(|(at, _)| *at);
        let year = year.filter(|_| past.backfill);
        let total = recent.len() + year.as_ref().map_or(0, Year::len);
        past.stats.backfill_total.fetch_add(total as u64, Ordering::Relaxed);
        Self {
            identity,
            desk,
            past,
            coming: VecDeque::new(),
            known_until_ms: around.start_ms,
            recent: recent.into(),
            year,
            next_ticket: 0,
        }
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
        let (stream, fact) = match entry {
            Entry::Step(step) => (Stream::Ticket, Fact::Ticket(Box::new(step))),
            Entry::Call(call) => (Stream::Call, Fact::Call(Box::new(call))),
        };
        work.messages.push(self.identity.message(stream, at_ms, late, &fact));
    }

    fn record(&mut self, due_ms: i64, now_ms: i64, work: &mut Work) {
        while let Some((at_ms, entry)) = self.coming.pop_front_if(|(at, _)| *at <= due_ms) {
            self.publish(at_ms, entry, now_ms - due_ms > LATE_AFTER_MS, work);
        }
        if due_ms >= self.known_until_ms {
            let until = due_ms + LOOK_AHEAD_MS;
            self.coming.extend(self.desk.between(self.known_until_ms, until));
            self.known_until_ms = until;
        }
        let next = self.coming.front().map_or(self.known_until_ms, |(at, _)| *at);
        work.duties.push((next.max(due_ms + 1), Duty::Record));
    }

    /// The next lot of the past: the recent days first, then the published period.
    fn publish_past(&mut self, due_ms: i64, work: &mut Work) {
        let stats = Arc::clone(&self.past.stats);
        for _ in 0..PAST_AT_ONCE {
            if let Some((at_ms, entry)) = self.recent.pop_front() {
                self.publish(at_ms, entry, true, work);
            } else if let Some(life) =
                self.year.as_ref().and_then(|year| year.life(self.next_ticket))
            {
                self.next_ticket += 1;
                for step in life {
                    self.publish(step.at.timestamp_millis(), Entry::Step(step), true, work);
                }
            } else {
                return;
            }
            stats.backfilled.fetch_add(1, Ordering::Relaxed);
        }
        work.duties.push((due_ms + self.past.lot_every_ms, Duty::Past));
    }
}

/// A system that publishes figures.
#[derive(Debug)]
pub(crate) struct FeedOffice {
    identity: Identity,
    feed: Feed,
    past: Past,
}

impl FeedOffice {
    /// A system with its figures; what was printed is published once.
    pub(crate) fn new(identity: Identity, feed: Feed, past: Past) -> Self {
        let total = if past.backfill { feed.printed().len() } else { 0 };
        past.stats.backfill_total.fetch_add(total as u64, Ordering::Relaxed);
        Self { identity, feed, past }
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
                for (at_ms, sample) in self.feed.latest(due_ms) {
                    let fact = Fact::Metric(sample);
                    work.messages.push(self.identity.message(Stream::Sample, at_ms, false, &fact));
                }
                if let Some(next) = self.feed.next_ms(due_ms) {
                    work.duties.push((next, Duty::Record));
                }
                work.duties.push((due_ms + 1, Duty::Past));
            }
            Duty::Record => {
                self.publish(due_ms, now_ms - due_ms > LATE_AFTER_MS, work);
                if let Some(next) = self.feed.next_ms(due_ms) {
                    work.duties.push((next, Duty::Record));
                }
            }
            Duty::Past if self.past.backfill => {
                for (at_ms, sample) in self.feed.printed() {
                    let fact = Fact::Metric(sample.clone());
                    work.messages.push(self.identity.message(Stream::Sample, *at_ms, true, &fact));
                    self.past.stats.backfilled.fetch_add(1, Ordering::Relaxed);
                }
            }
            Duty::Past
            | Duty::Fault
            | Duty::State
            | Duty::Events
            | Duty::Interval
            | Duty::Incident
            | Duty::Health
            | Duty::Replay => {}
        }
    }

    fn publish(&mut self, at_ms: i64, late: bool, work: &mut Work) {
        for sample in self.feed.samples(at_ms) {
            work.messages.push(self.identity.message(
                Stream::Sample,
                at_ms,
                late,
                &Fact::Metric(sample),
            ));
        }
    }
}
