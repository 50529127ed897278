//! Figures of the service desk, kept up by what each batch changed: no table is read while running.
//!
//! A ticket counts as received once, as handled while it stands resolved, published or closed, as in
//! process while it is open. Overdue: in process, and past the due time in force; none is in force while
//! it waits for somebody. "Today" is the civil day of the city.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use ioc_ingest::{Word as _, ticket::Call, ticket::CallDirection};

use super::row::{RowWriter, age_ms};
use crate::store::ticket_state::{TicketChange, TicketState};

/// Statuses in which a ticket counts as handled.
const HANDLED: [&str; 3] = ["resolved", "published", "closed"];
/// Statuses by which a ticket leaves without being handled.
const ENDED: [&str; 3] = ["rejected", "duplicate", "transferred"];

fn is_open(status: &str) -> bool {
    !HANDLED.contains(&status) && !ENDED.contains(&status)
}

/// An open ticket: publishing system, number, due time in force.
pub type OpenTicket = (i32, String, Option<DateTime<Utc>>);

/// What the database counts at start.
#[derive(Debug, Default)]
pub struct DeskStart {
    /// Tickets per (status, channel).
    pub counts: Vec<(String, Option<String>, i64)>,
    /// Open tickets with their due time.
    pub open: Vec<OpenTicket>,
    /// Tickets created, and handled, since the civil day began.
    pub today: (i64, i64),
    /// Incoming calls and abandoned ones since the civil day began.
    pub calls_today: (i64, i64),
    /// Latest step or call.
    pub latest: Option<DateTime<Utc>>,
}

/// The figures.
#[derive(Debug)]
pub struct Desk {
    zone: Tz,
    day: NaiveDate,
    statuses: BTreeMap<String, i64>,
    channels: BTreeMap<String, i64>,
    open: HashMap<(i32, String), Option<DateTime<Utc>>>,
    received_today: i64,
    handled_today: i64,
    calls_today: i64,
    abandoned_today: i64,
    latest: Option<DateTime<Utc>>,
    shown: BTreeMap<String, (i64, u64)>,
}

impl Desk {
    /// The figures as the database has them.
    pub fn new(zone: Tz, now: DateTime<Utc>, start: DeskStart) -> Self {
        let mut desk = Self {
            zone,
            day: now.with_timezone(&zone).date_naive(),
            statuses: BTreeMap::new(),
            channels: BTreeMap::new(),
            open: HashMap::new(),
            received_today: start.today.0,
            handled_today: start.today.1,
            calls_today: start.calls_today.0,
            abandoned_today: start.calls_today.1,
            latest: start.latest,
            shown: BTreeMap::new(),
        };
        for (status, channel, count) in start.counts {
            *desk.statuses.entry(status).or_default() += count;
            if let Some(channel) = channel {
                *desk.channels.entry(channel).or_default() += count;
            }
        }
        for (device, ticket, due_at) in start.open {
            desk.open.insert((device, ticket), due_at);
        }
        desk
    }

    fn is_today(&self, time: DateTime<Utc>) -> bool {
        time.with_timezone(&self.zone).date_naive() == self.day
    }

    fn add(&mut self, state: &TicketState, sign: i64) {
        *self.statuses.entry(state.status.clone()).or_default() += sign;
        if let Some(channel) = &state.channel {
            *self.channels.entry(channel.clone()).or_default() += sign;
        }
        self.received_today += sign * i64::from(self.is_today(state.created_at));
        self.handled_today +=
            sign * i64::from(state.handled_at.is_some_and(|at| self.is_today(at)));
    }

    /// Follows tickets that a batch changed.
    pub fn apply(&mut self, changes: &[TicketChange], at: DateTime<Utc>) {
        for change in changes {
            if let Some(before) = &change.before {
                self.add(before, -1);
            }
            self.add(&change.after, 1);
            let key = (change.device_id, change.ticket.clone());
            if is_open(&change.after.status) {
                self.open.insert(key, change.after.due_at);
            } else {
                self.open.remove(&key);
            }
            self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
        }
    }

    /// Counts a call that was new.
    pub fn apply_call(&mut self, call: &Call, time: DateTime<Utc>) {
        self.latest = Some(self.latest.map_or(time, |latest| latest.max(time)));
        let begun = call.queued_at.or(call.answered_at).unwrap_or(time);
        if call.direction == CallDirection::In && self.is_today(begun) {
            self.calls_today += 1;
            self.abandoned_today += i64::from(call.abandoned_at.is_some());
        }
    }

    fn figures(&self, now: DateTime<Utc>) -> BTreeMap<String, i64> {
        let sum = |wanted: &dyn Fn(&str) -> bool| {
            self.statuses.iter().filter(|(s, _)| wanted(s)).map(|(_, n)| n).sum::<i64>()
        };
        let overdue = self.open.values().filter(|due| due.is_some_and(|due| due < now)).count();
        let mut figures = BTreeMap::from([
            ("received_total".to_owned(), sum(&|_| true)),
            ("handled_total".to_owned(), sum(&|status| HANDLED.contains(&status))),
            ("in_process".to_owned(), sum(&is_open)),
            ("overdue".to_owned(), i64::try_from(overdue).unwrap_or(i64::MAX)),
            ("received_today".to_owned(), self.received_today),
            ("handled_today".to_owned(), self.handled_today),
            ("calls_today".to_owned(), self.calls_today),
            ("abandoned_today".to_owned(), self.abandoned_today),
        ]);
        for channel in ioc_ingest::ticket::Channel::ALL {
            let count = self.channels.get(channel.as_str()).copied().unwrap_or(0);
            figures.insert(format!("channel:{}", channel.as_str()), count);
        }
        for (status, count) in &self.statuses {
            figures.insert(format!("status:{status}"), *count);
        }
        figures
    }

    /// Judges the figures anew. Returns whether any changed.
    pub fn refresh(&mut self, now: DateTime<Utc>, version: u64) -> bool {
        let day = now.with_timezone(&self.zone).date_naive();
        if day != self.day {
            self.day = day;
            self.received_today = 0;
            self.handled_today = 0;
            self.calls_today = 0;
            self.abandoned_today = 0;
        }
        // Nothing ever came: there is no feed, and no figure is shown as zero.
        if self.latest.is_none() {
            return false;
        }
        let mut changed = false;
        for (key, value) in self.figures(now) {
            let shown = self.shown.get(&key).map(|(value, _)| *value);
            if shown != Some(value) {
                self.shown.insert(key, (value, version));
                changed = true;
            }
        }
        changed
    }

    /// The rows that changed after `since`.
    pub fn rows(&self, since: u64, now: DateTime<Utc>, rows: &mut Vec<String>) {
        let age = self.latest.map(|latest| age_ms(latest, now));
        for (key, (value, _)) in self.shown.iter().filter(|(_, (_, version))| *version > since) {
            let mut text = String::with_capacity(40);
            let mut row = RowWriter::begin(&mut text);
            row.text(key).optional(age).number(value);
            row.end();
            rows.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    /// Hours after 2026-01-01T00:00Z; in 1970 the zone was another one.
    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600 + hours * 3_600, 0).unwrap()
    }

    fn state(status: &str, created_h: i64, handled_h: Option<i64>) -> TicketState {
        TicketState {
            status: status.into(),
            created_at: at(created_h),
            handled_at: handled_h.map(at),
            due_at: Some(at(created_h + 2)),
            channel: Some("zalo".into()),
        }
    }

    fn change(before: Option<TicketState>, after: TicketState) -> TicketChange {
        TicketChange { device_id: 1, ticket: "t".into(), before, after }
    }

    fn figure(desk: &mut Desk, now: DateTime<Utc>, key: &str) -> i64 {
        desk.refresh(now, 1);
        desk.shown[key].0
    }

    #[test]
    fn a_ticket_goes_from_received_to_handled_and_back_when_reopened() {
        let mut desk = Desk::new(ZONE, at(1), DeskStart::default());
        assert!(!desk.refresh(at(1), 1), "without a feed no figure is shown");
        desk.apply(&[change(None, state("new", 1, None))], at(1));
        assert_eq!(figure(&mut desk, at(1), "in_process"), 1);
        assert_eq!(figure(&mut desk, at(1), "received_today"), 1);
        assert_eq!(figure(&mut desk, at(3), "overdue"), 0);
        assert_eq!(figure(&mut desk, at(4), "overdue"), 1);
        let open = state("new", 1, None);
        desk.apply(&[change(Some(open), state("resolved", 1, Some(4)))], at(4));
        assert_eq!(figure(&mut desk, at(4), "handled_total"), 1);
        assert_eq!(figure(&mut desk, at(4), "overdue"), 0);
        let handled = state("resolved", 1, Some(4));
        desk.apply(&[change(Some(handled), state("reopened", 1, None))], at(5));
        assert_eq!(figure(&mut desk, at(5), "handled_total"), 0);
        assert_eq!(figure(&mut desk, at(5), "handled_today"), 0);
        assert_eq!(figure(&mut desk, at(5), "received_total"), 1);
        assert_eq!(figure(&mut desk, at(5), "channel:zalo"), 1);
    }

    #[test]
    fn today_begins_at_midnight_of_the_city() {
        // 16:59 UTC is 23:59 in Can Tho.
        let mut desk = Desk::new(ZONE, at(16), DeskStart::default());
        desk.apply(&[change(None, state("new", 16, None))], at(16));
        assert_eq!(figure(&mut desk, at(16), "received_today"), 1);
        assert_eq!(figure(&mut desk, at(17), "received_today"), 0);
        assert_eq!(figure(&mut desk, at(17), "received_total"), 1);
    }
}
