//! Stations that follow one another on a road: who is next, and what both tell together.
//!
//! A pair belongs to its station upstream. It is judged by each direction of travel for itself: its condition
//! holds when it does in one of them, and does not when it does in none that has a next station.

use std::{collections::HashMap, sync::Arc};

use super::{DateTime, Engine, Trigger, Utc, Verdict};
use crate::{
    alarm::{
        condition::{Condition, Limits},
        object::Object,
        road::{Way, lanes_of},
        station::{Next, Sight},
    },
    registry::Registry,
};

impl Engine {
    /// Takes over which station follows which. Nothing where no rule asks for it.
    pub(super) fn link_stations(&mut self, registry: &Registry) {
        if self.asked_pairs.is_empty() {
            return;
        }
        let mut ways: HashMap<_, Vec<Way>> = HashMap::new();
        for device in registry.devices.values() {
            if !self.asked_pairs.contains(&device.service) {
                continue;
            }
            let Some(at) = self.by_name.get(device.source.as_str()).copied() else { continue };
            let lanes = lanes_of(device, registry);
            let of = |way: &Way| lanes.iter().any(|(_, own)| own == way);
            ways.insert(&device.source, Way::ALL.into_iter().filter(of).collect());
            if let Some(found) = self.object_mut(at) {
                found.facts.station.get_or_insert_default().set_lanes(lanes);
            }
        }
        let stations = ways
            .iter()
            .filter_map(|(source, ways)| Some((&**registry.device(source)?, ways.as_slice())));
        let distance_max_m = self.rules.settings.pair.distance_max_m;
        for stretch in self.roads.stretches(stations, distance_max_m) {
            let place = |source: &ioc_ingest::Source| self.by_name.get_key_value(source.as_str());
            let (Some((_, up)), Some((name, down))) = (place(&stretch.up), place(&stretch.down))
            else {
                continue;
            };
            let (up, down, name) = (*up, *down, Arc::clone(name));
            let next = Next { object: down, name, distance_m: stretch.distance_m };
            if let Some(station) = self.object_mut(up).and_then(|o| o.facts.station.as_mut()) {
                station.side_mut(stretch.way).next = Some(next);
            }
            if let Some(station) = self.object_mut(down).and_then(|o| o.facts.station.as_mut()) {
                station.side_mut(stretch.way).before = Some(up);
            }
        }
    }

    /// A station told a period: judges the pairs that it is part of.
    pub(super) fn follow_pairs(&mut self, object: u32, at: DateTime<Utc>) {
        for way in Way::ALL {
            let station = self.object(object).and_then(|found| found.facts.station.as_ref());
            let Some(side) = station.map(|station| station.side(way)) else { return };
            let before = side.before;
            for up in [Some(object), before].into_iter().flatten() {
                self.follow_pair(up, way, at);
            }
        }
    }

    fn follow_pair(&mut self, up: u32, way: Way, at: DateTime<Utc>) {
        let limits = self.rules.settings.pair;
        let side = |at| Some(self.object(at)?.facts.station.as_ref()?.side(way));
        let Some((own, next)) = side(up).and_then(|own| Some((own, own.next.as_ref()?))) else {
            return;
        };
        let Some(down) = side(next.object) else { return };
        let mut pair = own.pair;
        pair.follow((&own.course, &down.course), next.distance_m, &limits);
        if let Some(station) = self.object_mut(up).and_then(|found| found.facts.station.as_mut()) {
            station.side_mut(way).pair = pair;
        }
        self.judge_all(up, Trigger::Pair, at);
    }
}

/// Whether a condition about pairs holds on an object, in any direction of travel.
pub(super) fn judge_ways(
    condition: &Condition,
    object: &Object,
    limits: Limits<'_>,
    is_held: bool,
) -> Verdict {
    let Some(station) = &object.facts.station else { return Verdict::Unknown };
    let mut verdict = None;
    for way in Way::ALL.into_iter().filter(|way| station.side(*way).next.is_some()) {
        match condition.judge(&Sight { object, way }, limits, is_held) {
            Verdict::Yes(found) => return Verdict::Yes(found),
            Verdict::Unknown => verdict = Some(Verdict::Unknown),
            Verdict::No => {
                verdict.get_or_insert(Verdict::No);
            }
        }
    }
    verdict.unwrap_or(Verdict::Unknown)
}
