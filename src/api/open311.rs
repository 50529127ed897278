//! Tickets as open data: Open311 `GeoReport` v2 (read only), and monthly counts as CSV.
//!
//! Public, without signing in. Never the text of a ticket; a place only of categories about public
//! space, rounded to 3 decimals of a degree; no count under 5. A list covers at most 90 days, 1,000
//! requests or 100 ids, as the specification asks. Errors are the specification's lists of `code` and
//! `description`.
//!
//! [`AT_ONCE`] requests are answered at once, whoever asks: a further one is refused and told when to come
//! again, so that the public never takes all connections of the database from those who are signed in.
//! Answers may be kept by anybody for [`KEPT`].

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::{Word as _, ticket::TicketStatus};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::{
    App, answer,
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::store::open311::{PublicCount, PublicFilter, PublicTicket};

/// Requests of one answer at most.
const REQUESTS_MAX: i64 = 1_000;
/// Longest span of a list, and its span when none is asked for.
const WINDOW_DAYS: i64 = 90;
/// Most requests asked for by id.
const IDS_MAX: usize = 100;
/// Counts under this are held back.
const COUNT_MIN: i64 = 5;
/// Longest span of the counts: three years.
const COUNTS_MAX_DAYS: i64 = 1_100;
/// Requests that are answered at once; a quarter of the database's readers.
pub(super) const AT_ONCE: usize = 2;
/// After what time somebody who was refused may try again.
const AGAIN_S: u32 = 2;
/// For how long anybody may keep an answer.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Where this interface is, as clients of Open311 ask first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Discovery {
    /// When this description changed last.
    changeset: String,
    /// Whom to ask.
    contact: String,
    /// Which interfaces there are.
    endpoints: Vec<Endpoint>,
}

/// One interface.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Endpoint {
    /// Its specification.
    specification: String,
    /// Its address, from the root of this server.
    url: String,
    /// `production` or `test`: demonstration data are a test.
    #[serde(rename = "type")]
    kind: String,
    /// Media types.
    formats: Vec<String>,
}

/// A kind of request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PublicService {
    /// Category token.
    service_code: String,
    /// Vietnamese name.
    service_name: String,
    /// English name.
    description: String,
    /// Always false: there are no further attributes.
    metadata: bool,
    /// Always `realtime`.
    #[serde(rename = "type")]
    kind: String,
    /// Empty.
    keywords: String,
    /// Empty.
    group: String,
}

/// A request in the form of `GeoReport` v2.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PublicRequest {
    /// `SOURCE:NUMBER`.
    service_request_id: String,
    /// `open` or `closed`.
    status: String,
    /// Our own status, which says why it is closed.
    status_notes: String,
    /// Vietnamese name of the category; null when not told.
    service_name: Option<String>,
    /// Category token; null when not told.
    service_code: Option<String>,
    /// Always null: texts of citizens are not public.
    description: Option<String>,
    /// Responsible unit; null when not told.
    agency_responsible: Option<String>,
    /// Request that it duplicates; null for none.
    service_notice: Option<String>,
    /// When it was received.
    requested_datetime: DateTime<Utc>,
    /// When its status changed last.
    updated_datetime: DateTime<Utc>,
    /// Due time; null when not told.
    expected_datetime: Option<DateTime<Utc>>,
    /// Always null.
    address: Option<String>,
    /// Always null.
    address_id: Option<String>,
    /// Always null.
    zipcode: Option<String>,
    /// Latitude, degrees, 3 decimals; null unless the category is about public space.
    lat: Option<f64>,
    /// Longitude likewise.
    long: Option<f64>,
    /// Always null.
    media_url: Option<String>,
}

/// A failure in the form of `GeoReport` v2.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PublicError {
    /// HTTP status.
    code: u16,
    /// What is wrong and what is allowed.
    description: String,
}

impl From<PublicTicket> for PublicRequest {
    fn from(ticket: PublicTicket) -> Self {
        let status = if is_open(&ticket.status) { "open" } else { "closed" };
        Self {
            service_request_id: format!("{}:{}", ticket.source, ticket.ticket),
            status: status.to_owned(),
            status_notes: ticket.status,
            service_name: ticket.category_vi,
            service_code: ticket.category,
            description: None,
            agency_responsible: ticket.unit,
            service_notice: ticket.merged_into.map(|other| format!("{}:{other}", ticket.source)),
            requested_datetime: ticket.created_at,
            updated_datetime: ticket.status_at,
            expected_datetime: ticket.due_at,
            address: None,
            address_id: None,
            zipcode: None,
            lat: ticket.lat,
            long: ticket.lon,
            media_url: None,
        }
    }
}

/// Open311 knows two states: ours from new to waiting are open.
fn is_open(status: &str) -> bool {
    matches!(
        TicketStatus::parse(status),
        Some(
            TicketStatus::New
                | TicketStatus::Triaged
                | TicketStatus::Assigned
                | TicketStatus::InProgress
                | TicketStatus::WaitingCitizen
                | TicketStatus::WaitingOther
                | TicketStatus::Reopened
        )
    )
}

/// Which requests.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RequestQuery {
    /// Requests by id, as comma list; the other parameters are then ignored.
    #[param(value_type = Option<Vec<String>>)]
    service_request_id: Vec<String>,
    /// Categories, as comma list.
    #[param(value_type = Option<Vec<String>>)]
    service_code: Vec<String>,
    /// Received from this instant on, RFC 3339; 90 days before the end when left out.
    start_date: Option<DateTime<Utc>>,
    /// Received before this instant, RFC 3339, at most 90 days after the start; 90 days after it or now
    /// when left out.
    end_date: Option<DateTime<Utc>>,
    /// `open`, `closed` or both, as comma list.
    #[param(value_type = Option<Vec<String>>)]
    status: Vec<String>,
}

impl FromParams for RequestQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let query = Self {
            service_request_id: params.list("service_request_id"),
            service_code: params.list("service_code"),
            start_date: params.time("start_date")?,
            end_date: params.time("end_date")?,
            status: params.list("status"),
        };
        match query.status.iter().find(|word| !matches!(word.as_str(), "open" | "closed")) {
            None => Ok(query),
            Some(unknown) => {
                Err(Problem::invalid("status", format!("{unknown:?}, allowed is open, closed")))
            }
        }
    }
}

impl RequestQuery {
    fn filter(&self, now: DateTime<Utc>) -> Result<PublicFilter, Problem> {
        if !self.service_request_id.is_empty() {
            return by_ids(&self.service_request_id);
        }
        let window = TimeDelta::days(WINDOW_DAYS);
        let last =
            |from: DateTime<Utc>| from.checked_add_signed(window).map_or(now, |to| to.min(now));
        let to = self.end_date.or(self.start_date.map(last)).unwrap_or(now);
        let from = self.start_date.or(to.checked_sub_signed(window)).unwrap_or(to);
        if to - from > window {
            let detail = format!("at most {WINDOW_DAYS} days before end_date");
            return Err(Problem::invalid("start_date", detail));
        }
        let wanted = |status: &TicketStatus| {
            let word = if is_open(status.as_str()) { "open" } else { "closed" };
            self.status.iter().any(|asked| asked == word)
        };
        let statuses = TicketStatus::ALL.iter().filter(|status| wanted(status));
        Ok(PublicFilter {
            ids: None,
            categories: self.service_code.clone(),
            statuses: statuses.map(|status| status.as_str().to_owned()).collect(),
            from: Some(from),
            to: Some(to),
            limit: REQUESTS_MAX,
        })
    }
}

fn by_ids(ids: &[String]) -> Result<PublicFilter, Problem> {
    if ids.len() > IDS_MAX {
        let detail = format!("{} ids, allowed are {IDS_MAX}", ids.len());
        return Err(Problem::invalid("service_request_id", detail));
    }
    let split = |id: &String| {
        let (source, number) = id.split_once(':')?;
        Some((source.to_owned(), number.to_owned()))
    };
    let named: Option<Vec<(String, String)>> = ids.iter().map(split).collect();
    let named = named.ok_or_else(|| Problem::invalid("service_request_id", "is SOURCE:NUMBER"))?;
    Ok(PublicFilter {
        ids: Some(named.into_iter().unzip()),
        limit: REQUESTS_MAX,
        ..Default::default()
    })
}

/// A problem in the form that the specification asks for.
fn refused(problem: &Problem) -> Response {
    let body =
        [PublicError { code: problem.status.as_u16(), description: problem.detail().to_owned() }];
    (problem.status, Json(body)).into_response()
}

/// Lets a few requests through at once and refuses the others; what is answered may be kept.
pub(super) async fn few_at_once(
    State(turns): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_turn) = turns.try_acquire() else {
        let mut response = refused(&Problem::too_many_at_once(AGAIN_S));
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(AGAIN_S));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return response;
    };
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, KEPT);
        // The same for everybody, signed in or not.
        headers.remove(header::VARY);
    }
    response
}

/// Which interfaces there are.
#[utoipa::path(get, operation_id = "open311_discovery", path = "/open311/v2/discovery.json", tag = "open", security(()), responses(
    (status = 200, description = "The interfaces", body = Discovery),
    (status = 429, description = "Too many at once; `Retry-After` tells when to come again", body = [PublicError])))]
pub(super) async fn discovery(State(app): State<Arc<App>>) -> Json<Discovery> {
    let kind = if app.settings.demonstration { "test" } else { "production" };
    Json(Discovery {
        changeset: "2026-11-22T00:00:00+07:00".to_owned(),
        contact: String::new(),
        endpoints: vec![Endpoint {
            specification: "http://wiki.open311.org/GeoReport_v2".to_owned(),
            url: "/open311/v2".to_owned(),
            kind: kind.to_owned(),
            formats: vec!["application/json".to_owned()],
        }],
    })
}

/// Kinds of requests: the categories of the service desk.
#[utoipa::path(get, operation_id = "open311_services", path = "/open311/v2/services.json", tag = "open", security(()), responses(
    (status = 200, description = "The kinds", body = [PublicService]),
    (status = 429, description = "Too many at once; `Retry-After` tells when to come again", body = [PublicError])))]
pub(super) async fn services(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let categories = app.store.ticket_categories().await?;
    let service = |(service_code, service_name, description)| PublicService {
        service_code,
        service_name,
        description,
        metadata: false,
        kind: "realtime".to_owned(),
        keywords: String::new(),
        group: String::new(),
    };
    answer::tagged(&headers, &categories.into_iter().map(service).collect::<Vec<_>>())
}

/// Requests, newest first.
#[utoipa::path(get, operation_id = "open311_requests", path = "/open311/v2/requests.json", tag = "open", security(()), params(RequestQuery), responses(
    (status = 200, description = "Up to 1,000 requests", body = [PublicRequest]),
    (status = 400, description = "A parameter is not allowed", body = [PublicError]),
    (status = 429, description = "Too many at once; `Retry-After` tells when to come again", body = [PublicError])))]
pub(super) async fn requests(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    asked: Result<Asked<RequestQuery>, Problem>,
) -> Result<Response, Problem> {
    let filter = asked.and_then(|Asked(query)| query.filter(app.clock.now()));
    let filter = match filter {
        Ok(filter) => filter,
        Err(problem) => return Ok(refused(&problem)),
    };
    let tickets = app.store.public_tickets(&filter).await?;
    let requests: Vec<PublicRequest> = tickets.into_iter().map(PublicRequest::from).collect();
    answer::tagged(&headers, &requests)
}

/// One request, as a list of one.
#[utoipa::path(get, operation_id = "open311_request", path = "/open311/v2/requests/{id}", tag = "open", security(()),
    params(("id" = String, Path, description = "`SOURCE:NUMBER.json`")), responses(
    (status = 200, description = "The request", body = [PublicRequest]),
    (status = 404, description = "No such request", body = [PublicError]),
    (status = 429, description = "Too many at once; `Retry-After` tells when to come again", body = [PublicError])))]
pub(super) async fn request(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let asked = id.strip_suffix(".json").unwrap_or(&id).to_owned();
    let filter = match by_ids(std::slice::from_ref(&asked)) {
        Ok(filter) => filter,
        Err(problem) => return Ok(refused(&problem)),
    };
    let tickets = app.store.public_tickets(&filter).await?;
    if tickets.is_empty() {
        let body =
            [PublicError { code: 404, description: format!("there is no request {asked:?}") }];
        return Ok((StatusCode::NOT_FOUND, Json(body)).into_response());
    }
    let requests: Vec<PublicRequest> = tickets.into_iter().map(PublicRequest::from).collect();
    answer::tagged(&headers, &requests)
}

/// Span of the counts.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CountQuery {
    /// Received from this instant on, RFC 3339; a year before the end when left out.
    from: Option<DateTime<Utc>>,
    /// Received before this instant, RFC 3339; now when left out.
    to: Option<DateTime<Utc>>,
}

impl FromParams for CountQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        Ok(Self { from, to })
    }
}

/// Tickets by month of receipt, category and unit as CSV: `month,category,unit,received,handled`. A
/// count under 5 is an empty cell.
#[utoipa::path(get, operation_id = "open_ticket_counts", path = "/open311/v2/counts.csv", tag = "open", security(()), params(CountQuery), responses(
    (status = 200, description = "The counts", body = String, content_type = "text/csv"),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 429, description = "Too many at once; `Retry-After` tells when to come again", body = [PublicError])))]
pub(super) async fn counts(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Asked(query): Asked<CountQuery>,
) -> Result<Response, Problem> {
    let to = query.to.unwrap_or_else(|| app.clock.now());
    let year = TimeDelta::days(366);
    let from = query.from.or(to.checked_sub_signed(year)).unwrap_or(to);
    if to - from > TimeDelta::days(COUNTS_MAX_DAYS) {
        return Err(Problem::invalid("from", format!("at most {COUNTS_MAX_DAYS} days before to")));
    }
    let counts = app.store.public_counts(from, to, app.settings.zone).await?;
    Ok(answer::with_tag(&headers, "text/csv; charset=utf-8", csv_of(&counts).into()))
}

/// Categories and units are tokens, so that nothing needs quotes.
fn csv_of(counts: &[PublicCount]) -> String {
    let mut text = String::from("month,category,unit,received,handled\r\n");
    let shown = |count: i64| if count < COUNT_MIN { String::new() } else { count.to_string() };
    for count in counts {
        let cells = [
            count.month.clone(),
            count.category.clone(),
            count.unit.clone(),
            shown(count.received),
            shown(count.handled),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_count_is_held_back() {
        let count = |received, handled| PublicCount {
            month: "2026-11".into(),
            category: "public-lighting".into(),
            unit: "gso:31135".into(),
            received,
            handled,
        };
        assert_eq!(
            csv_of(&[count(12, 4), count(4, 0)]),
            "month,category,unit,received,handled\r\n\
             2026-11,public-lighting,gso:31135,12,\r\n2026-11,public-lighting,gso:31135,,\r\n"
        );
    }

    #[test]
    fn every_status_is_open_or_closed_and_can_be_asked_for() {
        let query = |status: &[&str]| RequestQuery {
            service_request_id: Vec::new(),
            service_code: Vec::new(),
            start_date: None,
            end_date: None,
            status: status.iter().map(|word| (*word).to_owned()).collect(),
        };
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let open = query(&["open"]).filter(now).unwrap().statuses;
        let closed = query(&["closed"]).filter(now).unwrap().statuses;
        assert_eq!(open.len() + closed.len(), TicketStatus::ALL.len());
        assert!(open.contains(&"reopened".to_owned()) && closed.contains(&"rejected".to_owned()));
        assert!(query(&[]).filter(now).unwrap().statuses.is_empty(), "all");
        let filter = query(&[]).filter(now).unwrap();
        assert_eq!(filter.to.unwrap() - filter.from.unwrap(), TimeDelta::days(90));
    }

    #[test]
    fn a_list_covers_ninety_days_or_a_hundred_ids_at_most() {
        let now: DateTime<Utc> = "2026-11-22T00:00:00Z".parse().unwrap();
        let span = |from: Option<&str>, to: Option<&str>| {
            let query = RequestQuery {
                service_request_id: Vec::new(),
                service_code: Vec::new(),
                start_date: from.map(|text| text.parse().unwrap()),
                end_date: to.map(|text| text.parse().unwrap()),
                status: Vec::new(),
            };
            query.filter(now).map(|filter| (filter.to.unwrap() - filter.from.unwrap()).num_days())
        };
        assert_eq!(span(Some("2026-01-01T00:00:00Z"), None), Ok(90));
        assert_eq!(span(Some("2026-11-20T00:00:00Z"), None), Ok(2));
        assert_eq!(span(None, Some("2026-01-01T00:00:00Z")), Ok(90));
        let long = span(Some("2026-01-01T00:00:00Z"), Some("2026-04-02T00:00:00Z")).unwrap_err();
        assert_eq!(long.at_fault(), Some("start_date"));
        let ids = |n: usize| by_ids(&vec!["desk-1022:1".to_owned(); n]);
        assert!(ids(100).is_ok() && ids(101).is_err());
    }

    #[tokio::test]
    async fn beyond_a_few_at_once_a_request_is_told_to_come_again() {
        use axum::{Router, body::Body, middleware::from_fn_with_state, routing::get};
        use tower::ServiceExt as _;
        let ask = async |turns: usize| {
            let limit = from_fn_with_state(Arc::new(Semaphore::new(turns)), few_at_once);
            let router = Router::new().route("/", get(async || "x")).layer(limit);
            router.oneshot(Request::new(Body::empty())).await.unwrap()
        };
        let good = ask(1).await;
        assert_eq!(
            (good.status(), &good.headers()[header::CACHE_CONTROL]),
            (StatusCode::OK, &KEPT)
        );
        let refused = ask(0).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "2");
        assert_eq!(refused.headers()[header::CACHE_CONTROL], "no-store");
    }
}
