//! Tickets of the service desk and their steps as rows: columns, encoding, decoding. The table of the
//! steps is [`super::table::TICKET_STEP`].

use ioc_ingest::{
    Word,
    ticket::{Location, TicketStep},
};
use tokio_postgres::{Error, Row};

use super::{copy::Rows, dossier_row::word, upsert::Upsert};
use crate::record::{Told, ticket::Ticket};

pub(super) const STATE: Upsert = Upsert {
    name: "ticket",
    key: &["device_id", "ticket"],
    columns: &[
        "status",
        "status_at",
        "created_at",
        "handled_at",
        "channel",
        "kind",
        "category",
        "unit",
        "summary",
        "lat",
        "lon",
        "due_at",
        "first_response_at",
        "solved_at_desk",
        "merged_into",
        "rating",
        "units",
        "reopened",
        "assigned_at",
        "is_paused",
        "paused_s",
        "effective_due",
        "on_time",
        "sla_met",
        "satisfied",
        "dispatch_min",
        "first_response_min",
        "resolve_min",
        "calendar",
        "left_at",
        "created_day",
        "handled_day",
        "left_day",
        "due_day",
    ],
};

pub(super) fn encode_state(rows: &mut Rows, device_id: i32, row: &Ticket) {
    rows.row().i32(device_id).text(&*row.ticket);
    rows.text(row.status.as_str()).time(row.status_at).time(row.created_at).time(row.handled_at);
    rows.text(row.channel.map(Word::as_str)).text(row.kind.map(Word::as_str));
    rows.text(row.category.as_deref()).text(row.unit.as_deref()).text(row.summary.as_deref());
    rows.f64(row.location.map(|at| at.lat)).f64(row.location.map(|at| at.lon));
    rows.time(row.due_at).time(row.first_response_at).bool(row.solved_at_desk);
    rows.text(row.merged_into.as_deref()).i16(row.rating.map(i16::from));
    rows.i16(row.units).i16(row.reopened).time(row.assigned_at);
    rows.bool(row.is_paused).i64(row.paused_s).time(row.effective_due).bool(row.on_time);
    rows.bool(row.sla_met).bool(row.satisfied);
    rows.i32(row.dispatch_min).i32(row.first_response_min).i32(row.resolve_min);
    rows.i16(row.calendar).time(row.left_at);
    rows.date(row.created_day).date(row.handled_day).date(row.left_day).date(row.due_day);
}

/// A step, in the columns of [`super::table::TICKET_STEP`]; null for a status that this program does not
/// know.
pub(super) fn step(row: &Row) -> Result<Option<Told<TicketStep>>, Error> {
    let Some(status) = word(row, 2)? else { return Ok(None) };
    let place = row.try_get::<_, Option<f64>>(12)?.zip(row.try_get::<_, Option<f64>>(13)?);
    let rating = row.try_get::<_, Option<i16>>(18)?;
    let step = TicketStep {
        ticket: row.try_get(1)?,
        status,
        at: row.try_get(3)?,
        channel: word(row, 7)?,
        kind: word(row, 8)?,
        category: row.try_get(9)?,
        unit: row.try_get(10)?,
        summary: row.try_get(11)?,
        location: place.map(|(lat, lon)| Location { lat, lon }),
        due_at: row.try_get(14)?,
        first_response_at: row.try_get(15)?,
        solved_at_desk: row.try_get(16)?,
        merged_into: row.try_get(17)?,
        rating: rating.and_then(|rating| u8::try_from(rating).ok()),
    };
    Ok(Some(Told { time: row.try_get(4)?, boot: row.try_get(5)?, seq: row.try_get(6)?, step }))
}
