//! One broker connection of the simulator: an ordinary MQTT 5 publisher.
//!
//! The task that polls never publishes, so a full window cannot block it. The session outlives a cut
//! of the link for some minutes, so that unacknowledged messages are sent again; a lost session loses
//! them, as it would on a real device without a buffer.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use rumqttc::{
    NetworkOptions, TlsConfiguration, Transport,
    v5::{
        AsyncClient, Event, EventLoop, MqttOptions,
        mqttbytes::{
            QoS,
            v5::{LastWill, Packet, PubAckReason},
        },
    },
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Broker, SimulateStats, publisher::Outgoing};

/// How long the broker keeps the session of a lost connection.
const SESSION_EXPIRY_S: u32 = 300;
/// Ping after this much silence.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Messages that wait in the client for their turn.
const QUEUE_MAX: usize = 64;
/// First and longest wait after a failure.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long the farewell may take after the stop.
const FAREWELL: Duration = Duration::from_millis(900);

/// A client and its event loop, not yet connected.
pub(crate) fn open(
    broker: &Broker,
    client_id: String,
    will: Option<Outgoing>,
) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(client_id, broker.host.clone(), broker.port);
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(SESSION_EXPIRY_S))
        .set_outgoing_inflight_upper_limit(broker.in_flight.max(1));
    // Small messages must not wait for each other's acknowledgement.
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    if let Some(username) = &broker.username {
        options.set_credentials(username, broker.password.as_deref().unwrap_or_default());
    }
    if let Some(tls) = &broker.tls {
        let tls = TlsConfiguration::Rustls(Arc::clone(tls));
        options.set_transport(Transport::tls_with_config(tls));
    }
    if let Some(will) = will {
        let will = LastWill::new(&*will.topic, will.payload, QoS::AtLeastOnce, will.retain, None);
        options.set_last_will(will);
    }
    AsyncClient::new(options, QUEUE_MAX)
}

/// Polls until the broker has closed the connection after the client's goodbye, or for a short while
/// after `stop`: closing it from here would reset it, and the last messages with it, while
/// acknowledgements are under way. `connects` counts the connections, `acknowledged` the messages that the broker took over.
pub(crate) async fn drive(
    mut events: EventLoop,
    stats: Arc<SimulateStats>,
    connects: watch::Sender<u64>,
    acknowledged: watch::Sender<u64>,
    stop: CancellationToken,
) {
    let mut farewell = pin!(async {
        stop.cancelled().await;
        sleep(FAREWELL).await;
    });
    let mut backoff = BACKOFF.0;
    loop {
        // A poll is dropped only with its connection, at the very end.
        let event = tokio::select! {
            event = events.poll() => event,
            () = &mut farewell => return,
        };
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                backoff = BACKOFF.0;
                stats.connects.fetch_add(1, Ordering::Relaxed);
                connects.send_modify(|count| *count += 1);
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) => {
                let taken = matches!(
                    ack.reason,
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers
                );
                let counter = if taken { &stats.acknowledged } else { &stats.refused };
                counter.fetch_add(1, Ordering::Relaxed);
                acknowledged.send_modify(|count| *count += 1);
            }
            Ok(_) => {}
            Err(error) => {
                // Events of the lost connection must not be taken for those of the next.
                events.state.events.clear();
                if stop.is_cancelled() {
                    return;
                }
                stats.failures.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, retry_in = ?backoff, "simulator lost its broker connection");
                let _ = timeout(backoff, stop.cancelled()).await;
                backoff = (backoff * 2).min(BACKOFF.1);
            }
        }
    }
}

/// Publishes with `QoS` 1; waits while the window is full. False when the client is gone.
pub(crate) async fn publish(client: &AsyncClient, message: Outgoing) -> bool {
    let Outgoing { topic, payload, retain } = message;
    client.publish(&*topic, QoS::AtLeastOnce, retain, payload).await.is_ok()
}
