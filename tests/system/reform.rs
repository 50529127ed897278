//! Indicators, scorecards, identities and the closing of periods, from records that came over the broker.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::{
    calendar::Calendar,
    clock::{SharedClock, TestClock},
    indicator::{
        catalogue::Catalogue,
        exact::Milli,
        law::Parameters,
        measure::{Dimension, Span},
        nine::ScoreOrigin,
        value::{Answer, Ask, Mode, Narrow, Split, Status, Value},
    },
    reform::{
        self, Context, ReformError,
        close::{Ruling, close_period, overrule},
    },
};
use serde_json::{Value as Json, json};

use crate::site::Site;

mod answers;
mod past;

const SOURCE: &str = "onestop-can-tho";
const WARD: &str = "gso:31135";
const OTHER: &str = "gso:31120";

/// `2026-03-02 08:00`, local time.
fn at(text: &str) -> DateTime<Utc> {
    let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
    (local - TimeDelta::hours(7)).and_utc()
}

fn step(dossier: &str, unit: &str, status: u8, when: &str) -> Json {
    let at = at(when);
    json!({
        "v": 1, "time": at, "boot": 1, "dossier": dossier, "status": status, "at": at, "unit": unit,
    })
}

/// An accepted dossier that is due on a day.
fn accepted(dossier: &str, unit: &str, channel: u8, when: &str, due: &str) -> Json {
    let mut accepted = step(dossier, unit, 2, when);
    accepted["channel"] = json!(channel);
    accepted["due_at"] = json!(at(due));
    accepted
}

async fn publish(
    site: &Site,
    stream: &str,
    first: u64,
    messages: impl IntoIterator<Item = Json>,
) -> anyhow::Result<()> {
    let numbered = messages.into_iter().zip(first..).map(|(mut message, seq)| {
        message["seq"] = json!(seq);
        (format!("onestop/{SOURCE}/{stream}"), message.to_string().into_bytes())
    });
    site.publish_all(numbered.collect::<Vec<_>>()).await
}

async fn context(site: &Site, now: &str) -> anyhow::Result<Context> {
    let clock: SharedClock = Arc::new(TestClock::new(at(now)));
    Ok(Context {
        units: Arc::new(site.hub.store.unit_trees().await?),
        calendar: Arc::new(Calendar::vietnam()),
        catalogue: Arc::new(Catalogue::configured("")?),
        parameters: Arc::new(Parameters::configured("")?),
        zone: site.city.time_zone,
        clock,
    })
}

fn ask(ids: &[&str], period: &str, split: Split) -> Ask {
    Ask {
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        unit: None,
        period: period.parse().expect("a period"),
        split,
        mode: Mode::AsWas,
        narrow: Narrow::default(),
    }
}

/// The main figure of an indicator for a unit.
fn main_of<'a>(answer: &'a Answer, id: &str, unit: &str) -> &'a Value {
    let found = answer.values.iter().find(|value| {
        value.id == id && value.unit == unit && value.part.is_none() && value.key.is_none()
    });
    found.ok_or_else(|| format!("{id} of {unit}")).expect("a value")
}

fn whole(value: &Value) -> Option<i64> {
    value.value.map(|value| value.0 / 1_000)
}

/// March 2026: two early, one on the day, one late, one refused before acceptance, one without a due time,
/// one still open and overdue since, one of February still open; two units.
async fn march(site: &Site) -> anyhow::Result<()> {
    let steps = [
        accepted("d-1", WARD, 2, "2026-03-02 08:00", "2026-03-09 17:00"),
        step("d-1", WARD, 9, "2026-03-05 09:00"),
        accepted("d-2", WARD, 2, "2026-03-02 08:00", "2026-03-09 17:00"),
        step("d-2", WARD, 9, "2026-03-06 09:00"),
        accepted("d-3", OTHER, 1, "2026-03-02 08:00", "2026-03-09 17:00"),
        step("d-3", OTHER, 9, "2026-03-09 09:00"),
        accepted("d-4", OTHER, 3, "2026-03-02 08:00", "2026-03-09 17:00"),
        step("d-4", OTHER, 9, "2026-03-12 09:00"),
        step("d-5", OTHER, 1, "2026-03-02 08:00"),
        step("d-5", OTHER, 3, "2026-03-03 08:00"),
        step("d-6", WARD, 2, "2026-03-02 08:00"),
        step("d-6", WARD, 9, "2026-03-04 08:00"),
        accepted("d-7", WARD, 1, "2026-03-20 08:00", "2026-03-27 17:00"),
        accepted("d-8", WARD, 1, "2026-02-25 08:00", "2026-04-10 17:00"),
    ];
    publish(site, "dossier", 1, steps).await?;
    site.wait_count("select count(*) from dossier_step", 14).await
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_of_a_month_follow_from_the_steps() -> anyhow::Result<()> {
    let site = Site::start().await?;
    march(&site).await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let store = &site.hub.store;
    let ids = [
        "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A10", "A11", "A12", "A20",
        "A26", "C01", "B06", "H03", "H07",
    ];
    let answer = reform::evaluate(store, &context, &ask(&ids, "2026-03", Split::Total)).await?;
    let expected = [
        ("A01", 6),
        ("A02", 1),
        ("A03", 7),
        ("A04", 5),
        ("A05", 2),
        ("A06", 1),
        ("A07", 1),
        ("A08", 2),
        ("A09", 1),
        ("A10", 1),
        ("A11", 1),
        ("H07", 0),
    ];
    for (id, count) in expected {
        assert_eq!(whole(main_of(&answer, id, "gso:92")), Some(count), "{id}");
    }
    let on_time = main_of(&answer, "A12", "gso:92");
    assert_eq!((on_time.numerator, on_time.denominator), (Some(3), Some(4)));
    assert_eq!(on_time.value, Some(Milli(75_000)));
    let completeness = on_time.completeness.expect("units report");
    assert_eq!((completeness.reporting, completeness.expected), (2, 117));
    assert_eq!(main_of(&answer, "A20", "gso:92").value, Some(Milli(14_290)));
    assert_eq!(main_of(&answer, "A26", "gso:92").status, Status::NoFeed);
    // No ticket ever came: that is no data, and not zero.
    let tickets = main_of(&answer, "C01", "gso:92");
    assert_eq!((tickets.value, tickets.status), (None, Status::NoData));
    let online = main_of(&answer, "B06", "gso:92");
    assert_eq!((online.numerator, online.denominator), (Some(2), Some(6)));
    // Units below add up to the city, and so do keys.
    let children =
        reform::evaluate(store, &context, &ask(&["A01"], "2026-03", Split::Children)).await?;
    let sum: i64 = children.values.iter().filter_map(whole).sum();
    assert_eq!(sum, 6);
    let keyed = ask(&["A01"], "2026-03", Split::Key(Dimension::Channel));
    let keyed = reform::evaluate(store, &context, &keyed).await?;
    let of = |key: &str| {
        let found = keyed.values.iter().find(|value| value.key.as_deref() == Some(key));
        found.and_then(whole)
    };
    assert_eq!((of("online"), of("direct"), of("post")), (Some(2), Some(3), Some(1)));
    // The running month counts what is open now; identities hold for every unit in both.
    for period in ["2026-03", "2026-05", "2026"] {
        for checked in reform::identities(store, &context, period.parse()?, None).await? {
            assert!(checked.holds(), "{checked:?}");
        }
    }
    let now =
        reform::evaluate(store, &context, &ask(&["A08", "A10", "A25"], "2026-05", Split::Total))
            .await?;
    assert_eq!(whole(main_of(&now, "A10", "gso:92")), Some(2));
    let bands: Vec<i64> =
        now.values.iter().filter(|value| value.part.is_some()).filter_map(whole).collect();
    assert_eq!(bands, [0, 0, 0, 0, 2]);
    let refused = reform::evaluate(store, &context, &ask(&["A99"], "2026-03", Split::Total)).await;
    assert!(matches!(refused, Err(ReformError::NoIndicator { .. })), "{refused:?}");
    let keyed = ask(&["A11"], "2026-03", Split::Key(Dimension::Channel));
    let refused = reform::evaluate(store, &context, &keyed).await;
    assert!(matches!(refused, Err(ReformError::NoDimension { .. })), "{refused:?}");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_indicator_can_be_asked_of_every_unit_in_every_period() -> anyhow::Result<()> {
    let site = Site::start().await?;
    march(&site).await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let ids: Vec<&str> = context.catalogue.iter().map(|indicator| indicator.id.as_str()).collect();
    for (period, mode) in [
        ("2021", Mode::AsWas),
        ("2025", Mode::AsIs),
        ("2025", Mode::AsWas),
        ("2026-Q1", Mode::AsWas),
        ("2026-W10", Mode::AsWas),
        ("2026-05", Mode::AsIs),
        ("2026-05-04", Mode::AsWas),
        ("2030", Mode::AsWas),
    ] {
        for split in [Split::Total, Split::All] {
            let ask = Ask { mode, ..ask(&ids, period, split) };
            let answer = reform::evaluate(&site.hub.store, &context, &ask).await?;
            for value in &answer.values {
                assert!(period != "2030" || value.value.is_none(), "{value:?}");
                let is_null = matches!(value.status, Status::NoFeed | Status::NoData);
                assert!(!is_null || value.value.is_none(), "{period} {value:?}");
                assert!(value.status != Status::Ok || value.value.is_some(), "{period} {value:?}");
            }
        }
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn late_data_stands_beside_what_a_closed_period_published() -> anyhow::Result<()> {
    let site = Site::start().await?;
    march(&site).await?;
    let context = context(&site, "2026-04-05 09:00").await?;
    let store = &site.hub.store;
    let quarter = "2026-Q1".parse()?;
    let refused = close_period(store, &context, "2026-04".parse()?, Some("lan")).await;
    assert!(matches!(refused, Err(ReformError::NotOver(_))), "{refused:?}");
    assert!(close_period(store, &context, quarter, Some("lan")).await? > 0);
    assert_eq!(close_period(store, &context, quarter, Some("lan")).await?, 0);
    let journal = "select count(*) from journal where action = 'close_period' and who = 'lan'";
    assert_eq!(site.count(journal).await?, 1);
    let before =
        reform::evaluate(store, &context, &ask(&["A01", "H06"], "2026-Q1", Split::Total)).await?;
    assert!(before.period.is_closed);
    assert_eq!(whole(main_of(&before, "H06", "gso:92")), Some(0));
    let late = accepted("d-9", WARD, 2, "2026-03-30 08:00", "2026-04-10 17:00");
    publish(&site, "dossier", 100, [late]).await?;
    site.wait_count("select count(*) from dossier_step", 15).await?;
    let after =
        reform::evaluate(store, &context, &ask(&["A01", "H06"], "2026-Q1", Split::Total)).await?;
    let value = main_of(&after, "A01", "gso:92");
    let published = value.as_published.expect("the quarter is closed");
    assert_eq!((value.value, published.value), (Some(Milli::whole(8)), Some(Milli::whole(7))));
    assert!(whole(main_of(&after, "H06", "gso:92")) > Some(0));
    // Longer periods close by themselves, once.
    let closed = reform::close::close_due(store, &context).await?;
    let closed: Vec<String> = closed.iter().map(ToString::to_string).collect();
    let due = ["2026-03", "2026-02", "2026-01", "2025-12", "2025-Q4", "2025-H2", "2025"];
    assert_eq!(closed, due);
    assert!(reform::close::close_due(store, &context).await?.is_empty());
    site.stop().await?;
    Ok(())
}

fn form(number: &str, by: &str, scores: [f64; 9]) -> Json {
    let scores: serde_json::Map<String, Json> =
        scores.iter().zip(1..).map(|(score, n)| (format!("N{n}"), json!(score))).collect();
    json!({
        "v": 1, "time": at("2026-03-31 08:00"), "boot": 1, "form": number, "unit": WARD,
        "period": "2026-Q1", "by": by, "channel": "tablet", "scores": scores,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn both_scorecards_are_computed_for_every_unit() -> anyhow::Result<()> {
    let site = Site::start().await?;
    march(&site).await?;
    let forms = [
        form("f-1", "agency", [2.0, 2.0, 2.0, 2.0, 1.0, 1.5, 2.0, 2.0, 1.0]),
        form("f-2", "appraiser", [1.8, 1.8, 2.0, 2.0, 1.0, 1.5, 1.978, 2.0, 1.675]),
        form("f-3", "citizen", [2.0, 2.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]),
    ];
    publish(&site, "assessment", 1, forms).await?;
    site.wait_count("select count(*) from assessment", 3).await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let store = &site.hub.store;
    let quarter = "2026-Q1".parse()?;
    let cards = reform::scorecard_nine(store, &context, quarter, None, Mode::AsWas).await?;
    let card = cards.iter().find(|card| card.unit == WARD).expect("the ward");
    assert_eq!((card.total, card.rank), (Some(Milli(15_753)), Some(5)));
    assert_eq!((card.forms, card.own_minus_appraised), (1, Some(Milli(-253))));
    assert_eq!(card.scores[0].proposed, Some(Milli(2_000)));
    let other = cards.iter().find(|card| card.unit == OTHER).expect("the other ward");
    assert_eq!((other.total, other.scores[3].origin), (None, ScoreOrigin::Missing));
    assert_eq!(other.scores[0].value, Some(Milli(500)));
    let ruling = Ruling {
        unit: OTHER,
        quarter,
        indicator: 4,
        score: Some(Milli(1_500)),
        reason: "Kiểm tra hồ sơ giấy",
        who: "lan",
    };
    overrule(store, &context, &ruling).await?;
    for wrong in [
        Ruling { indicator: 10, ..ruling.clone() },
        Ruling { score: Some(Milli(2_001)), ..ruling.clone() },
        Ruling { reason: " ", ..ruling.clone() },
        Ruling { quarter: "2026".parse()?, ..ruling.clone() },
    ] {
        let refused = overrule(store, &context, &wrong).await;
        assert!(matches!(refused, Err(ReformError::Ruling)), "{refused:?}");
    }
    let cards = reform::scorecard_nine(store, &context, quarter, Some(OTHER), Mode::AsWas).await?;
    assert_eq!(cards.len(), 1);
    assert_eq!(cards[0].scores[3].value, Some(Milli(1_500)));
    assert_eq!(cards[0].scores[3].origin, ScoreOrigin::Overruled);
    let owner = site.client().await?;
    owner
        .execute(
            "insert into official_score (component, unit, period, score_e3, source, imported_at)
             values ('Q2.1', $1, '2026-Q1', 19000, 'test', now())",
            &[&WARD],
        )
        .await?;
    let cards = reform::scorecard_766(store, &context, quarter, None, None, Mode::AsWas).await?;
    let card = cards.iter().find(|card| card.unit == WARD).expect("the ward");
    let part = |id: &str| card.components.iter().find(|part| part.id == id).expect("a component");
    // Ended in time: 2 of 2 that have a due time; open: one in time, one overdue.
    assert_eq!((part("Q2.1").numerator, part("Q2.1").denominator), (Some(3), Some(4)));
    assert_eq!(part("Q2.1").score, Some(Milli(15_000)));
    assert_eq!(
        (part("Q2.1").official, card.difference),
        (Some(Milli(19_000)), Some(Milli(-4_000)))
    );
    assert_eq!(part("Q5.2").score, Some(Milli(6_000)));
    assert_eq!(part("Q1.4").status, Status::NoFeed);
    assert!(card.missing.contains(&"Q1.4".to_owned()) && card.class.is_none());
    drop(owner);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_catalogue_shows_in_the_next_answer() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let online = async || {
        let ask = ask(&["B01"], "2026-03", Split::Total);
        let answer = reform::evaluate(&site.hub.store, &context, &ask).await?;
        anyhow::Ok(whole(main_of(&answer, "B01", "gso:92")).unwrap_or(0))
    };
    let owner = site.client().await?;
    let before = online().await?;
    assert_eq!(online().await?, before);
    for (statement, more) in [
        (
            "insert into formality (code, valid_from, name_vi, name_en, level, online_level, source, mark)
             values ('t.1', '2021-01-01', 'x', 'x', 'commune', 'full', 'test', 'demonstration')",
            1,
        ),
        ("update formality set online_level = 'none' where code = 't.1'", 0),
        ("update formality set online_level = 'partial' where code = 't.1'", 1),
        ("delete from formality where code = 't.1'", 0),
    ] {
        assert_eq!(owner.execute(statement, &[]).await?, 1);
        assert_eq!(online().await?, before + more, "{statement}");
    }
    drop(owner);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_no_record_of_the_period_names_is_not_in_the_answer() -> anyhow::Result<()> {
    let site = Site::start().await?;
    march(&site).await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let of_month = async |period: &str| {
        let keyed = ask(&["A01", "A04"], period, Split::Key(Dimension::Month));
        let answer = reform::evaluate(&site.hub.store, &context, &keyed).await?;
        let values = answer.values.iter();
        let told = values.map(|value| (value.id.clone(), value.key.clone(), whole(value)));
        anyhow::Ok(told.collect::<Vec<_>>())
    };
    let value = |id: &str, key: &str, count| (id.to_owned(), Some(key.to_owned()), Some(count));
    let march = [value("A01", "2026-03", 6), value("A04", "2026-03", 5)];
    assert_eq!(of_month("2026-03").await?, march);
    let quarter = [
        value("A01", "2026-02", 1),
        value("A01", "2026-03", 6),
        value("A04", "2026-02", 0),
        value("A04", "2026-03", 5),
    ];
    assert_eq!(of_month("2026-Q1").await?, quarter);
    site.stop().await?;
    Ok(())
}
