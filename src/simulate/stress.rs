//! Intervals at any rate: what the hub can take, with the stations of the registry.
//!
//! Bodies are made beforehand from the traffic model (up to four lanes a message) and sent again and
//! again under advancing device clocks that begin in the past, so that every message is new to the
//! hub and none is ahead of its clock. Which body a message carries follows from device and time: a
//! second run over the same span sends the same facts.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ioc_ingest::{Envelope, Service, Stream, interval::Place};
use rumqttc::v5::AsyncClient;
use tokio::{sync::watch, task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    SimulateError, SimulateOptions, SimulateStats,
    calendar::{DAY_MS, utc},
    connection::{self, publish},
    dice::{Dice, Purpose},
    publisher::{Identity, Outgoing, Surroundings},
    roster,
    station::{self, StationLane},
    wire,
};
use crate::{clock::SharedClock, schedule::Schedule};

/// Lanes of a message.
const LANES_MAX: usize = 4;
/// Bodies per set of lanes, spread over a day.
const BODIES: usize = 256;
/// How far back the device clocks begin.
const PAST_MS: i64 = 30 * DAY_MS;
/// Length of an interval where the registry names none.
const INTERVAL_MS: u32 = 30_000;
/// Messages between two looks at the clock.
const LOT: u64 = 32;
/// Wait of a worker that is ahead of its rate, or whose devices have caught up with the clock.
const PAUSE: Duration = Duration::from_millis(2);

/// A station that sends one interval after the other.
struct Sender {
    identity: Identity,
    duration_ms: u32,
    next_ms: i64,
    bodies: Arc<[String]>,
}

struct Worker {
    senders: Vec<Sender>,
    client: AsyncClient,
    clock: SharedClock,
    /// Messages per second of this worker.
    rate: f64,
    seed: u64,
    stats: Arc<SimulateStats>,
}

/// Publishes intervals at `options.rate` until `stop`.
pub(super) async fn run(
    options: SimulateOptions,
    clock: SharedClock,
    stop: CancellationToken,
    stats: Arc<SimulateStats>,
) -> Result<(), SimulateError> {
    let now_ms = clock.now().timestamp_millis();
    let senders = senders(&options, now_ms);
    if senders.is_empty() {
        let with = " and has lanes, as a rate needs";
        return Err(SimulateError::NoDevices { devices: options.devices.len(), with });
    }
    let connections = options.connections.clamp(1, senders.len());
    let mut parts: Vec<Vec<_>> = (0..connections).map(|_| Vec::new()).collect();
    for (index, sender) in senders.into_iter().enumerate() {
        parts[index % connections].push(sender);
    }
    let share = f64::from(u32::try_from(connections).unwrap_or(1));
    let mut tasks = JoinSet::new();
    for (index, senders) in parts.into_iter().enumerate() {
        let client_id = format!("ioc-stress-{}-{index}", now_ms / 1000);
        let (client, events) = connection::open(&options.broker, client_id, None);
        let (connected, _) = watch::channel(0);
        let (acknowledged, _) = watch::channel(0);
        let drive =
            connection::drive(events, Arc::clone(&stats), connected, acknowledged, stop.clone());
        tasks.spawn(drive);
        let worker = Worker {
            senders,
            client,
            clock: Arc::clone(&clock),
            rate: options.rate.unwrap_or(f64::INFINITY) / share,
            seed: options.seed,
            stats: Arc::clone(&stats),
        };
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = worker.run() => {}
                () = stop.cancelled() => {}
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

fn senders(options: &SimulateOptions, now_ms: i64) -> Vec<Sender> {
    let around = Surroundings {
        city: options.city.token.as_str().into(),
        seed: options.seed,
        zone: options.city.time_zone,
        faults: false,
        start_ms: now_ms,
        schedule: Schedule::default(),
    };
    let begin_ms = options.start.map_or(now_ms - PAST_MS, |start| start.timestamp_millis());
    let mut known: HashMap<(Vec<Place>, u32), Arc<[String]>> = HashMap::new();
    let stations = options
        .devices
        .iter()
        .filter(|device| device.simulated && device.service == Service::Vds)
        .filter(|device| !device.detectors.is_empty());
    let sender = |device: &crate::city::Device| {
        let duration_ms = device.period_ms.unwrap_or(INTERVAL_MS);
        let mut lanes = roster::station_lanes(device);
        lanes.truncate(LANES_MAX);
        let places = lanes.iter().map(|lane| lane.place.clone()).collect();
        let bodies = known
            .entry((places, duration_ms))
            .or_insert_with(|| bodies(&around, &lanes, begin_ms, duration_ms));
        let duration = i64::from(duration_ms);
        Sender {
            identity: Identity::new(&around, Service::Vds, &device.source),
            duration_ms,
            next_ms: begin_ms.div_euclid(duration) * duration,
            bodies: Arc::clone(bodies),
        }
    };
    stations.map(sender).collect()
}

/// Bodies of a day from `begin_ms` on.
fn bodies(
    around: &Surroundings,
    lanes: &[StationLane],
    begin_ms: i64,
    duration_ms: u32,
) -> Arc<[String]> {
    let body = |index: usize| {
        let into = i64::try_from(index).unwrap_or(0) * DAY_MS / i64::try_from(BODIES).unwrap_or(1);
        let span = (begin_ms + into, duration_ms);
        let interval = station::interval(around.seed, (lanes, false), around.zone, span, None);
        wire::interval_tail(&interval.readings)
    };
    (0..BODIES).map(body).collect()
}

impl Sender {
    fn message(&mut self, seed: u64) -> Outgoing {
        let envelope = Envelope {
            time: utc(self.next_ms),
            boot: self.identity.boot,
            seq: self.identity.take_seq(Stream::Interval),
            clock: None,
            late: true,
        };
        let mut dice = Dice::new(seed, Purpose::Interval, self.identity.key, self.next_ms);
        let body = &self.bodies[dice.index(self.bodies.len())];
        let mut payload = String::with_capacity(body.len() + 128);
        wire::interval_head(&mut payload, &envelope, self.duration_ms);
        payload.push_str(body);
        self.next_ms += i64::from(self.duration_ms);
        Outgoing { topic: self.identity.topic(Stream::Interval), payload, retain: false }
    }
}

impl Worker {
    /// Sends round after round; ends only with the client.
    async fn run(mut self) {
        let begin_ms = self.clock.now().timestamp_millis();
        let mut sent: u64 = 0;
        let mut at = 0;
        loop {
            let now_ms = self.clock.now().timestamp_millis();
            let left = self.allowed(now_ms - begin_ms).saturating_sub(sent).min(LOT);
            let mut done = 0;
            // A device whose next interval has not ended yet is passed over.
            for _ in 0..self.senders.len() {
                if done == left {
                    break;
                }
                at = (at + 1) % self.senders.len();
                let sender = &mut self.senders[at];
                if sender.next_ms + i64::from(sender.duration_ms) > now_ms {
                    continue;
                }
                let message = sender.message(self.seed);
                if !publish(&self.client, message).await {
                    return;
                }
                done += 1;
            }
            sent += done;
            self.stats.published.fetch_add(done, Ordering::Relaxed);
            if done == 0 {
                sleep(PAUSE).await;
            }
        }
    }

    /// Messages that the rate allows after so many milliseconds.
    fn allowed(&self, elapsed_ms: i64) -> u64 {
        if self.rate.is_infinite() {
            return u64::MAX;
        }
        let elapsed_s = super::clock::scaled(elapsed_ms.max(0), self.rate / 1000.0);
        elapsed_s.cast_unsigned()
    }
}
