//! Everything that changes state: collects what was admitted into batches, commits each batch in one
//! transaction, acknowledges its messages and emits what changed to the live view.
//!
//! Nothing is acknowledged before it is committed. While the database is away the same batch is tried
//! again with growing pauses and no message is acknowledged; the broker keeps what the window does
//! not hold. A row that the database refuses is found by halving the batch and goes to the
//! quarantine, the rest commits. People's changes come as [`Command`]s through the same task.

use std::{convert::Infallible, sync::Arc, time::Duration};

use ioc_ingest::{Contract, Reason, Reject, delivery::Acknowledger, delivery::Ticket};
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
    registry::Registry,
    store::{
        Store, StoreError,
        insert::{Committed, Inserter, ensure_detectors},
        refuse::Bound,
        registry as stored_registry, start,
    },
};

pub mod command;

pub use command::{AcceptOutcome, Command, NewDevice, ReplayOutcome, WriterError, WriterHandle};

/// First pause before a batch is tried again.
const RETRY_MIN: Duration = Duration::from_millis(100);
/// Longest pause.
const RETRY_MAX: Duration = Duration::from_secs(5);
/// Committed batches on their way to the live view. At the limit the writer waits: live is memory only.
pub const CHANGES: usize = 64;

/// What one committed batch changed.
#[derive(Debug)]
pub struct Changes {
    /// The messages of the batch.
    pub items: Vec<Admitted>,
    /// What the transaction did, per message.
    pub committed: Committed,
    /// False while the batch is not yet in the database.
    pub stored: bool,
}

/// What the live view is told.
#[derive(Debug)]
pub enum Emitted {
    /// What the database holds, before the first batch.
    Start(Box<Start>),
    /// A committed batch.
    Batch(Box<Changes>),
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
#[derive(Debug, Clone, Copy)]
pub struct WriterSettings {
    /// Rows that complete a batch.
    pub batch_rows: usize,
    /// Age that completes a batch.
    pub linger: Duration,
    /// Quarantined messages per source.
    pub quarantine_messages: u32,
    /// Quarantined bytes per source.
    pub quarantine_bytes: u64,
    /// Zone of the city's civil days.
    pub zone: chrono_tz::Tz,
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
    /// To the broker session.
    pub acknowledger: Acknowledger,
    /// Tells whether the database takes batches.
    pub state: watch::Sender<DatabaseState>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Asks for the end.
    pub stop: CancellationToken,
}

/// The connection and what depends on it.
struct Connected {
    inserter: Inserter,
    bound: Bound,
    registry: Registry,
}

enum Next {
    Batch(Vec<Admitted>),
    Command(Command),
    End,
}

impl Writer {
    /// Runs until intake has ended and everything that it handed over is committed, or until the
    /// stop while the database is away.
    pub async fn run(mut self) -> Result<(), Infallible> {
        let Some(connected) = self.connect().await else { return Ok(()) };
        let Some(mut connected) = self.begin_live(connected).await else { return Ok(()) };
        loop {
            match self.next().await {
                Next::Batch(items) => {
                    let Some(still) = self.write(connected, items).await else { return Ok(()) };
                    connected = still;
                }
                Next::Command(command) => {
                    self.obey(&mut connected, command).await;
                }
                Next::End => return Ok(()),
            }
        }
    }

    /// Connects, again and again; null after the stop.
    async fn connect(&mut self) -> Option<Connected> {
        let mut pause = RETRY_MIN;
        loop {
            match self.try_connect().await {
                Ok(connected) => {
                    let known = self.registry.borrow().is_some();
                    tracing::info!(
                        devices = connected.registry.devices.len(),
                        again = known,
                        "the database takes batches"
                    );
                    self.publish(&connected.registry);
                    self.state.send_replace(DatabaseState::Up);
                    return Some(connected);
                }
                Err(error) => self.note_away(&error),
            }
            if !self.wait(pause).await {
                return None;
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// Gives the live view what the database holds, before the first batch; null after the stop.
    async fn begin_live(&mut self, mut connected: Connected) -> Option<Connected> {
        loop {
            let now = self.clock.now();
            let client = connected.inserter.client();
            match start::load(client, &self.contract, self.settings.zone, now).await {
                Ok(start) => {
                    let _ended = self.changes.send(Emitted::Start(Box::new(start))).await;
                    return Some(connected);
                }
                Err(error) => {
                    self.note_away(&error);
                    // Its lock on the database would keep the next one out.
                    drop(connected);
                    connected = self.connect().await?;
                }
            }
        }
    }

    async fn try_connect(&self) -> Result<Connected, StoreError> {
        let inserter = Inserter::connect(&self.store).await?;
        let settings = self.settings;
        let bound =
            Bound::load(inserter.client(), settings.quarantine_messages, settings.quarantine_bytes)
                .await?;
        let registry = stored_registry::load(inserter.client()).await?;
        Ok(Connected { inserter, bound, registry })
    }

    fn publish(&self, registry: &Registry) {
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
            tracing::warn!(%why, "the database takes no batches; messages stay unacknowledged");
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

    /// The next batch: complete when it holds enough rows or is old enough.
    async fn next(&mut self) -> Next {
        // Both receivers are cancel-safe; a batch is collected only after its first chunk is here.
        let first = tokio::select! {
            biased;
            Some(command) = self.commands.recv() => return Next::Command(command),
            chunk = self.admitted.recv() => match chunk {
                Some(chunk) => chunk,
                None => return Next::End,
            },
        };
        let deadline = Instant::now() + self.settings.linger;
        let mut rows = count_rows(&first);
        let mut batch = first;
        while rows < self.settings.batch_rows {
            match tokio::time::timeout_at(deadline, self.admitted.recv()).await {
                Ok(Some(chunk)) => {
                    rows += count_rows(&chunk);
                    batch.extend(chunk);
                }
                Ok(None) | Err(_) => break,
            }
        }
        Next::Batch(batch)
    }

    /// Commits a batch however long it takes; null after a stop while the database was away.
    async fn write(&mut self, connected: Connected, items: Vec<Admitted>) -> Option<Connected> {
        let mut connected = connected;
        let mut parts = vec![items];
        while let Some(mut part) = parts.pop() {
            match self.commit(&mut connected, &part).await {
                Ok(committed) => self.finish(part, committed).await,
                Err(StoreError::Refused { source, .. }) if part.len() == 1 => {
                    self.metrics.bisections.inc();
                    quarantine(&mut part[0], &source);
                    parts.push(part);
                }
                Err(StoreError::Refused { .. }) => {
                    self.metrics.bisections.inc();
                    let second = part.split_off(part.len() / 2);
                    parts.push(second);
                    parts.push(part);
                }
                Err(error) => {
                    self.note_away(&error);
                    parts.push(part);
                    // Its lock on the database would keep the next one out.
                    drop(connected);
                    if !self.wait(RETRY_MIN).await {
                        return None;
                    }
                    connected = self.connect().await?;
                }
            }
        }
        Some(connected)
    }

    async fn commit(
        &self,
        connected: &mut Connected,
        items: &[Admitted],
    ) -> Result<Committed, StoreError> {
        let Connected { inserter, bound, registry } = connected;
        if ensure_detectors(inserter.client(), registry, items).await? {
            self.publish(registry);
        }
        let started = Instant::now();
        let committed = inserter.commit(registry, bound, items).await?;
        self.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
        Ok(committed)
    }

    /// Acknowledges and emits a committed batch.
    async fn finish(&self, items: Vec<Admitted>, committed: Committed) {
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
        let tickets: Vec<Ticket> = items.iter().map(|item| item.delivery.ticket()).collect();
        self.acknowledger.acknowledge(tickets).await;
        // Without a live view (it ends first at the stop) there is nobody to tell.
        let changes = Box::new(Changes { items, committed, stored: true });
        let _ended = self.changes.send(Emitted::Batch(changes)).await;
    }
}

fn count_rows(chunk: &[Admitted]) -> usize {
    use ioc_ingest::Fact;
    let rows = |admitted: &Admitted| match admitted.accepted.as_ref().map(|a| &a.message.fact) {
        Some(Fact::Interval(interval)) => interval.readings.len(),
        Some(Fact::SignalEvents(batch)) => batch.events.len(),
        Some(Fact::Metric(sample)) => sample.values.len(),
        Some(_) | None => 1,
    };
    chunk.iter().map(rows).sum()
}

/// Turns a message whose row the database refuses into a quarantined one.
fn quarantine(admitted: &mut Admitted, source: &tokio_postgres::Error) {
    let detail =
        source.as_db_error().map_or_else(|| source.to_string(), |e| e.message().to_owned());
    admitted.refuse(Reject { reason: Reason::Refused, field: String::new(), detail });
}
