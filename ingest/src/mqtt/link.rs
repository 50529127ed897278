//! Connection after connection: what the session does with each event of the client library.
//!
//! From: the event loop, which this task owns and polls. To: `flow` (deliveries, tickets) and the state
//! that people see. The rules about epochs, polling and stopping are in the header of `mqtt`.

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnAck, Packet, SubAck, SubscribeReasonCode};
use rumqttc::v5::{ConnectionError, Event, EventLoop, MqttOptions};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::backoff::{Backoff, STABLE_AFTER};
use super::failure::{Failure, explain};
use super::flow::{Flow, room};
use super::options::Options;
use super::release::{is_unknown_release, know_every_packet_id};
use super::state::{BrokerState, Cause, Counters};
use crate::delivery::Ticket;

/// How long a stopping session waits for tickets of messages that the hub already has.
const STOP_TICKETS: Duration = Duration::from_secs(2);

/// How long a stopping session waits for the broker to close after DISCONNECT.
const STOP_CLOSE: Duration = Duration::from_secs(1);

/// How far a stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Waiting for the tickets of messages that the hub holds.
    Draining {
        until: Instant,
    },
    /// DISCONNECT is queued; waiting for the broker to close.
    Leaving {
        until: Instant,
    },
}

/// Why a connection ended; `None` is a stop.
type End = Option<Failure>;

/// What ended a wait, other than an event of the connection.
enum Woken {
    Tickets(Option<Vec<Ticket>>),
    Room,
    Stop,
    Deadline,
}

/// The accepted connection of the moment.
#[derive(Debug, Clone, Copy)]
struct Accepted {
    session_present: bool,
    since: DateTime<Utc>,
    at: Instant,
}

/// One session's connections, one after the other.
pub(super) struct Link {
    options: Options,
    settings: MqttOptions,
    flow: Flow,
    state: watch::Sender<BrokerState>,
    phase: Phase,
    connected: Option<Accepted>,
    /// The broker has confirmed our subscription in this process, and has kept the session since.
    subscribed: bool,
    was_connected: bool,
    /// The broker has sent PUBREL for messages that this process never saw.
    orphans: bool,
}

impl Link {
    pub(super) fn new(
        options: Options,
        settings: MqttOptions,
        flow: Flow,
        state: watch::Sender<BrokerState>,
    ) -> Self {
        Self {
            options,
            settings,
            flow,
            state,
            phase: Phase::Running,
            connected: None,
            subscribed: false,
            was_connected: false,
            orphans: false,
        }
    }

    /// Connection after connection until stopped.
    pub(super) async fn run(mut self, mut eventloop: EventLoop, stop: &CancellationToken) {
        let mut backoff = Backoff::new(self.options.backoff_min_ms, self.options.backoff_max_ms);
        while let Some(failure) = self.serve(&mut eventloop, stop).await {
            if self.connected.is_some_and(|accepted| accepted.at.elapsed() >= STABLE_AFTER) {
                backoff.reset();
            }
            let wait = if failure.slow { backoff.longest() } else { backoff.next() };
            self.forget_connection(&mut eventloop);
            self.show_failure(failure, wait);
            if !self.wait(wait, stop).await {
                return;
            }
        }
    }

    /// Serves one connection to its end.
    async fn serve(&mut self, eventloop: &mut EventLoop, stop: &CancellationToken) -> End {
        loop {
            match self.step(eventloop, stop).await {
                Ok(event) => {
                    if let Err(failure) = self.take(event, eventloop) {
                        return Some(failure);
                    }
                }
                Err(end) => return end,
            }
        }
    }

    /// Waits for the next event of the connection. Meanwhile tickets are taken and the backlog is
    /// handed over, both without waiting.
    ///
    /// The poll is pinned across them: dropped half-way it could lose an acknowledgement that it had
    /// taken from the queue. It is dropped unfinished only together with its connection.
    async fn step(
        &mut self,
        eventloop: &mut EventLoop,
        stop: &CancellationToken,
    ) -> Result<Event, End> {
        let silent_at = Instant::now() + self.silence_max(eventloop);
        let mut poll = pin!(eventloop.poll());
        loop {
            let deadline = match self.phase {
                Phase::Running => silent_at,
                Phase::Draining { until } | Phase::Leaving { until } => until,
            };
            // The other branches are cancel-safe: a receive, a wait for room, a token, a timer.
            let woken = tokio::select! {
                event = &mut poll => return event.map_err(|error| self.lost(&error)),
                tickets = self.flow.tickets.recv(), if !self.flow.tickets_ended => {
                    Woken::Tickets(tickets)
                }
                () = room(self.flow.deliveries.as_ref()), if !self.flow.backlog.is_empty() => Woken::Room,
                () = stop.cancelled(), if self.phase == Phase::Running => Woken::Stop,
                () = sleep_until(deadline) => Woken::Deadline,
            };
            match woken {
                Woken::Tickets(tickets) => {
                    if let Err(failure) = self.flow.take_back(tickets) {
                        return Err(Some(failure));
                    }
                    self.leave_when_drained();
                }
                Woken::Room => self.flow.hand_over(),
                Woken::Stop if self.connected.is_none() => return Err(None),
                Woken::Stop => self.begin_stop(),
                Woken::Deadline => match self.phase {
                    Phase::Running => return Err(Some(self.silent())),
                    Phase::Draining { .. } => self.leave(),
                    Phase::Leaving { .. } => return Err(None),
                },
            }
        }
    }

    /// What the library's error means. Once the session is stopping, every end is welcome.
    fn lost(&mut self, error: &ConnectionError) -> End {
        self.orphans |= is_unknown_release(error);
        let running = self.phase == Phase::Running;
        running.then(|| explain(error, &self.options, self.connected.is_some()))
    }

    /// Takes one event of the library. An error ends the connection.
    fn take(&mut self, event: Event, eventloop: &mut EventLoop) -> Result<(), Failure> {
        match event {
            Event::Incoming(Packet::ConnAck(connack)) => self.accepted(&connack, eventloop),
            Event::Incoming(Packet::SubAck(suback)) => self.confirmed(&suback),
            Event::Incoming(Packet::Publish(publish)) => self.flow.deliver(publish),
            Event::Incoming(_) | Event::Outgoing(_) => Ok(()),
        }
    }

    /// The broker accepted us. Subscribes unless the session is there and known to hold our
    /// subscription: a session without it exists when an earlier link broke before SUBSCRIBE arrived.
    fn accepted(&mut self, connack: &ConnAck, eventloop: &mut EventLoop) -> Result<(), Failure> {
        if eventloop.options.keep_alive().is_zero() {
            // The broker asks for no keep-alive; the library would ping without pause.
            eventloop.options.set_keep_alive(self.settings.keep_alive());
        }
        let session_present = connack.session_present;
        let accepted = Accepted { session_present, since: (self.flow.now)(), at: Instant::now() };
        self.connected = Some(accepted);
        if self.was_connected {
            Counters::add(&self.flow.counters.reconnects);
            if !session_present {
                Counters::add(&self.flow.counters.sessions_lost);
                tracing::warn!("the broker lost our session: what it had queued for us is gone");
            }
        }
        self.was_connected = true;
        if session_present && self.subscribed {
            self.show_connected();
            return Ok(());
        }
        self.subscribed = false;
        self.subscribe(session_present)
    }

    fn subscribe(&self, session_present: bool) -> Result<(), Failure> {
        let full = |error| Failure::soon(Cause::Protocol, format!("subscribe: {error}"));
        if session_present {
            for path in self.options.other_paths() {
                self.flow.client.try_unsubscribe(path).map_err(full)?;
            }
        }
        self.flow.client.try_subscribe_many(self.options.filters()).map_err(full)
    }

    /// The broker answered our subscription.
    fn confirmed(&mut self, suback: &SubAck) -> Result<(), Failure> {
        for (filter, code) in self.options.filters().iter().zip(&suback.return_codes) {
            match code {
                SubscribeReasonCode::Success(QoS::AtMostOnce) => tracing::warn!(
                    filter = filter.path,
                    "the broker grants only quality of service 0: messages can be lost"
                ),
                SubscribeReasonCode::Success(_) => {}
                refusal => {
                    let user = self.options.username.as_deref().unwrap_or("without user name");
                    return Err(Failure::slow(
                        Cause::Refused,
                        format!(
                            "the broker refused the subscription to {}: {refusal:?}; allow client \
                             {:?} ({user}) to read it",
                            filter.path, self.options.client_id
                        ),
                    ));
                }
            }
        }
        self.subscribed = true;
        self.show_connected();
        Ok(())
    }

    /// Makes sure that nothing of the lost connection reaches the next one: buffered events, queued
    /// acknowledgements, tickets, and settings that the broker had overridden.
    fn forget_connection(&mut self, eventloop: &mut EventLoop) {
        eventloop.clean();
        eventloop.pending.clear();
        eventloop.state.events.clear();
        eventloop.options = self.settings.clone();
        self.flow.next_epoch();
        self.connected = None;
        if self.orphans {
            know_every_packet_id(eventloop);
        }
    }

    /// Waits before the next attempt; tickets that come back meanwhile are stale. `false`: stop.
    async fn wait(&mut self, time: Duration, stop: &CancellationToken) -> bool {
        let mut timer = pin!(sleep(time));
        loop {
            let tickets = tokio::select! {
                () = &mut timer => return true,
                () = stop.cancelled() => return false,
                tickets = self.flow.tickets.recv(), if !self.flow.tickets_ended => tickets,
            };
            // Without a connection every ticket is stale, so this cannot fail.
            drop(self.flow.take_back(tickets));
        }
    }

    fn begin_stop(&mut self) {
        let awaited = self.flow.close_deliveries();
        self.phase = Phase::Draining { until: Instant::now() + STOP_TICKETS };
        if awaited {
            self.leave_when_drained();
        } else {
            self.flow.take_back_queued();
            self.leave();
        }
    }

    fn leave_when_drained(&mut self) {
        let drained = self.flow.tickets_ended || self.flow.window.count() == 0;
        if matches!(self.phase, Phase::Draining { .. }) && drained {
            self.leave();
        }
    }

    /// Queues DISCONNECT behind the acknowledgements. It carries no expiry, so the session stays.
    fn leave(&mut self) {
        let until = Instant::now() + STOP_CLOSE;
        self.phase = Phase::Leaving { until };
        if self.flow.client.try_disconnect().is_err() {
            tracing::debug!("no room for DISCONNECT; the broker will notice the closed connection");
        }
    }

    /// Pings and their answers make an event at least once per keep-alive, so twice as long without any
    /// means that a write hangs: the broker does not read.
    fn silence_max(&self, eventloop: &EventLoop) -> Duration {
        let connect = Duration::from_secs(self.options.connect_timeout_s.into());
        connect + 2 * eventloop.options.keep_alive().max(Duration::from_secs(1))
    }

    fn silent(&self) -> Failure {
        let Options { host, port, .. } = &self.options;
        Failure::soon(Cause::Silent, format!("{host}:{port} neither reads nor answers"))
    }

    fn show_connected(&self) {
        let Some(Accepted { session_present, since, .. }) = self.connected else { return };
        let Options { host, port, .. } = &self.options;
        tracing::info!(session_present, "connected to the broker at {host}:{port}");
        self.state.send_replace(BrokerState::Connected { session_present, since });
    }

    fn show_failure(&self, failure: Failure, wait: Duration) {
        let Failure { cause, error, .. } = failure;
        let before = self.state.borrow().clone();
        let since = match &before {
            BrokerState::Disconnected { since, error: known, .. } => {
                if *known == error {
                    return;
                }
                *since
            }
            BrokerState::Connecting | BrokerState::Connected { .. } => (self.flow.now)(),
        };
        tracing::warn!(cause = cause.code(), ?wait, "no broker: {error}");
        self.state.send_replace(BrokerState::Disconnected { since, error, cause });
    }
}
