//! The one-stop system: dossiers, forms, petitions and result documents of a demonstration city, as a
//! pure function of seed and civil day.
//!
//! Whatever begins on a day, and every step that it will ever take, follows from the day alone, so a
//! restart continues the same lives, and publishing again changes nothing. Units and formalities are
//! those of the city on that day; due times come from the calendar of working days. No life is longer
//! than [`LIFE_MAX_DAYS`]. Nobody's name or number exists in here.

mod document;
mod dossier;
mod form;
mod petition;
mod publisher;
mod submission;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use ioc_ingest::{
    Fact, Stream,
    assessment::Assessment,
    document::DocumentStep,
    dossier::{DossierStep, LimitUnit, TimeLimit},
    petition::PetitionStep,
};

pub(crate) use publisher::OnestopOffice;

use super::{
    calendar::{DAY_MS, midnight_ms, offset_ms, utc},
    desk::day_number,
    dice::Dice,
};
use crate::{
    calendar::Calendar,
    city::{City, Formality, FormalityLevel, Unit, UnitKind},
};

/// Longest life in civil days.
pub(crate) const LIFE_MAX_DAYS: i64 = 40;
/// Minutes of a working day, in the two shifts of the offices.
const SHIFT_MIN: u32 = 240;
const MORNING_MIN: i64 = 7 * 60;
const AFTERNOON_MIN: i64 = 13 * 60;

/// Something that the system publishes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// A step in the life of a dossier.
    Dossier(Box<DossierStep>),
    /// A form on the nine indicators.
    Assessment(Box<Assessment>),
    /// A step in the life of a petition.
    Petition(Box<PetitionStep>),
    /// A step of a result document.
    Document(Box<DocumentStep>),
}

impl Entry {
    /// Its stream and its fact.
    pub(crate) fn fact(self) -> (Stream, Fact) {
        match self {
            Self::Dossier(step) => (Stream::Dossier, Fact::Dossier(step)),
            Self::Assessment(form) => (Stream::Assessment, Fact::Assessment(form)),
            Self::Petition(step) => (Stream::Petition, Fact::Petition(step)),
            Self::Document(step) => (Stream::Document, Fact::Document(step)),
        }
    }
}

/// A one-stop unit on a day.
#[derive(Debug, Clone)]
struct Office<'a> {
    unit: &'a Unit,
    /// Agency part of its dossier codes.
    code: String,
    /// How much of the city's work it has, relative to the others.
    weight: f64,
    /// The formalities that it handles.
    offers: Vec<&'a Formality>,
}

/// The one-stop system of a city.
#[derive(Debug, Clone)]
pub(crate) struct Onestop {
    seed: u64,
    city: Arc<City>,
    calendar: Arc<Calendar>,
}

impl Onestop {
    /// The system of `city` with these working days.
    pub(crate) fn new(seed: u64, city: Arc<City>, calendar: Calendar) -> Self {
        Self { seed, city, calendar: Arc::new(calendar) }
    }

    /// The civil day of an instant, counted from 1970-01-01.
    pub(crate) fn day_of(&self, at_ms: i64) -> i64 {
        (at_ms + offset_ms(self.city.time_zone, at_ms)).div_euclid(DAY_MS)
    }

    /// Local midnight at which `day` begins, as UTC milliseconds.
    pub(crate) fn begin_of(&self, day: i64) -> i64 {
        let zone = self.city.time_zone;
        // Noon of the day lies in it in every zone.
        midnight_ms(zone, day * DAY_MS + DAY_MS / 2 - offset_ms(zone, day * DAY_MS))
    }

    /// Everything that begins on a civil day, with all its steps, in order of time.
    pub(crate) fn of_day(&self, day: i64) -> Vec<(i64, Entry)> {
        let date = date_of(day);
        let offices = self.offices(date);
        let mut found = Vec::new();
        if offices.is_empty() {
            return found;
        }
        for life in self.dossiers(day, &offices) {
            found.extend(life.form.map(|(at, form)| (at, Entry::Assessment(Box::new(form)))));
            let steps = life.steps.into_iter();
            found.extend(steps.map(|step| (ms(step.at), Entry::Dossier(Box::new(step)))));
        }
        let petitions = self.petitions(day, &offices).into_iter();
        found.extend(petitions.map(|step| (ms(step.at), Entry::Petition(Box::new(step)))));
        let documents = self.documents(day, &offices).into_iter();
        found.extend(documents.map(|step| (ms(step.at), Entry::Document(Box::new(step)))));
        found.extend(self.forms_of_day(day));
        let end = self.begin_of(day + LIFE_MAX_DAYS);
        found.retain(|(at, _)| *at < end);
        found.sort_by_key(|(at, _)| *at);
        found
    }

    /// The forms of agencies and appraisers that come on a civil day.
    pub(crate) fn forms_of_day(&self, day: i64) -> Vec<(i64, Entry)> {
        let forms = self.quarterly(day).into_iter();
        forms.map(|(at, form)| (at, Entry::Assessment(Box::new(form)))).collect()
    }

    /// The units that have formalities on `date`.
    fn offices(&self, date: NaiveDate) -> Vec<Office<'_>> {
        let rows: Vec<&Formality> = self.city.formalities_valid_at(date).collect();
        let office = |unit| {
            let offers: Vec<&Formality> =
                rows.iter().copied().filter(|row| handles(unit, row)).collect();
            let weight = match unit.kind {
                UnitKind::City => return None,
                UnitKind::Agency => 3.0 + size(offers.len()) / 25.0,
                UnitKind::District => 8.0,
                UnitKind::Ward | UnitKind::Town => 2.0,
                UnitKind::Commune => 1.0,
            };
            let code = agency_code(&self.city.agency_code, &unit.code);
            (!offers.is_empty()).then_some(Office { unit, code, weight, offers })
        };
        self.city.units_valid_at(date).filter_map(office).collect()
    }

    fn is_working(&self, date: NaiveDate) -> bool {
        self.calendar.is_working(date).unwrap_or(false)
    }

    /// The `n`th working day after `date`; of a year without a table the `n`th day.
    fn working_day(&self, date: NaiveDate, n: u32) -> NaiveDate {
        let later = || date + chrono::Days::new(u64::from(n));
        self.calendar.add_working_days(date, n).unwrap_or_else(|_incomplete| later())
    }

    /// The instant after `hours` of opening time.
    fn after_hours(&self, at_ms: i64, hours: u16) -> i64 {
        let limit = TimeLimit { value: hours, unit: LimitUnit::Hour };
        let found = self.calendar.due(utc(at_ms), limit, None);
        found.map_or(at_ms + i64::from(hours) * 3_600_000, ms)
    }

    /// Some instant of the opening hours of a civil day.
    fn at_work(&self, date: NaiveDate, dice: &mut Dice) -> i64 {
        let within_ms = dice.millis(0, 2 * SHIFT_MIN * 60_000 - 1);
        let shift_ms = i64::from(SHIFT_MIN) * 60_000;
        let minutes = if within_ms < shift_ms {
            MORNING_MIN * 60_000 + within_ms
        } else {
            AFTERNOON_MIN * 60_000 + within_ms - shift_ms
        };
        self.begin_of(day_number(date)) + minutes
    }

    /// An instant at work at this share of the way between two instants, strictly between them where
    /// they are two minutes apart.
    fn between(&self, from: i64, to: i64, share: f64, dice: &mut Dice) -> i64 {
        let thousandths = i64::from(super::dice::whole(share * 1000.0, 1000));
        let near = from + (to - from) / 1000 * thousandths;
        let date = date_of(self.day_of(near));
        let date = if self.is_working(date) { date } else { self.working_day(date, 1) };
        self.at_work(date, dice).min(to - 60_000).max(from + 60_000)
    }
}

/// Whether `unit` handles a formality.
fn handles(unit: &Unit, formality: &Formality) -> bool {
    if let Some(own) = &formality.unit {
        return *own == unit.code;
    }
    match formality.level {
        FormalityLevel::City => unit.kind == UnitKind::Agency,
        FormalityLevel::District => unit.kind == UnitKind::District,
        FormalityLevel::Commune => unit.kind.is_commune_level(),
        // Vertical agencies keep dossiers of their own.
        FormalityLevel::Sector => false,
    }
}

/// Agency part of the dossier codes of a unit. Communes have no agency code of their own here: the last
/// three digits of the administrative code under one branch, which no two of them share.
fn agency_code(city: &str, unit: &str) -> String {
    match unit.split_once(':') {
        Some(("agency", code)) => code.to_owned(),
        Some((_, code)) => {
            let branch = if code.len() > 3 { 50 } else { 40 };
            format!("{city}.{branch}.{}", &code[code.len().saturating_sub(3)..])
        }
        None => city.to_owned(),
    }
}

/// A count as a weight.
fn size(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The civil date of a day counted from 1970-01-01.
fn date_of(day: i64) -> NaiveDate {
    utc(day * DAY_MS).date_naive()
}

fn ms(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}
