//! Who is let in, what is refused, and that one client never holds up another.

use futures_util::SinkExt as _;
use ioc_hub::access::Role;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::{
    browser::Browser,
    channel::{Channel, try_open},
    message::{bucket, interval, now},
    server::DEADLINE,
    site::{Site, SiteOptions},
};

#[tokio::test(flavor = "multi_thread")]
async fn only_a_signed_in_page_of_this_origin_is_let_in() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let refused = async |browser: &Browser, headers: &[(&'static str, &str)]| match try_open(
        browser, headers,
    )
    .await?
    {
        Ok(_socket) => anyhow::bail!("let in"),
        Err((status, problem)) => {
            Ok((status, problem["code"].as_str().unwrap_or_default().to_owned()))
        }
    };
    let unauthenticated = (401, "unauthenticated".to_owned());
    assert_eq!(refused(&site.visitor(), &[]).await?, unauthenticated);
    let forged = Browser { cookie: Some("ioc_session=0123456789abcdef".into()), ..site.visitor() };
    assert_eq!(refused(&forged, &[]).await?, unauthenticated);
    let cross_site = (403, "cross_site".to_owned());
    for header in
        [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
    {
        assert_eq!(refused(&administrator, &[header]).await?, cross_site, "{header:?}");
    }
    let own = format!("http://{}", site.hub.address);
    assert!(try_open(&administrator, &[("origin", &own)]).await?.is_ok());
    // A viewer may look.
    let viewer = site.account("viewer", Role::Viewer).await?;
    let channel = Channel::open(&viewer).await?;
    assert_eq!(channel.hello["rights"], json!(["read"]));
    // An ended session opens nothing.
    administrator.delete("/api/v1/sessions/current").await?.expect(204)?;
    assert_eq!(refused(&administrator, &[]).await?, unauthenticated);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_asks_wrongly_is_answered_and_the_channel_stays_open() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::with(|config| config.live.subscriptions = 3)).await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    for (text, code) in [
        (r#"{"op":"subscribe","id":1,"topic":"nonsense"}"#, "unknown_topic"),
        (r#"{"op":"subscribe","id":1,"topic":"device/UPPER"}"#, "unknown_topic"),
        (
            r#"{"op":"subscribe","id":1,"topic":"devices","filter":{"services":["vds"]}}"#,
            "bad_frame",
        ),
        (r#"{"op":"subscribe","id":-1,"topic":"devices"}"#, "bad_frame"),
        (r#"{"op":"subscribe","topic":"devices"}"#, "bad_frame"),
        (r#"{"op":"publish","id":1}"#, "bad_frame"),
        ("{", "bad_frame"),
        ("", "bad_frame"),
        ("[]", "bad_frame"),
    ] {
        channel.send_text(text).await?;
        let error = channel.frame_of("error").await?;
        assert_eq!(error["code"], code, "{text}: {error}");
        let id = if code == "unknown_topic" { json!(1) } else { Value::Null };
        assert_eq!(error["id"], id, "{text}");
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
    }
    for id in 1..=3 {
        channel.follow(id, "desk").await?;
    }
    channel.send(&json!({"op": "subscribe", "id": 4, "topic": "devices"})).await?;
    assert_eq!(channel.frame_of("error").await?["code"], "too_many_subscriptions");
    // The same id again replaces its subscription; an ended one makes room.
    let devices = channel.follow(3, "devices").await?;
    assert_eq!(channel[devices].rows.len(), site.city.devices.len());
    channel.send(&json!({"op": "unsubscribe", "id": 2})).await?;
    channel.follow(4, "signals").await?;

    // What is no text, or beyond the limit of a frame, ends the channel.
    channel.socket.send(Message::binary(vec![0_u8; 4])).await?;
    let (last, close) = channel.end().await?;
    assert_eq!((&last["op"], &last["reason"]), (&json!("bye"), &json!("protocol_error")));
    assert_eq!(close.map(|frame| u16::from(frame.code)), Some(4400));
    let mut channel = Channel::open(&administrator).await?;
    channel.send_text(&" ".repeat(65 * 1024)).await?;
    channel.end().await?;
    site.wait_metric("hub_live_clients", 0.0).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_and_a_leaver_makes_room() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::with(|config| config.live.connections = 2)).await?;
    let administrator = site.administrator().await?;
    let first = Channel::open(&administrator).await?;
    let _second = Channel::open(&administrator).await?;
    let socket = try_open(&administrator, &[]).await?.expect("the limit is told on the channel");
    let mut third = Channel::over(socket);
    let (last, close) = third.end().await?;
    assert_eq!((&last["op"], &last["reason"]), (&json!("bye"), &json!("limit")));
    assert_eq!(close.map(|frame| u16::from(frame.code)), Some(4429));
    drop(first);
    site.wait_metric("hub_live_clients", 1.0).await?;
    Channel::open(&administrator).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_takes_no_connections_from_another() -> anyhow::Result<()> {
    let options = SiteOptions::with(|config| config.live.connections_per_user = 2);
    let site = Site::start_with(options).await?;
    let administrator = site.administrator().await?;
    let first = Channel::open(&administrator).await?;
    let _second = Channel::open(&administrator).await?;
    let socket = try_open(&administrator, &[]).await?.expect("the limit is told on the channel");
    let (last, close) = Channel::over(socket).end().await?;
    assert_eq!((&last["op"], &last["reason"]), (&json!("bye"), &json!("limit")));
    assert_eq!(close.map(|frame| u16::from(frame.code)), Some(4429));
    let viewer = site.account("viewer", Role::Viewer).await?;
    let _of_another = Channel::open(&viewer).await?;
    drop(first);
    site.wait_metric("hub_live_clients", 2.0).await?;
    Channel::open(&administrator).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_snapshot_comes_in_parts() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let time = now();
    let groups: Vec<Value> = (1..=40)
        .map(|group| json!({"group": group, "kind": "vehicle", "state": 6, "since": time}))
        .collect();
    let message =
        json!({"v": 1, "time": time, "boot": 1, "seq": 1, "mode": "free", "groups": groups});
    let signals = 1..=300;
    let payload = message.to_string().into_bytes();
    site.publish_all(signals.map(|n| (format!("signal/sig-{n:04}/state"), payload.clone())))
        .await?;
    site.wait_count("select count(*) from signal_state", 300).await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let snapshot = channel.follow(1, "signals").await?;
    assert_eq!(channel[snapshot].rows.len(), 300);
    assert!(channel[snapshot].parts > 1, "{} part", channel[snapshot].parts);
    site.stop().await?;
    Ok(())
}

/// A client whose system takes little in: what it does not read soon waits in the hub.
async fn narrow(browser: &Browser) -> anyhow::Result<Channel> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4096)?;
    let socket = socket.connect(browser.address).await?;
    let mut request = format!("ws://{}/api/v1/live", browser.address).into_client_request()?;
    let cookie = browser.cookie.as_deref().expect("signed in");
    request.headers_mut().insert("cookie", cookie.parse()?);
    let (socket, _response) = client_async(request, socket).await?;
    Ok(Channel::over(socket))
}

/// Requests so many snapshots that they fill every buffer on the way.
async fn overfill(channel: &mut Channel) -> anyhow::Result<()> {
    let subscribe = json!({"op": "subscribe", "id": 1, "topic": "devices"});
    for _snapshot in 0..400 {
        channel.send(&subscribe).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_is_closed_and_delays_nobody() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::with(|config| {
        config.live.slow_client_s = 2;
        config.live.client_frames = 4;
    }))
    .await?;
    let administrator = site.administrator().await?;
    let mut reader = Channel::open(&administrator).await?;
    let devices = reader.follow(1, "devices").await?;
    let mut deaf = narrow(&administrator).await?;
    overfill(&mut deaf).await?;
    let mut seq = 0;
    let begun = tokio::time::Instant::now();
    while site.metric("hub_live_slow_clients_total") < 0.5 {
        assert!(begun.elapsed() < DEADLINE, "the deaf client is not closed");
        seq += 1;
        let published = tokio::time::Instant::now();
        site.publish_json("vds/vds-001/interval", &interval(bucket(), seq, &[5])).await?;
        let time = bucket() + chrono::TimeDelta::milliseconds(i64::try_from(seq)?);
        site.publish_json("vds/vds-001/interval", &interval(time, seq, &[seq])).await?;
        reader.wait_value(devices, "vds-001", "flow_veh_h", seq * 120).await?;
        assert!(
            published.elapsed() < std::time::Duration::from_secs(2),
            "{:?}",
            published.elapsed()
        );
    }
    assert!(seq > 3, "the other client was served meanwhile");
    site.wait_metric("hub_live_clients", 1.0).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_lags_starts_anew_with_a_snapshot() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::with(|config| {
        config.live.slow_client_s = 60;
        config.live.client_frames = 4;
    }))
    .await?;
    let administrator = site.administrator().await?;
    let mut reader = Channel::open(&administrator).await?;
    let devices = reader.follow(1, "devices").await?;
    let mut lagging = narrow(&administrator).await?;
    overfill(&mut lagging).await?;
    // More deltas than may wait for one client.
    for seq in 1..=12_u64 {
        let time = bucket() + chrono::TimeDelta::milliseconds(i64::try_from(seq)?);
        site.publish_json("vds/vds-001/interval", &interval(time, seq, &[seq])).await?;
        reader.wait_value(devices, "vds-001", "flow_veh_h", seq * 120).await?;
    }
    // Now it reads: what was under way, then word that it starts anew, then a snapshot.
    lagging.frame_of("resync").await?;
    lagging.keep(1);
    lagging.wait_value(1, "vds-001", "flow_veh_h", 12 * 120).await?;
    assert_eq!(lagging[1].rows.len(), site.city.devices.len());
    assert!(site.metric("hub_live_resyncs_total") > 0.5);
    let message = interval(bucket() + chrono::TimeDelta::seconds(30), 99, &[99]);
    site.publish_json("vds/vds-001/interval", &message).await?;
    lagging.wait_value(1, "vds-001", "flow_veh_h", 99 * 120).await?;
    site.stop().await?;
    Ok(())
}
