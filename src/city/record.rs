//! One row, table or feature of a city file, read value by value.
//!
//! CSV rows, TOML tables and `GeoJSON` properties all become a [`Record`]; every accessor reports what
//! it refuses with file, place, key and what is allowed, and returns null, so that a reader goes on
//! and finds the next error too. Texts are trimmed, not empty, and in Unicode NFC.

use std::{collections::BTreeMap, ops::RangeInclusive};

use chrono::NaiveDate;
use ioc_ingest::{Source, topic::is_token};
use serde_json::Value;
use unicode_normalization::is_nfc;

use super::problem::{At, Cause, Problems, nearest};

/// A value with the place that it was read from.
#[derive(Debug, Clone)]
pub(crate) struct Located<T> {
    /// Where it stands.
    pub(crate) at: At,
    /// The value.
    pub(crate) value: T,
}

/// A value of a record and its place.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// One row, table or feature.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) file: &'static str,
    pub(crate) at: At,
    /// Values by column, key or property.
    pub(crate) fields: BTreeMap<String, Field>,
    /// Tables inside of this one (TOML only).
    pub(crate) children: BTreeMap<String, Vec<Record>>,
}

impl Record {
    /// `value` at this record's place.
    pub(crate) fn locate<T>(&self, value: T) -> Located<T> {
        Located { at: self.at, value }
    }

    /// The tables under `key`; none when there is no such key.
    pub(crate) fn tables(&self, key: &str) -> &[Self] {
        self.children.get(key).map_or(&[][..], Vec::as_slice)
    }

    /// Reports `cause` at `key`.
    pub(crate) fn report(&self, key: &str, cause: Cause, problems: &mut Problems) {
        let at = self.fields.get(key).map_or(self.at, |field| field.at);
        problems.add(self.file, at, key, cause);
    }

    /// Reports every key that is not in `allowed`.
    pub(crate) fn refuse_unknown(&self, allowed: &[&str], problems: &mut Problems) {
        let keys = self.fields.iter().map(|(key, field)| (key, field.at));
        let tables = self.children.iter().filter_map(|(key, list)| Some((key, list.first()?.at)));
        for (key, at) in keys.chain(tables).filter(|(key, _)| !allowed.contains(&key.as_str())) {
            let cause = Cause::UnknownKey {
                allowed: allowed.join(", "),
                suggestion: nearest(key, allowed.iter().copied()),
            };
            problems.add(self.file, at, key, cause);
        }
    }

    /// Reads `key` with `read` where it has a value: null inside when it has none, null outside when
    /// the value was refused.
    #[expect(clippy::option_option, reason = "outer null: refused; inner null: not given")]
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        problems: &mut Problems,
        read: impl FnOnce(&Self, &str, &mut Problems) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.fields.get(key) {
            None => Some(None),
            Some(field) if field.value.is_null() => Some(None),
            Some(_) => read(self, key, problems).map(Some),
        }
    }

    /// The value of `key`, which must be there.
    fn value(&self, key: &str, allowed: &str, problems: &mut Problems) -> Option<&Value> {
        let value = self.fields.get(key).map(|field| &field.value).filter(|value| !value.is_null());
        if value.is_none() {
            self.report(key, Cause::Missing { allowed: allowed.to_owned() }, problems);
        }
        value
    }

    /// Reports that the value of `key` is not allowed; returns null for the caller to pass on.
    pub(crate) fn refuse<T>(&self, key: &str, allowed: &str, problems: &mut Problems) -> Option<T> {
        let found = match self.fields.get(key).map(|field| &field.value) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let cause = Cause::Value { found, allowed: allowed.to_owned(), suggestion: None };
        self.report(key, cause, problems);
        None
    }

    /// A text, trimmed, not empty, NFC.
    pub(crate) fn text(&self, key: &str, problems: &mut Problems) -> Option<String> {
        const ALLOWED: &str = "a text";
        let Value::String(text) = self.value(key, ALLOWED, problems)? else {
            return self.refuse(key, ALLOWED, problems);
        };
        if text.trim().is_empty() {
            return self.refuse(key, ALLOWED, problems);
        }
        if !is_nfc(text) {
            return self.refuse(key, "a text in Unicode NFC (composed diacritics)", problems);
        }
        Some(text.trim().to_owned())
    }

    /// A token of the contract: 1 to 64 characters of `a-z 0-9 - _ .`
    pub(crate) fn token(&self, key: &str, problems: &mut Problems) -> Option<String> {
        let text = self.text(key, problems)?;
        if is_token(&text) {
            return Some(text);
        }
        self.refuse(key, "1 to 64 characters of a-z 0-9 - _ .", problems)
    }

    /// The token of a source.
    pub(crate) fn source(&self, key: &str, problems: &mut Problems) -> Option<Source> {
        let token = self.token(key, problems)?;
        Source::parse(&token).ok()
    }

    /// The code of a unit: `gso:` with digits, or `agency:` with letters, digits and dots.
    pub(crate) fn unit_code(&self, key: &str, problems: &mut Problems) -> Option<String> {
        let code = self.text(key, problems)?;
        let gso = |rest: &str| (2..=5).contains(&rest.len()) && rest.bytes().all(digit);
        let agency = |rest: &str| {
            rest.split('.').all(|part| {
                !part.is_empty() && part.bytes().all(|b| digit(b) || b.is_ascii_uppercase())
            })
        };
        if code.strip_prefix("gso:").is_some_and(gso)
            || code.strip_prefix("agency:").is_some_and(agency)
        {
            return Some(code);
        }
        self.refuse(key, "gso: with 2 to 5 digits, or agency: with A-Z 0-9 and dots", problems)
    }

    /// One of `all` by its word.
    pub(crate) fn choice<T: Copy>(
        &self,
        key: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
        problems: &mut Problems,
    ) -> Option<T> {
        let text = self.text(key, problems)?;
        let found = all.iter().copied().find(|candidate| word(*candidate) == text);
        if found.is_none() {
            let words: Vec<_> = all.iter().map(|candidate| word(*candidate)).collect();
            let suggestion = nearest(&text, words.iter().copied());
            let cause = Cause::Value { found: text, allowed: words.join(", "), suggestion };
            self.report(key, cause, problems);
        }
        found
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        const ALLOWED: &str = "true or false";
        match self.value(key, ALLOWED, problems)? {
            Value::Bool(value) => Some(*value),
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            _ => self.refuse(key, ALLOWED, problems),
        }
    }

    /// A finite number in `range`.
    pub(crate) fn number(
        &self,
        key: &str,
        range: RangeInclusive<f64>,
        problems: &mut Problems,
    ) -> Option<f64> {
        let allowed = format!("a number from {} to {}", range.start(), range.end());
        let number = match self.value(key, &allowed, problems)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.refuse(key, &allowed, problems),
        }
    }

    /// A number with at most `decimals` digits after the point, as integer of that last digit;
    /// `range` is of that integer.
    pub(crate) fn fixed<T: TryFrom<u64>>(
        &self,
        key: &str,
        decimals: u32,
        range: RangeInclusive<u64>,
        problems: &mut Problems,
    ) -> Option<T> {
        let unit = |value: u64| decimal_text(value, decimals);
        let allowed = format!(
            "a number from {} to {} with at most {decimals} decimals",
            unit(*range.start()),
            unit(*range.end())
        );
        let text = match self.value(key, &allowed, problems)? {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            _ => return self.refuse(key, &allowed, problems),
        };
        let value = fixed_point(&text, decimals).filter(|value| range.contains(value));
        match value.and_then(|value| T::try_from(value).ok()) {
            Some(value) => Some(value),
            None => self.refuse(key, &allowed, problems),
        }
    }

    /// A civil day, `YYYY-MM-DD`.
    pub(crate) fn date(&self, key: &str, problems: &mut Problems) -> Option<NaiveDate> {
        const ALLOWED: &str = "a day, YYYY-MM-DD";
        let text = match self.value(key, ALLOWED, problems)? {
            Value::String(text) => text.as_str(),
            _ => return self.refuse(key, ALLOWED, problems),
        };
        match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            // The parser takes 2021-1-1 too; one way of writing keeps files comparable.
            Ok(day) if text.len() == 10 => Some(day),
            _ => self.refuse(key, ALLOWED, problems),
        }
    }

    /// A list of texts; a missing key is an empty list.
    pub(crate) fn texts(&self, key: &str, problems: &mut Problems) -> Option<Vec<String>> {
        let list = match self.fields.get(key).map(|field| &field.value) {
            None => return Some(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(_) => return self.refuse(key, "a list of texts", problems),
        };
        let texts: Option<Vec<_>> = list
            .iter()
            .map(|item| item.as_str().filter(|text| !text.is_empty() && is_nfc(text)))
            .map(|text| text.map(str::to_owned))
            .collect();
        texts.or_else(|| self.refuse(key, "a list of texts in Unicode NFC", problems))
    }

    /// A list of exactly `N` numbers.
    pub(crate) fn numbers<const N: usize>(
        &self,
        key: &str,
        problems: &mut Problems,
    ) -> Option<[f64; N]> {
        let allowed = format!("a list of {N} numbers");
        let numbers: Option<Vec<f64>> = match self.value(key, &allowed, problems)? {
            Value::Array(list) => list.iter().map(Value::as_f64).collect(),
            _ => None,
        };
        match numbers.and_then(|numbers| <[f64; N]>::try_from(numbers).ok()) {
            Some(numbers) => Some(numbers),
            None => self.refuse(key, &allowed, problems),
        }
    }
}

fn digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Reads "1.83" with `decimals` 2 as 183.
fn fixed_point(text: &str, decimals: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = match fraction.trim_end_matches('0') {
        kept if kept.len() <= decimals as usize => kept,
        _ => return None,
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(digit) {
        return None;
    }
    format!("{whole}{fraction:0<width$}", width = decimals as usize).parse().ok()
}

/// Writes 183 with `decimals` 2 as "1.83".
fn decimal_text(value: u64, decimals: u32) -> String {
    let scale = 10_u64.pow(decimals);
    match value % scale {
        0 => (value / scale).to_string(),
        fraction => format!("{}.{fraction:0width$}", value / scale, width = decimals as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_keeps_every_digit_and_refuses_more() {
        assert_eq!(fixed_point("1.83", 2), Some(183));
        assert_eq!(fixed_point("1.80", 1), Some(18));
        assert_eq!(fixed_point("7", 4), Some(70_000));
        for bad in ["1.835", "-1", "", ".5", "1e3", "1,83"] {
            assert_eq!(fixed_point(bad, 2), None, "{bad}");
        }
        assert_eq!(decimal_text(183, 2), "1.83");
        assert_eq!(decimal_text(20_000, 4), "2");
    }
}
