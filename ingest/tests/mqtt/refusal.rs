//! Brokers that are absent, silent or unwilling: the state says why and what to do.

use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, Packet, SubscribeReasonCode};
use tokio::io::AsyncReadExt;

use crate::fake_broker::{Broker, Outcome, within};
use crate::hub::{Hub, options};
use ioc_ingest::mqtt::{BrokerState, Cause, Options};

#[tokio::test]
async fn bad_credentials_are_shown_with_the_user_and_without_the_password() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.username = Some("hub".to_owned());
    options.password = Some("correct horse".to_owned());
    let mut hub = Hub::start(options);
    let mut link = broker.accept().await?;
    let login = link.login.clone().ok_or("no credentials")?;
    assert_eq!((login.username.as_str(), login.password.as_str()), ("hub", "correct horse"));
    link.refuse(ConnectReturnCode::BadUserNamePassword).await?;
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Refused);
    assert!(error.contains("bad user name or password for user \"hub\""), "{error}");
    assert!(!error.contains("correct horse"), "{error}");
    // Mended in the broker: the session comes in by itself.
    let _link = broker.accept_new().await?;
    hub.connected().await?;
    Ok(())
}

#[tokio::test]
async fn a_client_that_is_not_authorised_is_told_to_look_at_the_access_list() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    broker.accept().await?.refuse(ConnectReturnCode::NotAuthorized).await?;
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Refused);
    assert!(error.contains("a client without user name is not authorised"), "{error}");
    assert!(error.contains("access list"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_refused_subscription_is_shown_with_its_filter() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept().await?;
    link.welcome(false).await?;
    let subscribe = link.subscription().await?;
    let refused = vec![SubscribeReasonCode::NotAuthorized];
    link.answer_subscription(subscribe.pkid, refused).await?;
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Refused);
    assert!(error.contains("ioc/1/can-tho/#"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_named() -> Outcome {
    let broker = Broker::start().await?;
    let options = options(&broker)?;
    let address = format!("127.0.0.1:{}", options.port);
    drop(broker);
    let mut hub = Hub::start(options);
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Unreachable);
    assert!(error.contains(&address), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_broker_that_never_answers_connect_is_given_up_after_the_time_limit() -> Outcome {
    let broker = Broker::start().await?;
    let mut options = options(&broker)?;
    options.connect_timeout_s = 1;
    let mut hub = Hub::start(options);
    let _link = broker.accept().await?;
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Unreachable);
    assert!(error.contains("no answer to CONNECT within 1 s"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_suggests_a_tls_port() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut socket = broker.accept_tcp().await?;
    let mut connect = [0; 16];
    within("CONNECT", socket.read_exact(&mut connect)).await??;
    drop(socket);
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Protocol);
    assert!(error.contains("is it an MQTT 5 broker"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_answer_to_ping_that_stays_out_ends_the_connection() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    let mut link = broker.accept().await?;
    link.welcome_with(Some(1), None).await?;
    link.grant().await?;
    hub.connected().await?;
    // Nobody reads or answers from here on, but there is room for what the client writes.
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Silent);
    assert!(error.contains("ping"), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_time_of_the_loss_stays_while_attempts_fail_in_different_ways() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    broker.accept().await?.refuse(ConnectReturnCode::NotAuthorized).await?;
    hub.disconnected().await?;
    broker.accept().await?.refuse(ConnectReturnCode::Banned).await?;
    let banned = |state: &BrokerState| match state {
        BrokerState::Disconnected { error, .. } => error.contains("banned"),
        BrokerState::Connecting | BrokerState::Connected { .. } => false,
    };
    let state = within("the second refusal", hub.state.wait_for(banned)).await??.clone();
    assert!(matches!(state, BrokerState::Disconnected { since, .. } if since == Hub::time(1)));
    Ok(())
}

#[tokio::test]
async fn options_that_cannot_work_end_the_session_at_once() -> Outcome {
    let mut hub = Hub::start(Options::new("", 1883, "ioc-hub-test", "can-tho"));
    let error = hub.ended().await?.err().ok_or("the session ran without a host")?;
    assert_eq!(error.to_string(), "option host is , allowed: a host name or address");
    assert!(hub.deliveries.recv().await.is_none());
    Ok(())
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_reported_and_tried_again() -> Outcome {
    let broker = Broker::start().await?;
    let mut hub = Hub::start(options(&broker)?);
    broker.accept().await?.send_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n").await?;
    let (cause, _error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Protocol);
    let mut link = broker.accept().await?;
    link.welcome(false).await?;
    assert!(matches!(link.receive().await?, Packet::Subscribe(_)));
    Ok(())
}
