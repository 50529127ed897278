//! Civil days of the city.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

/// First instant of a civil day; where clocks skip midnight, the instant after the gap.
pub fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::MIN);
    (0..24)
        .find_map(|hours| zone.from_local_datetime(&(local + TimeDelta::hours(hours))).earliest())
        .map_or_else(|| local.and_utc(), |time| time.to_utc())
}

/// The civil day that an instant lies in: its first instant and that of the next day.
pub fn day_around(time: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let day = time.with_timezone(&zone).date_naive();
    let next = day.checked_add_signed(TimeDelta::days(1)).unwrap_or(day);
    (midnight(day, zone), midnight(next, zone))
}

/// Borders of the civil days that touch `from..to`: one more than there are days; none when empty.
pub fn day_borders(from: DateTime<Utc>, to: DateTime<Utc>, zone: Tz) -> Vec<DateTime<Utc>> {
    let mut borders = Vec::new();
    let (mut begin, mut end) = day_around(from, zone);
    while begin < to {
        if borders.is_empty() {
            borders.push(begin);
        }
        borders.push(end);
        if end <= begin {
            break;
        }
        (begin, end) = day_around(end, zone);
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn a_day_without_midnight_begins_after_the_gap() {
        let begin = |zone: Tz, day: &str| midnight(day.parse().unwrap(), zone).to_rfc3339();
        let can_tho = begin(chrono_tz::Asia::Ho_Chi_Minh, "2026-03-02");
        assert_eq!(can_tho, "2026-03-01T17:00:00+00:00");
        // In Santiago the clocks went from 24:00 to 01:00 that night.
        let santiago = begin(chrono_tz::America::Santiago, "2023-09-03");
        assert_eq!(santiago, "2023-09-03T04:00:00+00:00");
    }

    #[test]
    fn days_are_as_long_as_the_clocks_make_them() {
        let zone = chrono_tz::Europe::Berlin;
        let hours = |text: &str| {
            let (begin, end) = day_around(at(text), zone);
            (end - begin).num_hours()
        };
        assert_eq!(hours("2026-03-29T12:00:00Z"), 23);
        assert_eq!(hours("2026-10-25T12:00:00Z"), 25);
        assert_eq!(hours("2026-10-26T12:00:00Z"), 24);
    }

    #[test]
    fn borders_enclose_the_span() {
        let zone = chrono_tz::Asia::Kathmandu;
        let borders = day_borders(at("2026-03-01T18:14:00Z"), at("2026-03-02T18:15:00Z"), zone);
        let expected = ["2026-02-28T18:15:00Z", "2026-03-01T18:15:00Z", "2026-03-02T18:15:00Z"];
        assert_eq!(borders, expected.map(at));
        let now = at("2026-03-01T18:15:00Z");
        assert_eq!(day_borders(now, now, zone), Vec::<DateTime<Utc>>::new());
    }
}
