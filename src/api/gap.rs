//! Known loss: holes in the numbers of messages, and restarts, across which loss is unknown.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    App, answer,
    caller::Caller,
    paging::{Page, ShortPages},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::gap::{GapFilter, GapRow},
};

/// What was lost, or may have been.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Gap {
    /// Number in order of discovery.
    #[ts(type = "number")]
    id: i64,
    /// `missing`: messages whose seq never came, or not yet. `restart`: the source began a new boot,
    /// and nobody knows whether it lost messages before.
    kind: GapKind,
    /// Source token.
    source: String,
    /// Service level of the topic.
    service: String,
    /// Stream level of the topic.
    stream: String,
    /// Restart counter of the source; of a restart the one after it.
    #[ts(type = "number")]
    boot: i64,
    /// First seq that was missing when it was first seen; null for a restart.
    #[ts(type = "number | null")]
    from_seq: Option<i64>,
    /// Last seq that was missing when it was first seen; null for a restart.
    #[ts(type = "number | null")]
    to_seq: Option<i64>,
    /// Messages that are still missing, 0 when all have come; null for a restart: unknown.
    #[ts(type = "number | null")]
    missing: Option<i64>,
    /// Which of them are still missing: at most the first 20 spans.
    spans: Vec<GapSpan>,
    /// When it was first seen, hub clock.
    first_seen: DateTime<Utc>,
    /// When the last missing message came, or when the boot was followed no more and the rest was
    /// given up, hub clock; null while it is open and for a restart.
    closed_at: Option<DateTime<Utc>>,
}

/// What kind of loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GapKind {
    /// Messages are missing, by their numbers.
    Missing,
    /// The source restarted: unknown.
    Restart,
}

/// Numbers in a row that are still missing.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct GapSpan {
    /// First seq.
    #[ts(type = "number")]
    from_seq: i64,
    /// Last seq.
    #[ts(type = "number")]
    to_seq: i64,
    /// How many of them are missing. Fewer than the span holds when there were too many spans to keep
    /// apart: then it is not known which.
    #[ts(type = "number")]
    missing: i64,
}

impl From<GapRow> for Gap {
    fn from(row: GapRow) -> Self {
        let span = |[from_seq, to_seq, missing]: [i64; 3]| GapSpan { from_seq, to_seq, missing };
        Self {
            id: row.id,
            kind: if row.missing.is_some() { GapKind::Missing } else { GapKind::Restart },
            source: row.source,
            service: row.service,
            stream: row.stream,
            boot: row.boot,
            from_seq: row.bounds.map(|(from, _)| from),
            to_seq: row.bounds.map(|(_, to)| to),
            missing: row.missing,
            spans: row.spans.into_iter().map(span).collect(),
            first_seen: row.first_seen,
            closed_at: row.closed_at,
        }
    }
}

/// Which gaps.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GapQuery {
    /// Only of this source.
    source: Option<String>,
    /// Services, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    service: Vec<String>,
    /// true for those that can still be filled, false for the others (filled, given up, restarts);
    /// without it, all.
    open: Option<bool>,
    /// First seen from this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// First seen before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for GapQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let source = params.text("source")?;
        let service = params.services()?;
        let open = params.flag("open")?;
        let (from, to) = params.span()?;
        Ok(Self { source, service, open, from, to })
    }
}

/// Known loss, newest first: holes in the numbers of messages, and restarts.
#[utoipa::path(get, operation_id = "list_gaps", path = "/api/v1/gaps", tag = "data health", params(GapQuery, ShortPages<i64>), responses(
    (status = 200, description = "A page of gaps", body = Page<Gap>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(GapQuery, ShortPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = GapFilter {
        source: query.source,
        services: query.service,
        open: query.open,
        from: query.from,
        to: query.to,
        before_id: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.gaps(&filter).await?;
    answer::tagged(&headers, &paging.limit.page(rows, |row| row.id, Gap::from))
}
