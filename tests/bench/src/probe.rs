//! Probe devices: they publish numbered intervals beside the simulated city, and two observers look
//! for each: a live client on its socket, and a reader of the table that says when the row is visible.
//!
//! The clock starts before the message goes to the MQTT client. The reader asks the database every
//! [`LOOK`] while a message is on its way, so "committed" is when another connection sees the row, up
//! to that pause and one query late, never early. One connection publishes for all probes: what was
//! sent later is never stored earlier.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use ioc_hub::{city::City, city::Device, clock::SharedClock, store::registry};
use ioc_ingest::{Source, interval::Place};
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions, mqttbytes::QoS};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout_at};

use super::{
    live::{LiveClient, rows},
    payload,
    servers::Servers,
};

/// Probe devices, and the pause between two messages: no multiple of the hub's tick of 50 ms, so that
/// every place within a tick is met, and longer than it, so that few are conflated on the socket.
const PROBES: usize = 2;
const PERIOD: Duration = Duration::from_millis(53);
/// Pause between two looks into the table.
const LOOK: Duration = Duration::from_millis(2);
/// Pause while nothing is on its way.
const IDLE: Duration = Duration::from_millis(1);
/// Length of a probe's interval, which has just ended when it is published.
const LENGTH: TimeDelta = TimeDelta::seconds(1);
/// Times of messages are cut to milliseconds.
const CUT: TimeDelta = TimeDelta::milliseconds(1);
/// How soon a message is committed when the hub has caught up, and the longest wait for that.
const CALM: Duration = Duration::from_secs(1);
const CALM_MAX: Duration = Duration::from_mins(4);
/// Rows of the probes that became visible since a time.
const SEEN: &str =
    "select count, time from interval_reading where detector_id = any($1) and time > $2";

fn source(probe: usize) -> String {
    format!("bench-probe-{probe}")
}

/// The probes as devices of the registry.
pub(crate) fn devices(city: &City) -> anyhow::Result<Vec<Device>> {
    (0..PROBES).map(|probe| payload::device(city, &source(probe), 1)).collect()
}

/// When each message was published; its number is its place, and its count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(Arc<Mutex<Vec<Instant>>>);

impl Sent {
    fn note(&self) -> usize {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(Instant::now());
        sent.len() - 1
    }

    fn at(&self, number: usize) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(number).copied()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// How long one message took, with when it was published.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) sent: Instant,
    pub(crate) ms: f64,
}

impl Latency {
    fn of(sent: Instant, seen: Instant) -> Self {
        Self { sent, ms: (seen - sent).as_secs_f64() * 1e3 }
    }
}

/// Publishes until `until`.
pub(crate) async fn publish(
    servers: &Servers,
    city: &str,
    sent: &Sent,
    until: Instant,
) -> anyhow::Result<()> {
    let mut options = MqttOptions::new("bench-probes", "127.0.0.1", servers.mqtt_port());
    options.set_keep_alive(Duration::from_secs(30));
    let (client, events) = AsyncClient::new(options, 64);
    tokio::select! {
        ended = send(&client, servers.clock(), city, (sent, until)) => ended?,
        ended = drive(events) => return ended,
    }
    Ok(())
}

/// Polls a publisher's connection.
pub(crate) async fn drive(mut events: EventLoop) -> anyhow::Result<()> {
    loop {
        events.poll().await.context("publish")?;
    }
}

async fn send(
    client: &AsyncClient,
    clock: &SharedClock,
    city: &str,
    (sent, until): (&Sent, Instant),
) -> anyhow::Result<()> {
    let mut pace = interval(PERIOD);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let boot = clock.now().timestamp();
    for turn in 0_usize.. {
        pace.tick().await;
        if Instant::now() >= until {
            break;
        }
        let (probe, seq) = (turn % PROBES, turn / PROBES + 1);
        let topic = format!("ioc/1/{city}/vds/{}/interval", source(probe));
        let time = clock.now() - LENGTH;
        let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let number = sent.note();
        let message = format!(
            "{{\"v\":1,\"time\":\"{time}\",\"boot\":{boot},\"seq\":{seq},\"duration_s\":1,\
             \"lanes\":[{{\"lane\":1,\"count\":{number}}}]}}"
        );
        client.publish(&topic, QoS::AtLeastOnce, false, message).await?;
    }
    // The connection goes on until what was sent last has arrived.
    std::future::pending().await
}

/// Subscribes the probes' topics.
pub(crate) async fn subscribe(client: &mut LiveClient) -> anyhow::Result<()> {
    for probe in 0..PROBES {
        client.subscribe(id(probe), &format!("device/{}", source(probe))).await?;
    }
    Ok(())
}

/// Ids of the probes' subscriptions; 1 is the page's own.
fn id(probe: usize) -> u32 {
    u32::try_from(probe).unwrap_or(0) + 2
}

/// Latencies of the messages that were shown until `until`; those that a later one replaced within a
/// tick are not.
pub(crate) async fn listen(
    client: &mut LiveClient,
    sent: &Sent,
    until: Instant,
) -> anyhow::Result<Vec<Latency>> {
    let mut latencies = Vec::new();
    while let Ok(frame) = timeout_at(until.into(), client.next()).await {
        let frame = frame?;
        // Most frames are those of the city; parsing them would delay the next.
        let of = |probe: &usize| frame.text.contains(&format!("\"id\":{},", id(*probe)));
        let Some(probe) = (0..PROBES).find(of) else { continue };
        let json = frame.json()?;
        for row in rows(&json, id(probe)) {
            let number = row[2]["count"].as_u64().filter(|_| row[0] == "lane/1");
            let number = number.and_then(|number| usize::try_from(number).ok());
            if let Some(at) = number.and_then(|number| sent.at(number)) {
                latencies.push(Latency::of(at, frame.at));
            }
        }
    }
    Ok(latencies)
}

/// What the reader of the table saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Committed {
    /// Of every message, in the order of publishing; one that was not visible at the end counts as if
    /// it had become so then.
    pub(crate) latencies: Vec<Latency>,
    /// Messages that were not visible at the end.
    pub(crate) missing: usize,
}

/// Latencies of the messages that are published after `from`, seen until `until`.
pub(crate) async fn look(
    servers: &Servers,
    database: &str,
    sent: &Sent,
    (from, until): (DateTime<Utc>, Instant),
) -> anyhow::Result<Committed> {
    let client = servers.client(database).await?;
    let registry = registry::load(&client).await?;
    let detectors = (0..PROBES)
        .map(|probe| {
            let device = registry.device(&Source::parse(&source(probe))?);
            let detector = device.and_then(|device| device.detectors.get(&Place::Lane(1)));
            detector.copied().context("a probe is not registered")
        })
        .collect::<anyhow::Result<Vec<i32>>>()?;
    let statement = client.prepare(SEEN).await?;
    let mut newest = from - LENGTH - CUT;
    let mut latencies = Vec::new();
    while Instant::now() < until {
        if latencies.len() == sent.count() {
            sleep(IDLE).await;
            continue;
        }
        let found = client.query(&statement, &[&detectors, &newest]).await?;
        let seen = Instant::now();
        for row in found {
            let number: i32 = row.get(0);
            newest = newest.max(row.get(1));
            let at = usize::try_from(number).ok().and_then(|number| sent.at(number));
            latencies.push(Latency::of(at.context("a row that was never sent")?, seen));
        }
        sleep(LOOK).await;
    }
    let missing = sent.count().saturating_sub(latencies.len());
    let unseen = (latencies.len()..sent.count()).filter_map(|number| sent.at(number));
    let unseen: Vec<Latency> = unseen.map(|at| Latency::of(at, Instant::now())).collect();
    latencies.extend(unseen);
    Ok(Committed { latencies, missing })
}

/// Waits until the hub has caught up with what the city sent at its start: until everything that was
/// published within [`CALM`] was committed within that time.
pub(crate) async fn calm(servers: &Servers, city: &str, database: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let sent = Sent::default();
        let (from, end) = (servers.clock().now(), Instant::now() + CALM);
        let committed = tokio::select! {
            committed = look(servers, database, &sent, (from, end + CALM)) => committed?,
            ended = publish(servers, city, &sent, end) => {
                ended?;
                anyhow::bail!("the probes ended before the measurement");
            }
        };
        let slow = |latency: &Latency| latency.ms > CALM.as_secs_f64() * 1e3;
        if committed.missing == 0 && !committed.latencies.iter().any(slow) {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < CALM_MAX, "the hub does not catch up with the city");
    }
}
