//! What the writer is doing with the database, as futures that own all they need: so the writer goes on
//! taking messages meanwhile, however long the database takes. A commit is a task of its own, so that it
//! does not wait either while the writer waits for the spool's disk.
//!
//! A commit has a time limit on this side, because a database that is paused or behind a cut line
//! answers nothing at all; then its connection is given up. Whether it was committed is not known, and
//! need not be: the same messages are committed again, which changes nothing where they are stored.
//!
//! Each commit also judges some stored records anew and stores what happened to alarms. Where the database
//! refuses one of those, no message is at fault: the records wait [`REFOLD_REFUSED`], the alarms go on
//! waiting, and the messages are stored without them.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, future::BoxFuture};
use ioc_ingest::{Reason, Reject};
use tokio::{
    sync::watch,
    task::JoinError,
    time::{Instant, Sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{WriterSettings, command::chain};
use crate::{
    admit::{Admitted, Refused},
    alarm::{Change, engine::Due, works::Works},
    observe::Metrics,
    registry::Registry,
    spool::SpoolError,
    store::{
        Store, StoreError, alarm_works,
        insert::{Ahead, Also, Committed, Doubted, Inserter, encode_ahead, ensure_detectors},
        refuse::{self, Bound},
        registry as stored_registry,
    },
};

/// Longest time to connect, claim the database, prepare every statement and read the registry.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// What a transaction may take beyond the server's limit of one statement: the server should give up
/// first, because its answer says more.
const COMMIT_MARGIN: Duration = Duration::from_secs(5);

/// Stored records of which the database refused what came of judging them anew wait so long: a person has to
/// find out why.
const REFOLD_REFUSED: Duration = Duration::from_mins(5);

/// Time between two looks whether an idle connection still stands: without messages nothing else would
/// tell that the database went.
const IDLE_LOOK: Duration = Duration::from_secs(1);

/// The connection and what depends on it.
pub(super) struct Connected {
    pub(super) inserter: Inserter,
    pub(super) bound: Bound,
    pub(super) registry: Registry,
    /// Whether commits registered lanes or zones, of which the alarms were not told yet.
    pub(super) has_added: bool,
    /// Planned works as they were at the connection; null once they were taken over.
    pub(super) works: Option<Vec<Works>>,
}

/// What is known from earlier connections.
pub(super) struct Known {
    pub(super) registry: Option<Arc<Registry>>,
    pub(super) doubted: Doubted,
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
    /// No messages at all: stored records are judged anew.
    Refold,
    /// From the spool, up to message `end`; `is_shown` when the live view has them.
    Spool { end: u64, is_shown: bool },
    /// No messages: alarms that changed by themselves.
    Alarms,
}

/// A commit that is going on.
pub(super) struct Job {
    pub(super) origin: Origin,
    pub(super) started: Instant,
    /// It takes so long that the database counts as away.
    pub(super) is_slow: bool,
    task: AbortOnDropHandle<Done>,
}

/// What became of a commit.
pub(super) struct Done {
    /// What is in the database, in the parts in which it was committed.
    pub(super) parts: Vec<(Arc<Vec<Admitted>>, Committed)>,
    /// What is not.
    pub(super) left: Vec<Admitted>,
    /// The connection, if it is still good.
    pub(super) connection: Result<Box<Connected>, StoreError>,
    /// Number of the last change of an alarm that is in the database; null when none went there.
    pub(super) alarms: Option<i64>,
    /// Whether the database refused what happened to alarms.
    pub(super) has_refused_alarms: bool,
}

/// What a commit takes: messages, their rows if they are being encoded, and what changed of alarms.
pub(super) type Batch = (Arc<Vec<Admitted>>, Option<Encoding>, Vec<Due>);

/// Messages read from the spool and decided anew, with their rows, and the number behind the last.
pub(super) type Read = Result<Option<((Vec<Admitted>, Option<Ahead>), u64)>, SpoolError>;

/// Rows that are encoded on another thread while something else is committed.
pub(super) type Encoding = BoxFuture<'static, Option<Ahead>>;

/// Begins at once to encode a batch on another thread.
pub(super) fn encode(
    registry: Arc<Registry>,
    items: Arc<Vec<Admitted>>,
    doubted: Doubted,
) -> Encoding {
    let encoding = tokio::task::spawn_blocking(move || encode_ahead(&registry, &items, &doubted));
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

    pub(super) fn connect(store: Store, settings: WriterSettings, known: Known) -> Self {
        Self::Connecting(Box::pin(connect(store, settings, known)))
    }

    #[expect(clippy::disallowed_methods, reason = "it ends with the work, which the writer holds")]
    pub(super) fn commit(
        connected: Box<Connected>,
        batch: Batch,
        origin: Origin,
        tools: Tools,
    ) -> Self {
        let task = AbortOnDropHandle::new(tokio::spawn(commit_all(connected, batch, tools)));
        Self::Committing(Job { origin, started: Instant::now(), is_slow: false, task })
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
            Self::Committing(job) => match (&mut job.task).await {
                Ok(done) => Progress::Done(done),
                Err(failed) => ended(failed).await,
            },
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

/// A defect of a commit is one of the writer; without one the commit ends early only with the process.
async fn ended(failed: JoinError) -> Progress {
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_cancelled) => std::future::pending().await,
    }
}

/// The connection ended without being asked to.
pub(super) fn lost() -> StoreError {
    StoreError::Away { doing: "wait for messages", source: "the connection was lost".into() }
}

/// The database did not answer in time.
pub(crate) fn no_answer(doing: &'static str, within: Duration) -> StoreError {
    StoreError::Away { doing, source: format!("no answer within {} ms", within.as_millis()).into() }
}

/// Connects and loads what commits need.
pub(super) async fn connect(
    store: Store,
    settings: WriterSettings,
    known: Known,
) -> Result<Box<Connected>, StoreError> {
    let connecting = async {
        let inserter = Inserter::connect_doubting(&store, &settings.records, known.doubted).await?;
        store.notice_losses(inserter.client()).await;
        let (messages, bytes) = (settings.quarantine_messages, settings.quarantine_bytes);
        let bound = Bound::load(inserter.client(), messages, bytes).await?;
        let registry = stored_registry::load(inserter.client()).await?;
        let registry = match &known.registry {
            Some(known) => registry.sharing(known),
            None => registry,
        };
        let registry = settings.judge(registry);
        let works = alarm_works::not_over(inserter.client(), settings.clock.now()).await?;
        Ok(Box::new(Connected { inserter, bound, registry, has_added: false, works: Some(works) }))
    };
    let late = |_elapsed| no_answer("connect to the database", CONNECT_LIMIT);
    timeout(CONNECT_LIMIT, connecting).await.map_err(late)?
}

impl Connected {
    /// Commits a batch, or nothing of it.
    pub(super) async fn commit(
        &mut self,
        items: &[Admitted],
        (ahead, also): (Option<Ahead>, Also<'_>),
        tools: &Tools,
    ) -> Result<Committed, StoreError> {
        let Self { inserter, bound, registry, has_added, .. } = self;
        if ensure_detectors(inserter.client(), registry, items).await? {
            tools.registry.send_replace(Some(Arc::new(registry.clone())));
            *has_added = true;
        }
        let started = Instant::now();
        let mut done = inserter.commit_ahead(registry, bound, items, (ahead, also)).await;
        let is_answer = done.as_ref().is_err_and(StoreError::is_answer);
        if is_answer && inserter.pause_refold(REFOLD_REFUSED) {
            let again = inserter.commit_ahead(registry, bound, items, (None, also)).await;
            match std::mem::replace(&mut done, again) {
                Err(error) if done.is_ok() => {
                    tracing::error!(why = chain(&error), "stored records cannot be judged anew");
                }
                // They were not at fault.
                Err(_) | Ok(_) => inserter.resume_refold(),
            }
        }
        let committed = done?;
        tools.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
        Ok(committed)
    }
}

/// Commits all of a batch: a message that the database refuses is found by halving and goes to the
/// quarantine, the rest is stored.
async fn commit_all(
    mut connected: Box<Connected>,
    (items, encoding, due): Batch,
    tools: Tools,
) -> Done {
    let limit = tools.statement_limit + COMMIT_MARGIN;
    let mut ahead = match encoding {
        Some(encoding) => encoding.await,
        None => None,
    };
    let mut parts = Vec::new();
    let (mut alarms, mut due, mut begin) = (None, VecDeque::from(due), 0);
    let mut has_refused_alarms = false;
    // The next part is the last.
    let mut left = vec![items];
    while let Some(part) = left.pop() {
        // What a part did not cause waits for the one that did; the last takes all.
        let (end, is_last) = (begin + part.len(), left.is_empty());
        let is_its = |due: &&Due| is_last || due.0.is_none_or(|item| item < end);
        let changes: Vec<Arc<Change>> =
            due.iter().take_while(is_its).map(|(_, change)| Arc::clone(change)).collect();
        let also = Also { alarms: &changes, replays: None };
        let committing = connected.commit(&part, (ahead.take(), also), &tools);
        let committed = timeout(limit, committing).await;
        match committed.unwrap_or_else(|_elapsed| Err(no_answer("commit a batch", limit))) {
            Ok(committed) => {
                due.drain(..changes.len());
                alarms = changes.last().map(|change| change.transition.seq).or(alarms);
                begin = end;
                parts.push((part, committed));
            }
            Err(error @ StoreError::Beside { .. }) if !changes.is_empty() => {
                tracing::error!(why = chain(&error), "what happened to alarms cannot be stored");
                has_refused_alarms = true;
                due.clear();
                left.push(part);
            }
            Err(error) => match without(&part, &error) {
                Without::Halves(first, second) => {
                    tools.metrics.bisections.inc();
                    left.extend([Arc::new(second), Arc::new(first)]);
                }
                Without::Less(less) => {
                    tools.metrics.bisections.inc();
                    left.push(Arc::new(vec![*less]));
                }
                Without::Dropped => {
                    tools.metrics.bisections.inc();
                    begin = end;
                    parts.push((part, Committed::nothing_of_one()));
                }
                Without::Nothing => {
                    left.push(part);
                    let left = left.iter().rev().flat_map(|part| part.iter().cloned()).collect();
                    let connection = Err(error);
                    return Done { parts, left, connection, alarms, has_refused_alarms };
                }
            },
        }
    }
    let connection = Ok(connected);
    Done { parts, left: Vec::new(), connection, alarms, has_refused_alarms }
}

/// What is tried in place of a part that was not committed.
enum Without {
    /// One half after the other.
    Halves(Vec<Admitted>, Vec<Admitted>),
    /// The only message with less of it.
    Less(Box<Admitted>),
    /// The only message is not kept in any form: the database refuses its own row of the quarantine.
    Dropped,
    /// The same again: no message is at fault.
    Nothing,
}

fn without(part: &[Admitted], error: &StoreError) -> Without {
    let StoreError::Refused { doing, source } = error else { return Without::Nothing };
    match part {
        [] => Without::Nothing,
        [one] => match quarantine(one, source) {
            Some(less) => Without::Less(Box::new(less)),
            None if *doing == refuse::KEEPING => {
                let topic = &one.delivery.topic;
                tracing::error!(topic, why = %source, "a message cannot be kept");
                Without::Dropped
            }
            None => Without::Nothing,
        },
        _ => {
            let (first, second) = part.split_at(part.len() / 2);
            Without::Halves(first.to_vec(), second.to_vec())
        }
    }
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
        return None;
    }
    Some(less)
}
