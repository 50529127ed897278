//! Traffic series: integer sums per lane or zone and bucket, from the rows themselves or from a rollup.
//! What a quantity is made of is decided by the reader of these sums.
//!
//! Hours and days that are not stored yet, or were changed since, are summed up from the 5 minutes in
//! the same moment of the database: every read is exact, and the same from every rollup.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_ingest::interval::CLASSES;
use tokio_postgres::{IsolationLevel, Row, types::ToSql};

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
    /// Start of the first interval; from a rollup the start of the bucket.
    pub first: DateTime<Utc>,
    /// Intervals without a quality bit.
    pub good: i64,
    /// Duration of all intervals, milliseconds; from a rollup only with classes.
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

impl SeriesBasis {
    /// `raw`, `5min`, `1h` or `1d`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::FiveMinutes => "5min",
            Self::Hours => "1h",
            Self::Days => "1d",
        }
    }
}

/// Sums beside the good intervals and counts, which always come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SeriesSums {
    /// Occupancy and its duration.
    pub occupancy: bool,
    /// Speed and its vehicles.
    pub speed: bool,
    /// Vehicle classes.
    pub classes: bool,
}

impl SeriesSums {
    /// Columns after the lane or zone: every sum that is not wanted costs time.
    fn columns(self) -> String {
        let sum = |name: &str| format!("sum({name})::int8");
        let wanted =
            |wanted: bool, name: &str| if wanted { sum(name) } else { "0::int8".to_owned() };
        let mut columns = vec![sum("good"), wanted(self.classes, "duration_ms"), sum("count_ms")];
        columns.push("case when sum(count_n) > 0 then sum(count_sum)::int8 end".to_owned());
        columns.extend(["occupancy_ms", "occupancy_sum"].map(|name| wanted(self.occupancy, name)));
        columns.extend(["speed_count", "speed_sum"].map(|name| wanted(self.speed, name)));
        // Headways are in the intervals only.
        columns.extend(["0::int8".to_owned(), "0::int8".to_owned()]);
        if self.classes {
            columns.extend(CLASS_COLUMNS.map(sum));
        }
        columns.join(", ")
    }
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
    /// Which sums are wanted; the others are 0 when they come from a rollup.
    pub sums: SeriesSums,
    /// All lanes and zones as one, number 0; from a rollup only.
    pub together: bool,
    /// Zone of the civil days.
    pub zone: Tz,
}

/// What a camera counted away from its home preset is no measurement of its zone: like the rollup,
/// these sums leave it out and only count the interval.
macro_rules! raw {
    ($classes:literal) => {
        concat!(
            "select width_bucket(time, $4::timestamptz[]) - 1 as at, detector_id, min(time),
                    count(*) filter (where quality & $5 = 0), sum(duration_ms)::int8,
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

const RAW: &str = raw!("");
const RAW_CLASSES: &str = raw!(
    ", sum(classes[1])::int8, sum(classes[2])::int8, sum(classes[3])::int8, sum(classes[4])::int8,
       sum(classes[5])::int8, sum(classes[6])::int8, sum(classes[7])::int8, sum(classes[8])::int8,
       sum(classes[9])::int8, sum(classes[10])::int8"
);
/// Text of the query for rolled-up series, with places for what is asked for.
const ROLLUP: &str = include_str!("series_rollup.sql");
const MARKED: &str = "\
    select exists (select from rollup_dirty \
    where detector_id = any($1) and hour > $2::timestamptz - interval '1 hour' and hour < $3)";
const CLASS_COLUMNS: [&str; CLASSES] = [
    "motorcycle",
    "bicycle",
    "car",
    "van",
    "bus",
    "truck2",
    "truck3",
    "trailer",
    "other",
    "pedestrian",
];

/// Number of the first class column.
const FIRST_CLASS: usize = 13;

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
                let sql = if asked.sums.classes { RAW_CLASSES } else { RAW };
                let (bad, away) = (!quality::HARMLESS, quality::OFF_PRESET);
                let client = self.reader().await?;
                client.query(sql, &[&asked.detectors, from, to, &edges, &bad, &away]).await
            }
            SeriesBasis::FiveMinutes | SeriesBasis::Hours | SeriesBasis::Days => {
                self.rolled_up(&asked, (*from, *to)).await?
            }
        };
        let rows = rows.map_err(failed)?;
        let row = |row| series_row(row, edges, asked.sums.classes);
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
        let marked = transaction.prepare_cached(MARKED).await.map_err(failed)?;
        let is_marked: bool = transaction
            .query_one(&marked, &[&asked.detectors, &days.0, &hours.1])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        let parameters: [&(dyn ToSql + Sync); 12] = [
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
        ];
        let (sql, parameters) = if is_marked {
            (ROLLUP.to_owned(), &parameters[..])
        } else {
            // Without the marks the last two parameters have no place.
            (unmarked(ROLLUP), &parameters[..10])
        };
        let lane = if asked.together { "0" } else { "detector_id" };
        let sql = sql.replace("{sums}", &asked.sums.columns()).replace("{lane}", lane);
        let statement = transaction.prepare_cached(&sql).await.map_err(failed)?;
        let rows = transaction.query(&statement, parameters).await;
        transaction.commit().await.map_err(failed)?;
        Ok(rows)
    }
}

/// The text of the query without what is about marks.
fn unmarked(sql: &str) -> String {
    let parts = sql.split("--{marked}");
    parts.map(|part| part.split_once("--{end}").map_or(part, |(_marked, rest)| rest)).collect()
}

fn series_row(
    row: &Row,
    edges: &[DateTime<Utc>],
    with_classes: bool,
) -> Result<SeriesRow, tokio_postgres::Error> {
    let bucket: i32 = row.try_get(0)?;
    let mut classes = [None; CLASSES];
    if with_classes {
        for (class, sum) in classes.iter_mut().enumerate() {
            *sum = row.try_get(FIRST_CLASS + class)?;
        }
    }
    let bucket = usize::try_from(bucket).unwrap_or(0);
    let first: Option<DateTime<Utc>> = row.try_get(2)?;
    Ok(SeriesRow {
        bucket,
        detector_id: row.try_get(1)?,
        first: first.or_else(|| edges.get(bucket).copied()).unwrap_or_default(),
        good: row.try_get(3)?,
        duration_ms: row.try_get(4)?,
        count_ms: row.try_get(5)?,
        count: row.try_get(6)?,
        occupancy_ms: row.try_get(7)?,
        occupancy_sum: row.try_get(8)?,
        speed_count: row.try_get(9)?,
        speed_sum: row.try_get(10)?,
        headway_count: row.try_get(11)?,
        headway_sum: row.try_get(12)?,
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
    fn without_marks_nothing_is_asked_of_the_list_of_marks() {
        let sql = unmarked(ROLLUP);
        assert!(!sql.contains("dirty") && !sql.contains("$11") && !sql.contains("$12"), "{sql}");
        assert_eq!(sql.matches("union all").count(), 3);
        assert_eq!(ROLLUP.matches("union all").count(), 5);
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
