//! `GET /api/v1/live`: the websocket of the live channel, subprotocol `ioc.live.v1`, JSON text frames.
//!
//! Signed-in pages of this origin only. The client subscribes to topics and gets a snapshot, then
//! deltas; see [`crate::live`]. Limits: frames of 64 KiB in, [`crate::live::frame::PART_BYTES`] out;
//! subscriptions, connections and the slow-client rule as configured in `[live]`. Close codes: 4400
//! bad frame, 4401 session ended, 4403 forbidden, 4408 slow, 4429 limit, 1012 restart.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket},
    },
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, Utc};
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use rand::RngExt as _;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{App, Problem, caller};
use crate::{
    access::{self, Identity, Right},
    live::{
        Connection, LiveError, Pace,
        client::Taken,
        frame::{error, time_text},
        topic::{Filter, Topic},
    },
};

/// Subprotocol of the live channel.
const PROTOCOL: &str = "ioc.live.v1";
/// Largest frame that a client may send, bytes.
const FRAME_MAX_BYTES: usize = 64 * 1024;
/// Read buffer of one connection, bytes: clients send little, and there are many of them.
const READ_BUFFER_BYTES: usize = 4096;
/// Frames that wait are written together from so many bytes on. The room for them is never given back
/// while the connection lasts: at the library's own 128 KiB, thousands of clients that were slow once
/// hold hundreds of megabytes.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;
/// A connection on which nothing came for this long is asked for a sign of life.
const IDLE_PING: Duration = Duration::from_secs(20);
/// A restarting hub spreads its clients' return over this many milliseconds.
const RETRY_SPREAD_MS: std::ops::Range<u64> = 500..3_000;

const BAD_FRAME: u16 = 4400;
const NOT_SIGNED_IN: u16 = 4401;
const SLOW: u16 = 4408;
const LIMIT: u16 = 4429;
const RESTART: u16 = 1012;

/// What a client sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
enum Request {
    Subscribe {
        id: u32,
        topic: String,
        #[serde(default)]
        filter: Filter,
        #[serde(default)]
        resume: Option<String>,
    },
    Unsubscribe {
        id: u32,
    },
    Pace {
        hz: f64,
    },
    Ping {
        t: f64,
    },
}

/// Why a connection ends.
enum End {
    /// The client went.
    Gone,
    /// The hub says why.
    Close { code: u16, reason: &'static str },
}

/// Opens the live channel.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !caller::same_origin(&headers) {
        return Problem::cross_site().into_response();
    }
    let identity = match caller::identify_reader(&app, &headers).await {
        Ok(Some(identity)) => identity,
        Ok(None) => return Problem::unauthenticated().into_response(),
        Err(problem) => return problem.into_response(),
    };
    if let Err(denied) = access::decide(&identity, Right::Read) {
        return Problem::from(denied).into_response();
    }
    // Taken before the answer: a stopping server waits for answers, and then for guests.
    let guest = app.live.guest();
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(FRAME_MAX_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .on_upgrade(move |socket| async move {
            serve(app, identity, socket).await;
            drop(guest);
        })
}

async fn serve(app: Arc<App>, identity: Identity, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let connection = match app.live.connect(&identity.user).await {
        Ok(connection) => connection,
        Err(LiveError::Full(_) | LiveError::FullForUser(_)) => {
            return close(&mut sink, LIMIT, "limit").await;
        }
        Err(LiveError::Stopping) => return close(&mut sink, RESTART, "shutdown").await,
    };
    connection.queue.greet(hello(&app, &identity));
    let mut session = Session { app, identity, connection, subscriptions: Vec::new() };
    let end = session.run(&mut sink, &mut stream).await;
    session.connection.close().await;
    if let End::Close { code, reason } = end {
        close(&mut sink, code, reason).await;
    }
}

fn hello(app: &App, identity: &Identity) -> Utf8Bytes {
    let settings = app.live.settings();
    let rights: Vec<&str> = identity.role.rights().iter().map(|right| right.as_str()).collect();
    json!({
        "op": "hello",
        "protocol": 1,
        "build": app.settings.build,
        "time": time_text(app.clock.now()),
        "epoch": app.live.epoch(),
        "tick_ms": u64::try_from(settings.tick.as_millis()).unwrap_or(u64::MAX),
        "user": identity.user,
        "rights": rights,
        "city": app.settings.city,
        "demonstration": app.settings.demonstration,
        "insecure": app.settings.insecure,
        "alarms": app.live.alarms().counts(),
    })
    .to_string()
    .into()
}

/// Says goodbye and closes; a client that does not read it is not waited for.
async fn close(sink: &mut SplitSink<WebSocket, Message>, code: u16, reason: &'static str) {
    let retry_ms = rand::rng().random_range(RETRY_SPREAD_MS);
    let bye = json!({"op": "bye", "reason": reason, "retry_ms": retry_ms}).to_string();
    let frame = CloseFrame { code, reason: reason.into() };
    let farewell = async {
        sink.feed(Message::Text(bye.into())).await?;
        sink.send(Message::Close(Some(frame))).await
    };
    let _not_waited_for = timeout(Duration::from_secs(1), farewell).await;
}

struct Session {
    app: Arc<App>,
    identity: Identity,
    connection: Connection,
    subscriptions: Vec<u32>,
}

impl Session {
    async fn run(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
        stream: &mut SplitStream<WebSocket>,
    ) -> End {
        let queue = Arc::clone(&self.connection.queue);
        let mut idle = tokio::time::interval(IDLE_PING);
        let mut heard = true;
        loop {
            // Every branch is cancel-safe; sending happens after one was taken.
            let step = tokio::select! {
                () = self.app.stop.cancelled() => {
                    return End::Close { code: RESTART, reason: "shutdown" };
                }
                received = stream.next() => {
                    heard = true;
                    match received {
                        Some(Ok(message)) => self.receive(message).await,
                        Some(Err(_)) | None => Err(End::Gone),
                    }
                }
                taken = queue.take() => self.send(sink, taken).await,
                _ = idle.tick() => {
                    if !heard {
                        return End::Gone;
                    }
                    heard = false;
                    self.check(sink).await
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// A sign of life is asked for, and the session looked at again: it may have ended.
    async fn check(&mut self, sink: &mut SplitSink<WebSocket, Message>) -> Result<(), End> {
        let now: DateTime<Utc> = self.app.clock.now();
        let live = access::is_live(&self.app.store, &self.identity, now).await;
        if self.identity.expires_at <= now || !live {
            return Err(End::Close { code: NOT_SIGNED_IN, reason: "rights_changed" });
        }
        self.deliver(sink.send(Message::Ping(axum::body::Bytes::new()))).await
    }

    async fn send(
        &mut self,
        sink: &mut SplitSink<WebSocket, Message>,
        taken: Taken,
    ) -> Result<(), End> {
        match taken {
            Taken::Lagging => self.connection.restart().await.map_err(|_stopping| End::Gone),
            Taken::Frames(frames) => {
                let all = async {
                    for frame in frames {
                        sink.feed(Message::Text(frame)).await?;
                    }
                    sink.flush().await
                };
                self.deliver(all).await
            }
        }
    }

    /// A client that reads nothing for the configured time is closed.
    async fn deliver(
        &self,
        sending: impl Future<Output = Result<(), axum::Error>>,
    ) -> Result<(), End> {
        match timeout(self.app.settings.slow_client, sending).await {
            Ok(sent) => sent.map_err(|_broken| End::Gone),
            Err(_slow) => {
                self.app.live.note_slow();
                Err(End::Close { code: SLOW, reason: "slow_client" })
            }
        }
    }

    async fn receive(&mut self, message: Message) -> Result<(), End> {
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Gone),
            Message::Binary(_) => {
                return Err(End::Close { code: BAD_FRAME, reason: "protocol_error" });
            }
        };
        let Ok(request) = serde_json::from_str::<Request>(&text) else {
            let frame = error(None, "bad_frame", "see the documentation of the live channel");
            self.connection.queue.greet(frame);
            return Ok(());
        };
        self.obey(request).await.map_err(|_stopping| End::Gone)
    }

    async fn obey(&mut self, request: Request) -> Result<(), LiveError> {
        match request {
            Request::Subscribe { id, topic, filter, resume } => {
                self.subscribe(id, &topic, filter, resume.as_deref()).await
            }
            Request::Unsubscribe { id } => {
                self.subscriptions.retain(|known| *known != id);
                self.connection.unsubscribe(id).await
            }
            Request::Pace { hz } => {
                let pace = if hz <= 1.0 { Pace::Slow } else { Pace::Full };
                self.connection.pace(pace).await
            }
            Request::Ping { t } => {
                let time = time_text(self.app.clock.now());
                let pong = json!({"op": "pong", "t": t, "time": time}).to_string();
                self.connection.queue.greet(pong.into());
                Ok(())
            }
        }
    }

    async fn subscribe(
        &mut self,
        id: u32,
        topic: &str,
        filter: Filter,
        resume: Option<&str>,
    ) -> Result<(), LiveError> {
        let refuse = |code: &str, detail: &str| {
            self.connection.queue.greet(error(Some(id), code, detail));
            Ok(())
        };
        let Some(topic) = Topic::parse(topic) else {
            return refuse("unknown_topic", "there is no such topic");
        };
        let limit = self.app.settings.subscriptions;
        if !self.subscriptions.contains(&id) && self.subscriptions.len() >= limit {
            return refuse("too_many_subscriptions", &format!("the limit is {limit}"));
        }
        if !self.subscriptions.contains(&id) {
            self.subscriptions.push(id);
        }
        self.connection.subscribe(id, topic, filter, resume).await
    }
}
