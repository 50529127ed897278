//! Open data hub for a city's Intelligent Operations Centre.

pub mod local;
