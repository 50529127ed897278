//! `ioc-hub simulate`: publishes a simulated city, or recorded controller events, to a broker.

use std::{fs::File, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use ioc_hub::{
    clock::{SharedClock, SystemClock},
    config::Config,
    simulate::{Recording, ReplayOptions, SimulateOptions, SimulateStats, replay, run},
};
use ioc_ingest::Source;
use tokio_util::sync::CancellationToken;

use super::{connect, load_city, run::devices, say};

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these are help texts, shown as plain text")]
pub(super) struct SimulateArgs {
    /// Devices: `city`, or a generated design point S, M, L. The hub's registry must hold them.
    #[arg(long, value_name = "SCALE")]
    scale: Option<String>,
    /// Seed: the same seed gives the same day.
    #[arg(long)]
    seed: Option<u64>,
    /// Simulated seconds per second.
    #[arg(long)]
    speed: Option<f64>,
    /// Only the stations' intervals, so many messages per second together; 0: as fast as the broker takes them.
    #[arg(long, value_name = "HZ")]
    rate: Option<f64>,
    /// Fill in the published past too; again changes nothing.
    #[arg(long)]
    backfill: bool,
    /// Publish recorded events of a CSV file (TimeStamp, DeviceId, EventId, Parameter) instead.
    #[arg(long, value_name = "FILE", requires = "zone")]
    replay: Option<PathBuf>,
    /// Time zone of the recorded local time, such as America/Los_Angeles.
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    zone: Option<chrono_tz::Tz>,
    /// Source to publish recorded events as; without it made from their DeviceId.
    #[arg(long)]
    source: Option<String>,
}

fn parse_zone(text: &str) -> Result<chrono_tz::Tz, String> {
    text.parse().map_err(|_unknown| "is no IANA time zone, such as Asia/Ho_Chi_Minh".to_owned())
}

/// Stops on Ctrl-C.
async fn stop_on_interrupt<T>(
    work: impl Future<Output = T>,
    stop: &CancellationToken,
) -> anyhow::Result<T> {
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => Ok(done),
        pressed = tokio::signal::ctrl_c() => {
            pressed.context("wait for Ctrl-C")?;
            stop.cancel();
            Ok(work.await)
        }
    }
}

pub(super) async fn simulate(
    config: &Config,
    is_local: bool,
    args: SimulateArgs,
) -> anyhow::Result<()> {
    let city = Arc::new(load_city(config)?);
    let (host, port) = if is_local {
        ("127.0.0.1".to_owned(), config.local.mqtt_port)
    } else {
        (config.broker.host.clone(), config.broker.port)
    };
    let broker = connect::publisher(config, &host, port)?;
    let stop = CancellationToken::new();
    if let (Some(file), Some(zone)) = (&args.replay, args.zone) {
        let csv = File::open(file).with_context(|| format!("open {}", file.display()))?;
        let recording =
            Recording::read(csv, zone).with_context(|| format!("read {}", file.display()))?;
        let source = args.source.as_deref().map(Source::parse).transpose()?;
        say(format!("{} events in {} messages", recording.events(), recording.batches()));
        let options = ReplayOptions { broker, city: city.token.clone(), source };
        let clock: SharedClock = Arc::new(SystemClock);
        let mut told = 0;
        let progress = |progress: ioc_hub::simulate::ReplayProgress| {
            if progress.acknowledged == progress.batches || progress.acknowledged >= told + 50 {
                told = progress.acknowledged;
                say(format!("{} of {} messages acknowledged", told, progress.batches));
            }
        };
        let work = replay(&options, &recording, clock, stop.clone(), progress);
        stop_on_interrupt(work, &stop).await??;
        return Ok(());
    }
    let scale = args.scale.as_deref().unwrap_or(&config.simulate.scale);
    let rate = args.rate.map(|rate| if rate > 0.0 { rate } else { f64::INFINITY });
    let options = SimulateOptions {
        devices: devices(&city, scale),
        seed: args.seed.unwrap_or(config.simulate.seed),
        speed: args.speed.unwrap_or(config.simulate.speed),
        rate,
        faults: config.simulate.faults,
        backfill: args.backfill,
        ..SimulateOptions::new(broker, city)
    };
    let clock: SharedClock = Arc::new(SystemClock);
    let stats = Arc::new(SimulateStats::default());
    say(format!("publishing for {} devices to {host}:{port}; Ctrl-C stops", options.devices.len()));
    let work = run(options, clock, stop.clone(), Arc::clone(&stats));
    stop_on_interrupt(work, &stop).await??;
    say(format!(
        "{} messages published, {} acknowledged",
        stats.published.load(std::sync::atomic::Ordering::Relaxed),
        stats.acknowledged.load(std::sync::atomic::Ordering::Relaxed)
    ));
    Ok(())
}
