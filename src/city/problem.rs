//! What is wrong in a city folder: where, what was found, what is allowed.
//!
//! A load collects every error before it gives up, so that one run of `check` shows them all. A
//! warning is something that loads, and that a person should know of.

use std::{fmt, path::PathBuf};

use ioc_ingest::Source;
use thiserror::Error;

/// Every error of one city folder, in the order of the files.
#[derive(Debug, Error)]
pub struct CityErrors {
    /// The folder that was loaded.
    pub dir: PathBuf,
    /// At least one.
    pub errors: Vec<CityError>,
}

impl fmt::Display for CityErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "load city {}: {} errors", self.dir.display(), self.errors.len())?;
        self.errors.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// One error: file, place, key and cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CityError {
    /// File name inside the city folder.
    pub file: &'static str,
    /// Where in the file.
    pub at: At,
    /// Column, key or property; empty when the error is of the whole row or file.
    pub key: String,
    /// What is wrong.
    pub cause: Cause,
}

impl fmt::Display for CityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: ", self.file, self.at)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{}", self.cause)
    }
}

/// A place in a file of the city folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// The file as a whole.
    File,
    /// A line, counted from 1.
    Line(u64),
    /// A feature of a `GeoJSON` file, counted from 1.
    Feature(usize),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Line(line) => write!(f, " line {line}"),
            Self::Feature(number) => write!(f, " feature {number}"),
        }
    }
}

/// What is wrong with a value, a row or a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Cause {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(String),
    /// The file is no CSV, TOML or `GeoJSON`.
    #[error("does not parse: {0}")]
    Syntax(String),
    /// A column, key or property that the file does not have.
    #[error("unknown; allowed: {allowed}{}", hint(suggestion.as_ref()))]
    UnknownKey {
        /// What the file may have.
        allowed: String,
        /// The nearest allowed one.
        suggestion: Option<String>,
    },
    /// A needed column, key, property or value is not there.
    #[error("missing; allowed: {allowed}")]
    Missing {
        /// What may stand there.
        allowed: String,
    },
    /// A value out of its range or set.
    #[error("{found:?} is not allowed; allowed: {allowed}{}", hint(suggestion.as_ref()))]
    Value {
        /// The value in the file.
        found: String,
        /// What may stand there.
        allowed: String,
        /// The nearest allowed value.
        suggestion: Option<String>,
    },
    /// A reference to something that the folder does not define.
    #[error("no {kind} {found:?}{}", hint(suggestion.as_ref()))]
    Reference {
        /// What should be named.
        kind: &'static str,
        /// The value in the file.
        found: String,
        /// The nearest that exists.
        suggestion: Option<String>,
    },
    /// The same id or key a second time.
    #[error("{found:?} stands a second time, first{first}")]
    Duplicate {
        /// The repeated id.
        found: String,
        /// Where it stands first.
        first: At,
    },
    /// Two rows, or a row and what it refers to, do not fit each other.
    #[error("{0}")]
    Conflict(String),
    /// A shape that is not valid.
    #[error("geometry: {0}")]
    Geometry(String),
}

fn hint(suggestion: Option<&String>) -> String {
    suggestion.map(|text| format!("; did you mean {text:?}?")).unwrap_or_default()
}

/// Something that a person should know of, though the city loads.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CityWarning {
    /// The device is kept; it counts for no area.
    #[error("devices.csv line {line}: {source_id} at {lon}, {lat} lies outside every area")]
    OutsideAreas {
        /// Line in `devices.csv`.
        line: u64,
        /// The device.
        source_id: Source,
        /// Longitude in degrees.
        lon: f64,
        /// Latitude in degrees.
        lat: f64,
    },
}

/// Collects the errors of one load.
#[derive(Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<CityError>);

impl Problems {
    /// Adds one error.
    pub(crate) fn add(&mut self, file: &'static str, at: At, key: &str, cause: Cause) {
        self.0.push(CityError { file, at, key: key.to_owned(), cause });
    }
}

/// The candidate that `found` is most likely a misspelling of; null when none is near.
pub(crate) fn nearest<'a>(
    found: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    /// Below this similarity (0..=1) a suggestion confuses more than it helps.
    const SIMILARITY_MIN: f64 = 0.75;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(found, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
