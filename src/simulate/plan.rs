//! Time of day of a signal controller: which plan runs when, cut into cycles.
//!
//! Every plan period is a whole number of cycles long, so the begin of any cycle follows from the
//! clock alone. All boundaries of a junction are shifted by its offset, which coordinates a corridor.

use chrono_tz::Tz;

use super::calendar::{DAY_MS, HOUR_MS, local, midnight_ms};

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

/// The segment that holds `at_ms`.
pub(crate) fn segment(zone: Tz, offset_ms: i64, night_flash: bool, at_ms: i64) -> Segment {
    let shifted = at_ms - offset_ms;
    let midnight = midnight_ms(zone, shifted);
    let rows: &[Row] = if local(zone, shifted).weekend { &WEEKEND } else { &WEEKDAY };
    let half_hours = (shifted - midnight) / (HOUR_MS / 2);
    let index = rows.iter().rposition(|row| row.from_half_hours <= half_hours).unwrap_or(0);
    let Row { from_half_hours, plan, cycle_s } = rows[index];
    let from = midnight + from_half_hours * HOUR_MS / 2;
    let until = rows
        .get(index + 1)
        .map_or(midnight + DAY_MS, |next| midnight + next.from_half_hours * HOUR_MS / 2);
    if night_flash && from_half_hours == 0 {
        let (start_ms, end_ms) = (from + offset_ms, until + offset_ms);
        return Segment { start_ms, end_ms, run: Run::NightFlash };
    }
    let cycle_ms = cycle_s * 1000;
    let start = from + (shifted - from) / cycle_ms * cycle_ms;
    Segment {
        start_ms: start + offset_ms,
        end_ms: start + cycle_ms + offset_ms,
        run: Run::Cycle { plan, first: start == from },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let zone = chrono_tz::Asia::Ho_Chi_Minh;
        for (offset_ms, night_flash) in [(0, false), (37_500, true)] {
            let start = 1_772_384_400_000;
            let mut at = start;
            while at < start + 7 * DAY_MS {
                let found = segment(zone, offset_ms, night_flash, at);
                assert!((found.start_ms..found.end_ms).contains(&at));
                assert_eq!(segment(zone, offset_ms, night_flash, found.end_ms - 1), found);
                let next = segment(zone, offset_ms, night_flash, found.end_ms);
                assert_eq!(next.start_ms, found.end_ms);
                at = found.end_ms;
            }
        }
    }
}
