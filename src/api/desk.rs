//! Figures of the service desk, counted by the database. The live channel carries the same.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{App, answer, caller::Caller, problem::Problem};
use crate::{access::Right, day::midnight};

/// Figures of the service desk; all null when nothing ever came, since no feed is not zero tickets.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct DeskSummary {
    /// Hub clock.
    at: DateTime<Utc>,
    /// Latest step or call, source clock; null when nothing ever came.
    latest: Option<DateTime<Utc>>,
    /// Tickets ever created.
    #[ts(type = "number | null")]
    received_total: Option<i64>,
    /// Tickets that stand resolved, published or closed.
    #[ts(type = "number | null")]
    handled_total: Option<i64>,
    /// Open tickets.
    #[ts(type = "number | null")]
    in_process: Option<i64>,
    /// Open tickets past their due time.
    #[ts(type = "number | null")]
    overdue: Option<i64>,
    /// Tickets created in this civil day.
    #[ts(type = "number | null")]
    received_today: Option<i64>,
    /// Tickets handled in this civil day.
    #[ts(type = "number | null")]
    handled_today: Option<i64>,
    /// Incoming calls of this civil day.
    #[ts(type = "number | null")]
    calls_today: Option<i64>,
    /// Abandoned ones of them.
    #[ts(type = "number | null")]
    abandoned_today: Option<i64>,
    /// Tickets per channel.
    #[ts(type = "Record<string, number>")]
    channels: BTreeMap<String, i64>,
    /// Tickets per status.
    #[ts(type = "Record<string, number>")]
    statuses: BTreeMap<String, i64>,
}

/// Figures of the service desk now.
#[utoipa::path(get, operation_id = "desk_summary", path = "/api/v1/desk/summary", tag = "desk", responses(
    (status = 200, description = "The figures", body = DeskSummary),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn summary(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let now = app.clock.now();
    let zone = app.settings.zone;
    let today = midnight(now.with_timezone(&zone).date_naive(), zone);
    let figures = app.store.desk_figures(now, today).await?;
    let known = |figure: i64| figures.latest.map(|_| figure);
    let summary = DeskSummary {
        at: now,
        latest: figures.latest,
        received_total: known(figures.received_total),
        handled_total: known(figures.handled_total),
        in_process: known(figures.in_process),
        overdue: known(figures.overdue),
        received_today: known(figures.received_today),
        handled_today: known(figures.handled_today),
        calls_today: known(figures.calls_today),
        abandoned_today: known(figures.abandoned_today),
        channels: figures.channels.into_iter().collect(),
        statuses: figures.statuses.into_iter().collect(),
    };
    answer::tagged(&headers, &summary)
}
