//! Statements of planned works. Each change and its journal row are one statement.

use chrono::{DateTime, Utc};
use tokio_postgres::{Client, Row};

use super::{Store, StoreError};
use crate::alarm::works::Works;

const COLUMNS: &str = "id, objects, area, corridor, codes, from_at, to_at, reason, ticket, by_whom, \
    created_at, ended_at, ended_by";

fn works_of(row: &Row) -> Result<Works, tokio_postgres::Error> {
    let ended: (Option<DateTime<Utc>>, Option<String>) = (row.try_get(11)?, row.try_get(12)?);
    Ok(Works {
        id: row.try_get(0)?,
        objects: row.try_get(1)?,
        area: row.try_get(2)?,
        corridor: row.try_get(3)?,
        codes: row.try_get(4)?,
        from: row.try_get(5)?,
        to: row.try_get(6)?,
        reason: row.try_get(7)?,
        ticket: row.try_get(8)?,
        by: row.try_get(9)?,
        created_at: row.try_get(10)?,
        ended: ended.0.zip(ended.1),
    })
}

/// Works that are not over.
pub(crate) async fn not_over(
    client: &Client,
    now: DateTime<Utc>,
) -> Result<Vec<Works>, StoreError> {
    let failed = |error| StoreError::of("read planned works", error);
    let sql = format!(
        "select {COLUMNS} from alarm_works where to_at > $1 and ended_at is null order by id"
    );
    let rows = client.query(&sql, &[&now]).await.map_err(failed)?;
    rows.iter().map(works_of).collect::<Result<_, _>>().map_err(failed)
}

/// Enters works, whose number is given here. Answers them with it.
pub(crate) async fn add(client: &Client, works: &Works) -> Result<Works, StoreError> {
    let failed = |error| StoreError::of("enter planned works", error);
    let sql = format!(
        "with added as ( \
           insert into alarm_works \
             (objects, area, corridor, codes, from_at, to_at, reason, ticket, by_whom, created_at) \
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning {COLUMNS}), \
         told as ( \
           insert into journal (at, who, action, object, after) \
           select created_at, by_whom, 'plan_works', 'works/' || id::text, \
                  to_jsonb(added) - 'ended_at' - 'ended_by' from added) \
         select {COLUMNS} from added"
    );
    let Works { objects, area, corridor, codes, from, to, reason, ticket, by, created_at, .. } =
        works;
    let row = client
        .query_one(
            &sql,
            &[objects, area, corridor, codes, from, to, reason, ticket, by, created_at],
        )
        .await
        .map_err(failed)?;
    works_of(&row).map_err(failed)
}

/// Ends works early, or calls them off. False when there are none of this number that go on or are to come.
pub(crate) async fn end(
    client: &Client,
    id: i64,
    who: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    client
        .execute(
            "with ended as ( \
               update alarm_works set ended_at = $3, ended_by = $2 \
               where id = $1 and ended_at is null and to_at > $3 returning id, reason) \
             insert into journal (at, who, action, object, after) \
             select $3, $2, 'end_works', 'works/' || id::text, jsonb_build_object('reason', reason) \
             from ended",
            &[&id, &who, &now],
        )
        .await
        .map(|rows| rows == 1)
        .map_err(|error| StoreError::of("end planned works", error))
}

impl Store {
    /// Works, the newest first: those that are not over, or all.
    pub async fn works(
        &self,
        now: DateTime<Utc>,
        all: bool,
        limit: i64,
    ) -> Result<Vec<Works>, StoreError> {
        let failed = |error| StoreError::of("read planned works", error);
        let sql = format!(
            "select {COLUMNS} from alarm_works \
             where $2 or (to_at > $1 and ended_at is null) order by id desc limit $3"
        );
        let client = self.reader().await?;
        let rows = client.query(&sql, &[&now, &all, &limit]).await.map_err(failed)?;
        rows.iter().map(works_of).collect::<Result<_, _>>().map_err(failed)
    }
}
