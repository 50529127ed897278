//! Refused messages: list, look at, replay, discard. Those of streams that may carry personal data
//! are for administrators only.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, Utc};
use ioc_ingest::Reason;
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
    store::quarantine::{QuarantineFilter, QuarantineRow},
};

/// A refused message, or a refused part of one.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Refused {
    /// Number in order of arrival.
    #[ts(type = "number")]
    id: i64,
    /// Hub clock.
    received_at: DateTime<Utc>,
    /// Topic as it came.
    topic: String,
    /// Service; null when the topic did not parse.
    service: Option<String>,
    /// Source; null when the topic did not parse.
    source: Option<String>,
    /// Message time, source clock; null when it could not be read.
    message_time: Option<DateTime<Utc>>,
    /// Reason code.
    reason: String,
    /// JSON path of the field at fault; empty for the whole message.
    field: String,
    /// What was found and what is allowed.
    detail: String,
    /// May carry personal data: only administrators see it.
    personal: bool,
    /// True when the rest of the message was taken.
    partial: bool,
    /// Length of the payload.
    bytes: i32,
    /// When it was replayed with success; null when not.
    replayed_at: Option<DateTime<Utc>>,
    /// What the latest replay said; null before the first.
    replay_result: Option<String>,
}

/// A refused message with its bytes.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct RefusedMessage {
    /// What is known of it.
    #[serde(flatten)]
    #[ts(flatten)]
    refused: Refused,
    /// The payload, base64.
    payload_base64: String,
    /// The payload as text; null when it is not UTF-8.
    payload_text: Option<String>,
}

/// What a replay came to.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Replayed {
    /// Whether it was taken this time.
    accepted: bool,
    /// Why not; null when it was.
    reason: Option<String>,
}

impl From<QuarantineRow> for Refused {
    fn from(row: QuarantineRow) -> Self {
        Self {
            id: row.id,
            received_at: row.received_at,
            topic: row.topic,
            service: row.service,
            source: row.source,
            message_time: row.message_time,
            reason: row.reason,
            field: row.field,
            detail: row.detail,
            personal: row.personal,
            partial: row.partial,
            bytes: row.bytes,
            replayed_at: row.replayed_at,
            replay_result: row.replay_result,
        }
    }
}

/// Which refused messages.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QuarantineQuery {
    /// Only of this source.
    source: Option<String>,
    /// Only with this reason code.
    reason: Option<String>,
    /// Include those that were replayed with success. Default false.
    #[param(value_type = Option<bool>)]
    replayed: bool,
    /// Received from this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Received before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
}

impl FromParams for QuarantineQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let source = params.text("source")?;
        let reason = params.text("reason")?;
        if let Some(unknown) = reason
            .as_ref()
            .filter(|word| Reason::ALL.iter().all(|reason| reason.as_str() != word.as_str()))
        {
            let all = Reason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>();
            let detail = format!("{unknown:?}, allowed is {}", all.join(", "));
            return Err(Problem::invalid("reason", detail));
        }
        let replayed = params.flag("replayed")?.unwrap_or(false);
        let (from, to) = params.span()?;
        Ok(Self { source, reason, replayed, from, to })
    }
}

/// Refused messages, newest first.
#[utoipa::path(get, operation_id = "list_refused", path = "/api/v1/quarantine", tag = "data health", params(QuarantineQuery, ShortPages<i64>),
    responses(
    (status = 200, description = "A page of refused messages", body = Page<Refused>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(QuarantineQuery, ShortPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = QuarantineFilter {
        source: query.source,
        reason: query.reason,
        from: query.from,
        to: query.to,
        personal: caller.require(Right::Administer).is_ok(),
        replayed: query.replayed,
        before_id: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.quarantine(&filter).await?;
    answer::tagged(&headers, &paging.limit.page(rows, |row| row.id, Refused::from))
}

/// One refused message with its bytes.
#[utoipa::path(get, operation_id = "refused_message", path = "/api/v1/quarantine/{id}", tag = "data health",
    params(("id" = i64, Path, description = "Number of the message")), responses(
    (status = 200, description = "The message", body = RefusedMessage),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "It may carry personal data", body = Problem),
    (status = 404, description = "No such message", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let (row, payload) = visible(&app, &caller, &id).await?;
    let message = RefusedMessage {
        refused: row.into(),
        payload_base64: BASE64.encode(&payload),
        payload_text: String::from_utf8(payload).ok(),
    };
    answer::tagged(&headers, &message)
}

/// Try a refused message again, after its cause was mended. Natural keys keep it from counting twice.
#[utoipa::path(post, operation_id = "replay_message", path = "/api/v1/quarantine/{id}/replay", tag = "data health",
    params(("id" = i64, Path, description = "Number of the message")), responses(
    (status = 200, description = "What it came to", body = Replayed),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator, or it may carry personal data", body = Problem),
    (status = 404, description = "No such message, or it was replayed already", body = Problem),
    (status = 409, description = "It cannot be replayed", body = Problem)))]
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Replayed>, Problem> {
    caller.require(Right::Operate)?;
    let (row, _payload) = visible(&app, &caller, &id).await?;
    let outcome = app.writer.replay(row.id, &caller.0.user).await?;
    Ok(Json(Replayed { accepted: outcome.accepted, reason: outcome.reason }))
}

/// Remove a refused message for good.
#[utoipa::path(delete, operation_id = "discard_message", path = "/api/v1/quarantine/{id}", tag = "data health",
    params(("id" = i64, Path, description = "Number of the message")), responses(
    (status = 204, description = "Removed"),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an administrator", body = Problem),
    (status = 404, description = "No such message", body = Problem)))]
pub(super) async fn discard(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Administer)?;
    let (row, _payload) = visible(&app, &caller, &id).await?;
    app.writer.discard(row.id, &caller.0.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The message, if the caller may see it.
async fn visible(
    app: &App,
    caller: &Caller,
    id: &str,
) -> Result<(QuarantineRow, Vec<u8>), Problem> {
    let missing = || Problem::not_found(format!("there is no refused message {id:?}"));
    let number = id.parse::<i64>().map_err(|_no_number| missing())?;
    let (row, payload) = app.store.quarantined(number).await?.ok_or_else(missing)?;
    if row.personal {
        caller.require(Right::Administer)?;
    }
    Ok((row, payload))
}
