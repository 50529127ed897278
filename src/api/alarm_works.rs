//! Planned works: alarms of their objects are expected meanwhile and suppressed.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    App, answer,
    body::Body,
    caller::Caller,
    paging::Page,
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{access::Right, alarm::works::Works};

/// Longest works.
const LONGEST: TimeDelta = TimeDelta::days(90);
/// Most works of a list.
const WORKS_MAX: i64 = 1_000;
/// Most objects or codes of works.
const OBJECTS_MAX: usize = 1_000;
/// Longest text, characters.
const TEXT_CHARS: usize = 500;

/// Planned works.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmWorks {
    /// Number.
    #[ts(type = "number")]
    id: i64,
    /// Objects; a source stands for its lanes and zones and for what hangs on it, too.
    objects: Vec<String>,
    /// Area whose objects are meant; null for none.
    area: Option<String>,
    /// Corridor whose devices are meant; null for none.
    corridor: Option<String>,
    /// Codes of rules that are expected; empty for all.
    codes: Vec<String>,
    /// Begin.
    from: DateTime<Utc>,
    /// End.
    to: DateTime<Utc>,
    /// What is done.
    reason: String,
    /// Ticket; null for none.
    ticket: Option<String>,
    /// Account that entered them.
    by: String,
    /// When they were entered.
    created_at: DateTime<Utc>,
    /// When they were ended early or called off; null otherwise.
    ended_at: Option<DateTime<Utc>>,
    /// Account that ended them early; null otherwise.
    ended_by: Option<String>,
}

impl From<Works> for AlarmWorks {
    fn from(works: Works) -> Self {
        let (ended_at, ended_by) = works.ended.unzip();
        Self {
            id: works.id,
            objects: works.objects,
            area: works.area,
            corridor: works.corridor,
            codes: works.codes,
            from: works.from,
            to: works.to,
            reason: works.reason,
            ticket: works.ticket,
            by: works.by,
            created_at: works.created_at,
            ended_at,
            ended_by,
        }
    }
}

/// Works to plan: objects, an area or a corridor.
#[derive(Debug, Deserialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAlarmWorks {
    /// Objects; may be left out with an area or corridor.
    #[serde(default)]
    objects: Vec<String>,
    /// Area; null for none.
    #[serde(default)]
    area: Option<String>,
    /// Corridor; null for none.
    #[serde(default)]
    corridor: Option<String>,
    /// Codes of rules that are expected; left out for all.
    #[serde(default)]
    codes: Vec<String>,
    /// Begin.
    from: DateTime<Utc>,
    /// End, at most 90 days later.
    to: DateTime<Utc>,
    /// What is done, 1 to 500 characters.
    reason: String,
    /// Ticket; null for none.
    #[serde(default)]
    ticket: Option<String>,
}

/// Which works.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WorksQuery {
    /// Also those that are over.
    all: Option<bool>,
}

impl FromParams for WorksQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self { all: params.flag("all")? })
    }
}

/// Planned works that go on or are to come, the newest first.
#[utoipa::path(get, operation_id = "list_alarm_works", path = "/api/v1/alarms/works", tag = "alarms", params(WorksQuery), responses(
    (status = 200, description = "The works, at most 1,000", body = Page<AlarmWorks>),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<WorksQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let all = query.all.unwrap_or(false);
    let works = app.store.works(app.clock.now(), all, WORKS_MAX).await?;
    answer::tagged(&headers, &Page::whole(works.into_iter().map(AlarmWorks::from).collect()))
}

/// Plan works.
#[utoipa::path(post, operation_id = "plan_alarm_works", path = "/api/v1/alarms/works", tag = "alarms", request_body = NewAlarmWorks, responses(
    (status = 201, description = "The works with their number", body = AlarmWorks),
    (status = 400, description = "A value is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(new): Body<NewAlarmWorks>,
) -> Result<(StatusCode, Json<AlarmWorks>), Problem> {
    caller.require(Right::Operate)?;
    let now = app.clock.now();
    check(&app, &new, now)?;
    let works = Works {
        id: 0,
        objects: new.objects,
        area: new.area,
        corridor: new.corridor,
        codes: new.codes,
        from: new.from,
        to: new.to,
        reason: new.reason.trim().to_owned(),
        ticket: new.ticket,
        by: caller.0.user.clone(),
        created_at: now,
        ended: None,
    };
    let planned = app.writer.plan_works(works).await?;
    Ok((StatusCode::CREATED, Json(planned.into())))
}

fn check(app: &App, new: &NewAlarmWorks, now: DateTime<Utc>) -> Result<(), Problem> {
    if new.objects.is_empty() && new.area.is_none() && new.corridor.is_none() {
        return Err(Problem::invalid("objects", "are named, or an area or a corridor is"));
    }
    if new.objects.len() > OBJECTS_MAX || new.codes.len() > OBJECTS_MAX {
        return Err(Problem::invalid("objects", format!("are at most {OBJECTS_MAX}")));
    }
    if new.to <= new.from || new.to <= now || new.to - new.from > LONGEST {
        return Err(Problem::invalid("to", "is after now and `from`, at most 90 days later"));
    }
    if let Some(code) = new.codes.iter().find(|code| app.rules.get(code).is_none()) {
        return Err(Problem::invalid("codes", format!("there is no rule {code:?}")));
    }
    let texts = [&new.area, &new.corridor, &new.ticket].into_iter().flatten();
    for (field, text) in
        texts.chain(&new.objects).map(|text| ("objects", text)).chain([("reason", &new.reason)])
    {
        let length = text.trim().chars().count();
        if length == 0 || length > TEXT_CHARS || text.chars().any(char::is_control) {
            let why = format!("are texts of 1 to {TEXT_CHARS} characters");
            return Err(Problem::invalid(field, why));
        }
    }
    Ok(())
}

/// End works early, or call them off.
#[utoipa::path(delete, operation_id = "end_alarm_works", path = "/api/v1/alarms/works/{id}", tag = "alarms",
    params(("id" = i64, Path, description = "Number of the works")), responses(
    (status = 204, description = "They are over"),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 403, description = "Not an operator", body = Problem),
    (status = 404, description = "There are none of this number that are not over", body = Problem),
    (status = 503, description = "The database is away: nothing was changed", body = Problem)))]
pub(super) async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.require(Right::Operate)?;
    let missing = || Problem::not_found(format!("there are no works {id:?}"));
    let number: i64 = id.parse().map_err(|_no_number| missing())?;
    app.writer.end_works(number, &caller.0.user).await?;
    Ok(StatusCode::NO_CONTENT)
}
