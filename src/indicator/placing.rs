//! Which units a figure adds up: from the code of a record and its day to the subjects that it counts for.
//!
//! As it was: the tree on the day of the record; a unit is the same in two trees when code, kind and name
//! are. As it is: today's tree, reached along successions of whole units; everything else is `unmapped`.
//! The city holds every record, also those whose unit is in no tree; so children, own records and unmapped
//! ones add up to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use super::{
    measure::Span,
    value::{Mode, Name, Reporting, Split},
};
use crate::unit::{Level, Mapped, Tree, UnitNode, Units};

/// Code that stands for records whose unit is in no tree.
pub const UNMAPPED: &str = "unmapped";
/// Key of a unit's own records beside those of the units below it.
pub const OWN: &str = "own";

/// Who counts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Code of the unit, or [`UNMAPPED`].
    pub code: String,
    /// Its name; null for [`UNMAPPED`].
    pub name: Option<Name>,
    /// [`OWN`], or null.
    pub key: Option<&'static str>,
    /// Level of the unit; null for [`UNMAPPED`].
    pub level: Option<Level>,
    /// Units that should report.
    pub expected: u32,
    /// Whether it holds everything.
    pub is_city: bool,
}

/// For which places a unit's records count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// Indices of places.
    pub places: Vec<usize>,
    /// Who reports: code and name; empty for the city itself, which is not expected to.
    pub who: String,
}

/// Codes of one tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Members {
    of: HashMap<String, Member>,
    otherwise: Member,
}

impl Members {
    /// For which places records of this code count.
    pub fn of(&self, code: &str) -> &Member {
        self.of.get(code).unwrap_or(&self.otherwise)
    }

    /// Whether the tree names this code.
    pub fn names(&self, code: &str) -> bool {
        self.of.contains_key(code)
    }

    /// Codes whose records count for any place, sorted; null for all.
    pub fn codes(&self) -> Option<Vec<String>> {
        if !self.otherwise.places.is_empty() {
            return None;
        }
        let counting = self.of.iter().filter(|(_, member)| !member.places.is_empty());
        let mut codes: Vec<String> = counting.map(|(code, _)| code.clone()).collect();
        codes.sort();
        Some(codes)
    }
}

/// Places of an answer and who counts for them when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placing {
    /// Places; the asked unit with all below it is the first one, unless only its children were asked.
    pub places: Vec<Place>,
    /// The period cut where the tree changes.
    pub eras: Vec<(Span, Members)>,
    /// For what stands at the begin of the period.
    pub at_begin: Members,
    /// For what stands at its end.
    pub at_end: Members,
}

/// The unit is in no tree of the period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there was no unit {code:?} in the period")]
pub struct NoUnit {
    /// Code.
    pub code: String,
}

/// Identity of a unit across trees.
type Same = (String, String);

fn same(node: &UnitNode) -> Same {
    (node.code.clone(), node.name_vi.clone())
}

struct Builder<'a> {
    units: &'a Units,
    mode: Mode,
    split: Split,
    today: NaiveDate,
    asked: UnitNode,
    index: BTreeMap<(Same, Option<&'static str>), usize>,
    places: Vec<Place>,
    expected: Vec<BTreeSet<Same>>,
}

impl Placing {
    /// Places of a unit (null for the city) over the days of `span`.
    ///
    /// # Errors
    /// No tree of the period has the unit.
    pub fn new(
        units: &Units,
        unit: Option<&str>,
        span: Span,
        mode: Mode,
        split: Split,
        today: NaiveDate,
    ) -> Result<Self, NoUnit> {
        let eras = units.eras(span);
        let asked = match mode {
            Mode::AsIs => find(units.tree_at(today), unit),
            // A period that has not begun has no era: its first day tells who will be asked.
            Mode::AsWas => {
                let mut days = eras.iter().rev().map(|era| era.from).chain([span.from]);
                days.find_map(|day| find(units.tree_at(day), unit))
            }
        };
        let no_unit = || NoUnit { code: unit.unwrap_or("of the city").to_owned() };
        let asked = asked.ok_or_else(no_unit)?.clone();
        let mut builder = Builder {
            units,
            mode,
            split,
            today,
            asked,
            index: BTreeMap::new(),
            places: Vec::new(),
            expected: Vec::new(),
        };
        builder.begin();
        let last = span.to.pred_opt().unwrap_or(span.from).max(span.from);
        let eras = eras.into_iter().map(|era| (era, builder.members(era.from))).collect();
        let at_begin = builder.members(span.from);
        let at_end = builder.members(last);
        let Builder { mut places, expected, .. } = builder;
        for (place, expected) in places.iter_mut().zip(expected) {
            place.expected = u32::try_from(expected.len()).unwrap_or(u32::MAX);
        }
        Ok(Self { places, eras, at_begin, at_end })
    }

    /// How many units of a place told something; null where none is expected to.
    pub fn reporting(&self, place: usize, reporting: usize) -> Option<Reporting> {
        let expected = self.places.get(place)?.expected;
        let reporting = u32::try_from(reporting).unwrap_or(u32::MAX);
        (expected > 0).then_some(Reporting { reporting, expected })
    }
}

fn find<'a>(tree: &'a Tree, unit: Option<&str>) -> Option<&'a UnitNode> {
    match unit {
        Some(code) => tree.unit(code),
        None => tree.root(),
    }
}

impl Builder<'_> {
    fn is_city(&self) -> bool {
        self.asked.level() == Level::City
    }

    /// The places that stand whether or not a record counts for them.
    fn begin(&mut self) {
        let asked = self.asked.clone();
        match self.split {
            Split::Total | Split::All | Split::Key(_) => {
                self.place(&asked, None);
            }
            Split::Children => {
                self.place(&asked, Some(OWN));
            }
        }
    }

    fn place(&mut self, node: &UnitNode, key: Option<&'static str>) -> usize {
        let identity = (same(node), key);
        if let Some(&index) = self.index.get(&identity) {
            return index;
        }
        self.index.insert(identity, self.places.len());
        self.places.push(Place {
            code: node.code.clone(),
            name: Some(Name { vi: node.name_vi.clone(), en: node.name_en.clone() }),
            key,
            level: Some(node.level()),
            expected: 0,
            is_city: node.level() == Level::City && key.is_none(),
        });
        self.expected.push(BTreeSet::new());
        self.places.len() - 1
    }

    fn unmapped(&mut self) -> usize {
        let identity = ((UNMAPPED.to_owned(), String::new()), None);
        if let Some(&index) = self.index.get(&identity) {
            return index;
        }
        self.index.insert(identity, self.places.len());
        self.places.push(Place {
            code: UNMAPPED.to_owned(),
            name: None,
            key: None,
            level: None,
            expected: 0,
            is_city: false,
        });
        self.expected.push(BTreeSet::new());
        self.places.len() - 1
    }

    /// Who counts where for records of the tree of `day`.
    fn members(&mut self, day: NaiveDate) -> Members {
        let units = self.units;
        let tree = match self.mode {
            Mode::AsWas => units.tree_at(day),
            Mode::AsIs => units.tree_at(self.today),
        };
        // The city is the same under every tree; another unit only under code and name.
        let asked = match tree.unit(&self.asked.code) {
            Some(node) if same(node) == same(&self.asked) || self.is_city() => node.code.clone(),
            Some(_) | None => return Members::default(),
        };
        let mut members = Members { otherwise: self.otherwise(), ..Members::default() };
        for code in tree.descendants(&asked) {
            let Some(node) = tree.unit(code) else { continue };
            let member = self.member(tree, node, &asked);
            members.of.insert(node.code.clone(), member);
        }
        if self.mode == Mode::AsIs { self.map(day, &members) } else { members }
    }

    fn otherwise(&mut self) -> Member {
        if !self.is_city() {
            return Member::default();
        }
        let places = match self.split {
            Split::Total | Split::Key(_) => vec![0],
            Split::Children => vec![self.unmapped()],
            Split::All => vec![0, self.unmapped()],
        };
        Member { places, who: String::new() }
    }

    /// The places for which a unit below the asked one counts.
    fn member(&mut self, tree: &Tree, node: &UnitNode, asked: &str) -> Member {
        let line = tree.ancestors(&node.code);
        let below = line.iter().position(|code| *code == asked).unwrap_or(0);
        let places = match self.split {
            Split::Total | Split::Key(_) => vec![0],
            Split::Children if below == 0 => vec![0],
            Split::Children => {
                let child = tree.unit(line[below - 1]).cloned();
                child.map(|child| self.place(&child, None)).into_iter().collect()
            }
            Split::All => {
                let above: Vec<UnitNode> =
                    line[..below].iter().filter_map(|code| tree.unit(code)).cloned().collect();
                // The city keeps its place whatever its name was.
                above.iter().map(|node| self.place(node, None)).chain([0]).collect()
            }
        };
        let is_city = node.level() == Level::City;
        let who = if is_city { String::new() } else { format!("{} {}", node.code, node.name_vi) };
        if !is_city {
            for &place in &places {
                self.expected[place].insert(same(node));
            }
        }
        Member { places, who }
    }

    /// The same for the codes of an older tree, along their successors.
    fn map(&self, day: NaiveDate, today: &Members) -> Members {
        let mut members = Members { otherwise: today.otherwise.clone(), ..Members::default() };
        for node in self.units.tree_at(day).units() {
            let member = match self.units.today_of(&node.code, day, self.today) {
                Mapped::Unit(code) => today.of.get(code).cloned(),
                Mapped::Unmapped => None,
            };
            // A unit that is in today's tree but outside the asked one counts nowhere.
            let outside = match self.units.today_of(&node.code, day, self.today) {
                Mapped::Unit(_) => Member::default(),
                Mapped::Unmapped => today.otherwise.clone(),
            };
            members.of.insert(node.code.clone(), member.unwrap_or(outside));
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::city::City;

    fn units() -> Units {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
        Units::of_city(&City::load(&folder).unwrap())
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn placing(unit: Option<&str>, from: &str, to: &str, mode: Mode, split: Split) -> Placing {
        let span = Span { from: day(from), to: day(to) };
        Placing::new(&units(), unit, span, mode, split, day("2026-11-22")).unwrap()
    }

    #[test]
    fn the_city_of_2021_expects_all_units_below_it() {
        let placing = placing(None, "2021-01-01", "2022-01-01", Mode::AsWas, Split::Total);
        assert_eq!((placing.places.len(), placing.eras.len()), (1, 1));
        assert_eq!(placing.places[0].expected, 9 + 83 + 20);
        assert_eq!(placing.eras[0].1.codes(), None);
        assert_eq!(placing.eras[0].1.of("gso:99999").places, [0]);
    }

    #[test]
    fn a_code_that_names_another_unit_now_does_not_count_for_it() {
        // 31120 was An Hòa until 2025-06-30 and is Cái Khế since.
        let total =
            placing(Some("gso:31120"), "2025-01-01", "2026-01-01", Mode::AsWas, Split::Total);
        assert_eq!(total.places[0].name.as_ref().unwrap().vi, "Phường Cái Khế");
        let counts: Vec<bool> = total
            .eras
            .iter()
            .map(|(_, members)| !members.of("gso:31120").places.is_empty())
            .collect();
        assert_eq!(counts, [false, true]);
        let all = placing(None, "2025-01-01", "2026-01-01", Mode::AsWas, Split::All);
        let named = all.places.iter().filter(|place| place.code == "gso:31120").count();
        assert_eq!(named, 2);
    }

    #[test]
    fn as_it_is_maps_whole_units_and_shows_the_others_as_unmapped() {
        let all = placing(None, "2025-01-01", "2025-07-01", Mode::AsIs, Split::All);
        let era = &all.eras.last().unwrap().1;
        let name = |code: &str| {
            let places = &era.of(code).places;
            places.iter().map(|&at| all.places[at].code.as_str()).collect::<Vec<_>>()
        };
        // Tân Lộc is untouched; An Hòa has no stated successor, though its code lives on.
        assert_eq!(name("gso:31213"), ["gso:31213", "gso:92"]);
        assert_eq!(name("gso:31120"), ["gso:92", UNMAPPED]);
    }

    #[test]
    fn children_own_and_unmapped_records_are_apart() {
        let placing = placing(None, "2021-01-01", "2021-02-01", Mode::AsWas, Split::Children);
        let members = &placing.eras[0].1;
        let place = |code: &str| {
            let places = &members.of(code).places;
            assert_eq!(places.len(), 1, "{code}");
            &placing.places[places[0]]
        };
        assert_eq!(place("gso:92").key, Some(OWN));
        assert_eq!(place("gso:31117").code, "gso:916");
        assert_eq!(place("gso:12345").code, UNMAPPED);
    }

    #[test]
    fn a_unit_that_never_was_is_refused() {
        let span = Span { from: day("2021-01-01"), to: day("2021-02-01") };
        let placed = Placing::new(
            &units(),
            Some("gso:1"),
            span,
            Mode::AsWas,
            Split::Total,
            day("2026-01-01"),
        );
        assert_eq!(placed, Err(NoUnit { code: "gso:1".to_owned() }));
    }
}
