//! Which plan a signal should run when, by the rows of a city's `plans.csv`. Pure: whoever asks tells the time.
//!
//! Of the rows that hold at a minute of a civil day the one counts that is closest to the signal (its id over
//! its corridor over `*`), and of those one for holidays on a holiday over one for the day of the week. Where
//! no row holds there is no scheduled plan. In a year without a table of holidays nobody knows whether a day
//! is one: there is no scheduled plan where that would make a difference.
//!
//! The engine of alarms compares with it, the simulated city runs by it.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{
    DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;

use crate::{
    calendar::Calendar,
    city::{PlanRow, plan::DAY_MIN, scope::Closeness},
    day::midnight,
};

/// Public holidays of the years whose holidays are known.
#[derive(Debug, Default, PartialEq, Eq)]
struct Holidays {
    years: BTreeSet<i32>,
    days: BTreeSet<NaiveDate>,
}

impl Holidays {
    fn of(calendar: &Calendar) -> Self {
        let years: BTreeSet<i32> = calendar.years().collect();
        let all = years.iter().flat_map(|year| {
            let first = NaiveDate::from_ymd_opt(*year, 1, 1).into_iter();
            first.flat_map(|first| first.iter_days()).take_while(move |day| day.year() == *year)
        });
        let days = all.filter(|day| calendar.is_holiday(*day) == Ok(true)).collect();
        Self { years, days }
    }

    /// Whether a day is one; null when nobody knows.
    fn has(&self, day: NaiveDate) -> Option<bool> {
        self.years.contains(&day.year()).then(|| self.days.contains(&day))
    }
}

/// The schedule of every signal of a city.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    rows: Arc<[PlanRow]>,
    holidays: Arc<Holidays>,
}

impl Schedule {
    /// By these rows, with the holidays of a calendar.
    pub fn new(rows: &[PlanRow], calendar: &Calendar) -> Self {
        Self { rows: rows.into(), holidays: Arc::new(Holidays::of(calendar)) }
    }

    /// The schedule of one signal; null where no row is about it.
    pub fn of(&self, source: &str, corridor: Option<&str>) -> Option<Timetable> {
        let about = |(at, row): (usize, &PlanRow)| Some((row.signals.about(source, corridor)?, at));
        let own: Box<[(Closeness, usize)]> =
            self.rows.iter().enumerate().filter_map(about).collect();
        let (rows, holidays) = (Arc::clone(&self.rows), Arc::clone(&self.holidays));
        (!own.is_empty()).then_some(Timetable { rows, own, holidays })
    }
}

/// The schedule of one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    /// Those of the city: thousands of signals share them.
    rows: Arc<[PlanRow]>,
    /// Those about the signal: how closely, and which.
    own: Box<[(Closeness, usize)]>,
    holidays: Arc<Holidays>,
}

/// Minutes of a civil day in which the schedule does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Scheduled plan; null for none.
    pub plan: Option<u16>,
    /// First minute of the civil day.
    pub from_min: u16,
    /// First minute after; 1,440 for the end of the day.
    pub to_min: u16,
}

/// What is scheduled in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheduled {
    /// Scheduled plan; null for none.
    pub plan: Option<u16>,
    /// Since when.
    pub from: DateTime<Utc>,
    /// Until before when.
    pub until: DateTime<Utc>,
}

impl Timetable {
    /// What is scheduled at a minute of a civil day.
    pub fn span(&self, day: NaiveDate, minute: u16) -> Span {
        let is_holiday = self.holidays.has(day);
        let holds = |row: &PlanRow| {
            let may_be_holiday = row.days.holidays && is_holiday != Some(false);
            row.is_valid_at(day) && (row.days.has(day.weekday()) || may_be_holiday)
        };
        let own = || self.own.iter().map(|(closeness, at)| (*closeness, &self.rows[*at]));
        let rows = || own().filter(|(_, row)| holds(row));
        let borders = || rows().flat_map(|(_, row)| [row.from_min, row.to_min]);
        let plan_if = |is_holiday: bool| {
            let now = rows().filter(|(_, row)| (row.from_min..row.to_min).contains(&minute));
            let ranked = now.filter_map(|(closeness, row)| {
                let is_of_holiday = is_holiday && row.days.holidays;
                let counts = is_of_holiday || row.days.has(day.weekday());
                counts.then_some(((closeness, is_of_holiday), row.plan))
            });
            ranked.max_by_key(|(rank, _)| *rank).map(|(_, plan)| plan)
        };
        let plan = match is_holiday {
            Some(is_holiday) => plan_if(is_holiday),
            None => plan_if(false).filter(|plan| plan_if(true) == Some(*plan)),
        };
        Span {
            plan,
            from_min: borders().filter(|border| *border <= minute).max().unwrap_or(0),
            to_min: borders().filter(|border| *border > minute).min().unwrap_or(DAY_MIN),
        }
    }

    /// What is scheduled at an instant, by the civil time of a zone.
    pub fn at(&self, now: DateTime<Utc>, zone: Tz) -> Scheduled {
        let local = now.with_timezone(&zone);
        let (day, minute) = (local.date_naive(), local.hour() * 60 + local.minute());
        let span = self.span(day, u16::try_from(minute).unwrap_or(0));
        // Where clocks are set forward or back within the span, it is cut to what is certain.
        let (from, until) = (instant(day, span.from_min, zone), instant(day, span.to_min, zone));
        let next_minute = now + TimeDelta::minutes(1);
        let until = if until > now { until } else { next_minute };
        Scheduled { plan: span.plan, from: from.min(now), until }
    }
}

/// A minute of a civil day; where clocks skip it, the instant after the gap.
fn instant(day: NaiveDate, minute: u16, zone: Tz) -> DateTime<Utc> {
    if minute >= DAY_MIN {
        return midnight(day.succ_opt().unwrap_or(day), zone);
    }
    let local = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(i64::from(minute));
    // Gaps are whole quarters of an hour long, and no longer than three hours.
    let existing = (0..=12).find_map(|quarters| {
        zone.from_local_datetime(&(local + TimeDelta::minutes(15 * quarters))).earliest()
    });
    existing.map_or_else(|| local.and_utc(), |time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::city::City;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    /// A schedule of the rows of a table, in a city that is otherwise that of the demonstration.
    fn schedule(rows: &str) -> Schedule {
        let own = std::env::temp_dir().join(format!(
            "ioc-plans-{}-{}",
            std::process::id(),
            std::thread::current().name().unwrap_or_default().replace(':', "-")
        ));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
        std::fs::create_dir_all(&own).unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, own.join(path.file_name().unwrap())).unwrap();
        }
        let head = "signals,days,from,to,plan,valid_from,valid_to\n";
        std::fs::write(own.join("plans.csv"), format!("{head}{rows}")).unwrap();
        let city = City::load(&own);
        std::fs::remove_dir_all(&own).unwrap();
        Schedule::new(&city.unwrap().plans, &Calendar::vietnam())
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn plan(schedule: &Schedule, source: &str, corridor: &str, time: &str) -> Option<u16> {
        let timetable = schedule.of(source, Some(corridor))?;
        timetable.at(at(&format!("{time}:00+07:00")), ZONE).plan
    }

    #[test]
    fn the_closest_row_counts_and_of_those_the_one_for_holidays() {
        let schedule = schedule(
            "*,mon-sun,06:00,24:00,1,2020-01-01,\n*,holiday,06:00,24:00,2,2020-01-01,\n\
             ql91,mon-fri,07:00,09:00,3,2020-01-01,\nsig-0001 sig-0002,mon-fri,08:00,09:00,4,2020-01-01,\n",
        );
        let plan = |source, corridor, time| plan(&schedule, source, corridor, time);
        // A Tuesday, and the Friday of 1 May 2026, a holiday.
        assert_eq!(plan("sig-0009", "x", "2026-09-22T06:00"), Some(1));
        assert_eq!(plan("sig-0009", "x", "2026-05-01T06:00"), Some(2));
        assert_eq!(plan("sig-0009", "ql91", "2026-09-22T08:59"), Some(3));
        assert_eq!(plan("sig-0009", "ql91", "2026-05-01T08:59"), Some(3), "closer than a holiday");
        assert_eq!(plan("sig-0002", "ql91", "2026-09-22T08:00"), Some(4));
        assert_eq!(plan("sig-0002", "ql91", "2026-09-22T09:00"), Some(1), "the end is excluded");
        assert_eq!(plan("sig-0009", "x", "2026-09-22T05:59"), None, "no row");
        // Nobody knows the holidays of 2099.
        assert_eq!(plan("sig-0009", "x", "2099-05-01T06:00"), None);
        assert_eq!(plan("sig-0009", "ql91", "2099-05-01T08:00"), Some(3));
    }

    #[test]
    fn a_row_holds_from_its_first_day_until_before_the_day_that_ends_it() {
        let schedule = schedule(
            "*,mon-sun,00:00,24:00,1,2026-01-01,2026-07-01\n*,mon-sun,00:00,24:00,2,2026-07-01,\n",
        );
        let plan = |time| plan(&schedule, "sig-0001", "x", time);
        assert_eq!(plan("2025-12-31T23:59"), None);
        assert_eq!(plan("2026-01-01T00:00"), Some(1));
        assert_eq!(plan("2026-06-30T23:59"), Some(1));
        assert_eq!(plan("2026-07-01T00:00"), Some(2));
        assert!(Schedule::default().of("sig-0001", None).is_none());
    }

    #[test]
    fn a_span_tells_until_when_it_holds() {
        let schedule =
            schedule("*,mon,22:00,24:00,5,2020-01-01,\n*,tue,00:00,05:00,5,2020-01-01,\n");
        let timetable = schedule.of("sig-0001", None).unwrap();
        let scheduled = timetable.at(at("2026-09-21T23:30:00+07:00"), ZONE);
        let midnight = at("2026-09-22T00:00:00+07:00");
        let from = at("2026-09-21T22:00:00+07:00");
        assert_eq!(scheduled, Scheduled { plan: Some(5), from, until: midnight });
        let free = timetable.at(at("2026-09-22T05:00:00+07:00"), ZONE);
        assert_eq!((free.plan, free.until), (None, at("2026-09-23T00:00:00+07:00")));
    }

    #[test]
    fn a_day_on_which_clocks_are_set_has_its_civil_times() {
        let schedule = schedule("*,mon-sun,02:30,12:00,7,2020-01-01,\n");
        let timetable = schedule.of("sig-0001", None).unwrap();
        let berlin = chrono_tz::Europe::Berlin;
        for (time, plan) in [
            ("2026-03-29T01:59:00+01:00", None),
            ("2026-03-29T03:00:00+02:00", Some(7)),
            ("2026-03-29T11:59:00+02:00", Some(7)),
            ("2026-03-29T12:00:00+02:00", None),
            ("2026-10-25T02:29:00+02:00", None),
            ("2026-10-25T11:59:00+01:00", Some(7)),
        ] {
            let scheduled = timetable.at(at(time), berlin);
            assert_eq!(scheduled.plan, plan, "{time}");
            assert!(scheduled.from <= at(time) && at(time) < scheduled.until, "{time}");
        }
    }
}
