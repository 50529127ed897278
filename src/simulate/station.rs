//! A detector station: one reading per lane and interval.

use chrono_tz::Tz;
use ioc_ingest::interval::{Direction, Interval, Place, Reading};

use super::{
    dice::{Dice, Purpose},
    faults::{Chronic, Fault, FaultKind, chronic_at},
    traffic::{Lane, Passage, passage},
};

/// A lane of a station.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StationLane {
    /// Lane number.
    pub(crate) place: Place,
    /// Direction of travel.
    pub(crate) direction: Direction,
    /// Its traffic.
    pub(crate) lane: Lane,
}

/// A reading that says nothing of its place.
pub(crate) const fn unmeasured(place: Place) -> Reading {
    Reading {
        place,
        kind: None,
        direction: None,
        count: None,
        occupancy_e4: None,
        speed_e1_kmh: None,
        headway_ms: None,
        samples: None,
        samples_expected: None,
        classes: None,
        class_speed_e1_kmh: None,
        queue_dm: None,
        density_e1_per_km: None,
        confidence_e4: None,
    }
}

/// What a passage looks like in a message. Stations count no pedestrians.
pub(crate) fn measured(place: Place, direction: Direction, passage: &Passage) -> Reading {
    let mut classes = passage.classes.map(Some);
    classes[ioc_ingest::interval::Class::Pedestrian as usize] = None;
    Reading {
        direction: Some(direction),
        count: Some(passage.count),
        occupancy_e4: Some(passage.occupancy_e4),
        speed_e1_kmh: passage.speed_e1_kmh,
        headway_ms: passage.headway_ms,
        classes: Some(classes),
        class_speed_e1_kmh: (passage.count > 0).then_some(passage.class_speed_e1_kmh),
        ..unmeasured(place)
    }
}

/// What a broken lane makes of its traffic.
fn broken(found: &StationLane, chronic: Chronic, passage: &Passage, start_ms: i64) -> Reading {
    let blank = Reading { direction: Some(found.direction), ..unmeasured(found.place.clone()) };
    match chronic {
        Chronic::StuckOn => Reading { count: Some(0), occupancy_e4: Some(10_000), ..blank },
        Chronic::Dead => Reading { count: Some(0), occupancy_e4: Some(0), ..blank },
        Chronic::Chatter => {
            let is_high = start_ms.div_euclid(30_000) % 2 == 0;
            let count = passage.count * 3 + 60;
            let occupancy_e4 = if is_high { 6_500 } else { 1_200 };
            let speed_e1_kmh = passage.speed_e1_kmh;
            Reading { count: Some(count), occupancy_e4: Some(occupancy_e4), speed_e1_kmh, ..blank }
        }
    }
}

/// The interval of a station that began at `start_ms`; a fault of null is that of a station in order, whose
/// lanes may be broken all the same when `can_break`.
pub(crate) fn interval(
    seed: u64,
    (lanes, can_break): (&[StationLane], bool),
    zone: Tz,
    (start_ms, duration_ms): (i64, u32),
    fault: Option<Fault>,
) -> Interval {
    let faulty = fault.and_then(|fault| {
        let index = usize::try_from(fault.part).unwrap_or(0) % lanes.len().max(1);
        matches!(fault.kind, FaultKind::DetectorStuck | FaultKind::LaneSilent)
            .then_some((index, fault.kind))
    });
    let readings = lanes.iter().enumerate().map(|(index, found)| {
        let expected = u16::try_from(duration_ms / 1000).unwrap_or(u16::MAX);
        let mut dice = Dice::new(seed, Purpose::Health, found.lane.key, start_ms);
        let lost = if dice.chance(0.02) { dice.poisson(2.0) } else { 0 };
        let lost = u16::try_from(lost).unwrap_or(0).min(expected);
        let mut reading = match faulty {
            Some((faulty, FaultKind::LaneSilent)) if faulty == index => {
                // Null, never zero: the lane did not measure.
                let samples_expected = Some(expected);
                let silent = unmeasured(found.place.clone());
                return Reading { samples: Some(0), samples_expected, ..silent };
            }
            Some((faulty, _)) if faulty == index => Reading {
                direction: Some(found.direction),
                count: Some(0),
                occupancy_e4: Some(10_000),
                ..unmeasured(found.place.clone())
            },
            _ => {
                let passage = passage(seed, &found.lane, zone, start_ms, duration_ms);
                match chronic_at(seed, found.lane.key, start_ms).filter(|_| can_break) {
                    Some(chronic) => broken(found, chronic, &passage, start_ms),
                    None => measured(found.place.clone(), found.direction, &passage),
                }
            }
        };
        reading.samples = Some(expected - lost);
        reading.samples_expected = Some(expected);
        reading
    });
    Interval { duration_ms, preset: None, home: None, readings: readings.collect() }
}
