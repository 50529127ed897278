//! The journal: what people changed. Written inside the transaction that makes the change, read by
//! those who operate.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Transaction;

use super::{Store, StoreError};

/// One change.
#[derive(Debug, Clone)]
pub struct JournalEntry<'a> {
    /// Hub clock.
    pub at: DateTime<Utc>,
    /// Account name, or `command:NAME` for the command line.
    pub who: &'a str,
    /// Verb and noun, such as `accept_source`.
    pub action: &'static str,
    /// What it was done to.
    pub object: &'a str,
    /// Value before; null when there was none.
    pub before: Option<Value>,
    /// Value after; null when there is none.
    pub after: Option<Value>,
}

/// One change as it was written.
#[derive(Debug, Clone)]
pub struct JournalRow {
    /// Number in order.
    pub id: i64,
    /// Hub clock.
    pub at: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// Value before.
    pub before: Option<Value>,
    /// Value after.
    pub after: Option<Value>,
}

/// Which rows of the journal: newest first.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Up to before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only of this account.
    pub who: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only older than this number.
    pub before_id: Option<i64>,
    /// Most rows.
    pub limit: i64,
}

/// Writes a row as part of the change that it tells of.
pub(crate) async fn insert(
    transaction: &Transaction<'_>,
    entry: &JournalEntry<'_>,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "insert into journal (at, who, action, object, before, after)
             values ($1, $2, $3, $4, $5, $6)",
            &[&entry.at, &entry.who, &entry.action, &entry.object, &entry.before, &entry.after],
        )
        .await
        .map_err(|error| StoreError::of("write the journal", error))?;
    Ok(())
}

impl Store {
    /// Writes a row that tells of something which changed nothing in the database.
    pub async fn note(&self, entry: &JournalEntry<'_>) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("write the journal", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)
    }

    /// How many changes were made at the terminal after each of two instants, of which the first is
    /// the earlier one.
    pub(crate) async fn terminal_changes(
        &self,
        after: [DateTime<Utc>; 2],
    ) -> Result<[i64; 2], StoreError> {
        self.reader()
            .await?
            .query_one(
                "select count(*), count(*) filter (where at > $2)
                 from journal where at > $1 and who like 'command:%'",
                &[&after[0], &after[1]],
            )
            .await
            .map(|row| [row.get(0), row.get(1)])
            .map_err(|error| StoreError::of("ask the journal for changes", error))
    }

    /// Rows of the journal, newest first.
    pub async fn journal(&self, filter: &JournalFilter) -> Result<Vec<JournalRow>, StoreError> {
        let failed = |error| StoreError::of("read the journal", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select id, at, who, action, object, before, after from journal
                 where ($1::timestamptz is null or at >= $1)
                   and ($2::timestamptz is null or at < $2)
                   and ($3::text is null or who = $3)
                   and ($4::int8 is null or id < $4)
                   and ($5::text is null or action = $5)
                 order by id desc limit $6",
                &[
                    &filter.from,
                    &filter.to,
                    &filter.who,
                    &filter.before_id,
                    &filter.action,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(JournalRow {
                    id: row.try_get(0)?,
                    at: row.try_get(1)?,
                    who: row.try_get(2)?,
                    action: row.try_get(3)?,
                    object: row.try_get(4)?,
                    before: row.try_get(5)?,
                    after: row.try_get(6)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
