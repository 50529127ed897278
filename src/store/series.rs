//! Traffic series: integer sums per lane or zone and bucket, from the rows themselves or from the
//! 5-minute rollup. What a quantity is made of is decided by the reader of these sums.

use chrono::{DateTime, Utc};
use ioc_ingest::interval::CLASSES;
use tokio_postgres::Row;

use super::{Store, StoreError};
use crate::quality;

/// Sums of one lane or zone in one bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesRow {
    /// Index of the bucket: it begins at `edges[bucket]`.
    pub bucket: usize,
    /// Lane or zone.
    pub detector_id: i32,
    /// Start of the first interval; of the rollup the start of its 5 minutes.
    pub first: DateTime<Utc>,
    /// Intervals.
    pub intervals: i64,
    /// Intervals without a quality bit.
    pub good: i64,
    /// Duration of all intervals, milliseconds.
    pub duration_ms: i64,
    /// Duration of the intervals with a count, milliseconds; from the rollup in proportion.
    pub count_ms: i64,
    /// Vehicles; null when no interval had a count.
    pub count: Option<i64>,
    /// Duration of the intervals with an occupancy, milliseconds.
    pub occupancy_ms: i64,
    /// Sum of occupancy times duration, 1e-4 x ms.
    pub occupancy_sum: i64,
    /// Vehicles of the intervals with a count and a speed.
    pub speed_count: i64,
    /// Sum of speed times count over those, 0.1 km/h.
    pub speed_sum: i64,
    /// Vehicles of the intervals with a count and a headway; 0 from the rollup.
    pub headway_count: i64,
    /// Sum of headway times count over those, milliseconds.
    pub headway_sum: i64,
    /// Vehicles per class; null when no interval carried the class, and when classes were not asked for.
    pub classes: [Option<i64>; CLASSES],
}

/// Where series come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesBasis {
    /// The intervals as they came.
    Raw,
    /// The 5-minute rollup.
    FiveMinutes,
}

/// What a camera counted away from its home preset is no measurement of its zone: like the rollup,
/// these sums leave it out and only count the interval.
macro_rules! raw {
    ($classes:literal) => {
        concat!(
            "select width_bucket(time, $4::timestamptz[]) - 1 as at, detector_id, min(time),
                    count(*), count(*) filter (where quality & $5 = 0), sum(duration_ms)::int8,
                    coalesce(sum(duration_ms) filter (where count is not null), 0)::int8,
                    sum(count)::int8,
                    coalesce(sum(duration_ms) filter (where occupancy_e4 is not null), 0)::int8,
                    coalesce(sum(occupancy_e4::int8 * duration_ms), 0)::int8,
                    coalesce(sum(count) filter (where count > 0 and speed_e1_kmh > 0), 0)::int8,
                    coalesce(sum(count::int8 * speed_e1_kmh)
                             filter (where count > 0 and speed_e1_kmh > 0), 0)::int8,
                    coalesce(sum(count) filter (where count > 0 and headway_ms is not null), 0)::int8,
                    coalesce(sum(count::int8 * headway_ms) filter (where count > 0), 0)::int8",
            $classes,
            " from (
               select time, detector_id, duration_ms, quality,
                      case when quality & $6 = 0 then count end as count,
                      case when quality & $6 = 0 then occupancy_e4 end as occupancy_e4,
                      case when quality & $6 = 0 then speed_e1_kmh end as speed_e1_kmh,
                      case when quality & $6 = 0 then headway_ms end as headway_ms,
                      case when quality & $6 = 0 then classes end as classes
               from interval_reading
               where detector_id = any($1) and time >= $2 and time < $3
             ) as reading
             group by 1, 2 order by 1, 2"
        )
    };
}

macro_rules! rollup {
    ($classes:literal) => {
        concat!(
            "select width_bucket(bucket, $4::timestamptz[]) - 1 as at, detector_id, min(bucket),
                    sum(intervals)::int8, sum(good)::int8, sum(duration_ms)::int8,
                    sum(duration_ms * count_n / intervals)::int8,
                    case when sum(count_n) > 0 then sum(count_sum)::int8 end,
                    sum(occupancy_ms)::int8, sum(occupancy_sum)::int8, sum(speed_count)::int8,
                    sum(speed_sum)::int8, 0::int8, 0::int8",
            $classes,
            " from interval_5min
             where detector_id = any($1) and bucket >= $2 and bucket < $3
             group by 1, 2 order by 1, 2"
        )
    };
}

const RAW: &str = raw!("");
const RAW_CLASSES: &str = raw!(
    ", sum(classes[1])::int8, sum(classes[2])::int8, sum(classes[3])::int8, sum(classes[4])::int8,
       sum(classes[5])::int8, sum(classes[6])::int8, sum(classes[7])::int8, sum(classes[8])::int8,
       sum(classes[9])::int8, sum(classes[10])::int8"
);
const ROLLUP: &str = rollup!("");
const ROLLUP_CLASSES: &str = rollup!(
    ", sum(motorcycle)::int8, sum(bicycle)::int8, sum(car)::int8, sum(van)::int8, sum(bus)::int8,
       sum(truck2)::int8, sum(truck3)::int8, sum(trailer)::int8, sum(other)::int8,
       sum(pedestrian)::int8"
);

/// Number of the first class column.
const FIRST_CLASS: usize = 14;

impl Store {
    /// Sums per bucket and lane or zone, in that order. `edges` are the ascending borders of the
    /// buckets, one more than there are buckets; of a rollup they lie on 5 minutes. Empty buckets
    /// have no row.
    pub async fn series(
        &self,
        basis: SeriesBasis,
        detectors: &[i32],
        edges: &[DateTime<Utc>],
        classes: bool,
    ) -> Result<Vec<SeriesRow>, StoreError> {
        let (Some(from), Some(to)) = (edges.first(), edges.last()) else { return Ok(Vec::new()) };
        let failed = |error| StoreError::of("read a series", error);
        let sql = match (basis, classes) {
            (SeriesBasis::Raw, false) => RAW,
            (SeriesBasis::Raw, true) => RAW_CLASSES,
            (SeriesBasis::FiveMinutes, false) => ROLLUP,
            (SeriesBasis::FiveMinutes, true) => ROLLUP_CLASSES,
        };
        let client = self.reader().await?;
        let (bad, away) = (!quality::LATE, quality::OFF_PRESET);
        let rows = match basis {
            SeriesBasis::Raw => {
                client.query(sql, &[&detectors, from, to, &edges, &bad, &away]).await
            }
            SeriesBasis::FiveMinutes => client.query(sql, &[&detectors, from, to, &edges]).await,
        };
        let rows = rows.map_err(failed)?;
        rows.iter().map(|row| series_row(row, classes)).collect::<Result<_, _>>().map_err(failed)
    }
}

fn series_row(row: &Row, with_classes: bool) -> Result<SeriesRow, tokio_postgres::Error> {
    let bucket: i32 = row.try_get(0)?;
    let mut classes = [None; CLASSES];
    if with_classes {
        for (class, sum) in classes.iter_mut().enumerate() {
            *sum = row.try_get(FIRST_CLASS + class)?;
        }
    }
    Ok(SeriesRow {
        bucket: usize::try_from(bucket).unwrap_or(0),
        detector_id: row.try_get(1)?,
        first: row.try_get(2)?,
        intervals: row.try_get(3)?,
        good: row.try_get(4)?,
        duration_ms: row.try_get(5)?,
        count_ms: row.try_get(6)?,
        count: row.try_get(7)?,
        occupancy_ms: row.try_get(8)?,
        occupancy_sum: row.try_get(9)?,
        speed_count: row.try_get(10)?,
        speed_sum: row.try_get(11)?,
        headway_count: row.try_get(12)?,
        headway_sum: row.try_get(13)?,
        classes,
    })
}
