//! A camera with video analytics: counts per zone, queues, and what it takes for an incident.

use chrono_tz::Tz;
use ioc_ingest::{
    incident::{Incident, IncidentKind},
    interval::{Class, Direction, Interval, Place, Reading, ZoneKind},
};

use super::{
    calendar::{HOUR_MS, local, utc},
    dice::{Dice, Purpose, whole, whole_u16},
    faults::{Fault, FaultKind},
    station::{measured, unmeasured},
    traffic::{Lane, demand, passage},
};

/// A zone in the picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Zone {
    /// Name of the zone.
    pub(crate) place: Place,
    /// A counting line or an area.
    pub(crate) kind: ZoneKind,
    /// Direction of travel.
    pub(crate) direction: Direction,
    /// The traffic that it sees.
    pub(crate) lane: Lane,
}

/// An incident from begin to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// First millisecond.
    pub(crate) from_ms: i64,
    /// When it ended.
    pub(crate) until_ms: i64,
    kind: IncidentKind,
    zone: Box<str>,
    confidence_e4: u16,
}

/// Preset at which the zones were drawn, and the one a person turns it to.
const HOME_PRESET: i16 = 1;
const OTHER_PRESET: i16 = 4;
/// Incidents per camera and hour at the peak.
const INCIDENTS_PER_HOUR: f64 = 0.05;
/// Longest incident in milliseconds; begin and end lie in the same hour.
const INCIDENT_MAX_MS: u32 = 14 * 60_000;

/// The interval of a camera that began at `start_ms`; null when it saw nothing at all.
pub(crate) fn interval(
    seed: u64,
    zones: &[Zone],
    zone: Tz,
    (start_ms, duration_ms): (i64, u32),
    fault: Option<Fault>,
) -> Option<Interval> {
    let kind = fault.map(|fault| fault.kind);
    if kind == Some(FaultKind::CameraAuth) {
        return None;
    }
    let moved = kind == Some(FaultKind::CameraMoved);
    let readings = zones.iter().map(|found| {
        if kind == Some(FaultKind::CameraFrozen) {
            return Reading { kind: Some(found.kind), ..unmeasured(found.place.clone()) };
        }
        match found.kind {
            ZoneKind::Line => line(seed, found, zone, (start_ms, duration_ms)),
            ZoneKind::Area => area(seed, found, zone, (start_ms, duration_ms)),
        }
    });
    Some(Interval {
        duration_ms,
        preset: Some(if moved { OTHER_PRESET } else { HOME_PRESET }),
        home: Some(!moved),
        readings: readings.collect(),
    })
}

/// Video is less sure at night.
fn confidence_e4(dice: &mut Dice, zone: Tz, at_ms: i64) -> u16 {
    let daylight = (5.8..18.2).contains(&local(zone, at_ms).hour);
    let middle = if daylight { 0.88 } else { 0.74 };
    whole_u16((middle + dice.between(-0.05, 0.05)) * 10_000.0, 10_000)
}

fn line(seed: u64, found: &Zone, zone: Tz, (start_ms, duration_ms): (i64, u32)) -> Reading {
    let passage = passage(seed, &found.lane, zone, start_ms, duration_ms);
    let mut dice = Dice::new(seed, Purpose::Health, found.lane.key, start_ms);
    let mut reading = measured(found.place.clone(), found.direction, &passage);
    // A line in a picture measures neither occupancy nor headway.
    reading.occupancy_e4 = None;
    reading.headway_ms = None;
    reading.class_speed_e1_kmh = None;
    reading.kind = Some(ZoneKind::Line);
    if let Some(classes) = &mut reading.classes {
        let walkers = dice.poisson(0.8 * demand(local(zone, start_ms), found.lane.tide));
        classes[Class::Pedestrian as usize] = Some(walkers);
    }
    reading.confidence_e4 = Some(confidence_e4(&mut dice, zone, start_ms));
    reading
}

fn area(seed: u64, found: &Zone, zone: Tz, (start_ms, duration_ms): (i64, u32)) -> Reading {
    let passage = passage(seed, &found.lane, zone, start_ms, duration_ms);
    let mut dice = Dice::new(seed, Purpose::Health, found.lane.key, start_ms);
    let busy = f64::from(passage.occupancy_e4) / 10_000.0;
    let queue_m = (busy * busy * 75.0 + dice.between(-3.0, 3.0)).max(0.0);
    let flow_veh_h = f64::from(passage.count) * 3_600_000.0 / f64::from(duration_ms);
    let density = passage.speed_e1_kmh.map_or(0.0, |e1| flow_veh_h / (f64::from(e1) / 10.0));
    Reading {
        kind: Some(ZoneKind::Area),
        queue_dm: Some(whole(queue_m * 10.0, 10_000)),
        density_e1_per_km: Some(whole(density * 10.0, 20_000)),
        confidence_e4: Some(confidence_e4(&mut dice, zone, start_ms)),
        ..unmeasured(found.place.clone())
    }
}

/// The incident that a camera sees in the hour of `at_ms`, if any.
pub(crate) fn sighting(
    seed: u64,
    key: u64,
    zones: &[Zone],
    zone: Tz,
    at_ms: i64,
) -> Option<Sighting> {
    const KINDS: [(IncidentKind, f64); 6] = [
        (IncidentKind::StoppedVehicle, 5.0),
        (IncidentKind::Queue, 4.0),
        (IncidentKind::WrongWay, 2.0),
        (IncidentKind::Pedestrian, 2.0),
        (IncidentKind::Smoke, 0.15),
        (IncidentKind::Fire, 0.05),
    ];
    let hour = at_ms.div_euclid(HOUR_MS);
    let mut dice = Dice::new(seed, Purpose::Incident, key, hour);
    let found = zones.get(dice.index(zones.len()))?;
    let busy = demand(local(zone, hour * HOUR_MS), found.lane.tide);
    if !dice.chance(INCIDENTS_PER_HOUR * busy) {
        return None;
    }
    let Place::Zone(name) = &found.place else { return None };
    let length = dice.millis(30_000, INCIDENT_MAX_MS);
    let room = u32::try_from(HOUR_MS - length - 1).unwrap_or(0);
    let from_ms = hour * HOUR_MS + dice.millis(1, room);
    let kind = KINDS[dice.weighted(&KINDS.map(|(_, weight)| weight))].0;
    let confidence_e4 = whole_u16(dice.between(0.7, 0.98) * 10_000.0, 10_000);
    Some(Sighting { from_ms, until_ms: from_ms + length, kind, zone: name.clone(), confidence_e4 })
}

impl Sighting {
    /// The incident as it is reported at its begin, or at its end.
    pub(crate) fn report(&self, ended: bool) -> Incident {
        Incident {
            kind: self.kind,
            zone: self.zone.clone(),
            confidence_e4: Some(self.confidence_e4),
            ended: ended.then(|| utc(self.until_ms)),
        }
    }
}

/// The next instant after `at_ms` at which a camera reports an incident or its end, and which one of
/// the two; null until the end of the hour, which then is to be asked for again.
pub(crate) fn next_report_ms(
    seed: u64,
    key: u64,
    zones: &[Zone],
    zone: Tz,
    at_ms: i64,
) -> Result<(i64, Incident, i64), i64> {
    match sighting(seed, key, zones, zone, at_ms) {
        Some(found) if at_ms < found.from_ms => {
            Ok((found.from_ms, found.report(false), found.from_ms))
        }
        Some(found) if at_ms < found.until_ms => {
            Ok((found.until_ms, found.report(true), found.from_ms))
        }
        Some(_) | None => Err((at_ms.div_euclid(HOUR_MS) + 1) * HOUR_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::{
        dice::key,
        traffic::{Tide, Use},
    };

    #[test]
    fn an_incident_is_reported_at_its_begin_and_with_its_end() {
        let city = chrono_tz::Asia::Ho_Chi_Minh;
        // Monday, 2 March 2026, 06:00 in Can Tho, and the three hours after it.
        let (start, hours) = (1_772_406_000_000, 3);
        let mut reports = Vec::new();
        for number in 0..200 {
            let lane = Lane {
                key: number,
                road: key("ql91"),
                used_by: Use::Arterial,
                tide: Tide::Even,
                free_flow_kmh: 40.0,
            };
            let place = Place::Zone("north-in".into());
            let zones = [Zone { place, kind: ZoneKind::Line, direction: Direction::Forward, lane }];
            let mut at = start;
            while at < start + hours * HOUR_MS {
                at = match next_report_ms(1, number, &zones, city, at) {
                    Ok((due, incident, from)) => {
                        reports.push((number, from, due, incident));
                        due
                    }
                    Err(next) => next,
                };
            }
        }
        assert!((15..80).contains(&reports.len()), "{}", reports.len());
        for pair in reports.chunks(2) {
            let [(camera, from, begun, open), (same, again, until, closed)] = pair else {
                panic!("a begin without an end")
            };
            assert_eq!((camera, from, begun), (same, again, from));
            assert_eq!((open.ended, closed.ended), (None, Some(utc(*until))));
            assert_eq!(open.kind, closed.kind);
        }
    }
}
