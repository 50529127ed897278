//! Broker to committed: the same flood through the bare reference and through the hub, in turns, on
//! one broker and one database server. The hub has everything on: keys, rollups, counters, current
//! values, and a live view with one client on the list of devices. After each round every row must be
//! in the database. Device clocks begin now and only advance: what is sent is live data, not late data.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::DateTime;
use ioc_hub::{city::City, config, local::Role};
use tokio::{task::JoinSet, time::sleep};

use super::{
    child::{HubProcess, Process},
    http::{self, Scrape},
    live::LiveClient,
    payload::{self, LANES, STATIONS},
    process,
    publish::PublishArgs,
    reference::{self, ReferenceArgs},
    report::{Report, float, median},
    servers::{self, Servers},
};

const PART: &str = "broker to committed, 4 lanes a message";
/// First topic levels of the two pipelines; the same length, so that the bytes are as many.
const HUB_ROOT: &str = "ioc";
const BARE_ROOT: &str = "bar";
/// Messages that the publisher may be ahead of the commits.
const AHEAD: usize = 30_000;
/// Pause between two looks at what is committed.
const LOOK: Duration = Duration::from_millis(25);
/// A round that takes longer has failed.
const ROUND_MAX: Duration = Duration::from_mins(2);
/// Milliseconds of an hour and of a day.
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Losses that the hub's ledger shows, closed ones included.
const GAPS: &str = "select count(*) from gap where missing is not null";

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Rounds of each pipeline.
    pub(crate) rounds: usize,
    /// Messages of a round.
    pub(crate) messages: usize,
    /// How long ago the device clocks begin; 0 for what is live, more for late data.
    pub(crate) days_ago: u32,
}

/// Who consumes a flood.
enum Consumer {
    Hub { hub: HubProcess, rows_before: f64, _page: JoinSet<anyhow::Result<()>> },
    Bare { process: Process, rows: usize, rows_before: usize },
}

impl Consumer {
    fn pid(&self) -> u32 {
        match self {
            Self::Hub { hub, .. } => hub.process.pid(),
            Self::Bare { process, .. } => process.pid(),
        }
    }

    const fn root(&self) -> &'static str {
        match self {
            Self::Hub { .. } => HUB_ROOT,
            Self::Bare { .. } => BARE_ROOT,
        }
    }

    const fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Hub { .. } => ("bench_hub", "interval_reading"),
            Self::Bare { .. } => ("bench_bare", "bare_reading"),
        }
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Hub { hub, rows_before, .. } => {
                *rows_before = Scrape::take(hub.address).await?.value("hub_writer_rows_total");
            }
            Self::Bare { rows, rows_before, .. } => *rows_before = *rows,
        }
        Ok(())
    }

    /// Messages committed since [`begin`](Self::begin).
    async fn committed(&mut self) -> anyhow::Result<usize> {
        match self {
            Self::Hub { hub, rows_before, .. } => {
                sleep(LOOK).await;
                let rows = Scrape::take(hub.address).await?.value("hub_writer_rows_total");
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a count"
                )]
                let rows = (rows - *rows_before) as usize;
                Ok(rows / LANES)
            }
            Self::Bare { process, rows, rows_before } => {
                let told = |line: &str| line.strip_prefix("committed ")?.parse().ok();
                *rows = process.expect("what it committed", told).await?;
                Ok((*rows - *rows_before) / LANES)
            }
        }
    }
}

/// Processor time of each process: in seconds so far, or in microseconds per message.
#[derive(Debug, Clone, Copy, Default)]
struct Cpu {
    publisher: f64,
    broker: f64,
    consumer: f64,
    database: f64,
}

/// Takes one process out of the four.
type Of = fn(&Cpu) -> f64;

/// One flood.
#[derive(Debug, Clone, Copy)]
struct Round {
    rate_hz: f64,
    /// Processor microseconds per message.
    cpu_us: Cpu,
}

/// Runs the rounds in turns.
pub(crate) async fn run(
    servers: &Servers,
    city: &City,
    extent: Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut hub = start_hub(servers, city).await?;
    let mut bare = start_bare(servers).await?;
    let now_ms = servers.clock().now().timestamp_millis();
    let mut flood = Flood {
        servers,
        city: &city.token,
        // The next hour, so that none of the hours is over before the end.
        begin_ms: (now_ms / HOUR_MS + 1) * HOUR_MS - i64::from(extent.days_ago) * DAY_MS,
        steps: BTreeMap::new(),
    };
    // Every station sends every number once, so that no round begins with a gap.
    let messages = extent.messages.next_multiple_of(STATIONS);
    for consumer in [&mut bare, &mut hub] {
        flood.round(consumer, (messages / 4).next_multiple_of(STATIONS)).await?;
    }
    let mut rounds: BTreeMap<&str, Vec<Round>> = BTreeMap::new();
    for round in 0..extent.rounds {
        let mut pair = [&mut bare, &mut hub];
        // Whoever comes first finds the machine as the other one left it: they take turns.
        pair.rotate_left(round % 2);
        for consumer in pair {
            let done = flood.round(consumer, messages).await?;
            super::say(format!("  {}: {:.0} messages/s", consumer.root(), done.rate_hz));
            rounds.entry(consumer.root()).or_default().push(done);
        }
    }
    tell(&rounds[BARE_ROOT], &rounds[HUB_ROOT], report);
    // Nothing was left out, so the ledger may know of no loss.
    let gaps = servers.client("bench_hub").await?.query_one(GAPS, &[]).await?.get::<_, i64>(0);
    anyhow::ensure!(gaps == 0, "the ledger of the hub shows {gaps} gaps where there is none");
    let memory = process::memory(hub.pid()).context("the hub has ended; see hub.log")?;
    report.add(PART, "hub: resident memory, peak", (memory.peak_mib, "MiB"), "");
    for consumer in [bare, hub] {
        match consumer {
            Consumer::Hub { hub, .. } => hub.process.stop().await?,
            Consumer::Bare { process, .. } => process.stop().await?,
        }
    }
    Ok(())
}

fn tell(bare: &[Round], hub: &[Round], report: &mut Report) {
    let lanes = float(LANES);
    let rates =
        |rounds: &[Round], per: f64| rounds.iter().map(|r| r.rate_hz * per).collect::<Vec<_>>();
    let mut add = |name: &str, rounds: Vec<f64>, unit, goal| {
        report.add_rounds(PART, name, (rounds, unit), goal)
    };
    let bare_hz = add("bare reference", rates(bare, 1.0), "messages/s", "");
    let hub_hz = add("hub", rates(hub, 1.0), "messages/s", "");
    add("bare reference", rates(bare, lanes), "lane rows/s", "");
    add("hub", rates(hub, lanes), "lane rows/s", "");
    let ratio = 100.0 * hub_hz / bare_hz.max(f64::MIN_POSITIVE);
    report.add(PART, "hub / bare reference, medians", (ratio, "%"), ">= 50, aim > 80");
    let together = |rounds: &[Round]| {
        let all = |cpu: Cpu| cpu.publisher + cpu.broker + cpu.consumer + cpu.database;
        median(&rounds.iter().map(|round| all(round.cpu_us)).collect::<Vec<_>>())
    };
    // On a machine that does other work too this is steadier than the rates.
    let share = 100.0 * together(bare) / together(hub).max(f64::MIN_POSITIVE);
    report.add(PART, "bare reference / hub, processor time of all", (share, "%"), "");
    for (who, rounds) in [("bare reference", bare), ("hub", hub)] {
        let parts: [(&str, Of); 4] = [
            ("publisher", |cpu| cpu.publisher),
            ("broker", |cpu| cpu.broker),
            ("consumer", |cpu| cpu.consumer),
            ("database", |cpu| cpu.database),
        ];
        for (part, of) in parts {
            let spent = rounds.iter().map(|round| of(&round.cpu_us)).collect();
            let name = format!("{who}: processor time of the {part}");
            report.add_rounds(PART, name, (spent, "us/message"), "");
        }
    }
}

async fn start_hub(servers: &Servers, city: &City) -> anyhow::Result<Consumer> {
    let password = servers.prepare("bench_hub", city, &payload::devices(city)?).await?;
    let hub = HubProcess::start(servers, "bench_hub").await?;
    let cookie = http::sign_in(hub.address, &password).await?;
    let mut client = LiveClient::open(hub.address, &cookie).await?;
    client.subscribe(1, "devices").await?;
    let mut page = JoinSet::new();
    page.spawn(async move {
        loop {
            client.next().await?;
        }
    });
    Ok(Consumer::Hub { hub, rows_before: 0.0, _page: page })
}

async fn start_bare(servers: &Servers) -> anyhow::Result<Consumer> {
    servers.create("bench_bare").await?;
    servers.client("bench_bare").await?.batch_execute(reference::TABLE).await?;
    let log = servers.folder().join("bare.log");
    // The hub reads the same variables.
    let config = config::load(None, &config::environment())?.config;
    let args = ReferenceArgs {
        port: servers.mqtt_port(),
        root: BARE_ROOT.to_owned(),
        window: config.broker.receive_maximum,
        batch: config.ingest.batch_rows / LANES,
    };
    let mut process = Process::role(&args.words(), &log)?;
    let owner = servers.connection("bench_bare", Role::Owner);
    let password = servers::password_text(&owner);
    let text = servers::connection_text(&owner);
    process.tell(&format!("{text} password='{password}'")).await?;
    process.expect("that it is ready", |line| (line == "ready").then_some(())).await?;
    Ok(Consumer::Bare { process, rows: 0, rows_before: 0 })
}

/// The flood, round after round on device clocks that only advance.
struct Flood<'a> {
    servers: &'a Servers,
    city: &'a str,
    begin_ms: i64,
    /// Next step of the device clocks, by first topic level: each pipeline gets all of them.
    steps: BTreeMap<&'static str, usize>,
}

impl Flood<'_> {
    fn step(&self, root: &str) -> usize {
        self.steps.get(root).copied().unwrap_or(0)
    }

    async fn publisher(&self, root: &str, messages: usize) -> anyhow::Result<Process> {
        let args = PublishArgs {
            port: self.servers.mqtt_port(),
            root: root.to_owned(),
            city: self.city.to_owned(),
            begin_ms: self.begin_ms,
            step: self.step(root),
            messages,
        };
        let log = self.servers.folder().join("publish.log");
        let mut publisher = Process::role(&args.words(), &log)?;
        publisher.expect("that it is ready", |line| (line == "ready").then_some(())).await?;
        Ok(publisher)
    }

    fn cpu(&self, consumer: u32, publisher: u32) -> Cpu {
        Cpu {
            publisher: process::cpu_s(publisher),
            broker: process::cpu_s(self.servers.broker_pid()),
            consumer: process::cpu_s(consumer),
            database: process::cpu_with_children_s(self.servers.database_pid()),
        }
    }

    async fn round(&mut self, consumer: &mut Consumer, messages: usize) -> anyhow::Result<Round> {
        let mut publisher = self.publisher(consumer.root(), messages).await?;
        consumer.begin().await?;
        let before = self.cpu(consumer.pid(), publisher.pid());
        let begun = Instant::now();
        let mut committed = 0;
        while committed < messages {
            let allowed = (committed + AHEAD).min(messages);
            publisher.tell(&allowed.to_string()).await?;
            committed = consumer.committed().await?;
            anyhow::ensure!(
                begun.elapsed() < ROUND_MAX,
                "{committed} of {messages} messages committed after {} s",
                ROUND_MAX.as_secs()
            );
        }
        let taken_s = begun.elapsed().as_secs_f64();
        let after = self.cpu(consumer.pid(), publisher.pid());
        publisher.stop().await?;
        let (step, steps) = (self.step(consumer.root()), messages / STATIONS);
        self.check(consumer.names(), (step, step + steps), messages).await?;
        self.steps.insert(consumer.root(), step + steps);
        let each_us = |after: f64, before: f64| (after - before) * 1e6 / float(messages);
        Ok(Round {
            rate_hz: float(messages) / taken_s,
            cpu_us: Cpu {
                publisher: each_us(after.publisher, before.publisher),
                broker: each_us(after.broker, before.broker),
                consumer: each_us(after.consumer, before.consumer),
                database: each_us(after.database, before.database),
            },
        })
    }

    /// Every row of the round is in the database.
    async fn check(
        &self,
        (database, table): (&str, &str),
        (from, to): (usize, usize),
        messages: usize,
    ) -> anyhow::Result<()> {
        let client = self.servers.client(database).await?;
        let time = |step| DateTime::from_timestamp_millis(payload::step_ms(self.begin_ms, step));
        let (from, to) = (time(from), time(to));
        let sql = format!("select count(*) from {table} where time >= $1 and time < $2");
        let found: i64 = client.query_one(&sql, &[&from, &to]).await?.get(0);
        let expected = i64::try_from(messages * LANES).context("a count")?;
        anyhow::ensure!(found == expected, "{found} of {expected} rows are in {table}");
        Ok(())
    }
}
