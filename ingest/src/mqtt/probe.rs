//! Whether the broker keeps what comes while the hub is away: its limits cannot be read over MQTT, so a
//! session is parked, messages are published to it, and what comes back is counted.
//!
//! Works on topics of its own below `ioc-check/`, never on those of devices, and ends its session.

use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
use rumqttc::v5::{AsyncClient, ClientError, ConnectionError, Event, EventLoop};
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::explain;
use super::{Options, SessionError};

/// Longest wait for the next event of the broker.
const SILENCE: Duration = Duration::from_secs(10);
/// How long the broker keeps the parked session at most, should the probe not end it.
const EXPIRY_S: u32 = 60;
/// Messages on their way to the broker at a time.
const REQUESTS: usize = 64;
/// What the last message says; those before it carry their number.
const LAST: &[u8] = b"last";

/// What became of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Messages published while the session was parked.
    pub published: usize,
    /// Those of them that came back.
    pub delivered: usize,
}

/// Why it could not be found out.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The options cannot work.
    #[error(transparent)]
    Options(#[from] SessionError),
    /// The broker went, or gave no answer.
    #[error("{0}")]
    Broker(String),
    /// The account may not use the probe's topics.
    #[error("the account may not {0} ioc-check/#")]
    Forbidden(&'static str),
}

impl From<ClientError> for ProbeError {
    fn from(error: ClientError) -> Self {
        Self::Broker(error.to_string())
    }
}

/// One connection of the probe.
struct Peer<'a> {
    options: &'a Options,
    client: AsyncClient,
    events: EventLoop,
}

impl<'a> Peer<'a> {
    fn new(
        options: &'a Options,
        name: &str,
        clean: bool,
        expiry_s: u32,
    ) -> Result<Self, ProbeError> {
        let own = Options { client_id: format!("{}-{name}", options.client_id), ..options.clone() };
        let mut settings = own.connection()?;
        settings.set_manual_acks(false).set_clean_start(clean);
        if let Some(mut properties) = settings.connect_properties() {
            properties.session_expiry_interval = Some(expiry_s);
            settings.set_connect_properties(properties);
        }
        let (client, events) = AsyncClient::new(settings, REQUESTS);
        Ok(Self { options, client, events })
    }

    /// The next packet that says something: answers to pings alone would keep a wait going for ever.
    async fn next(&mut self) -> Result<Packet, ProbeError> {
        let until = Instant::now() + SILENCE;
        loop {
            match timeout_at(until, self.events.poll()).await {
                Ok(Ok(Event::Outgoing(_) | Event::Incoming(Packet::PingResp(_)))) => {}
                Ok(Ok(Event::Incoming(packet))) => return Ok(packet),
                Ok(Err(error)) => return Err(self.broken(&error)),
                Err(_silent) => {
                    let seconds = SILENCE.as_secs();
                    let silent = format!("the broker said nothing for {seconds} s");
                    return Err(ProbeError::Broker(silent));
                }
            }
        }
    }

    fn broken(&self, error: &ConnectionError) -> ProbeError {
        ProbeError::Broker(explain(error, self.options, true).error)
    }

    /// Leaves; whether the session stays is for the broker to know from its expiry.
    async fn leave(mut self) -> Result<(), ProbeError> {
        self.client.disconnect().await?;
        // The end of the connection is what is waited for.
        while let Ok(Ok(_event)) = timeout(SILENCE, self.events.poll()).await {}
        Ok(())
    }
}

/// Parks a session, publishes `messages` small messages to it and counts what comes back. The names of
/// its sessions begin with [`Options::client_id`].
pub async fn keeps_for_parked(options: &Options, messages: usize) -> Result<Kept, ProbeError> {
    let topic = format!("ioc-check/{}", options.client_id);
    let mut parked = Peer::new(options, "parked", true, EXPIRY_S)?;
    parked.client.subscribe(&topic, QoS::AtLeastOnce).await?;
    loop {
        if let Packet::SubAck(suback) = parked.next().await? {
            match suback.return_codes.first() {
                Some(SubscribeReasonCode::Success(_)) => break,
                _ => return Err(ProbeError::Forbidden("subscribe to")),
            }
        }
    }
    parked.leave().await?;

    let mut device = Peer::new(options, "device", true, 0)?;
    publish(&mut device, &topic, (0..messages).map(|number| number.to_string().into_bytes()))
        .await?;
    // Without a clean start the session goes on; an expiry of 0 ends it with this connection.
    let mut back = Peer::new(options, "parked", false, 0)?;
    loop {
        if let Packet::ConnAck(connack) = back.next().await? {
            if !connack.session_present {
                return Ok(Kept { published: messages, delivered: 0 });
            }
            break;
        }
    }
    let delivered = count(&mut back, &mut device, &topic).await?;
    back.leave().await?;
    device.leave().await?;
    Ok(Kept { published: messages, delivered })
}

/// Publishes and waits until the broker has taken everything.
async fn publish(
    device: &mut Peer<'_>,
    topic: &str,
    payloads: impl Iterator<Item = Vec<u8>>,
) -> Result<(), ProbeError> {
    let (mut open, mut payloads) = (0, payloads.peekable());
    while open > 0 || payloads.peek().is_some() {
        while open < REQUESTS / 2 {
            let Some(payload) = payloads.next() else { break };
            device.client.publish(topic, QoS::AtLeastOnce, false, payload).await?;
            open += 1;
        }
        if let Packet::PubAck(puback) = device.next().await? {
            if puback.reason == PubAckReason::NotAuthorized {
                return Err(ProbeError::Forbidden("publish to"));
            }
            open -= 1;
        }
    }
    Ok(())
}

/// Counts what was kept: everything before a last message that is published now.
async fn count(
    back: &mut Peer<'_>,
    device: &mut Peer<'_>,
    topic: &str,
) -> Result<usize, ProbeError> {
    publish(device, topic, std::iter::once(LAST.to_vec())).await?;
    let mut delivered = 0;
    loop {
        match back.next().await {
            Ok(Packet::Publish(publish)) if publish.payload == LAST => return Ok(delivered),
            Ok(Packet::Publish(_)) => delivered += 1,
            Ok(_) => {}
            // A broker whose queue was full may have dropped the last message too.
            Err(ProbeError::Broker(_)) if delivered > 0 => return Ok(delivered),
            Err(error) => return Err(error),
        }
    }
}
