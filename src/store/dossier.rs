//! Dossiers and their steps, as the API reads them.

use chrono::{DateTime, Utc};
use ioc_ingest::{
    Word as _,
    dossier::{DossierChannel, DossierStatus, DossierStep, LimitUnit, TimeLimit},
};
use tokio_postgres::{Error, Row};

use super::{
    Store, StoreError,
    dossier_row::{STATE, STEP, step, word},
    ticket::{After, split},
};
use crate::record::{
    Told,
    dossier::{Dossier, Outcome},
};

/// A dossier as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DossierRow {
    /// Publishing system.
    pub source: String,
    /// The dossier.
    pub record: Dossier,
}

/// Which dossiers: those handed in last first.
#[derive(Debug, Clone, Default)]
pub struct DossierFilter {
    /// Only of this system and code.
    pub one: Option<(String, String)>,
    /// Only of these handling units; empty for all.
    pub units: Vec<String>,
    /// Only of this formality.
    pub formality: Option<String>,
    /// Only of this field.
    pub field: Option<String>,
    /// Only of these channels; empty for all.
    pub channels: Vec<DossierChannel>,
    /// Only with these statuses; empty for all.
    pub statuses: Vec<DossierStatus>,
    /// Only accepted ones that are open (true) or ended (false).
    pub is_open: Option<bool>,
    /// Only accepted open ones that are overdue at this instant.
    pub overdue_at: Option<DateTime<Utc>>,
    /// Handed in from this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Handed in before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only after this dossier: when it was handed in, source, code.
    pub after: Option<After>,
    /// Most rows.
    pub limit: i64,
}

/// `t.a, t.b`
pub(super) fn list(prefix: &str, columns: &[&str]) -> String {
    columns.iter().map(|column| format!("{prefix}.{column}")).collect::<Vec<_>>().join(", ")
}

/// A status of the national portal.
fn status(code: Option<i16>) -> Option<DossierStatus> {
    code.and_then(|code| u8::try_from(code).ok()).and_then(DossierStatus::of_code)
}

/// A dossier in the columns of [`STATE`] without the device, from `first` on; null for a status or channel
/// that this program does not know.
fn state(row: &Row, first: usize) -> Result<Option<Dossier>, Error> {
    let at = |column: usize| first + column;
    let (Some(known), Some(channel)) =
        (status(row.try_get(at(6))?), word::<DossierChannel>(row, at(5))?)
    else {
        return Ok(None);
    };
    let value = row.try_get::<_, Option<i16>>(at(11))?.and_then(|value| u16::try_from(value).ok());
    let limit = value.zip(word::<LimitUnit>(row, at(12))?);
    let paid = row.try_get::<_, Option<i16>>(at(18))?.and_then(|code| u8::try_from(code).ok());
    let outcome = row.try_get::<_, Option<&str>>(at(35))?.and_then(Outcome::parse);
    Ok(Some(Dossier {
        dossier: row.try_get(at(0))?,
        formality: row.try_get(at(1))?,
        field: row.try_get(at(2))?,
        unit: row.try_get(at(3))?,
        received_by: row.try_get(at(4))?,
        channel,
        status: known,
        status_at: row.try_get(at(7))?,
        submitted_at: row.try_get(at(8))?,
        received_at: row.try_get(at(9))?,
        due_at: row.try_get(at(10))?,
        limit: limit.map(|(value, unit)| TimeLimit { value, unit }),
        has_component_file: row.try_get(at(13))?,
        digitised: row.try_get(at(14))?,
        reused: row.try_get(at(15))?,
        from_national_store: row.try_get(at(16))?,
        vneid: row.try_get(at(17))?,
        paid_online: paid.and_then(ioc_ingest::dossier::PaidOnline::of_code),
        fee_count: row.try_get(at(19))?,
        fee_vnd: row.try_get(at(20))?,
        result_links: row.try_get(at(21))?,
        applicant: word(row, at(22))?,
        apology_at: row.try_get(at(23))?,
        petitions: row.try_get(at(24))?,
        disliked: row.try_get(at(25))?,
        ended_at: row.try_get(at(26))?,
        end_status: status(row.try_get(at(27))?),
        returned_at: row.try_get(at(28))?,
        refused_at: row.try_get(at(29))?,
        supplements: row.try_get(at(30))?,
        is_paused: row.try_get(at(31))?,
        paused_s: row.try_get(at(32))?,
        effective_due: row.try_get(at(33))?,
        overdue_at: row.try_get(at(34))?,
        outcome,
        on_time: row.try_get(at(36))?,
        handling_min: row.try_get(at(37))?,
        limit_min: row.try_get(at(38))?,
        acceptance_min: row.try_get(at(39))?,
        accepted_in_time: row.try_get(at(40))?,
        steps_total: row.try_get(at(41))?,
        steps_on_time: row.try_get(at(42))?,
        boundary_free: row.try_get(at(43))?,
        illegal_moves: row.try_get(at(44))?,
        calendar: row.try_get(at(45))?,
        code_date_differs: row.try_get(at(46))?,
        submitted_day: row.try_get(at(47))?,
        received_day: row.try_get(at(48))?,
        ended_day: row.try_get(at(49))?,
        refused_day: row.try_get(at(50))?,
        overdue_day: row.try_get(at(51))?,
    }))
}

impl Store {
    /// Dossiers, those handed in last first.
    pub async fn dossiers(&self, filter: &DossierFilter) -> Result<Vec<DossierRow>, StoreError> {
        let failed = |error| StoreError::of("list the dossiers", error);
        let (one_source, one_dossier) = filter.one.as_ref().map(|(s, d)| (s, d)).unzip();
        let (time, source, number) = split(filter.after.as_ref());
        let channels: Vec<&str> = filter.channels.iter().map(|channel| channel.as_str()).collect();
        let statuses: Vec<i16> = filter.statuses.iter().map(|s| i16::from(s.code())).collect();
        let columns = list("t", STATE.columns);
        let sql = format!(
            "select d.source, t.dossier, {columns}
             from dossier t join device d on d.id = t.device_id
             where ($1::text is null or (d.source = $1 and t.dossier = $2))
               and (cardinality($3::text[]) = 0 or t.unit = any($3))
               and ($4::text is null or t.formality = $4)
               and ($5::text is null or t.field = $5)
               and (cardinality($6::text[]) = 0 or t.channel = any($6))
               and (cardinality($7::int2[]) = 0 or t.status = any($7))
               and ($8::bool is null
                    or (t.received_at is not null and (t.ended_at is null) = $8))
               and ($9::timestamptz is null
                    or (t.received_at is not null and t.ended_at is null and t.overdue_at <= $9))
               and ($10::timestamptz is null or t.submitted_at >= $10)
               and ($11::timestamptz is null or t.submitted_at < $11)
               and ($12::timestamptz is null or
                    (t.submitted_at <= $12
                     and (t.submitted_at, d.source collate \"C\", t.dossier collate \"C\")
                         < ($12, $13::text, $14::text)))
             order by t.submitted_at desc, d.source collate \"C\" desc, t.dossier collate \"C\" desc
             limit $15"
        );
        let rows = self
            .reader()
            .await?
            .query(
                &sql,
                &[
                    &one_source,
                    &one_dossier,
                    &filter.units,
                    &filter.formality,
                    &filter.field,
                    &channels,
                    &statuses,
                    &filter.is_open,
                    &filter.overdue_at,
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
        let read = |row: &Row| -> Result<Option<DossierRow>, Error> {
            let source = row.try_get(0)?;
            Ok(state(row, 1)?.map(|record| DossierRow { source, record }))
        };
        rows.iter()
            .filter_map(|row| read(row).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Steps of one dossier, oldest first.
    pub async fn dossier_steps(
        &self,
        source: &str,
        dossier: &str,
    ) -> Result<Vec<Told<DossierStep>>, StoreError> {
        let failed = |error| StoreError::of("read the steps of a dossier", error);
        let columns = list("s", STEP.columns);
        let sql = format!(
            "select {columns} from dossier_step s join device d on d.id = s.device_id
             where d.source = $1 and s.dossier = $2
             order by s.at, s.time, s.boot, s.seq, s.status"
        );
        let client = self.reader().await?;
        let rows = client.query(&sql, &[&source, &dossier]).await.map_err(failed)?;
        rows.iter()
            .filter_map(|row| step(row).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
