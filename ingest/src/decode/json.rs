//! Reads JSON text value by value, as strictly as the contract asks.
//!
//! A reader pulls what it expects and gets a [`Fault`] where something else stands. Nesting deeper
//! than 16 and duplicate keys are refused everywhere, below unknown keys too, so no input can exhaust
//! the stack; numbers that a double cannot hold count as not finite. Strings without escapes are
//! borrowed. A general parser would do the same work twice: it knows neither which value can be
//! refused alone, nor the digits of a number behind its double (0.183 has to become 1830 exactly).

mod scalar;

use std::{borrow::Cow, marker::PhantomData};

use super::{DEPTH_MAX, fault::Fault};
use crate::reject::Reason;

/// The keys that an object may have; others are ignored.
pub(super) trait Key: Copy + 'static {
    /// The key with this name.
    fn of(name: &str) -> Option<Self>;
    /// Its name.
    fn name(self) -> &'static str;
    /// Its number, below 64.
    fn number(self) -> u32;
}

/// Declares the keys of one object: an enum with the name of each.
macro_rules! keys {
    ($name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum $name {
            $($variant),+
        }

        impl $crate::decode::json::Key for $name {
            #[inline]
            fn of(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            #[inline]
            fn number(self) -> u32 {
                self as u32
            }
        }
    };
}
pub(super) use keys;

/// Which keys an object had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<K>(u64, PhantomData<K>);

impl<K: Key> Seen<K> {
    /// Refuses an object without `key`.
    #[inline]
    pub(super) fn require(self, key: K) -> Result<(), Fault> {
        if self.0 & (1 << key.number()) != 0 {
            return Ok(());
        }
        Err(Fault::absent(Reason::Missing, "is required").under(key.name()))
    }
}

impl<K> Seen<K> {
    /// The keys from number `first` on, as those of `L`, whose numbers start there at 0.
    pub(super) fn tail<L>(self, first: u32) -> Seen<L> {
        Seen(self.0 >> first, PhantomData)
    }
}

/// A place in JSON text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The byte at the current place; NUL, which no token starts with, at the end.
    #[inline]
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// The next byte that is no white space, not yet taken.
    #[inline]
    pub(super) fn peek(&mut self) -> u8 {
        loop {
            match self.byte() {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return byte,
            }
        }
    }

    /// Where the next value starts.
    #[inline]
    pub(super) fn place(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// Refuses anything but white space behind the message.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.peek();
        if self.at == self.text.len() {
            return Ok(());
        }
        Err(Fault::text("text behind the message", self.at))
    }

    /// Reads a value; one that is refused is skipped, so that what follows can be read.
    #[inline]
    pub(super) fn attempt<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<Result<T, Fault>, Fault> {
        let (at, depth) = (self.at, self.depth);
        match read(self) {
            Err(fault) if !fault.is_fatal() => {
                (self.at, self.depth) = (at, depth);
                self.skip()?;
                Ok(Err(fault))
            }
            Err(fault) => Err(fault),
            Ok(value) => Ok(Ok(value)),
        }
    }

    /// Reads an object: `field` reads the value of each key of `K`, other keys are skipped.
    #[inline]
    pub(super) fn object<K: Key>(
        &mut self,
        mut field: impl FnMut(&mut Self, K) -> Result<(), Fault>,
    ) -> Result<Seen<K>, Fault> {
        let mut seen = 0_u64;
        self.entries(|reader, name| {
            let Some(key) = K::of(name) else { return Ok(false) };
            let bit = 1 << key.number();
            if seen & bit != 0 {
                return Err(duplicate_key(name));
            }
            seen |= bit;
            match field(reader, key) {
                Ok(()) => Ok(true),
                Err(fault) => Err(fault.under(key.name())),
            }
        })?;
        Ok(Seen(seen, PhantomData))
    }

    /// Reads an object of free keys; the order of the text is kept, a key stands there once.
    pub(super) fn map(
        &mut self,
        mut entry: impl FnMut(&mut Self, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut names: Vec<String> = Vec::new();
        self.entries(|reader, name| {
            if names.iter().any(|other| other == name) {
                return Err(duplicate_key(name));
            }
            names.push(name.to_owned());
            entry(reader, name).map(|()| true)
        })
    }

    /// Reads the entries of an object. `entry` says whether it has read the value of the key; if
    /// not, the value is skipped and the key must not come twice.
    #[inline]
    fn entries(
        &mut self,
        mut entry: impl FnMut(&mut Self, &str) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        self.open(b'{', "must be an object")?;
        let mut unknown: Vec<Cow<'a, str>> = Vec::new();
        if self.peek() == b'}' {
            self.close();
            return Ok(());
        }
        loop {
            if self.peek() != b'"' {
                return Err(Fault::text("no key", self.at));
            }
            let name = self.quoted()?;
            if self.peek() != b':' {
                return Err(Fault::text("no colon", self.at));
            }
            self.at += 1;
            if !entry(self, &name)? {
                unknown.push(name);
                self.skip()?;
            }
            match self.peek() {
                b',' => self.at += 1,
                b'}' => break,
                _ => return Err(Fault::text("no comma or brace", self.at)),
            }
        }
        self.close();
        unknown.sort_unstable();
        match unknown.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(duplicate_key(&pair[0])),
            None => Ok(()),
        }
    }

    /// Reads a list of at most `max` items.
    #[inline]
    pub(super) fn list(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Self, usize) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let start = self.place();
        self.open(b'[', "must be a list")?;
        if self.peek() == b']' {
            self.close();
            return Ok(0);
        }
        let mut length = 0;
        loop {
            if length == max {
                let what = format!("must have at most {max} items");
                return Err(Fault::value(Reason::TooMany, what, start));
            }
            item(self, length).map_err(|fault| fault.at_index(length))?;
            length += 1;
            match self.peek() {
                b',' => self.at += 1,
                b']' => break,
                _ => return Err(Fault::text("no comma or bracket", self.at)),
            }
        }
        self.close();
        Ok(length)
    }

    #[inline]
    fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), Fault> {
        if self.peek() != bracket {
            return Err(self.unexpected(expected));
        }
        if self.depth == DEPTH_MAX {
            return Err(Fault::rule(format!("nested deeper than {DEPTH_MAX}")));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    /// The fault of a value that is not of the expected type.
    #[cold]
    pub(super) fn unexpected(&mut self, expected: &'static str) -> Fault {
        match self.peek() {
            b'n' if self.text[self.at..].starts_with("null") => {
                Fault::absent(Reason::Missing, "is null and required")
            }
            b'{' | b'[' | b'"' | b't' | b'f' | b'n' | b'-' | b'0'..=b'9' => {
                Fault::value(Reason::Type, expected, self.at)
            }
            _ => Fault::text("no value", self.at),
        }
    }

    /// Reads over one value, by all rules of JSON and of the contract.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        match self.peek() {
            b'{' => self.entries(|_, _| Ok(false)),
            b'[' => match self.list(usize::MAX, |reader, _| reader.skip()) {
                Ok(_) => Ok(()),
                Err(fault) => Err(fault.without_path()),
            },
            b'"' => self.quoted().map(|_| ()),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => self.number().map(|_| ()),
        }
    }
}

#[cold]
fn duplicate_key(name: &str) -> Fault {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Fault::rule(format!("duplicate key {:?}", super::personal::mask_text(&shown)))
}
