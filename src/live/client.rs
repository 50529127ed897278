//! One client's queue of shared frames.
//!
//! The live task puts frames in and never waits; the client's own task takes them out. A full queue
//! is emptied and the client marked as lagging: it gets nothing until it has drained what it was
//! sending, then starts anew with fresh snapshots. So one slow client never delays another.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::Notify;

/// What the client's task is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// Send these.
    Frames(Vec<Utf8Bytes>),
    /// The queue ran over: ask the live task for a fresh start.
    Lagging,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Utf8Bytes>,
    lagging: bool,
}

/// A bounded queue of frames.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    filled: Notify,
    frames_max: usize,
}

impl Queue {
    /// An empty queue for `frames_max` deltas. Snapshots may go beyond: they come only on request.
    pub fn new(frames_max: usize) -> Self {
        Self { state: Mutex::default(), filled: Notify::new(), frames_max }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a delta. False when the client lags and the frame was dropped.
    pub(super) fn push(&self, frame: Utf8Bytes) -> bool {
        let mut state = self.lock();
        if state.lagging {
            return false;
        }
        if state.frames.len() >= self.frames_max {
            state.frames.clear();
            state.lagging = true;
        } else {
            state.frames.push_back(frame);
        }
        let taken = !state.lagging;
        drop(state);
        self.filled.notify_one();
        taken
    }

    /// Adds the frames of an answer; they are never dropped.
    pub(super) fn push_all(&self, frames: impl IntoIterator<Item = Utf8Bytes>) {
        self.lock().frames.extend(frames);
        self.filled.notify_one();
    }

    /// Adds a frame of the client's own conversation: hello, pong, an error.
    pub fn greet(&self, frame: Utf8Bytes) {
        self.push_all([frame]);
    }

    /// Ends the lag: snapshots follow.
    pub(super) fn restart(&self) {
        let mut state = self.lock();
        state.frames.clear();
        state.lagging = false;
    }

    /// Waits for something to do.
    ///
    /// # Cancel safety
    /// Nothing is lost when dropped while waiting.
    pub async fn take(&self) -> Taken {
        loop {
            let filled = self.filled.notified();
            {
                let mut state = self.lock();
                if !state.frames.is_empty() {
                    return Taken::Frames(state.frames.drain(..).collect());
                }
                if state.lagging {
                    return Taken::Lagging;
                }
            }
            filled.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_is_emptied_and_the_client_starts_anew() {
        let queue = Queue::new(2);
        assert!(queue.push("a".into()));
        assert!(queue.push("b".into()));
        assert!(!queue.push("c".into()));
        assert!(!queue.push("d".into()));
        assert_eq!(queue.take().await, Taken::Lagging);
        queue.restart();
        queue.push_all(["snapshot".into()]);
        assert!(queue.push("e".into()));
        assert_eq!(queue.take().await, Taken::Frames(vec!["snapshot".into(), "e".into()]));
    }
}
