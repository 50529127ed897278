//! What operators do to alarms. Every action is stored with who, when and why, or refused: with 409 when
//! somebody was first, with 503 while the database is away.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    App,
    alarm::{Alarm, id_of},
    body::Body,
    caller::{Caller, Peer},
    problem::Problem,
    session::Credentials,
};
use crate::{
    access::{self, Right, Role},
    alarm::{
        Refusal, State as AlarmState,
        operate::{Operation, Outcome, Request, Seen},
    },
    store::journal::JournalEntry,
};

/// Longest reason or comment, characters.
const REASON_CHARS: usize = 500;
/// Longest name of a ticket or account, characters.
const NAME_CHARS: usize = 100;
/// Most alarms of one request.
const ALARMS_MAX: usize = 1_000;

/// An alarm as somebody saw it.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenAlarm {
    /// `CODE:OBJECT`.
    id: String,
    /// Occurrence that was seen.
    #[ts(type = "number")]
    occurrence: i64,
    /// State that was seen: unack or rtnun.
    state: String,
}

/// Alarms to acknowledge: the selected ones, as they were seen.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acknowledgement {
    /// The alarms, 1 to 1,000.
    ids: Vec<SeenAlarm>,
    /// Comment; null for none.
    #[serde(default)]
    comment: Option<String>,
}

/// What an action came to for one alarm.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmResult {
    /// `CODE:OBJECT`.
    id: String,
    /// done, conflict (somebody was first, or it has changed since it was seen), refused, or unknown.
    result: &'static str,
    /// Why not, as a stable code; null when it is done.
    code: Option<&'static str>,
    /// Why not, in English; null when it is done.
    detail: Option<String>,
    /// Who was first; null otherwise.
    by: Option<String>,
    /// When that was; null otherwise.
    at: Option<DateTime<Utc>>,
    /// The alarm as it is now; null when there is none.
    alarm: Option<Alarm>,
}

/// What an action came to, alarm by alarm.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmResults {
    /// In the order of the request.
    results: Vec<AlarmResult>,
}

/// Why something is done.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlarmReason {
    /// Why, 1 to 500 characters.
    reason: String,
}

/// A shelving.
#[derive(Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewShelf {
    /// End: at most 8 hours ahead, of priority 1 at most 1 hour.
    until: DateTime<Utc>,
    /// Why, 1 to 500 characters.
    reason: String,
    /// Somebody else who agrees, with their password; required for priority 1.
    #[serde(default)]
    second: Option<Credentials>,
}

/// Equipment that is taken out of service.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOutOfService {
    /// Why, 1 to 500 characters.
    reason: String,
    /// Ticket; null for none.
    #[serde(default)]
    ticket: Option<String>,
}

/// A comment.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAlarmComment {
    /// Text, 1 to 500 characters.
    text: String,
}

/// Who cares for an alarm.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlarmAssignment {
    /// Account; null for nobody.
    assignee: Option<String>,
}

/// Ticket of an alarm.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlarmLink {
    /// Ticket; null for none.
    ticket: Option<String>,
}

fn bounded(field: &'static str, text: &str, most: usize) -> Result<String, Problem> {
    let text = text.trim().to_owned();
    let length = text.chars().count();
    if length == 0 || length > most || text.chars().any(|c| c.is_control() && c != '\n') {
        let why = format!("is a text of 1 to {most} characters without control characters");
        return Err(Problem::invalid(field, why));
    }
    Ok(text)
}

/// A limit that somebody holds better for a rule: a file of the configuration holds the limits, so that a
/// person puts it there.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitProposal {
    /// The limit in words, 1 to 100 characters.
    limit: String,
    /// Why, 1 to 500 characters.
    reason: String,
}

/// Propose another limit for a rule of alarms. It stands in the journal (`propose_limit`); the rule stays as
/// it is.
#[utoipa::path(post, operation_id = "propose_alarm_limit", path = "/api/v1/alarms/rules/{code}/proposals", tag = "alarms", request_body = LimitProposal,
    params(("code" = String, Path, description = "Code of the rule")), responses(
    (status = 204, description = "Written"),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "The right is missing", body = Problem),
    (status = 404, description = "No such rule", body = Problem)))]
pub(super) async fn propose_limit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(code): Path<String>,
    Body(new): Body<LimitProposal>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Operate)?;
    if app.rules.get(&code).is_none() {
        return Err(Problem::not_found(format!("there is no rule {code:?}")));
    }
    let proposal = LimitProposal {
        limit: bounded("limit", &new.limit, NAME_CHARS)?,
        reason: bounded("reason", &new.reason, REASON_CHARS)?,
    };
    let entry = JournalEntry {
        at: app.clock.now(),
        who: &caller.0.user,
        action: "propose_limit",
        object: &code,
        before: None,
        after: Some(json!(proposal)),
    };
    app.store.note(&entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn reason(text: &str) -> Result<Option<String>, Problem> {
    bounded("reason", text, REASON_CHARS).map(Some)
}

fn name(field: &'static str, text: Option<String>) -> Result<Option<String>, Problem> {
    text.map(|text| bounded(field, &text, NAME_CHARS)).transpose()
}

/// Stable code of a refusal, and who was first and when.
fn told(refusal: &Refusal) -> (&'static str, Option<String>, Option<DateTime<Utc>>) {
    match refusal {
        Refusal::Acknowledged { by, at } => ("acknowledged", Some(by.clone()), Some(*at)),
        Refusal::Shelved { by, .. } => ("shelved", Some(by.clone()), None),
        Refusal::OutOfService { by } => ("out_of_service", Some(by.clone()), None),
        Refusal::Active => ("active", None, None),
        Refusal::NotActive => ("not_active", None, None),
        Refusal::NothingToAcknowledge => ("nothing_to_acknowledge", None, None),
        Refusal::NotLatched(_) => ("not_latched", None, None),
        Refusal::NotShelved => ("not_shelved", None, None),
        Refusal::ShelveEnd(_) => ("shelve_end", None, None),
        Refusal::SecondPerson => ("second_person", None, None),
        Refusal::Suppressed => ("suppressed", None, None),
        Refusal::NotSuppressed => ("not_suppressed", None, None),
        Refusal::InService => ("in_service", None, None),
        Refusal::Same => ("same", None, None),
    }
}

fn result(app: &App, id: String, outcome: Outcome) -> AlarmResult {
    let own = |alarm: &crate::alarm::Alarm| Some(Alarm::of(alarm, &app.rules));
    let mut result = AlarmResult {
        id,
        result: "done",
        code: None,
        detail: None,
        by: None,
        at: None,
        alarm: None,
    };
    match outcome {
        Outcome::Done(alarm) => result.alarm = own(&alarm),
        Outcome::Unknown => {
            result.result = "unknown";
            result.code = Some("not_found");
            result.detail = Some("there is no such alarm".to_owned());
        }
        Outcome::Changed(alarm) => {
            result.result = "conflict";
            result.code = Some("changed");
            result.detail = Some("the alarm has changed since it was seen".to_owned());
            result.alarm = own(&alarm);
        }
        Outcome::Refused(refusal, alarm) => {
            let (code, by, at) = told(&refusal);
            result.result = if by.is_some() { "conflict" } else { "refused" };
            result.code = Some(code);
            result.detail = Some(refusal.to_string());
            (result.by, result.at) = (by, at);
            result.alarm = own(&alarm);
        }
    }
    result
}

/// The alarm as it is now, or a problem that says who was first.
fn one(app: &App, id: &str, outcome: Option<Outcome>) -> Result<Json<Alarm>, Problem> {
    match outcome {
        Some(Outcome::Done(alarm)) => Ok(Json(Alarm::of(&alarm, &app.rules))),
        Some(Outcome::Unknown) | None => {
            Err(Problem::not_found(format!("there is no alarm {id:?}")))
        }
        Some(Outcome::Changed(_)) => {
            Err(Problem::conflict("changed", "the alarm has changed since it was seen"))
        }
        Some(Outcome::Refused(refusal, _)) => {
            let (code, ..) = told(&refusal);
            Err(match refusal {
                Refusal::ShelveEnd(_) => Problem::invalid("until", refusal.to_string()),
                Refusal::SecondPerson => Problem::invalid("second", refusal.to_string()),
                Refusal::Acknowledged { .. }
                | Refusal::Shelved { .. }
                | Refusal::OutOfService { .. }
                | Refusal::Active
                | Refusal::NotActive
                | Refusal::NothingToAcknowledge
                | Refusal::NotLatched(_)
                | Refusal::NotShelved
                | Refusal::Suppressed
                | Refusal::NotSuppressed
                | Refusal::InService
                | Refusal::Same => Problem::conflict(code, refusal.to_string()),
            })
        }
    }
}

/// Asks the writer for one alarm.
async fn ask(
    app: &App,
    caller: &Caller,
    id: &str,
    (operation, reason): (Operation, Option<String>),
) -> Result<Json<Alarm>, Problem> {
    caller.require(Right::Operate)?;
    let alarms = vec![(id_of(id)?, None)];
    let request = Request { alarms, operation, who: caller.0.user.clone(), reason };
    let outcome = app.writer.operate(request).await?.pop();
    one(app, id, outcome)
}

/// Acknowledge the selected alarms, each as it was seen. One that somebody else acknowledged, or that has
/// changed, is answered as a conflict; with a single alarm the answer itself is 409.
#[utoipa::path(post, operation_id = "acknowledge_alarms", path = "/api/v1/alarms/acknowledge", tag = "alarms", request_body = Acknowledgement, responses(
    (status = 200, description = "What it came to, alarm by alarm", body = AlarmResults),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 409, description = "Somebody was first with the only alarm, or it has changed", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn acknowledge(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(new): Body<Acknowledgement>,
) -> Result<Json<AlarmResults>, Problem> {
    caller.require(Right::Operate)?;
    let is_single = new.ids.len() == 1;
    if new.ids.is_empty() || new.ids.len() > ALARMS_MAX {
        return Err(Problem::invalid("ids", format!("are 1 to {ALARMS_MAX} alarms")));
    }
    let reason = new.comment.map(|text| bounded("comment", &text, REASON_CHARS)).transpose()?;
    let mut alarms = Vec::with_capacity(new.ids.len());
    let mut names = Vec::with_capacity(new.ids.len());
    for SeenAlarm { id, occurrence, state } in new.ids {
        let Some(state) = AlarmState::parse(&state) else {
            return Err(Problem::invalid("state", format!("{state:?} is no state of an alarm")));
        };
        alarms.push((id_of(&id)?, Some(Seen { occurrence, state })));
        names.push(id);
    }
    let who = caller.0.user.clone();
    let request = Request { alarms, operation: Operation::Acknowledge, who, reason };
    let mut outcomes = app.writer.operate(request).await?;
    if is_single && !matches!(outcomes.first(), Some(Outcome::Done(_))) {
        let name = names.pop().unwrap_or_default();
        let refused =
            one(&app, &name, outcomes.pop()).map(|_done| AlarmResults { results: Vec::new() });
        return refused.map(Json);
    }
    let results = names.into_iter().zip(outcomes);
    let results = results.map(|(id, outcome)| result(&app, id, outcome)).collect();
    Ok(Json(AlarmResults { results }))
}

/// Shelve an alarm until an end. Its state goes on underneath.
#[utoipa::path(post, operation_id = "shelve_alarm", path = "/api/v1/alarms/{id}/shelve", tag = "alarms", request_body = NewShelf,
    params(("id" = String, Path, description = "`CODE:OBJECT`, percent-encoded")), responses(
    (status = 200, description = "The alarm as it is now", body = Alarm),
    (status = 400, description = "The end is not allowed, or a second person is missing", body = Problem),
    (status = 401, description = "Nobody is signed in, or the second person's password is wrong", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 404, description = "It never was an alarm", body = Problem),
    (status = 409, description = "Somebody shelved it already", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn shelve(
    State(app): State<Arc<App>>,
    caller: Caller,
    peer: Peer,
    Path(id): Path<String>,
    Body(new): Body<NewShelf>,
) -> Result<Json<Alarm>, Problem> {
    caller.require(Right::Operate)?;
    let second = match &new.second {
        None => None,
        Some(credentials) => Some(agree(&app, &caller, peer, credentials).await?),
    };
    let operation = Operation::Shelve { until: new.until, second };
    ask(&app, &caller, &id, (operation, reason(&new.reason)?)).await
}

/// Checks the second person: another account that may operate, with its password.
async fn agree(
    app: &App,
    caller: &Caller,
    peer: Peer,
    credentials: &Credentials,
) -> Result<String, Problem> {
    let (user, password) = (credentials.user.as_str(), credentials.password.as_str());
    if user == caller.0.user {
        return Err(Problem::invalid("second.user", "is somebody else than who asks"));
    }
    let now = app.clock.now();
    let role: Role =
        access::confirm(&app.store, &app.gate, (user, password), peer.address, now).await?;
    if !role.rights().contains(&Right::Operate) {
        return Err(Problem::invalid("second.user", "may not operate"));
    }
    Ok(user.to_owned())
}

macro_rules! plain_action {
    ($(#[doc = $doc:literal])+ $handler:ident, $id:literal, $path:literal, $operation:expr, $conflict:literal) => {
        $(#[doc = $doc])+
        #[utoipa::path(post, operation_id = $id, path = $path, tag = "alarms", request_body = AlarmReason,
            params(("id" = String, Path, description = "`CODE:OBJECT`, percent-encoded")), responses(
            (status = 200, description = "The alarm as it is now", body = Alarm),
            (status = 400, description = "A value is not allowed", body = Problem),
            (status = 401, description = "Nobody is signed in", body = Problem),
            (status = 403, description = "Not an operator", body = Problem),
            (status = 404, description = "It never was an alarm", body = Problem),
            (status = 409, description = $conflict, body = Problem),
            (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
        pub(super) async fn $handler(
            State(app): State<Arc<App>>,
            caller: Caller,
            Path(id): Path<String>,
            Body(new): Body<AlarmReason>,
        ) -> Result<Json<Alarm>, Problem> {
            caller.require(Right::Operate)?;
            ask(&app, &caller, &id, ($operation, reason(&new.reason)?)).await
        }
    };
}

plain_action!(
    /// Take an alarm off the shelf before its end.
    unshelve,
    "unshelve_alarm",
    "/api/v1/alarms/{id}/unshelve",
    Operation::Unshelve,
    "It is not shelved"
);
plain_action!(
    /// Suppress an alarm until somebody ends it.
    suppress,
    "suppress_alarm",
    "/api/v1/alarms/{id}/suppress",
    Operation::Suppress,
    "It is suppressed already"
);
plain_action!(
    /// End a suppression by an operator.
    unsuppress,
    "unsuppress_alarm",
    "/api/v1/alarms/{id}/unsuppress",
    Operation::Unsuppress,
    "It is not suppressed by an operator"
);
plain_action!(
    /// Put an alarm back in service.
    in_service,
    "put_alarm_in_service",
    "/api/v1/alarms/{id}/in-service",
    Operation::InService,
    "It is in service"
);
plain_action!(
    /// Reset a latched alarm after its equipment was put in order.
    reset,
    "reset_alarm",
    "/api/v1/alarms/{id}/reset",
    Operation::Reset,
    "It does not wait for a reset"
);

/// Take an alarm out of service: its equipment is not to work.
#[utoipa::path(post, operation_id = "take_alarm_out_of_service", path = "/api/v1/alarms/{id}/out-of-service", tag = "alarms", request_body = NewOutOfService,
    params(("id" = String, Path, description = "`CODE:OBJECT`, percent-encoded")), responses(
    (status = 200, description = "The alarm as it is now", body = Alarm),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 404, description = "It never was an alarm", body = Problem),
    (status = 409, description = "Somebody took it out already", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn out_of_service(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(new): Body<NewOutOfService>,
) -> Result<Json<Alarm>, Problem> {
    caller.require(Right::Operate)?;
    let operation = Operation::OutOfService { ticket: name("ticket", new.ticket)? };
    ask(&app, &caller, &id, (operation, reason(&new.reason)?)).await
}

/// Say something about an alarm.
#[utoipa::path(post, operation_id = "comment_alarm", path = "/api/v1/alarms/{id}/comment", tag = "alarms", request_body = NewAlarmComment,
    params(("id" = String, Path, description = "`CODE:OBJECT`, percent-encoded")), responses(
    (status = 200, description = "The alarm as it is now", body = Alarm),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 404, description = "It never was an alarm", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn comment(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(new): Body<NewAlarmComment>,
) -> Result<Json<Alarm>, Problem> {
    caller.require(Right::Operate)?;
    let text = bounded("text", &new.text, REASON_CHARS)?;
    ask(&app, &caller, &id, (Operation::Comment, Some(text))).await
}

/// Give an alarm to somebody.
#[utoipa::path(post, operation_id = "assign_alarm", path = "/api/v1/alarms/{id}/assign", tag = "alarms", request_body = AlarmAssignment,
    params(("id" = String, Path, description = "`CODE:OBJECT`, percent-encoded")), responses(
    (status = 200, description = "The alarm as it is now", body = Alarm),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 404, description = "It never was an alarm", body = Problem),
    (status = 409, description = "It is so already", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn assign(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(new): Body<AlarmAssignment>,
) -> Result<Json<Alarm>, Problem> {
    caller.require(Right::Operate)?;
    let operation = Operation::Assign { to: name("assignee", new.assignee)? };
    ask(&app, &caller, &id, (operation, None)).await
}

/// Link an alarm to a ticket.
#[utoipa::path(post, operation_id = "link_alarm", path = "/api/v1/alarms/{id}/link", tag = "alarms", request_body = AlarmLink,
    params(("id" = String, Path, description = "`CODE:OBJECT`, percent-encoded")), responses(
    (status = 200, description = "The alarm as it is now", body = Alarm),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 404, description = "It never was an alarm", body = Problem),
    (status = 409, description = "It is so already", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn link(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(new): Body<AlarmLink>,
) -> Result<Json<Alarm>, Problem> {
    caller.require(Right::Operate)?;
    let operation = Operation::Link { ticket: name("ticket", new.ticket)? };
    ask(&app, &caller, &id, (operation, None)).await
}
