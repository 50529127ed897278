//! Facts of the truth: what each kind of message says, as the text that the database gives back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};

/// What is compared, one kind per table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Interval,
    Event,
    Health,
    Ticket,
    Metric,
    /// Follows from the steps of a ticket.
    TicketState,
    /// Latest message per source and stream, tickets and controller events apart.
    Latest,
}

/// One row of a table as text.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

/// What [`break_part`] gives for a reason: the good part stays.
pub(crate) const PARTIAL: &str = "partial";
/// Marks of a reading that these facts are compared by: what is plausible of random figures is told elsewhere.
const INCOMPLETE: u32 = 1 << 10;
const LATE: u32 = 1 << 11;
const LANES: u32 = 3;
/// Steps of every ticket.
const STEPS: [&str; 3] = ["new", "assigned", "resolved"];

impl Kind {
    /// Service and stream of its topic.
    pub(crate) const fn stream(self) -> (&'static str, &'static str) {
        match self {
            Self::Interval => ("vds", "interval"),
            Self::Event => ("signal", "events"),
            Self::Health | Self::Latest => ("signal", "health"),
            Self::Ticket | Self::TicketState => ("desk", "ticket"),
            Self::Metric => ("metric", "sample"),
        }
    }

    /// Time between two messages of a stream.
    pub(crate) const fn step_ms(self) -> i64 {
        match self {
            Self::Interval | Self::Health | Self::Latest => 30_000,
            Self::Event | Self::Ticket | Self::TicketState | Self::Metric => 1_000,
        }
    }

    /// Every row of its table of the sources `$1`, as text.
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::Interval => {
                "select format('%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s', d.source, t.place, \
                   to_char(r.time, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS'), r.duration_ms, r.count, \
                   r.occupancy_e4, r.speed_e1_kmh, r.headway_ms, r.samples, r.quality & 3072, r.classes) \
                 from interval_reading r join detector t on t.id = r.detector_id \
                   join device d on d.id = t.device_id where d.source = any($1)"
            }
            Self::Event => {
                "select format('%s|%s|%s|%s', d.source, \
                   to_char(r.time, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS'), r.code, r.parameter) \
                 from signal_event r join device d on d.id = r.device_id where d.source = any($1)"
            }
            Self::Health => {
                "select format('%s|%s|%s|%s', d.source, \
                   to_char(r.time, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS'), r.report ->> 'battery_pct', \
                   r.report ->> 'uptime_s') \
                 from health r join device d on d.id = r.device_id where d.source = any($1)"
            }
            Self::Ticket => {
                "select format('%s|%s|%s|%s|%s', d.source, r.ticket, r.status, \
                   to_char(r.at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS'), r.rating) \
                 from ticket_step r join device d on d.id = r.device_id where d.source = any($1)"
            }
            Self::Metric => {
                "select format('%s|%s|%s|%s|%s|%s', d.source, r.name, r.unit, r.labels ->> 'level', \
                   to_char(r.time, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS'), r.value) \
                 from metric_value r join device d on d.id = r.device_id where d.source = any($1)"
            }
            Self::TicketState => {
                "select format('%s|%s|%s|%s', d.source, r.ticket, r.status, \
                   to_char(r.status_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')) \
                 from ticket r join device d on d.id = r.device_id where d.source = any($1)"
            }
            Self::Latest => {
                "select format('%s|%s|%s|%s|%s', d.source, r.stream, \
                   to_char(r.time, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS'), r.boot, r.seq) \
                 from current_value r join device d on d.id = r.device_id where d.source = any($1)"
            }
        }
    }

    /// Every kind.
    pub(crate) const ALL: [Self; 7] = [
        Self::Interval,
        Self::Event,
        Self::Health,
        Self::Ticket,
        Self::Metric,
        Self::TicketState,
        Self::Latest,
    ];
}

/// A time as the statements write it.
pub(crate) fn text(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

fn or_nothing(value: Option<u32>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Three lanes, some of which measured nothing.
pub(crate) fn interval(
    dice: &mut StdRng,
    source: &str,
    time: DateTime<Utc>,
    late: bool,
) -> (Value, Vec<Fact>) {
    let (mut lanes, mut facts) = (Vec::new(), Vec::new());
    for lane in 1..=LANES {
        let count = (!dice.random_ratio(1, 20)).then(|| dice.random_range(0..60_u32));
        let occupancy_e4 = (!dice.random_ratio(1, 20)).then(|| dice.random_range(0..=10_000_u32));
        let speed_e1_kmh = dice.random_range(0..900_u32);
        let headway_ms = dice.random_range(0..30_000_u32);
        let samples = if dice.random_ratio(1, 10) { 3 } else { 30 };
        lanes.push(json!({
            "lane": lane, "direction": "forward", "count": count,
            "occupancy": occupancy_e4.map(|share| f64::from(share) / 10_000.0),
            "speed_kmh": f64::from(speed_e1_kmh) / 10.0, "headway_s": f64::from(headway_ms) / 1_000.0,
            "samples": samples, "samples_expected": 30, "classes": {"motorcycle": count, "car": 0},
        }));
        let mut quality = if late { LATE } else { 0 };
        quality |= if samples < 18 { INCOMPLETE } else { 0 };
        let motorcycles = count.map_or("NULL".to_owned(), |count| count.to_string());
        facts.push(format!(
            "{source}|lane/{lane}|{}|30000|{}|{}|{speed_e1_kmh}|{headway_ms}|{samples}|{quality}|\
             {{{motorcycles},NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL}}",
            text(time),
            or_nothing(count),
            or_nothing(occupancy_e4),
        ));
    }
    let body = json!({"v": 1, "time": time, "duration_s": 30, "lanes": lanes});
    (body, facts.into_iter().map(|text| Fact { kind: Kind::Interval, text }).collect())
}

/// Up to five events within half a second.
pub(crate) fn events(dice: &mut StdRng, source: &str, time: DateTime<Utc>) -> (Value, Vec<Fact>) {
    let events: BTreeSet<(u32, u32, u32)> = (0..dice.random_range(1..=5_u32))
        .map(|_n| (dice.random_range(0..500), dice.random_range(1..90), dice.random_range(1..40)))
        .collect();
    let fact = |(ms, code, parameter): &(u32, u32, u32)| Fact {
        kind: Kind::Event,
        text: format!(
            "{source}|{}|{code}|{parameter}",
            text(time + TimeDelta::milliseconds(i64::from(*ms)))
        ),
    };
    let facts = events.iter().map(fact).collect();
    let events: Vec<Value> = events.iter().map(|(ms, code, p)| json!([ms, code, p])).collect();
    (json!({"v": 1, "time": time, "events": events}), facts)
}

pub(crate) fn health(dice: &mut StdRng, source: &str, time: DateTime<Utc>) -> (Value, Vec<Fact>) {
    let (battery, uptime) = (dice.random_range(0..=100_u32), dice.random_range(0..1_000_000_u32));
    let text = format!("{source}|{}|{battery}|{uptime}", text(time));
    let body = json!({"v": 1, "time": time, "battery_pct": battery, "uptime_s": uptime});
    (body, vec![Fact { kind: Kind::Health, text }])
}

pub(crate) fn metric(dice: &mut StdRng, source: &str, time: DateTime<Utc>) -> (Value, Vec<Fact>) {
    let level = ["city", "district", "commune"].choose(dice).copied().unwrap_or_default();
    let value = dice.random_range(0..1_000_u32);
    let text = format!("{source}|meetings_online|gso:92|{level}|{}|{value}", text(time));
    let figure = json!({
        "name": "meetings_online", "value": value, "bound": "exact", "unit": "gso:92",
        "labels": {"level": level},
    });
    (json!({"v": 1, "time": time, "values": [figure]}), vec![Fact { kind: Kind::Metric, text }])
}

/// A step of a ticket, and whether it is the last.
pub(crate) fn ticket(
    source: &str,
    number: u64,
    step: usize,
    time: DateTime<Utc>,
) -> (Value, Vec<Fact>, bool) {
    let (status, last) = (STEPS[step], step + 1 == STEPS.len());
    let rating = if last { "5" } else { "" };
    let text = format!("{source}|t-{number}|{status}|{}|{rating}", text(time));
    let body = json!({
        "v": 1, "time": time, "ticket": format!("t-{number}"), "status": status, "at": time,
        "channel": "hotline", "kind": "request", "rating": last.then_some(5),
    });
    (body, vec![Fact { kind: Kind::Ticket, text }], last)
}

/// Tickets as they stand after these steps: the latest decides.
pub(crate) fn ticket_states<'a>(steps: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let mut tickets: BTreeMap<(&str, &str), (&str, &str)> = BTreeMap::new();
    for step in steps {
        let mut parts = step.split('|');
        let mut next = || parts.next().unwrap_or_default();
        let (key, status, at) = ((next(), next()), next(), next());
        let state = tickets.entry(key).or_insert((at, status));
        *state = (at, status).max(*state);
    }
    let states = tickets.into_iter();
    states
        .map(|((source, ticket), (at, status))| format!("{source}|{ticket}|{status}|{at}"))
        .collect()
}

/// Spoils the whole message; gives the reason code.
pub(crate) fn break_body(kind: Kind, body: &mut Value) -> &'static str {
    match kind {
        Kind::Interval => body["duration_s"] = json!(-1),
        Kind::Event => {
            body["events"] = json!("many");
            return "type";
        }
        Kind::Health | Kind::Latest => body["battery_pct"] = json!(300),
        Kind::Ticket | Kind::TicketState => body["rating"] = json!(9),
        Kind::Metric => {
            body["values"][0]["name"] = json!("no_such_metric");
            return "unknown_metric";
        }
    }
    "range"
}

/// Adds a part that is out of range to a message of parts.
pub(crate) fn break_part(kind: Kind, body: &mut Value) -> &'static str {
    let (list, part) = match kind {
        Kind::Interval => ("lanes", json!({"lane": 99, "count": 1})),
        Kind::Event
        | Kind::Health
        | Kind::Ticket
        | Kind::Metric
        | Kind::TicketState
        | Kind::Latest => ("events", json!([0, 70_000, 1])),
    };
    if let Some(parts) = body[list].as_array_mut() {
        parts.push(part);
    }
    PARTIAL
}
