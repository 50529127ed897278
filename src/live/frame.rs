//! Frames of the live channel as JSON text.
//!
//! Bodies are written once; only the subscription's id stands before the shared part.

use std::fmt::Write as _;

use axum::extract::ws::Utf8Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::alarm::Extra;

/// Largest part of a snapshot, bytes; a larger snapshot comes in several parts.
pub const PART_BYTES: usize = 256 * 1024;
/// Room in a part for everything but the rows.
const PART_HEAD_BYTES: usize = 1024;

/// A place in the stream of changes of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(u64);

impl Cursor {
    /// Reads `EPOCH:VERSION`; null for another process's cursor or other text.
    pub fn parse(text: &str, epoch: &str) -> Option<Self> {
        let (of, version) = text.rsplit_once(':')?;
        (of == epoch).then(|| version.parse().ok().map(Self))?
    }

    pub(super) const fn version(self) -> u64 {
        self.0
    }
}

/// RFC 3339 with milliseconds and Z.
pub fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The part of a delta that all of its clients share.
pub(super) fn delta_body(
    (prev, cursor): (&str, &str),
    now: DateTime<Utc>,
    rows: &[String],
    extra: &Extra,
    stored: bool,
) -> String {
    let length: usize = rows.iter().map(|row| row.len() + 1).sum();
    let mut body = String::with_capacity(length + 160);
    let time = time_text(now);
    let _infallible =
        write!(body, "\"prev\":\"{prev}\",\"cursor\":\"{cursor}\",\"time\":\"{time}\",\"rows\":[");
    join(&mut body, rows);
    let removed = json!(extra.removed);
    let _infallible = write!(body, "],\"removed\":{removed}");
    if let Some(transitions) = &extra.transitions {
        body.push_str(",\"transitions\":[");
        join(&mut body, transitions);
        body.push(']');
    }
    let _infallible = write!(body, ",\"stored\":{stored}}}");
    body
}

fn join(out: &mut String, rows: &[String]) {
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(row);
    }
}

/// Puts the operation and the subscription's id before a shared body.
pub(super) fn with_id(op: &str, id: u32, body: &str) -> Utf8Bytes {
    format!("{{\"op\":\"{op}\",\"id\":{id},{body}").into()
}

/// A snapshot in parts.
pub(super) fn snapshot(
    id: u32,
    cursor: &str,
    now: DateTime<Utc>,
    columns: &[&str],
    rows: &[String],
    stored: bool,
) -> Vec<Utf8Bytes> {
    let mut parts: Vec<&[String]> = Vec::new();
    let (mut begin, mut bytes) = (0, PART_HEAD_BYTES);
    for (at, row) in rows.iter().enumerate() {
        if bytes + row.len() + 1 > PART_BYTES && at > begin {
            parts.push(&rows[begin..at]);
            (begin, bytes) = (at, PART_HEAD_BYTES);
        }
        bytes += row.len() + 1;
    }
    parts.push(&rows[begin..]);
    let (time, columns, count) = (time_text(now), json!(columns), parts.len());
    let frame = |(at, rows): (usize, &&[String])| {
        let mut text = format!(
            "{{\"op\":\"snapshot\",\"id\":{id},\"cursor\":\"{cursor}\",\"time\":\"{time}\",\
             \"columns\":{columns},\"rows\":["
        );
        join(&mut text, rows);
        let (part, last) = (at + 1, at + 1 == count);
        let _infallible = write!(text, "],\"part\":{part},\"last\":{last},\"stored\":{stored}}}");
        text.into()
    };
    parts.iter().enumerate().map(frame).collect()
}

/// Tells a client that it starts anew.
pub(super) fn resync(id: u32, reason: &str) -> Utf8Bytes {
    json!({"op": "resync", "id": id, "reason": reason}).to_string().into()
}

/// Tells a client what was wrong with its request.
pub fn error(id: Option<u32>, code: &str, detail: &str) -> Utf8Bytes {
    json!({"op": "error", "id": id, "code": code, "detail": detail}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_of_another_process_is_none() {
        assert_eq!(Cursor::parse("7f3c:12", "7f3c"), Some(Cursor(12)));
        assert_eq!(Cursor::parse("7f3d:12", "7f3c"), None);
        assert_eq!(Cursor::parse("7f3c:x", "7f3c"), None);
        assert_eq!(Cursor::parse("7f3c", "7f3c"), None);
    }

    #[test]
    fn a_large_snapshot_comes_in_parts_below_the_limit_with_every_row_once() {
        let rows: Vec<String> =
            (0..3_000).map(|n| format!("[{n},\"{}\"]", "x".repeat(200))).collect();
        let parts = snapshot(7, "e:1", DateTime::UNIX_EPOCH, &["id", "text"], &rows, true);
        assert!(parts.len() > 1);
        let mut seen = 0;
        for (at, part) in parts.iter().enumerate() {
            assert!(part.len() <= PART_BYTES);
            let value: serde_json::Value = serde_json::from_str(part).unwrap();
            assert_eq!(value["part"], at + 1);
            assert_eq!(value["last"], at + 1 == parts.len());
            seen += value["rows"].as_array().unwrap().len();
        }
        assert_eq!(seen, rows.len());
    }

    #[test]
    fn an_empty_snapshot_is_one_last_part() {
        let parts = snapshot(1, "e:1", DateTime::UNIX_EPOCH, &["id"], &[], false);
        let value: serde_json::Value = serde_json::from_str(&parts[0]).unwrap();
        assert_eq!((parts.len(), &value["last"]), (1, &json!(true)));
        assert_eq!(value["stored"], false);
    }

    #[test]
    fn a_delta_is_valid_json() {
        let body = delta_body(
            ("e:1", "e:2"),
            DateTime::UNIX_EPOCH,
            &["[1]".into()],
            &Extra { removed: vec!["a:b".into()], transitions: Some(vec!["[7]".into()]) },
            true,
        );
        let value: serde_json::Value = serde_json::from_str(&with_id("delta", 3, &body)).unwrap();
        assert_eq!(value["rows"], json!([[1]]));
        assert_eq!(value["removed"], json!(["a:b"]));
        assert_eq!(value["transitions"], json!([[7]]));
        assert_eq!(value["id"], 3);
    }
}
