//! Which signals a row of a table is about: `*`, or ids of signals and corridors.

use super::{problem::Problems, record::Record};

/// Which signals a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every signal.
    All,
    /// These signals, and those of these corridors.
    Of(Box<[Box<str>]>),
}

/// How closely a row is about a signal. A closer one counts over the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Closeness {
    /// It is about every signal.
    All,
    /// It names the corridor of the signal.
    Corridor,
    /// It names the signal.
    Signal,
}

impl Scope {
    /// How closely it is about a signal; null when it is not.
    pub fn about(&self, source: &str, corridor: Option<&str>) -> Option<Closeness> {
        let Self::Of(ids) = self else { return Some(Closeness::All) };
        let has = |wanted: &str| ids.iter().any(|id| **id == *wanted);
        if has(source) {
            return Some(Closeness::Signal);
        }
        corridor.is_some_and(has).then_some(Closeness::Corridor)
    }

    /// Something that both are about equally closely; null when there is nothing.
    pub(super) fn shared<'a>(&'a self, other: &Self) -> Option<&'a str> {
        match (self, other) {
            (Self::All, Self::All) => Some("*"),
            (Self::Of(own), Self::Of(other)) => {
                own.iter().find(|id| other.contains(id)).map(|id| &**id)
            }
            (Self::All, Self::Of(_)) | (Self::Of(_), Self::All) => None,
        }
    }
}

/// Reads `*`, or ids that are separated by spaces.
pub(super) fn read_scope(row: &Record, key: &str, problems: &mut Problems) -> Option<Scope> {
    let text = row.text(key, problems)?;
    if text == "*" {
        return Some(Scope::All);
    }
    let ids: Box<[Box<str>]> = text.split_ascii_whitespace().map(Into::into).collect();
    if ids.iter().all(|id| ioc_ingest::topic::is_token(id)) {
        return Some(Scope::Of(ids));
    }
    row.refuse(key, "* or ids of signals and corridors, separated by spaces", problems)
}
