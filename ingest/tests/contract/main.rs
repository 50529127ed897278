//! The contract from outside: decoder, JSON Schemas, AsyncAPI document and text say the same.
//!
//! `testdata` has one pair of message and expectation per rule, `contract` the schemas. Every test
//! here reads the files as an integrator would and compares them with what `decode` does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly anywhere")]

mod asyncapi;
mod cases;
mod fields;
mod fuzz;
mod onestop;
mod payload;
mod roundtrip;
mod schemas;
