//! Tickets and calls of the service desk, and its figures.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, SecondsFormat, Utc};
use ioc_ingest::{
    Word,
    ticket::{Channel, TicketStatus},
    topic::is_token,
};
use serde::Serialize;

use super::{
    App,
    answer::{self, Page},
    caller::Caller,
    day::midnight,
    params::{self, Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    store::ticket::{After, CallRow, StepRow, TicketFilter, TicketRow},
};

/// Tickets or calls of a page when `limit` is left out, and at most.
const LIMIT: (i64, i64) = (100, 1_000);

/// A ticket as it stands.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[expect(clippy::struct_field_names, reason = "the contract's key for the number")]
pub(crate) struct Ticket {
    /// `SOURCE:NUMBER`.
    id: String,
    /// Publishing system.
    source: String,
    /// Ticket number.
    ticket: String,
    /// Status of the latest step.
    status: String,
    /// When that step was taken.
    status_at: DateTime<Utc>,
    /// When the earliest known step was taken.
    created_at: DateTime<Utc>,
    /// When it was handled; null while in process or left by a side exit.
    handled_at: Option<DateTime<Utc>>,
    /// hotline, web, app, zalo, facebook, `in_person` or email; null when not told.
    channel: Option<String>,
    /// inquiry, request, report or petition; null when not told.
    kind: Option<String>,
    /// Category; null when not told.
    category: Option<String>,
    /// Responsible unit; null when not told.
    unit: Option<String>,
    /// Text without personal data, not for the public; null when not told.
    summary: Option<String>,
    /// Latitude, degrees; null when not told.
    lat: Option<f64>,
    /// Longitude, degrees; null when not told.
    lon: Option<f64>,
    /// Due time; null when not told.
    due_at: Option<DateTime<Utc>>,
    /// First reply; null when not told.
    first_response_at: Option<DateTime<Utc>>,
    /// Answered in the first contact; null when not told.
    solved_at_desk: Option<bool>,
    /// Ticket that this one duplicates; null for none.
    merged_into: Option<String>,
    /// Citizen's rating 1 to 5; null when not given.
    rating: Option<i16>,
}

/// A ticket with its steps.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct TicketWithSteps {
    /// The ticket as it stands.
    #[serde(flatten)]
    #[ts(flatten)]
    ticket: Ticket,
    /// Its steps, oldest first.
    steps: Vec<TicketStep>,
}

/// A step in the life of a ticket.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct TicketStep {
    /// Status that it came to.
    status: String,
    /// When the step was taken.
    at: DateTime<Utc>,
    /// Message time, source clock.
    time: DateTime<Utc>,
    /// Responsible unit; null when not told in this step.
    unit: Option<String>,
    /// Text; null when not told in this step.
    summary: Option<String>,
}

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

impl From<TicketRow> for Ticket {
    fn from(row: TicketRow) -> Self {
        Self {
            id: format!("{}:{}", row.source, row.ticket),
            source: row.source,
            ticket: row.ticket,
            status: row.status,
            status_at: row.status_at,
            created_at: row.created_at,
            handled_at: row.handled_at,
            channel: row.channel,
            kind: row.kind,
            category: row.category,
            unit: row.unit,
            summary: row.summary,
            lat: row.lat,
            lon: row.lon,
            due_at: row.due_at,
            first_response_at: row.first_response_at,
            solved_at_desk: row.solved_at_desk,
            merged_into: row.merged_into,
            rating: row.rating,
        }
    }
}

impl From<StepRow> for TicketStep {
    fn from(row: StepRow) -> Self {
        let StepRow { status, at, time, unit, summary } = row;
        Self { status, at, time, unit, summary }
    }
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

/// Which tickets.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TicketQuery {
    /// Statuses, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    status: Vec<String>,
    /// Channels, as comma list or repeated.
    #[param(value_type = Option<Vec<String>>)]
    channel: Vec<String>,
    /// Responsible unit.
    unit: Option<String>,
    /// Category.
    category: Option<String>,
    /// Created from this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Created before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
    /// Most tickets of the page, 1 to 1,000. Default 100.
    #[param(value_type = Option<i64>)]
    limit: i64,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<After>,
}

impl FromParams for TicketQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let status = words::<TicketStatus>(params, "status")?;
        let channel = words::<Channel>(params, "channel")?;
        let (unit, category) = (params.text("unit")?, params.text("category")?);
        let (from, to) = params.span()?;
        let (limit, after) = params.page(LIMIT.0, LIMIT.1)?;
        let after = after.as_deref().map(read_cursor).transpose()?;
        Ok(Self { status, channel, unit, category, from, to, limit, after })
    }
}

fn words<T: Word>(params: &mut Params, field: &'static str) -> Result<Vec<String>, Problem> {
    let list = params.list(field);
    match list.iter().find(|word| T::parse(word).is_none()) {
        None => Ok(list),
        Some(unknown) => {
            let all = T::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>();
            let detail = format!("{unknown:?}, allowed is {}", all.join(", "));
            Err(Problem::invalid(field, detail))
        }
    }
}

/// `TIME~SOURCE~NUMBER`: neither times nor sources contain a tilde.
fn cursor(time: DateTime<Utc>, source: &str, number: &str) -> String {
    format!("{}~{source}~{number}", time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn read_cursor(text: &str) -> Result<After, Problem> {
    let mut parts = text.splitn(3, '~');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(time), Some(source), Some(number)) => {
            Ok((params::time("after", time)?, source.to_owned(), number.to_owned()))
        }
        _ => Err(Problem::invalid("after", "is no `next` of this list")),
    }
}

/// Tickets, newest first.
#[utoipa::path(get, operation_id = "list_tickets", path = "/api/v1/tickets", tag = "desk", params(TicketQuery), responses(
    (status = 200, description = "A page of tickets", body = Page<Ticket>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<TicketQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let filter = TicketFilter {
        one: None,
        statuses: query.status,
        channels: query.channel,
        unit: query.unit,
        category: query.category,
        from: query.from,
        to: query.to,
        after: query.after,
        limit: query.limit + 1,
    };
    let rows = app.store.tickets(&filter).await?;
    let items = rows.into_iter().map(Ticket::from).collect();
    let page = Page::cut(items, query.limit, |ticket: &Ticket| {
        cursor(ticket.created_at, &ticket.source, &ticket.ticket)
    });
    answer::tagged(&headers, &page)
}

/// One ticket with its steps.
#[utoipa::path(get, operation_id = "ticket", path = "/api/v1/tickets/{id}", tag = "desk",
    params(("id" = String, Path, description = "`SOURCE:NUMBER`")), responses(
    (status = 200, description = "The ticket", body = TicketWithSteps),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "No such ticket", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let missing = || Problem::not_found(format!("there is no ticket {id:?}"));
    let (source, number) = id.split_once(':').ok_or_else(missing)?;
    if number.contains('\0') || !is_token(source) {
        return Err(missing());
    }
    let one = Some((source.to_owned(), number.to_owned()));
    let filter = TicketFilter { one, limit: 1, ..TicketFilter::default() };
    let row = app.store.tickets(&filter).await?.pop().ok_or_else(missing)?;
    let steps = app.store.ticket_steps(source, number).await?;
    let steps = steps.into_iter().map(TicketStep::from).collect();
    answer::tagged(&headers, &TicketWithSteps { ticket: row.into(), steps })
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
pub(super) async fn calls(
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
    let default_due_s = app.settings.default_due.num_seconds();
    let figures = app.store.desk_figures(now, today, default_due_s).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_to_the_microsecond() {
        let time = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let text = cursor(time, "desk-1022", "1022~odd~number");
        let expected = (time, "desk-1022".to_owned(), "1022~odd~number".to_owned());
        assert_eq!(read_cursor(&text).unwrap(), expected);
        assert_eq!(read_cursor("yesterday").unwrap_err().at_fault(), Some("after"));
    }
}
