//! Known loss, as the API reads it.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::{Store, StoreError};

/// Spans of a gap that are read; of the others only the count is told.
const SPANS: usize = 20;

/// A hole in the numbers of a stream, or a restart, across which nobody knows what was lost.
#[derive(Debug, Clone)]
pub struct GapRow {
    /// Number in order of discovery.
    pub id: i64,
    /// Source token.
    pub source: String,
    /// Service level of the topic.
    pub service: String,
    /// Stream level of the topic.
    pub stream: String,
    /// Restart counter; of a restart the one after it.
    pub boot: i64,
    /// First and last seq of the hole when it was first seen; null for a restart.
    pub bounds: Option<(i64, i64)>,
    /// Messages that are still missing; null for a restart.
    pub missing: Option<i64>,
    /// The first spans that are still missing: first seq, last seq, missing messages.
    pub spans: Vec<[i64; 3]>,
    /// Hub clock.
    pub first_seen: DateTime<Utc>,
    /// Hub clock; null while it is open and for a restart.
    pub closed_at: Option<DateTime<Utc>>,
}

/// Which gaps: newest first.
#[derive(Debug, Clone, Default)]
pub struct GapFilter {
    /// Only of this source.
    pub source: Option<String>,
    /// Only of these services; empty for all.
    pub services: Vec<String>,
    /// Only those that can still be filled (true), only the others (false).
    pub open: Option<bool>,
    /// Seen from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Seen before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only older than this number.
    pub before_id: Option<i64>,
    /// Most rows.
    pub limit: i64,
}

impl Store {
    /// Known loss, newest first.
    pub async fn gaps(&self, filter: &GapFilter) -> Result<Vec<GapRow>, StoreError> {
        let failed = |error| StoreError::of("list the gaps", error);
        let sql = format!(
            "select id, source, service, stream, boot, from_seq, to_seq, missing,
                    coalesce(spans[1:{}], '{{}}'), first_seen, closed_at
             from gap
             where ($1::text is null or source = $1)
               and (cardinality($2::text[]) = 0 or service = any($2))
               and ($3::bool is null or (closed_at is null and missing is not null) = $3)
               and ($4::timestamptz is null or first_seen >= $4)
               and ($5::timestamptz is null or first_seen < $5)
               and ($6::int8 is null or id < $6)
             order by id desc limit $7",
            3 * SPANS
        );
        let rows = self
            .reader()
            .await?
            .query(
                &sql,
                &[
                    &filter.source,
                    &filter.services,
                    &filter.open,
                    &filter.from,
                    &filter.to,
                    &filter.before_id,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(gap).collect::<Result<_, _>>().map_err(failed)
    }
}

fn gap(row: &Row) -> Result<GapRow, tokio_postgres::Error> {
    let (from, to): (Option<i64>, Option<i64>) = (row.try_get(5)?, row.try_get(6)?);
    let spans: Vec<i64> = row.try_get(8)?;
    Ok(GapRow {
        id: row.try_get(0)?,
        source: row.try_get(1)?,
        service: row.try_get(2)?,
        stream: row.try_get(3)?,
        boot: row.try_get(4)?,
        bounds: from.zip(to),
        missing: row.try_get(7)?,
        spans: spans.chunks_exact(3).map(|span| [span[0], span[1], span[2]]).collect(),
        first_seen: row.try_get(9)?,
        closed_at: row.try_get(10)?,
    })
}
