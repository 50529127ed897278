//! Personal data of citizens, which the service desk and the one-stop system must not send.
//!
//! Looked for in the text itself, at any depth, because unknown keys are not part of the facts. What
//! is found is never repeated: a reject names the place only, and masking removes long digit runs.

use std::borrow::Cow;

use super::{Contract, json::Reader};
use crate::{
    reject::{Reason, Reject},
    topic::{Service, Stream},
};

/// Shortest run of digits that is masked: phone numbers have nine and more.
const MASKED_DIGITS: usize = 9;
/// Length of a citizen's identity number.
const IDENTITY_DIGITS: usize = 12;
/// Most key names that are kept of one refused message, and the longest of them in characters.
const NAMES_MAX: usize = 256;
const NAME_MAX: usize = 64;

/// Keys of the envelope, whose values are times and numbers.
const ENVELOPE_FIELDS: [&str; 5] = ["v", "time", "boot", "seq", "late"];

/// Keys on the outermost level of a stream whose values are codes, times and numbers of the contract;
/// they are checked by their own grammar and may have any digits. The token of a document is none of
/// them: the codes that it stands for begin with the identity number of their holder.
const fn code_fields(stream: Stream) -> &'static [&'static str] {
    match stream {
        Stream::Ticket => &[
            "ticket",
            "at",
            "category",
            "unit",
            "due_at",
            "first_response_at",
            "merged_into",
            "rating",
        ],
        Stream::Call => &["call", "queued_at", "answered_at", "abandoned_at", "ended_at", "ticket"],
        Stream::Dossier => &[
            "dossier",
            "formality",
            "field",
            "unit",
            "received_by",
            "at",
            "submitted_at",
            "received_at",
            "due_at",
            "step_due_at",
            "apology_at",
        ],
        Stream::Assessment => &["form", "unit", "dossier"],
        Stream::Petition => &["petition", "unit", "at", "dossier"],
        Stream::Document => &["result_type", "unit", "at"],
        Stream::State
        | Stream::Events
        | Stream::Interval
        | Stream::Incident
        | Stream::Health
        | Stream::Status
        | Stream::Sample => &[],
    }
}

/// Fewest digits of a text of hexadecimal digits that is a hash or a UUID and no person's number.
const HASH_DIGITS: usize = 32;

/// The stream that a topic names, whether or not the rest of it parses.
pub(super) fn stream_of(topic: &str) -> Option<Stream> {
    topic.rsplit('/').next().and_then(Stream::parse)
}

/// Whether a topic is of a service that may never carry personal data. Reads the service level only,
/// so that a topic that does not parse is judged too.
pub fn is_personal(topic: &str) -> bool {
    let service = topic.split('/').nth(3).and_then(Service::parse);
    matches!(service, Some(Service::Desk | Service::Onestop))
}

/// `payload` with every run of nine and more digits replaced by asterisks of the same length.
pub fn mask_personal(payload: &[u8]) -> Vec<u8> {
    let mut masked = payload.to_vec();
    for run in masked.chunk_by_mut(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        if run.len() >= MASKED_DIGITS && run.first().is_some_and(u8::is_ascii_digit) {
            run.fill(b'*');
        }
    }
    masked
}

/// The same for a text.
pub(super) fn mask_text(text: &str) -> String {
    // Digits are replaced by one byte each, so that the text stays UTF-8.
    String::from_utf8_lossy(&mask_personal(text.as_bytes())).into_owned()
}

/// The names of the keys of a message, personal ones first, each once: all that is kept of a message
/// refused for personal data. Digit runs in them are masked; at most 256 names of 64 characters.
pub fn personal_key_names(contract: &Contract, payload: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(payload);
    let mut names: Vec<(bool, String)> = Vec::new();
    for_each_token(&text, |token| {
        if let Token::Key { name, .. } = token
            && names.len() < NAMES_MAX
        {
            let shown = mask_text(&name.chars().take(NAME_MAX).collect::<String>());
            if names.iter().all(|(_, other)| *other != shown) {
                names.push((!contract.is_personal_key(&name), shown));
            }
        }
    });
    names.sort_by_key(|&(harmless, _)| harmless);
    names.into_iter().map(|(_, name)| name).collect()
}

/// The reject of a readable text of `stream` that carries personal data.
pub(super) fn find(contract: &Contract, stream: Option<Stream>, text: &str) -> Option<Reject> {
    let codes = stream.map_or(&[][..], code_fields);
    let is_code = |key: &str| ENVELOPE_FIELDS.contains(&key) || codes.contains(&key);
    let mut field = None;
    let mut top = String::new();
    for_each_token(text, |token| {
        let hit = match token {
            Token::Key { name, depth } => {
                let hit = contract.is_personal_key(&name) || has_identity(&name);
                if depth == 1 {
                    top = name.into_owned();
                }
                hit
            }
            Token::Value { depth: 1, .. } if is_code(&top) => false,
            Token::Value { value, depth: 1 } if is_document(stream, &top) => {
                has_identity(&value) && !is_hash(&value)
            }
            Token::Value { value, .. } => has_identity(&value),
        };
        if hit && field.is_none() {
            field = Some(mask_text(&top.chars().take(NAME_MAX).collect::<String>()));
        }
    });
    Some(Reject {
        reason: Reason::PersonalData,
        field: field?,
        detail: "names, numbers and addresses of citizens are never sent".to_owned(),
    })
}

impl Contract {
    /// Whether a key is one of the personal ones, whatever its case and separators.
    fn is_personal_key(&self, name: &str) -> bool {
        self.personal_keys.iter().any(|key| letters(key).eq(letters(name)))
    }
}

/// A key without case and separators.
fn letters(key: &str) -> impl Iterator<Item = char> {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase)
}

fn has_identity(text: &str) -> bool {
    text.as_bytes()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .any(|run| run.len() >= IDENTITY_DIGITS && run[0].is_ascii_digit())
}

/// Whether `key` holds the token of a document.
fn is_document(stream: Option<Stream>, key: &str) -> bool {
    stream == Some(Stream::Document) && key == "document"
}

/// Whether a token is a hash or a UUID, which have twelve digits in a row now and then.
fn is_hash(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && text.bytes().filter(u8::is_ascii_hexdigit).count() >= HASH_DIGITS
}

/// A piece of JSON text that can carry personal data.
enum Token<'a> {
    /// A key, in an object at this depth; the outermost is 1.
    Key { name: Cow<'a, str>, depth: usize },
    /// A string, or the digits of a number in front of its point: those behind it are precision.
    Value { value: Cow<'a, str>, depth: usize },
}

/// Goes through the tokens of a text in order. Checks no grammar, so that a text of any depth is
/// read without recursion; what is no token is passed over.
fn for_each_token<'a>(text: &'a str, mut visit: impl FnMut(Token<'a>)) {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let Some((value, length)) = string(&text[at - 1..]) else { return };
                at += length - 1;
                let next = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace());
                visit(match next {
                    Some(b':') => Token::Key { name: value, depth },
                    _ => Token::Value { value, depth },
                });
            }
            b'0'..=b'9' => {
                let length = bytes[at..]
                    .iter()
                    .take_while(|b| b.is_ascii_digit() || b".eE+-".contains(b))
                    .count();
                let number = &text[at - 1..at + length];
                let whole = number.split(['.', 'e', 'E']).next().unwrap_or(number);
                visit(Token::Value { value: Cow::Borrowed(whole), depth });
                at += length;
            }
            _ => {}
        }
    }
}

/// The string at the begin of `text` and its length with quotes; `None` if it has no end. A string
/// with a broken escape is taken as it stands.
fn string(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let bytes = text.as_bytes();
    let mut end = 1;
    while *bytes.get(end)? != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    let value = Reader::new(&text[..=end]).string();
    Some((value.unwrap_or(Cow::Borrowed(&text[1..end])), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        let personal_keys = ["name", "ho_ten", "phone"].map(str::to_owned).to_vec();
        Contract { city: "can-tho".to_owned(), personal_keys }
    }

    fn found_in(stream: Stream, text: &str) -> Option<String> {
        find(&contract(), Some(stream), text).map(|reject| reject.field)
    }

    fn found_at(text: &str) -> Option<String> {
        found_in(Stream::Ticket, text)
    }

    #[test]
    fn personal_keys_are_found_at_any_depth_and_in_any_spelling() {
        assert_eq!(found_at(r#"{"v":1,"name":"A"}"#).as_deref(), Some("name"));
        assert_eq!(found_at(r#"{"x":[{"y":{"HO_TEN":"A"}}]}"#).as_deref(), Some("x"));
        assert_eq!(found_at(r#"{"hoTen":"A"}"#).as_deref(), Some("hoTen"));
        assert_eq!(found_at(r#"{"\u006eame":"A"}"#).as_deref(), Some("name"));
        assert_eq!(found_at(r#"{"x":"\ud800","name":"A"}"#).as_deref(), Some("name"));
        assert_eq!(found_at(r#"{"x":"\"\\","name":"A"}"#).as_deref(), Some("name"));
        assert_eq!(found_at(r#"{"summary":"the name of the street"}"#), None);
        assert_eq!(found_at(r#"{"channel":"phone"}"#), None);
    }

    #[test]
    fn identity_numbers_are_found_outside_the_code_fields() {
        assert_eq!(found_at(r#"{"summary":"id 079201234567."}"#).as_deref(), Some("summary"));
        assert_eq!(found_at(r#"{"x":{"y":[79201234567890]}}"#).as_deref(), Some("x"));
        assert_eq!(found_at(r#"{"x":"\u00307920\u0031234567"}"#).as_deref(), Some("x"));
        assert_eq!(found_at(r#"{"x":{"ticket":"079201234567"}}"#).as_deref(), Some("x"));
        assert_eq!(found_at(r#"{"079201234567":1}"#).as_deref(), Some("************"));
        assert_eq!(found_at(r#"{"ticket":["079201234567"]}"#).as_deref(), Some("ticket"));
        assert_eq!(found_at(r#"{"location":{"x":"079201234567"}}"#).as_deref(), Some("location"));
        assert_eq!(found_at(r#"{"seq":9007199254740991,"ticket":"079201234567"}"#), None);
        assert_eq!(found_at(r#"{"location":{"lat":10.034000000000001}}"#), None);
        assert_eq!(found_at(r#"{"x":0.34000000000000001}"#), None);
        assert_eq!(found_at(r#"{"summary":"07920123456"}"#), None);
    }

    #[test]
    fn a_field_is_a_code_on_its_own_stream_only() {
        let text = r#"{"dossier":"H13.50-260302-079201234567","formality":"079201234567"}"#;
        assert_eq!(found_in(Stream::Dossier, text), None);
        assert_eq!(found_at(text).as_deref(), Some("dossier"));
        assert_eq!(find(&contract(), None, r#"{"seq":123456789012}"#), None);
        assert!(find(&contract(), None, r#"{"ticket":"079201234567"}"#).is_some());
        let steps = r#"{"step":"079201234567"}"#;
        assert_eq!(found_in(Stream::Dossier, steps).as_deref(), Some("step"));
        let nested = r#"{"fees":[{"kind":"079201234567"}]}"#;
        assert_eq!(found_in(Stream::Dossier, nested).as_deref(), Some("fees"));
    }

    #[test]
    fn the_token_of_a_document_is_no_persons_number() {
        let of = |document: &str| {
            found_in(Stream::Document, &format!(r#"{{"document":"{document}"}}"#)).is_some()
        };
        assert!(of("079201234567.KQ.G15.000123"));
        assert!(of("079201234567"));
        assert!(!of("kq-000123-7f3a"));
        assert!(!of("5f0c8a1e-3b2d-4c6e-9f10-079201234567"));
        assert!(!of("079201234567a9e0c8a1e3b2d4c6e9f10079201234567a9e0c8a1e3b2d4c6e9f1"));
    }

    #[test]
    fn masking_leaves_short_runs_and_the_length() {
        assert_eq!(mask_personal(b"12345678 123456789"), b"12345678 *********");
        assert_eq!(mask_personal(b"\xff0912345678\xff"), b"\xff**********\xff");
        assert_eq!(mask_personal(b""), b"");
    }

    #[test]
    fn key_names_are_kept_without_values() {
        let payload = br#"{"v":1,"x":{"Phone":"0912345678"},"x":2,"0912345678":1"#;
        assert_eq!(personal_key_names(&contract(), payload), ["Phone", "v", "x", "**********"]);
    }

    #[test]
    fn only_desk_and_one_stop_topics_are_personal() {
        assert!(is_personal("ioc/1/can-tho/desk/d/ticket"));
        assert!(is_personal("ioc/2/elsewhere/onestop/"));
        assert!(!is_personal("ioc/1/can-tho/signal/desk/state"));
        assert!(!is_personal("desk"));
    }
}
