//! Thresholds of every registered lane and zone, found by its number in a few nanoseconds.

use std::sync::Arc;

use chrono::NaiveDate;
use ioc_ingest::interval::Place;

use super::{
    limits::Limits,
    thresholds::{Site, Thresholds},
};
use crate::{
    city::LaneClass,
    registry::{Device, place_text},
};

/// Thresholds by lane and zone. The default judges all alike.
#[derive(Debug, Clone, Default)]
pub struct Table {
    thresholds: Option<(Arc<Thresholds>, NaiveDate)>,
    /// By the number of a lane or zone: place in `limits`, from 1; 0 for those that are not known.
    places: Vec<u16>,
    /// Different sets, each once.
    limits: Vec<Limits>,
    unknown: Limits,
}

impl Table {
    /// A table that knows no lane or zone yet, with the thresholds of this civil day.
    pub fn new(thresholds: Arc<Thresholds>, day: NaiveDate) -> Self {
        Self { thresholds: Some((thresholds, day)), ..Self::default() }
    }

    /// What a lane or zone is judged by.
    #[inline]
    pub fn of(&self, detector_id: i32) -> &Limits {
        let place = usize::try_from(detector_id).ok().and_then(|id| self.places.get(id));
        let found = place.and_then(|place| self.limits.get(usize::from(*place).wrapping_sub(1)));
        found.unwrap_or(&self.unknown)
    }

    /// Adds a lane or zone of a device.
    pub(crate) fn add(
        &mut self,
        (detector_id, place): (i32, &Place),
        device: &Device,
        class: Option<LaneClass>,
    ) {
        let Some((thresholds, day)) = &self.thresholds else { return };
        let place = place_text(place);
        let limits = thresholds.limits(&site(device, &place, class), *day);
        let Ok(id) = usize::try_from(detector_id) else { return };
        let known = self.limits.iter().position(|known| *known == limits);
        let at = known.unwrap_or_else(|| {
            self.limits.push(limits);
            self.limits.len() - 1
        });
        if self.places.len() <= id {
            self.places.resize(id + 1, 0);
        }
        // Beyond 65,535 different sets a detector is judged as one that is not known.
        self.places[id] = u16::try_from(at + 1).unwrap_or(0);
    }

    /// Clock offset beyond which a device is suspect, milliseconds; null without thresholds.
    pub fn clock_suspect_ms(&self, device: &Device) -> Option<u32> {
        let (thresholds, day) = self.thresholds.as_ref()?;
        Some(thresholds.limits(&site(device, "", None), *day).clock_suspect_ms)
    }

    /// The civil day of its thresholds.
    pub fn day(&self) -> Option<NaiveDate> {
        self.thresholds.as_ref().map(|(_, day)| *day)
    }

    /// The thresholds that it is made of.
    pub fn thresholds(&self) -> Option<&Arc<Thresholds>> {
        self.thresholds.as_ref().map(|(thresholds, _)| thresholds)
    }
}

/// A lane or zone of a device; its place is empty for the device itself.
fn site<'a>(device: &'a Device, place: &'a str, class: Option<LaneClass>) -> Site<'a> {
    Site {
        source: device.source.as_str(),
        place,
        parent: device.parent.as_ref().map(ioc_ingest::Source::as_str),
        corridor: device.corridor.as_deref(),
        area: device.area.as_deref(),
        service: device.service,
        class,
    }
}
