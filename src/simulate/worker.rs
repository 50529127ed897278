//! One worker: some publishers, a heap of what falls due next, and one broker connection.
//!
//! Nothing is computed before it falls due and nothing waits but the head of the heap, so memory is
//! bounded; the broker's window is the only back-pressure. After a stall the worker catches up at ten
//! times its pace, as devices replay their buffers.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rumqttc::v5::AsyncClient;
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    SimulateStats,
    clock::{SimulatedClock, scaled},
    connection::publish,
    publisher::{Duty, LATE_AFTER_MS, Outgoing, Work},
    roster::Publisher,
};

/// How much faster than its pace a worker catches up.
const CATCH_UP: f64 = 10.0;
/// Real time over which the first messages of all publishers are spread, and the least per publisher.
const HELLO_SPREAD_MS: usize = 1200;
const HELLOS_PER_MS: usize = 8;
/// How long the farewell of all publishers may take.
const FAREWELL: Duration = Duration::from_millis(800);

/// When a publisher has which duty; the number keeps the order of equal instants.
type Due = Reverse<(i64, u64, usize, Duty)>;

/// A worker before its run.
pub(crate) struct Worker {
    pub(crate) publishers: Vec<Publisher>,
    pub(crate) client: AsyncClient,
    pub(crate) connects: watch::Receiver<u64>,
    pub(crate) clock: SimulatedClock,
    pub(crate) stats: Arc<SimulateStats>,
    pub(crate) stop: CancellationToken,
}

impl Worker {
    /// Publishes until the stop, then says goodbye for every publisher.
    pub(crate) async fn run(mut self) {
        let stop = self.stop.clone();
        tokio::select! {
            () = self.publish_all() => {}
            () = stop.cancelled() => {}
        }
        let _ = tokio::time::timeout(FAREWELL, self.say_goodbye()).await;
        // The polling task ends with the disconnect; if the queue is full it ends by its deadline.
        let _ = self.client.try_disconnect();
    }

    async fn publish_all(&mut self) {
        let mut heap = self.hellos();
        let mut number = heap.len() as u64;
        // Real clock and simulated instant at which a stall was noticed.
        let mut stall: Option<(i64, i64)> = None;
        while let Some(Reverse((due_ms, _, index, duty))) = heap.pop() {
            if !self.wait_for(due_ms, &mut stall).await {
                return;
            }
            if self.connects.has_changed().unwrap_or(false) && !self.greet_again().await {
                return;
            }
            let now_ms = self.clock.now_ms();
            self.stats.behind_ms.store((now_ms - due_ms).max(0).cast_unsigned(), Ordering::Relaxed);
            let Some(publisher) = self.publishers.get_mut(index) else { continue };
            let mut work = Work::default();
            publisher.perform(duty, due_ms, now_ms, &mut work);
            for (at_ms, duty) in work.duties {
                number += 1;
                heap.push(Reverse((at_ms, number, index, duty)));
            }
            for message in work.messages {
                if !self.send(message).await {
                    return;
                }
            }
        }
    }

    /// The first duty of every publisher, spread over the first moments.
    fn hellos(&self) -> BinaryHeap<Due> {
        let count = self.publishers.len();
        let spread_ms = HELLO_SPREAD_MS.max(count / HELLOS_PER_MS);
        let start_ms = self.clock.start_ms();
        let due = |index: usize| {
            let real_ms = i64::try_from(index * spread_ms / count.max(1)).unwrap_or(0);
            let due_ms = start_ms + scaled(real_ms, self.clock.speed());
            Reverse((due_ms, index as u64, index, Duty::Hello))
        };
        (0..count).map(due).collect()
    }

    /// Waits for a simulated instant. After a stall it also waits so that catching up stays within
    /// its pace. False when the connection is gone for good.
    async fn wait_for(&mut self, due_ms: i64, stall: &mut Option<(i64, i64)>) -> bool {
        loop {
            let behind_ms = self.clock.now_ms() - due_ms;
            if behind_ms > LATE_AFTER_MS {
                let now_ms = self.clock.now_ms();
                let (since_ms, from_ms) = *stall.get_or_insert((now_ms, due_ms));
                if due_ms > from_ms + scaled(now_ms - since_ms, CATCH_UP) {
                    sleep(Duration::from_millis(5)).await;
                    continue;
                }
            } else {
                *stall = None;
            }
            match self.clock.wait(due_ms) {
                Some(span) => sleep(span).await,
                None => return true,
            }
        }
    }

    /// After a reconnect the broker has announced last wills, so everybody says hello again.
    async fn greet_again(&mut self) -> bool {
        let first = *self.connects.borrow_and_update() <= 1;
        if first {
            return true;
        }
        let greetings: Vec<Outgoing> = self
            .publishers
            .iter()
            .filter(|publisher| publisher.is_online())
            .map(|publisher| publisher.status(true))
            .collect();
        for greeting in greetings {
            if !self.send(greeting).await {
                return false;
            }
        }
        true
    }

    async fn say_goodbye(&self) {
        for publisher in self.publishers.iter().filter(|publisher| publisher.is_online()) {
            if !self.send(publisher.status(false)).await {
                return;
            }
        }
    }

    async fn send(&self, message: Outgoing) -> bool {
        let sent = publish(&self.client, message).await;
        self.stats.published.fetch_add(u64::from(sent), Ordering::Relaxed);
        sent
    }
}
