//! Sums of measures: the cube equals what the records give after any steps in any order, and every
//! figure equals the records that are listed behind it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use ioc_hub::{
    indicator::measure::{
        By, Dimension, Measure, Noun, OpenBorders, OpenPart, Ranked, Slice, Span, Sums,
    },
    store::{Store, measure::Page},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

use crate::site::Site;

const SOURCE: &str = "onestop-can-tho";
const UNITS: [&str; 3] = ["gso:31135", "gso:31120", "agency:H13.05"];

/// Dossiers, and the most steps of one.
const LIVES: u32 = 150;
const STEPS: u32 = 8;

fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_000_000, 0).unwrap_or_default()
}

/// A life that goes anywhere within half a year, with values told here and there.
fn life(dice: &mut StdRng, number: u32) -> Vec<Value> {
    let mut time = begin() + TimeDelta::minutes(dice.random_range(0..200_000));
    let count = dice.random_range(1..=STEPS);
    let steps = (0..count).map(|_n| {
        time += TimeDelta::minutes(dice.random_range(1..9_000));
        let mut step = json!({
            "v": 1, "time": time, "boot": 1, "dossier": format!("d-{number}"), "at": time,
            "status": dice.random_range(1..=10),
        });
        let due = time + TimeDelta::minutes(dice.random_range(100..6_000));
        let told = [
            ("unit", json!(UNITS[dice.random_range(0..UNITS.len())])),
            ("received_by", json!(UNITS[dice.random_range(0..UNITS.len())])),
            ("formality", json!(format!("1.00512{}", dice.random_range(0..4)))),
            ("field", json!(format!("field-{}", dice.random_range(0..3)))),
            ("channel", json!(dice.random_range(1..=3))),
            ("submitted_at", json!(time - TimeDelta::minutes(dice.random_range(0..3_000)))),
            ("due_at", json!(due)),
            ("limit", json!({"value": dice.random_range(1..20), "unit": "working_day"})),
            ("digitised", json!(dice.random::<bool>())),
            ("has_component_file", json!(dice.random::<bool>())),
            ("reused", json!(dice.random::<bool>())),
            ("from_national_store", json!(dice.random::<bool>())),
            ("vneid", json!(dice.random::<bool>())),
            ("paid_online", json!(dice.random_range(0..=2))),
            ("fees", json!([{"kind": "fee", "amount_vnd": dice.random_range(0..2) * 5_000}])),
            ("result_links", json!(dice.random_range(0..2))),
            ("step", json!(format!("step-{}", dice.random_range(0..3)))),
            ("step_due_at", json!(due)),
            ("apology_at", json!(time)),
        ];
        for (key, value) in told {
            if dice.random_ratio(1, 2) {
                step[key] = value;
            }
        }
        step
    });
    steps.collect()
}

fn petition(dice: &mut StdRng, number: u32) -> Value {
    let time = begin() + TimeDelta::minutes(dice.random_range(0..200_000));
    let status = ["received", "transferred", "answered", "published", "refused"];
    json!({
        "v": 1, "time": time, "boot": 1, "petition": format!("p-{}", number / 2),
        "status": status[dice.random_range(0..status.len())], "at": time, "kind": "service",
        "class": "staff", "unit": UNITS[dice.random_range(0..UNITS.len())],
        "dossier": format!("d-{}", dice.random_range(0..LIVES)),
    })
}

fn form(dice: &mut StdRng, number: u32) -> Value {
    let time = begin() + TimeDelta::minutes(dice.random_range(0..200_000));
    let by = ["citizen", "agency", "appraiser"];
    json!({
        "v": 1, "time": time, "boot": 1, "form": format!("f-{number}"), "period": "2026-Q1",
        "unit": UNITS[dice.random_range(0..UNITS.len())], "by": by[dice.random_range(0..3)],
        "dossier": format!("d-{}", dice.random_range(0..LIVES)),
        "scores": {"N3": dice.random_range(0..=2), "N7": dice.random_range(0..=2)},
    })
}

fn document(dice: &mut StdRng, number: u32) -> Value {
    let time = begin() + TimeDelta::minutes(dice.random_range(0..200_000));
    let state = ["reviewed", "digitised", "signed", "withdrawn"];
    json!({
        "v": 1, "time": time, "boot": 1, "document": format!("t-{}", number / 3), "at": time,
        "state": state[dice.random_range(0..state.len())], "unit": UNITS[0],
    })
}

/// Publishes random steps in random order and waits until all of them are folded.
async fn fill(site: &Site, dice: &mut StdRng) -> anyhow::Result<()> {
    let mut dossiers: Vec<Value> = (0..LIVES).flat_map(|number| life(dice, number)).collect();
    dossiers.shuffle(dice);
    let expected = i64::try_from(dossiers.len())?;
    let others = [
        ("petition", (0..30).map(|number| petition(dice, number)).collect::<Vec<_>>()),
        ("assessment", (0..40).map(|number| form(dice, number)).collect()),
        ("document", (0..40).map(|number| document(dice, number)).collect()),
    ];
    let mut messages: Vec<(String, Vec<u8>)> = Vec::new();
    for (stream, lot) in [("dossier", dossiers)].into_iter().chain(others) {
        for (mut message, seq) in lot.into_iter().zip(1_u64..) {
            message["seq"] = json!(seq);
            let topic = format!("onestop/{SOURCE}/{stream}");
            messages.push((topic, message.to_string().into_bytes()));
        }
    }
    messages.shuffle(dice);
    site.publish_all(messages).await?;
    site.wait_count("select count(*) from dossier_step", expected).await?;
    site.wait_count("select count(*) from petition_step", 30).await?;
    site.wait_count("select count(*) from document_step", 40).await?;
    site.wait_count("select count(*) from assessment", 40).await
}

async fn total(store: &Store, m: Measure, span: Span, by: By) -> anyhow::Result<i64> {
    let sums = store.measures(&[m], span, &Slice::default(), by).await?;
    Ok(sums.iter().map(|sums| sums.values[0]).sum())
}

/// Sum of what the listed records add, in pages of seven.
async fn listed(store: &Store, site: &Site, m: Measure, span: Span) -> anyhow::Result<i64> {
    let mut page = Page { after: None, limit: 7 };
    let (mut sum, mut seen) = (0, BTreeSet::new());
    loop {
        let zone = site.city.time_zone;
        let rows = store.measured_records(m, span, &Slice::default(), &page, zone).await?;
        let Some(last) = rows.last() else { return Ok(sum) };
        page.after = Some((last.at, last.source.clone(), last.id.clone()));
        for row in rows {
            sum += row.amount;
            ensure!(seen.insert((row.source, row.id.clone())), "{} is listed twice", row.id);
        }
    }
}

fn day(text: &str) -> anyhow::Result<NaiveDate> {
    Ok(text.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_equals_its_records_after_any_steps_in_any_order() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let store = &site.hub.store;
    fill(&site, &mut StdRng::seed_from_u64(7)).await?;
    let verified = store.verify_cells(None, Span::BEGIN).await?;
    assert_eq!(verified.differences, []);
    assert!(verified.cells > 500, "{} cells", verified.cells);
    // Whole months and years, days only, and all of it.
    let spans = [
        Span { from: day("2026-02-01")?, to: day("2026-04-01")? },
        Span { from: day("2026-02-11")?, to: day("2026-02-19")? },
        Span { from: day("2025-06-15")?, to: day("2027-02-03")? },
    ];
    let mut counted = 0;
    for &measure in Measure::ALL {
        for span in spans {
            let unit = total(store, measure, span, By::UNIT).await?;
            counted += unit.abs();
            assert_eq!(unit, total(store, measure, span, By::TOTAL).await?, "{measure:?}");
            for dimension in
                [Dimension::Formality, Dimension::Field, Dimension::Day, Dimension::Month]
            {
                for unit_too in [true, false] {
                    let by = By { unit: unit_too, dimension: Some(dimension) };
                    let sum = total(store, measure, span, by).await?;
                    assert_eq!(sum, unit, "{measure:?} by {dimension:?} in {span:?}");
                }
            }
            assert_eq!(listed(store, &site, measure, span).await?, unit, "{measure:?} {span:?}");
        }
    }
    assert!(counted > 5_000, "{counted} counted");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn histograms_and_active_formalities_agree_with_the_sums() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let store = &site.hub.store;
    fill(&site, &mut StdRng::seed_from_u64(8)).await?;
    let slice = Slice::default();
    for span in [
        Span { from: day("2026-01-01")?, to: day("2027-01-01")? },
        Span { from: day("2026-02-11")?, to: day("2026-05-02")? },
    ] {
        let known = total(store, Measure::HandlingKnown, span, By::TOTAL).await?;
        let kept = store.histograms(Ranked::Handling, span, &slice, By::TOTAL).await?;
        let counts = kept.iter().flat_map(|histogram| &histogram.counts);
        assert_eq!(counts.map(|(_, count)| count).sum::<i64>(), known);
        // By channel they come from the records.
        let by = By { unit: false, dimension: Some(Dimension::Channel) };
        let mut buckets: BTreeMap<i32, i64> = BTreeMap::new();
        for histogram in store.histograms(Ranked::Handling, span, &slice, by).await? {
            for (bucket, count) in histogram.counts {
                *buckets.entry(bucket).or_default() += count;
            }
        }
        let kept = kept.into_iter().flat_map(|histogram| histogram.counts);
        assert_eq!(buckets.into_iter().collect::<Vec<_>>(), kept.collect::<Vec<_>>());
        let by = By { unit: true, dimension: Some(Dimension::Formality) };
        let sums = store.measures(&[Measure::PaidOnline], span, &slice, by).await?;
        let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for Sums { unit, key, .. } in sums {
            if !key.is_empty() {
                expected.entry(unit).or_default().insert(key);
            }
        }
        let asked = [Measure::Vneid, Measure::PaidOnline];
        let active = store.active_formalities(&asked, span, &slice).await?;
        let of = |mark: i32| {
            let mut units: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for active in active.iter().filter(|active| active.mark & mark != 0) {
                let codes = units.entry(active.unit.clone()).or_default();
                codes.extend(active.formalities().map(str::to_owned));
            }
            units
        };
        assert_eq!(of(2), expected);
        assert!(!of(1).is_empty() && of(1) != of(2));
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_equals_its_records_and_what_came_less_what_went() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let (store, slice) = (&site.hub.store, Slice::default());
    fill(&site, &mut StdRng::seed_from_u64(9)).await?;
    let now = begin() + TimeDelta::days(100);
    let back = |days: i64| (now - TimeDelta::days(days)).date_naive();
    let bands = [back(3), back(8), back(15), back(30)];
    let span = Span { from: back(60), to: back(20) };
    let (soon, end) = (now + TimeDelta::days(1), now + TimeDelta::days(400));
    let borders = OpenBorders { now, soon, bands, span, end };
    for noun in [Noun::Dossier, Noun::Petition, Noun::Ticket] {
        let open = store.open_now(noun, &borders, &slice, By::TOTAL).await?;
        let open = open.into_iter().next().unwrap_or_default();
        assert_eq!(open.bands.iter().sum::<i64>(), open.open);
        let days = store.open_days(noun, &slice).await?;
        assert_eq!(days.iter().map(|(_, _, count)| count).sum::<i64>(), open.open);
        let parts = [
            (OpenPart::Open, open.open),
            (OpenPart::Overdue, open.overdue),
            (OpenPart::InTime, open.open - open.overdue),
            (OpenPart::InTime766, open.open - open.overdue - open.waiting_late),
            (OpenPart::DueSoon, open.due_soon),
            (OpenPart::Band(4), open.bands[4]),
        ];
        let page = Page { after: None, limit: 10_000 };
        for (part, expected) in parts {
            let rows = store.open_records(noun, part, &borders, &slice, &page).await?;
            assert_eq!(i64::try_from(rows.len())?, expected, "{noun:?} {part:?}");
        }
    }
    let open = store.open_now(Noun::Dossier, &borders, &slice, By::TOTAL).await?;
    let end = Span::until(day("2030-01-01")?);
    let came = total(store, Measure::Received, end, By::TOTAL).await?;
    let went = total(store, Measure::Resolved, end, By::TOTAL).await?;
    assert!(went > 0 && came > went, "{came} came, {went} went");
    assert_eq!(open.iter().map(|sums| sums.open).sum::<i64>(), came - went);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_cell_is_found_and_built_anew() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let store = &site.hub.store;
    fill(&site, &mut StdRng::seed_from_u64(10)).await?;
    let owner = store.connect_owner().await?;
    let wrong = "update dossier_cell set received = received + 3 where level = 2 and received > 0 \
                 and (day, unit, channel) = (select day, unit, channel from dossier_cell \
                   where level = 2 and received > 0 order by 1, 2, 3 limit 1)";
    assert_eq!(owner.execute(wrong, &[]).await?, 1);
    owner.execute("delete from dossier_handling where level = 1", &[]).await?;
    let verified = store.verify_cells(None, Span::BEGIN).await?;
    let cells: Vec<_> =
        verified.differences.iter().filter(|found| found.table == "dossier_cell").collect();
    assert_eq!(cells.len(), 1, "{cells:?}");
    assert_eq!((cells[0].column.as_str(), cells[0].stored - cells[0].recomputed), ("received", 3));
    assert!(verified.differences.iter().any(|found| found.table == "dossier_handling"));
    let rebuilt = store.recompute_cells(None, Span::BEGIN).await?;
    assert!(rebuilt.cells > 500, "{rebuilt:?}");
    assert_eq!(store.verify_cells(None, Span::BEGIN).await?.differences, []);
    // A change of the catalogue makes it stale, and only one that concerns stored dossiers.
    let formality = "insert into formality (code, valid_from, name_vi, name_en, level, online_level, \
                     has_fee, source, mark) values ($1, '2020-01-01', 'x', 'x', 'commune', 'full', \
                     true, 'test', 'demonstration')";
    owner.execute(formality, &[&"9.999999"]).await?;
    assert_eq!(store.refresh_cells(Span::BEGIN).await?, None);
    owner.execute(formality, &[&"1.005121"]).await?;
    assert!(store.refresh_cells(Span::BEGIN).await?.is_some());
    assert_eq!(store.refresh_cells(Span::BEGIN).await?, None);
    let span = Span::until(day("2030-01-01")?);
    assert!(total(store, Measure::FeeFormality, span, By::TOTAL).await? > 0);
    assert_eq!(store.verify_cells(None, Span::BEGIN).await?.differences, []);
    site.stop().await?;
    Ok(())
}
