//! The latest messages of one device, by stream or incident.
//!
//! A device has one to four of them, and a city has tens of thousands of devices: so they lie in a
//! list that is as long as need be, in order of their keys, and hold copies of their bytes. The bytes
//! that came are a part of the session's read buffer, and would keep all of it.

use std::{borrow::Borrow, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::Message;

/// The latest message of one stream, or of one incident.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// As it was decoded, where more is made of it than its row: of a state, an interval, health.
    pub(super) message: Option<Arc<Message>>,
    /// Its bytes.
    pub(super) payload: Box<[u8]>,
    /// Message time; receive time of a status.
    pub(super) time: DateTime<Utc>,
    pub(super) order: (i64, i64, i64),
    pub(super) version: u64,
}

/// Messages in the order of their keys.
#[derive(Debug, Clone)]
pub(super) struct Parts<K>(Vec<(K, Part)>);

impl<K> Default for Parts<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord> Parts<K> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }

    pub(super) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&Part>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    pub(super) fn insert(&mut self, key: K, part: Part) {
        match self.find(&key) {
            Ok(at) => self.0[at].1 = part,
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (key, part));
            }
        }
    }

    /// Takes the one with the earliest time out.
    pub(super) fn remove_oldest(&mut self) {
        let oldest = self.0.iter().enumerate().min_by_key(|(_, (_, part))| part.time);
        if let Some((at, _)) = oldest {
            self.0.remove(at);
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &Part)> {
        self.0.iter().map(|(key, part)| (key, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(second: i64) -> Part {
        Part {
            message: None,
            payload: b"{}"[..].into(),
            time: DateTime::from_timestamp(second, 0).unwrap(),
            order: (second, 0, 0),
            version: 1,
        }
    }

    #[test]
    fn parts_are_kept_once_each_and_in_order_and_the_oldest_leaves() {
        let mut parts: Parts<Box<str>> = Parts::default();
        for (key, second) in [("b", 2), ("c", 1), ("a", 3), ("b", 4)] {
            parts.insert(key.into(), part(second));
        }
        let keys = |parts: &Parts<Box<str>>| parts.iter().map(|(key, _)| key.clone()).collect();
        let all: Vec<Box<str>> = keys(&parts);
        assert_eq!(all, ["a".into(), "b".into(), "c".into()]);
        assert_eq!(parts.get("b").map(|part| part.order.0), Some(4));
        assert!(parts.get("d").is_none());
        parts.remove_oldest();
        let rest: Vec<Box<str>> = keys(&parts);
        assert_eq!((rest, parts.len()), (vec!["a".into(), "b".into()], 2));
    }
}
