//! Officially published points of Decision 766: units by groups, or one row per unit and group.
//!
//! Stored unchanged, beside what the hub computes itself. A total that is not the sum of the groups is
//! told with both sums.

use super::{
    Around, Ask,
    columns::Field,
    ii06a,
    report::Report,
    row::{Row, Rows},
};
use crate::indicator::period::Period;

/// Fields of the table.
pub(super) const FIELDS: &[Field] = &[
    Field::required("name"),
    Field::optional("period"),
    Field::optional("component"),
    Field::optional("points"),
    Field::optional("q1"),
    Field::optional("q2"),
    Field::optional("q3"),
    Field::optional("q4"),
    Field::optional("q5"),
    Field::optional("q6"),
    Field::optional("total"),
    Field::optional("class"),
    Field::optional("rank"),
];

/// Groups and total with their highest points in thousandths: those of the national portal, on which
/// online services (12) and online payment (10) are the two parts of the fourth group of the Decision.
const GROUPS: [(&str, u32); 7] = [
    ("q1", 18_000),
    ("q2", 20_000),
    ("q3", 12_000),
    ("q4", 22_000),
    ("q5", 18_000),
    ("q6", 10_000),
    ("total", 100_000),
];
/// Most points of any single component.
const COMPONENT_MAX_E3: u32 = 100_000;

/// Points of one unit for one group or component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreRow {
    /// Line of the file.
    pub line: u64,
    /// Period.
    pub period: Period,
    /// Unit, by code.
    pub unit: String,
    /// `Q1` to `Q6`, a component such as `Q1.1`, or `total`.
    pub component: String,
    /// Points in thousandths.
    pub points_e3: i32,
}

/// Reads all rows.
pub(super) fn read(
    rows: &Rows<'_>,
    ask: &Ask,
    around: Around<'_>,
    report: &mut Report,
) -> Vec<ScoreRow> {
    let has = |field| rows.data.first().is_some_and(|row| row.has_column(field));
    let has_groups = GROUPS.iter().any(|(field, _)| has(field));
    let has_parts = has("component") && has("points");
    if !has_groups && !has_parts {
        let problem = "there is no column of points".to_owned();
        let advice =
            "name the groups or «Tổng điểm» in the header, or give the columns «Chỉ số» and «Điểm»";
        report.refuse(None, "", problem, advice);
        return Vec::new();
    }
    let mut found: Vec<ScoreRow> = Vec::new();
    for row in &rows.data {
        let before = report.problems.len();
        let scores = read_row(row, ask, around, report);
        let Some(scores) = scores.filter(|_| report.problems.len() == before) else { continue };
        let same = |score: &&ScoreRow| {
            scores.iter().any(|new| {
                (&new.unit, &new.component, new.period)
                    == (&score.unit, &score.component, score.period)
            })
        };
        if let Some(same) = found.iter().find(same) {
            let problem = format!("is the same unit, component and period as line {}", same.line);
            row.problem("name", &problem, "keep one of the two rows", report);
            continue;
        }
        check_sum(row, &scores, report);
        found.extend(scores);
    }
    found
}

fn read_row(
    row: &Row<'_>,
    ask: &Ask,
    around: Around<'_>,
    report: &mut Report,
) -> Option<Vec<ScoreRow>> {
    let period = ii06a::period(row, ask, report);
    let day = period.map_or(around.today, |period| period.last_day().min(around.today));
    let read = row.unit("name", day, around, report);
    let unit = row.needed("name", read, report);
    let mut points: Vec<(String, u32)> = Vec::new();
    if row.cell("component").is_some() || row.cell("points").is_some() {
        let read = row.word("component", report, component);
        let component = row.needed("component", read, report);
        let max = component.as_deref().map_or(COMPONENT_MAX_E3, max_e3);
        let read = row.points_e3("points", max, report);
        let value = row.needed("points", read, report);
        points.extend(component.zip(value));
    }
    for (field, max_e3) in GROUPS {
        if let Some(Some(value)) = row.points_e3(field, max_e3, report) {
            points.push((field.to_owned(), value));
        }
    }
    let (period, unit) = (period?, unit?);
    if points.is_empty() {
        row.warn("name", "has no points", "nothing is stored of this row", report);
    }
    let score = |(component, value): (String, u32)| ScoreRow {
        line: row.line,
        period,
        unit: unit.to_string(),
        component: id(&component),
        points_e3: i32::try_from(value).unwrap_or(i32::MAX),
    };
    Some(points.into_iter().map(score).collect())
}

/// The id of the catalogue: `Q1`, `Q4.5a`, `total`.
fn id(component: &str) -> String {
    match component.strip_prefix('q') {
        Some(rest) => format!("Q{rest}"),
        None => component.to_owned(),
    }
}

fn max_e3(component: &str) -> u32 {
    let group = GROUPS.iter().find(|(name, _)| *name == component);
    group.map_or(COMPONENT_MAX_E3, |(_, max)| *max)
}

/// `q1` to `q6`, `total`, or a component such as `Q1.1` or `Q4.5a`.
fn component(text: &str) -> Option<String> {
    let word = text.trim().to_lowercase();
    if GROUPS.iter().any(|(name, _)| *name == word) {
        return Some(word);
    }
    let (group, rest) = word.strip_prefix('q')?.split_once('.')?;
    let is_group = matches!(group, "1" | "2" | "3" | "4" | "5" | "6");
    let digits = rest.trim_end_matches(['a', 'b']);
    (is_group && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some(word)
}

/// Tells a total that is not the sum of its groups; only where all six are told.
fn check_sum(row: &Row<'_>, scores: &[ScoreRow], report: &mut Report) {
    let of = |name: &str| {
        scores.iter().find(|score| score.component == id(name)).map(|score| score.points_e3)
    };
    let sum: Option<i32> = GROUPS[..6].iter().map(|(name, _)| of(name)).sum();
    if let (Some(total), Some(sum)) = (of("total"), sum)
        // Groups are published rounded: each may be off by half a hundredth.
        && total.abs_diff(sum) > 30
    {
        let text = |e3: i32| format!("{},{:03}", e3 / 1000, e3 % 1000);
        let problem = format!("{} is told, but the groups add up to {}", text(total), text(sum));
        row.warn("total", &problem, "both are kept as they were published", report);
    }
}
