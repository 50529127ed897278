//! Traffic series: integer sums per lane or zone and bucket, from the rows themselves or from a rollup.
//! What a quantity is made of is decided by the reader of these sums.
//!
//! Hours and days that are not stored yet, or were changed since, are summed up from the 5 minutes in
//! the same moment of the database: every read is exact, and the same from every rollup.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_ingest::interval::CLASSES;
use tokio_postgres::{IsolationLevel, Row};

use super::{
    Store, StoreError,
    rollup_build::{RollupState, hour_of},
};
use crate::{day::day_borders, quality};

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
    /// The rollup of hours.
    Hours,
    /// The rollup of civil days.
    Days,
}

/// Which series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesAsked<'a> {
    /// Where from.
    pub basis: SeriesBasis,
    /// Lanes and zones.
    pub detectors: &'a [i32],
    /// The ascending borders of the buckets, one more than there are buckets. Of a rollup they lie on
    /// 5 minutes, of hours on those of UTC, of days on midnights of the zone.
    pub edges: &'a [DateTime<Utc>],
    /// Whether to sum up vehicle classes too.
    pub classes: bool,
    /// Zone of the civil days.
    pub zone: Tz,
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

/// The parts of a rolled-up series: days ($3 to $4), hours ($5 to $6) and 5 minutes ($7 to $8 and $9 to
/// $10), where marked days and hours are taken from their 5 minutes. $11 are the borders of the days,
/// before $12 there are no 5-minute rows any more.
macro_rules! rollup {
    ($classes:literal, $class_sums:literal) => {
        concat!(
            "with dirty_day as materialized (
               select distinct m.detector_id,
                      ($11::timestamptz[])[width_bucket(v.at, $11::timestamptz[])] as day
               from rollup_dirty m
               cross join lateral (values (m.hour), (m.hour + interval '55 minutes')) as v (at)
               where m.detector_id = any($1::int4[]) and v.at >= $3 and v.at < $4
             ),
             dirty_hour as materialized (
               select m.detector_id, m.hour from rollup_dirty m
               where m.detector_id = any($1::int4[])
                 and m.hour >= greatest($5::timestamptz, $12::timestamptz) and m.hour < $6
             )
             select width_bucket(bucket, $2::timestamptz[]) - 1 as at, detector_id, min(bucket),
                    sum(intervals)::int8, sum(good)::int8, sum(duration_ms)::int8,
                    sum(count_ms)::int8, case when sum(count_n) > 0 then sum(count_sum)::int8 end,
                    sum(occupancy_ms)::int8, sum(occupancy_sum)::int8, sum(speed_count)::int8,
                    sum(speed_sum)::int8, 0::int8, 0::int8",
            $class_sums,
            " from (
               select r.bucket, r.detector_id, intervals, good, duration_ms, count_ms, count_n,
                      count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum",
            $classes,
            "  from interval_1d r
               where r.detector_id = any($1) and r.bucket >= $3 and r.bucket < $4
                 and not exists (select from dirty_day d
                   where d.detector_id = r.detector_id and d.day = r.bucket and d.day >= $12)
               union all
               select r.* from dirty_day d cross join lateral (
                 select bucket, detector_id, intervals, good, duration_ms,
                        duration_ms * count_n / intervals as count_ms, count_n,
                        count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum",
            $classes,
            "    from interval_5min r
                 where r.detector_id = d.detector_id and r.bucket >= d.day
                   and r.bucket < ($11::timestamptz[])[width_bucket(d.day, $11::timestamptz[]) + 1]
                   and r.bucket >= $3 and r.bucket < $4
                 offset 0) r
               where d.day >= $12
               union all
               select r.bucket, r.detector_id, intervals, good, duration_ms, count_ms, count_n,
                      count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum",
            $classes,
            "  from interval_1h r
               where r.detector_id = any($1) and r.bucket >= $5 and r.bucket < $6
                 and not exists (select from dirty_hour d
                   where d.detector_id = r.detector_id and d.hour = r.bucket)
               union all
               select r.* from dirty_hour d cross join lateral (
                 select bucket, detector_id, intervals, good, duration_ms,
                        duration_ms * count_n / intervals as count_ms, count_n,
                        count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum",
            $classes,
            "    from interval_5min r
                 where r.detector_id = d.detector_id and r.bucket >= d.hour
                   and r.bucket < d.hour + interval '1 hour'
                   and r.bucket >= $5 and r.bucket < $6
                 offset 0) r
               union all
               select bucket, detector_id, intervals, good, duration_ms,
                      duration_ms * count_n / intervals, count_n,
                      count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum",
            $classes,
            "  from interval_5min
               where detector_id = any($1) and bucket >= $7 and bucket < $8
               union all
               select bucket, detector_id, intervals, good, duration_ms,
                      duration_ms * count_n / intervals, count_n,
                      count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum",
            $classes,
            "  from interval_5min
               where detector_id = any($1) and bucket >= $9 and bucket < $10
             ) as part
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
const ROLLUP: &str = rollup!("", "");
const ROLLUP_CLASSES: &str = rollup!(
    ", motorcycle, bicycle, car, van, bus, truck2, truck3, trailer, other, pedestrian ",
    ", sum(motorcycle)::int8, sum(bicycle)::int8, sum(car)::int8, sum(van)::int8, sum(bus)::int8,
       sum(truck2)::int8, sum(truck3)::int8, sum(trailer)::int8, sum(other)::int8,
       sum(pedestrian)::int8"
);

/// Number of the first class column.
const FIRST_CLASS: usize = 14;

type Span = (DateTime<Utc>, DateTime<Utc>);

/// Which part of a span comes from which rollup; empty spans are possible.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    days: Span,
    hours: Span,
    /// Before and after the hours.
    five_minutes: [Span; 2],
}

/// Cuts `from..to`: whole stored days first, then whole stored hours, then 5 minutes.
fn parts(basis: SeriesBasis, (from, to): Span, state: &RollupState, zone: Tz) -> Parts {
    let days_to = match basis {
        SeriesBasis::Days if state.zone == zone.name() => state.days_before.clamp(from, to),
        SeriesBasis::Days | SeriesBasis::Hours | SeriesBasis::FiveMinutes | SeriesBasis::Raw => {
            from
        }
    };
    let hours = match basis {
        SeriesBasis::Hours | SeriesBasis::Days => {
            let begin = hour_of(days_to + TimeDelta::hours(1) - TimeDelta::microseconds(1)).min(to);
            (begin, hour_of(state.built_before.clamp(begin, to.max(begin))).max(begin))
        }
        SeriesBasis::FiveMinutes | SeriesBasis::Raw => (from, from),
    };
    Parts { days: (from, days_to), hours, five_minutes: [(days_to, hours.0), (hours.1, to)] }
}

impl Store {
    /// Sums per bucket and lane or zone, in that order. Empty buckets have no row.
    pub async fn series(&self, asked: SeriesAsked<'_>) -> Result<Vec<SeriesRow>, StoreError> {
        let edges = asked.edges;
        let (Some(from), Some(to)) = (edges.first(), edges.last()) else { return Ok(Vec::new()) };
        let failed = |error| StoreError::of("read a series", error);
        let rows = match asked.basis {
            SeriesBasis::Raw => {
                let sql = if asked.classes { RAW_CLASSES } else { RAW };
                let (bad, away) = (!quality::LATE, quality::OFF_PRESET);
                let client = self.reader().await?;
                client.query(sql, &[&asked.detectors, from, to, &edges, &bad, &away]).await
            }
            SeriesBasis::FiveMinutes | SeriesBasis::Hours | SeriesBasis::Days => {
                self.rolled_up(&asked, (*from, *to)).await?
            }
        };
        let rows = rows.map_err(failed)?;
        let row = |row| series_row(row, asked.classes);
        rows.iter().map(row).collect::<Result<_, _>>().map_err(failed)
    }

    /// One moment of the database: how far the rollups have come, and the rows.
    async fn rolled_up(
        &self,
        asked: &SeriesAsked<'_>,
        span: Span,
    ) -> Result<Result<Vec<Row>, tokio_postgres::Error>, StoreError> {
        let failed = |error| StoreError::of("read a series", error);
        let mut client = self.reader().await?;
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await
            .map_err(failed)?;
        let state = RollupState::load(&*transaction).await?;
        let Parts { days, hours, five_minutes: [before, after] } =
            parts(asked.basis, span, &state, asked.zone);
        let mut borders = day_borders(days.0, days.1, asked.zone);
        if borders.is_empty() {
            borders.push(span.0);
        }
        let sql = if asked.classes { ROLLUP_CLASSES } else { ROLLUP };
        let rows = transaction
            .query(
                sql,
                &[
                    &asked.detectors,
                    &asked.edges,
                    &days.0,
                    &days.1,
                    &hours.0,
                    &hours.1,
                    &before.0,
                    &before.1,
                    &after.0,
                    &after.1,
                    &borders,
                    &state.kept_since,
                ],
            )
            .await;
        transaction.commit().await.map_err(failed)?;
        Ok(rows)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn state(built_before: &str, days_before: &str, zone: Tz) -> RollupState {
        RollupState {
            closed_before: at(built_before),
            built_before: at(built_before),
            days_before: at(days_before),
            kept_since: DateTime::UNIX_EPOCH,
            lowered: 0,
            zone: zone.name().to_owned(),
        }
    }

    fn span(from: &str, to: &str) -> Span {
        (at(from), at(to))
    }

    #[test]
    fn a_series_of_days_takes_days_then_hours_then_5_minutes() {
        let zone = chrono_tz::Asia::Kathmandu;
        let state = state("2026-03-03T09:00:00Z", "2026-03-02T18:15:00Z", zone);
        let asked = span("2026-02-28T18:15:00Z", "2026-03-03T18:15:00Z");
        let found = parts(SeriesBasis::Days, asked, &state, zone);
        assert_eq!(found.days, span("2026-02-28T18:15:00Z", "2026-03-02T18:15:00Z"));
        assert_eq!(found.hours, span("2026-03-02T19:00:00Z", "2026-03-03T09:00:00Z"));
        let [before, after] = found.five_minutes;
        assert_eq!(before, span("2026-03-02T18:15:00Z", "2026-03-02T19:00:00Z"));
        assert_eq!(after, span("2026-03-03T09:00:00Z", "2026-03-03T18:15:00Z"));
    }

    #[test]
    fn what_is_not_built_is_read_from_5_minutes() {
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        let asked = span("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z");
        for (basis, built) in [
            (SeriesBasis::Hours, "2026-02-01T00:00:00Z"),
            (SeriesBasis::Days, "2026-02-01T00:00:00Z"),
            (SeriesBasis::FiveMinutes, "2026-04-01T00:00:00Z"),
        ] {
            let found = parts(basis, asked, &state(built, "1970-01-01T00:00:00Z", zone), zone);
            assert_eq!((found.days.0, found.days.1), (asked.0, asked.0), "{basis:?}");
            assert_eq!(found.hours.0, found.hours.1, "{basis:?}");
            let length = found.five_minutes.map(|(begin, end)| end - begin);
            assert_eq!(length[0] + length[1], TimeDelta::days(1), "{basis:?}");
        }
    }

    #[test]
    fn days_of_another_zone_are_not_taken() {
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        let state = state("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z", chrono_tz::UTC);
        let asked = span("2026-02-28T17:00:00Z", "2026-03-02T17:00:00Z");
        let found = parts(SeriesBasis::Days, asked, &state, zone);
        assert_eq!((found.days.0, found.days.1), (asked.0, asked.0));
        assert_eq!(found.hours, asked);
    }
}
