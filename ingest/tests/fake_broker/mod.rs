//! A broker that does what a test tells it, packet by packet: also what no good broker does.
//!
//! It holds no state of its own. A test accepts a connection, answers CONNECT as it likes, sends what it
//! likes in one write, and reads what the client put on the wire. Only pings are answered by themselves
//! (and counted), because every wait may meet one. Every wait has a deadline.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnAckProperties, Connect, ConnectReturnCode, Disconnect, DisconnectReasonCode,
    Login, Packet, PingResp, PubAck, Publish, SubAck, Subscribe, SubscribeReasonCode, UnsubAck,
    UnsubAckReason, Unsubscribe,
};
use rumqttc::v5::mqttbytes::{Error as PacketError, QoS};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a test returns; the cause of a failure is in the text.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// No step of a test takes longer on a busy machine; reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for `step`, at most twenty seconds.
pub(crate) async fn within<T>(what: &str, step: impl Future<Output = T>) -> Outcome<T> {
    tokio::time::timeout(PATIENCE, step).await.map_err(|_late| format!("waited for {what}").into())
}

/// The listening side.
pub(crate) struct Broker {
    listener: TcpListener,
}

impl Broker {
    pub(crate) async fn start() -> Outcome<Self> {
        Ok(Self { listener: TcpListener::bind(("127.0.0.1", 0)).await? })
    }

    /// A broker on a socket with settings of its own.
    pub(crate) fn listening(listener: TcpListener) -> Self {
        Self { listener }
    }

    pub(crate) fn port(&self) -> Outcome<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// The next TCP connection, nothing read yet.
    pub(crate) async fn accept_tcp(&self) -> Outcome<TcpStream> {
        let (socket, _peer) = within("a connection", self.listener.accept()).await??;
        socket.set_nodelay(true)?;
        Ok(socket)
    }

    /// The next connection, with its CONNECT read and not answered.
    pub(crate) async fn accept(&self) -> Outcome<Link> {
        Link::open(self.accept_tcp().await?).await
    }

    /// The next connection, accepted with a new session and subscribed as asked.
    pub(crate) async fn accept_new(&self) -> Outcome<Link> {
        let mut link = self.accept().await?;
        link.welcome(false).await?;
        link.grant().await?;
        Ok(link)
    }
}

/// Any byte stream between the two sides.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// One connection, seen from the broker.
pub(crate) struct Link {
    wire: Box<dyn Wire>,
    inbox: BytesMut,
    /// What the client asked for.
    pub(crate) connect: Connect,
    /// Its credentials.
    pub(crate) login: Option<Login>,
    /// Pings answered so far.
    pub(crate) pings: u32,
    /// Filters that the client gave up.
    pub(crate) unsubscribed: Vec<String>,
}

impl Link {
    /// Reads CONNECT.
    pub(crate) async fn open(wire: impl Wire + 'static) -> Outcome<Self> {
        let connect = Connect {
            keep_alive: 0,
            client_id: String::new(),
            clean_start: false,
            properties: None,
        };
        let inbox = BytesMut::new();
        let mut link = Self {
            wire: Box::new(wire),
            inbox,
            connect,
            login: None,
            pings: 0,
            unsubscribed: Vec::new(),
        };
        match link.receive().await? {
            Packet::Connect(connect, _will, login) => {
                link.connect = connect;
                link.login = login;
                Ok(link)
            }
            other => Err(format!("expected CONNECT, not {other:?}").into()),
        }
    }

    /// Accepts the client, with or without a session from before.
    pub(crate) async fn welcome(&mut self, session_present: bool) -> Outcome {
        self.answer(session_present, ConnectReturnCode::Success, None).await
    }

    /// Accepts the client with a new session, but with other terms than it asked for.
    pub(crate) async fn welcome_with(
        &mut self,
        keep_alive_s: Option<u16>,
        session_expiry_s: Option<u32>,
    ) -> Outcome {
        let properties = ConnAckProperties {
            server_keep_alive: keep_alive_s,
            session_expiry_interval: session_expiry_s,
            receive_max: None,
            max_qos: None,
            retain_available: None,
            max_packet_size: None,
            assigned_client_identifier: None,
            topic_alias_max: None,
            reason_string: None,
            user_properties: Vec::new(),
            wildcard_subscription_available: None,
            subscription_identifiers_available: None,
            shared_subscription_available: None,
            response_information: None,
            server_reference: None,
            authentication_method: None,
            authentication_data: None,
        };
        self.answer(false, ConnectReturnCode::Success, Some(properties)).await
    }

    /// Refuses the client.
    pub(crate) async fn refuse(&mut self, code: ConnectReturnCode) -> Outcome {
        self.answer(false, code, None).await
    }

    async fn answer(
        &mut self,
        session_present: bool,
        code: ConnectReturnCode,
        properties: Option<ConnAckProperties>,
    ) -> Outcome {
        self.send(&[Packet::ConnAck(ConnAck { session_present, code, properties })]).await
    }

    /// Reads SUBSCRIBE and grants what it asks.
    pub(crate) async fn grant(&mut self) -> Outcome<Subscribe> {
        let subscribe = self.subscription().await?;
        let granted = subscribe.filters.iter().map(|f| SubscribeReasonCode::Success(f.qos));
        self.answer_subscription(subscribe.pkid, granted.collect()).await?;
        Ok(subscribe)
    }

    /// Reads SUBSCRIBE, and UNSUBSCRIBE before it, which is answered.
    pub(crate) async fn subscription(&mut self) -> Outcome<Subscribe> {
        loop {
            match self.receive().await? {
                Packet::Subscribe(subscribe) => return Ok(subscribe),
                Packet::Unsubscribe(Unsubscribe { pkid, filters, .. }) => {
                    let reasons = vec![UnsubAckReason::Success; filters.len()];
                    self.unsubscribed.extend(filters);
                    let answer = UnsubAck { pkid, reasons, properties: None };
                    self.send(&[Packet::UnsubAck(answer)]).await?;
                }
                other => return Err(format!("expected SUBSCRIBE, not {other:?}").into()),
            }
        }
    }

    pub(crate) async fn answer_subscription(
        &mut self,
        pkid: u16,
        return_codes: Vec<SubscribeReasonCode>,
    ) -> Outcome {
        self.send(&[Packet::SubAck(SubAck { pkid, return_codes, properties: None })]).await
    }

    /// Puts the packets on the wire in one write.
    pub(crate) async fn send(&mut self, packets: &[Packet]) -> Outcome {
        let mut bytes = BytesMut::new();
        for packet in packets {
            packet.write(&mut bytes, None).map_err(|error| format!("{packet:?}: {error}"))?;
        }
        self.send_bytes(&bytes).await
    }

    /// Puts bytes on the wire that need not be a packet.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> Outcome {
        Ok(within("room to write", self.wire.write_all(bytes)).await??)
    }

    /// The next packet from the client; pings are answered and left out.
    pub(crate) async fn receive(&mut self) -> Outcome<Packet> {
        match within("a packet from the client", self.next()).await?? {
            Some(packet) => Ok(packet),
            None => Err("the client closed the connection".into()),
        }
    }

    /// The packet id of the next packet, which must be PUBACK.
    pub(crate) async fn acknowledged(&mut self) -> Outcome<u16> {
        match self.receive().await? {
            Packet::PubAck(PubAck { pkid, .. }) => Ok(pkid),
            other => Err(format!("expected PUBACK, not {other:?}").into()),
        }
    }

    /// Waits for a ping; every other packet is an error.
    pub(crate) async fn pinged(&mut self) -> Outcome {
        match within("a ping", self.read()).await?? {
            Some(Packet::PingReq(_)) => self.answer_ping().await,
            other => Err(format!("expected PINGREQ, not {other:?}").into()),
        }
    }

    /// Everything up to DISCONNECT.
    pub(crate) async fn until_goodbye(&mut self) -> Outcome<Vec<Packet>> {
        let mut packets = Vec::new();
        while !matches!(packets.last(), Some(Packet::Disconnect(_))) {
            packets.push(self.receive().await?);
        }
        Ok(packets)
    }

    /// Everything until the client closes.
    pub(crate) async fn rest(&mut self) -> Outcome<Vec<Packet>> {
        let mut packets = Vec::new();
        while let Some(packet) = within("the client to close", self.next()).await?? {
            packets.push(packet);
        }
        Ok(packets)
    }

    async fn next(&mut self) -> Outcome<Option<Packet>> {
        loop {
            match self.read().await? {
                Some(Packet::PingReq(_)) => self.answer_ping().await?,
                packet => return Ok(packet),
            }
        }
    }

    async fn answer_ping(&mut self) -> Outcome {
        self.pings += 1;
        self.send(&[Packet::PingResp(PingResp)]).await
    }

    /// `None` when the client has closed the connection, orderly or not.
    async fn read(&mut self) -> Outcome<Option<Packet>> {
        loop {
            if self.inbox.starts_with(&GOODBYE) {
                self.inbox.advance(GOODBYE.len());
                return Ok(Some(goodbye()));
            }
            match Packet::read(&mut self.inbox, None) {
                Ok(packet) => return Ok(Some(packet)),
                Err(PacketError::InsufficientBytes(_)) => {
                    if self.wire.read_buf(&mut self.inbox).await.unwrap_or(0) == 0 {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// DISCONNECT without reason and properties, which the library writes but does not read.
const GOODBYE: [u8; 2] = [0xE0, 0x00];

/// An orderly end without an expiry of its own: the session stays as CONNECT asked.
pub(crate) fn goodbye() -> Packet {
    Packet::Disconnect(Disconnect::new(DisconnectReasonCode::NormalDisconnection))
}

/// Where all messages of the tests come from.
pub(crate) const TOPIC: &str = "ioc/1/can-tho/vds/vds-1/interval";

/// A message with quality of service 1.
pub(crate) fn publish(packet_id: u16, payload: &str) -> Publish {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    Publish { pkid: packet_id, ..Publish::new(TOPIC, QoS::AtLeastOnce, payload, None) }
}

/// A message with quality of service 1, as a packet.
pub(crate) fn message(packet_id: u16, payload: &str) -> Packet {
    Packet::Publish(publish(packet_id, payload))
}

/// The same message once more.
pub(crate) fn repeated(packet_id: u16, payload: &str) -> Packet {
    Packet::Publish(Publish { dup: true, ..publish(packet_id, payload) })
}

/// A message with quality of service 0. Tests use it as a mark: what the broker sent before it has
/// passed the session when it arrives.
pub(crate) fn mark(payload: &str) -> Packet {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    Packet::Publish(Publish::new(TOPIC, QoS::AtMostOnce, payload, None))
}
