//! The catalogue of formalities with their online services, as the API reads it.

use chrono::NaiveDate;
use serde::Deserialize;
use tokio_postgres::{Error, Row, types::Json};

use super::{Store, StoreError};

/// A formality in one span of time; the columns are described in the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns are described in the schema, once")]
pub struct FormalityRow {
    pub code: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub name_vi: String,
    pub name_en: String,
    pub field: Option<String>,
    pub level: String,
    pub sector: Option<String>,
    pub announced_on: Option<NaiveDate>,
    pub effective_on: Option<NaiveDate>,
    pub published_on: Option<NaiveDate>,
    pub complete_parts: Option<bool>,
    pub eligible_full: Option<bool>,
    pub online_level: String,
    pub has_fee: Option<bool>,
    pub npsp_linked: Option<bool>,
    pub requires_paper_result: Option<bool>,
    pub audience: Option<String>,
    pub limit: Option<(i16, String)>,
    pub source: String,
    pub mark: String,
    /// Its online services that are valid at any time of the span.
    pub services: Vec<ServiceRow>,
}

/// An online service of a formality in one span of time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the columns are described in the schema, once")]
pub struct ServiceRow {
    pub code: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub name_vi: String,
    pub name_en: String,
    pub state: String,
    pub npsp_linked: bool,
}

/// Which formalities: in the order of code and first day.
#[derive(Debug, Clone, Default)]
pub struct FormalityFilter {
    /// Only what is valid on this day, services too.
    pub valid_at: Option<NaiveDate>,
    /// Only of this field.
    pub field: Option<String>,
    /// Only of these levels; empty for all.
    pub levels: Vec<String>,
    /// Only after this code and day.
    pub after: Option<(String, NaiveDate)>,
    /// Most rows.
    pub limit: i64,
}

fn formality(row: &Row) -> Result<FormalityRow, Error> {
    let limit: Option<i16> = row.try_get(18)?;
    let limit_unit: Option<String> = row.try_get(19)?;
    let Json(services) = row.try_get(22)?;
    Ok(FormalityRow {
        code: row.try_get(0)?,
        valid_from: row.try_get(1)?,
        valid_to: row.try_get(2)?,
        name_vi: row.try_get(3)?,
        name_en: row.try_get(4)?,
        field: row.try_get(5)?,
        level: row.try_get(6)?,
        sector: row.try_get(7)?,
        announced_on: row.try_get(8)?,
        effective_on: row.try_get(9)?,
        published_on: row.try_get(10)?,
        complete_parts: row.try_get(11)?,
        eligible_full: row.try_get(12)?,
        online_level: row.try_get(13)?,
        has_fee: row.try_get(14)?,
        npsp_linked: row.try_get(15)?,
        requires_paper_result: row.try_get(16)?,
        audience: row.try_get(17)?,
        limit: limit.zip(limit_unit),
        source: row.try_get(20)?,
        mark: row.try_get(21)?,
        services,
    })
}

impl Store {
    /// Formalities of the catalogue with their online services.
    pub async fn formalities(
        &self,
        filter: &FormalityFilter,
    ) -> Result<Vec<FormalityRow>, StoreError> {
        let failed = |error| StoreError::of("list the formalities", error);
        let (after_code, after_day) = filter.after.as_ref().map(|(c, day)| (c, day)).unzip();
        let rows = self
            .reader()
            .await?
            .query(
                "select f.code, f.valid_from, f.valid_to, f.name_vi, f.name_en, f.field, f.level,
                        f.sector, f.announced_on, f.effective_on, f.published_on, f.complete_parts,
                        f.eligible_full, f.online_level, f.has_fee, f.npsp_linked,
                        f.requires_paper_result, f.audience, f.limit_value, f.limit_unit, f.source,
                        f.mark, s.list
                 from formality f
                 cross join lateral (
                   select coalesce(jsonb_agg(to_jsonb(o) order by o.code collate \"C\", o.valid_from),
                                   '[]') as list
                   from online_service o
                   where o.formality = f.code
                     and o.valid_from < coalesce(f.valid_to, 'infinity')
                     and coalesce(o.valid_to, 'infinity') > f.valid_from
                     and ($1::date is null
                          or (o.valid_from <= $1 and (o.valid_to is null or o.valid_to > $1)))
                 ) s
                 where ($1::date is null
                        or (f.valid_from <= $1 and (f.valid_to is null or f.valid_to > $1)))
                   and ($2::text is null or f.field = $2)
                   and (cardinality($3::text[]) = 0 or f.level = any($3))
                   and ($4::text is null
                        or (f.code collate \"C\", f.valid_from) > ($4, $5::date))
                 order by f.code collate \"C\", f.valid_from
                 limit $6",
                &[
                    &filter.valid_at,
                    &filter.field,
                    &filter.levels,
                    &after_code,
                    &after_day,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(formality).collect::<Result<_, _>>().map_err(failed)
    }
}
