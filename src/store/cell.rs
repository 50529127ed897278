//! The cube of dossiers: sums of all their measures by day, month and year, kept in the transaction
//! that changes the dossiers.
//!
//! What a batch's dossiers gave before is subtracted, what they give after is added, per cell in one
//! statement; cells are written in the order of their key, so that writers cannot block each other in a
//! ring. `recompute` builds months anew while writers wait, `verify` lists what differs. All three are
//! generated from the definitions of the measures: at any moment the cube equals what the dossiers give.

use std::fmt::Write as _;

use tokio_postgres::{Client, Statement, Transaction};

use super::{
    StoreError,
    measure::{
        define::{Day, Definition, definition},
        sql::{CATALOGUE, level},
    },
};
use crate::indicator::measure::{Measure, Noun};

mod build;
mod sample;

pub use build::{CellDifference, Rebuilt, Verified};
pub use sample::{CellSample, sample_cell, verify_cell};

/// Key columns of a cell beside its level.
const KEY: &str = "day, unit, field, formality, channel";

/// Prepared statements on one connection.
pub(super) struct Cells {
    before: Statement,
    apply: Statement,
    handling: Statement,
}

/// Dossiers as they stood before a batch changed them.
pub(super) struct Before(Option<String>);

impl Cells {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let failed = |error| StoreError::of("prepare the cube of dossiers", error);
        Ok(Self {
            before: client.prepare(BEFORE).await.map_err(failed)?,
            apply: client.prepare(&apply()).await.map_err(failed)?,
            handling: client.prepare(&apply_handling()).await.map_err(failed)?,
        })
    }

    /// Notes how dossiers stand, before they are changed in the same transaction.
    pub(super) async fn before(
        &self,
        transaction: &Transaction<'_>,
        devices: &[i32],
        dossiers: &[&str],
    ) -> Result<Before, StoreError> {
        let failed = |error| StoreError::of("read dossiers before they change", error);
        let row = transaction.query_one(&self.before, &[&devices, &dossiers]).await;
        row.and_then(|row| row.try_get(0)).map(Before).map_err(failed)
    }

    /// Brings the cube from how the same dossiers stood before to how they stand now.
    pub(super) async fn after(
        &self,
        transaction: &Transaction<'_>,
        before: Before,
        devices: &[i32],
        dossiers: &[&str],
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("keep the cube of dossiers", error);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&devices, &dossiers, &before.0];
        transaction.execute(&self.apply, &values).await.map_err(failed)?;
        transaction.execute(&self.handling, &values).await.map_err(failed)?;
        Ok(())
    }
}

/// The rows as text, which the next statement reads back: no other place has to hold them.
const BEFORE: &str = "
    select array_agg(d)::text from (
      select * from dossier
      where (device_id, dossier) in (select * from unnest($1::int4[], $2::text[]))
      order by device_id, dossier for update
    ) d";

/// Dossiers `d` before, with sign -1, and after, with sign 1.
const CHANGED: &str = "(
    select -1 as sign, b.* from unnest($3::text::dossier[]) b
    union all
    select 1, a.* from dossier a
    where (a.device_id, a.dossier) in (select * from unnest($1::int4[], $2::text[]))
  ) d";

/// All measures of dossiers, in the order of the cube's columns.
fn columns() -> Vec<&'static str> {
    Measure::of(Noun::Dossier).map(Measure::as_str).collect()
}

/// Each column through a template in which `@` stands for it and `#` for its type, each after a comma.
fn each(template: &str) -> String {
    Measure::of(Noun::Dossier).fold(String::new(), |mut text, measure| {
        let filled = template.replace('@', measure.as_str());
        let _infallible = write!(text, ", {}", filled.replace('#', kind(&definition(measure))));
        text
    })
}

/// What the records `from` give of the measures of one kind of day, zero for all others: grouped by
/// `keys`, where `sign` multiplies and `when` restricts.
fn facts(
    day: Day,
    from: &str,
    keys: &str,
    sign: Option<&str>,
    when: &str,
    grouping: &str,
) -> String {
    let mut values = String::new();
    let mut catalogue = "";
    for measure in Measure::of(Noun::Dossier) {
        let definition = definition(measure);
        let column = measure.as_str();
        if definition.day != day {
            let _infallible = write!(values, ", 0::{} as {column}", kind(&definition));
            continue;
        }
        if definition.catalogue {
            catalogue = CATALOGUE;
        }
        let predicate = &definition.when;
        let sum = match (definition.amount, sign) {
            (None, None) => format!("count(*) filter (where {predicate})"),
            (amount, sign) => {
                let amount = amount.unwrap_or("1");
                let signed =
                    sign.map_or_else(|| amount.to_owned(), |sign| format!("{sign} * ({amount})"));
                format!("coalesce(sum({signed}) filter (where {predicate}), 0)")
            }
        };
        let _infallible = write!(values, ", {sum}::{} as {column}", kind(&definition));
    }
    let moment = day.moment();
    let column = moment.day;
    let keys = keys.replace('@', column);
    let when = when.replace('@', column);
    let only = moment.when;
    let grouping = grouping.replace('@', column);
    format!(
        "select {keys}{values} from {from} {catalogue} \
         where {column} is not null and {only} and {when} group by {grouping}"
    )
}

/// Type of a measure's column: sums of small counts are several times as fast as those of amounts.
fn kind(definition: &Definition) -> &'static str {
    if definition.amount.is_some() { "int8" } else { "int4" }
}

/// Unit, field, formality and channel of a dossier's cell.
const DIMENSIONS: &str = "coalesce(d.unit, '') as unit, coalesce(d.field, '') as field, \
    coalesce(d.formality, '') as formality, d.channel";

/// The delta: finest cells of what changed, then every level of those that do not cancel out.
fn apply() -> String {
    let keys = format!("@ as day, {DIMENSIONS}");
    let parts = Day::DOSSIER
        .map(|day| facts(day, CHANGED, &keys, Some("d.sign"), "true", "1, 2, 3, 4, 5"))
        .join(" union all ");
    let changed: Vec<String> =
        columns().iter().map(|column| format!("sum({column}) <> 0")).collect();
    let (day, month, field, formality, total, quarter, year) = (
        level::DAY,
        level::MONTH,
        level::MONTH_FIELD,
        level::MONTH_FORMALITY,
        level::MONTH_TOTAL,
        level::QUARTER_FORMALITY,
        level::YEAR_FORMALITY,
    );
    format!(
        "with parts as ({parts}), finest as (
           select {KEY}{sums} from parts group by {KEY} having {changed}
         ), cells as (
           select l.level,
             case l.level when {day} then f.day
               when {quarter} then date_trunc('quarter', f.day::timestamp)::date
               when {year} then date_trunc('year', f.day::timestamp)::date
               else date_trunc('month', f.day::timestamp)::date end as day,
             case when l.level <> {total} then f.unit else '' end as unit,
             case when l.level >= {field} then f.field else '' end as field,
             case when l.level >= {formality} then f.formality else '' end as formality,
             f.channel{of_finest}
           from finest f, (values ({day}::int2), ({month}), ({field}), ({formality}), ({total}),
             ({quarter}), ({year})) l (level)
         )
         insert into dossier_cell as c (level, {KEY}{names})
         select level, {KEY}{totals} from cells group by level, {KEY} having {changed}
         order by level, {KEY}
         on conflict (level, {KEY}) do update set {updates}",
        sums = each("sum(@) as @"),
        changed = changed.join(" or "),
        of_finest = each("f.@"),
        totals = each("nullif(sum(@), 0)"),
        names = each("@"),
        updates = each("@ = nullif(coalesce(c.@, 0) + coalesce(excluded.@, 0), 0)")
            .trim_start_matches(", "),
    )
}

/// The delta of the histogram.
fn apply_handling() -> String {
    format!(
        "insert into dossier_handling as h (level, day, unit, minutes, dossiers)
         select level, day, unit, minutes, sum(sign)
         from (select d.sign, {} from {CHANGED}, {HANDLING_LEVELS} where {HANDLED}) x
         group by level, day, unit, minutes having sum(sign) <> 0 order by level, day, unit, minutes
         on conflict (level, day, unit, minutes) do update set dossiers = h.dossiers + excluded.dossiers",
        handling()
    )
}

/// The levels of the histogram.
const HANDLING_LEVELS: &str =
    "(values (1::int2, 'month'), (2, 'quarter'), (3, 'year')) l (level, period)";

/// Key of a dossier in the histogram.
fn handling() -> String {
    format!(
        "l.level, date_trunc(l.period, d.ended_day::timestamp)::date as day, \
         coalesce(d.unit, '') as unit, {} as minutes",
        super::measure::spread::bucket("d.handling_min")
    )
}

/// Dossiers that stand in the histogram.
const HANDLED: &str =
    "d.ended_day is not null and d.received_day is not null and d.handling_min is not null";
