//! Periodic, idempotent care of the database: at the start and hourly chunks are fitted to the rate and old
//! chunks and rows removed; each minute the sums over dossiers are built anew if the catalogue of
//! formalities changed. Speaks as the owner role; a failed run is tried at the next. The writer reloads its
//! registry hourly, to replay what was left in the quarantine of sources that are registered, and when a
//! civil day begins, since thresholds hold from one day to another.

use std::{convert::Infallible, time::Duration};

use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    store::{
        Store, StoreError,
        retention::{Retention, enforce, fit_chunks},
    },
    writer::{WriterHandle, command::chain},
};

/// Time between two looks at the catalogue.
const PERIOD: Duration = Duration::from_mins(1);
/// Looks at the catalogue for each removal of what is old.
const REMOVAL: u32 = 60;

/// Runs until the stop.
pub async fn run(
    store: Store,
    retention: Retention,
    clock: SharedClock,
    writer: WriterHandle,
    zone: Tz,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let today = || clock.now().with_timezone(&zone).date_naive();
    let mut judged_on = today();
    for run in (0..REMOVAL).cycle() {
        if run == 0
            && let Err(error) = once(&store, &retention, &clock, &writer).await
        {
            tracing::warn!(why = chain(&error), "old data was not removed");
        }
        let day = today();
        if (run == 0 || day != judged_on) && writer.reload().await.is_ok() {
            judged_on = day;
        }
        let refreshed = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            refreshed = store.refresh_cells(retention.records_since(clock.now())) => refreshed,
        };
        match refreshed {
            Ok(None) => {}
            Ok(Some(rebuilt)) => {
                tracing::info!(months = rebuilt.months, "sums over dossiers follow the catalogue");
            }
            Err(error) => tracing::warn!(why = chain(&error), "sums over dossiers are outdated"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
    Ok(())
}

/// One run. What it takes out of the quarantine makes room there, which the writer has to know.
pub async fn once(
    store: &Store,
    retention: &Retention,
    clock: &SharedClock,
    writer: &WriterHandle,
) -> Result<(), StoreError> {
    let owner = store.connect_owner().await?;
    let (interval_h, signal_h) = fit_chunks(&owner).await?;
    let removed = enforce(&owner, retention, clock.now()).await?;
    tracing::debug!(interval_h, signal_h, chunks = removed.chunks, rows = removed.rows, "upkeep");
    if removed.rows > 0
        && let Err(error) = writer.reload().await
    {
        tracing::debug!(why = chain(&error), "the quarantine was not counted");
    }
    Ok(())
}
