//! For operations: does the process live, is it ready, what does it count.
//!
//! Details only for requests from this machine or of a signed-in administrator.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;

use super::{
    App,
    caller::{self, Peer},
    problem::Problem,
};
use crate::{
    access::{self, Right},
    readiness::Component,
};

/// Whether the hub can do its work.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct ReadinessReport {
    /// Whether every part works.
    ready: bool,
    /// Build of the hub; null for callers from elsewhere.
    build: Option<String>,
    /// The database; null for callers from elsewhere.
    database: Option<Component>,
    /// The broker session; null for callers from elsewhere.
    broker: Option<Component>,
    /// The writer; null for callers from elsewhere.
    writer: Option<Component>,
    /// Whether the spool could take what the database does not; null for callers from elsewhere.
    spool: Option<Component>,
}

/// The process lives.
#[utoipa::path(get, operation_id = "alive", path = "/healthz", tag = "operations", security(()), responses(
    (status = 200, description = "The process lives", body = String)))]
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the hub can do its work, and if not, what is missing and since when.
#[utoipa::path(get, operation_id = "ready", path = "/readyz", tag = "operations", security(()), responses(
    (status = 200, description = "Ready", body = ReadinessReport),
    (status = 503, description = "Not ready", body = ReadinessReport)))]
pub(super) async fn ready(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let readiness = app.ready.borrow().clone();
    let ready = readiness.is_ready();
    let details = may_see_details(&app, peer, &headers).await;
    let report = ReadinessReport {
        ready,
        build: details.then(|| app.settings.build.clone()),
        database: details.then_some(readiness.database),
        broker: details.then_some(readiness.broker),
        writer: details.then_some(readiness.writer),
        spool: details.then_some(readiness.spool),
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((status, no_store, Json(report)).into_response())
}

/// Counters and gauges as Prometheus text.
#[utoipa::path(get, operation_id = "process_metrics", path = "/metrics", tag = "operations", security(()), responses(
    (status = 200, description = "Metrics", body = String,
        content_type = "application/openmetrics-text"),
    (status = 403, description = "Neither this machine nor an administrator", body = Problem)))]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    peer: Peer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !may_see_details(&app, peer, &headers).await {
        return Err(Problem::not_local());
    }
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], (app.metrics)()).into_response())
}

/// While the database is away a session counts that was used a moment ago, and no other.
async fn may_see_details(app: &App, peer: Peer, headers: &HeaderMap) -> bool {
    if peer.local {
        return true;
    }
    let who = caller::identify_reader(app, headers).await.ok().flatten();
    who.is_some_and(|who| access::decide(&who, Right::Administer).is_ok())
}
