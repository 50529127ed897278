//! Clocks jump: the hub's own, and those of the devices. What a wrong clock refuses waits in the
//! quarantine and is complete after a replay.

use std::sync::Arc;

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::clock::TestClock;
use serde_json::{Value, json};

use crate::{
    message::{interval, now},
    rollup,
    site::{CITY, Site, SiteOptions},
    stored,
    truth::{Cast, Truth},
};

/// A hub whose clock the test moves, standing at this time.
async fn site(time: DateTime<Utc>) -> anyhow::Result<(Site, Arc<TestClock>)> {
    let clock = Arc::new(TestClock::new(time));
    let options = SiteOptions { clock: clock.clone(), ..SiteOptions::default() };
    Ok((Site::start_with(options).await?, clock))
}

async fn publish(site: &Site, truth: &mut Truth, count: usize) -> anyhow::Result<()> {
    let mut messages = truth.next(count);
    messages.extend(truth.rest());
    let city = format!("ioc/1/{CITY}/");
    let bytes = messages.iter().map(|message| {
        let topic = message.topic.strip_prefix(&city).unwrap_or(&message.topic);
        (topic.to_owned(), message.payload.clone())
    });
    site.publish_all(bytes).await?;
    truth.accept(messages);
    Ok(())
}

async fn jumps(seed: u64, messages: usize) -> anyhow::Result<()> {
    let begin = now() - TimeDelta::days(3);
    let (site, clock) = site(now()).await?;
    let client = site.client().await?;
    let mut truth = Truth::new(seed, begin, &Cast::default());
    // Forward by an hour, back by more, and for good by half a day: none of it touches what is true.
    for by in [0, 60, -90, 750] {
        clock.advance(TimeDelta::minutes(by));
        publish(&site, &mut truth, messages).await?;
        stored::holds(&client, &truth).await?;
    }
    site.stop().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_clock_jumps_stores_every_fact_once() -> anyhow::Result<()> {
    Box::pin(jumps(51, 1_500)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_hub_whose_clock_jumps_at_work_stores_every_fact_once() -> anyhow::Result<()> {
    Box::pin(jumps(52, 30_000)).await
}

/// Replays everything that waits in the quarantine.
async fn replay(site: &Site) -> anyhow::Result<()> {
    let administrator = site.administrator().await?;
    let page = administrator.json("/api/v1/quarantine?limit=1000").await?;
    for message in page["items"].as_array().into_iter().flatten() {
        let path = format!("/api/v1/quarantine/{}/replay", message["id"]);
        let outcome = administrator.post(&path, &Value::Null).await?.expect(200)?;
        ensure!(outcome["accepted"] == true, "{outcome}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_clock_fell_back_keeps_what_it_does_not_believe() -> anyhow::Result<()> {
    let time = now();
    let (site, clock) = site(time).await?;
    let send = async |from: u64, to: u64| {
        let period = |n| time - TimeDelta::seconds(30 * (50 - i64::try_from(n).unwrap_or(0)));
        let messages = (from..to).map(|n| {
            let message = interval(period(n), n, &[n, 1, 2]);
            ("vds/vds-001/interval".to_owned(), message.to_string().into_bytes())
        });
        site.publish_all(messages).await
    };
    send(0, 20).await?;
    site.wait_count("select count(*) from interval_reading", 60).await?;
    clock.advance(TimeDelta::days(-2));
    send(20, 40).await?;
    let disbelieved = "select count(*) from quarantine where reason = 'clock_ahead'";
    site.wait_count(disbelieved, 20).await?;
    assert_eq!(site.count("select count(*) from interval_reading").await?, 60);
    clock.advance(TimeDelta::days(2));
    send(40, 50).await?;
    site.wait_count("select count(*) from interval_reading", 90).await?;
    replay(&site).await?;
    site.wait_count("select count(*) from interval_reading", 150).await?;
    rollup::check(&site.client().await?).await?;
    assert_eq!(site.count("select sum(count_sum)::int8 from interval_5min").await?, 1_375);
    site.stop().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_whose_clock_jumps_spoils_neither_its_past_nor_its_present() -> anyhow::Result<()>
{
    let time = now();
    let (site, _clock) = site(time).await?;
    // Right, a little ahead, far ahead, at the begin of time, right again.
    let offsets = [TimeDelta::seconds(-60), TimeDelta::minutes(9), TimeDelta::days(1)];
    let mut times: Vec<DateTime<Utc>> = offsets.iter().map(|offset| time + *offset).collect();
    times.extend([DateTime::UNIX_EPOCH, time - TimeDelta::seconds(30), time]);
    for (seq, time) in times.iter().enumerate() {
        let mut message = interval(*time, seq as u64, &[5]);
        message["clock"] = json!({"source": "none", "offset_ms": 0});
        site.publish_json("vds/vds-001/interval", &message).await?;
    }
    site.wait_count("select messages from source_state where source = 'vds-001'", 6).await?;
    assert_eq!(site.count("select count(*) from interval_reading").await?, 4);
    for (reason, count) in [("clock_ahead", 1), ("too_old", 1)] {
        let sql = format!("select count(*) from quarantine where reason = '{reason}'");
        assert_eq!(site.count(&sql).await?, count, "{reason}");
    }
    // No chunk was made for a time that never was.
    let chunks = "select count(*) from timescaledb_information.chunks \
                  where hypertable_name = 'interval_reading' and range_start < '2001-01-01'";
    assert_eq!(site.count(chunks).await?, 0);
    // Current is the latest by its own time, which the device claimed while its clock was ahead.
    let current = "select seq from current_value where stream = 'interval'";
    assert_eq!(site.count(current).await?, 1);
    rollup::check(&site.client().await?).await?;
    site.stop().await.map(drop)
}
