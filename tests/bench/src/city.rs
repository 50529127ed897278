//! A design point at its natural rate: the simulated city publishes, probe devices beside it publish
//! numbered messages, and what is measured is when each was committed and when it was on a socket.
//! The hub's memory is read from the kernel, the time from receiving to the commit from its histogram.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use ioc_hub::city::{City, Device, Scale};
use ioc_ingest::Service;
use tokio::time::sleep;

use super::{
    child::{self, HubProcess},
    http::{self, Scrape},
    live::LiveClient,
    probe::{self, Committed, Latency, Sent},
    process::{self, Memory},
    report::{Report, float, quantiles},
    servers::Servers,
};

/// The simulated devices connect and send their retained states before anything is measured; then the
/// hub must have caught up.
const SETTLE: Duration = Duration::from_secs(8);
/// Longest wait for the last probe messages.
const LAST: Duration = Duration::from_secs(2);
/// Pause between two looks at the memory.
const LOOK: Duration = Duration::from_secs(1);

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Design point.
    pub(crate) scale: Scale,
    /// How long latencies are collected.
    pub(crate) span: Duration,
    /// Parts of the span that are shown as rounds.
    pub(crate) rounds: usize,
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
    let password = servers.prepare(&database, city, &devices(city, scale)?).await?;
    let hub = HubProcess::start(servers, &database).await?;
    let simulation = child::simulated_city(servers, scale.as_str())?;
    let cookie = http::sign_in(hub.address, &password).await?;
    let mut client = LiveClient::open(hub.address, &cookie).await?;
    client.subscribe(1, "devices").await?;
    probe::subscribe(&mut client).await?;
    tokio::select! {
        ended = drain(&mut client) => ended?,
        calm = async {
            sleep(SETTLE).await;
            probe::calm(servers, &city.token, &database).await
        } => calm?,
    }

    let before = Scrape::take(hub.address).await?;
    let cpu_before_s = process::cpu_s(hub.process.pid());
    let sent = Sent::default();
    let (from, begun) = (servers.clock().now(), Instant::now());
    let (end, last) = (begun + span, begun + span + LAST);
    let (shown, committed, memory) = tokio::select! {
        seen = async {
            tokio::try_join!(
                probe::listen(&mut client, &sent, last),
                probe::look(servers, &database, &sent, (from, last)),
                watch(hub.process.pid(), last),
            )
        } => seen?,
        ended = probe::publish(servers, &city.token, &sent, end) => {
            ended?;
            anyhow::bail!("the probes ended before the measurement");
        }
    };
    let taken_s = begun.elapsed().as_secs_f64();
    let cpu_s = process::cpu_s(hub.process.pid()) - cpu_before_s;
    let after = Scrape::take(hub.address).await?;
    drop(client);
    let sent = sent.count();
    let windows = Windows { begun, span, count: extent.rounds };
    let measured =
        Measured { windows, before, after, sent, shown, committed, memory, taken_s, cpu_s };
    measured.tell(scale, report)?;
    simulation.stop().await?;
    hub.process.stop().await
}

/// The city's systems, generated devices, and the probes: what `ioc-hub simulate --scale` publishes for.
fn devices(city: &City, scale: Scale) -> anyhow::Result<Vec<Device>> {
    let is_system = |device: &&Device| {
        matches!(device.service, Service::Desk | Service::Onestop | Service::Metric)
    };
    let systems = city.devices.iter().filter(is_system).cloned();
    Ok(systems.chain(city.scaled(scale)).chain(probe::devices(city)?).collect())
}

/// Reads frames until it is dropped.
async fn drain(client: &mut LiveClient) -> anyhow::Result<()> {
    loop {
        client.next().await?;
    }
}

/// Looks at the memory of a process until the end.
async fn watch(pid: u32, until: Instant) -> anyhow::Result<Memory> {
    let mut memory = Memory::default();
    while Instant::now() < until {
        sleep(LOOK.min(until - Instant::now())).await;
        memory = process::memory(pid).context("the hub has ended; see hub.log")?;
    }
    Ok(memory)
}

/// Equal parts of the span.
struct Windows {
    begun: Instant,
    span: Duration,
    count: usize,
}

impl Windows {
    /// A quantile over everything, and that of each part by when the message was published.
    fn quantile(&self, latencies: &[Latency], quantile: f64) -> (f64, Vec<f64>) {
        let of = |part: Option<usize>| {
            let takes = |latency: &&Latency| part.is_none_or(|part| self.part(latency) == part);
            let ms = latencies.iter().filter(takes).map(|latency| latency.ms).collect();
            quantiles(ms, &[quantile])[0]
        };
        (of(None), (0..self.count).map(|part| of(Some(part))).collect())
    }

    fn part(&self, latency: &Latency) -> usize {
        let share = (latency.sent - self.begun).as_secs_f64() / self.span.as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let part = (share * float(self.count)) as usize;
        part.min(self.count - 1)
    }
}

struct Measured {
    windows: Windows,
    before: Scrape,
    after: Scrape,
    sent: usize,
    shown: Vec<Latency>,
    committed: Committed,
    memory: Memory,
    taken_s: f64,
    cpu_s: f64,
}

impl Measured {
    fn tell(self, scale: Scale, report: &mut Report) -> anyhow::Result<()> {
        let part = format!("simulated city at {}", scale.as_str());
        let part = part.as_str();
        let goals: [&'static str; 3] = match scale {
            Scale::S => ["", "", ""],
            Scale::M => ["<= 100", "<= 170", "<= 120"],
            Scale::L => ["<= 250", "<= 320", "<= 250"],
        };
        let since = |name| self.after.value(name) - self.before.value(name);
        let received = since("hub_ingest_received_total");
        let refused = received - since("hub_ingest_accepted_total");
        let mut add = |name: &str, value, unit| report.add(part, name, (value, unit), "");
        add("measured for", self.taken_s, "s");
        add("messages", received / self.taken_s, "messages/s");
        add("fact rows", since("hub_writer_rows_total") / self.taken_s, "rows/s");
        add("batches", since("hub_writer_batches_total") / self.taken_s, "batches/s");
        add("refused", refused, "messages");
        let age = "hub_writer_commit_age_seconds";
        for (name, quantile) in [("p50", 0.5), ("p99", 0.99)] {
            let seconds = self.after.quantile(&self.before, age, quantile);
            let name = format!("received to committed, oldest of each batch, {name}");
            add(&name, seconds.context("no batch")? * 1e3, "ms");
        }
        add("probe messages published", float(self.sent), "messages");
        add("probe messages not committed at the end", float(self.committed.missing), "messages");
        add("probe messages shown", float(self.shown.len()), "messages");
        for (way, latencies, goal) in
            [("committed", &self.committed.latencies, goals[0]), ("socket", &self.shown, goals[1])]
        {
            for (name, quantile, goal) in
                [("p50", 0.5, ""), ("p99", 0.99, goal), ("longest", 1.0, "")]
            {
                let (ms, rounds) = self.windows.quantile(latencies, quantile);
                let name = format!("publish to {way}, {name}");
                report.add_of_rounds(part, name, (ms, "ms"), rounds, goal);
            }
        }
        let memory = self.memory;
        report.add(part, "resident memory at the end", (memory.resident_mib, "MiB"), goals[2]);
        report.add(part, "resident memory, peak", (memory.peak_mib, "MiB"), "");
        let share = 100.0 * self.cpu_s / self.taken_s;
        report.add(part, "hub's processor time", (share, "% of a core"), "");
        Ok(())
    }
}
