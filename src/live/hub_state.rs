//! The hub's own parts as rows of the topic `sources`: database, broker and the rollups' agreement with their rows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ioc_ingest::mqtt::BrokerState;
use tokio::sync::watch;

use super::{
    condition::Condition,
    row::{RowWriter, age_ms},
};
use crate::{selfcheck::Agreement, writer::DatabaseState};

#[derive(Debug)]
struct Shown {
    condition: Condition,
    why: Option<String>,
    since: DateTime<Utc>,
    version: u64,
}

/// State of the hub's own parts.
#[derive(Debug)]
pub struct HubState {
    database: watch::Receiver<DatabaseState>,
    broker: watch::Receiver<BrokerState>,
    rollup: watch::Receiver<Agreement>,
    shown: BTreeMap<&'static str, Shown>,
}

impl HubState {
    /// Follows these.
    pub const fn new(
        database: watch::Receiver<DatabaseState>,
        broker: watch::Receiver<BrokerState>,
        rollup: watch::Receiver<Agreement>,
    ) -> Self {
        Self { database, broker, rollup, shown: BTreeMap::new() }
    }

    /// Looks at the states anew.
    pub fn refresh(&mut self, now: DateTime<Utc>, version: u64) {
        let database = match &*self.database.borrow() {
            DatabaseState::Up => (Condition::Normal, None),
            DatabaseState::Starting => (Condition::Unknown, None),
            DatabaseState::Away { .. } => (Condition::Fault, Some("database.away")),
        };
        let broker = match &*self.broker.borrow() {
            BrokerState::Connected { .. } => (Condition::Normal, None),
            BrokerState::Connecting => (Condition::Unknown, None),
            BrokerState::Disconnected { .. } => (Condition::Fault, Some("broker.away")),
        };
        let rollup = match *self.rollup.borrow() {
            Agreement::Agrees => (Condition::Normal, None),
            Agreement::Unknown => (Condition::Unknown, None),
            Agreement::Differs => (Condition::Fault, Some("rollup.differs")),
        };
        let parts = [("hub:database", database), ("hub:broker", broker), ("hub:rollup", rollup)];
        for (part, (condition, why)) in parts {
            let why = why.map(str::to_owned);
            let same = self
                .shown
                .get(part)
                .is_some_and(|shown| shown.condition == condition && shown.why == why);
            if !same {
                self.shown.insert(part, Shown { condition, why, since: now, version });
            }
        }
    }

    /// The rows that changed after `since`: age is the time since the state changed.
    pub fn rows(&self, since: u64, now: DateTime<Utc>, rows: &mut Vec<String>) {
        for (part, shown) in self.shown.iter().filter(|(_, shown)| shown.version > since) {
            let mut text = String::with_capacity(96);
            let mut row = RowWriter::begin(&mut text);
            row.text(part).text("hub").number(shown.condition as u8);
            row.optional_text(shown.why.as_deref()).number(age_ms(shown.since, now));
            for _rate_to_restarts in 0..17 {
                row.number("null");
            }
            row.end();
            rows.push(text);
        }
    }
}
