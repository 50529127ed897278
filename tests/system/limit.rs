//! Limits are data: what changes in the file of parameters changes what stored records give, without a
//! program and without a message.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    server::{data_folder, next_number, wait_for},
    site::{Site, SiteOptions},
};

/// A Tuesday in the afternoon, in the city.
const NOW: &str = "2026-03-31 15:00";

/// `2026-03-02 08:00`, local time.
fn at(text: &str) -> DateTime<Utc> {
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
    (local - TimeDelta::hours(7)).and_utc()
}

/// The parameters of the product with other limits.
fn parameters(changes: &[(&str, &str)]) -> anyhow::Result<String> {
    let mut text = ioc_hub::indicator::law::DEFAULT.to_owned();
    for (from, to) in changes {
        anyhow::ensure!(text.contains(from), "{from} is not in the file");
        text = text.replacen(from, to, 1);
    }
    let file = data_folder(&format!("parameters-{}.toml", next_number()));
    std::fs::write(&file, text)?;
    Ok(file.display().to_string())
}

/// A dossier, a ticket, two calls and a petition, each judged by one limit.
async fn publish(site: &Site) -> anyhow::Result<()> {
    let dossier = json!({
        "v": 1, "time": at("2026-03-03 09:00"), "boot": 1, "seq": 1, "dossier": "d-1", "status": 2,
        "at": at("2026-03-03 09:00"), "submitted_at": at("2026-03-02 14:00"), "channel": 2,
        "unit": "gso:31135",
    });
    site.publish_json("onestop/onestop-can-tho/dossier", &dossier).await?;
    let petition = |seq: u64, status: &str, when: &str| {
        json!({
            "v": 1, "time": at(when), "boot": 1, "seq": seq, "petition": "p-1", "status": status,
            "at": at(when), "kind": "service", "class": "staff", "unit": "gso:31135",
        })
    };
    for step in
        [petition(1, "received", "2026-03-02 08:00"), petition(2, "answered", "2026-03-16 08:00")]
    {
        site.publish_json("onestop/onestop-can-tho/petition", &step).await?;
    }
    let ticket = |seq: u64, status: &str, when: &str| {
        json!({
            "v": 1, "time": at(when), "boot": 1, "seq": seq, "ticket": "t-1", "status": status,
            "at": at(when), "channel": "hotline", "kind": "request", "category": "drainage",
            "rating": 4,
        })
    };
    for step in [ticket(1, "new", "2026-03-02 08:00"), ticket(2, "closed", "2026-03-03 20:00")] {
        site.publish_json("desk/desk-1022/ticket", &step).await?;
    }
    let begin = at("2026-03-02 08:00");
    let call = |seq: u64, answered_s: Option<i64>, abandoned_s: Option<i64>| {
        let after = |seconds: i64| begin + TimeDelta::seconds(seconds);
        json!({
            "v": 1, "time": begin, "boot": 1, "seq": seq, "call": format!("c-{seq}"),
            "direction": "in", "queued_at": begin, "answered_at": answered_s.map(after),
            "abandoned_at": abandoned_s.map(after), "ended_at": after(60),
        })
    };
    for call in [call(1, Some(18), None), call(2, None, Some(7))] {
        site.publish_json("desk/desk-1022/call", &call).await?;
    }
    for (table, count) in [("dossier", 1), ("petition_step", 2), ("ticket_step", 2), ("call", 2)] {
        site.wait_count(&format!("select count(*) from {table}"), count).await?;
    }
    Ok(())
}

/// Values of March by indicator and part.
async fn values(browser: &Browser, wanted: &[(&str, &str)]) -> anyhow::Result<Vec<Option<f64>>> {
    let ids: Vec<&str> = wanted.iter().map(|(id, _)| *id).collect();
    let path = format!("/api/v1/indicators/values?ids={}&period=2026-03", ids.join(","));
    let answer = browser.json(&path).await?;
    let values = answer["values"].as_array().context("values")?;
    wanted
        .iter()
        .map(|(id, part)| {
            let is_it = |value: &&Value| {
                value["id"] == *id && value["part"].as_str().unwrap_or_default() == *part
            };
            let value = values.iter().find(is_it).with_context(|| format!("{id} {part}"))?;
            Ok(value["value"].as_f64())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_limits_judge_what_is_stored_anew() -> anyhow::Result<()> {
    let wanted =
        [("A23", "in_time"), ("C06", ""), ("C16", ""), ("C17", "short"), ("C18", ""), ("C23", "")];
    let site = Site::start_with(SiteOptions::at(at(NOW))).await?;
    publish(&site).await?;
    let browser = site.administrator().await?;
    let judged = || async {
        let answer = browser.get("/api/v1/indicators").await?;
        Ok((answer.status == 200).then_some(()))
    };
    wait_for("indicators", judged).await?;
    // A day and a half for what is urgent is too long; half of the calls fit their limits.
    let before = [Some(100.0), Some(0.0), Some(100.0), Some(50.0), Some(50.0), Some(100.0)];
    assert_eq!(values(&browser, &wanted).await?, before);
    let (mut options, database, broker) = site.stop().await?;
    options.config.indicators.parameters = parameters(&[
        ("accept_online_working_min = 480", "accept_online_working_min = 60"),
        ("urgent_h = 24", "urgent_h = 48"),
        ("satisfied_rating = 4", "satisfied_rating = 5"),
        ("short_abandon_s = 10", "short_abandon_s = 5"),
        ("answer_s = 20", "answer_s = 15"),
        ("handle_working_days = 15", "handle_working_days = 9"),
    ])?;
    let site = Site::start_on(options, database, broker).await?;
    site.wait_count("select count(*) from record_rule where not is_done", 0).await?;
    let browser = site.account("lan", ioc_hub::access::Role::Viewer).await?;
    let after = [Some(0.0), Some(100.0), Some(0.0), Some(0.0), Some(0.0), Some(0.0)];
    let found = || async {
        let answer = browser.get("/api/v1/indicators").await?;
        Ok((answer.status == 200).then_some(()))
    };
    wait_for("indicators", found).await?;
    assert_eq!(values(&browser, &wanted).await?, after);
    // The cube followed, and nothing differs from the records.
    let cells = "select coalesce(sum(accepted_in_time), 0)::int8 from dossier_cell";
    assert_eq!(site.count(cells).await?, 0);
    // Levels that begin only later judge nothing of March.
    let (mut options, database, broker) = site.stop().await?;
    options.config.indicators.parameters = parameters(&[
        ("valid_from = 2021-04-01", "valid_from = 2026-04-01"),
        ("valid_from = 2019-12-09", "valid_from = 2026-04-01"),
    ])?;
    let site = Site::start_on(options, database, broker).await?;
    site.wait_count("select count(*) from record_rule where not is_done", 0).await?;
    let judged = "select count(*) from ticket where on_time is not null or satisfied is not null";
    assert_eq!(site.count(judged).await?, 0);
    assert_eq!(site.count("select count(*) from petition where outcome is not null").await?, 0);
    assert_eq!(site.count("select count(*) from call where answered_soon").await?, 0);
    site.stop().await?;
    Ok(())
}
