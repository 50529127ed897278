//! One message on its way through the hub, and the right to acknowledge it once.
//!
//! From: `mqtt`, in the order in which the broker sent it. To: whoever makes the message durable, and
//! back as a [`Ticket`] through the [`Acknowledger`].
//!
//! Invariants: a message is acknowledged only with a ticket, and a ticket is worth nothing on any
//! connection but the one that brought the message: packet ids start anew with every connection, so a
//! late acknowledgement would release another message. A ticket that is given back twice, or late, is
//! dropped and counted by the session.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

/// The right to acknowledge one message on the connection that brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Number of the connection within this process; grows by one at every loss of the link.
    pub(crate) epoch: u64,
    /// Packet id of the message on that connection; 0 for quality of service 0.
    pub(crate) packet_id: u16,
    /// Quality of service of the delivery, 0 to 2.
    pub(crate) qos: u8,
}

impl Ticket {
    /// Whether the broker waits for an acknowledgement of this message.
    pub fn is_awaited(self) -> bool {
        self.qos > 0
    }
}

/// One message as the broker delivered it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Topic text. Bytes that are no UTF-8 are replaced, so that the topic does not parse.
    pub topic: String,
    /// The message's bytes, as sent by the device.
    pub payload: Bytes,
    /// Quality of service of the delivery: 0 has no guarantee, 1 and 2 are repeated until acknowledged.
    pub qos: u8,
    /// The broker had this message in store and sent it because of our subscription; it can be old.
    pub retained: bool,
    /// The broker has sent this message before, possibly to a connection that was lost.
    pub duplicate: bool,
    /// When the session took the message from the socket, by the hub's clock.
    pub received_at: DateTime<Utc>,
    pub(crate) ticket: Ticket,
}

impl Delivery {
    /// A message that no broker waits for: replays, and tests of what comes after the session.
    pub fn unawaited(topic: String, payload: Bytes, received_at: DateTime<Utc>) -> Self {
        let ticket = Ticket { epoch: 0, packet_id: 0, qos: 0 };
        Self { topic, payload, qos: 0, retained: false, duplicate: false, received_at, ticket }
    }

    /// The right to acknowledge this message; a copy of 16 bytes. Giving it back twice is harmless.
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }
}

/// Gives tickets back to the session. Clones share one bounded queue.
#[derive(Debug, Clone)]
pub struct Acknowledger {
    pub(crate) tickets: mpsc::Sender<Vec<Ticket>>,
}

impl Acknowledger {
    /// The queue of tickets, to be watched; it is not kept open by that.
    pub fn queue(&self) -> mpsc::WeakSender<Vec<Ticket>> {
        self.tickets.downgrade()
    }

    /// Acknowledges what has become durable.
    ///
    /// Returns when the session has taken the tickets over, not when the broker has them. The session
    /// takes them at any time, also while it has no connection (then they are worth nothing) and while
    /// the broker does not read, so this waits no longer than the session task needs to be scheduled.
    /// After the session's end the tickets are dropped: the broker will deliver those messages again.
    ///
    /// # Cancel safety
    /// Either all tickets of the call are taken over or none.
    pub async fn acknowledge(&self, mut tickets: Vec<Ticket>) {
        tickets.retain(|ticket| ticket.is_awaited());
        if !tickets.is_empty() {
            // An error means that the session has ended; nothing is left to acknowledge to.
            let _ended = self.tickets.send(tickets).await;
        }
    }
}
