//! Sessions that resume, are lost, or carry what an earlier program left in them.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    Packet, PubRec, PubRel, Publish, PublishProperties, RetainForwardRule,
};

use crate::fake_broker::{Broker, Link, Outcome, mark, message, publish};
use crate::hub::{Hub, options};
use crate::naive;
use ioc_ingest::Service;
use ioc_ingest::mqtt::Cause;

fn release(packet_id: u16) -> Packet {
    Packet::PubRel(PubRel::new(packet_id, None))
}

/// Whether the client answers a release; `false` when it closes the connection instead.
async fn completes(link: &mut Link, packet_id: u16) -> Outcome<bool> {
    link.send(&[release(packet_id)]).await?;
    match link.receive().await {
        Ok(Packet::PubComp(complete)) => Ok(complete.pkid == packet_id),
        Ok(other) => Err(format!("expected PUBCOMP, not {other:?}").into()),
        Err(_closed) => Ok(false),
    }
}

#[tokio::test]
async fn the_subscription_asks_for_quality_one_and_for_retained_messages_only_when_new() -> Outcome
{
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.services = vec![Service::Signal, Service::Vds];
    let _hub = Hub::start(options);
    let mut link = broker.accept().await?;
    link.welcome(false).await?;
    let filters = link.grant().await?.filters;
    let paths: Vec<_> = filters.iter().map(|filter| filter.path.as_str()).collect();
    assert_eq!(paths, ["ioc/1/can-tho/signal/#", "ioc/1/can-tho/vds/#"]);
    for filter in filters {
        assert_eq!(filter.qos, QoS::AtLeastOnce);
        assert_eq!(filter.retain_forward_rule, RetainForwardRule::OnNewSubscribe);
    }
    Ok(())
}

#[tokio::test]
async fn a_release_left_over_from_quality_two_is_answered_at_the_second_connection() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    link.grant().await?;
    hub.connected().await?;
    assert!(!completes(&mut link, 7).await?, "the library drops the link at an unknown release");

    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    assert!(completes(&mut link, 7).await?);
    assert!(completes(&mut link, u16::MAX).await?, "any other one too");
    link.send(&[mark("alive")]).await?;
    assert_eq!(hub.next_text().await?, "alive");
    Ok(())
}

#[tokio::test]
async fn the_library_alone_reconnects_for_ever_at_a_left_over_release() -> Outcome {
    let broker = Broker::start().await?;
    let _client = naive::run(naive::settings(&broker)?)?;
    broker.accept_new().await?;
    for _ in 0..3 {
        let mut link = broker.accept().await?;
        link.welcome(true).await?;
        assert!(!completes(&mut link, 7).await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_message_with_quality_two_is_received_when_its_ticket_comes_back() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    let exactly_once = Publish { qos: QoS::ExactlyOnce, ..publish(9, "left over") };
    link.send(&[Packet::Publish(exactly_once)]).await?;
    let delivery = hub.next().await?;
    assert_eq!(delivery.qos, 2);
    hub.acknowledge(vec![delivery.ticket()]).await?;
    assert_eq!(link.receive().await?, Packet::PubRec(PubRec::new(9, None)));
    assert!(completes(&mut link, 9).await?);
    Ok(())
}

fn under_alias(packet_id: u16, topic: &str) -> Packet {
    let properties = PublishProperties { topic_alias: Some(1), ..PublishProperties::default() };
    let payload = bytes::Bytes::from_static(b"{}");
    let publish = Publish::new(topic, QoS::AtLeastOnce, payload, Some(properties));
    Packet::Publish(Publish { pkid: packet_id, ..publish })
}

#[tokio::test]
async fn no_topic_alias_is_offered_and_a_message_under_one_is_not_acknowledged() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    let offered = link.connect.properties.as_ref().and_then(|asked| asked.topic_alias_max);
    assert_eq!(offered, None, "none means zero");
    link.send(&[under_alias(1, "ioc/1/can-tho/vds/vds-1/interval"), under_alias(2, "")]).await?;
    assert!(!hub.next().await?.topic.is_empty());
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Protocol);
    assert!(error.contains("topic alias"), "{error}");
    assert!(link.rest().await?.is_empty(), "closed without an acknowledgement");
    Ok(())
}

#[tokio::test]
async fn the_library_alone_yields_an_empty_topic_under_an_alias() -> Outcome {
    let broker = Broker::start().await?;
    let mut settings = naive::settings(&broker)?;
    settings.set_topic_alias_max(Some(10));
    let (_client, mut eventloop) = naive::client(settings, 10)?;
    let run = async {
        let _first = naive::next_publish(&mut eventloop).await;
        naive::next_publish(&mut eventloop).await
    };
    let script = async {
        let mut link = broker.accept_new().await?;
        link.send(&[under_alias(1, "ioc/1/can-tho/vds/vds-1/interval"), under_alias(2, "")])
            .await?;
        Outcome::Ok(link)
    };
    let (second, _link) = tokio::join!(run, script);
    assert!(second.topic.is_empty(), "although the alias is known");
    Ok(())
}

#[tokio::test]
async fn a_lost_session_is_subscribed_again_counted_and_shown() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let link = broker.accept_new().await?;
    hub.connected().await?;
    assert_eq!(hub.count(|counters| &counters.sessions_lost), 0, "the first is no loss");
    drop(link);

    let mut link = broker.accept().await?;
    link.welcome(false).await?;
    assert_eq!(link.grant().await?.filters[0].path, "ioc/1/can-tho/#");
    hub.reached(|counters| &counters.sessions_lost, 1).await?;
    assert!(!hub.connected().await?, "the state tells that no session was there");
    Ok(())
}

#[tokio::test]
async fn a_kept_session_is_not_subscribed_again() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let link = broker.accept_new().await?;
    hub.connected().await?;
    drop(link);

    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    link.send(&[message(1, "from the queue")]).await?;
    let tickets = hub.tickets(1).await?;
    hub.acknowledge(tickets).await?;
    assert_eq!(link.acknowledged().await?, 1, "the first packet after CONNECT");
    assert!(hub.connected().await?);
    assert_eq!(hub.count(|counters| &counters.sessions_lost), 0);
    assert_eq!(hub.count(|counters| &counters.reconnects), 1);
    Ok(())
}

#[tokio::test]
async fn the_library_alone_does_not_subscribe_again() -> Outcome {
    let broker = Broker::start().await?;
    let _client = naive::run(naive::settings(&broker)?)?;
    let link = broker.accept_new().await?;
    drop(link);
    let mut link = broker.accept().await?;
    link.welcome(false).await?;
    // No broker would send this without a subscription; it only marks the place of the answer.
    link.send(&[message(1, "mark")]).await?;
    assert_eq!(link.acknowledged().await?, 1, "the first packet after CONNECT");
    Ok(())
}

#[tokio::test]
async fn a_session_whose_subscription_was_never_confirmed_is_subscribed_again() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept().await?;
    link.welcome(false).await?;
    link.subscription().await?;
    drop(link);

    // The broker kept the session, but perhaps without the subscription.
    let mut link = broker.accept().await?;
    link.welcome(true).await?;
    assert_eq!(link.grant().await?.filters[0].path, "ioc/1/can-tho/#");
    assert!(
        link.unsubscribed.contains(&"ioc/1/can-tho/vds/#".to_owned()),
        "left by other settings"
    );
    assert!(hub.connected().await?);
    Ok(())
}

#[tokio::test]
async fn every_connect_asks_for_a_session_that_outlives_it() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.session_expiry_s = 3_600;
    options.keep_alive_s = 30;
    let _hub = Hub::start(options);
    for _ in 0..3 {
        let mut link = broker.accept().await?;
        assert!(!link.connect.clean_start);
        assert_eq!(link.connect.client_id, "ioc-hub-test");
        let asked = link.connect.properties.clone().ok_or("CONNECT without properties")?;
        assert_eq!(asked.session_expiry_interval, Some(3_600));
        assert_eq!(link.connect.keep_alive, 30);
        // What the broker decides holds for one connection, not for what we ask at the next.
        link.welcome_with(Some(5), Some(60)).await?;
        link.grant().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_library_alone_asks_for_no_expiry_so_that_the_session_ends_with_the_link() -> Outcome {
    let broker = Broker::start().await?;
    let _client = naive::run(naive::settings(&broker)?)?;
    let link = broker.accept().await?;
    assert!(!link.connect.clean_start);
    let expiry = link.connect.properties.as_ref().and_then(|asked| asked.session_expiry_interval);
    assert_eq!(expiry, None, "none means zero");
    Ok(())
}

#[tokio::test]
async fn a_packet_id_given_to_two_messages_ends_the_connection() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept_new().await?;
    hub.connected().await?;
    link.send(&[message(1, "a"), message(1, "b")]).await?;
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Protocol);
    assert!(error.contains("packet id 1"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_broker_that_wants_no_keep_alive_is_not_flooded_with_pings() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept().await?;
    link.welcome_with(Some(0), None).await?;
    link.grant().await?;
    for packet_id in 1..=200 {
        link.send(&[message(packet_id, "x")]).await?;
        let tickets = hub.tickets(1).await?;
        hub.acknowledge(tickets).await?;
        assert_eq!(link.acknowledged().await?, packet_id);
    }
    assert!(link.pings <= 1, "{} pings", link.pings);
    Ok(())
}
