//! Facts to message bytes: the contract's JSON, as a device would write it.
//!
//! The models speak in the typed facts of the ingest crate; what is null is left out. A test decodes
//! every kind of message back and finds the same fact, so encoder and decoder cannot drift apart.

mod onestop;

use std::fmt::{Display, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use ioc_ingest::{
    Envelope, Fact,
    health::{Camera, Health, Status},
    incident::Incident,
    interval::{Class, Interval, Place, Reading},
    metric::MetricSample,
    signal::{SignalEvents, SignalState},
    ticket::{Call, TicketStep},
};
use serde::Serialize;

/// A JSON object that is being written.
struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl Object<'_> {
    fn key(&mut self, key: &str) {
        let before = if self.empty { "\"" } else { ",\"" };
        self.empty = false;
        self.out.push_str(before);
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    fn number(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.key(key);
            // Writing to a string cannot fail.
            let _ = write!(self.out, "{value}");
        }
    }

    /// A fixed point number with `decimals` digits after the point.
    fn fixed(&mut self, key: &str, value: Option<impl Into<i64>>, decimals: u32) {
        if let Some(value) = value {
            self.key(key);
            push_fixed(self.out, value.into(), decimals);
        }
    }

    /// Anything that serde writes as the contract does: words, texts, flags.
    fn json(&mut self, key: &str, value: Option<impl Serialize>) {
        if let Some(text) = value.and_then(|value| serde_json::to_string(&value).ok()) {
            self.key(key);
            self.out.push_str(&text);
        }
    }

    fn time(&mut self, key: &str, value: Option<DateTime<Utc>>) {
        if let Some(value) = value {
            self.key(key);
            self.out.push('"');
            self.out.push_str(&value.to_rfc3339_opts(SecondsFormat::Millis, true));
            self.out.push('"');
        }
    }

    fn object(&mut self, key: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        object(self.out, fill);
    }

    fn list<T>(&mut self, key: &str, items: &[T], fill: impl Fn(&T, &mut Object<'_>)) {
        self.key(key);
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            object(self.out, |object| fill(item, object));
        }
        self.out.push(']');
    }
}

fn object(out: &mut String, fill: impl FnOnce(&mut Object<'_>)) {
    out.push('{');
    fill(&mut Object { out: &mut *out, empty: true });
    out.push('}');
}

/// Writes 284 with one decimal as 28.4.
fn push_fixed(out: &mut String, value: i64, decimals: u32) {
    let scale = 10_i64.pow(decimals);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, fraction) = (value.abs() / scale, value.abs() % scale);
    let _ = write!(out, "{sign}{whole}");
    if fraction != 0 {
        let _ = write!(out, ".{fraction:0width$}", width = decimals as usize);
    }
}

/// The bytes of a message of every stream but `status`.
pub(crate) fn message(envelope: &Envelope, fact: &Fact) -> String {
    let mut out = String::with_capacity(512);
    object(&mut out, |message| {
        head(message, envelope);
        match fact {
            Fact::SignalState(state) => signal_state(message, state),
            Fact::SignalEvents(events) => signal_events(message, events, envelope.time),
            Fact::Interval(found) => interval(message, found),
            Fact::Incident(found) => incident(message, found),
            Fact::Health(found) => health(message, found),
            Fact::Status(status) => status_body(message, *status),
            Fact::Ticket(found) => ticket(message, found),
            Fact::Call(found) => call(message, found),
            Fact::Metric(sample) => metric(message, sample),
            Fact::Dossier(step) => onestop::dossier(message, step),
            Fact::Assessment(form) => onestop::assessment(message, form),
            Fact::Petition(step) => onestop::petition(message, step),
            Fact::Document(step) => onestop::document(message, step),
        }
    });
    out
}

/// The bytes of a `status` message, which has no envelope.
pub(crate) fn status(status: Status) -> String {
    let mut out = String::with_capacity(48);
    object(&mut out, |message| {
        message.number("v", Some(1));
        status_body(message, status);
    });
    out
}

/// Everything up to the body of an interval message, for senders that reuse a body:
/// `{"v":1,…,"duration_s":30,` with the comma.
pub(crate) fn interval_head(out: &mut String, envelope: &Envelope, duration_ms: u32) {
    out.push('{');
    let mut message = Object { out: &mut *out, empty: true };
    head(&mut message, envelope);
    message.fixed("duration_s", Some(duration_ms), 3);
    out.push(',');
}

/// The rest of an interval message after [`interval_head`]: `"lanes":[…]}`.
pub(crate) fn interval_tail(readings: &[Reading]) -> String {
    let mut out = String::with_capacity(1024);
    Object { out: &mut out, empty: true }.list("lanes", readings, reading);
    out.push('}');
    out
}

fn head(message: &mut Object<'_>, envelope: &Envelope) {
    message.number("v", Some(1));
    message.time("time", Some(envelope.time));
    message.number("boot", Some(envelope.boot));
    message.number("seq", Some(envelope.seq));
    if let Some(clock) = envelope.clock {
        message.object("clock", |object| {
            object.json("source", Some(clock.source));
            object.number("offset_ms", clock.offset_ms);
        });
    }
    if envelope.late {
        message.json("late", Some(true));
    }
}

fn status_body(message: &mut Object<'_>, status: Status) {
    message.json("online", Some(status.online));
    message.number("boot", Some(status.boot));
}

fn signal_state(message: &mut Object<'_>, state: &SignalState) {
    message.json("mode", Some(state.mode));
    message.number("plan", state.plan);
    message.fixed("cycle_s", state.cycle_ms, 3);
    message.fixed("cycle_position_s", state.cycle_position_ms, 3);
    message.fixed("offset_s", state.offset_ms, 3);
    message.number("flash", state.flash);
    message.number("preempt", state.preempt);
    message.list("groups", &state.groups, |group, object| {
        object.number("group", Some(group.group));
        object.json("kind", Some(group.kind));
        object.number("state", Some(group.state));
        object.time("since", group.since);
        object.fixed("min_end_s", group.min_end_ms, 3);
        object.fixed("max_end_s", group.max_end_ms, 3);
        object.fixed("likely_end_s", group.likely_end_ms, 3);
        object.json("call", group.call);
    });
}

fn signal_events(message: &mut Object<'_>, events: &SignalEvents, time: DateTime<Utc>) {
    message.key("events");
    message.out.push('[');
    for (index, event) in events.events.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let after_ms = (event.time - time).num_milliseconds();
        let _ = write!(message.out, "{comma}[{after_ms},{},{}]", event.code, event.parameter);
    }
    message.out.push(']');
}

fn interval(message: &mut Object<'_>, interval: &Interval) {
    message.fixed("duration_s", Some(interval.duration_ms), 3);
    message.number("preset", interval.preset);
    message.json("home", interval.home);
    let zones = interval.readings.iter().any(|found| matches!(found.place, Place::Zone(_)));
    message.list(if zones { "zones" } else { "lanes" }, &interval.readings, reading);
}

fn reading(reading: &Reading, object: &mut Object<'_>) {
    match &reading.place {
        Place::Lane(number) => object.number("lane", Some(number)),
        Place::Zone(name) => object.json("zone", Some(name)),
    }
    object.json("kind", reading.kind);
    object.json("direction", reading.direction);
    object.number("count", reading.count);
    object.fixed("occupancy", reading.occupancy_e4, 4);
    object.fixed("speed_kmh", reading.speed_e1_kmh, 1);
    object.fixed("headway_s", reading.headway_ms, 3);
    object.number("samples", reading.samples);
    object.number("samples_expected", reading.samples_expected);
    if let Some(counts) = &reading.classes {
        object.object("classes", |object| {
            for (class, count) in Class::ALL.iter().zip(counts) {
                object.number(class.as_str(), *count);
            }
        });
    }
    if let Some(speeds) = &reading.class_speed_e1_kmh {
        object.object("class_speed_kmh", |object| {
            for (class, speed) in Class::ALL.iter().zip(speeds) {
                object.fixed(class.as_str(), *speed, 1);
            }
        });
    }
    object.fixed("queue_m", reading.queue_dm, 1);
    object.fixed("density_per_km", reading.density_e1_per_km, 1);
    object.fixed("confidence", reading.confidence_e4, 4);
}

fn incident(message: &mut Object<'_>, incident: &Incident) {
    message.json("kind", Some(incident.kind));
    message.json("zone", Some(&incident.zone));
    message.fixed("confidence", incident.confidence_e4, 4);
    message.time("ended", incident.ended);
}

fn health(message: &mut Object<'_>, health: &Health) {
    message.number("uptime_s", health.uptime_s);
    message.json("firmware", health.firmware.as_ref());
    message.json("config_sha256", health.config_sha256.as_ref());
    message.json("power", health.power);
    message.fixed("mains_v", health.mains_e1_v, 1);
    message.fixed("mains_hz", health.mains_e1_hz, 1);
    message.number("battery_pct", health.battery_pct);
    message.number("battery_min", health.battery_min);
    message.fixed("temperature_c", health.temperature_e1_c, 1);
    message.number("humidity_pct", health.humidity_pct);
    message.json("door_open", health.door_open);
    message.json("police_panel_open", health.police_panel_open);
    message.json("technician", health.technician);
    message.json("monitor_fault", health.monitor_fault.as_ref());
    message.number("unit_alarm_1", health.unit_alarm_1);
    message.number("unit_alarm_2", health.unit_alarm_2);
    message.number("short_alarm", health.short_alarm);
    if let Some(lamps) = &health.lamps {
        message.list("lamps", lamps, |lamp, object| {
            object.number("group", Some(lamp.group));
            object.json("colour", Some(&lamp.colour));
            object.json("fault", Some(lamp.fault));
        });
    }
    if let Some(detectors) = &health.detectors {
        message.list("detectors", detectors, |detector, object| {
            object.number("channel", Some(detector.channel));
            object.json("state", Some(detector.state));
        });
    }
    if let Some(network) = &health.network {
        message.object("network", |object| {
            object.number("rtt_ms", network.rtt_ms);
            // The fact is a share in 1e-4, the message carries percent: two decimals.
            object.fixed("loss_pct", network.loss_e4, 2);
            object.number("rssi_dbm", network.rssi_dbm);
        });
    }
    if let Some(found) = &health.camera {
        message.object("camera", |object| camera(object, found));
    }
}

fn camera(object: &mut Object<'_>, camera: &Camera) {
    object.json("reachable", camera.reachable);
    object.json("why", camera.why);
    object.json("stream", camera.stream.as_ref());
    object.fixed("fps", camera.fps_e1, 1);
    object.fixed("fps_nominal", camera.fps_nominal_e1, 1);
    object.number("kbps", camera.kbps);
    object.time("last_frame", camera.last_frame);
    object.fixed("freeze_s", camera.freeze_ms.and_then(|ms| i64::try_from(ms).ok()), 3);
    object.fixed("dark", camera.dark_e4, 4);
    object.fixed("blur", camera.blur_e4, 4);
    object.json("moved", camera.moved);
    object.number("preset", camera.preset);
    object.json("recording", camera.recording);
    object.number("disk_pct", camera.disk_pct);
}

fn ticket(message: &mut Object<'_>, step: &TicketStep) {
    message.json("ticket", Some(&step.ticket));
    message.json("status", Some(step.status));
    message.time("at", Some(step.at));
    message.json("channel", step.channel);
    message.json("kind", step.kind);
    message.json("category", step.category.as_ref());
    message.json("unit", step.unit.as_ref());
    message.json("summary", step.summary.as_ref());
    if let Some(location) = step.location {
        message.object("location", |object| {
            object.json("lat", Some(location.lat));
            object.json("lon", Some(location.lon));
        });
    }
    message.time("due_at", step.due_at);
    message.time("first_response_at", step.first_response_at);
    message.json("solved_at_desk", step.solved_at_desk);
    message.json("merged_into", step.merged_into.as_ref());
    message.number("rating", step.rating);
}

fn call(message: &mut Object<'_>, call: &Call) {
    message.json("call", Some(&call.call));
    message.json("direction", Some(call.direction));
    message.time("queued_at", call.queued_at);
    message.time("answered_at", call.answered_at);
    message.time("abandoned_at", call.abandoned_at);
    message.time("ended_at", call.ended_at);
    message.json("ticket", call.ticket.as_ref());
}

fn metric(message: &mut Object<'_>, sample: &MetricSample) {
    message.list("values", &sample.values, |value, object| {
        object.json("name", Some(&value.name));
        object.json("value", value.value);
        object.json("bound", Some(value.bound));
        object.json("unit", value.unit.as_ref());
        if !value.labels.is_empty() {
            object.json("labels", Some(&value.labels));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_numbers_are_written_exactly() {
        let written = |value, decimals| {
            let mut out = String::new();
            push_fixed(&mut out, value, decimals);
            out
        };
        assert_eq!(written(284, 1), "28.4");
        assert_eq!(written(-5, 1), "-0.5");
        assert_eq!(written(30_000, 3), "30");
        assert_eq!(written(10_000, 4), "1");
        assert_eq!(written(1830, 4), "0.1830");
    }

    #[test]
    fn a_status_is_the_contract_s_example() {
        let text = status(Status { online: true, boot: 4 });
        assert_eq!(text, r#"{"v":1,"online":true,"boot":4}"#);
    }
}
