//! What is wrong with a message while it is being read, before it becomes a [`Reject`].
//!
//! A fault is built where it is found, gets its path on the way out, and says whether the text can
//! be read on behind it: broken JSON cannot, a value that is out of range can.

use std::{borrow::Cow, fmt::Write as _};

use crate::reject::{Reason, Reject};

/// One step of a path.
#[derive(Debug, Clone, Copy)]
enum Step {
    Key(&'static str),
    Index(usize),
}

/// What is wrong, and where. Boxed, because results travel through every value that is read.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    reason: Reason,
    /// The text cannot be read on, or must not be.
    fatal: bool,
    /// From the innermost step outwards.
    path: Vec<Step>,
    expected: Cow<'static, str>,
    /// Byte offset of the value at fault, when it says something.
    at: Option<usize>,
}

/// Longest piece of a value that is repeated in a reject, in characters.
const FOUND_MAX: usize = 40;

impl Fault {
    /// A value that the contract refuses, at byte `at`.
    #[cold]
    pub(super) fn value(reason: Reason, expected: impl Into<Cow<'static, str>>, at: usize) -> Self {
        Self::new(reason, false, expected.into(), Some(at))
    }

    /// A value that is missing, or stands there twice: there is nothing to show of it.
    #[cold]
    pub(super) fn absent(reason: Reason, expected: impl Into<Cow<'static, str>>) -> Self {
        Self::new(reason, false, expected.into(), None)
    }

    /// Readable JSON against a rule of the contract.
    #[cold]
    pub(super) fn rule(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Reason::Json, true, what.into(), None)
    }

    /// Text that is no JSON, at byte `at`.
    #[cold]
    pub(super) fn text(what: &'static str, at: usize) -> Self {
        Self::new(Reason::Json, true, format!("{what} at byte {at}").into(), None)
    }

    fn new(reason: Reason, fatal: bool, expected: Cow<'static, str>, at: Option<usize>) -> Self {
        Self(Box::new(Inner { reason, fatal, path: Vec::new(), expected, at }))
    }

    /// The fault as seen from the object that holds `key`.
    #[cold]
    pub(super) fn under(mut self, key: &'static str) -> Self {
        self.0.path.push(Step::Key(key));
        self
    }

    /// The same for a fault that is kept in a list.
    #[cold]
    pub(super) fn add_key(&mut self, key: &'static str) {
        self.0.path.push(Step::Key(key));
    }

    /// The fault as seen from the list that holds item `index`.
    #[cold]
    pub(super) fn at_index(mut self, index: usize) -> Self {
        self.0.path.push(Step::Index(index));
        self
    }

    pub(super) fn reason(&self) -> Reason {
        self.0.reason
    }

    pub(super) fn is_fatal(&self) -> bool {
        self.0.fatal
    }

    /// The fault without its path, which leads through keys that the contract does not know.
    #[cold]
    pub(super) fn without_path(mut self) -> Self {
        self.0.path.clear();
        self
    }

    /// The reject of this fault. `payload` shows what was found; `None` keeps it secret.
    pub(super) fn into_reject(self, payload: Option<&str>) -> Reject {
        let Inner { reason, path, expected, at, .. } = *self.0;
        let mut field = String::new();
        for step in path.iter().rev() {
            match step {
                Step::Key(key) if field.is_empty() => field.push_str(key),
                Step::Key(key) => _ = write!(field, ".{key}"),
                Step::Index(index) => _ = write!(field, "[{index}]"),
            }
        }
        let mut detail = expected.into_owned();
        if let (Some(text), Some(at)) = (payload, at) {
            _ = write!(detail, ", found {}", found(text.get(at..).unwrap_or_default()));
        }
        Reject { reason, field, detail }
    }
}

/// What stands at the begin of `text`, shortened.
fn found(text: &str) -> Cow<'_, str> {
    let end = match text.bytes().next() {
        Some(b'{') => return "an object".into(),
        Some(b'[') => return "a list".into(),
        Some(b'"') => text.get(1..).and_then(|rest| rest.find('"')).map_or(text.len(), |n| n + 2),
        _ => text.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(text.len()),
    };
    let value = text.get(..end).unwrap_or(text);
    match value.char_indices().nth(FOUND_MAX) {
        Some((cut, _)) => format!("{}…", &value[..cut]).into(),
        None => value.into(),
    }
}
