//! Typed fields of messages: what a value must be, read from its place in the text.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{
    fault::Fault,
    json::Reader,
    number::Quantity,
    time::{self, TIME_TEXT_MAX},
};
use crate::{reject::Reason, topic::is_token, word::Word};

/// Longest code of another system, in characters.
pub(super) const CODE_MAX: usize = 64;

impl Reader<'_> {
    /// Reads a value that may be null.
    #[inline]
    pub(super) fn nullable<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        if self.null()? { Ok(None) } else { read(self).map(Some) }
    }

    /// Reads a measured quantity into fixed point, rounded half away from zero.
    #[inline]
    pub(super) fn fixed<T: TryFrom<i64>>(&mut self, quantity: Quantity) -> Result<T, Fault> {
        let at = self.place();
        let value = self.number()?.fixed(quantity).and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| Fault::value(Reason::Range, quantity.range(), at))
    }

    /// Reads a count, a number or a code: a quantity that must be whole.
    #[inline]
    pub(super) fn whole<T: TryFrom<i64>>(&mut self, quantity: Quantity) -> Result<T, Fault> {
        let at = self.place();
        if let Some(value) = self.short_whole() {
            return quantity
                .take_whole(value)
                .and_then(|value| T::try_from(value).ok())
                .ok_or_else(|| Fault::value(Reason::Range, quantity.range(), at));
        }
        let number = self.number()?;
        if !number.is_whole() {
            return Err(Fault::value(Reason::Type, "must be a whole number", at));
        }
        let value = number.fixed(quantity).and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| Fault::value(Reason::Range, quantity.range(), at))
    }

    /// Reads a double within `-limit..=limit`.
    pub(super) fn double_within(&mut self, limit: f64) -> Result<f64, Fault> {
        let at = self.place();
        let value = self.double()?;
        if value.abs() <= limit {
            return Ok(value);
        }
        Err(Fault::value(Reason::Range, format!("must be -{limit} to {limit}"), at))
    }

    /// Reads an RFC 3339 time with offset.
    #[inline]
    pub(super) fn time(&mut self) -> Result<DateTime<Utc>, Fault> {
        let at = self.place();
        let text = self.string()?;
        let time = if text.len() <= TIME_TEXT_MAX { time::parse(&text) } else { None };
        let expected = "must be an RFC 3339 time with offset, like 2026-03-02T01:15:00.300Z";
        time.ok_or_else(|| Fault::value(Reason::Range, expected, at))
    }

    /// Reads one of a closed list of words.
    pub(super) fn word<T: Word>(&mut self) -> Result<T, Fault> {
        let at = self.place();
        let text = self.string()?;
        T::parse(&text).ok_or_else(|| {
            let words: Vec<_> = T::ALL.iter().map(|word| word.as_str()).collect();
            Fault::value(Reason::Range, format!("must be one of {}", words.join(", ")), at)
        })
    }

    /// Reads a token: 1 to 64 characters of `a-z 0-9 - _ .`.
    pub(super) fn token(&mut self) -> Result<Box<str>, Fault> {
        self.checked(is_token, "must be 1 to 64 characters of a-z 0-9 - _ .")
    }

    /// Reads a code of another system: 1 to 64 characters of `A-Z a-z 0-9 - _ . : /`.
    pub(super) fn code(&mut self) -> Result<Box<str>, Fault> {
        self.checked(is_code, "must be 1 to 64 characters of A-Z a-z 0-9 - _ . : /")
    }

    /// Reads an administrative unit, `gso:31135` or `agency:H13.05`.
    pub(super) fn unit(&mut self) -> Result<Box<str>, Fault> {
        self.checked(is_unit, "must be gso: and 2 to 5 digits, or agency: and an agency code")
    }

    fn checked(
        &mut self,
        check: impl FnOnce(&str) -> bool,
        expected: &'static str,
    ) -> Result<Box<str>, Fault> {
        let at = self.place();
        let text = self.string()?;
        if check(&text) { Ok(boxed(text)) } else { Err(Fault::value(Reason::Range, expected, at)) }
    }

    /// Reads a text of 1 to `max` characters without control characters (line breaks and
    /// tabulators if `lines`). NUL above all: the database cannot hold it.
    pub(super) fn text(&mut self, max: usize, lines: bool) -> Result<Box<str>, Fault> {
        let at = self.place();
        let text = self.string()?;
        let good = |c: char| !c.is_control() || (lines && matches!(c, '\n' | '\r' | '\t'));
        if (1..=max).contains(&text.chars().count()) && text.chars().all(good) {
            return Ok(boxed(text));
        }
        let expected = format!("must be 1 to {max} characters without control characters");
        Err(Fault::value(Reason::Range, expected, at))
    }
}

fn boxed(text: Cow<'_, str>) -> Box<str> {
    match text {
        Cow::Borrowed(text) => text.into(),
        Cow::Owned(text) => text.into(),
    }
}

fn is_code(text: &str) -> bool {
    (1..=CODE_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b))
}

fn is_unit(text: &str) -> bool {
    if let Some(code) = text.strip_prefix("gso:") {
        return (2..=5).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    }
    text.strip_prefix("agency:").is_some_and(|code| {
        (1..=CODE_MAX).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
    })
}
