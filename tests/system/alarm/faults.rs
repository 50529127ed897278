//! Alarms while the database is away, and through the death of the hub: shown, marked, never twice.

use serde_json::{Value, json};

use super::{CONFLICT, TRANSITIONS, flash, seen};
use crate::{
    channel::Channel,
    faults::cut,
    message::now,
    process::Process,
    publisher::Publisher,
    server::{Mosquitto, administer, connect, new_database, wait_number},
    site::{CITY, Site, SiteOptions, permit},
};

/// Ends every connection to a database and lets nobody in.
async fn close(database: &str) -> anyhow::Result<()> {
    let closed = format!("alter database {database} allow_connections false");
    administer(&[&closed, &cut(database)]).await
}

async fn open(database: &str) -> anyhow::Result<()> {
    administer(&[&format!("alter database {database} allow_connections true")]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_alarms_are_shown_and_actions_are_refused() -> anyhow::Result<()>
{
    let options = SiteOptions::with(|config| config.spool.after_ms = 200);
    let site = Site::start_with(options).await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let alarms = channel.follow(1, "alarms").await?;
    close(&site.database).await?;
    let time = now();
    site.publish_json("signal/sig-0001/state", &flash(time, 1, 6)).await?;
    channel.wait_value(alarms, CONFLICT, "state", "unack").await?;
    assert!(!channel[alarms].stored, "it is in the spool only");
    let refused =
        administrator.post("/api/v1/alarms/acknowledge", &seen(CONFLICT, 1, "unack")).await?;
    refused.expect_problem(503, "database_away", None)?;
    assert_eq!(channel[alarms].value(CONFLICT, "state"), "unack", "nothing was changed");

    open(&site.database).await?;
    while !channel[alarms].stored {
        channel.frame().await?;
    }
    site.ready().await?;
    assert_eq!(site.count(TRANSITIONS).await?, 1);
    let together = "select count(*) from alarm_transition t, signal_state s where t.xmin = s.xmin";
    assert_eq!(site.count(together).await?, 1, "in the transaction of its message");
    let done =
        administrator.post("/api/v1/alarms/acknowledge", &seen(CONFLICT, 1, "unack")).await?;
    assert_eq!(done.expect(200)?["results"][0]["result"], "done");
    channel.wait_value(alarms, CONFLICT, "state", "ack").await?;
    assert_eq!(site.count(TRANSITIONS).await?, 2);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_stored_in_the_transaction_of_the_message_that_raised_it() -> anyhow::Result<()>
{
    let site = Site::start().await?;
    let time = now();
    let bad = flash(time, 1, 6).to_string();
    // Many messages in one batch, of which one raises.
    let others = (0..200).map(|n| {
        let topic = format!("signal/sig-{:04}/state", n % 20 + 2);
        let time = time + chrono::TimeDelta::milliseconds(n);
        (topic, flash(time, u64::try_from(n).unwrap_or(0), 2).to_string().into_bytes())
    });
    let own = ("signal/sig-0001/state".to_owned(), bad.into_bytes());
    site.publish_all(others.chain([own])).await?;
    site.wait_count(TRANSITIONS, 1).await?;
    let together = "select count(*) from alarm_transition t \
                    join device d on d.source = t.object \
                    join signal_state s on s.device_id = d.id and s.xmin = t.xmin";
    assert_eq!(site.count(together).await?, 1);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_hub_and_messages_that_come_again_raise_nothing_twice() -> anyhow::Result<()> {
    let _permit = permit().await?;
    let (database, broker) = (new_database().await?, Mosquitto::new().await?);
    let mut hub = Process::start(&database, &broker).await?;
    let mut device = Publisher::connect(broker.address());
    let time = now();
    let of = |seq: i64, status: u8| -> (String, Vec<u8>) {
        let time = time + chrono::TimeDelta::milliseconds(seq);
        let body: Value = flash(time, u64::try_from(seq).unwrap_or(0), status);
        (format!("ioc/1/{CITY}/signal/sig-0001/state"), body.to_string().into_bytes())
    };
    let all: Vec<_> = (1..=20).map(|seq| of(seq, if seq < 10 { 2 } else { 6 })).collect();
    device.publish_all(all.clone()).await?;
    let client = connect(&database).await?;
    wait_number(&client, "select count(*) from signal_state", 20).await?;
    wait_number(&client, TRANSITIONS, 1).await?;
    let transitions = "select string_agg(t::text, '|' order by seq) from alarm_transition t where object not like 'hub:%'";
    let before: String = client.query_one(transitions, &[]).await?.get(0);
    // Killed with messages on their way: some are stored and not acknowledged.
    device.publish_all((21..=400).map(|seq| of(seq, 6))).await?;
    hub.kill().await?;
    device.publish_all(all.clone()).await?;
    let mut hub = Process::start(&database, &broker).await?;
    device.publish_all(all).await?;
    wait_number(&client, "select count(*) from signal_state", 400).await?;
    let repeated = "select count(*) from source_state where source = 'sig-0001' and repeated >= 40";
    wait_number(&client, repeated, 1).await?;
    let after: String = client.query_one(transitions, &[]).await?.get(0);
    assert_eq!(after, before);
    let state = client
        .query_one("select state, occurrence, count from alarm where object not like 'hub:%'", &[])
        .await?;
    assert_eq!(
        json!([state.get::<_, String>(0), state.get::<_, i64>(1), state.get::<_, i32>(2)]),
        json!(["unack", 1, 1])
    );
    hub.kill().await
}

#[tokio::test(flavor = "multi_thread")]
async fn works_are_given_up_soon_when_the_database_does_not_answer() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let mut client = site.client().await?;
    let locked = client.transaction().await?;
    locked.batch_execute("lock table alarm_works in access exclusive mode").await?;
    let (from, to) = (now(), now() + chrono::TimeDelta::hours(1));
    let works = json!({"objects": ["sig-0002"], "from": from, "to": to, "reason": "cable"});
    let begun = tokio::time::Instant::now();
    let unsure = administrator.post("/api/v1/alarms/works", &works).await?;
    unsure.expect_problem(503, "outcome_unknown", None)?;
    // Long before the limit of a statement.
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    locked.rollback().await?;
    site.publish_json("signal/sig-0001/state", &flash(now(), 1, 6)).await?;
    site.wait_count(TRANSITIONS, 1).await?;
    site.stop().await?;
    Ok(())
}
