//! `ioc-hub run`: the hub until Ctrl-C, with private servers and a simulated city on request.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use ioc_hub::{
    city::{City, Device, Scale},
    clock::{SharedClock, SystemClock},
    config::Config,
    hub::{self, Hub, HubOptions, Prepared},
    local::{self, Role},
    simulate::{SimulateOptions, SimulateStats},
    store::StoreSettings,
    tasks::Tasks,
};
use ioc_ingest::Service;

use super::{complain, connect, load_city, say};

/// Everything has to end within this time after Ctrl-C, the private servers apart.
const GRACE: Duration = Duration::from_secs(4);

/// The broker and the database that the hub works with.
struct Servers {
    running: Option<local::Running>,
    host: String,
    port: u16,
    database: StoreSettings,
}

async fn servers(config: &Config, is_local: bool) -> anyhow::Result<Servers> {
    if !is_local {
        let database = connect::database(config)?;
        let (host, port) = (config.broker.host.clone(), config.broker.port);
        return Ok(Servers { running: None, host, port, database });
    }
    let settings = connect::local_settings(config);
    let progress = |line: &str| say(line);
    let programs = local::fetch(&settings, &progress).await?;
    let running = local::start(&settings, &programs, &progress).await?;
    let address = running.broker.address();
    let database = connect::settings(
        config,
        running.database.connection(Role::Application),
        running.database.connection(Role::Owner),
    );
    let (host, port) = (address.ip().to_string(), address.port());
    Ok(Servers { running: Some(running), host, port, database })
}

/// The devices of a scale: those of the city, or generated ones beside the city's systems.
pub(super) fn devices(city: &City, scale: &str) -> Vec<Device> {
    let scale = match scale {
        "S" => Scale::S,
        "M" => Scale::M,
        "L" => Scale::L,
        _ => return city.devices.clone(),
    };
    let is_system = |device: &&Device| {
        matches!(device.service, Service::Desk | Service::Onestop | Service::Metric)
    };
    city.devices.iter().filter(is_system).cloned().chain(city.scaled(scale)).collect()
}

pub(super) async fn run(config: Config, is_local: bool, simulate: bool) -> anyhow::Result<()> {
    let city = Arc::new(load_city(&config)?);
    for warning in &city.warnings {
        tracing::warn!("{warning}");
    }
    // Told before anything is fetched or started; the hub itself takes the port a little later.
    connect::free_port(&config).await.map_err(anyhow::Error::msg)?;
    let servers = servers(&config, is_local).await?;
    let result = run_with(&config, &city, &servers, simulate).await;
    if let Some(running) = servers.running {
        say("stopping the private broker and database");
        running.stop().await?;
    }
    if result.is_ok() {
        say("stopped");
    }
    result
}

/// A simulated city that runs faster than time, or at a rate of its own, sends what a real one may not.
fn quicken(config: &mut Config) {
    config.ingest.noisy_factor *= config.simulate.speed.max(1.0);
    if config.simulate.rate_hz > 0 {
        config.ingest.noisy_factor = 0.0;
    }
}

async fn run_with(
    config: &Config,
    city: &Arc<City>,
    servers: &Servers,
    simulate: bool,
) -> anyhow::Result<()> {
    let clock: SharedClock = Arc::new(SystemClock);
    let tasks = Tasks::new();
    let devices = devices(city, &config.simulate.scale);
    // Tens of thousands in a large city: the hub itself goes by its registry.
    let simulated = simulate.then(|| devices.clone());
    let mut effective = config.clone();
    if simulate {
        quicken(&mut effective);
    }
    let options = HubOptions {
        config: effective,
        city: Arc::clone(city),
        devices,
        database: servers.database.clone(),
        broker: connect::broker(config, &city.token, servers.port, &servers.host),
        clock: Arc::clone(&clock),
    };
    let mut hub = hub::start(&tasks, options).await?;
    announce(config, &hub, servers);
    let prepared = prepared(&tasks, &mut hub).await;
    if let Some(prepared) = &prepared {
        tell(prepared, city, servers);
        if let Some(devices) = simulated {
            let publisher = connect::publisher(config, &servers.host, servers.port)?;
            let simulation = SimulateOptions {
                devices,
                seed: config.simulate.seed,
                speed: config.simulate.speed,
                rate: (config.simulate.rate_hz > 0).then(|| f64::from(config.simulate.rate_hz)),
                faults: config.simulate.faults,
                backfill: prepared.history_missing,
                ..SimulateOptions::new(publisher, Arc::clone(city))
            };
            let stop = tasks.stop_token();
            let stats = Arc::new(SimulateStats::default());
            tasks.spawn("simulated city", ioc_hub::simulate::run(simulation, clock, stop, stats));
        }
    }
    tasks.join(GRACE).await.context("the hub stopped by itself")
}

/// Waits for the database, the stop signal or a failing task, whichever comes first.
async fn prepared(tasks: &Tasks, hub: &mut Hub) -> Option<Prepared> {
    let stop = tasks.stop_token();
    let signalled = tasks.stop_token();
    tasks.spawn("signals", async move {
        tokio::select! {
            signal = interrupted() => {
                signal?;
                complain("stopping");
                signalled.cancel();
            }
            () = signalled.cancelled() => {}
        }
        Ok::<(), std::io::Error>(())
    });
    tokio::select! {
        () = stop.cancelled() => None,
        prepared = &mut hub.prepared => prepared.ok(),
    }
}

/// Ctrl-C, or the signal that a service manager sends.
async fn interrupted() -> Result<(), std::io::Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

fn announce(config: &Config, hub: &Hub, servers: &Servers) {
    say("");
    say(format!("  screens   http://{}", hub.address));
    say(format!("  MQTT      {}:{}", servers.host, servers.port));
    if config.insecure {
        say("  insecure  = true: connections are not encrypted");
    }
    if servers.running.is_none() {
        say("  waiting for the database; /readyz tells what is missing");
    }
}

fn tell(prepared: &Prepared, city: &City, servers: &Servers) {
    if let Some(password) = &prepared.first_password {
        say("");
        say("  first administrator, shown only now:");
        say(format!("    user      admin\n    password  {password}"));
    }
    let (host, port, token) = (&servers.host, servers.port, &city.token);
    let [lon, lat] = city.center;
    say("");
    say("  Next: open the address above and sign in. To see a device arrive, publish one:");
    say(format!(
        "    mosquitto_pub -h {host} -p {port} -q 1 -t ioc/1/{token}/vds/my-first/status \
         -m '{{\"v\":1,\"online\":true,\"boot\":1}}'"
    ));
    let program = std::env::args().next().unwrap_or_else(|| "ioc-hub".to_owned());
    let local = if servers.running.is_some() { " --local" } else { "" };
    say("  and accept it, in another terminal:");
    say(format!("    {program} device accept my-first --lat {lat} --lon {lon}{local}"));
    say("  Ctrl-C stops everything.");
    say("");
}
