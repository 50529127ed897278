//! Petitions and their steps as rows: columns, encoding, decoding.

use ioc_ingest::{Envelope, Word, petition::PetitionStep};
use tokio_postgres::{Error, Row};

use super::{copy::Rows, dossier_row::word, encode::seq, table::Table, upsert::Upsert};
use crate::record::{Told, petition::Petition};

/// The same step may come again under another seq, so time, boot and seq are not compared.
pub(super) const STEP: Table = Table {
    name: "petition_step",
    columns: &[
        "device_id",
        "petition",
        "status",
        "at",
        "time",
        "boot",
        "seq",
        "kind",
        "class",
        "unit",
        "dossier",
        "satisfied",
    ],
    key: &["device_id", "petition", "status", "at"],
    compared: &["kind", "class", "unit", "dossier", "satisfied"],
};

pub(super) const STATE: Upsert = Upsert {
    name: "petition",
    key: &["device_id", "petition"],
    columns: &[
        "kind",
        "class",
        "unit",
        "dossier",
        "status",
        "status_at",
        "received_at",
        "sent_at",
        "info_at",
        "answered_at",
        "published_at",
        "refused_at",
        "ended_at",
        "satisfied",
        "due_at",
        "overdue_at",
        "outcome",
        "published_on_time",
        "handling_min",
        "illegal_moves",
        "calendar",
        "received_day",
        "ended_day",
        "published_day",
        "overdue_day",
    ],
};

pub(super) fn encode_step(rows: &mut Rows, device_id: i32, told: &Envelope, step: &PetitionStep) {
    rows.i32(device_id).text(&*step.petition).text(step.status.as_str()).time(step.at);
    rows.time(told.time).i64(i64::from(told.boot)).i64(seq(told.seq));
    rows.text(step.kind.map(Word::as_str)).text(step.class.map(Word::as_str));
    rows.text(step.unit.as_deref()).text(step.dossier.as_deref()).bool(step.satisfied);
}

pub(super) fn encode_state(rows: &mut Rows, device_id: i32, row: &Petition) {
    rows.row().i32(device_id).text(&*row.petition);
    rows.text(row.kind.map(Word::as_str)).text(row.class.map(Word::as_str));
    rows.text(row.unit.as_deref()).text(row.dossier.as_deref());
    rows.text(row.status.as_str()).time(row.status_at);
    rows.time(row.received_at).time(row.sent_at).time(row.info_at).time(row.answered_at);
    rows.time(row.published_at).time(row.refused_at).time(row.ended_at).bool(row.satisfied);
    rows.time(row.due_at).time(row.overdue_at);
    rows.text(row.on_time.map(|on_time| if on_time { "on_time" } else { "late" }));
    rows.bool(row.published_on_time).i32(row.handling_min);
    rows.i16(row.illegal_moves).i16(row.calendar);
    rows.date(row.received_day).date(row.ended_day).date(row.published_day);
    rows.date(row.overdue_day);
}

/// A step, in the columns of [`STEP`]; null for a status that this program does not know.
pub(super) fn step(row: &Row) -> Result<Option<Told<PetitionStep>>, Error> {
    let Some(status) = word(row, 2)? else { return Ok(None) };
    let step = PetitionStep {
        petition: row.try_get(1)?,
        status,
        at: row.try_get(3)?,
        kind: word(row, 7)?,
        class: word(row, 8)?,
        unit: row.try_get(9)?,
        dossier: row.try_get(10)?,
        satisfied: row.try_get(11)?,
    };
    Ok(Some(Told { time: row.try_get(4)?, boot: row.try_get(5)?, seq: row.try_get(6)?, step }))
}
