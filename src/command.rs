//! The subcommands of `ioc-hub`.

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use ioc_hub::{
    city::City,
    config::{self, Config, Loaded, Mistakes, Origin},
    observe,
};

mod administer;
mod check;
mod city;
mod connect;
mod device;
mod held;
mod import;
mod notify;
mod run;
mod simulate;
mod verify;

/// Open data hub for a city's Intelligent Operations Centre.
///
/// Devices and city systems publish over MQTT; the hub checks every message, stores it once in
/// TimescaleDB and pushes what changed to the operators' screens.
#[derive(Debug, Parser)]
#[command(
    name = "ioc-hub",
    version,
    propagate_version = true,
    after_help = "Examples:
  ioc-hub run --local --simulate      everything on this machine, with a simulated city
  ioc-hub run --config hub.toml       with the broker and the database of hub.toml
  ioc-hub check --config hub.toml     what is missing before it can run
  ioc-hub config                      every key with its value and where it came from

Exit codes: 0 done; 1 it failed; 2 the command line, the configuration or the city is at fault."
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// Configuration file; without it the documented defaults and `IOC_…` variables hold.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use the private broker and database in the folder `local.folder`.
    #[arg(long, global = true)]
    local: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the hub until Ctrl-C.
    #[command(after_help = "Examples:
  ioc-hub run --local --simulate
  IOC_HTTP_LISTEN=127.0.0.1:9000 ioc-hub run --local
  ioc-hub run --config hub.toml

At the first start it prints the password of the first administrator, once.")]
    Run {
        /// Publish a simulated city beside it.
        #[arg(long)]
        simulate: bool,
    },
    /// Check configuration, city, database, broker, pages and port without starting the hub.
    ///
    /// Beside a running hub it disturbs nothing. With --local the private broker and database of the
    /// running hub are checked; when there is none, they are started for the time of the check.
    Check,
    /// Bring the database schema up to date; every start of the hub does it too.
    Migrate,
    /// Show every key with its value and where it came from.
    Config,
    /// Devices and discovered sources.
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Accounts.
    #[command(subcommand)]
    User(administer::UserCommand),
    /// The city folder and what differs between it and the registry.
    #[command(subcommand)]
    City(city::CityCommand),
    /// Import a CSV table: dossiers, tickets, form II.06a, official 766 points, formalities.
    Import(import::ImportArgs),
    /// Notifications about alarms.
    #[command(subcommand)]
    Notify(notify::NotifyCommand),
    /// Publish a simulated city, or recorded controller events.
    Simulate(simulate::SimulateArgs),
    /// Compare the rollups of any span with the rows that they are made of.
    Verify(verify::VerifyArgs),
}

/// Who the journal names for changes at the terminal.
const WHO: &str = "command:ioc-hub";

/// Writes a line for the person at the terminal. A reader that has gone, as `head` does, is no error.
fn say(line: impl std::fmt::Display) {
    let _gone = writeln!(std::io::stdout().lock(), "{line}");
}

/// Writes why the command failed, or what it is doing meanwhile.
fn complain(line: impl std::fmt::Display) {
    let _gone = writeln!(std::io::stderr().lock(), "{line}");
}

/// The city of the key `city.folder`.
fn load_city(config: &Config) -> anyhow::Result<City> {
    let folder = &config.city.folder;
    if !folder.is_dir() {
        // One line, not one per file that is not there.
        let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        return Err(NoCity(absolute).into());
    }
    Ok(City::load(folder)?)
}

/// The folder of the city is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no folder {}: set the key city.folder, or start the hub where it is found", .0.display())]
struct NoCity(PathBuf);

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
    let level_of = |key: &str| loaded.effective.iter().find(|(name, ..)| name == key);
    let origin = level_of("log.level").map_or(&Origin::Default, |(.., origin)| origin);
    // Commands that answer and end say only what went wrong, unless somebody asked for more.
    let level = match cli.command {
        Command::Run { .. } => &log.level,
        _ if *origin != Origin::Default => &log.level,
        // It reports by itself what the parts would log.
        Command::Check => "error",
        _ => "warn",
    };
    if let Err(error) = observe::start_logs(level, &log.format) {
        complain(format!("{origin}: log.level: {level:?} is no filter: {error}"));
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
            let at_fault = error.is::<Mistakes>()
                || error.is::<ioc_hub::city::CityErrors>()
                || error.is::<ioc_hub::notify::EndpointsError>()
                || error.is::<NoCity>();
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
        Command::Device(command) => device::device(&loaded.config, local, command).await,
        Command::User(command) => administer::user(&loaded.config, local, command).await,
        Command::City(command) => city::city(&loaded.config, local, command).await,
        Command::Import(args) => import::import(&loaded.config, local, args).await,
        Command::Notify(command) => notify::notify(&loaded.config, command).await,
        Command::Simulate(args) => simulate::simulate(&loaded.config, local, args).await,
        Command::Verify(args) => verify::verify(&loaded.config, local, args).await,
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
