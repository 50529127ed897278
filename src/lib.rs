//! Open data hub for a city's Intelligent Operations Centre.

pub mod clock;
pub mod config;
pub mod store;
pub mod tasks;
