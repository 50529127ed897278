//! Wall displays that were changed in the settings, and the views that were put on displays.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    Store, StoreError,
    journal::{self, JournalEntry},
};

/// A display of the settings: its id and its profile.
pub type DisplayRow = (String, Value);

/// A view that somebody put on a display.
#[derive(Debug, Clone)]
pub struct PushRow {
    /// Id of the display.
    pub display: String,
    /// Word of the view.
    pub view: String,
    /// Account name.
    pub pushed_by: String,
    /// Hub clock.
    pub pushed_at: DateTime<Utc>,
    /// Hub clock.
    pub until: DateTime<Utc>,
}

impl Store {
    /// Displays of the settings by id, and views that hold at `now`.
    pub async fn displays(
        &self,
        now: DateTime<Utc>,
    ) -> Result<(Vec<DisplayRow>, Vec<PushRow>), StoreError> {
        let failed = |error| StoreError::of("list the displays", error);
        let client = self.reader().await?;
        let displays = client
            .query("select id, profile from display order by id", &[])
            .await
            .map_err(failed)?
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        let pushes = client
            .query(
                "select display, view, pushed_by, pushed_at, until from display_push
                 where until > $1 order by display",
                &[&now],
            )
            .await
            .map_err(failed)?
            .iter()
            .map(|row| {
                Ok(PushRow {
                    display: row.try_get(0)?,
                    view: row.try_get(1)?,
                    pushed_by: row.try_get(2)?,
                    pushed_at: row.try_get(3)?,
                    until: row.try_get(4)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        Ok((displays, pushes))
    }

    /// Sets the profile of a display.
    pub async fn set_display(
        &self,
        id: &str,
        profile: &Value,
        entry: &JournalEntry<'_>,
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("change a display", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        transaction
            .execute(
                "insert into display (id, profile, changed_by, changed_at) values ($1, $2, $3, $4)
                 on conflict (id) do update set profile = excluded.profile,
                   changed_by = excluded.changed_by, changed_at = excluded.changed_at",
                &[&id, &profile, &entry.who, &entry.at],
            )
            .await
            .map_err(failed)?;
        journal::insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)
    }

    /// Forgets a display of the settings. False when there is none.
    pub async fn reset_display(
        &self,
        id: &str,
        entry: &JournalEntry<'_>,
    ) -> Result<bool, StoreError> {
        self.forget("delete from display where id = $1", id, entry).await
    }

    /// Puts a view on a display.
    pub async fn push_view(
        &self,
        push: &PushRow,
        entry: &JournalEntry<'_>,
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("put a view on a display", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        transaction
            .execute(
                "insert into display_push (display, view, pushed_by, pushed_at, until)
                 values ($1, $2, $3, $4, $5)
                 on conflict (display) do update set view = excluded.view,
                   pushed_by = excluded.pushed_by, pushed_at = excluded.pushed_at,
                   until = excluded.until",
                &[&push.display, &push.view, &push.pushed_by, &push.pushed_at, &push.until],
            )
            .await
            .map_err(failed)?;
        journal::insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)
    }

    /// Lets a display go its own way again. False when nothing was put on it.
    pub async fn release_display(
        &self,
        display: &str,
        entry: &JournalEntry<'_>,
    ) -> Result<bool, StoreError> {
        self.forget("delete from display_push where display = $1", display, entry).await
    }

    async fn forget(
        &self,
        statement: &str,
        id: &str,
        entry: &JournalEntry<'_>,
    ) -> Result<bool, StoreError> {
        let failed = |error| StoreError::of("reset a display", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let removed = transaction.execute(statement, &[&id]).await.map_err(failed)?;
        if removed > 0 {
            journal::insert(&transaction, entry).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(removed > 0)
    }
}
