//! Checks the hub's own promise while it works: once a second the rollups of one lane or zone and one
//! hour, taken by chance, are compared with what they are made of, and now and then the sums over
//! dossiers of one unit and day.
//!
//! A difference is logged once, counted, and shown as the hub's own row `hub:rollup` of the topic
//! `sources` until the same hour, or unit and day, agrees again. `ioc-hub verify` then tells all of them.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc, time::Duration};

use chrono::TimeDelta;
use chrono_tz::Tz;
use rand::RngExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::SharedClock,
    observe::Metrics,
    store::{
        Store, StoreError,
        cell::{CellSample, sample_cell, verify_cell},
        verify::{Sample, sample, verify_sample},
    },
    writer::command::chain,
};

/// Time between two checks.
const PERIOD: Duration = Duration::from_secs(1);
/// Every so many checks one that differed is made again instead.
const AGAIN: u32 = 4;
/// Every so many checks are followed by one of the sums over dossiers.
const CELLS: u32 = 10;
/// Hours, and days of units, that differ and are remembered; more are counted and logged, but not looked
/// at again.
const DIFFERENT_MAX: usize = 1_000;

/// Whether the rollups that were looked at agree with their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Nothing was compared yet.
    Unknown,
    /// Everything that was compared agrees.
    Agrees,
    /// Something differs.
    Differs,
}

/// The check's ends.
#[derive(Debug)]
pub struct SelfCheck {
    /// The way to the database.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// Intervals older than this are gone.
    pub interval_horizon: TimeDelta,
    /// Dossiers that ended before this may be gone.
    pub record_horizon: TimeDelta,
    /// Zone of the civil days.
    pub zone: Tz,
    /// Tells what was found.
    pub agreement: watch::Sender<Agreement>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

impl SelfCheck {
    /// Runs until the stop. What cannot be asked now is not checked.
    pub async fn run(self) -> Result<(), Infallible> {
        let (mut different, mut cells) = (BTreeSet::new(), BTreeSet::new());
        let mut checks: u32 = 0;
        loop {
            checks = checks.wrapping_add(1);
            let again = different.first().filter(|_| checks.is_multiple_of(AGAIN)).cloned();
            match self.check(again).await {
                Ok(Some((sample, equal))) => self.note(&mut different, sample, equal),
                Ok(None) => {}
                Err(error) => tracing::debug!(why = chain(&error), "the self-check waits"),
            }
            if checks.is_multiple_of(CELLS) {
                let again = cells.first().filter(|_| checks.is_multiple_of(CELLS * AGAIN)).cloned();
                match self.check_cell(again).await {
                    Ok(Some((sample, equal))) => self.note_cell(&mut cells, sample, equal),
                    Ok(None) => {}
                    Err(error) => tracing::debug!(why = chain(&error), "the self-check waits"),
                }
            }
            self.tell(different.is_empty() && cells.is_empty());
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Compares this hour or one taken by chance; null when there is none.
    async fn check(&self, again: Option<Sample>) -> Result<Option<(Sample, bool)>, StoreError> {
        let client = self.store.reader().await?;
        let now = self.clock.now();
        let chosen = if again.is_some() {
            again
        } else {
            let share = rand::rng().random_range(0.0..1.0);
            sample(&client, now - self.interval_horizon, now, share).await?
        };
        let Some(sample) = chosen else { return Ok(None) };
        let found = verify_sample(&client, &sample, self.zone).await?;
        for difference in found.differences.iter().take(1) {
            tracing::debug!(?difference, columns = found.differences.len(), "a rollup differs");
        }
        Ok(Some((sample, found.differences.is_empty())))
    }

    fn note(&self, different: &mut BTreeSet<Sample>, sample: Sample, equal: bool) {
        self.metrics.selfcheck_checked.inc();
        if equal {
            different.remove(&sample);
        } else {
            self.metrics.selfcheck_mismatches.inc();
            let Sample { detector_id, hour } = sample;
            if different.len() < DIFFERENT_MAX && different.insert(sample) {
                tracing::warn!(
                    detector_id,
                    %hour,
                    "a rollup differs from its rows: `ioc-hub verify` tells what else does"
                );
            }
        }
    }

    /// Compares this day of a unit or one taken by chance; null when there is none.
    async fn check_cell(
        &self,
        again: Option<CellSample>,
    ) -> Result<Option<(CellSample, bool)>, StoreError> {
        let client = self.store.reader().await?;
        let chosen = if again.is_some() {
            again
        } else {
            let share = rand::rng().random_range(0.0..1.0);
            let since = (self.clock.now() - self.record_horizon).date_naive();
            sample_cell(&client, since, share).await?
        };
        let Some(sample) = chosen else { return Ok(None) };
        let found = verify_cell(&client, &sample).await?;
        Ok(Some((sample, found.differences.is_empty())))
    }

    fn note_cell(&self, different: &mut BTreeSet<CellSample>, sample: CellSample, equal: bool) {
        self.metrics.selfcheck_checked.inc();
        if equal {
            different.remove(&sample);
            return;
        }
        self.metrics.selfcheck_mismatches.inc();
        let CellSample { day, unit } = sample.clone();
        if different.len() < DIFFERENT_MAX && different.insert(sample) {
            tracing::warn!(
                %day,
                unit,
                "sums over dossiers differ from the dossiers: `ioc-hub verify` tells what else does"
            );
        }
    }

    /// Tells whether everything that was compared agrees; nothing before the first comparison.
    fn tell(&self, agrees: bool) {
        if self.metrics.selfcheck_checked.get() == 0 {
            return;
        }
        let found = if agrees { Agreement::Agrees } else { Agreement::Differs };
        self.agreement.send_if_modified(|known| std::mem::replace(known, found) != found);
    }
}
