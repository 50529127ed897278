//! The simulated city against the real hub: everything it publishes is taken, and the published year
//! stands in the figures.

use std::sync::{Arc, atomic::Ordering};

use chrono::{NaiveTime, SecondsFormat, TimeDelta, TimeZone as _};
use ioc_hub::simulate::{Broker, SimulateError, SimulateOptions, SimulateStats, run};
use ioc_ingest::Service;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{channel::Channel, message::now, rollup, server::wait_for, site::Site};

mod bulletin;

/// A simulation of the site's city, without faults.
fn options(site: &Site) -> SimulateOptions {
    let address = site.broker.address();
    let broker = Broker::new(&address.ip().to_string(), address.port());
    SimulateOptions { faults: false, ..SimulateOptions::new(broker, Arc::clone(&site.city)) }
}

/// Simulates until `enough` is done.
async fn simulate<T>(
    site: &Site,
    options: SimulateOptions,
    enough: impl AsyncFnOnce(&SimulateStats) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (stop, stats) = (CancellationToken::new(), Arc::new(SimulateStats::default()));
    let clock = Arc::clone(&site.options.clock);
    let simulation = run(options, clock, stop.clone(), Arc::clone(&stats));
    let watching = async {
        let done = enough(&stats).await;
        stop.cancel();
        done
    };
    let (ended, done): (Result<(), SimulateError>, _) = tokio::join!(simulation, watching);
    ended?;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_city_is_taken_whole_and_every_device_works() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut channel = Channel::open(&site.administrator().await?).await?;
    let devices = channel.follow(1, "devices").await?;
    // Two minutes in six seconds, then as the clock goes: every kind of message comes.
    let mut options = options(&site);
    options.start = Some(now() - TimeDelta::minutes(2));
    options.speed = 20.0;
    let simulated: Vec<_> = site
        .city
        .devices
        .iter()
        .filter(|device| device.simulated)
        .map(|device| (device.source.clone(), device.service))
        .collect();
    simulate(&site, options, async |_stats| {
        for (source, service) in &simulated {
            if matches!(service, Service::Desk | Service::Onestop | Service::Metric) {
                continue;
            }
            let measured = |row: &std::collections::BTreeMap<&str, &Value>| {
                let traffic = matches!(service, Service::Vds);
                *row["condition"] == 1
                    && (!traffic || row["flow_veh_h"].is_u64())
                    && (*service != Service::Signal || row["mode"].is_string())
            };
            channel.wait_row(devices, source.as_str(), measured).await?;
        }
        Ok(())
    })
    .await?;
    let all_written = "select sum(messages)::int8 from source_state";
    let received = || async {
        let messages = site.count(all_written).await?;
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        Ok((messages == site.metric("hub_ingest_received_total") as i64).then_some(()))
    };
    wait_for("everything received is written", received).await?;
    assert_eq!(
        site.count("select count(*) from quarantine").await?,
        0,
        "{}",
        refusals(&site).await?
    );
    for table in ["interval_reading", "signal_state", "signal_event", "health", "connection"] {
        let rows = site.count(&format!("select count(*) from {table}")).await?;
        assert!(rows > 0, "{table} is empty");
    }
    let per_service = "select count(distinct d.service) from interval_reading r \
                       join detector t on t.id = r.detector_id join device d on d.id = t.device_id";
    assert_eq!(site.count(per_service).await?, 2, "stations and cameras");
    rollup::check(&site.client().await?).await?;
    site.stop().await?;
    Ok(())
}

/// Waits until everything that the broker has acknowledged is written: the hub works in order.
async fn settle(site: &Site, boot: i64) -> anyhow::Result<()> {
    let status = serde_json::json!({"v": 1, "online": true, "boot": boot});
    site.publish_json("vds/vds-001/status", &status).await?;
    let busy = || async {
        let rows = site
            .client()
            .await?
            .query_opt(
                "select 1 from source_state where source = 'vds-001' and boot = $1",
                &[&boot],
            )
            .await?;
        Ok(rows.map(drop))
    };
    let mut last = -1.0;
    loop {
        match wait_for("everything is written", busy).await {
            Ok(()) => return Ok(()),
            Err(error) if site.metric("hub_writer_batches_total") <= last => return Err(error),
            Err(_slow) => last = site.metric("hub_writer_batches_total"),
        }
    }
}

/// What was refused, for a person who reads the failed test.
async fn refusals(site: &Site) -> anyhow::Result<String> {
    let sql =
        "select topic || ': ' || reason || ' ' || field || ' ' || detail from quarantine limit 5";
    let rows = site.client().await?.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>().join("\n"))
}

/// Waits until all of the past is at the broker.
async fn filled(stats: &SimulateStats) -> anyhow::Result<()> {
    let all = || async {
        let published = stats.published.load(Ordering::Relaxed);
        let acknowledged = stats.acknowledged.load(Ordering::Relaxed);
        Ok((stats.is_backfilled() && acknowledged >= published).then_some(()))
    };
    wait_for("the past is at the broker", all).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_year_is_filled_in_once() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let history = site.city.desk_history.clone().expect("the city publishes its desk's year");
    assert_eq!((history.received, history.handled, history.in_process), (8011, 7863, 148));
    let past = |site: &Site| {
        let mut options = options(site);
        options.devices.retain(|device| device.service == Service::Desk);
        options.backfill = true;
        options.backfill_per_s = 50_000.0;
        options
    };
    simulate(&site, past(&site), async |stats: &SimulateStats| filled(stats).await).await?;
    settle(&site, 1).await?;

    let midnight = |day: chrono::NaiveDate| {
        let local = site.city.time_zone.from_local_datetime(&day.and_time(NaiveTime::MIN));
        local.unwrap().to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let span = format!("from={}&to={}", midnight(history.from), midnight(history.to));
    let count = async |status: &str| {
        let (mut found, mut after) = (0, String::new());
        loop {
            let path = format!("/api/v1/tickets?{span}&limit=1000{status}{after}");
            let page = administrator.json(&path).await?;
            found += page["items"].as_array().map_or(0, Vec::len);
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return anyhow::Ok(found),
            }
        }
    };
    assert_eq!(count("").await?, 8011);
    assert_eq!(count("&status=resolved,published,closed").await?, 7863);
    let open = "&status=new,triaged,assigned,in_progress,waiting_citizen,waiting_other,reopened";
    assert_eq!(count(open).await?, 148);

    // The screen counts all tickets there are, those of the last days included.
    let total = site.count("select count(*) from ticket").await?;
    assert!(total > 8011, "{total}: the last two weeks as well");
    let mut channel = Channel::open(&administrator).await?;
    let desk = channel.follow(1, "desk").await?;
    channel.wait_value(desk, "received_total", "value", total).await?;
    let shown = |key: &str| channel[desk].value(key, "value").as_i64().unwrap_or_default();
    let ended: i64 = ["rejected", "duplicate", "transferred"]
        .iter()
        .map(|s| shown(&format!("status:{s}")))
        .sum();
    assert_eq!(shown("handled_total") + shown("in_process") + ended, total);
    assert_eq!(
        site.count("select count(*) from quarantine").await?,
        0,
        "{}",
        refusals(&site).await?
    );

    // The next start does not ask for it again, and filling it in again changes nothing.
    let sums = "select count(*) + (select count(*) from ticket where status = 'closed') * 1000000 from ticket_step";
    let year = format!("{sums} where at < '2022-01-01'");
    let before = site.count(&year).await?;
    simulate(&site, past(&site), async |stats: &SimulateStats| filled(stats).await).await?;
    settle(&site, 2).await?;
    assert_eq!(site.count(&year).await?, before);
    assert_eq!(count("").await?, 8011);
    assert_eq!(
        site.count("select count(*) from quarantine").await?,
        0,
        "{}",
        refusals(&site).await?
    );
    let (options, database, broker) = site.stop().await?;
    let mut site = Site::begin_on(options, database, broker).await?;
    let prepared = (&mut site.hub.prepared).await?;
    assert!(!prepared.history_missing && !prepared.seeded);
    site.stop().await?;
    Ok(())
}
