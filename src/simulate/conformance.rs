//! The simulated city against the contract: hours of it pass in a moment, and every message goes
//! through the decoder that the hub uses.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

use chrono::NaiveDate;
use ioc_ingest::{
    Contract, Envelope, Fact, Message, Service, Source, Stream, Word, decode,
    dossier::{LimitUnit, TimeLimit},
    interval::{Direction, Place, ZoneKind},
    metric::Bound,
    signal::GroupKind,
    ticket::Channel,
};

use super::{
    Broker, SimulateOptions, SimulateStats,
    calendar::{HOUR_MS, utc},
    publisher::{Duty, Outgoing, Work},
    roster, wire,
};
use crate::city::{
    Audience, City, DeskHistory, Detector, Device, Formality, FormalityLevel, LaneClass, Mark,
    MetricDefinition, OnlineLevel, PublishedFigure, SignalGroup, TicketCategory, Unit, UnitKind,
};

/// Monday, 2 March 2026, 06:00 in Can Tho.
const START_MS: i64 = 1_772_384_400_000 + 6 * HOUR_MS;

fn source(text: &str) -> Source {
    Source::parse(text).unwrap()
}

fn device(name: &str, service: Service) -> Device {
    Device {
        source: source(name),
        service,
        name_vi: name.to_owned(),
        name_en: name.to_owned(),
        lon: Some(105.78),
        lat: Some(10.03),
        corridor: Some("ql91".to_owned()),
        parent: None,
        period_ms: None,
        groups: Vec::new(),
        detectors: Vec::new(),
        simulated: true,
        area: None,
    }
}

fn detector(place: Place, kind: Option<ZoneKind>, lane_class: LaneClass) -> Detector {
    let direction = Direction::Forward;
    let name = || place.to_string();
    let (name_vi, name_en) = (name(), name());
    Detector { place, kind, direction, name_vi, name_en, lane_class, free_flow_kmh: 45 }
}

fn devices(number: usize) -> Vec<Device> {
    let groups = |kind, numbers: [u8; 4]| numbers.map(|group| SignalGroup { kind, group });
    let zone =
        |name: &str, kind| detector(Place::Zone(name.into()), Some(kind), LaneClass::Arterial);
    let lane = |(number, class)| detector(Place::Lane(number), None, class);
    let lanes = [
        (1, LaneClass::Motorcycle),
        (2, LaneClass::Arterial),
        (3, LaneClass::CarOnly),
        (4, LaneClass::Local),
    ];
    let of = |n: usize| {
        let cabinet = device(&format!("cab-{n:03}"), Service::Cabinet);
        let signal = Device {
            period_ms: Some(10_000),
            parent: Some(cabinet.source.clone()),
            groups: [
                groups(GroupKind::Vehicle, [2, 4, 6, 8]),
                groups(GroupKind::Pedestrian, [2, 4, 6, 8]),
            ]
            .concat(),
            ..device(&format!("sig-{n:03}"), Service::Signal)
        };
        let station = Device {
            period_ms: Some(30_000),
            detectors: lanes.map(lane).to_vec(),
            ..device(&format!("vds-{n:03}"), Service::Vds)
        };
        let camera = Device {
            period_ms: Some(60_000),
            detectors: vec![zone("north-in", ZoneKind::Line), zone("north-queue", ZoneKind::Area)],
            ..device(&format!("cam-{n:03}"), Service::Cctv)
        };
        [cabinet, signal, station, camera]
    };
    let systems = [
        device("desk-1022", Service::Desk),
        device("onestop", Service::Onestop),
        device("egov", Service::Metric),
    ];
    (0..number).flat_map(of).chain(systems).collect()
}

fn date(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap()
}

/// One formality in hours with a fee, one in working days without.
fn formalities() -> Vec<Formality> {
    let row = |code: &str, limit, has_fee| Formality {
        code: code.to_owned(),
        valid_from: date(2021, 1),
        valid_to: None,
        name_vi: "Chứng thực bản sao".to_owned(),
        name_en: "Certified copy".to_owned(),
        field: Some("certification".to_owned()),
        level: FormalityLevel::Commune,
        sector: None,
        unit: None,
        announced_on: None,
        effective_on: None,
        published_on: None,
        complete_parts: Some(true),
        eligible_full: Some(true),
        online_level: OnlineLevel::Full,
        has_fee: Some(has_fee),
        npsp_linked: Some(true),
        requires_paper_result: Some(true),
        audience: Some(Audience::Both),
        limit: Some(limit),
        mark: Mark::Demonstration,
        source: "test".to_owned(),
    };
    vec![
        row("9.000001", TimeLimit { value: 8, unit: LimitUnit::Hour }, true),
        row("9.000002", TimeLimit { value: 5, unit: LimitUnit::WorkingDay }, false),
    ]
}

pub(crate) fn city(devices: Vec<Device>) -> City {
    let metric = MetricDefinition {
        name: "meetings_online".to_owned(),
        name_vi: "Cuộc họp trực tuyến".to_owned(),
        name_en: "Online meetings".to_owned(),
        unit_of_measure: "meetings".to_owned(),
        min: 0.0,
        max: None,
        bounds: vec![Bound::Exact],
        labels: Vec::new(),
        feed: source("egov"),
        period_ms: Some(600_000),
        since: date(2020, 1),
        until: None,
        typical: Some([2.0, 9.0]),
        mark: Mark::Demonstration,
        source: "test".to_owned(),
    };
    let unit = Unit {
        code: "gso:92".to_owned(),
        kind: UnitKind::City,
        name_vi: "Cần Thơ".to_owned(),
        name_en: "Can Tho".to_owned(),
        parent: None,
        valid_from: date(2004, 1),
        valid_to: None,
        mark: Mark::Verified,
        source: "test".to_owned(),
    };
    City {
        token: "can-tho".to_owned(),
        name_vi: "Cần Thơ".to_owned(),
        name_en: "Can Tho".to_owned(),
        time_zone: chrono_tz::Asia::Ho_Chi_Minh,
        bounds: [105.0, 9.0, 106.0, 11.0],
        center: [105.78, 10.03],
        zoom: 11.0,
        demonstration: true,
        agency_code: "H13".to_owned(),
        agency_code_verified: false,
        notes: Vec::new(),
        desk_history: Some(DeskHistory {
            from: date(2021, 4),
            to: date(2021, 12),
            received: 8011,
            handled: 7863,
            in_process: 148,
            channels_pct: vec![(Channel::Hotline, 60), (Channel::Web, 40)],
            source: "test".to_owned(),
        }),
        units: vec![
            unit.clone(),
            Unit { code: "gso:31135".to_owned(), kind: UnitKind::Ward, ..unit },
        ],
        successions: Vec::new(),
        areas: Vec::new(),
        corridors: Vec::new(),
        rivers: Vec::new(),
        places: Vec::new(),
        devices,
        metrics: vec![metric],
        published: vec![PublishedFigure {
            metric: "meetings_online".to_owned(),
            date: date(2021, 12),
            value: 660.0,
            bound: Bound::AtLeast,
            unit: "gso:92".to_owned(),
            labels: Vec::new(),
            source: "test".to_owned(),
        }],
        categories: vec![TicketCategory {
            token: "public-lighting".to_owned(),
            name_vi: "Chiếu sáng công cộng".to_owned(),
            name_en: "Public lighting".to_owned(),
            public_space: true,
        }],
        formalities: formalities(),
        services: Vec::new(),
        plans: Vec::new(),
        presence: Vec::new(),
        displays: Vec::new(),
        warnings: Vec::new(),
    }
}

fn options(number: usize, backfill: bool) -> SimulateOptions {
    let city = Arc::new(city(devices(number)));
    SimulateOptions { backfill, ..SimulateOptions::new(Broker::new("127.0.0.1", 1), city) }
}

/// Everything published in `hours`, with the simulated instant of its sending.
fn published(options: &SimulateOptions, hours: i64) -> Vec<(i64, Outgoing)> {
    let stats = Arc::new(SimulateStats::default());
    let mut publishers = roster::publishers(options, START_MS, &stats);
    let mut heap: BinaryHeap<Reverse<(i64, usize, Duty)>> =
        (0..publishers.len()).map(|index| Reverse((START_MS, index, Duty::Hello))).collect();
    let mut sent = Vec::new();
    while let Some(Reverse((due_ms, index, duty))) = heap.pop() {
        if due_ms >= START_MS + hours * HOUR_MS {
            break;
        }
        let mut work = Work::default();
        publishers[index].perform(duty, due_ms, due_ms, &mut work);
        sent.extend(work.messages.into_iter().map(|message| (due_ms, message)));
        heap.extend(work.duties.into_iter().map(|(at, duty)| Reverse((at, index, duty))));
    }
    sent
}

fn decoded(sent: &[(i64, Outgoing)]) -> Vec<(i64, bool, Message)> {
    let personal_keys = vec!["name".to_owned(), "phone".to_owned(), "address".to_owned()];
    let contract = Contract { city: "can-tho".to_owned(), personal_keys };
    let decode = |(at, message): &(i64, Outgoing)| {
        let found = decode(&contract, &message.topic, message.payload.as_bytes())
            .unwrap_or_else(|reject| panic!("{reject}: {} {}", message.topic, message.payload));
        assert_eq!(found.refused, [], "{}", message.payload);
        assert!(message.payload.len() < 16_384, "{} bytes", message.payload.len());
        (*at, message.retain, found)
    };
    sent.iter().map(decode).collect()
}

#[test]
fn every_message_of_two_hours_with_faults_decodes_and_comes_when_it_may() {
    let messages = decoded(&published(&options(12, false), 2));
    let mut seen = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for (at_ms, retained, message) in &messages {
        let Stream::Status = message.topic.stream else {
            let envelope = message.envelope.unwrap();
            assert!(envelope.time <= utc(*at_ms), "{message:?}");
            let name = (message.topic.to_text("can-tho"), envelope.boot, envelope.seq);
            assert!(numbers.insert(name.clone()), "{name:?} twice");
            *seen.entry(message.topic.stream.as_str()).or_insert(0_u32) += 1;
            let keeps = matches!(message.topic.stream, Stream::State | Stream::Health);
            assert_eq!(*retained, keeps);
            if let Fact::Interval(interval) = &message.fact {
                let (start, duration) =
                    (envelope.time.timestamp_millis(), i64::from(interval.duration_ms));
                assert_eq!(start % duration, 0, "aligned to UTC");
                assert!(start + duration <= *at_ms, "sent after its end");
            }
            continue;
        };
        assert!(retained);
    }
    let kinds: Vec<_> = seen.keys().copied().collect();
    let field = ["events", "health", "interval", "sample", "state"];
    let systems = ["assessment", "call", "document", "dossier", "petition", "ticket"];
    assert_eq!(BTreeSet::from_iter(kinds), BTreeSet::from_iter([&field[..], &systems].concat()));
}

#[test]
fn the_rate_per_controller_is_that_of_the_design_point() {
    let messages = decoded(&published(&options(5, false), 1));
    let rate = |stream| {
        let count = messages.iter().filter(|(_, _, found)| found.topic.stream == stream).count();
        f64::from(u32::try_from(count).unwrap()) / 3600.0 / 5.0
    };
    assert!((0.1..0.45).contains(&rate(Stream::State)), "{} states/s", rate(Stream::State));
    assert!((0.3..1.0).contains(&rate(Stream::Events)), "{} batches/s", rate(Stream::Events));
}

#[test]
fn outages_are_replayed_late_with_their_own_seq_and_boots_grow() {
    let mut options = options(150, false);
    options.devices.retain(|device| device.service == Service::Vds);
    let messages = decoded(&published(&options, 4));
    let (mut late, mut offline) = (0, 0);
    let mut boots: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    let mut seqs: BTreeMap<(String, u32), BTreeSet<u64>> = BTreeMap::new();
    for (at_ms, _, message) in &messages {
        match message.fact {
            Fact::Status(status) => {
                offline += u32::from(!status.online);
                boots.entry(message.topic.source.to_string()).or_default().insert(status.boot);
            }
            Fact::Interval(_) => {
                let envelope = message.envelope.unwrap();
                late += u32::from(envelope.late);
                assert!(
                    envelope.late || utc(*at_ms) - envelope.time < chrono::TimeDelta::minutes(3)
                );
                let name = (message.topic.source.to_string(), envelope.boot);
                seqs.entry(name).or_default().insert(envelope.seq);
            }
            _ => {}
        }
    }
    assert!(late > 50 && offline > 5, "{late} late intervals, {offline} times offline");
    assert!(boots.values().any(|boots| boots.len() == 2), "nothing restarted");
    // Whatever was replayed closed the holes, but for devices that are still away at the end.
    let whole = seqs
        .values()
        .filter(|seqs| seqs.last().is_some_and(|last| seqs.len() as u64 == last + 1))
        .count();
    assert!(whole * 100 >= seqs.len() * 95, "{whole} of {} without a hole", seqs.len());
}

#[test]
fn within_a_moment_of_the_start_every_device_has_said_what_it_shows() {
    let options = options(2, false);
    let first: Vec<_> =
        published(&options, 1).into_iter().filter(|(at, _)| *at == START_MS).collect();
    let mut said: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (_, _, message) in decoded(&first) {
        said.entry(message.topic.source.to_string())
            .or_default()
            .insert(message.topic.stream.as_str());
    }
    assert_eq!(said.len(), options.devices.len());
    assert!(said["sig-001"].is_superset(&["status", "health", "state"].into()));
    assert!(said["vds-001"].is_superset(&["status", "health", "interval"].into()));
    assert!(said["egov"].is_superset(&["status", "sample"].into()));
}

#[test]
fn the_backfill_tells_the_published_year_once_and_what_was_printed() {
    let messages = decoded(&published(&options(0, true), 1));
    let mut last: BTreeMap<Box<str>, &str> = BTreeMap::new();
    let mut printed = 0;
    for (_, _, message) in &messages {
        match &message.fact {
            Fact::Ticket(step) if step.ticket.starts_with("1022-2021-") => {
                assert!(message.envelope.unwrap().late);
                last.insert(step.ticket.clone(), step.status.as_str());
            }
            Fact::Metric(sample) => {
                printed += sample.values.iter().filter(|value| value.value == Some(660.0)).count();
            }
            _ => {}
        }
    }
    let open = last.values().filter(|status| **status == "assigned").count();
    let closed = last.values().filter(|status| **status == "closed").count();
    assert_eq!((last.len(), closed, open, printed), (8011, 7863, 148, 1));
}

#[test]
fn what_is_encoded_decodes_to_the_same_fact() {
    // Every fact of the decoder's view, encoded again, gives the same message.
    for (_, _, message) in decoded(&published(&options(4, false), 1)) {
        let again = match message.envelope {
            Some(envelope) => wire::message(&envelope, &message.fact),
            None => match message.fact {
                Fact::Status(status) => wire::status(status),
                _ => panic!("only a status has no envelope"),
            },
        };
        let topic = message.topic.to_text("can-tho");
        let contract = Contract { city: "can-tho".to_owned(), personal_keys: Vec::new() };
        assert_eq!(decode(&contract, &topic, again.as_bytes()), Ok(message));
    }
}

#[test]
fn the_same_seed_publishes_the_same_hour() {
    assert_eq!(published(&options(2, false), 1), published(&options(2, false), 1));
    let other = SimulateOptions { seed: 2, ..options(2, false) };
    assert_ne!(published(&options(2, false), 1), published(&other, 1));
}

#[test]
fn an_interval_written_in_two_parts_is_a_message_of_the_contract() {
    let found = decoded(&published(&options(1, false), 1));
    let (envelope, interval) = found
        .iter()
        .find_map(|(_, _, message)| match &message.fact {
            Fact::Interval(interval) if message.topic.service == Service::Vds => {
                Some((message.envelope.unwrap(), interval.clone()))
            }
            _ => None,
        })
        .unwrap();
    let mut text = String::new();
    wire::interval_head(&mut text, &Envelope { clock: None, ..envelope }, interval.duration_ms);
    text.push_str(&wire::interval_tail(&interval.readings));
    let contract = Contract { city: "can-tho".to_owned(), personal_keys: Vec::new() };
    let message = decode(&contract, "ioc/1/can-tho/vds/v/interval", text.as_bytes()).unwrap();
    assert_eq!(message.fact, Fact::Interval(interval));
}
