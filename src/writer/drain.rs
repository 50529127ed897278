//! The writer's dealings with the spool: what the database does not take goes in at the tail, and is
//! drained from the head.
//!
//! A drained batch is decided anew with the time at which it came, so that the decision is the same.
//! While one is committed the next is read and decoded on another thread. Messages that this process
//! spooled were shown by the live view then; those of an earlier process are shown when they are drained.

use std::sync::Arc;

use futures_util::{FutureExt as _, future::BoxFuture};
use ioc_ingest::{Reason, Reject};
use tokio::time::Instant;

use super::{
    Changes, Connected, SPOOL_PAUSE, Writer,
    flow::Flow,
    work::{self, Origin, Read, Work},
};
use crate::{
    admit::{Admitted, admit},
    spool::{Spool, Spooled},
    store::insert::{Ahead, Committed, encode_ahead},
};

/// Rows of an ordinary message, to size the batches of a drain: an interval of four lanes.
const MESSAGE_ROWS: usize = 4;

/// What waits in the spool, by numbers of messages.
#[derive(Default)]
pub(super) struct Backlog {
    /// The first that is not in the database.
    position: u64,
    /// The next that is spooled.
    next: u64,
    /// The first that this process spooled.
    shown_from: u64,
    /// The first that the alarms heard of when it was taken over; those before are judged when drained.
    judged_from: u64,
    /// What is being read, from which number on.
    ahead: Option<(u64, BoxFuture<'static, Read>)>,
}

impl Backlog {
    /// What an earlier process left.
    pub(super) async fn of(spool: Option<&Spool>) -> Self {
        let Some(spool) = spool else { return Self::default() };
        let (position, next) = spool.bounds().await.unwrap_or_default();
        if next > position {
            tracing::info!(messages = next - position, "the spool is drained first");
        }
        Self { position, next, shown_from: next, judged_from: next, ahead: None }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.position >= self.next
    }

    /// Whether the alarms hear of a batch when it is taken over: nothing before it is still to be judged.
    pub(super) const fn is_judged(&self) -> bool {
        self.position >= self.judged_from
    }

    /// What was read ahead is not to be used.
    pub(super) fn forget_ahead(&mut self) {
        self.ahead = None;
    }
}

/// What a commit put into the database, to be taken out of the spool and told.
pub(super) struct Drained {
    parts: Vec<(Arc<Vec<Admitted>>, Committed)>,
    /// Number behind the last message, when all of them are there.
    end: Option<u64>,
    is_shown: bool,
}

impl Writer {
    /// Puts the waiting batch into the spool and acknowledges it. A commit of these messages that is
    /// under way becomes the first of the drain.
    pub(super) async fn spool_waiting(&mut self, flow: &mut Flow) {
        let (Some(spool), Some(waiting)) = (&self.spool, &mut flow.waiting) else { return };
        let items = Arc::clone(&waiting.items);
        let Ok(end) = spool.append(Arc::clone(&items)).await else {
            // The spool itself tells people; the messages stay with the broker.
            waiting.deadline = Instant::now() + SPOOL_PAUSE;
            return;
        };
        let first = end - items.len() as u64;
        match self.alarms.engine() {
            Some(engine) if waiting.is_judged => engine.spooled(first),
            Some(_) | None => flow.backlog.judged_from = end,
        }
        flow.waiting = None;
        flow.backlog.next = end;
        if let Work::Committing(job) = &mut flow.work
            && job.origin == Origin::Broker
        {
            job.origin = Origin::Spool { end, is_shown: true };
        }
        self.note_slow(flow);
        self.acknowledge(&items).await;
        self.emit(Changes { items, committed: None, stored: false, is_shown: false }).await;
        self.show_alarms().await;
    }

    /// Shows that a commit takes so long that the database counts as away.
    pub(super) fn note_slow(&self, flow: &mut Flow) {
        let after = self.settings.spool_after;
        if let Work::Committing(job) = &mut flow.work
            && !job.is_slow
            && job.started.elapsed() >= after
        {
            job.is_slow = true;
            self.note_away(&work::no_answer("commit a batch", after));
        }
    }

    /// Reads the head of the spool, if that is not under way already.
    pub(super) fn read_spool(&self, connected: Box<Connected>, backlog: &mut Backlog) -> Work {
        let read = match backlog.ahead.take() {
            Some((from, read)) if from == backlog.position => read,
            Some(_) | None => self.begin_read(backlog.position),
        };
        Work::Reading(connected, read)
    }

    /// Reads and decides messages on another thread, beginning at once.
    fn begin_read(&self, from: u64) -> BoxFuture<'static, Read> {
        let registry = self.registry.borrow().clone();
        let (Some(spool), Some(registry)) = (&self.spool, registry) else {
            return std::future::ready(Ok(None)).boxed();
        };
        let (contract, horizon) = (self.contract.clone(), self.horizon);
        let (strangers, doubted) = (Arc::clone(&self.strangers), self.doubted.clone());
        let messages = self.settings.batch_rows / MESSAGE_ROWS;
        let decide = move |messages: Vec<Spooled>| -> (Vec<Admitted>, Option<Ahead>) {
            let decide = |Spooled { delivery, over_rate }| {
                let received_at = delivery.received_at;
                let mut item = admit(&contract, &registry, &horizon, received_at, delivery);
                item.may_be_stored = true;
                strangers.admit(&registry, received_at, &mut item);
                if let Some(detail) = over_rate.filter(|_| item.accepted.is_some()) {
                    item.refuse(Reject { reason: Reason::Rate, field: String::new(), detail });
                }
                item
            };
            let items: Vec<Admitted> = messages.into_iter().map(decide).collect();
            let ahead = encode_ahead(&registry, &items, &doubted);
            (items, ahead)
        };
        spool.read(from, messages.max(1) as u64, decide).boxed()
    }

    /// Commits what was read and begins to read what follows.
    pub(super) async fn take_read(
        &mut self,
        connected: Box<Connected>,
        flow: &mut Flow,
        read: Read,
    ) -> Work {
        let backlog = &mut flow.backlog;
        match read {
            Ok(Some(((items, ahead), end))) => {
                if end < backlog.next {
                    backlog.ahead = Some((end, self.begin_read(end)));
                }
                // A file holds messages of one process only.
                let is_shown = end > backlog.shown_from;
                let origin = Origin::Spool { end, is_shown };
                let encoding = ahead.map(|ahead| std::future::ready(Some(ahead)).boxed());
                let unjudged = backlog.judged_from.saturating_sub(backlog.position);
                let unjudged = usize::try_from(unjudged).unwrap_or(usize::MAX).min(items.len());
                self.alarms.hear_spooled(&items[..unjudged], backlog.position);
                let are_refused = flow.alarms_at > Instant::now();
                let due = if are_refused { Vec::new() } else { self.alarms.due(Some(end)) };
                Work::commit(connected, (Arc::new(items), encoding, due), origin, self.tools())
            }
            Ok(None) => {
                let nothing = self.drained(backlog, Vec::new(), Some(backlog.next), true);
                self.tell_drained(nothing).await;
                Work::Idle(connected)
            }
            // The spool itself tells people.
            Err(_unreadable) => Work::rest(connected, SPOOL_PAUSE),
        }
    }

    /// Notes what is in the database: up to message `end` when all of it is.
    pub(super) fn drained(
        &mut self,
        backlog: &mut Backlog,
        parts: Vec<(Arc<Vec<Admitted>>, Committed)>,
        end: Option<u64>,
        is_shown: bool,
    ) -> Drained {
        backlog.position = end.unwrap_or(backlog.position);
        if backlog.is_empty()
            && let Some(engine) = self.alarms.engine()
        {
            engine.spool_done();
        }
        Drained { parts, end, is_shown }
    }

    /// Begins the next commit at once if its messages are read: the database should not wait for the disk of
    /// the spool, nor for the live view.
    pub(super) async fn go_on_draining(&mut self, flow: &mut Flow) {
        self.begin_work(flow).await;
        flow.work = match flow.work.take() {
            Work::Reading(connected, mut reading) => match (&mut reading).now_or_never() {
                Some(read) => self.take_read(connected, flow, read).await,
                None => Work::Reading(connected, reading),
            },
            work => work,
        };
    }

    /// Takes what is in the database out of the spool, and emits it.
    pub(super) async fn tell_drained(&self, Drained { parts, end, is_shown }: Drained) {
        if let (Some(spool), Some(end)) = (&self.spool, end) {
            // The spool itself tells people; what it did not forget is stored again, without effect.
            let _told = spool.discard(end).await;
        }
        let stored = self.is_all_stored();
        for (items, committed) in parts {
            self.count(&items, &committed);
            self.emit(Changes { items, committed: Some(committed), stored, is_shown }).await;
        }
    }
}
