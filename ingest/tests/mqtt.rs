//! The broker session against a scripted broker: what arrives on the wire, and what reaches the hub.
//!
//! Each trap of the client library has a test named by the rule that avoids it; where it is cheap, a
//! second test shows that the library used without the rule falls into the trap.

mod fake_broker;

#[path = "mqtt/acknowledge.rs"]
mod acknowledge;
#[path = "mqtt/hub.rs"]
mod hub;
#[path = "mqtt/limits.rs"]
mod limits;
#[path = "mqtt/naive.rs"]
mod naive;
#[path = "mqtt/protocol.rs"]
mod protocol;
#[path = "mqtt/refusal.rs"]
mod refusal;
#[path = "mqtt/session.rs"]
mod session;
#[path = "mqtt/stop.rs"]
mod stop;
#[path = "mqtt/tls.rs"]
mod tls;
