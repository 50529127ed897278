//! What the city offers: figures over the catalogue of formalities and of online services.
//!
//! Services are not formalities: a formality has any number of services, and both are counted apart.
//! Levels 3 and 4 count before 2022-06-24, partial and full since: a row of the other scheme is not online.
//! A unit answers for the formalities of its level, an agency for those that the catalogue gives to it; of an
//! agency that it names nowhere nothing is known.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::OnceLock,
};

use chrono::NaiveDate;

use super::{
    facts::Facts,
    formula::Supply,
    law::DecisionLaw,
    measure::{Measure, Span},
};
use crate::{
    calendar::{Calendar, Incomplete},
    unit::Level,
};

/// First day of the levels partial and full (Decree 42/2022/ND-CP).
pub const SCOPES_FROM: NaiveDate = match NaiveDate::from_ymd_opt(2022, 6, 24) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// A formality while it is valid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Formality {
    /// Code.
    pub code: String,
    /// First day.
    pub valid_from: NaiveDate,
    /// First day after; null while valid.
    pub valid_to: Option<NaiveDate>,
    /// Field; null when not known.
    pub field: Option<String>,
    /// city, district, commune or sector.
    pub level: String,
    /// The one unit that handles it; null where every unit of its level does, or it is not known.
    pub unit: Option<String>,
    /// Day of the announcing decision.
    pub announced_on: Option<NaiveDate>,
    /// Day on which its law took effect.
    pub effective_on: Option<NaiveDate>,
    /// Day of publication in the national database.
    pub published_on: Option<NaiveDate>,
    /// Whether every part that has to be public is.
    pub complete_parts: Option<bool>,
    /// May be done wholly online.
    pub eligible_full: Option<bool>,
    /// none, partial, full, 3 or 4.
    pub online_level: String,
    /// Has a fee.
    pub has_fee: bool,
    /// Its payment runs on the national portal.
    pub npsp_linked: bool,
    /// Persons may hand it in.
    pub for_persons: bool,
}

/// An online service while it is valid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnlineService {
    /// Code.
    pub code: String,
    /// First day.
    pub valid_from: NaiveDate,
    /// First day after; null while valid.
    pub valid_to: Option<NaiveDate>,
    /// Its formality; null when not known.
    pub formality: Option<String>,
    /// Whether it is public, closing or testing, not closed.
    pub is_offered: bool,
    /// Linked to the national portal.
    pub npsp_linked: bool,
}

/// The whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offers {
    /// Formalities.
    pub formalities: Vec<Formality>,
    /// Online services.
    pub services: Vec<OnlineService>,
}

/// Which of the offers count.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The period.
    pub span: Span,
    /// The day on which what is valid counts: the last day of the period, or today.
    pub day: NaiveDate,
    /// Only this field.
    pub field: Option<&'a str>,
    /// Only this formality.
    pub formality: Option<&'a str>,
    /// Limits of announcement and publication.
    pub law: Option<&'a DecisionLaw>,
}

/// The offers of one answer by who answers for them: the units of a level answer for the same.
#[derive(Debug)]
pub struct Offered<'a> {
    asked: Asked<'a>,
    city: Rows<'a>,
    district: Rows<'a>,
    commune: Rows<'a>,
    agencies: HashMap<&'a str, Rows<'a>>,
}

/// What one unit answers for.
#[derive(Debug, Default)]
struct Rows<'a> {
    /// Formalities, valid on the day or not.
    all: Vec<&'a Formality>,
    /// Those of them that are.
    valid: Vec<&'a Formality>,
    /// Services that are offered, of valid formalities; those of a whole city may have none.
    services: Vec<&'a OnlineService>,
    announced: OnceLock<Result<Counted, Incomplete>>,
    published: OnceLock<Result<Counted, Incomplete>>,
}

/// A figure over the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// A count with counts of its parts.
    Number(i64, Vec<(&'static str, i64)>),
    /// A share.
    Share(i64, i64),
    /// A count out of a base, of which the share is a part.
    Both(i64, i64),
}

fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

fn is_valid(from: NaiveDate, to: Option<NaiveDate>, day: NaiveDate) -> bool {
    from <= day && to.is_none_or(|to| day < to)
}

/// Level words that are online on a day: partly first, fully last.
pub fn online_words(day: NaiveDate) -> [&'static str; 2] {
    if day < SCOPES_FROM { ["3", "4"] } else { ["partial", "full"] }
}

impl Offers {
    /// Whether the catalogue knows anything of a day.
    pub fn knows(&self, day: NaiveDate) -> bool {
        self.formalities.iter().any(|row| is_valid(row.valid_from, row.valid_to, day))
    }

    /// Those that count, by who answers for them.
    pub fn by_unit<'a>(&'a self, asked: Asked<'a>) -> Offered<'a> {
        let mut offered = Offered {
            asked,
            city: Rows::default(),
            district: Rows::default(),
            commune: Rows::default(),
            agencies: HashMap::new(),
        };
        let is_asked = |row: &&Formality| {
            asked.field.is_none_or(|field| row.field.as_deref() == Some(field))
                && asked.formality.is_none_or(|code| row.code == code)
        };
        for row in self.formalities.iter().filter(is_asked) {
            let is_valid = is_valid(row.valid_from, row.valid_to, asked.day);
            if row.level != "sector" {
                offered.city.add(row, is_valid);
            }
            match &*row.level {
                "district" => offered.district.add(row, is_valid),
                "commune" => offered.commune.add(row, is_valid),
                _ => {}
            }
            if let Some(agency) = row.unit.as_deref() {
                offered.agencies.entry(agency).or_default().add(row, is_valid);
            }
        }
        let services = self.services.iter();
        let is_offered = |row: &&OnlineService| {
            row.is_offered && is_valid(row.valid_from, row.valid_to, asked.day)
        };
        let services: Vec<&OnlineService> = services.filter(is_offered).collect();
        let Offered { city, district, commune, agencies, .. } = &mut offered;
        for rows in [district, commune].into_iter().chain(agencies.values_mut()) {
            rows.take(&services);
        }
        if asked.field.is_none() && asked.formality.is_none() {
            city.services = services;
        } else {
            city.take(&services);
        }
        offered
    }
}

impl<'a> Rows<'a> {
    fn add(&mut self, row: &'a Formality, is_valid: bool) {
        self.all.push(row);
        if is_valid {
            self.valid.push(row);
        }
    }

    fn take(&mut self, services: &[&'a OnlineService]) {
        let codes: HashSet<&str> = self.valid.iter().map(|row| row.code.as_str()).collect();
        let is_of = |row: &&&OnlineService| {
            row.formality.as_deref().is_some_and(|code| codes.contains(code))
        };
        self.services = services.iter().filter(is_of).copied().collect();
    }
}

impl<'a> Offered<'a> {
    fn rows(&self, unit: &str, level: Level) -> Option<&Rows<'a>> {
        match level {
            Level::City => Some(&self.city),
            Level::District => Some(&self.district),
            Level::Commune => Some(&self.commune),
            Level::Agency => self.agencies.get(unit),
        }
    }

    /// A figure of a unit; null when the catalogue knows nothing of it on that day.
    ///
    /// # Errors
    /// The calendar does not reach, for figures that count working days.
    pub fn figure(
        &self,
        supply: Supply,
        (unit, level): (&str, Level),
        facts: &Facts,
        calendar: &Calendar,
    ) -> Result<Option<Counted>, Incomplete> {
        let rows = self.rows(unit, level).filter(|rows| !rows.valid.is_empty());
        let Some(Rows { all, valid, services, announced, published }) = rows else {
            return Ok(None);
        };
        let asked = self.asked;
        let [partly, fully] = online_words(asked.day);
        let with = |filter: &dyn Fn(&Formality) -> bool| {
            count(valid.iter().filter(|row| filter(row)).count())
        };
        let touched = |row: &Formality, measure| facts.touched(&row.code, measure);
        let online = |row: &Formality| row.online_level == partly || row.online_level == fully;
        let fee = || with(&|row| row.has_fee);
        Ok(Some(match supply {
            Supply::AnnouncedInTime => {
                return announced.get_or_init(|| asked.announced(all, calendar)).clone().map(Some);
            }
            Supply::PublishedInTime => {
                return published.get_or_init(|| asked.published(all, calendar)).clone().map(Some);
            }
            Supply::PublishedInFull => {
                let public = |row: &Formality| row.published_on.is_some_and(|day| day <= asked.day);
                let whole = with(&|row| public(row) && row.complete_parts == Some(true));
                Counted::Share(whole, with(&|row| public(row) && row.complete_parts.is_some()))
            }
            Supply::OfferedOnline => Counted::Share(with(&online), with(&|_| true)),
            Supply::Online => Counted::Number(with(&online), Vec::new()),
            Supply::ByLevel => Counted::Number(
                with(&online),
                vec![
                    (partly, with(&|row| row.online_level == partly)),
                    (fully, with(&|row| row.online_level == fully)),
                ],
            ),
            Supply::FullOfEligible => {
                let eligible = |row: &Formality| row.eligible_full == Some(true);
                let full = with(&|row| eligible(row) && row.online_level == fully);
                Counted::Share(full, with(&eligible))
            }
            Supply::ServicesLinked => {
                let linked = services.iter().filter(|row| row.npsp_linked).count();
                Counted::Number(count(linked), Vec::new())
            }
            Supply::ServicesInUse => {
                let used = |row: &&&OnlineService| {
                    let code = row.formality.as_deref();
                    code.is_some_and(|code| facts.touched(code, Measure::Online))
                };
                Counted::Share(count(services.iter().filter(used).count()), count(services.len()))
            }
            Supply::FeeLinked => Counted::Both(with(&|row| row.has_fee && row.npsp_linked), fee()),
            Supply::FeeData => {
                let told = with(&|row| row.has_fee && touched(row, Measure::FeeKnown));
                Counted::Share(told, fee())
            }
            Supply::FeePaidOnline => {
                let paid = with(&|row| row.has_fee && touched(row, Measure::PaidOnline));
                Counted::Share(paid, fee())
            }
            Supply::PopulationData => {
                let used = with(&|row| row.for_persons && touched(row, Measure::Vneid));
                Counted::Share(used, with(&|row| row.for_persons))
            }
        }))
    }
}

impl Asked<'_> {
    /// Formalities announced in the period, and those of them announced early enough. One that was late
    /// once in the period is late.
    fn announced(self, rows: &[&Formality], calendar: &Calendar) -> Result<Counted, Incomplete> {
        let Some(law) = self.law else { return Ok(Counted::Share(0, 0)) };
        let mut all = BTreeSet::new();
        let mut late = BTreeSet::new();
        for row in rows {
            let (Some(announced), Some(effective)) = (row.announced_on, row.effective_on) else {
                continue;
            };
            if announced < self.span.from || announced > self.day {
                continue;
            }
            all.insert(&row.code);
            let before = i64::from(law.announce_before_working_days);
            if calendar.working_days_between(announced, effective)? < before {
                late.insert(&row.code);
            }
        }
        Ok(Counted::Share(count(all.len() - late.len()), count(all.len())))
    }

    /// Formalities published in the period or due to be by its end, and those of them published in time.
    fn published(self, rows: &[&Formality], calendar: &Calendar) -> Result<Counted, Incomplete> {
        let Some(law) = self.law else { return Ok(Counted::Share(0, 0)) };
        let in_period = |day: NaiveDate| self.span.from <= day && day <= self.day;
        let mut all = BTreeSet::new();
        let mut late = BTreeSet::new();
        for row in rows {
            let Some(announced) = row.announced_on.filter(|day| *day <= self.day) else {
                continue;
            };
            let published = row.published_on.filter(|day| *day <= self.day);
            // Long before the period and published before it: judged in an earlier period.
            if published.is_some_and(|day| day < self.span.from) {
                continue;
            }
            let due = calendar.add_working_days(announced, law.publish_within_working_days)?;
            if !(published.is_some_and(in_period) || published.is_none() && due <= self.day) {
                continue;
            }
            all.insert(&row.code);
            if published.is_none_or(|day| day > due) {
                late.insert(&row.code);
            }
        }
        Ok(Counted::Share(count(all.len() - late.len()), count(all.len())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::indicator::{
        facts::{Facts, Formalities},
        law::Parameters,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn formality(code: &str, level: &str, online: &str) -> Formality {
        Formality {
            code: code.to_owned(),
            valid_from: day("2021-01-01"),
            level: level.to_owned(),
            online_level: online.to_owned(),
            ..Formality::default()
        }
    }

    fn figure(
        offers: &Offers,
        supply: Supply,
        level: Level,
        last: &str,
        facts: &Facts,
    ) -> Option<Counted> {
        let parameters = Parameters::configured("").unwrap();
        let span =
            Span { from: day("2024-01-01").min(day(last)), to: day(last).succ_opt().unwrap() };
        let law = parameters.decision766(day("2024-12-31"), None);
        let unit = "agency:noi-vu";
        let asked = Asked { span, day: day(last), field: None, formality: None, law };
        let offered = offers.by_unit(asked);
        offered.figure(supply, (unit, level), facts, &Calendar::vietnam()).unwrap()
    }

    #[test]
    fn levels_3_and_4_count_before_and_scopes_from_the_day_of_the_decree() {
        let offers = Offers {
            formalities: ["3", "4", "4", "partial", "full", "none"]
                .iter()
                .enumerate()
                .map(|(n, online)| formality(&format!("1.{n}"), "city", online))
                .collect(),
            services: Vec::new(),
        };
        let of = |last| figure(&offers, Supply::ByLevel, Level::City, last, &Facts::new(false));
        assert_eq!(of("2022-06-23"), Some(Counted::Number(3, vec![("3", 1), ("4", 2)])));
        assert_eq!(of("2022-06-24"), Some(Counted::Number(2, vec![("partial", 1), ("full", 1)])));
    }

    #[test]
    fn services_are_not_formalities() {
        let service = |n: u32, is_offered| OnlineService {
            code: format!("s{n}"),
            valid_from: day("2021-01-01"),
            formality: Some("1.1".to_owned()),
            is_offered,
            npsp_linked: n > 1,
            ..OnlineService::default()
        };
        let offers = Offers {
            formalities: vec![formality("1.1", "city", "full"), formality("1.2", "city", "none")],
            services: vec![service(1, true), service(2, true), service(3, true), service(4, false)],
        };
        let mut facts = Facts::new(false);
        let of = |supply, facts: &Facts| figure(&offers, supply, Level::City, "2024-03-31", facts);
        assert_eq!(of(Supply::Online, &facts), Some(Counted::Number(1, vec![])));
        assert_eq!(of(Supply::ServicesLinked, &facts), Some(Counted::Number(2, vec![])));
        assert_eq!(of(Supply::ServicesInUse, &facts), Some(Counted::Share(0, 3)));
        let mut known = Formalities::new(vec![Measure::Vneid, Measure::Online]);
        let place = known.place("1.1");
        let known = Arc::new(known);
        facts.touch(&known, &[place], 0b01);
        assert_eq!(of(Supply::ServicesInUse, &facts), Some(Counted::Share(0, 3)));
        facts.touch(&known, &[place], 0b10);
        assert_eq!(of(Supply::ServicesInUse, &facts), Some(Counted::Share(3, 3)));
    }

    #[test]
    fn a_unit_answers_for_its_level_and_an_agency_for_what_it_was_given() {
        let mut offers = Offers {
            formalities: vec![
                formality("1.1", "city", "full"),
                formality("1.2", "commune", "none"),
                formality("1.3", "sector", "full"),
            ],
            services: Vec::new(),
        };
        let of =
            |level| figure(&offers, Supply::OfferedOnline, level, "2024-03-31", &Facts::new(false));
        assert_eq!(of(Level::City), Some(Counted::Share(1, 2)));
        assert_eq!(of(Level::Commune), Some(Counted::Share(0, 1)));
        assert_eq!(of(Level::Agency), None, "the catalogue does not name it");
        offers.formalities[0].unit = Some("agency:noi-vu".to_owned());
        offers.formalities[2].unit = Some("agency:other".to_owned());
        let of =
            |level| figure(&offers, Supply::OfferedOnline, level, "2024-03-31", &Facts::new(false));
        assert_eq!(of(Level::Agency), Some(Counted::Share(1, 1)));
        assert_eq!(of(Level::City), Some(Counted::Share(1, 2)));
    }

    #[test]
    fn an_announcement_is_in_time_five_working_days_before_it_takes_effect() {
        let announced = |code: &str, effective: &str| Formality {
            announced_on: Some(day("2026-11-09")),
            effective_on: Some(day(effective)),
            ..formality(code, "city", "none")
        };
        let offers = Offers {
            formalities: vec![announced("1.1", "2026-11-16"), announced("1.2", "2026-11-13")],
            services: Vec::new(),
        };
        let of = |supply| figure(&offers, supply, Level::City, "2026-11-20", &Facts::new(false));
        assert_eq!(of(Supply::AnnouncedInTime), Some(Counted::Share(1, 2)));
        // Both were due to be published by the 16th and are not.
        assert_eq!(of(Supply::PublishedInTime), Some(Counted::Share(0, 2)));
    }
}
