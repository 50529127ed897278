//! A stop is orderly: what the hub has stored is acknowledged, the session stays in the broker.

use std::time::{Duration, Instant};

use rumqttc::v5::mqttbytes::v5::{Packet, PubAck};

use crate::fake_broker::{Broker, Outcome, goodbye, message, within};
use crate::hub::{Hub, options};

fn acknowledgement(packet_id: u16) -> Packet {
    Packet::PubAck(PubAck::new(packet_id, None))
}

#[tokio::test]
async fn a_stop_waits_for_tickets_of_what_the_hub_holds_and_then_says_goodbye() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    link.send(&[message(1, "a"), message(2, "b")]).await?;
    let held = hub.tickets(1).await?;
    hub.reached(|counters| &counters.unacked, 2).await?;
    hub.stop();
    // The second is still in the channel; after it the channel ends.
    let last = hub.tickets(1).await?;
    assert!(within("the end of deliveries", hub.deliveries.recv()).await?.is_none());
    hub.acknowledge(held).await?;
    hub.acknowledge(last).await?;
    for expected in [acknowledgement(1), acknowledgement(2), goodbye()] {
        assert_eq!(link.receive().await?, expected);
    }
    drop(link);
    hub.ended().await??;
    Ok(())
}

#[tokio::test]
async fn what_arrives_during_a_stop_is_left_to_the_broker() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    link.send(&[message(1, "a")]).await?;
    let held = hub.tickets(1).await?;
    hub.stop();
    assert!(within("the end of deliveries", hub.deliveries.recv()).await?.is_none());
    link.send(&[message(2, "late")]).await?;
    hub.reached(|counters| &counters.received, 2).await?;
    let begun = Instant::now();
    hub.acknowledge(held).await?;
    assert_eq!(link.receive().await?, acknowledgement(1));
    assert_eq!(link.receive().await?, goodbye());
    assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_stop_after_the_hub_is_gone_sends_what_was_given_back_and_waits_for_nothing() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    let ids: Vec<u16> = (1..=21).collect();
    link.send(&ids.iter().map(|id| message(*id, "a")).collect::<Vec<_>>()).await?;
    let mut tickets = hub.tickets(ids.len()).await?;
    hub.deliveries.close();
    // The last is never stored. The others lie in the session's queue when it learns of the stop.
    tickets.pop();
    for ticket in tickets {
        hub.acknowledge(vec![ticket]).await?;
    }
    let begun = Instant::now();
    hub.stop();
    let expected: Vec<_> = (1..=20).map(acknowledgement).chain([goodbye()]).collect();
    assert_eq!(link.until_goodbye().await?, expected);
    assert!(begun.elapsed() < Duration::from_millis(1_500), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_stop_is_bounded_when_tickets_never_come_back_and_the_broker_never_closes() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    link.send(&[message(1, "a")]).await?;
    let _kept = hub.tickets(1).await?;
    let begun = Instant::now();
    hub.stop();
    hub.ended().await??;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(link.receive().await?, goodbye());
    Ok(())
}

#[tokio::test]
async fn a_stop_without_a_connection_is_immediate() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.backoff_min_ms = 60_000;
    options.backoff_max_ms = 60_000;
    drop(broker);
    let mut hub = Hub::start(options);
    hub.disconnected().await?;
    let begun = Instant::now();
    hub.stop();
    hub.ended().await??;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_stop_during_connect_is_immediate() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let _link = broker.accept().await?;
    let begun = Instant::now();
    hub.stop();
    hub.ended().await??;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    Ok(())
}
