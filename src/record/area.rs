//! Which unit lies in the area of which, on a day.

use std::{collections::HashMap, hash::BuildHasher as _};

use chrono::NaiveDate;

/// Most steps up a tree; deeper ones are no trees of administrative units.
const DEPTH_MAX: usize = 8;

/// A unit or agency during its validity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its code.
    pub code: String,
    /// First day.
    pub from: NaiveDate,
    /// First day after; null while valid.
    pub to: Option<NaiveDate>,
    /// An agency, whose area is that of the unit that it belongs to.
    pub is_agency: bool,
    /// The superior unit.
    pub parent: Option<String>,
}

/// The trees of units by time.
#[derive(Debug, Clone, Default)]
pub struct Areas {
    places: HashMap<String, Vec<Place>>,
    version: String,
}

impl Areas {
    /// The trees of these units.
    pub fn new(mut all: Vec<Place>) -> Self {
        all.sort_by(|a, b| (&a.code, a.from).cmp(&(&b.code, b.from)));
        let hasher = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default();
        let version = format!("{:016x}", hasher.hash_one(&all));
        let mut places: HashMap<String, Vec<Place>> = HashMap::new();
        for place in all {
            places.entry(place.code.clone()).or_default().push(place);
        }
        Self { places, version }
    }

    /// Changes with the trees.
    pub fn version(&self) -> &str {
        &self.version
    }

    fn at(&self, code: &str, day: NaiveDate) -> Option<&Place> {
        let mut valid = self
            .places
            .get(code)?
            .iter()
            .filter(|place| place.from <= day && place.to.is_none_or(|to| day < to));
        valid.next()
    }

    /// Whether unit `receiver` lies outside the area of `handler` on a day. Null when either did not
    /// exist then.
    pub fn is_outside(&self, receiver: &str, handler: &str, day: NaiveDate) -> Option<bool> {
        let handler = self.at(handler, day)?;
        let area = match &handler.parent {
            Some(parent) if handler.is_agency => self.at(parent, day)?,
            Some(_) | None => handler,
        };
        let receiver = self.at(receiver, day)?;
        let superior = |place: &&Place| self.at(place.parent.as_deref()?, day);
        let mut above = std::iter::successors(Some(receiver), superior).take(DEPTH_MAX);
        Some(!above.any(|place| place.code == area.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn areas() -> Areas {
        let place = |code: &str, parent: Option<&str>, from: &str, to: Option<&str>| Place {
            code: code.into(),
            from: day(from),
            to: to.map(day),
            is_agency: code.starts_with("agency"),
            parent: parent.map(str::to_owned),
        };
        let (before, until) = ("2020-03-01", Some("2025-07-01"));
        Areas::new(vec![
            place("gso:92", None, before, None),
            place("gso:916", Some("gso:92"), before, until),
            place("gso:31117", Some("gso:916"), before, until),
            place("gso:31135", Some("gso:916"), before, until),
            place("gso:31135", Some("gso:92"), "2025-07-01", None),
            place("gso:31120", Some("gso:92"), "2025-07-01", None),
            place("agency:H13.05", Some("gso:92"), before, None),
        ])
    }

    #[test]
    fn an_area_holds_what_lies_below_it_and_an_agency_has_that_of_its_unit() {
        let areas = areas();
        let outside =
            |receiver: &str, handler: &str, on: &str| areas.is_outside(receiver, handler, day(on));
        assert_eq!(outside("gso:31135", "gso:31135", "2026-03-02"), Some(false));
        assert_eq!(outside("gso:31120", "gso:31135", "2026-03-02"), Some(true));
        assert_eq!(outside("gso:31120", "agency:H13.05", "2026-03-02"), Some(false));
        assert_eq!(outside("agency:H13.05", "gso:31135", "2026-03-02"), Some(true));
        assert_eq!(outside("gso:31117", "gso:916", "2024-03-02"), Some(false));
        assert_eq!(outside("gso:31117", "gso:31135", "2024-03-02"), Some(true));
        assert_eq!(outside("gso:31117", "gso:31135", "2026-03-02"), None, "ended");
        assert_eq!(outside("gso:1", "gso:31135", "2026-03-02"), None, "unknown");
    }

    #[test]
    fn the_version_follows_the_trees() {
        let place = |code: &str| Place {
            code: code.into(),
            from: day("2020-03-01"),
            to: None,
            is_agency: false,
            parent: None,
        };
        let version = |places| Areas::new(places).version().to_owned();
        assert_eq!(version(vec![place("a"), place("b")]), version(vec![place("b"), place("a")]),);
        assert_ne!(version(vec![place("a")]), version(vec![place("b")]));
    }
}
