//! Sources that nobody has registered: so many are told apart, the others are counted together.

use ioc_hub::{
    clock::{Clock as _, SystemClock},
    hub,
    store::retention,
};
use serde_json::json;

use crate::{
    channel::Channel,
    message::{bucket, interval},
    site::{Site, SiteOptions},
};

const ROWS: &str = "select count(*) from source_state where source like 'x-%'";
const HELD: &str = "select count(*) from quarantine where source like 'x-%'";
const TOGETHER: &str = "select count(*) from quarantine where source is null";

/// One good and one broken message of each of these sources.
async fn publish(site: &Site, sources: std::ops::Range<u32>) -> anyhow::Result<()> {
    let good = interval(bucket(), 1, &[3]).to_string();
    let messages = |n: u32| {
        let topic = format!("vds/x-{n}/interval");
        [(topic.clone(), good.clone().into_bytes()), (topic, b"{broken".to_vec())]
    };
    site.publish_all(sources.flat_map(messages)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_beyond_the_limit_share_one_bound_and_are_shown_together() -> anyhow::Result<()> {
    let options = SiteOptions::with(|config| {
        config.ingest.strangers = 3;
        config.ingest.quarantine_messages = 30;
    });
    let site = Site::start_with(options).await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let sources = channel.follow(1, "sources").await?;
    publish(&site, 0..20).await?;
    site.wait_metric("hub_ingest_refused_total{reason=\"json\"}", 20.0).await?;
    site.wait_metric("hub_ingest_strangers_beyond_messages_total", 34.0).await?;
    site.wait_count(TOGETHER, 30).await?;
    site.wait_metric("hub_writer_dropped_total", 4.0).await?;
    assert_eq!((site.count(ROWS).await?, site.count(HELD).await?), (3, 6));
    assert!((site.metric("hub_ingest_strangers") - 3.0).abs() < 0.5);
    channel.wait_value(sources, "hub:strangers", "refused", 34).await?;
    assert_eq!(channel[sources].value("hub:strangers", "why"), "strangers.full");
    channel.wait_value(sources, "x-2", "messages", 2).await?;
    assert!(!channel[sources].rows.contains_key("x-3"));

    // What was kept together is stored once its source is registered.
    let body = json!({"service": "vds", "name": {"vi": "Trạm", "en": "Station"}, "lon": null,
        "lat": null, "period_s": 30.0});
    let answer = administrator.post("/api/v1/sources/x-3/accept", &body).await?.expect(201)?;
    assert_eq!(answer, json!({"replayed": 1, "refused_again": 0}));

    // The bound holds over a restart.
    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    publish(&site, 0..6).await?;
    site.wait_metric("hub_ingest_received_total", 12.0).await?;
    site.wait_metric("hub_ingest_strangers_beyond_messages_total", 4.0).await?;
    site.wait_metric("hub_ingest_strangers", 3.0).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_that_is_silent_for_long_is_forgotten() -> anyhow::Result<()> {
    let site = Site::start_with(SiteOptions::with(|config| config.ingest.strangers = 2)).await?;
    publish(&site, 0..2).await?;
    site.publish_json("vds/vds-001/interval", &interval(bucket(), 1, &[3])).await?;
    site.wait_count(ROWS, 2).await?;
    site.wait_count("select count(*) from source_state where source = 'vds-001'", 1).await?;
    let owner = site.client().await?;
    let silent = "update source_state set last_seen = now() - interval '91 days' \
                  where source in ('x-0', 'vds-001')";
    owner.execute(silent, &[]).await?;
    let keep = hub::retention(&site.options.config);
    retention::enforce(&owner, &keep, SystemClock.now()).await?;
    let left = owner.query("select source from source_state order by source", &[]).await?;
    let left: Vec<String> = left.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, ["vds-001", "x-1"]);
    let runs = "select count(*) from seq_run where source = 'x-0'";
    assert_eq!(site.count(runs).await?, 1);
    drop(owner);

    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    assert_eq!(site.count(runs).await?, 0, "its streams are not followed any more");
    publish(&site, 2..3).await?;
    site.wait_count(ROWS, 2).await?;
    site.stop().await?;
    Ok(())
}
