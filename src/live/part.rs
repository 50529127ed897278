//! The latest messages of one device, by stream or incident.
//!
//! A device has one to four of them, and a city has tens of thousands of devices: so they lie in a
//! list that is as long as need be, in order of their keys, and hold their bytes packed. The bytes that
//! came are a part of the session's read buffer, and would keep all of it.

use std::{borrow::Borrow, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::Message;

use crate::packed::Packed;

/// What ordinary messages repeat. Only the size depends on it.
pub(super) const WORDS: &[u8] = br#""ended":null,"zones":[{"zone":"north-in","kind":"lane","direction":"both","queue_m":0,"density_per_km":0,"confidence":0.9},"preset":1,"home":true,"duration_s":30,"lanes":[{"lane":1,"kind":"approach","direction":"forward","count":10,"occupancy":0.1,"speed_kmh":30.1,"headway_s":2.1,"samples":30,"samples_expected":30,"classes":{"motorcycle":20,"bicycle":0,"car":1,"van":0,"bus":0,"truck2":0,"truck3":0,"trailer":0,"other":0,"pedestrian":0},"class_speed_kmh":{"motorcycle":30.1,"bicycle":12.1,"car":30.1,"van":30.1,"bus":30.1,"truck2":30.1}},"mode":"coordinated","plan":1,"cycle_s":90,"cycle_position_s":10.1,"offset_s":0,"flash":2,"preempt":0,"groups":[{"group":1,"kind":"vehicle","state":3,"since":"2026-01-01T00:00:00.000Z","min_end_s":10.1,"max_end_s":10.1,"likely_end_s":10.1,"call":false},{"group":2,"kind":"pedestrian","state":6,"since":"2026-"uptime_s":1000,"firmware":"1.0.0","config_sha256":"0","power":"mains","mains_v":230,"mains_hz":50,"battery_pct":100,"battery_min":240,"temperature_c":40.1,"humidity_pct":60,"door_open":false,"police_panel_open":false,"technician":false,"monitor_fault":null,"unit_alarm_1":0,"unit_alarm_2":0,"short_alarm":0,"lamps":[],"detectors":[{"channel":1,"state":"ok"},{"channel":2,"state":"ok"}],"network":{"rtt_ms":10,"loss_pct":0,"rssi_dbm":-60},"camera":{"reachable":true,"stream":"ok","fps":25,"fps_nominal":25,"kbps":2000,"last_frame":"2026-01-01T00:00:00.000Z","freeze_s":0,"dark":0.1,"blur":0.1,"moved":false,"preset":1,"recording":true,"disk_pct":50}},"late":true,{"v":1,"time":"2026-01-01T00:00:00.000Z","boot":1,"seq":1,"clock":{"source":"ntp","offset_ms":1},"#;

/// The latest message of one stream, or of one incident.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// As it was decoded, where more is made of it than its row: of a state, an interval, health.
    pub(super) message: Option<Arc<Message>>,
    /// Its bytes, packed with [`WORDS`].
    pub(super) payload: Packed,
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
            payload: Packed::of(b"{}", WORDS),
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
