//! Whole-system tests: the real broker, the real database, the whole hub in this process.
//!
//! Every test has a broker and a database of its own, so tests run side by side. The programs come
//! from the private copy in `.local/programs`, fetched on first use. Nothing sleeps: tests wait for a
//! condition with a deadline.

mod alarm;
mod api;
mod browser;
mod channel;
mod city;
mod cluster;
mod cube;
mod disk;
mod facts;
mod faults;
mod import;
mod ingest;
mod ledger;
mod limit;
mod live;
mod long;
mod message;
mod notify;
mod onestop;
mod performance;
mod poison;
mod probe;
mod process;
mod proxy;
mod publisher;
mod quality;
mod quarantine;
mod reform;
mod replay;
mod rig;
mod rollup;
mod server;
mod simulate;
mod site;
mod soak;
mod spool;
mod store;
mod stored;
mod storm;
mod stranger;
mod truth;
