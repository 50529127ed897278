//! Hours and days always equal their rows: late data, any order, readers at every step, restarts,
//! civil days of other zones, retention, and what `verify` finds.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_hub::{
    day::{day_borders, midnight},
    store::{
        Store, migrate,
        retention::{self, Retention},
        rollup_build::{Builder, RollupState, Step},
        series::{SeriesAsked, SeriesBasis, SeriesSums},
        verify::{self, Scope, Verified},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::json;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::{
    message::interval,
    server::{connect, database_settings, new_database, number, wait_for},
    site::{Site, SiteOptions},
};

const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;
const SEED: u64 = 11;
const SUMS: SeriesSums = SeriesSums { occupancy: true, speed: true, classes: true };

/// Compares everything that a database holds.
async fn verified(client: &Client, zone: Tz) -> anyhow::Result<Verified> {
    let from = verify::oldest(client).await?.unwrap_or(DateTime::UNIX_EPOCH);
    let newest =
        "select (extract(epoch from coalesce(max(bucket), 'epoch')))::int8 from interval_5min";
    let to = DateTime::from_timestamp(number(client, newest).await?, 0).unwrap_or_default();
    let scope = Scope {
        from,
        to: to + TimeDelta::minutes(5),
        intervals_since: DateTime::UNIX_EPOCH,
        zone,
        source: None,
    };
    Ok(verify::verify(client, &scope, |_day, _so_far| {}).await?)
}

/// Fails with the differences between the rollups and their rows.
pub(crate) async fn check(client: &Client) -> anyhow::Result<Verified> {
    let found = verified(client, ZONE).await?;
    anyhow::ensure!(found.differences.is_empty(), "{:#?}", found.differences);
    Ok(found)
}

const SETTLED: &str = "select count(*) + (select count(*) from rollup_state \
    where built_before < closed_before or days_before <= built_before - interval '25 hours') from rollup_dirty";

/// Waits until the worker has nothing left to do.
async fn settle(site: &Site) -> anyhow::Result<()> {
    site.wait_count(SETTLED, 0).await
}

/// Count of all vehicles by bucket, as the API reads it and as the rows tell.
async fn counts(
    store: &Store,
    client: &Client,
    basis: SeriesBasis,
    edges: &[DateTime<Utc>],
) -> anyhow::Result<(Vec<i64>, Vec<i64>)> {
    let ids: Vec<i32> =
        client.query("select id from detector", &[]).await?.iter().map(|row| row.get(0)).collect();
    let asked =
        SeriesAsked { basis, detectors: &ids, edges, sums: SUMS, together: false, zone: ZONE };
    let mut read = vec![0; edges.len() - 1];
    for row in store.series(asked).await? {
        read[row.bucket] += row.count.unwrap_or(0);
        assert_eq!(row.classes[0], row.count, "motorcycles only");
    }
    Ok((read, raw_counts(client, edges).await?))
}

async fn raw_counts(client: &Client, edges: &[DateTime<Utc>]) -> anyhow::Result<Vec<i64>> {
    let sql = "select coalesce(sum(r.count), 0)::int8 \
               from unnest($1::timestamptz[], $2::timestamptz[]) with ordinality as e (begin_at, end_at, n) \
               left join interval_reading r on r.time >= e.begin_at and r.time < e.end_at \
               group by e.n order by e.n";
    let rows = client.query(sql, &[&&edges[..edges.len() - 1], &&edges[1..]]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn hours_between(from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    (0..=(to - from).num_hours()).map(|n| from + TimeDelta::hours(n)).collect()
}

/// One message of a device: two lanes, motorcycles.
fn message(device: u64, time: DateTime<Utc>, seq: u64) -> (String, Vec<u8>) {
    let minute = u64::try_from(time.timestamp() / 30).expect("after 1970");
    let message = interval(time, seq, &[minute % 23, device]);
    (format!("vds/vds-00{device}/interval"), message.to_string().into_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn late_data_changes_hours_and_days_at_once() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    // Three days of one message in 10 minutes; the newest is two minutes old.
    let from = now - TimeDelta::days(3);
    let times = |n: u64| from + TimeDelta::minutes(10 * i64::try_from(n).expect("small") + 8);
    site.publish_all((0..432).map(|n| message(1, times(n), n))).await?;
    site.wait_count("select count(*) from interval_reading", 864).await?;
    settle(&site).await?;
    let state = RollupState::load(&client).await?;
    assert_eq!(state.closed_before, "2026-09-22T02:00:00Z".parse::<DateTime<Utc>>()?);
    assert_eq!(state.built_before, state.closed_before);
    assert_eq!(state.days_before, "2026-09-21T17:00:00Z".parse::<DateTime<Utc>>()?);
    // 71 whole hours are closed, the first one included; of the days three are over.
    assert_eq!(site.count("select count(*) from interval_1h").await?, 2 * 71);
    assert_eq!(site.count("select count(*) from interval_1d").await?, 2 * 3);
    let found = check(&client).await?;
    assert_eq!((found.five_minutes, found.hours, found.days), (864, 2 * 71, 2 * 3));

    let hours = hours_between(from, now + TimeDelta::hours(1));
    let days = day_borders(from, now, ZONE);
    let marks = "select count(*) from rollup_dirty";
    for late in 0..20_u64 {
        let time = from + TimeDelta::seconds(i64::try_from(late).expect("small") * 12_660 + 30);
        let (topic, payload) = message(1, time, 1_000 + late);
        site.publish(&topic, payload).await?;
        let rows = 864 + 2 * i64::try_from(late + 1)?;
        site.wait_count("select count(*) from interval_reading", rows).await?;
        for (basis, edges) in [(SeriesBasis::Hours, &hours), (SeriesBasis::Days, &days)] {
            let (read, rows) = counts(&site.hub.store, &client, basis, edges).await?;
            assert_eq!(read, rows, "{basis:?} after {late}");
        }
    }
    // The same over all devices together, over HTTP.
    let administrator = site.administrator().await?;
    for (step, edges, basis) in [("1h", &hours, "1h"), ("1d", &days, "1d"), ("5m", &hours, "5min")]
    {
        let time = |time: &DateTime<Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let (begin, end) = (time(&edges[0]), time(&edges[edges.len() - 1]));
        let path = format!("/api/v1/series/total?service=vds&step={step}&from={begin}&to={end}");
        let found = administrator.json(&path).await?;
        assert_eq!(found["basis"], basis);
        let points = found["totals"][0]["points"].as_array().cloned().unwrap_or_default();
        let sum: f64 = points.iter().filter_map(|point| point[1].as_f64()).sum();
        let rows: i64 = raw_counts(&client, edges).await?.iter().sum();
        #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
        let sum = sum as i64;
        assert_eq!(sum, rows, "{step}");
    }
    settle(&site).await?;
    assert_eq!(site.count(marks).await?, 0);
    assert!(site.metric("hub_rollup_rebuilt_total") >= 1.0, "nothing was built anew");
    let stored = "select sum(count_sum)::int8 from interval_1d";
    let raw = "select sum(count)::int8 from interval_reading where time < '2026-09-21T17:00:00Z'";
    assert_eq!(site.count(stored).await?, site.count(raw).await?);
    check(&client).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn live_data_marks_nothing() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    settle_first(&client).await?;
    // The last two hours: one is open, the other was closed a moment ago.
    site.publish_all((0..60).map(|n| {
        let seconds = 30 * i64::try_from(n).expect("small");
        message(1, now - TimeDelta::seconds(seconds), n)
    }))
    .await?;
    site.wait_count("select count(*) from interval_reading", 120).await?;
    assert_eq!(site.count("select count(*) from rollup_dirty").await?, 0);
    assert!(site.metric("hub_rollup_rebuilt_total") < 1.0, "an open hour was built");
    let hours = hours_between(now - TimeDelta::hours(2), now + TimeDelta::hours(1));
    let (read, rows) = counts(&site.hub.store, &client, SeriesBasis::Hours, &hours).await?;
    assert_eq!(read, rows);
    site.stop().await?;
    Ok(())
}

/// Waits until the first hours are closed.
async fn settle_first(client: &Client) -> anyhow::Result<()> {
    let closed = || async {
        let state = RollupState::load(client).await?;
        let done =
            state.closed_before > DateTime::UNIX_EPOCH && state.built_before == state.closed_before;
        Ok(done.then_some(()))
    };
    wait_for("the first hours are closed", closed).await
}

/// What the API reads lies between two looks at the rows, again and again until `done`; then all three
/// are equal. Now and then everything stored is compared too.
async fn watch(
    store: &Store,
    client: &Client,
    (hours, days): (&[DateTime<Utc>], &[DateTime<Utc>]),
    done: &CancellationToken,
) -> anyhow::Result<()> {
    for round in 0_u32.. {
        let is_last = done.is_cancelled();
        for (basis, edges) in [(SeriesBasis::Hours, hours), (SeriesBasis::Days, days)] {
            let before = raw_counts(client, edges).await?;
            let (read, after) = counts(store, client, basis, edges).await?;
            let all = read.iter().zip(&before).zip(&after);
            let within = all.clone().all(|((read, before), after)| before <= read && read <= after);
            assert!(within, "{basis:?}: {before:?} {read:?} {after:?}");
            assert!(!is_last || before == after, "{basis:?}: the database is not at rest");
        }
        if is_last || round.is_multiple_of(4) {
            check(client).await?;
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_is_exact_while_data_comes_in_any_order() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    settle_first(&site.client().await?).await?;
    let from = now - TimeDelta::days(4);
    let mut dice = StdRng::seed_from_u64(SEED);
    let mut messages: Vec<(String, Vec<u8>)> = (0..2_400_u64)
        .map(|n| {
            let late = TimeDelta::seconds(30 * i64::try_from(n / 3).expect("small") * 14);
            message(1 + n % 3, from + late, n)
        })
        .collect();
    messages.shuffle(&mut dice);
    let hours = hours_between(from, now);
    let days = day_borders(from, now, ZONE);
    let second = messages.split_off(1_200);
    let mut site = site;
    for (part, rows) in [(messages, 2_400), (second, 4_800)] {
        let done = CancellationToken::new();
        let (client, watcher) = (site.client().await?, site.client().await?);
        let publish = async {
            // However it ends, so that the watching ends too.
            let _end = done.clone().drop_guard();
            let mut part = part;
            while !part.is_empty() {
                let some = part.split_off(part.len().saturating_sub(dice.random_range(1..90)));
                site.publish_all(some).await?;
            }
            crate::server::wait_number(&client, "select count(*) from interval_reading", rows)
                .await?;
            settle(&site).await
        };
        let watched = watch(&site.hub.store, &watcher, (&hours, &days), &done);
        let (published, watched) = tokio::join!(publish, watched);
        published?;
        watched?;
        // The second part meets a hub that was restarted.
        let (options, database, broker) = site.stop().await?;
        site = Site::start_on(options, database, broker).await?;
    }
    let client = site.client().await?;
    let found = check(&client).await?;
    assert!(found.hours > 0 && found.days > 0, "{found:?}");
    let state = RollupState::load(&client).await?;
    let hourly = "select sum(count_sum)::int8 from interval_1h";
    let raw = format!(
        "select sum(count)::int8 from interval_reading where time < '{}'",
        state.built_before.to_rfc3339()
    );
    assert_eq!(site.count(hourly).await?, site.count(&raw).await?);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn history_of_an_older_hub_is_built() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let times = |n: u64| now - TimeDelta::hours(7 * i64::try_from(n).expect("small") + 6);
    site.publish_all((0..30).map(|n| message(2, times(n), n))).await?;
    site.wait_count("select count(*) from interval_reading", 60).await?;
    settle(&site).await?;
    let (options, database, broker) = site.stop().await?;
    // As if the rollups had come with this version.
    let client = connect(&database).await?;
    client
        .batch_execute(
            "truncate interval_1h, interval_1d; truncate rollup_dirty; \
             update rollup_state set closed_before = 'epoch', built_before = 'epoch', \
               days_before = 'epoch', zone = ''",
        )
        .await?;
    let site = Site::start_on(options, database, broker).await?;
    settle_first(&client).await?;
    settle(&site).await?;
    let found = check(&client).await?;
    assert_eq!((found.five_minutes, found.hours, found.days), (60, 60, 2 * 9));
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_opens_the_hours_again() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    settle_first(&client).await?;
    let (options, database, broker) = site.stop().await?;
    // A hub whose clock was three days ahead closed and built them.
    client
        .batch_execute(
            "update rollup_state set closed_before = closed_before + interval '3 days', \
               built_before = built_before + interval '3 days', days_before = '2026-09-24T17:00:00Z'",
        )
        .await?;
    let site = Site::start_on(options, database, broker).await?;
    let closed =
        "select (extract(epoch from closed_before))::int8 from rollup_state where lowered = 1";
    site.wait_count(closed, (now - TimeDelta::hours(1)).timestamp()).await?;
    let (topic, payload) = message(1, now - TimeDelta::minutes(2), 1);
    site.publish(&topic, payload).await?;
    site.wait_count("select count(*) from interval_reading", 2).await?;
    settle(&site).await?;
    assert_eq!(site.count("select count(*) from rollup_dirty").await?, 0);
    let days = day_borders(now, now + TimeDelta::hours(1), ZONE);
    let (read, rows) = counts(&site.hub.store, &client, SeriesBasis::Days, &days).await?;
    assert_eq!(read, rows);
    assert!(rows[0] > 0, "nothing was stored");
    site.stop().await?;
    Ok(())
}

/// A database with one lane and one row each 5 minutes of these days, closed until their end.
async fn history(zone: Tz, from: &str, to: &str) -> anyhow::Result<(Store, Client)> {
    let database = new_database().await?;
    let store = Store::new(database_settings(&database))?;
    migrate::migrate(&store).await?;
    let client = connect(&database).await?;
    let at = |day: &str| anyhow::Ok(midnight(day.parse::<NaiveDate>()?, zone));
    let (from, to) = (at(from)?, at(to)?);
    client
        .execute(
            "insert into device (source, service, name_vi, name_en, registered_at) \
             values ('vds-001', 'vds', 'x', 'x', $1)",
            &[&from],
        )
        .await?;
    client
        .batch_execute(
            "insert into detector (device_id, place, name_vi, name_en) \
             select id, 'lane/1', 'x', 'x' from device",
        )
        .await?;
    client
        .execute(
            "insert into interval_reading (time, detector_id, duration_ms, count, quality) \
             select t, (select id from detector), 300000, 1, 0 \
             from generate_series($1::timestamptz, $2::timestamptz - interval '1 second', interval '5 minutes') t",
            &[&from, &to],
        )
        .await?;
    client
        .batch_execute(
            "insert into interval_5min (bucket, detector_id, intervals, good, duration_ms, count_n, \
               count_sum, count_min, count_max, occupancy_ms, occupancy_sum, speed_count, speed_sum, \
               pace_sum, samples, samples_expected, quality) \
             select time, detector_id, 1, 1, duration_ms, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0 \
             from interval_reading",
        )
        .await?;
    let closed = "update rollup_state set closed_before = date_trunc('hour', $1::timestamptz)";
    client.execute(closed, &[&to]).await?;
    Ok((store, client))
}

async fn build(store: &Store, zone: Tz) -> anyhow::Result<()> {
    let mut builder = Builder::connect(store, zone).await?;
    while builder.step().await? != Step::Idle {}
    Ok(())
}

async fn days(client: &Client) -> anyhow::Result<Vec<(String, i64)>> {
    let rows =
        client.query("select bucket, count_sum from interval_1d order by bucket", &[]).await?;
    let day = |row: &tokio_postgres::Row| {
        let begin: DateTime<Utc> = row.get(0);
        (begin.to_rfc3339_opts(chrono::SecondsFormat::Secs, true), row.get(1))
    };
    Ok(rows.iter().map(day).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_civil_days_also_where_clocks_change() -> anyhow::Result<()> {
    let zone = chrono_tz::Europe::Berlin;
    for (from, to, expected) in [
        (
            "2026-03-28",
            "2026-03-31",
            [
                ("2026-03-27T23:00:00Z", 288),
                ("2026-03-28T23:00:00Z", 276),
                ("2026-03-29T22:00:00Z", 288),
            ],
        ),
        (
            "2026-10-24",
            "2026-10-27",
            [
                ("2026-10-23T22:00:00Z", 288),
                ("2026-10-24T22:00:00Z", 300),
                ("2026-10-25T23:00:00Z", 288),
            ],
        ),
    ] {
        let (store, client) = history(zone, from, to).await?;
        build(&store, zone).await?;
        assert_eq!(days(&client).await?, expected.map(|(day, count)| (day.to_owned(), count)));
        assert_eq!(verified(&client, zone).await?.differences, []);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_across_midnight_changes_both_days() -> anyhow::Result<()> {
    let zone = chrono_tz::Asia::Kathmandu;
    let (store, client) = history(zone, "2026-03-01", "2026-03-04").await?;
    build(&store, zone).await?;
    // The last hour is open: the third day waits for it.
    let first = ("2026-02-28T18:15:00Z".to_owned(), 288);
    let second = ("2026-03-01T18:15:00Z".to_owned(), 288);
    assert_eq!(days(&client).await?, [first, second]);
    client.batch_execute("update rollup_state set closed_before = '2026-03-04T00:00:00Z'").await?;
    build(&store, zone).await?;
    let third = ("2026-03-03T18:15:00Z", "2026-03-02T18:15:00Z");
    assert_eq!(days(&client).await?.last(), Some(&(third.1.to_owned(), 288)));

    // Rows of the hour 18:00 UTC lie in two days.
    client
        .batch_execute(
            "begin; \
             insert into interval_reading (time, detector_id, duration_ms, count, quality) \
             select t, (select id from detector), 60000, 2, 0 \
             from unnest('{2026-03-01T18:00:00Z, 2026-03-01T18:15:00Z}'::timestamptz[]) t; \
             update interval_5min set intervals = 2, good = 2, duration_ms = 360000, count_n = 2, \
               count_sum = 3, count_max = 2 \
             where bucket in ('2026-03-01T18:00:00Z', '2026-03-01T18:15:00Z'); \
             insert into rollup_dirty (detector_id, hour, marks) \
             select id, '2026-03-01T18:00:00Z', 1 from detector; \
             commit",
        )
        .await?;
    let borders =
        day_borders("2026-02-28T18:15:00Z".parse()?, "2026-03-03T18:15:00Z".parse()?, zone);
    let detectors = [i32::try_from(number(&client, "select id::int8 from detector").await?)?];
    let edges = borders.as_slice();
    let asked = SeriesAsked {
        basis: SeriesBasis::Days,
        detectors: &detectors,
        edges,
        sums: SUMS,
        together: false,
        zone,
    };
    let read = async || {
        let rows = store.series(asked).await?;
        anyhow::Ok(rows.iter().map(|row| row.count).collect::<Vec<_>>())
    };
    assert_eq!(read().await?, [Some(290), Some(290), Some(288)], "before they are built anew");
    assert_eq!(days(&client).await?.first().map(|(_, count)| *count), Some(288));
    build(&store, zone).await?;
    assert_eq!(read().await?, [Some(290), Some(290), Some(288)], "and after");
    assert_eq!(days(&client).await?.first().map(|(_, count)| *count), Some(290));
    assert_eq!(verified(&client, zone).await?.differences, []);

    // Days of another zone are built anew.
    build(&store, chrono_tz::UTC).await?;
    let begins: Vec<_> = days(&client).await?.into_iter().map(|(begin, _)| begin).collect();
    assert!(begins.contains(&"2026-03-02T00:00:00Z".to_owned()), "{begins:?}");
    assert_eq!(verified(&client, chrono_tz::UTC).await?.differences, []);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_outlive_their_5_minutes_and_are_not_built_again() -> anyhow::Result<()> {
    let zone = chrono_tz::UTC;
    let (store, client) = history(zone, "2026-03-01", "2026-03-20").await?;
    let now: DateTime<Utc> = "2026-03-20T00:00:00Z".parse()?;
    let long = TimeDelta::days(4_000);
    let keep = Retention {
        signal: long,
        interval: TimeDelta::days(3),
        rollup_5min: TimeDelta::days(4),
        health: long,
        record: long,
        quarantine: long,
        quarantine_personal: long,
        journal: long,
    };
    let rows = "select count(*) from interval_5min";
    // Nothing goes before it is built.
    retention::enforce(&client, &keep, now).await?;
    assert_eq!(number(&client, rows).await?, 19 * 288);
    build(&store, zone).await?;
    retention::enforce(&client, &keep, now).await?;
    assert!(number(&client, rows).await? < 19 * 288, "no 5 minutes were dropped");
    let hours = "select count(*) from interval_1h where intervals = 12";
    assert_eq!(number(&client, hours).await?, 19 * 24);
    // A mark from before: the hour stays as it was.
    client
        .batch_execute(
            "insert into rollup_dirty select id, '2026-03-02T05:00:00Z', 1 from detector; \
             insert into rollup_dirty select id, '2026-03-18T05:00:00Z', 1 from detector",
        )
        .await?;
    let edges = day_borders("2026-03-01T00:00:00Z".parse()?, now, zone);
    let detectors = [i32::try_from(number(&client, "select id::int8 from detector").await?)?];
    for basis in [SeriesBasis::Hours, SeriesBasis::Days] {
        let asked = SeriesAsked {
            basis,
            detectors: &detectors,
            edges: &edges,
            sums: SUMS,
            together: false,
            zone,
        };
        let counts: Vec<_> = store.series(asked).await?.iter().map(|row| row.count).collect();
        assert_eq!(counts, [Some(288); 19], "{basis:?}");
    }
    build(&store, zone).await?;
    assert_eq!(number(&client, "select count(*) from rollup_dirty").await?, 0);
    assert_eq!(number(&client, hours).await?, 19 * 24);
    let scope = Scope {
        from: now - TimeDelta::days(19),
        to: now,
        intervals_since: now - keep.interval,
        zone,
        source: None,
    };
    let found = verify::verify(&client, &scope, |_day, _so_far| {}).await?;
    assert_eq!(found.differences, []);
    assert_eq!((found.five_minutes, found.days), (3 * 288, 4));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changed_by_hand_is_found_and_shown() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    settle_first(&client).await?;
    site.publish_all((0..12).map(|n| {
        message(
            3,
            now - TimeDelta::hours(3) + TimeDelta::minutes(5 * i64::try_from(n).expect("small")),
            n,
        )
    }))
    .await?;
    site.wait_count("select count(*) from interval_reading", 24).await?;
    settle(&site).await?;
    check(&client).await?;
    site.wait_metric("hub_selfcheck_mismatches_total", 0.0).await?;
    client
        .batch_execute(
            "update interval_1h set count_sum = count_sum + 1, bus = 4 where detector_id = \
                        (select min(detector_id) from interval_1h)",
        )
        .await?;
    client.batch_execute("delete from interval_5min where bucket = '2026-09-22T00:30:00Z'").await?;
    let found = verified(&client, ZONE).await?.differences;
    let told = |table, column| {
        found.iter().filter(|found| found.table == table && found.column == column).count()
    };
    assert_eq!(told("interval_5min", "row"), 2, "{found:#?}");
    assert_eq!(
        (told("interval_1h", "bus"), told("interval_1h", "intervals")),
        (1, 2),
        "{found:#?}"
    );
    let bus = found.iter().find(|found| found.column == "bus");
    assert_eq!(
        bus.map(|bus| (bus.stored.as_deref(), bus.recomputed.as_deref())),
        Some((Some("4"), None))
    );
    assert!(found.iter().all(|found| found.detector.starts_with("vds-003 lane/")), "{found:#?}");

    // The hub finds it by itself and says so.
    let mut channel = crate::channel::Channel::open(&site.administrator().await?).await?;
    let sources = channel.follow(1, "sources").await?;
    channel.wait_value(sources, "hub:rollup", "condition", 3).await?;
    assert_eq!(channel[sources].value("hub:rollup", "why"), json!("rollup.differs"));
    assert!(site.metric("hub_selfcheck_mismatches_total") >= 1.0, "not counted");
    assert!(site.metric("hub_selfcheck_checked_total") >= 1.0, "not counted");
    site.stop().await?;
    Ok(())
}
