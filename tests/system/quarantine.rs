//! What was refused: kept with its bytes and reason, bounded, replayed after a fix, never shown to
//! whom it does not concern.

use std::sync::Arc;

use chrono::TimeDelta;
use ioc_hub::{access::Role, clock::TestClock};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    channel::Channel,
    message::{bucket, interval, now, period, state},
    site::{Site, SiteOptions},
};

/// The refused messages of a source, oldest first.
async fn refused(browser: &Browser, source: &str) -> anyhow::Result<Vec<Value>> {
    let page = browser.json(&format!("/api/v1/quarantine?source={source}")).await?;
    let mut items: Vec<Value> = serde_json::from_value(page["items"].clone())?;
    items.reverse();
    Ok(items)
}

async fn replay(browser: &Browser, message: &Value) -> anyhow::Result<Value> {
    let path = format!("/api/v1/quarantine/{}/replay", message["id"]);
    browser.post(&path, &Value::Null).await?.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovered_source_is_accepted_and_its_messages_are_stored() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let devices = channel.follow(1, "devices").await?;
    let time = bucket();
    let topic = "vds/vds-new/interval";
    for n in 0..4_u64 {
        let time = time + TimeDelta::seconds(30 * i64::try_from(n)?);
        site.publish_json(topic, &interval(time, n, &[10 + n, 0])).await?;
    }
    let mut bad_lane = interval(time + TimeDelta::seconds(120), 4, &[20, 30]);
    bad_lane["lanes"][1]["count"] = json!(-1);
    site.publish_json(topic, &bad_lane).await?;
    site.publish(topic, "{broken").await?;
    let held = "select count(*) from quarantine where source = 'vds-new'";
    site.wait_count(held, 6).await?;
    let sources = administrator.json("/api/v1/sources?state=discovered").await?;
    let source = &sources["items"][0];
    assert_eq!((&source["id"], &source["service"]), (&json!("vds-new"), &json!("vds")));
    assert_eq!(source["counters"]["messages"], 6);

    let neighbour = site.city.devices.iter().find(|device| device.area.is_some()).unwrap();
    let (lon, lat) = (neighbour.lon.unwrap(), neighbour.lat.unwrap());
    let body = json!({"service": "vds", "name": {"vi": "Trạm mới", "en": "New station"},
        "lon": lon, "lat": lat, "period_s": 30.0});
    let answer = administrator.post("/api/v1/sources/vds-new/accept", &body).await?.expect(201)?;
    assert_eq!(answer, json!({"replayed": 5, "refused_again": 0}));
    assert_eq!(site.count("select count(*) from interval_reading").await?, 9);
    let rollup = "select sum(count_sum)::int8 from interval_5min";
    assert_eq!(site.count(rollup).await?, 10 + 11 + 12 + 13 + 20);
    // What was broken in itself stays, and so does the lane that was.
    let left = refused(&administrator, "vds-new").await?;
    let reasons: Vec<_> = left.iter().map(|message| message["reason"].clone()).collect();
    assert_eq!(reasons, ["json", "range"]);
    assert_eq!((&left[1]["partial"], &left[1]["field"]), (&json!(true), &json!("lanes[1].count")));
    let all = administrator.json("/api/v1/quarantine?source=vds-new&replayed=true").await?;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(7));

    channel.wait_value(devices, "vds-new", "flow_veh_h", 20 * 120).await?;
    let device = administrator.json("/api/v1/devices/vds-new").await?;
    assert_eq!((&device["area"], &device["period_s"]), (&json!(neighbour.area), &json!(30.0)));
    site.publish_json(topic, &interval(time + TimeDelta::seconds(150), 5, &[1, 1])).await?;
    site.wait_count("select count(*) from interval_reading", 11).await?;
    // A replay is no new message.
    let counted = administrator.json("/api/v1/sources?state=registered&limit=10000").await?;
    let source = counted["items"].as_array().and_then(|sources| {
        sources
            .iter()
            .find(|source| source["id"] == "vds-new")
            .map(|source| source["counters"].clone())
    });
    assert_eq!(source.unwrap_or_default()["messages"], 7);

    let journal = administrator.json("/api/v1/journal").await?;
    let actions = |action: &str| {
        let entries = journal["items"].as_array().cloned().unwrap_or_default();
        entries.iter().filter(|entry| entry["action"] == action && entry["who"] == "admin").count()
    };
    assert_eq!((actions("accept_source"), actions("replay_message")), (1, 5));
    let again = administrator.post("/api/v1/sources/vds-new/accept", &body).await?;
    again.expect_problem(409, "exists", None)?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_a_failed_accept_left_are_replayed_by_the_next_reload() -> anyhow::Result<()>
{
    const MESSAGES: u64 = 8;
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let message = |n: u64| {
        let body = interval(period(bucket(), n), n, &[n, 1]).to_string();
        ("vds/vds-new/interval".to_owned(), body.into_bytes())
    };
    site.publish_all((0..MESSAGES).map(message)).await?;
    let held = "select count(*) from quarantine where source = 'vds-new' and replayed_at is null";
    site.wait_count(held, MESSAGES.try_into()?).await?;
    let client = site.client().await?;
    client
        .batch_execute(
            "create function refuse() returns trigger language plpgsql as $$ begin \
               raise 'not now' using errcode = 'lock_not_available'; end $$; \
             create trigger refuse before update on quarantine \
               for each row execute function refuse()",
        )
        .await?;
    let body = json!({"service": "vds", "name": {"vi": "Trạm mới", "en": "New station"},
        "period_s": 30.0});
    let accept = "/api/v1/sources/vds-new/accept";
    let failed = administrator.post(accept, &body).await?;
    failed.expect_problem(503, "outcome_unknown", None)?;
    let registered = "select count(*) from device where source = 'vds-new'";
    assert_eq!(site.count(registered).await?, 1);
    let rows = "select count(*) from interval_reading";
    assert_eq!(site.count(rows).await?, 0, "what is stored is noted with it");
    // Somebody registers something else at the terminal.
    client
        .batch_execute(
            "drop trigger refuse on quarantine; \
             insert into journal (at, who, action, object) \
             values (now(), 'command:test', 'accept_source', 'other')",
        )
        .await?;
    site.wait_count(held, 0).await?;
    assert_eq!(site.count(rows).await?, i64::try_from(2 * MESSAGES)?);
    let noted = "select count(*) from journal where action = 'replay_message' and who = 'hub'";
    assert_eq!(site.count(noted).await?, i64::try_from(MESSAGES)?);
    let chunk = "select count(distinct xmin::text) from quarantine where source = 'vds-new'";
    assert_eq!(site.count(chunk).await?, 1, "in one transaction");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_taken_by_a_replay_after_its_cause_is_gone() -> anyhow::Result<()> {
    let clock = Arc::new(TestClock::new(now()));
    let options = SiteOptions { clock: clock.clone(), ..SiteOptions::default() };
    let site = Site::start_with(options).await?;
    let administrator = site.administrator().await?;
    let ahead = now() + TimeDelta::minutes(15);
    site.publish_json("signal/sig-0001/state", &state(ahead, 1)).await?;
    site.wait_count("select count(*) from quarantine", 1).await?;
    let message = refused(&administrator, "sig-0001").await?.remove(0);
    assert_eq!((&message["reason"], &message["field"]), (&json!("clock_ahead"), &json!("time")));
    let outcome = replay(&administrator, &message).await?;
    assert_eq!(outcome["accepted"], false);
    assert!(
        outcome["reason"].as_str().is_some_and(|why| why.starts_with("clock_ahead")),
        "{outcome}"
    );
    assert_eq!(site.count("select count(*) from signal_state").await?, 0);

    clock.advance(TimeDelta::minutes(10));
    let outcome = replay(&administrator, &message).await?;
    assert_eq!(outcome, json!({"accepted": true, "reason": null}));
    assert_eq!(site.count("select count(*) from signal_state").await?, 1);
    assert_eq!(refused(&administrator, "sig-0001").await?, [Value::Null; 0]);
    let path = format!("/api/v1/quarantine/{}/replay", message["id"]);
    administrator.post(&path, &Value::Null).await?.expect_problem(404, "not_found", None)?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_wrong_is_refused_again_and_multiplies_nothing() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let time = bucket();
    let mut bad_lane = interval(time, 1, &[20, 30]);
    bad_lane["lanes"][1]["count"] = json!(-1);
    site.publish_json("vds/vds-001/interval", &bad_lane).await?;
    let mut conflict = interval(time, 2, &[21]);
    conflict["lanes"]
        .as_array_mut()
        .unwrap()
        .push(interval(time, 2, &[0, 0, 5])["lanes"][2].clone());
    site.publish_json("vds/vds-001/interval", &conflict).await?;
    site.wait_count("select count(*) from quarantine", 2).await?;
    site.publish("vds/vds-001/interval", "{broken").await?;
    site.wait_count("select count(*) from quarantine", 3).await?;
    let rows = "select count(*) from interval_reading";
    assert_eq!(site.count(rows).await?, 2, "the good lanes are stored");
    for message in refused(&administrator, "vds-001").await? {
        let outcome = replay(&administrator, &message).await?;
        assert_eq!(outcome["accepted"], false, "{message}");
        let why = outcome["reason"].as_str().unwrap_or_default();
        assert!(why.starts_with(message["reason"].as_str().unwrap_or("?")), "{why}: {message}");
    }
    let left = refused(&administrator, "vds-001").await?;
    let told: Vec<_> =
        left.iter().map(|m| (m["reason"].clone(), m["replay_result"].is_string())).collect();
    let expected = ["range", "conflict", "json"].map(|reason| (json!(reason), true));
    assert_eq!(told, expected, "each message once");
    assert_eq!(site.count(rows).await?, 2);
    assert_eq!(site.count("select sum(count_sum)::int8 from interval_5min").await?, 25);

    // Discarding removes it for good and leaves a trace.
    let path = format!("/api/v1/quarantine/{}", left[2]["id"]);
    administrator.delete(&path).await?.expect(204)?;
    administrator.get(&path).await?.expect_problem(404, "not_found", None)?;
    administrator.delete(&path).await?.expect_problem(404, "not_found", None)?;
    assert_eq!(refused(&administrator, "vds-001").await?.len(), 2);
    let journal = administrator.json("/api/v1/journal?limit=1").await?;
    assert_eq!(journal["items"][0]["action"], "discard_message");
    assert_eq!(journal["items"][0]["before"]["reason"], "json");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_source_fills_no_disk_and_everything_beyond_is_counted() -> anyhow::Result<()> {
    let options = SiteOptions::with(|config| config.ingest.quarantine_messages = 5);
    let site = Site::start_with(options).await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let sources = channel.follow(1, "sources").await?;
    let broken = |n: u32| ("vds/vds-001/interval".to_owned(), format!("{{broken {n}").into_bytes());
    site.publish_all((0..12).map(broken)).await?;
    channel.wait_value(sources, "vds-001", "messages", 12).await?;
    let kept = "select count(*) from quarantine where source = 'vds-001'";
    let dropped = "select dropped from source_state where source = 'vds-001'";
    assert_eq!((site.count(kept).await?, site.count(dropped).await?), (5, 7));
    assert_eq!(channel[sources].value("vds-001", "refused"), 12);
    assert_eq!(channel[sources].value("vds-001", "dropped"), 7);
    site.wait_metric("hub_writer_dropped_total", 7.0).await?;
    // The first are kept, in order; another source has a bound of its own.
    let first = refused(&administrator, "vds-001").await?.remove(0);
    let message = administrator.json(&format!("/api/v1/quarantine/{}", first["id"])).await?;
    assert_eq!(message["payload_text"], "{broken 0");
    site.publish("vds/vds-002/interval", "{").await?;
    site.wait_count("select count(*) from quarantine where source = 'vds-002'", 1).await?;
    // Discarded messages make room.
    administrator.delete(&format!("/api/v1/quarantine/{}", first["id"])).await?.expect(204)?;
    site.publish_all([broken(12), broken(13)]).await?;
    channel.wait_value(sources, "vds-001", "messages", 14).await?;
    assert_eq!((site.count(kept).await?, site.count(dropped).await?), (5, 8));
    // The bound holds over a restart.
    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    site.publish_all([broken(14)]).await?;
    site.wait_count(dropped, 9).await?;
    assert_eq!(site.count(kept).await?, 5);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_source_of_a_discarded_message_is_counted_anew() -> anyhow::Result<()> {
    let options = SiteOptions::with(|config| config.ingest.quarantine_messages = 2);
    let site = Site::start_with(options).await?;
    let administrator = site.administrator().await?;
    site.publish("vds/vds-001/interval", "{broken").await?;
    site.wait_count("select count(*) from quarantine", 1).await?;
    // What the hub did not put there itself would be found by counting everything.
    let foreign = "insert into quarantine \
        (received_at, topic, source, reason, field, detail, personal, partial, payload) \
        select now(), 'x', 'vds-002', 'json', '', '', false, false, '' from generate_series(1, 2)";
    site.client().await?.execute(foreign, &[]).await?;
    let first = refused(&administrator, "vds-001").await?.remove(0);
    administrator.delete(&format!("/api/v1/quarantine/{}", first["id"])).await?.expect(204)?;
    site.publish("vds/vds-002/interval", "{broken").await?;
    site.wait_count("select count(*) from quarantine where source = 'vds-002'", 3).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_noisy_source_is_held_to_its_rate_and_holds_up_nobody() -> anyhow::Result<()> {
    // The clock stands still, so that what a source has left does not grow.
    let (mut options, time) = SiteOptions::standing();
    options.config.ingest.noisy_burst_s = 60.0;
    options.config.ingest.quarantine_messages = 20;
    let site = Site::start_with(options).await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let sources = channel.follow(1, "sources").await?;
    let begin = time - TimeDelta::days(2);
    let message = |source: &str, n: u64| {
        let payload = interval(period(begin, n), n, &[7]).to_string().into_bytes();
        (format!("vds/{source}/interval"), payload)
    };
    // One in 30 s and one in 10 s besides, twenty times that, for a minute.
    let allowed = 160;
    let noisy = (0..1_000).map(|n| message("vds-001", n));
    site.publish_all(noisy.chain([message("vds-002", 0)])).await?;
    channel.wait_value(sources, "vds-002", "messages", 1).await?;
    channel.wait_value(sources, "vds-001", "messages", 1_000).await?;
    let stored = "select count(*) from interval_reading r join detector t on t.id = r.detector_id \
                  join device d on d.id = t.device_id where d.source = ";
    assert_eq!(site.count(&format!("{stored} 'vds-001'")).await?, allowed);
    assert_eq!(site.count(&format!("{stored} 'vds-002'")).await?, 1);
    assert_eq!(channel[sources].value("vds-001", "refused"), 1_000 - allowed);
    assert_eq!(channel[sources].value("vds-001", "dropped"), 1_000 - allowed - 20);
    // What was kept is whole and can be replayed.
    let first = refused(&administrator, "vds-001").await?.remove(0);
    assert_eq!((&first["reason"], &first["partial"]), (&json!("rate"), &json!(false)));
    let outcome = replay(&administrator, &first).await?;
    assert_eq!(outcome["accepted"], true, "{outcome}");
    assert_eq!(site.count(&format!("{stored} 'vds-001'")).await?, allowed + 1);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_personal_messages_are_masked_and_for_administrators_only() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let unreadable = r#"{"v":1,"ticket":"1022-1","summary":"call 0912345678 back""#;
    site.publish("desk/desk-1022/ticket", unreadable).await?;
    let personal = r#"{"v":1,"ticket":"1022-2","citizen":{"phone":"0912345678"}}"#;
    site.publish("desk/desk-1022/ticket", personal).await?;
    // A topic that nobody understands may hold anything.
    site.publish("unknown/desk-1022/ticket", unreadable).await?;
    site.publish("vds/vds-001/interval", r#"{"v":1,"serial":123456789012"#).await?;
    site.wait_count("select count(*) from quarantine", 4).await?;
    let digits = "select count(*) from quarantine where personal \
                  and convert_from(payload, 'UTF8') ~ '[0-9]{9}'";
    assert_eq!(site.count(digits).await?, 0);

    let page = administrator.json("/api/v1/quarantine").await?;
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let told = |message: &Value| (message["reason"].clone(), message["personal"].clone());
    let expected = [("json", false), ("topic", true), ("personal_data", true), ("json", true)];
    let expected = expected.map(|(reason, personal)| (json!(reason), json!(personal)));
    assert_eq!(items.iter().map(told).collect::<Vec<_>>(), expected);
    let bytes = async |at: usize| {
        let message =
            administrator.json(&format!("/api/v1/quarantine/{}", items[at]["id"])).await?;
        anyhow::Ok(message["payload_text"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(bytes(3).await?, unreadable.replace("0912345678", "**********"));
    assert!(!bytes(2).await?.contains("0912345678"));
    assert_eq!(bytes(0).await?, r#"{"v":1,"serial":123456789012"#);

    let seen = viewer.json("/api/v1/quarantine").await?;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1), "{seen}");
    let path = format!("/api/v1/quarantine/{}", items[3]["id"]);
    viewer.get(&path).await?.expect_problem(403, "forbidden", None)?;
    // What was destroyed cannot be replayed.
    let path = format!("/api/v1/quarantine/{}/replay", items[2]["id"]);
    administrator.post(&path, &Value::Null).await?.expect_problem(409, "impossible", None)?;
    site.stop().await?;
    Ok(())
}
