//! Steps of the one-stop system, from the broker into the records that are folded from them.

use std::collections::BTreeSet;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::{
    record::dossier::Outcome,
    store::{
        dossier::DossierFilter,
        petition::PetitionFilter,
        retention::{self, Retention},
    },
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

use crate::site::Site;

const SOURCE: &str = "onestop-can-tho";

/// `2026-03-02 08:00`, local time.
fn at(text: &str) -> DateTime<Utc> {
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
    (local - TimeDelta::hours(7)).and_utc()
}

/// A step of a dossier that tells nothing else.
fn step(dossier: &str, status: u8, at: DateTime<Utc>) -> Value {
    json!({"v": 1, "time": at, "boot": 1, "dossier": dossier, "status": status, "at": at})
}

fn petition(number: &str, status: &str, at: DateTime<Utc>, dossier: Option<&str>) -> Value {
    json!({
        "v": 1, "time": at, "boot": 1, "petition": number, "status": status, "at": at,
        "kind": "service", "class": "staff", "unit": "gso:31135", "dossier": dossier,
    })
}

fn form(number: &str, at: DateTime<Utc>, by: &str, dossier: &str, points: [u8; 2]) -> Value {
    json!({
        "v": 1, "time": at, "boot": 1, "form": number, "unit": "gso:31135", "period": "2026-Q1",
        "by": by, "dossier": dossier, "scores": {"N3": points[0], "N7": points[1]},
    })
}

/// Publishes messages under the numbers from `first` on.
async fn publish(
    site: &Site,
    stream: &str,
    first: u64,
    messages: impl IntoIterator<Item = Value>,
) -> anyhow::Result<()> {
    let numbered = messages.into_iter().zip(first..).map(|(mut message, seq)| {
        message["seq"] = json!(seq);
        (format!("onestop/{SOURCE}/{stream}"), message.to_string().into_bytes())
    });
    site.publish_all(numbered.collect::<Vec<_>>()).await
}

/// A time after a message's.
fn later(message: &Value, by: TimeDelta) -> anyhow::Result<DateTime<Utc>> {
    let time: DateTime<Utc> = serde_json::from_value(message["time"].clone())?;
    Ok(time + by)
}

/// A life that goes anywhere, with values told here and there.
fn life(dice: &mut StdRng, code: &str) -> Vec<Value> {
    let begin = at("2026-03-02 08:00");
    let mut minute = 0;
    let steps = (0..dice.random_range(1..=9_u32)).map(|_n| {
        // Some are taken at once: then the message's time decides.
        minute += dice.random_range(0..3_i64) * dice.random_range(1..2_000_i64);
        let time = |minute: i64| begin + TimeDelta::minutes(minute);
        let mut step = step(code, dice.random_range(1..=10), time(minute));
        let mut told = |key: &str, value: Value| {
            if dice.random_ratio(1, 2) {
                step[key] = value;
            }
        };
        told("unit", json!("gso:31135"));
        told("received_by", json!("gso:31120"));
        told("channel", json!(2));
        told("due_at", json!(time(minute + 3_000)));
        told("limit", json!({"value": 5, "unit": "working_day"}));
        told("received_at", json!(time(minute)));
        told("fees", json!([{"kind": "fee", "amount_vnd": 0}, {"kind": "fee", "amount_vnd": 7}]));
        told("step", json!(format!("step-{}", minute % 3)));
        told("step_due_at", json!(time(minute + 500)));
        told("digitised", json!(minute % 2 == 0));
        step
    });
    let mut keys = BTreeSet::new();
    let steps: Vec<Value> = steps.collect();
    steps
        .into_iter()
        .filter(|step| keys.insert(format!("{} {}", step["status"], step["at"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dossiers_are_the_same_in_any_order_of_arrival() -> anyhow::Result<()> {
    const LIVES: usize = 12;
    const ORDERS: usize = 3;
    let site = Site::start().await?;
    let mut dice = StdRng::seed_from_u64(4);
    let (mut messages, mut steps) = (Vec::new(), 0);
    for life_number in 0..LIVES {
        let steps_of_life = life(&mut dice, "");
        for order in 0..ORDERS {
            let mut steps_of_order = steps_of_life.clone();
            for (n, step) in (0..).zip(&mut steps_of_order) {
                step["dossier"] = json!(format!("{life_number}-{order}"));
                step["time"] = json!(later(step, TimeDelta::seconds(n))?);
            }
            steps += i64::try_from(steps_of_order.len())?;
            for step in steps_of_order {
                // Some are told again later.
                if dice.random_ratio(1, 4) {
                    let mut again = step.clone();
                    again["time"] = json!(later(&step, TimeDelta::hours(1))?);
                    messages.push(again);
                }
                messages.push(step);
            }
        }
    }
    messages.shuffle(&mut dice);
    publish(&site, "dossier", 1, messages).await?;
    site.wait_count("select count(*) from dossier_step", steps).await?;
    let dossiers = i64::try_from(LIVES * ORDERS)?;
    site.wait_count("select count(*) from dossier", dossiers).await?;
    let different = "select count(distinct (split_part(dossier, '-', 1), to_jsonb(d) - 'dossier')) \
                     from dossier d";
    assert_eq!(site.count(different).await?, i64::try_from(LIVES)?);
    assert_eq!(site.count("select count(*) from quarantine").await?, 0);
    // What the API reads is what the steps fold to.
    let one = Some((SOURCE.to_owned(), "3-1".to_owned()));
    let filter = DossierFilter { one, limit: 1, ..DossierFilter::default() };
    let row = site.hub.store.dossiers(&filter).await?.pop().context("the dossier")?;
    let steps = site.hub.store.dossier_steps(SOURCE, "3-1").await?;
    assert_eq!(steps.last().map(|told| told.step.status), Some(row.record.status));
    let settings = ioc_hub::hub::record_settings(&site.options.config, site.city.time_zone)?;
    let units = site.hub.store.unit_trees().await?;
    let rules = ioc_hub::record::Rules {
        zone: settings.zone,
        calendar: &settings.calendar,
        units: &units,
        parameters: &settings.parameters,
    };
    let folded =
        ioc_hub::record::dossier::fold(steps, ioc_hub::record::dossier::Links::default(), &rules);
    assert_eq!(folded, Some(row.record));
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_told_otherwise_is_a_conflict() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let first = step("d-1", 2, at("2026-03-02 08:00"));
    let mut other = first.clone();
    other["unit"] = json!("gso:31120");
    publish(&site, "dossier", 1, [first.clone(), other, first]).await?;
    let conflicts = "select count(*) from quarantine where reason = 'conflict'";
    site.wait_count(conflicts, 1).await?;
    site.wait_count("select duplicates from source_state where source = 'onestop-can-tho'", 1)
        .await?;
    assert_eq!(site.count("select count(*) from dossier_step where unit is null").await?, 1);
    let received = at("2026-03-02 09:00");
    let mut again = petition("p-1", "received", received, None);
    publish(&site, "petition", 1, [again.clone()]).await?;
    again["satisfied"] = json!(true);
    publish(&site, "petition", 2, [again]).await?;
    let bad = form("f-1", received, "citizen", "d-1", [2, 2]);
    let worse = form("f-1", received, "citizen", "d-1", [0, 0]);
    publish(&site, "assessment", 1, [bad, worse]).await?;
    let signed = |unit: &str| {
        json!({"v": 1, "time": received, "boot": 1, "document": "t-1", "state": "signed",
               "at": received, "unit": unit})
    };
    publish(&site, "document", 1, [signed("gso:31135"), signed("gso:31120")]).await?;
    site.wait_count(conflicts, 4).await?;
    assert_eq!(site.count("select count(*) from document where unit = 'gso:31135'").await?, 1);
    assert_eq!(site.count("select count(*) from dossier where disliked").await?, 0);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn petitions_and_forms_reach_the_dossier_that_they_name_in_any_order() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let received = at("2026-03-02 09:00");
    let asked = |dossier: &str| petition("p-1", "received", received, Some(dossier));
    publish(&site, "petition", 1, [asked("d-1")]).await?;
    let agency = form("f-1", received, "agency", "d-2", [0, 0]);
    let citizen = form("f-2", received, "citizen", "d-1", [1, 0]);
    publish(&site, "assessment", 1, [agency, citizen]).await?;
    site.wait_count("select count(*) from petition", 1).await?;
    site.wait_count("select count(*) from assessment", 2).await?;
    // The dossiers come only now.
    let steps = ["d-1", "d-2", "d-3"].map(|code| step(code, 2, at("2026-03-02 08:00")));
    publish(&site, "dossier", 1, steps).await?;
    let dossiers = "select count(*) from dossier";
    site.wait_count(dossiers, 3).await?;
    let linked = "select petitions from dossier where dossier = 'd-1'";
    assert_eq!(site.count("select petitions::int8 from dossier where dossier = 'd-1'").await?, 1);
    assert_eq!(site.count("select count(*) from dossier where disliked").await?, 1, "{linked}");
    // The petition turns out to be about another one, and its citizen dislikes that too.
    let later = petition("p-1", "processing", received + TimeDelta::hours(1), Some("d-2"));
    publish(&site, "petition", 2, [later]).await?;
    publish(&site, "assessment", 3, [form("f-3", received, "citizen", "d-2", [0, 1])]).await?;
    site.wait_count("select petitions::int8 from dossier where dossier = 'd-2'", 1).await?;
    site.wait_count("select count(*) from dossier where disliked", 2).await?;
    assert_eq!(site.count("select petitions::int8 from dossier where dossier = 'd-1'").await?, 0);
    let filter =
        PetitionFilter { dossier: Some("d-2".to_owned()), limit: 9, ..PetitionFilter::default() };
    let petitions = site.hub.store.petitions(&filter).await?;
    assert_eq!(petitions.len(), 1);
    assert_eq!(site.hub.store.petition_steps(SOURCE, "p-1").await?.len(), 2);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_dossiers_go_on_where_the_one_before_ended() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut steps: Vec<Value> = Vec::new();
    for n in 0..7 {
        // Two at a time are handed in at once.
        let handed_in = at("2026-03-02 08:00") + TimeDelta::hours(n / 2);
        let mut accepted = step(&format!("d-{n}"), 2, handed_in);
        accepted["unit"] = json!(if n < 5 { "gso:31135" } else { "gso:31120" });
        accepted["due_at"] = json!(at("2026-03-09 17:00"));
        steps.push(accepted);
    }
    steps.push(step("d-0", 9, at("2026-03-11 08:00")));
    publish(&site, "dossier", 1, steps).await?;
    site.wait_count("select count(*) from dossier where ended_at is not null", 1).await?;
    let mut filter = DossierFilter { limit: 2, ..DossierFilter::default() };
    let mut codes: Vec<String> = Vec::new();
    loop {
        let page = site.hub.store.dossiers(&filter).await?;
        let Some(last) = page.last() else { break };
        let code = last.record.dossier.to_string();
        filter.after = Some((last.record.submitted_at, last.source.clone(), code));
        codes.extend(page.iter().map(|row| row.record.dossier.to_string()));
    }
    assert_eq!(codes, ["d-6", "d-5", "d-4", "d-3", "d-2", "d-1", "d-0"]);
    let count = async |filter: DossierFilter| -> anyhow::Result<usize> {
        Ok(site.hub.store.dossiers(&DossierFilter { limit: 99, ..filter }).await?.len())
    };
    let units = vec!["gso:31120".to_owned()];
    assert_eq!(count(DossierFilter { units, ..DossierFilter::default() }).await?, 2);
    let open = DossierFilter { is_open: Some(true), ..DossierFilter::default() };
    assert_eq!(count(open).await?, 6);
    // Overdue from the day after the due day on.
    for (now, overdue) in [("2026-03-09 23:59", 0), ("2026-03-10 00:00", 6)] {
        let overdue_at = Some(at(now));
        let found = count(DossierFilter { overdue_at, ..DossierFilter::default() }).await?;
        assert_eq!(found, overdue, "{now}");
    }
    let one = Some((SOURCE.to_owned(), "d-0".to_owned()));
    let filter = DossierFilter { one, limit: 1, ..DossierFilter::default() };
    let ended = site.hub.store.dossiers(&filter).await?.pop().context("the dossier")?;
    assert_eq!(ended.record.outcome, Some(Outcome::Late));
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_other_rules_are_judged_anew() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let codes: Vec<String> = (0..450).map(|n| format!("d-{n}")).collect();
    let steps = codes.iter().map(|code| {
        let mut step = step(code, 2, at("2026-03-02 08:00"));
        step["due_at"] = json!(at("2026-03-09 17:00"));
        step
    });
    publish(&site, "dossier", 1, steps).await?;
    site.wait_count("select count(*) from dossier", 450).await?;
    let first = crate::message::ticket("t-1", "new", at("2026-03-02 08:00"), 1);
    site.publish_json("desk/desk-1022/ticket", &first).await?;
    site.wait_count("select count(*) from ticket", 1).await?;
    let (options, database, broker) = site.stop().await?;
    let client = crate::server::connect(&database).await?;
    // As an older program left them.
    client
        .batch_execute(
            "update dossier set overdue_day = null, overdue_at = null; \
             update ticket set created_day = null; \
             update record_rule set rules = 'of before'",
        )
        .await?;
    let site = Site::start_on(options, database, broker).await?;
    // Nothing comes any more: the hub goes on by itself.
    let stale = "select count(*) from dossier where overdue_day is distinct from '2026-03-10'";
    site.wait_count(stale, 0).await?;
    site.wait_count("select count(*) from record_rule where not is_done", 0).await?;
    assert_eq!(site.count("select count(*) from ticket where created_day is null").await?, 0);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_over_are_kept_for_their_time() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let steps = [
        step("over", 2, at("2026-03-02 08:00")),
        step("over", 9, at("2026-03-03 08:00")),
        step("open", 2, at("2026-03-02 08:00")),
        step("refused", 3, at("2026-03-02 08:00")),
        step("late", 9, at("2026-05-02 08:00")),
    ];
    publish(&site, "dossier", 1, steps).await?;
    let received = at("2026-03-02 09:00");
    let answered = petition("p-1", "answered", received, None);
    publish(&site, "petition", 1, [answered, petition("p-2", "received", received, None)]).await?;
    publish(&site, "assessment", 1, [form("f-1", received, "citizen", "over", [2, 2])]).await?;
    site.wait_count("select count(*) from dossier", 4).await?;
    site.wait_count("select count(*) from petition", 2).await?;
    site.wait_count("select count(*) from assessment", 1).await?;
    let keep =
        Retention { record: TimeDelta::days(30), ..ioc_hub::hub::retention(&site.options.config) };
    let removed = retention::enforce(&site.client().await?, &keep, at("2026-05-10 08:00")).await?;
    // Three steps of dossiers, one of a petition, one form.
    assert_eq!(removed.rows, 5);
    let left = "select count(*) from dossier where dossier in ('open', 'late')";
    assert_eq!(site.count(left).await?, 2);
    assert_eq!(site.count("select count(*) from dossier_step").await?, 2);
    assert_eq!(site.count("select count(*) from petition_step where petition = 'p-2'").await?, 1);
    site.stop().await?;
    Ok(())
}
