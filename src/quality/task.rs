//! The task that marks rows by the history of their detectors, after their commit.
//!
//! It hears of committed batches through a bounded channel and never holds the writer up: when it is too
//! slow, what it missed is judged from the rows. Rows that came in order are judged in memory; for late
//! ones their detector is judged again from the database. Every failure and every start ends in the same
//! way: [`again::recover`] judges everything from the last known border of exactness on, once the spool is
//! empty: what is judged before would be judged again, and hold up what is drained.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ioc_ingest::Fact;
use tokio::{
    sync::{mpsc, watch},
    time::MissedTickBehavior,
};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::{slow::SlowStates, standing::Standings};
use crate::{
    admit::{Accepted, Admitted},
    clock::SharedClock,
    observe::Metrics,
    registry::{Device, Registry},
    spool::SpoolState,
    store::{Store, StoreError, insert::Committed, quality as stored},
    writer::command::chain,
};

mod again;
mod memory;
mod publish;

use memory::Memory;

/// Committed batches on their way here. Beyond them the task judges from the rows.
const HEARD: usize = 128;
/// Time between two looks at what is not told by batches.
const PERIOD: Duration = Duration::from_secs(1);
/// Batches that are taken together into one transaction of marks.
const TOGETHER: usize = 16;

/// What the writer tells.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The intervals of a committed batch, each with whether it was wholly new: not the batch itself, whose
    /// bytes would wait here with them.
    Batch(Vec<(Accepted, bool)>),
    /// The hours before this are closed: later rows of them are marked in `quality_dirty`.
    Closed(DateTime<Utc>),
}

/// The writer's end.
#[derive(Debug, Clone)]
pub struct Feed {
    sender: mpsc::Sender<Heard>,
    lost: Arc<AtomicBool>,
}

/// The task's end.
#[derive(Debug)]
pub struct Ear {
    receiver: mpsc::Receiver<Heard>,
    lost: Arc<AtomicBool>,
    /// The hours that were closed last, of what was forgotten.
    closed: Option<DateTime<Utc>>,
}

/// Both ends.
pub fn channel() -> (Feed, Ear) {
    let (sender, receiver) = mpsc::channel(HEARD);
    let lost = Arc::new(AtomicBool::new(false));
    (Feed { sender, lost: Arc::clone(&lost) }, Ear { receiver, lost, closed: None })
}

impl Feed {
    /// The queue of batches, for its metrics.
    pub(crate) fn queue(&self) -> mpsc::WeakSender<impl Send + use<>> {
        self.sender.downgrade()
    }

    /// Tells of a committed batch.
    pub(crate) fn hear(&self, items: &[Admitted], committed: &Committed) {
        let is_new = |at: usize| {
            let none = |counts: &[u32]| counts.get(at).is_none_or(|count| *count == 0);
            none(&committed.duplicate_rows)
                && committed.refused.get(at).is_none_or(|(refused, _)| *refused == 0)
                && !committed.conflicting.get(at).copied().unwrap_or(false)
        };
        let interval = |(at, item): (usize, &Admitted)| {
            let accepted = item.accepted.as_ref()?;
            let is_interval = matches!(accepted.message.fact, Fact::Interval(_));
            is_interval.then(|| (accepted.clone(), is_new(at)))
        };
        let intervals: Vec<_> = items.iter().enumerate().filter_map(interval).collect();
        if !intervals.is_empty() {
            self.tell(Heard::Batch(intervals));
        }
    }

    /// Tells that hours were closed.
    pub(crate) fn close(&self, before: DateTime<Utc>) {
        self.tell(Heard::Closed(before));
    }

    fn tell(&self, heard: Heard) {
        if self.sender.try_send(heard).is_err() {
            self.lost.store(true, Ordering::Release);
        }
    }
}

/// The task's ends.
#[derive(Debug)]
pub struct QualityTask {
    /// The way to the database.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// Zone of the civil days.
    pub zone: Tz,
    /// What is registered, with its thresholds.
    pub registry: watch::Receiver<Option<Arc<Registry>>>,
    /// What the writer tells.
    pub ear: Ear,
    /// What waits for the database.
    pub spool: watch::Receiver<SpoolState>,
    /// States of detectors, for everybody.
    pub standings: watch::Sender<Standings>,
    /// What the slow checks found.
    pub slow: watch::Receiver<SlowStates>,
    /// What of it was published.
    pub shown_slow: SlowStates,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

/// What the task works with while a connection holds.
struct Work {
    client: Client,
    registry: Arc<Registry>,
    /// Devices by their lanes and zones.
    owners: HashMap<i32, Arc<Device>>,
    memory: Memory,
    /// Detectors to be judged again, from when on.
    again: BTreeMap<i32, i64>,
    /// Hours that were closed last, to be kept as the border of exactness.
    closed: Option<DateTime<Utc>>,
    /// The hour to go on with in the list of hours to judge.
    next_dirty: (i32, DateTime<Utc>),
}

impl QualityTask {
    /// Runs until the stop.
    pub async fn run(mut self) -> Result<(), Infallible> {
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                _ = tick.tick() => {}
            }
            if self.spool.borrow().messages > 0 {
                self.ear.forget();
                continue;
            }
            // Before the first registry the database is not prepared.
            let Some(registry) = self.registry.borrow_and_update().clone() else { continue };
            match self.work(registry).await {
                Ok(()) => {}
                Err(error) if error.is_retriable() => {
                    tracing::debug!(why = chain(&error), "the marks of detectors wait");
                }
                Err(error) => {
                    tracing::warn!(why = chain(&error), "rows were not marked");
                }
            }
            if self.stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Works until the stop, a failure, or a batch that was not heard.
    async fn work(&mut self, registry: Arc<Registry>) -> Result<(), StoreError> {
        self.ear.forget();
        let client = stored::connect(&self.store).await?;
        let mut work = Box::pin(again::recover(self, client, registry)).await?;
        let closed = self.ear.closed.take();
        work.closed = work.closed.or(closed);
        self.publish(&mut work);
        // Also where nothing is open: now the states are whole.
        self.standings.send_modify(|_whole| {});
        let mut tick = tokio::time::interval(PERIOD);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                _ = tick.tick() => {
                    if self.ear.lost.load(Ordering::Acquire) {
                        tracing::info!("batches were not heard: rows are judged from the database");
                        return Ok(());
                    }
                    self.look(&mut work).await?;
                }
                heard = self.ear.receiver.recv() => {
                    let Some(heard) = heard else {
                        // The writer has ended; the stop follows.
                        self.stop.cancelled().await;
                        return Ok(());
                    };
                    self.take(&mut work, heard).await?;
                }
            }
        }
    }

    /// Judges what came in order, and remembers what did not.
    async fn take(&mut self, work: &mut Work, heard: Heard) -> Result<(), StoreError> {
        if self.registry.has_changed().unwrap_or(false) {
            self.take_registry(work).await?;
        }
        let mut next = Some(heard);
        let mut found = memory::Found::default();
        for further in (0..TOGETHER).rev() {
            match next.take() {
                Some(Heard::Batch(intervals)) => {
                    work.memory.hear(&work.registry, self.zone, &intervals, &mut found);
                }
                Some(Heard::Closed(before)) => {
                    work.memory.closed_ms = before.timestamp_millis();
                    work.closed = Some(before);
                }
                None => break,
            }
            if further > 0 {
                next = self.ear.receiver.try_recv().ok();
            }
        }
        for (detector_id, from_ms) in found.late {
            let known = work.again.entry(detector_id).or_insert(from_ms);
            *known = from_ms.min(*known);
        }
        if found.marks.is_empty() && found.turns.is_empty() {
            return Ok(());
        }
        found.marks.sort_unstable();
        stored::write_turns(&mut work.client, &found.marks, &found.turns).await?;
        self.metrics.quality_marked.inc_by(found.marks.len() as u64);
        Ok(())
    }

    /// Takes what was told meanwhile, without waiting.
    async fn pump(&mut self, work: &mut Work) -> Result<(), StoreError> {
        while let Ok(heard) = self.ear.receiver.try_recv() {
            self.take(work, heard).await?;
        }
        Ok(())
    }

    /// What is done once a second.
    async fn look(&mut self, work: &mut Work) -> Result<(), StoreError> {
        if self.registry.has_changed().unwrap_or(false) {
            self.take_registry(work).await?;
        }
        again::late(self, work).await?;
        // What got late rows meanwhile is judged first.
        let is_judged = |before: &DateTime<Utc>| {
            work.again.values().all(|from_ms| *from_ms >= before.timestamp_millis())
        };
        if let Some(before) = work.closed.filter(is_judged) {
            work.closed = None;
            again::finish(work, before).await?;
        }
        again::drain(self, work).await?;
        self.publish(work);
        Ok(())
    }

    async fn take_registry(&mut self, work: &mut Work) -> Result<(), StoreError> {
        let Some(registry) = self.registry.borrow_and_update().clone() else { return Ok(()) };
        work.owners = again::owners(&registry);
        work.registry = registry;
        // What came into service may have a history.
        for id in work.owners.keys().filter(|id| !work.memory.detectors.contains_key(id)) {
            let from_ms = work.memory.closed_ms.max(work.memory.since_ms(*id));
            work.again.entry(*id).or_insert(from_ms);
        }
        again::take_thresholds(work, self.clock.now()).await
    }
}

impl Ear {
    /// Forgets what was told but the hours that were closed: it is in the database, and read from there.
    fn forget(&mut self) {
        self.lost.store(false, Ordering::Release);
        while let Ok(heard) = self.receiver.try_recv() {
            if let Heard::Closed(before) = heard {
                self.closed = Some(before);
            }
        }
    }
}
