//! The engine with messages, ticks and people, without a database.

use std::sync::Arc;

use ioc_ingest::{Contract, Service, Source, delivery::Delivery};
use serde_json::{Value, json};

use super::*;
use crate::{
    admit::{Admitted, Horizon, admit},
    alarm::{
        Input, Refusal, Transition,
        operate::{Operation, Outcome, Request, Seen},
    },
    live::start::Current,
    registry::{Device, Registry},
};

mod pair;
mod signal;
mod usual;

const CITY: &str = "c";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_046_000 + seconds, 0).unwrap()
}

fn device(source: &str, service: Service, parent: Option<&str>) -> Device {
    Device {
        id: 1,
        source: Source::parse(source).unwrap(),
        service,
        name_vi: source.into(),
        name_en: source.into(),
        position: None,
        area: Some("gso:1".into()),
        corridor: None,
        parent: parent.map(|parent| Source::parse(parent).unwrap()),
        period_ms: Some(10_000),
        simulated: true,
        detectors: HashMap::new(),
    }
}

/// A signal, a cabinet, and cameras behind it.
fn registry(cameras: usize) -> Registry {
    let mut registry = Registry::default();
    let mut add = |device: Device| {
        registry.devices.insert(device.source.clone(), Arc::new(device));
    };
    add(device("sig-1", Service::Signal, None));
    add(device("vds-1", Service::Vds, None));
    add(device("cab-1", Service::Cabinet, None));
    for camera in 0..cameras {
        add(device(&format!("cam-{camera}"), Service::Cctv, Some("cab-1")));
    }
    registry
}

fn begin_with(registry: &Registry, known: Known, now: DateTime<Utc>) -> Engine {
    Engine::begin(Begin {
        rules: Arc::new(Rules::configured("").unwrap()),
        zone: chrono_tz::Asia::Ho_Chi_Minh,
        free_flow_kmh: HashMap::new(),
        signals: Signals::default(),
        roads: Roads::default(),
        registry,
        known,
        current: &[],
        heard: &[],
        now,
    })
}

fn begin(registry: &Registry) -> Engine {
    begin_with(registry, Known::default(), at(0))
}

fn message(registry: &Registry, topic: &str, body: &Value, received_at: DateTime<Utc>) -> Admitted {
    let contract = Contract { city: CITY.into(), personal_keys: Vec::new() };
    let year = TimeDelta::days(400);
    let horizon = Horizon { ahead: year, signal: year, interval: year, health: year, record: year };
    let topic = format!("ioc/1/{CITY}/{topic}");
    let delivery = Delivery::unawaited(topic, body.to_string().into(), received_at);
    let admitted = admit(&contract, registry, &horizon, received_at, delivery);
    assert!(admitted.accepted.is_some(), "{:?}", admitted.refused);
    admitted
}

/// A signal's state with this flash status.
fn flash(registry: &Registry, flash: u8, second: i64) -> Admitted {
    let mode = if flash == 2 { "free" } else { "flash" };
    let body = json!({
        "v": 1, "time": at(second), "boot": 1, "seq": second, "mode": mode, "flash": flash,
        "groups": [{"group": 2, "kind": "vehicle", "state": 3}],
    });
    message(registry, "signal/sig-1/state", &body, at(second))
}

fn health(registry: &Registry, body: Value, second: i64) -> Admitted {
    let mut whole = json!({"v": 1, "time": at(second), "boot": 1, "seq": second});
    if let (Value::Object(whole), Value::Object(body)) = (&mut whole, body) {
        whole.extend(body);
    }
    message(registry, "cabinet/cab-1/health", &whole, at(second))
}

fn status(registry: &Registry, camera: usize, online: bool, second: i64) -> Admitted {
    let body = json!({"v": 1, "online": online, "boot": 1});
    message(registry, &format!("cctv/cam-{camera}/status"), &body, at(second))
}

/// Everything that happened since, as `code:object action to`, and takes it for stored.
fn told(engine: &mut Engine) -> Vec<String> {
    let due = engine.due(None);
    let last = due.last().map(|(_, change)| change.transition.seq);
    if let Some(last) = last {
        engine.stored(last);
    }
    let text = |change: &Change| {
        let Transition { id, action, to, .. } = &change.transition;
        format!("{id} {action} {}", to.as_str())
    };
    due.iter().map(|(_, change)| text(change)).collect()
}

fn id(text: &str) -> AlarmId {
    AlarmId::parse(text).unwrap()
}

fn ask(engine: &mut Engine, alarm: &str, operation: Operation, who: &str, second: i64) -> Outcome {
    let request = Request {
        alarms: vec![(id(alarm), None)],
        operation,
        who: who.into(),
        reason: Some("why".into()),
    };
    let mut plan = engine.plan(&request, at(second));
    engine.accept(&plan.changes);
    plan.outcomes.remove(0)
}

#[test]
fn conflict_flash_is_raised_at_once_and_waits_for_a_reset() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    engine.hear(&[flash(&registry, 2, 1)], None);
    assert!(told(&mut engine).is_empty());
    engine.hear(&[flash(&registry, 6, 2)], None);
    assert_eq!(told(&mut engine), ["sig_conflict_flash:sig-1 raise unack"]);
    ask(&mut engine, "sig_conflict_flash:sig-1", Operation::Acknowledge, "an", 5);
    engine.hear(&[flash(&registry, 2, 10)], None);
    // Only after its delay.
    engine.tick(at(69), true);
    assert_eq!(told(&mut engine), ["sig_conflict_flash:sig-1 acknowledge ack"]);
    engine.tick(at(70), true);
    assert_eq!(told(&mut engine), ["sig_conflict_flash:sig-1 clear latch"]);
    ask(&mut engine, "sig_conflict_flash:sig-1", Operation::Reset, "an", 80);
    assert_eq!(told(&mut engine), ["sig_conflict_flash:sig-1 reset norm"]);
    assert!(engine.alarm(&id("sig_conflict_flash:sig-1")).unwrap().is_plain());
}

#[test]
fn what_comes_again_or_late_changes_nothing() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    let (good, bad) = (flash(&registry, 2, 1), flash(&registry, 6, 2));
    engine.hear(&[good.clone(), bad.clone(), bad.clone(), good, bad], None);
    assert_eq!(told(&mut engine), ["sig_conflict_flash:sig-1 raise unack"]);
}

#[test]
fn a_condition_that_is_gone_before_its_delay_raises_nothing() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    let open = |open, second| health(&registry, json!({"door_open": open}), second);
    engine.hear(&[open(true, 0), open(false, 29), open(true, 30)], None);
    engine.tick(at(59), true);
    assert!(told(&mut engine).is_empty());
    // The delay ends between two ticks, and before the message after it.
    engine.hear(&[open(false, 100)], None);
    assert_eq!(told(&mut engine), ["door_open:cab-1 raise unack"]);
    assert_eq!(engine.alarm(&id("door_open:cab-1")).unwrap().status.raised_at, Some(at(60)));
}

#[test]
fn a_value_may_make_it_graver_and_milder_with_a_dead_band() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    let hot = |degrees: f64, second| health(&registry, json!({"temperature_c": degrees}), second);
    engine.hear(&[hot(72.0, 0), hot(72.0, 301)], None);
    assert_eq!(told(&mut engine), ["temp_high:cab-1 raise unack"]);
    ask(&mut engine, "temp_high:cab-1", Operation::Acknowledge, "an", 302);
    engine.hear(&[hot(76.0, 303), hot(74.0, 304), hot(72.9, 305), hot(68.0, 306)], None);
    let happened = told(&mut engine);
    let wanted = ["acknowledge ack", "escalate unack", "ease unack"];
    assert_eq!(happened, wanted.map(|what| format!("temp_high:cab-1 {what}")));
    assert_eq!(engine.alarm(&id("temp_high:cab-1")).unwrap().value, Some(76.0));
}

#[test]
fn a_thousand_losses_behind_one_switch_are_one_alarm_and_all_are_recorded() {
    const CAMERAS: usize = 1_000;
    let registry = registry(CAMERAS);
    let mut engine = begin(&registry);
    let all = |online, second| -> Vec<Admitted> {
        (0..CAMERAS).map(|camera| status(&registry, camera, online, second)).collect()
    };
    engine.hear(&all(true, 0), None);
    engine.hear(&all(false, 10), None);
    assert!(told(&mut engine).is_empty(), "the children wait for their delay");
    engine.tick(at(11), true);
    let happened = told(&mut engine);
    assert_eq!(happened[0], "comm_group_loss:cab-1 raise unack");
    assert_eq!(happened.len(), 1 + CAMERAS);
    let waiting = |engine: &Engine| {
        engine.instances.values().filter(|instance| instance.alarm.is_waiting()).count()
    };
    assert_eq!(waiting(&engine), 1, "one is presented");
    let child = engine.alarm(&id("comm_loss_camera:cam-7")).unwrap();
    assert_eq!(child.parent, Some(id("comm_group_loss:cab-1")));
    assert!(child.status.suppressed.has(Suppression::Parent) && !child.status.presented);
    // All but two come back: those two are shown, the others need no acknowledgement.
    engine.hear(&all(true, 100)[2..], None);
    engine.tick(at(131), true);
    let happened = told(&mut engine);
    assert_eq!(happened.iter().filter(|what| what.ends_with(" clear norm")).count(), CAMERAS - 2);
    assert_eq!(happened.iter().filter(|what| what.ends_with(" unsuppress unack")).count(), 2);
    assert_eq!(waiting(&engine), 3, "two cameras, and the group that returned");
    assert_eq!(happened.len(), 1 + CAMERAS);
}

/// Four cameras behind a cabinet, all lost together.
fn lost_together() -> (Registry, Engine) {
    let registry = registry(4);
    let mut engine = begin(&registry);
    for (online, second) in [(true, 5), (false, 10)] {
        let all = (0..4).map(|camera| status(&registry, camera, online, second));
        engine.hear(&all.collect::<Vec<_>>(), None);
    }
    engine.tick(at(11), true);
    assert_eq!(told(&mut engine)[0], "comm_group_loss:cab-1 raise unack");
    (registry, engine)
}

fn are_shown(engine: &Engine) -> bool {
    (0..4).all(|camera| {
        let child = engine.alarm(&id(&format!("comm_loss_camera:cam-{camera}"))).unwrap();
        child.status.is_presented_now() && child.parent.is_none()
    })
}

#[test]
fn children_of_a_group_that_is_withdrawn_are_shown() {
    let (mut registry, mut engine) = lost_together();
    registry.devices.remove(&Source::parse("cab-1").unwrap());
    engine.register(&registry, at(20));
    let happened = told(&mut engine);
    assert_eq!(happened[0], "comm_group_loss:cab-1 withdraw norm");
    assert_eq!(happened.iter().filter(|what| what.ends_with(" unsuppress unack")).count(), 4);
    assert!(are_shown(&engine));
    // Nor is one that is gone raised again.
    engine.tick(at(60), true);
    assert!(told(&mut engine).is_empty());
}

#[test]
fn children_of_a_group_that_a_restart_does_not_know_are_shown() {
    let (registry, engine) = lost_together();
    let alarms = || -> Vec<Alarm> {
        engine.instances.values().map(|instance| instance.alarm.clone()).collect()
    };
    let known = Known { alarms: alarms(), last_seq: 5, ..Known::default() };
    let mut fewer = registry.clone();
    fewer.devices.remove(&Source::parse("cab-1").unwrap());
    let mut engine = begin_with(&fewer, known, at(100));
    assert!(are_shown(&engine));
    let happened = told(&mut engine);
    assert_eq!(happened[0], "comm_group_loss:cab-1 withdraw norm");
    let known = Known { alarms: alarms(), last_seq: 5, ..Known::default() };
    let mut same = begin_with(&registry, known, at(100));
    assert!(told(&mut same).is_empty(), "the group goes on");
}

#[test]
fn a_few_losses_are_alarms_of_their_own_after_their_delay() {
    let registry = registry(10);
    let mut engine = begin(&registry);
    let all: Vec<Admitted> = (0..10).map(|camera| status(&registry, camera, true, 0)).collect();
    engine.hear(&all, None);
    engine.hear(&[status(&registry, 1, false, 5), status(&registry, 2, false, 6)], None);
    engine.tick(at(20), true);
    assert!(told(&mut engine).is_empty());
    // The others go on telling something, or they would be silent.
    let alive: Vec<Admitted> = (0..10)
        .filter(|camera| ![1, 2].contains(camera))
        .map(|c| status(&registry, c, true, 126))
        .collect();
    engine.hear(&alive, None);
    let raised = ["comm_loss_camera:cam-1 raise unack", "comm_loss_camera:cam-2 raise unack"];
    assert_eq!(told(&mut engine), raised);
}

#[test]
fn silence_counts_only_while_the_hub_listens() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    engine.hear(&[flash(&registry, 2, 1)], None);
    engine.tick(at(31), true);
    engine.tick(at(100), false);
    engine.tick(at(130), true);
    assert!(told(&mut engine).is_empty(), "the hub itself took no messages");
    engine.tick(at(132), true);
    engine.tick(at(192), true);
    assert_eq!(told(&mut engine), ["comm_loss_signal:sig-1 raise unack"]);
    engine.hear(&[flash(&registry, 2, 200)], None);
    engine.tick(at(205), true);
    engine.hear(
        &[flash(&registry, 2, 220), flash(&registry, 2, 245), flash(&registry, 2, 260)],
        None,
    );
    assert_eq!(told(&mut engine), ["comm_loss_signal:sig-1 clear rtnun"]);
}

#[test]
fn an_offline_of_before_the_start_counts_only_after_a_fair_time_to_come_back() {
    let registry = registry(4);
    let mut engine = begin(&registry);
    let all = |online, second| -> Vec<Admitted> {
        (0..4).map(|camera| status(&registry, camera, online, second)).collect()
    };
    // What the broker kept of the time before.
    engine.hear(&all(false, 1), None);
    engine.tick(at(29), true);
    engine.hear(&all(true, 29)[..3], None);
    engine.tick(at(30), true);
    assert!(told(&mut engine).is_empty());
    // One did not come back, and one that did is lost again.
    engine.hear(&[status(&registry, 0, false, 31)], None);
    engine.tick(at(32), true);
    engine.hear(&all(true, 150)[1..3], None);
    engine.tick(at(153), true);
    let lost = ["comm_loss_camera:cam-0 raise unack", "comm_loss_camera:cam-3 raise unack"];
    assert_eq!(told(&mut engine), lost);
    let raised_at = |alarm: &str| engine.alarm(&id(alarm)).unwrap().status.raised_at;
    assert_eq!(raised_at("comm_loss_camera:cam-0"), Some(at(151)));
    assert_eq!(raised_at("comm_loss_camera:cam-3"), Some(at(152)));
}

#[test]
fn what_was_lost_before_a_restart_stays_lost() {
    let registry = registry(2);
    let mut engine = begin(&registry);
    engine.hear(&[status(&registry, 1, true, 0), status(&registry, 1, false, 5)], None);
    engine.tick(at(125), true);
    assert_eq!(told(&mut engine), ["comm_loss_camera:cam-1 raise unack"]);
    let alarms: Vec<Alarm> =
        engine.instances.values().map(|instance| instance.alarm.clone()).collect();
    let known = Known { alarms, last_seq: 1, ..Known::default() };
    let mut engine = begin_with(&registry, known, at(200));
    engine.hear(&[status(&registry, 1, false, 201)], None);
    engine.tick(at(400), true);
    assert!(told(&mut engine).is_empty());
    engine.hear(&[status(&registry, 1, true, 401)], None);
    engine.tick(at(600), true);
    assert_eq!(told(&mut engine)[0], "comm_loss_camera:cam-1 clear rtnun");
}

#[test]
fn a_restart_raises_nothing_anew_and_ends_a_shelving_that_is_over() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    engine.hear(&[flash(&registry, 6, 1), health(&registry, json!({"door_open": true}), 1)], None);
    engine.tick(at(31), true);
    let until = at(600);
    let shelve = Operation::Shelve { until, second: None };
    ask(&mut engine, "door_open:cab-1", shelve, "an", 40);
    let last = told(&mut engine);
    assert_eq!(last.len(), 3);
    let alarms: Vec<Alarm> =
        engine.instances.values().map(|instance| instance.alarm.clone()).collect();
    let known = || Known { alarms: alarms.clone(), last_seq: 3, ..Known::default() };
    let messages = [flash(&registry, 6, 1), health(&registry, json!({"door_open": true}), 1)];
    let mut soon = begin_with(&registry, known(), at(100));
    soon.hear(&messages, None);
    soon.tick(at(125), true);
    assert!(told(&mut soon).is_empty());
    // Hours later: the end of the shelving is told with its own time.
    let mut late = begin_with(&registry, known(), at(9_000));
    let due = late.due(None);
    let (_, change) = &due[0];
    assert_eq!((change.transition.action, change.transition.at), ("unshelve", until));
    assert_eq!(change.transition.seq, 4);
    assert_eq!(told(&mut late), ["door_open:cab-1 unshelve unack"]);
}

#[test]
fn a_delay_goes_on_through_a_restart() {
    let registry = registry(0);
    let open = health(&registry, json!({"door_open": true}), 0);
    let current = [Current {
        message: Arc::clone(&open.accepted.as_ref().unwrap().message),
        payload: open.delivery.payload.clone(),
        received_at: at(0),
    }];
    let begin = |now| {
        Engine::begin(Begin {
            rules: Arc::new(Rules::configured("").unwrap()),
            zone: chrono_tz::Asia::Ho_Chi_Minh,
            free_flow_kmh: HashMap::new(),
            signals: Signals::default(),
            roads: Roads::default(),
            registry: &registry,
            known: Known::default(),
            current: &current,
            heard: &[],
            now,
        })
    };
    let mut soon = begin(at(20));
    assert!(told(&mut soon).is_empty());
    soon.tick(at(30), true);
    assert_eq!(told(&mut soon), ["door_open:cab-1 raise unack"]);
    let mut late = begin(at(45));
    assert_eq!(told(&mut late), ["door_open:cab-1 raise unack"]);
    assert_eq!(late.alarm(&id("door_open:cab-1")).unwrap().status.raised_at, Some(at(30)));
}

#[test]
fn two_operators_at_once_and_an_alarm_that_changed_are_told_apart() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    engine.hear(&[flash(&registry, 6, 1)], None);
    let name = "sig_conflict_flash:sig-1";
    let seen = |occurrence, state| Request {
        alarms: vec![(id(name), Some(Seen { occurrence, state }))],
        operation: Operation::Acknowledge,
        who: "binh".into(),
        reason: None,
    };
    let changed = engine.plan(&seen(1, State::Rtnun), at(2));
    assert!(matches!(changed.outcomes[..], [Outcome::Changed(_)]) && changed.changes.is_empty());
    assert!(matches!(ask(&mut engine, name, Operation::Acknowledge, "an", 3), Outcome::Done(_)));
    let second = engine.plan(&seen(1, State::Unack), at(4));
    let [Outcome::Refused(Refusal::Acknowledged { by, at: when }, _)] = &second.outcomes[..] else {
        panic!("{:?}", second.outcomes)
    };
    assert_eq!((by.as_str(), *when), ("an", at(3)));
    assert!(matches!(ask(&mut engine, "no_such:x", Operation::Reset, "an", 5), Outcome::Unknown));
}

#[test]
fn works_suppress_what_they_expect_while_they_last() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    let works = Works {
        id: 1,
        objects: vec!["cab-1".into()],
        area: None,
        corridor: None,
        codes: Vec::new(),
        from: at(100),
        to: at(200),
        reason: "cable".into(),
        ticket: None,
        by: "an".into(),
        created_at: at(0),
        ended: None,
    };
    engine.plan_works(vec![works], at(0));
    engine.hear(&[health(&registry, json!({"door_open": true, "power": "line"}), 0)], None);
    engine.tick(at(99), true);
    engine.tick(at(100), true);
    engine.hear(&[health(&registry, json!({"door_open": true, "power": "battery"}), 110)], None);
    engine.tick(at(120), true);
    engine.tick(at(200), true);
    let wanted = [
        "door_open:cab-1 raise unack",
        "door_open:cab-1 suppress unack",
        "on_battery:cab-1 raise unack",
        "door_open:cab-1 unsuppress unack",
        "on_battery:cab-1 unsuppress unack",
    ];
    let mut happened = told(&mut engine);
    happened[3..].sort();
    assert_eq!(happened, wanted);
}

#[test]
fn an_alarm_that_comes_and_goes_is_marked_as_chattering_until_it_calms_down() {
    let registry = registry(1);
    let mut engine = begin(&registry);
    let wrong = |ended: bool, begin: i64, second: i64| {
        let mut body = json!({
            "v": 1, "time": at(begin), "boot": 1, "seq": second, "kind": "wrong_way", "zone": "north",
            "confidence": 0.9,
        });
        if ended {
            body["ended"] = json!(at(second));
        }
        message(&registry, "cctv/cam-0/incident", &body, at(second))
    };
    for begin in [0, 20, 40] {
        engine.hear(&[wrong(false, begin, begin + 1), wrong(true, begin, begin + 10)], None);
    }
    let happened = told(&mut engine);
    assert!(
        happened.contains(&"incident_wrong_way:cam-0 chatter unack".to_owned()),
        "{happened:?}"
    );
    assert!(engine.alarm(&id("incident_wrong_way:cam-0")).unwrap().chattering);
    assert_eq!(engine.alarm(&id("incident_wrong_way:cam-0")).unwrap().status.count, 3);
    engine.tick(at(41 + 600), true);
    assert!(!engine.alarm(&id("incident_wrong_way:cam-0")).unwrap().chattering);
}

#[test]
fn a_flood_is_told_and_hides_low_priorities_until_it_is_over() {
    let registry = registry(40);
    let mut engine = begin(&registry);
    let body = |camera: usize, reachable: bool, second: i64| {
        let body = json!({
            "v": 1, "time": at(second), "boot": 1, "seq": second,
            "camera": {"reachable": reachable},
        });
        message(&registry, &format!("cctv/cam-{camera}/health"), &body, at(second))
    };
    let all: Vec<Admitted> = (0..11).map(|camera| body(camera, false, 0)).collect();
    engine.hear(&all, None);
    engine.tick(at(60), true);
    let happened = told(&mut engine);
    assert_eq!(happened.last().map(String::as_str), Some("alarm_flood:hub:alarms raise unack"));
    assert_eq!(happened.len(), 12);
    // Priority 4 is recorded and not shown.
    let drift = |second| {
        let mut body = json!({"v": 1, "time": at(second), "boot": 1, "seq": second});
        body["clock"] = json!({"source": "ntp", "offset_ms": 900});
        message(&registry, "cabinet/cab-1/health", &body, at(second))
    };
    engine.hear(&[drift(61)], None);
    engine.tick(at(362), true);
    let low = engine.alarm(&id("clock_drift:cab-1")).unwrap();
    assert!(low.status.suppressed.has(Suppression::Flood));
    engine.tick(at(700), true);
    engine.tick(at(900), true);
    let low = engine.alarm(&id("clock_drift:cab-1")).unwrap();
    assert!(low.status.suppressed.is_empty() && low.status.state == State::Unack);
}

#[test]
fn a_detector_is_an_alarm_of_its_own_and_many_are_one_of_their_station() {
    let mut registry = registry(0);
    let mut station = device("vds-1", Service::Vds, None);
    for lane in 1..=4 {
        station.detectors.insert(ioc_ingest::interval::Place::Lane(lane), i32::from(lane));
    }
    registry.devices.insert(station.source.clone(), Arc::new(station));
    let mut engine = begin(&registry);
    let detector = |lane: u8, check: &str, bad| Input::Detector {
        source: Source::parse("vds-1").unwrap(),
        place: format!("lane/{lane}").into(),
        check: check.into(),
        bad,
        since: at(0),
    };
    for input in [detector(3, "Q05", true), detector(3, "Q05", true), detector(3, "Q08", true)] {
        engine.inform(&input, at(1));
    }
    assert_eq!(told(&mut engine), ["det_failed:vds-1/lane/3 raise unack"]);
    let alarm = engine.alarm(&id("det_failed:vds-1/lane/3")).unwrap();
    assert_eq!((alarm.why.as_deref(), alarm.service), (Some("Q05"), Some(Service::Vds)));
    engine.inform(&detector(1, "Q03", true), at(2));
    engine.tick(at(602), true);
    let happened = told(&mut engine);
    assert!(happened.contains(&"det_group_bad:vds-1 raise unack".to_owned()), "{happened:?}");
    for input in [detector(3, "Q05", false), detector(3, "Q08", false)] {
        engine.inform(&input, at(700));
    }
    engine.tick(at(760), true);
    assert_eq!(told(&mut engine), ["det_failed:vds-1/lane/3 clear rtnun"]);
}

#[test]
fn what_was_bad_before_a_restart_and_is_not_told_again_clears() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    let bad = Input::Detector {
        source: Source::parse("vds-1").unwrap(),
        place: "lane/3".into(),
        check: "Q05".into(),
        bad: true,
        since: at(0),
    };
    engine.inform(&bad, at(1));
    let alarms: Vec<Alarm> =
        engine.instances.values().map(|instance| instance.alarm.clone()).collect();
    let known = Known { alarms, last_seq: 1, ..Known::default() };
    let mut engine = begin_with(&registry, known, at(100));
    engine.tick(at(300), true);
    assert!(told(&mut engine).is_empty(), "until the checks have told what is bad");
    engine.inform(&Input::DetectorsTold, at(301));
    engine.tick(at(361), true);
    assert_eq!(told(&mut engine), ["det_failed:vds-1/lane/3 clear rtnun"]);
}

#[test]
fn a_device_that_is_retired_has_no_alarms() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    engine.hear(&[flash(&registry, 6, 1)], None);
    let mut fewer = registry.clone();
    fewer.devices.remove(&Source::parse("sig-1").unwrap());
    engine.register(&fewer, at(2));
    let wanted = ["sig_conflict_flash:sig-1 raise unack", "sig_conflict_flash:sig-1 withdraw norm"];
    assert_eq!(told(&mut engine), wanted);
}

#[test]
fn figures_of_the_hub_are_judged_like_everything_else() {
    let mut engine = begin(&registry(0));
    let spool = |share| Input::Figure {
        object: "hub:spool".into(),
        field: Field::SpoolShare,
        value: Some(share),
    };
    for (second, share) in [(0, 0.4), (1, 0.6), (2, 0.95), (3, 0.45), (4, 0.3)] {
        engine.inform(&spool(share), at(second));
    }
    engine.tick(at(40), true);
    let wanted = ["raise unack", "escalate unack", "ease unack", "clear rtnun"];
    assert_eq!(told(&mut engine), wanted.map(|what| format!("spool_filling:hub:spool {what}")));
    let unknown = Input::Figure { object: "hub:disk".into(), field: Field::DiskFree, value: None };
    engine.inform(&unknown, at(50));
    assert!(told(&mut engine).is_empty());
}

#[test]
fn a_shelved_alarm_that_becomes_critical_is_shown_unless_two_agreed() {
    let escalated = |second: Option<&str>, minutes: i64| {
        let mut engine = begin(&registry(0));
        let spool = |share| Input::Figure {
            object: "hub:spool".into(),
            field: Field::SpoolShare,
            value: Some(share),
        };
        engine.inform(&spool(0.6), at(0));
        let until = at(minutes * 60);
        let shelve = Operation::Shelve { until, second: second.map(str::to_owned) };
        ask(&mut engine, "spool_filling:hub:spool", shelve, "an", 1);
        told(&mut engine);
        engine.inform(&spool(0.95), at(2));
        told(&mut engine)
    };
    let shown = ["escalate unack", "unshelve unack"];
    let shown = shown.map(|what| format!("spool_filling:hub:spool {what}"));
    assert_eq!(escalated(None, 30), shown);
    assert_eq!(escalated(Some("chi"), 480), shown, "longer than priority 1 may be");
    assert_eq!(escalated(Some("chi"), 60), shown[..1]);
}

#[test]
fn an_alarm_has_the_area_in_which_its_object_is_when_it_is_raised() {
    let mut registry = registry(0);
    let mut engine = begin(&registry);
    let area = |engine: &Engine| {
        let alarm = engine.alarm(&id("sig_conflict_flash:sig-1")).unwrap();
        alarm.area.as_deref().map(str::to_owned)
    };
    engine.hear(&[flash(&registry, 6, 1), flash(&registry, 2, 2)], None);
    engine.tick(at(70), true);
    assert_eq!(area(&engine).as_deref(), Some("gso:1"));
    let moved = Device { area: Some("gso:2".into()), ..device("sig-1", Service::Signal, None) };
    registry.devices.insert(moved.source.clone(), Arc::new(moved));
    engine.register(&registry, at(80));
    engine.hear(&[flash(&registry, 6, 90)], None);
    assert_eq!(area(&engine).as_deref(), Some("gso:2"));
}

#[test]
fn the_first_alarm_at_a_place_is_marked() {
    let registry = registry(2);
    let mut engine = begin(&registry);
    engine.hear(&[health(&registry, json!({"battery_pct": 10}), 0)], None);
    let body = json!({
        "v": 1, "time": at(1), "boot": 1, "seq": 1, "kind": "wrong_way", "zone": "north",
        "confidence": 0.9,
    });
    engine.hear(&[message(&registry, "cctv/cam-1/incident", &body, at(1))], None);
    assert!(engine.alarm(&id("batt_low:cab-1")).unwrap().first_out);
    assert!(!engine.alarm(&id("incident_wrong_way:cam-1")).unwrap().first_out);
}

#[test]
fn changes_wait_for_their_messages_through_batch_and_spool() {
    let registry = registry(0);
    let mut engine = begin(&registry);
    engine.hear(&[flash(&registry, 2, 1), flash(&registry, 6, 2)], None);
    assert!(engine.due_alone().is_empty() && engine.waits_for_messages());
    assert_eq!(engine.due(None)[0].0, Some(1));
    assert!(engine.show().is_empty(), "not before it is durable");
    engine.spooled(40);
    assert_eq!(engine.show().len(), 1);
    assert!(!engine.is_all_stored());
    assert!(engine.due(Some(41)).is_empty());
    assert_eq!(engine.due(Some(42)).len(), 1);
    assert!(engine.stored(1).is_empty() && engine.is_all_stored());
}

/// Prints what a message costs; the target is a few microseconds.
#[test]
fn a_message_costs_little() {
    let registry = registry(1_000);
    let mut engine = begin(&registry);
    let reports = |round: i64| -> Vec<Admitted> {
        (0..1_000)
            .map(|camera| {
                let second = round * 30;
                let body = json!({
                    "v": 1, "time": at(second), "boot": 1, "seq": round, "power": "line",
                    "temperature_c": 41.5, "mains_v": 221.0,
                    "network": {"rtt_ms": 12, "loss_pct": 0.0},
                    "camera": {"reachable": true, "stream": "ok", "freeze_s": 0, "dark": 0.1,
                        "recording": true, "disk_pct": 40},
                });
                message(&registry, &format!("cctv/cam-{camera}/health"), &body, at(second))
            })
            .collect()
    };
    let rounds: Vec<Vec<Admitted>> = (1..=20).map(reports).collect();
    let begun = std::time::Instant::now();
    for items in &rounds {
        engine.hear(items, None);
        engine.batch_done(items.len());
    }
    let per_message_us = begun.elapsed().as_secs_f64() * 1e6 / 20_000.0;
    let begun = std::time::Instant::now();
    for second in 601..621 {
        engine.tick(at(second), true);
    }
    let per_tick_us = begun.elapsed().as_secs_f64() * 1e6 / 20.0;
    let share_pct = (316.0 * per_message_us + 4.0 * per_tick_us) / 1e4;
    eprintln!(
        "{per_message_us:.1} us a message, {per_tick_us:.0} us a tick, \
         {share_pct:.2} % of a core at 316 messages and 4 ticks a second"
    );
    assert!(told(&mut engine).is_empty());
}
