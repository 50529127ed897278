//! Tickets as they stand, folded from all their steps whenever one arrives. [`TicketChange`] carries the
//! state before and after, so that counts can follow without reading the table.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ioc_ingest::Word as _;
use tokio_postgres::{Client, Row, Statement, Transaction};

use super::{
    StoreError,
    onestop::{Keys, Noun, arrays},
    refold::Chunk,
    table::TICKET_STEP,
    ticket_row,
};
use crate::record::{
    Rules,
    ticket::{self, Ticket},
};

const READ: &str = "select device_id, ticket, status, created_at, handled_at, effective_due, channel \
                    from ticket where (device_id, ticket) in (select * from unnest($1::int4[], $2::text[]))";

/// What counts need to know of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketState {
    /// Status word.
    pub status: String,
    /// Earliest known step.
    pub created_at: DateTime<Utc>,
    /// When it was handled; null while it is not.
    pub handled_at: Option<DateTime<Utc>>,
    /// Due time by which it counts as overdue; null while its clock stands.
    pub due_at: Option<DateTime<Utc>>,
    /// Channel word, if told.
    pub channel: Option<String>,
}

impl TicketState {
    pub(super) fn of(row: &Row) -> Self {
        Self {
            status: row.get("status"),
            created_at: row.get("created_at"),
            handled_at: row.get("handled_at"),
            due_at: row.get("effective_due"),
            channel: row.get("channel"),
        }
    }
}

impl From<&Ticket> for TicketState {
    fn from(ticket: &Ticket) -> Self {
        Self {
            status: ticket.status.as_str().to_owned(),
            created_at: ticket.created_at,
            handled_at: ticket.handled_at,
            due_at: ticket.effective_due,
            channel: ticket.channel.map(|channel| channel.as_str().to_owned()),
        }
    }
}

/// A ticket whose state a batch changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketChange {
    /// Publishing system.
    pub device_id: i32,
    /// Ticket number.
    pub ticket: String,
    /// State before; null for a new ticket.
    pub before: Option<TicketState>,
    /// State after.
    pub after: TicketState,
}

/// Prepared statements on one connection.
pub(super) struct Tickets {
    read: Statement,
    noun: Noun,
}

impl Tickets {
    pub(super) async fn prepare(client: &Client, rules: &str) -> Result<Self, StoreError> {
        let failed = |error| StoreError::of("prepare tickets", error);
        Ok(Self {
            read: client.prepare(READ).await.map_err(failed)?,
            noun: Noun::prepare(client, &TICKET_STEP, &ticket_row::STATE, rules).await?,
        })
    }

    pub(super) const fn noun(&self) -> &Noun {
        &self.noun
    }

    pub(super) fn take(&mut self, chunk: Option<Chunk>) {
        self.noun.take(chunk);
    }

    /// Folds these tickets from all their steps. Answers those that count otherwise than before.
    pub(super) async fn refresh(
        &self,
        transaction: &Transaction<'_>,
        keys: &Keys,
        rules: &Rules<'_>,
    ) -> Result<Vec<TicketChange>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |error| StoreError::of("refresh tickets", error);
        let (devices, tickets) = arrays(keys);
        let key = |row: &Row| (row.get::<_, i32>("device_id"), row.get::<_, String>("ticket"));
        let before = transaction.query(&self.read, &[&devices, &tickets]).await.map_err(failed)?;
        let mut before: BTreeMap<_, _> =
            before.iter().map(|row| (key(row), TicketState::of(row))).collect();
        let mut rows = self.noun.rows();
        let mut changes = Vec::new();
        for (key, steps) in self.noun.steps(transaction, keys, ticket_row::step).await? {
            let Some(folded) = ticket::fold(steps, rules) else { continue };
            ticket_row::encode_state(&mut rows, key.0, &folded);
            let (before, after) = (before.remove(&key), TicketState::from(&folded));
            if before.as_ref() != Some(&after) {
                changes.push(TicketChange { device_id: key.0, ticket: key.1, before, after });
            }
        }
        self.noun.write.write(transaction, rows).await?;
        Ok(changes)
    }
}
