//! Refused messages into the quarantine, bounded per source: beyond the bound they are counted and
//! shown, so that one broken source cannot fill the disk.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use ioc_ingest::{Reason, Reject};
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
        Ok(Self { messages_max, bytes_max, held: rows.iter().map(held).collect() })
    }

    /// Counts anew what the quarantine holds of these sources, after some of it was taken out.
    pub async fn recount(&mut self, client: &Client, sources: &[&str]) -> Result<(), StoreError> {
        let sql = "select coalesce(source, ''), count(*), \
                     coalesce(sum(octet_length(payload)), 0)::int8 \
                   from quarantine where replayed_at is null \
                     and (source = any($1) or (source is null and '' = any($1))) group by 1";
        let rows = client.query(sql, &[&sources]).await;
        let rows = rows.map_err(|error| StoreError::of("count the quarantine", error))?;
        self.held.retain(|source, _| !sources.contains(&source.as_str()));
        self.held.extend(rows.iter().map(held));
        Ok(())
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

/// Messages and bytes that are held of a source.
fn held(row: &tokio_postgres::Row) -> (String, (u32, u64)) {
    let (messages, bytes): (i64, i64) = (row.get(1), row.get(2));
    let messages = u32::try_from(messages).unwrap_or(u32::MAX);
    (row.get(0), (messages, u64::try_from(bytes).unwrap_or(0)))
}

/// What a batch puts into the quarantine, per source and per message.
#[derive(Debug, Default)]
pub(super) struct Counts {
    kept: HashMap<String, (u32, u64)>,
    /// Per message: parts refused, and of them not kept.
    pub(super) refused: HashMap<usize, (u32, u32)>,
    /// Parts refused that are held already, of messages that came before.
    pub(super) again: u64,
}

impl Counts {
    pub(super) fn dropped_total(&self) -> u64 {
        self.refused.values().map(|(_, dropped)| u64::from(*dropped)).sum()
    }
}

/// Messages of a batch for which the quarantine is searched; a further one is taken for new, which the
/// bound of its source contains.
const LOOKUPS_MAX: usize = 200;
/// Whether the quarantine holds the same bytes of the same topic for the same reason and field, received at
/// that time if one is given.
const HELD: &str = "select exists (select from quarantine where source = $1 and topic = $2 \
                    and reason = $3 and field = $4 and payload = $5 \
                    and ($6::timestamptz is null or received_at = $6))";
/// The same where no source could be read.
const HELD_OF_NOBODY: &str = "select exists (select from quarantine where source is null \
                    and $1::text is null and topic = $2 and reason = $3 and field = $4 \
                    and payload = $5 and ($6::timestamptz is null or received_at = $6))";

/// What is attempted with a refused message, in errors: only these are about its own row.
pub(crate) const KEEPING: &str = "keep a refused message";

/// Prepared statements of the quarantine on one connection.
pub(super) struct Quarantine {
    copy: Statement,
    held: Statement,
    held_of_nobody: Statement,
}

impl Quarantine {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let prepare = async |sql: &str| {
            let prepared = client.prepare(sql).await;
            prepared.map_err(|error| StoreError::of("prepare the quarantine", error))
        };
        Ok(Self {
            copy: prepare(&format!("copy quarantine ({COLUMNS}) from stdin binary")).await?,
            held: prepare(HELD).await?,
            held_of_nobody: prepare(HELD_OF_NOBODY).await?,
        })
    }

    /// Writes what was refused before the store, and the `conflicts` that the store found
    /// (message, why, whether the rest was taken). Of a message that may have come before (`again`)
    /// nothing is added or counted that is held already.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        bound: &Bound,
        items: &[Admitted],
        conflicts: &[(usize, Reject, bool)],
        again: impl Fn(usize) -> bool,
    ) -> Result<(u64, Counts), StoreError> {
        let mut rows = Rows::new(11);
        let mut counts = Counts::default();
        let entries: Vec<Entry<'_>> = entries(items, conflicts).collect();
        let mut of_batch = HashSet::with_capacity(entries.len());
        let mut lookups = 0;
        for entry in &entries {
            let first = of_batch.insert(entry.key());
            // A source that sends too much must not buy a question to the database with each message.
            let is_again = again(entry.item);
            let may_be_held = is_again || entry.admitted.may_be_stored;
            if may_be_held && entry.reject.reason != Reason::Rate && lookups < LOOKUPS_MAX {
                // One that is read from the spool once more has the time of its receipt; another one that
                // says the same has not.
                let at = (!is_again).then_some(entry.admitted.delivery.received_at);
                lookups += usize::from(first || !is_again);
                if (is_again && !first) || self.holds(transaction, entry, at).await? {
                    counts.again += 1;
                    continue;
                }
            }
            entry.add(&mut rows, &mut counts, bound);
        }
        let kept = rows.len() as u64;
        if !rows.is_empty() {
            copy::send(transaction, &self.copy, rows.finish())
                .await
                .map_err(|error| StoreError::of(KEEPING, error))?;
        }
        Ok((kept, counts))
    }

    async fn holds(
        &self,
        transaction: &Transaction<'_>,
        entry: &Entry<'_>,
        at: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Result<bool, StoreError> {
        let source = entry.admitted.topic.as_ref().map(|topic| topic.source.as_str());
        let statement = if source.is_some() { &self.held } else { &self.held_of_nobody };
        let (topic, reason, field, payload) = entry.key();
        transaction
            .query_one(
                statement,
                &[&source, &cleaned(topic), &reason.as_str(), &cleaned(field), &payload, &at],
            )
            .await
            .and_then(|row| row.try_get(0))
            .map_err(|error| StoreError::of(KEEPING, error))
    }
}

/// What of a batch belongs into the quarantine.
fn entries<'a>(
    items: &'a [Admitted],
    conflicts: &'a [(usize, Reject, bool)],
) -> impl Iterator<Item = Entry<'a>> {
    let refused = items.iter().enumerate().flat_map(|(item, admitted)| {
        admitted.refused.iter().map(move |refused| Entry {
            item,
            admitted,
            reject: &refused.reject,
            payload: Cow::Borrowed(&refused.payload[..]),
            message_time: refused.message_time,
            partial: refused.partial,
        })
    });
    let conflicting = conflicts.iter().filter(|(item, ..)| !items[*item].replayed);
    refused.chain(conflicting.map(|(item, reject, partial)| {
        let admitted = &items[*item];
        let payload = &admitted.delivery.payload;
        let personal = admitted.topic.as_ref().is_some_and(|topic| is_personal(topic.service));
        Entry {
            item: *item,
            admitted,
            reject,
            payload: if personal {
                Cow::Owned(ioc_ingest::decode::mask_personal(payload))
            } else {
                Cow::Borrowed(&payload[..])
            },
            message_time: Some(super::insert::time_of(admitted)),
            partial: *partial,
        }
    }))
}

/// PostgreSQL's text holds no zero byte.
fn cleaned(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

struct Entry<'a> {
    /// Place of the message in the batch.
    item: usize,
    admitted: &'a Admitted,
    reject: &'a Reject,
    payload: Cow<'a, [u8]>,
    message_time: Option<chrono::DateTime<chrono::Utc>>,
    partial: bool,
}

impl Entry<'_> {
    /// What makes it the same as another: topic, reason, field and bytes.
    fn key(&self) -> (&str, Reason, &str, &[u8]) {
        (&self.admitted.delivery.topic, self.reject.reason, &self.reject.field, &self.payload)
    }

    fn add(&self, rows: &mut Rows, counts: &mut Counts, bound: &Bound) {
        let topic = self.admitted.topic.as_ref();
        let source = topic.map_or("", |topic| topic.source.as_str());
        let bytes = self.payload.len() as u64;
        let takes = bound.takes(counts, source, bytes);
        let of_message = counts.refused.entry(self.item).or_default();
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
        row.time(self.admitted.delivery.received_at).text(&*cleaned(&self.admitted.delivery.topic));
        row.text(topic.map(|topic| topic.service.as_str()));
        row.text(topic.map(|topic| topic.source.as_str())).time(self.message_time);
        row.text(self.reject.reason.as_str()).text(&*cleaned(&self.reject.field));
        row.text(&*cleaned(&self.reject.detail));
        row.bool(personal).bool(self.partial).bytes(&self.payload);
    }
}
