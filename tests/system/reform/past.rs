//! What stood overdue, waiting or printed counts in a past period as it did in the running one.

use super::*;
use crate::message::{sample, ticket};

const CITY: &str = "gso:92";

/// Figures of one month as (numerator, denominator).
async fn figures(
    site: &Site,
    context: &Context,
    ids: &[&str],
    period: &str,
) -> anyhow::Result<Vec<(Option<i64>, Option<i64>)>> {
    let answer =
        reform::evaluate(&site.hub.store, context, &ask(ids, period, Split::Total)).await?;
    let of = |id: &&str| {
        let value = main_of(&answer, id, CITY);
        (value.numerator, value.denominator)
    };
    Ok(ids.iter().map(of).collect())
}

const fn share(numerator: i64, denominator: i64) -> (Option<i64>, Option<i64>) {
    (Some(numerator), Some(denominator))
}

fn petition(number: &str, status: &str, when: &str) -> Json {
    json!({
        "v": 1, "time": at(when), "boot": 1, "petition": number, "status": status, "at": at(when),
        "kind": "service", "class": "staff", "unit": WARD,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn petitions_that_stay_open_and_overdue_count_in_every_period() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let steps = [
        petition("p-1", "received", "2026-03-02 08:00"),
        petition("p-1", "answered", "2026-03-06 08:00"),
        petition("p-2", "received", "2026-03-03 08:00"),
        petition("p-3", "received", "2026-05-04 08:00"),
        petition("p-4", "received", "2026-02-02 08:00"),
    ];
    publish(&site, "petition", 1, steps).await?;
    site.wait_count("select count(*) from petition_step", 5).await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let ids = ["Q5.2", "C23", "Q5.3"];
    // Of those open at the end of March both are overdue; received in March was one of them.
    let march = figures(&site, &context, &ids, "2026-03").await?;
    assert_eq!(march, [share(1, 3), share(1, 3), share(1, 2)]);
    let may = figures(&site, &context, &ids, "2026-05").await?;
    assert_eq!(may, [share(1, 3), share(1, 3), share(1, 1)], "older ones are no part of May");
    let quarter = "2026-Q1".parse()?;
    let store = &site.hub.store;
    let cards = reform::scorecard_nine(store, &context, quarter, Some(WARD), Mode::AsWas).await?;
    assert_eq!(cards[0].scores[7].proposed, Some(Milli(0)), "one of three in time");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dossiers_that_wait_or_stay_open_are_judged_in_every_period() -> anyhow::Result<()> {
    let site = Site::start().await?;
    march(&site).await?;
    let steps = [
        accepted("d-20", WARD, 1, "2026-03-16 08:00", "2026-03-20 17:00"),
        step("d-20", WARD, 5, "2026-03-25 08:00"),
        accepted("d-21", WARD, 1, "2026-05-04 07:00", "2026-05-12 17:00"),
        step("d-21", WARD, 5, "2026-05-04 08:00"),
    ];
    publish(&site, "dossier", 100, steps).await?;
    site.wait_count("select count(*) from dossier_step", 18).await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let ids = ["A10", "A13", "Q5.4"];
    let of = async |period| figures(&site, &context, &ids, period).await;
    // Ended: three of four in time. Open: one overdue, one in time, one asked for papers too late.
    assert_eq!(of("2026-03").await?, [(Some(1), None), share(4, 7), share(5, 7)]);
    assert_eq!(of("2026-02").await?, [(Some(0), None), share(1, 1), share(0, 1)]);
    // Two are overdue, and of the two that wait one was asked in time.
    assert_eq!(of("2026-05").await?, [(Some(2), None), share(1, 4), share(1, 1)]);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_late_and_on_time_are_the_same_figure_in_every_period() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let (created, due) = ("2026-03-02 08:00", "2026-03-05 08:00");
    let steps = [
        ("1", "new", created, due),
        ("2", "new", created, due),
        ("2", "resolved", "2026-04-02 08:00", due),
        ("3", "new", created, due),
        ("3", "resolved", "2026-03-04 08:00", due),
        ("4", "new", "2026-02-02 08:00", "2026-02-05 08:00"),
        ("4", "resolved", "2026-03-10 08:00", "2026-02-05 08:00"),
        ("5", "new", created, due),
        ("5", "rejected", "2026-03-10 08:00", due),
    ];
    for (seq, (number, status, when, due)) in (1..).zip(steps) {
        let mut step = ticket(number, status, at(when), seq);
        step["due_at"] = json!(at(due));
        site.publish_json("desk/desk-1022/ticket", &step).await?;
    }
    site.wait_count("select count(*) from ticket_step", 9).await?;
    let ids = ["C04", "C06"];
    for (now, period, late, on_time) in [
        ("2026-05-04 10:00", "2026-02", 1, share(0, 1)),
        ("2026-05-04 10:00", "2026-03", 3, share(1, 4)),
        ("2026-05-04 10:00", "2026-04", 2, share(0, 2)),
        ("2026-04-30 10:00", "2026-04", 2, share(0, 2)),
    ] {
        let context = context(&site, now).await?;
        let found = figures(&site, &context, &ids, period).await?;
        assert_eq!(found, [(Some(late), None), on_time], "{period} at {now}");
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_of_online_dossiers_follow_the_catalogue_of_the_day() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let owner = site.client().await?;
    for (code, level, is_eligible, needs_paper) in [
        ("t.1", "full", Some(true), Some(true)),
        ("t.2", "4", Some(true), None),
        ("t.3", "full", None, Some(false)),
    ] {
        owner
            .execute(
                "insert into formality (code, valid_from, name_vi, name_en, level, online_level,
                   eligible_full, requires_paper_result, source, mark)
                 values ($1, '2021-01-01', 'x', 'x', 'commune', $2, $3, $4, 'test', 'demonstration')",
                &[&code, &level, &is_eligible, &needs_paper],
            )
            .await?;
    }
    let online = |number: &str, formality: &str, when: &str| {
        let mut step = step(number, WARD, 2, when);
        step["channel"] = json!(2);
        step["formality"] = json!(formality);
        step
    };
    let mut first = online("x-1", "t.1", "2026-03-02 08:00");
    first["due_at"] = json!(at("2026-03-03 08:00"));
    let mut done = step("x-1", WARD, 9, "2026-03-02 08:01");
    done["result_links"] = json!(1);
    let steps = [
        first,
        done,
        online("x-2", "t.1", "2026-03-02 08:00"),
        online("x-3", "t.2", "2026-03-31 16:00"),
        step("x-3", WARD, 10, "2026-04-01 08:00"),
        online("x-4", "t.3", "2026-03-02 08:00"),
        step("x-4", WARD, 7, "2026-03-03 08:00"),
    ];
    publish(&site, "dossier", 1, steps).await?;
    site.wait_count("select count(*) from dossier_step", 7).await?;
    let context = context(&site, "2026-05-04 10:00").await?;
    let ids = ["Q3.3", "Q3.4", "B07", "Q2.2", "A14", "A16"];
    let expected = [
        // One that requires a result on paper has no electronic one.
        share(3, 4),
        // Level 4 is no level of that day.
        share(2, 3),
        share(2, 3),
        // One minute, and an hour on each of two days: with a result, by the day of acceptance.
        share(121, 2),
        // By the day of end: one minute, and a day until the withdrawal.
        share(481, 2),
        // 1 of 480 minutes is 20.83 parts in ten thousand.
        share(21, 1),
    ];
    assert_eq!(figures(&site, &context, &ids, "2026-03").await?, expected);
    let verified = site.hub.store.verify_cells(None, Span::BEGIN).await?;
    assert_eq!(verified.differences, []);
    drop(owner);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_since_the_printed_number_are_added_to_it_for_ever() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let document = |number: &str, state: &str, when: &str| {
        json!({
            "v": 1, "time": at(when), "boot": 1, "document": number, "state": state, "at": at(when),
            "result_type": "KQ.G01", "unit": WARD, "has_holder": true,
        })
    };
    let steps = [
        document("t-1", "reviewed", "2026-03-05 08:00"),
        document("t-1", "signed", "2026-03-06 08:00"),
        document("t-2", "reviewed", "2026-03-12 08:00"),
        document("t-2", "signed", "2026-03-13 08:00"),
    ];
    publish(&site, "document", 1, steps).await?;
    site.wait_count("select count(*) from document_step", 4).await?;
    let context = context(&site, "2028-05-04 10:00").await?;
    let ids = ["D01", "D03"];
    let of = async |period| figures(&site, &context, &ids, period).await;
    assert_eq!(of("2026-03").await?, [(Some(2), None), share(2, 2)]);
    let printed = sample("documents_to_digitise", 100.0, at("2026-03-10 08:00"), 1);
    site.publish_json("metric/document-digitisation/sample", &printed).await?;
    site.wait_count("select count(*) from metric_value", 1).await?;
    for period in ["2026-03", "2027-06", "2028-05"] {
        assert_eq!(of(period).await?, [(Some(101), None), share(1, 101)], "{period}");
    }
    site.stop().await?;
    Ok(())
}
