//! The subcommands of `ioc-hub`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use ioc_hub::{
    config::{self, Loaded, Mistakes},
    observe,
};

mod administer;
mod check;
mod connect;
mod run;
mod simulate;

/// Open data hub for a city's Intelligent Operations Centre.
///
/// Devices and city systems publish over MQTT; the hub checks every message, stores it once in
/// TimescaleDB and pushes what changed to the operators' screens.
#[derive(Debug, Parser)]
#[command(name = "ioc-hub", version, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// Configuration file; without it the documented defaults and IOC_… variables hold.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use the private broker and database in the folder `local.folder`.
    #[arg(long, global = true)]
    local: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub until Ctrl-C.
    Run {
        /// Publish a simulated city beside it.
        #[arg(long)]
        simulate: bool,
    },
    /// Check configuration, city, database and broker without starting.
    Check,
    /// Bring the database schema up to date.
    Migrate,
    /// Show every key with its value and where it came from.
    Config,
    /// Devices and discovered sources.
    #[command(subcommand)]
    Device(administer::DeviceCommand),
    /// Accounts.
    #[command(subcommand)]
    User(administer::UserCommand),
    /// The city folder.
    #[command(subcommand)]
    City(administer::CityCommand),
    /// Publish a simulated city, or recorded controller events.
    Simulate(simulate::SimulateArgs),
}

/// Writes a line for the person at the terminal.
#[expect(clippy::print_stdout, reason = "the command line speaks on standard output")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

/// Writes why the command failed.
#[expect(clippy::print_stderr, reason = "the command line complains on standard error")]
fn complain(line: impl std::fmt::Display) {
    eprintln!("{line}");
}

const FAILED: u8 = 1;
const AT_FAULT: u8 = 2;

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let loaded = match config::load(cli.common.config.as_deref(), &config::environment()) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            complain(&mistakes);
            return ExitCode::from(AT_FAULT);
        }
    };
    let log = &loaded.config.log;
    if let Err(error) = observe::start_logs(&log.level, &log.format) {
        complain(format!("log.level: {:?} is no filter: {error}", log.level));
        return ExitCode::from(AT_FAULT);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format!("start the runtime: {error}"));
            return ExitCode::from(FAILED);
        }
    };
    match runtime.block_on(dispatch(cli, loaded)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let at_fault = error.is::<Mistakes>() || error.is::<ioc_hub::city::CityErrors>();
            complain(format!("ioc-hub: {error:#}"));
            ExitCode::from(if at_fault { AT_FAULT } else { FAILED })
        }
    }
}

async fn dispatch(cli: Cli, loaded: Loaded) -> anyhow::Result<()> {
    let local = cli.common.local;
    match cli.command {
        Command::Run { simulate } => run::run(loaded.config, local, simulate).await,
        Command::Check => check::check(&loaded, local).await,
        Command::Migrate => administer::migrate(&loaded.config, local).await,
        Command::Config => {
            show_config(&loaded);
            Ok(())
        }
        Command::Device(command) => administer::device(&loaded.config, local, command).await,
        Command::User(command) => administer::user(&loaded.config, local, command).await,
        Command::City(command) => administer::city(&loaded.config, local, command).await,
        Command::Simulate(args) => simulate::simulate(&loaded.config, local, args).await,
    }
}

fn show_config(loaded: &Loaded) {
    let width = loaded.effective.iter().map(|(key, value, _)| key.len() + value.len()).max();
    let width = width.unwrap_or(0).min(60) + 3;
    for (key, value, origin) in &loaded.effective {
        let pair = format!("{key} = {value}");
        say(format!("{pair:<width$}  # {origin}"));
    }
}
