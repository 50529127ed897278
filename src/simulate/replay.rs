//! Recorded controller events published as that controller would have done.
//!
//! A [`Recording`] is read from CSV (`TimeStamp,DeviceId,EventId,Parameter`; naive local time, which a
//! zone turns into UTC once). [`replay`] sends it in order in batches of the contract, one window after
//! the other: the next begins when the broker has acknowledged the last, and a window is sent again
//! after a lost session, which by the natural keys changes nothing.

use std::{
    collections::BTreeMap,
    io::Read,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use ioc_ingest::{
    Envelope, Fact, Service, Source, Stream, Topic,
    health::Status,
    signal::{ControllerEvent, SignalEvents},
    topic::NotAToken,
};
use rumqttc::v5::AsyncClient;
use serde::Deserialize;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Broker, SimulateStats, connection, publisher::Outgoing, wire};
use crate::clock::SharedClock;

/// Most events of one message, and the longest span from its first to its last.
const EVENTS_MAX: usize = 200;
const SPAN_MAX_MS: i64 = 1000;
/// Batches that are under way before the broker must have acknowledged them.
const WINDOW: usize = 200;

/// Recorded events per controller, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recording {
    /// Rows of the file.
    pub rows: usize,
    /// Rows that repeat an earlier one of the same batch; they are sent once.
    pub repeated: usize,
    /// Batches per device id of the file.
    devices: BTreeMap<String, Vec<Vec<ControllerEvent>>>,
}

/// Why a recording cannot be read or published.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file is not the CSV that was expected.
    #[error("read controller events (columns TimeStamp, DeviceId, EventId, Parameter)")]
    Csv(#[from] csv::Error),
    /// A time that cannot be read.
    #[error("line {line}: time {text:?} is not like 2024-04-15 12:00:00.000")]
    Time {
        /// Line of the file.
        line: u64,
        /// What stands there.
        text: String,
    },
    /// A local time that the zone skips.
    #[error("line {line}: {text} does not exist in {zone}")]
    NoSuchTime {
        /// Line of the file.
        line: u64,
        /// What stands there.
        text: String,
        /// The zone.
        zone: Tz,
    },
    /// A device id that makes no source.
    #[error("device id of the recording: {0}")]
    Source(#[from] NotAToken),
    /// One source was named for several recorded devices.
    #[error("a source is named, but the recording holds {devices} devices")]
    ManyDevices {
        /// How many.
        devices: usize,
    },
    /// The broker does not let us publish some of it.
    #[error("the broker refused {refused} messages")]
    Refused {
        /// How many.
        refused: u64,
    },
    /// Stopped before the end.
    #[error("stopped after {acknowledged} of {batches} batches")]
    Stopped {
        /// Batches that the broker acknowledged.
        acknowledged: usize,
        /// Batches of the recording.
        batches: usize,
    },
}

/// How to publish a recording.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// Where to publish.
    pub broker: Broker,
    /// Token of the city.
    pub city: String,
    /// Source to publish as; null: `atspm-` and the device id of the file.
    pub source: Option<Source>,
}

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayProgress {
    /// Batches that the broker acknowledged.
    pub acknowledged: usize,
    /// Batches of the recording.
    pub batches: usize,
    /// Events in the acknowledged batches.
    pub events: usize,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(rename = "TimeStamp")]
    time: String,
    #[serde(rename = "DeviceId")]
    device: String,
    #[serde(rename = "EventId")]
    code: u16,
    #[serde(rename = "Parameter")]
    parameter: u16,
}

impl Recording {
    /// Reads a recording whose times are local to `zone`. A local time that comes twice in a year is
    /// taken the first time.
    ///
    /// # Errors
    /// The first row that cannot be read.
    pub fn read(csv: impl Read, zone: Tz) -> Result<Self, ReplayError> {
        let mut recording = Self::default();
        let mut reader = csv::Reader::from_reader(csv);
        for row in reader.deserialize() {
            let Row { time: text, device, code, parameter } = row?;
            recording.rows += 1;
            let line = recording.rows as u64 + 1;
            let Some(naive) = parse_time(&text) else {
                return Err(ReplayError::Time { line, text });
            };
            let Some(time) = zone.from_local_datetime(&naive).earliest() else {
                return Err(ReplayError::NoSuchTime { line, text, zone });
            };
            let event = ControllerEvent { time: time.to_utc(), code, parameter };
            let batches = recording.devices.entry(device).or_default();
            if !add(batches, event) {
                recording.repeated += 1;
            }
        }
        Ok(recording)
    }

    /// Batches of all devices.
    pub fn batches(&self) -> usize {
        self.devices.values().map(Vec::len).sum()
    }

    /// Events that are sent.
    pub const fn events(&self) -> usize {
        self.rows - self.repeated
    }

    /// First and last event; null for an empty recording.
    pub fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let times = || self.devices.values().flatten().flatten().map(|event| event.time);
        Some((times().min()?, times().max()?))
    }

    /// The sources that the recording is published as, in the order of the file's device ids.
    ///
    /// # Errors
    /// A device id that makes no source, or one source for several devices.
    pub fn sources(&self, named: Option<&Source>) -> Result<Vec<Source>, ReplayError> {
        match named {
            Some(source) if self.devices.len() <= 1 => Ok(vec![source.clone()]),
            Some(_) => Err(ReplayError::ManyDevices { devices: self.devices.len() }),
            None => {
                let source = |device: &String| Ok(Source::parse(&format!("atspm-{device}"))?);
                self.devices.keys().map(source).collect()
            }
        }
    }
}

fn parse_time(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let with = |format| NaiveDateTime::parse_from_str(text, format).ok();
    with("%Y-%m-%d %H:%M:%S%.f").or_else(|| with("%Y-%m-%dT%H:%M:%S%.f"))
}

/// Puts an event into the last batch, or into a new one where it does not fit; false when the batch
/// holds it already.
fn add(batches: &mut Vec<Vec<ControllerEvent>>, event: ControllerEvent) -> bool {
    if let Some(batch) = batches.last_mut()
        && let Some(first) = batch.first()
        && batch.len() < EVENTS_MAX
        && (0..=SPAN_MAX_MS).contains(&(event.time - first.time).num_milliseconds())
    {
        let known = batch.contains(&event);
        if !known {
            batch.push(event);
        }
        return !known;
    }
    batches.push(vec![event]);
    true
}

/// A batch as it goes out.
struct Batch {
    message: Outgoing,
    events: usize,
}

fn batches(
    recording: &Recording,
    options: &ReplayOptions,
    boot: u32,
) -> Result<(Vec<Outgoing>, Vec<Batch>), ReplayError> {
    let sources = recording.sources(options.source.as_ref())?;
    let (mut statuses, mut found) = (Vec::new(), Vec::new());
    for (source, events) in sources.into_iter().zip(recording.devices.values()) {
        let topic = |stream| {
            Topic { service: Service::Signal, source: source.clone(), stream }
                .to_text(&options.city)
                .into()
        };
        let payload = wire::status(Status { online: true, boot });
        statuses.push(Outgoing { topic: topic(Stream::Status), payload, retain: true });
        let topic: Arc<str> = topic(Stream::Events);
        for (seq, events) in events.iter().enumerate() {
            let Some(first) = events.first() else { continue };
            let envelope =
                Envelope { time: first.time, boot, seq: seq as u64, clock: None, late: true };
            let fact = Fact::SignalEvents(SignalEvents { events: events.clone() });
            let payload = wire::message(&envelope, &fact);
            let message = Outgoing { topic: Arc::clone(&topic), payload, retain: false };
            found.push(Batch { message, events: events.len() });
        }
    }
    Ok((statuses, found))
}

/// Publishes a recording as fast as the broker acknowledges it; `progress` is told after each window.
///
/// # Errors
/// Device ids that make no source, or the stop before the end. An absent broker is waited for.
pub async fn replay(
    options: &ReplayOptions,
    recording: &Recording,
    clock: SharedClock,
    stop: CancellationToken,
    mut progress: impl FnMut(ReplayProgress),
) -> Result<ReplayProgress, ReplayError> {
    let boot = u32::try_from(clock.now().timestamp()).unwrap_or(0);
    let (statuses, batches) = batches(recording, options, boot)?;
    let mut done = ReplayProgress { acknowledged: 0, batches: batches.len(), events: 0 };
    let mut way = Way::new(&options.broker, boot);
    let complete = tokio::select! {
        () = async {
            way.send(&statuses.iter().collect::<Vec<_>>()).await;
            for part in batches.chunks(WINDOW) {
                way.send(&part.iter().map(|batch| &batch.message).collect::<Vec<_>>()).await;
                done.acknowledged += part.len();
                done.events += part.iter().map(|batch| batch.events).sum::<usize>();
                progress(done);
            }
        } => true,
        () = stop.cancelled() => false,
    };
    let refused = way.close().await;
    match (complete, refused) {
        (true, 0) => Ok(done),
        (true, refused) => Err(ReplayError::Refused { refused }),
        (false, _) => {
            Err(ReplayError::Stopped { acknowledged: done.acknowledged, batches: done.batches })
        }
    }
}

/// A connection that is replaced by a new one when it breaks, so that acknowledgements are only ever
/// counted for messages of the connection that is in use.
struct Way<'a> {
    broker: &'a Broker,
    boot: u32,
    number: u32,
    stats: Arc<SimulateStats>,
    open: Open,
}

struct Open {
    client: AsyncClient,
    connects: watch::Receiver<u64>,
    acknowledged: watch::Receiver<u64>,
    stop: CancellationToken,
    task: JoinSet<()>,
}

impl<'a> Way<'a> {
    fn new(broker: &'a Broker, boot: u32) -> Self {
        let stats = Arc::new(SimulateStats::default());
        let open = Open::new(broker, format!("ioc-replay-{boot}-0"), &stats);
        Self { broker, boot, number: 0, stats, open }
    }

    /// Sends messages until the broker has acknowledged all of them on one connection.
    async fn send(&mut self, messages: &[&Outgoing]) {
        while !self.open.send(messages).await {
            self.number += 1;
            let client_id = format!("ioc-replay-{}-{}", self.boot, self.number);
            self.open = Open::new(self.broker, client_id, &self.stats);
        }
    }

    /// Closes the connection; returns how many messages the broker refused.
    async fn close(mut self) -> u64 {
        let _ = self.open.client.try_disconnect();
        self.open.stop.cancel();
        while self.open.task.join_next().await.is_some() {}
        self.stats.refused.load(Ordering::Relaxed)
    }
}

impl Open {
    fn new(broker: &Broker, client_id: String, stats: &Arc<SimulateStats>) -> Self {
        let (client, events) = connection::open(broker, client_id, None);
        let (connected, connects) = watch::channel(0);
        let (counted, acknowledged) = watch::channel(0);
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(connection::drive(events, Arc::clone(stats), connected, counted, stop.clone()));
        Self { client, connects, acknowledged, stop, task }
    }

    /// False when the connection broke before everything was acknowledged.
    async fn send(&mut self, messages: &[&Outgoing]) -> bool {
        let wanted = *self.acknowledged.borrow() + messages.len() as u64;
        let mut connects = self.connects.clone();
        let all_sent = async {
            for message in messages {
                if !connection::publish(&self.client, (*message).clone()).await {
                    return false;
                }
            }
            self.acknowledged.wait_for(|count| *count >= wanted).await.is_ok()
        };
        tokio::select! {
            sent = all_sent => sent,
            _ = connects.wait_for(|count| *count > 1) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Result<Recording, ReplayError> {
        let text = format!("TimeStamp,DeviceId,EventId,Parameter\n{rows}");
        Recording::read(text.as_bytes(), chrono_tz::America::Los_Angeles)
    }

    #[test]
    fn local_times_are_converted_once_with_the_zone() {
        let recording = read("2024-04-15 12:00:00.100,1136,82,17\n").unwrap();
        let (first, _) = recording.span().unwrap();
        assert_eq!(first.to_rfc3339(), "2024-04-15T19:00:00.100+00:00");
        assert_eq!(recording.sources(None).unwrap()[0].as_str(), "atspm-1136");
    }

    #[test]
    fn batches_hold_a_second_or_two_hundred_events_and_no_event_twice() {
        let row = |n: u32| format!("2024-04-15 12:00:00.{:03},7,82,{n}", n / 2);
        let many = (0..450).map(row).collect::<Vec<_>>().join("\n");
        let recording = read(&many).unwrap();
        let sizes: Vec<_> = recording.devices["7"].iter().map(Vec::len).collect();
        assert_eq!(sizes, [200, 200, 50]);
        let twice = "2024-04-15 12:00:00.000,7,82,1\n2024-04-15 12:00:00.000,7,82,1\n\
                     2024-04-15 12:00:01.001,7,81,1\n2024-04-15 12:00:00.500,7,81,2\n";
        let recording = read(twice).unwrap();
        assert_eq!((recording.rows, recording.repeated, recording.batches()), (4, 1, 3));
        assert_eq!(recording.events(), 3);
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let bad = read("2024-04-15 12:00:00,1,82,1\nyesterday,1,82,1\n").unwrap_err();
        assert_eq!(
            bad.to_string(),
            "line 3: time \"yesterday\" is not like 2024-04-15 12:00:00.000"
        );
        let skipped = read("2024-03-10 02:30:00,1,82,1\n").unwrap_err();
        assert!(skipped.to_string().starts_with("line 2: 2024-03-10 02:30:00 does not exist"));
    }

    #[test]
    fn one_source_cannot_stand_for_two_devices() {
        let two = read("2024-04-15 12:00:00,1,82,1\n2024-04-15 12:00:00,2,82,1\n").unwrap();
        let named = Source::parse("sig-1").unwrap();
        assert!(matches!(two.sources(Some(&named)), Err(ReplayError::ManyDevices { devices: 2 })));
    }
}
