//! States of detectors as the API reads them, and what people declare bad.

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_postgres::Row;

use super::{
    Store, StoreError,
    journal::{self, JournalEntry},
};

/// A time in which a check of a detector was open.
#[derive(Debug, Clone)]
pub struct StateRow {
    /// Number.
    pub id: i64,
    /// Device.
    pub source: String,
    /// Lane, zone, channel or phase; empty for the whole device.
    pub place: String,
    /// Word of the check.
    pub check: String,
    /// Begin of the first row that it marked.
    pub since: DateTime<Utc>,
    /// Begin of the first row that it marked no more; null while it is open.
    pub until: Option<DateTime<Utc>>,
    /// What was measured when it opened.
    pub value: Option<f32>,
    /// The limit of it.
    pub limit: Option<f32>,
}

/// Which states: newest numbers first.
#[derive(Debug, Clone, Default)]
pub struct StateFilter {
    /// Only of this device.
    pub source: Option<String>,
    /// Only of this lane, zone, channel or phase.
    pub place: Option<String>,
    /// Only of these checks; empty for all.
    pub checks: Vec<String>,
    /// True for open ones, false for the others.
    pub open: Option<bool>,
    /// Open at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Opened before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only older than this number.
    pub before_id: Option<i64>,
    /// Most rows.
    pub limit: i64,
}

/// A lane or zone to be declared bad.
#[derive(Debug, Clone)]
pub struct Declared<'a> {
    /// Device.
    pub source: &'a str,
    /// `lane/1`, `zone/north`.
    pub place: &'a str,
    /// First instant.
    pub from: DateTime<Utc>,
    /// First instant after; null while it lasts.
    pub to: Option<DateTime<Utc>>,
    /// Why.
    pub reason: &'a str,
    /// Who says so.
    pub who: &'a str,
    /// When, hub clock.
    pub at: DateTime<Utc>,
}

impl Store {
    /// States of detectors.
    pub async fn detector_states(&self, filter: &StateFilter) -> Result<Vec<StateRow>, StoreError> {
        let failed = |error| StoreError::of("list the states of detectors", error);
        let sql = "select c.id, d.source, c.place, c.checked, c.since, c.until, c.value, c.limit_value \
                   from detector_check c join device d on d.id = c.device_id \
                   where ($1::text is null or d.source = $1) and ($2::text is null or c.place = $2) \
                     and (cardinality($3::text[]) = 0 or c.checked = any($3)) \
                     and ($4::bool is null or (c.until is null) = $4) \
                     and ($5::timestamptz is null or c.until is null or c.until > $5) \
                     and ($6::timestamptz is null or c.since < $6) \
                     and ($7::int8 is null or c.id < $7) \
                   order by c.id desc limit $8";
        let rows = self
            .reader()
            .await?
            .query(
                sql,
                &[
                    &filter.source,
                    &filter.place,
                    &filter.checks,
                    &filter.open,
                    &filter.from,
                    &filter.to,
                    &filter.before_id,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        let state = |row: &Row| {
            Ok(StateRow {
                id: row.try_get(0)?,
                source: row.try_get(1)?,
                place: row.try_get(2)?,
                check: row.try_get(3)?,
                since: row.try_get(4)?,
                until: row.try_get(5)?,
                value: row.try_get(6)?,
                limit: row.try_get(7)?,
            })
        };
        rows.iter().map(state).collect::<Result<_, _>>().map_err(failed)
    }

    /// Declares a lane or zone bad from an instant on, in place of what was declared of it from then on;
    /// its hours are judged again. Journalled. False when there is no such lane or zone in service.
    pub async fn declare_bad(&self, declared: &Declared<'_>) -> Result<bool, StoreError> {
        let failed = |error| StoreError::of("declare a detector bad", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let found = transaction
            .query_opt(
                "select t.id from detector t join device d on d.id = t.device_id \
                 where d.source = $1 and t.place = $2 and d.retired_at is null for update of t",
                &[&declared.source, &declared.place],
            )
            .await
            .map_err(failed)?;
        let Some(row) = found else { return Ok(false) };
        let id: i32 = row.get(0);
        let Declared { from, to, at, .. } = declared;
        // What was declared before ends where this begins.
        let ended = transaction
            .query(
                "update detector_forced set to_at = greatest(from_at, $2) \
                 where detector_id = $1 and (to_at is null or to_at > $2) returning from_at, to_at, reason",
                &[&id, from],
            )
            .await
            .map_err(failed)?;
        if to.is_none_or(|to| to > *from) {
            transaction
                .execute(
                    "insert into detector_forced (detector_id, from_at, to_at, reason, who, at) \
                     values ($1, $2, $3, $4, $5, $6)",
                    &[&id, from, to, &declared.reason, &declared.who, at],
                )
                .await
                .map_err(failed)?;
        }
        keep_states(&transaction, id).await.map_err(failed)?;
        let last = to.map_or(*at, |to| to.min(*at));
        let end = if ended.is_empty() { last } else { *at };
        transaction
            .execute(
                "insert into quality_dirty as q (detector_id, hour, marks) \
                 select $1, h, 1 from generate_series(date_trunc('hour', $2::timestamptz), \
                   date_trunc('hour', greatest($2, $3::timestamptz)) + interval '1 hour', interval '1 hour') as h \
                 order by h on conflict (detector_id, hour) do update set marks = q.marks + 1",
                &[&id, from, &end],
            )
            .await
            .map_err(failed)?;
        let before = ended.iter().map(|row| {
            let (from, to): (DateTime<Utc>, Option<DateTime<Utc>>) = (row.get(0), row.get(1));
            json!({"from": from, "to": to, "reason": row.get::<_, String>(2)})
        });
        let before: Vec<_> = before.collect();
        let object = format!("{}/{}", declared.source, declared.place);
        let entry = JournalEntry {
            at: *at,
            who: declared.who,
            action: "declare_detector_bad",
            object: &object,
            before: (!before.is_empty()).then(|| json!(before)),
            after: Some(json!({"from": from, "to": to, "reason": declared.reason})),
        };
        journal::insert(&transaction, &entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }
}

/// The states of a lane or zone that say since when it is declared bad, one for each span.
async fn keep_states(
    transaction: &tokio_postgres::Transaction<'_>,
    detector_id: i32,
) -> Result<(), tokio_postgres::Error> {
    let sql = "delete from detector_check where detector_id = $1 and checked = 'forced'";
    transaction.execute(sql, &[&detector_id]).await?;
    let sql = "insert into detector_check (device_id, place, detector_id, checked, since, until) \
               select t.device_id, t.place, t.id, 'forced', f.from_at, f.to_at \
               from detector_forced f join detector t on t.id = f.detector_id \
               where f.detector_id = $1 and (f.to_at is null or f.to_at > f.from_at) order by f.id";
    transaction.execute(sql, &[&detector_id]).await.map(|_rows| ())
}
