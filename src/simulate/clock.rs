//! Simulated time: where it starts, how fast it runs, and how long to wait for an instant of it.

use std::time::Duration;

use crate::clock::SharedClock;

/// Longest single wait, after which the clock is asked again: a clock may be moved.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The clock of the simulation.
#[derive(Clone)]
pub(crate) struct SimulatedClock {
    real: SharedClock,
    real_start_ms: i64,
    start_ms: i64,
    speed: f64,
    /// Whether simulated time began in the past and goes on at real speed once it has caught up.
    catches_up: bool,
}

impl SimulatedClock {
    /// A clock that shows `start_ms` now, or the real time where none is given.
    pub(crate) fn new(real: SharedClock, start_ms: Option<i64>, speed: f64) -> Self {
        let real_start_ms = real.now().timestamp_millis();
        Self {
            real,
            real_start_ms,
            start_ms: start_ms.unwrap_or(real_start_ms),
            speed,
            catches_up: start_ms.is_some(),
        }
    }

    /// Simulated instant at which the clock began.
    pub(crate) const fn start_ms(&self) -> i64 {
        self.start_ms
    }

    /// How much faster than real time it runs.
    pub(crate) const fn speed(&self) -> f64 {
        self.speed
    }

    /// Simulated now.
    pub(crate) fn now_ms(&self) -> i64 {
        let real_ms = self.real.now().timestamp_millis();
        let now_ms = self.start_ms + scaled(real_ms - self.real_start_ms, self.speed);
        if self.catches_up { now_ms.min(real_ms) } else { now_ms }
    }

    /// How long to sleep for the simulated instant `at_ms`; null when it has come.
    pub(crate) fn wait(&self, at_ms: i64) -> Option<Duration> {
        let left_ms = at_ms - self.now_ms();
        if left_ms <= 0 {
            return None;
        }
        let real_ms = u64::try_from(scaled(left_ms, 1.0 / self.speed)).unwrap_or(u64::MAX);
        Some(Duration::from_millis(real_ms.max(1)).min(WAIT_MAX))
    }
}

/// `span_ms` times `factor`, to the millisecond.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "spans of milliseconds stay far below 2^53"
)]
pub(crate) fn scaled(span_ms: i64, factor: f64) -> i64 {
    (span_ms as f64 * factor) as i64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::clock::TestClock;

    #[test]
    fn time_runs_faster_and_a_past_start_catches_up() {
        let begin = DateTime::from_timestamp(1_772_384_400, 0).unwrap();
        let real = Arc::new(TestClock::new(begin));
        let begin_ms = begin.timestamp_millis();
        let fast = SimulatedClock::new(real.clone(), None, 60.0);
        let late = SimulatedClock::new(real.clone(), Some(begin_ms - 100_000), 11.0);
        real.advance(TimeDelta::seconds(2));
        assert_eq!(fast.now_ms(), begin_ms + 120_000);
        assert_eq!(fast.wait(begin_ms + 126_000), Some(Duration::from_millis(100)));
        assert_eq!(fast.wait(begin_ms + 120_000), None);
        assert_eq!(late.now_ms(), begin_ms - 78_000);
        real.advance(TimeDelta::seconds(60));
        assert_eq!(late.now_ms(), begin_ms + 62_000);
    }
}
