//! A station on a road with others: its latest periods by direction of travel, and what it tells together
//! with the next one downstream.

use std::sync::Arc;

use ioc_ingest::interval::{Interval, Place, Reading};

use super::{
    condition::Look,
    field::{Field, Trigger, Value},
    object::Object,
    road::Way,
};
use crate::measure::pair::{Course, Pair, Period};

/// The next station downstream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Next {
    /// Its place among the objects.
    pub(super) object: u32,
    pub(super) name: Arc<str>,
    /// Along the road, metres.
    pub(super) distance_m: f64,
}

/// One station in one direction.
#[derive(Debug, Clone, Default)]
pub(super) struct Side {
    pub(super) course: Course,
    pub(super) next: Option<Next>,
    /// The station upstream of which this is the next.
    pub(super) before: Option<u32>,
    /// With the next one.
    pub(super) pair: Pair,
}

/// One station.
#[derive(Debug, Clone, Default)]
pub struct Station {
    /// Lanes that serve one direction.
    lanes: Vec<(Place, Way)>,
    sides: [Side; 2],
}

impl Station {
    /// Goes by these lanes and by no neighbours; what was measured stays where the lanes are as before.
    pub(super) fn set_lanes(&mut self, lanes: Vec<(Place, Way)>) {
        if self.lanes != lanes {
            *self = Self { lanes, ..Self::default() };
        }
        for side in &mut self.sides {
            (side.next, side.before) = (None, None);
        }
    }

    pub(super) const fn side(&self, way: Way) -> &Side {
        &self.sides[way.index()]
    }

    pub(super) const fn side_mut(&mut self, way: Way) -> &mut Side {
        &mut self.sides[way.index()]
    }

    /// Takes over a collection period that begins then, newer than those before.
    pub(super) fn take(&mut self, begin_ms: i64, interval: &Interval) {
        for way in Way::ALL {
            let mut period = Period {
                begin_ms,
                length_ms: i64::from(interval.duration_ms),
                ..Period::default()
            };
            let (mut occupied, mut lanes) = (0.0, 0.0);
            for reading in interval.readings.iter().filter(|reading| self.serves(reading, way)) {
                if let Some(occupancy_e4) = reading.occupancy_e4 {
                    occupied += f64::from(occupancy_e4) / 10_000.0;
                    lanes += 1.0;
                }
                if let (Some(count), Some(speed)) = (reading.count, reading.speed_e1_kmh) {
                    period.vehicles += f64::from(count);
                    period.speeds_kmh += f64::from(count) * f64::from(speed) / 10.0;
                }
            }
            period.occupancy = (lanes > 0.5).then(|| occupied / lanes);
            self.side_mut(way).course.take(period);
        }
    }

    fn serves(&self, reading: &Reading, way: Way) -> bool {
        self.lanes.iter().any(|(place, own)| *own == way && *place == reading.place)
    }

    fn value(&self, field: Field, way: Way) -> Option<f64> {
        let Side { next: Some(_), pair, .. } = self.side(way) else { return None };
        match field {
            Field::PairDifference => pair.occupancy_difference,
            Field::PairDifferenceShare => pair.occupancy_difference_share,
            Field::PairDrop => pair.occupancy_drop,
            Field::PairAcceleration => pair.acceleration_kmh2,
            Field::PairSpeed => pair.speed_downstream_kmh,
            Field::PairBottleneck => pair.bottleneck_bins,
            _ => None,
        }
    }
}

/// An object in one direction of travel, for rules about pairs.
pub(super) struct Sight<'a> {
    pub(super) object: &'a Object,
    pub(super) way: Way,
}

impl Look for Sight<'_> {
    fn value(&self, field: Field) -> Option<Value<'_>> {
        if field.trigger() != Trigger::Pair {
            return self.object.value(field);
        }
        let station = self.object.facts.station.as_ref()?;
        station.value(field, self.way).map(Value::Number)
    }

    fn detail(&self, field: Field) -> Option<String> {
        if field.trigger() != Trigger::Pair {
            return self.object.detail(field);
        }
        let next = self.object.facts.station.as_ref()?.side(self.way).next.as_ref()?;
        Some(next.name.to_string())
    }
}
