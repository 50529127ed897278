//! From a device's publish to the rows: stored once, rolled up exactly, refused with a reason.

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::clock::{Clock as _, SystemClock};
use serde_json::json;

use crate::{
    message::{bucket, interval, period},
    publisher::Publisher,
    rollup,
    server::{Mosquitto, wait_for},
    site::{Site, SiteOptions},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_adds_only_so_many_zones_by_itself() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let time = bucket();
    let topic = "cctv/cam-001/interval";
    let message = |seq: u64, zones: std::ops::Range<u32>| {
        let zones: Vec<_> = zones.map(|n| json!({"zone": format!("z-{n}"), "count": 1})).collect();
        let time = period(time, seq);
        json!({"v": 1, "time": time, "boot": 1, "seq": seq, "duration_s": 30, "zones": zones})
    };
    // In one batch, so that the second message is decided before the zones of the first are known.
    let both = [message(0, 0..60), message(1, 50..70)];
    site.publish_all(both.map(|m| (topic.to_owned(), m.to_string().into_bytes()))).await?;
    let zones = "select count(*) from detector t join device d on d.id = t.device_id \
                 where d.source = 'cam-001'";
    site.wait_count("select count(*) from quarantine where source = 'cam-001'", 1).await?;
    let known = site.count(zones).await?;
    assert_eq!(known, 64);
    // Afterwards a further zone is refused, and what is known of the same message is stored.
    let stored = site.count("select count(*) from interval_reading").await?;
    site.publish_json(topic, &message(2, 0..1)).await?;
    site.publish_json(topic, &message(3, 100..101)).await?;
    site.wait_count("select count(*) from interval_reading", stored + 1).await?;
    site.wait_count("select count(*) from quarantine where reason = 'too_many' and not partial", 1)
        .await?;
    site.wait_count("select count(*) from quarantine where reason = 'too_many' and partial", 1)
        .await?;
    assert_eq!(site.count(zones).await?, 64);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interval_is_stored_once_and_rolled_up_exactly() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let begin = bucket();
    for n in 0..4 {
        let time = begin + TimeDelta::seconds(30 * n);
        let message = interval(time, u64::try_from(n)?, &[41, 0]);
        site.publish_json("vds/vds-001/interval", &message).await?;
    }
    // The same again under another seq, and once with other content.
    site.publish_json("vds/vds-001/interval", &interval(begin, 50, &[41, 0])).await?;
    site.publish_json("vds/vds-001/interval", &interval(begin, 51, &[99, 0])).await?;
    site.wait_count("select count(*) from quarantine where reason = 'conflict'", 1).await?;
    assert_eq!(site.count("select count(*) from interval_reading").await?, 8);
    let row = site
        .client()
        .await?
        .query_one(
            "select intervals, good, count_n, count_sum, count_min, count_max, occupancy_sum, \
                    speed_count, speed_sum, samples, motorcycle, bicycle \
             from interval_5min r join detector t on t.id = r.detector_id where t.place = 'lane/1'",
            &[],
        )
        .await?;
    assert_eq!((row.get::<_, i32>(0), row.get::<_, i32>(1), row.get::<_, i32>(2)), (4, 4, 4));
    assert_eq!(row.get::<_, i64>("count_sum"), 164);
    assert_eq!(row.get::<_, i64>("occupancy_sum"), 4 * 1830 * 30_000);
    assert_eq!(row.get::<_, i64>("speed_sum"), 164 * 284);
    assert_eq!(row.get::<_, i64>("samples"), 120);
    assert_eq!(row.get::<_, Option<i64>>("motorcycle"), Some(164));
    assert_eq!(row.get::<_, Option<i64>>("bicycle"), None);
    // Both lanes of the repeated message, and the second lane of the conflicting one.
    let duplicates = "select duplicates from source_state where source = 'vds-001'";
    site.wait_count(duplicates, 3).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_values_stay_null_and_never_become_zero() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let message = json!({
        "v": 1, "time": bucket(), "boot": 1, "seq": 1, "duration_s": 30,
        "lanes": [{"lane": 1, "count": null}],
    });
    site.publish_json("vds/vds-001/interval", &message).await?;
    site.wait_count("select count(*) from interval_reading where count is null", 1).await?;
    let unknown = "select count(*) from interval_5min where count_n = 0 and count_min is null \
                   and occupancy_ms = 0 and speed_count = 0 and motorcycle is null";
    assert_eq!(site.count(unknown).await?, 1);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_looks_elsewhere_is_kept_and_never_summed_up() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let begin = bucket();
    for (n, home) in [(0, true), (1, false), (2, true)] {
        let time = begin + TimeDelta::seconds(60 * n);
        let zone = json!({
            "zone": "southeast-in", "kind": "line", "direction": "forward", "count": 10 + n,
            "speed_kmh": 24.0, "confidence": 0.87, "classes": {"motorcycle": 10 + n},
        });
        let message = json!({
            "v": 1, "time": time, "boot": 1, "seq": n, "duration_s": 60, "preset": 1, "home": home,
            "zones": [zone],
        });
        site.publish_json("cctv/cam-001/interval", &message).await?;
    }
    site.wait_count("select count(*) from interval_reading", 3).await?;
    let sums =
        "select count_sum from interval_5min where intervals = 3 and good = 2 and count_n = 2";
    assert_eq!(site.count(sums).await?, 10 + 12);
    rollup::check(&site.client().await?).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_lies_in_the_quarantine_with_its_reason() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let now = SystemClock.now();
    let state = |time: DateTime<Utc>| {
        let group = json!({"group": 2, "kind": "vehicle", "state": 6});
        json!({"v": 1, "time": time, "boot": 1, "seq": 1, "mode": "free", "groups": [group]})
    };
    for (topic, payload) in [
        ("vds/vds-001/interval", b"{not json".to_vec()),
        ("vds/vds-001/nonsense", b"{}".to_vec()),
        ("signal/sig-0001/state", state(now + TimeDelta::minutes(11)).to_string().into_bytes()),
        ("signal/sig-0001/state", state(now - TimeDelta::days(91)).to_string().into_bytes()),
        ("signal/nobody/state", state(now).to_string().into_bytes()),
        ("signal/vds-001/state", state(now).to_string().into_bytes()),
        ("desk/desk-1022/ticket", br#"{"v":1,"ho_ten":"x"}"#.to_vec()),
    ] {
        site.publish(topic, payload).await?;
    }
    let reasons = wait_for("seven refusals", || async {
        let rows =
            site.client().await?.query("select reason from quarantine order by id", &[]).await?;
        let reasons: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        Ok((reasons.len() == 7).then_some(reasons))
    })
    .await?;
    let expected = [
        "json",
        "topic",
        "clock_ahead",
        "too_old",
        "unknown_source",
        "wrong_service",
        "personal_data",
    ];
    assert_eq!(reasons, expected);
    let kept = "select count(*) from quarantine where reason = 'personal_data' \
                and convert_from(payload, 'UTF8') = 'ho_ten, v'";
    assert_eq!(site.count(kept).await?, 1);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_hub_on_the_same_database_is_refused() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let second = Mosquitto::new().await?;
    let options = SiteOptions::default();
    let started = Site::start_on(options, site.database.clone(), second).await;
    let error = started.err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(error.contains("Taken"), "{error}");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_hub_goes_on_with_the_same_data() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let begin = bucket();
    site.publish_json("vds/vds-001/interval", &interval(begin, 1, &[5])).await?;
    site.wait_count("select count(*) from interval_reading", 1).await?;
    assert!(site.password.is_some(), "the first start makes an administrator");
    let (options, database, broker) = site.stop().await?;
    let mut device = Publisher::connect(broker.address());
    let later = interval(begin + TimeDelta::seconds(30), 2, &[7]).to_string().into_bytes();
    device.publish_all([("ioc/1/can-tho/vds/vds-001/interval".to_owned(), later)]).await?;
    let site = Site::start_on(options, database, broker).await?;
    assert!(site.password.is_none(), "the second start makes none");
    // What was published while the hub was away waited in the broker.
    site.wait_count("select count(*) from interval_reading", 2).await?;
    site.wait_count("select count_sum from interval_5min", 12).await?;
    site.stop().await?;
    Ok(())
}
