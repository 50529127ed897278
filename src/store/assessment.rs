//! Forms on the nine indicators, as the API reads them.

use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::{
    Word,
    assessment::{Assessment, Assessor, INDICATORS},
};
use tokio_postgres::{Error, Row};

use super::{
    Store, StoreError,
    dossier_row::word,
    ticket::{After, split},
};

/// A form.
#[derive(Debug, Clone, PartialEq)]
pub struct AssessmentRow {
    /// Publishing system.
    pub source: String,
    /// Message time, source clock.
    pub time: DateTime<Utc>,
    /// What it says.
    pub form: Assessment,
}

/// Which forms: the latest first.
#[derive(Debug, Clone, Default)]
pub struct AssessmentFilter {
    /// Only of this system and number.
    pub one: Option<(String, String)>,
    /// Only about these units; empty for all.
    pub units: Vec<String>,
    /// Only about quarters that begin in this span, half-open.
    pub quarters: Option<(NaiveDate, NaiveDate)>,
    /// Only by this assessor.
    pub by: Option<Assessor>,
    /// Only those that name this dossier.
    pub dossier: Option<String>,
    /// Only after this form: its time, source, number.
    pub after: Option<After>,
    /// Most rows.
    pub limit: i64,
}

/// A form; null when an assessor is named that this program does not know.
fn form(row: &Row) -> Result<Option<AssessmentRow>, Error> {
    let Some(by) = word(row, 5)? else { return Ok(None) };
    let mut scores_e3 = [None; INDICATORS];
    for (column, score) in (8..).zip(&mut scores_e3) {
        let points: Option<i16> = row.try_get(column)?;
        *score = points.and_then(|points| u16::try_from(points).ok());
    }
    Ok(Some(AssessmentRow {
        source: row.try_get(0)?,
        time: row.try_get(1)?,
        form: Assessment {
            form: row.try_get(2)?,
            unit: row.try_get(3)?,
            quarter: row.try_get(4)?,
            by,
            channel: word(row, 6)?,
            dossier: row.try_get(7)?,
            scores_e3,
        },
    }))
}

impl Store {
    /// Forms, the latest first.
    pub async fn assessments(
        &self,
        filter: &AssessmentFilter,
    ) -> Result<Vec<AssessmentRow>, StoreError> {
        let failed = |error| StoreError::of("list the forms", error);
        let (one_source, one_form) = filter.one.as_ref().map(|(s, f)| (s, f)).unzip();
        let (time, source, number) = split(filter.after.as_ref());
        let (from, to) = filter.quarters.unzip();
        let by = filter.by.map(Word::as_str);
        let rows = self
            .reader()
            .await?
            .query(
                "select d.source, t.time, t.form, t.unit, t.quarter, t.by, t.channel, t.dossier,
                        t.n1_e3, t.n2_e3, t.n3_e3, t.n4_e3, t.n5_e3, t.n6_e3, t.n7_e3, t.n8_e3,
                        t.n9_e3
                 from assessment t join device d on d.id = t.device_id
                 where ($1::text is null or (d.source = $1 and t.form = $2))
                   and (cardinality($3::text[]) = 0 or t.unit = any($3))
                   and ($4::date is null or (t.quarter >= $4 and t.quarter < $5))
                   and ($6::text is null or t.by = $6)
                   and ($7::text is null or t.dossier = $7)
                   and ($8::timestamptz is null or
                        (t.time <= $8
                         and (t.time, d.source collate \"C\", t.form collate \"C\")
                             < ($8, $9::text, $10::text)))
                 order by t.time desc, d.source collate \"C\" desc, t.form collate \"C\" desc
                 limit $11",
                &[
                    &one_source,
                    &one_form,
                    &filter.units,
                    &from,
                    &to,
                    &by,
                    &filter.dossier,
                    &time,
                    &source,
                    &number,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .filter_map(|row| form(row).transpose())
            .collect::<Result<_, _>>()
            .map_err(failed)
    }
}
