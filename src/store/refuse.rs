//! Refused messages into the quarantine, bounded per source: beyond the bound they are counted and
//! shown, so that one broken source cannot fill the disk.

use std::collections::HashMap;

use ioc_ingest::Reject;
use tokio_postgres::{Client, Statement, Transaction};

use super::{
    StoreError,
    copy::{self, Rows},
};
use crate::admit::{Admitted, is_personal};

const COLUMNS: &str = "received_at, topic, service, source, message_time, reason, field, detail, \
                       personal, partial, payload";

/// Bounds of the quarantine and what it holds, per source ("" where no source could be read).
#[derive(Debug, Default)]
pub struct Bound {
    messages_max: u32,
    bytes_max: u64,
    held: HashMap<String, (u32, u64)>,
}

impl Bound {
    /// Reads what the quarantine holds.
    pub async fn load(
        client: &Client,
        messages_max: u32,
        bytes_max: u64,
    ) -> Result<Self, StoreError> {
        let rows = client
            .query(
                "select coalesce(source, ''), count(*), coalesce(sum(octet_length(payload)), 0)::int8 \
                 from quarantine where replayed_at is null group by 1",
                &[],
            )
            .await
            .map_err(|error| StoreError::of("count the quarantine", error))?;
        let held = rows
            .iter()
            .map(|row| {
                let (source, messages, bytes): (String, i64, i64) =
                    (row.get(0), row.get(1), row.get(2));
                let messages = u32::try_from(messages).unwrap_or(u32::MAX);
                (source, (messages, u64::try_from(bytes).unwrap_or(0)))
            })
            .collect();
        Ok(Self { messages_max, bytes_max, held })
    }

    /// Adds what a committed batch put in.
    pub(super) fn add(&mut self, counts: Counts) {
        for (source, (messages, bytes)) in counts.kept {
            let held = self.held.entry(source).or_default();
            held.0 = held.0.saturating_add(messages);
            held.1 = held.1.saturating_add(bytes);
        }
    }

    fn takes(&self, counts: &Counts, source: &str, bytes: u64) -> bool {
        let held = self.held.get(source).copied().unwrap_or_default();
        let new = counts.kept.get(source).copied().unwrap_or_default();
        held.0 + new.0 < self.messages_max && held.1 + new.1 + bytes <= self.bytes_max
    }
}

/// What a batch puts into the quarantine, per source and per message.
#[derive(Debug, Default)]
pub(super) struct Counts {
    kept: HashMap<String, (u32, u64)>,
    /// Per message: parts refused, and of them not kept.
    pub(super) refused: HashMap<usize, (u32, u32)>,
}

impl Counts {
    pub(super) fn dropped_total(&self) -> u64 {
        self.refused.values().map(|(_, dropped)| u64::from(*dropped)).sum()
    }
}

/// Prepared statement of the quarantine on one connection.
pub(super) struct Quarantine(Statement);

impl Quarantine {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        client
            .prepare(&format!("copy quarantine ({COLUMNS}) from stdin binary"))
            .await
            .map(Self)
            .map_err(|error| StoreError::of("prepare the quarantine", error))
    }

    /// Writes what was refused before the store, and the `conflicts` that the store found
    /// (message, why, whether the rest was taken).
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        bound: &Bound,
        items: &[Admitted],
        conflicts: &[(usize, Reject, bool)],
    ) -> Result<(u64, Counts), StoreError> {
        let mut rows = Rows::new(11);
        let mut counts = Counts::default();
        for (item, admitted) in items.iter().enumerate() {
            for refused in &admitted.refused {
                let entry = Entry {
                    reject: &refused.reject,
                    payload: &refused.payload,
                    message_time: refused.message_time,
                    partial: refused.partial,
                };
                entry.add(&mut rows, &mut counts, bound, item, admitted);
            }
        }
        for (item, reject, partial) in conflicts {
            let admitted = &items[*item];
            if admitted.replayed {
                continue;
            }
            let personal = admitted.topic.as_ref().is_some_and(|topic| is_personal(topic.service));
            let masked =
                personal.then(|| ioc_ingest::decode::mask_personal(&admitted.delivery.payload));
            let entry = Entry {
                reject,
                payload: masked.as_deref().unwrap_or(&admitted.delivery.payload),
                message_time: Some(super::insert::time_of(admitted)),
                partial: *partial,
            };
            entry.add(&mut rows, &mut counts, bound, *item, admitted);
        }
        let kept = rows.len() as u64;
        if !rows.is_empty() {
            copy::send(transaction, &self.0, rows.finish())
                .await
                .map_err(|error| StoreError::of("fill the quarantine", error))?;
        }
        Ok((kept, counts))
    }
}

struct Entry<'a> {
    reject: &'a Reject,
    payload: &'a [u8],
    message_time: Option<chrono::DateTime<chrono::Utc>>,
    partial: bool,
}

impl Entry<'_> {
    fn add(
        &self,
        rows: &mut Rows,
        counts: &mut Counts,
        bound: &Bound,
        item: usize,
        admitted: &Admitted,
    ) {
        let topic = admitted.topic.as_ref();
        let source = topic.map_or("", |topic| topic.source.as_str());
        let bytes = self.payload.len() as u64;
        let takes = bound.takes(counts, source, bytes);
        let of_message = counts.refused.entry(item).or_default();
        of_message.0 += 1;
        if !takes {
            of_message.1 += 1;
            return;
        }
        let kept = counts.kept.entry(source.to_owned()).or_default();
        kept.0 += 1;
        kept.1 += bytes;
        let personal = topic.is_none_or(|topic| is_personal(topic.service));
        let row = rows.row();
        // PostgreSQL's text holds no zero byte.
        row.time(admitted.delivery.received_at)
            .text(&*admitted.delivery.topic.replace('\0', "\u{fffd}"));
        row.text(topic.map(|topic| topic.service.as_str()));
        row.text(topic.map(|topic| topic.source.as_str())).time(self.message_time);
        row.text(self.reject.reason.as_str()).text(&*self.reject.field.replace('\0', "\u{fffd}"));
        row.text(&*self.reject.detail.replace('\0', "\u{fffd}"));
        row.bool(personal).bool(self.partial).bytes(self.payload);
    }
}
