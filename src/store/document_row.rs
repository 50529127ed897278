//! Result documents and their steps as rows: columns, encoding, decoding.

use ioc_ingest::{Envelope, Word as _, document::DocumentStep};
use tokio_postgres::{Error, Row};

use super::{copy::Rows, dossier_row::word, encode::seq, table::Table, upsert::Upsert};
use crate::record::{Told, document::Document};

/// The same step may come again under another seq, so time, boot and seq are not compared.
pub(super) const STEP: Table = Table {
    name: "document_step",
    columns: &[
        "device_id",
        "document",
        "state",
        "at",
        "time",
        "boot",
        "seq",
        "result_type",
        "unit",
        "has_holder",
    ],
    key: &["device_id", "document", "state", "at"],
    compared: &["result_type", "unit", "has_holder"],
};

pub(super) const STATE: Upsert = Upsert {
    name: "document",
    key: &["device_id", "document"],
    columns: &[
        "result_type",
        "unit",
        "has_holder",
        "state",
        "state_at",
        "first_at",
        "reviewed_at",
        "digitised_at",
        "signed_at",
        "withdrawn_at",
        "reviewed_day",
        "digitised_day",
        "signed_day",
        "withdrawn_day",
    ],
};

pub(super) fn encode_step(rows: &mut Rows, device_id: i32, told: &Envelope, step: &DocumentStep) {
    rows.i32(device_id).text(&*step.document).text(step.state.as_str()).time(step.at);
    rows.time(told.time).i64(i64::from(told.boot)).i64(seq(told.seq));
    rows.text(step.result_type.as_deref()).text(step.unit.as_deref()).bool(step.has_holder);
}

pub(super) fn encode_state(rows: &mut Rows, device_id: i32, row: &Document) {
    rows.row().i32(device_id).text(&*row.document);
    rows.text(row.result_type.as_deref()).text(row.unit.as_deref()).bool(row.has_holder);
    rows.text(row.state.as_str()).time(row.state_at).time(row.first_at);
    rows.time(row.reviewed_at).time(row.digitised_at).time(row.signed_at).time(row.withdrawn_at);
    rows.date(row.reviewed_day).date(row.digitised_day);
    rows.date(row.signed_day).date(row.withdrawn_day);
}

/// A step, in the columns of [`STEP`]; null for a state that this program does not know.
pub(super) fn step(row: &Row) -> Result<Option<Told<DocumentStep>>, Error> {
    let Some(state) = word(row, 2)? else { return Ok(None) };
    let step = DocumentStep {
        document: row.try_get(1)?,
        state,
        at: row.try_get(3)?,
        result_type: row.try_get(7)?,
        unit: row.try_get(8)?,
        has_holder: row.try_get(9)?,
    };
    Ok(Some(Told { time: row.try_get(4)?, boot: row.try_get(5)?, seq: row.try_get(6)?, step }))
}
