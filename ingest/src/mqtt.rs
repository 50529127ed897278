//! The one broker session: connect, subscribe, poll, acknowledge, reconnect.
//!
//! From: an MQTT 5 broker. To: the deliveries' channel; tickets come back through the [`Acknowledger`].
//! One task owns the client library's event loop and sends every acknowledgement.
//!
//! Invariants: a message is acknowledged only when the hub gave its ticket back, and only on the
//! connection that brought it. Polling never stops while a connection stands, because keep-alive lives
//! in the poll; back-pressure is the window of unacknowledged messages alone. A poll is never dropped
//! half-way unless its connection is thrown away with it. Nothing in the polling task waits for the
//! hub. The session outlives connections (no clean start, an expiry) and this process.

mod backoff;
mod failure;
mod flow;
mod link;
mod options;
pub mod probe;
mod release;
mod state;
pub mod tls;
mod window;

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rumqttc::v5::AsyncClient;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use options::{Options, SessionError, TlsOptions};
pub use state::{BrokerState, Cause, Counters};

use crate::delivery::{Acknowledger, Delivery, Ticket};
use flow::{Flow, Now};
use link::Link;
use window::Window;

/// Requests that the library may queue: one acknowledgement per packet id, and the few others.
const REQUESTS_MAX: usize = 65_536 + 64;

/// Batches of tickets on their way to the session, which takes them at once.
const TICKET_BATCHES_MAX: usize = 64;

/// The broker session, to be driven by [`Session::run`].
pub struct Session {
    options: Options,
    deliveries: mpsc::Sender<Delivery>,
    tickets: mpsc::Receiver<Vec<Ticket>>,
    state: watch::Sender<BrokerState>,
    counters: Arc<Counters>,
    now: Now,
}

/// Makes a session with its ends for the hub; nothing happens before [`Session::run`].
///
/// `now` is the hub's clock, asked once per message. The deliveries' channel holds
/// [`Options::receive_maximum`] items and ends when the session stops.
pub fn session(
    options: Options,
    now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
) -> (Session, mpsc::Receiver<Delivery>, Acknowledger, watch::Receiver<BrokerState>) {
    let (deliveries, received) = mpsc::channel(usize::from(options.receive_maximum.max(1)));
    let (returned, tickets) = mpsc::channel(TICKET_BATCHES_MAX);
    let (state, seen) = watch::channel(BrokerState::Connecting);
    let counters = Arc::new(Counters::default());
    let session = Session { options, deliveries, tickets, state, counters, now: Arc::new(now) };
    (session, received, Acknowledger { tickets: returned }, seen)
}

impl Session {
    /// The session's counters; they stay readable after its end.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// The queue of deliveries, to be watched; it is not kept open by that.
    pub fn queue(&self) -> mpsc::WeakSender<Delivery> {
        self.deliveries.downgrade()
    }

    /// Keeps the session alive until `stop`.
    ///
    /// A lost connection, an absent broker, a refusal: all are shown in the state and tried again with
    /// jittered back-off. On stop no further deliveries are handed out (their channel ends), tickets of
    /// those that the hub holds are awaited for at most two seconds, and DISCONNECT is sent in a way
    /// that keeps the session in the broker. The whole stop takes at most three seconds.
    ///
    /// # Errors
    /// Only what waiting cannot mend: options out of range and TLS files that do not fit.
    pub async fn run(self, stop: CancellationToken) -> Result<(), SessionError> {
        let settings = self.options.connection()?;
        let (client, eventloop) = AsyncClient::new(settings.clone(), REQUESTS_MAX);
        let flow = Flow {
            client,
            window: Window::new(),
            backlog: VecDeque::new(),
            deliveries: Some(self.deliveries),
            tickets: self.tickets,
            tickets_ended: false,
            counters: self.counters,
            now: self.now,
            unacked_bytes_max: self.options.unacked_bytes_max,
        };
        Link::new(self.options, settings, flow, self.state).run(eventloop, &stop).await;
        Ok(())
    }
}
