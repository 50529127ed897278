//! Saved views: addresses of pages with what is chosen on them.

use chrono::{DateTime, Utc};

use super::{
    Store, StoreError,
    journal::{self, JournalEntry},
};

/// A saved view.
#[derive(Debug, Clone)]
pub struct ViewRow {
    /// Number in order.
    pub id: i64,
    /// Account name.
    pub owner: String,
    /// Name, unique for its owner.
    pub name: String,
    /// Path and search.
    pub address: String,
    /// Everybody sees it.
    pub shared: bool,
    /// Hub clock.
    pub created_at: DateTime<Utc>,
}

/// A view to be saved.
#[derive(Debug, Clone, Copy)]
pub struct NewViewRow<'a> {
    /// Name, unique for its owner.
    pub name: &'a str,
    /// Path and search.
    pub address: &'a str,
    /// Everybody sees it.
    pub shared: bool,
}

impl Store {
    /// The views of an account and those that are shared, by name.
    pub async fn views(&self, owner: &str) -> Result<Vec<ViewRow>, StoreError> {
        let failed = |error| StoreError::of("list the saved views", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select id, owner, name, address, shared, created_at from saved_view
                 where owner = $1 or shared order by name, id",
                &[&owner],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(ViewRow {
                    id: row.try_get(0)?,
                    owner: row.try_get(1)?,
                    name: row.try_get(2)?,
                    address: row.try_get(3)?,
                    shared: row.try_get(4)?,
                    created_at: row.try_get(5)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Saves a view of `entry.who`, in place of one with the same name. None when that would be more
    /// than `most` of this owner.
    pub async fn save_view(
        &self,
        view: &NewViewRow<'_>,
        most: i64,
        entry: &JournalEntry<'_>,
    ) -> Result<Option<i64>, StoreError> {
        let failed = |error| StoreError::of("save a view", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let row = transaction
            .query_opt(
                "insert into saved_view (owner, name, address, shared, created_at)
                 select $1, $2, $3, $4, $5
                 where (select count(*) from saved_view where owner = $1 and name <> $2) < $6
                 on conflict (owner, name) do update
                   set address = excluded.address, shared = excluded.shared,
                       created_at = excluded.created_at
                 returning id",
                &[&entry.who, &view.name, &view.address, &view.shared, &entry.at, &most],
            )
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let id = row.try_get(0).map_err(failed)?;
        journal::insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Some(id))
    }

    /// Removes a view if it is of `owner`, or anyone's when `owner` is none. False when there is none.
    pub async fn remove_view(
        &self,
        id: i64,
        owner: Option<&str>,
        entry: &JournalEntry<'_>,
    ) -> Result<bool, StoreError> {
        let failed = |error| StoreError::of("remove a view", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let removed = transaction
            .execute(
                "delete from saved_view where id = $1 and ($2::text is null or owner = $2)",
                &[&id, &owner],
            )
            .await
            .map_err(failed)?;
        if removed == 1 {
            journal::insert(&transaction, entry).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(removed == 1)
    }
}
