//! Deliveries out to the hub and tickets back in, for the present connection.
//!
//! From: publishes that the session took from the client library. To: the deliveries' channel, which
//! holds `receive_maximum` items, so that a broker which keeps its window never fills it. What a broker
//! sends beyond its window (some versions do) waits in the backlog up to `unacked_bytes_max`; then the
//! connection is cut, everything is forgotten, and the broker repeats it. Nothing in here waits.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rumqttc::v5::AsyncClient;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Publish;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::failure::Failure;
use super::state::{Cause, Counters};
use super::window::Window;
use crate::delivery::{Delivery, Ticket};

/// The hub's clock, as the session sees it.
pub(super) type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Both directions between session and hub.
pub(super) struct Flow {
    pub(super) client: AsyncClient,
    pub(super) window: Window,
    /// Deliveries that did not fit the channel, oldest first.
    pub(super) backlog: VecDeque<Delivery>,
    /// `None` once the session is stopping: the hub sees the end of the channel.
    pub(super) deliveries: Option<mpsc::Sender<Delivery>>,
    pub(super) tickets: mpsc::Receiver<Vec<Ticket>>,
    /// All acknowledgers are gone.
    pub(super) tickets_ended: bool,
    pub(super) counters: Arc<Counters>,
    pub(super) now: Now,
    pub(super) unacked_bytes_max: u64,
}

impl Flow {
    /// Hands one publish to the hub, or keeps it for later. An error ends the connection.
    pub(super) fn deliver(&mut self, publish: Publish) -> Result<(), Failure> {
        Counters::add(&self.counters.received);
        if publish.topic.is_empty() {
            return Err(Failure::slow(
                Cause::Protocol,
                "the broker sent a message under a topic alias although none was offered"
                    .to_owned(),
            ));
        }
        let Some(deliveries) = &self.deliveries else { return Ok(()) };
        if publish.qos == QoS::AtMostOnce {
            let delivery = delivery(publish, self.window.unawaited(), (self.now)());
            if !self.backlog.is_empty() || deliveries.try_send(delivery).is_err() {
                Counters::add(&self.counters.unawaited_dropped);
            }
            return Ok(());
        }
        let bytes = publish.topic.len() + publish.payload.len();
        let Some(ticket) = self.window.open(publish.pkid, publish.qos as u8, bytes) else {
            return self.repeated(&publish);
        };
        let delivery = delivery(publish, ticket, (self.now)());
        if !self.backlog.is_empty() {
            self.backlog.push_back(delivery);
        } else if let Err(TrySendError::Full(delivery)) = deliveries.try_send(delivery) {
            self.backlog.push_back(delivery);
        }
        self.publish_gauges();
        if self.window.bytes() > self.unacked_bytes_max {
            Counters::add(&self.counters.window_exceeded);
            return Err(Failure::soon(
                Cause::Window,
                format!(
                    "the broker sent {} messages with {} bytes ahead of acknowledgement, more than its \
                     window allows; use a broker that keeps the receive maximum",
                    self.window.count(),
                    self.window.bytes()
                ),
            ));
        }
        Ok(())
    }

    /// A packet id that is still outstanding: some brokers repeat a message when its acknowledgement
    /// takes long. We hold it already, and one acknowledgement answers both.
    fn repeated(&self, publish: &Publish) -> Result<(), Failure> {
        if publish.dup {
            Counters::add(&self.counters.repeats_ignored);
            return Ok(());
        }
        Err(Failure::soon(
            Cause::Protocol,
            format!("the broker gave packet id {} to a second message", publish.pkid),
        ))
    }

    /// Queues the acknowledgements of tickets that are still worth something.
    ///
    /// The request queue has room for every packet id, so it can only be full if the library lost
    /// requests; then the connection is cut and the broker repeats what was not acknowledged.
    fn acknowledge(&mut self, tickets: &[Ticket]) -> Result<(), Failure> {
        for &ticket in tickets {
            if !self.window.close(ticket) {
                Counters::add(&self.counters.stale_acks_dropped);
                continue;
            }
            let qos = if ticket.qos == 2 { QoS::ExactlyOnce } else { QoS::AtLeastOnce };
            let publish = Publish { qos, pkid: ticket.packet_id, ..Publish::default() };
            self.client.try_ack(&publish).map_err(|_full| {
                Failure::soon(Cause::Protocol, "the queue of acknowledgements is full".to_owned())
            })?;
            Counters::add(&self.counters.acknowledged);
        }
        self.publish_gauges();
        Ok(())
    }

    /// Takes tickets back as they came from the acknowledgers; `None` is the end of them.
    pub(super) fn take_back(&mut self, tickets: Option<Vec<Ticket>>) -> Result<(), Failure> {
        self.tickets_ended = tickets.is_none();
        self.acknowledge(&tickets.unwrap_or_default())
    }

    /// Takes back what has been given back so far.
    pub(super) fn take_back_queued(&mut self) {
        while let Ok(tickets) = self.tickets.try_recv() {
            if self.acknowledge(&tickets).is_err() {
                return;
            }
        }
    }

    /// Hands over what fits of the backlog.
    pub(super) fn hand_over(&mut self) {
        let Some(deliveries) = &self.deliveries else { return };
        while let Some(delivery) = self.backlog.pop_front() {
            if let Err(TrySendError::Full(delivery)) = deliveries.try_send(delivery) {
                self.backlog.push_front(delivery);
                return;
            }
        }
    }

    /// The connection is gone: what waits here will be delivered again.
    pub(super) fn next_epoch(&mut self) {
        self.backlog.clear();
        self.window.next_epoch();
        self.publish_gauges();
    }

    /// No more deliveries. What the hub has not seen yet is forgotten, the broker keeps it.
    /// Returns whether the hub still holds the other end, so that tickets can be expected.
    pub(super) fn close_deliveries(&mut self) -> bool {
        for delivery in self.backlog.drain(..) {
            self.window.close(delivery.ticket);
        }
        self.deliveries.take().is_some_and(|deliveries| !deliveries.is_closed())
    }

    fn publish_gauges(&self) {
        Counters::set(&self.counters.unacked, self.window.count() as u64);
        Counters::set(&self.counters.unacked_bytes, self.window.bytes());
    }
}

/// Waits until the deliveries' channel has room, or its other end is gone.
pub(super) async fn room(deliveries: Option<&mpsc::Sender<Delivery>>) {
    if let Some(deliveries) = deliveries {
        // The slot is free again at once; the session is the only one that fills it.
        drop(deliveries.reserve().await);
    }
}

fn delivery(publish: Publish, ticket: Ticket, received_at: DateTime<Utc>) -> Delivery {
    Delivery {
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        payload: publish.payload,
        qos: ticket.qos,
        retained: publish.retain,
        duplicate: publish.dup,
        received_at,
        ticket,
    }
}
