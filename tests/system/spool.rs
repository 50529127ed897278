//! What happens while the database takes nothing: messages are acknowledged from the spool, screens go
//! on and say that nothing is stored, and afterwards everything is there exactly once, in order.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::json;

use crate::{
    channel::Channel,
    faults::{cut, intervals},
    process::Process,
    publisher::Publisher,
    rollup,
    server::{Mosquitto, administer, connect, new_database, number, wait_for, wait_number},
    site::{CITY, Site, SiteOptions, permit},
};

/// More than the broker sends before the first acknowledgement.
const MESSAGES: u64 = 5_000;
const ROWS: &str = "select count(*) from interval_reading";
const RECEIVED: &str = "select sum(messages)::int8 from source_state";
const DUPLICATES: &str = "select coalesce(sum(duplicates), 0)::int8 from source_state";

/// A hub that spools soon.
fn options() -> SiteOptions {
    SiteOptions::with(|config| config.spool.after_ms = 200)
}

/// Ends every connection to a database and lets nobody in.
async fn close(database: &str) -> anyhow::Result<()> {
    let closed = format!("alter database {database} allow_connections false");
    administer(&[&closed, &cut(database)]).await
}

async fn open(database: &str) -> anyhow::Result<()> {
    administer(&[&format!("alter database {database} allow_connections true")]).await
}

/// Takes frames until each of these subscriptions was told that everything is stored, or is not.
async fn wait_stored(channel: &mut Channel, ids: &[u32], stored: bool) -> anyhow::Result<()> {
    let mut waiting: BTreeSet<u32> = ids.iter().copied().collect();
    while !waiting.is_empty() {
        let frame = channel.frame().await.with_context(|| format!("{waiting:?} not told"))?;
        if frame["stored"] == stored {
            waiting.retain(|id| frame["id"] != *id);
        }
    }
    Ok(())
}

/// Takes frames until a lane of a device has counted so many vehicles.
async fn wait_lane(channel: &mut Channel, id: u32, count: u64) -> anyhow::Result<()> {
    channel.wait_row(id, "lane/1", |row| row["value"]["count"] == count).await
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
const fn metric(value: u64) -> f64 {
    value as f64
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_messages_are_acknowledged_and_seen_and_stored_later()
-> anyhow::Result<()> {
    let site = Site::start_with(options()).await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let sources = channel.follow(1, "sources").await?;
    let device = channel.follow(2, "device/vds-001").await?;
    let quiet = channel.follow(3, "desk").await?;
    channel.wait_value(sources, "hub:spool", "condition", 1).await?;
    close(&site.database).await?;
    site.publish_all(intervals(0, MESSAGES)).await?;
    // The broker sends the last of them only after it got acknowledgements of the first.
    site.wait_progress("hub_spool_written_messages_total", metric(MESSAGES)).await?;
    // The last message of this station.
    wait_lane(&mut channel, device, (MESSAGES - 50) % 40).await?;
    wait_value_of_spool(&mut channel, sources, MESSAGES).await?;
    channel.wait_value(sources, "hub:database", "condition", 3).await?;
    let newcomer = channel.follow(4, "devices").await?;
    assert!(!channel[newcomer].stored, "a snapshot tells it too");
    let report = site.visitor().get("/readyz").await?.expect(503)?;
    let ready = |part: &str| report[part]["ready"].clone();
    assert_eq!((ready("database"), ready("spool")), (json!(false), json!(true)));
    assert!(site.metric("hub_spool_size_bytes") > 1_000_000.0);
    assert!(site.metric("hub_spool_oldest_timestamp_seconds") > 1_700_000_000.0);

    open(&site.database).await?;
    wait_stored(&mut channel, &[sources, device, quiet, newcomer], true).await?;
    channel.wait_value(sources, "hub:spool", "condition", 1).await?;
    site.ready().await?;
    assert_eq!(site.count(ROWS).await?, i64::try_from(MESSAGES * 4)?);
    rollup::check(&site.client().await?).await?;
    assert_eq!(site.count(DUPLICATES).await?, 0, "nothing came twice");
    assert_eq!(site.count(RECEIVED).await?, i64::try_from(MESSAGES)?);
    site.wait_metric("hub_spool_drained_messages_total", metric(MESSAGES)).await?;
    site.wait_metric("hub_spool_waiting_messages", 0.0).await?;
    site.wait_metric("hub_spool_size_bytes", 0.0).await?;
    // Afterwards batches go the direct way.
    site.publish_all(intervals(MESSAGES, MESSAGES + 50)).await?;
    site.wait_count(ROWS, i64::try_from((MESSAGES + 50) * 4)?).await?;
    site.wait_metric("hub_spool_written_messages_total", metric(MESSAGES)).await?;
    site.stop().await?;
    Ok(())
}

async fn wait_value_of_spool(channel: &mut Channel, id: u32, messages: u64) -> anyhow::Result<()> {
    channel
        .wait_row(id, "hub:spool", |row| {
            row["why"] == "spool.used" && row["messages"] == messages && row["condition"] == 2
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_holds_up_nobody() -> anyhow::Result<()> {
    let site = Site::start_with(options()).await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let sources = channel.follow(1, "sources").await?;
    let owner = site.client().await?;
    owner.batch_execute("begin; lock table interval_reading in access exclusive mode").await?;
    site.publish_all(intervals(0, MESSAGES)).await?;
    site.wait_progress("hub_spool_written_messages_total", metric(MESSAGES)).await?;
    channel.wait_value(sources, "hub:database", "condition", 3).await?;
    owner.batch_execute("commit").await?;
    channel.wait_value(sources, "hub:database", "condition", 1).await?;
    site.wait_count(ROWS, i64::try_from(MESSAGES * 4)?).await?;
    wait_stored(&mut channel, &[sources], true).await?;
    rollup::check(&site.client().await?).await?;
    assert_eq!(site.count(DUPLICATES).await?, 0, "the commit that hung is not repeated");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_while_it_spools_loses_nothing_of_what_it_acknowledged() -> anyhow::Result<()>
{
    let _permit = permit().await?;
    let (database, broker) = (new_database().await?, Mosquitto::new().await?);
    let mut hub = Process::start(&database, &broker).await?;
    let whole = |(topic, payload): (String, Vec<u8>)| (format!("ioc/1/{CITY}/{topic}"), payload);
    let mut device = Publisher::connect(broker.address());
    close(&database).await?;
    device.publish_all(intervals(0, MESSAGES).map(whole)).await?;
    // In the middle of its work: some is spooled and acknowledged, some is not.
    wait_for("the hub spools", || async {
        let metrics = hub.browser.get("/metrics").await?;
        let metrics = metrics.text();
        let written = metrics.lines().find_map(|line| {
            line.strip_prefix("hub_spool_written_messages_total ")?.parse::<f64>().ok()
        });
        Ok(written.filter(|written| *written > 1_000.0).map(drop))
    })
    .await?;
    hub.kill().await?;
    open(&database).await?;
    hub = Process::start(&database, &broker).await?;
    let client = connect(&database).await?;
    wait_number(&client, ROWS, i64::try_from(MESSAGES * 4)?).await?;
    rollup::check(&client).await?;
    assert_eq!(number(&client, "select count(*) from quarantine").await?, 0);
    hub.kill().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_leaves_messages_with_the_broker_and_says_so() -> anyhow::Result<()> {
    let mut options = options();
    options.config.spool.bytes_max = 16 * 1024 * 1024;
    let site = Site::start_with(options).await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let sources = channel.follow(1, "sources").await?;
    close(&site.database).await?;
    let large = intervals(0, MESSAGES).map(|(topic, mut payload)| {
        payload.resize(8_000, b' ');
        (topic, payload)
    });
    site.publish_all(large).await?;
    channel.wait_value(sources, "hub:spool", "why", "spool.full").await?;
    assert_eq!(channel[sources].value("hub:spool", "condition"), 3);
    let report = site.visitor().get("/readyz").await?.expect(503)?;
    assert_eq!(
        (&report["spool"]["ready"], &report["broker"]["ready"]),
        (&json!(false), &json!(true))
    );
    assert!(site.metric("hub_spool_size_bytes") <= 16.0 * 1024.0 * 1024.0);
    let written = site.metric("hub_spool_written_messages_total");
    assert!(written > 500.0 && written < metric(MESSAGES) / 2.0, "{written} are spooled");
    open(&site.database).await?;
    site.wait_count(ROWS, i64::try_from(MESSAGES * 4)?).await?;
    wait_stored(&mut channel, &[sources], true).await?;
    channel.wait_value(sources, "hub:spool", "condition", 1).await?;
    rollup::check(&site.client().await?).await?;
    assert_eq!(site.count(DUPLICATES).await?, 0);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn new_messages_flow_while_the_spool_drains_and_the_order_is_kept() -> anyhow::Result<()> {
    let site = Site::start_with(options()).await?;
    // Refused messages tell the order: the quarantine numbers them as they are stored.
    let numbered = |from: u64, to: u64| {
        intervals(from, to).zip(from..).flat_map(|(message, n)| {
            let refused =
                (n % 10 == 0).then(|| ("vds/vds-001/interval".to_owned(), format!("{n}").into()));
            [Some(message), refused].into_iter().flatten()
        })
    };
    close(&site.database).await?;
    site.publish_all(numbered(0, MESSAGES)).await?;
    let spooled = "hub_spool_written_messages_total";
    let before = metric(MESSAGES + MESSAGES / 10);
    site.wait_progress(spooled, before).await?;
    // The first of these come while the spool is in use.
    let behind = site.publish_all(numbered(MESSAGES, 2 * MESSAGES));
    tokio::try_join!(behind, open(&site.database))?;
    site.wait_count(ROWS, i64::try_from(2 * MESSAGES * 4)?).await?;
    site.wait_count("select count(*) from quarantine", i64::try_from(2 * MESSAGES / 10)?).await?;
    assert!(site.metric(spooled) > before, "nothing came behind");
    let disordered = "select count(*) from (select convert_from(payload, 'UTF8')::int8 n, \
                      lag(convert_from(payload, 'UTF8')::int8) over (order by id) before \
                      from quarantine) q where n <= before";
    assert_eq!(site.count(disordered).await?, 0);
    rollup::check(&site.client().await?).await?;
    assert_eq!(site.count(DUPLICATES).await?, 0);
    site.wait_metric("hub_spool_size_bytes", 0.0).await?;
    site.stop().await?;
    Ok(())
}
