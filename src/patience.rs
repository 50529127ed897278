//! How a task that looks at the database now and then takes failures: it looks again ever more rarely, and
//! says why.

use std::time::Duration;

use crate::{store::StoreError, writer::command::chain};

/// Pause after the first failure; each further one doubles it.
const FIRST: Duration = Duration::from_secs(2);
/// Longest pause.
const LONGEST: Duration = Duration::from_mins(5);

/// Failures in a row of one task.
#[derive(Debug)]
pub(crate) struct Patience {
    task: &'static str,
    failures: u32,
}

impl Patience {
    /// Of the task that the log calls so.
    pub(crate) const fn of(task: &'static str) -> Self {
        Self { task, failures: 0 }
    }

    /// It went well.
    pub(crate) const fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// It did not: tells why, and how long to wait.
    pub(crate) fn failed(&mut self, error: &StoreError) -> Duration {
        let pause = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let (task, why, pause_s) = (self.task, chain(error), pause.as_secs());
        if error.is_retriable() {
            tracing::debug!(task, why, pause_s, "waits for the database");
        } else {
            tracing::warn!(task, why, pause_s, "failed");
        }
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_followed_by_longer_pauses_until_it_goes_well() {
        let mut patience = Patience::of("a task");
        let mut next = || patience.failed(&StoreError::NoTimescale).as_secs();
        let pauses: Vec<u64> = (0..9).map(|_| next()).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300]);
        patience.failures = u32::MAX;
        assert_eq!(patience.failed(&StoreError::NoTimescale).as_secs(), 300);
        patience.succeeded();
        assert_eq!(patience.failed(&StoreError::NoTimescale).as_secs(), 2);
    }
}
