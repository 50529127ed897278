//! Two hours of real controller events, published as that controller would: every one arrives.

use std::fs::File;

use chrono::{DateTime, Utc};
use chrono_tz::America::Los_Angeles;
use ioc_hub::simulate::{Broker, Recording, ReplayOptions, replay};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::repository;
use crate::site::{CITY, Site, SiteOptions};

/// Distinct events of the recording.
const EVENTS: i64 = 37_148;

#[tokio::test(flavor = "multi_thread")]
async fn every_real_controller_event_is_found_in_the_database() -> anyhow::Result<()> {
    // The recording is older than raw events are kept.
    let options = SiteOptions::with(|config| config.retention.signal_days = 36_500);
    let site = Site::start_with(options).await?;
    let file = File::open(repository("tests/data/atspm/raw_data.csv"))?;
    let recording = Recording::read(file, Los_Angeles)?;
    let source = recording.sources(None)?.remove(0);

    // The controller is discovered by its first sign of life and accepted.
    let status = json!({"v": 1, "online": true, "boot": 1});
    site.publish_json(&format!("signal/{source}/status"), &status).await?;
    site.wait_count("select count(*) from quarantine where reason = 'unknown_source'", 1).await?;
    let name = json!({"vi": "Tủ điều khiển đo đạc", "en": "Recorded controller"});
    let body = json!({"service": "signal", "name": name, "period_s": 10.0});
    let path = format!("/api/v1/sources/{source}/accept");
    let answer = site.administrator().await?.post(&path, &body).await?.expect(201)?;
    assert_eq!(answer, json!({"replayed": 1, "refused_again": 0}));

    let address = site.broker.address();
    let options = ReplayOptions {
        broker: Broker::new(&address.ip().to_string(), address.port()),
        city: CITY.to_owned(),
        source: None,
    };
    // Sent twice: the second time changes nothing.
    for _time in 0..2 {
        let clock = site.options.clock.clone();
        let stop = CancellationToken::new();
        let done = replay(&options, &recording, clock, stop, |_progress| {}).await?;
        assert_eq!(done.acknowledged, recording.batches());
        site.wait_count("select count(*) from signal_event", EVENTS).await?;
    }
    let messages = i64::try_from(2 * (recording.batches() + 1) + 1)?;
    site.wait_count("select messages from source_state", messages).await?;
    assert_eq!(site.count("select count(*) from signal_event").await?, EVENTS);
    assert_eq!(site.count("select count(*) from quarantine where replayed_at is null").await?, 0);

    // The same as counted from the file by itself, code by code.
    let mut expected = std::collections::BTreeMap::<i32, std::collections::BTreeSet<_>>::new();
    let mut csv = csv::Reader::from_path(repository("tests/data/atspm/raw_data.csv"))?;
    for row in csv.records() {
        let row = row?;
        let key = (row[0].to_owned(), row[3].parse::<i32>()?);
        expected.entry(row[2].parse()?).or_default().insert(key);
    }
    let expected: Vec<(i32, i64)> = expected
        .iter()
        .map(|(code, events)| (*code, i64::try_from(events.len()).unwrap()))
        .collect();
    let client = site.client().await?;
    let rows = client
        .query("select code, count(*) from signal_event group by code order by code", &[])
        .await?;
    let found: Vec<(i32, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(found, expected);
    let span = client.query_one("select min(time), max(time) from signal_event", &[]).await?;
    let (first, last) = recording.span().expect("it holds events");
    assert_eq!((span.get::<_, DateTime<Utc>>(0), span.get::<_, DateTime<Utc>>(1)), (first, last));
    assert_eq!(first.to_rfc3339(), "2024-04-15T19:00:00+00:00");
    site.stop().await?;
    Ok(())
}
