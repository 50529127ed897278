//! Occupancy far above what was usual at the same time of the weeks before.

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::{access::Role, clock::Clock as _};
use serde_json::{Value, json};

use super::moved;
use crate::{browser::Browser, site::Site};

const UNUSUAL: &str = "aid_snd:vds-001";
/// Length of a collection period, seconds.
const PERIOD_S: i64 = 20;

/// 5-minute sums of two stations from two hours before this time of the week to four after it: 10 to 13 % in
/// the four weeks, but a jam three weeks ago, which was National Day.
async fn fill(site: &Site, now: DateTime<Utc>) -> anyhow::Result<()> {
    let sql = "insert into interval_5min (bucket, detector_id, intervals, good, duration_ms, count_n, \
                 count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum, pace_sum, samples, \
                 samples_expected, quality) \
               select $1::timestamptz - week * interval '7 days' + bin * interval '5 minutes', t.id, 1, 1, \
                 300000, 1, 10, 300000, \
                 300000::int8 * case when week = 3 then 9000 else 900 + 100 * week end, 0, 0, 0, 1, 1, 0 \
               from detector t join device d on d.id = t.device_id, \
                 generate_series(1, 4) week, generate_series(-24, 47) bin \
               where d.source in ('vds-001', 'vds-002')";
    site.client().await?.execute(sql, &[&now]).await?;
    Ok(())
}

fn period(time: DateTime<Utc>, seq: u64, occupancy: f64) -> Value {
    let lane =
        |lane: u8| json!({"lane": lane, "count": 5, "occupancy": occupancy, "speed_kmh": 30.0});
    json!({
        "v": 1, "time": time, "boot": 1, "seq": seq, "duration_s": PERIOD_S,
        "lanes": [lane(1), lane(2), lane(3), lane(4)],
    })
}

async fn state(browser: &Browser) -> anyhow::Result<Option<String>> {
    let page = browser.json("/api/v1/alarms?code=aid_snd").await?;
    let items = page["items"].as_array().cloned().unwrap_or_default();
    let of = |item: &&Value| item["id"] == UNUSUAL;
    Ok(items.iter().find(of).and_then(|item| Some(item["state"].as_str()?.to_owned())))
}

#[tokio::test(flavor = "multi_thread")]
async fn occupancy_far_above_that_of_the_weeks_before_is_told_and_the_usual_is_not()
-> anyhow::Result<()> {
    let (options, clock) = moved();
    let site = Site::start_with(options).await?;
    fill(&site, clock.now()).await?;
    // A hub that starts reads what is usual; this one did when there was nothing.
    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    let an = site.account("an", Role::Operator).await?;
    let mut seq = 0;
    for (occupancy, wanted) in [(0.45, "unack"), (0.12, "rtnun")] {
        let begun = seq;
        while state(&an).await?.as_deref() != Some(wanted) {
            // Of an hour and more every second is 20: the history is read by then.
            assert!(seq - begun < 300, "{UNUSUAL} is not {wanted}");
            seq += 1;
            let time = clock.now();
            clock.advance(TimeDelta::seconds(PERIOD_S));
            site.publish_json("vds/vds-001/interval", &period(time, seq, occupancy)).await?;
            site.publish_json("vds/vds-002/interval", &period(time, seq, 0.12)).await?;
            let rows = "select count(distinct time) from interval_reading";
            site.wait_count(rows, i64::try_from(seq)?).await?;
        }
    }
    let alarm = an.json("/api/v1/alarms/aid_snd:vds-001").await?;
    // 10, 11 and 13 % five times each are 11.33 % with a deviation of 3 % at least: (0.45 - 0.1133) / 0.03.
    let value = alarm["value"].as_f64().unwrap_or_default();
    assert!((value - 11.222).abs() < 0.01, "{alarm}");
    assert_eq!((&alarm["limit"], &alarm["why"]), (&json!(3.0), &json!("traffic.unusual")));
    let other = "select count(*) from alarm where code = 'aid_snd' and object <> 'vds-001'";
    assert_eq!(site.count(other).await?, 0);
    site.stop().await?;
    Ok(())
}
