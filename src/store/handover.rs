//! Hand-overs of shifts: signed by who goes and by who comes.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    journal::{self, JournalEntry},
};

/// A hand-over.
#[derive(Debug, Clone)]
pub struct HandoverRow {
    /// Number in order.
    pub id: i64,
    /// Begin of the shift.
    pub from: DateTime<Utc>,
    /// End of the shift.
    pub to: DateTime<Utc>,
    /// What who comes has to know.
    pub note: String,
    /// Account that signed as going.
    pub given_by: String,
    /// Hub clock.
    pub given_at: DateTime<Utc>,
    /// Account that signed as coming, and when, hub clock.
    pub taken: Option<(String, DateTime<Utc>)>,
    /// Rows of the journal during the shift.
    pub entries: i64,
}

/// What came of signing as coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// Signed.
    Done,
    /// There is no such hand-over.
    Missing,
    /// Somebody signed before.
    Taken,
    /// Who goes cannot be who comes.
    OwnShift,
}

impl Store {
    /// Hand-overs, newest first.
    pub async fn handovers(
        &self,
        before_id: Option<i64>,
        limit: i64,
    ) -> Result<Vec<HandoverRow>, StoreError> {
        let failed = |error| StoreError::of("list the hand-overs", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select id, from_time, to_time, note, given_by, given_at, taken_by, taken_at,
                        (select count(*) from journal where at >= from_time and at < to_time)
                 from handover where ($1::int8 is null or id < $1) order by id desc limit $2",
                &[&before_id, &limit],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                let taken_by: Option<String> = row.try_get(6)?;
                let taken_at: Option<DateTime<Utc>> = row.try_get(7)?;
                Ok(HandoverRow {
                    id: row.try_get(0)?,
                    from: row.try_get(1)?,
                    to: row.try_get(2)?,
                    note: row.try_get(3)?,
                    given_by: row.try_get(4)?,
                    given_at: row.try_get(5)?,
                    taken: taken_by.zip(taken_at),
                    entries: row.try_get(8)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Signs a hand-over as `entry.who`, who goes. Returns its number.
    pub async fn give_shift(
        &self,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        note: &str,
        entry: &JournalEntry<'_>,
    ) -> Result<i64, StoreError> {
        let failed = |error| StoreError::of("sign a hand-over", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let row = transaction
            .query_one(
                "insert into handover (from_time, to_time, note, given_by, given_at)
                 values ($1, $2, $3, $4, $5) returning id",
                &[&from, &to, &note, &entry.who, &entry.at],
            )
            .await
            .map_err(failed)?;
        let id: i64 = row.try_get(0).map_err(failed)?;
        journal::insert(&transaction, &JournalEntry { object: &id.to_string(), ..entry.clone() })
            .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(id)
    }

    /// Signs a hand-over as `entry.who`, who comes.
    pub async fn take_shift(
        &self,
        id: i64,
        entry: &JournalEntry<'_>,
    ) -> Result<Taking, StoreError> {
        let failed = |error| StoreError::of("sign a hand-over", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let row = transaction
            .query_opt("select given_by, taken_by from handover where id = $1 for update", &[&id])
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(Taking::Missing) };
        let given_by: String = row.try_get(0).map_err(failed)?;
        let taken_by: Option<String> = row.try_get(1).map_err(failed)?;
        if taken_by.is_some() {
            return Ok(Taking::Taken);
        }
        if given_by == entry.who {
            return Ok(Taking::OwnShift);
        }
        transaction
            .execute(
                "update handover set taken_by = $2, taken_at = $3 where id = $1",
                &[&id, &entry.who, &entry.at],
            )
            .await
            .map_err(failed)?;
        journal::insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Taking::Done)
    }
}
