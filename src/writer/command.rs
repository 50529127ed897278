//! What people ask the writer to do: replay or discard a quarantined message, accept a source.
//!
//! Each command is one transaction with its journal row; while the database is away it is refused
//! with [`WriterError::Away`], so that nobody believes in a change that is not stored.

use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Source, delivery::Delivery};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::{
    Connected, Writer,
    import::{Lot, LotOutcome},
};
use crate::{
    admit::{Admitted, admit},
    day::day_around,
    store::{StoreError, refuse::Bound, registry as stored_registry, request as stored},
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
        /// Answer: sources that are new, with what their quarantined messages came to.
        reply: oneshot::Sender<Result<Vec<(Source, AcceptOutcome)>, WriterError>>,
    },
    /// Store imported facts, as messages of a registered source.
    Import {
        /// Whose facts they are, and what each line of the file tells.
        lot: Lot,
        /// Answer.
        reply: oneshot::Sender<Result<LotOutcome, WriterError>>,
    },
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
            Command::CloseHours { before, reply } => {
                let (day, _) = day_around(before, self.settings.zone);
                let closed = connected.inserter.close_hours(before, day).await;
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
        &self,
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
        let outcome = self.replay_one(connected, message).await?;
        let client = connected.inserter.client();
        let result = outcome.reason.clone().unwrap_or_else(|| "accepted".to_owned());
        let now = self.clock.now();
        stored::note_replay(client, id, outcome.accepted, &result, who, now).await.map_err(away)?;
        Ok(outcome)
    }

    /// A replay bypasses seq and relies on the natural keys. Of a message that was refused as a whole
    /// the good parts are stored, and each bad part goes to the quarantine by itself.
    async fn replay_one(
        &self,
        connected: &mut Connected,
        message: stored::Quarantined,
    ) -> Result<ReplayOutcome, WriterError> {
        let partial = message.partial;
        let admitted = self.admit_again(connected, message);
        // Where only a part was refused, the rest is stored already.
        let still_refused = if partial || admitted.accepted.is_none() {
            admitted.refused.first().map(|refused| refused.reject.to_string())
        } else {
            None
        };
        if still_refused.is_some() {
            return Ok(ReplayOutcome { accepted: false, reason: still_refused });
        }
        let items = vec![admitted];
        match self.commit(connected, &items).await {
            Ok(committed) => {
                let conflict = committed.conflicts > 0;
                self.finish(std::sync::Arc::new(items), committed).await;
                let reason = "conflict: stored with other content; the first is kept";
                let reason = conflict.then(|| reason.to_owned());
                Ok(ReplayOutcome { accepted: !conflict, reason })
            }
            Err(StoreError::Refused { source, .. }) => {
                Ok(ReplayOutcome { accepted: false, reason: Some(source.to_string()) })
            }
            Err(error) => Err(away(error)),
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
        &self,
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
        connected.registry = stored_registry::load(client).await.map_err(away)?;
        self.publish(&connected.registry);
        self.replay_source(connected, &device.source, who).await
    }

    async fn reload(
        &self,
        connected: &mut Connected,
    ) -> Result<Vec<(Source, AcceptOutcome)>, WriterError> {
        let registry = stored_registry::load(connected.inserter.client()).await.map_err(away)?;
        let known = &connected.registry.devices;
        let added = registry.devices.keys().filter(|source| !known.contains_key(*source));
        let added: Vec<Source> = added.cloned().collect();
        connected.registry = registry;
        self.publish(&connected.registry);
        let mut outcomes = Vec::new();
        for source in added {
            let outcome = self.replay_source(connected, &source, "hub").await?;
            outcomes.push((source, outcome));
        }
        Ok(outcomes)
    }

    /// Replays everything that was refused because the source was not registered, oldest first.
    async fn replay_source(
        &self,
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
            for message in messages {
                let id = message.id;
                let one = self.replay_one(connected, message).await?;
                let result = one.reason.clone().unwrap_or_else(|| "accepted".to_owned());
                let client = connected.inserter.client();
                stored::note_replay(client, id, one.accepted, &result, who, self.clock.now())
                    .await
                    .map_err(away)?;
                if one.accepted {
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
