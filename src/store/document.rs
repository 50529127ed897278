//! Result documents and their steps, as the API reads them.

use chrono::{DateTime, Utc};
use ioc_ingest::{
    Word as _,
    document::{DocumentState, DocumentStep},
};
use tokio_postgres::{Error, Row};

use super::{
    Store, StoreError,
    document_row::{STATE, STEP, step},
    dossier::list,
    dossier_row::word,
    ticket::{After, split},
};
use crate::record::{Told, document::Document};

/// A document as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRow {
    /// Publishing system.
    pub source: String,
    /// The document.
    pub record: Document,
}

/// Which documents: the latest first.
#[derive(Debug, Clone, Default)]
pub struct DocumentFilter {
    /// Only of this system and token.
    pub one: Option<(String, String)>,
    /// Only of these units; empty for all.
    pub units: Vec<String>,
    /// Only of this type of result.
    pub result_type: Option<String>,
    /// Only in these states; empty for all.
    pub states: Vec<DocumentState>,
    /// First known from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// First known before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only after this document: when it was first known, source, token.
    pub after: Option<After>,
    /// Most rows.
    pub limit: i64,
}

/// A document in the columns of [`STATE`] without the device, from `first` on; null for a state that this
/// program does not know.
fn state(row: &Row, first: usize) -> Result<Option<Document>, Error> {
    let at = |column: usize| first + column;
    let Some(state) = word(row, at(4))? else { return Ok(None) };
    Ok(Some(Document {
        document: row.try_get(at(0))?,
        result_type: row.try_get(at(1))?,
        unit: row.try_get(at(2))?,
        has_holder: row.try_get(at(3))?,
        state,
        state_at: row.try_get(at(5))?,
        first_at: row.try_get(at(6))?,
        reviewed_at: row.try_get(at(7))?,
        digitised_at: row.try_get(at(8))?,
        signed_at: row.try_get(at(9))?,
        withdrawn_at: row.try_get(at(10))?,
        reviewed_day: row.try_get(at(11))?,
        digitised_day: row.try_get(at(12))?,
        signed_day: row.try_get(at(13))?,
        withdrawn_day: row.try_get(at(14))?,
    }))
}

impl Store {
    /// Documents, the latest first.
    pub async fn documents(&self, filter: &DocumentFilter) -> Result<Vec<DocumentRow>, StoreError> {
        let failed = |error| StoreError::of("list the documents", error);
        let (one_source, one_document) = filter.one.as_ref().map(|(s, d)| (s, d)).unzip();
        let (time, source, number) = split(filter.after.as_ref());
        let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
        let columns = list("t", STATE.columns);
        let sql = format!(
            "select d.source, t.document, {columns}
             from document t join device d on d.id = t.device_id
             where ($1::text is null or (d.source = $1 and t.document = $2))
               and (cardinality($3::text[]) = 0 or t.unit = any($3))
               and ($4::text is null or t.result_type = $4)
               and (cardinality($5::text[]) = 0 or t.state = any($5))
               and ($6::timestamptz is null or t.first_at >= $6)
               and ($7::timestamptz is null or t.first_at < $7)
               and ($8::timestamptz is null or
                    (t.first_at <= $8
                     and (t.first_at, d.source collate \"C\", t.document collate \"C\")
                         < ($8, $9::text, $10::text)))
             order by t.first_at desc, d.source collate \"C\" desc, t.document collate \"C\" desc
             limit $11"
        );
        let rows = self
            .reader()
            .await?
            .query(
                &sql,
                &[
                    &one_source,
                    &one_document,
                    &filter.units,
                    &filter.result_type,
                    &states,
                    &filter.from,
                    &filter.to,
                    &time,
                    &source,
                    &number,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        let read = |row: &Row| -> Result<Option<DocumentRow>, Error> {
            let source = row.try_get(0)?;
            Ok(state(row, 1)?.map(|record| DocumentRow { source, record }))
        };
        rows.iter()
            .filter_map(|row| read(row).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Steps of one document, oldest first.
    pub async fn document_steps(
        &self,
        source: &str,
        document: &str,
    ) -> Result<Vec<Told<DocumentStep>>, StoreError> {
        let failed = |error| StoreError::of("read the steps of a document", error);
        let columns = list("s", STEP.columns);
        let sql = format!(
            "select {columns} from document_step s join device d on d.id = s.device_id
             where d.source = $1 and s.document = $2 order by s.at, s.time, s.boot, s.seq"
        );
        let client = self.reader().await?;
        let rows = client.query(&sql, &[&source, &document]).await.map_err(failed)?;
        rows.iter()
            .filter_map(|row| step(row).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
