//! Measures of signals and stations, computed on the stream of their messages: pure, no I/O.

pub mod pair;
pub mod split;
pub mod usual;
