//! Periodic, idempotent care of the database: chunks fitted to the rate at start and daily, old
//! chunks and rows removed hourly. Speaks as the owner role; a failed run is tried at the next.

use std::{convert::Infallible, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    store::{
        Store, StoreError,
        retention::{Retention, enforce, fit_chunks},
    },
    writer::command::chain,
};

/// Time between two runs.
const PERIOD: Duration = Duration::from_hours(1);

/// Runs until the stop.
pub async fn run(
    store: Store,
    retention: Retention,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    loop {
        match once(&store, &retention, &clock).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(why = chain(&error), "old data was not removed"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn once(store: &Store, retention: &Retention, clock: &SharedClock) -> Result<(), StoreError> {
    let owner = store.connect_owner().await?;
    let (interval_h, signal_h) = fit_chunks(&owner).await?;
    let removed = enforce(&owner, retention, clock.now()).await?;
    tracing::debug!(interval_h, signal_h, chunks = removed.chunks, rows = removed.rows, "upkeep");
    Ok(())
}
