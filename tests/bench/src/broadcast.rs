//! The bare reference of the fan-out, a process of its own: an axum server that sends the hub's own
//! frames, recorded beforehand, to every client through a broadcast channel; only the time in each is
//! set anew. No session, no topics, no values, no database behind it.
//!
//! Says `listening ADDRESS`; `pace HZ` on its standard input sets how many frames a second it sends.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use axum::{
    Router,
    extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    routing::any,
};
use chrono::SecondsFormat;
use clap::Args;
use ioc_hub::clock::{Clock as _, SystemClock};
use tokio::{
    net::TcpListener,
    sync::{broadcast, watch},
    time::{Instant, sleep_until},
};

use super::clients::{TIME, TIME_LEN};

/// Frames that wait for one client, as in the hub; a client that is further behind misses some.
const FRAMES: usize = 64;
/// Read buffer of one connection, bytes, as in the hub.
const READ_BUFFER_BYTES: usize = 4096;

#[derive(Debug, Args)]
pub(crate) struct BroadcastArgs {
    /// File with one frame a line.
    #[arg(long)]
    pub(crate) frames: PathBuf,
}

impl BroadcastArgs {
    /// The same as words of a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        vec!["broadcast".into(), format!("--frames={}", self.frames.display())]
    }
}

pub(crate) async fn run(args: BroadcastArgs) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&args.frames).context("read the recorded frames")?;
    let frames: Vec<String> = text.lines().map(str::to_owned).collect();
    anyhow::ensure!(!frames.is_empty(), "no frame was recorded");
    let (sender, _) = broadcast::channel(FRAMES);
    let (set_pace, pace) = watch::channel(0.0);
    let of_clients = sender.clone();
    let open = async move |upgrade: WebSocketUpgrade| {
        let frames = of_clients.subscribe();
        upgrade
            .protocols(["ioc.live.v1"])
            .read_buffer_size(READ_BUFFER_BYTES)
            .on_upgrade(move |socket| serve(socket, frames))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    super::say(format!("listening {}", listener.local_addr()?));
    let router = Router::new().route("/api/v1/live", any(open));
    let mut lines = super::child::input_lines();
    let obey = async {
        while let Some(line) = lines.recv().await {
            let pace = line.strip_prefix("pace ").context("no such request")?;
            set_pace.send_replace(pace.parse()?);
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = axum::serve(listener, router) => Ok(ended?),
        ended = send(&sender, frames, pace) => ended,
        ended = obey => ended,
    }
}

/// Sends frame after frame at the pace that is set; 0 is silence.
async fn send(
    sender: &broadcast::Sender<Utf8Bytes>,
    frames: Vec<String>,
    mut pace: watch::Receiver<f64>,
) -> anyhow::Result<()> {
    let mut next = Instant::now();
    for mut frame in frames.into_iter().cycle() {
        let hz = *pace.wait_for(|hz| *hz > 0.0).await?;
        // What a busy machine made late is not made up for, as the hub's tick does.
        next = (next + Duration::from_secs_f64(1.0 / hz)).max(Instant::now());
        sleep_until(next).await;
        let at = frame.find(TIME).context("a frame without time")? + TIME.len();
        let time = SystemClock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        frame.replace_range(at..at + TIME_LEN, &time);
        // Without clients there is nobody to send to.
        let _nobody = sender.send(frame.into());
    }
    Ok(())
}

async fn serve(mut socket: WebSocket, mut frames: broadcast::Receiver<Utf8Bytes>) {
    loop {
        // Both branches are cancel-safe.
        tokio::select! {
            frame = frames.recv() => match frame {
                Ok(frame) => {
                    if socket.send(Message::Text(frame)).await.is_err() {
                        return;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            received = socket.recv() => match received {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}
