//! Has closed hours and days built from the 5-minute rollup, and marked ones built anew after late data.
//!
//! Once a second: asks the writer to close the hours that are over, then works in small steps until
//! nothing is left. Reads are exact all the time, whatever is still to be done: this task only makes
//! them fast. While the database is away it tries again at the next second; while the spool is drained it
//! leaves the database to that: hours that end meanwhile are closed once, when their rows are there.

use std::{convert::Infallible, sync::Arc, time::Duration};

use chrono_tz::Tz;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    observe::Metrics,
    spool::SpoolState,
    store::{
        Store, StoreError,
        rollup::is_to_move,
        rollup_build::{Builder, Step, closing},
    },
    writer::{WriterHandle, command::chain},
};

/// Time between two looks at what is to be done.
const PERIOD: Duration = Duration::from_secs(1);

/// The worker's ends.
#[derive(Debug)]
pub struct Worker {
    /// The way to the database.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// Closes the hours.
    pub writer: WriterHandle,
    /// What waits for the database.
    pub spool: watch::Receiver<SpoolState>,
    /// Zone of the civil days.
    pub zone: Tz,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

impl Worker {
    /// Runs until the stop.
    pub async fn run(self) -> Result<(), Infallible> {
        let mut builder = None;
        loop {
            if self.is_drained()
                && let Err(error) = self.work(&mut builder).await
            {
                builder = None;
                if error.is_retriable() {
                    tracing::debug!(why = chain(&error), "the rollups wait");
                } else {
                    tracing::warn!(why = chain(&error), "the rollups were not built");
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    fn is_drained(&self) -> bool {
        self.spool.borrow().messages == 0
    }

    async fn work(&self, connected: &mut Option<Builder>) -> Result<(), StoreError> {
        let builder = match connected {
            Some(builder) => builder,
            none => none.insert(Builder::connect(&self.store, self.zone).await?),
        };
        let (state, marks) = builder.state().await?;
        self.metrics.rollup_marks.set(marks);
        let before = closing(self.clock.now());
        if is_to_move(state.closed_before, before)
            && let Err(error) = self.writer.close_hours(before).await
        {
            tracing::debug!(why = chain(&error), "the hours were not closed");
        }
        while self.is_drained() && !self.stop.is_cancelled() {
            match builder.step().await? {
                Step::Idle => break,
                Step::Built => {}
                Step::Drained(hours) => {
                    self.metrics.rollup_rebuilt.inc_by(u64::try_from(hours).unwrap_or(0));
                }
            }
        }
        Ok(())
    }
}
