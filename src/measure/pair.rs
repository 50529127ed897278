//! What two stations that follow one another on a motorway tell together, in one direction of travel.
//!
//! Incident (California algorithm, Payne and Tignor 1978), occupancies O of the same period: the difference
//! OCCDF = O up - O down; its share OCCRDF = OCCDF / O up; the drop downstream within two periods
//! DOCCTD = (O down two periods ago - O down) / O down two periods ago. All three above their limits are an
//! incident; the third tells its begin only, so that the first two tell how long it lasts.
//!
//! Bottleneck (Chen, Skabardonis, Varaiya 2004): the station upstream is slow, and the one downstream is
//! much faster; of the latest bins of 5 minutes those are counted in which this was so.
//!
//! Slow-down (IRIS, variable speed advisory): acceleration on the way = (v down² - v up²) / (2 x distance).
//!
//! Worked: from 20 % to 8 %, OCCDF 0.12, OCCRDF 0.60; downstream 10 % two periods ago, DOCCTD 0.20. From
//! 100 to 60 km/h over 1,000 m: (3,600 - 10,000) / 2 = -3,200 km/h². What is not known makes its number null.

use serde::Deserialize;

/// Length of a bin, milliseconds.
const BIN_MS: i64 = 300_000;
/// Bins that are kept; beyond it the oldest are forgotten.
const BINS: usize = 8;
/// Periods that are kept: the newest and two before.
const PERIODS: usize = 3;

/// Which pairs are looked at, and what a bottleneck is.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest distance of two stations along the road, 100 to 20,000 metres.
    pub distance_max_m: f64,
    /// Bins of 5 minutes that are looked back for bottlenecks, 1 to 8.
    pub bins: usize,
    /// Fewest of them in which both speeds are known.
    pub bins_known: usize,
    /// Smallest difference of speeds at a bottleneck, above 0 km/h.
    pub drop_kmh: f64,
    /// The slower station of a bottleneck is below this, above 0 km/h.
    pub slow_kmh: f64,
}

impl Limits {
    /// What is not allowed; null when all is well.
    pub fn mistake(&self) -> Option<&'static str> {
        let is_near = (100.0..=20_000.0).contains(&self.distance_max_m);
        [
            (is_near, "distance_max_m is 100 to 20000"),
            ((1..=BINS).contains(&self.bins), "bins is 1 to 8"),
            ((1..=self.bins).contains(&self.bins_known), "bins_known is 1 to bins"),
            (self.drop_kmh > 0.0, "drop_kmh is above 0"),
            (self.slow_kmh > 0.0, "slow_kmh is above 0"),
        ]
        .into_iter()
        .find_map(|(is_allowed, why)| (!is_allowed).then_some(why))
    }
}

/// What the lanes of one direction told in one collection period.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Period {
    /// Begin, milliseconds since 1970.
    pub begin_ms: i64,
    /// Length, milliseconds.
    pub length_ms: i64,
    /// Mean occupancy, 0 to 1; null when none was told.
    pub occupancy: Option<f64>,
    /// Vehicles whose speed is known.
    pub vehicles: f64,
    /// Sum of their speeds, km/h.
    pub speeds_kmh: f64,
}

impl Period {
    /// Mean speed, km/h; null without a vehicle.
    pub fn speed_kmh(&self) -> Option<f64> {
        mean_kmh(self.vehicles, self.speeds_kmh)
    }
}

fn mean_kmh(vehicles: f64, speeds_kmh: f64) -> Option<f64> {
    (vehicles > 0.5).then(|| speeds_kmh / vehicles)
}

/// Vehicles and the sum of their speeds in a bin.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Bin {
    /// Since 1970.
    number: i64,
    vehicles: f64,
    speeds_kmh: f64,
}

impl Bin {
    fn speed_kmh(&self) -> Option<f64> {
        mean_kmh(self.vehicles, self.speeds_kmh)
    }
}

/// The latest of one station in one direction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// The newest first.
    periods: [Option<Period>; PERIODS],
    /// The newest, which is still running, first.
    bins: [Option<Bin>; BINS + 1],
}

impl Course {
    /// Takes over a period, newer than those before.
    pub fn take(&mut self, period: Period) {
        self.periods.rotate_right(1);
        self.periods[0] = Some(period);
        let number = period.begin_ms.div_euclid(BIN_MS);
        if self.bins[0].is_none_or(|bin| bin.number != number) {
            self.bins.rotate_right(1);
            self.bins[0] = Some(Bin { number, ..Bin::default() });
        }
        if let Some(bin) = &mut self.bins[0] {
            bin.vehicles += period.vehicles;
            bin.speeds_kmh += period.speeds_kmh;
        }
    }

    fn newest(&self) -> Option<&Period> {
        self.periods[0].as_ref()
    }

    /// Occupancy two periods before the newest; null where a period is missing.
    fn occupancy_before(&self) -> Option<f64> {
        let (newest, before) = (self.newest()?, self.periods[2].as_ref()?);
        let off_ms = newest.begin_ms - before.begin_ms - 2 * newest.length_ms;
        before.occupancy.filter(|_| off_ms.abs() < newest.length_ms)
    }

    /// Mean speed in a bin that is over.
    fn speed_in(&self, number: i64) -> Option<f64> {
        self.bins[1..].iter().flatten().find(|bin| bin.number == number)?.speed_kmh()
    }

    /// The newest bin that is over.
    fn last_bin(&self) -> Option<i64> {
        self.bins[0].map(|bin| bin.number - 1)
    }
}

/// What a station and the next one downstream tell together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pair {
    /// OCCDF, -1 to 1.
    pub occupancy_difference: Option<f64>,
    /// OCCRDF; null while the station upstream is empty.
    pub occupancy_difference_share: Option<f64>,
    /// DOCCTD, kept within -1 to 1; null while the station downstream was empty.
    pub occupancy_drop: Option<f64>,
    /// Acceleration from one to the other, km/h².
    pub acceleration_kmh2: Option<f64>,
    /// Mean speed at the station downstream, km/h.
    pub speed_downstream_kmh: Option<f64>,
    /// Of the latest bins those with a bottleneck.
    pub bottleneck_bins: Option<f64>,
}

impl Pair {
    /// Takes over what two stations so far apart along the road told last. Of different periods nothing is
    /// taken over but bins: the next period of the other one is to come.
    pub fn follow(&mut self, (up, down): (&Course, &Course), distance_m: f64, limits: &Limits) {
        self.bottleneck_bins = bottleneck_bins(up, down, limits);
        let (Some(newest_up), Some(newest_down)) = (up.newest(), down.newest()) else { return };
        let off_ms = (newest_up.begin_ms - newest_down.begin_ms).abs();
        if off_ms >= newest_up.length_ms.max(newest_down.length_ms) {
            return;
        }
        let occupancies = newest_up.occupancy.zip(newest_down.occupancy);
        let speeds = newest_up.speed_kmh().zip(newest_down.speed_kmh());
        self.occupancy_difference = occupancies.map(|(up, down)| up - down);
        self.occupancy_difference_share =
            occupancies.and_then(|(up, down)| (up > 0.0).then(|| (up - down) / up));
        self.occupancy_drop = newest_down
            .occupancy
            .zip(down.occupancy_before())
            .and_then(|(now, before)| (before > 0.0).then(|| (before - now) / before))
            .map(|drop| drop.clamp(-1.0, 1.0));
        self.acceleration_kmh2 = speeds.map(|(up, down)| acceleration_kmh2(up, down, distance_m));
        self.speed_downstream_kmh = newest_down.speed_kmh();
    }
}

/// Acceleration between two places, km/h².
fn acceleration_kmh2(up_kmh: f64, down_kmh: f64, distance_m: f64) -> f64 {
    (down_kmh.powi(2) - up_kmh.powi(2)) / (2.0 * distance_m.max(1.0) / 1_000.0)
}

/// Of the latest bins that are over at both stations those with a bottleneck; null while too few are known.
fn bottleneck_bins(up: &Course, down: &Course, limits: &Limits) -> Option<f64> {
    let last = up.last_bin()?.min(down.last_bin()?);
    let (mut known, mut found) = (0_usize, 0_u8);
    for number in (0..).take(limits.bins).map(|back| last - back) {
        let Some((up, down)) = up.speed_in(number).zip(down.speed_in(number)) else { continue };
        known += 1;
        found += u8::from(down - up >= limits.drop_kmh && up < limits.slow_kmh);
    }
    (known >= limits.bins_known).then(|| f64::from(found))
}

/// Those of the rules that the hub comes with.
#[cfg(test)]
pub(crate) const USUAL: Limits =
    Limits { distance_max_m: 4_800.0, bins: 7, bins_known: 5, drop_kmh: 32.0, slow_kmh: 64.0 };

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_MS: i64 = 30_000;

    /// Periods of 30 s with these occupancies and speeds of ten vehicles.
    fn course(told: &[(f64, f64)]) -> Course {
        let mut course = Course::default();
        for (place, (occupancy, speed_kmh)) in (0..).zip(told) {
            course.take(Period {
                begin_ms: place * PERIOD_MS,
                length_ms: PERIOD_MS,
                occupancy: Some(*occupancy),
                vehicles: 10.0,
                speeds_kmh: speed_kmh * 10.0,
            });
        }
        course
    }

    /// Bins of 5 minutes with these speeds; null without a vehicle.
    fn bins(speeds_kmh: &[Option<f64>]) -> Course {
        let mut course = Course::default();
        for (place, speed) in (0..).zip(speeds_kmh.iter().chain(&[None])) {
            course.take(Period {
                begin_ms: place * BIN_MS,
                length_ms: BIN_MS,
                occupancy: None,
                vehicles: speed.map_or(0.0, |_| 20.0),
                speeds_kmh: speed.map_or(0.0, |speed| speed * 20.0),
            });
        }
        course
    }

    fn pair(up: &Course, down: &Course) -> Pair {
        let mut pair = Pair::default();
        pair.follow((up, down), 1_000.0, &USUAL);
        pair
    }

    fn is_near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-9)
    }

    #[test]
    fn the_worked_numbers() {
        let up = course(&[(0.10, 100.0), (0.15, 100.0), (0.20, 100.0)]);
        let down = course(&[(0.10, 60.0), (0.09, 60.0), (0.08, 60.0)]);
        let told = pair(&up, &down);
        assert!(is_near(told.occupancy_difference, 0.12), "{told:?}");
        assert!(is_near(told.occupancy_difference_share, 0.6), "{told:?}");
        assert!(is_near(told.occupancy_drop, 0.2), "{told:?}");
        assert!(is_near(told.acceleration_kmh2, -3_200.0), "{told:?}");
        assert!(is_near(told.speed_downstream_kmh, 60.0), "{told:?}");
        assert_eq!(told.bottleneck_bins, None, "no bin is over");
    }

    #[test]
    fn a_drop_is_compared_with_two_periods_ago_and_kept_within_one() {
        let up = course(&[(0.2, 50.0); 3]);
        let drop =
            |told: [f64; 3]| pair(&up, &course(&told.map(|told| (told, 50.0)))).occupancy_drop;
        assert!(is_near(drop([0.10, 0.30, 0.09]), 0.1));
        assert!(is_near(drop([0.10, 0.02, 0.10]), 0.0));
        assert!(is_near(drop([0.01, 0.10, 0.50]), -1.0), "it filled up");
        assert_eq!(drop([0.0, 0.10, 0.10]), None, "it was empty");
        let mut gap = course(&[(0.2, 50.0); 2]);
        gap.take(Period {
            begin_ms: 9 * PERIOD_MS,
            length_ms: PERIOD_MS,
            occupancy: Some(0.1),
            ..Period::default()
        });
        assert_eq!(pair(&gap, &gap).occupancy_drop, None, "a period is missing");
    }

    #[test]
    fn stations_of_different_periods_and_unknown_values_tell_nothing() {
        let (up, down) = (course(&[(0.2, 80.0); 3]), course(&[(0.1, 40.0); 2]));
        let told = pair(&up, &down);
        assert_eq!(told, Pair::default(), "the next period of the one downstream is to come");
        assert_eq!(pair(&Course::default(), &down), Pair::default());
        let mut silent = Course::default();
        silent.take(Period { length_ms: PERIOD_MS, ..Period::default() });
        let told = pair(&course(&[(0.0, 80.0)]), &silent);
        assert_eq!(told, Pair::default(), "neither occupancy nor a vehicle");
        let told = pair(&course(&[(0.0, 80.0)]), &course(&[(0.0, 80.0)]));
        assert_eq!((told.occupancy_difference, told.occupancy_difference_share), (Some(0.0), None));
    }

    #[test]
    fn a_bottleneck_is_slow_upstream_and_much_faster_downstream() {
        let count = |up: f64, down: f64| {
            pair(&bins(&[Some(up); 7]), &bins(&[Some(down); 7])).bottleneck_bins
        };
        assert_eq!(count(40.0, 72.0), Some(7.0));
        assert_eq!(count(40.0, 71.9), Some(0.0), "the difference is too small");
        assert_eq!(count(63.9, 100.0), Some(7.0));
        assert_eq!(count(64.0, 100.0), Some(0.0), "not slow");
        assert_eq!(count(72.0, 40.0), Some(0.0), "the tail of a queue is no bottleneck");
    }

    #[test]
    fn of_the_latest_seven_bins_those_with_a_bottleneck_are_counted() {
        let fast = bins(&[Some(90.0); 9]);
        let (jam, free) = (Some(40.0), Some(85.0));
        let count = |speeds: [Option<f64>; 9]| pair(&bins(&speeds), &fast).bottleneck_bins;
        let five = [jam, jam, jam, jam, free, jam, free, jam, jam];
        assert_eq!(count(five), Some(5.0));
        assert_eq!(count([jam, jam, free, jam, free, jam, free, jam, jam]), Some(4.0));
        assert_eq!(count([free, free, jam, jam, jam, jam, jam, None, None]), Some(5.0));
        assert_eq!(count([jam, jam, jam, jam, jam, jam, None, None, None]), None, "four are known");
        // The running bin does not count, and neither does one that the other station still measures.
        assert_eq!(pair(&bins(&[jam; 9]), &bins(&[Some(90.0); 8])).bottleneck_bins, Some(7.0));
        assert_eq!(pair(&bins(&[jam; 9]), &bins(&[Some(90.0); 4])).bottleneck_bins, None);
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        assert_eq!(USUAL.mistake(), None);
        for limits in [
            Limits { distance_max_m: f64::INFINITY, ..USUAL },
            Limits { bins: 9, ..USUAL },
            Limits { bins_known: 8, ..USUAL },
            Limits { bins_known: 0, ..USUAL },
            Limits { drop_kmh: 0.0, ..USUAL },
            Limits { slow_kmh: f64::NAN, ..USUAL },
        ] {
            assert!(limits.mistake().is_some(), "{limits:?}");
        }
    }
}
