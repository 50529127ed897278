//! What one message alone tells of a reading: Q01, Q02, Q09 to Q13, and the home preset of Q18.
//!
//! Runs for every row that is encoded, so it is integer arithmetic on a few values. The same function
//! judges a stored row again: what only the envelope told is carried over ([`bits::TOLD`]).

use ioc_ingest::{
    Envelope,
    interval::{CLASSES, Class, Interval, Reading},
};

use super::{bits, limits::Limits};

/// Vehicles per class, in the order of the contract.
pub type Classes = [Option<u32>; CLASSES];

/// The values of one row that checks look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Length of the period, milliseconds.
    pub duration_ms: u32,
    /// Vehicles.
    pub count: Option<u32>,
    /// Share of the period occupied, 1e-4.
    pub occupancy_e4: Option<u16>,
    /// Mean speed, 0.1 km/h.
    pub speed_e1_kmh: Option<u16>,
    /// Sub-samples got.
    pub samples: Option<u16>,
    /// Sub-samples of a complete period.
    pub samples_expected: Option<u16>,
    /// Vehicles per class.
    pub classes: Option<&'a Classes>,
}

impl<'a> Sample<'a> {
    /// The values of a reading.
    pub const fn of(duration_ms: u32, reading: &'a Reading) -> Self {
        Self {
            duration_ms,
            count: reading.count,
            occupancy_e4: reading.occupancy_e4,
            speed_e1_kmh: reading.speed_e1_kmh,
            samples: reading.samples,
            samples_expected: reading.samples_expected,
            classes: reading.classes.as_ref(),
        }
    }

    /// Motorcycles among the counted vehicles; null where classes were not measured.
    pub fn motorcycles(&self) -> Option<u32> {
        self.classes.and_then(|classes| classes[Class::Motorcycle as usize])
    }

    /// Whether most vehicles are motorcycles.
    fn is_motorcycles(&self, limits: &Limits) -> bool {
        let share_pct = match (self.motorcycles(), self.count) {
            (Some(motorcycles), Some(count @ 1..)) => {
                u64::from(motorcycles) * 100 / u64::from(count)
            }
            _ => u64::from(limits.motorcycle_assumed_pct),
        };
        share_pct > u64::from(limits.motorcycle_pct)
    }

    /// Effective length of vehicle and zone, millimetres: `occupancy * speed * duration / count`; null
    /// where it cannot be told.
    ///
    /// Worked: 18.3 % of 30 s occupied by 41 vehicles at 28.4 km/h are 0.183 * 7.889 m/s * 30 s / 41 =
    /// 1.056 m.
    fn length_mm(&self, limits: &Limits) -> Option<u64> {
        let (count, occupancy, speed) = (self.count?, self.occupancy_e4?, self.speed_e1_kmh?);
        if count < limits.vehicles_min.max(1) || occupancy == 0 || speed == 0 {
            return None;
        }
        let product = u64::from(occupancy) * u64::from(speed) * u64::from(self.duration_ms);
        Some(product / (360_000 * u64::from(count)))
    }

    /// Whether the effective length is plausible; null where it cannot be told.
    pub fn has_plausible_length(&self, limits: &Limits) -> Option<bool> {
        let length_mm = self.length_mm(limits)?;
        let shortest = if self.is_motorcycles(limits) {
            limits.length_motorcycle_min_mm
        } else {
            limits.length_min_mm
        };
        Some((u64::from(shortest)..=u64::from(limits.length_max_mm)).contains(&length_mm))
    }

    /// Whether more vehicles were counted than a lane can carry. Periods shorter than 30 s are judged as
    /// if they were as long: a platoon is no flow.
    pub fn is_beyond_capacity(&self, limits: &Limits) -> bool {
        let Some(count) = self.count else { return false };
        let length_ms = u64::from(self.duration_ms.max(30_000));
        let is_beyond =
            |value: u64, limit: u32| limit > 0 && value * 30_000 > u64::from(limit) * length_ms;
        if is_beyond(u64::from(count), limits.count_max_30s) {
            return true;
        }
        let Some(classes) = self.classes.filter(|_| limits.pcu_max_30s_e2 > 0) else {
            return false;
        };
        let units_e2: u64 = classes
            .iter()
            .zip(limits.pcu_e2)
            .filter_map(|(count, units)| count.map(|count| u64::from(count) * u64::from(units)))
            .sum();
        is_beyond(units_e2, limits.pcu_max_30s_e2)
    }

    fn has_implausible_speed(&self, limits: &Limits) -> bool {
        let is_fast = |speed: u16| {
            speed > limits.fast_e1_kmh
                && self.occupancy_e4.is_some_and(|occupancy| occupancy > limits.fast_occupancy_e4)
        };
        let is_moving = self.count.is_some_and(|count| count >= limits.vehicles_min);
        match self.speed_e1_kmh {
            None => limits.measures_speed && is_moving,
            Some(0) => is_moving,
            Some(speed) => limits.fast_e1_kmh > 0 && is_fast(speed),
        }
    }

    /// Whether the classes that were measured do not add up to the count. Pedestrians are no vehicles.
    fn has_wrong_sum(&self) -> bool {
        let (Some(count), Some(classes)) = (self.count, self.classes) else { return false };
        let vehicles = &classes[..Class::Pedestrian as usize];
        let mut measured = vehicles.iter().flatten();
        let Some(first) = measured.next() else { return false };
        let sum: u64 = u64::from(*first) + measured.map(|n| u64::from(*n)).sum::<u64>();
        sum != u64::from(count)
    }

    fn is_incomplete(&self, limits: &Limits) -> bool {
        let (Some(got), Some(expected)) = (self.samples, self.samples_expected) else {
            return false;
        };
        u32::from(got) * 100 < u32::from(expected) * limits.complete_pct
    }

    /// The bits that the values of a row tell. `period_ms` is the registered length of a period.
    pub fn bits(&self, period_ms: Option<u32>, limits: &Limits) -> i32 {
        let is_other_period = period_ms.is_some_and(|period| period != self.duration_ms);
        let is_too_fast = self.speed_e1_kmh.is_some_and(|speed| speed > limits.speed_max_e1_kmh);
        let mut found = 0;
        let mut mark = |is_bad: bool, bit: i32| found |= if is_bad { bit } else { 0 };
        mark(is_other_period || is_too_fast, bits::OUT_OF_RANGE);
        mark(self.is_beyond_capacity(limits), bits::MAX_VOLUME);
        mark(self.has_implausible_speed(limits), bits::SPEED);
        mark(self.has_plausible_length(limits) == Some(false), bits::LENGTH);
        mark(self.has_wrong_sum(), bits::CLASS_SUM);
        mark(self.is_incomplete(limits), bits::INCOMPLETE);
        found
    }
}

/// The marks of one reading as it comes.
pub fn marks(
    envelope: &Envelope,
    interval: &Interval,
    reading: &Reading,
    (period_ms, limits): (Option<u32>, &Limits),
) -> i32 {
    let mut found = Sample::of(interval.duration_ms, reading).bits(period_ms, limits);
    if envelope.late {
        found |= bits::LATE;
    }
    let offset_ms = envelope.clock.and_then(|clock| clock.offset_ms);
    let is_off = |limit_ms: u32| {
        limit_ms > 0 && offset_ms.is_some_and(|offset| offset.unsigned_abs() > limit_ms)
    };
    if is_off(limits.clock_suspect_ms) {
        found |= bits::CLOCK_SUSPECT;
    }
    if is_off(limits.clock_invalid_ms) {
        found |= bits::CLOCK_INVALID;
    }
    if interval.home == Some(false) {
        found |= bits::OFF_PRESET;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use ioc_ingest::{Clock, ClockSource, interval::Place};

    fn envelope(offset_ms: Option<i32>, late: bool) -> Envelope {
        let clock = Some(Clock { source: ClockSource::Ntp, offset_ms });
        Envelope { time: DateTime::UNIX_EPOCH, boot: 1, seq: 1, clock, late }
    }

    fn interval(home: Option<bool>) -> Interval {
        Interval { duration_ms: 30_000, preset: None, home, readings: Vec::new() }
    }

    fn reading(samples: Option<u16>) -> Reading {
        Reading {
            count: Some(3),
            samples,
            samples_expected: Some(30),
            ..Reading::nothing(Place::Lane(1))
        }
    }

    fn sample(count: u32, occupancy_e4: u16, speed_e1_kmh: Option<u16>) -> Sample<'static> {
        Sample {
            duration_ms: 30_000,
            count: Some(count),
            occupancy_e4: Some(occupancy_e4),
            speed_e1_kmh,
            samples: None,
            samples_expected: None,
            classes: None,
        }
    }

    fn judge(sample: &Sample<'_>) -> i32 {
        sample.bits(Some(30_000), &Limits::HUB)
    }

    #[test]
    fn what_the_envelope_tells_trips_just_beyond_its_limit() {
        let judged_by = (Some(30_000), &Limits::HUB);
        let bits = |offset, late, home, samples| {
            marks(&envelope(offset, late), &interval(home), &reading(samples), judged_by)
        };
        assert_eq!(bits(Some(2_000), false, None, Some(18)), 0);
        assert_eq!(bits(Some(-2_001), false, None, Some(18)), bits::CLOCK_SUSPECT);
        assert_eq!(bits(Some(5_000), false, None, Some(18)), bits::CLOCK_SUSPECT);
        let invalid = bits::CLOCK_SUSPECT | bits::CLOCK_INVALID;
        assert_eq!(bits(Some(5_001), false, None, Some(18)), invalid);
        assert_eq!(bits(None, true, Some(true), None), bits::LATE);
        assert_eq!(bits(None, false, Some(false), Some(30)), bits::OFF_PRESET);
        assert_eq!(bits(None, false, None, Some(17)), bits::INCOMPLETE);
    }

    #[test]
    fn a_real_full_motorcycle_lane_passes_everything() {
        // Hanoi, 13,358 to 24,335 motorcycles an hour on 2 to 4 lanes: up to 60 per lane and 30 s.
        for motorcycles in [51, 55, 60] {
            let mut classes = [Some(0); CLASSES];
            classes[Class::Motorcycle as usize] = Some(motorcycles);
            let full = Sample { classes: Some(&classes), ..sample(motorcycles, 2_600, Some(223)) };
            assert_eq!(judge(&full), 0, "{motorcycles}: {:?} mm", full.length_mm(&Limits::HUB));
        }
    }

    #[test]
    fn q01_a_speed_or_a_period_that_cannot_be() {
        assert_eq!(judge(&sample(1, 100, Some(1_600))), 0);
        assert_eq!(judge(&sample(1, 100, Some(1_601))), bits::OUT_OF_RANGE);
        let minute = Sample { duration_ms: 60_000, ..sample(1, 100, Some(400)) };
        assert_eq!(judge(&minute), bits::OUT_OF_RANGE);
        assert_eq!(minute.bits(None, &Limits::HUB), 0, "no period is registered");
    }

    #[test]
    fn q02_more_vehicles_or_units_than_a_lane_can_carry() {
        let beyond = |sample: &Sample<'_>| judge(sample) & bits::MAX_VOLUME != 0;
        assert!(!beyond(&sample(90, 5_000, Some(200))) && beyond(&sample(91, 5_000, Some(200))));
        let mut classes = [Some(0); CLASSES];
        classes[Class::Car as usize] = Some(27);
        let cars = |count| Sample { classes: Some(&classes), ..sample(count, 5_000, Some(200)) };
        assert!(!beyond(&cars(27)));
        classes[Class::Motorcycle as usize] = Some(1);
        let cars = Sample { classes: Some(&classes), ..sample(28, 5_000, Some(200)) };
        assert!(beyond(&cars), "27.25 units");
        let minute = |count| Sample { duration_ms: 60_000, ..sample(count, 5_000, Some(200)) };
        assert!(!beyond(&minute(180)) && beyond(&minute(181)));
        // Four vehicles in a second are a platoon.
        let second = |count| Sample { duration_ms: 1_000, ..sample(count, 5_000, Some(200)) };
        assert!(!beyond(&second(90)) && beyond(&second(91)));
    }

    #[test]
    fn q09_speed_against_flow() {
        let speed = |sample: &Sample<'_>| judge(sample) & bits::SPEED != 0;
        assert!(!speed(&sample(4, 500, None)) && speed(&sample(5, 500, None)));
        assert!(!speed(&sample(4, 500, Some(0))) && speed(&sample(5, 500, Some(0))));
        assert!(!speed(&sample(5, 3_500, Some(901))) && !speed(&sample(5, 3_501, Some(900))));
        assert!(speed(&sample(5, 3_501, Some(901))));
        let without = Limits { measures_speed: false, ..Limits::HUB };
        assert_eq!(sample(9, 500, None).bits(None, &without), 0, "it measures no speed");
    }

    #[test]
    fn q10_the_effective_length() {
        let length = |sample: &Sample<'_>| judge(sample) & bits::LENGTH != 0;
        assert_eq!(sample(41, 1_830, Some(284)).length_mm(&Limits::HUB), Some(1_056));
        // 5 vehicles at 36 km/h in 30 s: 1 % occupied are 0.6 m, 33.3 % are 20 m.
        assert!(!length(&sample(5, 84, Some(360))), "motorcycles ride abreast");
        assert!(length(&sample(5, 83, Some(360))));
        assert!(!length(&sample(5, 3_333, Some(360))) && length(&sample(5, 3_334, Some(360))));
        assert!(!length(&sample(4, 9_000, Some(360))), "too few vehicles to tell");
        let mut classes = [Some(0); CLASSES];
        classes[Class::Car as usize] = Some(5);
        let cars =
            |occupancy| Sample { classes: Some(&classes), ..sample(5, occupancy, Some(360)) };
        assert!(length(&cars(166)) && !length(&cars(167)), "cars are at least a metre");
    }

    #[test]
    fn q11_classes_that_do_not_add_up() {
        let mut classes = [None; CLASSES];
        let wrong = |classes: &Classes| {
            judge(&Sample { classes: Some(classes), ..sample(4, 300, Some(300)) }) & bits::CLASS_SUM
                != 0
        };
        assert!(!wrong(&classes), "no class was measured");
        classes[Class::Motorcycle as usize] = Some(3);
        assert!(wrong(&classes));
        classes[Class::Car as usize] = Some(1);
        classes[Class::Pedestrian as usize] = Some(7);
        assert!(!wrong(&classes), "pedestrians are no vehicles");
    }

    #[test]
    fn q12_complete_from_sixty_percent_on() {
        let of = |samples| {
            let row =
                Sample { samples: Some(samples), samples_expected: Some(30), ..sample(0, 0, None) };
            judge(&row)
        };
        assert_eq!((of(18), of(17)), (0, bits::INCOMPLETE));
    }

    #[test]
    fn missing_values_trip_nothing() {
        let nothing = Reading::nothing(Place::Lane(1));
        assert_eq!(judge(&Sample::of(30_000, &nothing)), 0);
    }
}
