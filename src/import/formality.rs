//! The catalogue of formalities: one row per formality, valid from a day on.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use ioc_ingest::dossier::TimeLimit;

use super::{
    Around,
    columns::Field,
    report::Report,
    row::{Row, Rows},
};

/// Fields of the table.
pub(super) const FIELDS: &[Field] = &[
    Field::required("code"),
    Field::required("name_vi"),
    Field::optional("name_en"),
    Field::optional("field"),
    Field::optional("level"),
    Field::optional("online_level"),
    Field::optional("has_fee"),
    Field::optional("npsp_linked"),
    Field::optional("requires_paper_result"),
    Field::optional("complete_parts"),
    Field::optional("eligible_full"),
    Field::optional("audience"),
    Field::optional("limit"),
    Field::optional("announced_on"),
    Field::optional("effective_on"),
    Field::optional("published_on"),
    Field::optional("valid_from"),
    Field::optional("valid_to"),
    Field::optional("sector"),
];

/// One formality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormalityRow {
    /// Line of the file.
    pub line: u64,
    /// Code, `1.005129`.
    pub code: String,
    /// First day of validity.
    pub valid_from: NaiveDate,
    /// First day after; null while valid.
    pub valid_to: Option<NaiveDate>,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name; the Vietnamese one where the table has none.
    pub name_en: String,
    /// Field, a token.
    pub field: Option<String>,
    /// city, district, commune or sector.
    pub level: &'static str,
    /// none, partial, full, 3 or 4.
    pub online_level: &'static str,
    /// Has a fee.
    pub has_fee: Option<bool>,
    /// Payment on the national portal.
    pub npsp_linked: Option<bool>,
    /// The result is a paper.
    pub requires_paper_result: Option<bool>,
    /// Published in all its parts.
    pub complete_parts: Option<bool>,
    /// May be done wholly online.
    pub eligible_full: Option<bool>,
    /// person, organisation or both.
    pub audience: Option<&'static str>,
    /// Time that it may take.
    pub limit: Option<TimeLimit>,
    /// Announcing decision.
    pub announced_on: Option<NaiveDate>,
    /// Effect of its law.
    pub effective_on: Option<NaiveDate>,
    /// Publication in the national database.
    pub published_on: Option<NaiveDate>,
    /// Sector agency, a token.
    pub sector: Option<String>,
}

const LEVELS: [&str; 4] = ["city", "district", "commune", "sector"];
const ONLINE: [&str; 5] = ["none", "partial", "full", "3", "4"];
const AUDIENCES: [&str; 3] = ["person", "organisation", "both"];

/// Reads all rows.
pub(super) fn read(rows: &Rows<'_>, around: Around<'_>, report: &mut Report) -> Vec<FormalityRow> {
    let mut lines: BTreeMap<(String, NaiveDate), u64> = BTreeMap::new();
    let mut found = Vec::new();
    for row in &rows.data {
        let before = report.problems.len();
        let read = read_row(row, around, report);
        let Some(read) = read.filter(|_| report.problems.len() == before) else { continue };
        let key = (read.code.clone(), read.valid_from);
        if let Some(first) = lines.insert(key, row.line) {
            let problem = format!("stands a second time, first in line {first}");
            row.problem("code", &problem, "keep one of the two rows", report);
            continue;
        }
        found.push(read);
    }
    found
}

fn one_of(all: &[&'static str]) -> impl Fn(&str) -> Option<&'static str> {
    move |text| all.iter().copied().find(|word| *word == text)
}

fn read_row(row: &Row<'_>, around: Around<'_>, report: &mut Report) -> Option<FormalityRow> {
    let read = row.code("code", report);
    let code = row.needed("code", read, report);
    let name_vi = row.needed("name_vi", Some(row.cell("name_vi")), report);
    let level = row.word("level", report, one_of(&LEVELS));
    let online_level = row.word("online_level", report, one_of(&ONLINE));
    let audience = row.word("audience", report, one_of(&AUDIENCES));
    let limit = row.limit("limit", report);
    let mut flag = |field| row.flag(field, report);
    let (has_fee, npsp_linked) = (flag("has_fee"), flag("npsp_linked"));
    let (paper, complete) = (flag("requires_paper_result"), flag("complete_parts"));
    let eligible_full = flag("eligible_full");
    let mut day =
        |field| row.when(field, report).map(|when| when.map(|when| when.day(around.zone)));
    let (announced_on, effective_on) = (day("announced_on"), day("effective_on"));
    let (published_on, valid_from) = (day("published_on"), day("valid_from"));
    let valid_to = day("valid_to");
    let (effective_on, valid_from) = (effective_on?, valid_from?);
    let (announced_on, valid_to) = (announced_on?, valid_to?);
    // Without a day of its own a formality holds since its law, its decision, or ever.
    let valid_from = valid_from
        .or(effective_on)
        .or(announced_on)
        .unwrap_or(crate::indicator::measure::Span::BEGIN);
    if valid_to.is_some_and(|to| to <= valid_from) {
        let problem = format!("is not after the first day of validity, {valid_from}");
        row.problem("valid_to", &problem, "correct one of the two dates", report);
    }
    if row.has_column("online_level") && row.cell("online_level").is_none() {
        row.warn("online_level", "is empty", "the formality is taken as not online", report);
    }
    let name_vi = name_vi?;
    Some(FormalityRow {
        line: row.line,
        code: code?.into(),
        valid_from,
        valid_to,
        name_vi: name_vi.to_owned(),
        name_en: row.cell("name_en").unwrap_or(name_vi).to_owned(),
        field: row.token("field").map(Into::into),
        level: level?.unwrap_or("city"),
        online_level: online_level?.unwrap_or("none"),
        has_fee: has_fee?,
        npsp_linked: npsp_linked?,
        requires_paper_result: paper?,
        complete_parts: complete?,
        eligible_full: eligible_full?,
        audience: audience?,
        limit: limit?,
        announced_on,
        effective_on,
        published_on: published_on?,
        sector: row.token("sector").map(Into::into),
    })
}
