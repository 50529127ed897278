//! From an event to the screen: the hub's own binary works on the full volume, steps of dossiers are
//! published to the broker one by one, and a live client waits until the headline figure counts each.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::SecondsFormat;
use rumqttc::v5::{AsyncClient, MqttOptions, mqttbytes::QoS};
use tokio::time::{sleep, timeout_at};

use super::{
    super::{
        child::HubProcess,
        http,
        live::{LiveClient, rows},
        probe,
        servers::Servers,
    },
    DATABASE, SOURCE,
};

/// Received dossiers of the running day.
const ROW: &str = "A01/day";
/// Id of the subscription.
const ID: u32 = 1;
/// Events that are measured.
const EVENTS: u64 = 60;
/// The pauses before events differ, so that every place between two evaluations is met, milliseconds.
const PAUSES_MS: u64 = 1_500;
/// The hub closes the periods that are due first.
const SETTLE: Duration = Duration::from_mins(1);
/// Longest wait for one event.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long each event took to the screen, milliseconds.
pub(super) async fn run(
    servers: &Servers,
    city: &str,
    unit: &str,
    password: &str,
) -> anyhow::Result<Vec<f64>> {
    let hub = HubProcess::start(servers, DATABASE).await?;
    let cookie = http::sign_in(hub.address, password).await?;
    let mut live = LiveClient::open(hub.address, &cookie).await?;
    live.subscribe(ID, "reform").await?;
    let mut options = MqttOptions::new("bench-onestop", "127.0.0.1", servers.mqtt_port());
    options.set_keep_alive(Duration::from_secs(30));
    let (client, events) = AsyncClient::new(options, 16);
    let taken_ms = tokio::select! {
        taken = publish(&client, servers, (city, unit), &mut live) => taken?,
        ended = probe::drive(events) => {
            ended?;
            anyhow::bail!("the publisher ended before the measurement");
        }
    };
    drop(live);
    hub.process.stop().await?;
    Ok(taken_ms)
}

async fn publish(
    client: &AsyncClient,
    servers: &Servers,
    (city, unit): (&str, &str),
    live: &mut LiveClient,
) -> anyhow::Result<Vec<f64>> {
    let mut count = count(live, |_| true, SETTLE).await?.1;
    let settled = Instant::now() + SETTLE;
    // Frames are read meanwhile, as a page does.
    while let Ok(frame) = timeout_at(settled.into(), live.next()).await {
        frame?;
    }
    let boot = servers.clock().now().timestamp();
    let topic = format!("ioc/1/{city}/onestop/{SOURCE}/dossier");
    let mut taken_ms = Vec::new();
    for number in 1..=EVENTS {
        sleep(Duration::from_millis(number * 397 % PAUSES_MS)).await;
        let time = servers.clock().now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let message = serde_json::json!({
            "v": 1, "time": time, "boot": boot, "seq": number, "at": time,
            "dossier": format!("S-{boot}-{number}"), "status": 2, "unit": unit, "channel": 2,
            "formality": "1.000001", "field": "field-1",
        });
        let begun = Instant::now();
        client.publish(&topic, QoS::AtLeastOnce, false, message.to_string()).await?;
        let (at, shown) = self::count(live, |shown| shown > count, PATIENCE).await?;
        taken_ms.push((at - begun).as_secs_f64() * 1e3);
        count = shown;
    }
    Ok(taken_ms)
}

/// Waits for a count of the row that fits; tells when it was on the socket.
async fn count(
    live: &mut LiveClient,
    fits: impl Fn(i64) -> bool,
    patience: Duration,
) -> anyhow::Result<(Instant, i64)> {
    let deadline = Instant::now() + patience;
    loop {
        let frame = timeout_at(deadline.into(), live.next()).await;
        let frame = frame.context("an event is not shown")??;
        let json = frame.json()?;
        for row in rows(&json, ID).iter().filter(|row| row[0] == ROW) {
            // Before the first dossier of the day there is no count.
            let shown = row[3].as_i64().unwrap_or(0);
            if fits(shown) {
                return Ok((frame.at, shown));
            }
        }
    }
}
