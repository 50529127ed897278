//! The units of one span of time as a tree.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Found, name};
use crate::city::UnitKind;

/// Level of a unit in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The city.
    City,
    /// Districts; none after 2025-06-30.
    District,
    /// Wards, communes and towns.
    Commune,
    /// Agencies of the city.
    Agency,
}

impl Level {
    /// The level of units of a kind.
    pub const fn of(kind: UnitKind) -> Self {
        match kind {
            UnitKind::City => Self::City,
            UnitKind::District => Self::District,
            UnitKind::Ward | UnitKind::Commune | UnitKind::Town => Self::Commune,
            UnitKind::Agency => Self::Agency,
        }
    }

    /// The word of the level in files, tables and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::City => "city",
            Self::District => "district",
            Self::Commune => "commune",
            Self::Agency => "agency",
        }
    }
}

/// One unit during its validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitNode {
    /// `gso:NNNNN` or `agency:TEXT`.
    pub code: String,
    /// Kind.
    pub kind: UnitKind,
    /// Vietnamese name with its kind.
    pub name_vi: String,
    /// English name with its kind.
    pub name_en: String,
    /// Code of the superior unit; null for the city.
    pub parent: Option<String>,
    /// First day.
    pub valid_from: NaiveDate,
    /// First day after; null while it exists.
    pub valid_to: Option<NaiveDate>,
}

impl UnitNode {
    /// Whether the unit exists on `day`.
    pub fn is_valid_at(&self, day: NaiveDate) -> bool {
        self.valid_from <= day && self.valid_to.is_none_or(|end| day < end)
    }

    /// Level of the unit.
    pub const fn level(&self) -> Level {
        Level::of(self.kind)
    }
}

/// The tree between two changes. What it is asked about a code that it does not have is empty.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    units: BTreeMap<String, UnitNode>,
    children: BTreeMap<String, Vec<String>>,
    /// Codes by the key of the name with its kind, then by that without.
    by_name: BTreeMap<String, Vec<String>>,
    by_bare_name: BTreeMap<String, Vec<String>>,
}

impl Tree {
    /// The tree without units.
    pub(super) const EMPTY: Self = Self {
        units: BTreeMap::new(),
        children: BTreeMap::new(),
        by_name: BTreeMap::new(),
        by_bare_name: BTreeMap::new(),
    };

    /// The tree of these units, of which no two have the same code.
    pub(super) fn new(nodes: impl IntoIterator<Item = UnitNode>) -> Self {
        let mut tree = Self::default();
        for node in nodes {
            let code = &node.code;
            if let Some(parent) = &node.parent {
                tree.children.entry(parent.clone()).or_default().push(code.clone());
            }
            let full = name::key(&node.name_vi);
            let bare = name::bare(&full).to_owned();
            tree.by_name.entry(full).or_default().push(code.clone());
            tree.by_bare_name.entry(bare).or_default().push(code.clone());
            tree.units.insert(code.clone(), node);
        }
        tree
    }

    /// The unit with this code.
    pub fn unit(&self, code: &str) -> Option<&UnitNode> {
        self.units.get(code)
    }

    /// Every unit in the order of the codes.
    pub fn units(&self) -> impl Iterator<Item = &UnitNode> {
        self.units.values()
    }

    /// The units of a level in the order of the codes.
    pub fn at_level(&self, level: Level) -> impl Iterator<Item = &UnitNode> {
        self.units().filter(move |node| node.level() == level)
    }

    /// The city.
    pub fn root(&self) -> Option<&UnitNode> {
        self.units().find(|node| node.parent.is_none() && node.kind == UnitKind::City)
    }

    /// The superior unit.
    pub fn parent(&self, code: &str) -> Option<&str> {
        self.unit(code)?.parent.as_deref()
    }

    /// The units directly below, in the order of the codes.
    pub fn children(&self, code: &str) -> &[String] {
        self.children.get(code).map_or(&[], Vec::as_slice)
    }

    /// The unit and all above it, the city last.
    pub fn ancestors(&self, code: &str) -> Vec<&str> {
        let first = self.unit(code).map(|node| node.code.as_str());
        // No chain is longer than there are units, whatever the data say.
        std::iter::successors(first, |code| self.parent(code)).take(self.units.len()).collect()
    }

    /// The unit and all below it, a unit before those below it.
    pub fn descendants(&self, code: &str) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.unit(code).map(|node| node.code.as_str()).into_iter().collect();
        let mut next = 0;
        while next < all.len() && all.len() <= self.units.len() {
            let below = self.children(all[next]);
            all.extend(below.iter().map(String::as_str));
            next += 1;
        }
        all
    }

    /// The unit that a text names, with or without its kind.
    pub(super) fn named(&self, text: &str) -> Found {
        found(self.all_named(text).into_iter().map(str::to_owned).collect())
    }

    /// The codes of all units that a text may name. A text with a kind names only units of it.
    pub(super) fn all_named(&self, text: &str) -> Vec<&str> {
        let key = name::key(text);
        let key = name::without_office(&key);
        if let Some(codes) = self.by_name.get(key) {
            return codes.iter().map(String::as_str).collect();
        }
        let (kinds, bare) = name::split_kind(key);
        let codes = self.by_bare_name.get(bare).into_iter().flatten();
        codes
            .map(String::as_str)
            .filter(|code| {
                let of_kind =
                    |node: &UnitNode| kinds.is_none_or(|kinds| kinds.contains(&node.kind));
                self.unit(code).is_some_and(of_kind)
            })
            .collect()
    }
}

/// What a list of codes finds.
pub(super) fn found(mut codes: Vec<String>) -> Found {
    match codes.len() {
        0 => Found::None,
        1 => codes.pop().map_or(Found::None, Found::One),
        _ => Found::Many(codes),
    }
}
