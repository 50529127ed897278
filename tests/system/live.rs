//! The live channel: what a page is shown of each topic, and that it is never shown less.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use ioc_ingest::Service;
use serde_json::{Value, json};

use crate::{
    channel::{Channel, Collection},
    message::{bucket, call, interval, now, sample, state, ticket},
    site::{Site, SiteOptions},
};

mod limits;
mod resume;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_a_greeting_a_snapshot_and_then_only_what_changed() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let hello = channel.hello.clone();
    assert_eq!((&hello["protocol"], &hello["tick_ms"]), (&json!(1), &json!(50)));
    assert_eq!((&hello["user"], &hello["city"]), (&json!("admin"), &json!("can-tho")));
    assert_eq!(hello["rights"], json!(["read", "operate", "administer"]));
    assert_eq!((&hello["demonstration"], &hello["insecure"]), (&json!(true), &json!(false)));
    let epoch = hello["epoch"].as_str().unwrap_or_default().to_owned();

    let devices = channel.follow(1, "devices").await?;
    let columns =
        ["id", "condition", "why", "age_ms", "flow_veh_h", "speed_kmh", "occupancy", "mode"];
    assert_eq!(channel[devices].columns, columns);
    assert_eq!(channel[devices].rows.len(), site.city.devices.len());
    assert!(
        channel[devices].cursor.starts_with(&format!("{epoch}:")),
        "{}",
        channel[devices].cursor
    );
    assert_eq!(
        channel[devices].rows["vds-001"],
        json!(["vds-001", 0, null, null, null, null, null, null]).as_array().unwrap().as_slice()
    );

    let time = bucket();
    // Rows newer than the snapshot's cursor come again with the first delta, in parts, and a first message
    // registers lanes; what follows is exact.
    for source in ["vds-001", "vds-002", "vds-003"] {
        let message = interval(time - TimeDelta::seconds(30), 1, &[1, 1]);
        site.publish_json(&format!("vds/{source}/interval"), &message).await?;
        channel.wait_value(devices, source, "condition", 1).await?;
    }
    site.publish_json("vds/vds-001/interval", &interval(time, 2, &[41, 39])).await?;
    let delta = channel.frame_of("delta").await?;
    assert_eq!(delta["rows"].as_array().map(Vec::len), Some(1), "only what changed: {delta}");
    assert_eq!((&delta["removed"], &delta["stored"]), (&json!([]), &json!(true)));
    // 41 and 39 vehicles in 30 s are 9600 an hour.
    for (column, expected) in [
        ("condition", json!(1)),
        ("why", Value::Null),
        ("flow_veh_h", json!(9600)),
        ("speed_kmh", json!(28.4)),
        ("occupancy", json!(0.183)),
        ("mode", Value::Null),
    ] {
        assert_eq!(channel[devices].value("vds-001", column), expected, "{column}");
    }
    let age_ms = channel[devices].value("vds-001", "age_ms").as_i64().unwrap_or_default();
    assert!((300_000..700_000).contains(&age_ms), "age by the source's time: {age_ms}");

    channel.send(&json!({"op": "ping", "t": 1_790_000_000_123_u64})).await?;
    let pong = channel.frame_of("pong").await?;
    assert_eq!(pong["t"].as_f64(), Some(1_790_000_000_123.0));
    assert!(pong["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{pong}");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_takes_by_service_and_area_and_an_ended_subscription_is_silent()
-> anyhow::Result<()> {
    let site = Site::start().await?;
    let stations = || site.city.devices.iter().filter(|device| device.service == Service::Vds);
    let inside = stations().find(|device| device.area.is_some()).unwrap();
    let wanted = inside.area.as_deref();
    let of_area = stations().filter(|device| device.area.as_deref() == wanted).count();
    let outside = stations().find(|device| device.area.as_deref() != wanted).unwrap();

    let mut channel = Channel::open(&site.administrator().await?).await?;
    let filter = json!({"service": ["vds"], "area": wanted});
    let some = channel.follow_some(1, "devices", &filter).await?;
    assert_eq!(channel[some].rows.len(), of_area);
    let all = channel.follow_some(2, "devices", &json!({"service": ["vds", "signal"]})).await?;
    assert!(channel[all].rows.keys().all(|id| id.starts_with("vds-") || id.starts_with("sig-")));
    assert!(channel[all].rows.len() > of_area);
    channel.send(&json!({"op": "unsubscribe", "id": 2})).await?;
    // The live task answers in order: after this snapshot nothing of subscription 2 is on its way.
    channel.follow(3, "desk").await?;

    // Frames come in order: what is outside the filter would come before what is inside.
    let time = bucket();
    let topic = format!("vds/{}/interval", outside.source);
    site.publish_json(&topic, &interval(time, 1, &[1])).await?;
    site.wait_count("select count(*) from interval_reading", 1).await?;
    let topic = format!("vds/{}/interval", inside.source);
    site.publish_json(&topic, &interval(time, 1, &[2])).await?;
    while channel[some].value(inside.source.as_str(), "flow_veh_h") != 240 {
        let frame = channel.frame().await?;
        assert_ne!(frame["id"], 2, "the subscription has ended");
    }
    assert_eq!(channel[some].rows.len(), of_area, "no row of another area");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_device_is_shown_in_the_names_of_the_contract() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let signals = channel.follow(1, "signals").await?;
    assert!(channel[signals].rows.is_empty(), "no controller has told anything yet");
    let station = channel.follow(2, "device/vds-001").await?;
    let controller = channel.follow(3, "device/sig-0001").await?;

    let time = now() - TimeDelta::seconds(2);
    site.publish_json("signal/sig-0001/state", &state(time, 1)).await?;
    channel.wait_row(signals, "sig-0001", |_| true).await?;
    let expected = [
        ("mode", json!("free")),
        ("plan", json!(7)),
        ("cycle_s", json!(90)),
        ("cycle_position_s", json!(31.2)),
        ("flash", json!(2)),
        ("preempt", Value::Null),
    ];
    for (column, expected) in expected {
        assert_eq!(channel[signals].value("sig-0001", column), expected, "{column}");
    }
    // kind, group, state, age of its begin, min_end_s, max_end_s, likely_end_s
    let groups = channel[signals].value("sig-0001", "groups");
    assert_eq!(
        (&groups[0][0], &groups[0][1], &groups[0][2]),
        (&json!("vehicle"), &json!(2), &json!(6))
    );
    assert!(groups[0][3].as_i64().is_some_and(|age| (2_000..60_000).contains(&age)), "{groups}");
    assert_eq!((&groups[0][4], &groups[0][5]), (&json!(7.5), &Value::Null));
    let one = channel.follow(4, "signal/sig-0001").await?;
    assert_eq!(channel[one].value("sig-0001", "mode"), "free");

    let begin = bucket();
    let time_text = serde_json::to_value(begin)?;
    site.publish_json("vds/vds-001/interval", &interval(begin, 1, &[41, 0])).await?;
    site.publish_json("vds/vds-001/status", &json!({"v": 1, "online": true, "boot": 2})).await?;
    channel.wait_row(station, "lane/2", |_| true).await?;
    let lane = channel[station].value("lane/1", "value");
    assert_eq!(
        (&lane["count"], &lane["speed_kmh"], &lane["occupancy"]),
        (&json!(41), &json!(28.4), &json!(0.183))
    );
    assert_eq!((&lane["duration_s"], &lane["time"]), (&json!(30), &time_text));
    assert_eq!(lane["classes"]["motorcycle"], 41);
    channel.wait_row(station, "status", |row| row["value"]["online"] == true).await?;

    let health =
        json!({"v": 1, "time": now(), "boot": 1, "seq": 1, "power": "battery", "battery_pct": 71});
    site.publish_json("signal/sig-0001/health", &health).await?;
    channel.wait_row(controller, "health", |row| row["value"]["battery_pct"] == 71).await?;
    channel.wait_row(controller, "state", |row| row["value"]["mode"] == "free").await?;
    let incident = json!({"v": 1, "time": now(), "boot": 1, "seq": 1, "kind": "wrong_way",
        "zone": "southeast-in", "confidence": 0.91, "ended": null});
    let camera = channel.follow(5, "device/cam-001").await?;
    site.publish_json("cctv/cam-001/incident", &incident).await?;
    let key = "incident/wrong_way/southeast-in";
    channel.wait_row(camera, key, |row| row["value"]["confidence"] == 0.91).await?;
    let devices = channel.follow(6, "devices").await?;
    channel.wait_value(devices, "sig-0001", "condition", 2).await?;
    assert_eq!(channel[devices].value("sig-0001", "why"), "power.battery");
    assert_eq!(channel[devices].value("sig-0001", "mode"), "free");
    site.stop().await?;
    Ok(())
}

/// Key and value of every figure.
fn values(desk: &Collection) -> BTreeMap<String, Value> {
    desk.rows.iter().map(|(key, row)| (key.clone(), row[2].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_and_calls_change_the_figures_of_the_desk() -> anyhow::Result<()> {
    let (options, at) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let desk = channel.follow(1, "desk").await?;
    assert!(channel[desk].rows.is_empty(), "no feed is not zero tickets");
    let number = "1022-2026-000001";
    let mut first = ticket(number, "new", at, 1);
    first["due_at"] = json!(at - TimeDelta::hours(1));
    site.publish_json("desk/desk-1022/ticket", &first).await?;
    channel.wait_value(desk, "overdue", "value", 1).await?;
    for (key, expected) in [
        ("received_total", 1),
        ("handled_total", 0),
        ("in_process", 1),
        ("received_today", 1),
        ("handled_today", 0),
        ("channel:hotline", 1),
        ("channel:zalo", 0),
        ("status:new", 1),
    ] {
        assert_eq!(channel[desk].value(key, "value"), expected, "{key}");
    }
    // The same step again changes nothing; a second ticket does.
    site.publish_json("desk/desk-1022/ticket", &first).await?;
    let second = ticket("1022-2026-000002", "new", at, 2);
    site.publish_json("desk/desk-1022/ticket", &second).await?;
    channel.wait_value(desk, "received_total", "value", 2).await?;
    let resolved = ticket(number, "resolved", at + TimeDelta::seconds(1), 3);
    site.publish_json("desk/desk-1022/ticket", &resolved).await?;
    channel.wait_value(desk, "handled_total", "value", 1).await?;
    channel.wait_value(desk, "overdue", "value", 0).await?;
    assert_eq!(
        (channel[desk].value("in_process", "value"), channel[desk].value("status:new", "value")),
        (json!(1), json!(1))
    );
    site.publish_json("desk/desk-1022/call", &call("c-1", at, 4, true)).await?;
    site.publish_json("desk/desk-1022/call", &call("c-2", at, 5, false)).await?;
    channel.wait_value(desk, "calls_today", "value", 2).await?;
    channel.wait_value(desk, "abandoned_today", "value", 1).await?;
    // The page that comes later, the API and the next hub count the same.
    let administrator = site.administrator().await?;
    let summary = administrator.json("/api/v1/desk/summary").await?;
    let mut other = Channel::open(&administrator).await?;
    let later = other.follow(1, "desk").await?;
    assert_eq!(values(&other[later]), values(&channel[desk]));
    for key in [
        "received_total",
        "handled_total",
        "in_process",
        "overdue",
        "received_today",
        "handled_today",
        "calls_today",
        "abandoned_today",
    ] {
        assert_eq!(summary[key], channel[desk].value(key, "value"), "{key}");
    }
    let before = values(&channel[desk]);
    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    let mut channel =
        Channel::open(&site.account("second", ioc_hub::access::Role::Viewer).await?).await?;
    let again = channel.follow(1, "desk").await?;
    channel.wait_value(again, "received_total", "value", 2).await?;
    assert_eq!(values(&channel[again]), before);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn data_health_shows_every_source_and_the_hub_itself() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let sources = channel.follow(1, "sources").await?;
    for part in ["hub:database", "hub:broker", "hub:spool", "hub:strangers"] {
        channel.wait_value(sources, part, "condition", 1).await?;
        assert_eq!(channel[sources].value(part, "service"), "hub");
    }
    let mut late = interval(bucket(), 7, &[3]);
    late["late"] = json!(true);
    late["clock"] = json!({"source": "ntp", "offset_ms": -3});
    site.publish_json("vds/vds-001/interval", &late).await?;
    site.publish_json("vds/vds-001/interval", &late).await?;
    site.publish("vds/vds-001/interval", "{broken").await?;
    let mut other = late.clone();
    other["lanes"][0]["count"] = json!(4);
    site.publish_json("vds/vds-001/interval", &other).await?;
    channel.wait_value(sources, "vds-001", "messages", 4).await?;
    for (column, expected) in [
        ("service", json!("vds")),
        ("condition", json!(1)),
        ("refused", json!(2)),
        ("duplicates", json!(1)),
        ("late", json!(3)),
        ("dropped", json!(0)),
        ("boot", json!(2)),
        ("seq", json!(7)),
        ("clock_offset_ms", json!(-3)),
        ("online", Value::Null),
    ] {
        assert_eq!(channel[sources].value("vds-001", column), expected, "{column}");
    }
    channel.wait_row(sources, "vds-001", |row| row["rate_per_s"].as_f64() > Some(0.0)).await?;
    // A source that nobody has registered is shown as well, but not among the devices.
    site.publish_json("vds/stranger/interval", &interval(bucket(), 1, &[3])).await?;
    channel.wait_value(sources, "stranger", "refused", 1).await?;
    let devices = channel.follow(2, "devices").await?;
    assert!(!channel[devices].rows.contains_key("stranger"));
    // What the database counts is what was shown.
    let row = site.client().await?.query_one(
        "select messages, refused, duplicates, late, dropped, boot, seq from source_state where source = 'vds-001'",
        &[],
    ).await?;
    for (at, column) in ["messages", "refused", "duplicates", "late", "dropped", "boot", "seq"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(channel[sources].value("vds-001", column), row.get::<_, i64>(at), "{column}");
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_is_shown_per_unit_and_corridors_sum_their_stations() -> anyhow::Result<()> {
    let (options, time) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let metric = site.city.metrics.iter().find(|metric| metric.name == "npsp_services").unwrap();
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let figures = channel.follow(1, &format!("metrics/{}", metric.name)).await?;
    assert!(channel[figures].rows.is_empty());
    for (seq, value) in [(2, 793.0), (1, 500.0)] {
        // The older one comes later and changes nothing.
        let seconds = i64::try_from(seq)?;
        let sample = sample(&metric.name, value, time + TimeDelta::seconds(seconds), seq);
        site.publish_json("metric/national-portal/sample", &sample).await?;
    }
    site.wait_count("select count(*) from metric_value", 2).await?;
    let key = "national-portal|gso:92|";
    channel.wait_value(figures, key, "value", 793).await?;
    assert_eq!(
        (channel[figures].value(key, "bound"), channel[figures].value(key, "unit")),
        (json!("exact"), json!("gso:92"))
    );
    assert_eq!(channel[figures].value(key, "labels"), json!({}));

    let corridor = "corridor:ql91";
    let traffic = channel.follow(2, "traffic").await?;
    channel.wait_value(traffic, corridor, "reporting", 0).await?;
    assert_eq!(channel[traffic].value(corridor, "flow_veh_h"), Value::Null);
    // A period that has just ended: older ones count as silent.
    let time = time - TimeDelta::seconds(31);
    site.publish_json("vds/vds-001/interval", &interval(time, 1, &[10, 10])).await?;
    site.publish_json("vds/vds-002/interval", &interval(time, 1, &[5])).await?;
    channel.wait_value(traffic, corridor, "reporting", 2).await?;
    assert_eq!(channel[traffic].value(corridor, "flow_veh_h"), 25 * 120);
    assert_eq!(channel[traffic].value(corridor, "speed_kmh"), 28.4);
    let stations = site.city.devices.iter().filter(|device| {
        device.corridor.as_deref() == Some("ql91")
            && matches!(device.service, Service::Vds | Service::Cctv)
    });
    assert_eq!(channel[traffic].value(corridor, "devices"), stations.count());

    // A hub that starts again knows the latest of every unit.
    let name = metric.name.clone();
    let mut other = sample(&name, 12.0, time, 3);
    other["values"][0]["unit"] = json!("gso:31135");
    site.publish_json("metric/national-portal/sample", &other).await?;
    site.wait_count("select count(*) from metric_value", 3).await?;
    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    let viewer = site.account("second", ioc_hub::access::Role::Viewer).await?;
    let mut channel = Channel::open(&viewer).await?;
    let figures = channel.follow(1, &format!("metrics/{name}")).await?;
    channel.wait_value(figures, key, "value", 793).await?;
    channel.wait_value(figures, "national-portal|gso:31135|", "value", 12).await?;
    site.stop().await?;
    Ok(())
}
