//! How many alarms operators got, hour by hour and in 10 minutes, and how much of the time was a flood.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

/// Alarms of one priority in one bin of 10 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// Begin, a whole 10 minutes of UTC.
    pub start: DateTime<Utc>,
    /// 1 to 4.
    pub priority: i16,
    /// Whether operators saw them.
    pub presented: bool,
    /// How many.
    pub alarms: i64,
}

/// Length of a bin.
pub const BIN: TimeDelta = TimeDelta::minutes(10);
/// More alarms than this in a bin are a flood (EEMUA 191, ISA-18.2).
pub const FLOOD: i64 = 10;

/// One hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hour {
    /// Begin.
    pub start: DateTime<Utc>,
    /// Alarms of priority 1 to 4 that operators saw.
    pub priorities: [i64; 4],
    /// Alarms that were recorded and not shown: suppressed, shelved, out of service.
    pub not_presented: i64,
}

/// The rates of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Every hour of the span that is known, those without alarms too.
    pub hours: Vec<Hour>,
    /// Alarms that operators saw, by priority 1 to 4.
    pub priorities: [i64; 4],
    /// Alarms that were recorded and not shown.
    pub not_presented: i64,
    /// Alarms per operator in 10 minutes, mean; null when nothing is known of the span.
    pub mean: Option<f64>,
    /// The same in the fullest 10 minutes.
    pub max: Option<f64>,
    /// Share of the time in a flood, 0 to 1.
    pub flood_share: Option<f64>,
    /// Bins that were a flood, with their alarms.
    pub floods: Vec<(DateTime<Utc>, i64)>,
}

/// The rates of `from..to`, which is known wholly, for so many operators.
pub fn rates(bins: &[Bin], from: DateTime<Utc>, to: DateTime<Utc>, operators: i64) -> Rates {
    let mut hours: BTreeMap<DateTime<Utc>, Hour> = BTreeMap::new();
    let mut start = floor(from, TimeDelta::hours(1));
    while start < to {
        hours.insert(start, Hour { start, priorities: [0; 4], not_presented: 0 });
        start += TimeDelta::hours(1);
    }
    let (mut priorities, mut not_presented) = ([0; 4], 0);
    let mut full: BTreeMap<DateTime<Utc>, i64> = BTreeMap::new();
    for bin in bins {
        let hour = hours.get_mut(&floor(bin.start, TimeDelta::hours(1)));
        if !bin.presented {
            not_presented += bin.alarms;
            if let Some(hour) = hour {
                hour.not_presented += bin.alarms;
            }
            continue;
        }
        *full.entry(bin.start).or_default() += bin.alarms;
        let at = usize::try_from(bin.priority - 1).unwrap_or(3).min(3);
        priorities[at] += bin.alarms;
        if let Some(hour) = hour {
            hour.priorities[at] += bin.alarms;
        }
    }
    let span_ms = (to - from).num_milliseconds();
    let known = span_ms > 0;
    let operators = as_f64(operators.max(1));
    let per_operator = |alarms: i64| as_f64(alarms) / operators;
    let total: i64 = priorities.iter().sum();
    let floods: Vec<(DateTime<Utc>, i64)> =
        full.iter().filter(|(_, alarms)| **alarms > FLOOD).map(|(at, n)| (*at, *n)).collect();
    let flood_ms: i64 = floods
        .iter()
        .map(|(at, _)| ((*at + BIN).min(to) - (*at).max(from)).num_milliseconds().max(0))
        .sum();
    // What is shorter than 10 minutes tells of one bin: the mean never lies above the largest.
    let bins_in_span = (as_f64(span_ms) / as_f64(BIN.num_milliseconds())).max(1.0);
    Rates {
        hours: hours.into_values().collect(),
        priorities,
        not_presented,
        mean: known.then(|| per_operator(total) / bins_in_span),
        max: known.then(|| per_operator(full.values().copied().max().unwrap_or(0))),
        flood_share: known.then(|| as_f64(flood_ms) / as_f64(span_ms)),
        floods,
    }
}

fn floor(at: DateTime<Utc>, to: TimeDelta) -> DateTime<Utc> {
    at.duration_trunc(to).unwrap_or(at)
}

/// Counts and milliseconds of a span lie far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts and milliseconds far below 2^53")]
pub(crate) const fn as_f64(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-03-02T{text}:00Z").parse().unwrap()
    }

    fn bin(start: &str, priority: i16, presented: bool, alarms: i64) -> Bin {
        Bin { start: at(start), priority, presented, alarms }
    }

    #[test]
    fn rates_of_two_hours_and_a_half() {
        let bins = [
            bin("08:20", 3, true, 4),
            bin("08:20", 1, true, 8),
            bin("08:20", 4, false, 100),
            bin("09:00", 4, true, 10),
            bin("10:20", 2, true, 3),
        ];
        // 08:00 to 10:30 are 15 bins; 4 + 8 + 10 + 3 = 25 alarms for two operators:
        // 25 / 2 / 15 = 0.8333; the fullest bin has 12: 6 each. Only 08:20 is beyond 10: 1 of 15 bins.
        let rates = rates(&bins, at("08:00"), at("10:30"), 2);
        assert_eq!(rates.priorities, [8, 3, 4, 10]);
        assert_eq!(rates.not_presented, 100);
        assert!((rates.mean.unwrap() - 25.0 / 30.0).abs() < 1e-12);
        assert_eq!(rates.max, Some(6.0));
        assert!((rates.flood_share.unwrap() - 1.0 / 15.0).abs() < 1e-12);
        assert_eq!(rates.floods, [(at("08:20"), 12)]);
        let hours: Vec<i64> = rates.hours.iter().map(|hour| hour.priorities.iter().sum()).collect();
        assert_eq!(hours, [12, 10, 3]);
        assert_eq!(rates.hours[0].not_presented, 100);
    }

    #[test]
    fn a_quiet_hour_is_zero_and_an_empty_span_is_unknown() {
        let quiet = rates(&[], at("08:00"), at("09:00"), 1);
        assert_eq!((quiet.mean, quiet.max, quiet.flood_share), (Some(0.0), Some(0.0), Some(0.0)));
        let none = rates(&[], at("08:00"), at("08:00"), 1);
        assert_eq!((none.mean, none.max, none.flood_share), (None, None, None));
    }

    #[test]
    fn the_mean_of_the_first_minutes_is_no_more_than_came_up() {
        let young = rates(&[bin("08:00", 2, true, 4)], at("08:00"), at("08:02"), 1);
        assert_eq!((young.mean, young.max), (Some(4.0), Some(4.0)));
    }

    #[test]
    fn of_a_flood_counts_what_lies_in_the_span() {
        // 08:25 to 08:35: half of the flood's bin and as much after it.
        let rates = rates(&[bin("08:20", 4, true, 11)], at("08:25"), at("08:35"), 1);
        assert_eq!(rates.flood_share, Some(0.5));
    }
}
