//! Civil days of the city.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// First instant of a civil day; where clocks skip midnight, the instant after the gap.
pub(super) fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN);
    (0..24)
        .find_map(|hours| zone.from_local_datetime(&(local + TimeDelta::hours(hours))).earliest())
        .map_or_else(|| local.and_utc(), |time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_without_midnight_begins_after_the_gap() {
        let begin = |zone: Tz, day: &str| midnight(day.parse().unwrap(), zone).to_rfc3339();
        let can_tho = begin(chrono_tz::Asia::Ho_Chi_Minh, "2026-03-02");
        assert_eq!(can_tho, "2026-03-01T17:00:00+00:00");
        // In Santiago the clocks went from 24:00 to 01:00 that night.
        let santiago = begin(chrono_tz::America::Santiago, "2023-09-03");
        assert_eq!(santiago, "2023-09-03T04:00:00+00:00");
    }
}
