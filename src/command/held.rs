//! Stores messages while no hub is at work: the hub's own writer, run for this one purpose, so that they
//! go the way of every other message. They come out of the quarantine, or from an import.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use ioc_hub::{
    config::Config,
    hub,
    observe::Metrics,
    store::{Store, insert::Doubted},
    stranger::Strangers,
    writer::{Alarms, CHANGES, DatabaseState, Writer, WriterHandle},
};
use ioc_ingest::Contract;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{WHO, administer::clock, connect};

/// Replays these messages of the quarantine. Returns how many are stored now, and how many are still
/// refused.
pub(super) async fn store_held(
    config: &Config,
    store: &Store,
    held: &[i64],
) -> anyhow::Result<(u64, u64)> {
    with_writer(config, store, async |handle| replay(&handle, held).await).await
}

/// Zone of the civil days of the registered city.
pub(super) async fn zone(store: &Store) -> anyhow::Result<chrono_tz::Tz> {
    let city = store.city().await?.context("the registry is empty")?;
    let zone = city.settings["time_zone"].as_str().unwrap_or_default();
    zone.parse()
        .map_err(|_unknown| anyhow!("the registry names the time zone {zone:?}, which is none"))
}

/// Runs `work` with a writer of its own, which ends with it.
pub(super) async fn with_writer<T>(
    config: &Config,
    store: &Store,
    work: impl AsyncFnOnce(WriterHandle) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let city = store.city().await?.context("the registry is empty")?;
    let zone = zone(store).await?;
    let contract =
        Contract { city: city.token.clone(), personal_keys: config.ingest.personal_keys.clone() };
    // Never run: what comes is acknowledged to nobody.
    let options = connect::broker(config, &city.token, config.broker.port, &config.broker.host);
    let (_session, _deliveries, acknowledger, _state) =
        ioc_ingest::mqtt::session(options, || clock().now());
    let (admitted, to_write) = mpsc::channel(1);
    // Nobody watches.
    let (changes, _) = mpsc::channel(CHANGES);
    let (handle, commands) = WriterHandle::channel();
    let stop = CancellationToken::new();
    let writer = Writer {
        store: store.clone(),
        clock: clock(),
        contract,
        horizon: hub::horizon(config),
        strangers: Arc::new(Strangers::new(config.ingest.strangers, Metrics::new())),
        settings: hub::writer_settings(config, zone, &clock())?,
        registry: watch::channel(None).0,
        admitted: to_write,
        commands,
        changes,
        // What is stored now is judged when the hub starts.
        quality: ioc_hub::quality::task::channel().0,
        alarms: Alarms::default(),
        spool: None,
        doubted: Doubted::default(),
        acknowledger,
        records: watch::channel(0).0,
        state: watch::channel(DatabaseState::Starting).0,
        metrics: Metrics::new(),
        stop: stop.clone(),
    };
    let work = async {
        let done = work(handle.clone()).await;
        // The writer ends with what it takes messages from.
        drop(admitted);
        stop.cancel();
        done
    };
    let (Ok(()), done) = tokio::join!(Box::pin(writer.run()), work);
    done
}

async fn replay(handle: &WriterHandle, held: &[i64]) -> anyhow::Result<(u64, u64)> {
    let (mut stored, mut refused) = (0, 0);
    for id in held {
        match handle.replay(*id, WHO).await {
            Ok(outcome) if outcome.accepted => stored += 1,
            Ok(_) => refused += 1,
            Err(error) => bail!(
                "store message {id} of the quarantine: {error} ({stored} are stored; run this again)"
            ),
        }
    }
    Ok((stored, refused))
}
