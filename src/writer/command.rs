//! What people ask the writer to do: replay or discard a quarantined message, accept a source.
//!
//! A command is one transaction with its journal row; while the database is away it is refused with
//! [`WriterError::Away`], so that nobody believes in a change that is not stored. To accept a source is
//! more than that: it is registered, then its quarantined messages are replayed, [`REPLAY_CHUNK`] of them
//! in each transaction, which also notes what became of them. What is left when the database goes between
//! is replayed at the next reload of the registry, within the hour: that looks for messages of sources that
//! are registered by now, whoever registered them.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Source, delivery::Delivery};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::{
    AlarmCommand, Connected, Writer,
    import::{Lot, LotOutcome},
};
use crate::{
    admit::{Admitted, admit},
    alarm::{
        operate::{Outcome, Request},
        works::Works,
    },
    day::day_around,
    store::{
        StoreError,
        insert::Also,
        refuse::Bound,
        registry as stored_registry,
        request::{self as stored, Replayed, Replays},
    },
};

/// Commands that wait; more are refused as busy.
pub const COMMANDS: usize = 64;
/// Messages of one source that are replayed in one transaction after it was accepted.
const REPLAY_CHUNK: usize = 500;

/// A device to register.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDevice {
    /// Source token.
    pub source: Source,
    /// Service that it may publish under.
    pub service: Service,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Longitude and latitude in degrees WGS 84; null for systems without a place.
    pub position: Option<(f64, f64)>,
    /// Expected time between messages, milliseconds.
    pub period_ms: Option<u32>,
}

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayOutcome {
    /// Whether the message is stored now.
    pub accepted: bool,
    /// Why it is still refused.
    pub reason: Option<String>,
}

/// What accepting a source came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptOutcome {
    /// Quarantined messages of the source that are stored now.
    pub replayed: u64,
    /// Quarantined messages of the source that are still refused.
    pub refused_again: u64,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The database is away or the writer has too much to do: nothing was changed, try again later.
    #[error("the database is away: nothing was changed, try again later")]
    Away,
    /// The database went away while the change was stored: nobody knows yet whether it is.
    #[error("the database went away while this was stored: look again whether it holds")]
    Unsure,
    /// What came while the database was away is being stored: nothing was changed, try again soon.
    #[error("the hub is storing what came while the database was away: nothing was changed")]
    CatchingUp,
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(String),
    /// It is already there.
    #[error("{0} is already registered")]
    Exists(String),
    /// It cannot be done.
    #[error("{0}")]
    Impossible(String),
}

/// A change that somebody asked for.
#[derive(Debug)]
pub enum Command {
    /// Try a quarantined message again.
    Replay {
        /// Its number.
        id: i64,
        /// Who asks.
        who: String,
        /// Answer.
        reply: oneshot::Sender<Result<ReplayOutcome, WriterError>>,
    },
    /// Remove a quarantined message for good.
    Discard {
        /// Its number.
        id: i64,
        /// Who asks.
        who: String,
        /// Answer.
        reply: oneshot::Sender<Result<(), WriterError>>,
    },
    /// Register a source and replay its quarantined messages.
    Accept {
        /// What to register.
        device: NewDevice,
        /// Who asks.
        who: String,
        /// Answer.
        reply: oneshot::Sender<Result<AcceptOutcome, WriterError>>,
    },
    /// Read the registry anew, which somebody changed at the terminal.
    Reload {
        /// Answer: sources that are new, or of which messages were left, with what those came to.
        reply: oneshot::Sender<Result<Vec<(Source, AcceptOutcome)>, WriterError>>,
    },
    /// Store imported facts, as messages of a registered source.
    Import {
        /// Whose facts they are, and what each line of the file tells.
        lot: Lot,
        /// Answer.
        reply: oneshot::Sender<Result<LotOutcome, WriterError>>,
    },
    /// Something about alarms.
    Alarm(AlarmCommand),
    /// Move the border of the closed hours, behind which late data is marked for the rollups.
    CloseHours {
        /// Hours before this are closed.
        before: DateTime<Utc>,
        /// Answer.
        reply: oneshot::Sender<Result<(), WriterError>>,
    },
}

impl Command {
    /// Tells the asker that the database is away. An asker who is gone needs no answer.
    pub(super) fn refuse_away(self) {
        match self {
            Self::Replay { reply, .. } => drop(reply.send(Err(WriterError::Away))),
            Self::Discard { reply, .. } | Self::CloseHours { reply, .. } => {
                drop(reply.send(Err(WriterError::Away)));
            }
            Self::Accept { reply, .. } => drop(reply.send(Err(WriterError::Away))),
            Self::Reload { reply } => drop(reply.send(Err(WriterError::Away))),
            Self::Import { reply, .. } => drop(reply.send(Err(WriterError::Away))),
            Self::Alarm(command) => command.refuse(WriterError::Away),
        }
    }
}

/// Asks the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct WriterHandle(mpsc::Sender<Command>);

impl WriterHandle {
    /// A handle and the writer's end of it.
    pub fn channel() -> (Self, mpsc::Receiver<Command>) {
        let (sender, receiver) = mpsc::channel(COMMANDS);
        (Self(sender), receiver)
    }

    /// The queue of commands, for its metrics.
    pub(crate) fn queue(&self) -> mpsc::WeakSender<Command> {
        self.0.downgrade()
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, WriterError>>) -> Command,
    ) -> Result<T, WriterError> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send(command(reply)).map_err(|_full_or_ended| WriterError::Away)?;
        answer.await.map_err(|_ended| WriterError::Away)?
    }

    /// Tries a quarantined message again.
    pub async fn replay(&self, id: i64, who: &str) -> Result<ReplayOutcome, WriterError> {
        self.ask(|reply| Command::Replay { id, who: who.to_owned(), reply }).await
    }

    /// Removes a quarantined message for good.
    pub async fn discard(&self, id: i64, who: &str) -> Result<(), WriterError> {
        self.ask(|reply| Command::Discard { id, who: who.to_owned(), reply }).await
    }

    /// Registers a source and replays its quarantined messages.
    pub async fn accept(&self, device: NewDevice, who: &str) -> Result<AcceptOutcome, WriterError> {
        self.ask(|reply| Command::Accept { device, who: who.to_owned(), reply }).await
    }

    /// Reads the registry anew and replays what newly registered sources sent before.
    pub async fn reload(&self) -> Result<Vec<(Source, AcceptOutcome)>, WriterError> {
        self.ask(|reply| Command::Reload { reply }).await
    }

    /// Stores imported facts in one transaction.
    pub async fn import(&self, lot: Lot) -> Result<LotOutcome, WriterError> {
        self.ask(|reply| Command::Import { lot, reply }).await
    }

    /// Does something to alarms. Answers one outcome per alarm.
    pub async fn operate(&self, request: Request) -> Result<Vec<Outcome>, WriterError> {
        let command = |reply| Command::Alarm(AlarmCommand::Operate { request, reply });
        self.ask(command).await
    }

    /// Plans works. Answers them with their number.
    pub async fn plan_works(&self, works: Works) -> Result<Works, WriterError> {
        self.ask(|reply| Command::Alarm(AlarmCommand::Plan { works, reply })).await
    }

    /// Ends works early, or calls them off.
    pub async fn end_works(&self, id: i64, who: &str) -> Result<(), WriterError> {
        let who = who.to_owned();
        self.ask(|reply| Command::Alarm(AlarmCommand::End { id, who, reply })).await
    }

    /// Closes the hours before `before`.
    pub async fn close_hours(&self, before: DateTime<Utc>) -> Result<(), WriterError> {
        self.ask(|reply| Command::CloseHours { before, reply }).await
    }
}

/// An error with its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `map_err` wants")]
pub(super) fn away(error: StoreError) -> WriterError {
    tracing::warn!(why = chain(&error), "a change was not stored");
    WriterError::Away
}

impl Writer {
    pub(super) async fn obey(&mut self, connected: &mut Connected, command: Command) {
        match command {
            Command::Replay { id, who, reply } => {
                let source = stored::source_of(connected.inserter.client(), id).await;
                drop(reply.send(self.replay(connected, id, &who).await));
                self.recount(connected, source).await;
            }
            Command::Discard { id, who, reply } => {
                let source = stored::source_of(connected.inserter.client(), id).await;
                let done = self.discard(connected, id, &who).await;
                self.recount(connected, source).await;
                drop(reply.send(done));
            }
            Command::Accept { device, who, reply } => {
                let done = self.accept(connected, &device, &who).await;
                self.recount(connected, Ok(device.source.to_string())).await;
                drop(reply.send(done));
            }
            Command::Reload { reply } => {
                drop(reply.send(self.reload(connected).await));
                self.reload_bound(connected).await;
            }
            Command::Import { lot, reply } => {
                drop(reply.send(self.import(connected, lot).await));
            }
            Command::Alarm(command) => {
                self.obey_alarm(connected, command).await;
            }
            Command::CloseHours { before, reply } => {
                let (day, _) = day_around(before, self.settings.zone);
                let closed = connected.inserter.close_hours(before, day).await;
                if closed.is_ok() {
                    self.quality.close(before);
                }
                drop(reply.send(closed.map_err(away)));
            }
        }
    }

    /// The bound follows what a command took out of the quarantine: of this source, and of those that are
    /// kept together.
    async fn recount(&self, connected: &mut Connected, source: Result<String, StoreError>) {
        let Connected { inserter, bound, .. } = connected;
        let counted = match source {
            Ok(source) => bound.recount(inserter.client(), &[&source, ""]).await,
            Err(error) => Err(error),
        };
        if let Err(error) = counted {
            tracing::warn!(why = chain(&error), "the quarantine was not counted");
        }
    }

    /// The bound follows what retention took out of the quarantine, of whatever source: once an hour.
    async fn reload_bound(&self, connected: &mut Connected) {
        let (messages, bytes) = (self.settings.quarantine_messages, self.settings.quarantine_bytes);
        match Bound::load(connected.inserter.client(), messages, bytes).await {
            Ok(bound) => connected.bound = bound,
            Err(error) => tracing::warn!(why = chain(&error), "the quarantine was not counted"),
        }
    }

    async fn discard(&self, connected: &Connected, id: i64, who: &str) -> Result<(), WriterError> {
        let client = connected.inserter.client();
        match stored::discard_quarantined(client, id, who, self.clock.now()).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(WriterError::NotFound(format!("quarantined message {id}"))),
            Err(error) => Err(away(error)),
        }
    }

    async fn replay(
        &mut self,
        connected: &mut Connected,
        id: i64,
        who: &str,
    ) -> Result<ReplayOutcome, WriterError> {
        let found = stored::quarantined(connected.inserter.client(), id).await.map_err(away)?;
        let Some(message) = found else {
            return Err(WriterError::NotFound(format!("quarantined message {id}")));
        };
        if message.reason == ioc_ingest::Reason::PersonalData.as_str() {
            let why = "its values were destroyed because it carried personal data";
            return Err(WriterError::Impossible(why.to_owned()));
        }
        let replayed = self.replay_all(connected, vec![message], who).await?;
        let reason = replayed.into_iter().find_map(|(_, why)| why);
        Ok(ReplayOutcome { accepted: reason.is_none(), reason })
    }

    /// Replays messages in one transaction, in which it notes what each came to; one that the database
    /// refuses is found by halving.
    ///
    /// A replay bypasses seq and relies on the natural keys. Of a message that was refused as a whole the
    /// good parts are stored, and each bad part goes to the quarantine by itself.
    async fn replay_all(
        &mut self,
        connected: &mut Connected,
        messages: Vec<stored::Quarantined>,
        who: &str,
    ) -> Result<Vec<Replayed>, WriterError> {
        let now = self.clock.now();
        let (mut ids, mut items, mut replayed) = (Vec::new(), Vec::new(), Vec::new());
        for message in messages {
            let id = message.id;
            match self.decide_again(connected, message) {
                Ok(admitted) => {
                    ids.push(id);
                    items.push(admitted);
                }
                Err(why) => replayed.push((id, Some(why))),
            }
        }
        let client = connected.inserter.client();
        stored::note_replays(client, &replayed, who, now).await.map_err(away)?;
        let mut left = vec![(ids, items)];
        while let Some((mut ids, mut items)) = left.pop().filter(|(ids, _)| !ids.is_empty()) {
            let replays = Replays { ids: &ids, who, now };
            let also = Also { alarms: &[], replays: Some(replays) };
            match self.commit(connected, &items, also).await {
                Ok(committed) => {
                    for (item, conflicts) in items.iter().zip(&committed.conflict_rows) {
                        if *conflicts == 0 {
                            self.alarms.hear_stored(std::slice::from_ref(item));
                        }
                    }
                    replayed.extend(replays.outcomes(&committed.conflict_rows));
                    self.finish(Arc::new(items), committed).await;
                }
                Err(StoreError::Refused { source, .. }) if ids.len() == 1 => {
                    let refused = [(ids[0], Some(source.to_string()))];
                    let client = connected.inserter.client();
                    stored::note_replays(client, &refused, who, now).await.map_err(away)?;
                    replayed.extend(refused);
                }
                Err(StoreError::Refused { .. }) => {
                    let half = ids.len() / 2;
                    let second = (ids.split_off(half), items.split_off(half));
                    left.extend([second, (ids, items)]);
                }
                Err(error) => return Err(away(error)),
            }
        }
        Ok(replayed)
    }

    /// A message as it is decided now, or why it is still refused.
    fn decide_again(
        &self,
        connected: &Connected,
        message: stored::Quarantined,
    ) -> Result<Admitted, String> {
        let partial = message.partial;
        let admitted = self.admit_again(connected, message);
        // Where only a part was refused, the rest is stored already.
        match admitted.refused.first() {
            Some(refused) if partial || admitted.accepted.is_none() => {
                Err(refused.reject.to_string())
            }
            Some(_) | None => Ok(admitted),
        }
    }

    fn admit_again(&self, connected: &Connected, message: stored::Quarantined) -> Admitted {
        let delivery =
            Delivery::unawaited(message.topic, message.payload.into(), message.received_at);
        let now = self.clock.now();
        let again = admit(&self.contract, &connected.registry, &self.horizon, now, delivery);
        Admitted { replayed: true, ..again }
    }

    async fn accept(
        &mut self,
        connected: &mut Connected,
        device: &NewDevice,
        who: &str,
    ) -> Result<AcceptOutcome, WriterError> {
        let now: DateTime<Utc> = self.clock.now();
        let client = connected.inserter.client();
        match stored::register(client, device, who, now).await {
            Ok(()) => {}
            Err(StoreError::Exists { .. }) => {
                return Err(WriterError::Exists(device.source.to_string()));
            }
            Err(StoreError::Refused { source, .. }) => {
                return Err(WriterError::Impossible(source.to_string()));
            }
            Err(error) => return Err(away(error)),
        }
        let registry = stored_registry::load(client).await.map_err(away)?;
        connected.registry = self.settings.judge(registry.sharing(&connected.registry));
        self.publish(&connected.registry);
        let replayed = self.replay_source(connected, &device.source, who).await;
        // It is registered all the same.
        replayed.map_err(|_left| WriterError::Unsure)
    }

    async fn reload(
        &mut self,
        connected: &mut Connected,
    ) -> Result<Vec<(Source, AcceptOutcome)>, WriterError> {
        let registry = stored_registry::load(connected.inserter.client()).await.map_err(away)?;
        let registry = self.settings.judge(registry.sharing(&connected.registry));
        let known = &connected.registry.devices;
        let added = registry.devices.keys().filter(|source| !known.contains_key(*source));
        let mut sources: BTreeSet<Source> = added.cloned().collect();
        connected.registry = registry;
        self.publish(&connected.registry);
        let left = stored::stranded(connected.inserter.client()).await.map_err(away)?;
        let is_known = |source: &Source| connected.registry.devices.contains_key(source);
        sources.extend(left.into_iter().filter(is_known));
        let mut outcomes = Vec::new();
        for source in sources {
            let outcome = self.replay_source(connected, &source, "hub").await?;
            outcomes.push((source, outcome));
        }
        Ok(outcomes)
    }

    /// Replays everything that was refused because the source was not registered, oldest first.
    async fn replay_source(
        &mut self,
        connected: &mut Connected,
        source: &Source,
        who: &str,
    ) -> Result<AcceptOutcome, WriterError> {
        let mut outcome = AcceptOutcome { replayed: 0, refused_again: 0 };
        let mut after = 0;
        loop {
            let client = connected.inserter.client();
            let messages =
                stored::unknown_of(client, source, after, REPLAY_CHUNK).await.map_err(away)?;
            let Some(last) = messages.last().map(|message| message.id) else { return Ok(outcome) };
            for (_, why) in self.replay_all(connected, messages, who).await? {
                if why.is_none() {
                    outcome.replayed += 1;
                } else {
                    outcome.refused_again += 1;
                }
            }
            after = last;
        }
    }
}

/// What the journal tells of a new device.
pub(crate) fn describe(device: &NewDevice) -> serde_json::Value {
    json!({
        "service": device.service.as_str(),
        "name": {"vi": device.name_vi, "en": device.name_en},
        "lon": device.position.map(|(lon, _)| lon),
        "lat": device.position.map(|(_, lat)| lat),
        "period_ms": device.period_ms,
    })
}
