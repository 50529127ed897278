//! How long to wait before the next attempt: exponential, jittered, bounded.

use std::time::Duration;

/// A connection that lived this long was a good one: the next failure starts with the shortest wait.
/// Shorter lives keep the back-off growing, so that a broker which accepts and drops is not hammered.
pub(super) const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Doubling beyond this many failures would only overflow; the limit is reached long before.
const DOUBLINGS_MAX: u32 = 20;

/// Waiting times of consecutive failures.
#[derive(Debug)]
pub(super) struct Backoff {
    min_ms: u64,
    max_ms: u64,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(min_ms: u64, max_ms: u64) -> Self {
        Self { min_ms, max_ms, failures: 0 }
    }

    /// The next failure is the first again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure: half to the whole of `min` doubled per failure, at most `max`.
    /// The jitter keeps many clients of a restarted broker from coming back at the same moment.
    pub(super) fn next(&mut self) -> Duration {
        let doublings = self.failures.min(DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        jittered(self.min_ms.saturating_mul(1 << doublings).min(self.max_ms))
    }

    /// The longest wait, for failures that only a person can mend.
    pub(super) fn longest(&mut self) -> Duration {
        jittered(self.max_ms)
    }
}

fn jittered(ms: u64) -> Duration {
    Duration::from_millis(rand::random_range(ms / 2..=ms))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Backoff;

    #[test]
    fn waits_double_up_to_the_limit_and_start_anew_after_a_reset() {
        let mut backoff = Backoff::new(100, 1_000);
        for upper_ms in [100, 200, 400, 800, 1_000, 1_000] {
            let wait = backoff.next();
            assert!(wait <= Duration::from_millis(upper_ms), "{wait:?} of {upper_ms} ms");
            assert!(wait >= Duration::from_millis(upper_ms / 2), "{wait:?} of {upper_ms} ms");
        }
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(100));
        assert!(backoff.longest() >= Duration::from_millis(500));
    }

    #[test]
    fn a_year_of_failures_does_not_overflow() {
        let mut backoff = Backoff::new(u64::MAX / 2, u64::MAX / 2);
        for _ in 0..100 {
            assert!(backoff.next() >= Duration::from_millis(u64::MAX / 4));
        }
    }
}
