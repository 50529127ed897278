//! Periods of indicators: from a day to a year, half-open spans of civil days of the city.
//!
//! Written `2026-11-20`, `2026-W47` (ISO week), `2026-11`, `2026-Q4`, `2026-H1`, `2026-9M` (January to
//! September), `2026`. A period of a month or longer is closed some days after its end; its figures are
//! then published and kept.

use std::{fmt, str::FromStr};

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};
use serde::{Serialize, Serializer};

use super::measure::Span;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Length {
    /// One civil day.
    Day,
    /// Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// Three months.
    Quarter,
    /// January to June, or July to December.
    Half,
    /// January to September.
    NineMonths,
    /// A calendar year.
    Year,
}

impl Length {
    /// Every length that is closed and published.
    pub const CLOSED: [Self; 5] =
        [Self::Month, Self::Quarter, Self::Half, Self::NineMonths, Self::Year];

    /// The word of the length.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Half => "half",
            Self::NineMonths => "nine_months",
            Self::Year => "year",
        }
    }
}

/// A period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    from: NaiveDate,
    length: Length,
}

/// The text is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no period, allowed is 2026-11-20, 2026-W47, 2026-11, 2026-Q4, 2026-H1, 2026-9M or 2026"
)]
pub struct NoPeriod(pub String);

/// Years that a period may lie in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

impl Period {
    /// The period of this length that holds a day; none when nine months do not hold it, or when the year
    /// is out of range.
    pub fn containing(length: Length, day: NaiveDate) -> Option<Self> {
        let month = match length {
            Length::Day => return Self::new(length, day),
            Length::Week => {
                let back = u64::from(day.weekday().num_days_from_monday());
                return Self::new(length, day.checked_sub_days(Days::new(back))?);
            }
            Length::Month => day.month(),
            Length::Quarter => day.month0() / 3 * 3 + 1,
            Length::Half => day.month0() / 6 * 6 + 1,
            Length::NineMonths if day.month() > 9 => return None,
            Length::NineMonths | Length::Year => 1,
        };
        Self::new(length, NaiveDate::from_ymd_opt(day.year(), month, 1)?)
    }

    fn new(length: Length, from: NaiveDate) -> Option<Self> {
        YEARS.contains(&from.year()).then_some(Self { from, length })
    }

    /// How long it is.
    pub const fn length(self) -> Length {
        self.length
    }

    /// Its days.
    pub fn span(self) -> Span {
        let months = |n| self.from.checked_add_months(Months::new(n));
        let to = match self.length {
            Length::Day => self.from.succ_opt(),
            Length::Week => self.from.checked_add_days(Days::new(7)),
            Length::Month => months(1),
            Length::Quarter => months(3),
            Length::Half => months(6),
            Length::NineMonths => months(9),
            Length::Year => months(12),
        };
        // The year is far below the end of the calendar.
        Span { from: self.from, to: to.unwrap_or(NaiveDate::MAX) }
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        let Span { from, to } = self.span();
        to.pred_opt().unwrap_or(from)
    }

    /// Whether a day lies in it.
    pub fn holds(self, day: NaiveDate) -> bool {
        let Span { from, to } = self.span();
        (from..to).contains(&day)
    }

    /// The period of the same length before it; for nine months, the year before.
    pub fn before(self) -> Option<Self> {
        match self.length {
            Length::NineMonths => {
                Self::new(self.length, self.from.checked_sub_months(Months::new(12))?)
            }
            length => Self::containing(length, self.from.pred_opt()?),
        }
    }

    /// The same period a year before; null for weeks, which have no counterpart.
    pub fn year_before(self) -> Option<Self> {
        match self.length {
            Length::Week => None,
            length => Self::new(length, self.from.checked_sub_months(Months::new(12))?),
        }
    }

    /// The first day on which it is closed by itself; null when its length is not closed. `day` 5 is the
    /// fifth day of the next period.
    pub fn closes_on(self, day: u32) -> Option<NaiveDate> {
        let later = Days::new(u64::from(day.saturating_sub(1)));
        Length::CLOSED.contains(&self.length).then(|| self.span().to.checked_add_days(later))?
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, length } = *self;
        let year = from.year();
        match length {
            Length::Day => write!(f, "{from}"),
            Length::Week => {
                let week = from.iso_week();
                write!(f, "{}-W{:02}", week.year(), week.week())
            }
            Length::Month => write!(f, "{year}-{:02}", from.month()),
            Length::Quarter => write!(f, "{year}-Q{}", from.month0() / 3 + 1),
            Length::Half => write!(f, "{year}-H{}", from.month0() / 6 + 1),
            Length::NineMonths => write!(f, "{year}-9M"),
            Length::Year => write!(f, "{year}"),
        }
    }
}

impl FromStr for Period {
    type Err = NoPeriod;

    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        parse(text)
            // Only the one spelling of each period: no "2026-1", no sign, no space.
            .filter(|period| period.to_string() == text)
            .ok_or_else(|| NoPeriod(text.chars().take(32).collect()))
    }
}

fn parse(text: &str) -> Option<Period> {
    let year: i32 = text.get(..4)?.parse().ok()?;
    let month = |month| NaiveDate::from_ymd_opt(year, month, 1);
    let Some(rest) = text.get(4..).filter(|rest| !rest.is_empty()) else {
        return Period::new(Length::Year, month(1)?);
    };
    let rest = rest.strip_prefix('-')?;
    if rest == "9M" {
        return Period::new(Length::NineMonths, month(1)?);
    }
    if let Some(quarter) = rest.strip_prefix('Q') {
        let quarter: u32 = quarter.parse().ok().filter(|quarter| (1..=4).contains(quarter))?;
        return Period::new(Length::Quarter, month(quarter * 3 - 2)?);
    }
    if let Some(half) = rest.strip_prefix('H') {
        let half: u32 = half.parse().ok().filter(|half| (1..=2).contains(half))?;
        return Period::new(Length::Half, month(half * 6 - 5)?);
    }
    if let Some(week) = rest.strip_prefix('W') {
        let monday = NaiveDate::from_isoywd_opt(year, week.parse().ok()?, Weekday::Mon)?;
        return Period::new(Length::Week, monday);
    }
    if rest.len() == 2 {
        return Period::new(Length::Month, month(rest.parse().ok()?)?);
    }
    Period::new(Length::Day, text.parse().ok()?)
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_spelling_is_read_with_its_days() {
        for (text, from, to) in [
            ("2026-11-20", "2026-11-20", "2026-11-21"),
            ("2026-W47", "2026-11-16", "2026-11-23"),
            ("2026-W01", "2025-12-29", "2026-01-05"),
            ("2026-11", "2026-11-01", "2026-12-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
            ("2026-Q4", "2026-10-01", "2027-01-01"),
            ("2026-H2", "2026-07-01", "2027-01-01"),
            ("2026-9M", "2026-01-01", "2026-10-01"),
            ("2024", "2024-01-01", "2025-01-01"),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.span(), Span { from: day(from), to: day(to) }, "{text}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "26",
            "2026-",
            "2026-13",
            "2026-00",
            "2026-1",
            "2026-Q5",
            "2026-Q0",
            "2026-q1",
            "2026-H3",
            "2026-W54",
            "2026-02-29",
            "2026-9m",
            " 2026",
            "+026",
            "1999",
            "2026-11-20T00",
            "2026-Q+1",
            "二〇二六",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_and_longer_closes_on_the_fifth_day_of_the_next() {
        let closes = |text: &str| text.parse::<Period>().unwrap().closes_on(5);
        assert_eq!(closes("2026-03"), Some(day("2026-04-05")));
        assert_eq!(closes("2026-Q4"), Some(day("2027-01-05")));
        assert_eq!(closes("2026-9M"), Some(day("2026-10-05")));
        assert_eq!(closes("2026-W12"), None);
        assert_eq!(closes("2026-03-01"), None);
    }

    proptest! {
        #[test]
        fn a_period_is_written_as_it_is_read_and_follows_the_one_before(
            offset in 400_u64..70_000,
            length in prop::sample::select(vec![
                Length::Day, Length::Week, Length::Month, Length::Quarter, Length::Half, Length::Year,
            ]),
        ) {
            let day = day("2000-01-01") + Days::new(offset);
            let period = Period::containing(length, day).unwrap();
            prop_assert!(period.holds(day));
            prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
            prop_assert_eq!(period.before().unwrap().span().to, period.span().from);
        }
    }
}
