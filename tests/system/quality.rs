//! Data quality with the real broker and database: detectors trip by messages, rows and rollups carry the
//! marks, late data and a killed hub change nothing of that, and people see and declare it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_hub::{
    config::Config,
    hub,
    quality::bits,
    store::{
        registry,
        verify::{self, Scope, Verified},
        verify_marks::verify_marks,
    },
};
use rand::{SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::{
    cluster::Cluster,
    message::period,
    publisher::Publisher,
    rig::Works,
    server::{number, wait_for},
    site::{CITY, Site, SiteOptions},
};

const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;
const SETTLED: &str =
    "select (select count(*) from quality_dirty) + (select count(*) from rollup_dirty)";

/// A message of one station with one lane: count, occupancy, speed.
fn lane(
    source: &str,
    time: DateTime<Utc>,
    seq: u64,
    (count, occupancy, speed_kmh): (u64, f64, Option<f64>),
) -> (String, Vec<u8>) {
    let lane = json!({"lane": 1, "count": count, "occupancy": occupancy, "speed_kmh": speed_kmh});
    let message =
        json!({"v": 1, "time": time, "boot": 1, "seq": seq, "duration_s": 30, "lanes": [lane]});
    (format!("vds/{source}/interval"), message.to_string().into_bytes())
}

fn small(n: u64) -> f64 {
    f64::from(u32::try_from(n).expect("a small number"))
}

/// Ordinary traffic.
fn ordinary(n: u64) -> (u64, f64, Option<f64>) {
    (12, 0.1 + small(n % 7) / 100.0, Some(30.0))
}

/// An hour and a half of three stations: stuck for a while, without a vehicle, and chattering.
fn story(begin: DateTime<Utc>) -> Vec<(String, Vec<u8>)> {
    let mut messages = Vec::new();
    for n in 0..180_u64 {
        let time = period(begin, n);
        let stuck = if (20..40).contains(&n) { (0, 1.0, None) } else { ordinary(n) };
        let silent = if (10..100).contains(&n) { (0, 0.0, None) } else { ordinary(n) };
        let chatter =
            if n.is_multiple_of(3) && n < 30 { (95, 0.25, Some(30.0)) } else { ordinary(n) };
        for (source, values) in [("vds-001", stuck), ("vds-002", silent), ("vds-003", chatter)] {
            messages.push(lane(source, time, n, values));
        }
    }
    messages
}

/// Fails unless rollups and marks are what the rows tell. Returns how many rows were compared.
async fn check(client: &Client, now: DateTime<Utc>) -> anyhow::Result<i64> {
    let scope = Scope {
        from: now - TimeDelta::days(20),
        to: now + TimeDelta::hours(1),
        intervals_since: DateTime::UNIX_EPOCH,
        zone: ZONE,
        source: None,
    };
    let mut found: Verified = verify::verify(client, &scope, |_day, _so_far| {}).await?;
    let thresholds = Arc::new(hub::thresholds(&Config::defaults()?)?);
    let registry = registry::load(client).await?;
    let registry = registry.judged_by(&thresholds, now.with_timezone(&ZONE).date_naive());
    verify_marks(client, &registry, &scope, &mut found).await?;
    anyhow::ensure!(found.differences.is_empty(), "{:#?}", found.differences);
    Ok(found.rows)
}

/// Bits of the rows of a station in the order of time.
async fn marks(client: &Client, source: &str) -> anyhow::Result<Vec<i32>> {
    let sql = "select r.quality from interval_reading r join detector t on t.id = r.detector_id \
               join device d on d.id = t.device_id where d.source = $1 order by r.time";
    Ok(client.query(sql, &[&source]).await?.iter().map(|row| row.get(0)).collect())
}

/// Waits until a check of a station is open, or is not.
async fn wait_state(client: &Client, source: &str, check: &str, open: i64) -> anyhow::Result<()> {
    let sql = format!(
        "select count(*) from detector_check c join device d on d.id = c.device_id \
         where d.source = '{source}' and c.checked = '{check}' and c.until is null"
    );
    let seen = || async { Ok((number(client, &sql).await? == open).then_some(())) };
    wait_for(&format!("{check} of {source} open: {open}"), seen).await
}

/// Everything that is kept of checks, without numbers.
async fn states(client: &Client) -> anyhow::Result<Vec<String>> {
    let sql = "select d.source || ' ' || c.place || ' ' || c.checked || ' ' || c.since || ' ' || \
                 coalesce(c.until::text, '') \
               from detector_check c join device d on d.id = c.device_id order by 1";
    Ok(client.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

fn count(marks: &[i32], bit: i32) -> usize {
    marks.iter().filter(|marks| **marks & bit != 0).count()
}

/// What the story of three stations comes to, in whatever order it came.
async fn is_story(client: &Client) -> anyhow::Result<()> {
    let stuck = marks(client, "vds-001").await?;
    // Stuck from the fourth sample on, for 17 samples and ten minutes after the last.
    assert_eq!(count(&stuck, bits::STUCK_ON), 17 + 19);
    // Occupied without a vehicle is told at once.
    let empty = bits::MISMATCH;
    assert_eq!(&stuck[19..24], [0, empty, empty, empty, empty | bits::STUCK_ON]);
    let silent = marks(client, "vds-002").await?;
    assert_eq!(count(&silent, bits::NO_ACTIVITY), 31, "from half an hour on");
    assert_eq!((silent[68], silent[69], silent[99], silent[100]), (0, 16, 16, 0));
    let chatter = marks(client, "vds-003").await?;
    // Each bad sample by itself, and all of them from the third on.
    assert_eq!(count(&chatter, bits::MAX_VOLUME), 180 - 6 + 2);
    let good = "select count(*) from interval_reading where quality & ~2048 = 0";
    let summed = "select coalesce(sum(good), 0)::int8 from interval_5min";
    assert_eq!(number(client, good).await?, number(client, summed).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn detectors_trip_by_messages_and_rows_rollups_and_people_see_it() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    let begin = now - TimeDelta::minutes(100);
    site.publish_all(story(begin)).await?;
    site.wait_count("select count(*) from interval_reading", 540).await?;
    wait_state(&client, "vds-003", "max_volume", 1).await?;
    site.wait_count(SETTLED, 0).await?;
    assert_eq!(check(&client, now).await?, 540);
    is_story(&client).await?;
    let administrator = site.administrator().await?;
    let open = administrator.json("/api/v1/quality?open=true&source=vds-003").await?;
    assert_eq!(open["items"][0]["check"], "max_volume");
    assert_eq!(
        (&open["items"][0]["code"], &open["items"][0]["failed"]),
        (&"Q02".into(), &true.into())
    );
    assert_eq!(
        (&open["items"][0]["value"], &open["items"][0]["limit"]),
        (&3.0.into(), &3.0.into())
    );
    let over = administrator.json("/api/v1/quality?open=false&check=stuck_on").await?;
    assert_eq!(over["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(over["items"][0]["source"], "vds-001");
    let told = || async {
        let device = administrator.json("/api/v1/devices/vds-003").await?;
        Ok((device["state"]["why"] == "detector.max_volume"
            || device["why"] == "detector.max_volume")
            .then_some(()))
    };
    wait_for("the device is warned of", told).await?;
    let one = administrator.json("/api/v1/quality/vds-003").await?;
    let first = &one["places"][0];
    assert_eq!(
        (&first["place"], &first["checks"][0]["check"]),
        (&"lane/1".into(), &"max_volume".into())
    );
    assert!(first["good_share"].as_f64().is_some_and(|share| share < 0.1), "{first}");
    assert_eq!(first["limits"]["count_max_30s"], 90);
    let thresholds = administrator.json("/api/v1/quality/thresholds").await?;
    let ids: Vec<&Value> =
        thresholds["profile"].as_array().into_iter().flatten().map(|p| &p["id"]).collect();
    assert_eq!(ids, ["hub", "iris", "pems"]);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_shuffled_data_end_with_the_same_marks_as_live_order() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    // A part of it lies in closed hours, a part in the open one.
    let mut messages = story(now - TimeDelta::minutes(100));
    messages.shuffle(&mut StdRng::seed_from_u64(7));
    let rest = messages.split_off(270);
    site.publish_all(messages).await?;
    site.wait_count("select count(*) from interval_reading", 270).await?;
    check(&client, now).await?;
    site.publish_all(rest).await?;
    site.wait_count("select count(*) from interval_reading", 540).await?;
    let done = || async { Ok(is_settled(&client, now).await?.then_some(())) };
    wait_for("every row is judged", done).await?;
    is_story(&client).await?;
    let shuffled = states(&client).await?;
    assert_eq!(shuffled.len(), 3 + extra(&shuffled), "{shuffled:#?}");
    site.stop().await?;
    Ok(())
}

/// States of checks that the story is not about.
fn extra(states: &[String]) -> usize {
    let about = ["stuck_on", "no_activity", "max_volume"];
    states.iter().filter(|state| !about.iter().any(|check| state.contains(check))).count()
}

async fn is_settled(client: &Client, now: DateTime<Utc>) -> anyhow::Result<bool> {
    Ok(number(client, SETTLED).await? == 0 && check(client, now).await.is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_declares_bad_is_marked_back_and_forth() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    let begin = now - TimeDelta::minutes(100);
    site.publish_all((0..180).map(|n| lane("vds-004", period(begin, n), n, ordinary(n)))).await?;
    site.wait_count("select count(*) from interval_reading", 180).await?;
    let administrator = site.administrator().await?;
    let path = "/api/v1/detectors/vds-004/lane/1/forced_bad";
    let declare = |from, to| json!({"from": from, "to": to, "reason": "Đào đường, vòng từ bị cắt"});
    let (from, to) = (period(begin, 30), period(begin, 90));
    let answer = administrator.put(path, &declare(from, Some(to))).await?;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let marked = "select count(*) from interval_reading where quality = 32768";
    site.wait_count(marked, 60).await?;
    check(&client, now).await?;
    // Without an end it holds for what comes, too; ended at its begin it is as if it had not been.
    assert_eq!(administrator.put(path, &declare(from, None)).await?.status, 204);
    site.wait_count(marked, 150).await?;
    site.publish_all([lane("vds-004", period(begin, 181), 181, ordinary(3))]).await?;
    site.wait_count(marked, 151).await?;
    let open = administrator.json("/api/v1/quality?open=true&source=vds-004").await?;
    assert_eq!(open["items"][0]["check"], "forced");
    assert_eq!(administrator.put(path, &declare(from, Some(from))).await?.status, 204);
    site.wait_count(marked, 0).await?;
    check(&client, now).await?;
    let journal = "select count(*) from journal where action = 'declare_detector_bad' and object = 'vds-004/lane/1'";
    assert_eq!(site.count(journal).await?, 3);
    let unknown = administrator
        .put("/api/v1/detectors/vds-004/lane/31/forced_bad", &declare(from, None))
        .await?;
    assert_eq!(unknown.status, 404);
    let viewer = site.account("lan", ioc_hub::access::Role::Viewer).await?;
    assert_eq!(viewer.put(path, &declare(from, None)).await?.status, 403);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_killed_before_it_marked_goes_on_where_it_was() -> anyhow::Result<()> {
    let _permit = crate::site::permit().await?;
    let mut works = Works::start(Cluster::new().await?, Vec::new()).await?;
    let client = works.client().await?;
    let now = crate::message::now();
    let mut publisher = Publisher::connect(works.broker.address());
    let whole = |(topic, payload): (String, Vec<u8>)| (format!("ioc/1/{CITY}/{topic}"), payload);
    let mut messages: Vec<_> =
        story(now - TimeDelta::minutes(100)).into_iter().map(whole).collect();
    // Nobody marks anything while the list of open states is held.
    let holder = works.client().await?;
    holder.batch_execute("begin; lock table detector_check in access exclusive mode").await?;
    let rest = messages.split_off(400);
    publisher.publish_all(messages).await?;
    crate::server::wait_number(&client, "select count(*) from interval_reading", 400).await?;
    assert_eq!(
        count(&marks(&client, "vds-001").await?, bits::STUCK_ON),
        0,
        "nothing is marked yet"
    );
    works.hub.kill().await?;
    holder.batch_execute("rollback").await?;
    works.start_hub().await?;
    publisher.publish_all(rest).await?;
    crate::server::wait_number(&client, "select count(*) from interval_reading", 540).await?;
    let done = || async { Ok(is_settled(&client, now).await?.then_some(())) };
    wait_for("every row is judged", done).await?;
    assert_eq!(count(&marks(&client, "vds-001").await?, bits::STUCK_ON), 17 + 19);
    let before = states(&client).await?;
    // Another start finds everything as it was.
    works.kill_hub().await?;
    let done = || async { Ok(is_settled(&client, now).await?.then_some(())) };
    wait_for("every row is judged again", done).await?;
    assert_eq!(states(&client).await?, before);
    works.hub.kill().await?;
    works.cluster.stop().await?;
    Ok(())
}
