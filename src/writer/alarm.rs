//! The writer's alarms: every batch is judged when it is taken over, and what changed is stored in the
//! transaction of its messages; what operators ask for is stored at once or refused.
//!
//! While a batch waits its changes wait with it; when it goes to the spool they are shown, marked as not
//! stored, and are stored when its messages are. What an earlier process left in the spool is judged when it
//! is drained, and so is what comes meanwhile, so that changes keep the order of the messages. A tick that
//! changed nothing makes no transaction.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use ioc_ingest::Source;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    Connected, Emitted, Writer, WriterError,
    command::{away, chain},
};
use crate::{
    admit::Admitted,
    alarm::{
        Alarm, Change, Engine, Input,
        engine::{Begin, Due},
        operate::{Outcome, Request},
        road::Roads,
        rule::Rules,
        signal::Signals,
        usual::UsualHours,
        works::Works,
    },
    live::start::Start,
    registry::Registry,
    spool::Spool,
    store::{StoreError, alarm as stored, alarm_works},
};

/// Inputs on their way to the writer; whoever sends them waits at the limit.
pub const INPUTS: usize = 256;
/// Longest time to store what an operator asked for; then the connection is given up, and what comes from
/// the broker goes to the spool.
pub(super) const OPERATE_LIMIT: Duration = Duration::from_secs(5);
/// Time between two ticks: delays end so exactly.
pub(super) const TICK: Duration = Duration::from_millis(250);

/// What the writer judges alarms with.
#[derive(Debug, Default)]
pub struct Alarms {
    setup: Option<(Arc<Rules>, HashMap<String, f64>)>,
    signals: Signals,
    roads: Roads,
    inputs: Option<mpsc::Receiver<Vec<Input>>>,
    /// What is usual of stations; null where no rule asks for it.
    usual: Option<watch::Receiver<UsualHours>>,
    engine: Option<Engine>,
}

/// What happened to alarms, for the live view.
#[derive(Debug)]
pub struct News {
    /// In the order of their numbers.
    pub changes: Vec<Arc<Change>>,
    /// Whether everything emitted so far is in the database.
    pub stored: bool,
}

/// How the hub hears and stores at the moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hearing {
    /// Messages are taken, so that silence means something.
    pub(super) is_listening: bool,
    /// What changes is not stored soon, so it is shown before.
    pub(super) is_away: bool,
}

/// Something that somebody asks of the alarms.
#[derive(Debug)]
pub enum AlarmCommand {
    /// Do something to alarms.
    Operate {
        /// What, to which, by whom.
        request: Request,
        /// Answer, one per alarm.
        reply: oneshot::Sender<Result<Vec<Outcome>, WriterError>>,
    },
    /// Plan works.
    Plan {
        /// They; their number is given here.
        works: Works,
        /// Answer: they with their number.
        reply: oneshot::Sender<Result<Works, WriterError>>,
    },
    /// End works early, or call them off.
    End {
        /// Number.
        id: i64,
        /// Who asks.
        who: String,
        /// Answer.
        reply: oneshot::Sender<Result<(), WriterError>>,
    },
}

impl AlarmCommand {
    /// Tells the asker why nothing was done. An asker who is gone needs no answer.
    pub(super) fn refuse(self, why: WriterError) {
        match self {
            Self::Operate { reply, .. } => drop(reply.send(Err(why))),
            Self::Plan { reply, .. } => drop(reply.send(Err(why))),
            Self::End { reply, .. } => drop(reply.send(Err(why))),
        }
    }
}

impl Alarms {
    /// By these rules, with these free-flow speeds by corridor (km/h), told by whoever sends.
    pub fn new(
        rules: Arc<Rules>,
        free_flow_kmh: HashMap<String, f64>,
        inputs: mpsc::Receiver<Vec<Input>>,
    ) -> Self {
        let setup = Some((rules, free_flow_kmh));
        Self { setup, inputs: Some(inputs), ..Self::default() }
    }

    /// With what the city says of its signals.
    #[must_use]
    pub fn with_signals(self, signals: Signals) -> Self {
        Self { signals, ..self }
    }

    /// With the roads along which stations stand.
    #[must_use]
    pub fn with_roads(self, roads: Roads) -> Self {
        Self { roads, ..self }
    }

    /// With what is usual of stations, as somebody reads it.
    #[must_use]
    pub fn with_usual(self, usual: Option<watch::Receiver<UsualHours>>) -> Self {
        Self { usual, ..self }
    }

    /// The next inputs; never without anybody who sends them.
    ///
    /// # Cancel safety
    /// Nothing is lost when dropped while waiting.
    pub(super) async fn next(&mut self) -> Vec<Input> {
        let received = match &mut self.inputs {
            Some(inputs) => inputs.recv().await,
            None => None,
        };
        match received {
            Some(inputs) => inputs,
            None => std::future::pending().await,
        }
    }

    /// Begins as the database knows it. Answers what the live view begins with.
    pub(super) async fn begin(
        &mut self,
        connected: &Connected,
        start: &Start,
        zone: chrono_tz::Tz,
        now: DateTime<Utc>,
    ) -> Result<Vec<Arc<Alarm>>, StoreError> {
        let Some((rules, free_flow_kmh)) = &self.setup else { return Ok(Vec::new()) };
        let latches = |code: &str| rules.get(code).is_some_and(|(_, rule)| rule.latches);
        let known = stored::load(connected.inserter.client(), latches, now).await?;
        let shown =
            known.alarms.iter().filter(|alarm| !alarm.is_plain()).cloned().map(Arc::new).collect();
        let heard: Vec<(Source, DateTime<Utc>)> =
            start.sources.iter().map(|(source, _, last, _)| (source.clone(), *last)).collect();
        self.engine = Some(Engine::begin(Begin {
            rules: Arc::clone(rules),
            zone,
            free_flow_kmh: free_flow_kmh.clone(),
            signals: self.signals.clone(),
            roads: self.roads.clone(),
            registry: &connected.registry,
            known,
            current: &start.current,
            heard: &heard,
            now,
        }));
        if let Some(usual) = &mut self.usual {
            usual.mark_changed();
        }
        Ok(shown)
    }

    /// Takes over what is usual of stations, when that is something else now.
    fn follow_usual(&mut self) {
        if let (Some(engine), Some(usual)) = (&mut self.engine, &mut self.usual)
            && usual.has_changed().unwrap_or(false)
        {
            engine.know_usual(&usual.borrow_and_update());
        }
    }

    /// The engine, once it has begun.
    pub(super) const fn engine(&mut self) -> Option<&mut Engine> {
        self.engine.as_mut()
    }

    /// Judges messages that came from the broker.
    pub(super) fn hear(&mut self, items: &[Admitted]) {
        if let Some(engine) = &mut self.engine {
            engine.hear(items, None);
        }
    }

    /// Judges messages out of the spool, the first of which has this number.
    pub(super) fn hear_spooled(&mut self, items: &[Admitted], first: u64) {
        if let Some(engine) = &mut self.engine {
            engine.hear(items, Some(first));
        }
    }

    /// Judges messages that are stored already.
    pub(super) fn hear_stored(&mut self, items: &[Admitted]) {
        if let Some(engine) = &mut self.engine {
            engine.hear_stored(items);
        }
    }

    /// Takes over what is registered.
    pub(super) fn register(&mut self, registry: &Registry, now: DateTime<Utc>) {
        if let Some(engine) = &mut self.engine {
            engine.register(registry, now);
        }
        // New stations are told, too.
        if let Some(usual) = &mut self.usual {
            usual.mark_changed();
        }
    }

    /// Takes over what works are planned.
    pub(super) fn plan_works(&mut self, works: Vec<Works>, now: DateTime<Utc>) {
        if let Some(engine) = &mut self.engine {
            engine.plan_works(works, now);
        }
    }

    /// What is stored with the messages at hand: up to number `end` of the spool, if one is given.
    pub(super) fn due(&self, end: Option<u64>) -> Vec<Due> {
        self.engine.as_ref().map(|engine| engine.due(end)).unwrap_or_default()
    }

    /// Whether something is to be stored although no message came.
    pub(super) fn has_due_alone(&self) -> bool {
        self.engine.as_ref().is_some_and(|engine| !engine.due_alone().is_empty())
    }

    /// Whether nothing is shown that is not stored.
    pub(super) fn is_all_stored(&self) -> bool {
        self.engine.as_ref().is_none_or(Engine::is_all_stored)
    }

    /// Whether changes wait for messages that are not stored.
    pub(super) fn waits_for_messages(&self) -> bool {
        self.engine.as_ref().is_some_and(Engine::waits_for_messages)
    }
}

impl Writer {
    /// Whether everything that was emitted is in the database.
    pub(super) fn is_all_stored(&self) -> bool {
        self.alarms.is_all_stored() && self.spool.as_ref().is_none_or(Spool::is_all_stored)
    }

    /// Emits what is in the database now, up to this number.
    pub(super) async fn alarms_stored(&mut self, seq: i64) {
        let Some(engine) = self.alarms.engine() else { return };
        let was_stored = engine.is_all_stored();
        let changes = engine.stored(seq);
        self.emit_alarms(changes, was_stored).await;
    }

    /// Emits what is to be seen although it is not stored.
    pub(super) async fn show_alarms(&mut self) {
        let Some(engine) = self.alarms.engine() else { return };
        let was_stored = engine.is_all_stored();
        let changes = engine.show();
        self.emit_alarms(changes, was_stored).await;
    }

    async fn emit_alarms(&self, changes: Vec<Arc<Change>>, was_stored: bool) {
        if changes.is_empty() && was_stored == self.alarms.is_all_stored() {
            return;
        }
        let news = News { changes, stored: self.is_all_stored() };
        // Without a live view there is nobody to tell.
        let _ended = self.changes.send(Emitted::Alarms(Box::new(news))).await;
    }

    /// Lets time pass for the alarms.
    pub(super) async fn tick_alarms(&mut self, hearing: Hearing) {
        let now = self.clock.now();
        self.alarms.follow_usual();
        let Some(engine) = self.alarms.engine() else { return };
        engine.tick(now, hearing.is_listening);
        let dropped = engine.take_dropped();
        if dropped > 0 {
            self.metrics.alarms_dropped.inc_by(dropped);
            tracing::warn!(dropped, "too many changes of alarms wait: only the latest are stored");
        }
        if hearing.is_away {
            self.show_alarms().await;
        }
    }

    /// Takes over what others found out.
    pub(super) async fn inform_alarms(&mut self, hearing: Hearing, inputs: &[Input]) {
        let now = self.clock.now();
        let Some(engine) = self.alarms.engine() else { return };
        for input in inputs {
            engine.inform(input, now);
        }
        if hearing.is_away {
            self.show_alarms().await;
        }
    }

    /// Does what somebody asked for. False when the database did not answer in time, so that its connection
    /// is to be given up.
    pub(super) async fn obey_alarm(
        &mut self,
        connected: &mut Connected,
        command: AlarmCommand,
    ) -> bool {
        match command {
            AlarmCommand::Operate { request, reply } => {
                let (is_good, answer) = self.operate(connected, &request).await;
                drop(reply.send(answer));
                is_good
            }
            AlarmCommand::Plan { works, reply } => {
                let adding = alarm_works::add(connected.inserter.client(), &works);
                let (is_good, added) = self.change_works(connected, adding).await;
                drop(reply.send(added));
                is_good
            }
            AlarmCommand::End { id, who, reply } => {
                let now = self.clock.now();
                let ending = alarm_works::end(connected.inserter.client(), id, &who, now);
                let (is_good, ended) = self.change_works(connected, ending).await;
                let none = || WriterError::NotFound(format!("works {id} that are not over"));
                let answer = ended.and_then(|ended| ended.then_some(()).ok_or_else(none));
                drop(reply.send(answer));
                is_good
            }
        }
    }

    /// Changes works and follows them. Beside what came of it, whether the database answered in time.
    async fn change_works<T>(
        &mut self,
        connected: &Connected,
        changing: impl Future<Output = Result<T, StoreError>>,
    ) -> (bool, Result<T, WriterError>) {
        let now = self.clock.now();
        let all = async {
            let changed = changing.await?;
            Ok::<_, StoreError>((
                changed,
                alarm_works::not_over(connected.inserter.client(), now).await?,
            ))
        };
        match timeout(OPERATE_LIMIT, all).await {
            Ok(Ok((changed, works))) => {
                self.alarms.plan_works(works, now);
                (true, Ok(changed))
            }
            Ok(Err(error)) => (true, Err(away(error))),
            // Whether they are stored is read at the next connection.
            Err(_late) => (false, Err(WriterError::Unsure)),
        }
    }

    async fn operate(
        &mut self,
        connected: &mut Connected,
        request: &Request,
    ) -> (bool, Result<Vec<Outcome>, WriterError>) {
        let now = self.clock.now();
        let Some(engine) = self.alarms.engine() else { return (true, Err(WriterError::Away)) };
        let plan = engine.plan(request, now);
        let Some(last) = plan.changes.last() else { return (true, Ok(plan.outcomes)) };
        let last = last.transition.seq;
        let before = engine.due_alone().into_iter().map(|(_, change)| change);
        let all: Vec<Arc<Change>> = before.chain(plan.changes.iter().cloned()).collect();
        let storing = stored::commit(connected.inserter.client_mut(), &all);
        let stored = timeout(OPERATE_LIMIT, storing).await;
        match stored {
            Ok(Ok(())) => {
                engine.accept(&plan.changes);
                self.alarms_stored(last).await;
                (true, Ok(plan.outcomes))
            }
            Ok(Err(error)) if !error.is_open() => (true, Err(away(error))),
            // Whether it is stored is not known: it holds here, and is stored again with what follows.
            unsure => {
                if let Ok(Err(error)) = &unsure {
                    tracing::warn!(why = chain(error), "an action on alarms may not be stored");
                }
                engine.accept(&plan.changes);
                self.show_alarms().await;
                (unsure.is_ok(), Err(WriterError::Unsure))
            }
        }
    }
}
