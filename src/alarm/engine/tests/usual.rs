//! Occupancy far above what is usual at the time of the week.

use super::*;
use crate::{
    alarm::usual::UsualHour,
    measure::usual::{Hour, Usual},
};

const UNUSUAL: &str = "aid_snd:vds-1";

/// One collection period of this length that begins at this second.
fn period(registry: &Registry, (second, length_s): (i64, i64), occupancy: f64) -> Admitted {
    let lanes = json!([{"lane": 1, "occupancy": occupancy}, {"lane": 2, "occupancy": occupancy}]);
    let body = json!({
        "v": 1, "time": at(second), "boot": 1, "seq": second + 1_000, "duration_s": length_s, "lanes": lanes,
    });
    message(registry, "vds/vds-1/interval", &body, at(second + length_s))
}

/// 0.10 +- 0.03 is usual in the first hour of these tests.
fn hours() -> [Arc<UsualHour>; 1] {
    let usual: Hour = [Some(Usual { mean: 0.10, deviation: 0.03 }); 12];
    let hour = at(0).timestamp() / 3_600;
    [Arc::new(UsualHour { hour, stations: HashMap::from([("vds-1".into(), usual)]) })]
}

fn begun(registry: &Registry) -> Engine {
    let mut engine = begin(registry);
    engine.know_usual(&hours());
    engine
}

#[test]
fn two_means_of_five_minutes_above_three_deviations_are_told_and_their_end_is() {
    let registry = registry(0);
    let mut engine = begun(&registry);
    let five = |second, occupancy| period(&registry, (second, 300), occupancy);
    engine.hear(&[five(0, 0.12), five(300, 0.22), five(600, 0.21)], None);
    // The second one was told at 900; the delay ends half a minute later.
    engine.tick(at(929), true);
    assert!(told(&mut engine).is_empty());
    engine.tick(at(930), true);
    assert_eq!(told(&mut engine), [format!("{UNUSUAL} raise unack")]);
    let alarm = engine.alarm(&id(UNUSUAL)).unwrap();
    assert!(alarm.value.is_some_and(|value| (3.6..4.1).contains(&value)), "{:?}", alarm.value);
    assert_eq!((alarm.limit, alarm.why.as_deref()), (Some(3.0), Some("traffic.unusual")));
    // 0.17 lies 2.3 deviations above: within the dead-band. 0.15 does not.
    engine.hear(&[five(900, 0.17), five(1_200, 0.15)], None);
    engine.tick(at(1_799), true);
    assert!(told(&mut engine).is_empty());
    engine.tick(at(1_800), true);
    assert_eq!(told(&mut engine), [format!("{UNUSUAL} clear rtnun")]);
}

#[test]
fn one_mean_alone_or_short_peaks_raise_nothing() {
    let registry = registry(0);
    let mut engine = begun(&registry);
    let five = |second, occupancy| period(&registry, (second, 300), occupancy);
    engine.hear(&[five(0, 0.5), five(300, 0.10), five(600, 0.5), five(900, 0.10)], None);
    engine.tick(at(1_500), true);
    assert!(told(&mut engine).is_empty());
    // Half of the periods of 30 s are full at a red light: 0.15 on average.
    let mut engine = begun(&registry);
    for n in 0..60 {
        let occupancy = if n % 2 == 0 { 0.30 } else { 0.0 };
        engine.hear(&[period(&registry, (n * 30, 30), occupancy)], None);
    }
    engine.tick(at(1_850), true);
    assert!(told(&mut engine).is_empty());
}

#[test]
fn without_history_and_with_a_failed_lane_nothing_is_told() {
    let mut registry = registry(0);
    let minutes = |engine: &mut Engine, registry: &Registry| {
        for minute in 0..20 {
            engine.hear(&[period(registry, (minute * 60, 60), 0.9)], None);
        }
        let of = |what: &String| what.starts_with("aid_snd");
        told(engine).into_iter().filter(of).count()
    };
    let mut engine = begin(&registry);
    assert_eq!(minutes(&mut engine, &registry), 0, "nothing is known");
    engine.know_usual(&[]);
    assert_eq!(minutes(&mut begun(&registry), &registry), 1);
    let station =
        Arc::make_mut(registry.devices.get_mut(&Source::parse("vds-1").unwrap()).unwrap());
    for lane in 1..=3 {
        station.detectors.insert(ioc_ingest::interval::Place::Lane(lane), i32::from(lane));
    }
    let mut engine = begun(&registry);
    let failed = Input::Detector {
        source: Source::parse("vds-1").unwrap(),
        place: "lane/1".into(),
        check: "Q07".into(),
        bad: true,
        since: at(0),
    };
    engine.inform(&failed, at(0));
    assert_eq!(minutes(&mut engine, &registry), 0, "a lane failed");
    assert_eq!(minutes(&mut begun(&registry), &registry), 1);
}

#[test]
fn the_time_of_the_measurement_counts_and_what_no_rule_asks_for_is_not_kept() {
    let registry = registry(0);
    let mut engine = begun(&registry);
    // Measured before the hour of which something is known, received in it.
    let late = period(&registry, (-600, 300), 0.9);
    engine.hear(&[late, period(&registry, (-300, 300), 0.9)], None);
    engine.tick(at(400), true);
    assert!(engine.alarm(&id(UNUSUAL)).is_none());
    let silent = |engine: &Engine, source| {
        engine.object(engine.by_name[source]).unwrap().facts.lately.is_none()
    };
    assert!(!silent(&engine, "vds-1") && silent(&engine, "sig-1"));
}
