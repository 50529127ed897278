//! Open data hub for a city's Intelligent Operations Centre.

pub mod access;
pub mod api;
pub mod clock;
pub mod config;
pub mod readiness;
pub mod store;
pub mod tasks;
pub mod writer;
