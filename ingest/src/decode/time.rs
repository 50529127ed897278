//! RFC 3339 date and time to an instant.
//!
//! The offset is required. Digits behind the microsecond are cut, as the database would, so that a
//! natural key is the same in memory and in the table. A leap second is the begin of the next minute.

use chrono::{DateTime, Utc};

/// Longest text of a time that is read: nine decimal places are the finest that anyone sends.
pub(super) const TIME_TEXT_MAX: usize = 64;

/// The instant of an RFC 3339 text; `None` if it is none.
pub(super) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let bytes = text.as_bytes();
    let &[a, b, c, d, b'-', m1, m2, b'-', d1, d2, b'T' | b't', h1, h2, b':', n1, n2, b':', s1, s2] =
        bytes.first_chunk::<19>()?
    else {
        return None;
    };
    let year = two(a, b)? * 100 + two(c, d)?;
    let (month, day) = (two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    if !(1..=12).contains(&month) || day == 0 || day > days_of(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (nanos, zone) = fraction(&bytes[19..])?;
    let offset_s = offset(zone)?;
    let seconds =
        days_from_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset_s;
    // Leap seconds are announced for the end of a UTC day only.
    if second == 60 && seconds % 86_400 != 0 {
        return None;
    }
    let nanos = if second == 60 { 0 } else { nanos / 1_000 * 1_000 };
    DateTime::from_timestamp(seconds, nanos)
}

#[inline]
fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// Nanoseconds of the fraction, if one stands here, and the rest of the text.
fn fraction(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let Some((b'.', bytes)) = bytes.split_first() else { return Some((0, bytes)) };
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(length);
    let mut nanos = 0;
    let mut unit = 100_000_000;
    for &digit in digits {
        nanos += u32::from(digit - b'0') * unit;
        unit /= 10;
    }
    (length > 0).then_some((nanos, rest))
}

/// Seconds that the zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            let seconds = hours * 3_600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if sign == b'+' { seconds } else { -seconds })
        }
        _ => None,
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. Years are counted from March, so that the leap
/// day is the last of a year; 719 468 days lie between 0000-03-01 and 1970-01-01.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text and the same instant in UTC; chrono reads both, as the second opinion.
    fn same(text: &str) {
        let expected = DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc);
        assert_eq!(parse(text), Some(expected), "{text}");
    }

    #[test]
    fn times_agree_with_another_implementation() {
        for text in [
            "2026-03-02T01:15:00Z",
            "2026-03-02T01:15:00.300Z",
            "2026-03-02t01:15:00.123456z",
            "2021-11-05T08:11:40+07:00",
            "2024-02-29T23:59:59-23:59",
            "1970-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999999Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "1900-03-01T00:00:00Z",
            "2000-02-29T12:00:00-00:00",
        ] {
            same(text);
        }
    }

    #[test]
    fn every_day_of_eight_centuries_agrees() {
        let first = parse("1600-01-01T00:00:00Z").unwrap();
        for day in 0..800 * 365 {
            let time = first + chrono::Duration::days(day);
            assert_eq!(parse(&time.format("%Y-%m-%dT%H:%M:%SZ").to_string()), Some(time));
        }
    }

    #[test]
    fn microseconds_are_the_finest_that_is_kept() {
        assert_eq!(parse("2026-03-02T01:15:00.123456999Z"), parse("2026-03-02T01:15:00.123456Z"));
        assert_eq!(
            parse("2026-03-02T01:15:00.12345678901234567890Z"),
            parse("2026-03-02T01:15:00.123456Z")
        );
    }

    #[test]
    fn a_leap_second_is_the_begin_of_the_next_minute() {
        let next = parse("2017-01-01T00:00:00Z");
        assert_eq!(parse("2016-12-31T23:59:60Z"), next);
        assert_eq!(parse("2017-01-01T06:59:60.5+07:00"), next);
        assert_eq!(parse("2016-12-31T22:59:60Z"), None);
    }

    #[test]
    fn texts_that_are_no_time_are_refused() {
        for text in [
            "",
            "2026-03-02",
            "2026-03-02T01:15:00",
            "2026-03-02 01:15:00Z",
            "2026-03-02T01:15Z",
            "2026-02-29T01:15:00Z",
            "2026-13-01T01:15:00Z",
            "2026-00-01T01:15:00Z",
            "2026-01-00T01:15:00Z",
            "2026-04-31T01:15:00Z",
            "2026-03-02T24:00:00Z",
            "2026-03-02T01:60:00Z",
            "2026-03-02T01:15:61Z",
            "2026-03-02T01:15:00.Z",
            "2026-03-02T01:15:00,5Z",
            "2026-03-02T01:15:00+0700",
            "2026-03-02T01:15:00+24:00",
            "2026-03-02T01:15:00+07:60",
            "2026-03-02T01:15:00Zx",
            "+2026-03-02T01:15:00Z",
            "２026-03-02T01:15:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
