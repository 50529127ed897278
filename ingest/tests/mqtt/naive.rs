//! The client library used the obvious way, to show what the session avoids.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::task::JoinSet;

use crate::fake_broker::{Broker, Outcome};

/// Persistent session and manual acknowledgement, nothing else set.
pub(crate) fn settings(broker: &Broker) -> Outcome<MqttOptions> {
    let mut settings = MqttOptions::new("naive", "127.0.0.1", broker.port()?);
    settings.set_clean_start(false).set_manual_acks(true);
    Ok(settings)
}

/// A client that subscribes once.
pub(crate) fn client(settings: MqttOptions, capacity: usize) -> Outcome<(AsyncClient, EventLoop)> {
    let (client, eventloop) = AsyncClient::new(settings, capacity);
    client.try_subscribe("ioc/1/can-tho/#", QoS::ExactlyOnce)?;
    Ok((client, eventloop))
}

/// The next publish, reconnecting as often as it takes.
pub(crate) async fn next_publish(eventloop: &mut EventLoop) -> Publish {
    loop {
        if let Ok(Event::Incoming(Packet::Publish(publish))) = eventloop.poll().await {
            return publish;
        }
    }
}

/// Acknowledges every publish at once, for ever; ends with the returned set.
pub(crate) fn run(settings: MqttOptions) -> Outcome<JoinSet<()>> {
    let (client, mut eventloop) = client(settings, 100)?;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let publish = next_publish(&mut eventloop).await;
            if client.try_ack(&publish).is_err() {
                return;
            }
        }
    });
    Ok(tasks)
}
