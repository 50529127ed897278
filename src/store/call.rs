//! Calls at the switchboard of the service desk, as the API reads them.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    ticket::{After, split},
};

/// A call at the switchboard.
#[derive(Debug, Clone)]
pub struct CallRow {
    /// Publishing system.
    pub source: String,
    /// Call id.
    pub call: String,
    /// in or out.
    pub direction: String,
    /// When the caller entered the queue.
    pub queued_at: Option<DateTime<Utc>>,
    /// When it was answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When the caller gave up.
    pub abandoned_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Ticket that it led to.
    pub ticket: Option<String>,
    /// Message time, source clock.
    pub time: DateTime<Utc>,
}

impl Store {
    /// Calls of a span, newest first.
    pub async fn calls(
        &self,
        (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
        after: Option<&After>,
        limit: i64,
    ) -> Result<Vec<CallRow>, StoreError> {
        let failed = |error| StoreError::of("list the calls", error);
        let (time, source, number) = split(after);
        let rows = self
            .reader()
            .await?
            .query(
                "select d.source, c.call, c.direction, c.queued_at, c.answered_at, c.abandoned_at,
                        c.ended_at, c.ticket, c.time
                 from call c join device d on d.id = c.device_id
                 where ($1::timestamptz is null or c.time >= $1)
                   and ($2::timestamptz is null or c.time < $2)
                   and ($3::timestamptz is null or
                        (c.time, d.source collate \"C\", c.call collate \"C\")
                        < ($3, $4::text, $5::text))
                 order by c.time desc, d.source collate \"C\" desc, c.call collate \"C\" desc
                 limit $6",
                &[&from, &to, &time, &source, &number, &limit],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(CallRow {
                    source: row.try_get(0)?,
                    call: row.try_get(1)?,
                    direction: row.try_get(2)?,
                    queued_at: row.try_get(3)?,
                    answered_at: row.try_get(4)?,
                    abandoned_at: row.try_get(5)?,
                    ended_at: row.try_get(6)?,
                    ticket: row.try_get(7)?,
                    time: row.try_get(8)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
