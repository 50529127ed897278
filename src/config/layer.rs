//! The layers of the configuration: every key with its value and where it came from.
//!
//! Keys, their order and their types are those of `config/hub.toml`. What a file or a variable adds
//! must be one of them and of the same type; everything else becomes a [`Mistake`].

use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use super::{Config, Environment, Mistake, Origin};

pub(super) type Value = toml::Value;

/// One key.
pub(super) struct Leaf {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

pub(super) struct Layers(Vec<Leaf>);

impl Layers {
    pub(super) fn defaults() -> Self {
        let table: toml::Table = toml::from_str(super::DEFAULTS).unwrap_or_default();
        let mut leaves = Vec::new();
        for (key, value) in table {
            match value {
                Value::Table(section) => {
                    leaves.extend(section.into_iter().map(|(name, value)| Leaf {
                        key: format!("{key}.{name}"),
                        value,
                        origin: Origin::Default,
                    }));
                }
                value => leaves.push(Leaf { key, value, origin: Origin::Default }),
            }
        }
        Self(leaves)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Leaf> {
        self.0.iter().find(|leaf| leaf.key == key)
    }

    pub(super) fn origin(&self, key: &str) -> Origin {
        self.get(key).map_or(Origin::Default, |leaf| leaf.origin.clone())
    }

    pub(super) fn list(&self) -> Vec<(String, String, Origin)> {
        self.0
            .iter()
            .map(|leaf| (leaf.key.clone(), leaf.value.to_string(), leaf.origin.clone()))
            .collect()
    }

    fn sections(&self) -> Vec<&str> {
        let mut sections: Vec<&str> =
            self.0.iter().filter_map(|leaf| leaf.key.split_once('.')).map(|(s, _)| s).collect();
        sections.dedup();
        sections
    }

    pub(super) fn apply_file(&mut self, path: &Path, text: &str, mistakes: &mut Vec<Mistake>) {
        let at = |offset: Option<usize>| Origin::File {
            path: path.to_owned(),
            line: offset.map_or(0, |offset| {
                text.get(..offset).map_or(0, |before| before.matches('\n').count() + 1)
            }),
        };
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let detail = format!("is no TOML: {}", error.message());
                let origin = at(error.span().map(|span| span.start));
                mistakes.push(Mistake { origin, key: String::new(), detail });
                return;
            }
        };
        for (name, item) in document.iter() {
            let start = |key: &str, table: &dyn TableLike| {
                table.key(key).and_then(toml_edit::Key::span).map(|span| span.start)
            };
            let origin = at(start(name, document.as_table()));
            match item.as_table_like() {
                None => self.set_item(name, item, origin, mistakes),
                Some(table) if self.sections().contains(&name) => {
                    for (key, item) in table.iter() {
                        let origin = at(start(key, table));
                        self.set_item(&format!("{name}.{key}"), item, origin, mistakes);
                    }
                }
                Some(_) => {
                    let allowed = self.sections().join(", ");
                    let detail = format!("unknown section, allowed are {allowed}");
                    mistakes.push(Mistake { origin, key: name.to_owned(), detail });
                }
            }
        }
    }

    fn set_item(&mut self, key: &str, item: &Item, origin: Origin, mistakes: &mut Vec<Mistake>) {
        let value = item
            .as_value()
            .and_then(|value| toml::from_str::<toml::Table>(&format!("v = {value}")).ok())
            .and_then(|mut table| table.remove("v"));
        if let Some(value) = value {
            self.set(key, value, origin, mistakes);
        } else {
            let detail = "is no plain value".to_owned();
            mistakes.push(Mistake { origin, key: key.to_owned(), detail });
        }
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin, mistakes: &mut Vec<Mistake>) {
        let Some(at) = self.0.iter().position(|leaf| leaf.key == key) else {
            let detail = self.unknown(key);
            mistakes.push(Mistake { origin, key: key.to_owned(), detail });
            return;
        };
        let leaf = &mut self.0[at];
        let value = match (value, &leaf.value) {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a configured integer for a decimal key"
            )]
            (Value::Integer(whole), Value::Float(_)) => Value::Float(whole as f64),
            (value, _) => value,
        };
        if value.same_type(&leaf.value) {
            leaf.value = value;
            leaf.origin = origin;
        } else {
            let allowed = kind(&leaf.value);
            let detail = format!("is {value}, allowed is {allowed}");
            mistakes.push(Mistake { origin, key: key.to_owned(), detail });
        }
    }

    fn unknown(&self, key: &str) -> String {
        let (section, name) = key.rsplit_once('.').unwrap_or(("", key));
        let names: Vec<&str> = self
            .0
            .iter()
            .filter_map(|leaf| {
                let (of, name) = leaf.key.rsplit_once('.').unwrap_or(("", &leaf.key));
                (of == section).then_some(name)
            })
            .collect();
        let nearest = names.iter().min_by_key(|known| distance(known, name));
        match nearest {
            Some(known) if distance(known, name) <= 3 => {
                format!("unknown key, did you mean `{known}`?")
            }
            _ => format!("unknown key, allowed are {}", names.join(", ")),
        }
    }

    pub(super) fn apply_environment(
        &mut self,
        environment: &Environment,
        mistakes: &mut Vec<Mistake>,
    ) {
        for (name, text) in environment {
            let is_apart = name.starts_with("IOC_TEST_") || name.starts_with(super::NOTIFY_PREFIX);
            if is_apart || self.names_secret(name) {
                continue;
            }
            let origin = Origin::Environment(name.clone());
            let found = self.0.iter().find(|leaf| variable(&leaf.key) == *name);
            let Some(leaf) = found else {
                let detail = "no key of the configuration has this name".to_owned();
                mistakes.push(Mistake { origin, key: String::new(), detail });
                continue;
            };
            let key = leaf.key.clone();
            let value = match &leaf.value {
                Value::String(_) => Some(Value::String(text.clone())),
                _ => toml::from_str::<toml::Table>(&format!("v = {text}"))
                    .ok()
                    .and_then(|mut table| table.remove("v")),
            };
            let allowed = kind(&leaf.value);
            if let Some(value) = value {
                self.set(&key, value, origin, mistakes);
            } else {
                let detail = format!("is {text:?}, allowed is {allowed}");
                mistakes.push(Mistake { origin, key, detail });
            }
        }
    }

    /// Whether a key that ends in `_env` names this variable.
    fn names_secret(&self, variable: &str) -> bool {
        self.0.iter().any(|leaf| {
            leaf.key.ends_with("_env") && leaf.value.as_str().is_some_and(|name| name == variable)
        })
    }

    pub(super) fn to_config(&self) -> Result<Config, Mistake> {
        let mut table = toml::Table::new();
        for leaf in &self.0 {
            match leaf.key.split_once('.') {
                None => {
                    table.insert(leaf.key.clone(), leaf.value.clone());
                }
                Some((section, name)) => {
                    let section =
                        table.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
                    if let Value::Table(section) = section {
                        section.insert(name.to_owned(), leaf.value.clone());
                    }
                }
            }
        }
        Config::deserialize_table(table).map_err(|detail| Mistake {
            origin: Origin::Default,
            key: String::new(),
            detail,
        })
    }
}

impl Config {
    fn deserialize_table(table: toml::Table) -> Result<Self, String> {
        table.try_into().map_err(|error: toml::de::Error| error.to_string())
    }
}

/// The variable that overrides a key.
fn variable(key: &str) -> String {
    format!("IOC_{}", key.replace('.', "_").to_uppercase())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Array(_) => "a list of texts",
        Value::Datetime(_) | Value::Table(_) => "another type",
    }
}

/// Edit distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
