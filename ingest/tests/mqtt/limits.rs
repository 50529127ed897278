//! Back-pressure, sizes and windows: the session never stops polling and never grows without limit.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::fake_broker::{Broker, Outcome, mark, message, repeated};
use crate::hub::{Hub, options};
use crate::naive;
use ioc_ingest::mqtt::Cause;

#[tokio::test]
async fn pings_go_on_while_the_hub_takes_and_acknowledges_nothing() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.receive_maximum = 2;
    let _hub = Hub::start(options);
    let mut link = broker.accept().await?;
    link.welcome_with(Some(1), None).await?;
    link.grant().await?;
    // Twice the window: the deliveries' channel is full and the backlog is in use.
    link.send(&[1, 2, 3, 4].map(|packet_id| message(packet_id, "x"))).await?;
    for _ in 0..3 {
        link.pinged().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_library_alone_sends_no_ping_while_its_task_waits_for_the_hub() -> Outcome {
    let broker = Broker::start().await?;
    let (_client, mut eventloop) = naive::client(naive::settings(&broker)?, 10)?;
    let (deliveries, _hub) = mpsc::channel(1);
    let run = async {
        loop {
            let publish = naive::next_publish(&mut eventloop).await;
            if deliveries.send(publish).await.is_err() {
                return;
            }
        }
    };
    let script = async {
        let mut link = broker.accept().await?;
        link.welcome_with(Some(1), None).await?;
        link.grant().await?;
        link.send(&[message(1, "x"), message(2, "x")]).await?;
        // Two and a half times the keep-alive.
        Outcome::Ok(timeout(Duration::from_millis(2_500), link.pinged()).await.is_err())
    };
    tokio::select! {
        () = run => Err("the client ended".into()),
        silent = script => { assert!(silent?); Ok(()) }
    }
}

#[tokio::test]
async fn a_message_above_ten_kibibytes_passes_and_the_broker_learns_the_real_limit() -> Outcome {
    let broker = Broker::start().await?;
    let options = options(&broker)?;
    let limit = options.max_packet_bytes;
    let mut hub = Hub::start(options);
    let mut link = broker.accept_new().await?;
    let asked = link.connect.properties.as_ref().and_then(|asked| asked.max_packet_size);
    assert_eq!(asked, Some(limit));
    link.send(&[message(1, &"x".repeat(64 * 1_024))]).await?;
    let delivery = hub.next().await?;
    assert_eq!(delivery.payload.len(), 64 * 1_024);
    hub.acknowledge(vec![delivery.ticket()]).await?;
    assert_eq!(link.acknowledged().await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_library_alone_meets_a_larger_message_again_and_again() -> Outcome {
    let broker = Broker::start().await?;
    let _client = naive::run(naive::settings(&broker)?)?;
    for session_present in [false, true, true] {
        let mut link = broker.accept().await?;
        link.welcome(session_present).await?;
        link.send(&[repeated(1, &"x".repeat(20 * 1_024))]).await?;
        // The client closes without having acknowledged.
        let sent = link.rest().await?;
        assert!(!sent.iter().any(|p| matches!(p, rumqttc::v5::mqttbytes::v5::Packet::PubAck(_))));
    }
    Ok(())
}

#[tokio::test]
async fn a_broker_that_ignores_the_packet_limit_is_shown_with_what_to_do() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.max_packet_bytes = 2_048;
    let mut hub = Hub::start(options);
    let mut link = broker.accept_new().await?;
    hub.connected().await?;
    link.send(&[message(1, &"x".repeat(4_096))]).await?;
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Protocol);
    assert!(error.contains("raise max_packet_bytes"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_broker_a_little_beyond_its_window_is_served_in_order() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.receive_maximum = 4;
    let mut hub = Hub::start(options);
    let mut link = broker.accept_new().await?;
    assert_eq!(link.connect.properties.as_ref().and_then(|asked| asked.receive_maximum), Some(4));
    let ids: Vec<u16> = (1..=50).collect();
    link.send(&ids.iter().map(|id| message(*id, &id.to_string())).collect::<Vec<_>>()).await?;
    hub.reached(|counters| &counters.unacked, 50).await?;
    for id in &ids {
        let delivery = hub.next().await?;
        assert_eq!(delivery.payload, id.to_string());
        hub.acknowledge(vec![delivery.ticket()]).await?;
    }
    for id in &ids {
        assert_eq!(link.acknowledged().await?, *id);
    }
    assert_eq!(hub.count(|counters| &counters.window_exceeded), 0);
    assert_eq!(hub.count(|counters| &counters.unacked_bytes), 0);
    Ok(())
}

#[tokio::test]
async fn a_broker_far_beyond_its_window_is_cut_and_loses_nothing() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.receive_maximum = 2;
    options.max_packet_bytes = 1_024;
    options.unacked_bytes_max = 2 * 1_024;
    let mut hub = Hub::start(options);
    let mut link = broker.accept_new().await?;
    let payload = "x".repeat(800);
    link.send(&[1, 2, 3].map(|id| message(id, &payload))).await?;
    assert!(link.rest().await?.is_empty(), "closed without a word");
    assert_eq!(hub.count(|counters| &counters.window_exceeded), 1);

    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    // The first two had reached the hub before the cut; their tickets are worth nothing now.
    let stale = hub.tickets(2).await?;
    link.send(&[1, 2].map(|id| repeated(id, &payload))).await?;
    let tickets = hub.tickets(2).await?;
    hub.acknowledge(stale).await?;
    hub.acknowledge(vec![tickets[1], tickets[0]]).await?;
    assert_eq!((link.acknowledged().await?, link.acknowledged().await?), (2, 1));
    // The third was not kept twice: it comes when the broker sends it.
    link.send(&[repeated(3, "third")]).await?;
    assert_eq!(hub.next_text().await?, "third");
    Ok(())
}

#[tokio::test]
async fn quality_zero_beyond_the_channel_is_dropped_and_counted() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.receive_maximum = 2;
    let mut hub = Hub::start(options);
    let mut link = broker.accept_new().await?;
    link.send(&[mark("1"), mark("2"), mark("3"), message(1, "4"), mark("5")]).await?;
    hub.reached(|counters| &counters.received, 5).await?;
    for expected in ["1", "2", "4"] {
        assert_eq!(hub.next_text().await?, expected);
    }
    assert_eq!(hub.count(|counters| &counters.unawaited_dropped), 2);
    Ok(())
}
