//! Q03, Q04, Q10 and the rule of high occupancy: shares of the samples of about an hour.
//!
//! The hour is the twelve clock periods of five minutes up to that of the sample, so it holds between 55
//! and 60 minutes whatever the length of a sample, and the same ones in any order of arrival.

use serde::{Deserialize, Serialize};

use super::{check::Check, limits::Limits, sample::Sample};

const PERIOD_MS: i64 = 300_000;
const HOUR_MS: u32 = 3_600_000;
const PERIODS: usize = 12;
/// The same, to reckon with.
const PERIODS_I64: i64 = 12;

/// Samples of five minutes, by what they look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[u32; 10]", into = "[u32; 10]")]
struct Seen {
    all: u16,
    good: u16,
    /// Samples with a count and an occupancy.
    both: u16,
    /// Of them: occupied without vehicles.
    empty: u16,
    /// Of them: vehicles without occupancy.
    unseen: u16,
    /// Samples with an occupancy beyond belief.
    high: u16,
    /// Samples whose effective length can be told.
    lengths: u16,
    /// Of them: implausible.
    implausible: u16,
    /// Vehicles of samples with classes.
    vehicles: u32,
    motorcycles: u32,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.all = self.all.saturating_add(other.all);
        self.good = self.good.saturating_add(other.good);
        self.both = self.both.saturating_add(other.both);
        self.empty = self.empty.saturating_add(other.empty);
        self.unseen = self.unseen.saturating_add(other.unseen);
        self.high = self.high.saturating_add(other.high);
        self.lengths = self.lengths.saturating_add(other.lengths);
        self.implausible = self.implausible.saturating_add(other.implausible);
        self.vehicles = self.vehicles.saturating_add(other.vehicles);
        self.motorcycles = self.motorcycles.saturating_add(other.motorcycles);
    }
}

/// As numbers without names: a city's histories are written every hour.
impl From<Seen> for [u32; 10] {
    fn from(seen: Seen) -> Self {
        let Seen { all, good, both, empty, unseen, high, lengths, implausible, .. } = seen;
        let [all, good, both, empty, unseen, high, lengths, implausible] =
            [all, good, both, empty, unseen, high, lengths, implausible].map(u32::from);
        let Seen { vehicles, motorcycles, .. } = seen;
        [all, good, both, empty, unseen, high, lengths, implausible, vehicles, motorcycles]
    }
}

impl From<[u32; 10]> for Seen {
    fn from(numbers: [u32; 10]) -> Self {
        let [all, good, both, empty, unseen, high, lengths, implausible, vehicles, motorcycles] =
            numbers;
        let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        Self {
            all: small(all),
            good: small(good),
            both: small(both),
            empty: small(empty),
            unseen: small(unseen),
            high: small(high),
            lengths: small(lengths),
            implausible: small(implausible),
            vehicles,
            motorcycles,
        }
    }
}

/// Samples of the last hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hour {
    /// Number of the newest period since 1970.
    newest: i64,
    periods: [Seen; PERIODS],
}

/// A check that trips, with its value and limit.
pub(super) type Trip = (Check, f32, f32);

impl Hour {
    /// Takes a sample in and tells by `trip` what is beyond its share.
    pub(super) fn push(
        &mut self,
        (time_ms, is_good): (i64, bool),
        sample: &Sample<'_>,
        limits: &Limits,
        mut trip: impl FnMut(Trip),
    ) {
        let period = time_ms.div_euclid(PERIOD_MS);
        self.advance(period);
        self.periods[place(period)].add(&seen(is_good, sample, limits));
        let hour = self.sum();
        let least = least(sample.duration_ms, limits);
        let mut judge = |check, part: u16, of: u16, limit_e1_pct: u32| {
            let (part, of) = (u32::from(part), u32::from(of));
            let is_beyond =
                limit_e1_pct > 0 && of >= least && part > 0 && part * 1_000 >= of * limit_e1_pct;
            if is_beyond {
                #[expect(clippy::cast_precision_loss, reason = "a few thousand samples")]
                trip((check, part as f32 * 100.0 / of as f32, limit_e1_pct as f32 / 10.0));
            }
        };
        judge(Check::OccupancyWithoutCount, hour.empty, hour.both, limits.empty_share_e1_pct);
        let unseen = if hour.is_motorcycles(limits) {
            Check::MotorcyclesUnseen
        } else {
            Check::CountWithoutOccupancy
        };
        judge(unseen, hour.unseen, hour.both, limits.unseen_share_e1_pct);
        judge(Check::HighOccupancy, hour.high, hour.all, limits.high_share_e1_pct);
        judge(Check::Length, hour.implausible, hour.lengths, limits.length_share_e1_pct);
    }

    /// Makes room for a period: those that are an hour older are forgotten.
    fn advance(&mut self, period: i64) {
        let steps = period - self.newest;
        if steps >= PERIODS_I64 {
            self.periods = Default::default();
        } else {
            for later in self.newest + 1..=period {
                self.periods[place(later)] = Seen::default();
            }
        }
        self.newest = self.newest.max(period);
    }

    fn sum(&self) -> Seen {
        self.periods.iter().fold(Seen::default(), |mut sum, period| {
            sum.add(period);
            sum
        })
    }

    /// Good samples of the last hour and all of them.
    pub(super) fn good(&self) -> (u16, u16) {
        let hour = self.sum();
        (hour.good, hour.all)
    }
}

impl Seen {
    fn is_motorcycles(&self, limits: &Limits) -> bool {
        let share_pct = if self.vehicles == 0 {
            u64::from(limits.motorcycle_assumed_pct)
        } else {
            u64::from(self.motorcycles) * 100 / u64::from(self.vehicles)
        };
        share_pct > u64::from(limits.motorcycle_pct)
    }
}

/// Samples from which an hour is judged: no more than it has, so that long periods are judged, too.
fn least(duration_ms: u32, limits: &Limits) -> u32 {
    let of_an_hour = HOUR_MS.checked_div(duration_ms).unwrap_or(u32::MAX);
    u32::from(limits.samples_min).min(of_an_hour.max(1))
}

fn place(period: i64) -> usize {
    usize::try_from(period.rem_euclid(PERIODS_I64)).unwrap_or(0)
}

fn seen(is_good: bool, sample: &Sample<'_>, limits: &Limits) -> Seen {
    let one = u16::from;
    let occupancy = sample.occupancy_e4;
    let both = sample.count.zip(occupancy);
    let plausible = sample.has_plausible_length(limits);
    let motorcycles = sample.motorcycles();
    Seen {
        all: 1,
        good: one(is_good),
        both: one(both.is_some()),
        empty: one(both.is_some_and(|(n, share)| n == 0 && share > limits.empty_occupancy_e4)),
        unseen: one(both.is_some_and(|(n, share)| n > 0 && share == 0)),
        high: one(occupancy
            .is_some_and(|share| limits.high_occupancy_e4 > 0 && share > limits.high_occupancy_e4)),
        lengths: one(plausible.is_some()),
        implausible: one(plausible == Some(false)),
        vehicles: sample.count.filter(|_| motorcycles.is_some()).unwrap_or(0),
        motorcycles: motorcycles.unwrap_or(0),
    }
}
