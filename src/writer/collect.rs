//! Collects chunks of admitted messages into a batch: complete when it holds enough rows or bytes or is
//! old enough. What is collected survives when the waiting is given up.

use std::time::Duration;

use ioc_ingest::Fact;
use tokio::{sync::mpsc, time::Instant};

use crate::admit::Admitted;

/// Bytes of topics and payloads that complete a batch: ordinary messages reach the rows first.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// When a batch is complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct Complete {
    /// Rows that complete it.
    pub(super) rows: usize,
    /// Age that completes it.
    pub(super) linger: Duration,
}

/// A batch in the making.
#[derive(Debug, Default)]
pub(super) struct Collected {
    batch: Vec<Admitted>,
    rows: usize,
    bytes: usize,
    /// When its first messages came.
    since: Option<Instant>,
}

impl Collected {
    fn take(&mut self) -> Vec<Admitted> {
        std::mem::take(self).batch
    }

    /// The next batch; null when no more messages come and all were taken.
    ///
    /// # Cancel safety
    /// Nothing is lost when dropped while waiting.
    pub(super) async fn next(
        &mut self,
        admitted: &mut mpsc::Receiver<Vec<Admitted>>,
        complete: Complete,
    ) -> Option<Vec<Admitted>> {
        while self.rows < complete.rows && self.bytes < BATCH_BYTES {
            // Without an end where that lies beyond what the clock can tell.
            let deadline = self.since.and_then(|since| since.checked_add(complete.linger));
            let chunk = match deadline {
                None => admitted.recv().await,
                Some(deadline) => match tokio::time::timeout_at(deadline, admitted.recv()).await {
                    Ok(chunk) => chunk,
                    Err(_complete) => return Some(self.take()),
                },
            };
            match chunk {
                Some(chunk) => {
                    self.since.get_or_insert_with(Instant::now);
                    self.rows += count_rows(&chunk);
                    self.bytes += count_bytes(&chunk);
                    if self.batch.is_empty() {
                        self.batch = chunk;
                    } else {
                        self.batch.extend(chunk);
                    }
                }
                None if self.batch.is_empty() => return None,
                None => break,
            }
        }
        Some(self.take())
    }
}

fn count_rows(chunk: &[Admitted]) -> usize {
    let rows = |admitted: &Admitted| match admitted.accepted.as_ref().map(|a| &a.message.fact) {
        Some(Fact::Interval(interval)) => interval.readings.len(),
        Some(Fact::SignalEvents(batch)) => batch.events.len(),
        Some(Fact::Metric(sample)) => sample.values.len(),
        Some(_) | None => 1,
    };
    chunk.iter().map(rows).sum()
}

fn count_bytes(chunk: &[Admitted]) -> usize {
    let bytes = |item: &Admitted| item.delivery.topic.len() + item.delivery.payload.len();
    chunk.iter().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use ioc_ingest::delivery::Delivery;

    use super::*;

    fn chunk(messages: usize) -> Vec<Admitted> {
        let admitted = |_n| Admitted {
            delivery: Delivery::unawaited(
                "x".into(),
                bytes::Bytes::new(),
                chrono::DateTime::UNIX_EPOCH,
            ),
            topic: None,
            number: None,
            accepted: None,
            refused: Vec::new(),
            replayed: false,
            may_be_stored: false,
        };
        (0..messages).map(admitted).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_complete_by_rows_by_age_and_at_the_end() {
        let complete = Complete { rows: 10, linger: Duration::from_millis(5) };
        let (sender, mut admitted) = mpsc::channel(8);
        let mut collected = Collected::default();
        for messages in [4, 4, 4, 3] {
            sender.send(chunk(messages)).await.unwrap();
        }
        let mut next = async || collected.next(&mut admitted, complete).await.map(|b| b.len());
        assert_eq!(next().await, Some(12));
        assert_eq!(next().await, Some(3));
        sender.send(chunk(2)).await.unwrap();
        drop(sender);
        assert_eq!(next().await, Some(2));
        assert_eq!(next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_can_be_given_up_without_loss() {
        let complete = Complete { rows: 10, linger: Duration::from_mins(1) };
        let (sender, mut admitted) = mpsc::channel(8);
        let mut collected = Collected::default();
        for _round in 0..3 {
            sender.send(chunk(4)).await.unwrap();
            let waited = tokio::time::timeout(
                Duration::from_secs(1),
                collected.next(&mut admitted, complete),
            );
            if let Ok(batch) = waited.await {
                assert_eq!(batch.map(|batch| batch.len()), Some(12));
                return;
            }
        }
        panic!("never complete");
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_behind_another_batch_is_complete_as_soon_as_that_is_durable() {
        let (sender, mut admitted) = mpsc::channel(8);
        let mut collected = Collected::default();
        sender.send(chunk(4)).await.unwrap();
        let behind = Complete { rows: 10, linger: Duration::MAX };
        let waited =
            tokio::time::timeout(Duration::from_secs(1), collected.next(&mut admitted, behind));
        assert!(waited.await.is_err(), "it is not full");
        let (first, begun) =
            (Complete { rows: 10, linger: Duration::from_millis(5) }, Instant::now());
        assert_eq!(collected.next(&mut admitted, first).await.map(|batch| batch.len()), Some(4));
        assert_eq!(begun.elapsed(), Duration::ZERO, "it has waited before");
    }
}
