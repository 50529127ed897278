//! The hub's side of a session under test.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::mqtt::{BrokerState, Cause, Counters, Options, SessionError, session};
use ioc_ingest::{Acknowledger, Delivery, Ticket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::fake_broker::{Broker, Outcome, within};

/// The hub's ends of a running session.
pub(crate) struct Hub {
    pub(crate) deliveries: mpsc::Receiver<Delivery>,
    pub(crate) acknowledger: Acknowledger,
    pub(crate) state: watch::Receiver<BrokerState>,
    pub(crate) counters: Arc<Counters>,
    stop: CancellationToken,
    task: JoinSet<Result<(), SessionError>>,
}

/// Options for the fake broker with short waits.
pub(crate) fn options(broker: &Broker) -> Outcome<Options> {
    let mut options = Options::new("127.0.0.1", broker.port()?, "ioc-hub-test", "can-tho");
    options.backoff_min_ms = 1;
    options.backoff_max_ms = 20;
    Ok(options)
}

impl Hub {
    pub(crate) fn start(options: Options) -> Self {
        let clock = AtomicI64::new(0);
        let now = move || Self::time(clock.fetch_add(1, Ordering::Relaxed) + 1);
        let (session, deliveries, acknowledger, state) = session(options, now);
        let counters = session.counters();
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(session.run(stop.clone()));
        Self { deliveries, acknowledger, state, counters, stop, task }
    }

    /// What the session's clock tells when it is asked for the `count`th time.
    pub(crate) fn time(count: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(count)
    }

    /// The next delivery.
    pub(crate) async fn next(&mut self) -> Outcome<Delivery> {
        within("a delivery", self.deliveries.recv())
            .await?
            .ok_or_else(|| "no more deliveries".into())
    }

    /// The payload of the next delivery.
    pub(crate) async fn next_text(&mut self) -> Outcome<String> {
        Ok(String::from_utf8(self.next().await?.payload.to_vec())?)
    }

    /// The tickets of the next `count` deliveries.
    pub(crate) async fn tickets(&mut self, count: usize) -> Outcome<Vec<Ticket>> {
        let mut tickets = Vec::with_capacity(count);
        for _ in 0..count {
            tickets.push(self.next().await?.ticket());
        }
        Ok(tickets)
    }

    pub(crate) async fn acknowledge(&self, tickets: Vec<Ticket>) -> Outcome {
        within("the session to take the tickets", self.acknowledger.acknowledge(tickets)).await
    }

    /// Waits until a counter has reached `value`.
    pub(crate) async fn reached(
        &self,
        counter: impl Fn(&Counters) -> &AtomicU64,
        value: u64,
    ) -> Outcome {
        within("a counter", async {
            while counter(&self.counters).load(Ordering::Relaxed) < value {
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    pub(crate) fn count(&self, counter: impl Fn(&Counters) -> &AtomicU64) -> u64 {
        counter(&self.counters).load(Ordering::Relaxed)
    }

    /// Waits until messages can come in; whether the broker had kept the session.
    pub(crate) async fn connected(&mut self) -> Outcome<bool> {
        let is_connected = |state: &BrokerState| matches!(state, BrokerState::Connected { .. });
        let state = within("connected", self.state.wait_for(is_connected)).await??;
        Ok(matches!(*state, BrokerState::Connected { session_present: true, .. }))
    }

    /// Waits until there is no connection; why.
    pub(crate) async fn disconnected(&mut self) -> Outcome<(Cause, String)> {
        let is_down = |state: &BrokerState| matches!(state, BrokerState::Disconnected { .. });
        match &*within("disconnected", self.state.wait_for(is_down)).await?? {
            BrokerState::Disconnected { cause, error, .. } => Ok((*cause, error.clone())),
            other => Err(format!("not disconnected: {other:?}").into()),
        }
    }

    /// Asks the session to stop.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// How the session ended.
    pub(crate) async fn ended(&mut self) -> Outcome<Result<(), SessionError>> {
        let end = within("the session to end", self.task.join_next()).await?;
        Ok(end.ok_or("the session has ended before")??)
    }
}
