//! Typed facts back to the payload that a source would have sent.

use chrono::{DateTime, SecondsFormat, Utc};
use ioc_ingest::{
    Fact, Message, Word,
    envelope::Envelope,
    health::{Camera, Health, Network},
    interval::{CLASSES, Class, Interval, Place, Reading},
    metric::MetricValue,
    signal::{Group, SignalState},
    ticket::{Call, TicketStep},
};
use serde_json::{Map, Value, json};

use crate::onestop;

/// The payload of a message.
pub(crate) fn of(message: &Message) -> Value {
    let mut payload = match &message.fact {
        Fact::SignalState(state) => signal_state(state),
        Fact::SignalEvents(events) => {
            let start = message.envelope.expect("events have an envelope").time;
            let event = |event: &ioc_ingest::signal::ControllerEvent| {
                json!([(event.time - start).num_milliseconds(), event.code, event.parameter])
            };
            json!({"events": events.events.iter().map(event).collect::<Vec<_>>()})
        }
        Fact::Interval(value) => interval(value),
        Fact::Incident(incident) => json!({
            "kind": incident.kind.as_str(), "zone": incident.zone,
            "confidence": share(incident.confidence_e4), "ended": incident.ended.map(time),
        }),
        Fact::Health(value) => health(value),
        Fact::Status(status) => json!({"v": 1, "online": status.online, "boot": status.boot}),
        Fact::Ticket(step) => ticket(step),
        Fact::Call(value) => call(value),
        Fact::Dossier(step) => onestop::dossier_payload(step),
        Fact::Assessment(form) => onestop::assessment_payload(form),
        Fact::Petition(step) => onestop::petition_payload(step),
        Fact::Document(step) => onestop::document_payload(step),
        Fact::Metric(sample) => {
            json!({"values": sample.values.iter().map(figure).collect::<Vec<_>>()})
        }
    };
    if let Some(envelope) = message.envelope {
        add_envelope(payload.as_object_mut().expect("a payload is an object"), envelope);
    }
    payload
}

fn add_envelope(payload: &mut Map<String, Value>, envelope: Envelope) {
    payload.insert("v".to_owned(), json!(1));
    payload.insert("time".to_owned(), json!(time(envelope.time)));
    payload.insert("boot".to_owned(), json!(envelope.boot));
    payload.insert("seq".to_owned(), json!(envelope.seq));
    payload.insert("late".to_owned(), json!(envelope.late));
    let clock = envelope
        .clock
        .map(|clock| json!({"source": clock.source.as_str(), "offset_ms": clock.offset_ms}));
    payload.insert("clock".to_owned(), json!(clock));
}

pub(crate) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

pub(crate) fn word<T: Word>(word: Option<T>) -> Option<&'static str> {
    word.map(Word::as_str)
}

/// A fixed point number with `places` decimals. The nearest double has it as its shortest text.
pub(crate) fn decimal(value: Option<impl TryInto<i64>>, places: i32) -> Value {
    let Some(value) = value.and_then(|value| value.try_into().ok()) else { return Value::Null };
    #[expect(clippy::cast_precision_loss, reason = "facts have at most 11 digits")]
    let value = value as f64 / 10_f64.powi(places);
    json!(value)
}

fn share(value: Option<u16>) -> Value {
    decimal(value, 4)
}

fn signal_state(state: &SignalState) -> Value {
    let group = |group: &Group| {
        json!({
            "group": group.group, "kind": group.kind.as_str(), "state": group.state,
            "since": group.since.map(time), "min_end_s": decimal(group.min_end_ms, 3),
            "max_end_s": decimal(group.max_end_ms, 3),
            "likely_end_s": decimal(group.likely_end_ms, 3), "call": group.call,
        })
    };
    json!({
        "mode": state.mode.as_str(), "plan": state.plan, "cycle_s": decimal(state.cycle_ms, 3),
        "cycle_position_s": decimal(state.cycle_position_ms, 3),
        "offset_s": decimal(state.offset_ms, 3), "flash": state.flash, "preempt": state.preempt,
        "groups": state.groups.iter().map(group).collect::<Vec<_>>(),
    })
}

fn interval(interval: &Interval) -> Value {
    let camera = matches!(interval.readings[0].place, Place::Zone(_));
    let readings: Vec<_> = interval.readings.iter().map(reading).collect();
    let duration = decimal(Some(interval.duration_ms), 3);
    if camera {
        json!({"duration_s": duration, "preset": interval.preset, "home": interval.home,
               "zones": readings})
    } else {
        json!({"duration_s": duration, "lanes": readings})
    }
}

/// Values that are not there are left out for lanes and null for zones, as senders do either.
fn reading(reading: &Reading) -> Value {
    let mut value = json!({
        "direction": word(reading.direction), "count": reading.count,
        "occupancy": share(reading.occupancy_e4), "speed_kmh": decimal(reading.speed_e1_kmh, 1),
        "headway_s": decimal(reading.headway_ms, 3), "samples": reading.samples,
        "samples_expected": reading.samples_expected,
        "classes": by_class(reading.classes, |count| json!(count)),
        "class_speed_kmh": by_class(reading.class_speed_e1_kmh, |speed| decimal(speed, 1)),
    });
    let keys = value.as_object_mut().expect("an object");
    match &reading.place {
        Place::Lane(lane) => {
            keys.retain(|_, value| !value.is_null());
            keys.insert("lane".to_owned(), json!(lane));
        }
        Place::Zone(zone) => {
            keys.insert("zone".to_owned(), json!(zone));
            keys.insert("kind".to_owned(), json!(word(reading.kind)));
            keys.insert("queue_m".to_owned(), decimal(reading.queue_dm, 1));
            keys.insert("density_per_km".to_owned(), decimal(reading.density_e1_per_km, 1));
            keys.insert("confidence".to_owned(), share(reading.confidence_e4));
        }
    }
    value
}

fn by_class<T: Copy>(values: Option<[Option<T>; CLASSES]>, shown: fn(Option<T>) -> Value) -> Value {
    let entry = |(class, value): (Class, Option<T>)| {
        value.is_some().then(|| (class.as_str().to_owned(), shown(value)))
    };
    values.map_or(Value::Null, |values| {
        Value::Object(Class::ALL.into_iter().zip(values).filter_map(entry).collect())
    })
}

fn health(health: &Health) -> Value {
    let lamps = health.lamps.as_ref().map(|lamps| {
        let lamp = |lamp: &ioc_ingest::health::Lamp| {
            json!({"group": lamp.group, "colour": lamp.colour, "fault": lamp.fault.as_str()})
        };
        lamps.iter().map(lamp).collect::<Vec<_>>()
    });
    let detectors = health.detectors.as_ref().map(|detectors| {
        let detector = |detector: &ioc_ingest::health::DetectorChannel| {
            json!({"channel": detector.channel, "state": detector.state.as_str()})
        };
        detectors.iter().map(detector).collect::<Vec<_>>()
    });
    json!({
        "uptime_s": health.uptime_s, "firmware": health.firmware,
        "config_sha256": health.config_sha256, "power": word(health.power),
        "mains_v": decimal(health.mains_e1_v, 1), "mains_hz": decimal(health.mains_e1_hz, 1),
        "battery_pct": health.battery_pct, "battery_min": health.battery_min,
        "temperature_c": decimal(health.temperature_e1_c, 1),
        "humidity_pct": health.humidity_pct, "door_open": health.door_open,
        "police_panel_open": health.police_panel_open, "technician": health.technician,
        "monitor_fault": health.monitor_fault, "unit_alarm_1": health.unit_alarm_1,
        "unit_alarm_2": health.unit_alarm_2, "short_alarm": health.short_alarm,
        "lamps": lamps, "detectors": detectors, "network": health.network.map(network),
        "camera": health.camera.as_ref().map(camera),
    })
}

fn network(network: Network) -> Value {
    json!({"rtt_ms": network.rtt_ms, "loss_pct": decimal(network.loss_e4, 2),
           "rssi_dbm": network.rssi_dbm})
}

fn camera(camera: &Camera) -> Value {
    json!({
        "reachable": camera.reachable, "why": word(camera.why), "stream": camera.stream,
        "fps": decimal(camera.fps_e1, 1), "fps_nominal": decimal(camera.fps_nominal_e1, 1),
        "kbps": camera.kbps, "last_frame": camera.last_frame.map(time),
        "freeze_s": decimal(camera.freeze_ms, 3), "dark": share(camera.dark_e4),
        "blur": share(camera.blur_e4), "moved": camera.moved, "preset": camera.preset,
        "recording": camera.recording, "disk_pct": camera.disk_pct,
    })
}

fn ticket(step: &TicketStep) -> Value {
    json!({
        "ticket": step.ticket, "status": step.status.as_str(), "at": time(step.at),
        "channel": word(step.channel), "kind": word(step.kind), "category": step.category,
        "unit": step.unit, "summary": step.summary, "location": step.location,
        "due_at": step.due_at.map(time), "first_response_at": step.first_response_at.map(time),
        "solved_at_desk": step.solved_at_desk, "merged_into": step.merged_into,
        "rating": step.rating,
    })
}

fn call(call: &Call) -> Value {
    json!({
        "call": call.call, "direction": call.direction.as_str(),
        "queued_at": call.queued_at.map(time), "answered_at": call.answered_at.map(time),
        "abandoned_at": call.abandoned_at.map(time), "ended_at": call.ended_at.map(time),
        "ticket": call.ticket,
    })
}

fn figure(value: &MetricValue) -> Value {
    json!({"name": value.name, "value": value.value, "bound": value.bound.as_str(),
           "unit": value.unit, "labels": value.labels})
}
