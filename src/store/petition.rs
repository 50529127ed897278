//! Petitions and their steps, as the API reads them.

use chrono::{DateTime, Utc};
use ioc_ingest::{
    Word,
    petition::{PetitionClass, PetitionStatus, PetitionStep},
};
use tokio_postgres::{Error, Row};

use super::{
    Store, StoreError,
    dossier::list,
    dossier_row::word,
    petition_row::{STATE, STEP, step},
    ticket::{After, split},
};
use crate::record::{Told, petition::Petition};

/// A petition as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct PetitionRow {
    /// Publishing system.
    pub source: String,
    /// The petition.
    pub record: Petition,
}

/// Which petitions: the latest first.
#[derive(Debug, Clone, Default)]
pub struct PetitionFilter {
    /// Only of this system and number.
    pub one: Option<(String, String)>,
    /// Only of these units; empty for all.
    pub units: Vec<String>,
    /// Only of this class.
    pub class: Option<PetitionClass>,
    /// Only with these statuses; empty for all.
    pub statuses: Vec<PetitionStatus>,
    /// Only those that name this dossier.
    pub dossier: Option<String>,
    /// Received from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Received before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only after this petition: when it was received, source, number.
    pub after: Option<After>,
    /// Most rows.
    pub limit: i64,
}

/// A petition in the columns of [`STATE`] without the device, from `first` on; null for a status that this
/// program does not know.
fn state(row: &Row, first: usize) -> Result<Option<Petition>, Error> {
    let at = |column: usize| first + column;
    let Some(status) = word(row, at(5))? else { return Ok(None) };
    let outcome: Option<&str> = row.try_get(at(17))?;
    Ok(Some(Petition {
        petition: row.try_get(at(0))?,
        kind: word(row, at(1))?,
        class: word(row, at(2))?,
        unit: row.try_get(at(3))?,
        dossier: row.try_get(at(4))?,
        status,
        status_at: row.try_get(at(6))?,
        received_at: row.try_get(at(7))?,
        sent_at: row.try_get(at(8))?,
        info_at: row.try_get(at(9))?,
        answered_at: row.try_get(at(10))?,
        published_at: row.try_get(at(11))?,
        refused_at: row.try_get(at(12))?,
        ended_at: row.try_get(at(13))?,
        satisfied: row.try_get(at(14))?,
        due_at: row.try_get(at(15))?,
        overdue_at: row.try_get(at(16))?,
        on_time: outcome.map(|outcome| outcome == "on_time"),
        published_on_time: row.try_get(at(18))?,
        handling_min: row.try_get(at(19))?,
        illegal_moves: row.try_get(at(20))?,
        calendar: row.try_get(at(21))?,
        received_day: row.try_get(at(22))?,
        ended_day: row.try_get(at(23))?,
        published_day: row.try_get(at(24))?,
        overdue_day: row.try_get(at(25))?,
    }))
}

impl Store {
    /// Petitions, the latest first.
    pub async fn petitions(&self, filter: &PetitionFilter) -> Result<Vec<PetitionRow>, StoreError> {
        let failed = |error| StoreError::of("list the petitions", error);
        let (one_source, one_petition) = filter.one.as_ref().map(|(s, p)| (s, p)).unzip();
        let (time, source, number) = split(filter.after.as_ref());
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
        let class = filter.class.map(Word::as_str);
        let columns = list("t", STATE.columns);
        let sql = format!(
            "select d.source, t.petition, {columns}
             from petition t join device d on d.id = t.device_id
             where ($1::text is null or (d.source = $1 and t.petition = $2))
               and (cardinality($3::text[]) = 0 or t.unit = any($3))
               and ($4::text is null or t.class = $4)
               and (cardinality($5::text[]) = 0 or t.status = any($5))
               and ($6::text is null or t.dossier = $6)
               and ($7::timestamptz is null or t.received_at >= $7)
               and ($8::timestamptz is null or t.received_at < $8)
               and ($9::timestamptz is null or
                    (t.received_at <= $9
                     and (t.received_at, d.source collate \"C\", t.petition collate \"C\")
                         < ($9, $10::text, $11::text)))
             order by t.received_at desc, d.source collate \"C\" desc, t.petition collate \"C\" desc
             limit $12"
        );
        let rows = self
            .reader()
            .await?
            .query(
                &sql,
                &[
                    &one_source,
                    &one_petition,
                    &filter.units,
                    &class,
                    &statuses,
                    &filter.dossier,
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
        let read = |row: &Row| -> Result<Option<PetitionRow>, Error> {
            let source = row.try_get(0)?;
            Ok(state(row, 1)?.map(|record| PetitionRow { source, record }))
        };
        rows.iter()
            .filter_map(|row| read(row).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Steps of one petition, oldest first.
    pub async fn petition_steps(
        &self,
        source: &str,
        petition: &str,
    ) -> Result<Vec<Told<PetitionStep>>, StoreError> {
        let failed = |error| StoreError::of("read the steps of a petition", error);
        let columns = list("s", STEP.columns);
        let sql = format!(
            "select {columns} from petition_step s join device d on d.id = s.device_id
             where d.source = $1 and s.petition = $2 order by s.at, s.time, s.boot, s.seq"
        );
        let client = self.reader().await?;
        let rows = client.query(&sql, &[&source, &petition]).await.map_err(failed)?;
        rows.iter()
            .filter_map(|row| step(row).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
