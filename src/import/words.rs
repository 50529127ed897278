//! The words of tables: headers and values of every kind, from `config/imports.toml`.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::Kind;

/// The word lists that are compiled in.
const DEFAULTS: &str = include_str!("../../config/imports.toml");

/// Words of all tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Version of the lists.
    pub version: String,
    /// Headers of personal columns.
    pub(super) personal: Vec<String>,
    /// Headers that contain a personal word and are not personal.
    pub(super) not_personal: Vec<String>,
    /// First cells of rows of totals.
    pub(super) totals: Vec<String>,
    /// Cells without a value.
    pub(super) empty: Vec<String>,
    /// Words that make a number a lower bound.
    pub(super) lower_bound: Vec<String>,
    /// Words that make a number vague.
    pub(super) vague: Vec<String>,
    /// Words behind a number.
    pub(super) counted: Vec<String>,
    /// Short forms in names of units.
    pub(super) abbreviation: BTreeMap<String, String>,
    /// Spellings of the fields of formalities, by token.
    pub(super) field: BTreeMap<String, Vec<String>>,
    /// Words of every kind of table.
    kind: BTreeMap<Kind, KindWords>,
}

/// Words of one kind of table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KindWords {
    /// Headers by field; "upper / lower" for headers of several lines.
    pub(super) column: BTreeMap<String, Vec<String>>,
    /// Cells by field and value.
    #[serde(default)]
    pub(super) word: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// Why the lists cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// The file cannot be read.
    #[error("read {file}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no list of words; the text names line and key.
    #[error("{file}: {why}")]
    Syntax {
        /// The file.
        file: String,
        /// What and where.
        why: String,
    },
}

impl Words {
    /// The compiled-in lists.
    ///
    /// # Panics
    /// Never: a test reads them.
    pub fn default_words() -> Self {
        Self::parse("(compiled in)", DEFAULTS).expect("a test reads the compiled-in lists")
    }

    /// The lists of the configuration: the file named there, or the compiled-in ones for "".
    ///
    /// # Errors
    /// The file cannot be read, or a key or field in it is unknown.
    pub fn configured(file: &str) -> Result<Self, WordsError> {
        if file.is_empty() {
            return Ok(Self::default_words());
        }
        let text = std::fs::read_to_string(Path::new(file))
            .map_err(|source| WordsError::Read { file: file.to_owned(), source })?;
        Self::parse(file, &text)
    }

    pub(super) fn parse(file: &str, text: &str) -> Result<Self, WordsError> {
        let syntax = |why: String| WordsError::Syntax { file: file.to_owned(), why };
        let words: Self = toml::from_str(text).map_err(|error| syntax(error.to_string()))?;
        for (kind, lists) in &words.kind {
            let fields = kind.fields();
            let mut names = lists.column.keys().chain(lists.word.keys());
            if let Some(name) = names.find(|name| fields.iter().all(|field| field.name != **name)) {
                let allowed: Vec<&str> = fields.iter().map(|field| field.name).collect();
                let kind = kind.as_str();
                let why = format!(
                    "kind.{kind}: unknown field {name:?}, allowed are {}",
                    allowed.join(", ")
                );
                return Err(syntax(why));
            }
        }
        Ok(words)
    }

    /// The words of a kind.
    pub(super) fn of(&self, kind: Kind) -> &KindWords {
        static NONE: KindWords = KindWords { column: BTreeMap::new(), word: BTreeMap::new() };
        self.kind.get(&kind).unwrap_or(&NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_in_lists_know_every_kind_and_field() {
        let words = Words::default_words();
        for kind in Kind::ALL {
            for field in kind.fields() {
                let names = words.of(kind).column.get(field.name);
                assert!(names.is_some_and(|names| !names.is_empty()), "{kind:?} {}", field.name);
            }
        }
    }

    #[test]
    fn an_unknown_field_is_told() {
        let text = DEFAULTS.replace("fee_vnd = ", "fee_usd = ");
        let error = Words::parse("mine.toml", &text).unwrap_err().to_string();
        assert!(error.contains("mine.toml") && error.contains("fee_usd"), "{error}");
        let text = DEFAULTS.replace("[abbreviation]", "[abreviation]");
        let error = Words::parse("mine.toml", &text).unwrap_err().to_string();
        assert!(error.contains("abreviation"), "{error}");
    }
}
