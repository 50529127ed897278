//! What each source did last: its counters, and the latest message per device and stream.
//!
//! Both are conflated within the batch, so the cost follows the number of sources, not of messages.
//! The latest is decided by (time, boot, seq), of a status by (boot, receive time): never by arrival.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ioc_ingest::{Fact, Service, Word as _};
use tokio_postgres::{Client, Statement, Transaction};

use super::{
    StoreError,
    copy::{self, Rows},
    insert::time_of,
    refuse::Counts,
};
use crate::admit::Admitted;

const STATE_COLUMNS: &str = "source, service, first_seen, last_seen, last_time, boot, seq, online, \
    clock_source, clock_offset_ms, messages, refused, duplicates, late, dropped, unguaranteed";
const CURRENT_COLUMNS: &str = "device_id, stream, time, boot, seq, received_at, payload";

const STATE_UPSERT: &str = include_str!("source_state_upsert.sql");
const CURRENT_UPSERT: &str = include_str!("current_value_upsert.sql");

/// What one source did in a batch.
struct Activity {
    service: Service,
    first_seen: DateTime<Utc>,
    last_seen: DateTime<Utc>,
    last_time: Option<DateTime<Utc>>,
    boot: Option<i64>,
    seq: Option<i64>,
    online: Option<bool>,
    clock_source: Option<&'static str>,
    clock_offset_ms: Option<i32>,
    counters: [i64; 6],
}

const MESSAGES: usize = 0;
const REFUSED: usize = 1;
const DUPLICATES: usize = 2;
const LATE: usize = 3;
const DROPPED: usize = 4;
const UNGUARANTEED: usize = 5;

impl Activity {
    fn new(service: Service, at: DateTime<Utc>) -> Self {
        Self {
            service,
            first_seen: at,
            last_seen: at,
            last_time: None,
            boot: None,
            seq: None,
            online: None,
            clock_source: None,
            clock_offset_ms: None,
            counters: [0; 6],
        }
    }

    fn note(&mut self, admitted: &Admitted) {
        self.first_seen = self.first_seen.min(admitted.delivery.received_at);
        self.last_seen = self.last_seen.max(admitted.delivery.received_at);
        self.counters[MESSAGES] += i64::from(!admitted.replayed);
        self.counters[UNGUARANTEED] += i64::from(admitted.delivery.qos == 0);
        let Some(accepted) = &admitted.accepted else { return };
        if let Fact::Status(status) = accepted.message.fact {
            let boot = i64::from(status.boot);
            if self.boot.is_none_or(|known| boot >= known) {
                self.boot = Some(boot);
                self.online = Some(status.online);
            }
        }
        let Some(envelope) = &accepted.message.envelope else { return };
        self.counters[LATE] += i64::from(envelope.late);
        if self.last_time.is_none_or(|known| envelope.time >= known) {
            self.last_time = Some(envelope.time);
            self.clock_source = envelope.clock.map(|clock| clock.source.as_str());
            self.clock_offset_ms = envelope.clock.and_then(|clock| clock.offset_ms);
        }
        let boot = i64::from(envelope.boot);
        if self.boot.is_none_or(|known| boot >= known) {
            self.boot = Some(boot);
            self.seq = i64::try_from(envelope.seq).ok();
        }
    }

    fn encode(&self, source: &str, rows: &mut Rows) {
        let row = rows.row();
        row.text(source).text(self.service.as_str()).time(self.first_seen).time(self.last_seen);
        row.time(self.last_time).i64(self.boot).i64(self.seq).bool(self.online);
        row.text(self.clock_source).i32(self.clock_offset_ms);
        for counter in self.counters {
            row.i64(counter);
        }
    }
}

/// Prepared statements on one connection.
pub(super) struct Presence {
    stage_state: Statement,
    upsert_state: Statement,
    stage_current: Statement,
    upsert_current: Statement,
}

impl Presence {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let failed = |error| StoreError::of("prepare counters and current values", error);
        client
            .batch_execute(
                "create temp table stage_source_state (like source_state) on commit delete rows; \
                 create temp table stage_current_value (like current_value) on commit delete rows",
            )
            .await
            .map_err(failed)?;
        let prepare = async |sql: &str| client.prepare(sql).await.map_err(failed);
        let stage_state = format!("copy stage_source_state ({STATE_COLUMNS}) from stdin binary");
        let stage_current =
            format!("copy stage_current_value ({CURRENT_COLUMNS}) from stdin binary");
        Ok(Self {
            stage_state: prepare(&stage_state).await?,
            upsert_state: prepare(STATE_UPSERT).await?,
            stage_current: prepare(&stage_current).await?,
            upsert_current: prepare(CURRENT_UPSERT).await?,
        })
    }

    /// `duplicates` counts known rows per message, `conflicting` marks messages that only conflict.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        items: &[Admitted],
        duplicates: &[u32],
        counts: &Counts,
        conflicting: &[bool],
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("update counters and current values", error);
        let states = encode_states(items, duplicates, counts);
        if !states.is_empty() {
            copy::send(transaction, &self.stage_state, states.finish()).await.map_err(failed)?;
            transaction.execute(&self.upsert_state, &[]).await.map_err(failed)?;
        }
        let current = encode_current(items, conflicting);
        if !current.is_empty() {
            copy::send(transaction, &self.stage_current, current.finish()).await.map_err(failed)?;
            transaction.execute(&self.upsert_current, &[]).await.map_err(failed)?;
        }
        Ok(())
    }
}

fn encode_states(items: &[Admitted], duplicates: &[u32], counts: &Counts) -> Rows {
    let mut sources: HashMap<&str, Activity> = HashMap::new();
    for (item, admitted) in items.iter().enumerate() {
        let Some(topic) = &admitted.topic else { continue };
        let activity = sources
            .entry(topic.source.as_str())
            .or_insert_with(|| Activity::new(topic.service, admitted.delivery.received_at));
        activity.note(admitted);
        let (refused, dropped) = counts.refused.get(&item).copied().unwrap_or_default();
        activity.counters[REFUSED] += i64::from(refused);
        activity.counters[DROPPED] += i64::from(dropped);
        activity.counters[DUPLICATES] += i64::from(duplicates[item]);
    }
    let mut sorted: Vec<_> = sources.into_iter().collect();
    sorted.sort_unstable_by_key(|(source, _)| *source);
    let mut rows = Rows::new(16);
    for (source, activity) in sorted {
        activity.encode(source, &mut rows);
    }
    rows
}

/// What decides which message is the latest: time, boot, seq.
type Order = (DateTime<Utc>, i64, i64);

fn encode_current(items: &[Admitted], conflicting: &[bool]) -> Rows {
    let mut latest: HashMap<(i32, &'static str), (&Admitted, Order)> = HashMap::new();
    for (admitted, conflicting) in items.iter().zip(conflicting) {
        let Some(accepted) = admitted.accepted.as_ref().filter(|_| !conflicting) else { continue };
        let (boot, seq) = match (&accepted.message.envelope, &accepted.message.fact) {
            (Some(envelope), _) => {
                (i64::from(envelope.boot), i64::try_from(envelope.seq).unwrap_or(i64::MAX))
            }
            (None, Fact::Status(status)) => (i64::from(status.boot), 0),
            (None, _) => continue,
        };
        // Tickets and calls have tables of their own for their current state.
        if matches!(accepted.message.fact, Fact::Ticket(_) | Fact::Call(_)) {
            continue;
        }
        let order = (time_of(admitted), boot, seq);
        let key = (accepted.device.id, accepted.message.topic.stream.as_str());
        let entry = latest.entry(key).or_insert((admitted, order));
        let newer = if accepted.message.envelope.is_none() {
            (order.1, order.0) > (entry.1.1, entry.1.0)
        } else {
            order > entry.1
        };
        if newer {
            *entry = (admitted, order);
        }
    }
    let mut sorted: Vec<_> = latest.into_iter().collect();
    sorted.sort_unstable_by_key(|(key, _)| *key);
    let mut rows = Rows::new(7);
    for ((device_id, stream), (admitted, (time, boot, seq))) in sorted {
        let row = rows.row();
        row.i32(device_id).text(stream).time(time).i64(boot).i64(seq);
        row.time(admitted.delivery.received_at).bytes(&admitted.delivery.payload);
    }
    rows
}
