//! The ordinary life of a session.

use rumqttc::v5::mqttbytes::QoS;

use crate::fake_broker::{Broker, Outcome, message};
use crate::hub::{Hub, options};

#[tokio::test]
async fn a_message_is_acknowledged_when_its_ticket_comes_back_and_not_before() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept().await?;
    link.welcome(false).await?;
    let subscribe = link.grant().await?;
    assert_eq!(subscribe.filters.len(), 1);
    assert_eq!(subscribe.filters[0].path, "ioc/1/can-tho/#");
    assert_eq!(subscribe.filters[0].qos, QoS::AtLeastOnce);
    assert!(!hub.connected().await?);
    link.send(&[message(1, "a"), message(2, "b"), message(3, "c")]).await?;
    let tickets = hub.tickets(3).await?;
    // Given back in another order than they came: an early PUBACK of 1 would arrive first.
    hub.acknowledge(vec![tickets[1]]).await?;
    assert_eq!(link.acknowledged().await?, 2);
    hub.acknowledge(vec![tickets[2], tickets[0]]).await?;
    assert_eq!(link.acknowledged().await?, 3);
    assert_eq!(link.acknowledged().await?, 1);
    hub.stop();
    hub.ended().await??;
    Ok(())
}
