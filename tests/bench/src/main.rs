//! `make bench`: measures what the project promises, each figure beside a bare reference where there
//! is one, and prints a table; `target/bench.json` holds the same.
//!
//! Needs nothing by hand: private broker and database come from `.local/`, their data lives in a
//! folder of its own that is removed at the end. Loopback only; everything is bounded in time, and
//! only processes that were started here are stopped. `--full` measures longer, `--only` one part.

mod child;
mod city;
mod commit;
mod decode;
mod fanout;
mod http;
mod live;
mod payload;
mod process;
mod publish;
mod reference;
mod report;
mod servers;
mod start;
mod typed;

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};
use ioc_hub::{
    city::{City, Scale},
    clock::{SharedClock, SystemClock},
};
use report::Report;
use servers::{ROOT, Servers};

/// Where the figures go, below the sources.
const JSON: &str = "target/bench.json";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Decoding alone.
    Decode,
    /// Broker to committed beside the bare reference.
    Commit,
    /// Latency, memory and fan-out of the simulated city at a design point.
    City,
    /// From the start of the binary to the first moving value.
    Start,
}

/// Measures the hub and prints a table.
#[derive(Debug, Parser)]
struct Args {
    /// More rounds, longer.
    #[arg(long)]
    full: bool,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Rounds of each pipeline.
    #[arg(long)]
    rounds: Option<usize>,
    /// Messages of a round.
    #[arg(long)]
    messages: Option<usize>,
    /// Minutes of the simulated city.
    #[arg(long)]
    minutes: Option<f64>,
    /// Design point of the simulated city: S, M or L.
    #[arg(long, default_value = "M")]
    scale: String,
    /// Live clients of the fan-out.
    #[arg(long)]
    clients: Option<usize>,
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
        None => measure(args).await,
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
    let folder = std::env::temp_dir().join(format!("ioc-hub-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut report = Report::default();
    let done = measure_in(&folder, &args, &mut report).await;
    if done.is_err() {
        say(format!("the logs are in {}", folder.display()));
    } else {
        std::fs::remove_dir_all(&folder).context("remove the folder of the benchmark")?;
    }
    // What was measured before a failure is shown too.
    say(report.table());
    let settings = serde_json::json!({"full": args.full, "rounds": args.rounds, "messages": args.messages,
        "scale": args.scale, "minutes": args.minutes, "clients": args.clients});
    report.write(&Path::new(ROOT).join(JSON), &settings)?;
    say(format!("written to {JSON}"));
    done
}

async fn measure_in(folder: &Path, args: &Args, report: &mut Report) -> anyhow::Result<()> {
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let city = City::load(&Path::new(ROOT).join("config/city/can-tho"))?;
    let rounds = args.rounds.unwrap_or(if args.full { 5 } else { 3 });
    if wanted(Part::Decode) {
        say("decoding alone");
        decode::run(&city.token, rounds.max(3), report)?;
    }
    if wanted(Part::Start) {
        say("starting the hub, cold and warm");
        let clock: SharedClock = Arc::new(SystemClock);
        start::run(folder, &clock, report).await?;
    }
    if !wanted(Part::Commit) && !wanted(Part::City) {
        return Ok(());
    }
    say("starting a private broker and a private database");
    let servers = Servers::start(folder.to_owned()).await?;
    let done = on_servers(&servers, &city, args, rounds, report).await;
    let stopped = servers.stop().await;
    done.and(stopped)
}

async fn on_servers(
    servers: &Servers,
    city: &City,
    args: &Args,
    rounds: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    if wanted(Part::Commit) {
        say("broker to committed, bare reference and hub in turns");
        let messages = args.messages.unwrap_or(if args.full { 200_000 } else { 120_000 });
        commit::run(servers, city, commit::Extent { rounds, messages }, report).await?;
    }
    if wanted(Part::City) {
        let minutes = args.minutes.unwrap_or(if args.full { 10.0 } else { 1.0 });
        say(format!("simulated city at {} for {minutes} min", args.scale));
        let scale = Scale::ALL.into_iter().find(|scale| scale.as_str() == args.scale);
        let scale = scale.context("--scale is S, M or L")?;
        let span = Duration::from_secs_f64(minutes * 60.0);
        let clients = args.clients.unwrap_or(if args.full { 1_000 } else { 200 });
        city::run(servers, city, city::Extent { scale, span, clients }, report).await?;
    }
    Ok(())
}
