//! The rows of data of a table, read field by field; every accessor reports what it refuses.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use ioc_ingest::dossier::{LimitUnit, TimeLimit};

use super::{
    Around, Kind,
    columns::{self, Field},
    date::{self, When},
    number::{self, Count},
    report::{Flaw, Report, shown},
    table::Line,
    words::{KindWords, Words},
};
use crate::{
    city::problem::nearest,
    unit::{Found, name::plain_key},
};

/// The rows of a table.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    /// Rows of data.
    pub(super) data: Vec<Row<'a>>,
    /// Rows of totals.
    pub(super) totals: Vec<Row<'a>>,
}

/// One row of a table.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    /// Line of the file.
    pub(super) line: u64,
    cells: BTreeMap<&'static str, &'a str>,
    titles: BTreeMap<&'static str, String>,
    kind: &'a KindWords,
    words: &'a Words,
}

/// Finds header and rows; null, with the reason in the report, when the table cannot be used.
pub(super) fn rows<'a>(
    kind: Kind,
    fields: &'static [Field],
    lines: &'a [Line],
    around: Around<'a>,
    report: &mut Report,
) -> Option<Rows<'a>> {
    let words = around.words;
    let of_kind = words.of(kind);
    let header = columns::find(lines, fields, of_kind, words, around.personal_keys, report)?;
    if report.columns.iter().any(|column| column.is_personal) {
        // Values of such a table are not even read, so that none can get into a report.
        return None;
    }
    let titles: BTreeMap<&'static str, String> = header
        .fields
        .iter()
        .zip(&header.titles)
        .filter_map(|(field, title)| Some(((*field)?, shown(title))))
        .collect();
    let needed: Vec<&str> =
        fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let mut rows = Rows { data: Vec::new(), totals: Vec::new() };
    for line in &lines[header.below..] {
        if line.filled() == 0 {
            continue;
        }
        let cells = line.cells.iter().zip(&header.fields);
        let cells: BTreeMap<&'static str, &str> = cells
            .filter_map(|(cell, field)| Some(((*field)?, cell.as_str())))
            .filter(|(_, cell)| !is_empty(cell, words))
            .collect();
        let row = Row { line: line.number, cells, titles: titles.clone(), kind: of_kind, words };
        if is_total(line, words) {
            report.lines_skipped.push(line.number);
            rows.totals.push(row);
        } else if is_aside(line, &row, &needed) {
            report.lines_skipped.push(line.number);
        } else {
            rows.data.push(row);
        }
    }
    report.rows = rows.data.len() as u64;
    if rows.data.is_empty() {
        report.refuse(None, "", "there is no row of data below the header".to_owned(), "");
        return None;
    }
    Some(rows)
}

fn is_empty(cell: &str, words: &Words) -> bool {
    let cell = cell.to_lowercase();
    cell.is_empty() || words.empty.contains(&cell)
}

/// Whether the first text of a line says that it adds up the others.
fn is_total(line: &Line, words: &Words) -> bool {
    let is_text = |cell: &&String| cell.chars().any(char::is_alphabetic);
    let Some(first) = line.cells.iter().find(is_text) else { return false };
    let key = plain_key(first);
    words.totals.iter().any(|word| plain_key(word) == key)
}

/// Whether a line is a heading, a note, a signature or the line of column numbers: it has no value in
/// a needed column, or nothing but numbers in sequence.
fn is_aside(line: &Line, row: &Row<'_>, needed: &[&str]) -> bool {
    let filled: Vec<&String> = line.cells.iter().filter(|cell| !cell.is_empty()).collect();
    let is_number = |cell: &&String| {
        let first: String =
            cell.trim_start_matches('(').chars().take_while(char::is_ascii_alphanumeric).collect();
        first.len() <= 2
            && (cell.starts_with('(') && cell.contains(')')
                || cell.contains('=')
                || first.chars().all(|c| c.is_ascii_digit())
                || cell.len() == 1)
    };
    let is_numbering = filled.len() >= 3
        && filled.iter().all(is_number)
        && (filled.iter().any(|cell| cell.starts_with('(') || cell.contains('='))
            || is_sequence(&filled));
    let has_needed = needed.iter().any(|name| row.cells.contains_key(name));
    // A heading or note stands alone in its line; a row of data has more.
    is_numbering
        || (filled.len() <= 2 && row.cells.len() <= 1)
        || !has_needed && row.cells.len() <= 1
}

/// Whether cells are 1, 2, 3 and so on.
fn is_sequence(cells: &[&String]) -> bool {
    let numbers: Vec<u32> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
    numbers.len() >= 3
        && numbers.len() + 2 >= cells.len()
        && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

/// Reads the value of a cell; the error is problem and advice.
type Reading<T> = Result<T, (String, String)>;

impl<'a> Row<'a> {
    /// The cell of a field as it stands; null when it is empty.
    pub(super) fn cell(&self, field: &'static str) -> Option<&'a str> {
        self.cells.get(field).copied()
    }

    /// Whether the table has a column for the field.
    pub(super) fn has_column(&self, field: &'static str) -> bool {
        self.titles.contains_key(field)
    }

    fn flaw(&self, field: &'static str, problem: String, advice: String) -> Flaw {
        Flaw {
            line: Some(self.line),
            column: self.titles.get(field).cloned().unwrap_or_else(|| field.to_owned()),
            value: self.cell(field).map(shown),
            problem,
            advice,
        }
    }

    /// Reports what keeps this row from being stored.
    pub(super) fn problem(
        &self,
        field: &'static str,
        problem: &str,
        advice: &str,
        report: &mut Report,
    ) {
        report.problems.push(self.flaw(field, problem.to_owned(), advice.to_owned()));
    }

    /// Reports what a person should look at.
    pub(super) fn warn(
        &self,
        field: &'static str,
        problem: &str,
        advice: &str,
        report: &mut Report,
    ) {
        report.warnings.push(self.flaw(field, problem.to_owned(), advice.to_owned()));
    }

    /// Reads a cell: null inside when it is empty, null outside when it was refused.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    fn read<T>(
        &self,
        field: &'static str,
        report: &mut Report,
        read: impl FnOnce(&'a str) -> Reading<T>,
    ) -> Option<Option<T>> {
        let Some(cell) = self.cell(field) else { return Some(None) };
        match read(cell) {
            Ok(value) => Some(Some(value)),
            Err((problem, advice)) => {
                report.problems.push(self.flaw(field, problem, advice));
                None
            }
        }
    }

    /// A needed cell; reports when it is empty.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn needed<T>(
        &self,
        field: &'static str,
        value: Option<Option<T>>,
        report: &mut Report,
    ) -> Option<T> {
        match value {
            Some(None) => {
                self.problem(field, "is empty", "fill the cell, or delete the row", report);
                None
            }
            Some(Some(value)) => Some(value),
            None => None,
        }
    }

    /// A code of at most 64 characters.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn code(
        &self,
        field: &'static str,
        report: &mut Report,
    ) -> Option<Option<Box<str>>> {
        self.read(field, report, |cell| {
            let code = cell.trim_start_matches('\'');
            if code.chars().count() <= 64 && !code.contains(char::is_control) {
                return Ok(code.into());
            }
            Err(("is no code".to_owned(), "codes have at most 64 characters".to_owned()))
        })
    }

    /// A count.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn count(&self, field: &'static str, report: &mut Report) -> Option<Option<Count>> {
        self.read(field, report, |cell| {
            number::count(cell, self.words)
                .map_err(|error| (error.problem.to_owned(), error.advice))
        })
    }

    /// Points in thousandths.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn points_e3(
        &self,
        field: &'static str,
        max_e3: u32,
        report: &mut Report,
    ) -> Option<Option<u32>> {
        self.read(field, report, |cell| {
            number::points_e3(cell, max_e3, self.words)
                .map_err(|error| (error.problem.to_owned(), error.advice))
        })
    }

    /// A date.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn when(&self, field: &'static str, report: &mut Report) -> Option<Option<When>> {
        self.read(field, report, |cell| {
            date::when(cell).map_err(|error| (error.problem.to_owned(), error.advice.to_owned()))
        })
    }

    /// The value that the cell is a word for.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn word<T>(
        &self,
        field: &'static str,
        report: &mut Report,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        self.read(field, report, |cell| {
            let key = plain_key(cell);
            let lists = self.kind.word.get(field);
            let named = lists.into_iter().flatten().find(|(value, names)| {
                plain_key(value) == key || names.iter().any(|name| plain_key(name) == key)
            });
            let value = named.and_then(|(value, _)| parse(value)).or_else(|| parse(cell));
            value.ok_or_else(|| {
                let all: Vec<&str> = lists
                    .into_iter()
                    .flatten()
                    .filter_map(|(_, names)| Some(names.first()?.as_str()))
                    .collect();
                (
                    "is none of the known words".to_owned(),
                    format!("write one of: {}", all.join(", ")),
                )
            })
        })
    }

    /// Yes or no.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn flag(&self, field: &'static str, report: &mut Report) -> Option<Option<bool>> {
        self.read(field, report, |cell| match plain_key(cell).as_str() {
            "co" | "yes" | "true" | "1" | "da" | "dung" | "v" => Ok(true),
            "khong" | "no" | "false" | "0" | "chua" | "sai" => Ok(false),
            _ => Err(("is neither yes nor no".to_owned(), "write có or không".to_owned())),
        })
    }

    /// A time limit: "5 ngày làm việc", "15 ngày", "8 giờ", "1 tháng"; a bare number is working days.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn limit(
        &self,
        field: &'static str,
        report: &mut Report,
    ) -> Option<Option<TimeLimit>> {
        self.read(field, report, |cell| {
            let key = plain_key(cell);
            let digits: String = key.chars().take_while(char::is_ascii_digit).collect();
            let unit = match key[digits.len()..].trim() {
                "" | "ngay lam viec" | "ngay lv" | "nlv" | "working day" | "working days" => {
                    Some(LimitUnit::WorkingDay)
                }
                "ngay" | "ngay lich" | "day" | "days" => Some(LimitUnit::Day),
                "gio" | "gio lam viec" | "h" | "hour" | "hours" => Some(LimitUnit::Hour),
                "thang" | "month" | "months" => Some(LimitUnit::Month),
                _ => None,
            };
            let value = digits.parse().ok().filter(|value| (1..=1000).contains(value));
            let (Some(value), Some(unit)) = (value, unit) else {
                let advice = "write such as 5 ngày làm việc, 15 ngày, 8 giờ or 1 tháng";
                return Err(("is no time limit".to_owned(), advice.to_owned()));
            };
            Ok(TimeLimit { value, unit })
        })
    }

    /// A token made of a name: "Hộ tịch" becomes `ho-tich`.
    pub(super) fn token(&self, field: &'static str) -> Option<Box<str>> {
        let token: String = plain_key(self.cell(field)?)
            .replace(' ', "-")
            .chars()
            .filter(char::is_ascii)
            .take(64)
            .collect();
        (!token.is_empty()).then(|| token.into())
    }

    /// The code of a unit that exists on `day`.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: empty")]
    pub(super) fn unit(
        &self,
        field: &'static str,
        day: NaiveDate,
        around: Around<'_>,
        report: &mut Report,
    ) -> Option<Option<Box<str>>> {
        self.read(field, report, |cell| match unit(cell, day, around) {
            Found::One(code) => Ok(code.into()),
            Found::Many(codes) => {
                let problem = format!("names several units on {day}");
                Err((problem, format!("write the kind or the code: {}", codes.join(", "))))
            }
            Found::None => {
                let tree = around.units.tree_at(day);
                let near = nearest(cell, tree.units().map(|node| node.name_vi.as_str()));
                let advice = near.map_or_else(
                    || "write the name of the unit as on that day, or its code".to_owned(),
                    |name| format!("perhaps {name}; or write the code of the unit"),
                );
                Err((format!("is no unit that existed on {day}"), advice))
            }
        })
    }
}

/// The unit that a cell names, also by short forms.
pub(super) fn unit(cell: &str, day: NaiveDate, around: Around<'_>) -> Found {
    match around.units.find(cell, day) {
        Found::None => {
            let short = &around.words.abbreviation;
            let long = |word: &str| {
                short.get(&word.to_lowercase()).map_or(word, String::as_str).to_owned()
            };
            let words: Vec<String> = cell.split_whitespace().map(long).collect();
            around.units.find(&words.join(" "), day)
        }
        found @ (Found::One(_) | Found::Many(_)) => found,
    }
}
