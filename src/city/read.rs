//! CSV, TOML and `GeoJSON` files of a city folder as [`Record`]s.
//!
//! A file that cannot be read or parsed is one error and yields no record.

use std::{collections::BTreeMap, path::Path};

use geojson::{FeatureCollection, GeometryValue};
use serde_json::Value;
use toml_edit::{Item, TableLike};

use super::{
    problem::{At, Cause, Problems, nearest},
    record::{Field, Record},
};

fn read_text(dir: &Path, file: &'static str, problems: &mut Problems) -> Option<String> {
    match std::fs::read_to_string(dir.join(file)) {
        // Spreadsheets put a byte order mark in front.
        Ok(text) => Some(text.trim_start_matches('\u{feff}').to_owned()),
        Err(error) => {
            problems.add(file, At::File, "", Cause::Read(error.to_string()));
            None
        }
    }
}

/// The rows of a CSV file with a header line that holds exactly `columns`, in any order. An empty
/// cell is null.
pub(crate) fn read_csv(
    dir: &Path,
    file: &'static str,
    columns: &[&str],
    problems: &mut Problems,
) -> Vec<Record> {
    let Some(text) = read_text(dir, file, problems) else { return Vec::new() };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            problems.add(file, At::Line(1), "", Cause::Syntax(error.to_string()));
            return Vec::new();
        }
    };
    if !check_header(file, &header, columns, problems) {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        match row {
            Ok(row) => rows.push(csv_record(file, &header, &row)),
            Err(error) => {
                let line = error.position().map_or(At::File, |place| At::Line(place.line()));
                problems.add(file, line, "", Cause::Syntax(error.to_string()));
            }
        }
    }
    rows
}

fn check_header(
    file: &'static str,
    header: &csv::StringRecord,
    columns: &[&str],
    problems: &mut Problems,
) -> bool {
    let before = problems.0.len();
    for found in header.iter().filter(|found| !columns.contains(found)) {
        let cause = Cause::UnknownKey {
            allowed: columns.join(", "),
            suggestion: nearest(found, columns.iter().copied()),
        };
        problems.add(file, At::Line(1), found, cause);
    }
    for column in columns.iter().filter(|column| !header.iter().any(|found| found == **column)) {
        let cause = Cause::Missing { allowed: format!("a column {column}") };
        problems.add(file, At::Line(1), column, cause);
    }
    problems.0.len() == before
}

fn csv_record(file: &'static str, header: &csv::StringRecord, row: &csv::StringRecord) -> Record {
    let at = row.position().map_or(At::File, |place| At::Line(place.line()));
    let cell = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
    let fields = header
        .iter()
        .zip(row)
        .map(|(column, text)| (column.to_owned(), Field { at, value: cell(text) }))
        .collect();
    Record { file, at, fields, children: BTreeMap::new() }
}

/// The root table of a TOML file.
pub(crate) fn read_toml(dir: &Path, file: &'static str, problems: &mut Problems) -> Option<Record> {
    let text = read_text(dir, file, problems)?;
    parse_toml(file, &text, problems)
}

/// The root table of the text of a TOML file, which messages call `file`.
pub(crate) fn parse_toml(
    file: &'static str,
    text: &str,
    problems: &mut Problems,
) -> Option<Record> {
    match toml_edit::Document::parse(text) {
        Ok(document) => Some(toml_record(file, text, At::Line(1), document.as_table())),
        Err(error) => {
            let at = error.span().map_or(At::File, |span| line_of(text, span.start));
            problems.add(file, at, "", Cause::Syntax(error.message().to_owned()));
            None
        }
    }
}

fn line_of(text: &str, offset: usize) -> At {
    let before = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    At::Line(before as u64 + 1)
}

fn toml_record(file: &'static str, text: &str, at: At, table: &dyn TableLike) -> Record {
    let mut record = Record { file, at, fields: BTreeMap::new(), children: BTreeMap::new() };
    for (name, item) in table.iter() {
        let span = table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
        let at = span.map_or(at, |span| line_of(text, span.start));
        let children = toml_children(file, text, at, item);
        if children.is_empty() {
            let value = item.as_value().map_or(Value::Null, toml_value);
            record.fields.insert(name.to_owned(), Field { at, value });
        } else {
            record.children.insert(name.to_owned(), children);
        }
    }
    record
}

/// The tables under `item`: one of a table, several of an array of tables (inline or not), none of
/// anything else.
fn toml_children(file: &'static str, text: &str, at: At, item: &Item) -> Vec<Record> {
    let place =
        |span: Option<std::ops::Range<usize>>| span.map_or(at, |span| line_of(text, span.start));
    if let Some(table) = item.as_table_like() {
        return vec![toml_record(file, text, at, table)];
    }
    if let Some(tables) = item.as_array_of_tables() {
        return tables
            .iter()
            .map(|table| toml_record(file, text, place(table.span()), table))
            .collect();
    }
    let inline = item.as_array().into_iter().flatten().filter_map(|value| {
        let table = value.as_inline_table()?;
        Some(toml_record(file, text, place(value.span()), table))
    });
    inline.collect()
}

fn toml_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(value) => Value::from(*value.value()),
        toml_edit::Value::Datetime(time) => Value::from(time.value().to_string()),
        toml_edit::Value::Array(list) => list.iter().map(toml_value).collect(),
        toml_edit::Value::InlineTable(_) => Value::Null,
    }
}

/// The features of a `GeoJSON` file with their geometry.
pub(crate) fn read_geojson(
    dir: &Path,
    file: &'static str,
    problems: &mut Problems,
) -> Vec<(Record, GeometryValue)> {
    let Some(text) = read_text(dir, file, problems) else { return Vec::new() };
    let collection: FeatureCollection = match text.parse() {
        Ok(collection) => collection,
        Err(error) => {
            problems.add(file, At::File, "", Cause::Syntax(error.to_string()));
            return Vec::new();
        }
    };
    let mut features = Vec::new();
    for (index, feature) in collection.features.into_iter().enumerate() {
        let at = At::Feature(index + 1);
        let Some(geometry) = feature.geometry else {
            problems.add(file, at, "geometry", Cause::Missing { allowed: "a geometry".into() });
            continue;
        };
        let properties = feature.properties.unwrap_or_default();
        let fields =
            properties.into_iter().map(|(key, value)| (key, Field { at, value })).collect();
        let record = Record { file, at, fields, children: BTreeMap::new() };
        features.push((record, geometry.value));
    }
    features
}
