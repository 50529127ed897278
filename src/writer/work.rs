//! What the writer is doing with the database, as futures that own all they need: so the writer goes on
//! taking messages meanwhile, however long the database takes.
//!
//! A commit has a time limit on this side, because a database that is paused or behind a cut line
//! answers nothing at all; then its connection is given up. Whether it was committed is not known, and
//! need not be: the same messages are committed again, which changes nothing where they are stored.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use ioc_ingest::{Reason, Reject};
use tokio::{
    sync::watch,
    time::{Instant, Sleep, timeout},
};

use super::WriterSettings;
use crate::{
    admit::{Admitted, Refused},
    observe::Metrics,
    registry::Registry,
    spool::SpoolError,
    store::{
        Store, StoreError,
        insert::{Ahead, Committed, Inserter, encode_ahead, ensure_detectors},
        refuse::Bound,
        registry as stored_registry,
    },
};

/// Longest time to connect, claim the database, prepare every statement and read the registry.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// What a transaction may take beyond the server's limit of one statement: the server should give up
/// first, because its answer says more.
const COMMIT_MARGIN: Duration = Duration::from_secs(5);

/// Time between two looks whether an idle connection still stands: without messages nothing else would
/// tell that the database went.
const IDLE_LOOK: Duration = Duration::from_secs(1);

/// The connection and what depends on it.
pub(super) struct Connected {
    pub(super) inserter: Inserter,
    pub(super) bound: Bound,
    pub(super) registry: Registry,
}

/// What a commit needs beside the connection.
#[derive(Clone)]
pub(super) struct Tools {
    pub(super) registry: watch::Sender<Option<Arc<Registry>>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) statement_limit: Duration,
}

/// Where the messages of a commit come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// From the broker, not acknowledged yet.
    Broker,
    /// From the spool, up to message `end`; `is_shown` when the live view has them.
    Spool { end: u64, is_shown: bool },
}

/// A commit that is going on.
pub(super) struct Job {
    pub(super) origin: Origin,
    pub(super) started: Instant,
    /// It takes so long that the database counts as away.
    pub(super) is_slow: bool,
    pub(super) future: BoxFuture<'static, Done>,
}

/// What became of a commit.
pub(super) struct Done {
    /// What is in the database, in the parts in which it was committed.
    pub(super) parts: Vec<(Arc<Vec<Admitted>>, Committed)>,
    /// What is not.
    pub(super) left: Vec<Admitted>,
    /// The connection, if it is still good.
    pub(super) connection: Result<Box<Connected>, StoreError>,
}

/// Messages read from the spool and decided anew, with their rows, and the number behind the last.
pub(super) type Read = Result<Option<((Vec<Admitted>, Option<Ahead>), u64)>, SpoolError>;

/// Rows that are encoded on another thread while something else is committed.
pub(super) type Encoding = BoxFuture<'static, Option<Ahead>>;

/// Begins at once to encode a batch on another thread.
pub(super) fn encode(registry: Arc<Registry>, items: Arc<Vec<Admitted>>) -> Encoding {
    let encoding = tokio::task::spawn_blocking(move || encode_ahead(&registry, &items));
    // A defect there shows again at the commit, which encodes for itself then.
    async move { encoding.await.unwrap_or_default() }.boxed()
}

/// What goes on with the database.
pub(super) enum Work {
    Connecting(BoxFuture<'static, Result<Box<Connected>, StoreError>>),
    /// Before it is tried again.
    Pausing(std::pin::Pin<Box<Sleep>>),
    /// Connected, waiting for the spool.
    Reading(Box<Connected>, BoxFuture<'static, Read>),
    /// Connected, and the spool cannot be read for the moment.
    Resting(Box<Connected>, std::pin::Pin<Box<Sleep>>),
    Committing(Job),
    Idle(Box<Connected>),
    /// Between two of the others, never while waiting.
    Changing,
}

/// How the work went on.
pub(super) enum Progress {
    Connected(Result<Box<Connected>, StoreError>),
    /// The connection ended while there was nothing to do.
    Lost,
    Paused,
    Read(Read),
    Rested,
    Done(Done),
}

impl Work {
    pub(super) fn pause(pause: Duration) -> Self {
        Self::Pausing(Box::pin(tokio::time::sleep(pause)))
    }

    pub(super) fn rest(connected: Box<Connected>, pause: Duration) -> Self {
        Self::Resting(connected, Box::pin(tokio::time::sleep(pause)))
    }

    pub(super) fn connect(store: Store, settings: WriterSettings) -> Self {
        Self::Connecting(Box::pin(connect(store, settings)))
    }

    pub(super) fn commit(
        connected: Box<Connected>,
        (items, encoding): (Arc<Vec<Admitted>>, Option<Encoding>),
        origin: Origin,
        tools: Tools,
    ) -> Self {
        let future = Box::pin(commit_all(connected, (items, encoding), tools));
        Self::Committing(Job { origin, started: Instant::now(), is_slow: false, future })
    }

    /// When the commit that is under way is to count as slow; null when none is, or it does already.
    pub(super) fn is_slow_at(&self, after: Duration) -> Option<Instant> {
        match self {
            Self::Committing(job) if !job.is_slow => Some(job.started + after),
            _ => None,
        }
    }

    /// Takes the work out, for what follows it.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Changing)
    }

    /// Waits for the work that goes on.
    ///
    /// # Cancel safety
    /// The work goes on at the next call when dropped while waiting. After it returned, the work has to
    /// be replaced.
    pub(super) async fn progress(&mut self) -> Progress {
        match self {
            Self::Connecting(future) => Progress::Connected(future.await),
            Self::Pausing(sleep) => {
                sleep.await;
                Progress::Paused
            }
            Self::Reading(_, future) => Progress::Read(future.await),
            Self::Resting(_, sleep) => {
                sleep.await;
                Progress::Rested
            }
            Self::Committing(job) => Progress::Done((&mut job.future).await),
            Self::Idle(connected) => {
                while !connected.inserter.client().is_closed() {
                    tokio::time::sleep(IDLE_LOOK).await;
                }
                Progress::Lost
            }
            Self::Changing => std::future::pending().await,
        }
    }
}

/// The connection ended without being asked to.
pub(super) fn lost() -> StoreError {
    StoreError::Away { doing: "wait for messages", source: "the connection was lost".into() }
}

/// The database did not answer in time.
pub(super) fn no_answer(doing: &'static str, within: Duration) -> StoreError {
    StoreError::Away { doing, source: format!("no answer within {} ms", within.as_millis()).into() }
}

/// Connects and loads what commits need.
pub(super) async fn connect(
    store: Store,
    settings: WriterSettings,
) -> Result<Box<Connected>, StoreError> {
    let connecting = async {
        let inserter = Inserter::connect(&store, &settings.records).await?;
        store.notice_losses(inserter.client()).await;
        let (messages, bytes) = (settings.quarantine_messages, settings.quarantine_bytes);
        let bound = Bound::load(inserter.client(), messages, bytes).await?;
        let registry = stored_registry::load(inserter.client()).await?;
        Ok(Box::new(Connected { inserter, bound, registry }))
    };
    let late = |_elapsed| no_answer("connect to the database", CONNECT_LIMIT);
    timeout(CONNECT_LIMIT, connecting).await.map_err(late)?
}

impl Connected {
    /// Commits a batch, or nothing of it.
    pub(super) async fn commit(
        &mut self,
        items: &[Admitted],
        ahead: Option<Ahead>,
        tools: &Tools,
    ) -> Result<Committed, StoreError> {
        let Self { inserter, bound, registry } = self;
        if ensure_detectors(inserter.client(), registry, items).await? {
            tools.registry.send_replace(Some(Arc::new(registry.clone())));
        }
        let started = Instant::now();
        let committed = inserter.commit_ahead(registry, bound, items, ahead).await?;
        tools.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
        Ok(committed)
    }
}

/// Commits all of a batch: a message that the database refuses is found by halving and goes to the
/// quarantine, the rest is stored.
async fn commit_all(
    mut connected: Box<Connected>,
    (items, encoding): (Arc<Vec<Admitted>>, Option<Encoding>),
    tools: Tools,
) -> Done {
    let limit = tools.statement_limit + COMMIT_MARGIN;
    let mut ahead = match encoding {
        Some(encoding) => encoding.await,
        None => None,
    };
    let mut parts = Vec::new();
    // The next part is the last.
    let mut left = vec![items];
    while let Some(part) = left.pop() {
        let committed = timeout(limit, connected.commit(&part, ahead.take(), &tools)).await;
        match committed.unwrap_or_else(|_elapsed| Err(no_answer("commit a batch", limit))) {
            Ok(committed) => parts.push((part, committed)),
            Err(StoreError::Refused { source, .. }) => {
                tools.metrics.bisections.inc();
                if let [one] = &part[..] {
                    match quarantine(one, &source) {
                        Some(less) => left.push(Arc::new(vec![less])),
                        None => parts.push((part, Committed::nothing_of_one())),
                    }
                } else {
                    let (first, second) = part.split_at(part.len() / 2);
                    left.push(Arc::new(second.to_vec()));
                    left.push(Arc::new(first.to_vec()));
                }
            }
            Err(error) => {
                left.push(part);
                let left = left.iter().rev().flat_map(|part| part.iter().cloned()).collect();
                return Done { parts, left, connection: Err(error) };
            }
        }
    }
    Done { parts, left: Vec::new(), connection: Ok(connected) }
}

/// A message that the database refuses, as a quarantined one. When it refuses that, too, without its
/// number, then without its source, so that neither ledger nor counters stand in its way; null when
/// there is nothing left to leave out.
fn quarantine(admitted: &Admitted, source: &tokio_postgres::Error) -> Option<Admitted> {
    let detail =
        source.as_db_error().map_or_else(|| source.to_string(), |e| e.message().to_owned());
    let mut less = admitted.clone();
    let is_refused = |refused: &Refused| refused.reject.reason == Reason::Refused;
    if less.accepted.is_some() || !less.refused.iter().any(is_refused) {
        less.refuse(Reject { reason: Reason::Refused, field: String::new(), detail });
    } else if less.number.take().is_none() && less.topic.take().is_none() {
        tracing::error!(topic = %admitted.delivery.topic, why = detail, "a message cannot be kept");
        return None;
    }
    Some(less)
}
