//! The writer's loop: what it has in hand, what it waits for, and what follows.
//!
//! One thing at a time is done with the database, and meanwhile messages are taken over: one batch
//! waits for its commit, the one behind it is encoded as soon as it is full, or, when the spool is in
//! use, every batch goes there at once. What people ask for is done between two commits.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::{
    AlarmCommand, Changes, Command, RETRY_MAX, RETRY_MIN, Writer, WriterError,
    alarm::{Hearing, OPERATE_LIMIT, TICK},
    collect::{Collected, Complete},
    drain::Backlog,
    work::{self, Connected, Done, Encoding, Origin, Progress, Tools, Work},
};
use crate::{admit::Admitted, alarm::Input, store::insert::Committed};

/// Age that completes a batch for the spool: one sync of the disk for all of it.
const SPOOL_LINGER: Duration = Duration::from_millis(50);
/// Time between two looks whether a spool that could not be used can be used again.
const PROBE_PAUSE: Duration = Duration::from_secs(5);
/// Longest time to do what somebody asked for; a replay of a whole quarantine takes seconds.
const OBEY_LIMIT: Duration = Duration::from_mins(2);
/// Between two commits that only judge stored records anew: what comes from the broker goes first.
const REFOLD_PAUSE: Duration = Duration::from_millis(50);
/// Changes of alarms that the database refused wait so long before they are stored again.
const ALARMS_REFUSED: Duration = Duration::from_mins(1);
/// After the stop, a commit that is under way gets this time.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// While a batch waits longer than this for the database or the spool, no messages are taken.
const LISTENING: Duration = Duration::from_secs(5);

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// A batch that is neither in the database nor in the spool.
pub(super) struct Waiting {
    pub(super) items: Arc<Vec<Admitted>>,
    /// When it goes to the spool.
    pub(super) deadline: Instant,
    /// Its rows, when they are encoded while it waits.
    pub(super) encoding: Option<Encoding>,
    /// Whether the alarms heard of it.
    pub(super) is_judged: bool,
    /// Since when it waits.
    pub(super) since: Instant,
}

/// A complete batch; its rows, if they are encoded while another one is committed.
type Next = (Arc<Vec<Admitted>>, Option<Encoding>);

/// What the writer has in hand.
pub(super) struct Flow {
    pub(super) work: Work,
    pub(super) collected: Collected,
    pub(super) waiting: Option<Waiting>,
    /// Takes its place when that is durable; the alarms hear of it then.
    next: Option<Next>,
    pub(super) backlog: Backlog,
    /// When stored records are judged anew again, while nothing else is to be done.
    pub(super) refold_at: Instant,
    /// Before then no changes of alarms are stored with messages: the database refused them.
    pub(super) alarms_at: Instant,
    /// Commands on alarms that wait for the batch in hand, whose changes come first.
    pub(super) held: Vec<AlarmCommand>,
    /// When time passes for the alarms.
    pub(super) ticks: Interval,
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
    /// Nothing is to be done but to judge stored records anew.
    Refold,
    /// Time passes for the alarms.
    Tick,
    /// Others found something out.
    Inputs(Vec<Input>),
    /// Null when no more messages come.
    Batch(Option<Vec<Admitted>>),
}

impl Writer {
    /// Waits for the next event and does what it asks for. False at the end.
    pub(super) async fn step(&mut self, flow: &mut Flow) -> bool {
        if flow.waiting.is_none()
            && let Some(next) = flow.next.take()
        {
            self.take_over(flow, next);
        }
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
            Event::Refold => self.refold(flow),
            Event::Tick => self.tick_alarms(flow.hearing()).await,
            Event::Inputs(inputs) => self.inform_alarms(flow.hearing(), &inputs).await,
            Event::Batch(None) => flow.has_ended = true,
            Event::Batch(Some(batch)) => {
                let items = Arc::new(batch);
                let may_encode =
                    flow.backlog.is_empty() && matches!(flow.work, Work::Committing(_));
                let encoding = self.registry.borrow().clone().filter(|_| may_encode);
                let doubted = || self.doubted.clone();
                let encode = |registry| work::encode(registry, Arc::clone(&items), doubted());
                let encoding = encoding.map(encode);
                flow.next = Some((items, encoding));
            }
        }
        true
    }

    /// Makes a batch the one in hand: the alarms hear of it, and its time until the spool begins.
    fn take_over(&mut self, flow: &mut Flow, (items, encoding): Next) {
        // Behind what is spooled it is spooled at once.
        let is_first = flow.backlog.is_empty();
        let patience = if is_first { self.settings.spool_after } else { Duration::ZERO };
        let since = Instant::now();
        let is_judged = flow.backlog.is_judged();
        if is_judged {
            self.alarms.hear(&items);
        }
        flow.waiting =
            Some(Waiting { items, deadline: since + patience, encoding, is_judged, since });
    }

    /// The next event. Every branch is cancel-safe; the work happens after one was taken.
    async fn event(&mut self, flow: &mut Flow) -> Event {
        let never = Instant::now() + Duration::from_hours(1);
        let stop_by = flow.stop_by.unwrap_or(never);
        let deadline = flow.waiting.as_ref().map_or(never, |waiting| waiting.deadline);
        let is_slow_at = flow.work.is_slow_at(self.settings.spool_after).unwrap_or(never);
        let takes_commands = flow.takes_commands();
        let (refolds, refold_at) = (flow.refolds(), flow.refold_at);
        let complete = self.complete(flow);
        tokio::select! {
            biased;
            () = self.stop.cancelled(), if flow.stop_by.is_none() => Event::Stop,
            () = tokio::time::sleep_until(stop_by), if flow.stop_by.is_some() => Event::PatienceOver,
            progress = flow.work.progress() => Event::Progress(progress),
            Some(command) = self.commands.recv(), if takes_commands => Event::Command(command),
            () = tokio::time::sleep_until(deadline),
                if self.spool.is_some() && flow.waiting.is_some() => Event::Deadline,
            () = tokio::time::sleep_until(is_slow_at) => Event::Slow,
            _ = flow.ticks.tick() => Event::Tick,
            inputs = self.alarms.next() => Event::Inputs(inputs),
            batch = flow.collected.next(&mut self.admitted, complete),
                if flow.next.is_none() && !flow.has_ended => Event::Batch(batch),
            () = tokio::time::sleep_until(refold_at), if refolds => Event::Refold,
        }
    }

    /// When the batch in the making is complete. Behind another one only when it is full: what comes until
    /// that is stored belongs to it.
    const fn complete(&self, flow: &Flow) -> Complete {
        let (rows, linger) = (self.settings.batch_rows, self.settings.linger);
        match (&flow.waiting, flow.backlog.is_empty()) {
            (Some(_), _) => Complete { rows, linger: Duration::MAX },
            (None, true) => Complete { rows, linger },
            (None, false) => Complete { rows, linger: SPOOL_LINGER },
        }
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
    pub(super) async fn begin_work(&mut self, flow: &mut Flow) {
        if flow.takes_commands() {
            for command in std::mem::take(&mut flow.held) {
                self.answer(flow, Command::Alarm(command)).await;
            }
        }
        while matches!(flow.work, Work::Idle(_)) {
            let Ok(command) = self.commands.try_recv() else { break };
            self.answer(flow, command).await;
        }
        let now = Instant::now();
        flow.work = match flow.work.take() {
            Work::Idle(connected) if !flow.backlog.is_empty() && !flow.has_ended => {
                self.read_spool(connected, &mut flow.backlog)
            }
            Work::Idle(connected) => match &mut flow.waiting {
                Some(waiting) if flow.backlog.is_empty() => {
                    let due = if flow.alarms_at > now { Vec::new() } else { self.alarms.due(None) };
                    let batch = (Arc::clone(&waiting.items), waiting.encoding.take(), due);
                    Work::commit(connected, batch, Origin::Broker, self.tools())
                }
                None if flow.backlog.is_empty()
                    && flow.alarms_at <= now
                    && self.alarms.has_due_alone() =>
                {
                    let batch = (Arc::default(), None, self.alarms.due(None));
                    Work::commit(connected, batch, Origin::Alarms, self.tools())
                }
                Some(_) | None => Work::Idle(connected),
            },
            work => work,
        };
    }

    /// Commits a batch without messages: every commit judges some records anew.
    fn refold(&self, flow: &mut Flow) {
        flow.work = match flow.work.take() {
            Work::Idle(connected) => {
                let batch = (Arc::default(), None, Vec::new());
                Work::commit(connected, batch, Origin::Refold, self.tools())
            }
            work => work,
        };
    }

    /// Tells which records a commit without messages judged anew.
    async fn emit_refolded(&self, parts: Vec<(Arc<Vec<Admitted>>, Committed)>) {
        for (items, committed) in parts {
            let (committed, stored) = (Some(committed), self.is_all_stored());
            self.emit(Changes { items, committed, stored, is_shown: false }).await;
        }
    }

    /// Does what somebody asked for, or refuses while the database is away.
    async fn answer(&mut self, flow: &mut Flow, command: Command) {
        let command = match (flow.work.take(), command) {
            (Work::Idle(connected), Command::Alarm(command)) => {
                return self.answer_alarm(flow, connected, command).await;
            }
            (work, command) => {
                flow.work = work;
                command
            }
        };
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

    /// Does what somebody asked of the alarms, or lets it wait for the batch in hand: changes are stored in
    /// the order of their numbers. Behind what is spooled it is refused, since that takes longer.
    async fn answer_alarm(
        &mut self,
        flow: &mut Flow,
        mut connected: Box<Connected>,
        command: AlarmCommand,
    ) {
        if self.alarms.waits_for_messages() {
            flow.work = Work::Idle(connected);
            if flow.backlog.is_empty() {
                flow.held.push(command);
            } else {
                command.refuse(WriterError::CatchingUp);
            }
            return;
        }
        let is_good = self.obey_alarm(&mut connected, command).await;
        flow.forget_ahead();
        flow.work = if is_good {
            Work::Idle(connected)
        } else {
            self.note_away(&work::no_answer("do what was asked of alarms", OPERATE_LIMIT));
            Work::pause(RETRY_MIN)
        };
    }

    /// Follows up what was done with the database.
    async fn go_on(&mut self, flow: &mut Flow, progress: Progress) {
        let connect = || Work::connect(self.store.clone(), self.settings.clone(), self.known());
        match (flow.work.take(), progress) {
            (_, Progress::Connected(Ok(mut connected))) => {
                self.note_up(&mut connected);
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
                flow.work = self.take_read(connected, flow, read).await;
            }
            (Work::Committing(job), Progress::Done(done)) => self.done(flow, job, done).await,
            (_, Progress::Paused | Progress::Rested | Progress::Read(_) | Progress::Done(_)) => {
                flow.work = connect();
            }
        }
    }

    async fn done(&mut self, flow: &mut Flow, job: work::Job, done: Done) {
        let Done { parts, left, connection, alarms, has_refused_alarms } = done;
        if has_refused_alarms {
            flow.alarms_at = Instant::now() + ALARMS_REFUSED;
        }
        let mut drained = None;
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
                if let (Some(waiting), Some(engine)) = (&flow.waiting, self.alarms.engine()) {
                    engine.batch_done(waiting.items.len() - left.len());
                }
                match &mut flow.waiting {
                    // What is left keeps its deadline.
                    Some(waiting) if connection.is_err() => waiting.items = Arc::new(left),
                    Some(_) | None => flow.waiting = None,
                }
            }
            Origin::Refold => {
                flow.refold_at = Instant::now() + REFOLD_PAUSE;
                self.emit_refolded(parts).await;
            }
            Origin::Alarms => self.emit_refolded(parts).await,
            Origin::Spool { end, is_shown } => {
                let all = connection.is_ok().then_some(end);
                drained = Some(self.drained(&mut flow.backlog, parts, all, is_shown));
            }
        }
        if let Some(seq) = alarms {
            self.alarms_stored(seq).await;
        }
        flow.work = match connection {
            Ok(mut connected) => {
                self.register_added(&mut connected);
                if job.is_slow {
                    self.note_up(&mut connected);
                }
                Work::Idle(connected)
            }
            Err(error) => {
                self.note_away(&error);
                flow.forget_ahead();
                Work::pause(RETRY_MIN)
            }
        };
        if let Some(drained) = drained {
            self.go_on_draining(flow).await;
            self.tell_drained(drained).await;
        }
    }
}

impl Flow {
    /// Connected, with what an earlier process left in the spool.
    pub(super) fn new(connected: Box<Connected>, backlog: Backlog) -> Self {
        Self {
            work: Work::Idle(connected),
            collected: Collected::default(),
            waiting: None,
            next: None,
            backlog,
            refold_at: Instant::now(),
            alarms_at: Instant::now(),
            held: Vec::new(),
            ticks: ticks(),
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
        if let Some((_items, encoding)) = &mut self.next {
            *encoding = None;
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

    /// Whether there is nothing to do but to judge stored records anew.
    fn refolds(&self) -> bool {
        let is_free = self.waiting.is_none() && self.backlog.is_empty() && self.stop_by.is_none();
        match &self.work {
            Work::Idle(connected) => is_free && connected.inserter.is_behind(),
            Work::Connecting(_)
            | Work::Pausing(_)
            | Work::Changing
            | Work::Committing(_)
            | Work::Reading(..)
            | Work::Resting(..) => false,
        }
    }

    /// How the hub hears and stores.
    fn hearing(&self) -> Hearing {
        let waits_shortly = |waiting: &Waiting| waiting.since.elapsed() < LISTENING;
        Hearing {
            // Nor does it while what an earlier process left is judged first.
            is_listening: self.backlog.is_judged()
                && self.waiting.as_ref().is_none_or(waits_shortly),
            is_away: self.is_away() || !self.backlog.is_empty() || self.alarms_at > Instant::now(),
        }
    }

    /// Commands wait for a commit that is under way, unless it takes long.
    const fn takes_commands(&self) -> bool {
        matches!(self.work, Work::Idle(_)) || self.is_away()
    }
}
