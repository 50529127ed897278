//! Marks of rows by the history of their detectors, with the rollups that count them, and the states of
//! detectors: on a connection of the quality task's own.
//!
//! Why the rollups stay exact beside the writer: the buckets are locked first, in the writer's order; then
//! their good rows and bits are counted anew. A batch that adds to a bucket has either committed, so its rows
//! are counted, or waits for the lock and adds to what was counted. The border of the closed hours is held
//! meanwhile, so every change of a closed hour is marked for the worker of the rollups. Nothing here need be
//! synced: a crash that loses some of it brings back what asked for it.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::interval::CLASSES;
use tokio_postgres::{Client, GenericClient, Row as SqlRow, Transaction};

use super::{Store, StoreError};
use crate::quality::{
    HARMLESS,
    check::Check,
    evaluate::{Episode, Row, Span},
    fold::{Fold, Turn},
};

const ROWS: &str = "\
    select detector_id, time, duration_ms, count, occupancy_e4, speed_e1_kmh, samples, \
      samples_expected, classes, quality \
    from interval_reading \
    where detector_id = any($1::int4[]) and time >= $2 and time < $3 \
    order by detector_id, time, duration_ms";
/// Nobody closes hours while this holds.
const HOLD: &str = "select closed_before from rollup_state for share";
const LOCK: &str = "\
    select from interval_5min f \
    join unnest($1::int4[], $2::timestamptz[]) as k (detector_id, bucket) \
      on f.detector_id = k.detector_id and f.bucket = k.bucket \
    where f.bucket >= $3 and f.bucket <= $4 \
    order by f.detector_id, f.bucket for update of f";
const MARK: &str = "\
    update interval_reading r set quality = m.quality \
    from unnest($1::int4[], $2::timestamptz[], $3::int4[], $4::int4[]) \
      as m (detector_id, time, duration_ms, quality) \
    where r.detector_id = m.detector_id and r.time = m.time and r.duration_ms = m.duration_ms \
      and r.time >= $5 and r.time <= $6 and r.quality <> m.quality";
const RECOUNT: &str = "\
    update interval_5min f set good = s.good, quality = s.quality \
    from ( \
      select k.detector_id, k.bucket, v.good, v.quality \
      from unnest($1::int4[], $2::timestamptz[]) as k (detector_id, bucket) \
      cross join lateral ( \
        select count(*) filter (where r.quality & $5 = 0)::int4 as good, bit_or(r.quality) as quality \
        from interval_reading r \
        where r.detector_id = k.detector_id and r.time >= k.bucket \
          and r.time < k.bucket + interval '5 minutes' \
          and r.time >= $3 and r.time < $4::timestamptz + interval '5 minutes' \
        having count(*) > 0 \
      ) v \
    ) s \
    where f.detector_id = s.detector_id and f.bucket = s.bucket and f.bucket >= $3 and f.bucket <= $4";
const DIRTY_ROLLUP: &str = "\
    insert into rollup_dirty as d (detector_id, hour, marks) \
    select k.detector_id, k.hour, 1 \
    from unnest($1::int4[], $2::timestamptz[]) as k (detector_id, hour) \
    order by k.detector_id, k.hour \
    on conflict (detector_id, hour) do update set marks = d.marks + 1";
const DIRTY: &str = "\
    select detector_id, hour, marks from quality_dirty \
    where (detector_id, hour) >= ($1, $2) order by detector_id, hour limit $3";
const CLEAN: &str = "\
    delete from quality_dirty d \
    using unnest($1::int4[], $2::timestamptz[], $3::int4[]) as k (detector_id, hour, marks) \
    where d.detector_id = k.detector_id and d.hour = k.hour and d.marks = k.marks";
/// Rows whose marks one transaction writes: some tens of milliseconds.
const MARKS_MAX: usize = 2_000;
/// Histories that are written at once: a city's as text are tens of megabytes.
const FOLDS_MAX: usize = 500;
/// Length of a bucket of the rollup.
const BUCKET_MS: i64 = 300_000;
const HOUR_MS: i64 = 3_600_000;

/// New bits of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Lane or zone.
    pub detector_id: i32,
    /// Begin of the period.
    pub time: DateTime<Utc>,
    /// Length of the period, milliseconds.
    pub duration_ms: u32,
    /// All bits.
    pub quality: i32,
}

/// States of one lane or zone to store.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// Lane or zone.
    pub detector_id: i32,
    /// To be removed, by number.
    pub gone: Vec<i64>,
    /// To be inserted, or updated where they have a number.
    pub kept: Vec<Episode>,
}

/// An hour that got rows to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirtyHour {
    /// Lane or zone.
    pub detector_id: i32,
    /// Begin of the hour.
    pub hour: DateTime<Utc>,
    /// Changes of it.
    pub marks: i32,
}

/// What is written together.
#[derive(Debug, Default)]
pub struct Work {
    /// Bits of rows.
    pub marks: Vec<Mark>,
    /// States.
    pub states: Vec<States>,
    /// Hours that are judged by it.
    pub clean: Vec<DirtyHour>,
}

impl Work {
    /// Whether there is nothing to write.
    pub const fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.states.is_empty() && self.clean.is_empty()
    }
}

/// From when on a lane or zone is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marking {
    /// Rows before this keep their marks.
    pub since: DateTime<Utc>,
    /// Number that changes with any threshold; null before the first.
    pub fingerprint: Option<i64>,
}

fn at(time_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(time_ms).unwrap_or_default()
}

fn begin_of(time: DateTime<Utc>, length_ms: i64) -> DateTime<Utc> {
    let time_ms = time.timestamp_millis();
    at(time_ms - time_ms.rem_euclid(length_ms))
}

fn unsigned<T: TryFrom<i32>>(value: Option<i32>) -> Option<T> {
    value.and_then(|value| T::try_from(value).ok())
}

fn row(row: &SqlRow) -> Result<(i32, Row), tokio_postgres::Error> {
    let small = |at: usize| row.try_get::<_, Option<i16>>(at).map(|v| unsigned(v.map(i32::from)));
    let stored: Option<Vec<Option<i32>>> = row.try_get(8)?;
    let classes = stored.map(|stored| {
        let mut classes = [None; CLASSES];
        for (class, count) in classes.iter_mut().zip(stored) {
            *class = unsigned(count);
        }
        classes
    });
    let read = Row {
        time: row.try_get(1)?,
        duration_ms: unsigned(row.try_get(2)?).unwrap_or(0),
        count: unsigned(row.try_get(3)?),
        occupancy_e4: small(4)?,
        speed_e1_kmh: small(5)?,
        samples: small(6)?,
        samples_expected: small(7)?,
        classes,
        quality: row.try_get(9)?,
    };
    Ok((row.try_get(0)?, read))
}

/// Rows of these lanes and zones by number, in the order of time.
pub async fn rows(
    client: &impl GenericClient,
    detectors: &[i32],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<HashMap<i32, Vec<Row>>, StoreError> {
    let failed = |error| StoreError::of("read the rows to judge", error);
    let found = client.query(ROWS, &[&detectors, &from, &to]).await.map_err(failed)?;
    let mut by_detector: HashMap<i32, Vec<Row>> = HashMap::new();
    for found in &found {
        let (detector_id, read) = row(found).map_err(failed)?;
        by_detector.entry(detector_id).or_default().push(read);
    }
    Ok(by_detector)
}

/// Spans in which people declared lanes and zones bad.
pub async fn forced(client: &impl GenericClient) -> Result<HashMap<i32, Vec<Span>>, StoreError> {
    let failed = |error| StoreError::of("read the detectors declared bad", error);
    let sql = "select detector_id, from_at, to_at from detector_forced order by id";
    let mut spans: HashMap<i32, Vec<Span>> = HashMap::new();
    for row in client.query(sql, &[]).await.map_err(failed)? {
        let (from, to): (DateTime<Utc>, Option<DateTime<Utc>>) = (row.get(1), row.get(2));
        let span = (from.timestamp_millis(), to.map(|to| to.timestamp_millis()));
        spans.entry(row.get(0)).or_default().push(span);
    }
    Ok(spans)
}

/// From when on each lane and zone is marked; others are from the begin on.
pub async fn markings(client: &impl GenericClient) -> Result<HashMap<i32, Marking>, StoreError> {
    let sql = "select detector_id, since, fingerprint from detector_marking";
    let rows = client.query(sql, &[]).await;
    let rows = rows.map_err(|error| StoreError::of("read what is marked", error))?;
    let marking = |row: &SqlRow| Marking { since: row.get(1), fingerprint: row.get(2) };
    Ok(rows.iter().map(|row| (row.get(0), marking(row))).collect())
}

/// Rows before this carry their marks.
pub async fn done_before(client: &impl GenericClient) -> Result<DateTime<Utc>, StoreError> {
    let row = client.query_one("select done_before from quality_state", &[]).await;
    row.and_then(|row| row.try_get(0))
        .map_err(|error| StoreError::of("read how far rows are marked", error))
}

/// Hours that are still to be judged, in order, from this one on.
pub async fn dirty(
    client: &impl GenericClient,
    from: (i32, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<DirtyHour>, StoreError> {
    let rows = client.query(DIRTY, &[&from.0, &from.1, &limit]).await;
    let rows = rows.map_err(|error| StoreError::of("read the hours to judge", error))?;
    let hour =
        |row: &SqlRow| DirtyHour { detector_id: row.get(0), hour: row.get(1), marks: row.get(2) };
    Ok(rows.iter().map(hour).collect())
}

/// A lane or zone, and a span of its time; an end of null is open.
pub type Touched = (i32, DateTime<Utc>, Option<DateTime<Utc>>);

/// States of checks that a detector's samples decide and that touch `from..to`; null is the end.
pub async fn episodes(
    client: &impl GenericClient,
    spans: &[Touched],
) -> Result<HashMap<i32, Vec<Episode>>, StoreError> {
    let failed = |error| StoreError::of("read the states of detectors", error);
    let ids: Vec<i32> = spans.iter().map(|(id, ..)| *id).collect();
    let from: Vec<DateTime<Utc>> = spans.iter().map(|(_, from, _)| *from).collect();
    let to: Vec<Option<DateTime<Utc>>> = spans.iter().map(|(.., to)| *to).collect();
    let rows = client
        .query(
            "select c.detector_id, c.id, c.checked, c.since, c.until, c.value, c.limit_value \
             from unnest($1::int4[], $2::timestamptz[], $3::timestamptz[]) as s (detector_id, from_at, to_at) \
             join detector_check c on c.detector_id = s.detector_id \
               and (c.until is null or c.until > s.from_at) and (s.to_at is null or c.since < s.to_at) \
             where c.checked = any($4::text[]) \
             order by c.detector_id, c.since, c.id",
            &[&ids, &from, &to, &Check::folded().map(Check::as_str).collect::<Vec<_>>()],
        )
        .await
        .map_err(failed)?;
    let mut found: HashMap<i32, Vec<Episode>> = HashMap::new();
    for row in &rows {
        let Some(check) = Check::parse(row.get(2)) else { continue };
        let (since, until): (DateTime<Utc>, Option<DateTime<Utc>>) = (row.get(3), row.get(4));
        found.entry(row.get(0)).or_default().push(Episode {
            id: row.get(1),
            check,
            since_ms: since.timestamp_millis(),
            until_ms: until.map(|until| until.timestamp_millis()),
            value: row.get::<_, Option<f32>>(5).unwrap_or_default(),
            limit: row.get::<_, Option<f32>>(6).unwrap_or_default(),
        });
    }
    Ok(found)
}

/// The task's own connection.
pub async fn connect(store: &Store) -> Result<Client, StoreError> {
    let client = store.connect().await?;
    // One that is cut off in mid-transaction, or waits for somebody, must not keep buckets locked.
    client
        .batch_execute(
            "set idle_in_transaction_session_timeout = '10s'; set synchronous_commit = off; \
             set lock_timeout = '3s'",
        )
        .await
        .map_err(|error| StoreError::of("prepare the marking of rows", error))?;
    store.notice_losses(&client).await;
    Ok(client)
}

/// Writes states, then marks with their rollups, then what is judged by them. Each step by itself: a crash
/// between them leaves what asked for them, and doing it again changes nothing.
pub async fn write(client: &mut Client, work: &Work) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("mark rows", error);
    if !work.states.is_empty() {
        let transaction = client.transaction().await.map_err(failed)?;
        for states in &work.states {
            keep(&transaction, states).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)?;
    }
    mark_all(client, &work.marks).await?;
    if !work.clean.is_empty() {
        let ids: Vec<i32> = work.clean.iter().map(|dirty| dirty.detector_id).collect();
        let hours: Vec<DateTime<Utc>> = work.clean.iter().map(|dirty| dirty.hour).collect();
        let marks: Vec<i32> = work.clean.iter().map(|dirty| dirty.marks).collect();
        client.execute(CLEAN, &[&ids, &hours, &marks]).await.map_err(failed)?;
    }
    Ok(())
}

/// Marks in the order of detectors and times, so many at a time that nobody waits long for their buckets.
async fn mark_all(client: &mut Client, marks: &[Mark]) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("mark rows", error);
    for marks in marks.chunks(MARKS_MAX) {
        let transaction = client.transaction().await.map_err(failed)?;
        let closed: DateTime<Utc> = transaction
            .query_one(HOLD, &[])
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?;
        mark(&transaction, marks, closed).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
    Ok(())
}

type Done = Result<(), tokio_postgres::Error>;

async fn mark(transaction: &Transaction<'_>, marks: &[Mark], closed: DateTime<Utc>) -> Done {
    let buckets: BTreeSet<(i32, DateTime<Utc>)> =
        marks.iter().map(|mark| (mark.detector_id, begin_of(mark.time, BUCKET_MS))).collect();
    let hours: BTreeSet<(i32, DateTime<Utc>)> = buckets
        .iter()
        .filter(|(_, bucket)| *bucket < closed)
        .map(|(id, bucket)| (*id, begin_of(*bucket, HOUR_MS)))
        .collect();
    let first = buckets.iter().map(|(_, bucket)| *bucket).min().unwrap_or_default();
    let last = buckets.iter().map(|(_, bucket)| *bucket).max().unwrap_or_default();
    let (ids, buckets): (Vec<i32>, Vec<DateTime<Utc>>) = buckets.into_iter().unzip();
    transaction.query(LOCK, &[&ids, &buckets, &first, &last]).await?;
    let row_ids: Vec<i32> = marks.iter().map(|mark| mark.detector_id).collect();
    let times: Vec<DateTime<Utc>> = marks.iter().map(|mark| mark.time).collect();
    let durations: Vec<i32> =
        marks.iter().map(|mark| i32::try_from(mark.duration_ms).unwrap_or(i32::MAX)).collect();
    let quality: Vec<i32> = marks.iter().map(|mark| mark.quality).collect();
    let (from, to) = (first, last + TimeDelta::milliseconds(BUCKET_MS));
    transaction.execute(MARK, &[&row_ids, &times, &durations, &quality, &from, &to]).await?;
    transaction.execute(RECOUNT, &[&ids, &buckets, &first, &last, &!HARMLESS]).await?;
    if !hours.is_empty() {
        let (ids, hours): (Vec<i32>, Vec<DateTime<Utc>>) = hours.into_iter().unzip();
        transaction.execute(DIRTY_ROLLUP, &[&ids, &hours]).await?;
    }
    Ok(())
}

async fn keep(transaction: &Transaction<'_>, states: &States) -> Done {
    if !states.gone.is_empty() {
        transaction
            .execute("delete from detector_check where id = any($1)", &[&states.gone])
            .await?;
    }
    for episode in &states.kept {
        let (since, until) = (at(episode.since_ms), episode.until_ms.map(at));
        if let Some(id) = episode.id {
            let sql = "update detector_check set since = $2, until = $3 where id = $1";
            transaction.execute(sql, &[&id, &since, &until]).await?;
            continue;
        }
        transaction
            .execute(
                "insert into detector_check \
                   (device_id, place, detector_id, checked, since, until, value, limit_value) \
                 select device_id, place, id, $2, $3, $4, $5, $6 from detector where id = $1",
                &[
                    &states.detector_id,
                    &episode.check.as_str(),
                    &since,
                    &until,
                    &episode.value,
                    &episode.limit,
                ],
            )
            .await?;
    }
    Ok(())
}

/// Closes the open state of a check of a lane or zone, or opens one: what came in order.
async fn turn(
    transaction: &Transaction<'_>,
    detector_id: i32,
    turn: &Turn,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("keep the state of a detector", error);
    let (time, check) = (at(turn.at_ms), turn.check.as_str());
    let done = if let Some((value, limit)) = turn.opened {
        transaction
            .execute(
                "insert into detector_check \
                   (device_id, place, detector_id, checked, since, value, limit_value) \
                 select device_id, place, id, $2, $3, $4, $5 from detector where id = $1",
                &[&detector_id, &check, &time, &value, &limit],
            )
            .await
    } else {
        let sql = "update detector_check set until = $3 \
                   where detector_id = $1 and checked = $2 and until is null";
        transaction.execute(sql, &[&detector_id, &check, &time]).await
    };
    done.map(|_rows| ()).map_err(failed)
}

/// Writes what came in order: what opened and closed, then marks.
pub async fn write_turns(
    client: &mut Client,
    marks: &[Mark],
    turns: &[(i32, Turn)],
) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("keep the states of detectors", error);
    if !turns.is_empty() {
        let transaction = client.transaction().await.map_err(failed)?;
        for (detector_id, one) in turns {
            turn(&transaction, *detector_id, one).await?;
        }
        transaction.commit().await.map_err(failed)?;
    }
    mark_all(client, marks).await
}

/// Keeps the histories before an instant, and that every row before it carries its marks.
pub async fn finish(
    client: &mut Client,
    before: DateTime<Utc>,
    mut folds: impl Iterator<Item = (i32, String)> + Send,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("keep the histories of detectors", error);
    let transaction = client.transaction().await.map_err(failed)?;
    loop {
        let (ids, states): (Vec<i32>, Vec<String>) = folds.by_ref().take(FOLDS_MAX).unzip();
        if ids.is_empty() {
            break;
        }
        transaction
            .execute(
                "insert into detector_fold (detector_id, before, state) \
                 select k.id, $3, k.state::jsonb from unnest($1::int4[], $2::text[]) as k (id, state) \
                 on conflict (detector_id) do update set before = excluded.before, state = excluded.state",
                &[&ids, &states, &before],
            )
            .await
            .map_err(failed)?;
    }
    let sql = "update quality_state set done_before = $1";
    transaction.execute(sql, &[&before]).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Histories of these detectors that hold the rows before an instant; those of another instant are left out.
pub async fn folds(
    client: &impl GenericClient,
    ids: &[i32],
    before: DateTime<Utc>,
) -> Result<HashMap<i32, Fold>, StoreError> {
    let sql = "select detector_id, state::text from detector_fold \
               where detector_id = any($1) and before = $2";
    let rows = client.query(sql, &[&ids, &before]).await;
    let rows = rows.map_err(|error| StoreError::of("read the histories of detectors", error))?;
    // What another build wrote in another form is read from the rows again.
    let fold = |row: &SqlRow| {
        let state: String = row.get(1);
        Some((row.get(0), serde_json::from_str(&state).ok()?))
    };
    Ok(rows.iter().filter_map(fold).collect())
}

/// Keeps from when on lanes and zones are marked.
pub async fn keep_markings(client: &Client, markings: &[(i32, Marking)]) -> Result<(), StoreError> {
    let ids: Vec<i32> = markings.iter().map(|(id, _)| *id).collect();
    let since: Vec<DateTime<Utc>> = markings.iter().map(|(_, marking)| marking.since).collect();
    let prints: Vec<Option<i64>> =
        markings.iter().map(|(_, marking)| marking.fingerprint).collect();
    let forget = "delete from detector_fold where detector_id = any($1)";
    let failed = |error| StoreError::of("keep what is marked", error);
    client.execute(forget, &[&ids]).await.map_err(failed)?;
    client
        .execute(
            "insert into detector_marking (detector_id, since, fingerprint) \
             select * from unnest($1::int4[], $2::timestamptz[], $3::int8[]) \
             on conflict (detector_id) do update \
               set since = excluded.since, fingerprint = excluded.fingerprint",
            &[&ids, &since, &prints],
        )
        .await
        .map(|_rows| ())
        .map_err(failed)
}
