//! The rows of data of a table, read field by field; every accessor reports what it refuses.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use chrono::NaiveDate;
use ioc_ingest::dossier::{LimitUnit, TimeLimit};

use super::{
    Around, Kind,
    columns::{self, Field},
    date::{self, When},
    number::{self, Count},
    report::{Flaw, Report, shown},
    table::{Line, Table},
    words::{KindWords, Words},
};
use crate::{
    city::problem::nearest,
    unit::{Found, name::plain_key},
};

/// The rows of a small table.
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
    cells: Vec<(&'static str, &'a str)>,
    sheet: &'a Sheet<'a>,
}

/// What all rows of a table share.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    fields: Vec<Option<&'static str>>,
    /// Title of the column of each field.
    titles: Vec<(&'static str, String)>,
    needed: Vec<&'static str>,
    /// Lines above the data.
    below: usize,
    kind: &'a KindWords,
    words: &'a Words,
    totals: BTreeSet<String>,
    /// Tokens of the fields of formalities, by their spellings.
    tokens: HashMap<String, &'a str>,
    /// What cells were found to name: tables repeat the same few.
    known_units: RefCell<HashMap<(String, usize), Found>>,
    known_words: RefCell<HashMap<(&'static str, String), Option<String>>>,
}

/// Most cells whose meaning is remembered.
const KNOWN_MAX: usize = 20_000;

/// What a line is.
#[derive(Debug)]
pub(super) enum Sorted<'a> {
    /// A row of data.
    Data(Row<'a>),
    /// A row that adds up others.
    Total(Row<'a>),
    /// A heading, a note, a signature.
    Aside,
    /// Nothing.
    Empty,
}

/// Finds the header; null, with the reason in the report, when the table cannot be used.
pub(super) fn sheet<'a>(
    kind: Kind,
    fields: &'static [Field],
    table: &Table<'_>,
    around: Around<'a>,
    report: &mut Report,
) -> Option<Sheet<'a>> {
    let words = around.words;
    let of_kind = words.of(kind);
    let top: Vec<Line> = table.lines().take(columns::TOP_LINES).collect();
    let header = columns::find(&top, fields, of_kind, words, around.personal_keys, report)?;
    if report.columns.iter().any(|column| column.is_personal) {
        // Values of such a table are not even read, so that none can get into a report.
        return None;
    }
    let titled = header.fields.iter().zip(&header.titles);
    let titles = titled.filter_map(|(field, title)| Some(((*field)?, shown(title)))).collect();
    Some(Sheet {
        titles,
        needed: fields.iter().filter(|field| field.is_required).map(|field| field.name).collect(),
        below: header.below,
        fields: header.fields,
        kind: of_kind,
        words,
        totals: words.totals.iter().map(|word| plain_key(word)).collect(),
        tokens: spellings(words),
        known_units: RefCell::default(),
        known_words: RefCell::default(),
    })
}

fn spellings(words: &Words) -> HashMap<String, &str> {
    let fields = words.field.iter();
    fields
        .flat_map(|(token, names)| {
            names.iter().chain([token]).map(move |name| (plain_key(name), token.as_str()))
        })
        .collect()
}

impl<'a> Sheet<'a> {
    /// The lines below the header.
    pub(super) fn lines(&self, table: &Table<'_>) -> impl Iterator<Item = Line> {
        table.lines().skip(self.below)
    }

    /// What a line below the header is.
    pub(super) fn sort(&'a self, line: &'a Line) -> Sorted<'a> {
        if line.filled() == 0 {
            return Sorted::Empty;
        }
        let cells = line.cells.iter().zip(&self.fields);
        let cells = cells
            .filter_map(|(cell, field)| Some(((*field)?, cell.as_str())))
            .filter(|(_, cell)| !is_empty(cell, self.words))
            .collect();
        let row = Row { line: line.number, cells, sheet: self };
        if self.is_total(line) {
            Sorted::Total(row)
        } else if is_aside(line, &row, &self.needed) {
            Sorted::Aside
        } else {
            Sorted::Data(row)
        }
    }

    /// The rows of a table that is kept as a whole; null, told in the report, when there are none.
    pub(super) fn rows(&'a self, lines: &'a [Line], report: &mut Report) -> Option<Rows<'a>> {
        let mut rows = Rows { data: Vec::new(), totals: Vec::new() };
        for line in lines {
            match self.sort(line) {
                Sorted::Data(row) => rows.data.push(row),
                Sorted::Total(row) => {
                    report.lines_skipped.push(line.number);
                    rows.totals.push(row);
                }
                Sorted::Aside => report.lines_skipped.push(line.number),
                Sorted::Empty => {}
            }
        }
        report.count_rows(rows.data.len()).then_some(rows)
    }

    /// Whether the first text of a line says that it adds up the others.
    fn is_total(&self, line: &Line) -> bool {
        let is_text = |cell: &&String| cell.chars().any(char::is_alphabetic);
        let first = line.cells.iter().find(is_text);
        first.is_some_and(|first| self.totals.contains(&plain_key(first)))
    }

    /// The value that a cell is a word for, as the lists write it.
    fn value_of(&self, field: &'static str, cell: &str) -> Option<String> {
        let known = self.known_words.borrow().get(&(field, cell.to_owned())).cloned();
        known.unwrap_or_else(|| {
            let key = plain_key(cell);
            let named = self.kind.word.get(field).into_iter().flatten().find(|(value, names)| {
                plain_key(value) == key || names.iter().any(|name| plain_key(name) == key)
            });
            let value = named.map(|(value, _)| value.clone());
            let mut known = self.known_words.borrow_mut();
            if known.len() < KNOWN_MAX {
                known.insert((field, cell.to_owned()), value.clone());
            }
            value
        })
    }

    /// The unit that a cell names on a day.
    fn unit_of(&self, cell: &str, day: NaiveDate, around: Around<'_>) -> Found {
        // Names mean the same as long as the tree does not change.
        let key = (cell.to_owned(), std::ptr::from_ref(around.units.tree_at(day)).addr());
        let known = self.known_units.borrow().get(&key).cloned();
        known.unwrap_or_else(|| {
            let found = unit(cell, day, around);
            let mut known = self.known_units.borrow_mut();
            if known.len() < KNOWN_MAX {
                known.insert(key, found.clone());
            }
            found
        })
    }
}

fn is_empty(cell: &str, words: &Words) -> bool {
    // None of the words is longer than a few letters.
    cell.is_empty()
        || (cell.len() <= 24 && words.empty.iter().any(|word| *word == cell.to_lowercase()))
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
    let has_needed = needed.iter().any(|name| row.cell(name).is_some());
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
    pub(super) fn cell(&self, field: &str) -> Option<&'a str> {
        self.cells.iter().find(|(name, _)| *name == field).map(|(_, cell)| *cell)
    }

    /// Whether the table has a column for the field.
    pub(super) fn has_column(&self, field: &'static str) -> bool {
        self.title(field).is_some()
    }

    fn title(&self, field: &'static str) -> Option<&'a str> {
        let mut titles = self.sheet.titles.iter();
        titles.find(|(name, _)| *name == field).map(|(_, title)| title.as_str())
    }

    fn flaw(&self, field: &'static str, problem: String, advice: String) -> Flaw {
        Flaw {
            line: Some(self.line),
            column: self.title(field).unwrap_or(field).to_owned(),
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
            number::count(cell, self.sheet.words)
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
            number::points_e3(cell, max_e3, self.sheet.words)
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
            let named = self.sheet.value_of(field, cell);
            let value = named.and_then(|value| parse(&value)).or_else(|| parse(cell));
            value.ok_or_else(|| {
                let lists = self.sheet.kind.word.get(field);
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

    /// The token of a field of formalities: that of the catalogue, else one made of the name: "Thủy sản"
    /// becomes `thuy-san`.
    pub(super) fn token(&self, field: &'static str) -> Option<Box<str>> {
        let key = plain_key(self.cell(field)?);
        if let Some(token) = self.sheet.tokens.get(&key) {
            return Some((*token).into());
        }
        let token: String = key.replace(' ', "-").chars().filter(char::is_ascii).take(64).collect();
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
        self.read(field, report, |cell| match self.sheet.unit_of(cell, day, around) {
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
