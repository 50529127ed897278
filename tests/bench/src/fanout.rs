//! Many live clients on one hub, all on the whole list of devices: frames per second, and how late a
//! frame is on the socket after the hub wrote its time into it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use ioc_hub::clock::SharedClock;
use tokio::task::JoinSet;

use super::{
    live::LiveClient,
    report::{Report, float, quantiles},
};

const PART: &str = "fan-out of the topic `devices`, simulated city publishing";
/// Snapshots and the connections themselves are over after this.
const SETTLE: Duration = Duration::from_secs(2);
/// How long frames are counted.
const SPAN: Duration = Duration::from_secs(10);
/// Text before the time of a frame.
const TIME: &str = "\"time\":\"";
/// Length of a time such as `2026-03-02T01:15:00.300Z`.
const TIME_LEN: usize = 24;

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    late_ms: Vec<f64>,
    bytes: usize,
}

/// Opens `clients` and counts what they read.
pub(crate) async fn run(
    (address, cookie): (SocketAddr, &str),
    clock: &SharedClock,
    clients: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    let mut open = Vec::with_capacity(clients);
    for _ in 0..clients {
        let mut client = LiveClient::open(address, cookie).await?;
        client.subscribe(1, "devices").await?;
        open.push(client);
    }
    let from = Instant::now() + SETTLE;
    for client in open {
        tasks.spawn(read(client, clock.clone(), from));
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let seen = seen??;
        all.late_ms.extend(seen.late_ms);
        all.bytes += seen.bytes;
    }
    let frames = all.late_ms.len();
    anyhow::ensure!(frames >= clients, "{clients} clients saw {frames} frames");
    let late_ms = quantiles(all.late_ms, &[0.5, 0.99]);
    report.add(PART, "clients", (float(clients), "clients"), "");
    report.add(PART, "frames", (float(frames) / SPAN.as_secs_f64(), "frames/s"), "");
    report.add(PART, "mean frame", (float(all.bytes) / float(frames), "bytes"), "");
    report.add(PART, "written to read, p50", (late_ms[0], "ms"), "");
    report.add(PART, "written to read, p99", (late_ms[1], "ms"), "<= 250 at 1,000 clients");
    Ok(())
}

async fn read(mut client: LiveClient, clock: SharedClock, from: Instant) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    loop {
        let frame = client.next().await?;
        if frame.at >= from + SPAN {
            return Ok(seen);
        }
        if frame.at < from || !frame.text.starts_with("{\"op\":\"delta\"") {
            continue;
        }
        let late = clock.now() - time_of(&frame.text)?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a benchmark")]
        seen.late_ms.push(late.num_microseconds().unwrap_or(0) as f64 / 1e3);
        seen.bytes += frame.text.len();
    }
}

fn time_of(text: &str) -> anyhow::Result<DateTime<Utc>> {
    let at = text.find(TIME).context("a frame without time")? + TIME.len();
    let time = text.get(at..at + TIME_LEN).context("a frame that ends in its time")?;
    time.parse().with_context(|| format!("the time {time}"))
}
