//! Units: spans, parents over the whole span, one code at a time; successions: ends and shares.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::city::{
    Files, Succession, Unit, UnitKind,
    problem::{At, Cause, Problems, nearest},
    record::Located,
    unit::{SUCCESSIONS, UNITS},
};

/// Checks `units.csv`.
pub(in crate::city) fn check_units(files: &Files, problems: &mut Problems) {
    let mut by_code: HashMap<&str, Vec<&Located<Unit>>> = HashMap::new();
    for located in &files.units {
        by_code.entry(&located.value.code).or_default().push(located);
    }
    for located in &files.units {
        check_span(located, problems);
        check_parent(located, &by_code, problems);
    }
    for rows in by_code.values_mut() {
        rows.sort_by_key(|located| located.value.valid_from);
        rows.windows(2).for_each(|pair| check_overlap(pair[0], pair[1], problems));
    }
}

fn check_span(located: &Located<Unit>, problems: &mut Problems) {
    let unit = &located.value;
    if let Some(end) = unit.valid_to.filter(|end| *end <= unit.valid_from) {
        let text = format!("{end} is not after valid_from {}", unit.valid_from);
        problems.add(UNITS, located.at, "valid_to", Cause::Conflict(text));
    }
}

fn check_overlap(earlier: &Located<Unit>, later: &Located<Unit>, problems: &mut Problems) {
    if earlier.value.valid_to.is_none_or(|end| end > later.value.valid_from) {
        let text = format!(
            "{} names {} since {}, and {}{} still holds it then",
            later.value.code,
            later.value.name_vi,
            later.value.valid_from,
            earlier.value.name_vi,
            earlier.at,
        );
        problems.add(UNITS, later.at, "valid_from", Cause::Conflict(text));
    }
}

fn check_parent(
    located: &Located<Unit>,
    by_code: &HashMap<&str, Vec<&Located<Unit>>>,
    problems: &mut Problems,
) {
    let unit = &located.value;
    let mut report = |cause| problems.add(UNITS, located.at, "parent", cause);
    let Some(parent) = &unit.parent else {
        if unit.kind != UnitKind::City {
            report(Cause::Missing { allowed: "the code of the unit above".to_owned() });
        }
        return;
    };
    let Some(rows) = by_code.get(parent.as_str()) else {
        let suggestion = nearest(parent, by_code.keys().copied());
        report(Cause::Reference { kind: "unit", found: parent.clone(), suggestion });
        return;
    };
    if let Some(gap) = first_gap(unit, rows) {
        let text = format!("{parent} does not exist on {gap}, when {} does", unit.code);
        report(Cause::Conflict(text));
    }
    for row in rows.iter().filter(|row| meet(&row.value, unit)) {
        if !may_be_above(row.value.kind, unit.kind) {
            let (above, below) = (row.value.kind.as_str(), unit.kind.as_str());
            report(Cause::Conflict(format!("a {above} is not above a {below}")));
        }
    }
}

/// The first day of `unit` on which none of `rows` exists.
fn first_gap(unit: &Unit, rows: &[&Located<Unit>]) -> Option<NaiveDate> {
    let mut day = unit.valid_from;
    loop {
        let Some(row) = rows.iter().find(|row| row.value.is_valid_at(day)) else {
            return Some(day);
        };
        // Without an end the parent lasts as long as the unit, whatever its end.
        let end = row.value.valid_to?;
        if unit.valid_to.is_some_and(|unit_end| unit_end <= end) {
            return None;
        }
        day = end;
    }
}

fn meet(a: &Unit, b: &Unit) -> bool {
    a.valid_to.is_none_or(|end| b.valid_from < end)
        && b.valid_to.is_none_or(|end| a.valid_from < end)
}

const fn may_be_above(above: UnitKind, below: UnitKind) -> bool {
    match below {
        UnitKind::City => false,
        UnitKind::District | UnitKind::Agency => matches!(above, UnitKind::City),
        UnitKind::Ward | UnitKind::Commune | UnitKind::Town => {
            matches!(above, UnitKind::City | UnitKind::District)
        }
    }
}

/// Checks `successions.csv`.
pub(in crate::city) fn check_successions(files: &Files, problems: &mut Problems) {
    let mut seen: HashMap<_, At> = HashMap::new();
    let mut shares: HashMap<_, u32> = HashMap::new();
    for located in &files.successions {
        let edge = &located.value;
        check_end(files, located, ("from", &edge.from), problems);
        check_end(files, located, ("to", &edge.to), problems);
        if edge.from == edge.to {
            let text = "a unit does not succeed itself".to_owned();
            problems.add(SUCCESSIONS, located.at, "to", Cause::Conflict(text));
        }
        if let Some(first) = seen.insert((&edge.from, &edge.to), located.at) {
            let found = format!("{} to {}", edge.from.0, edge.to.0);
            problems.add(SUCCESSIONS, located.at, "from", Cause::Duplicate { found, first });
        }
        let sum = shares.entry((&edge.from, edge.date)).or_default();
        *sum += u32::from(edge.share_e4.unwrap_or(0));
        if *sum > 10_000 {
            let text = format!("the shares of {} sum to more than 1", edge.from.0);
            problems.add(SUCCESSIONS, located.at, "share", Cause::Conflict(text));
        }
    }
}

fn check_end(
    files: &Files,
    located: &Located<Succession>,
    (key, (code, first_day)): (&str, &(String, NaiveDate)),
    problems: &mut Problems,
) {
    let unit = files
        .units
        .iter()
        .map(|unit| &unit.value)
        .find(|unit| unit.code == *code && unit.valid_from == *first_day);
    let Some(unit) = unit else {
        let keys: Vec<_> = files
            .units
            .iter()
            .map(|unit| format!("{} from {}", unit.value.code, unit.value.valid_from))
            .collect();
        let found = format!("{code} from {first_day}");
        let suggestion = nearest(&found, keys.iter().map(String::as_str));
        let cause = Cause::Reference { kind: "unit", found, suggestion };
        problems.add(SUCCESSIONS, located.at, key, cause);
        return;
    };
    let date = located.value.date;
    // The older unit ends on the day or lives on without a part; the newer one exists on it.
    let fits = match key {
        "from" => unit.valid_from < date && unit.valid_to.is_none_or(|end| date <= end),
        _ => unit.is_valid_at(date),
    };
    if !fits {
        let text = format!("{date} lies outside the time of {code} from {first_day}");
        problems.add(SUCCESSIONS, located.at, "date", Cause::Conflict(text));
    }
}
