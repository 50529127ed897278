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
    answer::{self, Name},
    caller::Caller,
    paging::{Cursor, LongPages, Page},
    params::{self, Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::metric::{MetricFilter, MetricRow, MetricValueRow},
};

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
}

impl FromParams for FigureQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let unit = params.text("unit")?;
        let (from, to) = params.span()?;
        Ok(Self { unit, from, to })
    }
}

/// Time, source, unit and labels of a figure.
type After = (DateTime<Utc>, String, String, String);

/// `TIME~SOURCE~UNIT~LABELS`: only labels may contain a tilde.
impl Cursor for After {
    fn write(&self) -> String {
        let (time, source, unit, labels) = self;
        let time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
        format!("{time}~{source}~{unit}~{labels}")
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '~');
        let time = params::time("after", parts.next()?).ok()?;
        let mut next = || parts.next().map(str::to_owned);
        Some((time, next()?, next()?, next()?))
    }
}

/// Figures of one metric, oldest first.
#[utoipa::path(get, operation_id = "metric_figures", path = "/api/v1/metrics/{name}", tag = "desk",
    params(("name" = String, Path, description = "Name in the catalogue"), FigureQuery, LongPages<After>),
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
    Asked((query, paging)): Asked<(FigureQuery, LongPages<After>)>,
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
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.metric_values(&filter).await?;
    let cursor = |row: &MetricValueRow| {
        (row.time, row.source.clone(), row.unit.clone(), row.labels_text.clone())
    };
    let Page { items, next } = paging.limit.page(rows, cursor, Figure::from);
    answer::tagged(&headers, &MetricFigures { metric: metric.into(), items, next })
}
