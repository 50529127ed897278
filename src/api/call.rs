//! Calls at the switchboard of the service desk.

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
    store::{call::CallRow, ticket::After},
};

/// A call at the switchboard.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[expect(clippy::struct_field_names, reason = "the contract's key for the number")]
pub(crate) struct Call {
    /// Publishing system.
    source: String,
    /// Call id.
    call: String,
    /// in or out.
    direction: String,
    /// When the caller entered the queue; null when not reported.
    queued_at: Option<DateTime<Utc>>,
    /// When it was answered; null when it was not.
    answered_at: Option<DateTime<Utc>>,
    /// When the caller gave up; null when not.
    abandoned_at: Option<DateTime<Utc>>,
    /// When it ended; null when not reported.
    ended_at: Option<DateTime<Utc>>,
    /// Ticket that it led to; null for none.
    ticket: Option<String>,
    /// Message time, source clock.
    time: DateTime<Utc>,
}

impl From<CallRow> for Call {
    fn from(row: CallRow) -> Self {
        Self {
            source: row.source,
            call: row.call,
            direction: row.direction,
            queued_at: row.queued_at,
            answered_at: row.answered_at,
            abandoned_at: row.abandoned_at,
            ended_at: row.ended_at,
            ticket: row.ticket,
            time: row.time,
        }
    }
}

/// Which calls.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CallQuery {
    /// Message time from this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Message time before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for CallQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        Ok(Self { from, to })
    }
}

/// Calls, newest first.
#[utoipa::path(get, operation_id = "list_calls", path = "/api/v1/calls", tag = "desk", params(CallQuery, ShortPages<After>), responses(
    (status = 200, description = "A page of calls", body = Page<Call>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(CallQuery, ShortPages<After>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let span = (query.from, query.to);
    let rows = app.store.calls(span, paging.after.as_ref(), paging.limit.rows()).await?;
    let cursor = |row: &CallRow| (row.time, row.source.clone(), row.call.clone());
    answer::tagged(&headers, &paging.limit.page(rows, cursor, Call::from))
}
