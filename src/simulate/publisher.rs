//! What every publisher of the simulated city has in common: name, boot, seq, topics, and duties that
//! fall due at simulated instants.

use std::sync::Arc;

use chrono_tz::Tz;
use ioc_ingest::{
    Clock, ClockSource, Envelope, Fact, Service, Source, Stream, Topic, health::Status,
};

use super::{
    calendar::utc,
    dice::{Dice, Purpose, key},
    wire,
};
use crate::schedule::Schedule;

/// Behind the clock by more than this, a message is marked as replayed from a buffer.
pub(crate) const LATE_AFTER_MS: i64 = 30_000;
/// What is older than this has been overwritten in the buffer of a device.
pub(crate) const BUFFER_SPAN_MS: i64 = 3_600_000;

/// A message ready to be published with `QoS` 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Topic.
    pub(crate) topic: Arc<str>,
    /// Body.
    pub(crate) payload: String,
    /// Whether the broker keeps it.
    pub(crate) retain: bool,
}

/// What a publisher does at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Duty {
    /// Say hello: status, health, latest state or interval.
    Hello,
    /// Follow the fault of the hour: link, power, lamps.
    Fault,
    /// State of a controller.
    State,
    /// Events of a controller since the last batch.
    Events,
    /// The interval that has just ended.
    Interval,
    /// An incident, or its end.
    Incident,
    /// Health.
    Health,
    /// The next message of the buffer, after an outage.
    Replay,
    /// Tickets, calls and figures as they happen.
    Record,
    /// Tickets, calls and figures of the past.
    Past,
}

/// What comes out of a duty.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Messages, in order.
    pub(crate) messages: Vec<Outgoing>,
    /// Further duties with the instants at which they fall due.
    pub(crate) duties: Vec<(i64, Duty)>,
}

/// What the publishers know of their city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// Token of the city in topics.
    pub(crate) city: Arc<str>,
    /// Seed of the simulation.
    pub(crate) seed: u64,
    /// Zone of the city's civil time.
    pub(crate) zone: Tz,
    /// Whether equipment fails.
    pub(crate) faults: bool,
    /// Simulated instant at which the simulator starts.
    pub(crate) start_ms: i64,
    /// The city's schedule of signal plans.
    pub(crate) schedule: Schedule,
}

/// Name and counters of a publisher.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) service: Service,
    pub(crate) key: u64,
    pub(crate) boot: u32,
    topics: [Arc<str>; Stream::ALL.len()],
    next_seq: [u64; Stream::ALL.len()],
    clock_offset_ms: i32,
}

impl Identity {
    /// A publisher that has just started at `start_ms`.
    pub(crate) fn new(around: &Surroundings, service: Service, source: &Source) -> Self {
        let topic =
            |stream| Topic { service, source: source.clone(), stream }.to_text(&around.city).into();
        let key = key(source.as_str());
        let offset = Dice::new(around.seed, Purpose::Layout, key, 3).index(19);
        Self {
            service,
            key,
            boot: seconds(around.start_ms),
            topics: Stream::ALL.map(topic),
            next_seq: [0; Stream::ALL.len()],
            clock_offset_ms: i32::try_from(offset).unwrap_or(0) - 9,
        }
    }

    /// Starts again at `at_ms`: a greater boot, and every seq from the beginning.
    pub(crate) fn restart(&mut self, at_ms: i64) {
        self.boot = seconds(at_ms).max(self.boot.saturating_add(1));
        self.next_seq = [0; Stream::ALL.len()];
    }

    /// Topic of one of its streams.
    pub(crate) fn topic(&self, stream: Stream) -> Arc<str> {
        Arc::clone(&self.topics[stream as usize])
    }

    /// Number of the next message of a stream, which is used up by asking.
    pub(crate) fn take_seq(&mut self, stream: Stream) -> u64 {
        let next = &mut self.next_seq[stream as usize];
        let seq = *next;
        *next += 1;
        seq
    }

    /// A message of `stream` with the next seq.
    pub(crate) fn message(
        &mut self,
        stream: Stream,
        time_ms: i64,
        late: bool,
        fact: &Fact,
    ) -> Outgoing {
        let offset_ms = Some(self.clock_offset_ms);
        let envelope = Envelope {
            time: utc(time_ms),
            boot: self.boot,
            seq: self.take_seq(stream),
            clock: Some(Clock { source: ClockSource::Ntp, offset_ms }),
            late,
        };
        let retain = matches!(stream, Stream::State | Stream::Health);
        Outgoing { topic: self.topic(stream), payload: wire::message(&envelope, fact), retain }
    }

    /// The status message, which the broker keeps.
    pub(crate) fn status(&self, online: bool) -> Outgoing {
        let payload = wire::status(Status { online, boot: self.boot });
        Outgoing { topic: self.topic(Stream::Status), payload, retain: true }
    }
}

/// Unix seconds, as a boot counter wants them.
fn seconds(at_ms: i64) -> u32 {
    u32::try_from(at_ms.div_euclid(1000)).unwrap_or(0)
}
