//! Traffic of one lane: a pure function of seed, lane and time.
//!
//! Demand follows the local hour (schools and offices in the morning, the way home in the evening, a
//! late leisure wave), weekends differ, and four of five vehicles are motorcycles. Count, classes,
//! speed, occupancy and headway of an interval are made from the same vehicles, so they agree:
//! classes sum to the count, and `occupancy * speed * duration / count` is a plausible length.

use chrono_tz::Tz;
use ioc_ingest::interval::{CLASSES, Class};

use super::{
    calendar::{HOUR_MS, Local, local},
    dice::{Dice, Purpose, whole, whole_u16},
};

/// Who uses a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Everybody, on a main road.
    Arterial,
    /// Everybody, on a side road.
    Local,
    /// Motorcycles and bicycles only.
    Motorcycle,
    /// Cars, buses and trucks.
    Car,
}

/// Which way the morning wave runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tide {
    /// Full in the morning.
    Inbound,
    /// Full in the evening.
    Outbound,
    /// Both alike.
    Even,
}

/// A lane as the model sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lane {
    /// Key of the lane, from source and lane or zone.
    pub(crate) key: u64,
    /// Key of the road that the lane belongs to: a jam holds all its lanes.
    pub(crate) road: u64,
    /// Who uses it.
    pub(crate) used_by: Use,
    /// Which way the morning wave runs.
    pub(crate) tide: Tide,
    /// Speed of free traffic in km/h.
    pub(crate) free_flow_kmh: f64,
}

/// What passes a lane in one interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Vehicles.
    pub(crate) count: u32,
    /// Vehicles per class in contract order; pedestrians are always 0.
    pub(crate) classes: [u32; CLASSES],
    /// Mean speed per class in 0.1 km/h; null where the class has no vehicle.
    pub(crate) class_speed_e1_kmh: [Option<u16>; CLASSES],
    /// Mean speed of all vehicles in 0.1 km/h; null without vehicles.
    pub(crate) speed_e1_kmh: Option<u16>,
    /// Share of the interval with a vehicle on the loop, in 1e-4.
    pub(crate) occupancy_e4: u16,
    /// Mean time headway in milliseconds; null without vehicles.
    pub(crate) headway_ms: Option<u32>,
}

/// Passenger-car units in hundredths per class in contract order: what counts against capacity.
const PCU_E2: [u32; CLASSES] = [25, 20, 100, 120, 200, 200, 250, 300, 100, 0];
/// Capacity of a lane in hundredths of passenger-car units per second (26 PCU in 30 s).
const CAPACITY_PCU_E2_S: f64 = 86.0;
/// Length of vehicle and loop together in metres per class.
const LENGTH_M: [f64; CLASSES] = [2.5, 2.4, 6.0, 7.0, 12.5, 9.0, 11.5, 16.5, 5.0, 0.0];
/// Speed of the class as share of the lane's speed.
const PACE: [f64; CLASSES] = [1.03, 0.42, 0.96, 0.93, 0.85, 0.86, 0.8, 0.78, 0.9, 0.0];
/// Fastest plausible bicycle in km/h.
const BICYCLE_MAX_KMH: f64 = 18.0;

impl Use {
    /// Vehicles per second at the peak of an average lane.
    const fn peak_veh_s(self) -> f64 {
        match self {
            Self::Arterial => 1.62,
            Self::Local => 0.55,
            Self::Motorcycle => 1.6,
            Self::Car => 0.36,
        }
    }

    /// Shares of the classes in contract order, pedestrians left out.
    const fn mix(self) -> [f64; CLASSES - 1] {
        match self {
            Self::Arterial => [0.825, 0.012, 0.113, 0.021, 0.009, 0.011, 0.004, 0.002, 0.003],
            Self::Local => [0.85, 0.03, 0.09, 0.016, 0.002, 0.007, 0.001, 0.0, 0.004],
            Self::Motorcycle => [0.955, 0.033, 0.003, 0.001, 0.0, 0.0, 0.0, 0.0, 0.008],
            Self::Car => [0.06, 0.0, 0.68, 0.13, 0.04, 0.055, 0.022, 0.01, 0.003],
        }
    }
}

/// A wave of demand: centre hour, width in hours, height.
type Wave = (f64, f64, f64);
const MORNING: Wave = (7.0, 0.75, 0.62);
const NOON: Wave = (11.4, 0.6, 0.28);
const EVENING: Wave = (17.1, 0.95, 0.62);
const LEISURE: Wave = (19.7, 1.1, 0.2);
const WEEKEND_MORNING: Wave = (8.7, 1.5, 0.3);
const WEEKEND_EVENING: Wave = (18.6, 1.9, 0.48);

fn wave(hour: f64, (centre, width, height): Wave) -> f64 {
    let distance = (hour - centre) / width;
    height * (-distance * distance / 2.0).exp()
}

/// Demand as share of the peak, 0.02..1.0, at a local time.
pub(crate) fn demand(local: Local, tide: Tide) -> f64 {
    let rise = 1.0 / (1.0 + (-(local.hour - 5.4) * 3.2).exp());
    let fall = 1.0 / (1.0 + ((local.hour - 21.6) * 1.7).exp());
    let day = 0.36 * rise * fall;
    let (morning, evening) = match tide {
        Tide::Inbound => (1.0, 0.72),
        Tide::Outbound => (0.72, 1.0),
        Tide::Even => (0.9, 0.9),
    };
    let waves = if local.weekend {
        wave(local.hour, WEEKEND_MORNING) * morning + wave(local.hour, WEEKEND_EVENING) * evening
    } else {
        wave(local.hour, MORNING) * morning
            + wave(local.hour, NOON)
            + wave(local.hour, EVENING) * evening
            + wave(local.hour, LEISURE)
    };
    (0.022 + day + waves).min(1.0)
}

/// Slow random factor around 1 that runs smoothly between quarter hours.
fn drift(seed: u64, lane: &Lane, at_ms: i64) -> f64 {
    const KNOT_MS: i64 = HOUR_MS / 4;
    let knot = at_ms.div_euclid(KNOT_MS);
    let share = f64::from(i32::try_from(at_ms.rem_euclid(KNOT_MS)).unwrap_or(0)) / 900_000.0;
    let at = |knot| Dice::new(seed, Purpose::Demand, lane.key, knot).between(0.86, 1.14);
    at(knot) * (1.0 - share) + at(knot + 1) * share
}

/// Speed left by a jam on the road, 1 without one: now and then half an hour in the busy hours.
fn jam(seed: u64, lane: &Lane, at_ms: i64, demand: f64) -> f64 {
    let mut dice = Dice::new(seed, Purpose::Jam, lane.road, at_ms.div_euclid(HOUR_MS / 2));
    if demand > 0.7 && dice.chance(0.05) { dice.between(0.3, 0.55) } else { 1.0 }
}

/// What passes `lane` from `start_ms` for `duration_ms`.
pub(crate) fn passage(
    seed: u64,
    lane: &Lane,
    zone: Tz,
    start_ms: i64,
    duration_ms: u32,
) -> Passage {
    let local = local(zone, start_ms);
    let demand = demand(local, lane.tide);
    let mut dice = Dice::new(seed, Purpose::Interval, lane.key, start_ms);
    let size = Dice::new(seed, Purpose::Lane, lane.key, 0).between(0.82, 1.08);
    let day = Dice::new(seed, Purpose::Day, lane.key, local.day).between(0.93, 1.06);
    let flow_veh_s = lane.used_by.peak_veh_s() * demand * size * day * drift(seed, lane, start_ms);
    // Signals upstream send platoons: short intervals swing more than long ones.
    let platoon = dice.between(0.86, 1.14);
    let duration_s = f64::from(duration_ms) / 1000.0;
    let mix = mix(lane.used_by, local);
    let classes = vehicles(&mut dice, mix, flow_veh_s * platoon, duration_s);
    // Speed follows the load of minutes: by the load of the very same half minute it would double the swing
    // of the occupancy, which no road does.
    let pcu_e2_s: f64 = mix.iter().zip(PCU_E2).map(|(share, pcu)| share * f64::from(pcu)).sum();
    let load = flow_veh_s * pcu_e2_s / CAPACITY_PCU_E2_S;
    let slow = 1.0 - 0.52 * load.min(1.1).powf(2.2);
    let lane_kmh = lane.free_flow_kmh
        * slow
        * jam(seed, lane, start_ms, demand)
        * (1.0 + 0.035 * dice.normal().clamp(-2.0, 2.0));
    measure(&mut dice, classes, lane_kmh.max(4.0), duration_ms)
}

fn pcu_e2(classes: &[u32; CLASSES]) -> u32 {
    classes.iter().zip(PCU_E2).map(|(count, pcu)| count * pcu).sum()
}

/// Shares of the classes at an hour.
fn mix(used_by: Use, local: Local) -> [f64; CLASSES - 1] {
    let mut mix = used_by.mix();
    // Freight runs at night, when the city lets it in.
    let freight = if (5.5..21.0).contains(&local.hour) { 1.0 } else { 4.0 };
    for class in [Class::Truck2, Class::Truck3, Class::Trailer] {
        mix[class as usize] *= freight;
    }
    let total = mix.iter().sum::<f64>();
    mix.map(|share| share / total)
}

/// Draws the vehicles of an interval and keeps them within the capacity of a lane.
fn vehicles(
    dice: &mut Dice,
    mix: [f64; CLASSES - 1],
    flow_veh_s: f64,
    duration_s: f64,
) -> [u32; CLASSES] {
    let mut classes = [0; CLASSES];
    for (count, share) in classes.iter_mut().zip(mix) {
        *count = dice.poisson(flow_veh_s * duration_s * share);
    }
    let capacity = whole(CAPACITY_PCU_E2_S * duration_s, u32::MAX);
    while pcu_e2(&classes) > capacity {
        // The vehicle that waits upstream is of the class that fills most of the lane.
        let fullest = (0..CLASSES).max_by_key(|class| classes[*class] * PCU_E2[*class]);
        let Some(class) = fullest else { break };
        classes[class] -= 1;
    }
    classes
}

/// Turns vehicles and the lane's speed into what a detector reports.
fn measure(dice: &mut Dice, classes: [u32; CLASSES], lane_kmh: f64, duration_ms: u32) -> Passage {
    let duration_s = f64::from(duration_ms) / 1000.0;
    let mut class_speed_e1_kmh = [None; CLASSES];
    let (mut speed_sum, mut covered_s) = (0.0, 0.0);
    for (class, &count) in classes.iter().enumerate().filter(|(_, count)| **count > 0) {
        let mut kmh = lane_kmh * PACE[class] * (1.0 + 0.03 * dice.normal().clamp(-2.0, 2.0));
        if class == Class::Bicycle as usize {
            kmh = kmh.min(BICYCLE_MAX_KMH);
        }
        let e1 = whole_u16(kmh * 10.0, 1400).max(30);
        class_speed_e1_kmh[class] = Some(e1);
        speed_sum += f64::from(count) * f64::from(e1);
        covered_s += f64::from(count) * LENGTH_M[class] / (f64::from(e1) / 36.0);
    }
    let count = classes.iter().sum::<u32>();
    // Vehicles ride abreast, so their times on the loop overlap: the union of n random spans.
    let occupancy = 1.0 - (-covered_s / duration_s).exp();
    let some = count > 0;
    Passage {
        count,
        classes,
        class_speed_e1_kmh,
        speed_e1_kmh: some.then(|| whole_u16(speed_sum / f64::from(count), 1400)),
        occupancy_e4: whole_u16(occupancy * 10_000.0, 10_000),
        headway_ms: some.then(|| whole(f64::from(duration_ms) / f64::from(count), u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::dice::key;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;
    /// Monday, 2 March 2026, 00:00 in Can Tho.
    const MONDAY_MS: i64 = 1_772_384_400_000;

    fn lane(used_by: Use, number: u32) -> Lane {
        Lane {
            key: key(&format!("vds-{number}/1")),
            road: key("ql91"),
            used_by,
            tide: Tide::Inbound,
            free_flow_kmh: 45.0,
        }
    }

    fn day(used_by: Use, from_hour: f64, hours: f64) -> Vec<Passage> {
        let intervals = whole(hours * 120.0, 10_000);
        let start = MONDAY_MS + i64::from(whole(from_hour * 3_600_000.0, u32::MAX));
        let of = |n| passage(3, &lane(used_by, n % 7), ZONE, start + i64::from(n) * 30_000, 30_000);
        (0..intervals).map(of).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_seed_another() {
        let lane = lane(Use::Arterial, 1);
        let at = MONDAY_MS + 8 * HOUR_MS;
        assert_eq!(passage(3, &lane, ZONE, at, 30_000), passage(3, &lane, ZONE, at, 30_000));
        assert_ne!(passage(3, &lane, ZONE, at, 30_000), passage(4, &lane, ZONE, at, 30_000));
    }

    #[test]
    fn figures_of_an_interval_agree_with_each_other() {
        for used_by in [Use::Arterial, Use::Local, Use::Motorcycle, Use::Car] {
            for found in day(used_by, 0.0, 24.0) {
                assert_eq!(found.classes.iter().sum::<u32>(), found.count);
                assert!(found.occupancy_e4 <= 10_000);
                assert_eq!(found.count == 0, found.speed_e1_kmh.is_none());
                assert_eq!(found.count == 0, found.occupancy_e4 == 0, "{found:?}");
                for (count, speed) in found.classes.iter().zip(found.class_speed_e1_kmh) {
                    assert_eq!(*count == 0, speed.is_none());
                }
                assert!(found.count <= 90 && pcu_e2(&found.classes) <= 2_600, "{found:?}");
                if found.count < 5 {
                    continue;
                }
                // Effective length in metres: occupancy * speed * duration / count.
                let speed_ms = f64::from(found.speed_e1_kmh.unwrap()) / 36.0;
                let length_m = f64::from(found.occupancy_e4) / 10_000.0 * speed_ms * 30.0
                    / f64::from(found.count);
                let least = if used_by == Use::Car { 1.0 } else { 0.5 };
                assert!((least..20.0).contains(&length_m), "{length_m} m of {found:?}");
            }
        }
    }

    #[test]
    fn ordinary_traffic_does_not_look_like_a_broken_detector() {
        // What the check of spikes asks for (`jump` in config/quality.toml).
        const JUMP_E4: u16 = 2_500;
        for used_by in [Use::Arterial, Use::Local, Use::Motorcycle, Use::Car] {
            for number in 0..20 {
                let lane = lane(used_by, number);
                let of = |n: i64| {
                    let at = MONDAY_MS + 16 * HOUR_MS + n * 30_000;
                    passage(3, &lane, ZONE, at, 30_000).occupancy_e4
                };
                let peak: Vec<u16> = (0..360).map(of).collect();
                let jumps = |pair: &[u16]| pair[0].abs_diff(pair[1]) > JUMP_E4;
                let is_spike = |three: &[u16]| jumps(&three[..2]) && jumps(&three[1..]);
                let spikes = peak.windows(3).filter(|three| is_spike(three)).count();
                assert_eq!(spikes, 0, "{used_by:?} {number}");
            }
        }
    }

    #[test]
    fn the_morning_peak_brings_thirty_to_sixty_motorcycles_in_thirty_seconds() {
        let peak = day(Use::Arterial, 6.75, 0.75);
        let mean = |list: &[Passage]| {
            let total: u32 = list.iter().map(|found| found.classes[0]).sum();
            f64::from(total) / f64::from(u32::try_from(list.len()).unwrap())
        };
        assert!((30.0..60.0).contains(&mean(&peak)), "{}", mean(&peak));
        let night = day(Use::Arterial, 2.0, 1.0);
        assert!(mean(&night) < 3.0, "{}", mean(&night));
    }

    #[test]
    fn four_of_five_vehicles_are_motorcycles() {
        let list = day(Use::Arterial, 0.0, 24.0);
        let motorcycles: u32 = list.iter().map(|found| found.classes[0]).sum();
        let all: u32 = list.iter().map(|found| found.count).sum();
        let share = f64::from(motorcycles) / f64::from(all);
        assert!((0.80..0.85).contains(&share), "{share}");
    }

    #[test]
    fn weekends_have_no_school_run() {
        let weekday = demand(local(ZONE, MONDAY_MS + 7 * HOUR_MS), Tide::Even);
        let sunday = demand(local(ZONE, MONDAY_MS - 17 * HOUR_MS), Tide::Even);
        assert!(sunday < 0.75 * weekday, "{sunday} {weekday}");
    }
}
