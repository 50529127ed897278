//! Each check of a detector's history: a case that trips, one that nearly does, and how it clears.

use super::*;
use crate::quality::limits::Limits;

const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;
/// 2026-09-22 10:00 in the city.
const MORNING_MS: i64 = 1_790_046_000_000;
const STEP_MS: i64 = 30_000;

/// A detector that is told one sample of 30 s after the other.
struct Told {
    fold: Fold,
    limits: Limits,
    time_ms: i64,
}

fn sample(count: u32, occupancy_e4: u16) -> Sample<'static> {
    Sample {
        duration_ms: 30_000,
        count: Some(count),
        occupancy_e4: Some(occupancy_e4),
        speed_e1_kmh: Some(300),
        samples: None,
        samples_expected: None,
        classes: None,
    }
}

impl Told {
    fn new() -> Self {
        Self { fold: Fold::default(), limits: Limits::HUB, time_ms: MORNING_MS }
    }

    fn at(time_ms: i64) -> Self {
        Self { time_ms, ..Self::new() }
    }

    /// The bits of the next sample.
    fn one(&mut self, sample: &Sample<'_>) -> i32 {
        let at = At { time_ms: self.time_ms, bits: sample.bits(Some(30_000), &self.limits) };
        self.time_ms += STEP_MS;
        self.fold.push(at, sample, (&self.limits, ZONE), |_turn| {})
    }

    /// The bits of the last of so many samples alike.
    fn many(&mut self, n: usize, sample: &Sample<'_>) -> i32 {
        (0..n).fold(0, |_, _| self.one(sample))
    }

    /// Ordinary traffic that differs from sample to sample.
    fn ordinary(&mut self, n: usize) -> i32 {
        (0..n).fold(0, |_, at| {
            let step = u16::try_from(at % 7).unwrap();
            let speed_e1_kmh = Some(300 + step);
            self.one(&Sample { speed_e1_kmh, ..sample(12, 1_000 + step * 100) })
        })
    }

    fn is_open(&self, check: Check) -> bool {
        self.fold.open().any(|(open, _)| open == check)
    }
}

/// Samples of so many minutes.
const fn minutes(n: usize) -> usize {
    n * 2
}

#[test]
fn ordinary_traffic_is_good_for_a_day() {
    let mut told = Told::new();
    for _ in 0..24 {
        assert_eq!(told.ordinary(minutes(60)), 0);
    }
    assert_eq!(told.fold.open().count(), 0);
    let (good, all) = told.fold.good();
    assert!(good == all && all >= 110, "{good} of {all}");
}

#[test]
fn a_full_motorcycle_lane_passes_every_check_for_hours() {
    let mut told = Told::new();
    let mut classes = [Some(0); ioc_ingest::interval::CLASSES];
    for n in 0..minutes(300) {
        let count = 52 + u32::try_from(n % 9).unwrap();
        classes[0] = Some(count);
        let occupancy = 2_300 + u16::try_from(n % 5).unwrap() * 150;
        let speed_e1_kmh = Some(223 + u16::try_from(n % 3).unwrap());
        let full = Sample { classes: Some(&classes), speed_e1_kmh, ..sample(count, occupancy) };
        assert_eq!(told.one(&full), 0, "sample {n}");
    }
}

#[test]
fn q02_three_in_ten_samples_fail_the_detector_for_a_day() {
    let over = sample(91, 2_500);
    let mut told = Told::new();
    assert_eq!(told.one(&over), bits::MAX_VOLUME, "the sample alone");
    assert_eq!(told.ordinary(4), 0);
    assert_eq!(told.one(&over), bits::MAX_VOLUME);
    assert_eq!(told.ordinary(4), 0, "two in ten");
    assert!(!told.is_open(Check::MaxVolume));
    told.one(&over);
    assert!(!told.is_open(Check::MaxVolume), "the first is no longer among the last ten");
    told.ordinary(3);
    told.one(&over);
    assert!(told.is_open(Check::MaxVolume));
    assert_eq!(told.ordinary(minutes(1_440) - 1), bits::MAX_VOLUME, "until a day is over");
    assert_eq!(told.ordinary(1), 0);
    assert!(!told.is_open(Check::MaxVolume));
}

#[test]
fn q03_occupied_without_vehicles_in_two_percent_of_an_hour() {
    let empty = sample(0, 501);
    let mut told = Told::new();
    told.ordinary(minutes(50));
    told.one(&empty);
    assert!(!told.is_open(Check::OccupancyWithoutCount), "1 of 101");
    assert_eq!(told.one(&sample(0, 500)), 0, "5 % are allowed");
    told.one(&empty);
    assert!(!told.is_open(Check::OccupancyWithoutCount), "2 of 103");
    assert_eq!(told.one(&empty) & bits::MISMATCH, bits::MISMATCH, "3 of 104");
    // The hour forgets them after 55 to 60 minutes; an hour later it is good again.
    assert_eq!(told.ordinary(minutes(60)) & bits::MISMATCH, bits::MISMATCH);
    assert_eq!(told.ordinary(minutes(61)), 0);
}

#[test]
fn q04_vehicles_without_occupancy_in_half_of_an_hour() {
    let cars = Limits { motorcycle_assumed_pct: 0, ..Limits::HUB };
    let unseen = sample(3, 0);
    let mut told = Told { limits: cars, ..Told::new() };
    told.ordinary(20);
    told.many(19, &unseen);
    assert!(!told.is_open(Check::CountWithoutOccupancy), "19 of 39");
    assert_eq!(told.one(&unseen), bits::MISMATCH, "20 of 40");
    assert_eq!(told.ordinary(1), bits::MISMATCH);
    assert_eq!(told.ordinary(minutes(121)), 0);
    // Loops see motorcycles badly: that is told and marks nothing.
    let mut told = Told::new();
    assert_eq!(told.many(40, &unseen), 0);
    assert!(told.is_open(Check::MotorcyclesUnseen) && !Check::MotorcyclesUnseen.is_failure());
}

#[test]
fn q05_occupied_for_two_minutes_and_good_for_ten() {
    let stuck = sample(0, 9_900);
    let mut told = Told::new();
    told.ordinary(10);
    told.many(3, &stuck);
    assert!(!told.is_open(Check::StuckOn), "90 s");
    told.one(&sample(0, 9_899));
    told.many(3, &stuck);
    assert!(!told.is_open(Check::StuckOn), "interrupted");
    assert_eq!(told.one(&stuck) & bits::STUCK_ON, bits::STUCK_ON, "120 s");
    assert_eq!(told.ordinary(minutes(10) - 1) & bits::STUCK_ON, bits::STUCK_ON);
    assert_eq!(told.ordinary(1) & bits::STUCK_ON, 0, "ten good minutes");
    // At a stop line queues stand for minutes.
    let mut told = Told { limits: Limits { stuck_s: 600, ..Limits::HUB }, ..Told::new() };
    told.many(19, &stuck);
    assert!(!told.is_open(Check::StuckOn));
    told.one(&stuck);
    assert!(told.is_open(Check::StuckOn));
    // One sample of five minutes is no run, and two are not more than two.
    let mut told = Told::new();
    let long = Sample { duration_ms: 300_000, ..stuck };
    for expected in [false, false, true] {
        told.one(&long);
        told.time_ms += 300_000 - STEP_MS;
        assert_eq!(told.is_open(Check::StuckOn), expected);
    }
}

#[test]
fn q05_a_silence_or_an_unknown_occupancy_ends_a_run() {
    let stuck = sample(0, 10_000);
    let mut told = Told::new();
    told.many(3, &stuck);
    told.time_ms += GAP_MS + 1;
    told.many(3, &stuck);
    assert!(!told.is_open(Check::StuckOn), "nobody knows what was between");
    told.one(&Sample { occupancy_e4: None, ..stuck });
    told.many(3, &stuck);
    assert!(!told.is_open(Check::StuckOn));
}

#[test]
fn q06_half_an_hour_by_day_and_four_hours_at_night() {
    let none = sample(0, 0);
    let mut told = Told::new();
    told.ordinary(2);
    assert_eq!(told.many(minutes(30) - 1, &none), 0);
    assert_eq!(told.one(&none), bits::NO_ACTIVITY);
    assert_eq!(told.one(&sample(1, 100)), 0, "the first vehicle clears it");
    // From 23:00 on it may be quiet for four hours.
    let night_ms = MORNING_MS + 13 * 3_600_000;
    let mut told = Told::at(night_ms);
    told.ordinary(1);
    assert_eq!(told.many(minutes(240) - 1, &none), 0);
    assert_eq!(told.one(&none), bits::NO_ACTIVITY);
    // What was bad in the evening stays bad in the night.
    let mut told = Told::at(night_ms - 40 * 60_000);
    told.many(minutes(60), &none);
    assert!(told.is_open(Check::NoActivity));
    // In the morning only the time since five counts.
    let mut told = Told::at(night_ms + 5 * 3_600_000);
    assert_eq!(told.many(minutes(60), &none), 0, "04:00 to 05:00");
    assert_eq!(told.many(minutes(30) - 1, &none), 0, "05:00 to before 05:30");
    assert_eq!(told.one(&none), bits::NO_ACTIVITY);
}

#[test]
fn q06_needs_a_station_that_reports() {
    let none = sample(0, 0);
    let mut told = Told::new();
    told.many(minutes(20), &none);
    told.time_ms += 20 * 60_000;
    assert_eq!(told.many(minutes(20), &none), 0, "it was away meanwhile");
    let unknown = Sample { count: None, ..none };
    assert_eq!(told.many(minutes(60), &unknown), 0, "missing is not zero");
}

#[test]
fn q07_four_hours_without_a_change() {
    let same = sample(6, 1_234);
    let mut told = Told::new();
    assert_eq!(told.many(minutes(240) - 1, &same), 0);
    assert_eq!(told.one(&same), bits::CONSTANT);
    let other = Sample { speed_e1_kmh: Some(301), ..sample(6, 1_235) };
    assert_eq!(told.one(&other), 0, "a change clears it");
    let mut told = Told::new();
    let nothing = sample(1, 0);
    assert_eq!(
        told.many(minutes(300), &nothing) & bits::CONSTANT,
        0,
        "an empty road does not change"
    );
    // A camera tells no occupancy: its speed is looked at.
    let mut told = Told::new();
    let camera = Sample { occupancy_e4: None, ..sample(6, 0) };
    assert_eq!(told.many(minutes(240) - 1, &camera), 0);
    assert_eq!(told.one(&camera), bits::CONSTANT);
}

#[test]
fn q07_either_of_occupancy_and_speed_is_enough() {
    let varied = |n: usize| 1_000 + u16::try_from(n % 7).unwrap() * 100;
    let (mut speed, mut occupancy) = (Told::new(), Told::new());
    let marks = |is_last: bool| if is_last { bits::CONSTANT } else { 0 };
    for n in 0..minutes(240) {
        let expected = marks(n + 1 == minutes(240));
        assert_eq!(speed.one(&sample(12, varied(n))), expected, "the speed, sample {n}");
        let speed_e1_kmh = Some(300 + varied(n) / 100);
        let same = Sample { speed_e1_kmh, ..sample(12, 1_234) };
        assert_eq!(occupancy.one(&same), expected, "the occupancy, sample {n}");
    }
    assert_eq!(speed.one(&sample(0, 0)), 0, "an empty road clears it");
}

#[test]
fn an_hour_of_few_samples_is_judged_by_all_of_them() {
    let quarter = Sample { duration_ms: 900_000, ..sample(0, 501) };
    let mut told = Told::new();
    for n in 1..=4 {
        told.one(&quarter);
        told.time_ms += 900_000 - STEP_MS;
        assert_eq!(
            told.is_open(Check::OccupancyWithoutCount),
            n == 4,
            "{n} of an hour's 4 samples"
        );
    }
}

#[test]
fn q08_two_jumps_within_a_minute() {
    let (low, high) = (sample(6, 1_000), sample(6, 3_501));
    let mut told = Told::new();
    told.one(&low);
    assert_eq!(told.one(&high), 0, "one jump");
    assert_eq!(told.one(&sample(6, 1_001)), 0, "0.25 is no jump");
    told.many(2, &sample(6, 1_001));
    assert_eq!(told.one(&sample(6, 3_502)), 0, "two minutes after the first");
    assert_eq!(told.one(&low), bits::SPIKE);
    assert_eq!(told.ordinary(minutes(60) - 1), bits::SPIKE);
    assert_eq!(told.ordinary(1), 0, "an hour later");
}

#[test]
fn q10_implausible_lengths_in_a_fifth_of_an_hour() {
    let cars = Limits { motorcycle_assumed_pct: 0, ..Limits::HUB };
    let short = Sample { speed_e1_kmh: Some(10), ..sample(12, 1_000) };
    let mut told = Told { limits: cars, ..Told::new() };
    told.ordinary(19);
    told.many(4, &short);
    assert!(!told.is_open(Check::Length), "4 of 23");
    assert_eq!(told.one(&short), bits::LENGTH, "the sample, and 5 of 24");
    assert!(told.is_open(Check::Length));
    assert_eq!(told.ordinary(1), bits::LENGTH);
    assert_eq!(told.ordinary(minutes(125)), 0);
}

#[test]
fn high_occupancy_is_a_rule_of_pems_only() {
    let full = sample(12, 7_001);
    let mut told = Told::new();
    told.many(60, &full);
    assert!(!told.is_open(Check::HighOccupancy));
    let pems = Limits { high_occupancy_e4: 7_000, high_share_e1_pct: 200, ..Limits::HUB };
    let mut told = Told { limits: pems, ..Told::new() };
    told.ordinary(40);
    told.many(9, &full);
    assert!(!told.is_open(Check::HighOccupancy), "9 of 49");
    told.many(1, &full);
    assert!(told.is_open(Check::HighOccupancy), "10 of 50");
}

#[test]
fn a_limit_of_nothing_switches_its_check_off() {
    let off = Limits {
        volume_trips: 0,
        empty_share_e1_pct: 0,
        unseen_share_e1_pct: 0,
        stuck_s: 0,
        idle_day_s: 0,
        idle_night_s: 0,
        constant_s: 0,
        jump_e4: 0,
        length_share_e1_pct: 0,
        ..Limits::HUB
    };
    let mut told = Told { limits: off, ..Told::new() };
    for n in 0..minutes(600) {
        told.one(&sample(0, if n % 40 < 20 { 10_000 } else { 0 }));
    }
    assert_eq!(told.fold.open().count(), 0);
}

#[test]
fn a_camera_that_looks_elsewhere_tells_nothing_of_its_zone() {
    let mut told = Told::new();
    let at = |time_ms| At { time_ms, bits: bits::OFF_PRESET };
    for n in 0..20 {
        let time_ms = MORNING_MS + n * STEP_MS;
        let marks =
            told.fold.push(at(time_ms), &sample(0, 10_000), (&Limits::HUB, ZONE), |_turn| {});
        assert_eq!(marks, bits::OFF_PRESET);
    }
}

#[test]
fn turns_tell_when_a_check_opened_and_closed() {
    let mut fold = Fold::default();
    let mut turns = Vec::new();
    let mut time_ms = MORNING_MS;
    let mut push = |sample: &Sample<'_>, n: usize| {
        for _ in 0..n {
            let at = At { time_ms, bits: 0 };
            fold.push(at, sample, (&Limits::HUB, ZONE), |turn| turns.push(turn));
            time_ms += STEP_MS;
        }
    };
    push(&sample(9, 10_000), 5);
    push(&sample(9, 9_000), 25);
    let found: Vec<_> = turns
        .iter()
        .filter(|turn| turn.check == Check::StuckOn)
        .map(|turn| ((turn.at_ms - MORNING_MS) / STEP_MS, turn.opened))
        .collect();
    assert_eq!(found, [(3, Some((120.0, 120.0))), (24, None)]);
}
