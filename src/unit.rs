//! The trees of administrative units: who belonged to whom when, and what became of whom.
//!
//! From the rows of the registry or of a city folder. A code is no identity: codes were given to other
//! units, so the identity is (code, `valid_from`) and a code means something only on a day. As it was:
//! the tree of the day of the event. As it is: history mapped to today's tree along successions of whole
//! units; what has no such succession is unmapped, never guessed.

pub(crate) mod name;
mod tree;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use chrono::NaiveDate;
use sha2::{Digest as _, Sha256};

use crate::{
    city::{City, UnitKind},
    indicator::measure::Span,
    store::unit::UnitRow,
};

pub use tree::{Level, Tree, UnitNode};

/// Code and first day: the identity of a unit.
type Identity = (String, NaiveDate);

/// What a unit of the past is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapped<'a> {
    /// This unit, by code, holds all of it.
    Unit(&'a str),
    /// No source states one unit that holds all of it.
    Unmapped,
}

/// The units that a text may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Exactly this one, by code.
    One(String),
    /// None.
    None,
    /// Several, by code.
    Many(Vec<String>),
}

/// The units of all times.
#[derive(Debug, Clone, Default)]
pub struct Units {
    version: String,
    /// Every span between two changes with its tree, in order; before the first there is no unit.
    eras: Vec<(NaiveDate, Tree)>,
    /// First day after each unit; null while it exists.
    ends: BTreeMap<Identity, Option<NaiveDate>>,
    /// The one unit that holds all of a former one.
    whole: BTreeMap<Identity, Identity>,
}

impl Units {
    /// The units of a city folder.
    pub fn of_city(city: &City) -> Self {
        let nodes = city.units.iter().map(|unit| UnitNode {
            code: unit.code.clone(),
            kind: unit.kind,
            name_vi: unit.name_vi.clone(),
            name_en: unit.name_en.clone(),
            parent: unit.parent.clone(),
            valid_from: unit.valid_from,
            valid_to: unit.valid_to,
        });
        let whole = city.successions.iter().filter(|edge| edge.share_e4 == Some(10_000));
        let edges = whole.map(|edge| (edge.from.clone(), edge.to.clone()));
        Self::build(nodes.collect(), edges.collect())
    }

    /// The units of the registry. A row of a kind that this program does not know is no unit.
    pub fn of_rows(rows: &[UnitRow]) -> Self {
        let mut edges = Vec::new();
        for row in rows {
            let whole = row.successors.iter().filter(|(.., whole)| *whole);
            let from = (row.code.clone(), row.valid_from);
            edges.extend(whole.map(|(code, day, _)| (from.clone(), (code.clone(), *day))));
        }
        let node = |row: &UnitRow| {
            Some(UnitNode {
                code: row.code.clone(),
                kind: UnitKind::ALL.into_iter().find(|kind| kind.as_str() == row.kind)?,
                name_vi: row.name_vi.clone(),
                name_en: row.name_en.clone(),
                parent: row.parent.clone(),
                valid_from: row.valid_from,
                valid_to: row.valid_to,
            })
        };
        Self::build(rows.iter().filter_map(node).collect(), edges)
    }

    fn build(mut nodes: Vec<UnitNode>, mut edges: Vec<(Identity, Identity)>) -> Self {
        nodes.sort_by(|a, b| (&a.code, a.valid_from).cmp(&(&b.code, b.valid_from)));
        edges.sort();
        let version = version(&nodes, &edges);
        let mut borders = BTreeSet::new();
        for node in &nodes {
            borders.insert(node.valid_from);
            borders.extend(node.valid_to);
        }
        let tree =
            |day: NaiveDate| Tree::new(nodes.iter().filter(|node| node.is_valid_at(day)).cloned());
        let eras = borders.into_iter().map(|day| (day, tree(day))).collect();
        let ends = nodes.into_iter().map(|node| ((node.code, node.valid_from), node.valid_to));
        Self { version, eras, ends: ends.collect(), whole: edges.into_iter().collect() }
    }

    /// Version of the trees: changes when a row or a succession does.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The tree of a day; without units before the first one.
    pub fn tree_at(&self, day: NaiveDate) -> &Tree {
        static NONE: Tree = Tree::EMPTY;
        let after = self.eras.partition_point(|(from, _)| *from <= day);
        after.checked_sub(1).map_or(&NONE, |index| &self.eras[index].1)
    }

    /// `span` cut where the tree changes; in order and without gaps.
    pub fn eras(&self, span: Span) -> Vec<Span> {
        let mut eras = Vec::new();
        let mut from = span.from;
        for (border, _) in &self.eras {
            if from < *border && *border < span.to {
                eras.push(Span { from, to: *border });
                from = *border;
            }
        }
        if from < span.to {
            eras.push(Span { from, to: span.to });
        }
        eras
    }

    /// The unit of `today` that holds all of what `code` named on `day`.
    pub fn today_of(&self, code: &str, day: NaiveDate, today: NaiveDate) -> Mapped<'_> {
        let Some(node) = self.tree_at(day).unit(code) else { return Mapped::Unmapped };
        let mut identity = &(node.code.clone(), node.valid_from);
        // A chain of successions only leads on in time, so it ends; the count bounds wrong data.
        for _ in 0..=self.whole.len() {
            let Some((known, end)) = self.ends.get_key_value(identity) else { break };
            if known.1 <= today && end.is_none_or(|end| today < end) {
                return Mapped::Unit(&known.0);
            }
            match self.whole.get(known) {
                Some(next) => identity = next,
                None => break,
            }
        }
        Mapped::Unmapped
    }

    /// The unit that a table calls `text` on `day`: a code, or a name with or without its kind ("Phường
    /// Cái Khế", "P. Cái Khế", "UBND phường Cái Khế", "Cái Khế"), optionally with a superior unit after
    /// a comma or dash ("Xã Thạnh An, huyện Vĩnh Thạnh"). Accents count; case, Unicode form and the
    /// place of the tone mark (òa/oà, ủy/uỷ) do not.
    pub fn find(&self, text: &str, day: NaiveDate) -> Found {
        let tree = self.tree_at(day);
        if tree.unit(text.trim()).is_some() {
            return Found::One(text.trim().to_owned());
        }
        match tree.named(text) {
            Found::None => find_below(text, tree),
            found @ (Found::One(_) | Found::Many(_)) => found,
        }
    }
}

/// Reads what stands behind the last comma or dash as a superior unit.
fn find_below(text: &str, tree: &Tree) -> Found {
    let cut = text.char_indices().rev().find(|(_, c)| matches!(c, ',' | '-' | '–' | '('));
    let Some((at, separator)) = cut else { return Found::None };
    let (head, tail) = (&text[..at], &text[at + separator.len_utf8()..]);
    let above = tree.all_named(tail.trim_end_matches(')'));
    if above.is_empty() {
        return Found::None;
    }
    let heads = match tree.all_named(head) {
        heads if heads.is_empty() => match find_below(head, tree) {
            Found::One(code) => vec![code],
            Found::None => Vec::new(),
            Found::Many(codes) => codes,
        },
        heads => heads.into_iter().map(str::to_owned).collect(),
    };
    let below = |code: &String| {
        tree.ancestors(code).iter().skip(1).any(|ancestor| above.contains(ancestor))
    };
    tree::found(heads.into_iter().filter(below).collect())
}

/// Short digest of everything that the trees are made of.
fn version(nodes: &[UnitNode], edges: &[(Identity, Identity)]) -> String {
    let mut text = String::new();
    for UnitNode { code, kind, name_vi, name_en, parent, valid_from, valid_to } in nodes {
        let (parent, kind) = (parent.as_deref().unwrap_or_default(), kind.as_str());
        let to = valid_to.map(|day| day.to_string()).unwrap_or_default();
        let _ = writeln!(text, "{code}|{kind}|{name_vi}|{name_en}|{parent}|{valid_from}|{to}");
    }
    for ((from, from_day), (to, to_day)) in edges {
        let _ = writeln!(text, "{from}|{from_day}|{to}|{to_day}");
    }
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(6).fold(String::from("units-"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
