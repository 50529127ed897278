//! Split failures against those that the package `atspm` finds in the same events, and case by case.

use std::{collections::BTreeMap, time::Instant};

use chrono::{DateTime, NaiveDateTime};
use serde::Deserialize;

use super::*;

const RAW: &str = include_str!("../../../tests/data/atspm/raw_data.csv");
const DETECTORS: &str = include_str!("../../../tests/data/atspm/detector_config.csv");
const EXPECTED: &str = include_str!("../../../tests/data/atspm/split_failures.csv");
const BIN_MS: i64 = 900_000;

fn ms(text: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.3f").unwrap();
    time.and_utc().timestamp_millis()
}

fn rows<T: for<'a> Deserialize<'a>>(text: &str) -> Vec<T> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

/// A message of a controller.
type Batch = (Envelope, Vec<ControllerEvent>);

fn batch(boot: u32, seq: u64, late: bool, events: &[Event]) -> Batch {
    let time = |at_ms: i64| DateTime::from_timestamp_millis(at_ms).unwrap();
    let events: Vec<ControllerEvent> = events
        .iter()
        .map(|&(at_ms, code, parameter)| ControllerEvent { time: time(at_ms), code, parameter })
        .collect();
    (Envelope { time: events[0].time, boot, seq, clock: None, late }, events)
}

fn take(splits: &mut SplitFailures, batches: &[Batch]) -> Vec<(u8, Cycle)> {
    let mut cycles = Vec::new();
    for (envelope, events) in batches {
        splits.take(envelope, events, &mut |phase, cycle| cycles.push((phase, cycle)));
    }
    cycles
}

/// The recorded events, one message a second, and the channels of their presence detectors.
fn recorded() -> (Vec<Batch>, Vec<(u16, u8)>) {
    let mut seconds: BTreeMap<i64, Vec<Event>> = BTreeMap::new();
    for (time, _, code, parameter) in rows::<(String, u32, u16, u16)>(RAW) {
        let at_ms = ms(&time);
        seconds.entry(at_ms / 1_000).or_default().push((at_ms, code, parameter));
    }
    let batches = seconds.values().zip(1..).map(|(events, seq)| batch(1, seq, false, events));
    let detectors = rows::<(u32, u8, u16, String)>(DETECTORS);
    let presence = detectors.into_iter().filter(|(.., function)| function == "Presence");
    let mut channels: Vec<_> = presence.map(|(_, phase, channel, _)| (channel, phase)).collect();
    channels.sort_unstable();
    (batches.collect(), channels)
}

/// The cycles of the recorded events, told in this order, with a green of every phase behind the end.
fn cycles_of(mut batches: Vec<Batch>, channels: &[(u16, u8)]) -> Vec<(u8, Cycle)> {
    let mut splits = SplitFailures::of(channels, USUAL).unwrap();
    let (seq, end_ms) = (batches.len() as u64, ms("2024-04-15 14:00:00.000"));
    let greens = [2, 5, 6, 8].map(|phase| (end_ms + 120_000, code::GREEN, phase));
    batches.push(batch(1, seq + 1, false, &greens));
    batches.push(batch(1, seq + 2, false, &[(end_ms + 140_000, 0, 0)]));
    let mut cycles = take(&mut splits, &batches);
    cycles.retain(|(_, cycle)| cycle.at_ms < end_ms);
    cycles.sort_by_key(|(phase, cycle)| (cycle.at_ms, *phase));
    cycles
}

#[test]
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "as the package")]
fn the_recorded_cycles_are_those_of_the_package_to_the_last_bit() {
    let (batches, channels) = recorded();
    let mut bins: BTreeMap<(i64, u8), Vec<Cycle>> = BTreeMap::new();
    let cycles = cycles_of(batches, &channels);
    assert_eq!(cycles.len(), 344);
    for (phase, cycle) in cycles {
        bins.entry((cycle.at_ms.div_euclid(BIN_MS), phase)).or_default().push(cycle);
    }
    let expected = rows::<(String, u32, u8, f32, f32, f32, usize)>(EXPECTED);
    assert_eq!(bins.len(), expected.len());
    let mut failures = 0;
    for (time, _, phase, green_s, green, red, failed) in expected {
        let cycles = &bins[&(ms(&time).div_euclid(BIN_MS), phase)];
        let mean = |of: &dyn Fn(&Cycle) -> f32| {
            (cycles.iter().map(|cycle| f64::from(of(cycle))).sum::<f64>() / cycles.len() as f64)
                as f32
        };
        let found = (
            mean(&|cycle| (cycle.green_ms as f64 / 1_000.0) as f32).to_bits(),
            mean(&|cycle| cycle.green_occupancy).to_bits(),
            mean(&|cycle| cycle.red_occupancy).to_bits(),
            cycles.iter().filter(|cycle| cycle.fails(&USUAL)).count(),
        );
        let wanted = (green_s.to_bits(), green.to_bits(), red.to_bits(), failed);
        assert_eq!(found, wanted, "phase {phase} at {time}");
        failures += failed;
    }
    assert_eq!(failures, 5);
}

#[test]
fn messages_that_come_twice_and_out_of_order_within_the_window_change_nothing() {
    let (batches, channels) = recorded();
    let in_order = cycles_of(batches.clone(), &channels);
    let mut mixed = Vec::new();
    let second = |(envelope, _): &Batch| envelope.time.timestamp();
    for group in batches.chunk_by(|a, b| second(a) / 8 == second(b) / 8) {
        mixed.extend(group.iter().rev().cloned());
        mixed.extend(group.iter().take(3).cloned());
    }
    assert!(cycles_of(mixed, &channels) == in_order, "other cycles");
}

const CHANNEL: u16 = 37;
const PHASE: u16 = 6;

/// One cycle of 100 s from its green: 40 s of green, 3 s of yellow.
fn cycle(green_ms: i64) -> Vec<Event> {
    vec![
        (green_ms, code::GREEN, PHASE),
        (green_ms + 40_000, code::YELLOW, PHASE),
        (green_ms + 43_000, code::RED, PHASE),
    ]
}

/// What events come to, of one detector or two.
fn cycles(events: &[Event]) -> Vec<Cycle> {
    let channels = [(CHANNEL, 6), (CHANNEL + 1, 6)];
    let mut splits = SplitFailures::of(&channels, USUAL).unwrap();
    let mut events = events.to_vec();
    events.sort_unstable();
    events.extend([(100_000, code::GREEN, PHASE), (200_000, 0, 0)]);
    let cycles = take(&mut splits, &[batch(1, 1, false, &events)]);
    cycles.into_iter().map(|(_, cycle)| cycle).collect()
}

/// Occupancies of the cycle that begins at 0 with these switchings of detectors (seconds, on).
#[track_caller]
fn occupancies(switchings: &[(i64, bool, u16)]) -> (f32, f32) {
    let mut events = cycle(0);
    let known = (-50_000, code::OFF, CHANNEL);
    let event = |&(s, is_on, channel): &(i64, bool, u16)| {
        (s * 1_000, if is_on { code::ON } else { code::OFF }, channel)
    };
    events.extend(switchings.iter().map(event).chain([known]));
    let [cycle] = cycles(&events)[..] else { panic!("one cycle") };
    (cycle.green_occupancy, cycle.red_occupancy)
}

#[test]
fn detectors_of_a_phase_count_together_and_one_that_lasts_to_its_end() {
    let (first, other) = (CHANNEL, CHANNEL + 1);
    assert_eq!(occupancies(&[]), (0.0, 0.0));
    assert_eq!(occupancies(&[(10, true, first), (30, false, first)]), (0.5, 0.0));
    let overlapping =
        [(10, true, first), (20, true, other), (30, false, first), (40, false, other)];
    assert_eq!(occupancies(&overlapping), (0.75, 0.0));
    assert_eq!(occupancies(&[(20, true, first)]), (0.5, 1.0));
    assert_eq!(
        occupancies(&[(44, true, first), (46, false, first), (99, true, other)]),
        (0.0, 0.4)
    );
}

#[test]
fn edges_that_are_missing_are_added() {
    let (first, other) = (CHANNEL, CHANNEL + 1);
    // On, and on again 20 s later: off in the middle. On again after 2 s: off just then.
    assert_eq!(
        occupancies(&[(10, true, first), (30, true, first), (32, false, first)]),
        (0.3, 0.0)
    );
    assert_eq!(
        occupancies(&[(10, true, first), (12, true, first), (14, false, first)]),
        (0.1, 0.0)
    );
    // Off, and off again: on in the middle.
    assert_eq!(occupancies(&[(0, false, first), (20, false, first)]), (0.25, 0.0));
    // A detector that is first heard of by its going off was on for a millisecond.
    let (green, _) = occupancies(&[(20, false, other)]);
    assert!((green - 0.001 / 40.0).abs() < 1e-9, "{green}");
}

#[test]
fn a_cycle_counts_only_as_a_whole() {
    let known = (-50_000, code::OFF, CHANNEL);
    let with = |events: &[Event]| cycles(&[&cycle(0)[..], events].concat()).len();
    assert_eq!(with(&[known]), 1);
    assert_eq!(with(&[]), 0, "the detectors are not known");
    assert_eq!(with(&[(1_000, code::OFF, CHANNEL)]), 0, "not at its begin");
    assert_eq!(with(&[known, (41_000, code::YELLOW, PHASE)]), 0, "two yellows");
    assert_eq!(with(&[known, (60_000, code::RED, PHASE)]), 0, "two reds");
    assert_eq!(with(&[known, (97_000, code::RED, PHASE)]), 1, "its five seconds are not over");
    assert_eq!(with(&[known, (45_000, code::GREEN, PHASE)]), 0, "green again within the first red");
}

#[test]
fn a_channel_that_is_reported_faulty_is_left_out_until_it_is_restored() {
    let (first, other) = (CHANNEL, CHANNEL + 1);
    let known = [(-50_000, code::OFF, first), (-50_000, code::OFF, other)];
    let stuck = [(-40_000, code::ON, first), (-1_000, 87, first)];
    let mut events = [&cycle(0)[..], &known, &stuck].concat();
    events.extend([(20_000, code::ON, other), (30_000, code::OFF, other)]);
    let found = cycles(&events);
    assert_eq!((found[0].green_occupancy, found[0].red_occupancy), (0.25, 0.0));
    // With the only detector of a phase nothing is left to be computed.
    let one = [&cycle(0)[..], &known[..1], &stuck].concat();
    assert!(cycles(&one).is_empty());
    // It is heard again.
    events.extend([(2_000, code::RESTORED, first), (10_000, code::ON, first)]);
    assert_eq!(cycles(&events).first().map(|cycle| cycle.green_occupancy), Some(0.75));
}

/// A signal of one detector that told so many cycles of 100 s, the first at 0; those fail that are listed.
fn told(splits: &mut SplitFailures, cycles: std::ops::Range<i64>, failing: &[i64]) {
    for number in cycles {
        let begin = number * 100_000;
        let mut events = cycle(begin);
        let off = if failing.contains(&number) { 90_000 } else { 10_000 };
        events.extend([(begin, code::ON, CHANNEL), (begin + off, code::OFF, CHANNEL)]);
        events.push((begin + 95_000, 0, 0));
        events.sort_unstable();
        let seq = u64::try_from(number).unwrap() + 1;
        let (envelope, events) = batch(1, seq, false, &events);
        splits.apply(&envelope, &events);
    }
}

fn signal() -> SplitFailures {
    SplitFailures::of(&[(CHANNEL, 6)], USUAL).unwrap()
}

#[test]
fn the_share_is_of_a_whole_window_and_of_enough_cycles() {
    let mut splits = signal();
    told(&mut splits, 0..9, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(splits.worst(), None, "not a whole quarter of an hour yet");
    told(&mut splits, 9..10, &[]);
    let worst = splits.worst().unwrap();
    assert_eq!((worst.phase, worst.share), (Some(6), 1.0));
    // The window is followed: cycles 11 to 18 are in it then, of which four fail.
    told(&mut splits, 10..20, &[11, 12, 17, 18]);
    let worst = splits.worst().unwrap();
    assert_eq!((worst.phase, worst.share), (Some(6), 0.5));
    // Without greens two cycles are left at last, of which no share is told.
    let (envelope, events) = batch(1, 90, false, &[(2_600_000, 0, 0)]);
    assert!(splits.apply(&envelope, &events));
    assert_eq!(splits.worst(), Some(Worst { share: 0.0, phase: None }));
}

#[test]
fn what_comes_too_late_is_left_out_and_a_clock_set_back_begins_anew() {
    let mut splits = signal();
    told(&mut splits, 0..12, &[4, 5]);
    let before = splits.worst().unwrap();
    let apply =
        |splits: &mut SplitFailures, (envelope, events): Batch| splits.apply(&envelope, &events);
    // Out of the buffer of the controller: a green that makes a cycle end early.
    let buffered = [(1_050_000, code::GREEN, PHASE)];
    assert!(!apply(&mut splits, batch(1, 40, true, &buffered)));
    assert!(!apply(&mut splits, batch(1, 3, false, &buffered)), "an old message again");
    assert_eq!(splits.worst(), Some(before));
    assert!(apply(&mut splits, batch(1, 41, false, &buffered)), "its clock was set back");
    assert_eq!(splits.worst(), None);
    told(&mut splits, 0..12, &[]);
    assert_eq!(splits.worst(), None, "messages that are older than the newest");
    assert!(SplitFailures::of(&[], USUAL).is_none(), "no mapping, nothing computed");
}

#[test]
fn what_is_kept_of_a_signal_is_bounded() {
    let mut splits = signal();
    let mut seq = 0;
    // A detector that chatters, and a phase that shows red again and again, without a green.
    for step in 0..20_000_i64 {
        let at_ms = step * 50;
        let flip = if step % 2 == 0 { code::ON } else { code::OFF };
        seq += 1;
        let events = [(at_ms, flip, CHANNEL), (at_ms, code::RED, PHASE)];
        let (envelope, events) = batch(1, seq, false, &events);
        splits.apply(&envelope, &events);
    }
    assert!(splits.held.len() <= HELD_MAX && splits.phases[0].on.len() <= ON_MAX);
    assert!(splits.phases[0].red_ends_ms.len() <= RED_ENDS_MAX);
    // Thousands of events of one instant are not waited for all.
    let many: Vec<Event> = (0..3_000).map(|n| (1_000_000 + n, code::ON, CHANNEL)).collect();
    let (envelope, events) = batch(1, seq + 1, false, &many);
    splits.apply(&envelope, &events);
    assert!(splits.held.len() <= HELD_MAX, "{}", splits.held.len());
}

/// Prints what a message of the recorded controller costs; the target is a few microseconds.
#[test]
#[ignore = "measures"]
fn a_message_costs_little() {
    let (batches, channels) = recorded();
    let events: usize = batches.iter().map(|(_, events)| events.len()).sum();
    let mut splits = SplitFailures::of(&channels, USUAL).unwrap();
    let begun = Instant::now();
    for (envelope, events) in &batches {
        splits.apply(envelope, events);
    }
    let us = begun.elapsed().as_secs_f64() * 1e6;
    #[expect(clippy::cast_precision_loss, reason = "a number of messages")]
    let (messages, events) = (batches.len() as f64, events as f64);
    eprintln!(
        "{:.2} us a message of {:.1} events, {:.0} ns an event; {:.2} % of a core at 4,000 messages a second",
        us / messages,
        events / messages,
        us * 1e3 / events,
        us / messages * 4_000.0 / 1e4,
    );
}
