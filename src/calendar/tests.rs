//! Working days, hours, pauses and due dates: the vectors of the circulars, and laws that hold for every date.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::city::Mark;

static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::vietnam);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An instant of Vietnam.
fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("{text}:00+07:00")).unwrap().to_utc()
}

fn limit(value: u16, unit: LimitUnit) -> TimeLimit {
    TimeLimit { value, unit }
}

/// The compiled-in calendar without make-up days.
fn without_make_up() -> Calendar {
    let text: String = VIETNAM.lines().filter(|line| !line.contains("{ day = ")).fold(
        String::new(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    );
    read::parse("test", &text).unwrap()
}

/// The compiled-in calendar with further tables.
fn with(extra: &str) -> Calendar {
    read::parse("test", &format!("{VIETNAM}\n{extra}")).unwrap()
}

#[test]
fn published_vectors_hold() {
    let calendar = Calendar::vietnam();
    for (from, n, to) in [
        ("2021-02-05", 5, "2021-02-19"),
        ("2021-04-29", 3, "2021-05-06"),
        ("2021-09-01", 2, "2021-09-07"),
        ("2025-04-24", 3, "2025-04-28"),
        ("2026-11-20", 3, "2026-11-26"),
    ] {
        assert_eq!(calendar.add_working_days(day(from), n), Ok(day(to)), "{from} +{n}");
        let limit = limit(u16::try_from(n).unwrap(), LimitUnit::WorkingDay);
        let due = calendar.due(at(&format!("{from}T09:00")), limit, None);
        assert_eq!(due, Ok(at(&format!("{to}T17:00"))), "{from} +{n}");
    }
}

#[test]
fn a_make_up_saturday_is_a_working_day() {
    let plain = without_make_up();
    assert_eq!(plain.add_working_days(day("2025-04-24"), 3), Ok(day("2025-04-29")));
    assert_eq!(plain.is_working(day("2025-04-26")), Ok(false));
    let calendar = Calendar::vietnam();
    assert_eq!(calendar.is_working(day("2025-04-26")), Ok(true));
    assert_eq!(calendar.is_working(day("2025-05-02")), Ok(false));
    let minutes = calendar.working_minutes(None, at("2025-04-26T00:00"), at("2025-04-27T00:00"));
    assert_eq!(minutes, Ok(480));
}

#[test]
fn a_year_without_a_table_is_not_guessed() {
    let calendar = Calendar::vietnam();
    assert_eq!(calendar.is_working(day("2020-07-01")), missing(2020));
    assert_eq!(calendar.add_working_days(day("2026-12-30"), 1), Ok(day("2026-12-31")));
    assert_eq!(calendar.add_working_days(day("2026-12-30"), 2), missing(2027));
    let days = calendar.working_days_between(day("2026-12-30"), day("2027-01-04"));
    assert_eq!(days, missing(2027));
    let due = calendar.due(at("2026-12-31T10:00"), limit(8, LimitUnit::Hour), None);
    assert_eq!(due, missing(2027));
    let span = calendar.working_minutes(None, at("2020-12-31T10:00"), at("2021-01-04T10:00"));
    assert_eq!(span, missing(2020));
}

fn missing<T>(year: i32) -> Result<T, Incomplete> {
    Err(Incomplete { year })
}

#[test]
fn the_weakest_day_of_a_span_decides_how_well_it_is_known() {
    let calendar = Calendar::vietnam();
    let known = |from, to| calendar.completeness(day(from), day(to));
    assert_eq!(known("2021-01-01", "2021-12-31"), Completeness::Complete);
    assert_eq!(known("2021-12-31", "2022-01-01"), Completeness::Unverified);
    // The swaps of 2026 were not compared; the weeks beside them were.
    assert_eq!(known("2026-01-01", "2026-01-01"), Completeness::Complete);
    assert_eq!(known("2026-01-01", "2026-01-09"), Completeness::Unverified);
    assert_eq!(known("2026-01-03", "2026-01-09"), Completeness::Complete);
    assert_eq!(known("2026-11-01", "2026-11-30"), Completeness::Complete);
    assert_eq!(known("2026-11-01", "2027-01-01"), Completeness::Incomplete);
    // All of 2025 is doubtful, although some of its holidays were compared.
    assert_eq!(known("2025-04-05", "2025-04-07"), Completeness::Unverified);
    assert!(calendar.notes().iter().any(|note| note.contains("2024")), "{:?}", calendar.notes());
}

#[test]
fn a_receipt_after_closing_counts_from_the_next_working_day() {
    let calendar = Calendar::vietnam();
    let due = |received: &str| calendar.due(at(received), limit(1, LimitUnit::WorkingDay), None);
    // Thursday, Friday, and the weekend between.
    assert_eq!(due("2026-11-19T17:00"), Ok(at("2026-11-20T17:00")));
    assert_eq!(due("2026-11-19T17:01"), Ok(at("2026-11-23T17:00")));
    assert_eq!(due("2026-11-19T12:00"), Ok(at("2026-11-20T17:00")), "at noon it opens again");
    assert_eq!(due("2026-11-19T05:00"), Ok(at("2026-11-20T17:00")), "before opening");
    // On Saturday: received on Monday, one working day later is Wednesday (Tuesday is a holiday).
    assert_eq!(due("2026-11-21T09:00"), Ok(at("2026-11-25T17:00")));
}

#[test]
fn calendar_days_and_months_end_on_a_working_day() {
    let calendar = Calendar::vietnam();
    let due = |received: &str, n, unit| calendar.due(at(received), limit(n, unit), None);
    // Five days after Friday 5 February 2021 is the first day of Tết.
    assert_eq!(due("2021-02-05T08:00", 5, LimitUnit::Day), Ok(at("2021-02-17T17:00")));
    assert_eq!(due("2021-02-05T08:00", 3, LimitUnit::Day), Ok(at("2021-02-08T17:00")));
    // 31 March has no counterpart in April; 30 April 2021 to 3 May are holidays.
    assert_eq!(due("2021-03-31T08:00", 1, LimitUnit::Month), Ok(at("2021-05-04T17:00")));
    assert_eq!(due("2021-03-02T08:00", 1, LimitUnit::Month), Ok(at("2021-04-02T17:00")));
}

#[test]
fn hours_count_inside_opening_hours() {
    let calendar = Calendar::vietnam();
    let due = |received: &str, n| calendar.due(at(received), limit(n, LimitUnit::Hour), None);
    assert_eq!(due("2026-11-19T08:30", 2), Ok(at("2026-11-19T10:30")));
    assert_eq!(due("2026-11-19T10:00", 2), Ok(at("2026-11-19T14:00")));
    assert_eq!(due("2026-11-20T16:00", 8), Ok(at("2026-11-23T16:00")));
    // Over the holiday of Tuesday 24 November.
    assert_eq!(due("2026-11-23T16:30", 1), Ok(at("2026-11-25T07:30")));
    assert_eq!(due("2026-11-21T09:00", 4), Ok(at("2026-11-23T11:00")), "received on Saturday");
    let minutes = |from: &str, to: &str| calendar.working_minutes(None, at(from), at(to));
    assert_eq!(minutes("2026-11-20T16:00", "2026-11-23T08:00"), Ok(120));
    assert_eq!(minutes("2026-11-23T08:00", "2026-11-20T16:00"), Ok(-120));
    assert_eq!(minutes("2026-11-21T08:00", "2026-11-22T08:00"), Ok(0));
}

fn unit(code: &str, kind: UnitKind, from: &str, to: Option<&str>) -> Unit {
    Unit {
        code: code.to_owned(),
        kind,
        name_vi: "Tân Lộc".to_owned(),
        name_en: "Tân Lộc".to_owned(),
        parent: None,
        valid_from: day(from),
        valid_to: to.map(day),
        mark: Mark::Verified,
        source: "test".to_owned(),
    }
}

#[test]
fn the_own_hours_of_a_unit_go_before_those_of_its_kind() {
    let calendar = with(
        r#"
[[hours]]
mark = "verified"
valid_from = 2026-07-01
weekdays = ["07:30-11:30", "13:30-17:00"]
[[hours]]
mark = "verified"
kinds = ["ward"]
valid_from = 2026-01-01
valid_to = 2026-12-01
weekdays = ["07:00-11:00", "13:00-17:00"]
saturday = ["07:00-11:00"]
[[hours]]
mark = "verified"
units = ["gso:2"]
weekdays = ["08:00-12:00"]
"#,
    )
    .with_units(&[
        unit("gso:1", UnitKind::Town, "2020-01-01", Some("2026-07-01")),
        unit("gso:1", UnitKind::Ward, "2026-07-01", None),
        unit("gso:2", UnitKind::Ward, "2020-01-01", None),
    ]);
    let of_week = |unit: Option<&str>, from: &str, to: &str| {
        calendar.working_minutes(unit, at(&format!("{from}T00:00")), at(&format!("{to}T00:00")))
    };
    let (june, november) = (("2026-06-08", "2026-06-15"), ("2026-11-02", "2026-11-09"));
    assert_eq!(of_week(None, june.0, june.1), Ok(5 * 480));
    assert_eq!(of_week(None, november.0, november.1), Ok(5 * 450));
    // In June the unit was a town still.
    assert_eq!(of_week(Some("gso:1"), june.0, june.1), Ok(5 * 480));
    assert_eq!(of_week(Some("gso:1"), november.0, november.1), Ok(5 * 480 + 240));
    assert_eq!(of_week(Some("gso:1"), "2026-12-07", "2026-12-14"), Ok(5 * 450));
    assert_eq!(of_week(Some("gso:2"), november.0, november.1), Ok(5 * 240));
    // A receipt on a Saturday on which the unit is open counts on that day.
    let due = |unit| calendar.due(at("2026-11-07T09:00"), limit(1, LimitUnit::WorkingDay), unit);
    assert_eq!(due(Some("gso:1")), Ok(at("2026-11-09T17:00")));
    assert_eq!(due(None), Ok(at("2026-11-10T17:00")));
}

#[test]
fn every_mistake_is_told_with_line_and_what_is_allowed() {
    let text = r#"version = "x"
time_zone = "Asia/Saigon City"
weekend = ["saturday", "caturday"]
[[year]]
year = 2021
mark = "verfied"
decision = "d"
[[year]]
year = 2022
mark = "unverified"
holiday = [
  { name = "a", from = 2022-02-10, to = 2022-02-01 },
]
[[year]]
year = 2023
mark = "verified"
decision = "d"
holiday = [
  { name = "a", from = 2023-02-10, to = 2023-02-11 },
  { name = "b", from = 2023-02-11, to = 2023-02-12, colour = "red" },
  { name = "c", from = 2024-02-11, to = 2024-02-12 },
]
make_up = [ { day = 2023-02-13, for = 2023-02-10 } ]
[[year]]
year = 2023
mark = "verified"
decision = "d"
holiday = [ { name = "a", from = 2023-02-10, to = 2023-02-11 } ]
[[hours]]
mark = "verified"
valid_from = 2020-01-01
weekdays = ["11:00-07:00"]
[[hours]]
mark = "verified"
kinds = ["village"]
weekdays = []
"#;
    let errors = read::parse("broken.toml", text).unwrap_err().to_string();
    for expected in [
        "load calendar broken.toml: ",
        "calendar line 2: time_zone: \"Asia/Saigon City\" is not allowed",
        "calendar line 3: weekend: ",
        "calendar line 6: mark: \"verfied\" is not allowed; allowed: verified, unverified; did you",
        "calendar line 8: reason: missing",
        "calendar line 8: decision: missing",
        "calendar line 20: colour: unknown; allowed: name, from, to, mark, reason",
        "calendar line 20: from: 2023-02-11 is not after 2023-02-11",
        "calendar line 21: from: from 2024-02-11 to 2024-02-12 is no span of 2023",
        "calendar line 23: day: 2023-02-13 is no day of a weekend of 2023",
        "calendar line 25: year: the year 2023 stands a second time",
        "calendar line 32: weekdays: ",
        "calendar line 35: kinds: ",
        "calendar line 36: weekdays: missing",
    ] {
        assert!(errors.contains(expected), "{expected}\nis not in\n{errors}");
    }
    let errors = read::parse("no.toml", "version = ").unwrap_err().to_string();
    assert!(errors.contains("calendar line 1: does not parse"), "{errors}");
    let errors = Calendar::load(Path::new("/no/such.toml")).unwrap_err().to_string();
    assert!(errors.contains("/no/such.toml") && errors.contains("cannot be read"), "{errors}");
}

/// A day of the years that have a table, far enough from their end.
fn days() -> impl Strategy<Value = NaiveDate> {
    (0..5 * 365_u64).prop_map(|n| day("2021-01-01") + Days::new(n))
}

proptest! {
    #[test]
    fn adding_then_counting_gives_the_same(from in days(), n in 0..200_u32) {
        let calendar = &*CALENDAR;
        let to = calendar.add_working_days(from, n).unwrap();
        prop_assert_eq!(calendar.working_days_between(from, to), Ok(i64::from(n)));
        prop_assert_eq!(calendar.working_days_between(to, from), Ok(-i64::from(n)));
        prop_assert!(n == 0 || calendar.is_working(to).unwrap());
    }

    #[test]
    fn counting_by_steps_gives_the_same(from in days(), length in 0..400_u64) {
        let calendar = &*CALENDAR;
        let to = (from + Days::new(length)).min(day("2026-12-31"));
        let walked = from.iter_days().skip(1).take_while(|day| *day <= to);
        let counted = walked.filter(|day| calendar.is_working(*day).unwrap()).count();
        let days = calendar.working_days_between(from, to).unwrap();
        prop_assert_eq!(usize::try_from(days).unwrap(), counted);
    }

    #[test]
    fn a_due_time_never_lands_on_a_day_off(
        from in days(), second in 0..86_400_i64, n in 1..60_u16, unit in 0..4_usize,
    ) {
        let units = [LimitUnit::Hour, LimitUnit::Day, LimitUnit::WorkingDay, LimitUnit::Month];
        let unit = units[unit];
        let n = if unit == LimitUnit::Month { n % 6 + 1 } else { n };
        let calendar = &*CALENDAR;
        let received = crate::day::midnight(from, calendar.zone()) + TimeDelta::seconds(second);
        let due = calendar.due(received, limit(n, unit), None).unwrap();
        prop_assert!(due > received);
        prop_assert!(calendar.is_working(calendar.day_of(due)).unwrap());
        if unit == LimitUnit::Hour {
            let minutes = calendar.working_minutes(None, received, due);
            prop_assert_eq!(minutes, Ok(i64::from(n) * 60));
        }
    }
}
