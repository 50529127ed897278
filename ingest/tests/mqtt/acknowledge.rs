//! Acknowledgements never answer another connection, and never stop the session.

use std::time::Duration;

use bytes::BytesMut;
use rumqttc::v5::mqttbytes::v5::Packet;
use tokio::net::TcpSocket;
use tokio::time::timeout;

use crate::fake_broker::{Broker, Link, Outcome, mark, message, publish, repeated, within};
use crate::hub::{Hub, options};
use crate::naive;

/// Five messages and then bytes that are no packet, in one write: the client library buffers the five
/// and fails in the same poll.
async fn send_five_and_break(link: &mut Link) -> Outcome {
    let mut bytes = BytesMut::new();
    for packet_id in 1..=5 {
        message(packet_id, "before the break").write(&mut bytes, None)?;
    }
    bytes.extend_from_slice(&[0xF0, 0x00]);
    link.send_bytes(&bytes).await
}

#[tokio::test]
async fn messages_buffered_by_a_lost_connection_do_not_reach_the_next() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    hub.connected().await?;
    send_five_and_break(&mut link).await?;

    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    link.send(&[mark("first on the new connection")]).await?;
    assert_eq!(hub.next_text().await?, "first on the new connection");
    // Redelivered in another order: an acknowledgement of buffered messages would start with 1.
    link.send(&[3, 1, 2, 5, 4].map(|packet_id| repeated(packet_id, "redelivered"))).await?;
    let tickets = hub.tickets(5).await?;
    hub.acknowledge(tickets).await?;
    for packet_id in [3, 1, 2, 5, 4] {
        assert_eq!(link.acknowledged().await?, packet_id);
    }
    Ok(())
}

#[tokio::test]
async fn the_library_alone_yields_messages_of_the_lost_connection_on_the_next() -> Outcome {
    let broker = Broker::start().await?;
    let _client = naive::run(naive::settings(&broker)?)?;
    let mut link = broker.accept_new().await?;
    send_five_and_break(&mut link).await?;

    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    assert_eq!(link.acknowledged().await?, 1, "acknowledged before anything was redelivered");
    Ok(())
}

#[tokio::test]
async fn a_ticket_of_a_lost_connection_acknowledges_nothing_on_the_next() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    link.send(&[message(1, "old"), message(2, "old"), message(3, "old")]).await?;
    let mut old = hub.tickets(3).await?;
    drop(link);
    // One comes back while there is no connection, two on the next one.
    hub.disconnected().await?;
    hub.acknowledge(vec![old.remove(0)]).await?;

    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    link.send(&[message(1, "new"), message(2, "new"), message(3, "new")]).await?;
    let new = hub.tickets(3).await?;
    hub.acknowledge(old).await?;
    hub.acknowledge(vec![new[2]]).await?;
    assert_eq!(link.acknowledged().await?, 3, "the only acknowledgement of this connection");
    assert_eq!(hub.count(|counters| &counters.stale_acks_dropped), 3);
    assert_eq!(hub.count(|counters| &counters.acknowledged), 1);
    assert_eq!(hub.count(|counters| &counters.unacked), 2);
    Ok(())
}

#[tokio::test]
async fn the_library_alone_acknowledges_another_message_with_the_same_packet_id() -> Outcome {
    let broker = Broker::start().await?;
    let (client, mut eventloop) = naive::client(naive::settings(&broker)?, 100)?;
    let run = async {
        let old = naive::next_publish(&mut eventloop).await;
        let new = naive::next_publish(&mut eventloop).await;
        assert_eq!((old.payload.as_ref(), new.payload.as_ref()), (&b"old"[..], &b"new"[..]));
        // The writer is done with the old message only now.
        client.try_ack(&old)?;
        loop {
            let _event = eventloop.poll().await?;
        }
        #[expect(unreachable_code, reason = "tells the type of the block")]
        Outcome::Ok(())
    };
    let script = async {
        let mut link = broker.accept_new().await?;
        link.send(&[message(1, "old")]).await?;
        drop(link);
        let mut link = broker.accept().await?;
        link.welcome(true).await?;
        link.send(&[message(1, "new")]).await?;
        link.acknowledged().await
    };
    tokio::select! {
        ended = run => ended,
        packet_id = script => {
            assert_eq!(packet_id?, 1, "the new message is acknowledged without having been stored");
            Ok(())
        }
    }
}

#[tokio::test]
async fn a_ticket_that_comes_back_twice_acknowledges_once() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    link.send(&[message(1, "a"), message(2, "b")]).await?;
    let tickets = hub.tickets(2).await?;
    hub.acknowledge(vec![tickets[0], tickets[0], tickets[1]]).await?;
    assert_eq!(link.acknowledged().await?, 1);
    assert_eq!(link.acknowledged().await?, 2);
    assert_eq!(hub.count(|counters| &counters.stale_acks_dropped), 1);
    Ok(())
}

/// All packet ids at once, and a broker that reads nothing: the library's write hangs inside the poll.
/// The tickets are taken all the same, and the dead connection is noticed.
#[tokio::test]
async fn a_broker_that_does_not_read_blocks_neither_the_hub_nor_the_session() -> Outcome {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(2_048)?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let broker = Broker::listening(socket.listen(8)?);
    let mut options = options(&broker)?;
    options.receive_maximum = u16::MAX;
    options.max_packet_bytes = 1_024;
    options.connect_timeout_s = 1;
    let mut hub = Hub::start(options);

    let mut link = broker.accept().await?;
    link.welcome_with(Some(1), None).await?;
    link.grant().await?;
    for first in (1..=u16::MAX).step_by(1_000) {
        let ids = first..=first.saturating_add(999);
        link.send(&ids.map(|packet_id| message(packet_id, "x")).collect::<Vec<_>>()).await?;
    }
    let tickets = hub.tickets(usize::from(u16::MAX)).await?;
    for batch in tickets.chunks(500) {
        hub.acknowledge(batch.to_vec()).await?;
    }
    let (_cause, error) = hub.disconnected().await?;
    assert!(error.contains("neither reads nor answers"), "{error}");
    // The session lives on.
    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    link.send(&[mark("alive")]).await?;
    assert_eq!(hub.next_text().await?, "alive");
    Ok(())
}

#[tokio::test]
async fn the_library_alone_deadlocks_when_its_polling_task_waits_to_acknowledge() -> Outcome {
    let broker = Broker::start().await?;
    let (client, mut eventloop) = naive::client(naive::settings(&broker)?, 1)?;
    let run = async {
        for _ in 0..3 {
            let publish = naive::next_publish(&mut eventloop).await;
            client.ack(&publish).await?;
        }
        Outcome::Ok(())
    };
    let script = async {
        let mut link = broker.accept_new().await?;
        link.send(&[message(1, "a"), message(2, "b"), message(3, "c")]).await?;
        Outcome::Ok(link)
    };
    let both = async { tokio::join!(run, script) };
    // The second acknowledgement finds the queue full, and nobody polls to empty it.
    assert!(timeout(Duration::from_millis(500), both).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_message_repeated_on_the_same_connection_is_delivered_and_acknowledged_once() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    link.send(&[message(1, "a"), repeated(1, "a"), message(2, "b")]).await?;
    let tickets = hub.tickets(2).await?;
    hub.acknowledge(tickets).await?;
    assert_eq!(link.acknowledged().await?, 1);
    assert_eq!(link.acknowledged().await?, 2);
    assert_eq!(hub.count(|counters| &counters.repeats_ignored), 1);
    Ok(())
}

#[tokio::test]
async fn flags_of_a_message_are_carried_and_quality_zero_needs_no_acknowledgement() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    let mut retained = publish(1, "kept");
    retained.retain = true;
    link.send(&[Packet::Publish(retained), repeated(2, "again"), mark("unawaited")]).await?;
    let (kept, again, unawaited) = (hub.next().await?, hub.next().await?, hub.next().await?);
    assert_eq!((kept.retained, kept.duplicate, kept.qos), (true, false, 1));
    assert_eq!((again.retained, again.duplicate, again.qos), (false, true, 1));
    assert_eq!((unawaited.retained, unawaited.duplicate, unawaited.qos), (false, false, 0));
    assert_eq!(kept.topic, crate::fake_broker::TOPIC);
    assert!(!unawaited.ticket().is_awaited());
    hub.acknowledge(vec![unawaited.ticket(), again.ticket()]).await?;
    assert_eq!(link.acknowledged().await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_topic_that_is_no_text_is_delivered_so_that_it_can_be_refused_with_a_reason() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    let mut odd = publish(1, "{}");
    odd.topic = bytes::Bytes::from_static(b"ioc/1/can-tho/\xFF");
    link.send(&[Packet::Publish(odd)]).await?;
    let delivery = within("the delivery", hub.next()).await??;
    assert_eq!(delivery.topic, "ioc/1/can-tho/\u{FFFD}");
    Ok(())
}
