//! One year of days: working day, weekend or holiday, with counts that make spans cheap.

use chrono::{Datelike as _, NaiveDate, Weekday};

/// What a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayKind {
    /// Working day, also a make-up day.
    Working,
    /// Weekend.
    Weekend,
    /// Public holiday.
    Holiday,
}

/// A holiday, first and last day, or a make-up day.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    pub(super) name: String,
    /// Why it is not verified; null when it is.
    pub(super) doubt: Option<String>,
}

/// The table of one year.
#[derive(Debug, Clone)]
pub(super) struct Year {
    /// By day of the year, from 0.
    days: Vec<DayKind>,
    /// Working days until and with that day.
    worked: Vec<u16>,
    /// Why the whole year is not verified.
    doubt: Option<String>,
    /// Holidays and make-up days that are not verified.
    doubtful: Vec<Entry>,
}

impl Year {
    /// The year made of weekends, holidays and make-up days; the last win over the others.
    pub(super) fn new(
        year: i32,
        weekend: &[Weekday],
        doubt: Option<String>,
        holidays: &[Entry],
        make_up: &[Entry],
    ) -> Self {
        let within = |entries: &[Entry], day| {
            entries.iter().any(|entry| (entry.from..=entry.to).contains(&day))
        };
        let first = NaiveDate::from_yo_opt(year, 1).into_iter();
        let days: Vec<DayKind> = first
            .flat_map(|first| first.iter_days())
            .take_while(|day| day.year() == year)
            .map(|day| {
                if within(make_up, day) {
                    DayKind::Working
                } else if within(holidays, day) {
                    DayKind::Holiday
                } else if weekend.contains(&day.weekday()) {
                    DayKind::Weekend
                } else {
                    DayKind::Working
                }
            })
            .collect();
        let worked = days
            .iter()
            .scan(0_u16, |count, kind| {
                *count += u16::from(*kind == DayKind::Working);
                Some(*count)
            })
            .collect();
        let doubtful = holidays.iter().chain(make_up).filter(|entry| entry.doubt.is_some());
        Self { days, worked, doubt, doubtful: doubtful.cloned().collect() }
    }

    /// What `day` of this year is.
    pub(super) fn kind(&self, day: NaiveDate) -> DayKind {
        self.days.get(day.ordinal0() as usize).copied().unwrap_or(DayKind::Weekend)
    }

    /// Working days of the year.
    pub(super) fn worked(&self) -> i64 {
        self.worked.last().copied().map_or(0, i64::from)
    }

    /// Working days of the year until and with `day`.
    pub(super) fn worked_until(&self, day: NaiveDate) -> i64 {
        self.worked.get(day.ordinal0() as usize).copied().map_or(0, i64::from)
    }

    /// The `n`th working day of this year, from 1; null beyond the last.
    pub(super) fn nth_working_day(&self, year: i32, n: i64) -> Option<NaiveDate> {
        let index = self.worked.partition_point(|count| i64::from(*count) < n);
        if index == self.worked.len() {
            return None;
        }
        NaiveDate::from_yo_opt(year, u32::try_from(index).ok()? + 1)
    }

    /// Whether everything of this year between `from` and `to`, both included, is verified.
    pub(super) fn is_verified(&self, year: i32, from: NaiveDate, to: NaiveDate) -> bool {
        let touches = |entry: &Entry| entry.from <= to && from <= entry.to;
        let listed = !self.doubtful.iter().any(touches);
        listed && (self.doubt.is_none() || to.year() < year || from.year() > year)
    }

    /// What is not verified.
    pub(super) fn notes(&self, year: i32) -> Vec<String> {
        if let Some(doubt) = &self.doubt {
            return vec![format!("holidays of {year} unverified: {doubt}")];
        }
        let note = |entry: &Entry| {
            let doubt = entry.doubt.as_deref().unwrap_or_default();
            format!("{} {} unverified: {doubt}", entry.from, entry.name)
        };
        self.doubtful.iter().map(note).collect()
    }
}
