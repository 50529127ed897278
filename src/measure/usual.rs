//! How far the occupancy of a station lies above what is usual at the time of the week.
//!
//! Usual is the mean and the standard deviation over the same 5 minutes of the weeks before, with two bins
//! of 5 minutes on either side: of four weeks up to 20 values. Compared is the mean of the 5 minutes that end
//! with the newest collection period, whatever the length of the periods is, by the bin in which that period
//! begins: the time of the measurement counts, not that of its receipt. Texas Transportation Institute 1973
//! ("standard normal deviate" model): an incident is suspected above 3 deviations for two such means.
//!
//! Worked: usual 0.10 with a deviation of 0.03, now 0.25: (0.25 - 0.10) / 0.03 = 5.

use std::collections::VecDeque;

use serde::Deserialize;

/// Length of a bin, seconds.
pub const BIN_S: i64 = 300;
/// Bins of an hour.
pub const BINS: usize = 12;
/// Bins on either side of one that count as the same time.
pub const NEIGHBOURS: usize = 2;
/// Bins of one week that the values of an hour rest on.
pub const WEEK_BINS: usize = BINS + 2 * NEIGHBOURS;
/// Weeks that are looked back.
pub const WEEKS: usize = 4;

const BIN_MS: i64 = BIN_S * 1_000;
/// Of the latest 5 minutes at least so much is measured, milliseconds; with less nothing is told.
const MEASURED_MIN_MS: i64 = 180_000;
/// Collection periods that are kept of a station; beyond it the oldest are forgotten. Of the shortest, one
/// second, 5 minutes have so many.
const PERIODS_MAX: usize = 300;

/// When there is something to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Smallest standard deviation of occupancy, above 0, up to 1: so that an empty night is not alarmed
    /// by its first vehicles.
    pub deviation_min: f64,
    /// Fewest values that a mean rests on, 2 to 20.
    pub samples: usize,
}

impl Limits {
    /// What is not allowed; null when all is well.
    pub fn mistake(&self) -> Option<&'static str> {
        let is_share = self.deviation_min > 0.0 && self.deviation_min <= 1.0;
        [
            (is_share, "deviation_min is above 0, up to 1"),
            ((2..=SAMPLES_MAX).contains(&self.samples), "samples is 2 to 20"),
        ]
        .into_iter()
        .find_map(|(is_allowed, why)| (!is_allowed).then_some(why))
    }
}

/// Values that a mean can rest on.
const SAMPLES_MAX: usize = WEEKS * (2 * NEIGHBOURS + 1);

/// What is usual of a station in one bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// Mean occupancy, 0 to 1.
    pub mean: f32,
    /// Standard deviation, at least the smallest one.
    pub deviation: f32,
}

impl Usual {
    /// Of these occupancies (0 to 1); null when they are too few.
    pub fn of(samples: &[f32], limits: Limits) -> Option<Self> {
        if samples.len() < limits.samples.max(2) {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "twenty values")]
        let count = samples.len() as f64;
        let mean = samples.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let squares: f64 = samples.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
        let deviation = (squares / (count - 1.0)).sqrt().max(limits.deviation_min);
        #[expect(clippy::cast_possible_truncation, reason = "seven digits of an occupancy")]
        let usual = Self { mean: mean as f32, deviation: deviation as f32 };
        Some(usual)
    }
}

/// What is usual of a station in each bin of an hour.
pub type Hour = [Option<Usual>; BINS];

/// What is usual in an hour. `told` are occupancies, each with its place: the week times [`WEEK_BINS`], and
/// the bin counted from [`NEIGHBOURS`] before the hour.
pub fn hour_of(told: &[(usize, f32)], limits: Limits) -> Hour {
    std::array::from_fn(|bin| {
        let same_time = bin..bin + 2 * NEIGHBOURS + 1;
        let is_same = |(at, _): &&(usize, f32)| same_time.contains(&(*at % WEEK_BINS));
        let samples: Vec<f32> =
            told.iter().filter(is_same).map(|(_, occupancy)| *occupancy).collect();
        Usual::of(&samples, limits)
    })
}

/// The latest occupancy of one station, and what is usual of it.
#[derive(Debug, Clone, Default)]
pub struct Lately {
    /// Begin and length in milliseconds, and occupancy.
    periods: VecDeque<(i64, i64, f64)>,
    /// Begin of the newest period when it told an occupancy, milliseconds since 1970.
    newest_ms: Option<i64>,
    /// By hour since 1970.
    usual: Vec<(i64, Hour)>,
}

impl Lately {
    /// Takes over a collection period, newer than those before; null when it told no occupancy.
    pub fn take(&mut self, (begin_ms, length_ms): (i64, i64), occupancy: Option<f64>) {
        self.newest_ms = occupancy.map(|_told| begin_ms);
        let Some(occupancy) = occupancy else { return };
        let from_ms = begin_ms + length_ms - BIN_MS;
        while self.periods.len() >= PERIODS_MAX
            || self.periods.front().is_some_and(|(begin, length, _)| begin + length <= from_ms)
        {
            self.periods.pop_front();
        }
        self.periods.push_back((begin_ms, length_ms, occupancy));
    }

    /// Takes over what is usual, in place of what was.
    pub fn know(&mut self, usual: impl Iterator<Item = (i64, Hour)>) {
        self.usual.clear();
        self.usual.extend(usual);
    }

    /// Standard deviations that the mean occupancy of the latest 5 minutes lies above what is usual; null
    /// without enough of them, without an occupancy in the newest period, and where nothing is known.
    pub fn deviations(&self) -> Option<f64> {
        let bin = self.newest_ms?.div_euclid(BIN_MS);
        #[expect(clippy::cast_possible_wrap, reason = "twelve")]
        let bins = BINS as i64;
        let (_, hour) = self.usual.iter().find(|(hour, _)| *hour == bin.div_euclid(bins))?;
        let usual = usize::try_from(bin.rem_euclid(bins)).ok().and_then(|at| hour[at])?;
        let measured_ms: i64 = self.periods.iter().map(|(_, length, _)| length).sum();
        if measured_ms < MEASURED_MIN_MS {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of minutes")]
        let weighed = |(_, length, occupancy): &(i64, i64, f64)| *length as f64 * occupancy;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of minutes")]
        let mean = self.periods.iter().map(weighed).sum::<f64>() / measured_ms as f64;
        Some((mean - f64::from(usual.mean)) / f64::from(usual.deviation))
    }
}

/// Those of the rules that the hub comes with.
#[cfg(test)]
pub(crate) const USUAL: Limits = Limits { deviation_min: 0.03, samples: 8 };

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 500_000;

    fn is_near(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value - expected).abs() < 1e-3)
    }

    /// A station of which 0.10 +- 0.03 is usual in the bins at 5 and at 10 past.
    fn station() -> Lately {
        let mut lately = Lately::default();
        let mut hour = Hour::default();
        hour[1] = Some(Usual { mean: 0.10, deviation: 0.03 });
        hour[2] = hour[1];
        lately.know([(HOUR, hour)].into_iter());
        lately
    }

    /// So many seconds after 10 past.
    fn at(second: i64) -> i64 {
        (HOUR * 3_600 + 600 + second) * 1_000
    }

    #[test]
    fn the_worked_number_in_periods_of_any_length() {
        let mut lately = station();
        lately.take((at(0), 300_000), Some(0.25));
        assert!(is_near(lately.deviations(), 5.0));
        let mut lately = station();
        for period in 0..10 {
            let occupancy = if period % 2 == 0 { 0.5 } else { 0.0 };
            lately.take((at(period * 30 - 300), 30_000), Some(occupancy));
        }
        assert!(is_near(lately.deviations(), 5.0), "{lately:?}");
        // What is older than 5 minutes counts no more.
        for period in 0..10 {
            lately.take((at(period * 30), 30_000), Some(0.1));
        }
        assert!(is_near(lately.deviations(), 0.0), "{lately:?}");
    }

    #[test]
    fn nothing_is_told_of_what_is_not_known() {
        let mut lately = station();
        assert_eq!(lately.deviations(), None, "nothing measured");
        lately.take((at(0), 60_000), Some(0.25));
        lately.take((at(60), 60_000), Some(0.25));
        assert_eq!(lately.deviations(), None, "two minutes only");
        lately.take((at(120), 60_000), Some(0.25));
        assert!(is_near(lately.deviations(), 5.0));
        lately.take((at(180), 60_000), None);
        assert_eq!(lately.deviations(), None, "the newest told none");
        lately.take((at(300), 300_000), Some(0.25));
        assert_eq!(lately.deviations(), None, "of that bin nothing is usual");
        lately.take((at(3_600), 300_000), Some(0.25));
        assert_eq!(lately.deviations(), None, "nor of that hour");
    }

    #[test]
    fn the_same_time_is_the_bin_and_two_on_either_side_of_each_week() {
        // One week more occupied than the next; a jam in the bin three behind is of another time.
        let told: Vec<(usize, f32)> = (0_u8..4)
            .flat_map(|week| {
                let occupancy = 0.05 + f32::from(week) * 0.1;
                (0..WEEK_BINS).map(move |bin| (usize::from(week) * WEEK_BINS + bin, occupancy))
            })
            .map(|(at, occupancy)| (at, if at == 7 { 1.0 } else { occupancy }))
            .collect();
        let hour = hour_of(&told, USUAL);
        // 0.05, 0.15, 0.25, 0.35 five times each: mean 0.20, squares 5 * 0.05 = 0.25, by 19, the root.
        let usual = hour[2].unwrap();
        assert!((usual.mean - 0.2).abs() < 1e-6 && (usual.deviation - 0.114_71).abs() < 1e-4);
        assert!(hour[3].unwrap().mean > 0.24 && hour[7].unwrap().mean > 0.24);
        assert!((hour[8].unwrap().mean - 0.2).abs() < 1e-6);
    }

    #[test]
    fn few_values_tell_nothing_and_a_quiet_night_has_the_smallest_deviation() {
        let night: Vec<(usize, f32)> = (0..4).map(|week| (week * WEEK_BINS + 2, 0.0)).collect();
        assert_eq!(hour_of(&night, USUAL), Hour::default());
        let full: Vec<(usize, f32)> = (0..4 * WEEK_BINS).map(|at| (at, 0.0)).collect();
        let usual = hour_of(&full, USUAL)[0].unwrap();
        assert_eq!(usual, Usual { mean: 0.0, deviation: 0.03 });
        for limits in [
            Limits { deviation_min: 0.0, ..USUAL },
            Limits { deviation_min: f64::NAN, ..USUAL },
            Limits { samples: 1, ..USUAL },
            Limits { samples: 21, ..USUAL },
        ] {
            assert!(limits.mistake().is_some(), "{limits:?}");
        }
    }
}
