//! The station whose topic all clients of the fan-out read: one message of 11 lanes makes one frame of
//! about 4 KB.

use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta};
use ioc_hub::city::{City, Device};
use rumqttc::v5::{AsyncClient, MqttOptions, mqttbytes::QoS};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{payload, probe::drive, servers::Servers};

const SOURCE: &str = "bench-fan";
const LANES: usize = 11;
/// Its topic on the live channel.
pub(crate) const TOPIC: &str = "device/bench-fan";

/// As a device of the registry.
pub(crate) fn device(city: &City) -> anyhow::Result<Device> {
    payload::device(city, SOURCE, LANES)
}

/// Publishes the station's messages at the pace that is set; 0 is silence.
pub(crate) async fn publish(
    servers: &Servers,
    city: &str,
    mut pace: watch::Receiver<f64>,
) -> anyhow::Result<()> {
    let mut options = MqttOptions::new(SOURCE, "127.0.0.1", servers.mqtt_port());
    options.set_keep_alive(Duration::from_secs(30));
    let (client, events) = AsyncClient::new(options, 64);
    let topic = format!("ioc/1/{city}/vds/{SOURCE}/interval");
    let send = async {
        let mut next = Instant::now();
        for number in 0.. {
            let hz = *pace.wait_for(|hz| *hz > 0.0).await?;
            next = (next + Duration::from_secs_f64(1.0 / hz)).max(Instant::now());
            sleep_until(next).await;
            let time = servers.clock().now() - TimeDelta::milliseconds(payload::DURATION_MS);
            let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
            let message = payload::message(&time, number, LANES);
            client.publish(&topic, QoS::AtLeastOnce, false, message).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        ended = send => ended,
        ended = drive(events) => ended,
    }
}
