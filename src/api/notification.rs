//! Notifications: how the endpoints do, what was sent, and sending again what was given up.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
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
    notify::board::EndpointCondition,
    store::notify::{NotificationFilter, NotificationRow, Retried},
};

/// A receiver of notifications.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct NotificationEndpoint {
    /// Its name in the configuration.
    endpoint: String,
    /// `webhook` or `email`; null when it is configured no longer.
    kind: Option<String>,
    /// Where it sends, without secrets; null when it is configured no longer.
    target: Option<String>,
    /// How it does; null when it is configured no longer.
    condition: Option<EndpointCondition>,
    /// Since when, hub clock; null when it is configured no longer.
    since: Option<DateTime<Utc>>,
    /// What came of the last attempt since the start; null before the first.
    answer: Option<String>,
    /// Alarms that wait to be told, beside those in messages that wait.
    #[ts(type = "number")]
    alarms_waiting: u64,
    /// Messages that wait.
    #[ts(type = "number")]
    waiting: i64,
    /// Messages that were given up.
    #[ts(type = "number")]
    dead: i64,
    /// Last delivery, hub clock; null when nothing was delivered.
    delivered_at: Option<DateTime<Utc>>,
}

/// A message to an endpoint.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Notification {
    /// Number in order.
    #[ts(type = "number")]
    id: i64,
    /// Name of the endpoint.
    endpoint: String,
    /// Key that receivers know a repeated message by.
    key: String,
    /// First transition that it tells of.
    #[ts(type = "number")]
    first_seq: i64,
    /// Last transition that it tells of.
    #[ts(type = "number")]
    last_seq: i64,
    /// Transitions that it tells of.
    alarms: i32,
    /// When it was made, hub clock.
    made_at: DateTime<Utc>,
    /// waiting, delivered or dead.
    state: String,
    /// Attempts so far.
    attempts: i32,
    /// Earliest next attempt, hub clock; null when none comes.
    next_at: Option<DateTime<Utc>>,
    /// When it was delivered or given up, hub clock; null while it waits.
    settled_at: Option<DateTime<Utc>>,
    /// What came of the last attempt; null before the first.
    answer: Option<String>,
    /// What it says.
    #[schema(value_type = Object)]
    #[ts(type = "unknown")]
    content: Value,
}

impl From<NotificationRow> for Notification {
    fn from(row: NotificationRow) -> Self {
        Self {
            id: row.id,
            key: format!("{}:{}", row.endpoint, row.last_seq),
            endpoint: row.endpoint,
            first_seq: row.first_seq,
            last_seq: row.last_seq,
            alarms: row.alarms,
            made_at: row.made_at,
            state: row.state,
            attempts: row.attempts,
            next_at: row.next_at,
            settled_at: row.settled_at,
            answer: row.answer,
            content: row.content,
        }
    }
}

/// Which messages.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct NotificationQuery {
    /// Only of this endpoint.
    endpoint: Option<String>,
    /// waiting, delivered or dead, as comma list or repeated; without it, all.
    state: Vec<String>,
}

impl FromParams for NotificationQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let endpoint = params.text("endpoint")?;
        let words = ["waiting", "delivered", "dead"].map(|word| (word, word));
        let state = params.named("state", &words)?.into_iter().map(str::to_owned).collect();
        Ok(Self { endpoint, state })
    }
}

/// Messages about alarms, newest first.
#[utoipa::path(get, operation_id = "list_notifications", path = "/api/v1/notifications", tag = "alarms", params(NotificationQuery, ShortPages<i64>), responses(
    (status = 200, description = "A page of messages", body = Page<Notification>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "No operator", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(NotificationQuery, ShortPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Operate)?;
    let filter = NotificationFilter {
        endpoint: query.endpoint,
        states: query.state,
        before_id: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.notifications(&filter).await?;
    answer::tagged(&headers, &paging.limit.page(rows, |row| row.id, Notification::from))
}

/// How the receivers of notifications do, by name. Those that are configured no longer are listed while
/// the hub holds messages of them.
#[utoipa::path(get, operation_id = "list_notification_endpoints", path = "/api/v1/notifications/endpoints", tag = "alarms", responses(
    (status = 200, description = "The endpoints", body = Page<NotificationEndpoint>),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "No operator", body = Problem)))]
pub(super) async fn endpoints(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Operate)?;
    let mut stored = app.store.notify_endpoints().await?;
    let mut items = Vec::new();
    for (endpoint, row) in app.notify.list() {
        let at = stored.iter().position(|stored| stored.endpoint == endpoint);
        let stored = at.map(|at| stored.swap_remove(at));
        items.push(NotificationEndpoint {
            endpoint,
            kind: Some(row.kind.to_owned()),
            target: Some(row.target),
            condition: Some(row.condition),
            since: Some(row.since),
            answer: row.answer,
            alarms_waiting: u64::try_from(row.waiting).unwrap_or(u64::MAX),
            waiting: stored.as_ref().map_or(0, |stored| stored.waiting),
            dead: stored.as_ref().map_or(0, |stored| stored.dead),
            delivered_at: stored.and_then(|stored| stored.delivered_at),
        });
    }
    let gone = stored.into_iter().filter(|stored| stored.waiting + stored.dead > 0);
    items.extend(gone.map(|stored| NotificationEndpoint {
        endpoint: stored.endpoint,
        kind: None,
        target: None,
        condition: None,
        since: None,
        answer: None,
        alarms_waiting: 0,
        waiting: stored.waiting,
        dead: stored.dead,
        delivered_at: stored.delivered_at,
    }));
    items.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    answer::tagged(&headers, &Page::whole(items))
}

/// Sends a message again that was given up. It keeps its key.
#[utoipa::path(post, operation_id = "retry_notification", path = "/api/v1/notifications/{id}/retry", tag = "alarms",
    params(("id" = i64, Path, description = "Number of the message")), responses(
    (status = 202, description = "It waits to be sent"),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "No operator", body = Problem),
    (status = 404, description = "There is no such message", body = Problem),
    (status = 409, description = "It was not given up", body = Problem)))]
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Operate)?;
    let missing = || Problem::not_found(format!("there is no message {id}"));
    let number: i64 = id.parse().map_err(|_no_number| missing())?;
    match app.store.retry_notification(number, &caller.0.user, app.clock.now()).await? {
        Retried::Waits => Ok(StatusCode::ACCEPTED),
        Retried::NotDead => {
            Err(Problem::conflict("not_dead", "the message waits already, or was delivered"))
        }
        Retried::Unknown => Err(missing()),
    }
}
