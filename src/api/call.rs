//! Calls at the switchboard of the service desk.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{
    App,
    answer::{self, Page},
    caller::Caller,
    params::{Asked, FromParams, Params},
    problem::Problem,
    ticket::{cursor, read_cursor},
};
use crate::{
    access::Right,
    store::{call::CallRow, ticket::After},
};

/// Calls of a page when `limit` is left out, and at most.
const LIMIT: (i64, i64) = (100, 1_000);

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
    /// Most calls of the page, 1 to 1,000. Default 100.
    #[param(value_type = Option<i64>)]
    limit: i64,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<After>,
}

impl FromParams for CallQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        let (limit, after) = params.page(LIMIT.0, LIMIT.1)?;
        let after = after.as_deref().map(read_cursor).transpose()?;
        Ok(Self { from, to, limit, after })
    }
}

/// Calls, newest first.
#[utoipa::path(get, operation_id = "list_calls", path = "/api/v1/calls", tag = "desk", params(CallQuery), responses(
    (status = 200, description = "A page of calls", body = Page<Call>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<CallQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let span = (query.from, query.to);
    let rows = app.store.calls(span, query.after.as_ref(), query.limit + 1).await?;
    let items = rows.into_iter().map(Call::from).collect();
    let page =
        Page::cut(items, query.limit, |call: &Call| cursor(call.time, &call.source, &call.call));
    answer::tagged(&headers, &page)
}
