//! (topic, bytes) to a [`Message`], or a typed [`Reject`]: the contract of version 1.
//!
//! Pure: no clock and no registry, so that times and sources are judged by the hub. One pass over the
//! text; what it reads goes straight into the facts, in fixed point and within its range. Everything
//! refused names its reason and its field. Priority of reasons: topic, too large, broken JSON, version,
//! then the first field at fault; personal data comes before all of them wherever it can be read.
//! `ingest/contract` says the same in JSON Schema, and tests hold the two together.

mod assessment;
mod document;
mod dossier;
mod envelope;
mod fault;
mod field;
mod health;
mod incident;
mod interval;
mod json;
mod metric;
mod number;
mod part;
mod personal;
mod petition;
mod signal;
mod ticket;
mod time;

use fault::Fault;
use json::Reader;
pub use personal::{is_personal, mask_personal, personal_key_names};

use crate::{
    envelope::{Envelope, Number},
    message::{Fact, Message},
    reject::{Reason, Reject},
    topic::{Service, Stream, Topic},
};

/// Largest message, in bytes.
pub const MESSAGE_MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of objects and lists; the message itself is the first level.
pub const DEPTH_MAX: usize = 16;
/// Most lanes of a `vds/interval`.
pub const LANES_MAX: usize = 32;
/// Most zones of a `cctv/interval`.
pub const ZONES_MAX: usize = 64;
/// Most events of a `signal/events`.
pub const EVENTS_MAX: usize = 200;
/// Most fees of an `onestop/dossier`.
pub const FEES_MAX: usize = 32;

/// What the contract leaves to the city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Token of the one city that this hub serves.
    pub city: String,
    /// Keys that a message of the service desk or the one-stop system must not have, at any depth;
    /// compared without case and separators.
    pub personal_keys: Vec<String>,
}

/// What a message says, before its faults are told.
struct Parsed {
    envelope: Option<Envelope>,
    fact: Fact,
    refused: Vec<Fault>,
}

/// Decodes one message.
///
/// # Errors
/// The reason, the field and what is allowed there. A message with bad lanes, zones or events beside
/// good ones is no error: the bad ones stand in [`Message::refused`].
pub fn decode(contract: &Contract, topic: &str, payload: &[u8]) -> Result<Message, Reject> {
    if is_personal(topic) {
        return decode_personal(contract, topic, payload);
    }
    let topic = parse_topic(contract, topic)?;
    let text = text_of(payload)?;
    match read(&topic, text) {
        Ok(parsed) => Ok(message(topic, parsed, Some(text))),
        Err(fault) => Err(fault.into_reject(Some(text))),
    }
}

/// The number of a message that was refused, as far as it can be read: what was refused was received.
pub fn number(payload: &[u8]) -> Option<Number> {
    let start = &payload[..payload.len().min(MESSAGE_MAX_BYTES)];
    let text = match str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => str::from_utf8(&start[..error.valid_up_to()]).ok()?,
    };
    envelope::number(text)
}

/// The same for streams that must not carry personal data: it is looked for in everything that is
/// JSON, whatever else is wrong with it, and no reject repeats a value.
fn decode_personal(contract: &Contract, topic: &str, payload: &[u8]) -> Result<Message, Reject> {
    let outcome = (|| {
        let topic = parse_topic(contract, topic)?;
        let text = text_of(payload)?;
        match read(&topic, text) {
            Ok(parsed) => Ok(message(topic, parsed, None)),
            Err(fault) => Err(fault.into_reject(None)),
        }
    })();
    let Ok(text) = str::from_utf8(payload) else { return outcome };
    match personal::find(contract, personal::stream_of(topic), text) {
        Some(reject) if outcome.is_ok() || is_json(text) => Err(reject),
        _ => outcome,
    }
}

fn parse_topic(contract: &Contract, topic: &str) -> Result<Topic, Reject> {
    Topic::parse(topic, &contract.city).map_err(|error| Reject {
        reason: Reason::Topic,
        field: String::new(),
        detail: error.to_string(),
    })
}

fn text_of(payload: &[u8]) -> Result<&str, Reject> {
    let refuse = |reason, detail| Err(Reject { reason, field: String::new(), detail });
    if payload.len() > MESSAGE_MAX_BYTES {
        let size = payload.len();
        return refuse(
            Reason::TooLarge,
            format!("{size} bytes, at most {MESSAGE_MAX_BYTES} are allowed"),
        );
    }
    match str::from_utf8(payload) {
        Ok(text) => Ok(text),
        Err(error) => refuse(Reason::Json, format!("no UTF-8 at byte {}", error.valid_up_to())),
    }
}

fn read(topic: &Topic, text: &str) -> Result<Parsed, Fault> {
    let reader = &mut Reader::new(text);
    match topic.stream {
        Stream::State => signal::state(reader),
        Stream::Events => signal::events(reader),
        Stream::Interval if topic.service == Service::Cctv => interval::camera(reader),
        Stream::Interval => interval::station(reader),
        Stream::Incident => incident::incident(reader),
        Stream::Health => health::health(reader),
        Stream::Status => health::status(reader),
        Stream::Ticket => ticket::ticket(reader),
        Stream::Call => ticket::call(reader),
        Stream::Dossier => dossier::dossier(reader),
        Stream::Assessment => assessment::assessment(reader),
        Stream::Petition => petition::petition(reader),
        Stream::Document => document::document(reader),
        Stream::Sample => metric::sample(reader),
    }
}

fn message(topic: Topic, parsed: Parsed, payload: Option<&str>) -> Message {
    let Parsed { envelope, fact, refused } = parsed;
    let refused = refused.into_iter().map(|fault| fault.into_reject(payload)).collect();
    Message { topic, envelope, fact, refused }
}

/// Whether a text is JSON by its grammar; one that is too deep or has duplicate keys still is.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_refused_message_is_read_where_it_can_be() {
        let of = |payload: &[u8]| number(payload).map(|number| (number.boot, number.seq));
        let broken = br#"{"v":1,"time":"2026-03-02T01:15:00Z","boot":2,"seq":771,"lanes":[{"#;
        assert_eq!(of(broken), Some((2, 771)));
        assert_eq!(of(br#"{"v":9,"seq":5,"boot":1,"time":null}"#), Some((1, 5)));
        assert_eq!(of(b"{\"boot\":1,\"seq\":5,\"x\":\"\xff\"}"), Some((1, 5)));
        for none in
            ["", "[]", "{", r#"{"boot":1}"#, r#"{"boot":-1,"seq":5}"#, r#"{"seq":5.5,"boot":1}"#]
        {
            assert_eq!(of(none.as_bytes()), None, "{none}");
        }
        let mut large = br#"{"boot":1,"seq":5,"x":""#.to_vec();
        large.resize(MESSAGE_MAX_BYTES + 10, b'x');
        assert_eq!(of(&large), Some((1, 5)));
    }
}
