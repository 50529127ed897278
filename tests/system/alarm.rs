//! Alarms from a device's message to the operator's screen and back: raised, acknowledged, cleared, reset,
//! shelved, and all of it in the history.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::{
    access::Role,
    clock::{Clock as _, TestClock},
};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    channel::Channel,
    server::wait_for,
    site::{Site, SiteOptions},
};

mod faults;
mod group;
mod latency;
mod signal;
mod usual;

/// The alarm that these tests raise.
const CONFLICT: &str = "sig_conflict_flash:sig-0001";
/// Without those of the hub itself: the disk of this machine may be nearly full.
const TRANSITIONS: &str = "select count(*) from alarm_transition where object not like 'hub:%'";

/// A clock that the test moves, and a hub that goes by it.
fn moved() -> (SiteOptions, Arc<TestClock>) {
    let begin = DateTime::from_timestamp(1_790_046_000, 0).expect("2026-09-22 03:00 UTC");
    let clock = Arc::new(TestClock::new(begin));
    (SiteOptions { clock: clock.clone(), ..SiteOptions::default() }, clock)
}

/// A signal's state with this flash status of NTCIP 1202: 2 none, 6 by the monitor.
pub(crate) fn flash(time: DateTime<Utc>, seq: u64, flash: u8) -> Value {
    let mode = if flash == 2 { "free" } else { "flash" };
    json!({
        "v": 1, "time": time, "boot": 1, "seq": seq, "mode": mode, "flash": flash,
        "groups": [{"group": 2, "kind": "vehicle", "state": 3}],
    })
}

/// An id in a path.
fn path(id: &str, action: &str) -> String {
    format!("/api/v1/alarms/{}{action}", id.replace('/', "%2F"))
}

fn seen(id: &str, occurrence: i64, state: &str) -> Value {
    json!({"ids": [{"id": id, "occurrence": occurrence, "state": state}]})
}

async fn acknowledge(browser: &Browser, id: &str, state: &str) -> anyhow::Result<Value> {
    let answer = browser.post("/api/v1/alarms/acknowledge", &seen(id, 1, state)).await?;
    let results = answer.expect(200)?;
    assert_eq!(results["results"][0]["result"], "done", "{results}");
    Ok(results["results"][0]["alarm"].clone())
}

/// What happened to an alarm, oldest first.
async fn actions(browser: &Browser, id: &str) -> anyhow::Result<Vec<String>> {
    let alarm = browser.json(&path(id, "")).await?;
    let history = alarm["history"].as_array().context("a history")?;
    let word = |row: &Value| row["action"].as_str().unwrap_or_default().to_owned();
    Ok(history.iter().rev().map(word).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn conflict_flash_is_raised_acknowledged_once_cleared_and_reset() -> anyhow::Result<()> {
    let (options, clock) = moved();
    let site = Site::start_with(options).await?;
    let an = site.account("an", Role::Operator).await?;
    let binh = site.account("binh", Role::Operator).await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let mut channel = Channel::open(&an).await?;
    assert_eq!(channel.hello["alarms"]["unacknowledged"], json!({"1": 0, "2": 0, "3": 0, "4": 0}));
    let alarms = channel.follow(1, "alarms").await?;
    assert!(channel[alarms].rows.is_empty(), "{:?}", channel[alarms].rows);

    site.publish_json("signal/sig-0001/state", &flash(clock.now(), 1, 6)).await?;
    let delta = channel.frame_of("delta").await?;
    assert_eq!((&delta["transitions"][0][1], &delta["stored"]), (&json!(CONFLICT), &json!(true)));
    let told = &delta["transitions"][0];
    assert_eq!(
        (&told[2], &told[3], &told[4], &told[5]),
        (&json!("raise"), &json!("norm"), &json!("unack"), &Value::Null)
    );
    let value = |channel: &Channel, column: &str| channel[alarms].value(CONFLICT, column);
    for (column, expected) in [
        ("code", json!("sig_conflict_flash")),
        ("object", json!("sig-0001")),
        ("service", json!("signal")),
        ("priority", json!(1)),
        ("state", json!("unack")),
        ("why", json!("flash.mmu")),
        ("occurrence", json!(1)),
        ("first_out", json!(true)),
        ("shelved", Value::Null),
        ("suppressed", Value::Null),
    ] {
        assert_eq!(value(&channel, column), expected, "{column}");
    }
    let again = Channel::open(&an).await?;
    assert_eq!(again.hello["alarms"]["unacknowledged"]["1"], 1);

    // A viewer may look, not act; of two operators the second is told who was first.
    let page = viewer.json("/api/v1/alarms?state=unack").await?;
    assert_eq!(
        (&page["items"][0]["id"], &page["unacknowledged"]),
        (&json!(CONFLICT), &json!([1, 0, 0, 0]))
    );
    let refused = viewer.post("/api/v1/alarms/acknowledge", &seen(CONFLICT, 1, "unack")).await?;
    refused.expect_problem(403, "forbidden", None)?;
    acknowledge(&an, CONFLICT, "unack").await?;
    let late = binh.post("/api/v1/alarms/acknowledge", &seen(CONFLICT, 1, "unack")).await?;
    late.expect_problem(409, "acknowledged", None)?;
    assert!(late.text().contains("an acknowledged"), "{}", late.text());
    channel.wait_value(alarms, CONFLICT, "acked_by", "an").await?;

    // Back to normal it waits for its delay, then for a reset.
    let early = binh.post(&path(CONFLICT, "/reset"), &json!({"reason": "x"})).await?;
    early.expect_problem(409, "not_latched", None)?;
    clock.advance(TimeDelta::seconds(1));
    site.publish_json("signal/sig-0001/state", &flash(clock.now(), 2, 2)).await?;
    site.wait_count("select count(*) from signal_state", 2).await?;
    clock.advance(TimeDelta::seconds(61));
    channel.wait_value(alarms, CONFLICT, "state", "latch").await?;
    let reset = binh.post(&path(CONFLICT, "/reset"), &json!({"reason": "mended"})).await?;
    assert_eq!(reset.expect(200)?["state"], "norm");
    let removed = |frame: &Value| frame["removed"] == json!([CONFLICT]);
    while !removed(&channel.frame_of("delta").await?) {}

    let wanted = ["raise", "acknowledge", "clear", "reset"];
    assert_eq!(actions(&an, CONFLICT).await?, wanted);
    let journal = an.json("/api/v1/alarms/journal?action=reset").await?;
    assert_eq!(
        (&journal["items"][0]["who"], &journal["items"][0]["reason"]),
        (&json!("binh"), &json!("mended"))
    );
    let table = an.request("GET", "/api/v1/alarms/journal", &[("accept", "text/csv")], b"").await?;
    // The hub may have alarms of its own: of this machine's disk, for one.
    let told = table.text().lines().filter(|line| line.contains(CONFLICT)).count();
    assert_eq!(told, 4, "{}", table.text());
    // The journal of what people did tells it, too.
    let who = "select count(*) from journal where object = 'alarm/sig_conflict_flash:sig-0001'";
    assert_eq!(site.count(who).await?, 2);
    let seqs = "select max(seq) - count(distinct seq) from alarm_transition";
    assert_eq!(site.count(seqs).await?, 0, "numbered without a gap");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelving_has_its_limits_and_ends_on_time_while_the_hub_is_down() -> anyhow::Result<()> {
    let (options, clock) = moved();
    let site = Site::start_with(options).await?;
    let (an, binh) = (site.account("an", Role::Operator).await?, "binh");
    drop(site.account(binh, Role::Operator).await?);
    drop(site.account("viewer", Role::Viewer).await?);
    site.publish_json("signal/sig-0001/state", &flash(clock.now(), 1, 6)).await?;
    site.wait_count(TRANSITIONS, 1).await?;

    let shelve = |minutes: i64, second: Value| {
        let until = clock.now() + TimeDelta::minutes(minutes);
        json!({"until": until, "reason": "known", "second": second})
    };
    let with = |user: &str, password: &str| json!({"user": user, "password": password});
    let good = "a-long-word-for-tests";
    for (body, status, code, field) in [
        (shelve(30, Value::Null), 400, "invalid", Some("second")),
        (shelve(61, with(binh, good)), 400, "invalid", Some("until")),
        (shelve(30, with("an", good)), 400, "invalid", Some("second.user")),
        (shelve(30, with("viewer", good)), 400, "invalid", Some("second.user")),
        (shelve(30, with(binh, "another-long-word")), 401, "wrong_password", None),
    ] {
        let answer = an.post(&path(CONFLICT, "/shelve"), &body).await?;
        answer.expect_problem(status, code, field).with_context(|| body.to_string())?;
    }
    let until = clock.now() + TimeDelta::minutes(30);
    let answer = an.post(&path(CONFLICT, "/shelve"), &shelve(30, with(binh, good))).await?;
    assert_eq!(answer.expect(200)?["shelved"]["second"], "binh");
    let again = an.post(&path(CONFLICT, "/shelve"), &shelve(30, with(binh, good))).await?;
    again.expect_problem(409, "shelved", None)?;
    let board = an.json("/api/v1/alarms").await?;
    assert_eq!(board["unacknowledged"], json!([0, 0, 0, 0]), "a shelved alarm does not count");
    assert_eq!(an.json("/api/v1/alarms?presented=true").await?["items"], json!([]));

    let (options, database, broker) = site.stop().await?;
    clock.advance(TimeDelta::hours(2));
    let site = Site::start_on(options, database, broker).await?;
    site.wait_count(TRANSITIONS, 3).await?;
    let client = site.client().await?;
    let last = client
        .query_one(
            "select action, at from alarm_transition where object not like 'hub:%' order by seq desc limit 1",
            &[],
        )
        .await?;
    assert_eq!(
        (last.get::<_, String>(0).as_str(), last.get::<_, DateTime<Utc>>(1)),
        ("unshelve", until)
    );
    assert_eq!(
        site.count(
            "select count(*) from alarm where shelved_until is null and object not like 'hub:%'"
        )
        .await?,
        1
    );
    drop(client);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_comment_assign_link_suppress_and_take_out_of_service() -> anyhow::Result<()> {
    let (options, clock) = moved();
    let site = Site::start_with(options).await?;
    let an = site.account("an", Role::Operator).await?;
    site.publish_json("signal/sig-0001/state", &flash(clock.now(), 1, 6)).await?;
    site.wait_count(TRANSITIONS, 1).await?;
    let act = async |action: &str, body: Value| an.post(&path(CONFLICT, action), &body).await;
    let why = json!({"reason": "test"});
    for (action, body, field, expected) in [
        ("/comment", json!({"text": "Đã gọi tổ trực."}), "comments", json!(1)),
        ("/assign", json!({"assignee": "binh"}), "assignee", json!("binh")),
        ("/link", json!({"ticket": "SR-17"}), "ticket", json!("SR-17")),
        ("/suppress", why.clone(), "suppressed", json!(["operator"])),
        ("/unsuppress", why.clone(), "suppressed", json!([])),
        (
            "/out-of-service",
            json!({"reason": "replaced", "ticket": "SR-18"}),
            "out_of_service",
            json!({"by": "an", "ticket": "SR-18"}),
        ),
        ("/in-service", why.clone(), "out_of_service", Value::Null),
    ] {
        let alarm = act(action, body).await?.expect(200)?;
        assert_eq!(alarm[field], expected, "{action}");
    }
    act("/in-service", why.clone()).await?.expect_problem(409, "in_service", None)?;
    act("/unshelve", why.clone()).await?.expect_problem(409, "not_shelved", None)?;
    act("/comment", json!({"text": " "})).await?.expect_problem(400, "invalid", Some("text"))?;
    act("/comment", json!({"text": "a\u{0}b"})).await?.expect_problem(
        400,
        "invalid",
        Some("text"),
    )?;
    let unknown = an.post("/api/v1/alarms/door_open:cab-9/reset", &why).await?;
    unknown.expect_problem(404, "not_found", None)?;
    assert_eq!(actions(&an, CONFLICT).await?.len(), 8);

    let rules = an.json("/api/v1/alarms/rules").await?;
    let rule = rules["items"].as_array().context("rules")?;
    let rule = rule.iter().find(|rule| rule["code"] == "sig_conflict_flash").context("its rule")?;
    assert_eq!(rule["vi"]["name"], "Nhấp nháy do xung đột");
    assert_eq!(an.json(&path(CONFLICT, "")).await?["rule"], *rule);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn planned_works_suppress_while_they_last_and_can_be_called_off() -> anyhow::Result<()> {
    let (options, clock) = moved();
    let site = Site::start_with(options).await?;
    let an = site.account("an", Role::Operator).await?;
    let mut channel = Channel::open(&an).await?;
    let alarms = channel.follow(1, "alarms").await?;
    let now = clock.now();
    let works = json!({
        "objects": ["sig-0001"], "from": now, "to": now + TimeDelta::hours(4), "reason": "cable",
    });
    let planned = an.post("/api/v1/alarms/works", &works).await?.expect(201)?;
    let none = json!({"from": now, "to": now + TimeDelta::hours(1), "reason": "x"});
    let refused = an.post("/api/v1/alarms/works", &none).await?;
    refused.expect_problem(400, "invalid", Some("objects"))?;
    site.publish_json("signal/sig-0001/state", &flash(now, 1, 6)).await?;
    channel.wait_value(alarms, CONFLICT, "suppressed", "works").await?;
    assert_eq!(an.json("/api/v1/alarms").await?["unacknowledged"], json!([0, 0, 0, 0]));
    let listed = an.json("/api/v1/alarms/works").await?;
    assert_eq!(listed["items"][0]["id"], planned["id"]);
    let one = format!("/api/v1/alarms/works/{}", planned["id"]);
    an.delete(&one).await?.expect(204)?;
    an.delete(&one).await?.expect_problem(404, "not_found", None)?;
    channel.wait_value(alarms, CONFLICT, "suppressed", Value::Null).await?;
    wait_for("the alarm counts", || async {
        let board = an.json("/api/v1/alarms").await?;
        Ok((board["unacknowledged"] == json!([1, 0, 0, 0])).then_some(()))
    })
    .await?;
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_not_complete_keep_the_hub_from_starting() -> anyhow::Result<()> {
    let file = crate::server::data_folder("rules.toml");
    let rules = ioc_hub::alarm::rule::DEFAULT.replacen("time_to_respond_s = 300\n", "", 1);
    std::fs::write(&file, rules)?;
    let options = SiteOptions::with(|config| config.alarms.rules = file.display().to_string());
    let starting = Box::pin(Site::start_with(options));
    let started = tokio::time::timeout(Duration::from_mins(1), starting).await?;
    std::fs::remove_file(&file)?;
    let error = started.err().context("it started")?;
    let text = format!("{error:#}");
    assert!(text.contains("sig_dark: time_to_respond_s is missing"), "{text}");
    assert!(text.contains("alarms.rules"), "{text}");
    Ok(())
}
