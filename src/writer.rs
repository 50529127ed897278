//! Everything that changes state: collects what was admitted into batches, commits each batch in one
//! transaction, acknowledges its messages and emits what changed to the live view.
//!
//! Nothing is acknowledged before it is durable: committed, or synced to the spool. A batch that the
//! database does not take within `spool.after_ms` goes there, and so does every later one as long as the
//! spool is not empty, so that their order is kept; meanwhile the spool is drained into the database
//! from its head, one transaction after the other, while new messages go on to its tail. A full spool
//! leaves messages with the broker. A commit that is under way when its messages are spooled goes on,
//! as the first of the drain. People's changes come as [`Command`]s through the same task; they are
//! refused while the database is away.
//!
//! The live view gets every message once, when it is durable: [`Changes::stored`] is true when with it
//! everything emitted so far is in the database, so it is false from the first spooled batch until the
//! spool is empty. What a drain adds to messages that were shown already is emitted apart.

use std::{convert::Infallible, sync::Arc, time::Duration};

use ioc_ingest::{Contract, delivery::Acknowledger, delivery::Ticket};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    admit::{Admitted, Horizon},
    clock::SharedClock,
    live::start::Start,
    observe::Metrics,
    quality::{Thresholds, task::Feed},
    record::RecordSettings,
    registry::Registry,
    spool::Spool,
    store::{
        Store, StoreError,
        insert::{Also, Committed, Doubted},
        start,
    },
    stranger::Strangers,
};

mod alarm;
mod collect;
pub mod command;
mod drain;
mod flow;
pub mod import;
mod work;

pub use alarm::{AlarmCommand, Alarms, INPUTS, News};
pub use command::{AcceptOutcome, Command, NewDevice, ReplayOutcome, WriterError, WriterHandle};
use drain::Backlog;
use flow::Flow;
pub(crate) use work::no_answer;
use work::{Connected, Known};

/// First pause before a batch is tried again.
const RETRY_MIN: Duration = Duration::from_millis(100);
/// Longest pause.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Pause before the spool is tried again that did not take a batch or could not be read.
const SPOOL_PAUSE: Duration = Duration::from_millis(500);
/// Batches on their way to the live view. At the limit the writer waits: live is memory only.
pub const CHANGES: usize = 16;

/// What one batch changed.
#[derive(Debug)]
pub struct Changes {
    /// The messages of the batch.
    pub items: Arc<Vec<Admitted>>,
    /// What the transaction did, per message; null while the messages are only spooled.
    pub committed: Option<Committed>,
    /// Whether everything emitted so far is in the database.
    pub stored: bool,
    /// Whether the messages were emitted before, when they were spooled.
    pub is_shown: bool,
}

/// What the live view is told.
#[derive(Debug)]
pub enum Emitted {
    /// What the database holds, before the first batch.
    Start(Box<Start>),
    /// A committed or a spooled batch.
    Batch(Box<Changes>),
    /// What happened to alarms.
    Alarms(Box<News>),
}

/// Whether the database takes batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseState {
    /// Not connected yet.
    Starting,
    /// Batches are committed.
    Up,
    /// Batches wait.
    Away {
        /// Why, in words for an administrator.
        why: String,
    },
}

/// Limits of batches and of the quarantine.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Rows that complete a batch.
    pub batch_rows: usize,
    /// Age that completes a batch.
    pub linger: Duration,
    /// A batch that is not committed within this time is spooled.
    pub spool_after: Duration,
    /// Longest time of one statement, which the server keeps.
    pub statement_limit: Duration,
    /// Quarantined messages per source.
    pub quarantine_messages: u32,
    /// Quarantined bytes per source.
    pub quarantine_bytes: u64,
    /// Zone of the city's civil days.
    pub zone: chrono_tz::Tz,
    /// What records are judged by.
    pub records: RecordSettings,
    /// Thresholds of data quality.
    pub thresholds: Arc<Thresholds>,
    /// Tells the civil day of the thresholds.
    pub clock: SharedClock,
}

impl WriterSettings {
    /// A registry with today's thresholds.
    fn judge(&self, registry: Registry) -> Registry {
        let day = self.clock.now().with_timezone(&self.zone).date_naive();
        registry.judged_by(&self.thresholds, day)
    }
}

/// The writing task's ends and state.
#[derive(Debug)]
pub struct Writer {
    /// The way to the database.
    pub store: Store,
    /// Time.
    pub clock: SharedClock,
    /// What the contract fixes, for replays.
    pub contract: Contract,
    /// How old and how far ahead messages may be, for replays.
    pub horizon: Horizon,
    /// Who publishes without being in service.
    pub strangers: Arc<Strangers>,
    /// Limits.
    pub settings: WriterSettings,
    /// Publishes the registry.
    pub registry: watch::Sender<Option<Arc<Registry>>>,
    /// Admitted messages.
    pub admitted: mpsc::Receiver<Vec<Admitted>>,
    /// People's changes.
    pub commands: mpsc::Receiver<Command>,
    /// To the live view.
    pub changes: mpsc::Sender<Emitted>,
    /// To the quality task.
    pub quality: Feed,
    /// What alarms are judged with.
    pub alarms: Alarms,
    /// Where batches wait for the database; null to keep them in the broker.
    pub spool: Option<Spool>,
    /// What commits learned of devices.
    pub doubted: Doubted,
    /// To the broker session.
    pub acknowledger: Acknowledger,
    /// Grows with every commit that changed records of reform or the service desk.
    pub records: watch::Sender<u64>,
    /// Tells whether the database takes batches.
    pub state: watch::Sender<DatabaseState>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

impl Writer {
    /// Runs until intake has ended and everything that it handed over is durable, or until the stop
    /// while the database is away.
    pub async fn run(mut self) -> Result<(), Infallible> {
        self.write().await;
        if let Some(spool) = self.spool.take() {
            spool.close().await;
        }
        Ok(())
    }

    async fn write(&mut self) {
        let Some(connected) = self.connect().await else { return };
        let Some(mut connected) = self.begin_live(connected).await else { return };
        // Only now: whoever is told so may count on the spool when the database goes again.
        self.note_up(&mut connected);
        let mut flow = Flow::new(connected, Backlog::of(self.spool.as_ref()).await);
        while self.step(&mut flow).await {}
    }

    /// Connects, again and again; null after the stop.
    async fn connect(&mut self) -> Option<Box<Connected>> {
        let mut pause = RETRY_MIN;
        loop {
            match work::connect(self.store.clone(), self.settings.clone(), self.known()).await {
                Ok(connected) => return Some(connected),
                Err(error) => self.note_away(&error),
            }
            if !self.wait(pause).await {
                return None;
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// Gives the live view what the database holds, before the first batch; null after the stop.
    async fn begin_live(&mut self, mut connected: Box<Connected>) -> Option<Box<Connected>> {
        let (limit, zone) = (self.settings.statement_limit, self.settings.zone);
        let (stop, mut pause) = (self.stop.clone(), RETRY_MIN);
        loop {
            let now = self.clock.now();
            let loading = async {
                let client = connected.inserter.client();
                let mut start = start::load(client, &self.contract, zone, now).await?;
                start.alarms = self.alarms.begin(&connected, &start, zone, now).await?;
                Ok::<_, StoreError>(start)
            };
            let loaded = tokio::select! {
                () = stop.cancelled() => return None,
                loaded = tokio::time::timeout(limit, loading) => loaded,
            };
            match loaded.unwrap_or_else(|_late| Err(no_answer("load the start", limit))) {
                Ok(start) => {
                    let _ended = self.changes.send(Emitted::Start(Box::new(start))).await;
                    return Some(connected);
                }
                Err(error) => {
                    self.note_away(&error);
                    // Its lock on the database would keep the next one out.
                    drop(connected);
                    if !self.wait(pause).await {
                        return None;
                    }
                    pause = (pause * 2).min(RETRY_MAX);
                    connected = self.connect().await?;
                }
            }
        }
    }

    fn known(&self) -> Known {
        Known { registry: self.registry.borrow().clone(), doubted: self.doubted.clone() }
    }

    fn note_up(&mut self, connected: &mut Connected) {
        let known = self.registry.borrow().is_some();
        let devices = connected.registry.devices.len();
        tracing::info!(devices, again = known, "the database takes batches");
        self.publish(&connected.registry);
        if let Some(works) = connected.works.take() {
            self.alarms.plan_works(works, self.clock.now());
        }
        self.state.send_replace(DatabaseState::Up);
    }

    fn publish(&mut self, registry: &Registry) {
        let now = self.clock.now();
        self.strangers.settle(registry, now);
        self.alarms.register(registry, now);
        self.registry.send_replace(Some(Arc::new(registry.clone())));
    }

    /// Shows that the database is away, and why.
    pub(crate) fn note_away(&self, error: &StoreError) {
        self.metrics.retries.inc();
        let why = command::chain(error);
        let new = DatabaseState::Away { why: why.clone() };
        let changed = self.state.send_if_modified(|state| {
            let changed = *state != new;
            *state = new;
            changed
        });
        if changed {
            tracing::warn!(%why, "the database takes no batches");
        }
    }

    /// Waits before the next try; commands meanwhile get a clear refusal. False after the stop.
    async fn wait(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return false,
                () = tokio::time::sleep_until(until) => return true,
                Some(command) = self.commands.recv() => command.refuse_away(),
            }
        }
    }

    /// Commits a batch now, with nothing else under way.
    async fn commit(
        &mut self,
        connected: &mut Connected,
        items: &[Admitted],
        also: Also<'_>,
    ) -> Result<Committed, StoreError> {
        let committed = connected.commit(items, (None, also), &self.tools()).await;
        self.register_added(connected);
        committed
    }

    /// Tells the alarms of lanes and zones that a commit registered.
    fn register_added(&mut self, connected: &mut Connected) {
        if std::mem::take(&mut connected.has_added) {
            self.alarms.register(&connected.registry, self.clock.now());
        }
    }

    /// Acknowledges and emits a committed batch that came from the broker or out of the quarantine.
    async fn finish(&self, items: Arc<Vec<Admitted>>, committed: Committed) {
        self.count(&items, &committed);
        self.acknowledge(&items).await;
        let stored = self.is_all_stored();
        self.emit(Changes { items, committed: Some(committed), stored, is_shown: false }).await;
    }

    fn count(&self, items: &[Admitted], committed: &Committed) {
        let metrics = &self.metrics;
        metrics.batches.inc();
        metrics.rows.inc_by(committed.new_rows);
        metrics.duplicates.inc_by(committed.duplicates);
        metrics.conflicts.inc_by(committed.conflicts);
        metrics.quarantined.inc_by(committed.quarantined);
        metrics.dropped.inc_by(committed.dropped);
        metrics.refused_again.inc_by(committed.refused_again);
        #[expect(clippy::cast_precision_loss, reason = "a batch holds few messages")]
        metrics.batch_messages.observe(items.len() as f64);
        if let Some(first) = items.iter().map(|item| item.delivery.received_at).min() {
            let age = (self.clock.now() - first).to_std().unwrap_or_default();
            metrics.commit_age_seconds.observe(age.as_secs_f64());
        }
    }

    async fn acknowledge(&self, items: &[Admitted]) {
        let tickets: Vec<Ticket> = items.iter().map(|item| item.delivery.ticket()).collect();
        self.acknowledger.acknowledge(tickets).await;
    }

    async fn emit(&self, changes: Changes) {
        if changes.committed.as_ref().is_some_and(|committed| committed.records.is_any()) {
            self.records.send_modify(|count| *count += 1);
        }
        if let Some(committed) = &changes.committed {
            self.quality.hear(&changes.items, committed);
        }
        // Without a live view (it ends first at the stop) there is nobody to tell.
        let _ended = self.changes.send(Emitted::Batch(Box::new(changes))).await;
    }
}
