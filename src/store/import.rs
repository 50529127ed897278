//! Imported tables: rows of form II.06a, official points and formalities, and what each import did.
//!
//! A row replaces the one with its key, so that a file can be imported again after it was corrected. All
//! rows of a call and their journal row are one transaction.

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio_postgres::Transaction;

use super::{
    Store, StoreError,
    journal::{JournalEntry, insert},
};
use crate::import::{Content, FormalityRow, Ii06aRow, Kind, ScoreRow, Stored};

/// Who imports what, for the journal and the rows.
#[derive(Debug, Clone)]
pub struct Importer<'a> {
    /// Account name, or `command:NAME`.
    pub who: &'a str,
    /// Where the table was taken from, in words.
    pub source: &'a str,
    /// Hub clock.
    pub now: DateTime<Utc>,
}

/// One import as it was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Number in order.
    pub id: i64,
    /// What the table holds.
    pub kind: String,
    /// Who imported it.
    pub who: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Hub clock.
    pub started_at: DateTime<Utc>,
    /// Hub clock; null while it runs, or when it was cut off.
    pub finished_at: Option<DateTime<Utc>>,
    /// Facts or rows that can be stored.
    pub storable: i64,
    /// Of them handled so far.
    pub done: i64,
    /// What became of them.
    pub stored: Stored,
    /// Rows with a problem.
    pub rows_bad: i64,
}

/// What an import begins with.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// What the table holds.
    pub kind: Kind,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: &'a str,
    /// Facts or rows that can be stored.
    pub storable: u64,
    /// Rows with a problem.
    pub rows_bad: u64,
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl Store {
    /// Notes that an import begins, also in the journal; returns its number.
    pub async fn begin_import(
        &self,
        run: &NewRun<'_>,
        by: &Importer<'_>,
    ) -> Result<i64, StoreError> {
        let failed = |error| StoreError::of("note an import", error);
        let mut client = self.connect().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let row = transaction
            .query_one(
                "insert into import_run (kind, who, sha256, started_at, storable, done, new, duplicates,
                                         changed, refused, rows_bad)
                 values ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, $6) returning id",
                &[
                    &run.kind.as_str(),
                    &by.who,
                    &run.sha256,
                    &by.now,
                    &signed(run.storable),
                    &signed(run.rows_bad),
                ],
            )
            .await
            .map_err(failed)?;
        let id: i64 = row.try_get(0).map_err(failed)?;
        let entry = JournalEntry {
            at: by.now,
            who: by.who,
            action: "import",
            object: &format!("import/{id}"),
            before: None,
            after: Some(json!({
                "kind": run.kind.as_str(),
                "source": by.source,
                "sha256": run.sha256,
                "storable": run.storable,
                "rows_bad": run.rows_bad,
            })),
        };
        insert(&transaction, &entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(id)
    }

    /// Notes how far an import is; `finished_at` when it is done.
    pub async fn note_import(
        &self,
        id: i64,
        done: u64,
        stored: Stored,
        finished_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let Stored { new, duplicates, changed, refused } = stored;
        self.reader()
            .await?
            .execute(
                "update import_run set done = $2, new = $3, duplicates = $4, changed = $5,
                                       refused = $6, finished_at = $7
                 where id = $1",
                &[
                    &id,
                    &signed(done),
                    &signed(new),
                    &signed(duplicates),
                    &signed(changed),
                    &signed(refused),
                    &finished_at,
                ],
            )
            .await
            .map_err(|error| StoreError::of("note an import", error))?;
        Ok(())
    }

    /// Imports, newest first; only those before the number `before`.
    pub async fn imports(
        &self,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<RunRow>, StoreError> {
        let failed = |error| StoreError::of("list the imports", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select id, kind, who, sha256, started_at, finished_at, storable, done, new,
                        duplicates, changed, refused, rows_bad
                 from import_run where $1::bigint is null or id < $1 order by id desc limit $2",
                &[&before, &limit],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(RunRow {
                    id: row.try_get(0)?,
                    kind: row.try_get(1)?,
                    who: row.try_get(2)?,
                    sha256: row.try_get(3)?,
                    started_at: row.try_get(4)?,
                    finished_at: row.try_get(5)?,
                    storable: row.try_get(6)?,
                    done: row.try_get(7)?,
                    stored: Stored {
                        new: unsigned(row.try_get(8)?),
                        duplicates: unsigned(row.try_get(9)?),
                        changed: unsigned(row.try_get(10)?),
                        refused: unsigned(row.try_get(11)?),
                    },
                    rows_bad: row.try_get(12)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Token and Vietnamese name of every ticket category.
    pub async fn category_names(&self) -> Result<Vec<(String, String)>, StoreError> {
        let failed = |error| StoreError::of("list the ticket categories", error);
        let rows = self
            .reader()
            .await?
            .query("select id, name_vi from ticket_category order by id", &[])
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Stores the rows of a table that holds no facts; facts go through the writer.
    pub async fn store_table(
        &self,
        content: &Content,
        by: &Importer<'_>,
    ) -> Result<Stored, StoreError> {
        let failed = |error| StoreError::of("store an imported table", error);
        let mut client = self.connect().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let (kind, stored) = match content {
            Content::Facts(_) => return Ok(Stored::default()),
            Content::Ii06a(rows) => (Kind::Ii06a, forms(&transaction, rows, by).await),
            Content::Scores(rows) => (Kind::Official766, scores(&transaction, rows, by).await),
            Content::Formalities(rows) => {
                (Kind::Formality, formalities(&transaction, rows, by).await)
            }
        };
        let stored = stored.map_err(failed)?;
        let entry = JournalEntry {
            at: by.now,
            who: by.who,
            action: "import_table",
            object: kind.as_str(),
            before: None,
            after: Some(json!({ "source": by.source, "stored": stored })),
        };
        insert(&transaction, &entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(stored)
    }
}

/// Counts what an upsert did: no row when nothing changed, else whether the row is new.
fn count(stored: &mut Stored, rows: &[tokio_postgres::Row]) -> Result<(), tokio_postgres::Error> {
    match rows.first() {
        None => stored.duplicates += 1,
        Some(row) if row.try_get::<_, bool>(0)? => stored.new += 1,
        Some(_) => stored.changed += 1,
    }
    Ok(())
}

async fn forms(
    transaction: &Transaction<'_>,
    rows: &[Ii06aRow],
    by: &Importer<'_>,
) -> Result<Stored, tokio_postgres::Error> {
    let statement = transaction.prepare(include_str!("imported_ii06a_upsert.sql")).await?;
    let mut stored = Stored::default();
    for row in rows {
        let period = row.period.to_string();
        let [c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13] = &row.counts;
        let found = transaction
            .query(
                &statement,
                &[
                    &row.unit,
                    &period,
                    &row.field,
                    c3,
                    c4,
                    c5,
                    c6,
                    c7,
                    c8,
                    c9,
                    c10,
                    c11,
                    c12,
                    c13,
                    &row.lower_bounds,
                    &by.source,
                    &by.now,
                ],
            )
            .await?;
        count(&mut stored, &found)?;
    }
    Ok(stored)
}

async fn scores(
    transaction: &Transaction<'_>,
    rows: &[ScoreRow],
    by: &Importer<'_>,
) -> Result<Stored, tokio_postgres::Error> {
    let statement = transaction
        .prepare(
            "insert into official_score as old (component, unit, period, score_e3, source, raw,
                                                imported_at)
             values ($1, $2, $3, $4, $5, null, $6)
             on conflict (period, unit, component) do update
               set score_e3 = excluded.score_e3, source = excluded.source,
                   imported_at = excluded.imported_at
               where old.score_e3 is distinct from excluded.score_e3
             returning old.xmax = 0",
        )
        .await?;
    let mut stored = Stored::default();
    for row in rows {
        let (period, points_e3) = (row.period.to_string(), i64::from(row.points_e3));
        let found = transaction
            .query(
                &statement,
                &[&row.component, &row.unit, &period, &points_e3, &by.source, &by.now],
            )
            .await?;
        count(&mut stored, &found)?;
    }
    Ok(stored)
}

async fn formalities(
    transaction: &Transaction<'_>,
    rows: &[FormalityRow],
    by: &Importer<'_>,
) -> Result<Stored, tokio_postgres::Error> {
    use ioc_ingest::word::Word as _;
    let statement = transaction.prepare(include_str!("formality_upsert.sql")).await?;
    let mut stored = Stored::default();
    for row in rows {
        let limit_value = row.limit.and_then(|limit| i16::try_from(limit.value).ok());
        let limit_unit = row.limit.map(|limit| limit.unit.as_str());
        let found = transaction
            .query(
                &statement,
                &[
                    &row.code,
                    &row.valid_from,
                    &row.valid_to,
                    &row.name_vi,
                    &row.name_en,
                    &row.field,
                    &row.level,
                    &row.announced_on,
                    &row.effective_on,
                    &row.published_on,
                    &row.complete_parts,
                    &row.eligible_full,
                    &row.online_level,
                    &row.has_fee,
                    &row.npsp_linked,
                    &row.requires_paper_result,
                    &row.audience,
                    &limit_value,
                    &limit_unit,
                    &row.sector,
                    &by.source,
                ],
            )
            .await?;
        count(&mut stored, &found)?;
    }
    Ok(stored)
}
