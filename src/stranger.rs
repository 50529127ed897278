//! Strangers: sources that publish without being in service, and how many of them are told apart.
//!
//! Each new token of a topic costs a counter in memory and in the database, a row of the live view and
//! a share of the quarantine, and whoever may publish can invent tokens. So only so many strangers are
//! told apart (`ingest.strangers`); the messages of further ones go on without their topic, so that
//! they share one bound of the quarantine and are counted together. Intake and the drain of the spool
//! ask here before a message goes on; a replay stores only what is registered. What the database holds
//! is taken over with the registry, from which retention takes strangers that have been silent for long.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::Source;

use crate::{admit::Admitted, observe::Metrics, registry::Registry};

/// A stranger heard within this time need not be in the database yet: its message may be on its way.
const ON_ITS_WAY: TimeDelta = TimeDelta::days(1);

/// The strangers that are told apart. Shared by the tasks that admit messages.
#[derive(Debug)]
pub struct Strangers {
    told_apart: usize,
    /// With the time at which each was heard last, hub clock.
    known: Mutex<HashMap<Source, DateTime<Utc>>>,
    metrics: Arc<Metrics>,
}

impl Strangers {
    /// Tells so many apart. More are only known where the database holds them from before the limit
    /// was lowered.
    pub fn new(told_apart: usize, metrics: Arc<Metrics>) -> Self {
        Self { told_apart, known: Mutex::default(), metrics }
    }

    /// Notes the source of a message that was received `now`. A stranger too many loses its topic.
    pub fn admit(&self, registry: &Registry, now: DateTime<Utc>, admitted: &mut Admitted) {
        let Some(topic) = admitted.topic.as_ref().filter(|_| admitted.accepted.is_none()) else {
            return;
        };
        if registry.device(&topic.source).is_some() {
            return;
        }
        let mut known = self.known();
        if let Some(heard) = known.get_mut(&topic.source) {
            *heard = now;
        } else if known.len() < self.told_apart {
            known.insert(topic.source.clone(), now);
            self.count(&known);
        } else {
            admitted.topic = None;
            self.metrics.strangers_beyond.inc();
        }
    }

    /// Takes over what is registered and which strangers the database holds.
    pub fn settle(&self, registry: &Registry, now: DateTime<Utc>) {
        let stored: HashSet<&Source> = registry.strangers.iter().collect();
        let mut known = self.known();
        known.retain(|source, heard| {
            let is_young = now - *heard < ON_ITS_WAY;
            registry.device(source).is_none() && (is_young || stored.contains(source))
        });
        for source in stored {
            known.entry(source.clone()).or_insert(now - ON_ITS_WAY);
        }
        self.count(&known);
    }

    /// Whether this stranger is told apart.
    pub fn knows(&self, source: &Source) -> bool {
        self.known().contains_key(source)
    }

    /// Whether no further stranger is told apart.
    pub fn is_full(&self) -> bool {
        self.known().len() >= self.told_apart
    }

    /// Messages since the start of the process that are counted together.
    pub fn beyond(&self) -> u64 {
        self.metrics.strangers_beyond.get()
    }

    fn count(&self, known: &HashMap<Source, DateTime<Utc>>) {
        self.metrics.strangers.set(i64::try_from(known.len()).unwrap_or(i64::MAX));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Source, DateTime<Utc>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use ioc_ingest::{Topic, delivery::Delivery};

    fn message(source: &str) -> Admitted {
        let text = format!("ioc/1/can-tho/vds/{source}/interval");
        let topic = Topic::parse(&text, "can-tho").ok();
        assert!(topic.is_some(), "{text}");
        Admitted {
            delivery: Delivery::unawaited(text, Bytes::new(), DateTime::UNIX_EPOCH),
            topic,
            number: None,
            accepted: None,
            refused: Vec::new(),
            replayed: false,
            may_be_stored: false,
        }
    }

    /// Whether a message of this source goes on under its own name.
    fn is_told_apart(strangers: &Strangers, source: &str, now: DateTime<Utc>) -> bool {
        let mut admitted = message(source);
        strangers.admit(&Registry::default(), now, &mut admitted);
        admitted.topic.is_some()
    }

    #[test]
    fn strangers_beyond_the_limit_are_counted_together() {
        let metrics = Metrics::new();
        let strangers = Strangers::new(2, Arc::clone(&metrics));
        let now = DateTime::UNIX_EPOCH;
        let told: Vec<bool> = ["one", "two", "three", "one", "four", "two"]
            .iter()
            .map(|source| is_told_apart(&strangers, source, now))
            .collect();
        assert_eq!(told, [true, true, false, true, false, true]);
        assert!(strangers.is_full());
        assert_eq!((strangers.beyond(), metrics.strangers.get()), (2, 2));
    }

    #[test]
    fn a_stranger_that_the_database_forgot_makes_room_unless_it_was_just_heard() {
        let strangers = Strangers::new(2, Metrics::new());
        let stored = |sources: &[&str]| Registry {
            strangers: sources.iter().map(|source| Source::parse(source).unwrap()).collect(),
            ..Registry::default()
        };
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        strangers.settle(&stored(&["old"]), now);
        assert!(is_told_apart(&strangers, "young", now));
        assert!(!is_told_apart(&strangers, "next", now));
        strangers.settle(&stored(&[]), now + TimeDelta::hours(1));
        assert!(!strangers.knows(&Source::parse("old").unwrap()));
        assert!(strangers.knows(&Source::parse("young").unwrap()), "its message is on its way");
        assert!(is_told_apart(&strangers, "next", now));
        assert!(!is_told_apart(&strangers, "old", now));
    }
}
