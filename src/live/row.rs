//! Rows of the live channel as JSON text, written once and shared by all clients.

use std::fmt::{Display, Write as _};

use chrono::{DateTime, Utc};

/// Age at `now` in milliseconds; negative where the source's clock runs ahead.
pub(super) fn age_ms(time: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (now - time).num_milliseconds()
}

/// Writes one JSON array value by value. Writing into a `String` cannot fail.
pub(super) struct RowWriter<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> RowWriter<'a> {
    pub(super) fn begin(out: &'a mut String) -> Self {
        out.push('[');
        Self { out, first: true }
    }

    fn separate(&mut self) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
    }

    pub(super) fn number(&mut self, value: impl Display) -> &mut Self {
        self.separate();
        let _infallible = write!(self.out, "{value}");
        self
    }

    pub(super) fn optional(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.number(value),
            None => self.number("null"),
        }
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.separate();
        let _infallible = write!(self.out, "{}", serde_json::Value::from(value));
        self
    }

    pub(super) fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.number("null"),
        }
    }

    /// A value that `write` writes as JSON.
    pub(super) fn raw(&mut self, write: impl FnOnce(&mut String)) -> &mut Self {
        self.separate();
        write(self.out);
        self
    }

    /// A value of its own JSON form.
    pub(super) fn text_json(&mut self, value: &impl serde::Serialize) -> &mut Self {
        self.raw(|out| {
            out.push_str(&serde_json::to_string(value).unwrap_or_else(|_| "null".into()));
        })
    }

    pub(super) fn end(self) {
        self.out.push(']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_valid_json_with_escaped_text_and_null() {
        let mut out = String::new();
        let mut row = RowWriter::begin(&mut out);
        row.text("a\"b").number(1.5).optional(None::<u8>).optional_text(None).raw(|out| {
            out.push_str("[1]");
        });
        row.end();
        assert_eq!(out, r#"["a\"b",1.5,null,null,[1]]"#);
    }
}
