//! Figures of other city systems: what the city printed, once, and live feeds within their typical
//! range.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use ioc_ingest::{
    Source,
    metric::{Bound, MetricSample, MetricValue},
};

use super::{
    calendar::{DAY_MS, HOUR_MS},
    desk::day_number,
    dice::{Dice, Purpose, key},
};
use crate::city::{City, MetricDefinition};

/// Period of a live figure without one of its own.
const DEFAULT_PERIOD_MS: i64 = 6 * HOUR_MS;
/// Most values in one message, which keeps it far below the contract's 64 KiB.
const VALUES_MAX: usize = 100;

/// A live figure: one series per combination of labels.
#[derive(Debug, Clone, PartialEq)]
struct Live {
    name: String,
    key: u64,
    period_ms: i64,
    range: [f64; 2],
    whole: bool,
    labels: Vec<BTreeMap<Box<str>, Box<str>>>,
}

/// The figures of one city system.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feed {
    seed: u64,
    /// Code of the city's own unit.
    unit: Option<Box<str>>,
    live: Vec<Live>,
    /// What was printed: time in UTC milliseconds, values.
    printed: Vec<(i64, MetricSample)>,
}

impl Feed {
    /// The figures that `source` publishes in `city` on `today`.
    pub(crate) fn new(city: &City, source: &Source, seed: u64, today: NaiveDate) -> Self {
        let unit = city
            .units_valid_at(today)
            .find(|unit| unit.kind == crate::city::UnitKind::City)
            .map(|unit| unit.code.as_str().into());
        let own = |metric: &&MetricDefinition| metric.feed == *source;
        let valid = |metric: &&MetricDefinition| {
            metric.since <= today && metric.until.is_none_or(|until| today < until)
        };
        let live = city.metrics.iter().filter(own).filter(valid).filter_map(live).collect();
        let mut printed: BTreeMap<NaiveDate, Vec<MetricValue>> = BTreeMap::new();
        let names: Vec<&str> =
            city.metrics.iter().filter(own).map(|metric| metric.name.as_str()).collect();
        for figure in city.published.iter().filter(|found| names.contains(&found.metric.as_str())) {
            let labels = figure.labels.iter();
            printed.entry(figure.date).or_default().push(MetricValue {
                name: figure.metric.as_str().into(),
                value: Some(figure.value),
                bound: figure.bound,
                unit: Some(figure.unit.as_str().into()),
                labels: labels
                    .map(|(key, value)| (key.as_str().into(), value.as_str().into()))
                    .collect(),
            });
        }
        // A day's figure carries the begin of the civil day.
        let begin = |date| {
            let utc_ms = day_number(date) * DAY_MS;
            utc_ms - super::calendar::offset_ms(city.time_zone, utc_ms)
        };
        let printed = printed.into_iter().flat_map(|(date, values)| {
            let at = begin(date);
            messages(&values).into_iter().map(move |sample| (at, sample)).collect::<Vec<_>>()
        });
        Self { seed, unit, live, printed: printed.collect() }
    }

    /// What was printed: (time, values).
    pub(crate) fn printed(&self) -> &[(i64, MetricSample)] {
        &self.printed
    }

    /// The first instant after `at_ms` at which a live figure is due; null without live figures.
    pub(crate) fn next_ms(&self, at_ms: i64) -> Option<i64> {
        self.live.iter().map(|live| (at_ms.div_euclid(live.period_ms) + 1) * live.period_ms).min()
    }

    /// The latest live figures at `at_ms`: (time, values), each series at its own last instant.
    pub(crate) fn latest(&self, at_ms: i64) -> Vec<(i64, MetricSample)> {
        let mut found: BTreeMap<i64, Vec<MetricValue>> = BTreeMap::new();
        for live in &self.live {
            let last_ms = at_ms.div_euclid(live.period_ms) * live.period_ms;
            found.entry(last_ms).or_default().extend(self.values(live, last_ms));
        }
        let parts = |(at, values): (i64, Vec<MetricValue>)| {
            messages(&values).into_iter().map(move |sample| (at, sample)).collect::<Vec<_>>()
        };
        found.into_iter().flat_map(parts).collect()
    }

    /// The live figures that are due at `at_ms` exactly, in messages.
    pub(crate) fn samples(&self, at_ms: i64) -> Vec<MetricSample> {
        let due = self.live.iter().filter(|live| at_ms.rem_euclid(live.period_ms) == 0);
        let values: Vec<MetricValue> = due.flat_map(|live| self.values(live, at_ms)).collect();
        messages(&values)
    }

    fn values(&self, live: &Live, at_ms: i64) -> Vec<MetricValue> {
        let value = |(index, labels): (usize, &BTreeMap<Box<str>, Box<str>>)| {
            let key = live.key.wrapping_add(index as u64);
            let share = drift(self.seed, key, at_ms, live.period_ms * 24);
            let found = live.range[0] + (live.range[1] - live.range[0]) * share;
            let found = if live.whole { found.round() } else { (found * 100.0).round() / 100.0 };
            MetricValue {
                name: live.name.as_str().into(),
                value: Some(found),
                bound: Bound::Exact,
                unit: self.unit.clone(),
                labels: labels.clone(),
            }
        };
        live.labels.iter().enumerate().map(value).collect()
    }
}

/// Values cut into messages.
fn messages(values: &[MetricValue]) -> Vec<MetricSample> {
    values.chunks(VALUES_MAX).map(|part| MetricSample { values: part.to_vec() }).collect()
}

/// A share 0..1 that moves smoothly between random knots.
fn drift(seed: u64, key: u64, at_ms: i64, knot_ms: i64) -> f64 {
    let knot = at_ms.div_euclid(knot_ms);
    let at = |knot| Dice::new(seed, Purpose::Metric, key, knot).share();
    // In thousandths of the knot, which a 32-bit number holds for any period.
    let into = i32::try_from(at_ms.rem_euclid(knot_ms) * 1000 / knot_ms).unwrap_or(0);
    let share = f64::from(into) / 1000.0;
    let own = Dice::new(seed, Purpose::Metric, !key, at_ms).between(-0.02, 0.02);
    (at(knot) * (1.0 - share) + at(knot + 1) * share + own).clamp(0.0, 1.0)
}

fn live(metric: &MetricDefinition) -> Option<Live> {
    let range = metric.typical?;
    let mut labels = vec![BTreeMap::new()];
    for label in &metric.labels {
        let any = [String::from("all")];
        let values = if label.values.is_empty() { &any[..] } else { &label.values[..] };
        labels = labels
            .iter()
            .flat_map(|known| {
                values.iter().map(|value| {
                    let mut known: BTreeMap<Box<str>, Box<str>> = known.clone();
                    known.insert(label.key.as_str().into(), value.as_str().into());
                    known
                })
            })
            .collect();
    }
    Some(Live {
        name: metric.name.clone(),
        key: key(&metric.name),
        period_ms: metric.period_ms.map_or(DEFAULT_PERIOD_MS, i64::from).max(1000),
        range,
        whole: metric.unit_of_measure != "percent" && range.iter().all(|end| end.fract() == 0.0),
        labels,
    })
}
