//! The 5-minute rollup of traffic intervals: integer sums of the rows that were truly new.
//!
//! [`Sums`] is the pure part: what one row adds, and how two sums join. The same numbers come out in
//! any order of arrival and can be recomputed from the rows at any time.
//!
//! Hours before `closed_before` are closed: a batch that changes one marks it in the same transaction,
//! for the worker of [`super::rollup_build`]. Only [`Rollup::close`], on the connection that writes the
//! batches, moves that border, so no batch can miss it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::interval::{CLASSES, Reading};
use tokio_postgres::{Client, Statement, Transaction};

use super::{StoreError, record::Records};
use crate::quality;

/// Length of a bucket, milliseconds.
pub const BUCKET_MS: i64 = 300_000;
/// Length of an hour, milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// How far the border may lie beyond the one that the clock asks for. A clock that was further ahead
/// and came back would otherwise have every live batch mark its hours.
const AHEAD_MAX: TimeDelta = TimeDelta::hours(2);

/// Sums of one lane or zone in one bucket. Units as in the comments of table `interval_5min`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the column of the same name, documented there")]
pub struct Sums {
    pub intervals: i32,
    pub good: i32,
    pub duration_ms: i64,
    pub count_n: i32,
    pub count_sum: i64,
    pub count_range: Option<(i32, i32)>,
    pub occupancy_ms: i64,
    pub occupancy_sum: i64,
    pub occupancy_range: Option<(i16, i16)>,
    pub speed_count: i64,
    pub speed_sum: i64,
    pub pace_sum: i64,
    pub speed_range: Option<(i16, i16)>,
    pub samples: i64,
    pub samples_expected: i64,
    pub quality: i32,
    pub classes: [Option<i64>; CLASSES],
}

/// Widens a range of smallest and largest by one more value.
fn widen<T: Ord + Copy>(range: &mut Option<(T, T)>, value: T) {
    let (min, max) = range.unwrap_or((value, value));
    *range = Some((min.min(value), max.max(value)));
}

/// `count / speed` in 1e-6 h/km, rounded half up: `count * 1e6 / (speed_e1_kmh / 10)`.
///
/// Worked: 3 vehicles at 28.4 km/h are 3 / 28.4 h/km = 105 634e-6 h/km.
fn pace(count: i64, speed_e1_kmh: i64) -> i64 {
    (count * 20_000_000 + speed_e1_kmh) / (2 * speed_e1_kmh)
}

impl Sums {
    /// Adds one reading of `duration_ms` with these quality bits.
    pub fn add(&mut self, duration_ms: u32, bits: i32, reading: &Reading) {
        let duration = i64::from(duration_ms);
        self.intervals += 1;
        self.good += i32::from(quality::is_good(bits));
        self.duration_ms += duration;
        self.quality |= bits;
        if bits & quality::OFF_PRESET != 0 {
            // A camera that looks elsewhere counts something else: kept as a row, never aggregated.
            return;
        }
        if let Some(count) = reading.count {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            self.count_n += 1;
            self.count_sum += i64::from(count);
            widen(&mut self.count_range, count);
        }
        if let Some(occupancy) = reading.occupancy_e4 {
            let share = i16::try_from(occupancy).unwrap_or(i16::MAX);
            self.occupancy_ms += duration;
            self.occupancy_sum += i64::from(occupancy) * duration;
            widen(&mut self.occupancy_range, share);
        }
        if let (Some(count @ 1..), Some(speed @ 1..)) = (reading.count, reading.speed_e1_kmh) {
            let (count, tenths) = (i64::from(count), i16::try_from(speed).unwrap_or(i16::MAX));
            self.speed_count += count;
            self.speed_sum += count * i64::from(speed);
            self.pace_sum += pace(count, i64::from(speed));
            widen(&mut self.speed_range, tenths);
        }
        self.samples += reading.samples.map_or(0, i64::from);
        self.samples_expected += reading.samples_expected.map_or(0, i64::from);
        for (sum, class) in self.classes.iter_mut().zip(reading.classes.iter().flatten()) {
            if let Some(count) = class {
                *sum = Some(sum.unwrap_or(0) + i64::from(*count));
            }
        }
    }
}

/// Sums per (detector, bucket start in Unix milliseconds).
#[derive(Debug, Default)]
pub(super) struct Buckets(HashMap<(i32, i64), Sums>);

impl Buckets {
    /// Adds one new row.
    pub(super) fn add(
        &mut self,
        detector_id: i32,
        time_ms: i64,
        duration_ms: u32,
        bits: i32,
        reading: &Reading,
    ) {
        let bucket_ms = time_ms - time_ms.rem_euclid(BUCKET_MS);
        self.0.entry((detector_id, bucket_ms)).or_default().add(duration_ms, bits, reading);
    }

    /// The closed hours that these change, each once and in order: all writers lock alike.
    fn hours_before(&self, closed_before: DateTime<Utc>) -> (Vec<i32>, Vec<DateTime<Utc>>) {
        let closed_ms = closed_before.timestamp_millis();
        let mut hours: Vec<(i32, i64)> = self
            .0
            .keys()
            .filter(|(_, bucket_ms)| *bucket_ms < closed_ms)
            .map(|(detector_id, bucket_ms)| {
                (*detector_id, bucket_ms - bucket_ms.rem_euclid(HOUR_MS))
            })
            .collect();
        hours.sort_unstable();
        hours.dedup();
        let start = |(id, hour_ms)| Some((id, DateTime::from_timestamp_millis(hour_ms)?));
        hours.into_iter().filter_map(start).unzip()
    }

    /// Sorted, so that two writers lock rows in the same order.
    fn encode(self) -> Records {
        let mut buckets: Vec<_> = self.0.into_iter().collect();
        buckets.sort_unstable_by_key(|(key, _)| *key);
        let mut records = Records::default();
        for ((detector_id, bucket_ms), sums) in buckets {
            records.row(COLUMNS, |row| {
                row.time(DateTime::from_timestamp_millis(bucket_ms)).i32(detector_id);
                row.i32(sums.intervals).i32(sums.good).i64(sums.duration_ms).i32(sums.count_n);
                row.i64(sums.count_sum).i32(sums.count_range.map(|r| r.0));
                row.i32(sums.count_range.map(|r| r.1)).i64(sums.occupancy_ms);
                row.i64(sums.occupancy_sum).i16(sums.occupancy_range.map(|r| r.0));
                row.i16(sums.occupancy_range.map(|r| r.1)).i64(sums.speed_count);
                row.i64(sums.speed_sum).i64(sums.pace_sum);
                row.i16(sums.speed_range.map(|r| r.0)).i16(sums.speed_range.map(|r| r.1));
                row.i64(sums.samples).i64(sums.samples_expected).i32(sums.quality);
                for class in sums.classes {
                    row.i64(class);
                }
            });
        }
        records
    }
}

/// Columns of [`TYPE`].
const COLUMNS: i32 = 31;
/// A table that stays empty: its row type is what a batch hands over.
const TYPE: &str = "\
    create temp table sums_5min as select bucket, detector_id, intervals, good, duration_ms, count_n, count_sum, \
    count_min, count_max, occupancy_ms, occupancy_sum, occupancy_min, occupancy_max, speed_count, \
    speed_sum, pace_sum, speed_min, speed_max, samples, samples_expected, quality, motorcycle, \
    bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian \
    from interval_5min with no data";

const UPSERT: &str = include_str!("rollup_upsert.sql");

const MARK: &str = "\
    insert into rollup_dirty as d (detector_id, hour, marks) \
    select detector_id, hour, 1 from unnest($1::int4[], $2::timestamptz[]) as m (detector_id, hour) \
    on conflict (detector_id, hour) do update set marks = d.marks + 1";

/// The same hours are judged again by the history of their detectors.
const MARK_QUALITY: &str = "\
    insert into quality_dirty as d (detector_id, hour, marks) \
    select detector_id, hour, 1 from unnest($1::int4[], $2::timestamptz[]) as m (detector_id, hour) \
    on conflict (detector_id, hour) do update set marks = d.marks + 1";

const RAISE: &str = "update rollup_state set closed_before = $1 where closed_before < $1";
const LOWER: &str = "\
    update rollup_state set closed_before = $1, built_before = least(built_before, $1), \
      days_before = least(days_before, $2), lowered = lowered + 1";

/// Whether the border of the closed hours is to move to `before`: ahead always, back only when it lies so
/// far beyond that the clock must have been wrong.
pub(crate) fn is_to_move(closed_before: DateTime<Utc>, before: DateTime<Utc>) -> bool {
    before > closed_before || before + AHEAD_MAX < closed_before
}

/// Prepared statements of the rollup on one connection, and the border of the closed hours.
pub(super) struct Rollup {
    upsert: Statement,
    mark: Statement,
    mark_quality: Statement,
    /// Never before the one in the database.
    closed_before: DateTime<Utc>,
}

impl Rollup {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let failed = |error| StoreError::of("prepare the rollup", error);
        client.batch_execute(TYPE).await.map_err(failed)?;
        let closed = "select closed_before from rollup_state";
        Ok(Self {
            upsert: client.prepare(UPSERT).await.map_err(failed)?,
            mark: client.prepare(MARK).await.map_err(failed)?,
            mark_quality: client.prepare(MARK_QUALITY).await.map_err(failed)?,
            closed_before: client
                .query_one(closed, &[])
                .await
                .and_then(|row| row.try_get(0))
                .map_err(failed)?,
        })
    }

    /// Closes the hours before `before`; `day` is the begin of the civil day around it. Between
    /// batches, on their connection.
    pub(super) async fn close(
        &mut self,
        client: &Client,
        before: DateTime<Utc>,
        day: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("close the hours", error);
        if before > self.closed_before {
            // Marking too early does no harm: if the outcome stays unknown, memory is ahead.
            self.closed_before = before;
            client.execute(RAISE, &[&before]).await.map_err(failed)?;
        } else if is_to_move(self.closed_before, before) {
            client.execute(LOWER, &[&before, &day]).await.map_err(failed)?;
            self.closed_before = before;
            tracing::warn!(%before, "the clock was ahead: hours that had been closed are open again");
        }
        Ok(())
    }

    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        buckets: Buckets,
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("update the rollup", error);
        if buckets.0.is_empty() {
            return Ok(());
        }
        let (detectors, hours) = buckets.hours_before(self.closed_before);
        transaction.execute(&self.upsert, &[&buckets.encode()]).await.map_err(failed)?;
        if !hours.is_empty() {
            transaction.execute(&self.mark, &[&detectors, &hours]).await.map_err(failed)?;
            transaction.execute(&self.mark_quality, &[&detectors, &hours]).await.map_err(failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ioc_ingest::interval::Place;

    fn reading(count: Option<u32>, speed: Option<u16>, occupancy: Option<u16>) -> Reading {
        Reading {
            place: Place::Lane(1),
            kind: None,
            direction: None,
            count,
            occupancy_e4: occupancy,
            speed_e1_kmh: speed,
            headway_ms: None,
            samples: None,
            samples_expected: None,
            classes: None,
            class_speed_e1_kmh: None,
            queue_dm: None,
            density_e1_per_km: None,
            confidence_e4: None,
        }
    }

    #[test]
    fn the_border_goes_back_only_far_and_ahead_always() {
        let closed = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let to = |minutes| is_to_move(closed, closed + TimeDelta::minutes(minutes));
        assert!(to(60) && to(-180), "ahead, and far back");
        assert!(!to(0) && !to(-60) && !to(-120), "a clock that is a little behind moves nothing");
    }

    #[test]
    fn the_worked_pace_of_the_documentation() {
        assert_eq!(pace(3, 284), 105_634);
    }

    #[test]
    fn missing_is_not_zero() {
        let mut sums = Sums::default();
        sums.add(30_000, 0, &reading(None, None, None));
        assert_eq!((sums.intervals, sums.count_n, sums.count_range), (1, 0, None));
        assert_eq!((sums.occupancy_ms, sums.speed_count), (0, 0));
        assert_eq!(sums.classes, [None; CLASSES]);
    }

    #[test]
    fn a_speed_without_vehicles_does_not_count() {
        let mut sums = Sums::default();
        sums.add(30_000, 0, &reading(Some(0), Some(500), Some(0)));
        assert_eq!((sums.count_n, sums.count_sum, sums.speed_count), (1, 0, 0));
    }

    #[test]
    fn a_camera_off_its_home_preset_is_not_aggregated() {
        let mut sums = Sums::default();
        sums.add(60_000, quality::OFF_PRESET, &reading(Some(9), Some(300), Some(100)));
        assert_eq!((sums.intervals, sums.good, sums.count_n, sums.occupancy_ms), (1, 0, 0, 0));
    }

    #[test]
    fn any_order_of_rows_gives_the_same_sums() {
        let rows: Vec<Reading> = (0..20)
            .map(|n: u16| reading(Some(u32::from(n % 7)), Some(200 + n * 13), Some(n * 400)))
            .collect();
        let sum = |order: &mut dyn Iterator<Item = &Reading>| {
            order.fold(Sums::default(), |mut sums, row| {
                sums.add(30_000, 0, row);
                sums
            })
        };
        assert_eq!(sum(&mut rows.iter()), sum(&mut rows.iter().rev()));
    }

    #[test]
    fn only_closed_hours_are_marked_each_once() {
        let hour = |n: i64| DateTime::from_timestamp_millis(n * HOUR_MS).unwrap();
        let mut buckets = Buckets::default();
        for (detector_id, minute) in [(2, 1), (1, 59), (1, 60), (1, 0), (2, 120), (1, -5)] {
            buckets.add(detector_id, minute * 60_000, 30_000, 0, &reading(None, None, None));
        }
        let expected = (vec![1, 1, 2], vec![hour(-1), hour(0), hour(0)]);
        assert_eq!(buckets.hours_before(hour(1)), expected);
        assert_eq!(buckets.hours_before(hour(-9)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_row_belongs_to_the_bucket_of_its_start() {
        let mut buckets = Buckets::default();
        buckets.add(1, 299_999, 30_000, 0, &reading(Some(1), None, None));
        buckets.add(1, 300_000, 30_000, 0, &reading(Some(1), None, None));
        buckets.add(1, -1, 30_000, 0, &reading(Some(1), None, None));
        let mut starts: Vec<i64> = buckets.0.keys().map(|(_, start)| *start).collect();
        starts.sort_unstable();
        assert_eq!(starts, [-300_000, 0, 300_000]);
    }
}
