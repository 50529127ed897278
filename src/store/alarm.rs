//! Statements of alarms: what changed, in the transaction of the facts that caused it; what they are at the
//! start; and their history.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Source, Word as _, incident::IncidentKind};
use serde_json::{Value, json};
use tokio_postgres::{Client, Row, Transaction};

use super::{Store, StoreError, alarm_works};
use crate::alarm::{
    Alarm, AlarmId, Change, Priority, State, Status, Suppression, Transition,
    engine::Known,
    machine::{OutOfService, Shelf, Suppressions},
};

const UPSERT: &str = include_str!("alarm_upsert.sql");
const OVERDUE: &str = include_str!("overdue.sql");
const INSERT: &str = include_str!("alarm_transition_insert.sql");
/// Incidents that began longer ago say nothing at the start.
const INCIDENT_HOURS: i32 = 24;
const COLUMNS: &str = "seq, at, code, object, service, area, occurrence, action, from_state, to_state, \
    priority, presented, who, second, reason, until, suppressed, value, limit_value, why, first_out, \
    parent, ticket, assignee";

/// A transition as it was stored.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the columns of alarm_transition, which are described there")]
pub struct TransitionRow {
    pub seq: i64,
    pub at: DateTime<Utc>,
    pub code: String,
    pub object: String,
    pub service: Option<String>,
    pub area: Option<String>,
    pub occurrence: i64,
    pub action: String,
    pub from_state: String,
    pub to_state: String,
    pub priority: i16,
    pub presented: bool,
    pub who: Option<String>,
    pub second: Option<String>,
    pub reason: Option<String>,
    pub until: Option<DateTime<Utc>>,
    pub suppressed: Option<String>,
    pub value: Option<f64>,
    pub limit_value: Option<f64>,
    pub why: Option<String>,
    pub first_out: bool,
    pub parent: Option<String>,
    pub ticket: Option<String>,
    pub assignee: Option<String>,
}

/// Overdue records of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// Dossiers, or else tickets.
    pub is_dossier: bool,
    /// Responsible unit; null when it is not known.
    pub unit: Option<String>,
    /// How many.
    pub count: i64,
}

/// Which transitions: newest first.
#[derive(Debug, Clone, Default)]
pub struct TransitionFilter {
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only of this rule.
    pub code: Option<String>,
    /// Only of this object.
    pub object: Option<String>,
    /// Only with this action.
    pub action: Option<String>,
    /// Only asked for by this account.
    pub who: Option<String>,
    /// Only of this area.
    pub area: Option<String>,
    /// Only of this service.
    pub service: Option<String>,
    /// Only older than this number.
    pub before_seq: Option<i64>,
    /// Most rows.
    pub limit: i64,
}

/// Writes changes, in the order of their numbers, and the journal of those that people asked for. Writing
/// them again changes nothing.
///
/// # Errors
/// [`StoreError::Beside`] when the database refuses them: the messages of their transaction are not at fault.
pub(crate) async fn write(
    transaction: &Transaction<'_>,
    changes: &[Arc<Change>],
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let failed = |error| StoreError::of("store what happened to alarms", error).beside();
    let transitions = Value::Array(changes.iter().map(|change| transition(change)).collect());
    transaction.execute(INSERT, &[&transitions]).await.map_err(failed)?;
    let mut latest: HashMap<&AlarmId, &Alarm> = HashMap::new();
    for change in changes {
        latest.insert(&change.alarm.id, &change.alarm);
    }
    let alarms = Value::Array(latest.values().map(|alarm| row(alarm)).collect());
    transaction.execute(UPSERT, &[&alarms]).await.map_err(failed)?;
    Ok(())
}

fn transition(change: &Change) -> Value {
    let Change { transition: Transition { seq, at, id, .. }, alarm } = change;
    let told = &change.transition;
    json!({
        "seq": seq, "at": at, "code": &*id.code, "object": &*id.object,
        "service": alarm.service.map(Service::as_str), "area": alarm.area.as_deref(),
        "occurrence": told.occurrence, "action": told.action,
        "from_state": told.from.as_str(), "to_state": told.to.as_str(),
        "priority": alarm.status.priority.number(), "presented": alarm.status.is_presented_now(),
        "who": told.who, "second": told.second, "reason": told.reason, "until": told.until,
        "suppressed": told.suppressed.map(Suppression::as_str),
        "value": alarm.value, "limit_value": alarm.limit, "why": alarm.why.as_deref(),
        "first_out": alarm.first_out, "parent": alarm.parent.as_ref().map(ToString::to_string),
        "ticket": told.ticket, "assignee": told.assignee,
    })
}

fn row(alarm: &Alarm) -> Value {
    let Status { shelf, out_of_service, acked, .. } = &alarm.status;
    let shelf = shelf.as_ref();
    let out = out_of_service.as_ref();
    let suppressed: Vec<&str> = alarm.status.suppressed.iter().map(Suppression::as_str).collect();
    json!({
        "code": &*alarm.id.code, "object": &*alarm.id.object,
        "service": alarm.service.map(Service::as_str), "area": alarm.area.as_deref(),
        "occurrence": alarm.status.occurrence, "priority": alarm.status.priority.number(),
        "state": alarm.status.state.as_str(), "raised_at": alarm.status.raised_at,
        "acked_at": acked.as_ref().map(|(at, _)| at), "acked_by": acked.as_ref().map(|(_, by)| by),
        "cleared_at": alarm.status.cleared_at, "changed_at": alarm.changed_at,
        "count": alarm.status.count, "value": alarm.value, "limit_value": alarm.limit,
        "why": alarm.why.as_deref(),
        "shelved_until": shelf.map(|shelf| shelf.until), "shelved_by": shelf.map(|shelf| &shelf.by),
        "shelved_second": shelf.and_then(|shelf| shelf.second.as_ref()),
        "shelved_reason": shelf.map(|shelf| &shelf.reason),
        "suppressed": suppressed, "parent": alarm.parent.as_ref().map(ToString::to_string),
        "out_of_service_by": out.map(|out| &out.by),
        "out_of_service_ticket": out.and_then(|out| out.ticket.as_ref()),
        "assignee": alarm.assignee, "ticket": alarm.ticket, "comments": alarm.comments,
        "first_out": alarm.first_out, "chattering": alarm.chattering,
        "presented": alarm.status.presented, "seq": alarm.seq,
    })
}

/// Stores changes by themselves.
///
/// # Errors
/// Retriable ones leave it open whether they were stored.
pub(crate) async fn commit(client: &mut Client, changes: &[Arc<Change>]) -> Result<(), StoreError> {
    let failed = |error| StoreError::of("store what happened to alarms", error);
    let transaction = client.transaction().await.map_err(failed)?;
    write(&transaction, changes).await?;
    transaction.commit().await.map_err(failed)
}

/// Reads what the engine begins with. `latches` tells whether a rule waits for a reset.
pub(crate) async fn load(
    client: &Client,
    latches: impl Fn(&str) -> bool,
    now: DateTime<Utc>,
) -> Result<Known, StoreError> {
    let failed = |error| StoreError::of("read the alarms", error);
    let rows = client.query("select * from alarm", &[]).await.map_err(failed)?;
    let alarms = rows.iter().filter_map(|row| alarm_of(row, &latches)).collect();
    let last_seq = client
        .query_one(
            "select greatest((select max(seq) from alarm_transition), (select max(seq) from alarm), 0)",
            &[],
        )
        .await
        .and_then(|row| row.try_get(0))
        .map_err(failed)?;
    let rows = client
        .query(
            "select distinct on (i.device_id, i.kind, i.zone) d.source, i.kind, i.zone, i.time, \
                    i.ended is not null \
             from incident i join device d on d.id = i.device_id \
             where i.time > $1::timestamptz - make_interval(hours => $2) and d.retired_at is null \
             order by i.device_id, i.kind, i.zone, i.time desc",
            &[&now, &INCIDENT_HOURS],
        )
        .await
        .map_err(failed)?;
    let incident = |row: &Row| {
        let kind = IncidentKind::parse(row.get(1))?.as_str();
        let zone: String = row.get(2);
        Some((Source::parse(row.get(0)).ok()?, kind, zone.into(), row.get(3), row.get(4)))
    };
    let incidents = rows.iter().filter_map(incident).collect();
    let works = alarm_works::not_over(client, now).await?;
    Ok(Known { alarms, works, last_seq, incidents })
}

fn alarm_of(row: &Row, latches: &impl Fn(&str) -> bool) -> Option<Alarm> {
    let text = |column: &str| row.get::<_, Option<String>>(column);
    let code: String = row.get("code");
    let suppressed = row.get::<_, Vec<String>>("suppressed");
    let suppressed = suppressed.iter().filter_map(|word| Suppression::parse(word));
    let shelf = text("shelved_by").zip(row.get::<_, Option<DateTime<Utc>>>("shelved_until"));
    let count = |column: &str| u32::try_from(row.get::<_, i32>(column)).unwrap_or_default();
    let status = Status {
        state: State::parse(row.get("state"))?,
        priority: Priority::of(row.get::<_, i16>("priority"))?,
        latches: latches(&code),
        occurrence: row.get("occurrence"),
        count: count("count"),
        raised_at: row.get("raised_at"),
        acked: row.get::<_, Option<DateTime<Utc>>>("acked_at").zip(text("acked_by")),
        cleared_at: row.get("cleared_at"),
        presented: row.get("presented"),
        shelf: shelf.map(|(by, until)| Shelf {
            until,
            by,
            second: text("shelved_second"),
            reason: text("shelved_reason").unwrap_or_default(),
        }),
        suppressed: suppressed.fold(Suppressions::default(), |all, kind| all.with(kind, true)),
        out_of_service: text("out_of_service_by")
            .map(|by| OutOfService { by, ticket: text("out_of_service_ticket") }),
    };
    Some(Alarm {
        id: AlarmId { code: code.into(), object: row.get::<_, String>("object").into() },
        service: text("service").and_then(|service| Service::parse(&service)),
        area: text("area").map(Into::into),
        status,
        changed_at: row.get("changed_at"),
        value: row.get("value"),
        limit: row.get("limit_value"),
        why: text("why").map(Into::into),
        parent: text("parent").and_then(|parent| AlarmId::parse(&parent)),
        assignee: text("assignee"),
        ticket: text("ticket"),
        comments: count("comments"),
        first_out: row.get("first_out"),
        chattering: row.get("chattering"),
        seq: row.get("seq"),
    })
}

fn transition_of(row: &Row) -> Result<TransitionRow, tokio_postgres::Error> {
    Ok(TransitionRow {
        seq: row.try_get(0)?,
        at: row.try_get(1)?,
        code: row.try_get(2)?,
        object: row.try_get(3)?,
        service: row.try_get(4)?,
        area: row.try_get(5)?,
        occurrence: row.try_get(6)?,
        action: row.try_get(7)?,
        from_state: row.try_get(8)?,
        to_state: row.try_get(9)?,
        priority: row.try_get(10)?,
        presented: row.try_get(11)?,
        who: row.try_get(12)?,
        second: row.try_get(13)?,
        reason: row.try_get(14)?,
        until: row.try_get(15)?,
        suppressed: row.try_get(16)?,
        value: row.try_get(17)?,
        limit_value: row.try_get(18)?,
        why: row.try_get(19)?,
        first_out: row.try_get(20)?,
        parent: row.try_get(21)?,
        ticket: row.try_get(22)?,
        assignee: row.try_get(23)?,
    })
}

impl Store {
    /// What happened to alarms, newest first.
    pub async fn alarm_transitions(
        &self,
        filter: &TransitionFilter,
    ) -> Result<Vec<TransitionRow>, StoreError> {
        let failed = |error| StoreError::of("read what happened to alarms", error);
        let sql = format!(
            "select {COLUMNS} from alarm_transition
             where ($1::timestamptz is null or at >= $1)
               and ($2::timestamptz is null or at < $2)
               and ($3::text is null or code = $3)
               and ($4::text is null or object = $4)
               and ($5::text is null or action = $5)
               and ($6::text is null or who = $6)
               and ($7::text is null or area = $7)
               and ($8::text is null or service = $8)
               and ($9::int8 is null or seq < $9)
             order by seq desc limit $10"
        );
        let TransitionFilter { from, to, code, object, action, who, area, service, .. } = filter;
        let client = self.reader().await?;
        let rows = client
            .query(
                &sql,
                &[
                    from,
                    to,
                    code,
                    object,
                    action,
                    who,
                    area,
                    service,
                    &filter.before_seq,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(transition_of).collect::<Result<_, _>>().map_err(failed)
    }

    /// Open records past their due time, by what they are and by unit. A unit that had some is told with
    /// none as long as it has open records.
    pub async fn overdue(&self, now: DateTime<Utc>) -> Result<Vec<Overdue>, StoreError> {
        let failed = |error| StoreError::of("count overdue records", error);
        let client = self.reader().await?;
        let rows = client.query(OVERDUE, &[&now]).await.map_err(failed)?;
        let overdue = |row: &Row| {
            let (is_dossier, unit, count) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            Ok(Overdue { is_dossier, unit, count })
        };
        rows.iter().map(overdue).collect::<Result<_, _>>().map_err(failed)
    }

    /// An alarm as it was stored last; none when it never was one.
    pub async fn alarm(
        &self,
        id: &AlarmId,
        latches: impl Fn(&str) -> bool,
    ) -> Result<Option<Alarm>, StoreError> {
        let client = self.reader().await?;
        let row = client
            .query_opt(
                "select * from alarm where code = $1 and object = $2",
                &[&&*id.code, &&*id.object],
            )
            .await
            .map_err(|error| StoreError::of("read an alarm", error))?;
        Ok(row.and_then(|row| alarm_of(&row, &latches)))
    }
}
