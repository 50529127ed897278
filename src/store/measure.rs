//! Sums of measures, what is open, how values are distributed, and the records behind a figure.
//!
//! Every statement is generated from the definitions in `define`. Dossiers are summed up from the cube
//! where that answers the question (`sql::blocks`), everything else from the records themselves; both
//! give the same. Answers are per unit code as the records name it: trees of units are the caller's.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use tokio_postgres::{Row, error::Error};

use super::{Store, StoreError};
use crate::indicator::measure::{
    By, Histogram, Measure, Noun, OpenBorders, OpenPart, OpenSums, Ranked, Slice, Span, Sums,
};

pub(super) mod define;
mod listing;
mod open;
pub(super) mod spread;
pub(super) mod sql;

pub use listing::{Listed, Page};
pub(crate) use sql::month_of;

/// With which other measures of its noun one is best asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reading {
    /// Whether its day may lie ahead of the clock: due times do, whatever happened does not.
    pub(crate) may_lie_ahead: bool,
    /// Which of the days of its noun orders its records; null for dossiers, of which the cube has all.
    day: Option<define::Day>,
}

/// How a measure is read.
pub(crate) fn reading(measure: Measure) -> Reading {
    let day = define::definition(measure).day;
    let may_lie_ahead =
        matches!(day, define::Day::Overdue | define::Day::Due | define::Day::PetitionOverdue);
    let has_cube = measure.noun() == Noun::Dossier;
    Reading { may_lie_ahead, day: (!has_cube).then_some(day) }
}

/// Formalities of one unit with dossiers that count in the same measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Active {
    /// Unit code as the records name it; empty for the unknown one.
    pub unit: String,
    /// Bit n is set where they count in measure n.
    pub mark: i32,
    formalities: String,
}

impl Active {
    /// Codes, of which no one holds a space.
    pub fn formalities(&self) -> impl Iterator<Item = &str> {
        self.formalities.split(' ')
    }
}

impl Store {
    /// Sums of measures of one noun over the records of a span and a slice, ordered by unit and key.
    /// Where all sums are zero there is no row.
    pub async fn measures(
        &self,
        measures: &[Measure],
        span: Span,
        slice: &Slice,
        by: By,
    ) -> Result<Vec<Sums>, StoreError> {
        let failed = |error| StoreError::of("sum up measures", error);
        if measures.is_empty() {
            return Ok(Vec::new());
        }
        let statement = sql::sums(measures, span, slice, by) + " order by unit, key";
        let rows = self.reader().await?;
        let rows = rows.query(&statement, &sql::parameters(slice)).await.map_err(failed)?;
        let sums = |row: &Row| {
            let values = (0..measures.len()).map(|n| row.try_get(n + 2));
            let values = values.collect::<Result<_, Error>>()?;
            Ok(Sums { unit: row.try_get(0)?, key: row.try_get(1)?, values })
        };
        rows.iter().map(sums).collect::<Result<_, _>>().map_err(failed)
    }

    /// Units that had a record of a noun and a slice before a day; empty for the unknown one.
    pub async fn seen(
        &self,
        noun: Noun,
        until: NaiveDate,
        slice: &Slice,
    ) -> Result<Vec<String>, StoreError> {
        let failed = |error| StoreError::of("look for units with records", error);
        let statement = sql::seen(noun, until, slice);
        let rows = self.reader().await?;
        let rows = rows.query(&statement, &sql::parameters(slice)).await.map_err(failed)?;
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(failed)
    }

    /// What is open at an instant, by unit and key. Dossiers count once they were accepted.
    pub async fn open_now(
        &self,
        noun: Noun,
        borders: &OpenBorders,
        slice: &Slice,
        by: By,
    ) -> Result<Vec<OpenSums>, StoreError> {
        let failed = |error| StoreError::of("count what is open", error);
        let Some(statement) = open::sums(noun, borders, by) else { return Ok(Vec::new()) };
        let rows = self.reader().await?;
        let rows = rows.query(&statement, &sql::parameters(slice)).await.map_err(failed)?;
        rows.iter().map(open::read).collect::<Result<_, _>>().map_err(failed)
    }

    /// What is open, by unit and day of receipt: how old it is, a calendar tells.
    pub async fn open_days(
        &self,
        noun: Noun,
        slice: &Slice,
    ) -> Result<Vec<(String, NaiveDate, i64)>, StoreError> {
        let failed = |error| StoreError::of("count what is open by day", error);
        let Some(statement) = open::days(noun) else { return Ok(Vec::new()) };
        let rows = self.reader().await?;
        let rows = rows.query(&statement, &sql::parameters(slice)).await.map_err(failed)?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// How values are distributed over the records of a span and a slice, by unit and key.
    pub async fn histograms(
        &self,
        ranked: Ranked,
        span: Span,
        slice: &Slice,
        by: By,
    ) -> Result<Vec<Histogram>, StoreError> {
        let failed = |error| StoreError::of("sum up histograms", error);
        let statement = spread::histograms(ranked, span, slice, by);
        let rows = self.reader().await?;
        let rows = rows.query(&statement, &sql::parameters(slice)).await.map_err(failed)?;
        rows.iter().map(spread::read).collect::<Result<_, _>>().map_err(failed)
    }

    /// Per unit the formalities with dossiers that count in any of at most 31 measures, apart by which of
    /// them. One formality may stand there more than once.
    pub async fn active_formalities(
        &self,
        measures: &[Measure],
        span: Span,
        slice: &Slice,
    ) -> Result<Vec<Active>, StoreError> {
        let failed = |error| StoreError::of("look for active formalities", error);
        if measures.is_empty() {
            return Ok(Vec::new());
        }
        let statement = sql::active(measures, span, slice);
        let rows = self.reader().await?;
        let rows = rows.query(&statement, &sql::parameters(slice)).await.map_err(failed)?;
        let active = |row: &Row| {
            Ok(Active {
                unit: row.try_get(0)?,
                mark: row.try_get(1)?,
                formalities: row.try_get(2)?,
            })
        };
        rows.iter().map(active).collect::<Result<_, _>>().map_err(failed)
    }

    /// The records that a measure counts in a span and a slice, oldest first.
    pub async fn measured_records(
        &self,
        measure: Measure,
        span: Span,
        slice: &Slice,
        page: &Page,
        zone: Tz,
    ) -> Result<Vec<Listed>, StoreError> {
        let statement = listing::measured(measure, span, page, zone);
        self.listed(&statement, slice, page).await
    }

    /// The records of a part of what is open, oldest first.
    pub async fn open_records(
        &self,
        noun: Noun,
        part: OpenPart,
        borders: &OpenBorders,
        slice: &Slice,
        page: &Page,
    ) -> Result<Vec<Listed>, StoreError> {
        match open::records(noun, part, borders) {
            Some(statement) => self.listed(&statement, slice, page).await,
            None => Ok(Vec::new()),
        }
    }

    async fn listed(
        &self,
        statement: &str,
        slice: &Slice,
        page: &Page,
    ) -> Result<Vec<Listed>, StoreError> {
        let failed = |error| StoreError::of("list the records behind a figure", error);
        let at: Option<DateTime<Utc>> = page.after.as_ref().map(|after| after.0);
        let source = page.after.as_ref().map(|after| after.1.as_str());
        let id = page.after.as_ref().map(|after| after.2.as_str());
        let mut values = sql::parameters(slice).to_vec();
        values.extend::<[&(dyn tokio_postgres::types::ToSql + Sync); 4]>([
            &at,
            &source,
            &id,
            &page.limit,
        ]);
        let rows = self.reader().await?;
        let rows = rows.query(statement, &values).await.map_err(failed)?;
        rows.iter().map(listing::read).collect::<Result<_, _>>().map_err(failed)
    }
}
