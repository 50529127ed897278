//! Whole-system tests: the real broker, the real database, the whole hub in this process.
//!
//! Every test has a broker and a database of its own, so tests run side by side. The programs come
//! from the private copy in `.local/programs`, fetched on first use. Nothing sleeps: tests wait for a
//! condition with a deadline.

mod ingest;
mod site;
mod store;
