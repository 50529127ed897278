//! Periodic, idempotent care of the database, at the start and hourly: chunks fitted to the rate, old
//! chunks and rows removed. Speaks as the owner role; a failed run is tried at the next.

use std::{convert::Infallible, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    store::{
        Store, StoreError,
        retention::{Retention, enforce, fit_chunks},
    },
    writer::{WriterHandle, command::chain},
};

/// Time between two runs.
const PERIOD: Duration = Duration::from_hours(1);

/// Runs until the stop.
pub async fn run(
    store: Store,
    retention: Retention,
    clock: SharedClock,
    writer: WriterHandle,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    loop {
        if let Err(error) = once(&store, &retention, &clock, &writer).await {
            tracing::warn!(why = chain(&error), "old data was not removed");
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
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
