//! Time of day of a signal controller: which plan runs when, cut into cycles.
//!
//! A junction runs by the city's schedule of plans where there is one, else by a day of its own. Every plan
//! period is cut into a whole number of cycles, so the begin of any cycle follows from the clock alone. All
//! boundaries of a junction are shifted by its offset, which coordinates a corridor.

use chrono_tz::Tz;

use super::calendar::{DAY_MS, HOUR_MS, local, midnight_ms, offset_ms as zone_offset_ms, utc};
use crate::schedule::Timetable;

const MINUTE_MS: i64 = 60_000;
/// Cycle of a plan that the tables below do not know.
const CYCLE_S: i64 = 90;
/// Plan that runs where the schedule names none.
const UNSCHEDULED: u16 = 1;

/// One row of the day: from this half hour of the day on, this plan with this cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    /// Half hours since local midnight.
    from_half_hours: i64,
    plan: u16,
    cycle_s: i64,
}

const fn row(from_half_hours: i64, plan: u16, cycle_s: i64) -> Row {
    Row { from_half_hours, plan, cycle_s }
}

/// Night, early, morning peak, day, evening peak, evening, night.
const WEEKDAY: [Row; 7] = [
    row(0, 5, 60),
    row(10, 1, 75),
    row(13, 2, 100),
    row(17, 3, 90),
    row(32, 4, 120),
    row(38, 3, 90),
    row(44, 5, 60),
];
/// Night, early, day, night.
const WEEKEND: [Row; 4] = [row(0, 5, 60), row(12, 1, 75), row(16, 6, 90), row(44, 5, 60)];

/// What a controller does in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    /// Yellow flash of the night, on schedule.
    NightFlash,
    /// One cycle of a plan.
    Cycle {
        /// Plan number.
        plan: u16,
        /// Whether it is the first cycle of the plan.
        first: bool,
    },
}

/// One cycle, or one night of flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// First millisecond.
    pub(crate) start_ms: i64,
    /// First millisecond after it.
    pub(crate) end_ms: i64,
    /// What runs.
    pub(crate) run: Run,
}

/// What a controller runs by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Daily<'a> {
    /// Zone of its time of day.
    pub(crate) zone: Tz,
    /// Whether it flashes yellow in the first period of a day.
    pub(crate) night_flash: bool,
    /// The city's schedule for it, if there is one.
    pub(crate) timetable: Option<&'a Timetable>,
}

/// A time of one plan within a day.
struct Period {
    from_ms: i64,
    until_ms: i64,
    plan: u16,
    cycle_s: i64,
}

impl Daily<'_> {
    fn period(&self, at_ms: i64) -> Period {
        let midnight = midnight_ms(self.zone, at_ms);
        let Some(timetable) = self.timetable else {
            let is_weekend = local(self.zone, at_ms).weekend;
            return own_period(midnight, if is_weekend { &WEEKEND } else { &WEEKDAY }, at_ms);
        };
        let day = utc(at_ms + zone_offset_ms(self.zone, at_ms)).date_naive();
        let minute = u16::try_from((at_ms - midnight) / MINUTE_MS).unwrap_or(0);
        let span = timetable.span(day, minute);
        let plan = span.plan.unwrap_or(UNSCHEDULED);
        let known = WEEKDAY.iter().chain(&WEEKEND).find(|row| row.plan == plan);
        Period {
            from_ms: midnight + i64::from(span.from_min) * MINUTE_MS,
            until_ms: midnight + i64::from(span.to_min) * MINUTE_MS,
            plan,
            cycle_s: known.map_or(CYCLE_S, |row| row.cycle_s),
        }
    }
}

/// The period of a city without a schedule.
fn own_period(midnight: i64, rows: &[Row], at_ms: i64) -> Period {
    let half_hours = (at_ms - midnight) / (HOUR_MS / 2);
    let index = rows.iter().rposition(|row| row.from_half_hours <= half_hours).unwrap_or(0);
    let begin = |row: &Row| midnight + row.from_half_hours * HOUR_MS / 2;
    let Row { plan, cycle_s, .. } = rows[index];
    let until_ms = rows.get(index + 1).map_or(midnight + DAY_MS, begin);
    Period { from_ms: begin(&rows[index]), until_ms, plan, cycle_s }
}

/// The segment that holds `at_ms`.
pub(crate) fn segment(daily: Daily<'_>, offset_ms: i64, at_ms: i64) -> Segment {
    let shifted = at_ms - offset_ms;
    let Period { from_ms: from, until_ms: until, plan, cycle_s } = daily.period(shifted);
    if daily.night_flash && from == midnight_ms(daily.zone, shifted) {
        let (start_ms, end_ms) = (from + offset_ms, until + offset_ms);
        return Segment { start_ms, end_ms, run: Run::NightFlash };
    }
    let (length, cycle_ms) = (until - from, cycle_s * 1000);
    let cycles = ((length + cycle_ms / 2) / cycle_ms).max(1);
    let number = (shifted - from) * cycles / length;
    // Rounded up, so that the cycle with this number holds the instant.
    let begin = |number: i64| from + (number * length + cycles - 1) / cycles;
    Segment {
        start_ms: begin(number) + offset_ms,
        end_ms: begin(number + 1) + offset_ms,
        run: Run::Cycle { plan, first: number == 0 },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{calendar::Calendar, city::City, schedule::Schedule};

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;
    /// Monday, 2 March 2026, 00:00 in Can Tho.
    const MONDAY_MS: i64 = 1_772_384_400_000;

    fn city() -> City {
        City::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho")).unwrap()
    }

    fn timetable() -> Timetable {
        Schedule::new(&city().plans, &Calendar::vietnam()).of("sig-0001", None).unwrap()
    }

    #[test]
    fn plan_periods_are_whole_numbers_of_cycles() {
        for rows in [&WEEKDAY[..], &WEEKEND[..]] {
            for (index, row) in rows.iter().enumerate() {
                let until = rows.get(index + 1).map_or(48, |next| next.from_half_hours);
                assert_eq!((until - row.from_half_hours) * 1800 % row.cycle_s, 0, "{row:?}");
            }
        }
    }

    #[test]
    fn segments_follow_each_other_without_a_gap_through_a_week() {
        let timetable = timetable();
        for (offset_ms, night_flash, timetable) in [
            (0, false, None),
            (37_500, true, None),
            (0, false, Some(&timetable)),
            (37_500, true, Some(&timetable)),
        ] {
            let daily = Daily { zone: ZONE, night_flash, timetable };
            let mut at = MONDAY_MS;
            while at < MONDAY_MS + 7 * DAY_MS {
                let found = segment(daily, offset_ms, at);
                assert!((found.start_ms..found.end_ms).contains(&at));
                assert_eq!(segment(daily, offset_ms, found.end_ms - 1), found);
                let next = segment(daily, offset_ms, found.end_ms);
                assert_eq!(next.start_ms, found.end_ms);
                at = found.end_ms;
            }
        }
    }

    #[test]
    fn a_junction_runs_the_plan_that_the_schedule_of_the_city_names() {
        let timetable = timetable();
        let daily = Daily { zone: ZONE, night_flash: false, timetable: Some(&timetable) };
        for minutes in (0..7 * 24 * 60).step_by(7) {
            let at = MONDAY_MS + minutes * MINUTE_MS;
            let Run::Cycle { plan, .. } = segment(daily, 0, at).run else { panic!("no flash") };
            assert_eq!(timetable.at(utc(at), ZONE).plan, Some(plan), "{}", utc(at));
            // The demonstration's schedule is its day of old.
            let own = Daily { timetable: None, ..daily };
            assert_eq!(segment(own, 0, at), segment(daily, 0, at), "{}", utc(at));
        }
    }

    #[test]
    fn a_period_of_any_length_is_cut_into_whole_cycles() {
        let mut city = city();
        city.plans.truncate(1);
        // 7 cycles of 100 s of plan 2 would be 700 s; the period has 660.
        (city.plans[0].to_min, city.plans[0].plan) = (11, 2);
        let timetable = Schedule::new(&city.plans, &Calendar::vietnam()).of("sig-0001", None);
        let daily = Daily { zone: ZONE, night_flash: false, timetable: timetable.as_ref() };
        let (mut at, mut lengths) = (MONDAY_MS, Vec::new());
        while at < MONDAY_MS + 11 * MINUTE_MS {
            let found = segment(daily, 0, at);
            lengths.push(found.end_ms - found.start_ms);
            at = found.end_ms;
        }
        assert_eq!(at, MONDAY_MS + 11 * MINUTE_MS);
        assert_eq!(lengths.len(), 7);
        assert!(lengths.iter().all(|length| (94_285..=94_286).contains(length)), "{lengths:?}");
        let after = Run::Cycle { plan: UNSCHEDULED, first: true };
        assert_eq!(segment(daily, 0, at).run, after, "no row");
    }
}
