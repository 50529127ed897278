//! The states of detectors as the rest of the hub sees them: published on a `watch` channel, as a whole.
//!
//! [`Standings`] maps each source to what is known of its lanes and zones; entries that did not change are
//! shared, so two of them are compared by pointers. [`changes`] tells what opened and closed between two,
//! for whoever works with transitions (alarms): it is level-based, a reader that missed some sees the sum.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::Source;
use serde::Serialize;

use super::check::Check;

/// An open check.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct OpenCheck {
    /// The check.
    pub check: Check,
    /// Its number in the catalogue; null for rules beyond it.
    pub code: Option<&'static str>,
    /// Whether the detector counts as failed by it; otherwise it is a hint.
    pub failed: bool,
    /// Begin of the first row that it marked, source clock.
    pub since: DateTime<Utc>,
    /// What was measured when it opened; null where nothing is measured.
    pub value: Option<f32>,
    /// The limit of it.
    pub limit: Option<f32>,
    /// Unit of both.
    pub unit_of_measure: &'static str,
}

impl OpenCheck {
    /// An open check with what was measured.
    pub const fn new(
        check: Check,
        since: DateTime<Utc>,
        value: Option<f32>,
        limit: Option<f32>,
    ) -> Self {
        let (code, failed) = (check.code(), check.is_failure());
        Self { check, code, failed, since, value, limit, unit_of_measure: check.unit_of_measure() }
    }
}

/// What is known of one lane or zone, or of a channel or phase of a controller.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceQuality {
    /// `lane/1`, `zone/north`, `channel/5`, `phase/9`; empty for the whole device.
    pub place: Box<str>,
    /// Good samples of the last hour, 0 to 1, to two places; null where none are known.
    pub good_share: Option<f32>,
    /// Checks that are open, in the order of [`Check::ALL`].
    pub checks: Vec<OpenCheck>,
}

/// What is known of the detectors of one source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeviceQuality {
    /// Lanes, zones, channels and phases, in the order of their places.
    pub places: Vec<PlaceQuality>,
}

impl DeviceQuality {
    /// The first check that is open, failures before hints; null when all is well.
    pub fn worst(&self) -> Option<Check> {
        let open = || self.places.iter().flat_map(|place| &place.checks);
        let failed = open().filter(|open| open.failed).map(|open| open.check).min();
        failed.or_else(|| open().map(|open| open.check).min())
    }
}

/// What is known of every source with detectors.
pub type Standings = Arc<HashMap<Source, Arc<DeviceQuality>>>;

/// A check of a detector that opened or closed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Device.
    pub source: Source,
    /// Lane, zone, channel or phase; empty for the whole device.
    pub place: Box<str>,
    /// The check.
    pub check: Check,
    /// Whether it is open now.
    pub bad: bool,
    /// Since when it was open.
    pub since: DateTime<Utc>,
    /// What was measured when it opened.
    pub value: Option<f32>,
    /// The limit of it.
    pub limit: Option<f32>,
}

/// What opened and closed between two standings, in the order of sources.
pub fn changes(before: &Standings, after: &Standings) -> Vec<Change> {
    let mut found = Vec::new();
    for (source, now) in after.iter() {
        let known = before.get(source);
        if known.is_some_and(|known| Arc::ptr_eq(known, now)) {
            continue;
        }
        let known = known.map(Arc::as_ref);
        differences(source, known, Some(now), &mut found);
    }
    for (source, known) in before.iter().filter(|(source, _)| !after.contains_key(*source)) {
        differences(source, Some(known), None, &mut found);
    }
    found.sort_by(|one, next| (&one.source, &one.place).cmp(&(&next.source, &next.place)));
    found
}

fn differences(
    source: &Source,
    before: Option<&DeviceQuality>,
    after: Option<&DeviceQuality>,
    found: &mut Vec<Change>,
) {
    let open = |quality: Option<&DeviceQuality>| -> HashMap<(Box<str>, Check), OpenCheck> {
        let places = quality.into_iter().flat_map(|quality| &quality.places);
        let each = places.flat_map(|place| {
            place.checks.iter().map(|open| ((place.place.clone(), open.check), *open))
        });
        each.collect()
    };
    let (before, after) = (open(before), open(after));
    let change = |((place, check), open): (&(Box<str>, Check), &OpenCheck), bad| Change {
        source: source.clone(),
        place: place.clone(),
        check: *check,
        bad,
        since: open.since,
        value: open.value,
        limit: open.limit,
    };
    let closed = before.iter().filter(|(key, _)| !after.contains_key(*key));
    found.extend(closed.map(|open| change(open, false)));
    let opened = after.iter().filter(|(key, _)| !before.contains_key(*key));
    found.extend(opened.map(|open| change(open, true)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(checks: &[Check]) -> Standings {
        let open =
            |check: &Check| OpenCheck::new(*check, DateTime::UNIX_EPOCH, Some(1.0), Some(2.0));
        let checks = checks.iter().map(open).collect();
        let place = PlaceQuality { place: "lane/1".into(), good_share: None, checks };
        let quality = Arc::new(DeviceQuality { places: vec![place] });
        Arc::new(HashMap::from([(Source::parse("vds-001").unwrap(), quality)]))
    }

    #[test]
    fn changes_tell_what_opened_and_what_closed() {
        let none = Standings::default();
        let one = standing(&[Check::StuckOn]);
        let other = standing(&[Check::Spike]);
        let told = |before: &Standings, after: &Standings| -> Vec<(Check, bool)> {
            let mut all: Vec<_> =
                changes(before, after).into_iter().map(|c| (c.check, c.bad)).collect();
            all.sort();
            all
        };
        assert_eq!(told(&none, &one), [(Check::StuckOn, true)]);
        assert_eq!(told(&one, &one.clone()), []);
        assert_eq!(told(&one, &other), [(Check::StuckOn, false), (Check::Spike, true)]);
        assert_eq!(told(&one, &none), [(Check::StuckOn, false)]);
    }

    #[test]
    fn a_failure_is_worse_than_a_hint() {
        let of = |checks: &[Check]| {
            let all = standing(checks);
            all.values().next().unwrap().worst()
        };
        assert_eq!(of(&[Check::Unusual, Check::Length]), Some(Check::Length));
        assert_eq!(of(&[Check::Unusual]), Some(Check::Unusual));
        assert_eq!(of(&[]), None);
    }
}
