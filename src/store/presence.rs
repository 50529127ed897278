//! What each source did last: its counters, and the latest message per device and stream.
//!
//! Both are conflated within the batch, so the cost follows the number of sources, not of messages.
//! Only streams that tell what is now have a latest message.
//! The latest is decided by (time, boot, seq), of a status by (boot, receive time): never by arrival.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ioc_ingest::{Fact, Service, Source, Word as _};
use tokio_postgres::{Client, Statement, Transaction};

use super::{StoreError, insert::time_of, refuse::Counts};
use crate::{
    admit::Admitted,
    ledger::{Arrival, Figures},
};

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
    counters: [i64; COUNTERS],
    loss: Figures,
}

const MESSAGES: usize = 0;
const REFUSED: usize = 1;
const DUPLICATES: usize = 2;
const LATE: usize = 3;
const DROPPED: usize = 4;
const UNGUARANTEED: usize = 5;
const REPEATED: usize = 6;
const OUT_OF_ORDER: usize = 7;
const SEQ_REUSED: usize = 8;
const COUNTERS: usize = 9;

/// A batch and what became of its messages, each list in the order of the messages.
pub(super) struct Came<'a> {
    pub(super) items: &'a [Admitted],
    /// Rows that were known.
    pub(super) duplicates: &'a [u32],
    /// What was refused.
    pub(super) counts: &'a Counts,
    /// Whether all rows conflict.
    pub(super) conflicting: &'a [bool],
    /// How each came, by its number.
    pub(super) arrivals: &'a [Arrival],
    /// Sources of which the known loss changed.
    pub(super) loss: &'a [(Source, Figures)],
}

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
            counters: [0; COUNTERS],
            loss: Figures::default(),
        }
    }

    /// Counts how a message came.
    const fn note_arrival(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Repeated => self.counters[REPEATED] += 1,
            Arrival::OutOfOrder => self.counters[OUT_OF_ORDER] += 1,
            Arrival::Reused => self.counters[SEQ_REUSED] += 1,
            Arrival::Unnumbered | Arrival::InOrder | Arrival::Unsure => {}
        }
    }

    fn note(&mut self, admitted: &Admitted) {
        self.first_seen = self.first_seen.min(admitted.delivery.received_at);
        self.last_seen = self.last_seen.max(admitted.delivery.received_at);
        // What is replayed or imported came another way, or was counted when it came.
        let is_counted = !admitted.replayed;
        self.counters[UNGUARANTEED] += i64::from(is_counted && admitted.delivery.qos == 0);
        self.counters[MESSAGES] += i64::from(is_counted);
        let Some(accepted) = &admitted.accepted else { return };
        if let Fact::Status(status) = accepted.message.fact {
            let boot = i64::from(status.boot);
            if self.boot.is_none_or(|known| boot >= known) {
                self.boot = Some(boot);
                self.online = Some(status.online);
            }
        }
        let Some(envelope) = &accepted.message.envelope else { return };
        self.counters[LATE] += i64::from(is_counted && envelope.late);
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
}

/// Prepared statements on one connection.
pub(super) struct Presence {
    upsert_state: Statement,
    upsert_current: Statement,
}

impl Presence {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let prepare = async |sql: &str| {
            let prepared = client.prepare(sql).await;
            prepared.map_err(|error| StoreError::of("prepare counters and current values", error))
        };
        Ok(Self {
            upsert_state: prepare(STATE_UPSERT).await?,
            upsert_current: prepare(CURRENT_UPSERT).await?,
        })
    }

    /// Writes what the messages of a batch tell.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        came: &Came<'_>,
    ) -> Result<(), StoreError> {
        let activities = activities(came);
        if !activities.is_empty() {
            self.write_states(transaction, &activities).await?;
        }
        let latest = latest(came.items, came.conflicting);
        if !latest.is_empty() {
            self.write_current(transaction, &latest).await?;
        }
        Ok(())
    }

    async fn write_states(
        &self,
        transaction: &Transaction<'_>,
        sources: &[(&str, Activity)],
    ) -> Result<(), StoreError> {
        fn column<'a, T>(
            sources: &'a [(&str, Activity)],
            value: impl Fn(&'a Activity) -> T,
        ) -> Vec<T> {
            sources.iter().map(|(_, activity)| value(activity)).collect()
        }
        let source: Vec<&str> = sources.iter().map(|(source, _)| *source).collect();
        let counter = |which: usize| column(sources, |a| a.counters[which]);
        transaction
            .execute(
                &self.upsert_state,
                &[
                    &source,
                    &column(sources, |a| a.service.as_str()),
                    &column(sources, |a| a.first_seen),
                    &column(sources, |a| a.last_seen),
                    &column(sources, |a| a.last_time),
                    &column(sources, |a| a.boot),
                    &column(sources, |a| a.seq),
                    &column(sources, |a| a.online),
                    &column(sources, |a| a.clock_source),
                    &column(sources, |a| a.clock_offset_ms),
                    &counter(MESSAGES),
                    &counter(REFUSED),
                    &counter(DUPLICATES),
                    &counter(LATE),
                    &counter(DROPPED),
                    &counter(UNGUARANTEED),
                    &counter(REPEATED),
                    &counter(OUT_OF_ORDER),
                    &counter(SEQ_REUSED),
                    &column(sources, |a| a.loss.open_gaps),
                    &column(sources, |a| a.loss.missing),
                    &column(sources, |a| a.loss.restarts),
                ],
            )
            .await
            .map(|_rows| ())
            .map_err(|error| StoreError::of("update the counters of sources", error))
    }

    async fn write_current(
        &self,
        transaction: &Transaction<'_>,
        values: &[(Key, Latest<'_>)],
    ) -> Result<(), StoreError> {
        fn column<'a, T>(
            values: &'a [(Key, Latest<'a>)],
            value: impl Fn(&'a Latest<'a>) -> T,
        ) -> Vec<T> {
            values.iter().map(|(_, latest)| value(latest)).collect()
        }
        let device: Vec<i32> = values.iter().map(|((device_id, _), _)| *device_id).collect();
        let stream: Vec<&str> = values.iter().map(|((_, stream), _)| *stream).collect();
        transaction
            .execute(
                &self.upsert_current,
                &[
                    &device,
                    &stream,
                    &column(values, |(_, (time, _, _))| *time),
                    &column(values, |(_, (_, boot, _))| *boot),
                    &column(values, |(_, (_, _, seq))| *seq),
                    &column(values, |(admitted, _)| admitted.delivery.received_at),
                    &column(values, |(admitted, _)| &admitted.delivery.payload[..]),
                ],
            )
            .await
            .map(|_rows| ())
            .map_err(|error| StoreError::of("update current values", error))
    }
}

/// What each source did in the batch, sorted so that two writers lock rows in the same order.
fn activities<'a>(came: &Came<'a>) -> Vec<(&'a str, Activity)> {
    let mut sources: HashMap<&str, Activity> = HashMap::new();
    for (item, admitted) in came.items.iter().enumerate() {
        let Some(topic) = &admitted.topic else { continue };
        let activity = sources
            .entry(topic.source.as_str())
            .or_insert_with(|| Activity::new(topic.service, admitted.delivery.received_at));
        activity.note(admitted);
        activity.note_arrival(came.arrivals[item]);
        let (refused, dropped) = came.counts.refused.get(&item).copied().unwrap_or_default();
        activity.counters[REFUSED] += i64::from(refused);
        activity.counters[DROPPED] += i64::from(dropped);
        activity.counters[DUPLICATES] += i64::from(came.duplicates[item]);
    }
    for (source, figures) in came.loss {
        if let Some(activity) = sources.get_mut(source.as_str()) {
            activity.loss = *figures;
        }
    }
    let mut sorted: Vec<_> = sources.into_iter().collect();
    sorted.sort_unstable_by_key(|(source, _)| *source);
    sorted
}

/// What decides which message is the latest: time, boot, seq.
type Order = (DateTime<Utc>, i64, i64);
/// Device and stream.
type Key = (i32, &'static str);
/// A message with its place in the order.
type Latest<'a> = (&'a Admitted, Order);

/// The latest message of each device and stream of the batch, sorted.
fn latest<'a>(items: &'a [Admitted], conflicting: &[bool]) -> Vec<(Key, Latest<'a>)> {
    let mut latest: HashMap<Key, Latest<'_>> = HashMap::new();
    for (admitted, conflicting) in items.iter().zip(conflicting) {
        let Some(accepted) = admitted.accepted.as_ref().filter(|_| !conflicting) else { continue };
        let (boot, seq) = match (&accepted.message.envelope, &accepted.message.fact) {
            (Some(envelope), _) => {
                (i64::from(envelope.boot), i64::try_from(envelope.seq).unwrap_or(i64::MAX))
            }
            (None, Fact::Status(status)) => (i64::from(status.boot), 0),
            (None, _) => continue,
        };
        // Tickets and calls have tables of their own for their current state; controller events tell
        // what happened, and nothing that is now.
        if matches!(accepted.message.fact, Fact::Ticket(_) | Fact::Call(_) | Fact::SignalEvents(_))
        {
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
    sorted
}
