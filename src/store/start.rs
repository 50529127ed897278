//! What the live view begins with, read once at start.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ioc_ingest::{
    Contract, Service, Source, Stream, Topic, Word as _,
    decode::decode,
    metric::{Bound, MetricValue},
};
use tokio_postgres::Client;

use super::StoreError;
use crate::{
    day::day_around,
    ledger::Figures,
    live::{
        desk::DeskStart,
        device::Counters,
        start::{Current, Start},
    },
};

const METRIC_LATEST: &str = include_str!("metric_latest.sql");

/// Reads everything.
pub(crate) async fn load(
    client: &Client,
    contract: &Contract,
    zone: Tz,
    now: DateTime<Utc>,
) -> Result<Start, StoreError> {
    let failed = |error| StoreError::of("read the current values", error);
    Ok(Start {
        sources: sources(client).await.map_err(failed)?,
        current: current(client, contract).await.map_err(failed)?,
        desk: desk(client, zone, now).await.map_err(failed)?,
        metrics: metrics(client).await.map_err(failed)?,
        alarms: Vec::new(),
    })
}

type Read<T> = Result<T, tokio_postgres::Error>;

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

async fn sources(client: &Client) -> Read<Vec<(Source, Service, DateTime<Utc>, Counters)>> {
    let rows = client
        .query(
            "select source, service, last_seen, messages, refused, duplicates, late, dropped, \
                    repeated, out_of_order, seq_reused, open_gaps, missing, restarts \
             from source_state",
            &[],
        )
        .await?;
    let source = |row: &tokio_postgres::Row| {
        let counters = Counters {
            messages: unsigned(row.get("messages")),
            refused: unsigned(row.get("refused")),
            duplicates: unsigned(row.get("duplicates")),
            late: unsigned(row.get("late")),
            dropped: unsigned(row.get("dropped")),
            repeated: unsigned(row.get("repeated")),
            out_of_order: unsigned(row.get("out_of_order")),
            seq_reused: unsigned(row.get("seq_reused")),
            loss: Figures {
                open_gaps: row.get("open_gaps"),
                missing: row.get("missing"),
                restarts: row.get("restarts"),
            },
        };
        let source = Source::parse(row.get("source")).ok()?;
        Some((source, Service::parse(row.get("service"))?, row.get("last_seen"), counters))
    };
    Ok(rows.iter().filter_map(source).collect())
}

async fn current(client: &Client, contract: &Contract) -> Read<Vec<Current>> {
    let rows = client
        .query(
            "select d.source, d.service, c.stream, c.received_at, c.payload \
             from current_value c join device d on d.id = c.device_id \
             where d.retired_at is null",
            &[],
        )
        .await?;
    let message = |row: &tokio_postgres::Row| {
        let topic = Topic {
            service: Service::parse(row.get("service"))?,
            source: Source::parse(row.get("source")).ok()?,
            stream: Stream::parse(row.get("stream"))?,
        };
        let payload: Vec<u8> = row.get("payload");
        // A message that an older program took and this one refuses is left out of the live view.
        let message = decode(contract, &topic.to_text(&contract.city), &payload).ok()?;
        let received_at = row.get("received_at");
        Some(Current { message: Arc::new(message), payload: payload.into(), received_at })
    };
    Ok(rows.iter().filter_map(message).collect())
}

async fn desk(client: &Client, zone: Tz, now: DateTime<Utc>) -> Read<DeskStart> {
    let (day, _) = day_around(now, zone);
    let counts =
        client.query("select status, channel, count(*) from ticket group by 1, 2", &[]).await?;
    let open = client
        .query(
            "select device_id, ticket, effective_due from ticket \
             where status not in ('resolved', 'published', 'closed', 'rejected', 'duplicate', 'transferred')",
            &[],
        )
        .await?;
    let today = client
        .query_one(
            "select (select count(*) from ticket where created_at >= $1), \
                    (select count(*) from ticket where handled_at >= $1), \
                    (select count(*) from call where direction = 'in' \
                       and coalesce(queued_at, answered_at, time) >= $1), \
                    (select count(*) from call where direction = 'in' and abandoned_at is not null \
                       and coalesce(queued_at, answered_at, time) >= $1), \
                    greatest((select max(status_at) from ticket), (select max(time) from call))",
            &[&day],
        )
        .await?;
    Ok(DeskStart {
        counts: counts.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect(),
        open: open.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect(),
        today: (today.get(0), today.get(1)),
        calls_today: (today.get(2), today.get(3)),
        latest: today.get(4),
    })
}

async fn metrics(client: &Client) -> Read<Vec<(String, MetricValue, DateTime<Utc>)>> {
    let rows = client.query(METRIC_LATEST, &[]).await?;
    let value = |row: &tokio_postgres::Row| {
        let text = |column: &str| row.get::<_, String>(column).into_boxed_str();
        let labels: BTreeMap<Box<str>, Box<str>> =
            serde_json::from_value(row.get("labels")).unwrap_or_default();
        let unit = Some(text("unit")).filter(|unit| !unit.is_empty());
        let bound = Bound::parse(row.get("bound")).unwrap_or(Bound::Exact);
        let value = row.get("value");
        (
            row.get("source"),
            MetricValue { name: text("name"), value, bound, unit, labels },
            row.get("time"),
        )
    };
    Ok(rows.iter().map(value).collect())
}
