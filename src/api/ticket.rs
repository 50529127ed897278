//! Tickets of the service desk and their steps.

use std::sync::Arc;

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
    App, answer,
    caller::Caller,
    paging::{Cursor, Page, ShortPages},
    params::{self, Asked, FromParams, Params},
    problem::Problem,
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
        let status = words::<TicketStatus>(params, "status")?;
        let channel = words::<Channel>(params, "channel")?;
        let (unit, category) = (params.text("unit")?, params.text("category")?);
        let (from, to) = params.span()?;
        Ok(Self { status, channel, unit, category, from, to })
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
impl Cursor for After {
    fn write(&self) -> String {
        let (time, source, number) = self;
        format!("{}~{source}~{number}", time.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '~');
        let time = params::time("after", parts.next()?).ok()?;
        Some((time, parts.next()?.to_owned(), parts.next()?.to_owned()))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_to_the_microsecond() {
        let time = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let after: After = (time, "desk-1022".to_owned(), "1022~odd~number".to_owned());
        assert_eq!(After::read(&after.write()).unwrap(), after);
        for foreign in ["", "yesterday", "2026-03-02T01:15:00Z~desk-1022", "then~desk-1022~1"] {
            assert!(After::read(foreign).is_none(), "{foreign}");
        }
    }
}
