//! Opening hours: those of every unit, and those of single kinds or units, with validity.

use chrono::{NaiveDate, NaiveTime, Weekday};

use super::{Kind, Kinds, year::DayKind};
use crate::city::UnitKind;

/// One span of a day, local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) from: NaiveTime,
    pub(super) to: NaiveTime,
}

/// Whose hours a table gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    /// Every unit.
    All,
    /// Units of these kinds.
    Kinds(Vec<UnitKind>),
    /// These units, by code.
    Units(Vec<String>),
}

/// The hours of one table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) whose: Whose,
    pub(super) valid_from: Option<NaiveDate>,
    pub(super) valid_to: Option<NaiveDate>,
    pub(super) weekdays: Vec<Opening>,
    pub(super) saturday: Vec<Opening>,
    pub(super) sunday: Vec<Opening>,
    /// Why it is not verified; null when it is.
    pub(super) doubt: Option<String>,
}

impl Table {
    fn is_valid_at(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day < to)
    }

    fn on(&self, kind: DayKind, weekday: Weekday) -> &[Opening] {
        match (kind, weekday) {
            (DayKind::Working, _) => &self.weekdays,
            (DayKind::Weekend, Weekday::Sat) => &self.saturday,
            (DayKind::Weekend, Weekday::Sun) => &self.sunday,
            (DayKind::Weekend | DayKind::Holiday, _) => &[],
        }
    }
}

/// All tables.
#[derive(Debug, Clone)]
pub(super) struct Hours {
    /// Hours of every unit since ever.
    pub(super) first: Table,
    /// Hours of every unit that followed, by first day.
    pub(super) later: Vec<Table>,
    /// Hours of kinds and of single units.
    pub(super) special: Vec<Table>,
    /// Kinds of units by code and time.
    pub(super) kinds: Kinds,
}

impl Hours {
    /// Takes over of what kind each unit was when.
    pub(super) fn set_kinds(&mut self, kinds: impl IntoIterator<Item = (String, Kind)>) {
        self.kinds.clear();
        for (code, kind) in kinds {
            self.kinds.entry(code).or_default().push(kind);
        }
    }

    /// The spans in which `unit` is open on a day of this kind.
    pub(super) fn of(
        &self,
        unit: Option<&str>,
        day: NaiveDate,
        kind: DayKind,
        weekday: Weekday,
    ) -> &[Opening] {
        let special = unit.and_then(|code| self.special_of(code, day));
        special.unwrap_or_else(|| self.usual(day)).on(kind, weekday)
    }

    fn usual(&self, day: NaiveDate) -> &Table {
        self.later.iter().rev().find(|table| table.is_valid_at(day)).unwrap_or(&self.first)
    }

    fn special_of(&self, code: &str, day: NaiveDate) -> Option<&Table> {
        if self.special.is_empty() {
            return None;
        }
        let valid = || self.special.iter().filter(|table| table.is_valid_at(day));
        let own = |table: &&Table| match &table.whose {
            Whose::Units(codes) => codes.iter().any(|own| own == code),
            Whose::Kinds(_) | Whose::All => false,
        };
        valid().find(own).or_else(|| {
            let kind = self.kind_of(code, day)?;
            valid()
                .find(|table| matches!(&table.whose, Whose::Kinds(kinds) if kinds.contains(&kind)))
        })
    }

    fn kind_of(&self, code: &str, day: NaiveDate) -> Option<UnitKind> {
        let spans = self.kinds.get(code)?.iter();
        let mut valid = spans.filter(|(from, to, _)| *from <= day && to.is_none_or(|to| day < to));
        valid.next().map(|(.., kind)| *kind)
    }

    /// What is not verified.
    pub(super) fn notes(&self) -> Vec<String> {
        let tables = std::iter::once(&self.first).chain(&self.later).chain(&self.special);
        let doubts = tables.filter_map(|table| table.doubt.as_deref());
        doubts.map(|doubt| format!("opening hours unverified: {doubt}")).collect()
    }
}
