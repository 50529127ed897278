//! One day of one unit, taken by chance, compared with its dossiers: what the hub checks while it works.

use chrono::NaiveDate;
use tokio_postgres::Client;

use super::{
    super::{
        StoreError,
        measure::{define::Day, sql::level},
    },
    KEY,
    build::{Verified, compare, compared},
    each, facts,
};

/// A day of a unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellSample {
    /// Civil day.
    pub day: NaiveDate,
    /// Unit; empty when not known.
    pub unit: String,
}

/// Takes a day since `kept_since`, `share` of the way from the first to the last, and a unit by chance;
/// null when there is none, and while the cube is to be built anew.
pub async fn sample_cell(
    client: &Client,
    kept_since: NaiveDate,
    share: f64,
) -> Result<Option<CellSample>, StoreError> {
    let failed = |error| StoreError::of("choose a day of a unit to check", error);
    let sql = format!(
        "with bounds as (
           select
             (select day from dossier_cell where level = {0} and day > $1 order by day limit 1) as first,
             (select day from dossier_cell where level = {0} order by day desc limit 1) as last
         ), chosen as (
           select c.day from bounds b join dossier_cell c
             on c.level = {0} and c.day >= b.first + ($2 * (b.last - b.first))::int4
           order by c.day limit 1
         )
         select day, unit from dossier_cell join chosen using (day)
         where level = {0} and (select stale_since is null from dossier_cell_state)
         order by random() limit 1",
        level::DAY
    );
    let row = client.query_opt(&sql, &[&kept_since, &share]).await.map_err(failed)?;
    row.map(|row| Ok(CellSample { day: row.try_get(0)?, unit: row.try_get(1)? }))
        .transpose()
        .map_err(failed)
}

/// Compares a day of a unit with its dossiers, in one statement.
pub async fn verify_cell(client: &Client, sample: &CellSample) -> Result<Verified, StoreError> {
    let CellSample { day, unit } = sample;
    let unit = unit.replace('\'', "''");
    let within =
        format!("@ = '{day}' and (d.unit = '{unit}' or (d.unit is null and '' = '{unit}'))");
    let keys = format!(
        "{}::int2 as level, @ as day, coalesce(d.unit, '') as unit, ''::text as field, \
         ''::text as formality, d.channel",
        level::DAY
    );
    let parts = Day::DOSSIER
        .map(|day| facts(day, "dossier d", &keys, None, &within, "2, 3, 6"))
        .join(" union all ");
    let cells = format!(
        "select level, {KEY}{} from ({parts}) parts group by level, {KEY}",
        each("sum(@)::# as @")
    );
    let stored = format!("level = {} and day = '{day}' and unit = '{unit}'", level::DAY);
    let mut verified = Verified::default();
    compare(client, "dossier_cell", &compared("dossier_cell", &stored, &cells), &mut verified)
        .await?;
    Ok(verified)
}
