//! `make bench`: measures what the project promises, each figure beside a bare reference where there
//! is one, and prints a table; a JSON file in `target/bench/` holds the same, with the machine, the
//! versions and the settings.
//!
//! Needs nothing by hand: private broker and database come from `.local/`, their data lives in a
//! folder of its own that is removed at the end. Loopback only; everything is bounded in count and
//! time, and only processes that were started here are stopped.

mod broadcast;
mod child;
mod city;
mod clients;
mod commit;
mod copy;
mod decode;
mod fanout;
mod http;
mod live;
mod machine;
mod payload;
mod probe;
mod process;
mod publish;
mod query;
mod reference;
mod reform;
mod report;
mod servers;
mod start;
mod station;
mod store;
mod typed;

use std::{
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use ioc_hub::{
    city::{City, Scale},
    clock::{SharedClock, SystemClock},
};
use reform::Place;
use report::Report;
use serde_json::Value;
use servers::{ROOT, Servers};

/// Parts that need servers.
const ON_SERVERS: [Part; 6] =
    [Part::Store, Part::Commit, Part::City, Part::Fanout, Part::Query, Part::Reform];

/// Where the figures go, below the sources.
const FOLDER: &str = "target/bench";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Decoding alone, beside a bare typed parse.
    Decode,
    /// From the start of the binary to the first moving value.
    Start,
    /// Storing alone, beside bare COPY.
    Store,
    /// Broker to committed, beside the bare pipeline.
    Commit,
    /// Publish to committed, publish to socket and memory of the simulated city at each design point.
    City,
    /// Many live clients, beside a bare broadcast.
    Fanout,
    /// History of a year and of a thousand devices; only when it is asked for.
    Query,
    /// Indicators over three years of dossiers and tickets; only when it is asked for.
    Reform,
}

/// Measures the hub beside bare references and prints a table. All parts take about six minutes;
/// more rounds and minutes tell more.
#[derive(Debug, Parser)]
struct Args {
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Rounds of each way; the figure is their median.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Messages of a round, storing and committing.
    #[arg(long, default_value_t = 40_000)]
    messages: usize,
    /// Commits messages from so many days ago: late data, whose hours and days are summed anew.
    #[arg(long, default_value_t = 0)]
    days_ago: u32,
    /// Minutes of the simulated city at each design point.
    #[arg(long, default_value_t = 0.5)]
    minutes: f64,
    /// Design points of the simulated city: S, M or L.
    #[arg(long, value_delimiter = ',', default_values = ["M", "L"])]
    scale: Vec<String>,
    /// Numbers of live clients of the fan-out, one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000])]
    clients: Vec<usize>,
    /// Dossiers a year of the part `reform`, three years deep; a twentieth as many tickets.
    #[arg(long, default_value_t = 2_000_000)]
    dossiers: i64,
    /// Asks this database, whose records of the part `reform` were made before, and no other part.
    #[arg(long, value_name = "CONNECTION")]
    made: Option<String>,
    /// Seconds of a round of the fan-out.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What child processes do.
#[derive(Debug, Subcommand)]
enum Role {
    #[command(hide = true)]
    Publish(publish::PublishArgs),
    #[command(hide = true)]
    Reference(reference::ReferenceArgs),
    #[command(hide = true)]
    Broadcast(broadcast::BroadcastArgs),
    #[command(hide = true)]
    Clients(clients::ClientsArgs),
}

/// Writes a line for the person, or for the parent process.
#[expect(clippy::print_stdout, reason = "a program that prints what it measured")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.role {
        Some(Role::Publish(args)) => publish::run(args).await,
        Some(Role::Reference(args)) => reference::run(args).await,
        Some(Role::Broadcast(args)) => broadcast::run(args).await,
        Some(Role::Clients(args)) => clients::run(args).await,
        None => Box::pin(measure(args)).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a program that says why it failed")]
fn complain(error: &anyhow::Error) {
    eprintln!("bench: {error:#}");
}

async fn measure(args: Args) -> anyhow::Result<()> {
    anyhow::ensure!(args.rounds > 0, "--rounds is at least 1");
    let folder = std::env::temp_dir().join(format!("ioc-hub-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut bench = Bench {
        city: City::load(&Path::new(ROOT).join("config/city/can-tho"))?,
        clock: Arc::new(SystemClock),
        begun: Instant::now(),
        versions: machine::built().await,
        report: Report::default(),
        args,
    };
    let done = Box::pin(bench.run(&folder)).await;
    if done.is_err() {
        say(format!("the logs are in {}", folder.display()));
    } else {
        std::fs::remove_dir_all(&folder).context("remove the folder of the benchmark")?;
    }
    // What was measured before a failure is shown too.
    say(bench.report.table());
    bench.write()?;
    done
}

/// A run.
struct Bench {
    args: Args,
    city: City,
    clock: SharedClock,
    begun: Instant,
    versions: Value,
    report: Report,
}

impl Bench {
    fn wants(&self, part: Part) -> bool {
        // Their records alone take minutes to make.
        let is_usual = !matches!(part, Part::Query | Part::Reform);
        self.args.only.is_empty() && is_usual || self.args.only.contains(&part)
    }

    /// Says what follows, and when.
    fn begin(&self, part: impl std::fmt::Display) {
        say(format!("[{:>4} s] {part}", self.begun.elapsed().as_secs()));
    }

    async fn run(&mut self, folder: &Path) -> anyhow::Result<()> {
        if let Some(made) = self.args.made.clone() {
            self.begin("indicators over records that were made before");
            let extent = reform::Extent { dossiers: 0, rounds: self.args.rounds };
            return reform::run(Place::Made(&made), &self.city, extent, &mut self.report).await;
        }
        if self.wants(Part::Decode) {
            self.begin("decoding alone");
            decode::run(&self.city.token, self.args.rounds, &mut self.report)?;
        }
        if self.wants(Part::Start) {
            self.begin("starting the hub, cold and warm");
            start::run(folder, &self.clock, &mut self.report).await?;
        }
        if !ON_SERVERS.into_iter().any(|part| self.wants(part)) {
            return Ok(());
        }
        self.begin("starting a private broker and a private database");
        let servers = Servers::start(folder.to_owned()).await?;
        self.versions["servers"] = machine::of_servers(&servers).await?;
        let done = self.on_servers(&servers).await;
        let stopped = servers.stop().await;
        done.and(stopped)
    }

    /// Measures the parts that need servers; one that fails does not keep the others from being measured.
    async fn on_servers(&mut self, servers: &Servers) -> anyhow::Result<()> {
        let mut failed = Ok(());
        for part in ON_SERVERS {
            if self.wants(part)
                && let Err(error) = self.part(servers, part).await
            {
                self.begin(format!("FAILED: {error:#}"));
                failed = failed.and(Err(error));
            }
        }
        self.begin("done");
        failed
    }

    async fn part(&mut self, servers: &Servers, part: Part) -> anyhow::Result<()> {
        let (rounds, messages) = (self.args.rounds, self.args.messages);
        match part {
            Part::Decode | Part::Start => Ok(()),
            Part::Store => {
                self.begin("storing alone, bare COPY and the hub's inserter in turns");
                store::run(servers, &self.city, (rounds, messages), &mut self.report).await
            }
            Part::Commit => {
                self.begin("broker to committed, bare reference and hub in turns");
                let extent = commit::Extent { rounds, messages, days_ago: self.args.days_ago };
                commit::run(servers, &self.city, extent, &mut self.report).await
            }
            Part::City => {
                for name in self.args.scale.clone() {
                    let scale = Scale::ALL.into_iter().find(|scale| scale.as_str() == name);
                    let scale = scale.context("--scale is S, M or L")?;
                    self.begin(format!("simulated city at {name} for {} min", self.args.minutes));
                    let span = Duration::from_secs_f64(self.args.minutes * 60.0);
                    let extent = city::Extent { scale, span, rounds };
                    city::run(servers, &self.city, extent, &mut self.report).await?;
                }
                Ok(())
            }
            Part::Fanout => {
                self.begin("fan-out, hub and bare broadcast in turns");
                let span = Duration::from_secs_f64(self.args.seconds);
                let extent = fanout::Extent { rounds, span, clients: self.args.clients.clone() };
                fanout::run(servers, &self.city, &extent, &mut self.report).await
            }
            Part::Query => {
                self.begin("history over 21 million readings");
                query::run(servers, &self.city, rounds, &mut self.report).await
            }
            Part::Reform => {
                let dossiers = self.args.dossiers;
                self.begin(format!("indicators over three years of {dossiers} dossiers"));
                let extent = reform::Extent { dossiers, rounds };
                reform::run(Place::New(servers), &self.city, extent, &mut self.report).await
            }
        }
    }

    /// Writes the JSON file, named by the time.
    fn write(&self) -> anyhow::Result<()> {
        let args = &self.args;
        let now = self.clock.now();
        let settings = serde_json::json!({
            "only": args.only.iter().map(|part| format!("{part:?}")).collect::<Vec<_>>(),
            "rounds": args.rounds, "messages": args.messages, "minutes": args.minutes,
            "scale": args.scale, "clients": args.clients, "seconds": args.seconds,
            "lanes": payload::LANES, "stations": payload::STATIONS,
            "noisy_factor": child::NOISY_FACTOR, "clock_ahead_s": child::CLOCK_AHEAD_S,
            "days_ago": args.days_ago, "dossiers": args.dossiers,
        });
        let all = serde_json::json!({
            "measured_at": now, "taken_s": self.begun.elapsed().as_secs(), "settings": settings,
            "machine": machine::describe(), "versions": self.versions,
            "figures": self.report.json(),
        });
        let folder = Path::new(ROOT).join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        let name = format!("{}.json", now.format("%Y%m%d-%H%M%S"));
        std::fs::write(folder.join(&name), format!("{all:#}\n"))?;
        say(format!(
            "the hub ran with IOC_INGEST_NOISY_FACTOR={}: its rule about noisy sources counts, and \
             never trips",
            child::NOISY_FACTOR
        ));
        say(format!("written to {FOLDER}/{name}"));
        Ok(())
    }
}
