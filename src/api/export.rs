//! Printed forms from the indicators, as CSV: form II.06a/VPCP/KSTT with its own header and columns.
//!
//! The file begins with a byte order mark, so that spreadsheets read the Vietnamese letters; it can be
//! imported again by `POST /api/v1/imports?kind=ii06a`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::HeaderMap, response::Response};
use chrono::NaiveDate;

use super::{
    App, answer,
    caller::Caller,
    indicator::{chosen, context, period},
    params::{Asked, FromParams, Params},
    problem::Problem,
};
use crate::{
    access::Right,
    indicator::{
        law::Parameters,
        measure::Dimension,
        period::Period,
        placing::{OWN, UNMAPPED},
        value::{Answer, Ask, Mode, Narrow, Split, Value},
    },
    reform::{self, Context},
};

/// Indicators of the columns 3 to 13; the online part of A01 is column 4, the rest column 5.
const COLUMNS: [&str; 11] =
    ["A03", ONLINE, "A01", "A02", "A04", "A05", "A06", "A07", "A08", "A09", "A10"];
/// A01 of the channel online.
const ONLINE: &str = "A01 online";
const WIDTH: usize = 2 + COLUMNS.len();
/// Dossiers without a due time: in column 7, and in none of 8 to 10.
const NO_DUE: &str = "A11";
/// What spreadsheets take for UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

const FORM: &str = "Biểu số II.06a/VPCP/KSTT";
const TITLE: &str = "TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH TẠI CƠ QUAN, ĐƠN VỊ TRỰC TIẾP \
                     GIẢI QUYẾT THỦ TỤC HÀNH CHÍNH";
const GROUPS: [&str; WIDTH - 2] = [
    "Số hồ sơ nhận giải quyết",
    "",
    "",
    "",
    "Số lượng hồ sơ đã giải quyết",
    "",
    "",
    "",
    "Số lượng hồ sơ đang giải quyết",
    "",
    "",
];
const PARTS: [&str; WIDTH - 2] = [
    "Tổng số",
    "Trong kỳ",
    "",
    "Từ kỳ trước",
    "Tổng số",
    "Trước hạn",
    "Đúng hạn",
    "Quá hạn",
    "Tổng số",
    "Trong hạn",
    "Quá hạn",
];
const CHANNELS: [&str; WIDTH - 2] =
    ["", "Trực tuyến", "Trực tiếp, dịch vụ bưu chính", "", "", "", "", "", "", "", ""];
const NUMBERS: [&str; WIDTH] = [
    "(1)",
    "(2)",
    "(3)=(4)+(5)+(6)",
    "(4)",
    "(5)",
    "(6)",
    "(7)=(8)+(9)+(10)",
    "(8)",
    "(9)",
    "(10)",
    "(11)=(12)+(13)",
    "(12)",
    "(13)",
];

/// Which form.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FormQuery {
    /// The unit and everything below it; the whole city when left out.
    unit: Option<String>,
    /// Period such as 2026-11 or 2026-Q4; the latest month with data when left out.
    #[param(value_type = Option<String>)]
    period: Option<Period>,
    /// Rows: `field` (default), or `unit` for the units directly below.
    #[param(value_type = Option<String>)]
    by: Split,
}

impl FromParams for FormQuery {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let fields = Split::Key(Dimension::Field);
        let by = params.named("by", &[("field", fields), ("unit", Split::Children)])?;
        let (unit, period) = (params.text("unit")?, period(params)?);
        Ok(Self { unit, period, by: by.first().copied().unwrap_or(fields) })
    }
}

/// Columns of one row.
type Counts = [Option<i64>; COLUMNS.len()];

/// A form without its header lines.
#[derive(Debug, Default)]
struct Table {
    /// By code of the unit and key.
    rows: BTreeMap<(String, String), (String, Counts)>,
    total: Counts,
    no_due: Option<i64>,
}

/// What the header says.
#[derive(Debug)]
struct Header<'a> {
    unit: &'a str,
    period: Period,
    by: Split,
    cut_off: String,
}

/// Form II.06a/VPCP/KSTT of a unit and period, by field or by unit: columns 3 to 13 from indicators A01 to
/// A10, in the layout of the form.
#[utoipa::path(get, operation_id = "export_ii06a", path = "/api/v1/exports/ii06a.csv", tag = "indicators", params(FormQuery), responses(
    (status = 200, description = "The form", body = String, content_type = "text/csv"),
    (status = 400, description = "A parameter is not allowed", body = Problem),
    (status = 401, description = "Nobody is signed in", body = Problem)))]
pub(super) async fn ii06a(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<FormQuery>,
) -> Result<Response, Problem> {
    caller.require(Right::Read)?;
    let context = context(&app)?;
    let period = chosen(&app, &context, query.period).await?;
    let ask = |ids: &[&str], split, channel: Option<&str>| Ask {
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        unit: query.unit.clone(),
        period,
        split,
        mode: Mode::AsWas,
        narrow: Narrow { channel: channel.map(str::to_owned), ..Narrow::default() },
    };
    let ids = ["A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A10"];
    let mut table = Table::default();
    for split in [query.by, Split::Total] {
        let is_total = split == Split::Total;
        for (ids, channel) in [(&ids[..], None), (&["A01"], Some("online"))] {
            let answer = reform::evaluate(&app.store, &context, &ask(ids, split, channel)).await?;
            table.take(&answer, is_total, channel.is_some(), &context.parameters);
        }
    }
    let no_due =
        reform::evaluate(&app.store, &context, &ask(&[NO_DUE], Split::Total, None)).await?;
    table.no_due = no_due.values.first().and_then(|value| value.numerator);
    table.finish();
    let unit = no_due.values.first().and_then(|value| value.unit_name.as_ref());
    let header = Header {
        unit: unit.map_or("", |name| name.vi.as_str()),
        period,
        by: query.by,
        cut_off: cut_off(&context),
    };
    let bytes = table.write(&header).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "a form could not be written");
        Problem::internal()
    })?;
    Ok(answer::with_tag(&headers, "text/csv; charset=utf-8", bytes.into()))
}

fn cut_off(context: &Context) -> String {
    context.now().with_timezone(&context.zone).format("%H:%M ngày %d/%m/%Y").to_string()
}

/// What a row is called.
fn name(value: &Value, parameters: &Parameters) -> String {
    let unit = value.unit_name.as_ref().map(|name| name.vi.clone());
    match value.key.as_deref() {
        None if value.unit == UNMAPPED => "Chưa xác định đơn vị".to_owned(),
        None => unit.unwrap_or_else(|| value.unit.clone()),
        Some(OWN) => format!("{} (trực tiếp)", unit.unwrap_or_default()),
        Some("") => "Chưa xác định lĩnh vực".to_owned(),
        Some(key) => parameters.field(key).map_or(key, |field| &field.name_vi).to_owned(),
    }
}

impl Table {
    fn take(&mut self, answer: &Answer, is_total: bool, is_online: bool, names: &Parameters) {
        for value in answer.values.iter().filter(|value| value.part.is_none()) {
            let id = if is_online { ONLINE } else { value.id.as_str() };
            let Some(column) = COLUMNS.iter().position(|column| *column == id) else { continue };
            if is_total {
                self.total[column] = value.numerator;
                continue;
            }
            let key = (value.unit.clone(), value.key.clone().unwrap_or_default());
            let row =
                self.rows.entry(key).or_insert_with(|| (name(value, names), Counts::default()));
            row.1[column] = value.numerator;
        }
    }

    /// Column 5 is what is not online; a row without any record is left out.
    fn finish(&mut self) {
        let rows = self.rows.values_mut().map(|(_, counts)| counts);
        for counts in rows.chain([&mut self.total]) {
            if counts[2].is_some() {
                let online = counts[1].unwrap_or_default();
                (counts[1], counts[2]) = (Some(online), counts[2].map(|all| all - online));
            }
        }
        self.rows.retain(|_, (_, counts)| counts.iter().flatten().any(|count| *count != 0));
    }

    fn write(&self, header: &Header<'_>) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(MARK.to_vec());
        for line in header.lines() {
            writer.write_record(padded(&line))?;
        }
        let named =
            if header.by == Split::Children { "Đơn vị" } else { "Lĩnh vực giải quyết" };
        writer.write_record(["STT", named].into_iter().chain(GROUPS))?;
        writer.write_record(["", ""].into_iter().chain(PARTS))?;
        writer.write_record(["", ""].into_iter().chain(CHANNELS))?;
        writer.write_record(NUMBERS)?;
        for (number, (name, counts)) in (1_u64..).zip(self.rows.values()) {
            writer.write_record(row(number.to_string(), answer::neutral(name), counts))?;
        }
        writer.write_record(row(String::new(), "Tổng cộng".to_owned(), &self.total))?;
        if let Some(count) = self.no_due.filter(|count| *count > 0) {
            let note = format!(
                "Ghi chú: cột (7) có {count} hồ sơ không có hạn giải quyết, không tính vào cột (8), (9), (10)"
            );
            writer.write_record(padded(&note))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

impl Header<'_> {
    fn lines(&self) -> [String; 5] {
        let day = |day: NaiveDate| day.format("%d/%m/%Y").to_string();
        let (from, to) = (day(self.period.span().from), day(self.period.last_day()));
        [
            FORM.to_owned(),
            TITLE.to_owned(),
            format!("Đơn vị báo cáo: {}", self.unit),
            format!("Kỳ báo cáo: {} (từ ngày {from} đến hết ngày {to})", self.period),
            format!("Số liệu tính đến {}; đơn vị tính: hồ sơ", self.cut_off),
        ]
    }
}

/// A text in the first cell of a line that is as wide as the others.
fn padded(text: &str) -> [&str; WIDTH] {
    let mut line = [""; WIDTH];
    line[0] = text;
    line
}

fn row(number: String, name: String, counts: &Counts) -> impl Iterator<Item = String> {
    let cells = counts.map(|count| count.map(|count| count.to_string()).unwrap_or_default());
    [number, name].into_iter().chain(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_has_its_header_its_columns_and_its_note() {
        let mut table = Table::default();
        let counts = [7, 2, 6, 1, 5, 2, 1, 1, 2, 1, 1].map(Some);
        let key = |key: &str| ("gso:92".to_owned(), key.to_owned());
        table.rows.insert(key("land"), ("land".to_owned(), counts));
        table.rows.insert(key("tax"), ("tax".to_owned(), [Some(0); 11]));
        table.total = counts;
        table.no_due = Some(1);
        table.finish();
        let header = Header {
            unit: "Thành phố Cần Thơ",
            period: "2026-Q1".parse().unwrap(),
            by: Split::Key(Dimension::Field),
            cut_off: "08:00 ngày 05/04/2026".to_owned(),
        };
        let text = String::from_utf8(table.write(&header).unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("\u{feff}Biểu số II.06a/VPCP/KSTT,"), "{}", lines[0]);
        assert!(lines[3].contains("từ ngày 01/01/2026 đến hết ngày 31/03/2026"), "{}", lines[3]);
        assert!(lines.iter().all(|line| line.matches(',').count() >= WIDTH - 1), "{text}");
        // Column 5 is what is not online; the empty field is left out.
        assert_eq!(lines[9], "1,land,7,2,4,1,5,2,1,1,2,1,1");
        assert_eq!(lines[10], ",Tổng cộng,7,2,4,1,5,2,1,1,2,1,1");
        assert!(lines[11].contains("cột (7) có 1 hồ sơ không có hạn"), "{}", lines[11]);
        assert_eq!(lines.len(), 12);
    }
}
