//! At which resolution a series is answered, from which table, and where its buckets lie.
//!
//! Buckets never cut a civil day of the city: steps below a day are counted from local midnight,
//! steps of days are civil days, a week begins on Monday. `from` and `to` are widened to whole
//! buckets, so that every point tells of a whole one.

use chrono::{DateTime, Datelike as _, Offset as _, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::{api::problem::Problem, day::midnight, store::series::SeriesBasis};

/// Length of a bucket of the rollup, seconds.
pub(super) const ROLLUP_S: i64 = 300;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
/// Steps that are chosen when none is asked for, seconds.
const STEPS_S: [i64; 19] = [
    1, 2, 5, 10, 15, 20, 30, 60, 120, ROLLUP_S, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600,
    43_200, DAY_S,
];
/// Most buckets of one series as JSON or CSV.
pub(super) const POINTS_MAX: i64 = 20_000;
/// Most buckets of one series as columns, which take 20 bytes a point: a year of half minutes.
pub(super) const COLUMN_POINTS_MAX: i64 = 1_100_000;
/// Longest span that is answered from raw intervals when the rollup does not hold the quantity.
const RAW_SPAN_MAX: TimeDelta = TimeDelta::days(31);
/// Period of a device whose period is not registered, seconds.
const PERIOD_S: i64 = 60;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    /// First instant.
    pub(super) from: DateTime<Utc>,
    /// First instant after.
    pub(super) to: DateTime<Utc>,
    /// Length of a bucket, seconds; null to choose by `points`.
    pub(super) step_s: Option<i64>,
    /// How many points fit.
    pub(super) points: i64,
    /// How many points the form of the answer allows.
    pub(super) points_max: i64,
    /// The quantity is only in the raw intervals.
    pub(super) raw_only: bool,
}

/// What the answer depends on besides the wish.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// Registered period of the device, milliseconds.
    pub(super) period_ms: Option<i32>,
    /// Raw intervals before this instant are gone.
    pub(super) raw_since: DateTime<Utc>,
    /// 5 minutes before this instant are gone.
    pub(super) rollup_since: DateTime<Utc>,
    /// Zone of the city's civil days.
    pub(super) zone: Tz,
}

/// How it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// Length of a bucket, seconds.
    pub(super) step_s: i64,
    /// Table.
    pub(super) basis: SeriesBasis,
    /// A bucket is one period of the device: points stand at the intervals' own times.
    pub(super) native: bool,
    /// Borders of the buckets, one more than there are buckets.
    pub(super) edges: Vec<DateTime<Utc>>,
}

impl Plan {
    /// Buckets, and so points of each series.
    pub(super) const fn buckets(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// About how many stored rows `detectors` lanes or zones have within the plan.
    pub(super) fn rows(&self, detectors: usize, period_ms: Option<i32>) -> i64 {
        let stored_s = match self.basis {
            SeriesBasis::FiveMinutes => ROLLUP_S,
            SeriesBasis::Hours => HOUR_S,
            SeriesBasis::Days => DAY_S,
            SeriesBasis::Raw => period_s(period_ms),
        };
        let buckets = i64::try_from(self.buckets() * detectors).unwrap_or(i64::MAX);
        buckets.saturating_mul(self.step_s) / stored_s
    }
}

fn period_s(period_ms: Option<i32>) -> i64 {
    period_ms.map_or(PERIOD_S, |ms| i64::from(ms) / 1_000).max(1)
}

/// Reads `30`, `30s`, `5m`, `1h`, `1d`, `1w` as seconds.
pub(super) fn parse_step(text: &str) -> Result<i64, Problem> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_s = match &text[digits.len()..] {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(DAY_S),
        "w" => Some(7 * DAY_S),
        _ => None,
    };
    let number = digits.parse::<i64>().ok().filter(|number| (1..=DAY_S).contains(number));
    let step_s = number.zip(unit_s).map(|(number, unit_s)| number * unit_s);
    let fits = |step_s: &i64| {
        if *step_s < DAY_S {
            DAY_S % step_s == 0
        } else {
            step_s % DAY_S == 0 && *step_s <= 366 * DAY_S
        }
    };
    step_s.filter(fits).ok_or_else(|| {
        let allowed = "a part of a day or whole days, such as 30s, 5m, 1h, 1d, 1w";
        Problem::invalid("step", format!("{text:?}, allowed is {allowed}"))
    })
}

/// Decides how `wish` is answered.
pub(super) fn plan(wish: &Wish, setting: &Setting) -> Result<Plan, Problem> {
    let period_s = period_s(setting.period_ms);
    let span_s = (wish.to - wish.from).num_seconds().max(1);
    let (kept_s, kept) = if wish.from < setting.rollup_since {
        (HOUR_S, format!("before {} only multiples of 1h are kept", setting.rollup_since))
    } else if wish.from < setting.raw_since {
        (ROLLUP_S, format!("before {} only multiples of 5m are kept", setting.raw_since))
    } else {
        (1, String::new())
    };
    let wanted_s = match wish.step_s {
        Some(step_s) => step_s,
        None => choose(span_s, wish.points, period_s, kept_s),
    };
    if wanted_s % kept_s != 0 && !wish.raw_only {
        return Err(Problem::invalid("step", kept));
    }
    if wish.raw_only && wish.to - wish.from > RAW_SPAN_MAX {
        let help = "ask for a shorter span";
        let detail = "headway_s is kept in the raw intervals only: at most 31 days";
        return Err(Problem::too_much("from", detail, help));
    }
    if span_s / wanted_s > wish.points_max {
        let detail = format!("{} points, allowed are {}", span_s / wanted_s, wish.points_max);
        return Err(Problem::too_much("step", detail, "ask for a longer step or a shorter span"));
    }
    let edges = edges(wish.from, wish.to, wanted_s, setting.zone);
    let basis = if wish.raw_only { SeriesBasis::Raw } else { basis(wanted_s, &edges) };
    if basis == SeriesBasis::FiveMinutes && kept_s > ROLLUP_S {
        if wish.step_s.is_none() {
            return plan(&Wish { step_s: Some(DAY_S), ..*wish }, setting);
        }
        let detail = format!("before {} only 1d is kept in this zone", setting.rollup_since);
        return Err(Problem::invalid("step", detail));
    }
    let native = basis == SeriesBasis::Raw && wanted_s == period_s;
    Ok(Plan { step_s: wanted_s, basis, native, edges })
}

/// The coarsest table whose buckets fit into these. Hours are those of UTC: where the zone's offset is
/// no whole hour, steps of hours are made of 5 minutes.
fn basis(step_s: i64, edges: &[DateTime<Utc>]) -> SeriesBasis {
    if step_s % DAY_S == 0 {
        SeriesBasis::Days
    } else if step_s % HOUR_S == 0 && edges.iter().all(|edge| edge.timestamp() % HOUR_S == 0) {
        SeriesBasis::Hours
    } else if step_s % ROLLUP_S == 0 {
        SeriesBasis::FiveMinutes
    } else {
        SeriesBasis::Raw
    }
}

/// The shortest step that gives at most `points`, never shorter than the device's own period, of what
/// is kept in multiples of `kept_s`.
fn choose(span_s: i64, points: i64, period_s: i64, kept_s: i64) -> i64 {
    let least_s = (span_s / points + i64::from(span_s % points > 0)).max(period_s);
    let fits = |step_s: &i64| *step_s >= least_s && step_s % kept_s == 0;
    if least_s == period_s && DAY_S % period_s == 0 && fits(&period_s) {
        return period_s;
    }
    let days = least_s / DAY_S + i64::from(least_s % DAY_S > 0);
    STEPS_S.into_iter().find(fits).unwrap_or(days * DAY_S)
}

fn edges(from: DateTime<Utc>, to: DateTime<Utc>, step_s: i64, zone: Tz) -> Vec<DateTime<Utc>> {
    if step_s % DAY_S == 0 {
        day_edges(from, to, step_s / DAY_S, zone)
    } else {
        even_edges(from, to, step_s, zone)
    }
}

fn even_edges(from: DateTime<Utc>, to: DateTime<Utc>, step_s: i64, zone: Tz) -> Vec<DateTime<Utc>> {
    let offset_s =
        i64::from(zone.offset_from_utc_datetime(&from.naive_utc()).fix().local_minus_utc());
    let start_s = from.timestamp() - (from.timestamp() + offset_s).rem_euclid(step_s);
    let mut edges = Vec::new();
    let mut next = DateTime::from_timestamp(start_s, 0);
    while let Some(edge) = next {
        edges.push(edge);
        if edge >= to {
            break;
        }
        next = edge.checked_add_signed(TimeDelta::seconds(step_s));
    }
    edges
}

fn day_edges(from: DateTime<Utc>, to: DateTime<Utc>, days: i64, zone: Tz) -> Vec<DateTime<Utc>> {
    let first = from.with_timezone(&zone).date_naive();
    // Day 1 of the common era was a Monday, so a multiple of 7 from it is one too.
    let into_step = i64::from(first.num_days_from_ce() - 1).rem_euclid(days);
    let mut next = first.checked_sub_signed(TimeDelta::days(into_step));
    let mut edges = Vec::new();
    while let Some(day) = next {
        let edge = midnight(day, zone);
        edges.push(edge);
        if edge >= to {
            break;
        }
        next = day.checked_add_signed(TimeDelta::days(days));
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn setting() -> Setting {
        Setting {
            period_ms: Some(30_000),
            raw_since: at("2026-01-01T00:00:00Z"),
            rollup_since: at("2024-01-01T00:00:00Z"),
            zone: chrono_tz::Asia::Ho_Chi_Minh,
        }
    }

    fn wish(from: &str, to: &str) -> Wish {
        Wish {
            from: at(from),
            to: at(to),
            step_s: None,
            points: 2_000,
            points_max: POINTS_MAX,
            raw_only: false,
        }
    }

    #[test]
    fn few_points_come_raw_and_many_from_the_rollup() {
        let hour = plan(&wish("2026-03-02T00:00:10Z", "2026-03-02T01:00:00Z"), &setting()).unwrap();
        assert_eq!((hour.step_s, hour.basis, hour.native), (30, SeriesBasis::Raw, true));
        assert_eq!((hour.edges[0], hour.edges.len()), (at("2026-03-02T00:00:00Z"), 121));
        let week = plan(&wish("2026-03-01T17:00:00Z", "2026-03-08T17:00:00Z"), &setting()).unwrap();
        assert_eq!((week.step_s, week.basis, week.native), (600, SeriesBasis::FiveMinutes, false));
        assert_eq!(week.edges.len(), 1 + 7 * 144);
        let year = plan(&wish("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), &setting()).unwrap();
        assert_eq!((year.step_s, year.basis), (21_600, SeriesBasis::Hours));
        let decade =
            plan(&wish("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"), &setting()).unwrap();
        assert_eq!((decade.step_s, decade.basis), (2 * DAY_S, SeriesBasis::Days));
    }

    #[test]
    fn what_is_older_than_the_5_minutes_comes_in_hours_and_days() {
        let mut old = wish("2023-03-01T17:00:00Z", "2023-03-02T17:00:00Z");
        let found = plan(&old, &setting()).unwrap();
        assert_eq!((found.step_s, found.basis), (HOUR_S, SeriesBasis::Hours));
        old.step_s = Some(900);
        assert_eq!(plan(&old, &setting()).unwrap_err().at_fault(), Some("step"));
    }

    #[test]
    fn hours_between_those_of_utc_are_made_of_5_minutes() {
        let zone = chrono_tz::Asia::Kathmandu;
        let mut wish = wish("2026-03-01T18:15:00Z", "2026-03-02T18:15:00Z");
        let basis = |wish: &Wish, rollup_since| {
            plan(wish, &Setting { rollup_since, zone, ..setting() }).map(|plan| plan.basis)
        };
        let kept = setting().rollup_since;
        wish.step_s = Some(HOUR_S);
        assert_eq!(basis(&wish, kept).unwrap(), SeriesBasis::FiveMinutes);
        assert_eq!(basis(&wish, wish.to).unwrap_err().at_fault(), Some("step"));
        wish.step_s = None;
        assert_eq!(basis(&wish, wish.to).unwrap(), SeriesBasis::Days);
        wish.step_s = Some(DAY_S);
        assert_eq!(basis(&wish, wish.to).unwrap(), SeriesBasis::Days);
    }

    #[test]
    fn what_is_older_than_the_raw_rows_comes_from_the_rollup() {
        let old = wish("2025-03-02T00:00:00Z", "2025-03-02T01:00:00Z");
        let found = plan(&old, &setting()).unwrap();
        assert_eq!((found.step_s, found.basis), (300, SeriesBasis::FiveMinutes));
        let problem = plan(&Wish { step_s: Some(60), ..old }, &setting()).unwrap_err();
        assert_eq!(problem.at_fault(), Some("step"));
    }

    #[test]
    fn days_are_civil_days_and_weeks_begin_on_monday() {
        let mut wish = wish("2026-03-04T05:00:00Z", "2026-03-12T05:00:00Z");
        wish.step_s = Some(DAY_S);
        let days = plan(&wish, &setting()).unwrap();
        assert_eq!(days.edges[0], at("2026-03-03T17:00:00Z"));
        assert_eq!(days.edges.len(), 10);
        wish.step_s = Some(7 * DAY_S);
        let weeks = plan(&wish, &setting()).unwrap();
        assert_eq!(weeks.edges[0], at("2026-03-01T17:00:00Z"));
        assert_eq!(weeks.edges.len(), 3);
    }

    #[test]
    fn a_day_on_which_clocks_change_is_one_bucket() {
        let mut wish = wish("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        wish.step_s = Some(DAY_S);
        let zone = chrono_tz::Europe::Berlin;
        let edges = plan(&wish, &Setting { zone, ..setting() }).unwrap().edges;
        assert_eq!(edges, [at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")]);
    }

    #[test]
    fn steps_are_read_and_odd_ones_refused() {
        let read = |text| parse_step(text).ok();
        assert_eq!([read("30"), read("30s"), read("5m")], [Some(30), Some(30), Some(300)]);
        assert_eq!([read("1h"), read("1d"), read("1w")], [Some(3_600), Some(DAY_S), Some(604_800)]);
        for odd in ["", "0", "7s", "5y", "-5m", "25h", "9999999999d", "m", "1.5h", "5 m", "５m"] {
            assert_eq!(read(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn the_rows_behind_a_plan_are_counted() {
        let day = plan(&wish("2026-03-01T17:00:00Z", "2026-03-02T17:00:00Z"), &setting()).unwrap();
        assert_eq!((day.step_s, day.buckets()), (60, 1_440));
        assert_eq!(day.rows(4, Some(30_000)), 4 * 2_880);
        let year = plan(&wish("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"), &setting()).unwrap();
        assert!((8_760..8_800).contains(&year.rows(1, Some(30_000))));
    }

    #[test]
    fn too_many_points_are_refused() {
        let mut wish = wish("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
        wish.step_s = Some(30);
        assert_eq!(plan(&wish, &setting()).unwrap_err().code, "too_much");
        wish.points_max = COLUMN_POINTS_MAX;
        assert_eq!(plan(&wish, &setting()).unwrap().buckets(), 28 * 2_880);
        wish.points_max = POINTS_MAX;
        wish.step_s = None;
        wish.raw_only = true;
        assert_eq!(plan(&wish, &setting()).unwrap().basis, SeriesBasis::Raw);
        wish.from = at("2026-01-01T00:00:00Z");
        assert_eq!(plan(&wish, &setting()).unwrap_err().code, "too_much");
    }
}
