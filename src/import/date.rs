//! Dates and times of tables: day before month, or ISO 8601; local time of the city.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;

/// A date, with a time of day where the cell has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// A civil day.
    Day(NaiveDate),
    /// A day and a time of it, local.
    Local(NaiveDateTime),
    /// An instant with its own offset.
    Instant(DateTime<Utc>),
}

impl When {
    /// The civil day.
    pub(super) fn day(self, zone: Tz) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Local(time) => time.date(),
            Self::Instant(time) => time.with_timezone(&zone).date_naive(),
        }
    }

    /// The instant; a day without a time is taken at `time`. A local time that the clocks skip is
    /// taken as the same time in UTC.
    pub(super) fn instant(self, zone: Tz, time: NaiveTime) -> DateTime<Utc> {
        let local = match self {
            Self::Day(day) => day.and_time(time),
            Self::Local(local) => local,
            Self::Instant(instant) => return instant,
        };
        let zoned = zone.from_local_datetime(&local).earliest();
        zoned.map_or_else(|| local.and_utc(), |time| time.to_utc())
    }
}

/// Why a text is no date, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoDate {
    pub(super) problem: &'static str,
    pub(super) advice: &'static str,
}

const ADVICE: &str = "write day/month/year, such as 05/02/2021, or 2021-02-05; a time as 14:30";

/// Reads a date: `05/02/2021`, `5-2-2021`, `05.02.2021`, `2021-02-05`, `ngày 05 tháng 02 năm 2021`, each
/// with or without a time (`14:30`, `14h30`) before or behind it, or RFC 3339. Letters may be large or small.
pub(super) fn when(text: &str) -> Result<When, NoDate> {
    let text = text.trim().trim_start_matches('\'');
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return checked(When::Instant(time.to_utc()), time.date_naive());
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let problem = "is a bare number, perhaps a spreadsheet's own day number";
        return Err(NoDate { problem, advice: "format the column as date and export it again" });
    }
    let words = text.replace([',', '\u{a0}'], " ").to_lowercase();
    let words = words.replace("ngày", " ").replace("lúc", " ");
    let words = words.replace("tháng", "/").replace("năm", "/");
    // What is left of it stands between day and time: 2021-02-05T14:30.
    let words = joined(&words.replace('t', " "));
    let (mut day, mut time) = (None, None);
    for word in words.split_whitespace() {
        if word.contains(':')
            || word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('h')
        {
            if time.replace(clock(word)?).is_some() {
                return Err(NoDate { problem: "has two times", advice: ADVICE });
            }
        } else if day.replace(civil_day(word)?).is_some() {
            return Err(NoDate { problem: "has two dates", advice: ADVICE });
        }
    }
    match (day, time) {
        (Some(day), Some(time)) => checked(When::Local(day.and_time(time)), day),
        (Some(day), None) => checked(When::Day(day), day),
        (None, _) => Err(NoDate { problem: "is no date", advice: ADVICE }),
    }
}

/// Spaces around separators removed: "05 / 02 / 2021" is one word.
fn joined(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split('/') {
        if !out.is_empty() {
            out.truncate(out.trim_end().len());
            out.push('/');
        }
        out.push_str(if out.ends_with('/') { part.trim_start() } else { part });
    }
    out
}

fn checked(when: When, day: NaiveDate) -> Result<When, NoDate> {
    use chrono::Datelike as _;
    if (1990..=2100).contains(&day.year()) {
        Ok(when)
    } else {
        Err(NoDate { problem: "lies outside the years 1990 to 2100", advice: ADVICE })
    }
}

fn civil_day(text: &str) -> Result<NaiveDate, NoDate> {
    let parts: Vec<&str> = text.split(['/', '-', '.']).collect();
    let numbers: Option<Vec<u32>> =
        parts.iter().map(|part| part.parse().ok().filter(|_| part.len() <= 4)).collect();
    let Some([first, second, third]) = numbers.as_deref() else {
        return Err(NoDate { problem: "is no date", advice: ADVICE });
    };
    let (year, month, day) = match (parts[0].len(), parts[2].len()) {
        (4, 1 | 2) => (first, second, third),
        (1 | 2, 4) => (third, second, first),
        (1 | 2, 2) => {
            return Err(NoDate { problem: "has a year of two digits", advice: ADVICE });
        }
        _ => return Err(NoDate { problem: "is no date", advice: ADVICE }),
    };
    let year = i32::try_from(*year).unwrap_or(0);
    NaiveDate::from_ymd_opt(year, *month, *day).ok_or({
        let problem = if (13..=31).contains(month) && (1..=12).contains(day) {
            "has the month before the day"
        } else {
            "is a day that does not exist"
        };
        NoDate { problem, advice: ADVICE }
    })
}

/// `14:30`, `14:30:15`, `14h`, `14h30`.
fn clock(text: &str) -> Result<NaiveTime, NoDate> {
    let plain = match text.split_once('h') {
        Some((hour, "")) if hour.contains(':') => hour.to_owned(),
        Some((hour, "")) => format!("{hour}:00"),
        Some((hour, minute)) => format!("{hour}:{minute}"),
        None => text.to_owned(),
    };
    let formats = ["%H:%M:%S%.f", "%H:%M"];
    let time = formats.iter().find_map(|format| NaiveTime::parse_from_str(&plain, format).ok());
    time.ok_or(NoDate { problem: "has no time of day", advice: ADVICE })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    fn read(text: &str) -> Option<String> {
        let found = when(text).ok()?;
        let morning = NaiveTime::from_hms_opt(7, 0, 0).unwrap();
        let local = found.instant(ZONE, morning).with_timezone(&ZONE);
        Some(local.format("%Y-%m-%d %H:%M:%S").to_string())
    }

    #[test]
    fn the_day_stands_before_the_month() {
        for (text, expected) in [
            ("05/02/2021", "2021-02-05 07:00:00"),
            ("5/2/2021", "2021-02-05 07:00:00"),
            ("05-02-2021", "2021-02-05 07:00:00"),
            ("05.02.2021", "2021-02-05 07:00:00"),
            ("2021-02-05", "2021-02-05 07:00:00"),
            ("05/02/2021 14:30", "2021-02-05 14:30:00"),
            ("14:30 05/02/2021", "2021-02-05 14:30:00"),
            ("14:30:15, ngày 05/02/2021", "2021-02-05 14:30:15"),
            ("2021-02-05T14:30:00", "2021-02-05 14:30:00"),
            ("2021-02-05T14:30:00+07:00", "2021-02-05 14:30:00"),
            ("2021-02-05T07:30:00Z", "2021-02-05 14:30:00"),
            ("ngày 05 tháng 02 năm 2021", "2021-02-05 07:00:00"),
            ("Ngày 05 Tháng 02 Năm 2021", "2021-02-05 07:00:00"),
            ("NGÀY 05 THÁNG 02 NĂM 2021", "2021-02-05 07:00:00"),
            ("14h30 ngày 05/02/2021", "2021-02-05 14:30:00"),
            ("14H 05/02/2021", "2021-02-05 14:00:00"),
            ("05 / 02 / 2021", "2021-02-05 07:00:00"),
            ("'05/02/2021", "2021-02-05 07:00:00"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_says_why() {
        for (text, problem) in [
            ("02/13/2021", "month before the day"),
            ("31/04/2021", "does not exist"),
            ("29/02/2021", "does not exist"),
            ("05/02/21", "two digits"),
            ("44232", "day number"),
            ("", "no date"),
            ("hôm qua", "no date"),
            ("04 ngày 8 tháng 2021", "no date"),
            ("05/02/2021 25:00", "no time"),
            ("05/02/2021 14h75", "no time"),
            ("05/02/2021 06/02/2021", "two dates"),
            ("05/02/0021", "outside the years"),
            ("2021/13", "no date"),
        ] {
            let found = when(text).unwrap_err();
            assert!(found.problem.contains(problem), "{text}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,30}") {
            let _ = when(&text);
        }
    }
}
