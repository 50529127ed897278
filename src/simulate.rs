//! The simulated city: an ordinary MQTT publisher that obeys the contract like any device.
//!
//! [`run`] publishes for the devices of a city: traffic with its daily waves, signal cycles that agree
//! with their events, cameras, cabinets, faults and outages with late replays, the 1022 desk,
//! the one-stop system, figures.
//! With [`SimulateOptions::rate`] it publishes intervals as fast as wanted instead. [`replay()`]
//! publishes recorded controller events as that controller would.
//!
//! The models (`traffic`, `signal`, `desk` …) are pure: what happens at an instant follows from the
//! seed and the instant, so a test sees the same day and a restart goes on with it. Only `connection`
//! speaks to the broker.

mod calendar;
mod camera;
mod clock;
#[cfg(test)]
mod conformance;
mod connection;
mod controller;
mod desk;
mod dice;
mod events;
mod faults;
mod field;
mod health;
mod metric;
mod office;
mod onestop;
pub(crate) mod picture;
mod plan;
mod publisher;
mod recording;
mod replay;
mod roster;
mod signal;
mod station;
mod stress;
mod switchboard;
mod traffic;

pub(crate) mod wire;
mod worker;
mod year;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::{DateTime, Utc};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

pub use recording::Recording;
pub use replay::{ReplayError, ReplayOptions, ReplayProgress, replay};

use crate::{
    city::{City, Device},
    clock::SharedClock,
};
use clock::SimulatedClock;
use worker::Worker;

/// Fastest simulation, in simulated seconds per second.
const SPEED_MAX: f64 = 1000.0;

/// The broker that the simulator publishes to.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Name or address.
    pub host: String,
    /// Port, commonly 1883, with TLS 8883.
    pub port: u16,
    /// User name, if the broker asks for one.
    pub username: Option<String>,
    /// Password of the user. Never logged.
    pub password: Option<String>,
    /// Encrypts the connection; null for none.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Messages under way without acknowledgement, per connection; the broker may allow fewer.
    pub in_flight: u16,
}

impl Broker {
    /// A broker without user name and TLS, 200 messages under way.
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.to_owned();
        Self { host, port, username: None, password: None, tls: None, in_flight: 200 }
    }
}

/// What to simulate.
#[derive(Debug, Clone)]
pub struct SimulateOptions {
    /// Where to publish.
    pub broker: Broker,
    /// Texts, units, metrics and the published period come from here.
    pub city: Arc<City>,
    /// Devices and systems to publish for; those not marked `simulated` are left out.
    pub devices: Vec<Device>,
    /// The same seed gives the same day.
    pub seed: u64,
    /// Simulated seconds per second, above 0.
    pub speed: f64,
    /// Simulated instant to begin at; it runs with `speed` until it has caught up with the clock and
    /// goes on at real time. Null: now, and with a speed above 1 ahead of the clock.
    pub start: Option<DateTime<Utc>>,
    /// Null: every device at its own pace. A number: only the stations' intervals, so many messages
    /// per second together, infinity as fast as the broker acknowledges.
    pub rate: Option<f64>,
    /// Whether equipment fails and links break now and then.
    pub faults: bool,
    /// Whether the past is published too: the desk's published period, two weeks of tickets, six weeks
    /// of dossiers, and printed figures. Once per database is enough; again changes nothing.
    pub backfill: bool,
    /// Tickets and figures of the past per second.
    pub backfill_per_s: f64,
    /// Broker connections that the devices share.
    pub connections: usize,
}

impl SimulateOptions {
    /// The city's own devices, seed 1, real time from now, with faults, without the past.
    pub fn new(broker: Broker, city: Arc<City>) -> Self {
        Self {
            broker,
            devices: city.devices.clone(),
            city,
            seed: 1,
            speed: 1.0,
            start: None,
            rate: None,
            faults: true,
            backfill: false,
            backfill_per_s: 400.0,
            connections: 4,
        }
    }
}

/// What a simulation has done so far; readable while it runs.
#[derive(Debug, Default)]
pub struct SimulateStats {
    /// Messages handed to a connection.
    pub published: AtomicU64,
    /// Messages that the broker took over.
    pub acknowledged: AtomicU64,
    /// Messages that the broker refused.
    pub refused: AtomicU64,
    /// Connections made, the first of each included.
    pub connects: AtomicU64,
    /// Connections that failed or broke.
    pub failures: AtomicU64,
    /// Milliseconds by which the latest message came late; large when the broker is the limit.
    pub behind_ms: AtomicU64,
    /// Tickets and figures of the past published so far.
    pub backfilled: AtomicU64,
    /// Tickets and figures of the past altogether.
    pub backfill_total: AtomicU64,
}

impl SimulateStats {
    /// Whether everything of the past has been published.
    pub fn is_backfilled(&self) -> bool {
        let total = self.backfill_total.load(Ordering::Relaxed);
        total > 0 && self.backfilled.load(Ordering::Relaxed) >= total
    }
}

/// Why a simulation cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A value that makes no sense.
    #[error("{option} is {value}, allowed: {allowed}")]
    Option {
        /// Field of [`SimulateOptions`].
        option: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        allowed: &'static str,
    },
    /// Nothing to publish for.
    #[error("none of {devices} devices is simulated{with}")]
    NoDevices {
        /// Devices given.
        devices: usize,
        /// What they would need.
        with: &'static str,
    },
    /// A part of the simulator broke.
    #[error("a task of the simulator failed")]
    Task(#[from] tokio::task::JoinError),
}

fn check(options: &SimulateOptions) -> Result<(), SimulateError> {
    let refuse = |option, value: f64, allowed| {
        Err(SimulateError::Option { option, value: value.to_string(), allowed })
    };
    if options.speed.is_nan() || options.speed <= 0.0 || options.speed > SPEED_MAX {
        return refuse("speed", options.speed, "above 0, at most 1000");
    }
    if options.rate.is_some_and(|rate| rate.is_nan() || rate <= 0.0) {
        let rate = options.rate.unwrap_or_default();
        return refuse("rate", rate, "above 0, or infinity");
    }
    if options.backfill_per_s.is_nan() || options.backfill_per_s <= 0.0 {
        return refuse("backfill_per_s", options.backfill_per_s, "above 0");
    }
    Ok(())
}

/// Publishes for the devices until `stop`; returns within a second after it.
///
/// A broker that is absent or goes away is no error: the connections are tried again.
///
/// # Errors
/// Options that make no sense, or nothing to publish for.
pub async fn run(
    options: SimulateOptions,
    clock: SharedClock,
    stop: CancellationToken,
    stats: Arc<SimulateStats>,
) -> Result<(), SimulateError> {
    check(&options)?;
    if options.rate.is_some() {
        return stress::run(options, clock, stop, stats).await;
    }
    let start_ms = options.start.map(|start| start.timestamp_millis());
    let clock = SimulatedClock::new(clock, start_ms, options.speed);
    let run = clock.start_ms() / 1000;
    let publishers = roster::publishers(&options, clock.start_ms(), &stats);
    if publishers.is_empty() {
        return Err(SimulateError::NoDevices { devices: options.devices.len(), with: "" });
    }
    let connections = options.connections.clamp(1, publishers.len());
    let mut parts: Vec<Vec<_>> = (0..connections).map(|_| Vec::new()).collect();
    for (index, publisher) in publishers.into_iter().enumerate() {
        parts[index % connections].push(publisher);
    }
    let mut tasks = JoinSet::new();
    for (index, publishers) in parts.into_iter().enumerate() {
        let will = publishers.first().map(|publisher| publisher.status(false));
        let client_id = format!("ioc-simulate-{run}-{index}");
        let (client, events) = connection::open(&options.broker, client_id, will);
        let (connected, connects) = watch::channel(0);
        let (acknowledged, _) = watch::channel(0);
        tasks.spawn(connection::drive(
            events,
            Arc::clone(&stats),
            connected,
            acknowledged,
            stop.clone(),
        ));
        let worker = Worker {
            publishers,
            client,
            connects,
            clock: clock.clone(),
            stats: Arc::clone(&stats),
            stop: stop.clone(),
        };
        tasks.spawn(worker.run());
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}
