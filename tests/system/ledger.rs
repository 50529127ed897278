//! Known loss and redelivery: what is missing is told with its bounds, what comes again changes
//! nothing, and no fact is lost because its number was known.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::{
    channel::Channel,
    faults::intervals,
    message::{bucket, interval, now, period},
    process::Process,
    publisher::Publisher,
    rollup,
    server::{Mosquitto, connect, new_database, number, wait_number},
    site::{CITY, Site, SiteOptions, permit},
};

const STATION: &str = "vds/vds-001/interval";

/// The interval number `n` of a station, under the number `seq`.
fn numbered(begin: DateTime<Utc>, n: u64, seq: u64) -> Value {
    interval(period(begin, n), seq, &[n % 40, 7])
}

impl Site {
    /// Publishes intervals whose place in time is their number.
    async fn publish_numbers(&self, begin: DateTime<Utc>, seqs: &[u64]) -> anyhow::Result<()> {
        for seq in seqs {
            self.publish_json(STATION, &numbered(begin, *seq, *seq)).await?;
        }
        Ok(())
    }

    /// A counter of the station.
    async fn wait_counter(&self, column: &str, expected: i64) -> anyhow::Result<()> {
        let sql = format!("select {column} from source_state where source = 'vds-001'");
        self.wait_count(&sql, expected).await
    }
}

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn loss_is_a_gap_that_late_messages_shrink_and_close() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let mut channel = Channel::open(&administrator).await?;
    let sources = channel.follow(1, "sources").await?;
    let begin = bucket();
    assert_eq!(items(&administrator.json("/api/v1/gaps").await?), Vec::<Value>::new());

    site.publish_numbers(begin, &[1, 2, 7]).await?;
    channel.wait_value(sources, "vds-001", "missing", 4).await?;
    channel.wait_value(sources, "vds-001", "open_gaps", 1).await?;
    let gap = &items(&administrator.json("/api/v1/gaps?open=true").await?)[0];
    for (field, expected) in [
        ("kind", json!("missing")),
        ("source", json!("vds-001")),
        ("service", json!("vds")),
        ("stream", json!("interval")),
        ("boot", json!(2)),
        ("from_seq", json!(3)),
        ("to_seq", json!(6)),
        ("missing", json!(4)),
        ("spans", json!([{"from_seq": 3, "to_seq": 6, "missing": 4}])),
        ("closed_at", Value::Null),
    ] {
        assert_eq!(gap[field], expected, "{field}");
    }

    site.publish_numbers(begin, &[5]).await?;
    channel.wait_value(sources, "vds-001", "missing", 3).await?;
    let gap = &items(&administrator.json("/api/v1/gaps?source=vds-001").await?)[0];
    assert_eq!((&gap["from_seq"], &gap["missing"]), (&json!(3), &json!(3)));
    let left = json!([
        {"from_seq": 3, "to_seq": 4, "missing": 2},
        {"from_seq": 6, "to_seq": 6, "missing": 1},
    ]);
    assert_eq!(gap["spans"], left);

    site.publish_numbers(begin, &[6, 3, 4]).await?;
    channel.wait_value(sources, "vds-001", "open_gaps", 0).await?;
    channel.wait_value(sources, "vds-001", "missing", 0).await?;
    channel.wait_value(sources, "vds-001", "out_of_order", 4).await?;
    assert!(items(&administrator.json("/api/v1/gaps?open=true").await?).is_empty());
    let closed = items(&administrator.json("/api/v1/gaps?open=false&service=vds,cctv").await?);
    assert_eq!((closed.len(), &closed[0]["missing"]), (1, &json!(0)));
    assert!(closed[0]["closed_at"].as_str() >= closed[0]["first_seen"].as_str());
    let source = administrator.json("/api/v1/sources?state=registered&service=vds&limit=1").await?;
    let counters = &items(&source)[0]["counters"];
    for (name, expected) in
        [("open_gaps", 0), ("missing", 0), ("out_of_order", 4), ("repeated", 0), ("restarts", 0)]
    {
        assert_eq!(counters[name], expected, "{name}");
    }
    // A second gap is the newest; a list is read page by page, and a mistake is named.
    site.publish_numbers(begin, &[9]).await?;
    channel.wait_value(sources, "vds-001", "open_gaps", 1).await?;
    let first = administrator.json("/api/v1/gaps?limit=1").await?;
    assert_eq!((items(&first).len(), &items(&first)[0]["from_seq"]), (1, &json!(8)));
    let next = first["next"].as_str().unwrap_or_default();
    let second = administrator.json(&format!("/api/v1/gaps?limit=1&after={next}")).await?;
    assert_eq!((&items(&second)[..], &second["next"]), (&closed[..], &Value::Null));
    assert!(items(&administrator.json("/api/v1/gaps?service=desk").await?).is_empty());
    let answer = administrator.get("/api/v1/gaps?open=maybe").await?;
    answer.expect_problem(400, "invalid", Some("open"))?;
    assert_eq!(site.visitor().get("/api/v1/gaps").await?.status, 401);
    rollup::check(&site.client().await?).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn loss_across_a_restart_is_unknown() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let begin = bucket();
    site.publish_numbers(begin, &[8, 9]).await?;
    let mut after = numbered(begin, 0, 4);
    after["boot"] = json!(3);
    site.publish_json(STATION, &after).await?;
    site.wait_counter("restarts", 1).await?;
    let gaps = items(&administrator.json("/api/v1/gaps").await?);
    let [gap] = &gaps[..] else { anyhow::bail!("{gaps:?}") };
    assert_eq!((&gap["kind"], &gap["boot"]), (&json!("restart"), &json!(3)));
    for unknown in ["missing", "from_seq", "to_seq", "closed_at"] {
        assert_eq!(gap[unknown], Value::Null, "{unknown}");
    }
    assert!(items(&administrator.json("/api/v1/gaps?open=true").await?).is_empty());
    site.wait_counter("missing", 0).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_again_changes_nothing_and_is_counted() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let begin = bucket();
    let seqs: Vec<u64> = (0..8).collect();
    let broken = br#"{"v":1,"boot":2,"seq":8,"lanes":[{"lane":"#;
    let online = json!({"v": 1, "online": true, "boot": 2});
    for _time in 0..3 {
        site.publish_numbers(begin, &seqs).await?;
        site.publish(STATION, *broken).await?;
        site.publish_json("vds/vds-001/status", &online).await?;
    }
    site.wait_counter("messages", 30).await?;
    site.wait_counter("repeated", 18).await?;
    site.wait_counter("duplicates", 2 * 8 * 2).await?;
    site.wait_counter("refused", 1).await?;
    for (sql, expected) in [
        ("select count(*) from interval_reading", 16),
        ("select sum(intervals)::int8 from interval_5min", 16),
        ("select count(*) from quarantine", 1),
        ("select count(*) from connection", 1),
        ("select count(*) from gap", 0),
        ("select seq_reused + out_of_order + missing from source_state", 0),
    ] {
        assert_eq!(site.count(sql).await?, expected, "{sql}");
    }
    rollup::check(&site.client().await?).await?;
    // It was foreseen: no batch was written a second time because of a key that was there.
    let violations = "select count(*) from pg_stat_database where datname = current_database() \
                      and xact_rollback > 0";
    assert_eq!(site.count(violations).await?, 0);
    // The device goes, comes back with the same boot, and goes again: three more facts.
    for online in [false, true, false, false] {
        let status = json!({"v": 1, "online": online, "boot": 2});
        site.publish_json("vds/vds-001/status", &status).await?;
    }
    // The will of an older boot says nothing.
    let old = json!({"v": 1, "online": false, "boot": 1});
    site.publish_json("vds/vds-001/status", &old).await?;
    site.wait_counter("messages", 35).await?;
    assert_eq!(site.count("select count(*) from connection").await?, 4);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_gives_numbers_twice_loses_nothing() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let begin = bucket();
    for time in 0..9_u64 {
        // Three times the numbers 0 to 2 under the same boot.
        site.publish_json(STATION, &numbered(begin, time, time % 3)).await?;
    }
    site.wait_count("select count(*) from interval_reading", 18).await?;
    site.wait_counter("seq_reused", 6).await?;
    site.wait_counter("repeated", 0).await?;
    site.wait_counter("duplicates", 0).await?;
    assert_eq!(site.count("select sum(intervals)::int8 from interval_5min").await?, 18);
    rollup::check(&site.client().await?).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_was_received() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let begin = bucket();
    site.publish_numbers(begin, &[1]).await?;
    site.publish(STATION, *br#"{"v":1,"boot":2,"seq":2,"lanes":[{"#).await?;
    let mut old = numbered(begin, 0, 3);
    old["time"] = json!(now() - TimeDelta::days(4_000));
    site.publish_json(STATION, &old).await?;
    let mut version = numbered(begin, 4, 4);
    version["v"] = json!(9);
    site.publish_json(STATION, &version).await?;
    site.publish_numbers(begin, &[5]).await?;
    site.wait_count("select count(*) from interval_reading", 4).await?;
    site.wait_counter("refused", 3).await?;
    assert_eq!(site.count("select count(*) from gap").await?, 0);
    // Of one whose number cannot be read nobody knows that it came.
    site.publish(STATION, *b"{\"seq\":6").await?;
    site.publish_numbers(begin, &[7]).await?;
    site.wait_counter("missing", 1).await?;
    assert_eq!(site.count("select from_seq from gap where closed_at is null").await?, 6);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_out_of_the_quarantine_is_no_message_of_the_ledger() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let begin = bucket();
    for seq in [4, 5, 8] {
        site.publish_json("vds/vds-new/interval", &numbered(begin, seq, seq)).await?;
    }
    site.wait_count("select count(*) from quarantine", 3).await?;
    let name = json!({"vi": "Trạm mới", "en": "New station"});
    let body = json!({"service": "vds", "name": name, "period_s": 30.0});
    let answer = administrator.post("/api/v1/sources/vds-new/accept", &body).await?;
    assert_eq!(answer.expect(201)?, json!({"replayed": 3, "refused_again": 0}));
    assert_eq!(site.count("select count(*) from interval_reading").await?, 6);
    let state = "select missing * 100 + repeated * 10 + seq_reused from source_state";
    assert_eq!(site.count(state).await?, 200, "the gap of the time before is still told");
    site.publish_json("vds/vds-new/interval", &numbered(begin, 6, 6)).await?;
    site.wait_count(state, 100).await?;
    rollup::check(&site.client().await?).await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_hub_knows_what_was_received() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let begin = bucket();
    site.publish_numbers(begin, &[1, 2, 6]).await?;
    let online = json!({"v": 1, "online": true, "boot": 2});
    site.publish_json("vds/vds-001/status", &online).await?;
    site.wait_counter("missing", 3).await?;
    site.wait_count("select count(*) from connection", 1).await?;
    let (options, database, broker) = site.stop().await?;
    let site = Site::start_on(options, database, broker).await?;
    site.publish_numbers(begin, &[4, 2, 7]).await?;
    site.publish_json("vds/vds-001/status", &online).await?;
    site.wait_counter("messages", 8).await?;
    site.wait_counter("missing", 2).await?;
    site.wait_counter("repeated", 1).await?;
    site.wait_counter("out_of_order", 1).await?;
    assert_eq!(site.count("select last_seq from seq_run").await?, 7);
    assert_eq!(site.count("select count(*) from interval_reading").await?, 10);
    assert_eq!(site.count("select count(*) from connection").await?, 1);
    site.stop().await?;
    Ok(())
}

/// What must be as if every message had come once.
async fn once(client: &Client) -> anyhow::Result<Vec<i64>> {
    let mut numbers = Vec::new();
    for sql in [
        "select count(*) from interval_reading",
        "select count(*) from quarantine",
        "select count(*) from connection",
        "select count(*) from gap where missing > 0",
        "select coalesce(sum(missing + open_gaps + seq_reused + restarts), 0)::int8 from source_state",
        "select coalesce(sum(refused), 0)::int8 from source_state",
    ] {
        numbers.push(number(client, sql).await?);
    }
    rollup::check(client).await?;
    Ok(numbers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_commit_and_acknowledgement_leaves_everything_equal() -> anyhow::Result<()> {
    const ROUND: u64 = 1_000;
    let _permit = permit().await?;
    let (database, broker) = (new_database().await?, Mosquitto::new().await?);
    let mut hub = Process::start(&database, &broker).await?;
    let mut device = Publisher::connect(broker.address());
    let client = connect(&database).await?;
    let whole = |(topic, payload): (String, Vec<u8>)| (format!("ioc/1/{CITY}/{topic}"), payload);
    // Every 40th message is cut off in the middle, and every station says once that it is there.
    let messages = |from: u64, to: u64| {
        let statuses = (1..=50_u64).filter(move |_| from == 0).map(|station| {
            let status = json!({"v": 1, "online": true, "boot": 2});
            (format!("vds/vds-{station:03}/status"), status.to_string().into_bytes())
        });
        let numbered = intervals(from, to).zip(from..to).map(|((topic, payload), n)| {
            if n % 40 == 39 {
                let broken = format!(r#"{{"v":1,"boot":2,"seq":{},"lanes":[{{"n":{n}"#, n / 50);
                (topic, broken.into_bytes())
            } else {
                (topic, payload)
            }
        });
        statuses.chain(numbered).map(whole)
    };
    let (mut sent, mut rounds) = (0, 0);
    let received = "select coalesce(sum(messages), 0)::int8 from source_state";
    let repeated = "select coalesce(sum(repeated), 0)::int8 from source_state";
    while number(&client, repeated).await? == 0 {
        rounds += 1;
        anyhow::ensure!(rounds <= 20, "no kill fell between a commit and its acknowledgement");
        let before = number(&client, received).await?;
        device.publish_all(messages(sent, sent + ROUND)).await?;
        sent += ROUND;
        while number(&client, received).await? == before {
            tokio::task::yield_now().await;
        }
        hub.kill().await?;
        hub = Process::start(&database, &broker).await?;
        let all = format!("select count(*) from quarantine where {sent} > 0");
        wait_number(&client, &all, i64::try_from(sent / 40)?).await?;
        let rows = i64::try_from((sent - sent / 40) * 4)?;
        wait_number(&client, "select count(*) from interval_reading", rows).await?;
    }
    let (broken, good) = (i64::try_from(sent / 40)?, i64::try_from(sent - sent / 40)?);
    assert_eq!(once(&client).await?, [good * 4, broken, 50, 0, 0, broken]);
    hub.kill().await?;
    // And all of it once more, as a device without memory of its acknowledgements would.
    hub = Process::start(&database, &broker).await?;
    // A new message behind it tells that all of it was taken.
    let before = number(&client, received).await?;
    device.publish_all(messages(0, sent).chain(messages(sent, sent + 1))).await?;
    let good = good + 1;
    wait_number(&client, "select count(*) from interval_reading", good * 4).await?;
    // What the killed hub had not acknowledged came once more.
    assert!(number(&client, received).await? >= before + i64::try_from(sent)? + 51);
    assert_eq!(once(&client).await?, [good * 4, broken, 50, 0, 0, broken]);
    hub.kill().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_with_a_standing_clock_tells_gaps_by_that_clock() -> anyhow::Result<()> {
    let (options, time) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    site.publish_numbers(time - TimeDelta::minutes(10), &[1, 3]).await?;
    site.wait_counter("missing", 1).await?;
    let seen = "select extract(epoch from first_seen)::int8 from gap";
    assert_eq!(site.count(seen).await?, time.timestamp());
    let administrator = site.administrator().await?;
    let at = |offset: i64| (time + TimeDelta::seconds(offset)).to_rfc3339();
    let page = |from: String, to: String| {
        let encode = |text: String| text.replace('+', "%2B");
        format!("/api/v1/gaps?from={}&to={}", encode(from), encode(to))
    };
    assert_eq!(items(&administrator.json(&page(at(0), at(1))).await?).len(), 1);
    assert_eq!(items(&administrator.json(&page(at(-1), at(0))).await?).len(), 0);
    site.stop().await?;
    Ok(())
}
