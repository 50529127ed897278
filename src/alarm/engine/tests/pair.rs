//! Rules about two stations on a motorway, switched on as an administrator does.

use ioc_ingest::interval::{Direction, Place};

use super::*;
use crate::registry::Lane;

/// The rules with this one switched on.
fn switched_on(code: &str) -> Rules {
    let mut text = crate::alarm::rule::DEFAULT.to_owned();
    let rule = text.find(&format!("code = \"{code}\"")).unwrap();
    let from = rule + text[rule..].find("enabled = false").unwrap();
    let to = from + text[from..].find("source =").unwrap();
    text.replace_range(from..to, "");
    Rules::read(&text).unwrap()
}

/// Three stations one kilometre apart, each with a lane forward and one back. The demonstration's corridors
/// stand for a motorway.
fn motorway() -> (Registry, Roads) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
    let city = crate::city::City::load(&folder).unwrap();
    let corridor = &city.corridors[0];
    let first = corridor.line.0[0];
    let ahead = corridor.line.0.iter().find(|c| (c.x - first.x).hypot(c.y - first.y) > 0.02);
    let ahead = ahead.copied().unwrap();
    let mut registry = Registry::default();
    let mut lanes = HashMap::new();
    for (number, id) in (1_u8..=3).zip([10, 20, 30]) {
        let share = f64::from(number) * 0.3;
        let mut station = device(&format!("vds-{number}"), Service::Vds, None);
        station.position =
            Some((first.x + (ahead.x - first.x) * share, first.y + (ahead.y - first.y) * share));
        station.corridor = Some(corridor.id.as_str().into());
        station.detectors = HashMap::from([(Place::Lane(1), id), (Place::Lane(2), id + 1)]);
        for (id, direction) in [(id, Direction::Forward), (id + 1, Direction::Reverse)] {
            lanes.insert(id, Lane { direction: Some(direction), ..Lane::default() });
        }
        registry.devices.insert(station.source.clone(), Arc::new(station));
    }
    registry.lanes = Arc::new(lanes);
    (registry, Roads::of(&city))
}

struct Road {
    registry: Registry,
    engine: Engine,
    code: &'static str,
    length_s: i64,
}

impl Road {
    fn begin(code: &'static str, length_s: i64) -> Self {
        let (registry, roads) = motorway();
        let engine = Engine::begin(Begin {
            rules: Arc::new(switched_on(code)),
            zone: chrono_tz::Asia::Ho_Chi_Minh,
            free_flow_kmh: HashMap::new(),
            signals: Signals::default(),
            roads,
            registry: &registry,
            known: Known::default(),
            current: &[],
            heard: &[],
            now: at(0),
        });
        Self { registry, engine, code, length_s }
    }

    /// One period: occupancy and speed of the lane forward at each station; back it is always calm.
    fn hear(&mut self, number: i64, forward: [(f64, f64); 3]) -> Vec<String> {
        let begin = number * self.length_s;
        for (station, (occupancy, speed)) in (1..).zip(forward) {
            let lanes = json!([
                {"lane": 1, "count": 20, "occupancy": occupancy, "speed_kmh": speed},
                {"lane": 2, "count": 20, "occupancy": 0.08, "speed_kmh": 90.0},
            ]);
            let body = json!({
                "v": 1, "time": at(begin), "boot": 1, "seq": number, "duration_s": self.length_s,
                "lanes": lanes,
            });
            let topic = format!("vds/vds-{station}/interval");
            let told = message(&self.registry, &topic, &body, at(begin + self.length_s));
            self.engine.hear(&[told], None);
        }
        let is_its = |what: &String| what.starts_with(self.code);
        told(&mut self.engine).into_iter().filter(is_its).collect()
    }

    /// So many periods that are alike, from this number on.
    fn all(&mut self, numbers: std::ops::Range<i64>, forward: [(f64, f64); 3]) -> Vec<String> {
        numbers.flat_map(|number| self.hear(number, forward)).collect()
    }
}

#[test]
fn an_incident_between_two_stations_is_told_of_the_one_upstream_until_it_is_over() {
    let mut road = Road::begin("aid_california", 30);
    let free = (0.10, 90.0);
    assert!(road.all(0..4, [free; 3]).is_empty());
    // Behind the second station the road is blocked: it fills up, and the third empties by 20 %.
    let blocked = [free, (0.25, 30.0), (0.08, 90.0)];
    assert!(road.all(4..6, blocked).is_empty(), "the delay lasts two periods");
    assert_eq!(road.all(6..20, blocked), ["aid_california:vds-2 raise unack"]);
    let alarm = road.engine.alarm(&id("aid_california:vds-2")).unwrap();
    assert_eq!(alarm.why.as_deref(), Some("pair.incident=vds-3"));
    assert!(alarm.value.is_some_and(|value| (value - 0.17).abs() < 1e-9), "{:?}", alarm.value);
    assert_eq!(road.all(20..24, [free; 3]), ["aid_california:vds-2 clear rtnun"]);
}

#[test]
fn a_jam_at_both_stations_or_one_without_a_drop_is_no_incident() {
    let mut road = Road::begin("aid_california", 30);
    let (free, full) = ((0.10, 90.0), (0.40, 20.0));
    assert!(road.all(0..4, [free; 3]).is_empty());
    assert!(road.all(4..12, [full, full, full]).is_empty());
    // The first fills up, and the second stays as it was.
    let mut road = Road::begin("aid_california", 30);
    assert!(road.all(0..4, [free; 3]).is_empty());
    assert!(road.all(4..12, [full, free, free]).is_empty());
    // The difference is 8 % at a drop of 15 %: exactly T1 and T3; one digit less is not.
    let mut road = Road::begin("aid_california", 30);
    assert!(road.all(0..4, [free; 3]).is_empty());
    assert!(road.all(4..12, [free, (0.165, 40.0), (0.0855, 90.0)]).is_empty());
    let mut road = Road::begin("aid_california", 30);
    assert!(road.all(0..4, [free; 3]).is_empty());
    assert_eq!(road.all(4..12, [free, (0.165, 40.0), (0.085, 90.0)]).len(), 1);
}

#[test]
fn a_bottleneck_in_five_of_seven_bins_is_told_and_its_end_is() {
    let mut road = Road::begin("bottleneck", 300);
    let (free, slow, fast) = ([(0.1, 90.0); 3], (0.3, 40.0), (0.1, 90.0));
    let bottleneck = [fast, slow, fast];
    assert!(road.all(0..7, free).is_empty());
    assert!(road.all(7..11, bottleneck).is_empty());
    assert!(road.all(11..16, free).is_empty(), "four of seven");
    assert!(road.all(16..18, bottleneck).is_empty());
    assert!(road.all(18..19, free).is_empty());
    // Five of seven once the last of them is over.
    assert!(road.all(19..22, bottleneck).is_empty());
    assert_eq!(road.all(22..23, free), ["bottleneck:vds-2 raise unack"]);
    let alarm = road.engine.alarm(&id("bottleneck:vds-2")).unwrap();
    assert_eq!((alarm.value, alarm.why.as_deref()), (Some(5.0), Some("pair.bottleneck=vds-3")));
    assert_eq!(road.all(23..32, free), ["bottleneck:vds-2 clear rtnun"]);
    // A queue whose tail is here is slow downstream: that is no bottleneck of this station.
    let mut road = Road::begin("bottleneck", 300);
    assert!(road.all(0..12, [fast, fast, slow]).is_empty());
}

#[test]
fn a_sharp_slow_down_for_three_periods_of_30_seconds_is_told() {
    let mut road = Road::begin("vsa_like", 30);
    let (free, slow) = ((0.1, 100.0), (0.3, 50.0));
    assert!(road.all(0..4, [free; 3]).is_empty());
    assert!(road.all(4..6, [free, free, slow]).is_empty());
    assert!(road.all(6..10, [free; 3]).is_empty(), "two periods are too few");
    assert_eq!(road.all(10..14, [free, free, slow]), ["vsa_like:vds-2 raise unack"]);
    let alarm = road.engine.alarm(&id("vsa_like:vds-2")).unwrap();
    assert_eq!(alarm.why.as_deref(), Some("pair.slowdown=vds-3"));
    assert!(alarm.value.is_some_and(|value| value < -2_414.0), "{:?}", alarm.value);
    // All slow: nobody brakes there any more.
    assert_eq!(road.all(14..20, [slow; 3]), ["vsa_like:vds-2 clear rtnun"]);
}

#[test]
fn where_no_rule_asks_for_pairs_nothing_is_kept_of_them() {
    let (registry, roads) = motorway();
    let with = |rules| {
        let engine = Engine::begin(Begin {
            rules: Arc::new(rules),
            zone: chrono_tz::Asia::Ho_Chi_Minh,
            free_flow_kmh: HashMap::new(),
            signals: Signals::default(),
            roads: roads.clone(),
            registry: &registry,
            known: Known::default(),
            current: &[],
            heard: &[],
            now: at(0),
        });
        engine.objects.iter().filter(|object| object.facts.station.is_some()).count()
    };
    assert_eq!(with(Rules::configured("").unwrap()), 0);
    assert_eq!(with(switched_on("bottleneck")), 3);
}
