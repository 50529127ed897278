//! Keeps the database at its size: drops old chunks, deletes old rows, fits chunks to the rate.
//!
//! Runs as the owner role. Dropping a chunk is a file operation; rows that are no time series
//! (quarantine, journal, sessions) are deleted in small numbers. Age counts from the newest message
//! that a source has told the time of: a clock of the hub that is years ahead must not remove everything.
//! Only what the law or safety limits, personal data and sessions, goes by the hub's clock alone.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio_postgres::Client;

use super::StoreError;

/// How long each kind of row is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Signal states and events.
    pub signal: TimeDelta,
    /// Traffic intervals.
    pub interval: TimeDelta,
    /// 5-minute rollup.
    pub rollup_5min: TimeDelta,
    /// Health, connection, incidents.
    pub health: TimeDelta,
    /// Metric values, and records of the one-stop system since their last step.
    pub record: TimeDelta,
    /// Quarantined messages.
    pub quarantine: TimeDelta,
    /// Quarantined messages of streams that may carry personal data.
    pub quarantine_personal: TimeDelta,
    /// Journal.
    pub journal: TimeDelta,
}

impl Retention {
    /// Day before which records of the one-stop system may be gone.
    pub fn records_since(&self, now: DateTime<Utc>) -> NaiveDate {
        (now - self.record).date_naive()
    }
}

/// What a run removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Chunks of time series.
    pub chunks: u64,
    /// Rows of other tables.
    pub rows: u64,
}

/// Sources that are not in service are forgotten with the last of their messages.
const FORGET_STRANGERS: &str = "delete from source_state s where last_seen < $1 and not exists \
    (select from device d where d.source = s.source and d.retired_at is null)";

/// Removes what is older than its time.
pub async fn enforce(
    client: &Client,
    retention: &Retention,
    now: DateTime<Utc>,
) -> Result<Removed, StoreError> {
    let failed = |error| StoreError::of("drop old chunks", error);
    let mut removed = Removed::default();
    let clock = now;
    let now = newest(client).await?.map_or(clock, |newest| newest.min(clock));
    let five_minutes = forget_before(client, now - retention.rollup_5min).await?;
    for (table, before) in [
        ("signal_state", now - retention.signal),
        ("signal_event", now - retention.signal),
        ("interval_reading", now - retention.interval),
        ("interval_5min", five_minutes),
        ("health", now - retention.health),
        ("connection", now - retention.health),
        ("incident", now - retention.health),
        ("metric_value", now - retention.record),
    ] {
        let dropped = client
            .query("select drop_chunks($1::text::regclass, $2::timestamptz)", &[&table, &before])
            .await
            .map_err(failed)?;
        removed.chunks += dropped.len() as u64;
    }
    let failed = |error| StoreError::of("delete old rows", error);
    let quarantined = now - retention.quarantine;
    for (sql, before) in [
        ("delete from quarantine where not personal and received_at < $1", quarantined),
        (
            "delete from quarantine where personal and received_at < $1",
            clock - retention.quarantine_personal,
        ),
        ("delete from gap where closed_at < $1", quarantined),
        ("delete from gap where missing is null and first_seen < $1", quarantined),
        (FORGET_STRANGERS, quarantined),
        ("delete from journal where at < $1", now - retention.journal),
        ("delete from alarm_transition where at < $1", now - retention.journal),
        ("delete from alarm_works where to_at < $1", now - retention.journal),
        (
            "delete from notification where state <> 'waiting' and made_at < $1",
            now - retention.health,
        ),
        ("delete from session where expires_at < $1", clock),
    ] {
        removed.rows += client.execute(sql, &[&before]).await.map_err(failed)?;
    }
    for sql in RECORDS {
        removed.rows += client.execute(*sql, &[&(now - retention.record)]).await.map_err(failed)?;
    }
    Ok(removed)
}

/// Records that are over, with their steps. What was summed up of them stays. Documents stay while they
/// are valid.
const RECORDS: &[&str] = &[
    "with gone as ( \
       delete from dossier where status_at < $1 and (ended_at is not null or received_at is null) \
       returning device_id, dossier) \
     delete from dossier_step s using gone g where s.device_id = g.device_id and s.dossier = g.dossier",
    "with gone as ( \
       delete from petition where status_at < $1 and ended_at is not null \
       returning device_id, petition) \
     delete from petition_step s using gone g where s.device_id = g.device_id and s.petition = g.petition",
    "with gone as ( \
       delete from document where state_at < $1 and withdrawn_at is not null \
       returning device_id, document) \
     delete from document_step s using gone g where s.device_id = g.device_id and s.document = g.document",
    "delete from assessment where time < $1",
];

/// The newest time that a source has told; null before the first.
async fn newest(client: &Client) -> Result<Option<DateTime<Utc>>, StoreError> {
    client
        .query_one("select max(last_time) from source_state", &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| StoreError::of("find the newest message", error))
}

/// Lets go of the 5-minute rows before `before`, as far as their hours and days are built and unmarked:
/// those are kept and never built again. Answers how far that is.
async fn forget_before(
    client: &Client,
    before: DateTime<Utc>,
) -> Result<DateTime<Utc>, StoreError> {
    client
        .query_one(
            "update rollup_state set kept_since = greatest(kept_since, least( \
               $1, built_before, days_before, (select min(hour) from rollup_dirty))) \
             returning kept_since",
            &[&before],
        )
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| StoreError::of("let go of old 5-minute rows", error))
}

/// Chunk lengths to choose from, hours, with the largest rate in rows per second that each is for.
/// With about 110 bytes a row and its index entry a chunk stays below about 2 GB.
const CHUNKS: [(u64, i64); 4] = [(5_000, 1), (800, 6), (200, 24), (0, 72)];

/// Chunk length in hours for a rate in rows per second.
pub fn chunk_hours(rows_per_s: u64) -> i64 {
    CHUNKS.iter().find(|(from, _)| rows_per_s >= *from).map_or(24, |(_, hours)| *hours)
}

/// Fits the chunks of the fast tables to the registered devices. Existing chunks stay as they are.
/// Returns the chosen hours of intervals and of signal states.
pub async fn fit_chunks(client: &Client) -> Result<(i64, i64), StoreError> {
    let failed = |error| StoreError::of("fit the chunks to the rate", error);
    let row = client
        .query_one(
            "select \
               coalesce(sum(1000.0 / d.period_ms) filter (where d.service in ('vds', 'cctv')), 0)::float8, \
               (select coalesce(sum(1000.0 / period_ms), 0)::float8 from device \
                  where service = 'signal' and retired_at is null and period_ms is not null) \
             from device d join detector t on t.device_id = d.id \
             where d.retired_at is null and d.period_ms is not null",
            &[],
        )
        .await
        .map_err(failed)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate of rows per second, never negative"
    )]
    let whole = |rate: f64| rate as u64;
    let hours = (chunk_hours(whole(row.get(0))), chunk_hours(whole(row.get(1))));
    for (table, hours) in
        [("interval_reading", hours.0), ("signal_state", hours.1), ("signal_event", hours.1)]
    {
        client
            .query(
                "select set_chunk_time_interval($1::text::regclass, make_interval(hours => $2::int4)) \
                 from _timescaledb_catalog.dimension x join _timescaledb_catalog.hypertable h \
                   on h.id = x.hypertable_id \
                 where h.table_name = $1 and x.interval_length <> $2::int8 * 3600000000",
                &[&table, &i32::try_from(hours).unwrap_or(24)],
            )
            .await
            .map_err(failed)?;
    }
    Ok(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_get_shorter_as_the_rate_grows() {
        assert_eq!(chunk_hours(16), 72);
        assert_eq!(chunk_hours(468), 24);
        assert_eq!(chunk_hours(1_695), 6);
        assert_eq!(chunk_hours(28_000), 1);
    }
}
