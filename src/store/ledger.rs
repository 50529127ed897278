//! The ledger of seq in the database: read at connect, written in the transaction of every batch.
//!
//! The hub's writer is the only one that writes these tables, so it numbers their rows itself. A batch
//! without holes costs one statement; nothing is staged in temporary tables.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Source, Stream, Topic, health::Status};
use tokio_postgres::{Client, Row, Statement, Transaction};

use super::StoreError;
use crate::ledger::{Delta, Gap, GapChange, Ledger, Run, RunChange, Span, connection::Connections};

const OPEN_RUNS: &str = "
    insert into seq_run (id, source, service, stream, boot, first_seq, last_seq)
    select * from unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[],
                         $7::int8[])";

const MOVE_RUNS: &str = "
    update seq_run r set first_seq = n.first_seq, last_seq = n.last_seq
    from unnest($1::int4[], $2::int8[], $3::int8[]) n (id, first_seq, last_seq)
    where r.id = n.id";

const CLOSE_RUNS: &str = "delete from seq_run where id = any($1)";

const WRITE_GAPS: &str = "
    insert into gap as g (id, source, service, stream, boot, from_seq, to_seq, missing, spans,
                          first_seen, closed_at)
    select id, source, service, stream, boot, from_seq, to_seq, missing, spans::int8[], first_seen,
           closed_at
    from unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::int8[], $6::int8[], $7::int8[],
                $8::int8[], $9::text[], $10::timestamptz[], $11::timestamptz[])
      n (id, source, service, stream, boot, from_seq, to_seq, missing, spans, first_seen, closed_at)
    on conflict (id) do update set to_seq = excluded.to_seq, missing = excluded.missing,
      spans = excluded.spans, first_seen = excluded.first_seen, closed_at = excluded.closed_at";

const JOIN_GAPS: &str = "delete from gap where id = any($1)";

/// Forgets the streams of sources that retention has forgotten. Only here, because the ledger in memory
/// must hold what the tables do.
const FORGET: &str = "
    delete from {table} t
    where not exists (select from source_state s where s.source = t.source)
      and not exists (select from device d where d.source = t.source)";

/// Reads the ledger.
pub(super) async fn load(client: &Client) -> Result<Ledger, StoreError> {
    let failed = |error| StoreError::of("read the ledger of seq", error);
    for table in ["seq_run", "gap"] {
        client.execute(&FORGET.replace("{table}", table), &[]).await.map_err(failed)?;
    }
    let runs = client
        .query(
            "select r.id, r.source, r.service, r.stream, r.boot, r.first_seq, r.last_seq,
                    d.source is null as stranger
             from seq_run r left join device d on d.source = r.source and d.retired_at is null
             order by r.source, r.service, r.stream, r.boot",
            &[],
        )
        .await
        .map_err(failed)?;
    let gaps = client
        .query(
            "select id, source, service, stream, boot, from_seq, to_seq, spans, first_seen from gap
             where closed_at is null and missing is not null
             order by source, service, stream, boot, from_seq",
            &[],
        )
        .await
        .map_err(failed)?;
    let last = client
        .query_one(
            "select (select coalesce(max(id), 0) from seq_run)::int4,
                    (select coalesce(max(id), 0) from gap)::int8",
            &[],
        )
        .await
        .map_err(failed)?;
    let mut open: std::collections::HashMap<(Topic, u32), Vec<Arc<Gap>>> =
        std::collections::HashMap::new();
    for row in &gaps {
        if let Some(key) = boot(row) {
            open.entry(key).or_default().push(Arc::new(gap(row)));
        }
    }
    let mut strangers = std::collections::HashSet::new();
    let mut boots = Vec::with_capacity(runs.len());
    for row in &runs {
        let Some(key) = boot(row) else { continue };
        if row.get("stranger") {
            strangers.insert(key.0.clone());
        }
        let gaps = open.remove(&key).unwrap_or_default();
        let (topic, boot) = key;
        let number = |column: &str| unsigned(row.get(column));
        let (first, last) = (number("first_seq"), number("last_seq"));
        boots.push((topic, Run { id: row.get("id"), boot, first, last, gaps: gaps.into() }));
    }
    Ok(Ledger::restore(boots, strangers.len(), last.get(0), last.get(1)))
}

/// Reads the latest status of every device.
pub(super) async fn load_connections(client: &Client) -> Result<Connections, StoreError> {
    let rows = client
        .query("select device_id, boot, payload from current_value where stream = 'status'", &[])
        .await
        .map_err(|error| StoreError::of("read the connections of devices", error))?;
    let status = |row: &Row| {
        let boot = u32::try_from(row.get::<_, i64>("boot")).ok()?;
        let told: serde_json::Value = serde_json::from_slice(row.get("payload")).ok()?;
        let online = told.get("online")?.as_bool()?;
        Some((row.get("device_id"), Status { online, boot }))
    };
    Ok(Connections::restore(rows.iter().filter_map(status)))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn boot(row: &Row) -> Option<(Topic, u32)> {
    let topic = Topic {
        service: Service::parse(row.get("service"))?,
        source: Source::parse(row.get("source")).ok()?,
        stream: Stream::parse(row.get("stream"))?,
    };
    Some((topic, u32::try_from(row.get::<_, i64>("boot")).ok()?))
}

fn gap(row: &Row) -> Gap {
    let spans: Vec<i64> = row.get("spans");
    let spans = spans.chunks_exact(3).map(|span| Span {
        from: unsigned(span[0]),
        to: unsigned(span[1]),
        missing: unsigned(span[2]),
    });
    Gap {
        id: row.get("id"),
        from: unsigned(row.get("from_seq")),
        to: unsigned(row.get("to_seq")),
        first_seen: row.get("first_seen"),
        spans: spans.collect(),
    }
}

/// Prepared statements of the ledger on one connection.
pub(super) struct Statements {
    open_runs: Statement,
    move_runs: Statement,
    close_runs: Statement,
    write_gaps: Statement,
    join_gaps: Statement,
}

impl Statements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let prepare = async |sql: &str| {
            let prepared = client.prepare(sql).await;
            prepared.map_err(|error| StoreError::of("prepare the ledger of seq", error))
        };
        Ok(Self {
            open_runs: prepare(OPEN_RUNS).await?,
            move_runs: prepare(MOVE_RUNS).await?,
            close_runs: prepare(CLOSE_RUNS).await?,
            write_gaps: prepare(WRITE_GAPS).await?,
            join_gaps: prepare(JOIN_GAPS).await?,
        })
    }

    /// Writes what a batch changed.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        delta: &Delta<'_>,
    ) -> Result<(), StoreError> {
        self.write_all(transaction, delta)
            .await
            .map_err(|error| StoreError::of("write the ledger of seq", error))
    }

    async fn write_all(
        &self,
        transaction: &Transaction<'_>,
        delta: &Delta<'_>,
    ) -> Result<(), tokio_postgres::Error> {
        if !delta.opened.is_empty() {
            self.open(transaction, &delta.opened).await?;
        }
        if !delta.moved.is_empty() {
            let ids: Vec<i32> = delta.moved.iter().map(|run| run.id).collect();
            let first: Vec<i64> = delta.moved.iter().map(|run| signed(run.first)).collect();
            let last: Vec<i64> = delta.moved.iter().map(|run| signed(run.last)).collect();
            transaction.execute(&self.move_runs, &[&ids, &first, &last]).await?;
        }
        if !delta.closed.is_empty() {
            transaction.execute(&self.close_runs, &[&delta.closed]).await?;
        }
        if !delta.gaps.is_empty() {
            self.write_gaps(transaction, &delta.gaps).await?;
        }
        if !delta.joined.is_empty() {
            transaction.execute(&self.join_gaps, &[&delta.joined]).await?;
        }
        Ok(())
    }

    async fn open(
        &self,
        transaction: &Transaction<'_>,
        runs: &[RunChange<'_>],
    ) -> Result<u64, tokio_postgres::Error> {
        let ids: Vec<i32> = runs.iter().map(|run| run.id).collect();
        let [source, service, stream] = levels(runs.iter().map(|run| run.topic));
        let boots: Vec<i64> = runs.iter().map(|run| i64::from(run.boot)).collect();
        let first: Vec<i64> = runs.iter().map(|run| signed(run.first)).collect();
        let last: Vec<i64> = runs.iter().map(|run| signed(run.last)).collect();
        transaction
            .execute(&self.open_runs, &[&ids, &source, &service, &stream, &boots, &first, &last])
            .await
    }

    async fn write_gaps(
        &self,
        transaction: &Transaction<'_>,
        gaps: &[GapChange<'_>],
    ) -> Result<u64, tokio_postgres::Error> {
        let ids: Vec<i64> = gaps.iter().map(|gap| gap.id).collect();
        let [source, service, stream] = levels(gaps.iter().map(|gap| gap.topic));
        let boots: Vec<i64> = gaps.iter().map(|gap| i64::from(gap.boot)).collect();
        let bound = |end: fn((u64, u64)) -> u64| -> Vec<Option<i64>> {
            gaps.iter().map(|gap| gap.bounds.map(end).map(signed)).collect()
        };
        let (from, to) = (bound(|bounds| bounds.0), bound(|bounds| bounds.1));
        let missing: Vec<Option<i64>> = gaps.iter().map(|gap| gap.missing().map(signed)).collect();
        let spans: Vec<Option<String>> =
            gaps.iter().map(|gap| gap.spans.as_deref().map(array)).collect();
        let first_seen: Vec<DateTime<Utc>> = gaps.iter().map(|gap| gap.first_seen).collect();
        let closed_at: Vec<Option<DateTime<Utc>>> = gaps.iter().map(|gap| gap.closed_at).collect();
        transaction
            .execute(
                &self.write_gaps,
                &[
                    &ids,
                    &source,
                    &service,
                    &stream,
                    &boots,
                    &from,
                    &to,
                    &missing,
                    &spans,
                    &first_seen,
                    &closed_at,
                ],
            )
            .await
    }
}

/// Source, service and stream of each topic.
fn levels<'i>(topics: impl Iterator<Item = &'i Topic>) -> [Vec<&'i str>; 3] {
    let mut levels = [Vec::new(), Vec::new(), Vec::new()];
    for topic in topics {
        let of_topic = [topic.source.as_str(), topic.service.as_str(), topic.stream.as_str()];
        for (level, text) in levels.iter_mut().zip(of_topic) {
            level.push(text);
        }
    }
    levels
}

/// Numbers of messages stay below 2^53.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The text of an array of the database: arrays of arrays lose their borders in `unnest`.
fn array(spans: &[Span]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("{");
    for (at, span) in spans.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _infallible = write!(text, "{comma}{},{},{}", span.from, span.to, span.missing);
    }
    text.push('}');
    text
}
