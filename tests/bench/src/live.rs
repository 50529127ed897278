//! A client of the live channel, as a page is one.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Bytes, Message, Utf8Bytes, client::IntoClientRequest as _, protocol::WebSocketConfig,
    },
};

/// A channel on which nothing comes for this long is broken: the hub itself asks for a sign of life.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// Bytes that a client reads at once; there are thousands of them in one process.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// One connection.
#[derive(Debug)]
pub(crate) struct LiveClient(WebSocketStream<TcpStream>);

/// A text frame with the moment at which it was read from the socket.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) at: Instant,
    pub(crate) text: Utf8Bytes,
}

impl Frame {
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.text).context("a frame that is no JSON")
    }
}

impl LiveClient {
    pub(crate) async fn open(address: SocketAddr, cookie: &str) -> anyhow::Result<Self> {
        Self::on(TcpSocket::new_v4()?, address, cookie).await
    }

    /// Over a socket that was set up by the caller.
    pub(crate) async fn on(
        socket: TcpSocket,
        address: SocketAddr,
        cookie: &str,
    ) -> anyhow::Result<Self> {
        let mut request = format!("ws://{address}/api/v1/live").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("cookie", cookie.parse()?);
        headers.insert("sec-websocket-protocol", "ioc.live.v1".parse()?);
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
        let (socket, _answer) = client_async_with_config(request, stream, Some(config))
            .await
            .context("open the live channel")?;
        Ok(Self(socket))
    }

    pub(crate) async fn subscribe(&mut self, id: u32, topic: &str) -> anyhow::Result<()> {
        let request = json!({"op": "subscribe", "id": id, "topic": topic}).to_string();
        Ok(self.0.send(Message::Text(request.into())).await?)
    }

    /// The next text frame.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Frame> {
        loop {
            let message =
                timeout(SILENCE_MAX, self.0.next()).await.context("the channel is silent")?;
            let at = Instant::now();
            match message.context("the channel was closed")?? {
                Message::Text(text) => return Ok(Frame { at, text }),
                Message::Close(why) => anyhow::bail!("the hub closed the channel: {why:?}"),
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {
                    // The library answers a ping with the next write; nothing else is written here.
                    self.0.send(Message::Pong(Bytes::new())).await?;
                }
            }
        }
    }
}

/// The rows of a snapshot or a delta of subscription `id`; none of any other frame.
pub(crate) fn rows(frame: &Value, id: u32) -> &[Value] {
    let of_topic = frame["id"] == id && (frame["op"] == "snapshot" || frame["op"] == "delta");
    frame["rows"].as_array().filter(|_| of_topic).map_or(&[], Vec::as_slice)
}
