//! What the city offers: figures over the catalogue of formalities and of online services.
//!
//! Services are not formalities: a formality has any number of services, and both are counted apart.
//! Levels 3 and 4 count before 2022-06-24, partial and full since: a row of the other scheme is not online.
//! A unit answers for the formalities of its level; which agency handles which one is not in the catalogue,
//! so of an agency nothing is known.

use std::collections::BTreeSet;

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

/// Which of the offers are asked about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Level of the unit.
    pub level: Level,
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
fn online_words(day: NaiveDate) -> [&'static str; 2] {
    if day < SCOPES_FROM { ["3", "4"] } else { ["partial", "full"] }
}

impl Offers {
    /// Whether the catalogue knows anything of a day.
    pub fn knows(&self, day: NaiveDate) -> bool {
        self.formalities.iter().any(|row| is_valid(row.valid_from, row.valid_to, day))
    }

    fn in_authority<'a>(&'a self, asked: Asked<'a>) -> impl Iterator<Item = &'a Formality> {
        self.formalities.iter().filter(move |row| {
            let of_level = match asked.level {
                Level::City => row.level != "sector",
                Level::District => row.level == "district",
                Level::Commune => row.level == "commune",
                Level::Agency => false,
            };
            of_level
                && asked.field.is_none_or(|field| row.field.as_deref() == Some(field))
                && asked.formality.is_none_or(|code| row.code == code)
        })
    }

    fn valid<'a>(&'a self, asked: Asked<'a>) -> impl Iterator<Item = &'a Formality> {
        self.in_authority(asked)
            .filter(move |row| is_valid(row.valid_from, row.valid_to, asked.day))
    }

    fn services<'a>(&'a self, asked: Asked<'a>) -> impl Iterator<Item = &'a OnlineService> {
        let codes: BTreeSet<&str> = self.valid(asked).map(|row| row.code.as_str()).collect();
        let whole =
            asked.level == Level::City && asked.field.is_none() && asked.formality.is_none();
        self.services
            .iter()
            .filter(move |row| is_valid(row.valid_from, row.valid_to, asked.day) && row.is_offered)
            .filter(move |row| {
                whole || row.formality.as_deref().is_some_and(|code| codes.contains(code))
            })
    }

    /// A figure over the catalogue; null when the catalogue knows nothing of the unit on that day.
    ///
    /// # Errors
    /// The calendar does not reach, for figures that count working days.
    pub fn figure(
        &self,
        supply: Supply,
        asked: Asked<'_>,
        facts: &Facts,
        calendar: &Calendar,
    ) -> Result<Option<Counted>, Incomplete> {
        if self.valid(asked).next().is_none() {
            return Ok(None);
        }
        let [partly, fully] = online_words(asked.day);
        let with = |filter: &dyn Fn(&Formality) -> bool| {
            count(self.valid(asked).filter(|row| filter(row)).count())
        };
        let touched = |row: &Formality, measure| facts.touched(&row.code, measure);
        let online = |row: &Formality| row.online_level == partly || row.online_level == fully;
        let fee = with(&|row| row.has_fee);
        Ok(Some(match supply {
            Supply::AnnouncedInTime => return self.announced(asked, calendar).map(Some),
            Supply::PublishedInTime => return self.published(asked, calendar).map(Some),
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
                let linked = self.services(asked).filter(|row| row.npsp_linked).count();
                Counted::Number(count(linked), Vec::new())
            }
            Supply::ServicesInUse => {
                let used = |row: &&OnlineService| {
                    let code = row.formality.as_deref();
                    code.is_some_and(|code| facts.touched(code, Measure::Online))
                };
                let used = self.services(asked).filter(used).count();
                Counted::Share(count(used), count(self.services(asked).count()))
            }
            Supply::FeeLinked => Counted::Both(with(&|row| row.has_fee && row.npsp_linked), fee),
            Supply::FeeData => {
                let told = with(&|row| row.has_fee && touched(row, Measure::FeeKnown));
                Counted::Share(told, fee)
            }
            Supply::FeePaidOnline => {
                let paid = with(&|row| row.has_fee && touched(row, Measure::PaidOnline));
                Counted::Share(paid, fee)
            }
            Supply::PopulationData => {
                let used = with(&|row| row.for_persons && touched(row, Measure::Vneid));
                Counted::Share(used, with(&|row| row.for_persons))
            }
        }))
    }

    /// Formalities announced in the period, and those of them announced early enough. One that was late
    /// once in the period is late.
    fn announced(&self, asked: Asked<'_>, calendar: &Calendar) -> Result<Counted, Incomplete> {
        let Some(law) = asked.law else { return Ok(Counted::Share(0, 0)) };
        let mut all = BTreeSet::new();
        let mut late = BTreeSet::new();
        for row in self.in_authority(asked) {
            let (Some(announced), Some(effective)) = (row.announced_on, row.effective_on) else {
                continue;
            };
            if announced < asked.span.from || announced > asked.day {
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
    fn published(&self, asked: Asked<'_>, calendar: &Calendar) -> Result<Counted, Incomplete> {
        let Some(law) = asked.law else { return Ok(Counted::Share(0, 0)) };
        let in_period = |day: NaiveDate| asked.span.from <= day && day <= asked.day;
        let mut all = BTreeSet::new();
        let mut late = BTreeSet::new();
        for row in self.in_authority(asked) {
            let Some(announced) = row.announced_on.filter(|day| *day <= asked.day) else {
                continue;
            };
            let published = row.published_on.filter(|day| *day <= asked.day);
            // Long before the period and published before it: judged in an earlier period.
            if published.is_some_and(|day| day < asked.span.from) {
                continue;
            }
            let due = calendar.add_working_days(announced, law.publish_within_working_days)?;
            if !(published.is_some_and(in_period) || published.is_none() && due <= asked.day) {
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
    use super::*;
    use crate::indicator::{facts::Facts, law::Parameters};

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
        let asked = Asked { level, span, day: day(last), field: None, formality: None, law };
        offers.figure(supply, asked, facts, &Calendar::vietnam()).unwrap()
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
        facts.touch("1.1", Measure::Online);
        assert_eq!(of(Supply::ServicesInUse, &facts), Some(Counted::Share(3, 3)));
    }

    #[test]
    fn a_unit_answers_for_its_level_and_an_agency_is_not_known() {
        let offers = Offers {
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
        assert_eq!(of(Level::Agency), None);
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
