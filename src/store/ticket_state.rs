//! Tickets as they stand, recomputed from all their steps whenever one arrives.
//!
//! The order of (at, time, boot, seq) decides, so any order of arrival gives the same state, and a
//! step that does not tell a value never overwrites one. [`TicketChange`] carries the state before
//! and after, so that counts can follow without reading the table.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use ioc_ingest::Fact;
use tokio_postgres::{Client, Row, Statement, Transaction};

use super::StoreError;
use crate::admit::Admitted;

const REFRESH: &str = include_str!("ticket_refresh.sql");
const READ: &str = "select device_id, ticket, status, created_at, handled_at, due_at, channel \
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
    /// Due time, if told.
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
            due_at: row.get("due_at"),
            channel: row.get("channel"),
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
    refresh: Statement,
}

impl Tickets {
    pub(super) async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let failed = |error| StoreError::of("prepare tickets", error);
        Ok(Self {
            read: client.prepare(READ).await.map_err(failed)?,
            refresh: client.prepare(REFRESH).await.map_err(failed)?,
        })
    }

    /// Recomputes the tickets that the batch has steps of.
    pub(super) async fn refresh(
        &self,
        transaction: &Transaction<'_>,
        items: &[Admitted],
    ) -> Result<Vec<TicketChange>, StoreError> {
        let failed = |error| StoreError::of("refresh tickets", error);
        let touched: BTreeSet<(i32, &str)> = items
            .iter()
            .filter_map(|admitted| admitted.accepted.as_ref())
            .filter_map(|accepted| match &accepted.message.fact {
                Fact::Ticket(step) => Some((accepted.device.id, &*step.ticket)),
                _ => None,
            })
            .collect();
        if touched.is_empty() {
            return Ok(Vec::new());
        }
        let (devices, tickets): (Vec<i32>, Vec<&str>) = touched.into_iter().unzip();
        let key = |row: &Row| (row.get::<_, i32>("device_id"), row.get::<_, String>("ticket"));
        let before = transaction.query(&self.read, &[&devices, &tickets]).await.map_err(failed)?;
        let mut before: BTreeMap<_, _> =
            before.iter().map(|row| (key(row), TicketState::of(row))).collect();
        let after =
            transaction.query(&self.refresh, &[&devices, &tickets]).await.map_err(failed)?;
        let changes = after.iter().filter_map(|row| {
            let (device_id, ticket) = key(row);
            let before = before.remove(&(device_id, ticket.clone()));
            let after = TicketState::of(row);
            (before.as_ref() != Some(&after)).then_some(TicketChange {
                device_id,
                ticket,
                before,
                after,
            })
        });
        Ok(changes.collect())
    }
}
