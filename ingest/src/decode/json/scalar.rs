//! Values of JSON that hold no others: literals, strings, numbers.

use std::borrow::Cow;

use super::Reader;
use crate::decode::{fault::Fault, number::Number};

/// Digits of a short number, far from the end of 64 bits.
const SHORT_DIGITS: usize = 16;

impl<'a> Reader<'a> {
    /// Takes a `null`, if one stands here.
    #[inline]
    pub(in crate::decode) fn null(&mut self) -> Result<bool, Fault> {
        if self.peek() != b'n' {
            return Ok(false);
        }
        self.literal("null").map(|()| true)
    }

    /// Reads `true` or `false`.
    pub(in crate::decode) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.peek() {
            b't' => self.literal("true").map(|()| true),
            b'f' => self.literal("false").map(|()| false),
            _ => Err(self.unexpected("must be true or false")),
        }
    }

    pub(super) fn literal(&mut self, word: &'static str) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Fault::text("no value", self.at));
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a string, borrowed when it has no escapes.
    #[inline]
    pub(in crate::decode) fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != b'"' {
            return Err(self.unexpected("must be a string"));
        }
        self.quoted()
    }

    /// Reads the string whose opening quote stands here.
    #[inline]
    pub(super) fn quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = start;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => return self.escaped(start, end).map(Cow::Owned),
                Some(0..=0x1f) => return Err(Fault::text("control character in a string", end)),
                Some(_) => end += 1,
                None => return Err(Fault::text("string without end", self.at)),
            }
        }
        self.at = end + 1;
        Ok(Cow::Borrowed(&self.text[start..end]))
    }

    /// Reads a string from `start` on, whose first escape stands at `end`.
    #[cold]
    fn escaped(&mut self, mut start: usize, mut end: usize) -> Result<String, Fault> {
        let bytes = self.text.as_bytes();
        let mut value = String::new();
        loop {
            match bytes.get(end) {
                Some(b'"') => {
                    value.push_str(&self.text[start..end]);
                    self.at = end + 1;
                    return Ok(value);
                }
                Some(b'\\') => {
                    value.push_str(&self.text[start..end]);
                    let (character, length) =
                        escape(&bytes[end..]).ok_or_else(|| Fault::text("no escape", end))?;
                    value.push(character);
                    end += length;
                    start = end;
                }
                Some(0..=0x1f) => return Err(Fault::text("control character in a string", end)),
                Some(_) => end += 1,
                None => return Err(Fault::text("string without end", self.at)),
            }
        }
    }

    /// Takes a short whole number without sign, if one stands here: most numbers are, and the bench
    /// shows what this saves.
    #[inline]
    pub(in crate::decode) fn short_whole(&mut self) -> Option<u64> {
        let bytes = &self.text.as_bytes()[self.at..];
        let (mut value, mut length) = (0, 0);
        while let Some(digit @ b'0'..=b'9') = bytes.get(length) {
            value = value * 10 + u64::from(digit - b'0');
            length += 1;
            if length > SHORT_DIGITS {
                return None;
            }
        }
        let goes_on = matches!(bytes.get(length), Some(b'.' | b'e' | b'E'));
        if length == 0 || goes_on || (length > 1 && bytes[0] == b'0') {
            return None;
        }
        self.at += length;
        Some(value)
    }

    /// Reads a number, exactly.
    #[inline]
    pub(in crate::decode) fn number(&mut self) -> Result<Number, Fault> {
        let first = self.peek();
        if first != b'-' && !first.is_ascii_digit() {
            return Err(self.unexpected("must be a number"));
        }
        let start = self.at;
        let negative = first == b'-';
        self.at += usize::from(negative);
        let mut number = Number { negative, digits: 0, exponent: 0, cut: false };
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits(&mut number, 0)?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits(&mut number, 1)?;
        }
        if self.byte() | 0x20 == b'e' {
            self.exponent(&mut number)?;
        }
        // The largest double is below 10^309, and 20 digits are the most that are kept.
        if number.exponent > 288 && self.text[start..self.at].parse().is_ok_and(f64::is_infinite) {
            return Err(Fault::rule(format!("number that is not finite at byte {start}")));
        }
        Ok(number)
    }

    #[inline]
    fn digits(&mut self, number: &mut Number, places: i32) -> Result<(), Fault> {
        let start = self.at;
        for &byte in &self.text.as_bytes()[start..] {
            if !byte.is_ascii_digit() {
                break;
            }
            number.push(byte - b'0', places);
            self.at += 1;
        }
        if self.at == start { Err(Fault::text("no digit", start)) } else { Ok(()) }
    }

    #[cold]
    fn exponent(&mut self, number: &mut Number) -> Result<(), Fault> {
        self.at += 1;
        let negative = self.byte() == b'-';
        if matches!(self.byte(), b'+' | b'-') {
            self.at += 1;
        }
        let start = self.at;
        let mut exponent = 0_i32;
        while self.byte().is_ascii_digit() {
            exponent = exponent.saturating_mul(10).saturating_add(i32::from(self.byte() - b'0'));
            self.at += 1;
        }
        number.exponent =
            number.exponent.saturating_add(if negative { -exponent } else { exponent });
        if self.at == start { Err(Fault::text("no digit", start)) } else { Ok(()) }
    }

    /// Reads a number as the nearest double.
    pub(in crate::decode) fn double(&mut self) -> Result<f64, Fault> {
        let start = self.place();
        self.number()?;
        self.text[start..self.at].parse().map_err(|_| Fault::text("no number", start))
    }
}

/// The character of the escape at the begin of `bytes`, and the length of the escape in bytes.
fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let character = match bytes.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(bytes),
        _ => return None,
    };
    Some((character, 2))
}

fn unicode_escape(bytes: &[u8]) -> Option<(char, usize)> {
    let high = hex(bytes.get(2..6)?)?;
    if let Some(character) = char::from_u32(high) {
        return Some((character, 6));
    }
    if !(0xd800..0xdc00).contains(&high) || bytes.get(6..8)? != b"\\u" {
        return None;
    }
    let low = hex(bytes.get(8..12)?)?;
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|c| (c, 12))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}
