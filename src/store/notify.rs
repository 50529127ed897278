//! Notifications: transitions of alarms that an endpoint has not looked at, its cursor, its messages.
//!
//! A message is written together with the cursor, before it is sent; what becomes of it, afterwards.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_postgres::Row;

use super::{
    Store, StoreError,
    journal::{self, JournalEntry},
};

/// A transition of an alarm as notifications need it.
#[derive(Debug, Clone, PartialEq)]
pub struct TransitionRow {
    /// Number in the order of commits.
    pub seq: i64,
    /// Hub clock.
    pub at: DateTime<Utc>,
    /// Code of the rule.
    pub code: String,
    /// Object.
    pub object: String,
    /// Vietnamese and English name of the device; null for objects that are none.
    pub name: Option<(String, String)>,
    /// Service of the device; null for objects that are none.
    pub service: Option<String>,
    /// Area; null for none.
    pub area: Option<String>,
    /// Number of the occurrence.
    pub occurrence: i64,
    /// What happened.
    pub action: String,
    /// State after it.
    pub to_state: String,
    /// Priority after it.
    pub priority: i16,
    /// Whether operators saw the alarm after it.
    pub presented: bool,
    /// Who asked for it.
    pub who: Option<String>,
    /// Measured value.
    pub value: Option<f64>,
    /// Limit that it crossed.
    pub limit: Option<f64>,
    /// Reason code.
    pub why: Option<String>,
    /// The first at its place.
    pub first_out: bool,
    /// Alarm that it follows from.
    pub parent: Option<String>,
}

/// A message to be written.
#[derive(Debug, Clone)]
pub struct NewNotification<'a> {
    /// Endpoint.
    pub endpoint: &'a str,
    /// First transition that it tells of.
    pub first_seq: i64,
    /// Last transition that it tells of; the cursor moves there.
    pub last_seq: i64,
    /// Transitions that it tells of.
    pub alarms: i32,
    /// Hub clock.
    pub made_at: DateTime<Utc>,
    /// What it says.
    pub content: &'a Value,
}

/// A message.
#[derive(Debug, Clone)]
pub struct NotificationRow {
    /// Number in order.
    pub id: i64,
    /// Endpoint.
    pub endpoint: String,
    /// First transition.
    pub first_seq: i64,
    /// Last transition.
    pub last_seq: i64,
    /// Transitions.
    pub alarms: i32,
    /// When it was made, hub clock.
    pub made_at: DateTime<Utc>,
    /// What it says.
    pub content: Value,
    /// waiting, delivered or dead.
    pub state: String,
    /// Attempts so far.
    pub attempts: i32,
    /// Earliest next attempt.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was delivered or given up.
    pub settled_at: Option<DateTime<Utc>>,
    /// What came of the last attempt.
    pub answer: Option<String>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The receiver took it.
    Delivered,
    /// To be tried again at this instant.
    Again(DateTime<Utc>),
    /// Given up.
    Dead,
}

/// Which messages: newest first.
#[derive(Debug, Clone, Default)]
pub struct NotificationFilter {
    /// Only of this endpoint.
    pub endpoint: Option<String>,
    /// Only in these states; empty for all.
    pub states: Vec<String>,
    /// Only older than this number.
    pub before_id: Option<i64>,
    /// Most rows.
    pub limit: i64,
}

/// What was asked of a message that is to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// It waits again.
    Waits,
    /// It is not given up: it waits already, or was delivered.
    NotDead,
    /// There is none with this number.
    Unknown,
}

/// An endpoint in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRow {
    /// Its name.
    pub endpoint: String,
    /// Messages that wait.
    pub waiting: i64,
    /// Messages that were given up.
    pub dead: i64,
    /// Last delivery, hub clock; null before the first.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// Cursor of an endpoint that is disabled.
const NOWHERE: i64 = -1;
const TRANSITION: &str = "select t.seq, t.at, t.code, t.object, d.name_vi, d.name_en, t.service, \
      t.area, t.occurrence, t.action, t.to_state, t.priority, t.presented, t.who, t.value, \
      t.limit_value, t.why, t.first_out, t.parent \
    from alarm_transition t left join device d on d.source = split_part(t.object, '/', 1)";
const NOTIFICATION: &str = "id, endpoint, first_seq, last_seq, alarms, made_at, content, state, \
    attempts, next_at, settled_at, answer";

fn transition(row: &Row) -> Result<TransitionRow, tokio_postgres::Error> {
    let name: (Option<String>, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
    Ok(TransitionRow {
        seq: row.try_get(0)?,
        at: row.try_get(1)?,
        code: row.try_get(2)?,
        object: row.try_get(3)?,
        name: name.0.zip(name.1),
        service: row.try_get(6)?,
        area: row.try_get(7)?,
        occurrence: row.try_get(8)?,
        action: row.try_get(9)?,
        to_state: row.try_get(10)?,
        priority: row.try_get(11)?,
        presented: row.try_get(12)?,
        who: row.try_get(13)?,
        value: row.try_get(14)?,
        limit: row.try_get(15)?,
        why: row.try_get(16)?,
        first_out: row.try_get(17)?,
        parent: row.try_get(18)?,
    })
}

fn notification(row: &Row) -> Result<NotificationRow, tokio_postgres::Error> {
    Ok(NotificationRow {
        id: row.try_get(0)?,
        endpoint: row.try_get(1)?,
        first_seq: row.try_get(2)?,
        last_seq: row.try_get(3)?,
        alarms: row.try_get(4)?,
        made_at: row.try_get(5)?,
        content: row.try_get(6)?,
        state: row.try_get(7)?,
        attempts: row.try_get(8)?,
        next_at: row.try_get(9)?,
        settled_at: row.try_get(10)?,
        answer: row.try_get(11)?,
    })
}

impl Store {
    /// The cursor of an endpoint. One that is new, or was disabled, begins with what comes now.
    pub async fn notify_cursor(
        &self,
        endpoint: &str,
        now: DateTime<Utc>,
    ) -> Result<i64, StoreError> {
        let failed = |error| StoreError::of("find the place of an endpoint", error);
        let client = self.reader().await?;
        client
            .execute(
                "insert into notification_endpoint (endpoint, cursor_seq, moved_at)
                 values ($1, (select coalesce(max(seq), 0) from alarm_transition), $2)
                 on conflict (endpoint) do update
                   set cursor_seq = excluded.cursor_seq, moved_at = excluded.moved_at
                   where notification_endpoint.cursor_seq = $3",
                &[&endpoint, &now, &NOWHERE],
            )
            .await
            .map_err(failed)?;
        client
            .query_one(
                "select cursor_seq from notification_endpoint where endpoint = $1",
                &[&endpoint],
            )
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)
    }

    /// Gives up what waits for an endpoint that is disabled, and its place: nothing is kept for it.
    pub async fn disable_endpoint(
        &self,
        endpoint: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.reader()
            .await?
            .execute(
                "with given_up as (
                   update notification set state = 'dead', next_at = null, settled_at = $2,
                     answer = 'the receiver is disabled'
                   where endpoint = $1 and state = 'waiting')
                 update notification_endpoint set cursor_seq = $3, moved_at = $2
                 where endpoint = $1 and cursor_seq <> $3",
                &[&endpoint, &now, &NOWHERE],
            )
            .await
            .map(drop)
            .map_err(|error| StoreError::of("forget the place of an endpoint", error))
    }

    /// Transitions after a seq, in order.
    pub async fn transitions_after(
        &self,
        seq: i64,
        limit: i64,
    ) -> Result<Vec<TransitionRow>, StoreError> {
        let failed = |error| StoreError::of("read the transitions of alarms", error);
        let sql = format!("{TRANSITION} where t.seq > $1 order by t.seq limit $2");
        let rows = self.reader().await?.query(&sql, &[&seq, &limit]).await.map_err(failed)?;
        rows.iter().map(transition).collect::<Result<_, _>>().map_err(failed)
    }

    /// Transitions up to a seq that happened after an instant, in order.
    pub async fn transitions_up_to(
        &self,
        seq: i64,
        after: DateTime<Utc>,
    ) -> Result<Vec<TransitionRow>, StoreError> {
        let failed = |error| StoreError::of("read the transitions of alarms", error);
        let sql = format!("{TRANSITION} where t.at > $2 and t.seq <= $1 order by t.seq");
        let rows = self.reader().await?.query(&sql, &[&seq, &after]).await.map_err(failed)?;
        rows.iter().map(transition).collect::<Result<_, _>>().map_err(failed)
    }

    /// When messages of an endpoint were made after an instant, in order.
    pub async fn notifications_made(
        &self,
        endpoint: &str,
        after: DateTime<Utc>,
    ) -> Result<Vec<DateTime<Utc>>, StoreError> {
        let failed = |error| StoreError::of("count the messages of an endpoint", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select made_at from notification where endpoint = $1 and made_at > $2 order by id",
                &[&endpoint, &after],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(failed)
    }

    /// Moves the cursor over transitions that the endpoint is not to hear of.
    pub async fn move_notify_cursor(
        &self,
        endpoint: &str,
        seq: i64,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.reader()
            .await?
            .execute(
                "update notification_endpoint set cursor_seq = $2, moved_at = $3
                 where endpoint = $1 and cursor_seq < $2",
                &[&endpoint, &seq, &now],
            )
            .await
            .map(drop)
            .map_err(|error| StoreError::of("move the place of an endpoint", error))
    }

    /// Writes a message and moves the cursor to its last transition, in one statement.
    pub async fn add_notification(&self, new: &NewNotification<'_>) -> Result<(), StoreError> {
        self.reader()
            .await?
            .execute(
                "with moved as (
                   update notification_endpoint set cursor_seq = $3, moved_at = $5
                   where endpoint = $1 and cursor_seq < $3 returning endpoint)
                 insert into notification
                   (endpoint, first_seq, last_seq, alarms, made_at, content, state, attempts, next_at)
                 select endpoint, $2, $3, $4, $5, $6, 'waiting', 0, $5 from moved",
                &[
                    &new.endpoint,
                    &new.first_seq,
                    &new.last_seq,
                    &new.alarms,
                    &new.made_at,
                    &new.content,
                ],
            )
            .await
            .map(drop)
            .map_err(|error| StoreError::of("write a message", error))
    }

    /// The first message of an endpoint that waits.
    pub async fn waiting_notification(
        &self,
        endpoint: &str,
    ) -> Result<Option<NotificationRow>, StoreError> {
        let failed = |error| StoreError::of("look for a message that waits", error);
        let sql = format!(
            "select {NOTIFICATION} from notification \
             where endpoint = $1 and state = 'waiting' order by id limit 1"
        );
        let row = self.reader().await?.query_opt(&sql, &[&endpoint]).await.map_err(failed)?;
        row.as_ref().map(notification).transpose().map_err(failed)
    }

    /// Notes what became of an attempt.
    pub async fn settle_notification(
        &self,
        id: i64,
        settled: Settled,
        answer: &str,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (state, next_at, settled_at) = match settled {
            Settled::Delivered => ("delivered", None, Some(now)),
            Settled::Again(at) => ("waiting", Some(at), None),
            Settled::Dead => ("dead", None, Some(now)),
        };
        self.reader()
            .await?
            .execute(
                "update notification set state = $2, attempts = attempts + 1, next_at = $3,
                   settled_at = $4, answer = $5 where id = $1",
                &[&id, &state, &next_at, &settled_at, &answer],
            )
            .await
            .map(drop)
            .map_err(|error| StoreError::of("note what became of a message", error))
    }

    /// Messages, newest first.
    pub async fn notifications(
        &self,
        filter: &NotificationFilter,
    ) -> Result<Vec<NotificationRow>, StoreError> {
        let failed = |error| StoreError::of("list the messages", error);
        let sql = format!(
            "select {NOTIFICATION} from notification \
             where ($1::text is null or endpoint = $1) \
               and (cardinality($2::text[]) = 0 or state = any($2)) \
               and ($3::int8 is null or id < $3) \
             order by id desc limit $4"
        );
        let rows = self
            .reader()
            .await?
            .query(&sql, &[&filter.endpoint, &filter.states, &filter.before_id, &filter.limit])
            .await
            .map_err(failed)?;
        rows.iter().map(notification).collect::<Result<_, _>>().map_err(failed)
    }

    /// What waits and what was given up, of each endpoint that ever was.
    pub async fn notify_endpoints(&self) -> Result<Vec<EndpointRow>, StoreError> {
        let failed = |error| StoreError::of("list the endpoints", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select e.endpoint, count(*) filter (where n.state = 'waiting'),
                        count(*) filter (where n.state = 'dead'),
                        max(n.settled_at) filter (where n.state = 'delivered')
                 from notification_endpoint e left join notification n using (endpoint)
                 group by e.endpoint order by e.endpoint",
                &[],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(EndpointRow {
                    endpoint: row.try_get(0)?,
                    waiting: row.try_get(1)?,
                    dead: row.try_get(2)?,
                    delivered_at: row.try_get(3)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Lets a message that was given up be sent again; journalled.
    pub async fn retry_notification(
        &self,
        id: i64,
        who: &str,
        now: DateTime<Utc>,
    ) -> Result<Retried, StoreError> {
        let failed = |error| StoreError::of("send a message again", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let found = transaction
            .query_opt(
                "select state, endpoint, attempts from notification where id = $1 for update",
                &[&id],
            )
            .await
            .map_err(failed)?;
        let Some(found) = found else { return Ok(Retried::Unknown) };
        let state: String = found.try_get(0).map_err(failed)?;
        if state != "dead" {
            return Ok(Retried::NotDead);
        }
        let endpoint: String = found.try_get(1).map_err(failed)?;
        let attempts: i32 = found.try_get(2).map_err(failed)?;
        transaction
            .execute(
                "update notification set state = 'waiting', attempts = 0, next_at = $2,
                   settled_at = null where id = $1",
                &[&id, &now],
            )
            .await
            .map_err(failed)?;
        let entry = JournalEntry {
            at: now,
            who,
            action: "retry_notification",
            object: &format!("{endpoint}:{id}"),
            before: Some(json!({ "state": state, "attempts": attempts })),
            after: Some(json!({ "state": "waiting" })),
        };
        journal::insert(&transaction, &entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Retried::Waits)
    }
}
