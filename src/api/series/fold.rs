//! From integer sums to the points of one series: which numbers a quantity is made of, gaps as
//! null, good samples of how many expected.
//!
//! Over several lanes a count or flow is the sum, occupancy the mean weighted by duration, speed and
//! headway the mean weighted by vehicles. A lane that is missing in a bucket makes a sum too small:
//! good against expected shows it.

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::interval::Class;

use super::plan::Plan;
use crate::{pcu::Profile, store::series::SeriesRow};

/// What a series is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantity {
    Count,
    FlowVehH,
    /// Of rows that [`in_units`] made.
    FlowPcuH,
    Occupancy,
    SpeedKmh,
    HeadwayS,
}

impl Quantity {
    pub(super) const ALL: [Self; 6] = [
        Self::Count,
        Self::FlowVehH,
        Self::FlowPcuH,
        Self::Occupancy,
        Self::SpeedKmh,
        Self::HeadwayS,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::FlowVehH => "flow_veh_h",
            Self::FlowPcuH => "flow_pcu_h",
            Self::Occupancy => "occupancy",
            Self::SpeedKmh => "speed_kmh",
            Self::HeadwayS => "headway_s",
        }
    }

    pub(super) const fn unit_of_measure(self) -> &'static str {
        match self {
            Self::Count => "vehicles",
            Self::FlowVehH => "vehicles/h",
            Self::FlowPcuH => "PCU/h",
            Self::Occupancy => "share",
            Self::SpeedKmh => "km/h",
            Self::HeadwayS => "s",
        }
    }

    /// Whether it exists per vehicle class.
    pub(super) const fn by_class(self) -> bool {
        matches!(self, Self::Count | Self::FlowVehH)
    }
}

/// One point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) time: DateTime<Utc>,
    pub(super) value: Option<f64>,
    pub(super) good: i64,
    pub(super) expected: Option<i64>,
}

/// The same rows with thousandths of passenger-car units for vehicles, over the time of all intervals; null
/// where classes were not measured or are not covered by the profile.
pub(super) fn in_units(rows: &[SeriesRow], profile: &Profile) -> Vec<SeriesRow> {
    let in_units = |row: &SeriesRow| SeriesRow {
        count: profile.units_e3(&row.classes),
        count_ms: row.duration_ms,
        ..row.clone()
    };
    rows.iter().map(in_units).collect()
}

/// Points of one series, one per bucket of the plan. `rows` are in the order of their buckets;
/// those of other lanes are passed over.
pub(super) fn points(
    plan: &Plan,
    rows: &[SeriesRow],
    detectors: &[i32],
    what: (Quantity, Option<Class>),
    (period_ms, now): (Option<i32>, DateTime<Utc>),
) -> Vec<Point> {
    let mut groups = rows.chunk_by(|a, b| a.bucket == b.bucket).peekable();
    let buckets = plan.edges.windows(2).enumerate();
    buckets
        .map(|(bucket, edge)| {
            let group = groups.next_if(|group| group[0].bucket == bucket).unwrap_or(&[]);
            let of_series = || group.iter().filter(|row| detectors.contains(&row.detector_id));
            let first = of_series().map(|row| row.first).min();
            Point {
                time: first.filter(|_| plan.native).unwrap_or(edge[0]),
                value: value(what, of_series()),
                good: of_series().map(|row| row.good).sum(),
                expected: expected((edge[0], edge[1].min(now)), period_ms, detectors.len()),
            }
        })
        .collect()
}

/// How many samples these devices together promise in each bucket until `now`, each with its period
/// and number of lanes or zones; null when one has no period.
pub(super) fn promised(
    plan: &Plan,
    devices: &[(Option<i32>, usize)],
    now: DateTime<Utc>,
) -> Vec<Option<i64>> {
    let mut alike = std::collections::BTreeMap::new();
    for (period_ms, lanes) in devices {
        *alike.entry(*period_ms).or_insert(0) += *lanes;
    }
    let of_bucket = |edge: &[DateTime<Utc>]| {
        let span = (edge[0], edge[1].min(now));
        alike.iter().map(|(period_ms, lanes)| expected(span, *period_ms, *lanes)).sum()
    };
    plan.edges.windows(2).map(of_bucket).collect()
}

/// How many samples the registered period promises until `now`; null without a period.
fn expected(
    (start, end): (DateTime<Utc>, DateTime<Utc>),
    period_ms: Option<i32>,
    detectors: usize,
) -> Option<i64> {
    let period_ms = i64::from(period_ms?).max(1);
    let length = (end - start).max(TimeDelta::zero());
    Some(length.num_milliseconds() / period_ms * i64::try_from(detectors).unwrap_or(i64::MAX))
}

fn value<'a>(
    (quantity, class): (Quantity, Option<Class>),
    rows: impl Iterator<Item = &'a SeriesRow> + Clone,
) -> Option<f64> {
    let sum = |of: fn(&SeriesRow) -> i64| rows.clone().map(of).sum::<i64>();
    match quantity {
        Quantity::Count => {
            let counts = rows.filter_map(|row| counted(row, class).map(|(count, _)| count));
            counts.reduce(|a, b| a + b).map(float)
        }
        Quantity::FlowVehH => {
            let flows = rows.filter_map(|row| {
                let (count, ms) = counted(row, class)?;
                ratio(count, ms).map(|per_ms| per_ms * 3_600_000.0)
            });
            flows.reduce(|a, b| a + b)
        }
        Quantity::FlowPcuH => {
            let flows = rows.filter_map(|row| {
                ratio(row.count?, row.count_ms).map(|e3_per_ms| e3_per_ms * 3_600.0)
            });
            flows.reduce(|a, b| a + b)
        }
        Quantity::Occupancy => {
            ratio(sum(|row| row.occupancy_sum), sum(|row| row.occupancy_ms)).map(|e4| e4 / 1e4)
        }
        Quantity::SpeedKmh => {
            ratio(sum(|row| row.speed_sum), sum(|row| row.speed_count)).map(|e1| e1 / 10.0)
        }
        Quantity::HeadwayS => {
            ratio(sum(|row| row.headway_sum), sum(|row| row.headway_count)).map(|ms| ms / 1e3)
        }
    }
}

/// Vehicles, or those of one class, and the time in which they were counted.
fn counted(row: &SeriesRow, class: Option<Class>) -> Option<(i64, i64)> {
    match class {
        None => row.count.map(|count| (count, row.count_ms)),
        Some(class) => row.classes[class as usize].map(|count| (count, row.duration_ms)),
    }
}

fn ratio(sum: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| float(sum) / float(of))
}

#[expect(clippy::cast_precision_loss, reason = "sums of a bucket stay far below 2^53")]
const fn float(sum: i64) -> f64 {
    sum as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::series::SeriesBasis;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn plan() -> Plan {
        let edges = (0..=3).map(|n| at(5 * n)).collect();
        Plan { step_s: 300, basis: SeriesBasis::FiveMinutes, native: false, edges }
    }

    fn row(bucket: usize, detector_id: i32, count: i64, speed_e1_kmh: i64) -> SeriesRow {
        SeriesRow {
            bucket,
            detector_id,
            first: at(5 * i64::try_from(bucket).unwrap()),
            good: 9,
            duration_ms: 300_000,
            count_ms: 300_000,
            count: Some(count),
            occupancy_ms: 300_000,
            occupancy_sum: 300_000 * 2_500,
            speed_count: count,
            speed_sum: count * speed_e1_kmh,
            ..SeriesRow::default()
        }
    }

    fn values(rows: &[SeriesRow], detectors: &[i32], quantity: Quantity) -> Vec<Option<f64>> {
        points(&plan(), rows, detectors, (quantity, None), (Some(30_000), at(60)))
            .into_iter()
            .map(|point| point.value)
            .collect()
    }

    #[test]
    fn a_missing_bucket_is_null_and_never_zero() {
        let rows = [row(0, 7, 12, 300), row(2, 7, 0, 0)];
        assert_eq!(values(&rows, &[7], Quantity::Count), [Some(12.0), None, Some(0.0)]);
        assert_eq!(values(&rows, &[7], Quantity::SpeedKmh), [Some(30.0), None, None]);
    }

    #[test]
    fn lanes_add_up_and_speeds_are_weighted_by_vehicles() {
        // 30 vehicles at 40.0 km/h and 10 at 20.0 km/h: mean 35.0 km/h, 40 in 5 min are 480 an hour.
        let rows = [row(0, 1, 30, 400), row(0, 2, 10, 200), row(0, 3, 99, 999)];
        assert_eq!(values(&rows, &[1, 2], Quantity::Count)[0], Some(40.0));
        assert_eq!(values(&rows, &[1, 2], Quantity::SpeedKmh)[0], Some(35.0));
        assert_eq!(values(&rows, &[1, 2], Quantity::FlowVehH)[0], Some(480.0));
        assert_eq!(values(&rows, &[1, 2], Quantity::Occupancy)[0], Some(0.25));
        assert_eq!(values(&rows, &[2], Quantity::HeadwayS)[0], None);
    }

    #[test]
    fn good_samples_stand_against_those_that_the_period_promises() {
        let rows = [row(1, 1, 1, 1), row(1, 2, 1, 1)];
        let what = (Quantity::Count, None);
        let found = points(&plan(), &rows, &[1, 2], what, (Some(30_000), at(8)));
        let shares: Vec<_> = found.iter().map(|point| (point.good, point.expected)).collect();
        assert_eq!(shares, [(0, Some(20)), (18, Some(12)), (0, Some(0))]);
        let found = points(&plan(), &rows, &[1, 2], what, (None, at(8)));
        assert_eq!(found[0].expected, None);
    }

    #[test]
    fn many_devices_promise_together() {
        let devices = [(Some(30_000), 2), (Some(60_000), 1), (Some(30_000), 1)];
        assert_eq!(promised(&plan(), &devices, at(8)), [Some(35), Some(21), Some(0)]);
        assert_eq!(promised(&plan(), &[(None, 1), (Some(30_000), 1)], at(8)), [None; 3]);
    }

    #[test]
    fn a_class_that_no_row_carried_is_null() {
        let mut one = row(0, 1, 30, 400);
        one.classes[Class::Motorcycle as usize] = Some(25);
        let class = |class| {
            let what = (Quantity::Count, Some(class));
            points(&plan(), std::slice::from_ref(&one), &[1], what, (None, at(60)))[0].value
        };
        assert_eq!(class(Class::Motorcycle), Some(25.0));
        assert_eq!(class(Class::Bus), None);
    }

    #[test]
    fn a_flow_in_passenger_car_units_is_that_of_its_profile() {
        // 500 motorcycles and 100 cars in 5 minutes are 225 units by 0.25 and 1: 2,700 an hour.
        let pcu = crate::pcu::Pcu::configured("").unwrap();
        let mut mixed = row(0, 1, 600, 300);
        mixed.classes[Class::Motorcycle as usize] = Some(500);
        mixed.classes[Class::Car as usize] = Some(100);
        let bare = row(1, 1, 600, 300);
        let flow = |id: &str| {
            let rows = in_units(&[mixed.clone(), bare.clone()], pcu.profile(id).unwrap());
            values(&rows, &[1], Quantity::FlowPcuH)
        };
        assert_eq!(flow("tcxdvn-104-urban-30-50"), [Some(2_700.0), None, None]);
        // By 0.294 it is 247, or 2,964 an hour.
        assert_eq!(flow("cao-sano-2012-hanoi")[0], Some(2_964.0));
    }

    #[test]
    fn a_raw_point_stands_at_the_time_of_its_interval() {
        let mut late = row(0, 1, 5, 300);
        late.first = at(0) + TimeDelta::seconds(7);
        let raw = Plan { native: true, basis: SeriesBasis::Raw, ..plan() };
        let found = points(&raw, &[late], &[1], (Quantity::Count, None), (None, at(60)));
        assert_eq!(found[0].time, at(0) + TimeDelta::seconds(7));
        assert_eq!(found[1].time, at(5));
    }
}
