//! Open data hub for a city's Intelligent Operations Centre.

pub mod access;
pub mod admit;
pub mod api;
pub mod city;
pub mod clock;
pub mod config;
pub mod day;
pub mod follow;
pub mod hub;
pub mod intake;
pub mod ledger;
pub mod live;
pub mod local;
pub mod observe;
pub mod quality;
pub mod rate;
pub mod readiness;
pub mod registry;
pub mod rollup;
pub mod selfcheck;
pub mod simulate;
pub mod spool;
pub mod store;
pub mod tasks;
pub mod upkeep;
pub mod writer;
