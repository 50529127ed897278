//! Many losses at once: one alarm for the operator, all of them in the history.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::time::Instant;

use crate::{channel::Channel, site::Site};

/// Devices behind one switch.
const CAMERAS: usize = 1_000;
const GROUP: &str = "comm_group_loss:switch-1";

/// Registers a switch and the cameras behind it, as the command line does.
async fn register(site: &Site) -> anyhow::Result<()> {
    let client = site.client().await?;
    client
        .execute(
            "insert into device (source, service, name_vi, name_en, parent, period_ms, registered_at) \
             select 'switch-1', 'cabinet', 'Tủ', 'Switch', null, 60000, now() \
             union all \
             select 'far-' || n, 'cctv', 'Camera', 'Camera', 'switch-1', 30000, now() \
             from generate_series(1, $1::int4) n",
            &[&i32::try_from(CAMERAS)?],
        )
        .await?;
    let told = "insert into journal (at, who, action, object) \
                values (now(), 'command:test', 'accept_source', 'switch-1')";
    client.execute(told, &[]).await?;
    Ok(())
}

fn statuses(online: bool) -> impl Iterator<Item = (String, Vec<u8>)> {
    let body = json!({"v": 1, "online": online, "boot": 1}).to_string().into_bytes();
    (1..=CAMERAS).map(move |n| (format!("cctv/far-{n}/status"), body.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_losses_behind_one_switch_are_one_alarm() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    register(&site).await?;
    let known = "select count(*) from source_state s join device d using (source) where parent = 'switch-1'";
    site.publish_all(statuses(true)).await?;
    site.wait_count(known, i64::try_from(CAMERAS)?).await?;
    let online = "select count(*) from connection where online";
    site.wait_count(online, i64::try_from(CAMERAS)?).await?;
    let mut channel = Channel::open(&administrator).await?;
    let alarms = channel.follow(1, "alarms").await?;

    let begun = Instant::now();
    site.publish_all(statuses(false)).await?;
    channel.wait_value(alarms, GROUP, "state", "unack").await?;
    let shown = begun.elapsed();
    let presented = |channel: &Channel| {
        let rows = channel[alarms].rows.keys();
        rows.filter(|id| channel[alarms].value(id, "suppressed").is_null()).count()
    };
    assert_eq!(presented(&channel), 1, "{:?}", channel[alarms].rows.keys());
    let last = format!("comm_loss_camera:far-{CAMERAS}");
    channel.wait_value(alarms, &last, "suppressed", "parent").await?;
    assert_eq!(presented(&channel), 1);
    assert_eq!(channel[alarms].value(&last, "parent"), GROUP);
    let recorded = "select count(*) from alarm_transition \
                    where code = 'comm_loss_camera' and action = 'raise' and not presented";
    site.wait_count(recorded, i64::try_from(CAMERAS)?).await?;
    let board = administrator.json("/api/v1/alarms?presented=true").await?;
    assert_eq!(
        (&board["items"][0]["id"], &board["unacknowledged"]),
        (&json!(GROUP), &json!([1, 0, 0, 0]))
    );
    assert_eq!(board["items"].as_array().map(Vec::len), Some(1));

    // By the hub's clock, from the first loss: receipt, and the decision of the group.
    let client = site.client().await?;
    let row = client
        .query_one(
            "select (select min(time) from connection where not online), \
                    (select at from alarm_transition where code = 'comm_group_loss' and action = 'raise')",
            &[],
        )
        .await?;
    let (first, raised): (DateTime<Utc>, DateTime<Utc>) = (row.get(0), row.get(1));
    let decided = (raised - first).to_std().context("raised before it was lost")?;
    tracing::info!(?decided, ?shown, "one alarm for {CAMERAS} losses");
    assert!(decided.as_secs_f64() < 2.0, "decided after {decided:?}, shown after {shown:?}");

    // Those that come back need no acknowledgement.
    site.publish_all(statuses(true)).await?;
    let back = "select count(*) from connection where online";
    site.wait_count(back, i64::try_from(2 * CAMERAS)?).await?;
    drop(client);
    site.stop().await?;
    Ok(())
}
