//! Owns every task of the process.
//!
//! The first task that ends unexpectedly (with an error, a panic, or before the stop) stops all the
//! others, and [`Tasks::join`] names it. Stopping is normal: the token is cancelled, tasks finish
//! their batch and return, and whatever has not returned by the deadline is named.

use std::{
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Why the process stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A task failed.
    #[error("task {name} failed")]
    Failed {
        /// Name of the task.
        name: &'static str,
        /// Its error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A task that runs until the stop returned before it.
    #[error("task {name} ended before the stop")]
    Ended {
        /// Name of the task.
        name: &'static str,
    },
    /// A task panicked.
    #[error("task {name} panicked")]
    Panicked {
        /// Name of the task.
        name: &'static str,
    },
    /// Tasks did not end in time after the stop.
    #[error("tasks did not stop within {within_s} s: {names}")]
    Stuck {
        /// The deadline in seconds.
        within_s: u64,
        /// Their names.
        names: String,
    },
}

struct Shared {
    tracker: TaskTracker,
    stop: CancellationToken,
    first: Mutex<Option<TaskError>>,
    running: Mutex<Vec<&'static str>>,
}

/// Handle to spawn tasks with; cheap to clone.
#[derive(Clone)]
pub struct Tasks(Arc<Shared>);

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("running", &self.0.tracker.len()).finish_non_exhaustive()
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

/// Reports the end of a task however it ends, a panic included.
struct Ending {
    shared: Arc<Shared>,
    name: &'static str,
    done: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let mut running = self.shared.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = running.iter().position(|name| *name == self.name) {
            running.swap_remove(at);
        }
        drop(running);
        if !self.done {
            self.shared.fail(TaskError::Panicked { name: self.name });
        }
    }
}

impl Shared {
    fn fail(&self, error: TaskError) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
        self.stop.cancel();
    }
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            first: Mutex::new(None),
            running: Mutex::new(Vec::new()),
        }))
    }

    /// Cancelled when the process is to stop.
    pub fn stop_token(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Asks every task to stop.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Runs a task that lives until the stop. Returning earlier, with or without an error, stops
    /// the process.
    pub fn spawn<F, E>(&self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.start(name, true, task);
    }

    /// Runs a task that may end by itself, such as one client's connection. An error still stops
    /// the process, so such tasks return `Ok` for what is their peer's fault.
    pub fn spawn_short<F, E>(&self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        self.start(name, false, task);
    }

    fn start<F, E>(&self, name: &'static str, until_stop: bool, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let shared = self.0.clone();
        shared.running.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        let mut ending = Ending { shared: shared.clone(), name, done: false };
        self.0.tracker.spawn(async move {
            let result = task.await;
            ending.done = true;
            match result {
                Err(source) => shared.fail(TaskError::Failed { name, source: source.into() }),
                Ok(()) if until_stop && !shared.stop.is_cancelled() => {
                    shared.fail(TaskError::Ended { name });
                }
                Ok(()) => {}
            }
            drop(ending);
        });
    }

    /// Waits for the stop, then for every task to end, at most `grace` after the stop.
    ///
    /// # Errors
    /// What stopped the process, if it did not stop on request.
    pub async fn join(self, grace: Duration) -> Result<(), TaskError> {
        self.0.stop.cancelled().await;
        self.0.tracker.close();
        let ended = tokio::time::timeout(grace, self.0.tracker.wait()).await;
        if let Some(first) = self.0.first.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(first);
        }
        if ended.is_err() {
            let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
            let names = running.join(", ");
            return Err(TaskError::Stuck { within_s: grace.as_secs(), names });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn the_first_failing_task_stops_the_others_and_is_named() {
        let tasks = Tasks::new();
        let stop = tasks.stop_token();
        tasks.spawn("waits", async move {
            stop.cancelled().await;
            Ok::<(), std::io::Error>(())
        });
        tasks.spawn("breaks", async { Err(std::io::Error::other("no disk")) });
        let error = tasks.join(GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "task breaks failed");
    }

    #[tokio::test]
    async fn a_task_that_ends_early_or_panics_is_named() {
        let tasks = Tasks::new();
        tasks.spawn("quits", async { Ok::<(), std::io::Error>(()) });
        assert!(matches!(tasks.join(GRACE).await, Err(TaskError::Ended { name: "quits" })));
        let tasks = Tasks::new();
        tasks.spawn("panics", async {
            assert!(std::hint::black_box(false), "on purpose");
            Ok::<(), std::io::Error>(())
        });
        assert!(matches!(tasks.join(GRACE).await, Err(TaskError::Panicked { name: "panics" })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ignores_the_stop_is_named_at_the_deadline() {
        let tasks = Tasks::new();
        tasks.spawn("deaf", async {
            std::future::pending::<()>().await;
            Ok::<(), std::io::Error>(())
        });
        tasks.stop();
        let error = tasks.join(GRACE).await.unwrap_err();
        assert_eq!(error.to_string(), "tasks did not stop within 5 s: deaf");
    }

    #[tokio::test]
    async fn a_short_task_may_end() {
        let tasks = Tasks::new();
        tasks.spawn_short("one client", async { Ok::<(), std::io::Error>(()) });
        tasks.stop();
        tasks.join(GRACE).await.unwrap();
    }
}
