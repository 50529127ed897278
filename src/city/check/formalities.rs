//! Formalities and online services: spans, one row of a code at a time, levels of their time, references.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;

use super::shapes::unit_exists;
use crate::city::{
    Files, Formality,
    formality::{FORMALITIES, FormalityLevel, OnlineLevel},
    problem::{At, Cause, Problems, nearest},
    record::Located,
    service::SERVICES,
};

/// Decree 42/2022/ND-CP: from this day on "full" and "partial" instead of the levels 3 and 4.
const SCOPES_SINCE: NaiveDate = NaiveDate::from_ymd_opt(2022, 6, 24).expect("a day");

/// Key and span of a row.
type Span<'a> = (&'a str, NaiveDate, Option<NaiveDate>);

/// Checks `formalities.csv`.
pub(in crate::city) fn check_formalities(files: &Files, problems: &mut Problems) {
    let spans = files.formalities.iter().map(|located| {
        let row = &located.value;
        (located.at, (row.code.as_str(), row.valid_from, row.valid_to))
    });
    check_spans(FORMALITIES, spans, problems);
    for located in &files.formalities {
        check_level(located, problems);
        check_unit(files, located, problems);
    }
}

/// Checks `services.csv`.
pub(in crate::city) fn check_services(files: &Files, problems: &mut Problems) {
    let spans = files.services.iter().map(|located| {
        let row = &located.value;
        (located.at, (row.code.as_str(), row.valid_from, row.valid_to))
    });
    check_spans(SERVICES, spans, problems);
    let known: HashSet<&str> =
        files.formalities.iter().map(|located| located.value.code.as_str()).collect();
    for located in &files.services {
        let Some(code) = located.value.formality.as_deref().filter(|code| !known.contains(code))
        else {
            continue;
        };
        let suggestion = nearest(code, known.iter().copied());
        let cause = Cause::Reference { kind: "formality", found: code.to_owned(), suggestion };
        problems.add(SERVICES, located.at, "formality", cause);
    }
}

/// Checks that every row has a span, and that no two rows of a code hold at one time.
fn check_spans<'a>(
    file: &'static str,
    rows: impl Iterator<Item = (At, Span<'a>)>,
    problems: &mut Problems,
) {
    let mut by_code: HashMap<&str, Vec<(At, Span<'a>)>> = HashMap::new();
    for (at, span) in rows {
        let (code, from, to) = span;
        if let Some(end) = to.filter(|end| *end <= from) {
            let text = format!("{end} is not after valid_from {from}");
            problems.add(file, at, "valid_to", Cause::Conflict(text));
        }
        by_code.entry(code).or_default().push((at, span));
    }
    let mut overlaps = Vec::new();
    for rows in by_code.values_mut() {
        rows.sort_by_key(|(at, (_, from, _))| (*from, *at));
        for pair in rows.windows(2) {
            let ((first, (_, _, to)), (at, (code, from, _))) = (pair[0], pair[1]);
            if to.is_none_or(|end| end > from) {
                let text = format!("{code} since {from} stands{first} for that day too");
                overlaps.push((at, Cause::Conflict(text)));
            }
        }
    }
    overlaps.sort_by_key(|(at, _)| *at);
    for (at, cause) in overlaps {
        problems.add(file, at, "valid_from", cause);
    }
}

fn check_level(located: &Located<Formality>, problems: &mut Problems) {
    let row = &located.value;
    let mut report =
        |key, text: String| problems.add(FORMALITIES, located.at, key, Cause::Conflict(text));
    if (row.level == FormalityLevel::Sector) != row.sector.is_some() {
        report("sector", "stands where level is sector, and only there".to_owned());
    }
    let ends_before = row.valid_to.is_some_and(|end| end <= SCOPES_SINCE);
    let (word, fits) = match row.online_level {
        OnlineLevel::None => return,
        OnlineLevel::Three | OnlineLevel::Four => ("3 and 4 end on", ends_before),
        OnlineLevel::Partial | OnlineLevel::Full => {
            ("partial and full begin on", row.valid_from >= SCOPES_SINCE)
        }
    };
    if !fits {
        report("online_level", format!("{word} {SCOPES_SINCE}"));
    }
}

fn check_unit(files: &Files, located: &Located<Formality>, problems: &mut Problems) {
    let row = &located.value;
    let Some(unit) = &row.unit else { return };
    // The unit of the row's first day: what follows a reform gets a row of its own.
    if !unit_exists(files, unit, row.valid_from) {
        let text = format!("{unit} does not exist on {}", row.valid_from);
        problems.add(FORMALITIES, located.at, "unit", Cause::Conflict(text));
    }
}
