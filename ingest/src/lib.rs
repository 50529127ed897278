//! The outside world turned into typed facts: the MQTT contract of the hub.
//!
//! `topic` reads topic text, `decode` turns (topic, bytes) into a [`Message`] or a typed [`Reject`],
//! one file per noun holds the facts, `mqtt` owns the one broker session, `delivery` carries
//! messages with the right to acknowledge them once. No database and no web server in here.
//!
//! Physical quantities are fixed point integers from here on, so that sums never depend on the
//! order of arrival: `_e4` is 1e-4, `_e1_kmh` is 0.1 km/h, `_ms` milliseconds, `_dm` decimetres.

pub mod assessment;
pub mod decode;
pub mod delivery;
pub mod document;
pub mod dossier;
pub mod envelope;
pub mod health;
pub mod incident;
pub mod interval;
pub mod message;
pub mod metric;
pub mod mqtt;
pub mod petition;
pub mod reject;
pub mod signal;
pub mod ticket;
pub mod topic;
pub mod word;

pub use decode::{Contract, decode};
pub use delivery::{Acknowledger, Delivery, Ticket};
pub use envelope::{Clock, ClockSource, Envelope, Number};
pub use message::{Fact, Message};
pub use reject::{Reason, Reject};
pub use topic::{Service, Source, Stream, Topic};
pub use word::Word;
