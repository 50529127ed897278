//! Recorded controller events published as that controller would have done.
//!
//! [`replay()`] sends a [`Recording`] in order, one window of batches after the other: the next begins
//! when the broker has acknowledged the last. When the connection breaks, the window is sent again on
//! a new one, which by the natural keys changes nothing.

use std::sync::{Arc, atomic::Ordering};

use chrono_tz::Tz;
use ioc_ingest::{
    Envelope, Fact, Service, Source, Stream, Topic, health::Status, signal::SignalEvents,
    topic::NotAToken,
};
use rumqttc::v5::AsyncClient;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Broker, SimulateStats, connection, publisher::Outgoing, recording::Recording, wire};
use crate::clock::SharedClock;

/// Batches that are under way before the broker must have acknowledged them.
const WINDOW: usize = 200;

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
