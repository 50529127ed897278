//! Data quality: which figures may be believed. Bad values are kept and marked, never overwritten.
//!
//! [`sample`] marks what one message alone tells, when its rows are encoded. [`fold`] marks what the history
//! of a detector tells, after the commit: [`task`] hears of stored messages, updates the rows that it marks
//! with their rollups ([`evaluate`] judges stored rows again, for late data, after a restart and for
//! `ioc-hub verify`), keeps the states of detectors and publishes them ([`standing`]). [`slow`] looks at
//! what needs other tables every 15 minutes. Thresholds are data ([`thresholds`], [`limits`], [`table`]).
//!
//! Invariant: the bits of a row are a function of the rows of its detector in the 48 hours before it, of
//! itself and of the thresholds: the order of arrival and the moment of a crash do not matter.

pub mod bits;
pub mod check;
pub mod evaluate;
pub mod fold;
mod hour;
pub mod limits;
pub mod numbers;
pub mod sample;
pub mod slow;
pub mod standing;
pub mod table;
pub mod task;
pub mod thresholds;

pub use bits::{CLOCK_INVALID, CLOCK_SUSPECT, INCOMPLETE, LATE, OFF_PRESET};
pub use check::Check;
pub use limits::Limits;
pub use sample::marks;
pub use thresholds::Thresholds;

/// Bits that only tell how a value came, not that it is wrong. `verify_5min.sql` states the same number.
pub const HARMLESS: i32 = LATE | CLOCK_SUSPECT;

/// Whether a reading with these bits counts as a good sample.
pub const fn is_good(bits: i32) -> bool {
    bits & !HARMLESS == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_reading_is_good_and_an_incomplete_one_is_not() {
        assert!(is_good(LATE));
        assert!(!is_good(INCOMPLETE | LATE));
        assert!(is_good(CLOCK_SUSPECT) && !is_good(CLOCK_SUSPECT | CLOCK_INVALID));
        let sql = include_str!("store/verify_5min.sql");
        assert!(sql.contains(&format!("quality & ~{HARMLESS} = 0")));
    }
}
