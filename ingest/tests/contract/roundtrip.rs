//! Messages made from typed facts validate, and decode to the same facts.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::{
    Clock, Envelope, Fact, Message, Service, Source, Stream, Topic, Word, decode,
    health::{Camera, DetectorChannel, Health, Lamp, Network, Status},
    incident::Incident,
    interval::{CLASSES, Interval, Place, Reading},
    metric::{MetricSample, MetricValue},
    signal::{ControllerEvent, Group, SignalEvents, SignalState},
    ticket::{Call, Location, TicketStep},
};
use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
    sample::select,
};

use crate::{cases::contract, onestop, payload, schemas::Schemas};

pub(crate) fn word<T: Word + std::fmt::Debug>() -> impl Strategy<Value = T> {
    select(T::ALL)
}

pub(crate) fn time() -> impl Strategy<Value = DateTime<Utc>> {
    // Years 1 to 9998, to the microsecond.
    (-62_135_000_000_i64..253_300_000_000, 0..1_000_000_u32).prop_map(|(seconds, micros)| {
        DateTime::from_timestamp(seconds, micros * 1_000).expect("within the range of chrono")
    })
}

pub(crate) fn text(pattern: &'static str) -> impl Strategy<Value = Box<str>> {
    proptest::string::string_regex(pattern).expect("a pattern").prop_map(String::into_boxed_str)
}

pub(crate) fn token() -> impl Strategy<Value = Box<str>> {
    text("[a-z0-9_.-]{1,64}")
}

pub(crate) fn code() -> impl Strategy<Value = Box<str>> {
    text("[A-Za-z0-9_.:/-]{1,64}")
}

pub(crate) fn unit() -> impl Strategy<Value = Box<str>> {
    text("gso:[0-9]{2,5}|agency:[A-Za-z0-9.-]{1,64}")
}

/// Text without control characters and without runs of digits, which could be personal data.
fn prose(max: usize) -> impl Strategy<Value = Box<str>> {
    vec(any::<char>().prop_filter("prose", |c| !c.is_control() && !c.is_ascii_digit()), 1..=max)
        .prop_map(|chars| chars.into_iter().collect::<String>().into_boxed_str())
}

pub(crate) fn some<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>> {
    option::of(strategy)
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let clock = (word(), some(-2_147_483_647..=i32::MAX))
        .prop_map(|(source, offset_ms)| Clock { source, offset_ms });
    (time(), any::<u32>(), 0..1_u64 << 53, some(clock), any::<bool>())
        .prop_map(|(time, boot, seq, clock, late)| Envelope { time, boot, seq, clock, late })
}

fn reading(place: Place) -> impl Strategy<Value = Reading> {
    let zone = matches!(place, Place::Zone(_));
    let counts = some(vec(some(0..=100_000_u32), CLASSES));
    let speeds = some(vec(some(0..=5_000_u16), CLASSES));
    let first = (some(word()), some(0..=100_000_u32), some(0..=10_000_u16), some(0..=5_000_u16));
    let second = (some(0..=3_600_000_u32), some(any::<u16>()), some(any::<u16>()), counts, speeds);
    let third = (some(word()), some(0..=100_000_u32), some(0..=100_000_u32), some(0..=10_000_u16));
    (first, second, third).prop_map(move |(first, second, third)| {
        let mut reading = Reading::nothing(place.clone());
        (reading.direction, reading.count, reading.occupancy_e4, reading.speed_e1_kmh) = first;
        (reading.headway_ms, reading.samples, reading.samples_expected, _, _) = second.clone();
        reading.classes = second.3.map(|counts| counts.try_into().expect("ten classes"));
        reading.class_speed_e1_kmh = second.4.map(|speeds| speeds.try_into().expect("ten classes"));
        if zone {
            (reading.kind, reading.queue_dm, reading.density_e1_per_km, reading.confidence_e4) =
                third;
        } else {
            // Stations tell no pedestrians.
            let last = CLASSES - 1;
            reading.classes.as_mut().into_iter().for_each(|classes| classes[last] = None);
            reading.class_speed_e1_kmh.as_mut().into_iter().for_each(|speeds| speeds[last] = None);
        }
        reading
    })
}

fn interval(zones: bool) -> impl Strategy<Value = Fact> {
    let places = if zones {
        btree_set(token(), 1..=4)
            .prop_map(|zones| zones.into_iter().map(Place::Zone).collect::<Vec<_>>())
            .boxed()
    } else {
        btree_set(1..=32_u8, 1..=6)
            .prop_map(|lanes| lanes.into_iter().map(Place::Lane).collect())
            .boxed()
    };
    let readings =
        places.prop_flat_map(|places| places.into_iter().map(reading).collect::<Vec<_>>());
    (1_000..=3_600_000_u32, some(0..=i16::MAX), some(any::<bool>()), readings).prop_map(
        move |(duration_ms, preset, home, readings)| {
            let (preset, home) = if zones { (preset, home) } else { (None, None) };
            Fact::Interval(Interval { duration_ms, preset, home, readings })
        },
    )
}

fn signal_state() -> impl Strategy<Value = Fact> {
    let within = || some(0..=3_600_000_u32);
    let group = (0..=9_u8, some(time()), within(), within(), within(), some(any::<bool>()));
    let groups = btree_map((word(), 1..=255_u8), group, 1..8).prop_map(|groups| {
        groups
            .into_iter()
            .map(|((kind, group), (state, since, min_end_ms, max_end_ms, likely_end_ms, call))| {
                Group { group, kind, state, since, min_end_ms, max_end_ms, likely_end_ms, call }
            })
            .collect()
    });
    let plan = (word(), some(any::<u16>()), within(), within());
    let more = (some(-3_600_000..=3_600_000_i32), some(1..=8_u8), some(any::<u8>()));
    (plan, more, groups).prop_map(
        |((mode, plan, cycle_ms, cycle_position_ms), (offset_ms, flash, preempt), groups)| {
            Fact::SignalState(SignalState {
                mode,
                plan,
                cycle_ms,
                cycle_position_ms,
                offset_ms,
                flash,
                preempt,
                groups,
            })
        },
    )
}

/// Events count from the epoch here; the message moves them to its time.
fn signal_events() -> impl Strategy<Value = Fact> {
    btree_set((0..=86_400_000_i64, any::<u16>(), any::<u16>()), 0..40).prop_map(|events| {
        let event = |(after_ms, code, parameter)| ControllerEvent {
            time: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(after_ms),
            code,
            parameter,
        };
        Fact::SignalEvents(SignalEvents { events: events.into_iter().map(event).collect() })
    })
}

fn incident() -> impl Strategy<Value = Fact> {
    (word(), token(), some(0..=10_000_u16), some(time())).prop_map(
        |(kind, zone, confidence_e4, ended)| {
            Fact::Incident(Incident { kind, zone, confidence_e4, ended })
        },
    )
}

fn camera() -> impl Strategy<Value = Camera> {
    let flag = || some(any::<bool>());
    let first = (flag(), some(word()), some(token()), some(0..=10_000_u16), some(0..=10_000_u16));
    let second = (some(0..=100_000_000_u32), some(time()), some(0..=31_536_000_000_u64));
    let third = (some(0..=10_000_u16), some(0..=10_000_u16), flag(), some(0..=i16::MAX));
    (first, second, third, flag(), some(0..=100_u8)).prop_map(
        |(first, second, third, recording, disk_pct)| {
            let (reachable, why, stream, fps_e1, fps_nominal_e1) = first;
            let (kbps, last_frame, freeze_ms) = second;
            let (dark_e4, blur_e4, moved, preset) = third;
            Camera {
                reachable,
                why,
                stream,
                fps_e1,
                fps_nominal_e1,
                kbps,
                last_frame,
                freeze_ms,
                dark_e4,
                blur_e4,
                moved,
                preset,
                recording,
                disk_pct,
            }
        },
    )
}

fn health() -> impl Strategy<Value = Fact> {
    let flag = || some(any::<bool>());
    let first = (some(0..=u64::from(u32::MAX)), some(prose(64)), some(prose(64)), some(word()));
    let power = (some(0..=10_000_u16), some(0..=1_000_u16), some(0..=100_u8), some(0..=9_999_u32));
    let inside = (some(-1_000..=2_000_i16), some(0..=100_u8), flag(), flag(), flag());
    let alarms = (some(token()), some(any::<u8>()), some(any::<u8>()), some(any::<u8>()));
    let lamp = (1..=255_u8, token(), word()).prop_map(|(group, colour, fault)| Lamp {
        group,
        colour,
        fault,
    });
    let detector =
        (1..=65_535_u16, word()).prop_map(|(channel, state)| DetectorChannel { channel, state });
    let network = (some(0..=3_600_000_u32), some(0..=10_000_u16), some(-200..=50_i16))
        .prop_map(|(rtt_ms, loss_e4, rssi_dbm)| Network { rtt_ms, loss_e4, rssi_dbm });
    let lists = (some(vec(lamp, 0..4)), some(vec(detector, 0..4)), some(network), some(camera()));
    (first, power, inside, alarms, lists).prop_map(|(first, power, inside, alarms, lists)| {
        let mut health = Box::<Health>::default();
        (health.uptime_s, health.firmware, health.config_sha256, health.power) = first;
        (health.mains_e1_v, health.mains_e1_hz, health.battery_pct, health.battery_min) = power;
        (health.temperature_e1_c, health.humidity_pct, _, _, _) = inside;
        (_, _, health.door_open, health.police_panel_open, health.technician) = inside;
        (health.monitor_fault, health.unit_alarm_1, health.unit_alarm_2, health.short_alarm) =
            alarms;
        (health.lamps, health.detectors, health.network, health.camera) = lists;
        Fact::Health(health)
    })
}

fn ticket() -> impl Strategy<Value = Fact> {
    let location = (-90.0..=90.0, -180.0..=180.0).prop_map(|(lat, lon)| Location { lat, lon });
    let what = (code(), word(), time(), some(word()), some(word()));
    let whose = (some(token()), some(unit()), some(prose(80)), some(location));
    let how = (some(time()), some(time()), some(any::<bool>()), some(code()), some(1..=5_u8));
    (what, whose, how).prop_map(|(what, whose, how)| {
        let (ticket, status, at, channel, kind) = what;
        let (category, unit, summary, location) = whose;
        let (due_at, first_response_at, solved_at_desk, merged_into, rating) = how;
        Fact::Ticket(Box::new(TicketStep {
            ticket,
            status,
            at,
            channel,
            kind,
            category,
            unit,
            summary,
            location,
            due_at,
            first_response_at,
            solved_at_desk,
            merged_into,
            rating,
        }))
    })
}

fn call() -> impl Strategy<Value = Fact> {
    let times = (some(time()), some(time()), some(time()), some(time()));
    (code(), word(), times, some(code())).prop_map(|(call, direction, times, ticket)| {
        let (queued_at, answered_at, abandoned_at, ended_at) = times;
        Fact::Call(Box::new(Call {
            call,
            direction,
            queued_at,
            answered_at,
            abandoned_at,
            ended_at,
            ticket,
        }))
    })
}

fn metric() -> impl Strategy<Value = Fact> {
    let labels = btree_map(token(), prose(64), 0..4);
    let key = (token(), some(unit()), labels);
    let value = (some(proptest::num::f64::NORMAL | proptest::num::f64::ZERO), word());
    btree_map(key, value, 1..5).prop_map(|values: BTreeMap<_, _>| {
        let value = |((name, unit, labels), (value, bound))| MetricValue {
            name,
            value,
            bound,
            unit,
            labels,
        };
        Fact::Metric(MetricSample { values: values.into_iter().map(value).collect() })
    })
}

fn fact() -> impl Strategy<Value = (Service, Stream, Fact)> {
    let of = |service, stream| move |fact| (service, stream, fact);
    prop_oneof![
        signal_state().prop_map(of(Service::Signal, Stream::State)),
        signal_events().prop_map(of(Service::Signal, Stream::Events)),
        interval(false).prop_map(of(Service::Vds, Stream::Interval)),
        interval(true).prop_map(of(Service::Cctv, Stream::Interval)),
        incident().prop_map(of(Service::Cctv, Stream::Incident)),
        health().prop_map(of(Service::Cabinet, Stream::Health)),
        ticket().prop_map(of(Service::Desk, Stream::Ticket)),
        call().prop_map(of(Service::Desk, Stream::Call)),
        onestop::dossier().prop_map(of(Service::Onestop, Stream::Dossier)),
        onestop::assessment().prop_map(of(Service::Onestop, Stream::Assessment)),
        onestop::petition().prop_map(of(Service::Onestop, Stream::Petition)),
        onestop::document().prop_map(of(Service::Onestop, Stream::Document)),
        metric().prop_map(of(Service::Metric, Stream::Sample)),
        (any::<bool>(), any::<u32>())
            .prop_map(|(online, boot)| Fact::Status(Status { online, boot }))
            .prop_map(of(Service::Vds, Stream::Status)),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    (token(), envelope(), fact()).prop_map(|(source, envelope, (service, stream, mut fact))| {
        let source = Source::parse(&source).expect("a token");
        if let Fact::SignalEvents(events) = &mut fact {
            for event in &mut events.events {
                event.time += envelope.time - DateTime::UNIX_EPOCH;
            }
        }
        let envelope = (stream != Stream::Status).then_some(envelope);
        let topic = Topic { service, source, stream };
        Message { topic, envelope, fact, refused: Vec::new() }
    })
}

/// The name of a stream's schema.
pub(crate) fn schema_name(topic: &Topic) -> String {
    match topic.stream {
        Stream::Health | Stream::Status => topic.stream.to_string(),
        Stream::State
        | Stream::Events
        | Stream::Interval
        | Stream::Incident
        | Stream::Ticket
        | Stream::Call
        | Stream::Dossier
        | Stream::Assessment
        | Stream::Petition
        | Stream::Document
        | Stream::Sample => format!("{}-{}", topic.service, topic.stream),
    }
}

#[test]
fn what_is_made_from_facts_validates_and_decodes_to_the_same_facts() {
    let (contract, schemas) = (contract(), Schemas::load());
    let config = ProptestConfig { cases: 1_000, failure_persistence: None, ..Default::default() };
    proptest!(config, |(message in message())| {
        let payload = payload::of(&message);
        let schema = schemas.get(&schema_name(&message.topic)).expect("every stream has a schema");
        prop_assert!(schema.is_valid(&payload), "{payload}");
        let topic = message.topic.to_text("can-tho");
        let decoded = decode(&contract, &topic, payload.to_string().as_bytes());
        prop_assert_eq!(decoded, Ok(message));
    });
}
