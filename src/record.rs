//! Records as they stand, folded from their steps.
//!
//! A fold is a pure function of all steps of a record and of [`Rules`]: it sorts them by (at, time,
//! boot, seq), so that no order of arrival changes the result; a value that a step does not tell
//! overwrites nothing; moves that the rules do not allow are counted and take effect all the same.
//! Spans are judged by civil days of the city and by working time of the calendar.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;

use crate::{
    calendar::{Calendar, Completeness, Incomplete},
    city::UnitKind,
    day::midnight,
    indicator::law::Parameters,
    unit::Units,
};

pub mod document;
pub mod dossier;
pub mod petition;
pub mod ticket;

/// Version of the folds: grows whenever one of them judges otherwise, so that stored records are
/// folded anew.
pub const FOLD_VERSION: u32 = 3;

/// What records are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// Zone of the city's civil days.
    pub zone: Tz,
    /// Working time.
    pub calendar: &'a Calendar,
    /// Trees of administrative units.
    pub units: &'a Units,
    /// Limits of the one-stop offices, of the desk and of petitions.
    pub parameters: &'a Parameters,
}

impl Rules<'_> {
    /// What a stored judgement depends on beside its steps.
    pub fn version(&self) -> String {
        let (zone, calendar, units) = (self.zone, self.calendar.version(), self.units.version());
        let limits = self.parameters.judging();
        format!("{FOLD_VERSION} {zone} {calendar} {units} {limits}")
    }

    /// The civil day of an instant.
    pub fn day(&self, time: DateTime<Utc>) -> NaiveDate {
        time.with_timezone(&self.zone).date_naive()
    }

    /// Whether unit `receiver` lies outside the area of `handler` on a day; the area of an agency is that
    /// of the unit that it belongs to. Null when either did not exist then.
    pub(crate) fn is_outside(&self, receiver: &str, handler: &str, day: NaiveDate) -> Option<bool> {
        let tree = self.units.tree_at(day);
        let unit = tree.unit(handler)?;
        let area = match &unit.parent {
            Some(parent) if unit.kind == UnitKind::Agency => parent.as_str(),
            Some(_) | None => handler,
        };
        tree.unit(receiver).map(|_known| !tree.ancestors(receiver).contains(&area))
    }
}

/// What records are judged by, as it is configured; the units come from the database.
#[derive(Debug, Clone)]
pub struct RecordSettings {
    /// Zone of the city's civil days.
    pub zone: Tz,
    /// Working time.
    pub calendar: Arc<Calendar>,
    /// Limits of the one-stop offices, of the desk and of petitions.
    pub parameters: Arc<Parameters>,
}

/// A step of a record, and the message that told it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<S> {
    /// Message time, source clock.
    pub time: DateTime<Utc>,
    /// Restart counter of the source.
    pub boot: i64,
    /// Message number within the boot.
    pub seq: i64,
    /// The step.
    pub step: S,
}

/// What orders the steps of a record.
pub(crate) trait Step {
    /// When the step was taken.
    fn at(&self) -> DateTime<Utc>;
    /// Decides between steps of one message number; no two steps of a record share it and `at`.
    fn rank(&self) -> u8;
}

/// Sorts steps by (at, time, boot, seq); a total order.
pub(crate) fn sort<S: Step>(steps: &mut [Told<S>]) {
    steps.sort_by_key(|told| (told.step.at(), told.time, told.boot, told.seq, told.step.rank()));
}

/// The latest value that sorted steps tell.
pub(crate) fn latest<'a, S, T>(
    steps: &'a [Told<S>],
    told: impl Fn(&'a S) -> Option<T>,
) -> Option<T> {
    steps.iter().rev().find_map(|step| told(&step.step))
}

/// How often sorted steps came to what is looked for: a step that says the same again is no second time.
pub(crate) fn times<S>(steps: &[Told<S>], is_there: impl Fn(&S) -> bool) -> i16 {
    let mut was_there = false;
    let came = steps.iter().filter(|told| {
        let is_new = is_there(&told.step) && !was_there;
        was_there = is_there(&told.step);
        is_new
    });
    small(came.count())
}

/// A small count of a row.
pub(crate) fn small(count: usize) -> i16 {
    i16::try_from(count).unwrap_or(i16::MAX)
}

/// Minutes of a row.
pub(crate) fn minutes(value: i64) -> i32 {
    i32::try_from(value.max(0)).unwrap_or(i32::MAX)
}

/// Time during which a clock stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) from: DateTime<Utc>,
    /// Null while it goes on.
    pub(crate) to: Option<DateTime<Utc>>,
}

impl Pause {
    /// Pauses after `begin`: from each step that waits to the next one that does not.
    pub(crate) fn all<S: Step>(
        steps: &[Told<S>],
        begin: DateTime<Utc>,
        waits: impl Fn(&S) -> bool,
    ) -> Vec<Self> {
        let mut pauses: Vec<Self> = Vec::new();
        for Told { step, .. } in steps {
            let at = step.at().max(begin);
            match pauses.last_mut().filter(|pause| pause.to.is_none()) {
                None if waits(step) => pauses.push(Self { from: at, to: None }),
                Some(pause) if !waits(step) => pause.to = Some(at),
                _ => {}
            }
        }
        pauses.retain(|pause| pause.to != Some(pause.from));
        pauses
    }

    /// Length of one that is over; zero for one that goes on.
    pub(crate) fn length(self) -> TimeDelta {
        self.to.map_or_else(TimeDelta::zero, |to| to - self.from)
    }
}

/// Length of the pauses that are over.
pub(crate) fn paused(pauses: &[Pause]) -> TimeDelta {
    pauses.iter().map(|pause| pause.length()).sum()
}

/// A due time and since when it has been in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: DateTime<Utc>,
    pub(crate) set_at: DateTime<Utc>,
}

impl Due {
    /// The due time in force at `end` by sorted steps. One that was only told afterwards is better than
    /// none.
    pub(crate) fn in_force<S: Step>(
        steps: &[Told<S>],
        end: Option<DateTime<Utc>>,
        told: impl Fn(&S) -> Option<DateTime<Utc>>,
    ) -> Option<Self> {
        let mut due: Option<Self> = None;
        for Told { step, .. } in steps {
            let is_after = end.is_some_and(|end| step.at() > end);
            if is_after && due.is_some() {
                break;
            }
            let Some(at) = told(step).filter(|at| due.is_none_or(|due| due.at != *at)) else {
                continue;
            };
            due = Some(Self { at, set_at: step.at() });
        }
        due
    }

    /// Time by which pauses put it off: those that began after it was set. The others are in it.
    pub(crate) fn put_off(self, pauses: &[Pause]) -> TimeDelta {
        let later = pauses.iter().filter(|pause| pause.from > self.set_at);
        later.map(|pause| pause.length()).sum()
    }
}

/// How finely a due time is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// By civil days.
    Day,
    /// By minutes.
    Minute,
}

impl Precision {
    /// First instant that is too late for `due`.
    pub(crate) fn too_late(self, due: DateTime<Utc>, rules: &Rules<'_>) -> DateTime<Utc> {
        match self {
            Self::Day => {
                let day = rules.day(due);
                midnight(day.succ_opt().unwrap_or(day), rules.zone)
            }
            Self::Minute => {
                let minute = due.with_second(0).and_then(|due| due.with_nanosecond(0));
                minute.unwrap_or(due) + TimeDelta::minutes(1)
            }
        }
    }
}

/// How far the calendar reached where a record needed it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reach(pub(crate) i16);

impl Reach {
    /// Code of a row: 0 complete, 1 unverified, 2 incomplete.
    pub(crate) fn note(&mut self, completeness: Completeness) {
        let code = match completeness {
            Completeness::Complete => 0,
            Completeness::Unverified => 1,
            Completeness::Incomplete => 2,
        };
        self.0 = self.0.max(code);
    }

    /// The value, if the calendar reached.
    pub(crate) fn take<T>(&mut self, value: Result<T, Incomplete>) -> Option<T> {
        value.map_err(|_incomplete| self.note(Completeness::Incomplete)).ok()
    }
}

/// Working minutes between two instants without the pauses that are over, never negative.
pub(crate) fn working_min(
    rules: &Rules<'_>,
    unit: Option<&str>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    pauses: &[Pause],
) -> Result<i32, Incomplete> {
    let mut total = rules.calendar.working_minutes(unit, from, to)?;
    for pause in pauses {
        let Some(end) = pause.to else { continue };
        let (begin, end) = (pause.from.max(from), end.min(to));
        if begin < end {
            total -= rules.calendar.working_minutes(unit, begin, end)?;
        }
    }
    Ok(minutes(total))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use super::*;

    static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::vietnam);
    static UNITS: LazyLock<Units> = LazyLock::new(|| {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
        Units::of_city(&crate::city::City::load(&folder).unwrap())
    });
    static PARAMETERS: LazyLock<Parameters> = LazyLock::new(|| Parameters::configured("").unwrap());
    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    /// The rules of Can Tho.
    pub(crate) fn rules() -> Rules<'static> {
        rules_of(&PARAMETERS)
    }

    /// The same with other limits.
    pub(crate) fn rules_of(parameters: &Parameters) -> Rules<'_> {
        Rules { zone: ZONE, calendar: &CALENDAR, units: &UNITS, parameters }
    }

    /// Parameters in which `from` stands as `to`.
    pub(crate) fn parameters(from: &str, to: &str) -> Parameters {
        let text = crate::indicator::law::DEFAULT;
        assert!(text.contains(from), "{from}");
        Parameters::parse(&text.replacen(from, to, 1)).unwrap()
    }

    /// `2026-03-02 08:00`, local time.
    pub(crate) fn at(text: &str) -> DateTime<Utc> {
        let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        local.and_local_timezone(ZONE).unwrap().to_utc()
    }

    pub(crate) fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_area_holds_what_lies_below_it_and_an_agency_has_that_of_its_unit() {
        let outside = |receiver: &str, handler: &str, on: &str| {
            rules().is_outside(receiver, handler, day(on))
        };
        let agency = UNITS.tree_at(day("2026-03-02")).at_level(crate::unit::Level::Agency).next();
        let agency = agency.unwrap().code.clone();
        assert_eq!(outside("gso:31135", "gso:31135", "2026-03-02"), Some(false));
        assert_eq!(outside("gso:31120", "gso:31135", "2026-03-02"), Some(true));
        assert_eq!(outside("gso:31120", &agency, "2026-03-02"), Some(false));
        assert_eq!(outside(&agency, "gso:31135", "2026-03-02"), Some(true));
        assert_eq!(outside("gso:31117", "gso:916", "2024-03-02"), Some(false));
        assert_eq!(outside("gso:31117", "gso:31135", "2024-03-02"), Some(true));
        assert_eq!(outside("gso:31117", "gso:31135", "2026-03-02"), None, "it had ended");
        assert_eq!(outside("gso:1", "gso:31135", "2026-03-02"), None, "no such unit");
    }
}
