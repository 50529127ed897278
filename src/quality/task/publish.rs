//! The states of detectors, published as a whole for everybody who shows them or raises alarms.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::Source;

use super::{QualityTask, Work, memory::Memory};
use crate::{
    quality::{
        check::Check,
        standing::{DeviceQuality, OpenCheck, PlaceQuality},
    },
    registry::{Device, place_text},
};

impl QualityTask {
    /// Publishes what changed since the last time.
    pub(super) fn publish(&mut self, work: &mut Work) {
        let mut changed = std::mem::take(&mut work.memory.changed);
        if self.slow.has_changed().unwrap_or(false) {
            let states = self.slow.borrow_and_update().clone();
            changed.extend(states.keys().chain(self.shown_slow.keys()).cloned());
            self.shown_slow = states;
        }
        if changed.is_empty() {
            return;
        }
        let now = self.clock.now();
        let mut news: HashMap<Source, Option<Arc<DeviceQuality>>> = HashMap::new();
        {
            let published = self.standings.borrow();
            for source in changed {
                let device = work.registry.device(&source);
                let quality = device.map(|device| self.quality(&work.memory, device, now));
                let quality = quality.filter(|quality| !quality.places.is_empty());
                if published.get(&source).map(Arc::as_ref) != quality.as_ref() {
                    news.insert(source, quality.map(Arc::new));
                }
            }
        }
        if news.is_empty() {
            return;
        }
        self.standings.send_modify(|standings| {
            let standings = Arc::make_mut(standings);
            for (source, quality) in news {
                match quality {
                    Some(quality) => drop(standings.insert(source, quality)),
                    None => drop(standings.remove(&source)),
                }
            }
        });
        let open = |quality: &Arc<DeviceQuality>| -> usize {
            quality.places.iter().map(|place| place.checks.len()).sum()
        };
        let open: usize = self.standings.borrow().values().map(open).sum();
        self.metrics.quality_open.set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    fn quality(&self, memory: &Memory, device: &Device, now: DateTime<Utc>) -> DeviceQuality {
        let mut places: Vec<PlaceQuality> = device
            .detectors
            .iter()
            .map(|(place, id)| of_detector(memory, (*id, place_text(place)), now))
            .collect();
        for (place, open) in self.shown_slow.get(&device.source).into_iter().flatten() {
            if let Some(known) = places.iter_mut().find(|known| known.place == *place) {
                known.checks.push(*open);
                continue;
            }
            let (place, checks) = (place.clone(), vec![*open]);
            places.push(PlaceQuality { place, good_share: None, checks });
        }
        for place in &mut places {
            place.checks.sort_by_key(|open| open.check);
        }
        places.sort_by(|one, next| one.place.cmp(&next.place));
        DeviceQuality { places }
    }
}

fn of_detector(memory: &Memory, (id, place): (i32, String), now: DateTime<Utc>) -> PlaceQuality {
    let time = |time_ms| DateTime::from_timestamp_millis(time_ms).unwrap_or_default();
    let detector = memory.detectors.get(&id);
    let mut checks: Vec<OpenCheck> = detector
        .into_iter()
        .flat_map(|detector| detector.fold.open())
        .map(|(check, open)| {
            OpenCheck::new(check, time(open.since_ms), Some(open.value), Some(open.limit))
        })
        .collect();
    let now_ms = now.timestamp_millis();
    let forced = memory
        .forced_of(id)
        .iter()
        .find(|(from, to)| *from <= now_ms && to.is_none_or(|to| now_ms < to));
    checks.extend(forced.map(|(from, _)| OpenCheck::new(Check::Forced, time(*from), None, None)));
    let good_share = detector.map(|detector| detector.fold.good()).and_then(|(good, all)| {
        let share = (all > 0).then(|| f32::from(good) / f32::from(all));
        share.map(|share| (share * 100.0).floor() / 100.0)
    });
    PlaceQuality { place: place.into(), good_share, checks }
}
