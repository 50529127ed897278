//! The cube from the dossiers as they stand: to build it anew, and to compare.
//!
//! A month at a time, each in one transaction that keeps writers waiting: what they have not committed
//! is added when they go on, since they add differences. Quarters and
//! years are sums of their stored months.

use std::time::SystemTime;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_postgres::{Client, Transaction};

use super::{
    super::{
        Store, StoreError,
        measure::sql::{level, month_of, quarter_of, year_of},
    },
    HANDLED, HANDLING_LEVELS, KEY, columns, each, facts, handling,
};
use crate::{indicator::measure::Span, store::measure::define::Day};

/// Differences that are told of one month; of more, the first ones.
const DIFFERENT_MAX: i64 = 200;

/// What was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Months.
    pub months: u64,
    /// Cells.
    pub cells: u64,
}

/// One figure of the cube that is not what the dossiers give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellDifference {
    /// `dossier_cell` or `dossier_handling`.
    pub table: &'static str,
    /// Key of the cell, as `column=value` for those that are not empty.
    pub cell: String,
    /// Column.
    pub column: String,
    /// Stored value; 0 when there is no row.
    pub stored: i64,
    /// Value that the dossiers give.
    pub recomputed: i64,
}

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Months.
    pub months: u64,
    /// Cells that agree.
    pub cells: u64,
    /// What differs.
    pub differences: Vec<CellDifference>,
    /// Whether there are more than are told.
    pub more: bool,
}

impl Store {
    /// Builds the cube of the months and years that a span touches anew; of all, without one. Months
    /// up to that of `kept_since`, whose dossiers may be gone, stay as they are. A cube that was built
    /// whole is no longer stale.
    pub async fn recompute_cells(
        &self,
        span: Option<Span>,
        kept_since: NaiveDate,
    ) -> Result<Rebuilt, StoreError> {
        let failed = |error| StoreError::of("build the cube of dossiers anew", error);
        let mut client = self.connect_owner().await?;
        client.batch_execute(SESSION).await.map_err(failed)?;
        let mut rebuilt = Rebuilt::default();
        // What changes the catalogue from now on makes the cube stale again.
        let known: Option<SystemTime> = stale_since(&client).await?;
        let months = months(&client, span, kept_since).await?;
        for &month in &months {
            let transaction = client.transaction().await.map_err(failed)?;
            rebuilt.cells += build_month(&transaction, month).await?;
            transaction.commit().await.map_err(failed)?;
            rebuilt.months += 1;
        }
        for longer in Longer::around(&months) {
            let transaction = client.transaction().await.map_err(failed)?;
            rebuilt.cells += build_longer(&transaction, &longer).await?;
            transaction.commit().await.map_err(failed)?;
        }
        client.batch_execute("analyze dossier_cell, dossier_handling").await.map_err(failed)?;
        if span.is_none() {
            let fresh = "update dossier_cell_state set stale_since = null where stale_since = $1";
            client.execute(fresh, &[&known]).await.map_err(failed)?;
        }
        Ok(rebuilt)
    }

    /// Builds the cube anew if the catalogue of formalities changed since it was made; null if not.
    pub async fn refresh_cells(
        &self,
        kept_since: NaiveDate,
    ) -> Result<Option<Rebuilt>, StoreError> {
        if stale_since(&self.connect_owner().await?).await?.is_none() {
            return Ok(None);
        }
        self.recompute_cells(None, kept_since).await.map(Some)
    }

    /// Compares the cube of the months and years that a span touches with the dossiers; all, without
    /// one. Each month is one statement and so one moment of the database: a hub may write meanwhile.
    /// Months up to that of `kept_since` are not compared.
    pub async fn verify_cells(
        &self,
        span: Option<Span>,
        kept_since: NaiveDate,
    ) -> Result<Verified, StoreError> {
        let failed = |error| StoreError::of("compare the cube of dossiers", error);
        let client = self.connect_owner().await?;
        client.batch_execute(SESSION).await.map_err(failed)?;
        let mut verified = Verified::default();
        let months = months(&client, span, kept_since).await?;
        for &month in &months {
            compare(&client, "dossier_cell", &compare_month(month), &mut verified).await?;
            let handling = compare_handling(1, month.from, &month_handling(month));
            compare(&client, "dossier_handling", &handling, &mut verified).await?;
            verified.months += 1;
        }
        for longer in Longer::around(&months) {
            compare(&client, "dossier_cell", &compare_longer(&longer), &mut verified).await?;
            let handling =
                compare_handling(longer.handling, longer.span.from, &longer_handling(&longer));
            compare(&client, "dossier_handling", &handling, &mut verified).await?;
        }
        Ok(verified)
    }
}

/// Whole months are sorted and hashed: with the memory of small questions that goes by the disk.
const SESSION: &str = "set work_mem = '256MB'; set temp_buffers = '64MB'; set jit = off";

/// Since when the catalogue has been another one than the cube was made with.
async fn stale_since(client: &Client) -> Result<Option<SystemTime>, StoreError> {
    let row = client.query_one("select stale_since from dossier_cell_state", &[]).await;
    row.and_then(|row| row.try_get(0))
        .map_err(|error| StoreError::of("read the state of the cube", error))
}

/// Months that hold dossiers or cells, within a span, from the one after that of `kept_since` on.
async fn months(
    client: &Client,
    span: Option<Span>,
    kept_since: NaiveDate,
) -> Result<Vec<Span>, StoreError> {
    let failed = |error| StoreError::of("look for the months of dossiers", error);
    let days = Day::DOSSIER.map(|day| {
        let column = day.moment().day;
        format!("select min({column}) as first, max({column}) as last from dossier d")
    });
    let row = client
        .query_one(
            &format!(
                "select min(first), max(last) from ({} union all \
                 select min(day), max(day) from dossier_cell where level = {}) bounds",
                days.join(" union all "),
                level::MONTH
            ),
            &[],
        )
        .await
        .map_err(failed)?;
    let bounds: (Option<NaiveDate>, Option<NaiveDate>) =
        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    let (Some(first), Some(last)) = bounds else { return Ok(Vec::new()) };
    let (mut first, mut end) = (first.max(month_of(kept_since).to), last);
    if let Some(span) = span {
        first = first.max(span.from);
        end = end.min(span.to.pred_opt().unwrap_or(span.to));
    }
    let mut months = Vec::new();
    let mut month = month_of(first);
    while month.from <= end {
        months.push(month);
        month = month_of(month.to);
    }
    Ok(months)
}

/// A quarter or year, and its levels in the cube and in the histogram.
struct Longer {
    span: Span,
    cells: i16,
    handling: i16,
}

impl Longer {
    /// Those that months lie in.
    fn around(months: &[Span]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for &Span { from, .. } in months {
            let quarter =
                Self { span: quarter_of(from), cells: level::QUARTER_FORMALITY, handling: 2 };
            let year = Self { span: year_of(from), cells: level::YEAR_FORMALITY, handling: 3 };
            for longer in [quarter, year] {
                if !all.iter().any(|known| known.span == longer.span) {
                    all.push(longer);
                }
            }
        }
        all
    }
}

/// All cells of a month that its dossiers give: level, key, measures.
fn month_cells(month: Span) -> String {
    let dossiers = "(select d.*, coalesce(d.unit, '') as of_unit, coalesce(d.field, '') as of_field, \
        coalesce(d.formality, '') as of_formality from dossier d) d";
    let within = format!("@ >= '{}' and @ < '{}'", month.from, month.to);
    let keys = format!(
        "case when grouping(@) = 0 then {day}::int2 else {formality}::int2 end as level, \
         coalesce(@, '{from}') as day, d.of_unit as unit, coalesce(d.of_field, '') as field, \
         coalesce(d.of_formality, '') as formality, d.channel",
        from = month.from,
        day = level::DAY,
        formality = level::MONTH_FORMALITY,
    );
    let grouping = "grouping sets ((@, d.of_unit, d.channel), \
         (d.of_unit, d.of_field, d.of_formality, d.channel))";
    let parts = Day::DOSSIER
        .map(|day| facts(day, dossiers, &keys, None, &within, grouping))
        .join(" union all ");
    let sums = each("sum(@)::# as @");
    let rolled = |level: i16, unit: &str, field: &str, formality: &str| {
        format!(
            "select {level}::int2, '{}'::date, {unit} as unit, {field} as field, \
               {formality} as formality, channel{} \
             from finest where level = {} group by 3, 4, 5, 6",
            month.from,
            each("sum(@)"),
            level::MONTH_FORMALITY
        )
    };
    let levels = [
        rolled(level::MONTH, "unit", "''", "''"),
        rolled(level::MONTH_FIELD, "unit", "field", "''"),
        rolled(level::MONTH_TOTAL, "''", "field", "formality"),
    ]
    .join(" union all ");
    format!(
        "with parts as ({parts}), finest as materialized (
           select level, {KEY}{sums} from parts group by level, {KEY}
         )
         select * from finest union all {levels}"
    )
}

/// The cells of a quarter or year, from its stored months.
fn longer_cells(longer: &Longer) -> String {
    format!(
        "select {level}::int2 as level, '{from}'::date as day, unit, field, formality, channel{sums} \
         from dossier_cell where level = {month_level} and day >= '{from}' and day < '{to}' \
         group by unit, field, formality, channel",
        level = longer.cells,
        month_level = level::MONTH_FORMALITY,
        sums = each("sum(@)::# as @"),
        from = longer.span.from,
        to = longer.span.to,
    )
}

/// The histogram of a month.
fn month_handling(month: Span) -> String {
    format!(
        "select level, day, unit, minutes, count(*)::int4 as dossiers from (
           select {} from dossier d, {HANDLING_LEVELS}
           where l.level = 1 and {HANDLED} and d.ended_day >= '{}' and d.ended_day < '{}'
         ) x group by level, day, unit, minutes",
        handling(),
        month.from,
        month.to
    )
}

/// The histogram of a quarter or year, from its stored months.
fn longer_handling(longer: &Longer) -> String {
    format!(
        "select {level}::int2 as level, '{from}'::date as day, unit, minutes, \
           sum(dossiers)::int4 as dossiers \
         from dossier_handling where level = 1 and day >= '{from}' and day < '{to}' \
         group by unit, minutes",
        level = longer.handling,
        from = longer.span.from,
        to = longer.span.to
    )
}

/// Keeps writers waiting until the end of the transaction; readers go on.
const LOCK: &str = "lock table dossier_cell, dossier_handling in share row exclusive mode";

async fn build_month(transaction: &Transaction<'_>, month: Span) -> Result<u64, StoreError> {
    let cells = Built {
        table: "dossier_cell",
        stored: stored_month(month),
        // Most figures of most cells are zero: as nulls they take no room.
        rows: sparse(&month_cells(month)),
    };
    let handling = Built {
        table: "dossier_handling",
        stored: format!("level = 1 and day = '{}'", month.from),
        rows: month_handling(month),
    };
    build(transaction, &[cells, handling]).await
}

async fn build_longer(transaction: &Transaction<'_>, longer: &Longer) -> Result<u64, StoreError> {
    let from = longer.span.from;
    let cells = Built {
        table: "dossier_cell",
        stored: format!("level = {} and day = '{from}'", longer.cells),
        rows: longer_cells(longer),
    };
    let handling = Built {
        table: "dossier_handling",
        stored: format!("level = {} and day = '{from}'", longer.handling),
        rows: longer_handling(longer),
    };
    build(transaction, &[cells, handling]).await
}

/// Rows of a table that take the place of those that are stored.
struct Built {
    table: &'static str,
    /// Which are stored.
    stored: String,
    /// What should be.
    rows: String,
}

/// Writes what differs. What agrees, usually everything, is only read.
async fn build(transaction: &Transaction<'_>, all: &[Built]) -> Result<u64, StoreError> {
    let failed = |error| StoreError::of("build a part of the cube", error);
    transaction.batch_execute(LOCK).await.map_err(failed)?;
    let mut rows = 0;
    for Built { table, stored, rows: built } in all {
        let (key, values) = columns_of(table);
        let key: Vec<&str> = key.split(", ").collect();
        let same = |columns: &[&str], equals: &str| {
            let pairs = columns.iter().map(|column| format!("s.{column} {equals} b.{column}"));
            pairs.collect::<Vec<_>>().join(" and ")
        };
        let values: Vec<&str> = values.split(", ").collect();
        let (keys, all) = (same(&key, "="), same(&values, "is not distinct from"));
        let columns = format!("{}, {}", key.join(", "), values.join(", "));
        let make = format!("create temporary table built on commit drop as {built}");
        let built_rows = transaction.execute(&make, &[]).await.map_err(failed)?;
        rows += built_rows;
        transaction.batch_execute("analyze built").await.map_err(failed)?;
        let wrong = format!(
            "delete from {table} s
             where {stored} and not exists (select from built b where {keys} and {all})"
        );
        transaction.execute(&wrong, &[]).await.map_err(failed)?;
        // What is left is as built: as many rows are the same rows, and none is missing.
        let left = format!("select count(*) from {table} s where {stored}");
        let row = transaction.query_one(&left, &[]).await.map_err(failed)?;
        let left: i64 = row.try_get(0).map_err(failed)?;
        if u64::try_from(left) != Ok(built_rows) {
            let missing = format!(
                "insert into {table} ({columns}) select {columns} from built b
                 where not exists (select from {table} s where {stored} and {keys})
                 order by {order}",
                order = key.join(", ")
            );
            transaction.execute(&missing, &[]).await.map_err(failed)?;
        }
        transaction.batch_execute("drop table built").await.map_err(failed)?;
    }
    Ok(rows)
}

/// Key and values of a table.
fn columns_of(table: &str) -> (String, String) {
    if table == "dossier_cell" {
        (format!("level, {KEY}"), columns().join(", "))
    } else {
        ("level, day, unit, minutes".to_owned(), "dossiers".to_owned())
    }
}

/// Cells with nulls for zeros.
fn sparse(cells: &str) -> String {
    format!("select level, {KEY}{} from ({cells}) c", each("nullif(@, 0)::# as @"))
}

/// Which cells are those of a month.
fn stored_month(month: Span) -> String {
    format!(
        "level < {} and day >= '{}' and day < '{}'",
        level::QUARTER_FORMALITY,
        month.from,
        month.to
    )
}

/// Cells of a month that differ: stored, recomputed.
fn compare_month(month: Span) -> String {
    compared("dossier_cell", &stored_month(month), &month_cells(month))
}

fn compare_longer(longer: &Longer) -> String {
    let stored = format!("level = {} and day = '{}'", longer.cells, longer.span.from);
    compared("dossier_cell", &stored, &longer_cells(longer))
}

fn compare_handling(level: i16, day: NaiveDate, recomputed: &str) -> String {
    let stored = format!("level = {level} and day = '{day}'");
    compared("dossier_handling", &stored, recomputed)
}

/// The stored and the recomputed row of every key where they differ, a missing one as null; in one
/// more row how many agree. Rows of zeros are as good as none.
pub(super) fn compared(table: &str, stored: &str, recomputed: &str) -> String {
    let (key, values) = columns_of(table);
    let columns: Vec<&str> = values.split(", ").collect();
    let all = |template: &str, between: &str| {
        let filled = columns.iter().map(|column| template.replace('@', column));
        filled.collect::<Vec<_>>().join(between)
    };
    let join = key.split(", ").map(|column| format!("s.{column} = r.{column}"));
    format!(
        "with recomputed as ({recomputed}), stored as (
           select {key}, {values} from {table} where {stored} and not ({zeros})
         ), both_sides as (
           select to_jsonb(s) as stored, to_jsonb(r) as recomputed, {agrees} as agrees
           from stored s full join (select * from recomputed where not ({zeros})) r on {join}
         )
         select null::jsonb, null::jsonb, count(*) filter (where agrees) from both_sides
         union all (select stored, recomputed, null from both_sides where not agrees limit {limit})",
        zeros = all("coalesce(@, 0) = 0", " and "),
        agrees = all("coalesce(s.@, 0) = coalesce(r.@, 0)", " and "),
        join = join.collect::<Vec<_>>().join(" and "),
        limit = DIFFERENT_MAX + 1
    )
}

pub(super) async fn compare(
    client: &Client,
    table: &'static str,
    statement: &str,
    verified: &mut Verified,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("compare the cube of dossiers", error);
    let rows = client.query(statement, &[]).await.map_err(failed)?;
    let mut different = 0;
    for row in &rows {
        if let Some(agree) = row.try_get::<_, Option<i64>>(2).map_err(failed)? {
            verified.cells += agree.unsigned_abs();
            continue;
        }
        let side = |n: usize| {
            let side: Option<Value> = row.try_get(n).map_err(failed)?;
            Ok(side.as_ref().and_then(Value::as_object).cloned().unwrap_or_default())
        };
        verified.differences.extend(differences(table, &side(0)?, &side(1)?));
        different += 1;
    }
    verified.more |= different > DIFFERENT_MAX;
    Ok(())
}

/// Columns that differ between two rows of a key, of which one may be missing.
fn differences(
    table: &'static str,
    stored: &Map<String, Value>,
    recomputed: &Map<String, Value>,
) -> Vec<CellDifference> {
    let is_key = |column: &str| {
        matches!(column, "level" | "day" | "unit" | "field" | "formality" | "channel" | "minutes")
    };
    let row = if stored.is_empty() { recomputed } else { stored };
    let parts = row.iter().filter(|(column, _)| is_key(column)).filter_map(|(column, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        (!value.is_empty()).then(|| format!("{column}={value}"))
    });
    let cell = parts.collect::<Vec<_>>().join(" ");
    let value = |row: &Map<String, Value>, column: &str| {
        row.get(column).and_then(Value::as_i64).unwrap_or_default()
    };
    row.keys()
        .filter(|column| !is_key(column))
        .map(|column| CellDifference {
            table,
            cell: cell.clone(),
            column: column.clone(),
            stored: value(stored, column),
            recomputed: value(recomputed, column),
        })
        .filter(|difference| difference.stored != difference.recomputed)
        .collect()
}
