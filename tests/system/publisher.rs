//! A device's connection to the broker: publishes with `QoS` 1, many messages under way, and goes on
//! after the broker was away.

use std::{collections::VecDeque, net::SocketAddr};

use anyhow::{Context as _, ensure};
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, MqttOptions, mqttbytes::QoS, mqttbytes::v5::Packet,
};

use crate::server::{DEADLINE, next_number};

/// Messages under way without acknowledgement.
const WINDOW: usize = 500;
/// Connections in a row on which the broker took nothing.
const ATTEMPTS: u32 = 200;

/// A connection that publishes.
pub(crate) struct Publisher {
    address: SocketAddr,
    client: AsyncClient,
    events: EventLoop,
}

fn connect(address: SocketAddr) -> (AsyncClient, EventLoop) {
    let id = format!("device-{}", next_number());
    let mut options = MqttOptions::new(id, address.ip().to_string(), address.port());
    options.set_max_packet_size(Some(1 << 20));
    AsyncClient::new(options, WINDOW)
}

impl Publisher {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let (client, events) = connect(address);
        Self { address, client, events }
    }

    /// Publishes and returns when the broker has acknowledged everything.
    pub(crate) async fn publish_all(
        &mut self,
        messages: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> anyhow::Result<()> {
        let mut waiting: VecDeque<(String, Vec<u8>)> = VecDeque::new();
        let mut messages = messages.into_iter();
        let (mut done, mut broken) = (false, 0);
        while !(done && waiting.is_empty()) {
            while !done && waiting.len() < WINDOW {
                let Some((topic, payload)) = messages.next() else {
                    done = true;
                    continue;
                };
                self.client.try_publish(&topic, QoS::AtLeastOnce, false, payload.clone())?;
                waiting.push_back((topic, payload));
            }
            if waiting.is_empty() {
                break;
            }
            match tokio::time::timeout(DEADLINE, self.events.poll()).await.context("no PUBACK")? {
                // The broker acknowledges in order.
                Ok(Event::Incoming(Packet::PubAck(_))) => {
                    broken = 0;
                    drop(waiting.pop_front());
                }
                Ok(_) => {}
                Err(error) => {
                    broken += 1;
                    ensure!(broken < ATTEMPTS, "{error} with {:?}", waiting.front());
                    self.again(&waiting).await?;
                }
            }
        }
        Ok(())
    }

    /// A device that was cut off sends again what was not acknowledged.
    async fn again(&mut self, waiting: &VecDeque<(String, Vec<u8>)>) -> anyhow::Result<()> {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        (self.client, self.events) = connect(self.address);
        for (topic, payload) in waiting {
            self.client.try_publish(topic, QoS::AtLeastOnce, false, payload.clone())?;
        }
        Ok(())
    }
}
