//! Coming back, two cadences, and starting anew: a page never misses a change.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    channel::Channel,
    message::{bucket, interval, period},
    site::{Site, SiteOptions},
};

/// Topic and payload of one interval of a station.
fn station(number: usize, seq: u64, count: u64) -> (String, Vec<u8>) {
    // Hours back, so that no number comes into the future.
    let begin = bucket() - TimeDelta::hours(6);
    let message = interval(period(begin, seq), seq, &[count]).to_string();
    (format!("vds/vds-{number:03}/interval"), message.into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_comes_back_gets_only_what_changed_meanwhile() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let devices = channel.follow(1, "devices").await?;
    // A first message also registers a lane: that is told before the next one.
    for number in 1..=3 {
        site.publish_all([station(number, 1, 1)]).await?;
        channel.wait_value(devices, &format!("vds-00{number}"), "condition", 1).await?;
    }
    site.publish_all([station(1, 2, 5)]).await?;
    channel.wait_value(devices, "vds-001", "flow_veh_h", 600).await?;
    let held = channel[devices].clone();
    drop(channel);
    site.publish_all([station(2, 2, 2), station(3, 2, 3)]).await?;
    site.wait_count("select count(*) from interval_reading", 6).await?;

    let mut channel = Channel::open(&administrator).await?;
    let subscribe = |resume: &str| json!({"op": "subscribe", "id": 1, "topic": "devices", "filter": {}, "resume": resume});
    channel.resume(1, held.clone());
    channel.send(&subscribe(&held.cursor)).await?;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let frame = channel.frame().await?;
        assert_eq!(frame["op"], "delta", "no snapshot is needed");
        let rows = frame["rows"].as_array().cloned().unwrap_or_default();
        seen.extend(rows.iter().map(|row| row[0].clone()));
    }
    seen.sort_by_key(Value::to_string);
    seen.dedup();
    assert_eq!(seen, ["vds-002", "vds-003"]);
    let mut other = Channel::open(&administrator).await?;
    let fresh = other.follow(1, "devices").await?;
    for id in ["vds-001", "vds-002", "vds-003"] {
        assert_eq!(
            other[fresh].value(id, "flow_veh_h"),
            channel[1].value(id, "flow_veh_h"),
            "{id}"
        );
    }

    // Cursors of another process, of the future and of no meaning are answered with a snapshot.
    let epoch = channel.hello["epoch"].as_str().unwrap_or_default().to_owned();
    for (id, cursor) in (2..).zip(["7f3c:1", &format!("{epoch}:99999999"), "", "x", ":"]) {
        let mut request = subscribe(cursor);
        request["id"] = json!(id);
        channel.send(&request).await?;
        let answer = loop {
            let frame = channel.frame().await?;
            if frame["id"] == id {
                break frame;
            }
        };
        assert_eq!(answer["op"], "snapshot", "{cursor:?}");
        assert_eq!(answer["rows"].as_array().map(Vec::len), Some(site.city.devices.len()));
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_away_for_too_long_gets_a_snapshot() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::with(|config| config.live.resume_s = 0)).await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let devices = channel.follow(1, "devices").await?;
    // Once a second the hub forgets what is older than it has to remember.
    let sources = channel.follow(2, "sources").await?;
    site.publish_all([station(1, 1, 1)]).await?;
    for seen in [0.0, 0.5] {
        let higher = |row: &BTreeMap<&str, &Value>| {
            row["rate_per_s"].as_f64().is_some_and(|rate| rate > seen / 10.0)
        };
        channel.wait_row(sources, "vds-001", higher).await?;
    }
    let subscribe =
        json!({"op": "subscribe", "id": 3, "topic": "devices", "resume": channel[devices].cursor});
    let answer = crate::server::wait_for("a snapshot", || async {
        let mut again = Channel::open(&administrator).await?;
        again.send(&subscribe).await?;
        let frame = again.frame().await?;
        Ok((frame["op"] == "snapshot").then_some(frame))
    })
    .await?;
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(site.city.devices.len()));
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_page_gets_fewer_frames_and_goes_on_when_it_is_seen_again() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let (mut slow, mut full) =
        (Channel::open(&administrator).await?, Channel::open(&administrator).await?);
    let hidden = slow.follow(1, "devices").await?;
    slow.send(&json!({"op": "pace", "hz": 1})).await?;
    let shown = full.follow(1, "devices").await?;
    // The change of pace sends one delta, which may be empty.
    slow.frame_of("delta").await?;
    let mut frames = 0;
    for seq in 1..=10 {
        site.publish_all([station(1, seq, seq)]).await?;
        while full[shown].value("vds-001", "flow_veh_h") != seq * 120 {
            full.frame().await?;
            frames += 1;
        }
    }
    let mut hidden_frames = 0;
    while slow[hidden].value("vds-001", "flow_veh_h") != 1200 {
        slow.frame().await?;
        hidden_frames += 1;
    }
    assert!(hidden_frames < frames, "at slow pace {hidden_frames} frames, at full pace {frames}");

    slow.send(&json!({"op": "pace", "hz": 20})).await?;
    slow.frame_of("delta").await?;
    site.publish_all([station(1, 500, 7)]).await?;
    slow.wait_value(hidden, "vds-001", "flow_veh_h", 840).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_between_the_two_cadences_reaches_a_hidden_page() -> anyhow::Result<()> {
    // Cadences that do not fall together: the slow one often ends between two ticks.
    let site = Site::start_with(SiteOptions::with(|config| {
        config.live.tick_ms = 350;
        config.live.slow_tick_ms = 500;
    }))
    .await?;
    let administrator = site.administrator().await?;
    let (mut slow, mut full) =
        (Channel::open(&administrator).await?, Channel::open(&administrator).await?);
    let hidden = slow.follow(1, "devices").await?;
    slow.send(&json!({"op": "pace", "hz": 1})).await?;
    let shown = full.follow(1, "devices").await?;
    for number in [1, 3, 5, 7] {
        // The first is shown right after a tick, the second comes before the next one.
        site.publish_all([station(number, 1, 1)]).await?;
        full.wait_value(shown, &format!("vds-{number:03}"), "condition", 1).await?;
        site.publish_all([station(number + 1, 1, 1)]).await?;
        for number in [number, number + 1] {
            slow.wait_value(hidden, &format!("vds-{number:03}"), "condition", 1).await?;
        }
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_hub_says_goodbye_and_when_to_come_back() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    channel.follow(1, "devices").await?;
    site.tasks.stop();
    let (last, close) = channel.end().await?;
    assert_eq!((&last["op"], &last["reason"]), (&json!("bye"), &json!("shutdown")));
    assert!(last["retry_ms"].as_u64().is_some_and(|ms| (500..3_000).contains(&ms)), "{last}");
    assert_eq!(close.map(|frame| u16::from(frame.code)), Some(1012));
    site.stop().await?;
    Ok(())
}
