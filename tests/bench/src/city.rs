//! A design point at its natural rate: the simulated city publishes, a probe device beside it sends
//! numbered intervals, and a live client waits for them on its socket. The hub's memory is read from
//! the kernel, the time to the commit from the hub's own histogram.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::{SecondsFormat, TimeDelta};
use ioc_hub::{
    city::{City, Device, Scale},
    clock::SharedClock,
};
use ioc_ingest::Service;
use rumqttc::v5::{AsyncClient, EventLoop, MqttOptions, mqttbytes::QoS};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::{
    child::{self, HubProcess},
    fanout,
    http::{self, Scrape},
    live::{LiveClient, rows},
    payload,
    process::{self, Memory},
    report::{Report, quantiles},
    servers::Servers,
};

/// The probe's name, and its pace: no multiple of the hub's tick of 50 ms, so that every place within
/// a tick is met.
const PROBE: &str = "bench-probe";
const PROBE_PERIOD: Duration = Duration::from_millis(103);
/// The simulated devices connect and send their retained states before anything is measured.
const SETTLE: Duration = Duration::from_secs(8);
/// Longest wait for the last probe messages.
const LAST: Duration = Duration::from_secs(5);
/// Pause between two looks at the memory.
const LOOK: Duration = Duration::from_secs(2);

type Sent = Arc<Mutex<HashMap<u64, Instant>>>;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Design point.
    pub(crate) scale: Scale,
    /// How long latencies are collected.
    pub(crate) span: Duration,
    /// Live clients of the fan-out afterwards; 0 leaves it out.
    pub(crate) clients: usize,
}

/// Measures a design point.
pub(crate) async fn run(
    servers: &Servers,
    city: &City,
    extent: Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Extent { scale, span, .. } = extent;
    let database = format!("bench_city_{}", scale.as_str().to_lowercase());
    let devices = devices(city, scale)?;
    let password = servers.prepare(&database, city, &devices).await?;
    let hub = HubProcess::start(servers, &database).await?;
    let simulation = child::simulated_city(servers, scale.as_str())?;
    let cookie = http::sign_in(hub.address, &password).await?;
    let mut client = LiveClient::open(hub.address, &cookie).await?;
    client.subscribe(1, "devices").await?;
    client.subscribe(2, &format!("device/{PROBE}")).await?;
    settle(&mut client).await?;

    let before = Scrape::take(hub.address).await?;
    let cpu_before_s = process::cpu_s(hub.process.pid());
    let begun = Instant::now();
    let sent = Sent::default();
    let (latencies, memory) = tokio::try_join!(listen(&mut client, &sent, span + LAST), async {
        tokio::select! {
            ended = probe(servers, &city.token, &sent) => ended.map(|()| Memory::default()),
            memory = watch(hub.process.pid(), span) => memory,
        }
    },)?;
    let taken_s = begun.elapsed().as_secs_f64();
    let cpu_s = process::cpu_s(hub.process.pid()) - cpu_before_s;
    let after = Scrape::take(hub.address).await?;
    drop(client);
    let measured = Measured { before, after, latencies, memory, taken_s, cpu_s };
    measured.tell(extent.scale, report)?;
    if extent.clients > 0 {
        super::say(format!("{} live clients", extent.clients));
        fanout::run((hub.address, &cookie), servers.clock(), extent.clients, report).await?;
    }
    simulation.stop().await?;
    hub.process.stop().await
}

/// The city's systems, generated devices, and the probe: what `ioc-hub simulate --scale` publishes for.
fn devices(city: &City, scale: Scale) -> anyhow::Result<Vec<Device>> {
    let is_system = |device: &&Device| {
        matches!(device.service, Service::Desk | Service::Onestop | Service::Metric)
    };
    let systems = city.devices.iter().filter(is_system).cloned();
    let probe = payload::device(city, PROBE, 1)?;
    Ok(systems.chain(city.scaled(scale)).chain([probe]).collect())
}

/// Reads frames until the city has come to rest.
async fn settle(client: &mut LiveClient) -> anyhow::Result<()> {
    let reading = async {
        loop {
            client.next().await?;
        }
    };
    // It ends by the timeout, or with the error of the client.
    timeout(SETTLE, reading).await.unwrap_or(Ok(()))
}

/// Sends numbered intervals until it is dropped.
async fn probe(servers: &Servers, city: &str, sent: &Sent) -> anyhow::Result<()> {
    let mut options = MqttOptions::new(PROBE, "127.0.0.1", servers.mqtt_port());
    options.set_keep_alive(Duration::from_secs(30));
    let (client, events) = AsyncClient::new(options, 64);
    tokio::select! {
        ended = send(&client, servers.clock(), city, sent) => ended,
        ended = drive(events) => ended,
    }
}

async fn drive(mut events: EventLoop) -> anyhow::Result<()> {
    loop {
        events.poll().await.context("publish the probe's messages")?;
    }
}

async fn send(
    client: &AsyncClient,
    clock: &SharedClock,
    city: &str,
    sent: &Sent,
) -> anyhow::Result<()> {
    let topic = format!("ioc/1/{city}/vds/{PROBE}/interval");
    let mut pace = interval(PROBE_PERIOD);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 1_u64.. {
        pace.tick().await;
        let time = clock.now() - TimeDelta::seconds(1);
        let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let message = format!(
            "{{\"v\":1,\"time\":\"{time}\",\"boot\":1,\"seq\":{number},\"duration_s\":1,\
             \"lanes\":[{{\"lane\":1,\"count\":{number}}}]}}"
        );
        sent.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Instant::now());
        client.publish(&topic, QoS::AtLeastOnce, false, message).await?;
    }
    Ok(())
}

/// Milliseconds from publishing to the socket of every probe message that was shown; those that a
/// later one replaced within a tick are not.
async fn listen(client: &mut LiveClient, sent: &Sent, span: Duration) -> anyhow::Result<Vec<f64>> {
    let mut latencies = Vec::new();
    let until = Instant::now() + span;
    while Instant::now() < until {
        let frame = client.next().await?;
        // Most frames are those of the city; parsing them would delay the next.
        if !frame.text.contains("\"id\":2,") {
            continue;
        }
        let json = frame.json()?;
        for row in rows(&json, 2) {
            let Some(number) = row[2]["count"].as_u64().filter(|_| row[0] == "lane/1") else {
                continue;
            };
            let known = sent.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
            if let Some(at) = known {
                latencies.push((frame.at - at).as_secs_f64() * 1e3);
            }
        }
    }
    Ok(latencies)
}

/// Looks at the memory of a process until the end.
async fn watch(pid: u32, span: Duration) -> anyhow::Result<Memory> {
    let until = Instant::now() + span;
    let mut memory = Memory::default();
    while Instant::now() < until {
        sleep(LOOK.min(until - Instant::now())).await;
        memory = process::memory(pid).context("the hub has ended; see hub.log")?;
    }
    Ok(memory)
}

struct Measured {
    before: Scrape,
    after: Scrape,
    latencies: Vec<f64>,
    memory: Memory,
    taken_s: f64,
    cpu_s: f64,
}

impl Measured {
    fn tell(self, scale: Scale, report: &mut Report) -> anyhow::Result<()> {
        let (part, goals): (_, [&'static str; 3]) = match scale {
            Scale::S => ("simulated city at S", ["", "", ""]),
            Scale::M => ("simulated city at M", ["<= 100", "<= 170", "<= 120"]),
            Scale::L => ("simulated city at L", ["<= 250", "<= 320", "<= 250"]),
        };
        anyhow::ensure!(!self.latencies.is_empty(), "no probe message came to the live client");
        let since = |name| self.after.value(name) - self.before.value(name);
        let received = since("hub_ingest_received_total");
        report.add(part, "measured for", (self.taken_s, "s"), "");
        report.add(part, "messages", (received / self.taken_s, "messages/s"), "");
        report.add(
            part,
            "fact rows",
            (since("hub_writer_rows_total") / self.taken_s, "rows/s"),
            "",
        );
        report.add(
            part,
            "refused",
            (received - since("hub_ingest_accepted_total"), "messages"),
            "",
        );
        let age = "hub_writer_commit_age_seconds";
        for (name, quantile, goal) in [
            ("received to committed, oldest of each batch, p50", 0.5, ""),
            ("received to committed, oldest of each batch, p99", 0.99, goals[0]),
        ] {
            let seconds = self.after.quantile(&self.before, age, quantile);
            report.add(part, name, (seconds.context("no batch")? * 1e3, "ms"), goal);
        }
        let shown = self.latencies.len();
        let [p50, p99, most] = quantiles(self.latencies, &[0.5, 0.99, 1.0])[..] else {
            anyhow::bail!("three quantiles")
        };
        report.add(part, "publish to socket, p50", (p50, "ms"), "");
        report.add(part, "publish to socket, p99", (p99, "ms"), goals[1]);
        report.add(part, "publish to socket, longest", (most, "ms"), "");
        report.add(part, "probe messages shown", (super::report::float(shown), "messages"), "");
        report.add(part, "resident memory at the end", (self.memory.resident_mib, "MiB"), goals[2]);
        report.add(part, "resident memory, peak", (self.memory.peak_mib, "MiB"), "");
        let share = 100.0 * self.cpu_s / self.taken_s;
        report.add(part, "hub's processor time", (share, "% of a core"), "");
        Ok(())
    }
}
