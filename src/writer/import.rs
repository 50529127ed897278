//! Imported facts on their way into the database: each becomes the message that a source would have
//! published, so that it is checked, stored and shown like every other.
//!
//! Like a replay an import bypasses seq and relies on the natural keys: the same file twice changes
//! nothing. A refused fact is told to the person who imports; it does not go to the quarantine.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ioc_ingest::{Envelope, Fact, Source, Topic, delivery::Delivery};

use super::{
    Connected, Writer,
    command::{WriterError, away},
};
use crate::{
    admit::{Admitted, admit},
    import::{Kind, Stored},
    simulate::wire,
    store::{StoreError, insert::Also},
};

/// Facts that are stored in one transaction.
#[derive(Debug, Clone)]
pub struct Lot {
    /// What they are.
    pub kind: Kind,
    /// Registered source of the service of this kind.
    pub source: Source,
    /// Line of the file, and what it tells.
    pub facts: Vec<(u64, Fact)>,
}

/// What became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LotOutcome {
    /// How many were stored.
    pub stored: Stored,
    /// Line and reason of each refused fact.
    pub refused: Vec<(u64, String)>,
}

impl Writer {
    pub(super) async fn import(
        &mut self,
        connected: &mut Connected,
        lot: Lot,
    ) -> Result<LotOutcome, WriterError> {
        let Some((service, stream)) = lot.kind.stream() else {
            let why = format!("a table of kind {} holds no facts", lot.kind.as_str());
            return Err(WriterError::Impossible(why));
        };
        if connected.registry.device(&lot.source).is_none_or(|device| device.service != service) {
            let why = format!("{} is not registered as {service}", lot.source);
            return Err(WriterError::Impossible(why));
        }
        let topic = Topic { service, source: lot.source, stream }.to_text(&self.contract.city);
        let now = self.clock.now();
        let mut outcome = LotOutcome::default();
        let mut items = Vec::with_capacity(lot.facts.len());
        for (line, fact) in &lot.facts {
            let admitted = self.admit_import(connected, &topic, (*line, fact), now);
            match (admitted.accepted.is_some(), admitted.refused.first()) {
                (true, None) => items.push(admitted),
                (_, reject) => {
                    let why = reject.map_or_else(String::new, |reject| reject.reject.to_string());
                    outcome.refused.push((*line, why));
                }
            }
        }
        outcome.stored.refused = outcome.refused.len() as u64;
        if items.is_empty() {
            return Ok(outcome);
        }
        match self.commit(connected, &items, Also::default()).await {
            Ok(committed) => {
                outcome.stored.new = committed.new_rows;
                outcome.stored.duplicates = committed.duplicates;
                outcome.stored.changed = committed.conflicts;
                self.finish(Arc::new(items), committed).await;
                Ok(outcome)
            }
            Err(StoreError::Refused { source, .. }) => {
                Err(WriterError::Impossible(source.to_string()))
            }
            Err(error) => Err(away(error)),
        }
    }

    fn admit_import(
        &self,
        connected: &Connected,
        topic: &str,
        (line, fact): (u64, &Fact),
        now: DateTime<Utc>,
    ) -> Admitted {
        // The line orders facts of one instant; the boot is below those of any real restart counter.
        let envelope = Envelope { time: now, boot: 0, seq: line, clock: None, late: true };
        let payload = wire::message(&envelope, fact).into_bytes();
        let delivery = Delivery::unawaited(topic.to_owned(), payload.into(), now);
        let admitted = admit(&self.contract, &connected.registry, &self.horizon, now, delivery);
        Admitted { replayed: true, ..admitted }
    }
}
