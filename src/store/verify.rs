//! Compares the rollups with what they are made of: 5 minutes with the intervals, hours and civil days
//! with the 5 minutes. Changes nothing.
//!
//! Each comparison is one statement and so one moment of the database: a hub may write meanwhile. What
//! is not stored yet, or marked as changed, is left out: readers sum it up themselves. The sums of the
//! 5 minutes are written apart from the program's own.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_postgres::{Client, Row};

use super::{
    StoreError,
    rollup::BUCKET_MS,
    rollup_build::{RollupState, hour_of},
};
use crate::day::day_borders;

const FIVE_MINUTES: &str = include_str!("verify_5min.sql");
const SPAN: &str = include_str!("verify_span.sql");
const HOUR: TimeDelta = TimeDelta::hours(1);
const BUCKET: TimeDelta = TimeDelta::milliseconds(BUCKET_MS);
/// Lanes and zones that one statement compares for a day: with one row every 30 s about a second.
const DETECTORS_MAX: usize = 250;
/// Buckets of one table and day that are reported with their columns; of more, the first ones.
const DIFFERENT_MAX: i64 = 200;
/// Differences that are listed in all; there may be as many as there are values.
const LISTED_MAX: usize = 100_000;

/// What is to be compared.
#[derive(Debug, Clone)]
pub struct Scope {
    /// First instant; widened to its civil day.
    pub from: DateTime<Utc>,
    /// First instant after; widened to its civil day.
    pub to: DateTime<Utc>,
    /// Intervals before this may be gone: 5 minutes before it are not compared.
    pub intervals_since: DateTime<Utc>,
    /// Zone of the civil days.
    pub zone: Tz,
    /// Only this device.
    pub source: Option<String>,
}

/// One column of one bucket that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `interval_reading`, `interval_5min`, `interval_1h` or `interval_1d`.
    pub table: &'static str,
    /// Device and its lane or zone.
    pub detector: String,
    /// Begin of the bucket or of the interval.
    pub bucket: DateTime<Utc>,
    /// Column; `row` when the bucket is missing on one side.
    pub column: String,
    /// Stored value; null when there is none.
    pub stored: Option<String>,
    /// Value that its rows give; null when there is none.
    pub recomputed: Option<String>,
}

/// What a comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Buckets of 5 minutes that were compared.
    pub five_minutes: i64,
    /// Hours that were compared.
    pub hours: i64,
    /// Civil days that were compared.
    pub days: i64,
    /// Rows whose quality bits were compared.
    pub rows: i64,
    /// Differences, in the order of days and tables.
    pub differences: Vec<Difference>,
    /// Whether there are more differences than listed.
    pub more: bool,
}

impl Verified {
    fn add(&mut self, table: Table, found: Found) {
        match table {
            Table::FiveMinutes => self.five_minutes += found.checked,
            Table::Hours => self.hours += found.checked,
            Table::Days => self.days += found.checked,
        }
        self.more |= found.more;
        self.add_all(found.differences);
    }

    /// Adds differences, of which a bounded number is listed.
    pub(super) fn add_all(&mut self, differences: Vec<Difference>) {
        self.differences.extend(differences);
        self.more |= self.differences.len() > LISTED_MAX;
        self.differences.truncate(LISTED_MAX);
    }
}

#[derive(Debug, Clone, Copy)]
enum Table {
    FiveMinutes,
    Hours,
    Days,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::FiveMinutes => "interval_5min",
            Self::Hours => "interval_1h",
            Self::Days => "interval_1d",
        }
    }
}

#[derive(Debug)]
struct Found {
    checked: i64,
    differences: Vec<Difference>,
    more: bool,
}

/// Lanes and zones with their names.
type Detectors = [(i32, String)];

/// Compares everything of the scope, day by day; `progress` is called after each day with its begin and
/// all that was found so far.
pub async fn verify(
    client: &Client,
    scope: &Scope,
    mut progress: impl FnMut(DateTime<Utc>, &Verified),
) -> Result<Verified, StoreError> {
    let detectors = detectors(client, scope.source.as_deref()).await?;
    let mut verified = Verified::default();
    for day in day_borders(scope.from, scope.to, scope.zone).windows(2) {
        for some in detectors.chunks(DETECTORS_MAX) {
            verify_span(client, some, scope, (day[0], day[1]), &mut verified).await?;
        }
        progress(day[0], &verified);
    }
    Ok(verified)
}

/// Begin of the oldest 5 minutes that are kept; null when there are none.
pub async fn oldest(client: &Client) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = "select min(o.bucket) from detector d cross join lateral ( \
                 select f.bucket from interval_5min f where f.detector_id = d.id \
                 order by f.bucket limit 1) o";
    let row = client.query_one(sql, &[]).await;
    row.and_then(|row| row.try_get(0))
        .map_err(|error| StoreError::of("find the oldest 5-minute row", error))
}

/// One lane or zone and one hour, taken by chance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Lane or zone.
    pub detector_id: i32,
    /// Begin of the hour.
    pub hour: DateTime<Utc>,
}

/// Takes a lane or zone by chance and an hour of its history, `share` of the way from the first to `to`;
/// null when it has none.
pub async fn sample(
    client: &Client,
    since: DateTime<Utc>,
    to: DateTime<Utc>,
    share: f64,
) -> Result<Option<Sample>, StoreError> {
    // Those without rows are passed over: the next one by number that has some is taken, round the end.
    let sql = "with begin as materialized ( \
                 select floor(random() * (max(id) + 1))::int4 as id from detector) \
               (select d.id, o.bucket from detector d cross join lateral ( \
                  select f.bucket from interval_5min f \
                  where f.detector_id = d.id and f.bucket >= $1 order by f.bucket limit 1) o \
                where d.id >= (select id from begin) order by d.id limit 1) \
               union all \
               (select d.id, o.bucket from detector d cross join lateral ( \
                  select f.bucket from interval_5min f \
                  where f.detector_id = d.id and f.bucket >= $1 order by f.bucket limit 1) o \
                where d.id < (select id from begin) order by d.id limit 1) \
               limit 1";
    let row = client.query_opt(sql, &[&since]).await;
    let row = row.map_err(|error| StoreError::of("choose a bucket to check", error))?;
    Ok(row.and_then(|row| {
        let (first, last) = (hour_of(row.get(1)), hour_of(to));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a number of hours"
        )]
        let into = ((last - first).num_hours().max(0) as f64 * share) as i64;
        let hour = first.checked_add_signed(TimeDelta::hours(into))?;
        Some(Sample { detector_id: row.get(0), hour })
    }))
}

/// Compares one hour of one lane or zone: its twelve buckets, the hour, and the day around it.
pub async fn verify_sample(
    client: &Client,
    sample: &Sample,
    zone: Tz,
) -> Result<Verified, StoreError> {
    let sql = "select d.source || ' ' || t.place from detector t join device d on d.id = t.device_id \
               where t.id = $1";
    let failed = |error| StoreError::of("name the lane or zone", error);
    let row = client.query_opt(sql, &[&sample.detector_id]).await.map_err(failed)?;
    let Some(row) = row else { return Ok(Verified::default()) };
    let detectors = [(sample.detector_id, row.get(0))];
    let (begin, end) = (sample.hour, sample.hour + HOUR);
    let mut verified = Verified::default();
    let table = Table::FiveMinutes;
    verified.add(table, five_minutes(client, &detectors, (begin, end)).await?);
    let table = Table::Hours;
    verified.add(table, spans(client, &detectors, table, &[begin, end]).await?);
    verify_days(client, &detectors, (begin, end), zone, &mut verified).await?;
    Ok(verified)
}

async fn verify_span(
    client: &Client,
    detectors: &Detectors,
    scope: &Scope,
    (begin, end): (DateTime<Utc>, DateTime<Utc>),
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let since = bucket_from(scope.intervals_since).max(begin);
    if since < end {
        verified.add(Table::FiveMinutes, five_minutes(client, detectors, (since, end)).await?);
    }
    // Hours belong to the day that they begin in.
    let mut hours = vec![hour_from(begin)];
    while let Some(hour) = hours.last().copied().filter(|hour| *hour < end) {
        hours.push(hour + HOUR);
    }
    verified.add(Table::Hours, spans(client, detectors, Table::Hours, &hours).await?);
    verify_days(client, detectors, (begin, end), scope.zone, verified).await
}

async fn verify_days(
    client: &Client,
    detectors: &Detectors,
    (begin, end): (DateTime<Utc>, DateTime<Utc>),
    zone: Tz,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    if RollupState::load(client).await?.zone != zone.name() {
        // They are days of another zone, which the hub builds anew.
        return Ok(());
    }
    let borders = day_borders(begin, end, zone);
    verified.add(Table::Days, spans(client, detectors, Table::Days, &borders).await?);
    Ok(())
}

/// The first bucket that begins at or after an instant.
fn bucket_from(time: DateTime<Utc>) -> DateTime<Utc> {
    let begin = time.duration_trunc(BUCKET).unwrap_or(time);
    if begin < time { begin + BUCKET } else { begin }
}

fn hour_from(time: DateTime<Utc>) -> DateTime<Utc> {
    let begin = hour_of(time);
    if begin < time { begin + HOUR } else { begin }
}

async fn detectors(
    client: &Client,
    source: Option<&str>,
) -> Result<Vec<(i32, String)>, StoreError> {
    let sql = "select t.id, d.source || ' ' || t.place \
               from detector t join device d on d.id = t.device_id \
               where $1::text is null or d.source = $1 order by t.id";
    let rows = client.query(sql, &[&source]).await;
    let rows = rows.map_err(|error| StoreError::of("list the detectors", error))?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

async fn five_minutes(
    client: &Client,
    detectors: &Detectors,
    (begin, end): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Found, StoreError> {
    let ids: Vec<i32> = detectors.iter().map(|(id, _)| *id).collect();
    let rows = client.query(FIVE_MINUTES, &[&ids, &begin, &end, &DIFFERENT_MAX]).await;
    let rows = rows.map_err(|error| StoreError::of("compare the 5 minutes", error))?;
    Ok(found(&rows, detectors, Table::FiveMinutes))
}

/// `borders` are the begins of the buckets and the end of the last.
async fn spans(
    client: &Client,
    detectors: &Detectors,
    table: Table,
    borders: &[DateTime<Utc>],
) -> Result<Found, StoreError> {
    let Some((end, begins)) = borders.split_last().filter(|(_, begins)| !begins.is_empty()) else {
        return Ok(found(&[], detectors, table));
    };
    let before = match table {
        Table::FiveMinutes | Table::Hours => "built_before",
        Table::Days => "days_before",
    };
    let sql = SPAN.replace("{table}", table.name()).replace("{before}", before);
    let ids: Vec<i32> = detectors.iter().map(|(id, _)| *id).collect();
    let rows = client.query(&sql, &[&ids, &begins, end, &DIFFERENT_MAX]).await;
    let rows = rows.map_err(|error| StoreError::of("compare hours and days", error))?;
    Ok(found(&rows, detectors, table))
}

/// The first row tells how many buckets were compared.
fn found(rows: &[Row], detectors: &Detectors, table: Table) -> Found {
    let Some((first, different)) = rows.split_first() else {
        return Found { checked: 0, differences: Vec::new(), more: false };
    };
    let differences = different.iter().flat_map(|row| {
        let (id, bucket) = (row.get::<_, i32>(0), row.get(1));
        let name = detectors.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name);
        let (stored, recomputed): (Option<Value>, Option<Value>) = (row.get(2), row.get(3));
        columns(table.name(), name, bucket, stored.as_ref(), recomputed.as_ref())
    });
    Found {
        checked: first.get(4),
        differences: differences.collect(),
        more: i64::try_from(different.len()).is_ok_and(|rows| rows >= DIFFERENT_MAX),
    }
}

/// The columns in which two rows differ.
fn columns(
    table: &'static str,
    detector: &str,
    bucket: DateTime<Utc>,
    stored: Option<&Value>,
    recomputed: Option<&Value>,
) -> Vec<Difference> {
    let difference = |column: &str, stored, recomputed| Difference {
        table,
        detector: detector.to_owned(),
        bucket,
        column: column.to_owned(),
        stored,
        recomputed,
    };
    let (Some(Value::Object(stored)), Some(Value::Object(recomputed))) = (stored, recomputed)
    else {
        let told = |row: Option<&Value>| row.map(|_row| "present".to_owned());
        return vec![difference("row", told(stored), told(recomputed))];
    };
    let value = |row: &Map<String, Value>, column| {
        row.get(column).filter(|value| !value.is_null()).map(ToString::to_string)
    };
    let sides = |column| (value(stored, column), value(recomputed, column));
    recomputed
        .keys()
        .map(|column| (column, sides(column)))
        .filter(|(_, (stored, recomputed))| stored != recomputed)
        .map(|(column, (stored, recomputed))| difference(column, stored, recomputed))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_name_their_columns() {
        let bucket = DateTime::UNIX_EPOCH;
        let of = |stored, recomputed| {
            columns("interval_1h", "vds-001 lane/1", bucket, stored, recomputed)
        };
        let stored = json!({"count_sum": 12, "bus": null, "good": 3});
        let other = json!({"count_sum": 13, "bus": 0, "good": 3});
        let found = of(Some(&stored), Some(&other));
        let told: Vec<_> = found
            .iter()
            .map(|d| (d.column.as_str(), d.stored.as_deref(), d.recomputed.as_deref()))
            .collect();
        assert_eq!(told, [("bus", None, Some("0")), ("count_sum", Some("12"), Some("13"))]);
        let gone = of(None, Some(&stored));
        assert_eq!(
            (gone.len(), gone[0].column.as_str(), gone[0].stored.as_ref()),
            (1, "row", None)
        );
        assert_eq!(of(Some(&stored), Some(&stored)), []);
    }

    #[test]
    fn only_whole_buckets_are_compared() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(bucket_from(at("2026-03-02T10:00:00Z")), at("2026-03-02T10:00:00Z"));
        assert_eq!(bucket_from(at("2026-03-02T10:00:01Z")), at("2026-03-02T10:05:00Z"));
        assert_eq!(hour_from(at("2026-03-01T18:15:00Z")), at("2026-03-01T19:00:00Z"));
    }
}
