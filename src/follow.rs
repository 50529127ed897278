//! Notices that the registry was changed at the terminal and has the writer take it up, so that
//! `ioc-hub device accept` works beside a running hub.
//!
//! Asks the journal, in which every such change stands, every [`PERIOD`]. Rows are counted, not
//! followed by number: a number is given before its transaction is committed, so that a larger one may
//! be seen first. What cannot be asked or taken up now is at the next time.

use std::{convert::Infallible, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    store::Store,
    writer::{WriterHandle, command::chain},
};

/// Time between two questions.
const PERIOD: Duration = Duration::from_secs(1);
/// A change is noticed when it is committed within this time after its instant.
const LONGEST_CHANGE: TimeDelta = TimeDelta::minutes(10);

/// Runs until the stop.
pub async fn run(
    store: Store,
    writer: WriterHandle,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    // What is changed while the hub starts may be missed by its first look at the registry: the first
    // question always finds a change.
    let mut known: Option<(DateTime<Utc>, i64)> = None;
    loop {
        let recent = clock.now() - LONGEST_CHANGE;
        let (since, count) = known.unwrap_or((recent, -1));
        match store.terminal_changes([since, recent]).await {
            Ok([found, next]) => {
                if found == count || take_up(&writer).await {
                    known = Some((recent, next));
                }
            }
            Err(error) => tracing::debug!(why = chain(&error), "the journal was not asked"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

/// False when the writer could not take it up.
async fn take_up(writer: &WriterHandle) -> bool {
    match writer.reload().await {
        Ok(added) => {
            for (source, outcome) in added {
                let (stored, refused) = (outcome.replayed, outcome.refused_again);
                tracing::info!(%source, stored, refused, "a source was registered at the terminal");
            }
            true
        }
        Err(error) => {
            tracing::debug!(why = chain(&error), "the registry was not taken up");
            false
        }
    }
}
