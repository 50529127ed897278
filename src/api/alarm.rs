//! Alarms as they are, their rules with the texts, and everything that happened to them.
//!
//! The list is answered from what the live view shows, so it tells changes that are not in the database yet
//! and says so; one alarm with its history and the journal come from the database.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, Uri, header},
    response::Response,
};
use chrono::{DateTime, Utc};
use ioc_ingest::Service;
use serde::Serialize;

use super::{
    App, answer,
    caller::Caller,
    paging::{LongPages, Page},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    alarm::{
        self, AlarmId, Priority, State as AlarmState, Suppression,
        rule::{Rule, Rules, Texts},
    },
    store::alarm::{TransitionFilter, TransitionRow},
};

/// Transitions that one alarm is answered with; the journal tells the rest.
const HISTORY: i64 = 200;

/// A shelving.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmShelf {
    /// End, hub clock.
    until: DateTime<Utc>,
    /// Account.
    by: String,
    /// Account of the second person; null where none was needed.
    second: Option<String>,
    /// Why.
    reason: String,
}

/// Why an alarm is out of service.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmOut {
    /// Account.
    by: String,
    /// Ticket; null for none.
    ticket: Option<String>,
}

/// An alarm as it is.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Alarm {
    /// `CODE:OBJECT`.
    id: String,
    /// Code of the rule.
    code: String,
    /// Source, `SOURCE/lane/N`, `SOURCE/zone/NAME`, `hub:PART`, `unit:CODE`, `corridor:ID` or `indicator:ID`.
    object: String,
    /// Service of the source; null for objects that are no device.
    #[schema(value_type = Option<String>)]
    #[ts(type = "string | null")]
    service: Option<Service>,
    /// Area that the object lies in, or the unit that it is; null for none.
    area: Option<String>,
    /// Number of the present or last occurrence.
    #[ts(type = "number")]
    occurrence: i64,
    /// 1 critical, 2 high, 3 medium, 4 low.
    priority: u8,
    /// norm, unack, ack, rtnun or latch.
    state: &'static str,
    /// First raise of the occurrence, hub clock.
    raised_at: Option<DateTime<Utc>>,
    /// Last transition, hub clock.
    changed_at: DateTime<Utc>,
    /// When it was acknowledged; null while it was not.
    acked_at: Option<DateTime<Utc>>,
    /// Account that acknowledged it; null while it was not.
    acked_by: Option<String>,
    /// Last return to normal; null while active.
    cleared_at: Option<DateTime<Utc>>,
    /// Raises of the occurrence.
    count: u32,
    /// Value at the last raise; null where the rule measures none.
    value: Option<f64>,
    /// Limit that it crossed; null where the rule measures none.
    limit: Option<f64>,
    /// Unit of measure of both; null for none.
    unit_of_measure: Option<&'static str>,
    /// Reason code; null for none.
    why: Option<String>,
    /// Shelving; null while it is not shelved.
    shelved: Option<AlarmShelf>,
    /// By what it is suppressed: parent, works, flood, operator.
    suppressed: Vec<&'static str>,
    /// Alarm that it follows from; null for none.
    parent: Option<String>,
    /// Out of service; null while in service.
    out_of_service: Option<AlarmOut>,
    /// Account that cares for it; null for nobody.
    assignee: Option<String>,
    /// Ticket that it is linked to; null for none.
    ticket: Option<String>,
    /// Comments of the occurrence.
    comments: u32,
    /// Whether it was the first at its place.
    first_out: bool,
    /// Whether it comes and goes so often that shelving is proposed.
    chattering: bool,
    /// Number of its last transition.
    #[ts(type = "number")]
    seq: i64,
}

impl Alarm {
    /// As the API tells it.
    pub(crate) fn of(alarm: &alarm::Alarm, rules: &Rules) -> Self {
        let status = &alarm.status;
        let rule = rules.get(&alarm.id.code).map(|(_, rule)| rule);
        let acked = status.acked.as_ref();
        Self {
            id: alarm.id.to_string(),
            code: alarm.id.code.to_string(),
            object: alarm.id.object.to_string(),
            service: alarm.service,
            area: alarm.area.as_deref().map(str::to_owned),
            occurrence: status.occurrence,
            priority: status.priority.number(),
            state: status.state.as_str(),
            raised_at: status.raised_at,
            changed_at: alarm.changed_at,
            acked_at: acked.map(|(at, _)| *at),
            acked_by: acked.map(|(_, by)| by.clone()),
            cleared_at: status.cleared_at,
            count: status.count,
            value: alarm.value,
            limit: alarm.limit,
            unit_of_measure: rule.map(|r| r.unit_of_measure).filter(|unit| !unit.is_empty()),
            why: alarm.why.as_deref().map(str::to_owned),
            shelved: status.shelf.as_ref().map(|shelf| AlarmShelf {
                until: shelf.until,
                by: shelf.by.clone(),
                second: shelf.second.clone(),
                reason: shelf.reason.clone(),
            }),
            suppressed: status.suppressed.iter().map(Suppression::as_str).collect(),
            parent: alarm.parent.as_ref().map(ToString::to_string),
            out_of_service: status
                .out_of_service
                .as_ref()
                .map(|out| AlarmOut { by: out.by.clone(), ticket: out.ticket.clone() }),
            assignee: alarm.assignee.clone(),
            ticket: alarm.ticket.clone(),
            comments: alarm.comments,
            first_out: alarm.first_out,
            chattering: alarm.chattering,
            seq: alarm.seq,
        }
    }
}

/// Alarms that are not plainly normal.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmPage {
    /// The alarms, the last changed first.
    items: Vec<Alarm>,
    /// What to give as `after` for the next page; null on the last one.
    next: Option<String>,
    /// Whether all of it is in the database.
    stored: bool,
    /// Alarms that wait for an acknowledgement, by priority 1 to 4.
    unacknowledged: [u32; 4],
}

/// What people read of a rule, in one language.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmTexts {
    /// Name.
    name: String,
    /// What usually causes it.
    cause: String,
    /// What follows when nobody acts.
    consequence: String,
    /// What the operator does.
    action: String,
}

impl From<&Texts> for AlarmTexts {
    fn from(texts: &Texts) -> Self {
        let Texts { name, cause, consequence, action } = texts.clone();
        Self { name, cause, consequence, action }
    }
}

/// A rule of alarms.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmRule {
    /// Code.
    code: String,
    /// What it is about: services, detector, group, hub, unit, corridor, indicator.
    on: Vec<&'static str>,
    /// Priority, 1 to 4, before the value makes it graver.
    priority: u8,
    /// The gravest priority that it may have.
    gravest: u8,
    /// For how long the condition holds before it is raised, seconds.
    #[ts(type = "number")]
    delay_on_s: i64,
    /// For how long the condition is gone before it clears, seconds.
    #[ts(type = "number")]
    delay_off_s: i64,
    /// Whether it waits for a reset after its return.
    latches: bool,
    /// Time that the operator has, seconds.
    time_to_respond_s: u32,
    /// Unit of measure of its value; null for none.
    unit_of_measure: Option<&'static str>,
    /// Fields that it asks about.
    fields: Vec<&'static str>,
    /// Rule that takes its place when many are lost together; null for none.
    follows: Option<String>,
    /// Whether it is judged.
    enabled: bool,
    /// Why not, in Vietnamese; null while it is.
    off_vi: Option<String>,
    /// Why not, in English; null while it is.
    off_en: Option<String>,
    /// Vietnamese texts.
    vi: AlarmTexts,
    /// English texts.
    en: AlarmTexts,
    /// Standard, document or measurement that it comes from.
    source: String,
}

impl From<&Rule> for AlarmRule {
    fn from(rule: &Rule) -> Self {
        let graver = rule.graver.iter().map(|(_, priority)| *priority).min();
        let terms = rule.when.iter().flat_map(|when| when.terms().into_iter().map(|t| t.field));
        let mut fields: Vec<&'static str> = terms.map(alarm::field::Field::as_str).collect();
        fields.dedup();
        let (off_vi, off_en) = rule.off.clone().unzip();
        Self {
            code: rule.code.to_string(),
            on: rule.on.iter().map(|on| on.as_str()).collect(),
            priority: rule.priority.number(),
            gravest: graver.unwrap_or(rule.priority).number(),
            delay_on_s: rule.delay_on.num_seconds(),
            delay_off_s: rule.delay_off.num_seconds(),
            latches: rule.latches,
            time_to_respond_s: rule.time_to_respond_s,
            unit_of_measure: Some(rule.unit_of_measure).filter(|unit| !unit.is_empty()),
            fields,
            follows: rule.follows.as_ref().map(ToString::to_string),
            enabled: rule.enabled,
            off_vi,
            off_en,
            vi: (&rule.vi).into(),
            en: (&rule.en).into(),
            source: rule.source.clone(),
        }
    }
}

/// Every rule of alarms.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmRules {
    /// Version of the file.
    version: String,
    /// The rules, in the order of the file.
    items: Vec<AlarmRule>,
}

/// Something that happened to an alarm.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmTransition {
    /// Number in the order of commits.
    #[ts(type = "number")]
    seq: i64,
    /// Hub clock.
    at: DateTime<Utc>,
    /// `CODE:OBJECT`.
    id: String,
    /// Number of the occurrence.
    #[ts(type = "number")]
    occurrence: i64,
    /// raise, `re_raise`, escalate, ease, clear, withdraw, acknowledge, reset, shelve, unshelve, suppress,
    /// unsuppress, `out_of_service`, `in_service`, chatter, calm, comment, assign or link.
    action: String,
    /// State before.
    from_state: String,
    /// State after.
    to_state: String,
    /// Priority after, 1 to 4.
    priority: i16,
    /// Whether operators saw the alarm after it.
    presented: bool,
    /// Account that asked for it; null when the hub did it by a rule.
    who: Option<String>,
    /// Account of the second person; null where none was needed.
    second: Option<String>,
    /// Reason or comment; null for none.
    reason: Option<String>,
    /// End of a shelving; null for other actions.
    until: Option<DateTime<Utc>>,
    /// By what it is suppressed, or no longer; null for other actions.
    suppressed: Option<String>,
    /// Value; null where none was measured.
    value: Option<f64>,
    /// Limit; null for none.
    limit: Option<f64>,
    /// Reason code; null for none.
    why: Option<String>,
    /// Whether it was the first at its place.
    first_out: bool,
    /// Alarm that it follows from; null for none.
    parent: Option<String>,
    /// Ticket of the action; null for none.
    ticket: Option<String>,
    /// Account that was assigned; null for none.
    assignee: Option<String>,
}

impl From<TransitionRow> for AlarmTransition {
    fn from(row: TransitionRow) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            id: format!("{}:{}", row.code, row.object),
            occurrence: row.occurrence,
            action: row.action,
            from_state: row.from_state,
            to_state: row.to_state,
            priority: row.priority,
            presented: row.presented,
            who: row.who,
            second: row.second,
            reason: row.reason,
            until: row.until,
            suppressed: row.suppressed,
            value: row.value,
            limit: row.limit_value,
            why: row.why,
            first_out: row.first_out,
            parent: row.parent,
            ticket: row.ticket,
            assignee: row.assignee,
        }
    }
}

/// An alarm with its rule and what happened to it.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct AlarmWithHistory {
    /// The alarm as it is.
    #[serde(flatten)]
    #[ts(flatten)]
    alarm: Alarm,
    /// Its rule; null when there is none of this code any more.
    rule: Option<AlarmRule>,
    /// What happened to it, newest first, at most 200.
    history: Vec<AlarmTransition>,
}

/// Which alarms.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AlarmQuery {
    /// Only in these states: unack, ack, rtnun, latch, norm (shelved or out of service while normal).
    #[param(value_type = Option<String>)]
    state: Vec<AlarmState>,
    /// Only of these priorities, 1 to 4.
    #[param(value_type = Option<String>)]
    priority: Vec<Priority>,
    /// Only of these services.
    #[param(value_type = Option<String>)]
    service: Vec<String>,
    /// Only of this area.
    area: Option<String>,
    /// Only of this rule.
    code: Option<String>,
    /// Only of this object, or of what belongs to this source.
    object: Option<String>,
    /// True for those only that operators see, false for those only that are shelved, suppressed or out of
    /// service.
    presented: Option<bool>,
}

const STATES: [(&str, AlarmState); 5] = [
    ("norm", AlarmState::Norm),
    ("unack", AlarmState::Unack),
    ("ack", AlarmState::Ack),
    ("rtnun", AlarmState::Rtnun),
    ("latch", AlarmState::Latch),
];
const PRIORITIES: [(&str, Priority); 4] = [
    ("1", Priority::Critical),
    ("2", Priority::High),
    ("3", Priority::Medium),
    ("4", Priority::Low),
];

impl FromParams for AlarmQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        Ok(Self {
            state: params.named("state", &STATES)?,
            priority: params.named("priority", &PRIORITIES)?,
            service: params.services()?,
            area: params.text("area")?,
            code: params.text("code")?,
            object: params.text("object")?,
            presented: params.flag("presented")?,
        })
    }
}

impl AlarmQuery {
    fn takes(&self, alarm: &alarm::Alarm) -> bool {
        let status = &alarm.status;
        let is_service = |wanted: &String| alarm.service.is_some_and(|own| own.as_str() == wanted);
        let is_object =
            |wanted: &str| *alarm.id.object == *wanted || alarm.id.source() == Some(wanted);
        (self.state.is_empty() || self.state.contains(&status.state))
            && (self.priority.is_empty() || self.priority.contains(&status.priority))
            && (self.service.is_empty() || self.service.iter().any(is_service))
            && self.area.as_deref().is_none_or(|wanted| alarm.area.as_deref() == Some(wanted))
            && self.code.as_deref().is_none_or(|wanted| *alarm.id.code == *wanted)
            && self.object.as_deref().is_none_or(is_object)
            && self.presented.is_none_or(|wanted| status.is_presented_now() == wanted)
    }
}

/// Alarms that are not plainly normal, the last changed first.
#[utoipa::path(get, operation_id = "list_alarms", path = "/api/v1/alarms", tag = "alarms", params(AlarmQuery, LongPages<i64>), responses(
    (status = 200, description = "A page of alarms", body = AlarmPage),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked((query, paging)): Asked<(AlarmQuery, LongPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let board = app.live.alarms();
    let mut found: Vec<_> = board.alarms.values().filter(|alarm| query.takes(alarm)).collect();
    found.retain(|alarm| paging.after.is_none_or(|after| alarm.seq < after));
    found.sort_unstable_by_key(|alarm| std::cmp::Reverse(alarm.seq));
    found.truncate(usize::try_from(paging.limit.rows()).unwrap_or(usize::MAX));
    let Page { items, next } =
        paging.limit.page(found, |alarm| alarm.seq, |alarm| Alarm::of(alarm, &app.rules));
    let page = AlarmPage { items, next, stored: board.stored, unacknowledged: board.waiting };
    answer::tagged(&headers, &page)
}

/// Every rule of alarms, with its texts in both languages.
#[utoipa::path(get, operation_id = "list_alarm_rules", path = "/api/v1/alarms/rules", tag = "alarms", responses(
    (status = 200, description = "The rules", body = AlarmRules),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn rules(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let items = app.rules.iter().map(AlarmRule::from).collect();
    answer::tagged(&headers, &AlarmRules { version: app.rules.version.clone(), items })
}

/// The id of an alarm in a path.
pub(super) fn id_of(text: &str) -> Result<AlarmId, Problem> {
    let missing = || Problem::not_found(format!("there is no alarm {text:?}"));
    AlarmId::parse(text).filter(|_| !text.contains('\0')).ok_or_else(missing)
}

/// One alarm with its rule and its history.
#[utoipa::path(get, operation_id = "alarm", path = "/api/v1/alarms/{id}", tag = "alarms",
    params(("id" = String, Path, description = "`CODE:OBJECT`, percent-encoded")), responses(
    (status = 200, description = "The alarm", body = AlarmWithHistory),
    (status = 401, description = "Nobody is signed in", body = Problem),
    (status = 404, description = "It never was one", body = Problem)))]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let id = id_of(&id)?;
    let latches = |code: &str| app.rules.get(code).is_some_and(|(_, rule)| rule.latches);
    let shown = app.live.alarms().alarms.get(&id).cloned();
    let known = match shown {
        Some(alarm) => Some((*alarm).clone()),
        None => app.store.alarm(&id, latches).await?,
    };
    let missing = || Problem::not_found(format!("there is no alarm {:?}", id.to_string()));
    let found = known.ok_or_else(missing)?;
    let filter = TransitionFilter {
        code: Some(id.code.to_string()),
        object: Some(id.object.to_string()),
        limit: HISTORY,
        ..TransitionFilter::default()
    };
    let history = app.store.alarm_transitions(&filter).await?;
    let whole = AlarmWithHistory {
        alarm: Alarm::of(&found, &app.rules),
        rule: app.rules.get(&id.code).map(|(_, rule)| rule.into()),
        history: history.into_iter().map(AlarmTransition::from).collect(),
    };
    answer::tagged(&headers, &whole)
}

/// Which transitions.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TransitionQuery {
    /// From this instant on, RFC 3339 with offset.
    from: Option<DateTime<Utc>>,
    /// Before this instant, RFC 3339 with offset.
    to: Option<DateTime<Utc>>,
    /// Only of this rule.
    code: Option<String>,
    /// Only of this object.
    object: Option<String>,
    /// Only with this action.
    action: Option<String>,
    /// Only asked for by this account.
    who: Option<String>,
    /// Only of this area.
    area: Option<String>,
    /// Only of this service.
    service: Option<String>,
}

impl FromParams for TransitionQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let (from, to) = params.span()?;
        Ok(Self {
            from,
            to,
            code: params.text("code")?,
            object: params.text("object")?,
            action: params.text("action")?,
            who: params.text("who")?,
            area: params.text("area")?,
            service: params.text("service")?,
        })
    }
}

/// Everything that happened to alarms, newest first; as a table with `Accept: text/csv`, where the header
/// `Link` names the next page.
#[utoipa::path(get, operation_id = "list_alarm_journal", path = "/api/v1/alarms/journal", tag = "alarms", params(TransitionQuery, LongPages<i64>), responses(
    (status = 200, description = "A page of transitions", content((Page<AlarmTransition> = "application/json"), (String = "text/csv"))),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn journal(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    uri: Uri,
    Asked((query, paging)): Asked<(TransitionQuery, LongPages<i64>)>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let TransitionQuery { from, to, code, object, action, who, area, service } = query;
    let (before_seq, limit) = (paging.after, paging.limit.rows());
    let filter =
        TransitionFilter { from, to, code, object, action, who, area, service, before_seq, limit };
    let rows = app.store.alarm_transitions(&filter).await?;
    let page = paging.limit.page(rows, |row| row.seq, AlarmTransition::from);
    if answer::accepts(&headers, "text/csv") {
        let mut response = table(&headers, &page.items)?;
        if let Some(link) = page.next.and_then(|next| answer::next_link(&uri, &next)) {
            response.headers_mut().insert(header::LINK, link);
        }
        return Ok(response);
    }
    answer::tagged(&headers, &page)
}

const COLUMNS: [&str; 21] = [
    "seq",
    "at",
    "id",
    "occurrence",
    "action",
    "from_state",
    "to_state",
    "priority",
    "presented",
    "who",
    "second",
    "reason",
    "until",
    "suppressed",
    "value",
    "limit",
    "why",
    "first_out",
    "parent",
    "ticket",
    "assignee",
];

fn table(headers: &HeaderMap, rows: &[AlarmTransition]) -> Result<Response, Problem> {
    let failed = |error: csv::Error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a journal could not be written");
        Problem::internal()
    };
    let text = |value: Option<&String>| value.map(|text| answer::neutral(text)).unwrap_or_default();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(failed)?;
    for row in rows {
        let record: [String; 21] = [
            row.seq.to_string(),
            row.at.to_rfc3339(),
            answer::neutral(&row.id),
            row.occurrence.to_string(),
            row.action.clone(),
            row.from_state.clone(),
            row.to_state.clone(),
            row.priority.to_string(),
            row.presented.to_string(),
            text(row.who.as_ref()),
            text(row.second.as_ref()),
            text(row.reason.as_ref()),
            row.until.map(|until| until.to_rfc3339()).unwrap_or_default(),
            text(row.suppressed.as_ref()),
            number(row.value),
            number(row.limit),
            text(row.why.as_ref()),
            row.first_out.to_string(),
            text(row.parent.as_ref()),
            text(row.ticket.as_ref()),
            text(row.assignee.as_ref()),
        ];
        writer.write_record(record).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(answer::with_tag(headers, "text/csv; charset=utf-8", bytes.into()))
}
