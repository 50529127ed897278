//! Facts as rows of their tables. Each row remembers the message that it came from, so that
//! duplicates are counted and conflicts quarantined per message.

use ioc_ingest::{
    Envelope, Word as _,
    health::{Health, Status},
    incident::Incident,
    interval::{Interval, Reading},
    metric::MetricValue,
    signal::{ControllerEvent, SignalState},
    ticket::{Call, TicketStep},
};

use chrono::{DateTime, Utc};

use super::copy::Rows;

/// A reading of a batch with everything that its row needs.
pub(super) struct ReadingRow<'a> {
    pub(super) item: usize,
    pub(super) detector_id: i32,
    pub(super) time: DateTime<Utc>,
    pub(super) interval: &'a Interval,
    pub(super) reading: &'a Reading,
    pub(super) quality: i32,
}

fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn small(value: u16) -> i16 {
    i16::try_from(value).unwrap_or(i16::MAX)
}

pub(super) fn seq(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn reading(rows: &mut Rows, row: &ReadingRow<'_>) {
    let reading = row.reading;
    rows.time(row.time).i32(row.detector_id).i32(int(row.interval.duration_ms));
    rows.i32(reading.count.map(int)).i32(reading.headway_ms.map(int));
    rows.i32(reading.queue_dm.map(int)).i32(reading.density_e1_per_km.map(int));
    rows.i32(row.quality).i16(reading.occupancy_e4.map(small));
    rows.i16(reading.speed_e1_kmh.map(small)).i16(reading.confidence_e4.map(small));
    rows.i16(reading.samples.map(small)).i16(reading.samples_expected.map(small));
    rows.array_i32(
        reading.classes.map(|classes| classes.map(|n| n.map(int))).as_ref().map(|a| &a[..]),
    );
    let speeds = reading.class_speed_e1_kmh.map(|speeds| speeds.map(|v| v.map(small)));
    rows.array_i16(speeds.as_ref().map(|a| &a[..]));
}

pub(super) fn signal_state(
    rows: &mut Rows,
    device_id: i32,
    time: DateTime<Utc>,
    state: &SignalState,
) {
    rows.time(time).i32(device_id).text(state.mode.as_str());
    rows.i32(state.plan.map(i32::from)).i32(state.cycle_ms.map(int));
    rows.i32(state.cycle_position_ms.map(int)).i32(state.offset_ms);
    rows.i16(state.flash.map(i16::from)).i16(state.preempt.map(i16::from));
    rows.json(&state.groups);
}

pub(super) fn signal_event(rows: &mut Rows, device_id: i32, event: ControllerEvent) {
    rows.time(event.time).i32(device_id).i32(i32::from(event.code)).i32(i32::from(event.parameter));
}

pub(super) fn health(rows: &mut Rows, device_id: i32, time: DateTime<Utc>, report: &Health) {
    rows.time(time).i32(device_id).json(report);
}

pub(super) fn connection(rows: &mut Rows, device_id: i32, time: DateTime<Utc>, status: Status) {
    rows.time(time).i32(device_id).i64(i64::from(status.boot)).bool(status.online);
}

pub(super) fn incident(rows: &mut Rows, device_id: i32, time: DateTime<Utc>, incident: &Incident) {
    rows.time(time).i32(device_id).i16(incident.confidence_e4.map(small)).time(incident.ended);
    rows.text(incident.kind.as_str()).text(&*incident.zone);
}

pub(super) fn ticket_step(rows: &mut Rows, device_id: i32, envelope: &Envelope, step: &TicketStep) {
    rows.i32(device_id).text(&*step.ticket).text(step.status.as_str()).time(step.at);
    rows.time(envelope.time).i64(i64::from(envelope.boot)).i64(seq(envelope.seq));
    rows.text(step.channel.map(ioc_ingest::Word::as_str));
    rows.text(step.kind.map(ioc_ingest::Word::as_str));
    rows.text(step.category.as_deref()).text(step.unit.as_deref()).text(step.summary.as_deref());
    rows.f64(step.location.map(|at| at.lat)).f64(step.location.map(|at| at.lon));
    rows.time(step.due_at).time(step.first_response_at).bool(step.solved_at_desk);
    rows.text(step.merged_into.as_deref()).i16(step.rating.map(i16::from));
}

pub(super) fn call(rows: &mut Rows, device_id: i32, time: DateTime<Utc>, call: &Call) {
    rows.i32(device_id).text(&*call.call).text(call.direction.as_str());
    rows.time(call.queued_at).time(call.answered_at).time(call.abandoned_at).time(call.ended_at);
    rows.text(call.ticket.as_deref()).time(time);
}

pub(super) fn metric(rows: &mut Rows, device_id: i32, time: DateTime<Utc>, value: &MetricValue) {
    rows.time(time).i32(device_id).text(&*value.name).text(value.unit.as_deref().unwrap_or(""));
    rows.json(&value.labels).f64(value.value).text(value.bound.as_str());
}
