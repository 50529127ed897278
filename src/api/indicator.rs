//! Indicators of reform and the service desk: the catalogue, values of a period, the records behind one,
//! the accounting identities.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    App,
    answer::{self, Name},
    caller::Caller,
    paging::{Cursor, Page, ShortPages},
    params::{self, Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    indicator::{
        catalogue::{Group, Indicator, Operator},
        identity::Checked,
        measure::Dimension,
        period::{Length, Period},
        value::{Answer, Ask, Mode, Narrow, Split, Versions},
    },
    reform::{
        self, Context,
        listed::{self, Side},
    },
    store::measure::Listed,
};

/// Indicators of one request at most.
const IDS_MAX: usize = 64;
/// Records of one CSV at most: about 40 MB in memory. A figure of more is refused, never cut.
const TABLE_MAX: usize = 50_000;
/// Records that are read at a time for it.
const TABLE_STEP: i64 = 5_000;

/// What an indicator should keep to.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct TargetStatement {
    /// `>=`, `<=`, `<`, `=`, or `abs<`, `abs<=` of the value without its sign.
    op: Operator,
    /// In the indicator's unit of measure.
    #[schema(value_type = f64)]
    #[ts(type = "number")]
    value: crate::indicator::exact::Milli,
}

/// An indicator of the catalogue.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct IndicatorStatement {
    /// Id, such as `A12`.
    id: String,
    /// dossier, nine, decision766, online, digitisation, desk, operations or hub.
    group: Group,
    /// Its name.
    name: Name,
    /// `percent`, `points`, `working_hours`, or what is counted.
    unit_of_measure: String,
    /// How it is computed, in words.
    formula: Name,
    /// By what it can be asked.
    dimensions: Vec<String>,
    /// What it should keep to; null for none.
    target: Option<TargetStatement>,
    /// Article, form or bulletin that defines it.
    source: String,
    /// First day with a meaning.
    valid_from: NaiveDate,
    /// First day without; null while valid.
    valid_to: Option<NaiveDate>,
    /// Whether the live channel carries it for the whole city.
    headline: bool,
    /// Stream that it is computed from; null while nothing feeds it.
    feed: Option<String>,
    /// Why nothing feeds it yet; null where something does.
    no_feed: Option<Name>,
}

/// The catalogue.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct IndicatorCatalogue {
    /// Versions that values carry.
    versions: Versions,
    /// Indicators in their order.
    indicators: Vec<IndicatorStatement>,
}

impl From<&Indicator> for IndicatorStatement {
    fn from(of: &Indicator) -> Self {
        let both = |vi: &String, en: &String| Name { vi: vi.clone(), en: en.clone() };
        let target = of.target.map(|target| TargetStatement { op: target.op, value: target.value });
        let no_feed = of.no_feed_vi.as_ref().zip(of.no_feed_en.as_ref());
        Self {
            id: of.id.clone(),
            group: of.group,
            name: both(&of.name_vi, &of.name_en),
            unit_of_measure: of.unit_of_measure.clone(),
            formula: both(&of.formula_vi, &of.formula_en),
            dimensions: of.dimensions.clone(),
            target,
            source: of.source.clone(),
            valid_from: of.valid_from,
            valid_to: of.valid_to,
            headline: of.headline,
            feed: of.feed.clone(),
            no_feed: no_feed.map(|(vi, en)| both(vi, en)),
        }
    }
}

/// What indicators are computed with; before the registry is known the hub is still starting.
pub(super) fn context(app: &App) -> Result<Arc<Context>, Problem> {
    app.reform.borrow().clone().ok_or_else(Problem::starting)
}

/// The period that is asked for; the running month when none is.
pub(super) fn period(params: &mut Params) -> Result<Option<Period>, Problem> {
    let text = params.text("period")?;
    let wrong = |_| {
        Problem::invalid(
            "period",
            "is 2026-11-20, 2026-W47, 2026-11, 2026-Q4, 2026-H2, 2026-9M or 2026",
        )
    };
    text.map(|text| text.parse::<Period>().map_err(wrong)).transpose()
}

pub(super) fn mode(params: &mut Params) -> Result<Mode, Problem> {
    let modes = params.named("mode", &[("as_was", Mode::AsWas), ("as_is", Mode::AsIs)])?;
    Ok(modes.first().copied().unwrap_or(Mode::AsWas))
}

/// Which values.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ValueQuery {
    /// Indicators, as comma list or repeated; at most 64.
    ids: Vec<String>,
    /// The unit and everything below it; the whole city when left out.
    unit: Option<String>,
    /// Period such as 2026-11 or 2026-Q4; the latest month with data when left out.
    #[param(value_type = Option<String>)]
    period: Option<Period>,
    /// unit (everything below, each with its own below), children, month, day, channel, formality,
    /// field or category; one value when left out.
    #[param(value_type = Option<String>)]
    by: Split,
    /// `as_was` (tree on the day of each record) or `as_is` (today's tree).
    #[param(value_type = Option<String>)]
    mode: Mode,
    /// Described by [`NarrowQuery`].
    #[param(ignore)]
    narrow: Narrow,
}

/// Which records count; what is left out does not restrict.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters that `narrow` reads")]
pub(super) struct NarrowQuery {
    /// Only this formality.
    formality: Option<String>,
    /// Only this field.
    field: Option<String>,
    /// Only this channel.
    channel: Option<String>,
    /// Only this category, class or type.
    category: Option<String>,
}

const SPLITS: [(&str, Split); 8] = [
    ("unit", Split::All),
    ("children", Split::Children),
    ("month", Split::Key(Dimension::Month)),
    ("day", Split::Key(Dimension::Day)),
    ("channel", Split::Key(Dimension::Channel)),
    ("formality", Split::Key(Dimension::Formality)),
    ("field", Split::Key(Dimension::Field)),
    ("category", Split::Key(Dimension::Category)),
];

pub(super) fn narrow(params: &mut Params) -> Result<Narrow, Problem> {
    Ok(Narrow {
        formality: params.text("formality")?,
        field: params.text("field")?,
        channel: params.text("channel")?,
        category: params.text("category")?,
    })
}

impl FromParams for ValueQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let ids = params.list("ids");
        if ids.is_empty() {
            return Err(Problem::invalid(
                "ids",
                "names at least one indicator; GET /api/v1/indicators lists them",
            ));
        }
        if ids.len() > IDS_MAX {
            return Err(Problem::invalid("ids", format!("at most {IDS_MAX} in one request")));
        }
        let split = params.named("by", &SPLITS)?;
        Ok(Self {
            ids,
            unit: params.text("unit")?,
            period: period(params)?,
            by: split.first().copied().unwrap_or(Split::Total),
            mode: mode(params)?,
            narrow: narrow(params)?,
        })
    }
}

/// The catalogue of indicators.
#[utoipa::path(get, operation_id = "list_indicators", path = "/api/v1/indicators", tag = "indicators", responses(
    (status = 200, description = "Every indicator", body = IndicatorCatalogue),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn catalogue(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let context = context(&app)?;
    let indicators = context.catalogue.iter().map(IndicatorStatement::from).collect();
    answer::tagged(&headers, &IndicatorCatalogue { versions: context.versions(), indicators })
}

/// Values of indicators in one period.
#[utoipa::path(get, operation_id = "indicator_values", path = "/api/v1/indicators/values", tag = "indicators", params(ValueQuery, NarrowQuery), responses(
    (status = 200, description = "The values", body = Answer),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn values(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<ValueQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let context = context(&app)?;
    let period = chosen(&app, &context, query.period).await?;
    let ValueQuery { ids, unit, by, mode, narrow, .. } = query;
    let ask = Ask { ids, unit, period, split: by, mode, narrow };
    answer::tagged(&headers, &reform::evaluate(&app.store, &context, &ask).await?)
}

/// The asked period, or the latest month that has data; the running month when nothing has.
pub(super) async fn chosen(
    app: &App,
    context: &Context,
    asked: Option<Period>,
) -> Result<Period, Problem> {
    if let Some(period) = asked {
        return Ok(period);
    }
    let day = app.store.latest_record_day(context.today()).await?.unwrap_or(context.today());
    Period::containing(Length::Month, day).ok_or_else(Problem::internal)
}

/// Identities of one period.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct IdentityQuery {
    /// The unit and everything below it; the whole city when left out.
    unit: Option<String>,
    /// Period; the latest month with data when left out.
    #[param(value_type = Option<String>)]
    period: Option<Period>,
    /// Only broken ones.
    broken: Option<bool>,
}

impl FromParams for IdentityQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (unit, broken) = (params.text("unit")?, params.flag("broken")?);
        Ok(Self { unit, period: period(params)?, broken })
    }
}

/// The accounting identities that must hold between counts, each with both of its sides.
#[utoipa::path(get, operation_id = "list_identities", path = "/api/v1/identities", tag = "indicators", params(IdentityQuery), responses(
    (status = 200, description = "The identities", body = [Checked]),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn identities(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<IdentityQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let context = context(&app)?;
    let period = chosen(&app, &context, query.period).await?;
    let mut checked =
        reform::identities(&app.store, &context, period, query.unit.as_deref()).await?;
    if query.broken == Some(true) {
        checked.retain(|one| !one.holds());
    }
    answer::tagged(&headers, &checked)
}

/// Which records.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RecordQuery {
    /// `numerator` (the count itself where there is no denominator; the default) or `denominator`.
    #[param(value_type = Option<String>)]
    part: Side,
    /// The unit and everything below it; the whole city when left out.
    unit: Option<String>,
    /// Period; the latest month with data when left out.
    #[param(value_type = Option<String>)]
    period: Option<Period>,
    /// `as_was` or `as_is`.
    #[param(value_type = Option<String>)]
    mode: Mode,
    /// `json` (default) or `csv`.
    #[param(value_type = Option<String>)]
    format: bool,
    /// Described by [`NarrowQuery`].
    #[param(ignore)]
    narrow: Narrow,
}

impl FromParams for RecordQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let sides = [("numerator", Side::Numerator), ("denominator", Side::Denominator)];
        let part = params.named("part", &sides)?;
        let csv = params.named("format", &[("json", false), ("csv", true)])?;
        Ok(Self {
            part: part.first().copied().unwrap_or(Side::Numerator),
            unit: params.text("unit")?,
            period: period(params)?,
            mode: mode(params)?,
            format: csv.first().copied().unwrap_or(false),
            narrow: narrow(params)?,
        })
    }
}

/// A record behind a figure: what it is, when it counts, what it adds, and what is known of it.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct RecordBehind {
    /// Publishing system.
    source: String,
    /// Dossier code, ticket number, call, petition, document or form.
    id: String,
    /// Instant that puts it into the period.
    at: DateTime<Utc>,
    /// What it adds to the figure.
    #[ts(type = "number")]
    amount: i64,
    /// Its columns by name; no personal data.
    #[schema(value_type = Object)]
    #[ts(type = "Record<string, unknown>")]
    record: Value,
}

impl From<Listed> for RecordBehind {
    fn from(listed: Listed) -> Self {
        let Listed { source, id, at, amount, record } = listed;
        Self { source, id, at, amount, record }
    }
}

/// `PART~TIME~SOURCE~ID`: the list is made of parts one after the other.
#[derive(Debug)]
pub(super) struct Behind {
    part: usize,
    after: (DateTime<Utc>, String, String),
}

impl Cursor for Behind {
    fn write(&self) -> String {
        let (time, source, id) = &self.after;
        let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
        format!("{}~{time}~{source}~{id}", self.part)
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '~');
        let part = parts.next()?.parse().ok()?;
        let time = params::time("after", parts.next()?).ok()?;
        Some(Self { part, after: (time, parts.next()?.to_owned(), parts.next()?.to_owned()) })
    }
}

/// The records behind an indicator's numerator or denominator, oldest first: JSON by page, or with
/// `format=csv` all of them as CSV, up to 50,000; `limit` does not count then.
#[utoipa::path(get, operation_id = "indicator_records", path = "/api/v1/indicators/{id}/records", tag = "indicators",
    params(("id" = String, Path, description = "Id of the indicator"), RecordQuery, NarrowQuery, ShortPages<Behind>), responses(
    (status = 200, description = "A page of records; empty for what no list of records makes up: scores, printed figures, what stood open at the end of a past period, and what remains of a sum of which something is subtracted", content(
        (Page<RecordBehind> = "application/json"), (String = "text/csv"))),
    (status = 400, description = "A parameter is not allowed, or more records than one CSV may hold", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such indicator", body = Problem)))]
pub(super) async fn records(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    Asked((query, paging)): Asked<(RecordQuery, ShortPages<Behind>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let context = context(&app)?;
    if context.catalogue.get(&id).is_none() {
        return Err(Problem::not_found(format!("there is no indicator {id:?}")));
    }
    let period = chosen(&app, &context, query.period).await?;
    let RecordQuery { part, unit, mode, narrow, format, .. } = query;
    let ask = Ask { ids: vec![id.clone()], unit, period, split: Split::Total, mode, narrow };
    let mut after = paging.after.map(|behind| (behind.part, behind.after));
    let place = |(part, listed): &(usize, Listed)| {
        (*part, (listed.at, listed.source.clone(), listed.id.clone()))
    };
    if format || answer::accepts(&headers, "text/csv") {
        let mut table = Table::default();
        loop {
            let (store, step) = (&app.store, TABLE_STEP);
            let rows = listed::records(store, &context, &ask, part, after, step).await?;
            let is_last = i64::try_from(rows.len()).is_ok_and(|read| read < step);
            after = rows.last().map(place);
            table.add(rows.into_iter().map(|(_, listed)| listed))?;
            if is_last {
                let text = table.written()?;
                return Ok(answer::with_tag(&headers, "text/csv; charset=utf-8", text.into()));
            }
        }
    }
    let rows =
        listed::records(&app.store, &context, &ask, part, after, paging.limit.rows()).await?;
    let cursor = |row: &(usize, Listed)| {
        let (part, after) = place(row);
        Behind { part, after }
    };
    let page = paging.limit.page(rows, cursor, |(_, listed)| RecordBehind::from(listed));
    answer::tagged(&headers, &page)
}

/// Records as a table: one line each, the columns of all of them in the order in which they came.
#[derive(Debug, Default)]
struct Table {
    columns: Vec<String>,
    /// Cells; a line ends where no later column was known yet.
    lines: Vec<Vec<String>>,
}

impl Table {
    const FIXED: [&str; 4] = ["source", "id", "at", "amount"];

    /// Adds records, or refuses those that are too many.
    fn add(&mut self, records: impl Iterator<Item = Listed>) -> Result<(), Problem> {
        for Listed { source, id, at, amount, record } in records {
            if self.lines.len() == TABLE_MAX {
                let detail = format!("more than {TABLE_MAX} records, which one CSV may hold");
                let help = "ask for one unit, a shorter period or one formality, field or channel";
                return Err(Problem::too_much("period", detail, help));
            }
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            let (source, id) = (answer::neutral(&source), answer::neutral(&id));
            let mut line = vec![source, id, at, amount.to_string()];
            for (key, value) in record.as_object().into_iter().flatten() {
                let known = self.columns.iter().position(|column| column == key);
                let place = Self::FIXED.len()
                    + known.unwrap_or_else(|| {
                        self.columns.push(key.clone());
                        self.columns.len() - 1
                    });
                if line.len() <= place {
                    line.resize(place + 1, String::new());
                }
                line[place] = cell(value);
            }
            self.lines.push(line);
        }
        Ok(())
    }

    fn written(mut self) -> Result<Vec<u8>, Problem> {
        let failed = |error: csv::Error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "records could not be written"
            );
            Problem::internal()
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = Self::FIXED.into_iter().chain(self.columns.iter().map(String::as_str));
        writer.write_record(names).map_err(failed)?;
        let width = Self::FIXED.len() + self.columns.len();
        for line in &mut self.lines {
            line.resize(width, String::new());
            writer.write_record(&*line).map_err(failed)?;
        }
        writer.into_inner().map_err(|error| failed(error.into_error().into()))
    }
}

/// Only text can be taken for a formula; a negative number is one.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => answer::neutral(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(id: &str, amount: i64, record: Value) -> Listed {
        let (source, at) = ("onestop-1".into(), DateTime::UNIX_EPOCH);
        Listed { source, id: id.into(), at, amount, record }
    }

    #[test]
    fn a_table_has_the_columns_of_every_record_and_numbers_stay_numbers() {
        let mut table = Table::default();
        let first = listed("a", 1, json!({"days": -2.5, "note": "-1+1"}));
        table
            .add([first, listed("=b", -1, json!({"status": "late", "days": null}))].into_iter())
            .unwrap();
        assert_eq!(
            String::from_utf8(table.written().unwrap()).unwrap(),
            "source,id,at,amount,days,note,status\n\
             onestop-1,a,1970-01-01T00:00:00Z,1,-2.5,'-1+1,\n\
             onestop-1,'=b,1970-01-01T00:00:00Z,-1,,,late\n"
        );
    }

    #[test]
    fn a_table_is_refused_rather_than_cut() {
        let mut table = Table::default();
        table.add((0..TABLE_MAX).map(|_| listed("a", 1, json!({})))).unwrap();
        let refused = table.add(std::iter::once(listed("a", 1, json!({})))).unwrap_err();
        assert_eq!((refused.code, refused.at_fault()), ("too_much", Some("period")));
    }
}
