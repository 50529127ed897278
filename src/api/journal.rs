//! The journal: who changed what. For administrators.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{
    App, answer,
    caller::Caller,
    paging::{Page, ShortPages},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::journal::{JournalFilter, JournalRow},
};

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
    /// From this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for JournalQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let who = params.text("who")?;
        let (from, to) = params.span()?;
        Ok(Self { who, from, to })
    }
}

/// What people changed, newest first.
#[utoipa::path(get, operation_id = "list_journal", path = "/api/v1/journal", tag = "data health", params(JournalQuery, ShortPages<i64>), responses(
    (status = 200, description = "A page of changes", body = Page<JournalEntry>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an administrator", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(JournalQuery, ShortPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Administer)?;
    let JournalQuery { who, from, to } = query;
    let (before_id, limit) = (paging.after, paging.limit.rows());
    let filter = JournalFilter { from, to, who, before_id, limit };
    let rows = app.store.journal(&filter).await?;
    answer::tagged(&headers, &paging.limit.page(rows, |row| row.id, JournalEntry::from))
}
