//! A calendar file as a [`Calendar`]: every mistake with line, key and what is allowed.

use std::{collections::BTreeMap, path::Path};

use chrono::{Datelike as _, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;

use super::{
    Calendar, CalendarErrors, Kinds,
    hours::{Hours, Opening, Table, Whose},
    year::{Entry, Year},
};
use crate::city::{At, Cause, UnitKind, problem::Problems, read::parse_toml, record::Record};

/// Name of the file in messages.
const FILE: &str = "calendar";
const ROOT_KEYS: &[&str] = &["version", "time_zone", "weekend", "year", "hours"];
const YEAR_KEYS: &[&str] = &["year", "mark", "reason", "decision", "holiday", "make_up"];
const HOLIDAY_KEYS: &[&str] = &["name", "from", "to", "mark", "reason"];
const MAKE_UP_KEYS: &[&str] = &["day", "for", "mark", "reason"];
const HOURS_KEYS: &[&str] = &[
    "kinds",
    "units",
    "valid_from",
    "valid_to",
    "weekdays",
    "saturday",
    "sunday",
    "mark",
    "reason",
];
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// Whether something was compared with its announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Verified,
    Unverified,
}

impl Known {
    const ALL: [Self; 2] = [Self::Verified, Self::Unverified];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
        }
    }
}

/// Loads the file at `path`.
pub(super) fn load(path: &Path) -> Result<Calendar, CalendarErrors> {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&file, &text),
        Err(error) => {
            let mut problems = Problems::default();
            problems.add(FILE, At::File, "", Cause::Read(error.to_string()));
            Err(CalendarErrors { file, errors: problems.0 })
        }
    }
}

/// Reads the text of the file `file`.
pub(super) fn parse(file: &str, text: &str) -> Result<Calendar, CalendarErrors> {
    let mut problems = Problems::default();
    let calendar =
        parse_toml(FILE, text, &mut problems).and_then(|root| read_calendar(&root, &mut problems));
    match calendar {
        Some(calendar) if problems.0.is_empty() => Ok(calendar),
        _ => Err(CalendarErrors { file: file.to_owned(), errors: problems.0 }),
    }
}

fn read_calendar(root: &Record, p: &mut Problems) -> Option<Calendar> {
    root.refuse_unknown(ROOT_KEYS, p);
    let version = root.text("version", p);
    let zone = read_zone(root, p);
    let weekend = read_weekend(root, p);
    let mut years = BTreeMap::new();
    for table in root.tables("year") {
        let Some((year, read)) = read_year(table, weekend.as_deref().unwrap_or_default(), p) else {
            continue;
        };
        if years.insert(year, read).is_some() {
            let text = format!("the year {year} stands a second time");
            table.report("year", Cause::Conflict(text), p);
        }
    }
    if years.is_empty() {
        root.report("year", Cause::Missing { allowed: "tables [[year]]".to_owned() }, p);
    }
    let hours = read_hours(root, p);
    Some(Calendar { version: version?, zone: zone?, years, hours: hours? })
}

fn read_zone(root: &Record, p: &mut Problems) -> Option<Tz> {
    let name = root.text("time_zone", p)?;
    name.parse().ok().or_else(|| {
        root.refuse("time_zone", "the name of a time zone, such as Asia/Ho_Chi_Minh", p)
    })
}

fn read_weekend(root: &Record, p: &mut Problems) -> Option<Vec<Weekday>> {
    let of = |name: &String| WEEKDAYS.iter().find(|(word, _)| word == name).map(|(_, day)| *day);
    let days: Option<Vec<_>> = root.texts("weekend", p)?.iter().map(of).collect();
    let allowed = WEEKDAYS.map(|(word, _)| word).join(", ");
    days.filter(|days| days.len() < 7).or_else(|| root.refuse("weekend", &allowed, p))
}

/// Why a table is not verified: null inside when it is, null outside when its mark was refused.
/// Without a mark of its own it has that of what is around it.
#[expect(clippy::option_option, reason = "outer null: refused; inner null: verified")]
fn read_doubt(
    row: &Record,
    around: Option<&Option<String>>,
    p: &mut Problems,
) -> Option<Option<String>> {
    let read =
        |row: &Record, key: &str, p: &mut Problems| row.choice(key, &Known::ALL, Known::as_str, p);
    let reason = row.optional("reason", p, Record::text)?;
    match (row.optional("mark", p, read)?, around) {
        (Some(Known::Verified), _) => Some(None),
        (Some(Known::Unverified), _) => {
            let reason = reason.or_else(|| around.cloned().flatten());
            if reason.is_none() {
                let allowed = "a sentence on what is not verified".to_owned();
                row.report("reason", Cause::Missing { allowed }, p);
            }
            reason.map(Some)
        }
        (None, Some(around)) => Some(around.clone()),
        (None, None) => {
            let allowed = "verified, unverified".to_owned();
            row.report("mark", Cause::Missing { allowed }, p);
            None
        }
    }
}

fn read_year(table: &Record, weekend: &[Weekday], p: &mut Problems) -> Option<(i32, Year)> {
    table.refuse_unknown(YEAR_KEYS, p);
    let year: Option<u16> = table.fixed("year", 0, 1900..=2200, p);
    let _cited = table.text("decision", p);
    let doubt = read_doubt(table, None, p);
    let year = i32::from(year?);
    let doubt = doubt?;
    let holidays = read_entries(table, "holiday", p, |row, p| {
        row.refuse_unknown(HOLIDAY_KEYS, p);
        let (from, to) = (row.date("from", p), row.date("to", p));
        let name = row.text("name", p);
        Some(Entry { from: from?, to: to?, name: name?, doubt: read_doubt(row, Some(&doubt), p)? })
    });
    let make_up = read_entries(table, "make_up", p, |row, p| {
        row.refuse_unknown(MAKE_UP_KEYS, p);
        let (day, instead) = (row.date("day", p), row.date("for", p)?);
        let doubt = read_doubt(row, Some(&doubt), p);
        Some(Entry { from: day?, to: day?, name: format!("for {instead}"), doubt: doubt? })
    });
    check_entries(table, year, weekend, [&holidays, &make_up], p);
    Some((year, Year::new(year, weekend, doubt, &values(holidays), &values(make_up))))
}

fn read_entries<'a>(
    table: &'a Record,
    key: &str,
    p: &mut Problems,
    read: impl Fn(&Record, &mut Problems) -> Option<Entry>,
) -> Vec<(&'a Record, Entry)> {
    table.tables(key).iter().filter_map(|row| Some((row, read(row, p)?))).collect()
}

fn values(rows: Vec<(&Record, Entry)>) -> Vec<Entry> {
    rows.into_iter().map(|(_, entry)| entry).collect()
}

/// Entries lie in their year, one after the other, and a make-up day is a day of the weekend.
fn check_entries(
    table: &Record,
    year: i32,
    weekend: &[Weekday],
    [holidays, make_up]: [&[(&Record, Entry)]; 2],
    p: &mut Problems,
) {
    if holidays.is_empty() {
        let allowed = "the holidays of the year".to_owned();
        table.report("holiday", Cause::Missing { allowed }, p);
    }
    let mut last: Option<NaiveDate> = None;
    for (row, Entry { from, to, .. }) in holidays {
        if to < from || from.year() != year || to.year() != year {
            let text = format!("from {from} to {to} is no span of {year}");
            row.report("from", Cause::Conflict(text), p);
        }
        if let Some(last) = last.filter(|last| from <= last) {
            let text = format!("{from} is not after {last}, the end of the holiday before it");
            row.report("from", Cause::Conflict(text), p);
        }
        last = Some(*to);
    }
    for (row, Entry { from: day, .. }) in make_up {
        if day.year() != year || !weekend.contains(&day.weekday()) {
            let text = format!("{day} is no day of a weekend of {year}");
            row.report("day", Cause::Conflict(text), p);
        }
        if holidays.iter().any(|(_, holiday)| (holiday.from..=holiday.to).contains(day)) {
            row.report("day", Cause::Conflict(format!("{day} is a holiday too")), p);
        }
    }
}

fn read_hours(root: &Record, p: &mut Problems) -> Option<Hours> {
    let tables: Vec<_> =
        root.tables("hours").iter().filter_map(|row| Some((row, read_table(row, p)?))).collect();
    let (mut usual, mut special): (Vec<Table>, Vec<Table>) = (Vec::new(), Vec::new());
    for (row, table) in tables {
        if table.whose != Whose::All {
            special.push(table);
            continue;
        }
        let before = usual.last().map(|before| before.valid_from);
        let follows = match before {
            None => table.valid_from.is_none(),
            Some(before) => table.valid_from.is_some() && before < table.valid_from,
        };
        if !follows || table.valid_to.is_some() {
            let text = "hours of every unit: the first has no valid_from, each other one begins \
                        after the one before it, none has a valid_to"
                .to_owned();
            row.report("valid_from", Cause::Conflict(text), p);
        }
        usual.push(table);
    }
    if usual.is_empty() {
        let allowed = "a table [[hours]] without units and kinds".to_owned();
        root.report("hours", Cause::Missing { allowed }, p);
        return None;
    }
    let first = usual.remove(0);
    Some(Hours { first, later: usual, special, kinds: Kinds::new() })
}

fn read_table(row: &Record, p: &mut Problems) -> Option<Table> {
    row.refuse_unknown(HOURS_KEYS, p);
    let whose = read_whose(row, p);
    let valid_from = row.optional("valid_from", p, Record::date);
    let valid_to = row.optional("valid_to", p, Record::date);
    let weekdays = read_openings(row, "weekdays", p);
    let (saturday, sunday) = (read_openings(row, "saturday", p), read_openings(row, "sunday", p));
    if weekdays.as_ref().is_some_and(Vec::is_empty) {
        let allowed = "at least one span such as \"07:00-11:00\"".to_owned();
        row.report("weekdays", Cause::Missing { allowed }, p);
    }
    let doubt = read_doubt(row, None, p);
    Some(Table {
        whose: whose?,
        valid_from: valid_from?,
        valid_to: valid_to?,
        weekdays: weekdays?,
        saturday: saturday?,
        sunday: sunday?,
        doubt: doubt?,
    })
}

fn read_whose(row: &Record, p: &mut Problems) -> Option<Whose> {
    let kinds = row.texts("kinds", p)?;
    let units = row.texts("units", p)?;
    let kind_of =
        |word: &String| UnitKind::ALL.into_iter().find(|kind| kind.as_str() == word.as_str());
    match (kinds.is_empty(), units.is_empty()) {
        (true, true) => Some(Whose::All),
        (true, false) => Some(Whose::Units(units)),
        (false, true) => {
            let kinds: Option<Vec<_>> = kinds.iter().map(kind_of).collect();
            let allowed = UnitKind::ALL.map(UnitKind::as_str).join(", ");
            kinds.map(Whose::Kinds).or_else(|| row.refuse("kinds", &allowed, p))
        }
        (false, false) => {
            row.report("units", Cause::Conflict("either kinds or units".to_owned()), p);
            None
        }
    }
}

fn read_openings(row: &Record, key: &str, p: &mut Problems) -> Option<Vec<Opening>> {
    let texts = row.texts(key, p)?;
    let openings: Option<Vec<Opening>> = texts.iter().map(|text| opening(text)).collect();
    let ordered = openings.filter(|list| list.windows(2).all(|pair| pair[0].to <= pair[1].from));
    ordered.or_else(|| row.refuse(key, "spans in order, such as \"07:00-11:00\"", p))
}

fn opening(text: &str) -> Option<Opening> {
    let (from, to) = text.split_once('-')?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let (from, to) = (time(from)?, time(to)?);
    (from < to).then_some(Opening { from, to })
}
