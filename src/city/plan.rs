//! The schedule of signal plans: which plan signals should run when.
//!
//! From `plans.csv`, which a city may leave out. How rows decide for one signal stands in
//! [`schedule`](crate::schedule).

use chrono::NaiveDate;

use super::{
    problem::{Cause, Problems},
    record::{Located, Record},
    scope::{Scope, read_scope},
};

/// File of the schedule.
pub(super) const PLANS: &str = "plans.csv";
/// Columns of the schedule.
pub(super) const PLAN_COLUMNS: &[&str] =
    &["signals", "days", "from", "to", "plan", "valid_from", "valid_to"];
/// Days of the week as they are written, Monday first.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Minutes of a day.
pub(crate) const DAY_MIN: u16 = 24 * 60;

/// Days of the week and holidays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days {
    /// One bit per day of the week, Monday first.
    weekdays: u8,
    /// Whether holidays, on whatever day of the week they fall.
    pub holidays: bool,
}

impl Days {
    /// Whether a day of the week is one of them.
    pub const fn has(self, day: chrono::Weekday) -> bool {
        self.weekdays & (1 << day.num_days_from_monday()) != 0
    }

    const fn meets(self, other: Self) -> bool {
        self.weekdays & other.weekdays != 0 || (self.holidays && other.holidays)
    }
}

/// One row of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// Which signals.
    pub signals: Scope,
    /// On which days.
    pub days: Days,
    /// First minute of the civil day.
    pub from_min: u16,
    /// First minute after; 1,440 for the end of the day.
    pub to_min: u16,
    /// Number of the plan.
    pub plan: u16,
    /// First civil day of the row.
    pub valid_from: NaiveDate,
    /// First civil day on which it is no longer so; null while it is.
    pub valid_to: Option<NaiveDate>,
}

impl PlanRow {
    /// Whether the row holds on `date` (half-open span).
    pub fn is_valid_at(&self, date: NaiveDate) -> bool {
        self.valid_from <= date && self.valid_to.is_none_or(|end| date < end)
    }

    /// Whether both may decide, equally closely, at one instant.
    pub(super) fn meets(&self, other: &Self) -> bool {
        let ends_after = |a: &Self, b: &Self| a.valid_to.is_none_or(|end| b.valid_from < end);
        self.days.meets(other.days)
            && self.from_min < other.to_min
            && other.from_min < self.to_min
            && ends_after(self, other)
            && ends_after(other, self)
    }
}

/// Reads one row of `plans.csv`.
pub(super) fn read_plan(row: &Record, problems: &mut Problems) -> Option<Located<PlanRow>> {
    let p = problems;
    let signals = read_scope(row, "signals", p);
    let days = read_days(row, "days", p);
    let from_min = read_minute(row, "from", DAY_MIN - 1, p);
    let to_min = read_minute(row, "to", DAY_MIN, p);
    let plan = row.fixed("plan", 0, 0..=65_535, p);
    let (from, to) = (row.date("valid_from", p), row.optional("valid_to", p, Record::date));
    let plan = PlanRow {
        signals: signals?,
        days: days?,
        from_min: from_min?,
        to_min: to_min?,
        plan: plan?,
        valid_from: from?,
        valid_to: to?,
    };
    let mut refuse = |key: &str, text: &str| {
        row.report(key, Cause::Conflict(text.to_owned()), p);
    };
    if plan.to_min <= plan.from_min {
        refuse(
            "to",
            "is not after from; a time over midnight is two rows, until 24:00 and from 00:00",
        );
    }
    if plan.valid_to.is_some_and(|end| end <= plan.valid_from) {
        refuse("valid_to", "is not after valid_from");
    }
    Some(row.locate(plan))
}

/// Reads days like `mon-fri`, `sat sun`, `holiday`.
fn read_days(row: &Record, key: &str, problems: &mut Problems) -> Option<Days> {
    let text = row.text(key, problems)?;
    let days = text.split_ascii_whitespace().try_fold(Days::default(), add_days);
    days.or_else(|| {
        row.refuse(
            key,
            "words of mon tue wed thu fri sat sun, ranges like mon-fri, holiday",
            problems,
        )
    })
}

fn add_days(mut days: Days, word: &str) -> Option<Days> {
    if word == "holiday" {
        days.holidays = true;
        return Some(days);
    }
    let number = |word: &str| WEEKDAYS.iter().position(|day| *day == word);
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (number(first)?, number(last)?);
    for day in first..=last {
        days.weekdays |= 1 << day;
    }
    (first <= last).then_some(days)
}

/// Reads `HH:MM` as minutes since local midnight; `24:00` is the end of the day.
fn read_minute(row: &Record, key: &str, last: u16, problems: &mut Problems) -> Option<u16> {
    let text = row.text(key, problems)?;
    let minute = match text.as_bytes() {
        [b'0'..=b'2', b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9'] => {
            let number = |part: &str| part.parse::<u16>().ok();
            number(&text[..2]).zip(number(&text[3..])).map(|(hour, minute)| hour * 60 + minute)
        }
        _ => None,
    };
    minute.filter(|minute| *minute <= last).or_else(|| {
        let allowed = format!("a time of day, 00:00 to {:02}:{:02}", last / 60, last % 60);
        row.refuse(key, &allowed, problems)
    })
}
