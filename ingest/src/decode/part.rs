//! Lists whose bad items are refused alone: lanes, zones, events.

use super::{fault::Fault, json::Reader};
use crate::reject::Reason;

/// Room for the items of a usual message, so that most lists are allocated once.
const USUAL: usize = 8;

/// Reads a list of at most `max` items. Refused items go to `refused` with their path below `key`;
/// of items that are the `same`, the first is kept. A list of bad items only is refused whole.
#[inline]
pub(super) fn parts<T>(
    reader: &mut Reader<'_>,
    key: &'static str,
    max: usize,
    refused: &mut Vec<Fault>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, Fault>,
    mut same: impl FnMut(&[T], &T) -> bool,
) -> Result<Vec<T>, Fault> {
    let mut items = Vec::with_capacity(USUAL);
    let before = refused.len();
    reader.list(max, |reader, index| {
        let item = reader.attempt(&mut read)?.and_then(|item| {
            if same(&items, &item) {
                return Err(Fault::absent(Reason::Duplicate, "stands twice in the message"));
            }
            Ok(item)
        });
        match item {
            Ok(item) => items.push(item),
            Err(fault) => refused.push(fault.at_index(index)),
        }
        Ok(())
    })?;
    if items.is_empty() && refused.len() > before {
        return Err(refused.swap_remove(before));
    }
    for fault in &mut refused[before..] {
        fault.add_key(key);
    }
    Ok(items)
}

/// Refuses an empty list of what a message is about.
pub(super) fn at_least_one<T>(items: Vec<T>) -> Result<Vec<T>, Fault> {
    if items.is_empty() {
        return Err(Fault::absent(Reason::Missing, "must have at least one item"));
    }
    Ok(items)
}
