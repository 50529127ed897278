//! Rows that are written as a whole, whether they are new or not: records as they stand.
//!
//! They go by COPY into a temporary table and from there, in the order of their key, into their table.
//! A row that is as it was is not written. The temporary table keeps its rows and is truncated at its
//! next use, as in [`super::table`].

use tokio_postgres::{Client, Statement, Transaction};

use super::{
    StoreError,
    copy::{self, Rows},
};

/// A table of records.
pub(super) struct Upsert {
    pub(super) name: &'static str,
    /// Primary key.
    pub(super) key: &'static [&'static str],
    /// The other columns; a row is encoded as key, then these.
    pub(super) columns: &'static [&'static str],
}

/// Prepared statements of one table on one connection.
pub(super) struct Prepared {
    name: &'static str,
    columns: usize,
    clear: Statement,
    stage: Statement,
    apply: Statement,
}

impl Upsert {
    /// Creates the temporary table and prepares every statement.
    pub(super) async fn prepare(&self, client: &Client) -> Result<Prepared, StoreError> {
        let failed = |error| StoreError::of(self.name, error);
        let (name, key) = (self.name, self.key.join(", "));
        let all = [self.key, self.columns].concat().join(", ");
        let list = |prefix: &str| {
            let columns = self.columns.iter().map(|column| format!("{prefix}{column}"));
            columns.collect::<Vec<_>>().join(", ")
        };
        let set = self.columns.iter().map(|column| format!("{column} = excluded.{column}"));
        let set = set.collect::<Vec<_>>().join(", ");
        let (old, new) = (list("r."), list("excluded."));
        client
            .batch_execute(&format!(
                "create temp table new_{name} as select {all} from {name} with no data"
            ))
            .await
            .map_err(failed)?;
        let prepare = async |sql: String| client.prepare(&sql).await.map_err(failed);
        Ok(Prepared {
            name,
            columns: self.key.len() + self.columns.len(),
            clear: prepare(format!("truncate new_{name}")).await?,
            stage: prepare(format!("copy new_{name} ({all}) from stdin binary")).await?,
            apply: prepare(format!(
                "insert into {name} as r ({all}) select {all} from new_{name} order by {key} \
                 on conflict ({key}) do update set {set} \
                 where ({old}) is distinct from ({new})"
            ))
            .await?,
        })
    }
}

impl Prepared {
    /// Rows for [`write`](Self::write).
    pub(super) fn rows(&self) -> Rows {
        Rows::new(i16::try_from(self.columns).unwrap_or(i16::MAX))
    }

    /// Writes rows of different keys. Answers how many were new or changed.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        rows: Rows,
    ) -> Result<u64, StoreError> {
        let failed = |error| StoreError::of(self.name, error);
        if rows.is_empty() {
            return Ok(0);
        }
        transaction.execute(&self.clear, &[]).await.map_err(failed)?;
        copy::send(transaction, &self.stage, rows.finish()).await.map_err(failed)?;
        transaction.execute(&self.apply, &[]).await.map_err(failed)
    }
}
