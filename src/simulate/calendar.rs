//! Civil time of the simulated city: what people do depends on the local hour and the day of week.

use chrono::{DateTime, Datelike, Offset, TimeZone, Timelike, Utc, Weekday};
use chrono_tz::Tz;

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// Local view of an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Local {
    /// Days since 1970-01-01 of the local calendar.
    pub(crate) day: i64,
    /// Hours since local midnight, 0.0..24.0.
    pub(crate) hour: f64,
    /// Saturday or Sunday.
    pub(crate) weekend: bool,
}

/// UTC time of milliseconds since 1970; the epoch for values that chrono cannot hold.
pub(crate) fn utc(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Offset of the zone's civil time from UTC at this instant, in milliseconds.
pub(crate) fn offset_ms(zone: Tz, at_ms: i64) -> i64 {
    let seconds = zone.offset_from_utc_datetime(&utc(at_ms).naive_utc()).fix().local_minus_utc();
    i64::from(seconds) * 1000
}

/// Local midnight at or before this instant, as UTC milliseconds. In a zone with summer time it is
/// taken with the offset of the instant itself, which is exact on all but two days a year.
pub(crate) fn midnight_ms(zone: Tz, at_ms: i64) -> i64 {
    let offset = offset_ms(zone, at_ms);
    (at_ms + offset).div_euclid(DAY_MS) * DAY_MS - offset
}

/// The local view of an instant.
pub(crate) fn local(zone: Tz, at_ms: i64) -> Local {
    let civil = utc(at_ms + offset_ms(zone, at_ms));
    let day = (at_ms + offset_ms(zone, at_ms)).div_euclid(DAY_MS);
    let seconds = f64::from(civil.num_seconds_from_midnight());
    let weekend = matches!(civil.weekday(), Weekday::Sat | Weekday::Sun);
    Local { day, hour: seconds / 3600.0, weekend }
}

/// The next working minute at or after `at_ms` plus `minutes` of working time: Monday to Friday,
/// 07:00 to 11:30 and 13:00 to 17:00 local (holidays are the calendar's concern, not the simulator's).
pub(crate) fn after_working_minutes(zone: Tz, at_ms: i64, minutes: u32) -> i64 {
    const SHIFTS_MIN: [(i64, i64); 2] = [(7 * 60, 11 * 60 + 30), (13 * 60, 17 * 60)];
    let mut left_ms = i64::from(minutes) * 60_000;
    let mut midnight = midnight_ms(zone, at_ms);
    let mut from = at_ms;
    // Ten weeks bound the search; the longest service time is fifteen working days.
    for _ in 0..70 {
        if !local(zone, midnight).weekend {
            for (open_min, close_min) in SHIFTS_MIN {
                let (open, close) = (midnight + open_min * 60_000, midnight + close_min * 60_000);
                let begin = from.max(open);
                if begin + left_ms <= close {
                    return begin + left_ms;
                }
                left_ms -= (close - begin).max(0);
                from = from.max(close);
            }
        }
        midnight += DAY_MS;
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    #[test]
    fn local_time_is_that_of_the_zone() {
        let local = local(ZONE, at("2026-03-02T00:15:00Z"));
        assert!((local.hour - 7.25).abs() < 1e-9);
        assert!(!local.weekend);
        assert_eq!(midnight_ms(ZONE, at("2026-03-02T00:15:00Z")), at("2026-03-02T00:00:00+07:00"));
    }

    #[test]
    fn working_minutes_skip_noon_nights_and_weekends() {
        let friday = at("2026-03-06T16:30:00+07:00");
        assert_eq!(after_working_minutes(ZONE, friday, 60), at("2026-03-09T07:30:00+07:00"));
        let noon = at("2026-03-06T11:00:00+07:00");
        assert_eq!(after_working_minutes(ZONE, noon, 60), at("2026-03-06T13:30:00+07:00"));
        // One working day is 510 minutes.
        let monday = at("2026-03-02T09:00:00+07:00");
        assert_eq!(after_working_minutes(ZONE, monday, 510), at("2026-03-03T09:00:00+07:00"));
    }
}
