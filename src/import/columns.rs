//! Finds the header of a table and what each of its columns is.
//!
//! Published tables begin with titles, have headers of several lines with merged cells, and a line of
//! column numbers below. The header is the run of at most four lines by which most fields are found.

use super::{
    report::{ColumnUse, Report},
    table::Line,
    words::{KindWords, Words},
};
use crate::unit::name::plain_key;

/// Lines among which the header begins.
const SEARCHED_LINES: usize = 40;
/// Lines that the search may need.
pub(super) const TOP_LINES: usize = SEARCHED_LINES + HEADER_LINES;
/// Most lines of a header.
const HEADER_LINES: usize = 4;
/// What an equal header counts more than one that only contains the name.
const EQUAL: usize = 10_000;
/// What every further line of a header that fits counts.
const PART: usize = 500;

/// A field of a kind of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) is_required: bool,
}

impl Field {
    /// A field without which a table is refused.
    pub(super) const fn required(name: &'static str) -> Self {
        Self { name, is_required: true }
    }

    /// A field that may be missing.
    pub(super) const fn optional(name: &'static str) -> Self {
        Self { name, is_required: false }
    }
}

/// The header of a table.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// Index of the first line below it.
    pub(super) below: usize,
    /// Title of each column, upper lines first.
    pub(super) titles: Vec<String>,
    /// Field of each column.
    pub(super) fields: Vec<Option<&'static str>>,
}

/// Finds the header; null, with the reason in the report, when needed columns are missing.
pub(super) fn find(
    lines: &[Line],
    fields: &'static [Field],
    kind: &KindWords,
    words: &Words,
    personal_keys: &[String],
    report: &mut Report,
) -> Option<Header> {
    let names = Names::of(fields, kind);
    let mut best: Option<Candidate> = None;
    for first in 0..lines.len().min(SEARCHED_LINES) {
        // A line with one text above a table of several columns is a title.
        if lines[first].filled() < 2 {
            continue;
        }
        for depth in 1..=HEADER_LINES.min(lines.len() - first) {
            let stacks = stacks(&lines[first..first + depth]);
            let (score, assigned) = names.assign(&stacks);
            let better = best.as_ref().is_none_or(|best| (score, best.depth) > (best.score, depth));
            if score > 0 && better {
                best = Some(Candidate { score, first, depth, stacks, assigned });
            }
        }
    }
    let Some(Candidate { first, depth, stacks, assigned, .. }) = best else {
        let wanted: Vec<String> = names.required().collect();
        let problem = format!("no header was found; needed are {}", wanted.join(", "));
        report.refuse(None, "", problem, "begin the table with a line of column names");
        return None;
    };
    report.header_lines = Some((lines[first].number, lines[first + depth - 1].number));
    let titles: Vec<String> = stacks.iter().map(|stack| stack.title.clone()).collect();
    for (index, title) in titles.iter().enumerate() {
        let field = assigned[index];
        let is_personal = is_personal(title, field, words, personal_keys);
        report.columns.push(ColumnUse {
            title: super::report::shown(title),
            field: field.filter(|_| !is_personal).map(str::to_owned),
            is_personal,
        });
        if is_personal {
            let problem = "is a column of personal data, which the hub never takes".to_owned();
            let advice = "delete this column and import the table again";
            report.refuse(Some(lines[first].number), &super::report::shown(title), problem, advice);
        }
    }
    let mut is_complete = true;
    for field in fields.iter().filter(|field| field.is_required) {
        if !assigned.contains(&Some(field.name)) {
            let known =
                kind.column.get(field.name).map(|names| names.join(", ")).unwrap_or_default();
            let problem = format!("there is no column for {}", field.name);
            let advice = format!("name one of the columns: {known}");
            report.refuse(Some(lines[first].number), "", problem, &advice);
            is_complete = false;
        }
    }
    is_complete.then_some(Header { below: first + depth, titles, fields: assigned })
}

/// Lines that may be the header.
struct Candidate {
    score: usize,
    first: usize,
    depth: usize,
    stacks: Vec<Stack>,
    assigned: Vec<Option<&'static str>>,
}

/// Whether a column holds personal data. What is taken for a field of the table by its full name holds
/// none.
fn is_personal(
    title: &str,
    field: Option<&'static str>,
    words: &Words,
    personal_keys: &[String],
) -> bool {
    let key = plain_key(title);
    let letters: String = key.chars().filter(|c| *c != ' ').collect();
    let holds = |word: &String| contains_words(&key, &plain_key(word));
    if words.not_personal.iter().any(holds) {
        return false;
    }
    let is_key = |name: &String| {
        field.is_none() && plain_key(name).chars().filter(|c| *c != ' ').eq(letters.chars())
    };
    words.personal.iter().any(holds) || personal_keys.iter().any(is_key)
}

/// Whether `text` holds `phrase` as whole words; both are keys.
fn contains_words(text: &str, phrase: &str) -> bool {
    !phrase.is_empty() && format!(" {text} ").contains(&format!(" {phrase} "))
}

/// The header cells of one column, from above.
#[derive(Debug, Clone)]
struct Stack {
    title: String,
    keys: Vec<String>,
}

/// The columns of a header of several lines. A cell without text takes that of the merged cell on its
/// left, if there is one below it that has text.
fn stacks(lines: &[Line]) -> Vec<Stack> {
    let width = lines.iter().map(|line| line.cells.len()).max().unwrap_or(0);
    let cell = |line: &Line, column: usize| line.cells.get(column).cloned().unwrap_or_default();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (depth, line) in lines.iter().enumerate() {
        let mut row: Vec<String> = (0..width).map(|column| cell(line, column)).collect();
        for column in 1..width {
            let is_below = lines[depth + 1..].iter().any(|lower| !cell(lower, column).is_empty());
            // A merged cell reaches only as far as the merged cell above it.
            let same_above = rows
                .last()
                .is_none_or(|upper| upper[column] == upper[column - 1] || upper[column].is_empty());
            if row[column].is_empty() && is_below && same_above {
                let left = row[column - 1].clone();
                row[column] = left;
            }
        }
        rows.push(row);
    }
    (0..width)
        .map(|column| {
            let mut texts: Vec<&str> = Vec::new();
            for row in &rows {
                let text = row[column].as_str();
                if !text.is_empty() && texts.last() != Some(&text) {
                    texts.push(text);
                }
            }
            let keys = texts.iter().map(|text| plain_key(text)).filter(|key| !key.is_empty());
            Stack { keys: keys.collect(), title: texts.join(" / ") }
        })
        .collect()
}

/// The names of all fields as keys.
struct Names {
    fields: &'static [Field],
    /// Field index and the parts of a name, upper ones first.
    names: Vec<(usize, Vec<String>)>,
}

impl Names {
    fn of(fields: &'static [Field], kind: &KindWords) -> Self {
        let mut names = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            for name in kind.column.get(field.name).into_iter().flatten() {
                names.push((index, name.split('/').map(plain_key).collect()));
            }
        }
        Self { fields, names }
    }

    fn required(&self) -> impl Iterator<Item = String> {
        self.fields.iter().filter(|field| field.is_required).map(|field| field.name.to_owned())
    }

    /// Gives each column the field that fits it best, each field once. Returns how well all fit.
    fn assign(&self, stacks: &[Stack]) -> (usize, Vec<Option<&'static str>>) {
        let mut fits = Vec::new();
        for (column, stack) in stacks.iter().enumerate() {
            for (field, parts) in &self.names {
                let score = fit(stack, parts);
                if score > 0 {
                    fits.push((score, column, *field));
                }
            }
        }
        // The best fit first; among equal ones the column on the left.
        fits.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut assigned: Vec<Option<&'static str>> = vec![None; stacks.len()];
        let mut total = 0;
        for (score, column, field) in fits {
            let Field { name, is_required } = self.fields[field];
            if assigned[column].is_none() && !assigned.contains(&Some(name)) {
                assigned[column] = Some(name);
                total += if score >= EQUAL { 3 } else { 1 } + if is_required { 5 } else { 0 };
            }
        }
        (total, assigned)
    }
}

/// How well a name fits a column; 0 for not at all.
fn fit(stack: &Stack, parts: &[String]) -> usize {
    let (Some(own), Some((name, above))) = (stack.keys.last(), parts.split_last()) else {
        return 0;
    };
    let upper = stack.keys[..stack.keys.len() - 1].join(" ");
    if !above.iter().all(|part| contains_words(&upper, part)) {
        return 0;
    }
    let whole = stack.keys.join(" ");
    let length = parts.iter().map(String::len).sum::<usize>() + above.len() * PART;
    if own == name || (above.is_empty() && whole == *name) {
        EQUAL + length
    } else if contains_words(own, name) {
        // A short word inside a long header says little: half of it must be the name.
        if name.len() * 2 >= own.len() { length } else { 0 }
    } else {
        0
    }
}
