//! Dossiers and their steps as rows: columns, encoding, decoding.

use ioc_ingest::{
    Envelope, Word,
    dossier::{DossierStatus, DossierStep, Fee, LimitUnit, PaidOnline, TimeLimit},
};
use tokio_postgres::{Error, Row};

use super::{copy::Rows, encode::seq, table::Table, upsert::Upsert};
use crate::record::{Told, dossier::Dossier, small};

/// The same step may come again under another seq, so time, boot and seq are not compared.
pub(super) const STEP: Table = Table {
    name: "dossier_step",
    columns: &[
        "device_id",
        "dossier",
        "status",
        "at",
        "time",
        "boot",
        "seq",
        "formality",
        "field",
        "unit",
        "received_by",
        "channel",
        "submitted_at",
        "received_at",
        "due_at",
        "limit_value",
        "limit_unit",
        "has_component_file",
        "digitised",
        "reused",
        "from_national_store",
        "vneid",
        "paid_online",
        "fees",
        "result_links",
        "applicant",
        "step",
        "step_due_at",
        "apology_at",
    ],
    key: &["device_id", "dossier", "status", "at"],
    compared: &[
        "formality",
        "field",
        "unit",
        "received_by",
        "channel",
        "submitted_at",
        "received_at",
        "due_at",
        "limit_value",
        "limit_unit",
        "has_component_file",
        "digitised",
        "reused",
        "from_national_store",
        "vneid",
        "paid_online",
        "fees",
        "result_links",
        "applicant",
        "step",
        "step_due_at",
        "apology_at",
    ],
};

pub(super) const STATE: Upsert = Upsert {
    name: "dossier",
    key: &["device_id", "dossier"],
    columns: &[
        "formality",
        "field",
        "unit",
        "received_by",
        "channel",
        "status",
        "status_at",
        "submitted_at",
        "received_at",
        "due_at",
        "limit_value",
        "limit_unit",
        "has_component_file",
        "digitised",
        "reused",
        "from_national_store",
        "vneid",
        "paid_online",
        "fee_count",
        "fee_vnd",
        "result_links",
        "applicant",
        "apology_at",
        "petitions",
        "disliked",
        "ended_at",
        "end_status",
        "returned_at",
        "refused_at",
        "supplements",
        "is_paused",
        "paused_s",
        "effective_due",
        "overdue_at",
        "outcome",
        "on_time",
        "handling_min",
        "limit_min",
        "acceptance_min",
        "accepted_in_time",
        "steps_total",
        "steps_on_time",
        "boundary_free",
        "illegal_moves",
        "calendar",
        "code_date_differs",
        "submitted_day",
        "received_day",
        "ended_day",
        "refused_day",
        "overdue_day",
    ],
};

fn code(status: DossierStatus) -> i16 {
    i16::from(status.code())
}

fn paid(paid: Option<PaidOnline>) -> Option<i16> {
    paid.map(|paid| i16::from(paid.code()))
}

fn limit(rows: &mut Rows, limit: Option<TimeLimit>) {
    rows.i16(limit.map(|limit| small(limit.value.into())));
    rows.text(limit.map(|limit| limit.unit.as_str()));
}

pub(super) fn encode_step(rows: &mut Rows, device_id: i32, told: &Envelope, step: &DossierStep) {
    rows.i32(device_id).text(&*step.dossier).i16(code(step.status)).time(step.at);
    rows.time(told.time).i64(i64::from(told.boot)).i64(seq(told.seq));
    rows.text(step.formality.as_deref()).text(step.field.as_deref());
    rows.text(step.unit.as_deref()).text(step.received_by.as_deref());
    rows.text(step.channel.map(Word::as_str));
    rows.time(step.submitted_at).time(step.received_at).time(step.due_at);
    limit(rows, step.limit);
    rows.bool(step.has_component_file).bool(step.digitised).bool(step.reused);
    rows.bool(step.from_national_store).bool(step.vneid).i16(paid(step.paid_online));
    match &step.fees {
        Some(fees) => rows.json(fees),
        None => rows.text(None),
    };
    rows.i16(step.result_links.map(|links| small(links.into())));
    rows.text(step.applicant.map(Word::as_str));
    rows.text(step.step.as_deref()).time(step.step_due_at).time(step.apology_at);
}

pub(super) fn encode_state(rows: &mut Rows, device_id: i32, row: &Dossier) {
    rows.row().i32(device_id).text(&*row.dossier);
    rows.text(row.formality.as_deref()).text(row.field.as_deref());
    rows.text(row.unit.as_deref()).text(row.received_by.as_deref());
    rows.text(row.channel.as_str()).i16(code(row.status)).time(row.status_at);
    rows.time(row.submitted_at).time(row.received_at).time(row.due_at);
    limit(rows, row.limit);
    rows.bool(row.has_component_file).bool(row.digitised).bool(row.reused);
    rows.bool(row.from_national_store).bool(row.vneid).i16(paid(row.paid_online));
    rows.i16(row.fee_count).i64(row.fee_vnd).i16(row.result_links);
    rows.text(row.applicant.map(Word::as_str)).time(row.apology_at);
    rows.i16(row.petitions).bool(row.disliked);
    rows.time(row.ended_at).i16(row.end_status.map(code));
    rows.time(row.returned_at).time(row.refused_at);
    rows.i16(row.supplements).bool(row.is_paused).i64(row.paused_s);
    rows.time(row.effective_due).time(row.overdue_at);
    rows.text(row.outcome.map(crate::record::dossier::Outcome::as_str)).bool(row.on_time);
    rows.i32(row.handling_min).i32(row.limit_min).i32(row.acceptance_min);
    rows.bool(row.accepted_in_time);
    rows.i16(row.steps_total).i16(row.steps_on_time).bool(row.boundary_free);
    rows.i16(row.illegal_moves).i16(row.calendar).bool(row.code_date_differs);
    rows.date(row.submitted_day).date(row.received_day).date(row.ended_day);
    rows.date(row.refused_day).date(row.overdue_day);
}

/// A word of the contract; null where the column is, and for a word that this program does not know.
pub(super) fn word<T: Word>(row: &Row, column: usize) -> Result<Option<T>, Error> {
    Ok(row.try_get::<_, Option<&str>>(column)?.and_then(T::parse))
}

/// A step, in the columns of [`STEP`]; null for a status that this program does not know.
pub(super) fn step(row: &Row) -> Result<Option<Told<DossierStep>>, Error> {
    let Some(status) =
        u8::try_from(row.try_get::<_, i16>(2)?).ok().and_then(DossierStatus::of_code)
    else {
        return Ok(None);
    };
    let value = row.try_get::<_, Option<i16>>(15)?.and_then(|value| u16::try_from(value).ok());
    let limit = value.zip(word::<LimitUnit>(row, 16)?);
    let paid = row.try_get::<_, Option<i16>>(22)?.and_then(|code| u8::try_from(code).ok());
    let fees = row.try_get::<_, Option<serde_json::Value>>(23)?;
    let links = row.try_get::<_, Option<i16>>(24)?;
    let step = DossierStep {
        dossier: row.try_get(1)?,
        status,
        at: row.try_get(3)?,
        formality: row.try_get(7)?,
        field: row.try_get(8)?,
        unit: row.try_get(9)?,
        received_by: row.try_get(10)?,
        channel: word(row, 11)?,
        submitted_at: row.try_get(12)?,
        received_at: row.try_get(13)?,
        due_at: row.try_get(14)?,
        limit: limit.map(|(value, unit)| TimeLimit { value, unit }),
        has_component_file: row.try_get(17)?,
        digitised: row.try_get(18)?,
        reused: row.try_get(19)?,
        from_national_store: row.try_get(20)?,
        vneid: row.try_get(21)?,
        paid_online: paid.and_then(PaidOnline::of_code),
        fees: fees.and_then(|fees| serde_json::from_value::<Vec<Fee>>(fees).ok()),
        result_links: links.and_then(|links| u16::try_from(links).ok()),
        applicant: word(row, 25)?,
        step: row.try_get(26)?,
        step_due_at: row.try_get(27)?,
        apology_at: row.try_get(28)?,
    };
    Ok(Some(Told { time: row.try_get(4)?, boot: row.try_get(5)?, seq: row.try_get(6)?, step }))
}
