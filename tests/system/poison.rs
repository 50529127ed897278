//! A message that the database refuses, in whichever statement: it is found and quarantined, the rest of
//! its batch is stored, and the database does not count as away. Where it refuses what no message tells, no
//! message is lost.

use serde_json::{Value, json};

use crate::{
    alarm::flash,
    faults::cut,
    message::{bucket, interval, now, period},
    rollup,
    server::administer,
    site::{Site, SiteOptions},
};

/// Sources of a batch. The last message of the first one is the poisoned one.
const SOURCES: u64 = 6;
/// Messages of each.
const MESSAGES: u64 = 8;
/// Lanes of each message.
const LANES: u64 = 2;
/// What the database does not take.
const POISON: u64 = 666;
/// All but the poisoned one.
const GOOD_ROWS: u64 = (SOURCES * MESSAGES - 1) * LANES;

/// Has the database refuse rows of a table.
async fn refuse(site: &Site, table: &str, condition: &str) -> anyhow::Result<()> {
    let sql = format!(
        "create function poison() returns trigger language plpgsql as $$ begin \
           if {condition} then raise 'poisoned' using errcode = 'check_violation'; end if; \
           return new; end $$; \
         create trigger poison before insert or update on {table} \
           for each row execute function poison()"
    );
    Ok(site.client().await?.batch_execute(&sql).await?)
}

fn topic(source: u64) -> String {
    format!("vds/vds-{source:03}/interval")
}

/// A message of every source, again and again; one of them carries the poison, as number and as count.
fn messages() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for n in 0..MESSAGES {
        for source in 1..=SOURCES {
            let is_poisoned = source == 1 && n + 1 == MESSAGES;
            let (seq, count) = if is_poisoned { (POISON, POISON) } else { (n, n + source) };
            let message = interval(period(bucket(), n), seq, &[count, 1]);
            all.push((topic(source), message.to_string().into_bytes()));
        }
    }
    all
}

/// One number from the metrics that tells how often the database counted as away.
fn retries(site: &Site) -> f64 {
    site.metric("hub_writer_retries_total")
}

/// Publishes the batch to a hub whose database refuses it in this table.
async fn poisoned(table: &str, condition: &str) -> anyhow::Result<Site> {
    // Long enough that all of it is one batch.
    let site = Site::start_with(SiteOptions::with(|config| config.ingest.linger_ms = 200)).await?;
    refuse(&site, table, condition).await?;
    let before = retries(&site);
    site.publish_all(messages()).await?;
    let rows = "select count(*) from interval_reading";
    site.wait_count(rows, GOOD_ROWS.try_into()?).await?;
    // The connection is still of use, and so are the sources.
    let time = period(bucket(), MESSAGES);
    site.publish_json(&topic(1), &interval(time, POISON + 1, &[1, 2])).await?;
    site.wait_count(rows, (GOOD_ROWS + LANES).try_into()?).await?;
    anyhow::ensure!(retries(&site) - before < 0.5, "the database counted as away");
    anyhow::ensure!(site.metric("hub_writer_bisections_total") > 0.5, "nothing was refused");
    rollup::check(&site.client().await?).await?;
    Ok(site)
}

/// The poisoned message, and nothing else, is in the quarantine, with its bytes.
async fn quarantined(site: &Site) -> anyhow::Result<()> {
    let sql = "select reason, detail, payload from quarantine";
    let rows = site.client().await?.query(sql, &[]).await?;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].get("reason"), rows[0].get("detail")), ("refused", "poisoned"));
    let payload: Value = serde_json::from_slice(rows[0].get("payload"))?;
    assert_eq!(payload["seq"], json!(POISON));
    Ok(())
}

async fn is_quarantined(table: &str, condition: &str) -> anyhow::Result<()> {
    let site = poisoned(table, condition).await?;
    quarantined(&site).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_facts_refuse_is_quarantined() -> anyhow::Result<()> {
    is_quarantined("interval_reading", "new.count = 666").await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_rollup_refuses_is_quarantined() -> anyhow::Result<()> {
    is_quarantined("interval_5min", "new.count_max = 666").await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_ledger_refuses_is_quarantined() -> anyhow::Result<()> {
    is_quarantined("seq_run", "new.last_seq = 666").await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_counters_refuse_is_quarantined() -> anyhow::Result<()> {
    is_quarantined("source_state", "new.seq = 666").await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_current_values_refuse_is_quarantined() -> anyhow::Result<()> {
    is_quarantined("current_value", "new.seq = 666").await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_quarantine_refuses_too_holds_up_nobody() -> anyhow::Result<()> {
    let site = poisoned("interval_reading", "new.count = 666").await?;
    let also = "create trigger poison before insert on quarantine \
                for each row execute function refuse_all()";
    let function = "create function refuse_all() returns trigger language plpgsql as $$ begin \
                    raise 'no room' using errcode = 'check_violation'; end $$";
    site.client().await?.batch_execute(&format!("{function}; {also}")).await?;
    let dropped = "hub_writer_dropped_total";
    let (before, away) = (site.metric(dropped), retries(&site));
    site.publish(&topic(2), "{broken").await?;
    let time = period(bucket(), MESSAGES);
    site.publish_json(&topic(2), &interval(time, MESSAGES, &[1, 2])).await?;
    let rows = (GOOD_ROWS + 2 * LANES).try_into()?;
    site.wait_count("select count(*) from interval_reading", rows).await?;
    site.wait_metric(dropped, before + 1.0).await?;
    anyhow::ensure!(retries(&site) - away < 0.5, "the database counted as away");
    site.stop().await?;
    Ok(())
}

/// Nothing was refused, and every message is stored.
async fn holds_all(site: &Site, rows: i64) -> anyhow::Result<()> {
    site.wait_count("select count(*) from interval_reading", rows).await?;
    assert_eq!(site.count("select count(*) from quarantine").await?, 0);
    anyhow::ensure!(site.metric("hub_writer_dropped_total") < 0.5, "messages were dropped");
    anyhow::ensure!(site.metric("hub_writer_bisections_total") < 0.5, "messages were blamed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_record_that_cannot_be_judged_anew_costs_no_message() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let (topic_of_dossiers, time) = ("onestop/onestop-can-tho/dossier", now());
    let step = |dossier: &str, seq: u64| {
        json!({"v": 1, "time": time, "boot": 1, "seq": seq, "dossier": dossier, "status": 2,
               "at": time})
    };
    site.publish_json(topic_of_dossiers, &step("d-1", 1)).await?;
    let dossiers = "select count(*) from dossier";
    site.wait_count(dossiers, 1).await?;
    // It was judged otherwise, as by an earlier program, and may not be changed.
    site.client().await?.batch_execute("update dossier set petitions = 7").await?;
    refuse(&site, "dossier", "new.dossier = 'd-1'").await?;
    let anew = "update record_rule set rules = 'before', is_done = false";
    site.client().await?.batch_execute(anew).await?;
    administer(&[&cut(&site.database)]).await?;
    site.publish_all(messages()).await?;
    holds_all(&site, (GOOD_ROWS + LANES).try_into()?).await?;
    // Nor is a message lost that tells of a record itself.
    site.publish_json(topic_of_dossiers, &step("d-2", 2)).await?;
    site.wait_count(dossiers, 2).await?;
    let done = "select count(*) from record_rule where noun = 'dossier' and is_done";
    assert_eq!(site.count(done).await?, 0, "it waits");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_the_database_refuses_costs_no_message() -> anyhow::Result<()> {
    let site = Site::start().await?;
    refuse(&site, "alarm_transition", "true").await?;
    let before = retries(&site);
    site.publish_json("signal/sig-0001/state", &flash(now(), 1, 6)).await?;
    site.wait_count("select count(*) from signal_state", 1).await?;
    site.publish_all(messages()).await?;
    holds_all(&site, (GOOD_ROWS + LANES).try_into()?).await?;
    anyhow::ensure!(retries(&site) - before < 0.5, "the database counted as away");
    assert_eq!(site.count("select count(*) from alarm_transition").await?, 0);
    site.stop().await?;
    Ok(())
}
