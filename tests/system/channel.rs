//! The live channel as a page sees it: frames, and the collections that are built from them.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message, client::IntoClientRequest as _, http::HeaderValue,
        protocol::frame::CloseFrame,
    },
};

use crate::{browser::Browser, server::DEADLINE};

/// An open live channel with what a page keeps of its subscriptions.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) hello: Value,
    collections: BTreeMap<u32, Collection>,
}

/// How a refused opening was answered.
pub(crate) type Refusal = (u16, Value);

/// Opens the live channel; a refusal is no error.
pub(crate) async fn try_open(
    browser: &Browser,
    headers: &[(&'static str, &str)],
) -> anyhow::Result<Result<WebSocketStream<TcpStream>, Refusal>> {
    let mut request = format!("ws://{}/api/v1/live", browser.address).into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("ioc.live.v1"));
    if let Some(cookie) = &browser.cookie {
        request.headers_mut().insert("cookie", cookie.parse()?);
    }
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse()?);
    }
    let socket = TcpStream::connect(browser.address).await?;
    match tokio::time::timeout(DEADLINE, client_async(request, socket)).await? {
        Ok((socket, _response)) => Ok(Ok(socket)),
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            let problem = serde_json::from_slice(&body).unwrap_or_default();
            Ok(Err((response.status().as_u16(), problem)))
        }
        Err(error) => Err(error.into()),
    }
}

impl Channel {
    /// A channel on an open socket; nothing was read yet.
    pub(crate) const fn over(socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket, hello: Value::Null, collections: BTreeMap::new() }
    }

    /// Opens the channel and takes the greeting.
    pub(crate) async fn open(browser: &Browser) -> anyhow::Result<Self> {
        let socket = match try_open(browser, &[]).await? {
            Ok(socket) => socket,
            Err((status, problem)) => bail!("refused with {status}: {problem}"),
        };
        let mut channel = Self::over(socket);
        channel.hello = channel.frame().await?;
        ensure!(channel.hello["op"] == "hello", "the first frame is {}", channel.hello);
        Ok(channel)
    }

    pub(crate) async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        self.send_text(&frame.to_string()).await
    }

    pub(crate) async fn send_text(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// The next frame of the hub; snapshots and deltas go into their collections.
    pub(crate) async fn frame(&mut self) -> anyhow::Result<Value> {
        let next = async {
            loop {
                match self.socket.next().await.context("the channel ended")?? {
                    Message::Text(text) => return anyhow::Ok(serde_json::from_str(&text)?),
                    Message::Close(frame) => bail!("closed: {frame:?}"),
                    _ => {}
                }
            }
        };
        let frame: Value = tokio::time::timeout(DEADLINE, next).await.context("no frame")??;
        let id = frame["id"].as_u64().and_then(|id| u32::try_from(id).ok());
        if matches!(frame["op"].as_str(), Some("snapshot" | "delta"))
            && let Some(collection) = id.and_then(|id| self.collections.get_mut(&id))
        {
            collection.apply(&frame)?;
        }
        Ok(frame)
    }

    /// The next frame of this operation; others are passed over.
    pub(crate) async fn frame_of(&mut self, op: &str) -> anyhow::Result<Value> {
        let until = tokio::time::Instant::now() + DEADLINE;
        while tokio::time::Instant::now() < until {
            let frame = self.frame().await?;
            if frame["op"] == op {
                return Ok(frame);
            }
        }
        bail!("no frame {op}")
    }

    /// Everything up to the end: the last frame and how the hub closed.
    pub(crate) async fn end(&mut self) -> anyhow::Result<(Value, Option<CloseFrame>)> {
        let mut last = Value::Null;
        let reading = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => last = serde_json::from_str(&text)?,
                    Some(Ok(Message::Close(frame))) => return anyhow::Ok(frame),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Ok(None),
                }
            }
        };
        let frame = tokio::time::timeout(DEADLINE, reading).await.context("not closed")??;
        Ok((last, frame))
    }

    /// Subscribes and takes the snapshot; returns the subscription's id.
    pub(crate) async fn follow(&mut self, id: u32, topic: &str) -> anyhow::Result<u32> {
        self.follow_some(id, topic, &json!({})).await
    }

    /// Subscribes with a filter and takes the snapshot.
    pub(crate) async fn follow_some(
        &mut self,
        id: u32,
        topic: &str,
        filter: &Value,
    ) -> anyhow::Result<u32> {
        self.keep(id);
        self.send(&json!({"op": "subscribe", "id": id, "topic": topic, "filter": filter})).await?;
        while !self[id].complete {
            self.frame().await?;
        }
        Ok(id)
    }

    /// Keeps what comes for a subscription, beginning with a snapshot.
    pub(crate) fn keep(&mut self, id: u32) {
        self.collections.insert(id, Collection::default());
    }

    /// Goes on with a collection of an earlier channel.
    pub(crate) fn resume(&mut self, id: u32, collection: Collection) {
        self.collections.insert(id, collection);
    }

    /// Takes frames until a row is as wanted.
    pub(crate) async fn wait_row(
        &mut self,
        id: u32,
        key: &str,
        wanted: impl Fn(&BTreeMap<&str, &Value>) -> bool,
    ) -> anyhow::Result<()> {
        let until = tokio::time::Instant::now() + DEADLINE;
        while tokio::time::Instant::now() < until {
            if self[id].row(key).is_some_and(|row| wanted(&row)) {
                return Ok(());
            }
            let until_frame = tokio::time::timeout_at(until, self.frame()).await;
            let Ok(frame) = until_frame else { break };
            frame?;
        }
        bail!("{key} is {:?}", self[id].row(key))
    }

    /// Takes frames until a value is as expected.
    pub(crate) async fn wait_value(
        &mut self,
        id: u32,
        key: &str,
        column: &str,
        expected: impl Into<Value>,
    ) -> anyhow::Result<()> {
        let expected = expected.into();
        self.wait_row(id, key, |row| row.get(column) == Some(&&expected)).await
    }
}

impl std::ops::Index<u32> for Channel {
    type Output = Collection;

    fn index(&self, id: u32) -> &Collection {
        &self.collections[&id]
    }
}

/// What a page keeps of one subscription.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collection {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: BTreeMap<String, Vec<Value>>,
    pub(crate) cursor: String,
    pub(crate) parts: u64,
    /// Whether everything that the hub shows is in its database, as last told.
    pub(crate) stored: bool,
    complete: bool,
}

impl Collection {
    /// Takes a snapshot part or a delta; a delta has to continue where the last frame ended.
    fn apply(&mut self, frame: &Value) -> anyhow::Result<()> {
        let text = |key: &str| frame[key].as_str().map(str::to_owned).unwrap_or_default();
        match frame["op"].as_str() {
            Some("snapshot") => {
                if self.complete {
                    *self = Self::default();
                }
                self.columns = serde_json::from_value(frame["columns"].clone())?;
                self.parts += 1;
                ensure!(frame["part"] == self.parts, "part {} after {}", frame["part"], self.parts);
                self.complete = frame["last"] == true;
            }
            Some("delta") => {
                ensure!(self.complete, "a delta before the end of the snapshot");
                ensure!(text("prev") == self.cursor, "a hole: {frame} after {}", self.cursor);
            }
            _ => bail!("unexpected: {frame}"),
        }
        self.cursor = text("cursor");
        self.stored = frame["stored"].as_bool().context("stored")?;
        for row in frame["rows"].as_array().context("rows")? {
            let row = row.as_array().context("a row is an array")?;
            let key = row.first().and_then(Value::as_str).context("a key")?;
            ensure!(row.len() == self.columns.len(), "{row:?} for {:?}", self.columns);
            self.rows.insert(key.to_owned(), row.clone());
        }
        for key in frame["removed"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.rows.remove(key);
        }
        Ok(())
    }

    /// A row by column names.
    pub(crate) fn row(&self, key: &str) -> Option<BTreeMap<&str, &Value>> {
        let row = self.rows.get(key)?;
        Some(self.columns.iter().map(String::as_str).zip(row).collect())
    }

    /// One value of a row; null where there is none.
    pub(crate) fn value(&self, key: &str, column: &str) -> Value {
        self.row(key)
            .and_then(|row| row.get(column).map(|value| (*value).clone()))
            .unwrap_or_default()
    }
}
