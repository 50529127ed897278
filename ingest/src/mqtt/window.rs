//! What the broker waits for on the present connection: packet ids with their bytes.
//!
//! Pure bookkeeping of the session. The epoch numbers the connections of this process; a ticket of
//! another epoch, or of a packet id that is not outstanding, is stale.

use crate::delivery::Ticket;

/// Packet ids are 1 to 65 535, so the table has one place for each and never grows.
const PACKET_IDS: usize = 65_536;

/// Messages of the present connection that were delivered and not acknowledged.
#[derive(Debug)]
pub(super) struct Window {
    epoch: u64,
    /// By packet id: bytes of topic and payload plus one; 0 when the id is not outstanding.
    sizes: Vec<u32>,
    count: usize,
    bytes: u64,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { epoch: 0, sizes: vec![0; PACKET_IDS], count: 0, bytes: 0 }
    }

    /// Messages outstanding.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Bytes of topics and payloads outstanding.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Forgets everything: all tickets given out so far become stale.
    pub(super) fn next_epoch(&mut self) {
        self.epoch += 1;
        self.sizes.fill(0);
        self.count = 0;
        self.bytes = 0;
    }

    /// The ticket of a message that nobody waits for.
    pub(super) fn unawaited(&self) -> Ticket {
        Ticket { epoch: self.epoch, packet_id: 0, qos: 0 }
    }

    /// Notes a message; `None` when its packet id is outstanding already.
    pub(super) fn open(&mut self, packet_id: u16, qos: u8, bytes: usize) -> Option<Ticket> {
        let size = &mut self.sizes[usize::from(packet_id)];
        if *size > 0 {
            return None;
        }
        // A packet has at most 268 435 460 bytes, so the sum stays far below the limit of u32.
        *size = u32::try_from(bytes).unwrap_or(u32::MAX - 1).saturating_add(1);
        self.bytes += u64::from(*size - 1);
        self.count += 1;
        Some(Ticket { epoch: self.epoch, packet_id, qos })
    }

    /// Takes a ticket back; `false` when it is stale.
    pub(super) fn close(&mut self, ticket: Ticket) -> bool {
        let size = &mut self.sizes[usize::from(ticket.packet_id)];
        if ticket.epoch != self.epoch || *size == 0 {
            return false;
        }
        self.bytes -= u64::from(*size - 1);
        self.count -= 1;
        *size = 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    #[test]
    fn a_ticket_is_worth_one_acknowledgement() {
        let mut window = Window::new();
        let ticket = window.open(7, 1, 100).expect("the id is free");
        assert_eq!((window.count(), window.bytes()), (1, 100));
        assert!(window.open(7, 1, 100).is_none(), "the id is taken");
        assert!(window.close(ticket));
        assert!(!window.close(ticket), "the second time is stale");
        assert_eq!((window.count(), window.bytes()), (0, 0));
    }

    #[test]
    fn a_ticket_of_an_older_connection_does_not_release_the_same_packet_id() {
        let mut window = Window::new();
        let old = window.open(1, 1, 10).expect("the id is free");
        window.next_epoch();
        let new = window.open(1, 1, 20).expect("the id is free again");
        assert!(!window.close(old));
        assert_eq!((window.count(), window.bytes()), (1, 20));
        assert!(window.close(new));
    }
}
