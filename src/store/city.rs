//! Compares a city folder with the registry, and takes what differs over.
//!
//! The folder seeds an empty registry; from then on the database is the truth and nothing changes by
//! itself. Both sides are brought to one shape, a JSON row per key with the columns of its table
//! ([`folder`], [`noun`]), and compared by value. Taking over is one transaction with one journal row
//! per change. Ids stay: a device or a detector is changed in place and never removed.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::{Client, GenericClient};

use super::{
    StoreError,
    journal::{self, JournalEntry},
};
use crate::city::{City, Device};

pub(super) mod folder;
pub(super) mod noun;

use noun::{NOUNS, Noun};

/// Rows of one noun by key.
type Rows = BTreeMap<String, Value>;

/// Longest value that a difference spells out, characters; of a longer one only the column is named.
const SPELLED_OUT_MAX: usize = 60;

/// What becomes of a row when the folder is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Only the folder has it.
    Added,
    /// Both have it, with other values.
    Changed,
    /// Only the registry has it.
    Missing,
}

/// One row that differs between the folder and the registry. Its text is one line.
#[derive(Debug, Clone)]
pub struct Difference {
    noun: &'static Noun,
    /// Key of the row, such as a source or `gso:31135 from 2025-07-01`.
    pub key: String,
    /// What would become of it.
    pub change: Change,
    /// The row in the registry.
    pub before: Option<Value>,
    /// The row of the folder.
    pub after: Option<Value>,
}

impl Difference {
    /// What kind of thing it is: city, unit, succession, map feature, metric, category,
    /// formality, online service, device, detector.
    pub const fn noun(&self) -> &'static str {
        self.noun.name
    }

    /// Whether it is a device that the folder does not have. Such a device may have been accepted.
    pub fn is_missing_device(&self) -> bool {
        self.noun.name == noun::DEVICE && self.change == Change::Missing
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noun, key) = (self.noun.name, &self.key);
        match (self.change, &self.before, &self.after) {
            (Change::Changed, Some(before), Some(after)) => {
                write!(f, "changed  {noun} {key}: {}", spell(before, after))
            }
            (Change::Missing, ..) => write!(f, "missing  {noun} {key}: only in the registry"),
            (Change::Added | Change::Changed, ..) => {
                let name = self.after.as_ref().and_then(|row| row["name_vi"].as_str());
                write!(f, "added    {noun} {key}")?;
                name.map_or(Ok(()), |name| write!(f, " ({name})"))
            }
        }
    }
}

/// `lon 105.1 becomes 105.2, geometry differs`
fn spell(before: &Value, after: &Value) -> String {
    let columns = differing(before, after).into_iter().map(|column| {
        let (before, after) = (before[column].to_string(), after[column].to_string());
        if before.chars().count().max(after.chars().count()) > SPELLED_OUT_MAX {
            format!("{column} differs")
        } else {
            format!("{column} {before} becomes {after}")
        }
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// The columns of `after` in which `before` has another value.
fn differing<'a>(before: &Value, after: &'a Value) -> Vec<&'a str> {
    let columns = after.as_object().into_iter().flatten();
    columns
        .filter(|(column, value)| !same(&before[column.as_str()], value))
        .map(|(column, _)| column.as_str())
        .collect()
}

/// Equal by value: the database writes 13.0 as 13.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (a, b) => a == b,
    }
}

/// What differs between the folder (`city` with these devices) and the registry, in the order in which
/// it is taken over.
///
/// A lane or zone that only the registry has is no difference: devices report them by themselves. A
/// retired device that the folder does not have is none either.
pub async fn differences(
    client: &impl GenericClient,
    city: &City,
    devices: &[Device],
) -> Result<Vec<Difference>, StoreError> {
    let mut all = Vec::new();
    for noun in NOUNS {
        let found = read(client, noun).await?;
        let wanted = folder::rows(noun, city, devices);
        all.extend(compare(noun, &found, wanted));
        if noun.name == noun::DEVICE {
            all.extend(moved_areas(noun, city, devices, &found));
        }
    }
    Ok(all)
}

async fn read(client: &impl GenericClient, noun: &'static Noun) -> Result<Rows, StoreError> {
    client
        .query(noun.select, &[])
        .await
        .map(|rows| rows.iter().map(|row| (row.get(0), row.get(1))).collect())
        .map_err(|error| StoreError::of("compare the city folder", error))
}

fn compare(noun: &'static Noun, found: &Rows, wanted: Rows) -> Vec<Difference> {
    let missing = found.iter().filter(|(key, row)| {
        !noun.remove.is_empty() && !wanted.contains_key(*key) && row["retired"] != Value::Bool(true)
    });
    let missing: Vec<_> = missing
        .map(|(key, row)| Difference {
            noun,
            key: key.clone(),
            change: Change::Missing,
            before: Some(row.clone()),
            after: None,
        })
        .collect();
    let present = wanted.into_iter().filter_map(|(key, after)| {
        let before = found.get(&key).cloned();
        let change = match &before {
            None => Change::Added,
            Some(before) if !differing(before, &after).is_empty() => Change::Changed,
            Some(_) => return None,
        };
        Some(Difference { noun, key, change, before, after: Some(after) })
    });
    present.chain(missing).collect()
}

/// Devices that only the registry has and that now lie in another area, because areas were redrawn.
fn moved_areas(
    noun: &'static Noun,
    city: &City,
    devices: &[Device],
    found: &Rows,
) -> Vec<Difference> {
    let known: std::collections::HashSet<&str> =
        devices.iter().map(|device| device.source.as_str()).collect();
    let moved = found.iter().filter(|(source, _)| !known.contains(source.as_str()));
    moved
        .filter_map(|(source, row)| {
            let (lon, lat) = (row["lon"].as_f64()?, row["lat"].as_f64()?);
            let mut after = row.clone();
            after["area"] = city.area_of(lon, lat).map(|area| area.id.clone()).into();
            let in_service = row["retired"] == Value::Bool(false);
            (in_service && !differing(row, &after).is_empty()).then(|| Difference {
                noun,
                key: source.clone(),
                change: Change::Changed,
                before: Some(row.clone()),
                after: Some(after),
            })
        })
        .collect()
}

/// Who takes a folder over, when, and how far.
#[derive(Debug, Clone, Copy)]
pub struct Apply<'a> {
    /// Who the journal names.
    pub who: &'a str,
    /// Hub clock.
    pub now: DateTime<Utc>,
    /// Whether devices that the folder does not have are retired; otherwise they are left as they are.
    pub retire: bool,
}

/// Takes over what differs, in one transaction, with one journal row per change. Returns what was
/// changed; devices that only the registry has are left out unless they were retired.
pub async fn apply(
    client: &mut Client,
    city: &City,
    devices: &[Device],
    options: Apply<'_>,
) -> Result<Vec<Difference>, StoreError> {
    let failed = |error| StoreError::of("take the city folder over", error);
    let transaction = client.transaction().await.map_err(failed)?;
    let mut differences = differences(&transaction, city, devices).await?;
    differences.retain(|difference| options.retire || !difference.is_missing_device());
    // What refers to something is added after it and removed before it.
    let (removed, kept): (Vec<_>, Vec<_>) =
        differences.iter().partition(|difference| difference.change == Change::Missing);
    for difference in kept.into_iter().chain(removed.into_iter().rev()) {
        let noun = difference.noun;
        let (statement, action) = match difference.change {
            Change::Added => (noun.insert, noun.actions[0]),
            Change::Changed => (noun.update, noun.actions[1]),
            Change::Missing => (noun.remove, noun.actions[2]),
        };
        let (before, after) = (difference.before.clone(), difference.after.clone());
        let mut row = after.clone().or_else(|| before.clone()).unwrap_or_default();
        row["now"] = Value::String(options.now.to_rfc3339());
        transaction.execute(statement, &[&row]).await.map_err(failed)?;
        let (at, who, object) = (options.now, options.who, difference.key.as_str());
        let entry = JournalEntry { at, who, action, object, before, after };
        journal::insert(&transaction, &entry).await?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(differences)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(rows: &[(&str, Value)]) -> Rows {
        rows.iter().map(|(key, row)| ((*key).to_owned(), row.clone())).collect()
    }

    fn noun(name: &str) -> &'static Noun {
        NOUNS.iter().find(|noun| noun.name == name).unwrap()
    }

    #[test]
    fn a_number_is_compared_by_value_and_not_by_its_digits() {
        assert!(same(&json!({"zoom": 13, "a": [1.0]}), &json!({"zoom": 13.0, "a": [1]})));
        assert!(!same(&json!({"zoom": 13}), &json!({"zoom": 13.5})));
        assert!(!same(&json!([1, 2]), &json!([1])));
        assert!(!same(&json!({"a": null}), &json!({"b": null})));
    }

    #[test]
    fn each_difference_is_one_line_that_names_what_changes() {
        let found = rows(&[
            ("a", json!({"name_vi": "Cũ", "lon": 105.1, "geometry": "x".repeat(99)})),
            ("b", json!({"name_vi": "Bê"})),
            ("c", json!({"name_vi": "Xê"})),
        ]);
        let wanted = rows(&[
            ("a", json!({"name_vi": "Mới", "lon": 105.2, "geometry": "y"})),
            ("c", json!({"name_vi": "Xê"})),
            ("d", json!({"name_vi": "Dê"})),
        ]);
        let lines: Vec<_> =
            compare(noun("map feature"), &found, wanted).iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "changed  map feature a: geometry differs, lon 105.1 becomes 105.2, \
                 name_vi \"Cũ\" becomes \"Mới\"",
                "added    map feature d (Dê)",
                "missing  map feature b: only in the registry",
            ]
        );
    }

    #[test]
    fn a_lane_that_a_device_reported_by_itself_is_no_difference() {
        let found = rows(&[("vds-1 lane/9", json!({"name_vi": "lane/9"}))]);
        assert!(compare(noun("detector"), &found, Rows::new()).is_empty());
    }

    #[test]
    fn a_retired_device_that_the_folder_does_not_have_is_no_difference() {
        let found = rows(&[("a", json!({"retired": true})), ("b", json!({"retired": false}))]);
        let missing = compare(noun(noun::DEVICE), &found, Rows::new());
        assert_eq!(missing.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(missing[0].is_missing_device());
    }
}
