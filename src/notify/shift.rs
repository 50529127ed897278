//! Shifts: on which weekdays and at which hours an endpoint is on duty, in the zone of the city.
//!
//! Half-open: from the first minute up to before the last. A shift whose end is not after its begin goes on
//! over midnight and belongs to the day it begins on.

use chrono::{DateTime, Datelike as _, NaiveTime, Timelike as _, Utc, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;

/// Minutes of a day.
const DAY_MIN: u32 = 24 * 60;

/// A shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Days that it begins on.
    pub days: Vec<Weekday>,
    /// Begin, minutes after midnight.
    pub from_min: u32,
    /// End, minutes after midnight.
    pub to_min: u32,
}

/// A shift as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    days: Vec<String>,
    from: String,
    to: String,
}

impl Shift {
    pub(super) fn of(written: &Written) -> Result<Self, String> {
        if written.days.is_empty() {
            return Err("shifts: days is empty".to_owned());
        }
        let day = |text: &String| {
            text.parse::<Weekday>()
                .map_err(|_none| format!("shifts: {text:?} is no day: mon … sun"))
        };
        let days = written.days.iter().map(day).collect::<Result<_, _>>()?;
        Ok(Self { days, from_min: minutes(&written.from)?, to_min: minutes(&written.to)? })
    }

    /// Whether an instant lies in it.
    pub fn holds(&self, at: DateTime<Utc>, zone: Tz) -> bool {
        let local = at.with_timezone(&zone);
        let minute = local.hour() * 60 + local.minute();
        let (today, before) = (local.weekday(), local.weekday().pred());
        if self.from_min < self.to_min {
            return self.days.contains(&today) && (self.from_min..self.to_min).contains(&minute);
        }
        (self.days.contains(&today) && minute >= self.from_min)
            || (self.days.contains(&before) && minute < self.to_min)
    }
}

fn minutes(text: &str) -> Result<u32, String> {
    if text == "24:00" {
        return Ok(DAY_MIN);
    }
    NaiveTime::parse_from_str(text, "%H:%M")
        .map(|time| time.hour() * 60 + time.minute())
        .map_err(|_unreadable| format!("shifts: {text:?} is no time such as 06:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    fn shift(days: &[&str], from: &str, to: &str) -> Shift {
        let days = days.iter().map(|day| (*day).to_owned()).collect();
        Shift::of(&Written { days, from: from.into(), to: to.into() }).unwrap()
    }

    fn holds(shift: &Shift, local: &str) -> bool {
        shift.holds(format!("{local}+07:00").parse().unwrap(), ZONE)
    }

    #[test]
    fn a_shift_begins_with_its_first_minute_and_ends_before_its_last() {
        let day = shift(&["mon"], "06:00", "18:00");
        // 2 March 2026 is a Monday.
        assert!(!holds(&day, "2026-03-02T05:59:59"));
        assert!(holds(&day, "2026-03-02T06:00:00"));
        assert!(holds(&day, "2026-03-02T17:59:59"));
        assert!(!holds(&day, "2026-03-02T18:00:00"));
        assert!(!holds(&day, "2026-03-03T12:00:00"));
    }

    #[test]
    fn a_shift_over_midnight_belongs_to_the_day_it_begins_on() {
        let night = shift(&["fri"], "18:00", "06:00");
        // 6 March 2026 is a Friday.
        assert!(!holds(&night, "2026-03-06T05:00:00"));
        assert!(holds(&night, "2026-03-06T18:00:00"));
        assert!(holds(&night, "2026-03-07T05:59:00"));
        assert!(!holds(&night, "2026-03-07T06:00:00"));
        assert!(!holds(&night, "2026-03-07T20:00:00"));
    }

    #[test]
    fn two_shifts_side_by_side_leave_no_minute_and_share_none() {
        let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let (day, night) = (shift(&week, "06:00", "18:00"), shift(&week, "18:00", "06:00"));
        for minute in 0..DAY_MIN {
            let local = format!("2026-03-02T{:02}:{:02}:00", minute / 60, minute % 60);
            assert_ne!(holds(&day, &local), holds(&night, &local), "{local}");
        }
        assert!(holds(&shift(&["mon"], "00:00", "24:00"), "2026-03-02T23:59:59"));
    }

    #[test]
    fn the_zone_of_the_city_decides_what_day_it_is() {
        // Sunday 20:00 UTC is Monday 3 o'clock in the city.
        let monday = shift(&["mon"], "00:00", "24:00");
        assert!(monday.holds("2026-03-01T20:00:00Z".parse().unwrap(), ZONE));
        assert!(!monday.holds("2026-03-02T20:00:00Z".parse().unwrap(), ZONE));
    }
}
