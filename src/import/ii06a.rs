//! Form II.06a/VPCP/KSTT: received, resolved and open dossiers of units or fields in a period.
//!
//! Columns 3 to 13 of the form with its own sums: 3 = 4 + 5 + 6, 7 = 8 + 9 + 10, 11 = 12 + 13 and
//! 3 = 7 + 11. What does not add up is stored as it was published, and told with both sums.

use super::{
    Around, Ask,
    columns::Field,
    number::with_points,
    report::Report,
    row::{self, Row, Rows},
};
use crate::{indicator::period::Period, unit::Found};

/// Fields of the table.
pub(super) const FIELDS: &[Field] = &[
    Field::required("name"),
    Field::optional("period"),
    Field::required("received_total"),
    Field::optional("received_online"),
    Field::optional("received_direct"),
    Field::optional("carried_over"),
    Field::optional("resolved_total"),
    Field::optional("resolved_early"),
    Field::optional("resolved_on_day"),
    Field::optional("resolved_late"),
    Field::optional("open_total"),
    Field::optional("open_in_time"),
    Field::optional("open_late"),
];

/// The counts of the form in the order of its columns 3 to 13.
pub(crate) const COUNTS: [&str; 11] = [
    "received_total",
    "received_online",
    "received_direct",
    "carried_over",
    "resolved_total",
    "resolved_early",
    "resolved_on_day",
    "resolved_late",
    "open_total",
    "open_in_time",
    "open_late",
];

/// Sums of the form: a total and its parts, by index of [`COUNTS`].
const SUMS: [(usize, &[usize]); 4] =
    [(0, &[1, 2, 3]), (4, &[5, 6, 7]), (8, &[9, 10]), (0, &[4, 8])];

/// One row of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ii06aRow {
    /// Line of the file.
    pub line: u64,
    /// Period.
    pub period: Period,
    /// Unit, by code.
    pub unit: String,
    /// Field of formalities, a token; empty for all fields of the unit.
    pub field: String,
    /// Columns 3 to 13; null where the cell is empty.
    pub counts: [Option<i64>; 11],
    /// Names of the columns whose count is a lower bound.
    pub lower_bounds: Vec<String>,
}

/// Reads all rows.
pub(super) fn read(
    rows: &Rows<'_>,
    ask: &Ask,
    around: Around<'_>,
    report: &mut Report,
) -> Vec<Ii06aRow> {
    let mut found: Vec<Ii06aRow> = Vec::new();
    for row in &rows.data {
        let before = report.problems.len();
        let read = read_row(row, ask, around, report);
        let Some(read) = read.filter(|_| report.problems.len() == before) else { continue };
        let same = found.iter().find(|other| {
            (&other.unit, &other.field, other.period) == (&read.unit, &read.field, read.period)
        });
        if let Some(same) = same {
            let problem = format!("is the same unit, field and period as line {}", same.line);
            row.problem("name", &problem, "keep one of the two rows", report);
            continue;
        }
        check_sums(row, &read.counts, report);
        found.push(read);
    }
    for total in &rows.totals {
        let before = report.problems.len();
        let counts = read_counts(total, report).map(|(counts, _)| counts);
        // A total that cannot be read keeps no row from being stored.
        let unread = report.problems.split_off(before);
        report.warnings.extend(unread);
        if let Some(counts) = counts {
            check_sums(total, &counts, report);
            check_total(total, &counts, &found, report);
        }
    }
    found
}

fn read_row(row: &Row<'_>, ask: &Ask, around: Around<'_>, report: &mut Report) -> Option<Ii06aRow> {
    let period = period(row, ask, report);
    let day = period.map_or(around.today, |period| period.last_day().min(around.today));
    let named = row.needed("name", Some(row.cell("name")), report);
    let counts = read_counts(row, report);
    let (unit, field) = match row::unit(named?, day, around) {
        Found::One(code) => (code, String::new()),
        Found::Many(codes) => {
            let advice = format!("write the kind or the code: {}", codes.join(", "));
            row.problem("name", &format!("names several units on {day}"), &advice, report);
            return None;
        }
        // Rows that are no units are the fields of the unit whose form it is.
        Found::None => {
            let (Some(unit), Some(field)) = (&ask.unit, row.token("name")) else {
                let advice = "write the unit as on that day; if the rows are fields of one unit, \
                              import the form with that unit";
                row.problem("name", &format!("is no unit that existed on {day}"), advice, report);
                return None;
            };
            (unit.clone(), field.into())
        }
    };
    let (counts, lower_bounds) = counts?;
    Some(Ii06aRow { line: row.line, period: period?, unit, field, counts, lower_bounds })
}

/// The period of a row: its own cell, or that of the whole table.
pub(super) fn period(row: &Row<'_>, ask: &Ask, report: &mut Report) -> Option<Period> {
    let advice =
        "write 2026-11, 2026-Q4, 2026-H1, 2026-9M or 2026, or give one period for the table";
    match (row.cell("period"), ask.period) {
        (Some(cell), _) => {
            let period = spelled(cell).parse().ok();
            if period.is_none() {
                row.problem("period", "is no period", advice, report);
            }
            period
        }
        (None, Some(period)) => Some(period),
        (None, None) => {
            row.problem("period", "the table has no period", advice, report);
            None
        }
    }
}

/// A period as people write it: `Quý IV/2026`, `Quý 4 năm 2026`, `Tháng 11/2026`, `Năm 2026`.
fn spelled(cell: &str) -> String {
    let key = crate::unit::name::plain_key(cell);
    let words: Vec<&str> = key.split(' ').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| *word != "nam").collect();
    let number = |word: &str| match word {
        "i" => Some(1),
        "ii" => Some(2),
        "iii" => Some(3),
        "iv" => Some(4),
        digits => digits.parse::<u8>().ok(),
    };
    match words[..] {
        ["quy", quarter, year] => {
            number(quarter).map_or_else(|| cell.to_owned(), |n| format!("{year}-Q{n}"))
        }
        ["thang", month, year] => {
            number(month).map_or_else(|| cell.to_owned(), |n| format!("{year}-{n:02}"))
        }
        ["9", "thang", year] => format!("{year}-9M"),
        ["6", "thang", "dau", year] => format!("{year}-H1"),
        ["6", "thang", "cuoi", year] => format!("{year}-H2"),
        [year] => year.to_owned(),
        _ => cell.trim().to_owned(),
    }
}

type Counts = [Option<i64>; 11];

fn read_counts(row: &Row<'_>, report: &mut Report) -> Option<(Counts, Vec<String>)> {
    let mut counts = [None; 11];
    let mut lower_bounds = Vec::new();
    let mut is_read = true;
    for (slot, field) in counts.iter_mut().zip(COUNTS) {
        match row.count(field, report) {
            Some(count) => {
                *slot = count.and_then(|count| i64::try_from(count.value).ok());
                if count.is_some_and(|count| count.bound == ioc_ingest::metric::Bound::AtLeast) {
                    lower_bounds.push(field.to_owned());
                }
            }
            None => is_read = false,
        }
    }
    is_read.then_some((counts, lower_bounds))
}

/// Tells sums of the form that do not hold. A part that is not told is no zero: then nothing is said.
fn check_sums(row: &Row<'_>, counts: &Counts, report: &mut Report) {
    for (total, parts) in SUMS {
        let sum: Option<i64> = parts.iter().map(|part| counts[*part]).sum();
        if let (Some(told), Some(sum)) = (counts[total], sum)
            && told != sum
        {
            let names: Vec<&str> = parts.iter().map(|part| COUNTS[*part]).collect();
            let problem = format!(
                "{} is told, but {} add up to {}",
                points(told),
                names.join(" + "),
                points(sum)
            );
            row.warn(COUNTS[total], &problem, "both are kept as they were published", report);
        }
    }
}

/// Tells columns whose total is not the sum of the rows.
fn check_total(total: &Row<'_>, counts: &Counts, rows: &[Ii06aRow], report: &mut Report) {
    for (index, field) in COUNTS.into_iter().enumerate() {
        let Some(told) = counts[index] else { continue };
        let sum: i64 = rows.iter().filter_map(|row| row.counts[index]).sum();
        let is_bounded = rows.iter().any(|row| row.lower_bounds.iter().any(|bound| bound == field));
        if told != sum && !(is_bounded && told > sum) {
            let problem =
                format!("{} is told, but the rows add up to {}", points(told), points(sum));
            let advice =
                "look for rows that are missing, doubled or subtotals; the total is not stored";
            total.warn(field, &problem, advice, report);
        }
    }
}

fn points(value: i64) -> String {
    let digits = with_points(&value.unsigned_abs().to_string());
    if value < 0 { format!("-{digits}") } else { digits }
}
