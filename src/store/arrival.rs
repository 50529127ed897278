//! What is known of the messages of a batch before it is written, and which way each of them goes.
//!
//! The ledger tells by its number whether a message came before, the connections whether a status says
//! anything new. Neither drops a fact: what may be stored already goes by way of temporary tables,
//! where its natural keys decide, and what proves new although its number was known is stored and
//! counted. Messages out of the quarantine bypass the ledger: they were counted when they came.

use std::collections::HashMap;

use ioc_ingest::{Fact, Source, health::Status};

use super::{insert::Outcome, table::Way};
use crate::{
    admit::Admitted,
    ledger::{Arrival, Batch, Delta, Figures, Ledger, connection::Connections},
    registry::Registry,
};

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
        ledger: &'l Ledger,
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
            let known = admitted.replayed || arrival.may_be_known();
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
