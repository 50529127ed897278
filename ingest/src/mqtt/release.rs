//! PUBREL for messages that this process never saw.
//!
//! A session that was once used with quality of service 2 may resume with the PUBREL of a message from
//! before. The library calls that an error, drops the connection, and meets it again at the next, for
//! ever. It takes a packet id for known once it has seen a publish with it; so it is shown one of each.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::{ConnectionError, EventLoop, StateError};

/// Whether the library dropped the connection for an answer to a packet id that it does not know.
pub(super) fn is_unknown_release(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::MqttState(StateError::Unsolicited(_)))
}

/// Lets the library answer every PUBREL of the next connection. Takes about ten milliseconds.
pub(super) fn know_every_packet_id(eventloop: &mut EventLoop) {
    for pkid in 1..=u16::MAX {
        let publish = Publish { qos: QoS::ExactlyOnce, pkid, ..Publish::default() };
        // Fails for no publish while acknowledgement is manual.
        let _none = eventloop.state.handle_incoming_packet(Packet::Publish(publish));
        eventloop.state.events.clear();
    }
}
