//! The hub's own parts as rows of the topic `sources`: database, broker, the rollups' agreement with
//! their rows, the spool, the place for sources that are not registered, the accounting identities of
//! the records, and the receivers of notifications where there are any.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, Utc};
use ioc_ingest::mqtt::BrokerState;
use tokio::sync::watch;

use super::{
    condition::Condition,
    row::{RowWriter, age_ms},
};
use crate::{
    notify::{Board, board},
    selfcheck::Agreement,
    spool::{Level, SpoolState},
    stranger::Strangers,
    writer::DatabaseState,
};

#[derive(Debug)]
struct Shown {
    condition: Condition,
    why: Option<&'static str>,
    since: DateTime<Utc>,
    /// Messages that wait, and the receive time of the oldest; null for parts where none can.
    waiting: Option<(u64, Option<DateTime<Utc>>)>,
    /// Messages that were refused without being told apart; null for parts that refuse none.
    refused: Option<u64>,
    version: u64,
}

/// State of the hub's own parts.
#[derive(Debug)]
pub struct HubState {
    database: watch::Receiver<DatabaseState>,
    broker: watch::Receiver<BrokerState>,
    rollup: watch::Receiver<Agreement>,
    spool: watch::Receiver<SpoolState>,
    books: watch::Receiver<Agreement>,
    receivers: Option<Arc<Board>>,
    shown: BTreeMap<&'static str, Shown>,
}

impl HubState {
    /// Follows these.
    pub const fn new(
        database: watch::Receiver<DatabaseState>,
        broker: watch::Receiver<BrokerState>,
        rollup: watch::Receiver<Agreement>,
        spool: watch::Receiver<SpoolState>,
        books: watch::Receiver<Agreement>,
    ) -> Self {
        let shown = BTreeMap::new();
        Self { database, broker, rollup, spool, books, receivers: None, shown }
    }

    /// Follows the receivers of notifications, too.
    #[must_use]
    pub fn with_receivers(mut self, receivers: Arc<Board>) -> Self {
        self.receivers = Some(receivers);
        self
    }

    /// Looks at the states anew.
    pub fn refresh(&mut self, strangers: &Strangers, now: DateTime<Utc>, version: u64) {
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
        let books = match *self.books.borrow() {
            Agreement::Agrees => (Condition::Normal, None),
            Agreement::Unknown => (Condition::Unknown, None),
            Agreement::Differs => (Condition::Warning, Some("books.differ")),
        };
        let (spool, waiting) = {
            let state = self.spool.borrow();
            (judge_spool(&state), Some((state.messages, state.oldest)))
        };
        let (places, refused) = (judge_strangers(strangers), Some(strangers.beyond()));
        let receivers = self.receivers.as_deref().and_then(judge_receivers);
        let receivers = receivers.map(|judged| ("hub:notify", judged, None, None));
        let parts = [
            ("hub:database", database, None, None),
            ("hub:broker", broker, None, None),
            ("hub:rollup", rollup, None, None),
            ("hub:spool", spool, waiting, None),
            ("hub:strangers", places, None, refused),
            ("hub:books", books, None, None),
        ];
        for (part, (condition, why), waiting, refused) in parts.into_iter().chain(receivers) {
            let before = self.shown.get(part);
            let same = before.filter(|shown| shown.condition == condition && shown.why == why);
            let since = same.map_or(now, |shown| shown.since);
            if same.is_none_or(|shown| shown.waiting != waiting || shown.refused != refused) {
                let shown = Shown { condition, why, since, waiting, refused, version };
                self.shown.insert(part, shown);
            }
        }
    }

    /// The rows that changed after `since`: age is the time since the state changed.
    pub fn rows(&self, since: u64, now: DateTime<Utc>, rows: &mut Vec<String>) {
        for (part, shown) in self.shown.iter().filter(|(_, shown)| shown.version > since) {
            let mut text = String::with_capacity(96);
            let mut row = RowWriter::begin(&mut text);
            row.text(part).text("hub").number(shown.condition as u8);
            row.optional_text(shown.why).number(age_ms(shown.since, now));
            let (messages, oldest) = shown.waiting.unzip();
            let lag_ms = oldest.flatten().map(|oldest| age_ms(oldest, now));
            row.number("null").optional(lag_ms).optional(messages).optional(shown.refused);
            for _duplicates_to_restarts in 0..13 {
                row.number("null");
            }
            row.end();
            rows.push(text);
        }
    }
}

/// Whether there is a place for one more source that is not registered.
fn judge_strangers(strangers: &Strangers) -> (Condition, Option<&'static str>) {
    if strangers.is_full() {
        return (Condition::Warning, Some("strangers.full"));
    }
    (Condition::Normal, None)
}

/// How the receivers of notifications do, the worst first; null when nothing is to be sent to anybody.
fn judge_receivers(board: &Board) -> Option<(Condition, Option<&'static str>)> {
    let mut rows = board.list();
    rows.retain(|(_, row)| row.condition != board::EndpointCondition::Off);
    if rows.is_empty() {
        return None;
    }
    let any = |condition| rows.iter().any(|(_, row)| row.condition == condition);
    Some(if any(board::EndpointCondition::Failing) {
        (Condition::Fault, Some("notify.failing"))
    } else if any(board::EndpointCondition::Retrying) {
        (Condition::Warning, Some("notify.retrying"))
    } else if any(board::EndpointCondition::Paused) {
        (Condition::Warning, Some("notify.paused"))
    } else {
        (Condition::Normal, None)
    })
}

/// The gravest of what the spool tells comes first.
fn judge_spool(state: &SpoolState) -> (Condition, Option<&'static str>) {
    match state.level {
        Level::Full => (Condition::Fault, Some("spool.full")),
        _ if state.trouble.is_some() => (Condition::Fault, Some("spool.trouble")),
        Level::Filling => (Condition::Warning, Some("spool.filling")),
        _ if state.damaged > 0 => (Condition::Warning, Some("spool.damaged")),
        Level::Used => (Condition::Warning, Some("spool.used")),
        Level::Empty => (Condition::Normal, None),
    }
}
