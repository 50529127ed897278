//! Messages as devices send them.

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

/// Begin of the interval number `n`, of 30 s each, from `begin` on.
pub(crate) fn period(begin: DateTime<Utc>, n: u64) -> DateTime<Utc> {
    begin + TimeDelta::seconds(30 * i64::try_from(n).expect("a small number"))
}

/// Now, to the second.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(SystemClock.now().timestamp(), 0).expect("a time of our days")
}

/// Begin of the last complete bucket of 5 minutes: ten periods of 30 s fit in.
pub(crate) fn bucket() -> DateTime<Utc> {
    let now = SystemClock.now().timestamp();
    DateTime::from_timestamp(now - now % 300 - 300, 0).expect("a time of our days")
}

/// An interval of 30 s with one lane per count: 28.4 km/h, 18.3 % occupied, motorcycles only.
pub(crate) fn interval(time: DateTime<Utc>, seq: u64, counts: &[u64]) -> Value {
    let lanes: Vec<Value> = counts
        .iter()
        .enumerate()
        .map(|(lane, count)| {
            json!({
                "lane": lane + 1, "direction": "forward", "count": count, "occupancy": 0.183,
                "speed_kmh": 28.4, "headway_s": 0.73, "samples": 30, "samples_expected": 30,
                "classes": {"motorcycle": count, "car": 0},
            })
        })
        .collect();
    json!({"v": 1, "time": time, "boot": 2, "seq": seq, "duration_s": 30, "lanes": lanes})
}

/// A signal's state in free mode: this group is green.
pub(crate) fn state(time: DateTime<Utc>, seq: u64) -> Value {
    let group = json!({"group": 2, "kind": "vehicle", "state": 6, "since": time, "min_end_s": 7.5});
    json!({
        "v": 1, "time": time, "boot": 1, "seq": seq, "mode": "free", "plan": 7, "cycle_s": 90,
        "cycle_position_s": 31.2, "flash": 2, "groups": [group],
    })
}

/// Controller events of one code: `[milliseconds after time, code, parameter]`.
pub(crate) fn events(time: DateTime<Utc>, seq: u64, events: &[(u64, u64, u64)]) -> Value {
    let events: Vec<Value> = events.iter().map(|(ms, code, p)| json!([ms, code, p])).collect();
    json!({"v": 1, "time": time, "boot": 1, "seq": seq, "events": events})
}

/// A step of a ticket that came over the hotline.
pub(crate) fn ticket(number: &str, status: &str, at: DateTime<Utc>, seq: u64) -> Value {
    json!({
        "v": 1, "time": at, "boot": 1, "seq": seq, "ticket": number, "status": status, "at": at,
        "channel": "hotline", "kind": "request", "category": null,
    })
}

/// A call that was given up, or answered.
pub(crate) fn call(id: &str, at: DateTime<Utc>, seq: u64, answered: bool) -> Value {
    let (answered_at, abandoned_at) = if answered { (Some(at), None) } else { (None, Some(at)) };
    json!({
        "v": 1, "time": at, "boot": 1, "seq": seq, "call": id, "direction": "in", "queued_at": at,
        "answered_at": answered_at, "abandoned_at": abandoned_at, "ended_at": at,
    })
}

/// One figure of the metric catalogue.
pub(crate) fn sample(name: &str, value: f64, time: DateTime<Utc>, seq: u64) -> Value {
    let value = json!({"name": name, "value": value, "bound": "exact", "unit": "gso:92"});
    json!({"v": 1, "time": time, "boot": 1, "seq": seq, "values": [value]})
}
