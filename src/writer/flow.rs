//! The writer's loop: what it has in hand, what it waits for, and what follows.
//!
//! One thing at a time is done with the database, and meanwhile messages are taken over: one batch
//! waits for its commit, or, when the spool is in use, every batch goes there at once. What people ask
//! for is done between two commits.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Command, RETRY_MAX, RETRY_MIN, Writer,
    collect::{Collected, Complete},
    drain::Backlog,
    work::{self, Connected, Done, Encoding, Origin, Progress, Tools, Work},
};
use crate::admit::Admitted;

/// Age that completes a batch for the spool: one sync of the disk for all of it.
const SPOOL_LINGER: Duration = Duration::from_millis(50);
/// A batch for the spool may have so many times the rows of one for the database.
const SPOOL_ROWS_FACTOR: usize = 2;
/// Time between two looks whether a spool that could not be used can be used again.
const PROBE_PAUSE: Duration = Duration::from_secs(5);
/// Longest time to do what somebody asked for; a replay of a whole quarantine takes seconds.
const OBEY_LIMIT: Duration = Duration::from_mins(2);
/// After the stop, a commit that is under way gets this time.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A batch that is neither in the database nor in the spool.
pub(super) struct Waiting {
    pub(super) items: Arc<Vec<Admitted>>,
    /// When it goes to the spool.
    pub(super) deadline: Instant,
    /// Its rows, when they are encoded while it waits.
    pub(super) encoding: Option<Encoding>,
}

/// What the writer has in hand.
pub(super) struct Flow {
    pub(super) work: Work,
    pub(super) collected: Collected,
    pub(super) waiting: Option<Waiting>,
    pub(super) backlog: Backlog,
    /// When a spool in trouble is looked at again.
    pub(super) probe_at: Instant,
    /// Pause before the next attempt to connect.
    pub(super) pause: Duration,
    /// No more messages come.
    pub(super) has_ended: bool,
    /// When to give up what is under way, after the stop.
    pub(super) stop_by: Option<Instant>,
}

enum Event {
    Stop,
    PatienceOver,
    Progress(Progress),
    Command(Command),
    /// The waiting batch goes to the spool.
    Deadline,
    /// The commit takes long.
    Slow,
    /// Null when no more messages come.
    Batch(Option<Vec<Admitted>>),
}

impl Writer {
    /// Waits for the next event and does what it asks for. False at the end.
    pub(super) async fn step(&mut self, flow: &mut Flow) -> bool {
        self.begin_work(flow).await;
        if flow.is_done() {
            return false;
        }
        match self.event(flow).await {
            Event::Stop => {
                flow.stop_by = Some(Instant::now() + STOP_PATIENCE);
                return !flow.is_away();
            }
            Event::PatienceOver => return false,
            Event::Progress(progress) => self.go_on(flow, progress).await,
            Event::Command(command) => self.answer(flow, command).await,
            Event::Deadline => self.spool_waiting(flow).await,
            Event::Slow => self.note_slow(flow),
            Event::Batch(None) => flow.has_ended = true,
            Event::Batch(Some(batch)) => {
                // Behind what is spooled it is spooled at once.
                let is_first = flow.backlog.is_empty();
                let patience = if is_first { self.settings.spool_after } else { Duration::ZERO };
                let deadline = Instant::now() + patience;
                let items = Arc::new(batch);
                let registry = self.registry.borrow().clone();
                let may_encode = is_first && matches!(flow.work, Work::Committing(_));
                let encoding = registry
                    .filter(|_| may_encode)
                    .map(|registry| work::encode(registry, Arc::clone(&items)));
                flow.waiting = Some(Waiting { items, deadline, encoding });
            }
        }
        true
    }

    /// The next event. Every branch is cancel-safe; the work happens after one was taken.
    async fn event(&mut self, flow: &mut Flow) -> Event {
        let never = Instant::now() + Duration::from_hours(1);
        let stop_by = flow.stop_by.unwrap_or(never);
        let deadline = flow.waiting.as_ref().map_or(never, |waiting| waiting.deadline);
        let is_slow_at = flow.work.is_slow_at(self.settings.spool_after).unwrap_or(never);
        let takes_commands = flow.takes_commands();
        let complete = self.complete(&flow.backlog);
        tokio::select! {
            biased;
            () = self.stop.cancelled(), if flow.stop_by.is_none() => Event::Stop,
            () = tokio::time::sleep_until(stop_by), if flow.stop_by.is_some() => Event::PatienceOver,
            progress = flow.work.progress() => Event::Progress(progress),
            Some(command) = self.commands.recv(), if takes_commands => Event::Command(command),
            () = tokio::time::sleep_until(deadline),
                if self.spool.is_some() && flow.waiting.is_some() => Event::Deadline,
            () = tokio::time::sleep_until(is_slow_at) => Event::Slow,
            batch = flow.collected.next(&mut self.admitted, complete),
                if flow.waiting.is_none() && !flow.has_ended => Event::Batch(batch),
        }
    }

    const fn complete(&self, backlog: &Backlog) -> Complete {
        let (rows, linger) = (self.settings.batch_rows, self.settings.linger);
        if backlog.is_empty() {
            return Complete { rows, linger };
        }
        Complete { rows: rows * SPOOL_ROWS_FACTOR, linger: SPOOL_LINGER }
    }

    pub(super) fn tools(&self) -> Tools {
        Tools {
            registry: self.registry.clone(),
            metrics: Arc::clone(&self.metrics),
            statement_limit: self.settings.statement_limit,
        }
    }

    /// Gives a free connection something to do: first what people ask for, then the head of the spool,
    /// then the waiting batch.
    async fn begin_work(&mut self, flow: &mut Flow) {
        while matches!(flow.work, Work::Idle(_)) {
            let Ok(command) = self.commands.try_recv() else { break };
            self.answer(flow, command).await;
        }
        flow.work = match flow.work.take() {
            Work::Idle(connected) if !flow.backlog.is_empty() && !flow.has_ended => {
                self.read_spool(connected, &mut flow.backlog)
            }
            Work::Idle(connected) => match &mut flow.waiting {
                Some(waiting) if flow.backlog.is_empty() => {
                    let batch = (Arc::clone(&waiting.items), waiting.encoding.take());
                    Work::commit(connected, batch, Origin::Broker, self.tools())
                }
                Some(_) | None => Work::Idle(connected),
            },
            work => work,
        };
    }

    /// Does what somebody asked for, or refuses while the database is away.
    async fn answer(&mut self, flow: &mut Flow, command: Command) {
        match flow.work.take() {
            Work::Idle(mut connected) => {
                let obeying = self.obey(&mut connected, command);
                let is_in_time = tokio::time::timeout(OBEY_LIMIT, obeying).await.is_ok();
                flow.forget_ahead();
                flow.work = if is_in_time {
                    Work::Idle(connected)
                } else {
                    self.note_away(&work::no_answer("obey", OBEY_LIMIT));
                    Work::pause(RETRY_MIN)
                };
            }
            work => {
                command.refuse_away();
                flow.work = work;
            }
        }
    }

    /// Follows up what was done with the database.
    async fn go_on(&mut self, flow: &mut Flow, progress: Progress) {
        let connect = || Work::connect(self.store.clone(), self.settings.clone());
        match (flow.work.take(), progress) {
            (_, Progress::Connected(Ok(connected))) => {
                self.note_up(&connected);
                flow.pause = RETRY_MIN;
                flow.forget_ahead();
                flow.work = Work::Idle(connected);
            }
            (_, Progress::Connected(Err(error))) => {
                self.note_away(&error);
                flow.work = Work::pause(flow.pause);
                flow.pause = (flow.pause * 2).min(RETRY_MAX);
            }
            (_, Progress::Lost) => {
                self.note_away(&work::lost());
                flow.work = connect();
            }
            (Work::Resting(connected, _), Progress::Rested) => flow.work = Work::Idle(connected),
            (Work::Reading(connected, _), Progress::Read(read)) => {
                flow.work = self.take_read(connected, &mut flow.backlog, read).await;
            }
            (Work::Committing(job), Progress::Done(done)) => self.done(flow, job, done).await,
            (_, Progress::Paused | Progress::Rested | Progress::Read(_) | Progress::Done(_)) => {
                flow.work = connect();
            }
        }
    }

    async fn done(&mut self, flow: &mut Flow, job: work::Job, done: Done) {
        let Done { parts, left, connection } = done;
        match job.origin {
            Origin::Broker => {
                for (items, committed) in parts {
                    self.finish(items, committed).await;
                }
                if let Some(spool) = self.spool.as_ref().filter(|_| flow.probe_at < Instant::now())
                {
                    flow.probe_at = Instant::now() + PROBE_PAUSE;
                    spool.probe().await;
                }
                match &mut flow.waiting {
                    // What is left keeps its deadline.
                    Some(waiting) if connection.is_err() => waiting.items = Arc::new(left),
                    Some(_) | None => flow.waiting = None,
                }
            }
            Origin::Spool { end, is_shown } => {
                let all = connection.is_ok().then_some(end);
                self.drained(&mut flow.backlog, parts, all, is_shown).await;
            }
        }
        flow.work = match connection {
            Ok(connected) => {
                if job.is_slow {
                    self.note_up(&connected);
                }
                Work::Idle(connected)
            }
            Err(error) => {
                self.note_away(&error);
                flow.forget_ahead();
                Work::pause(RETRY_MIN)
            }
        };
    }
}

impl Flow {
    /// Connected, with what an earlier process left in the spool.
    pub(super) fn new(connected: Box<Connected>, backlog: Backlog) -> Self {
        Self {
            work: Work::Idle(connected),
            collected: Collected::default(),
            waiting: None,
            backlog,
            probe_at: Instant::now(),
            pause: RETRY_MIN,
            has_ended: false,
            stop_by: None,
        }
    }

    /// What was decided and encoded with the registry of before is not to be used.
    fn forget_ahead(&mut self) {
        self.backlog.forget_ahead();
        if let Some(waiting) = &mut self.waiting {
            waiting.encoding = None;
        }
    }

    /// Everything that was taken over is durable, and no more comes.
    const fn is_done(&self) -> bool {
        let is_free = matches!(self.work, Work::Idle(_) | Work::Reading(..) | Work::Resting(..));
        self.has_ended && self.waiting.is_none() && (is_free || self.is_away())
    }

    /// The database takes nothing.
    const fn is_away(&self) -> bool {
        match &self.work {
            Work::Connecting(_) | Work::Pausing(_) | Work::Changing => true,
            Work::Committing(job) => job.is_slow,
            Work::Reading(..) | Work::Resting(..) | Work::Idle(_) => false,
        }
    }

    /// Commands wait for a commit that is under way, unless it takes long.
    const fn takes_commands(&self) -> bool {
        matches!(self.work, Work::Idle(_)) || self.is_away()
    }
}
