//! Everything that publishes or is registered to: counters and what is known of its clock.

use chrono::{DateTime, Utc};
use ioc_ingest::Reason;
use tokio_postgres::Row;

use super::{Store, StoreError};
use crate::ledger::Figures;

/// A source; counters are null when it never published.
#[derive(Debug, Clone)]
pub struct SourceRow {
    /// Source token.
    pub source: String,
    /// Service that it is registered under, else the one it publishes under.
    pub service: String,
    /// Whether it is registered and in service.
    pub registered: bool,
    /// Names of a registered source.
    pub name: Option<(String, String)>,
    /// First message, hub clock.
    pub first_seen: Option<DateTime<Utc>>,
    /// Latest message, hub clock.
    pub last_seen: Option<DateTime<Utc>>,
    /// Largest message time, source clock.
    pub last_time: Option<DateTime<Utc>>,
    /// Largest restart counter.
    pub boot: Option<i64>,
    /// seq of the latest message of that boot.
    pub seq: Option<i64>,
    /// Latest connection state.
    pub online: Option<bool>,
    /// ntp, gps, ptp or none.
    pub clock_source: Option<String>,
    /// Reported clock offset, milliseconds.
    pub clock_offset_ms: Option<i32>,
    /// Counters; null when it never published.
    pub counters: Option<SourceCounters>,
}

/// What was counted of a source.
#[derive(Debug, Clone, Copy)]
pub struct SourceCounters {
    /// Messages received.
    pub messages: i64,
    /// Messages or parts of them refused.
    pub refused: i64,
    /// Rows that were already there.
    pub duplicates: i64,
    /// Messages marked late by the source.
    pub late: i64,
    /// Refused messages beyond the bound of the quarantine.
    pub dropped: i64,
    /// Messages published with `QoS` 0.
    pub unguaranteed: i64,
    /// Messages whose seq was known and that brought nothing new.
    pub repeated: i64,
    /// New messages that came after a later one.
    pub out_of_order: i64,
    /// Messages whose seq was known and that brought new facts.
    pub seq_reused: i64,
    /// Known loss.
    pub loss: Figures,
}

/// Which sources: in the order of their tokens.
#[derive(Debug, Clone, Default)]
pub struct SourceFilter {
    /// Only this source.
    pub source: Option<String>,
    /// Only registered ones (true), only discovered ones (false).
    pub registered: Option<bool>,
    /// Only of these services; empty for all.
    pub services: Vec<String>,
    /// Only after this source.
    pub after: Option<String>,
    /// Most rows.
    pub limit: i64,
}

impl Store {
    /// Sources, registered or discovered.
    pub async fn sources(&self, filter: &SourceFilter) -> Result<Vec<SourceRow>, StoreError> {
        let failed = |error| StoreError::of("list the sources", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select source, coalesce(d.service, s.service), d.source is not null,
                        d.name_vi, d.name_en, s.first_seen, s.last_seen, s.last_time, s.boot,
                        s.seq, s.online, s.clock_source, s.clock_offset_ms, s.messages, s.refused,
                        s.duplicates, s.late, s.dropped, s.unguaranteed, s.repeated,
                        s.out_of_order, s.seq_reused, s.open_gaps, s.missing, s.restarts
                 from source_state s
                 full join (select * from device where retired_at is null) d using (source)
                 where ($1::text is null or source = $1)
                   and ($2::bool is null or (d.source is not null) = $2)
                   and (cardinality($3::text[]) = 0 or coalesce(d.service, s.service) = any($3))
                   and ($4::text is null or source collate \"C\" > $4)
                 order by source collate \"C\" limit $5",
                &[
                    &filter.source,
                    &filter.registered,
                    &filter.services,
                    &filter.after,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(source).collect::<Result<_, _>>().map_err(failed)
    }
}

impl Store {
    /// Whether the quarantine holds a message of this source among those that are kept together.
    pub async fn is_held_unnamed(&self, source: &str) -> Result<bool, StoreError> {
        self.reader()
            .await?
            .query_one(
                "select exists (select from quarantine where source is null \
                   and replayed_at is null and reason = $2 and split_part(topic, '/', 5) = $1)",
                &[&source, &Reason::UnknownSource.as_str()],
            )
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| StoreError::of("look for a source", error))
    }
}

fn source(row: &Row) -> Result<SourceRow, tokio_postgres::Error> {
    let name: (Option<String>, Option<String>) = (row.try_get(3)?, row.try_get(4)?);
    let messages: Option<i64> = row.try_get(13)?;
    let counters = messages
        .map(|messages| {
            Ok::<_, tokio_postgres::Error>(SourceCounters {
                messages,
                refused: row.try_get(14)?,
                duplicates: row.try_get(15)?,
                late: row.try_get(16)?,
                dropped: row.try_get(17)?,
                unguaranteed: row.try_get(18)?,
                repeated: row.try_get(19)?,
                out_of_order: row.try_get(20)?,
                seq_reused: row.try_get(21)?,
                loss: Figures {
                    open_gaps: row.try_get(22)?,
                    missing: row.try_get(23)?,
                    restarts: row.try_get(24)?,
                },
            })
        })
        .transpose()?;
    Ok(SourceRow {
        source: row.try_get(0)?,
        service: row.try_get(1)?,
        registered: row.try_get(2)?,
        name: name.0.zip(name.1),
        first_seen: row.try_get(5)?,
        last_seen: row.try_get(6)?,
        last_time: row.try_get(7)?,
        boot: row.try_get(8)?,
        seq: row.try_get(9)?,
        online: row.try_get(10)?,
        clock_source: row.try_get(11)?,
        clock_offset_ms: row.try_get(12)?,
        counters,
    })
}
