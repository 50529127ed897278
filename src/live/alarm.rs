//! Alarms that are not plainly normal: rows of the topic `alarms`, and what happened to them.
//!
//! Rows are the latest of each alarm; every transition goes out beside them in its own order, never
//! conflated, so that none is missed between two rows. An alarm that has become normal is removed.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use ioc_ingest::Service;
use serde_json::json;
use tokio::sync::watch;

use super::{
    row::{RowWriter, age_ms},
    topic::Filter,
};
use crate::{
    alarm::{Alarm, AlarmId, Change, Priority, Suppression, rule::Rules},
    writer::News,
};

/// Transitions that are held for clients that resume; the oldest leave, and who missed them starts anew.
const TRANSITIONS_MAX: usize = 20_000;

/// Every alarm that is not plainly normal, for whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// By id.
    pub alarms: HashMap<AlarmId, Arc<Alarm>>,
    /// Whether all of it is in the database.
    pub stored: bool,
    /// Alarms that wait for an acknowledgement, by priority, the gravest first.
    pub waiting: [u32; 4],
}

impl Board {
    fn count(&mut self, alarm: &Alarm, sign: i32) {
        if alarm.is_waiting() {
            let place = &mut self.waiting[usize::from(alarm.status.priority.number()) - 1];
            *place = place.saturating_add_signed(sign);
        }
    }

    fn put(&mut self, alarm: &Arc<Alarm>) {
        if let Some(before) = self.alarms.remove(&alarm.id) {
            self.count(&before, -1);
        }
        if !alarm.is_plain() {
            self.count(alarm, 1);
            self.alarms.insert(alarm.id.clone(), Arc::clone(alarm));
        }
    }

    /// The counts as the live channel tells them.
    pub fn counts(&self) -> serde_json::Value {
        let of = |priority: Priority| self.waiting[usize::from(priority.number()) - 1];
        let counts: serde_json::Map<String, serde_json::Value> = Priority::ALL
            .into_iter()
            .map(|priority| (priority.number().to_string(), of(priority).into()))
            .collect();
        json!({ "unacknowledged": counts })
    }
}

/// What a delta carries beside rows.
#[derive(Debug, Default)]
pub(super) struct Extra {
    pub(super) removed: Vec<String>,
    /// Null for topics without.
    pub(super) transitions: Option<Vec<String>>,
}

impl Extra {
    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.transitions.as_ref().is_none_or(Vec::is_empty)
    }
}

#[derive(Debug)]
struct Shown {
    alarm: Arc<Alarm>,
    version: u64,
}

/// The latest of every alarm.
#[derive(Debug)]
pub(super) struct Alarms {
    rules: Arc<Rules>,
    shown: BTreeMap<AlarmId, Shown>,
    /// Transitions with the version in which they came.
    transitions: VecDeque<(u64, Arc<Change>)>,
    board: watch::Sender<Arc<Board>>,
}

impl Alarms {
    pub(super) fn new(rules: Arc<Rules>, board: watch::Sender<Arc<Board>>) -> Self {
        Self { rules, shown: BTreeMap::new(), transitions: VecDeque::new(), board }
    }

    /// Takes over what the database holds.
    pub(super) fn begin(&mut self, alarms: Vec<Arc<Alarm>>, version: u64) {
        self.board.send_modify(|board| {
            let board = Arc::make_mut(board);
            board.stored = true;
            for alarm in &alarms {
                board.put(alarm);
            }
        });
        for alarm in alarms {
            self.shown.insert(alarm.id.clone(), Shown { alarm, version });
        }
    }

    /// Takes over what happened.
    pub(super) fn apply(&mut self, news: &News, version: u64) {
        self.board.send_modify(|board| {
            let board = Arc::make_mut(board);
            board.stored = news.stored;
            for change in &news.changes {
                board.put(&Arc::new(change.alarm.clone()));
            }
        });
        for change in &news.changes {
            let alarm = Arc::new(change.alarm.clone());
            self.shown.insert(alarm.id.clone(), Shown { alarm, version });
            self.transitions.push_back((version, Arc::clone(change)));
        }
        while self.transitions.len() > TRANSITIONS_MAX {
            self.transitions.pop_front();
        }
    }

    /// Forgets what nobody can ask for any more: what changed up to this version.
    pub(super) fn forget(&mut self, version: u64) {
        while self.transitions.front().is_some_and(|(of, _)| *of < version) {
            self.transitions.pop_front();
        }
        self.shown.retain(|_, shown| shown.version >= version || !shown.alarm.is_plain());
    }

    /// Whether every transition after this version is still held.
    pub(super) fn holds_since(&self, version: u64) -> bool {
        let is_full = self.transitions.len() >= TRANSITIONS_MAX;
        !is_full || self.transitions.front().is_none_or(|(of, _)| *of <= version)
    }

    /// The rows that changed after `since`.
    pub(super) fn rows(
        &self,
        filter: &Filter,
        since: u64,
        now: DateTime<Utc>,
        rows: &mut Vec<String>,
    ) {
        let wanted = |shown: &&Shown| {
            shown.version > since && !shown.alarm.is_plain() && takes(filter, &shown.alarm)
        };
        for shown in self.shown.values().filter(wanted) {
            let mut text = String::with_capacity(256);
            self.row(&shown.alarm, now, &mut text);
            rows.push(text);
        }
    }

    /// What left the topic after `since`, and what happened.
    pub(super) fn extra(&self, filter: &Filter, since: u64, now: DateTime<Utc>) -> Extra {
        let gone = |shown: &&Shown| {
            shown.version > since && shown.alarm.is_plain() && takes(filter, &shown.alarm)
        };
        let removed = self.shown.values().filter(gone).map(|shown| shown.alarm.id.to_string());
        let new = self.transitions.iter().filter(|(of, _)| *of > since);
        let new = new.filter(|(_, change)| takes(filter, &change.alarm));
        let transitions = new.map(|(_, change)| transition(change, now)).collect();
        Extra { removed: removed.collect(), transitions: Some(transitions) }
    }

    fn row(&self, alarm: &Alarm, now: DateTime<Utc>, out: &mut String) {
        let status = &alarm.status;
        let age = |at: Option<DateTime<Utc>>| at.map(|at| age_ms(at, now));
        let rule = self.rules.get(&alarm.id.code).map(|(_, rule)| rule);
        let (acked_at, acked_by) = status.acked.as_ref().map(|(at, by)| (*at, by.as_str())).unzip();
        let mut row = RowWriter::begin(out);
        row.text(&alarm.id.to_string()).text(&alarm.id.code).text(&alarm.id.object);
        row.optional_text(alarm.service.map(Service::as_str)).optional_text(alarm.area.as_deref());
        row.number(status.occurrence).number(status.priority.number());
        row.text(status.state.as_str());
        row.optional(age(status.raised_at)).number(age_ms(alarm.changed_at, now));
        row.optional(age(acked_at)).optional_text(acked_by).number(status.count);
        row.text_json(&alarm.value).text_json(&alarm.limit);
        row.optional_text(rule.map(|rule| rule.unit_of_measure).filter(|unit| !unit.is_empty()));
        row.optional_text(alarm.why.as_deref());
        row.text_json(&status.shelf.as_ref().map(|shelf| {
            let until_in_ms = (shelf.until - now).num_milliseconds();
            json!({"until_in_ms": until_in_ms, "by": shelf.by, "reason": shelf.reason})
        }));
        row.optional_text(status.suppressed.iter().next().map(Suppression::as_str));
        row.optional_text(alarm.parent.as_ref().map(ToString::to_string).as_deref());
        let out_of_service = status.out_of_service.as_ref();
        row.text_json(&out_of_service.map(|out| json!({"by": out.by, "ticket": out.ticket})));
        row.optional_text(alarm.assignee.as_deref()).optional_text(alarm.ticket.as_deref());
        row.number(alarm.comments).number(alarm.first_out).number(alarm.chattering);
        row.number(alarm.seq);
        row.end();
    }
}

/// Whether a filter lets an alarm pass; one without a service passes unless services are named.
fn takes(filter: &Filter, alarm: &Alarm) -> bool {
    let is_service = match alarm.service {
        Some(service) => filter.service.is_empty() || filter.service.contains(&service),
        None => filter.service.is_empty(),
    };
    is_service && filter.area.as_deref().is_none_or(|wanted| alarm.area.as_deref() == Some(wanted))
}

fn transition(change: &Change, now: DateTime<Utc>) -> String {
    let told = &change.transition;
    let mut text = String::with_capacity(96);
    let mut row = RowWriter::begin(&mut text);
    row.number(told.seq).text(&told.id.to_string()).text(told.action);
    row.text(told.from.as_str()).text(told.to.as_str());
    row.optional_text(told.who.as_deref()).number(age_ms(told.at, now));
    row.end();
    text
}
