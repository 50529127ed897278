//! Open data hub for a city's Intelligent Operations Centre.
//!
//! Data goes one way. `ioc_ingest` speaks with the broker; [`intake`] has [`admit`] decode and judge each
//! message ([`registry`], [`rate`], [`quality`]); [`writer`] collects batches, tells by the [`ledger`] what
//! came before or is missing, and commits each batch in one transaction of [`store`], or puts it into the
//! [`spool`] while the database is away; [`live`] pushes what changed, [`api`] answers from the database.
//! Steps of dossiers and tickets become a [`record`], judged by [`calendar`] and [`mod@unit`]; [`indicator`] holds
//! the formulas over their sums, [`reform`] reads the sums and has them computed, [`import`] reads tables.
//! [`still`] fetches pictures of cameras. [`schedule`] tells which plan a signal should run, [`measure`] holds
//! measures of signals and stations on the stream of their messages.
//! [`notify`] tells receivers elsewhere about alarms, [`performance`] holds figures on alarms and outages.
//! Beside them [`rollup`] builds hours and days, [`selfcheck`] compares them with their rows, [`follow`]
//! and [`upkeep`] care for registry and tables. The writer judges every batch by the rules of [`alarm`].
//! [`hub`] starts and joins all of them ([`tasks`]).
//!
//! Invariants: nothing is acknowledged before it is committed or synced to the spool; only the writer
//! changes what was measured; only `store` contains SQL; a rule that is pure is given its time.

pub mod access;
pub mod admit;
pub mod alarm;
pub mod api;
pub mod calendar;
pub mod city;
pub mod clock;
pub mod config;
pub mod day;
pub mod follow;
pub mod hub;
pub mod import;
pub mod indicator;
pub mod intake;
pub mod ledger;
pub mod live;
pub mod local;
pub mod measure;
pub mod notify;
pub mod observe;
mod packed;
mod patience;
pub mod pcu;
pub mod performance;
pub mod quality;
pub mod rate;
pub mod readiness;
pub mod record;
pub mod reform;
pub mod registry;
pub mod rollup;
pub mod schedule;
pub mod selfcheck;
pub mod simulate;
pub mod spool;
pub mod still;
pub mod store;
pub mod stranger;
pub mod tasks;
pub mod unit;
pub mod upkeep;
pub mod writer;
