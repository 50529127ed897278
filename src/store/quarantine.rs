//! Refused messages, as the API reads them. Replaying and discarding go through the writer.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::{Store, StoreError};

/// A refused message, or a refused part of one, without its bytes.
#[derive(Debug, Clone)]
pub struct QuarantineRow {
    /// Number in order of arrival.
    pub id: i64,
    /// Hub clock.
    pub received_at: DateTime<Utc>,
    /// Topic text as it came.
    pub topic: String,
    /// Service; null when the topic did not parse.
    pub service: Option<String>,
    /// Source; null when the topic did not parse.
    pub source: Option<String>,
    /// Source clock; null when it could not be read.
    pub message_time: Option<DateTime<Utc>>,
    /// Reason code.
    pub reason: String,
    /// JSON path of the field at fault; empty for the whole message.
    pub field: String,
    /// What was found and what is allowed.
    pub detail: String,
    /// May carry personal data: administrators only.
    pub personal: bool,
    /// The rest of the message was taken.
    pub partial: bool,
    /// Length of the bytes.
    pub bytes: i32,
    /// When it was replayed with success.
    pub replayed_at: Option<DateTime<Utc>>,
    /// What the latest replay said.
    pub replay_result: Option<String>,
}

/// Which messages: newest first.
#[derive(Debug, Clone, Default)]
pub struct QuarantineFilter {
    /// Only of this source.
    pub source: Option<String>,
    /// Only with this reason.
    pub reason: Option<String>,
    /// Received from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Received before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Those that may carry personal data too.
    pub personal: bool,
    /// Those that were replayed with success too.
    pub replayed: bool,
    /// Only older than this number.
    pub before_id: Option<i64>,
    /// Most rows.
    pub limit: i64,
}

const COLUMNS: &str = "id, received_at, topic, service, source, message_time, reason, field, \
    detail, personal, partial, length(payload), replayed_at, replay_result";

fn quarantined(row: &Row) -> Result<QuarantineRow, tokio_postgres::Error> {
    Ok(QuarantineRow {
        id: row.try_get(0)?,
        received_at: row.try_get(1)?,
        topic: row.try_get(2)?,
        service: row.try_get(3)?,
        source: row.try_get(4)?,
        message_time: row.try_get(5)?,
        reason: row.try_get(6)?,
        field: row.try_get(7)?,
        detail: row.try_get(8)?,
        personal: row.try_get(9)?,
        partial: row.try_get(10)?,
        bytes: row.try_get(11)?,
        replayed_at: row.try_get(12)?,
        replay_result: row.try_get(13)?,
    })
}

impl Store {
    /// Refused messages, newest first.
    pub async fn quarantine(
        &self,
        filter: &QuarantineFilter,
    ) -> Result<Vec<QuarantineRow>, StoreError> {
        let failed = |error| StoreError::of("list refused messages", error);
        let sql = format!(
            "select {COLUMNS} from quarantine
             where ($1::text is null or source = $1)
               and ($2::text is null or reason = $2)
               and ($3::timestamptz is null or received_at >= $3)
               and ($4::timestamptz is null or received_at < $4)
               and ($5 or not personal)
               and ($6 or replayed_at is null)
               and ($7::int8 is null or id < $7)
             order by id desc limit $8"
        );
        let rows = self
            .reader()
            .await?
            .query(
                &sql,
                &[
                    &filter.source,
                    &filter.reason,
                    &filter.from,
                    &filter.to,
                    &filter.personal,
                    &filter.replayed,
                    &filter.before_id,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(quarantined).collect::<Result<_, _>>().map_err(failed)
    }

    /// One refused message with its bytes.
    pub async fn quarantined(
        &self,
        id: i64,
    ) -> Result<Option<(QuarantineRow, Vec<u8>)>, StoreError> {
        let failed = |error| StoreError::of("read a refused message", error);
        let sql = format!("select {COLUMNS}, payload from quarantine where id = $1");
        let row = self.reader().await?.query_opt(&sql, &[&id]).await.map_err(failed)?;
        row.map(|row| Ok((quarantined(&row)?, row.try_get(14)?))).transpose().map_err(failed)
    }
}
