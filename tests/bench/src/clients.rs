//! Many live clients in a process of its own, all on one topic of one server: the hub's or the bare
//! one's. What they read is counted and timed while it is asked for.
//!
//! On standard input: the session cookie (empty for the bare server), then `measure MILLISECONDS` and
//! `quiet`. On standard output: `ready`, one line of JSON for each measurement, `quiet` when nothing
//! has come for a while. A connection that breaks ends the process.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use ioc_hub::clock::{SharedClock, SystemClock};
use serde::{Deserialize, Serialize};
use tokio::{task::JoinSet, time::sleep};

use super::{
    live::LiveClient,
    report::{float, quantiles},
};

/// Connections that are opened at the same time.
const OPENING: usize = 32;
/// Nothing came for so long: the queues are empty.
const QUIET: Duration = Duration::from_millis(300);
/// Longest wait for that.
const QUIET_MAX: Duration = Duration::from_mins(1);
/// Text before the time of a frame.
pub(super) const TIME: &str = "\"time\":\"";
/// Length of a time such as `2026-03-02T01:15:00.300Z`.
pub(super) const TIME_LEN: usize = 24;

#[derive(Debug, Args)]
pub(crate) struct ClientsArgs {
    #[arg(long)]
    pub(crate) address: SocketAddr,
    #[arg(long)]
    pub(crate) clients: usize,
    #[arg(long)]
    pub(crate) topic: String,
}

impl ClientsArgs {
    /// The same as words of a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let Self { address, clients, topic } = self;
        vec![
            "clients".into(),
            format!("--address={address}"),
            format!("--clients={clients}"),
            format!("--topic={topic}"),
        ]
    }
}

/// What all clients together read within a time.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Read {
    /// Frames with rows: deltas, and snapshots after a lag.
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
    /// Snapshots among the frames.
    pub(crate) snapshots: usize,
    /// From the time in the frame to the moment it was read, milliseconds.
    pub(crate) late_p50_ms: f64,
    pub(crate) late_p99_ms: f64,
    pub(crate) late_max_ms: f64,
    /// Frames of the client that got the fewest.
    pub(crate) fewest: usize,
    pub(crate) span_s: f64,
}

/// What one client read while a measurement ran.
#[derive(Debug, Default)]
struct Seen {
    late_ms: Vec<f64>,
    bytes: usize,
    snapshots: usize,
}

/// What the clients share.
struct Shared {
    clock: SharedClock,
    measuring: AtomicBool,
    /// Frames ever, to see when no more come.
    frames: AtomicU64,
    seen: Vec<Mutex<Seen>>,
}

pub(crate) async fn run(args: ClientsArgs) -> anyhow::Result<()> {
    let mut lines = super::child::input_lines();
    let cookie = lines.recv().await.context("no cookie")?;
    let shared = Arc::new(Shared {
        clock: Arc::new(SystemClock),
        measuring: AtomicBool::new(false),
        frames: AtomicU64::new(0),
        seen: (0..args.clients).map(|_| Mutex::default()).collect(),
    });
    let open = async |_| {
        let mut client = LiveClient::open(args.address, &cookie).await?;
        client.subscribe(1, &args.topic).await?;
        anyhow::Ok(client)
    };
    let clients: Vec<LiveClient> =
        stream::iter(0..args.clients).map(open).buffer_unordered(OPENING).try_collect().await?;
    let mut tasks = JoinSet::new();
    for (at, client) in clients.into_iter().enumerate() {
        tasks.spawn(read(client, Arc::clone(&shared), at));
    }
    super::say("ready");
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            Some(ended) = tasks.join_next() => return ended?,
        };
        let Some(line) = line else { return Ok(()) };
        tokio::select! {
            answered = answer(&shared, &line) => super::say(answered?),
            Some(ended) = tasks.join_next() => return ended?,
        }
    }
}

async fn answer(shared: &Shared, line: &str) -> anyhow::Result<String> {
    match line.split_once(' ') {
        Some(("measure", ms)) => {
            let read = shared.measure(Duration::from_millis(ms.parse()?)).await;
            Ok(serde_json::to_string(&read)?)
        }
        _ if line == "quiet" => shared.quiet().await,
        _ => anyhow::bail!("no such request: {line}"),
    }
}

/// Reads frames until the connection breaks.
async fn read(mut client: LiveClient, shared: Arc<Shared>, at: usize) -> anyhow::Result<()> {
    loop {
        let frame = client.next().await?;
        let is_snapshot = frame.text.starts_with("{\"op\":\"snapshot\"");
        if !is_snapshot && !frame.text.starts_with("{\"op\":\"delta\"") {
            continue;
        }
        shared.frames.fetch_add(1, Ordering::Relaxed);
        if !shared.measuring.load(Ordering::Relaxed) {
            continue;
        }
        let late = shared.clock.now() - time_of(&frame.text)?;
        let mut seen = shared.seen[at].lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a benchmark")]
        seen.late_ms.push(late.num_microseconds().unwrap_or(0) as f64 / 1e3);
        seen.bytes += frame.text.len();
        seen.snapshots += usize::from(is_snapshot);
    }
}

impl Shared {
    async fn measure(&self, span: Duration) -> Read {
        let begun = tokio::time::Instant::now();
        self.measuring.store(true, Ordering::Relaxed);
        sleep(span).await;
        self.measuring.store(false, Ordering::Relaxed);
        let span_s = begun.elapsed().as_secs_f64();
        let mut read = Read { fewest: usize::MAX, span_s, ..Read::default() };
        let mut late_ms = Vec::new();
        for seen in &self.seen {
            let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
            read.frames += seen.late_ms.len();
            read.fewest = read.fewest.min(seen.late_ms.len());
            read.bytes += seen.bytes;
            read.snapshots += seen.snapshots;
            late_ms.extend(seen.late_ms);
        }
        let late = quantiles(late_ms, &[0.5, 0.99, 1.0]);
        Read { late_p50_ms: late[0], late_p99_ms: late[1], late_max_ms: late[2], ..read }
    }

    async fn quiet(&self) -> anyhow::Result<String> {
        let until = tokio::time::Instant::now() + QUIET_MAX;
        let mut before = self.frames.load(Ordering::Relaxed);
        loop {
            sleep(QUIET).await;
            let now = self.frames.load(Ordering::Relaxed);
            if now == before {
                return Ok("quiet".into());
            }
            anyhow::ensure!(tokio::time::Instant::now() < until, "frames come without end");
            before = now;
        }
    }
}

impl Read {
    /// Frames per second of all clients together.
    pub(crate) fn frames_hz(&self) -> f64 {
        float(self.frames) / self.span_s
    }
}

fn time_of(text: &str) -> anyhow::Result<DateTime<Utc>> {
    let at = text.find(TIME).context("a frame without time")? + TIME.len();
    let time = text.get(at..at + TIME_LEN).context("a frame that ends in its time")?;
    time.parse().with_context(|| format!("the time {time}"))
}
