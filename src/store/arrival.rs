//! What is known of the messages of a batch before it is written, and which way each of them goes.
//!
//! The ledger tells by its number whether a message came before, the connections whether a status says
//! anything new. Neither drops a fact: what may be stored already goes by way of temporary tables,
//! where its natural keys decide, and what proves new although its number was known is stored and
//! counted. Messages out of the quarantine bypass the ledger: they were counted when they came.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::{Fact, Source, health::Status};

use super::{insert::Outcome, table::Way};
use crate::{
    admit::Admitted,
    ledger::{Arrival, Batch, Delta, Figures, Ledger, connection::Connections},
    registry::Registry,
};

/// So long after a device sent what is stored under another number its messages may be stored already:
/// that comes in runs.
const DOUBT: TimeDelta = TimeDelta::minutes(10);

/// Devices whose numbers do not tell whether a message is new, until when by the time of receipt. Clones
/// are the same: commits learn it, and whoever encodes ahead of them asks.
#[derive(Debug, Clone, Default)]
pub struct Doubted(Arc<Mutex<HashMap<i32, DateTime<Utc>>>>);

/// The devices doubted at some time.
#[derive(Debug, Default)]
pub(super) struct Doubts(HashSet<i32>);

impl Doubts {
    pub(super) fn has(&self, admitted: &Admitted) -> bool {
        let id = admitted.accepted.as_ref().map(|accepted| accepted.device.id);
        id.is_some_and(|id| self.0.contains(&id))
    }
}

impl Doubted {
    /// The devices doubted now.
    pub(super) fn now(&self) -> Doubts {
        let doubted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Doubts(doubted.keys().copied().collect())
    }

    /// Takes over what the natural keys said of a stored batch.
    pub(super) fn learn(&self, items: &[Admitted], arrivals: &[Arrival], outcome: &Outcome) {
        let Some(now) = items.iter().map(|item| item.delivery.received_at).max() else { return };
        let mut doubted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doubted.retain(|_device, until| *until > now);
        for (item, arrival) in arrivals.iter().enumerate() {
            if !arrival.may_be_known()
                && outcome.was_known(item)
                && let Some(accepted) = &items[item].accepted
            {
                doubted.insert(accepted.device.id, now + DOUBT);
            }
        }
    }
}

/// What is known of a batch.
pub(super) struct Foreseen<'l, 'i> {
    /// Per message the way of its rows; null for one that adds none.
    pub(super) ways: Vec<Option<Way>>,
    /// Per message how it came.
    pub(super) arrivals: Vec<Arrival>,
    /// What devices say of their connections.
    pub(super) connections: HashMap<i32, Status>,
    batch: Batch<'l, 'i>,
}

impl<'l, 'i> Foreseen<'l, 'i> {
    /// Looks every message up, in the order in which they came.
    pub(super) fn of(
        (ledger, doubts): (&'l Ledger, &Doubts),
        connections: &Connections,
        registry: &Registry,
        items: &'i [Admitted],
    ) -> Self {
        let mut batch = ledger.begin();
        let mut told = connections.begin();
        let mut ways = Vec::with_capacity(items.len());
        let mut arrivals = Vec::with_capacity(items.len());
        for admitted in items {
            let arrival = arrival(&mut batch, registry, admitted);
            arrivals.push(arrival);
            let again = admitted.delivery.duplicate || admitted.delivery.retained;
            let says_nothing = admitted.accepted.as_ref().is_some_and(|accepted| {
                matches!(accepted.message.fact, Fact::Status(status)
                    if !told.note(accepted.device.id, status, again))
            });
            let known = admitted.replayed || arrival.may_be_known() || doubts.has(admitted);
            let way = if known { Way::Merge } else { Way::Copy };
            ways.push((!says_nothing).then_some(way));
        }
        Self { ways, arrivals, connections: told.end(), batch }
    }

    /// Sends every row by way of temporary tables.
    pub(super) fn merge_all(&mut self) {
        for way in self.ways.iter_mut().flatten() {
            *way = Way::Merge;
        }
    }

    /// Compares what was foreseen with what the natural keys said. Returns how every message came,
    /// what changes in the ledger, and what devices say of their connections.
    pub(super) fn settle(
        mut self,
        items: &'i [Admitted],
        outcome: &Outcome,
    ) -> (Vec<Arrival>, Delta<'i>, HashMap<i32, Status>) {
        for (item, arrival) in self.arrivals.iter_mut().enumerate() {
            if !arrival.may_be_known() || !outcome.brought_new(item) {
                continue;
            }
            if *arrival == Arrival::Repeated {
                *arrival = Arrival::Reused;
            } else if let (Some(topic), Some(number)) = (&items[item].topic, items[item].number) {
                self.batch.found(topic, number);
            }
        }
        (self.arrivals, self.batch.end(), self.connections)
    }
}

fn arrival<'i>(batch: &mut Batch<'_, 'i>, registry: &Registry, admitted: &'i Admitted) -> Arrival {
    let (Some(topic), Some(number)) = (&admitted.topic, admitted.number) else {
        return Arrival::Unnumbered;
    };
    if admitted.replayed {
        return Arrival::Unnumbered;
    }
    let registered =
        || registry.device(&topic.source).is_some_and(|device| device.service == topic.service);
    let registered = admitted.accepted.is_some() || registered();
    batch.note(topic, number, registered, admitted.delivery.received_at)
}

/// Changes of the figures of known loss, per source.
pub(super) fn by_source(delta: &Delta<'_>) -> Vec<(Source, Figures)> {
    let mut sources: HashMap<&Source, Figures> = HashMap::new();
    for (topic, figures) in &delta.figures {
        sources.entry(&topic.source).or_default().add(*figures);
    }
    sources.into_iter().map(|(source, figures)| (source.clone(), figures)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ioc_ingest::{Message, Service, Stream, Topic, delivery::Delivery};

    use super::*;
    use crate::{admit::Accepted, registry::Device, store::table::NotNew};

    fn from(id: i32, seconds: i64) -> Admitted {
        let device = Device {
            id,
            source: Source::parse(&format!("cab-{id}")).unwrap(),
            service: Service::Cabinet,
            name_vi: String::new(),
            name_en: String::new(),
            position: None,
            area: None,
            corridor: None,
            parent: None,
            period_ms: None,
            simulated: false,
            detectors: HashMap::new(),
        };
        let topic = Topic {
            service: device.service,
            source: device.source.clone(),
            stream: Stream::Status,
        };
        let fact = Fact::Status(Status { online: true, boot: 1 });
        let message = Arc::new(Message { topic, envelope: None, fact, refused: Vec::new() });
        let received_at = DateTime::from_timestamp(1_790_046_000 + seconds, 0).unwrap();
        Admitted {
            delivery: Delivery::unawaited(String::new(), "{}".into(), received_at),
            topic: None,
            number: None,
            accepted: Some(Accepted { device: Arc::new(device), message }),
            refused: Vec::new(),
            replayed: false,
            may_be_stored: false,
        }
    }

    #[test]
    fn only_a_device_whose_numbers_misled_is_doubted_and_only_for_a_while() {
        let items = [from(1, 0), from(2, 0), from(3, 0)];
        let mut outcome = Outcome::new(items.len());
        // The second was foreseen by its number, the third is new.
        outcome.note(&[0, 1, 2], &NotNew { known: vec![0, 1], conflicts: Vec::new() });
        let arrivals = [Arrival::InOrder, Arrival::Repeated, Arrival::InOrder];
        let doubted = Doubted::default();
        doubted.learn(&items, &arrivals, &outcome);
        assert_eq!(items.each_ref().map(|item| doubted.now().has(item)), [true, false, false]);
        let quiet = |doubted: &Doubted, seconds| {
            doubted.learn(&[from(3, seconds)], &[Arrival::InOrder], &Outcome::new(1));
        };
        quiet(&doubted, 599);
        assert!(doubted.now().has(&items[0]));
        quiet(&doubted, 600);
        assert!(!doubted.now().has(&items[0]));
    }
}
