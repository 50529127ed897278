//! The broker session against a scripted broker: what arrives on the wire, and what reaches the hub.
//!
//! Each trap of the client library has a test named by the rule that avoids it; where it is cheap, a
//! second test shows that the library used without the rule falls into the trap.

mod fake_broker;

#[path = "mqtt/hub.rs"]
mod hub;
#[path = "mqtt/session.rs"]
mod session;
