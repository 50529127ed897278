//! The metric catalogue and the figures that other city systems publish.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, SecondsFormat, Utc};
use ioc_ingest::topic::is_token;
use serde::Serialize;
use serde_json::Value;

use super::{
    App,
    answer::{self, Name, Page},
    caller::Caller,
    params::{self, Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::metric::{MetricFilter, MetricRow, MetricValueRow},
};

/// Figures of a page when `limit` is left out, and at most.
const LIMIT: (i64, i64) = (1_000, 10_000);

/// A metric of the catalogue.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Metric {
    /// Name in messages.
    id: String,
    /// Its name.
    name: Name,
    /// Unit of measure.
    unit_of_measure: String,
    /// Smallest accepted value; null for none.
    minimum: Option<f64>,
    /// Largest accepted value; null for none.
    maximum: Option<f64>,
    /// Where the definition comes from.
    source: String,
}

/// Figures of one metric.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct MetricFigures {
    /// The metric.
    metric: Metric,
    /// Its figures, oldest first.
    items: Vec<Figure>,
    /// What to give as `after` for the next page; null on the last one.
    next: Option<String>,
}

/// A figure.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Figure {
    /// Source clock.
    time: DateTime<Utc>,
    /// Publishing system.
    source: String,
    /// Unit that the figure belongs to; null for none.
    unit: Option<String>,
    /// Further dimensions.
    #[schema(value_type = Object)]
    #[ts(type = "Record<string, string>")]
    labels: Value,
    /// The figure in the metric's unit of measure; null when it was not measured.
    value: Option<f64>,
    /// exact or `at_least`.
    bound: String,
}

impl From<MetricRow> for Metric {
    fn from(row: MetricRow) -> Self {
        Self {
            id: row.name,
            name: Name { vi: row.name_vi, en: row.name_en },
            unit_of_measure: row.unit_of_measure,
            minimum: row.minimum,
            maximum: row.maximum,
            source: row.source,
        }
    }
}

impl From<MetricValueRow> for Figure {
    fn from(row: MetricValueRow) -> Self {
        Self {
            time: row.time,
            source: row.source,
            unit: Some(row.unit).filter(|unit| !unit.is_empty()),
            labels: row.labels,
            value: row.value,
            bound: row.bound,
        }
    }
}

/// The metric catalogue.
#[utoipa::path(get, operation_id = "list_metrics", path = "/api/v1/metrics", tag = "desk", responses(
    (status = 200, description = "All metrics", body = Page<Metric>),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn catalogue(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let rows = app.store.metric_catalogue(None).await?;
    answer::tagged(&headers, &Page::whole(rows.into_iter().map(Metric::from).collect()))
}

/// Which figures.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FigureQuery {
    /// Only of this unit.
    unit: Option<String>,
    /// From this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
    /// Most figures of the page, 1 to 10,000. Default 1,000.
    #[param(value_type = Option<i64>)]
    limit: i64,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<(DateTime<Utc>, String, String, String)>,
}

impl FromParams for FigureQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let unit = params.text("unit")?;
        let (from, to) = params.span()?;
        let (limit, after) = params.page(LIMIT.0, LIMIT.1)?;
        let after = after.as_deref().map(read_cursor).transpose()?;
        Ok(Self { unit, from, to, limit, after })
    }
}

/// `TIME~SOURCE~UNIT~LABELS`: only labels may contain a tilde.
fn cursor(row: &MetricValueRow) -> String {
    let time = row.time.to_rfc3339_opts(SecondsFormat::Micros, true);
    format!("{time}~{}~{}~{}", row.source, row.unit, row.labels_text)
}

fn read_cursor(text: &str) -> Result<(DateTime<Utc>, String, String, String), Problem> {
    let parts: Vec<&str> = text.splitn(4, '~').collect();
    match parts[..] {
        [time, source, unit, labels] => {
            let time = params::time("after", time)?;
            Ok((time, source.to_owned(), unit.to_owned(), labels.to_owned()))
        }
        _ => Err(Problem::invalid("after", "is no `next` of this list")),
    }
}

/// Figures of one metric, oldest first.
#[utoipa::path(get, operation_id = "metric_figures", path = "/api/v1/metrics/{name}", tag = "desk",
    params(("name" = String, Path, description = "Name in the catalogue"), FigureQuery),
    responses(
    (status = 200, description = "The metric with a page of figures", body = MetricFigures),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "Not in the catalogue", body = Problem)))]
pub(super) async fn figures(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(name): Path<String>,
    Asked(query): Asked<FigureQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let named = is_token(&name);
    let metric = if named { app.store.metric_catalogue(Some(&name)).await?.pop() } else { None };
    let metric =
        metric.ok_or_else(|| Problem::not_found(format!("there is no metric {name:?}")))?;
    let filter = MetricFilter {
        name,
        unit: query.unit,
        from: query.from,
        to: query.to,
        after: query.after,
        limit: query.limit + 1,
    };
    let page = Page::cut(app.store.metric_values(&filter).await?, query.limit, cursor);
    let items = page.items.into_iter().map(Figure::from).collect();
    answer::tagged(&headers, &MetricFigures { metric: metric.into(), items, next: page.next })
}
