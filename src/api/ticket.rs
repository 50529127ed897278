//! Tickets of the service desk and their steps.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, Utc};
use ioc_ingest::{
    Word,
    ticket::{Channel, TicketStatus},
};
use serde::Serialize;

use super::{
    App,
    answer::{self, Name},
    caller::Caller,
    paging::{Page, ShortPages},
    params::{Asked, FromParams, Params},
    problem::Problem,
    record,
};
use crate::{
    access::Right,
    store::ticket::{After, StepRow, TicketFilter, TicketRow},
};

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
    /// Due time in force, with the waiting that counts; null while it waits.
    effective_due: Option<DateTime<Utc>>,
    /// Whether it was handled by then; null while it is not.
    on_time: Option<bool>,
    /// Whether the clock stands: it waits for the citizen or for others.
    is_paused: bool,
    /// Waiting time that is over, seconds.
    #[ts(type = "number")]
    paused_s: i64,
    /// Different units that it was given to.
    units: i16,
    /// How often it was reopened.
    reopened: i16,
    /// When it was first assigned or taken in hand; null while it is not.
    assigned_at: Option<DateTime<Utc>>,
    /// Minutes from creation to assignment; null while it is not.
    dispatch_min: Option<i32>,
    /// Working minutes from creation to the first reply; null without one.
    first_response_min: Option<i32>,
    /// Working minutes from creation to handling without waiting; null while it is not.
    resolve_min: Option<i32>,
    /// When it was rejected, found a duplicate or transferred, while it stands so; null otherwise.
    left_at: Option<DateTime<Utc>>,
    /// Whether the calendar reached: 0 complete, 1 unverified, 2 incomplete.
    calendar: i16,
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

impl From<TicketRow> for Ticket {
    fn from(row: TicketRow) -> Self {
        Self {
            id: record::id(&row.source, &row.ticket),
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
            effective_due: row.effective_due,
            on_time: row.on_time,
            is_paused: row.is_paused,
            paused_s: row.paused_s,
            units: row.units,
            reopened: row.reopened,
            assigned_at: row.assigned_at,
            dispatch_min: row.dispatch_min,
            first_response_min: row.first_response_min,
            resolve_min: row.resolve_min,
            left_at: row.left_at,
            calendar: row.calendar,
        }
    }
}

impl From<StepRow> for TicketStep {
    fn from(row: StepRow) -> Self {
        let StepRow { status, at, time, unit, summary } = row;
        Self { status, at, time, unit, summary }
    }
}

/// A category of tickets.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Category {
    /// Category in messages.
    id: String,
    /// Its name.
    name: Name,
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
}

impl FromParams for TicketQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let status = words(params.words::<TicketStatus>("status")?);
        let channel = words(params.words::<Channel>("channel")?);
        let (unit, category) = (params.text("unit")?, params.text("category")?);
        let (from, to) = params.span()?;
        Ok(Self { status, channel, unit, category, from, to })
    }
}

fn words<T: Word>(words: Vec<T>) -> Vec<String> {
    words.into_iter().map(|word| word.as_str().to_owned()).collect()
}

/// Tickets, newest first.
#[utoipa::path(get, operation_id = "list_tickets", path = "/api/v1/tickets", tag = "desk", params(TicketQuery, ShortPages<After>), responses(
    (status = 200, description = "A page of tickets", body = Page<Ticket>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(TicketQuery, ShortPages<After>)>,
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
        after: paging.after,
        limit: paging.limit.rows(),
    };
    let rows = app.store.tickets(&filter).await?;
    let cursor = |row: &TicketRow| (row.created_at, row.source.clone(), row.ticket.clone());
    answer::tagged(&headers, &paging.limit.page(rows, cursor, Ticket::from))
}

/// The categories of tickets.
#[utoipa::path(get, operation_id = "list_categories", path = "/api/v1/categories", tag = "desk", responses(
    (status = 200, description = "All categories", body = Page<Category>),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn categories(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let rows = app.store.ticket_categories().await?;
    let category = |(id, vi, en)| Category { id, name: Name { vi, en } };
    answer::tagged(&headers, &Page::whole(rows.into_iter().map(category).collect()))
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
    let one = record::parts("ticket", &id)?;
    let filter = TicketFilter { one: Some(one.clone()), limit: 1, ..TicketFilter::default() };
    let row = app.store.tickets(&filter).await?.pop();
    let row = row.ok_or_else(|| record::missing("ticket", &id))?;
    let steps = app.store.ticket_steps(&one.0, &one.1).await?;
    let steps = steps.into_iter().map(TicketStep::from).collect();
    answer::tagged(&headers, &TicketWithSteps { ticket: row.into(), steps })
}
