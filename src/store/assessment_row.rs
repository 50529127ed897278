//! Forms on the nine indicators as rows. A form is told once; there is nothing to fold.

use chrono::{DateTime, Utc};
use ioc_ingest::{Word, assessment::Assessment};

use super::{copy::Rows, table::Table};
use crate::record::small;

pub(super) const FORM: Table = Table {
    name: "assessment",
    columns: &[
        "device_id",
        "form",
        "time",
        "unit",
        "quarter",
        "by",
        "channel",
        "dossier",
        "n1_e3",
        "n2_e3",
        "n3_e3",
        "n4_e3",
        "n5_e3",
        "n6_e3",
        "n7_e3",
        "n8_e3",
        "n9_e3",
    ],
    key: &["device_id", "form"],
    compared: &[
        "unit", "quarter", "by", "channel", "dossier", "n1_e3", "n2_e3", "n3_e3", "n4_e3", "n5_e3",
        "n6_e3", "n7_e3", "n8_e3", "n9_e3",
    ],
};

pub(super) fn encode(rows: &mut Rows, device_id: i32, time: DateTime<Utc>, form: &Assessment) {
    rows.i32(device_id).text(&*form.form).time(time).text(&*form.unit).date(form.quarter);
    rows.text(form.by.as_str()).text(form.channel.map(Word::as_str));
    rows.text(form.dossier.as_deref());
    for score in form.scores_e3 {
        rows.i16(score.map(|points| small(points.into())));
    }
}
