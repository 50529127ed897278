//! Working days, opening hours and due times of public administration.
//!
//! From a calendar file (`config/calendar/vn.toml` is compiled in): weekends, holidays and make-up days
//! year by year, opening hours by unit and time. Days are civil days of the file's zone. A year without
//! a table is never guessed: whatever needs it is [`Incomplete`]. Civil Code 2015, Articles 147 and 148:
//! the first day is not counted, and a term that ends on a day off ends on the next working day.

mod hours;
mod read;
mod year;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, path::Path};

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use ioc_ingest::dossier::{LimitUnit, TimeLimit};

use crate::{
    city::{CityError, Unit, UnitKind},
    store::unit::UnitRow,
};

use hours::{Hours, Opening};
use year::{DayKind, Year};

/// The calendar of Vietnam that is compiled in.
pub const VIETNAM: &str = include_str!("../config/calendar/vn.toml");

/// A year that the calendar has no table for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[error("the calendar has no table for {year}")]
pub struct Incomplete {
    /// The year.
    pub year: i32,
}

/// How well the days of a span are known; the weakest part decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Completeness {
    /// Every day comes from a compared announcement.
    Complete,
    /// A year, a holiday or a make-up day of the span is not verified.
    Unverified,
    /// A year of the span has no table.
    Incomplete,
}

/// Everything that is wrong in a calendar file.
#[derive(Debug, thiserror::Error)]
pub struct CalendarErrors {
    /// The file, or `(compiled in)`.
    pub file: String,
    /// At least one; their `file` is always `calendar`.
    pub errors: Vec<CityError>,
}

impl fmt::Display for CalendarErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "load calendar {}: {} errors", self.file, self.errors.len())?;
        self.errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// Working days and opening hours.
#[derive(Debug, Clone)]
pub struct Calendar {
    version: String,
    zone: Tz,
    years: BTreeMap<i32, Year>,
    hours: Hours,
}

impl Calendar {
    /// Loads a calendar file.
    ///
    /// # Errors
    /// Every error of the file at once.
    pub fn load(path: &Path) -> Result<Self, CalendarErrors> {
        read::load(path)
    }

    /// The compiled-in calendar of Vietnam.
    ///
    /// # Panics
    /// Never: a test reads that file.
    pub fn vietnam() -> Self {
        read::parse("(compiled in)", VIETNAM).expect("a test loads the compiled-in calendar")
    }

    /// The calendar of the configuration: the file named there, or the compiled-in one for "".
    ///
    /// # Errors
    /// See [`load`](Self::load).
    pub fn configured(file: &str) -> Result<Self, CalendarErrors> {
        if file.is_empty() { Ok(Self::vietnam()) } else { Self::load(Path::new(file)) }
    }

    /// Tells the calendar of what kind each unit was when, for opening hours by kind.
    #[must_use]
    pub fn with_units<'a>(mut self, units: impl IntoIterator<Item = &'a Unit>) -> Self {
        let span = |unit: &Unit| (unit.code.clone(), (unit.valid_from, unit.valid_to, unit.kind));
        self.hours.set_kinds(units.into_iter().map(span));
        self
    }

    /// The same from the units of the registry.
    #[must_use]
    pub fn with_rows(mut self, rows: &[UnitRow]) -> Self {
        let kind = |row: &UnitRow| UnitKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind);
        let known = rows.iter().filter_map(|row| Some((row, kind(row)?)));
        let span = |(row, kind): (&UnitRow, UnitKind)| {
            (row.code.clone(), (row.valid_from, row.valid_to, kind))
        };
        self.hours.set_kinds(known.map(span));
        self
    }

    /// Version of the data, which every figure that rests on it carries.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Zone of the civil days.
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// Years that have a table.
    pub fn years(&self) -> impl Iterator<Item = i32> {
        self.years.keys().copied()
    }

    /// What is not verified and why, one line each.
    pub fn notes(&self) -> Vec<String> {
        let years = self.years.iter().flat_map(|(year, table)| table.notes(*year));
        years.chain(self.hours.notes()).collect()
    }

    /// Whether `day` is a working day.
    ///
    /// # Errors
    /// Its year has no table.
    pub fn is_working(&self, day: NaiveDate) -> Result<bool, Incomplete> {
        Ok(self.year(day.year())?.kind(day) == DayKind::Working)
    }

    /// Whether `day` is a public holiday, on whatever day of the week.
    ///
    /// # Errors
    /// Its year has no table.
    pub fn is_holiday(&self, day: NaiveDate) -> Result<bool, Incomplete> {
        Ok(self.year(day.year())?.kind(day) == DayKind::Holiday)
    }

    /// The `n`th working day after `from`, which is not counted itself; `from` for 0.
    ///
    /// # Errors
    /// A year on the way has no table.
    pub fn add_working_days(&self, from: NaiveDate, n: u32) -> Result<NaiveDate, Incomplete> {
        let mut year = from.year();
        let mut worked = i64::from(n) + self.year(year)?.worked_until(from);
        if n == 0 {
            return Ok(from);
        }
        loop {
            let table = self.year(year)?;
            match table.nth_working_day(year, worked) {
                Some(day) => return Ok(day),
                None => worked -= table.worked(),
            }
            year += 1;
        }
    }

    /// Working days in `(from, to]`; negative when `to` lies before `from`.
    ///
    /// # Errors
    /// A year of the span has no table.
    pub fn working_days_between(&self, from: NaiveDate, to: NaiveDate) -> Result<i64, Incomplete> {
        if to < from {
            return self.working_days_between(to, from).map(|days| -days);
        }
        let whole = (from.year()..to.year())
            .map(|year| self.year(year).map(Year::worked))
            .sum::<Result<i64, _>>()?;
        let before = self.year(from.year())?.worked_until(from);
        Ok(whole + self.year(to.year())?.worked_until(to) - before)
    }

    /// The first working day at or after `day`.
    ///
    /// # Errors
    /// A year on the way has no table.
    pub fn roll_forward(&self, day: NaiveDate) -> Result<NaiveDate, Incomplete> {
        if self.is_working(day)? { Ok(day) } else { self.add_working_days(day, 1) }
    }

    /// The civil day from which a term runs that begins with a receipt: the day itself while the unit
    /// is open or will open again on it, else the next working day.
    ///
    /// # Errors
    /// A year on the way has no table.
    pub fn receipt_day(
        &self,
        received: DateTime<Utc>,
        unit: Option<&str>,
    ) -> Result<NaiveDate, Incomplete> {
        let day = self.day_of(received);
        let closes = self.openings(unit, day)?.last().map(|opening| opening.to);
        match closes {
            Some(closes) if received <= closes => Ok(day),
            _ => self.add_working_days(day, 1),
        }
    }

    /// When a result is due that may take `limit` from its receipt: for days and months at closing
    /// time of the last day, for hours after so much opening time.
    ///
    /// # Errors
    /// A year on the way has no table.
    pub fn due(
        &self,
        received: DateTime<Utc>,
        limit: TimeLimit,
        unit: Option<&str>,
    ) -> Result<DateTime<Utc>, Incomplete> {
        let n = u32::from(limit.value);
        let from = match limit.unit {
            LimitUnit::Hour => {
                return self.add_open_time(unit, received, TimeDelta::hours(i64::from(n)));
            }
            LimitUnit::Day | LimitUnit::WorkingDay | LimitUnit::Month => {
                self.receipt_day(received, unit)?
            }
        };
        let day = match limit.unit {
            LimitUnit::Hour | LimitUnit::WorkingDay => self.add_working_days(from, n)?,
            LimitUnit::Day => self.roll_forward(from + Days::new(u64::from(n)))?,
            LimitUnit::Month => self.roll_forward(from + Months::new(n))?,
        };
        self.closing(unit, day)
    }

    /// Minutes of opening time from `from` to `to`, whole ones; negative when `to` lies before `from`.
    ///
    /// # Errors
    /// A year of the span has no table.
    pub fn working_minutes(
        &self,
        unit: Option<&str>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<i64, Incomplete> {
        if to < from {
            return self.working_minutes(unit, to, from).map(|minutes| -minutes);
        }
        let (mut day, last) = (self.day_of(from), self.day_of(to));
        let mut open = TimeDelta::zero();
        while day <= last {
            for opening in self.openings(unit, day)? {
                open += (opening.to.min(to) - opening.from.max(from)).max(TimeDelta::zero());
            }
            day = day + Days::new(1);
        }
        Ok(open.num_minutes())
    }

    /// How well the days from `from` to `to`, both included, are known. Opening hours do not count.
    pub fn completeness(&self, from: NaiveDate, to: NaiveDate) -> Completeness {
        (from.year()..=to.year())
            .map(|year| match self.years.get(&year) {
                None => Completeness::Incomplete,
                Some(table) if table.is_verified(year, from, to) => Completeness::Complete,
                Some(_) => Completeness::Unverified,
            })
            .max()
            .unwrap_or(Completeness::Complete)
    }

    /// Closing time of a working day.
    ///
    /// # Errors
    /// Its year has no table.
    pub fn closing(&self, unit: Option<&str>, day: NaiveDate) -> Result<DateTime<Utc>, Incomplete> {
        let closes = self.openings(unit, day)?.last().map(|opening| opening.to);
        // Every working day has opening hours; a day off ends at its last minute.
        Ok(closes.unwrap_or_else(|| crate::day::midnight(day + Days::new(1), self.zone)))
    }

    fn add_open_time(
        &self,
        unit: Option<&str>,
        from: DateTime<Utc>,
        mut left: TimeDelta,
    ) -> Result<DateTime<Utc>, Incomplete> {
        let mut day = self.day_of(from);
        loop {
            for opening in self.openings(unit, day)? {
                let begin = opening.from.max(from);
                if begin + left <= opening.to {
                    return Ok(begin + left);
                }
                left -= (opening.to - begin).max(TimeDelta::zero());
            }
            day = day + Days::new(1);
        }
    }

    fn openings(
        &self,
        unit: Option<&str>,
        day: NaiveDate,
    ) -> Result<impl DoubleEndedIterator<Item = Interval>, Incomplete> {
        let kind = self.year(day.year())?.kind(day);
        let openings = self.hours.of(unit, day, kind, day.weekday());
        let at = move |time: chrono::NaiveTime| {
            let local = day.and_time(time);
            let zoned = self.zone.from_local_datetime(&local).earliest();
            // A time that the clocks skip does not exist in the calendar's zone; UTC keeps it ordered.
            zoned.map_or_else(|| local.and_utc(), |time| time.to_utc())
        };
        Ok(openings
            .iter()
            .map(move |Opening { from, to }| Interval { from: at(*from), to: at(*to) }))
    }

    fn day_of(&self, time: DateTime<Utc>) -> NaiveDate {
        time.with_timezone(&self.zone).date_naive()
    }

    fn year(&self, year: i32) -> Result<&Year, Incomplete> {
        self.years.get(&year).ok_or(Incomplete { year })
    }
}

/// One span of opening time.
#[derive(Debug, Clone, Copy)]
struct Interval {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// Kinds of units by code and time.
type Kinds = BTreeMap<String, Vec<Kind>>;

/// First day, first day after, kind.
type Kind = (NaiveDate, Option<NaiveDate>, UnitKind);
