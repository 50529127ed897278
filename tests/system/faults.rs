//! What breaks around the hub: nothing acknowledged is lost, nothing is stored twice, and the hub says
//! what is missing.

mod clock;
mod full;
mod kill;
pub(crate) mod link;
pub(crate) mod outage;
mod spool;

use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::access::Role;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    channel::Channel,
    message::{bucket, events, interval, now, period},
    process::Process,
    publisher::Publisher,
    rollup,
    server::{
        Mosquitto, administer, connect, create_database, database_name, new_database, number,
        repository, wait_for, wait_number,
    },
    site::{CITY, Site, SiteOptions, permit},
};

/// Intervals of four lanes, many stations in turn, over some buckets. A number always is the same
/// message.
pub(crate) fn intervals(from: u64, to: u64) -> impl Iterator<Item = (String, Vec<u8>)> {
    // Long ago enough for every number to lie in the past, in whole buckets. Asked once: five minutes
    // later the numbers would be other facts.
    static BEGIN: LazyLock<DateTime<Utc>> = LazyLock::new(|| bucket() - TimeDelta::days(2));
    let begin = *BEGIN;
    (from..to).map(move |n| {
        let (station, number) = (n % 50 + 1, n / 50);
        let mut message = interval(period(begin, number), number, &[n % 40, 0, 7, n % 3]);
        if n % 5 == 0 {
            message["lanes"][1] = json!({"lane": 2, "count": null, "occupancy": 0.5});
            message["lanes"][2]["samples"] = json!(3);
            message["late"] = json!(true);
        }
        (format!("vds/vds-{station:03}/interval"), message.to_string().into_bytes())
    })
}

/// Statement that ends every connection of a hub to a database.
pub(crate) fn cut(database: &str) -> String {
    format!(
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = '{database}' and application_name like 'ioc-hub%'"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_without_a_database_says_so_and_stores_everything_when_it_comes() -> anyhow::Result<()>
{
    let _permit = permit().await?;
    let (wanted, other) = (database_name(), database_name());
    let broker = Mosquitto::new().await?;
    let mut site = Site::begin_on(SiteOptions::default(), wanted.clone(), broker).await?;
    let visitor = site.visitor();
    site.wait_readiness("at the broker", |ready| {
        ready.broker.ready && ready.database.why.is_some()
    })
    .await?;
    let answer = visitor.get("/readyz").await?;
    let report = answer.expect(503)?;
    assert_eq!((&report["ready"], &report["broker"]["ready"]), (&json!(false), &json!(true)));
    assert_eq!(report["database"]["ready"], false);
    assert!(report["database"]["why"].is_string(), "{report}");
    assert_eq!(visitor.get("/healthz").await?.status, 200);
    visitor.get("/api/v1/city").await?.expect_problem(503, "database_away", None)?;
    let body = json!({"user": "admin", "password": "x"});
    let answer = visitor.post("/api/v1/sessions", &body).await?;
    answer.expect_problem(503, "database_away", None)?;
    site.publish_all(intervals(0, 100)).await?;
    assert_eq!(visitor.get("/readyz").await?.status, 503);

    // It appears under its name only when it is whole.
    create_database(&other).await?;
    let renamed = || async {
        let closed = format!("alter database {other} allow_connections false");
        let quiet = format!(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{other}'"
        );
        let rename = format!("alter database {other} rename to {wanted}");
        administer(&[&closed, &quiet]).await?;
        Ok(administer(&[&rename]).await.ok())
    };
    wait_for("the database under its name", renamed).await?;
    administer(&[&format!("alter database {wanted} allow_connections true")]).await?;
    site.prepared().await?;
    site.ready().await?;
    assert_eq!(visitor.get("/readyz").await?.status, 200);
    site.wait_count("select count(*) from interval_reading", 400).await?;
    rollup::check(&site.client().await?).await?;
    site.administrator().await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_stops_at_once_while_the_database_is_away() -> anyhow::Result<()> {
    let _permit = permit().await?;
    let broker = Mosquitto::new().await?;
    let site = Site::begin_on(SiteOptions::default(), database_name(), broker).await?;
    site.wait_readiness("at the broker", |ready| {
        ready.broker.ready && ready.database.why.as_deref() != Some("starting")
    })
    .await?;
    site.publish_all(intervals(0, 10)).await?;
    let (options, _never, broker) = site.stop().await?;
    // What it had taken in but not stored waits in the broker for the next hub.
    let site = Site::start_on(options, new_database().await?, broker).await?;
    site.wait_count("select count(*) from interval_reading", 40).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_nothing_and_store_nothing_twice() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let cut = cut(&site.database);
    let cutting = async {
        for round in 1..=6_u32 {
            // Between two cuts the hub gets something done.
            let least = f64::from(round) * 100.0;
            site.wait_progress("hub_writer_rows_total", least).await?;
            administer(&[&cut]).await?;
        }
        anyhow::Ok(())
    };
    let publishing = site.publish_all(intervals(0, 3_000));
    let (cutting, publishing) = tokio::join!(cutting, publishing);
    cutting?;
    publishing?;
    site.wait_count("select count(*) from interval_reading", 12_000).await?;
    rollup::check(&site.client().await?).await?;
    assert_eq!(site.count("select count(*) from quarantine").await?, 0);
    assert!(site.metric("hub_writer_retries_total") >= 1.0, "the writer felt no cut");
    // The same again: now everything is known.
    site.publish_all(intervals(0, 3_000)).await?;
    site.wait_count("select sum(duplicates)::int8 from source_state", 12_000).await?;
    assert_eq!(site.count("select count(*) from interval_reading").await?, 12_000);
    rollup::check(&site.client().await?).await?;
    // Readers recover too.
    administer(&[&cut]).await?;
    let answers = || async {
        let answer = administrator.get("/api/v1/devices?limit=1").await?;
        Ok((answer.status == 200).then_some(()))
    };
    wait_for("the API reads again", answers).await?;
    site.ready().await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_with_a_full_window_loses_nothing() -> anyhow::Result<()> {
    let _permit = permit().await?;
    let (database, broker) = (new_database().await?, Mosquitto::new().await?);
    let mut hub = Process::start(&database, &broker).await?;
    let whole = |(topic, payload): (String, Vec<u8>)| (format!("ioc/1/{CITY}/{topic}"), payload);
    let mut device = Publisher::connect(broker.address());
    let client = connect(&database).await?;
    let rows = "select count(*) from interval_reading";
    for round in 0..3 {
        let before = number(&client, rows).await?;
        let (from, to) = (round * 1_500, (round + 1) * 1_500);
        device.publish_all(intervals(from, to).map(whole)).await?;
        // In the middle of its work: some is committed, not all is acknowledged.
        wait_for("the hub is at work", || async {
            Ok((number(&client, rows).await? > before).then_some(()))
        })
        .await?;
        hub.kill().await?;
        hub = Process::start(&database, &broker).await?;
    }
    wait_number(&client, rows, 3 * 1_500 * 4).await?;
    rollup::check(&client).await?;
    assert_eq!(number(&client, "select count(*) from quarantine").await?, 0);
    hub.kill().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_with_nothing_to_do_notices_that_the_database_went() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let closed = format!("alter database {} allow_connections false", site.database);
    administer(&[&closed, &cut(&site.database)]).await?;
    site.wait_readiness("without the database", |ready| !ready.database.ready).await?;
    let open = format!("alter database {} allow_connections true", site.database);
    administer(&[&open]).await?;
    site.ready().await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_nothing_is_waited_for() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let sources = channel.follow(1, "sources").await?;
    channel.wait_value(sources, "hub:database", "condition", 1).await?;
    // Read-only, as after a failed disk; new connections see it.
    let read_only =
        format!("alter database {} set default_transaction_read_only = on", site.database);
    let writable = format!("alter database {} reset default_transaction_read_only", site.database);
    administer(&[&read_only, &cut(&site.database)]).await?;
    site.publish_all(intervals(0, 50)).await?;
    channel.wait_value(sources, "hub:database", "condition", 3).await?;
    assert_eq!(channel[sources].value("hub:database", "why"), "database.away");
    let report = site.visitor().get("/readyz").await?.expect(503)?;
    assert_eq!(report["broker"]["ready"], true, "the broker is still listened to");
    administer(&[&writable, &cut(&site.database)]).await?;
    channel.wait_value(sources, "hub:database", "condition", 1).await?;
    site.wait_count("select count(*) from interval_reading", 200).await?;

    // A table that somebody holds: messages wait, the broker's connection does not.
    let owner = site.client().await?;
    owner.batch_execute("begin; lock table interval_reading in access exclusive mode").await?;
    site.publish_all(intervals(50, 6_000)).await?;
    assert!(site.hub.ready.borrow().broker.ready);
    owner.batch_execute("commit").await?;
    site.wait_progress("hub_writer_rows_total", 24_000.0).await?;
    assert_eq!(site.count("select count(*) from interval_reading").await?, 24_000);
    rollup::check(&site.client().await?).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_batch_fails_on_a_connection_that_lives_goes_on() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let owner = site.client().await?;
    owner.batch_execute("revoke insert on interval_reading from ioc_app").await?;
    site.publish_all(intervals(0, 50)).await?;
    site.wait_readiness("away", |ready| !ready.database.ready).await?;
    owner.batch_execute("grant insert on interval_reading to ioc_app").await?;
    site.ready().await?;
    site.wait_count("select count(*) from interval_reading", 200).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_restarts_loses_nothing() -> anyhow::Result<()> {
    let mut site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let sources = channel.follow(1, "sources").await?;
    channel.wait_value(sources, "hub:broker", "condition", 1).await?;
    site.publish_all(intervals(0, 300)).await?;
    site.broker.stop().await?;
    channel.wait_value(sources, "hub:broker", "condition", 3).await?;
    let report = site.visitor().get("/readyz").await?.expect(503)?;
    assert_eq!(
        (&report["broker"]["ready"], &report["database"]["ready"]),
        (&json!(false), &json!(true))
    );
    assert!(report["broker"]["why"].is_string(), "{report}");
    site.broker.start().await?;
    channel.wait_value(sources, "hub:broker", "condition", 1).await?;
    site.ready().await?;
    site.publish_all(intervals(300, 600)).await?;
    site.wait_count("select count(*) from interval_reading", 2_400).await?;
    rollup::check(&site.client().await?).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_database_refuses_holds_up_no_other() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    // A rule that the contract does not know stands for whatever a decoder may overlook.
    let owner = site.client().await?;
    owner
        .batch_execute("alter table signal_event add constraint test check (parameter <> 666)")
        .await?;
    let time = now() - TimeDelta::minutes(1);
    let messages = (0..200_u64).map(|n| {
        let parameter = if n % 50 == 7 { 666 } else { n };
        let message = events(time, n, &[(n, 82, parameter), (n, 81, 1)]);
        (format!("signal/sig-{:04}/events", n % 10 + 1), message.to_string().into_bytes())
    });
    site.publish_all(messages).await?;
    site.wait_count("select count(*) from quarantine where reason = 'refused'", 4).await?;
    site.wait_count("select count(*) from signal_event", 196 * 2).await?;
    assert_eq!(site.count("select count(*) from quarantine").await?, 4);
    site.ready().await?;
    // After the fix it can be replayed.
    owner.batch_execute("alter table signal_event drop constraint test").await?;
    let page = administrator.json("/api/v1/quarantine").await?;
    for message in page["items"].as_array().into_iter().flatten() {
        let path = format!("/api/v1/quarantine/{}/replay", message["id"]);
        let outcome = administrator.post(&path, &Value::Null).await?.expect(200)?;
        assert_eq!(outcome["accepted"], true, "{outcome}");
    }
    assert_eq!(site.count("select count(*) from signal_event").await?, 400);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_city_is_refused() -> anyhow::Result<()> {
    let site = Site::start().await?;
    site.account("viewer", Role::Viewer).await?;
    let (mut options, database, broker) = site.stop().await?;
    let folder = std::env::temp_dir().join(format!("ioc-test-{}-city", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    for file in std::fs::read_dir(repository("config/city/can-tho"))? {
        let file = file?;
        std::fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    let profile = std::fs::read_to_string(folder.join("city.toml"))?;
    let other = profile.replace("\"can-tho\"", "\"other-city\"");
    assert_ne!(other, profile);
    std::fs::write(folder.join("city.toml"), other)?;
    options.config.city.folder = folder;
    let mut site = Site::begin_on(options, database, broker).await?;
    let error = site.prepared().await.unwrap_err().to_string();
    assert!(error.contains("OtherCity") && error.contains("can-tho"), "{error}");
    assert_eq!(site.count("select count(*) from account").await?, 2, "nothing was changed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_with_its_key() -> anyhow::Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0").await?;
    let address = taken.local_addr()?.to_string();
    let options = SiteOptions::with(|config| config.http.listen.clone_from(&address));
    let started = Site::begin_on(options, database_name(), Mosquitto::new().await?).await;
    let error = started.err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(error.contains(&address) && error.contains("http.listen"), "{error}");
    Ok(())
}
