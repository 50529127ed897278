//! Signals that run another plan than scheduled, and greens that leave vehicles behind.

use std::path::Path;

use super::*;
use crate::{calendar::Calendar, city::City};

const MISMATCH: &str = "sig_plan_mismatch:sig-1";
const SPLIT: &str = "split_fail_persist:sig-1";
/// 16:00 in Can Tho, where plan 4 follows plan 3, in seconds of these tests.
const FOUR: i64 = 6 * 3_600;

/// As the demonstration city says it: its schedule names every signal.
fn signals() -> Signals {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
    Signals::of(&City::load(&folder).unwrap(), &Calendar::vietnam())
}

fn begin_by(signals: Signals, registry: &Registry, current: &[Current], now: i64) -> Engine {
    Engine::begin(Begin {
        rules: Arc::new(Rules::configured("").unwrap()),
        zone: chrono_tz::Asia::Ho_Chi_Minh,
        free_flow_kmh: HashMap::new(),
        signals,
        roads: Roads::default(),
        registry,
        known: Known::default(),
        current,
        heard: &[],
        now: at(now),
    })
}

fn state(registry: &Registry, (mode, plan): (&str, u16), second: i64) -> Admitted {
    let body = json!({
        "v": 1, "time": at(second), "boot": 1, "seq": second, "mode": mode, "plan": plan,
        "groups": [{"group": 2, "kind": "vehicle", "state": 3}],
    });
    message(registry, "signal/sig-1/state", &body, at(second))
}

/// What happens when a signal tells these modes and plans at these seconds after 10:00, a Tuesday.
fn after(told_states: &[(i64, &str, u16)]) -> Vec<String> {
    let registry = registry(0);
    let mut engine = begin_by(signals(), &registry, &[], 0);
    for &(second, mode, plan) in told_states {
        engine.hear(&[state(&registry, (mode, plan), second)], None);
    }
    told(&mut engine)
}

#[test]
fn a_plan_that_is_not_scheduled_is_told_after_five_minutes_with_both_plans() {
    let registry = registry(0);
    let mut engine = begin_by(signals(), &registry, &[], 0);
    let states = |plan, seconds: &[i64]| -> Vec<Admitted> {
        seconds.iter().map(|s| state(&registry, ("coordinated", plan), *s)).collect()
    };
    engine.hear(&states(3, &[0]), None);
    engine.hear(&states(2, &[10, 160, 309]), None);
    assert!(told(&mut engine).is_empty());
    engine.hear(&states(2, &[310]), None);
    assert_eq!(told(&mut engine), [format!("{MISMATCH} raise unack")]);
    let alarm = engine.alarm(&id(MISMATCH)).unwrap();
    assert_eq!(alarm.why.as_deref(), Some("plan.mismatch=2/3"));
    assert_eq!(alarm.status.raised_at, Some(at(310)));
    engine.hear(&states(3, &[400, 459]), None);
    assert!(told(&mut engine).is_empty());
    engine.hear(&states(3, &[460]), None);
    assert_eq!(told(&mut engine), [format!("{MISMATCH} clear rtnun")]);
}

#[test]
fn a_plan_is_compared_only_while_the_signal_runs_by_plans() {
    assert!(
        after(&[(0, "coordinated", 2), (299, "coordinated", 3), (700, "coordinated", 3)])
            .is_empty()
    );
    for mode in ["flash", "free", "preempt", "adaptive", "startup", "unknown"] {
        assert!(after(&[(0, mode, 2), (400, mode, 2)]).is_empty(), "{mode}");
        // What began while it was compared ends with it.
        assert!(
            after(&[(0, "coordinated", 2), (200, mode, 2), (700, mode, 2)]).is_empty(),
            "{mode}"
        );
    }
    let registry = registry(0);
    let mut engine = begin(&registry);
    for second in [0, 400] {
        engine.hear(&[state(&registry, ("coordinated", 2), second)], None);
    }
    assert!(told(&mut engine).is_empty(), "no schedule");
}

#[test]
fn a_signal_that_goes_on_with_its_plan_when_another_is_due_is_told() {
    let before = (FOUR - 10, "coordinated", 3);
    let late = [before, (FOUR + 250, "coordinated", 3), (FOUR + 299, "coordinated", 4)];
    assert!(after(&late).is_empty());
    let registry = registry(0);
    let mut engine = begin_by(signals(), &registry, &[], FOUR - 10);
    for second in [FOUR - 10, FOUR + 20, FOUR + 280] {
        engine.hear(&[state(&registry, ("coordinated", 3), second)], None);
    }
    assert!(told(&mut engine).is_empty());
    engine.tick(at(FOUR + 300), true);
    assert_eq!(told(&mut engine), [format!("{MISMATCH} raise unack")]);
    assert_eq!(engine.alarm(&id(MISMATCH)).unwrap().status.raised_at, Some(at(FOUR + 300)));
}

#[test]
fn a_signal_that_is_not_heard_is_not_compared() {
    let registry = registry(0);
    let mut engine = begin_by(signals(), &registry, &[], FOUR - 10);
    engine.hear(&[state(&registry, ("coordinated", 3), FOUR - 10)], None);
    for second in [FOUR + 10, FOUR + 40, FOUR + 80, FOUR + 400] {
        engine.tick(at(second), true);
    }
    assert_eq!(told(&mut engine), ["comm_loss_signal:sig-1 raise unack"]);
    // The hub was away when the plan had to change.
    let known = state(&registry, ("coordinated", 3), FOUR - 10);
    let current = Current {
        message: Arc::clone(&known.accepted.as_ref().unwrap().message),
        payload: known.delivery.payload.clone(),
        received_at: at(FOUR - 10),
    };
    let mut engine = begin_by(signals(), &registry, &[current], FOUR + 3_600);
    assert!(told(&mut engine).is_empty());
    for second in [3_605, 3_904, 3_905] {
        assert!(told(&mut engine).is_empty());
        engine.hear(&[state(&registry, ("coordinated", 3), FOUR + second)], None);
    }
    assert_eq!(told(&mut engine), [format!("{MISMATCH} raise unack")]);
}

/// One cycle of 100 s of phase 6, the first at 0: its detector is left before red, or stays occupied.
fn cycle(registry: &Registry, number: i64, is_failing: bool) -> Admitted {
    let off_ms = if is_failing { 90_000 } else { 10_000 };
    let body = json!({
        "v": 1, "time": at(number * 100), "boot": 1, "seq": number,
        "events": [[0, 1, 6], [0, 82, 6], [off_ms, 81, 6], [40_000, 8, 6], [43_000, 10, 6], [95_000, 999, 6]],
    });
    message(registry, "signal/sig-1/events", &body, at(number * 100 + 95))
}

/// What so many cycles come to, of which those fail that are told.
fn cycles(engine: &mut Engine, numbers: std::ops::Range<i64>, fails: impl Fn(i64) -> bool) {
    let registry = registry(0);
    for number in numbers {
        engine.hear(&[cycle(&registry, number, fails(number))], None);
    }
}

#[test]
fn greens_that_leave_vehicles_behind_in_half_of_the_cycles_are_told_with_their_phase() {
    let registry = registry(0);
    let mut engine = begin_by(signals(), &registry, &[], 0);
    // Of the eight cycles of the last quarter of an hour, four fail.
    cycles(&mut engine, 0..10, |number| number >= 5);
    assert_eq!(told(&mut engine), [format!("{SPLIT} raise unack")]);
    let alarm = engine.alarm(&id(SPLIT)).unwrap();
    assert_eq!((alarm.value, alarm.why.as_deref()), (Some(0.5), Some("split.fail=6")));
    // It clears a quarter of an hour after the share fell below the dead-band.
    cycles(&mut engine, 10..23, |_| false);
    assert!(told(&mut engine).is_empty());
    cycles(&mut engine, 23..25, |_| false);
    assert_eq!(told(&mut engine), [format!("{SPLIT} clear rtnun")]);
}

#[test]
fn fewer_failing_cycles_a_short_time_and_a_signal_without_detectors_tell_nothing() {
    let registry = registry(0);
    let mut engine = begin_by(signals(), &registry, &[], 0);
    cycles(&mut engine, 0..9, |_| true);
    assert!(told(&mut engine).is_empty(), "not a quarter of an hour yet");
    let mut engine = begin_by(signals(), &registry, &[], 0);
    cycles(&mut engine, 0..40, |number| number % 3 == 0);
    assert!(told(&mut engine).is_empty(), "a third of the cycles");
    let mut engine = begin(&registry);
    cycles(&mut engine, 0..40, |_| true);
    assert!(told(&mut engine).is_empty(), "nobody said where its detectors are");
}

#[test]
fn split_failures_end_when_the_signal_flashes() {
    let registry = registry(0);
    let mut engine = begin_by(signals(), &registry, &[], 0);
    cycles(&mut engine, 0..12, |_| true);
    assert_eq!(told(&mut engine), [format!("{SPLIT} raise unack")]);
    let flashing = |second| state(&registry, ("flash", 3), second);
    engine.hear(&[flashing(1_200), flashing(2_099)], None);
    assert!(told(&mut engine).is_empty());
    engine.hear(&[flashing(2_100)], None);
    assert_eq!(told(&mut engine), [format!("{SPLIT} clear rtnun")]);
}
