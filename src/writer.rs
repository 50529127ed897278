//! The way to the writer for what people change: replay or discard a quarantined message, accept a
//! source.

use crate::store::{StoreError, device::NewDevice};

/// Why the writer did not do it.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// There is nothing with this id.
    #[error("there is no {what} {id}")]
    Unknown {
        /// Kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// It is there already.
    #[error("there is already a {what} {id}")]
    Exists {
        /// Kind of thing.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The writer does not run.
    #[error("the writer does not run")]
    Stopped,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a replayed message.
#[derive(Debug, Clone)]
pub struct ReplayOutcome {
    /// Whether it was taken this time.
    pub accepted: bool,
    /// Why it was not.
    pub reason: Option<String>,
}

/// What became of the messages of an accepted source.
#[derive(Debug, Clone, Copy)]
pub struct AcceptOutcome {
    /// Messages taken.
    pub replayed: u64,
    /// Messages refused again.
    pub refused_again: u64,
}

/// Handle to the writer.
#[derive(Debug, Clone)]
pub struct WriterHandle;

#[expect(clippy::unused_async, reason = "the shape of the real handle")]
impl WriterHandle {
    /// Replays a quarantined message.
    pub async fn replay(&self, _id: i64, _who: &str) -> Result<ReplayOutcome, WriterError> {
        Err(WriterError::Stopped)
    }

    /// Registers a discovered source and replays its messages.
    pub async fn accept(
        &self,
        _device: NewDevice,
        _who: &str,
    ) -> Result<AcceptOutcome, WriterError> {
        Err(WriterError::Stopped)
    }

    /// Deletes a quarantined message.
    pub async fn discard(&self, _id: i64, _who: &str) -> Result<(), WriterError> {
        Err(WriterError::Stopped)
    }
}
