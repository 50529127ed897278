//! Messages a second of `decode` on one core, beside a bare typed parse of the same bytes.
//!
//! The floor is sonic-rs into borrowed structs of the same shape, without any check: what a hub
//! would pay that trusted its devices. Both are measured in turns in the same run.

use std::{hint::black_box, io::Write as _, time::Instant};

use ioc_ingest::{Contract, decode};
use serde::Deserialize;

/// The floor's `vds/interval`.
#[derive(Deserialize)]
#[expect(dead_code, reason = "the floor parses, and does nothing with it")]
struct Station<'a> {
    v: u8,
    time: &'a str,
    boot: u32,
    seq: u64,
    duration_s: f64,
    #[serde(borrow)]
    lanes: Vec<FloorLane<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the floor parses, and does nothing with it")]
struct FloorLane<'a> {
    lane: u8,
    direction: Option<&'a str>,
    count: Option<u32>,
    occupancy: Option<f64>,
    speed_kmh: Option<f64>,
    headway_s: Option<f64>,
    samples: Option<u16>,
    samples_expected: Option<u16>,
    classes: Option<Classes<u32>>,
    class_speed_kmh: Option<Classes<f64>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the floor parses, and does nothing with it")]
struct Classes<T> {
    motorcycle: Option<T>,
    bicycle: Option<T>,
    car: Option<T>,
    van: Option<T>,
    bus: Option<T>,
    truck2: Option<T>,
    truck3: Option<T>,
    trailer: Option<T>,
    other: Option<T>,
}

/// The floor's `signal/state`.
#[derive(Deserialize)]
#[expect(dead_code, reason = "the floor parses, and does nothing with it")]
struct Signal<'a> {
    v: u8,
    time: &'a str,
    boot: u32,
    seq: u64,
    mode: &'a str,
    plan: Option<u16>,
    cycle_s: Option<f64>,
    cycle_position_s: Option<f64>,
    flash: Option<u8>,
    preempt: Option<u8>,
    #[serde(borrow)]
    groups: Vec<FloorGroup<'a>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "the floor parses, and does nothing with it")]
struct FloorGroup<'a> {
    group: u8,
    kind: &'a str,
    state: u8,
    since: Option<&'a str>,
    min_end_s: Option<f64>,
    max_end_s: Option<f64>,
    likely_end_s: Option<f64>,
    call: Option<bool>,
}

/// The floor's `signal/events`.
#[derive(Deserialize)]
#[expect(dead_code, reason = "the floor parses, and does nothing with it")]
struct Batch<'a> {
    v: u8,
    time: &'a str,
    boot: u32,
    seq: u64,
    events: Vec<(u32, u16, u16)>,
}

fn station() -> String {
    let lane = |n: u32| {
        format!(
            r#"{{"lane":{n},"direction":"forward","count":41,"occupancy":0.183,"speed_kmh":28.4,"headway_s":0.73,"samples":30,"samples_expected":30,"classes":{{"motorcycle":35,"bicycle":0,"car":5,"van":1,"bus":0,"truck2":0,"truck3":0,"trailer":0,"other":0}},"class_speed_kmh":{{"motorcycle":28.9,"car":25.1}}}}"#
        )
    };
    let lanes: Vec<_> = (1..=4).map(lane).collect();
    format!(
        r#"{{"v":1,"time":"2026-03-02T01:15:00Z","boot":2,"seq":771,"duration_s":30,"lanes":[{}]}}"#,
        lanes.join(",")
    )
}

fn signal() -> String {
    let group = |n: u32| {
        format!(
            r#"{{"group":{n},"kind":"vehicle","state":6,"since":"2026-03-02T01:14:41.100Z","min_end_s":7.0,"max_end_s":26.0,"likely_end_s":18.0,"call":true}}"#
        )
    };
    let groups: Vec<_> = (1..=8).map(group).collect();
    format!(
        r#"{{"v":1,"time":"2026-03-02T01:15:00.300Z","boot":4,"seq":9912,"mode":"coordinated","plan":7,"cycle_s":90,"cycle_position_s":31.2,"flash":2,"preempt":0,"groups":[{}]}}"#,
        groups.join(",")
    )
}

fn events() -> String {
    let events: Vec<_> = (0..20).map(|n| format!("[{},{},{}]", n * 47, 81 + n % 2, n)).collect();
    format!(
        r#"{{"v":1,"time":"2026-03-02T01:15:00.000Z","boot":4,"seq":88123,"events":[{}]}}"#,
        events.join(",")
    )
}

/// Messages of one measured run, and runs of each side.
const MESSAGES: u32 = 200;
const RUNS: usize = 501;

/// Messages a second of both sides: the median of many short runs that take turns, so that other
/// work on the machine falls on both alike and on few of them.
fn rates(one: impl Fn(), other: impl Fn()) -> (f64, f64) {
    let seconds = |run: &dyn Fn()| {
        let start = Instant::now();
        (0..MESSAGES).for_each(|_| run());
        start.elapsed().as_secs_f64()
    };
    let (mut ones, mut others): (Vec<_>, Vec<_>) =
        (0..RUNS).map(|_| (seconds(&one), seconds(&other))).unzip();
    ones.sort_by(f64::total_cmp);
    others.sort_by(f64::total_cmp);
    (f64::from(MESSAGES) / ones[RUNS / 2], f64::from(MESSAGES) / others[RUNS / 2])
}

fn compare<'a, T: Deserialize<'a>>(name: &str, topic: &str, text: &'a str) -> std::io::Result<()> {
    let contract = Contract { city: "can-tho".to_owned(), personal_keys: Vec::new() };
    assert!(decode(&contract, topic, text.as_bytes()).is_ok_and(|m| m.refused.is_empty()));
    assert!(sonic_rs::from_slice::<T>(text.as_bytes()).is_ok());
    let (decoded, bare) = rates(
        || _ = black_box(decode(&contract, topic, black_box(text.as_bytes()))),
        || _ = black_box(sonic_rs::from_slice::<T>(black_box(text.as_bytes()))),
    );
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{name:<14} {:>5} bytes   decode {decoded:>9.0} msg/s   bare parse {bare:>9.0} msg/s   {:>4.0} %",
        text.len(),
        decoded / bare * 100.0
    )
}

fn main() -> std::io::Result<()> {
    compare::<Station<'_>>("vds/interval", "ioc/1/can-tho/vds/vds-1/interval", &station())?;
    compare::<Signal<'_>>("signal/state", "ioc/1/can-tho/signal/sig-1/state", &signal())?;
    compare::<Batch<'_>>("signal/events", "ioc/1/can-tho/signal/sig-1/events", &events())
}
