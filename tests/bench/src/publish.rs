//! The publisher, a process of its own: floods the broker with prepared messages, `QoS` 1, but never
//! more than the allowance that it is told on its standard input, so that the broker's queue stays
//! short and the rate is that of the slowest stage. Says `ready` when it is connected.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, MqttOptions,
    mqttbytes::{QoS, v5::Packet},
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use super::payload::{self, Messages, STATIONS};

/// Connections, which share the stations evenly.
const CONNECTIONS: usize = 2;
/// Messages under way without the broker's acknowledgement, per connection.
const IN_FLIGHT: u16 = 1_000;

#[derive(Debug, Clone, Args)]
pub(crate) struct PublishArgs {
    #[arg(long)]
    pub(crate) port: u16,
    #[arg(long)]
    pub(crate) root: String,
    #[arg(long)]
    pub(crate) city: String,
    /// Begin of step 0, Unix milliseconds.
    #[arg(long)]
    pub(crate) begin_ms: i64,
    /// First step of the device clocks.
    #[arg(long)]
    pub(crate) step: usize,
    /// Messages to publish.
    #[arg(long)]
    pub(crate) messages: usize,
}

impl PublishArgs {
    /// The same as words of a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let Self { port, root, city, begin_ms, step, messages } = self;
        vec![
            "publish".into(),
            format!("--port={port}"),
            format!("--root={root}"),
            format!("--city={city}"),
            format!("--begin-ms={begin_ms}"),
            format!("--step={step}"),
            format!("--messages={messages}"),
        ]
    }
}

pub(crate) async fn run(args: PublishArgs) -> anyhow::Result<()> {
    let (allow, allowed) = watch::channel(0_usize);
    let connected = Arc::new(Semaphore::new(0));
    let mut tasks = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let id = format!("bench-{}-{connection}", std::process::id());
        let mut options = MqttOptions::new(id, "127.0.0.1", args.port);
        options.set_keep_alive(Duration::from_secs(30));
        options.set_outgoing_inflight_upper_limit(IN_FLIGHT);
        let (client, events) = AsyncClient::new(options, usize::from(IN_FLIGHT));
        let share = (connection..args.messages).step_by(CONNECTIONS).count();
        tasks.spawn(drive(events, share, Arc::clone(&connected)));
        tasks.spawn(send(args.clone(), connection, client, allowed.clone()));
    }
    let _both = connected.acquire_many(u32::try_from(CONNECTIONS)?).await?;
    super::say("ready");
    let mut lines = super::child::input_lines();
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => { allow.send_replace(line.trim().parse()?); }
                None => return Ok(()),
            },
            Some(done) = tasks.join_next() => done??,
        }
    }
}

/// Publishes every `CONNECTIONS`-th message, as far as allowed.
async fn send(
    args: PublishArgs,
    connection: usize,
    client: AsyncClient,
    mut allowed: watch::Receiver<usize>,
) -> anyhow::Result<()> {
    let mut messages = Messages::new(args.begin_ms);
    let topics: Vec<String> =
        (0..STATIONS).map(|station| payload::topic(&args.root, &args.city, station)).collect();
    let mut limit = 0;
    for index in (connection..args.messages).step_by(CONNECTIONS) {
        if index >= limit {
            limit = *allowed.wait_for(|allowed| *allowed > index).await?;
        }
        let station = index % STATIONS;
        let payload = messages.message(station, args.step + index / STATIONS);
        client.publish_bytes(&topics[station], QoS::AtLeastOnce, false, payload).await?;
    }
    Ok(())
}

/// Polls until the broker has taken over all messages.
async fn drive(
    mut events: EventLoop,
    share: usize,
    connected: Arc<Semaphore>,
) -> anyhow::Result<()> {
    let mut taken = 0;
    while taken < share {
        match events.poll().await.context("publish")? {
            Event::Incoming(Packet::ConnAck(_)) => connected.add_permits(1),
            Event::Incoming(Packet::PubAck(_)) => taken += 1,
            _ => {}
        }
    }
    Ok(())
}
