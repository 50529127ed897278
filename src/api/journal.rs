//! The journal: who changed what, and who silenced a console. For everybody who operates: it is the
//! log of their shifts too.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    App, answer,
    body::Body,
    caller::Caller,
    paging::{Page, ShortPages},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::journal::{self, JournalFilter, JournalRow},
};

/// Longest silence of a console: the pages end theirs after two minutes, their clocks may differ.
const SILENCE_MAX: TimeDelta = TimeDelta::minutes(10);

/// A change.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct JournalEntry {
    /// Number in order.
    #[ts(type = "number")]
    id: i64,
    /// Hub clock.
    at: DateTime<Utc>,
    /// Account name, or `command:NAME` for the command line.
    who: String,
    /// Verb and noun, such as `accept_source`.
    action: String,
    /// What it was done to.
    object: String,
    /// Value before; null when there was none.
    #[schema(value_type = Option<Object>)]
    #[ts(type = "unknown")]
    before: Option<Value>,
    /// Value after; null when there is none.
    #[schema(value_type = Option<Object>)]
    #[ts(type = "unknown")]
    after: Option<Value>,
}

impl From<JournalRow> for JournalEntry {
    fn from(row: JournalRow) -> Self {
        let JournalRow { id, at, who, action, object, before, after } = row;
        Self { id, at, who, action, object, before, after }
    }
}

/// Which changes.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JournalQuery {
    /// Only of this account.
    who: Option<String>,
    /// Only this action, such as `accept_source`.
    action: Option<String>,
    /// From this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for JournalQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let who = params.text("who")?;
        let action = params.text("action")?;
        let (from, to) = params.span()?;
        Ok(Self { who, action, from, to })
    }
}

/// What people changed, newest first.
#[utoipa::path(get, operation_id = "list_journal", path = "/api/v1/journal", tag = "data health", params(JournalQuery, ShortPages<i64>), responses(
    (status = 200, description = "A page of changes", body = Page<JournalEntry>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(JournalQuery, ShortPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Operate)?;
    let JournalQuery { who, action, from, to } = query;
    let (before_id, limit) = (paging.after, paging.limit.rows());
    let filter = JournalFilter { from, to, who, action, before_id, limit };
    let rows = app.store.journal(&filter).await?;
    answer::tagged(&headers, &paging.limit.page(rows, |row| row.id, JournalEntry::from))
}

/// A console whose alarm sound was silenced.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct Silence {
    /// When the sound comes back, at most ten minutes from now.
    until: DateTime<Utc>,
}

/// Tell the journal that the alarm sound of a console was silenced. The console does so by itself.
#[utoipa::path(post, operation_id = "silence_console", path = "/api/v1/console/silence", tag = "screens", request_body = Silence, responses(
    (status = 204, description = "Written"),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem)))]
pub(super) async fn silence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(Silence { until }): Body<Silence>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Operate)?;
    let at = app.clock.now();
    if until <= at - SILENCE_MAX || until > at + SILENCE_MAX {
        return Err(Problem::invalid("until", "is at most ten minutes from now"));
    }
    let entry = journal::JournalEntry {
        at,
        who: &caller.0.user,
        action: "silence_console",
        object: "",
        before: None,
        after: Some(json!({ "until": until })),
    };
    app.store.note(&entry).await?;
    Ok(StatusCode::NO_CONTENT)
}
