//! What the API and the live channel say of indicators, scorecards and records.

use anyhow::Context as _;
use ioc_hub::access::Role;
use tokio::time::Instant;

use super::*;
use crate::{
    browser::Browser, channel::Channel, message::ticket, server::wait_for, site::SiteOptions,
};

const NOW: &str = "2026-05-04 10:00";
const CITY: &str = "gso:92";
/// An event is on the screen within this.
const EFFECT: std::time::Duration = std::time::Duration::from_secs(2);

/// A hub at a standing time, which knows its units.
async fn site(now: &str) -> anyhow::Result<(Site, Browser)> {
    let site = Site::start_with(SiteOptions::at(at(now))).await?;
    let browser = site.administrator().await?;
    let known = || async {
        let answer = browser.get("/api/v1/indicators").await?;
        Ok((answer.status == 200).then_some(()))
    };
    wait_for("indicators", known).await?;
    Ok((site, browser))
}

/// The main value of an indicator.
fn of<'a>(answer: &'a Json, id: &str) -> anyhow::Result<&'a Json> {
    let values = answer["values"].as_array().context("values")?;
    let main = values.iter().find(|value| value["id"] == id && value["part"].is_null());
    main.with_context(|| format!("{id} in {answer}"))
}

/// Every record behind a figure, page by page: what they add up to, and how many they are.
async fn behind(browser: &Browser, path: &str) -> anyhow::Result<(i64, usize)> {
    let (mut sum, mut count, mut after) = (0, 0, String::new());
    loop {
        let page = browser.json(&format!("{path}&limit=2{after}")).await?;
        for item in page["items"].as_array().context("items")? {
            sum += item["amount"].as_i64().context("amount")?;
            count += 1;
            assert!(item["record"]["submitted_at"].is_string(), "{item}");
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", next.replace('+', "%2B")),
            None => return Ok((sum, count)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_made_of_the_records_that_it_lists() -> anyhow::Result<()> {
    let (site, browser) = site(NOW).await?;
    march(&site).await?;
    let ids = ["A01", "A04", "A05", "A06", "A07", "A11", "A12", "A20", "B06"];
    for (unit, period) in [(CITY, "2026-03"), (WARD, "2026-03"), (OTHER, "2026"), (CITY, "2026")] {
        let path =
            format!("/api/v1/indicators/values?ids={}&period={period}&unit={unit}", ids.join(","));
        let answer = browser.json(&path).await?;
        assert_eq!(answer["period"]["id"], period);
        for id in ids {
            let value = of(&answer, id)?;
            for part in ["numerator", "denominator"] {
                let expected = value[part].as_i64().unwrap_or_default();
                let path = format!(
                    "/api/v1/indicators/{id}/records?part={part}&period={period}&unit={unit}"
                );
                let (sum, count) = behind(&browser, &path).await?;
                assert_eq!(sum, expected, "{path}");
                let csv = browser.get(&format!("{path}&format=csv")).await?;
                assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
                assert_eq!(csv.text().lines().count(), count + 1, "{path}");
            }
        }
    }
    let answer = browser.json("/api/v1/indicators/values?ids=A08,A09,A10&period=2026-05").await?;
    for (id, expected) in [("A08", 2), ("A09", 0), ("A10", 2)] {
        assert_eq!(of(&answer, id)?["numerator"], expected, "{id}");
        let path = format!("/api/v1/indicators/{id}/records?period=2026-05");
        assert_eq!(behind(&browser, &path).await?.0, expected, "{id}");
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_asks_and_decides() -> anyhow::Result<()> {
    let (site, _) = site(NOW).await?;
    let (visitor, viewer) = (site.visitor(), site.account("lan", Role::Viewer).await?);
    for path in [
        "/api/v1/indicators",
        "/api/v1/indicators/values?ids=A01",
        "/api/v1/indicators/A01/records",
        "/api/v1/identities",
        "/api/v1/scorecards/766",
        "/api/v1/scorecards/nine",
        "/api/v1/dossiers",
        "/api/v1/petitions",
        "/api/v1/documents",
        "/api/v1/assessments",
        "/api/v1/formalities",
        "/api/v1/exports/ii06a.csv",
    ] {
        visitor.get(path).await?.expect_problem(401, "unauthenticated", None)?;
        assert_eq!(viewer.get(path).await?.status, 200, "{path}");
    }
    let ruling = json!({
        "unit": WARD, "quarter": "2026-Q1", "indicator": "N4", "score": 1.5, "reason": "Kiểm tra",
    });
    for (path, body) in [
        ("/api/v1/scorecards/nine/rulings", &ruling),
        ("/api/v1/periods/2026-03/close", &Json::Null),
    ] {
        visitor.post(path, body).await?.expect_problem(401, "unauthenticated", None)?;
        viewer.post(path, body).await?.expect_problem(403, "forbidden", None)?;
    }
    for (query, field) in [
        ("indicators/values", "ids"),
        ("indicators/values?ids=A01&period=2026-13", "period"),
        ("indicators/values?ids=A01&by=moon", "by"),
        ("indicators/values?ids=A01&mode=was", "mode"),
        ("indicators/values?ids=A99", "ids"),
        ("indicators/values?ids=A01&unit=gso:0", "unit"),
        ("indicators/A01/records?part=half", "part"),
        ("indicators/A01/records?after=yesterday", "after"),
        ("scorecards/nine?period=2026-03", "period"),
        ("exports/ii06a.csv?by=month", "by"),
        ("exports/ii06a.csv?period=soon", "period"),
        ("dossiers?status=9", "status"),
        ("dossiers?overdue=perhaps", "overdue"),
        ("dossiers?limit=0", "limit"),
        ("petitions?class=odd", "class"),
        ("documents?state=odd", "state"),
        ("assessments?period=2026-03", "period"),
        ("formalities?valid_at=today", "valid_at"),
        ("formalities?level=moon", "level"),
    ] {
        let answer = viewer.get(&format!("/api/v1/{query}")).await?;
        answer.expect_problem(400, "invalid", Some(field)).context(query)?;
    }
    for path in ["indicators/A99/records", "dossiers/onestop-can-tho:none", "petitions/none"] {
        let answer = viewer.get(&format!("/api/v1/{path}")).await?;
        answer.expect_problem(404, "not_found", None).context(path)?;
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_and_a_closing_are_kept_with_who_and_why() -> anyhow::Result<()> {
    let (site, browser) = site("2026-04-02 09:00").await?;
    march(&site).await?;
    publish(&site, "assessment", 1, [form("f-1", "agency", [1.0; 9])]).await?;
    site.wait_count("select count(*) from assessment", 1).await?;
    let ruling = |score: Json, reason: &str| json!({"unit": WARD, "quarter": "2026-Q1", "indicator": "N4", "score": score, "reason": reason});
    let path = "/api/v1/scorecards/nine/rulings";
    browser.post(path, &ruling(json!(1.5), "Kiểm tra hồ sơ giấy")).await?.expect(204)?;
    for (score, reason) in [(json!(2.5), "why"), (json!(1.2345), "why"), (json!(1.5), " ")] {
        assert_eq!(browser.post(path, &ruling(score, reason)).await?.status, 400);
    }
    let cards =
        browser.json(&format!("/api/v1/scorecards/nine?period=2026-Q1&unit={WARD}")).await?;
    let card = &cards["units"][0];
    assert_eq!((&card["unit"], &card["scores"][3]["value"]), (&json!(WARD), &json!(1.5)));
    assert_eq!(card["scores"][3]["overruled"]["reason"], "Kiểm tra hồ sơ giấy");
    let decision =
        browser.json(&format!("/api/v1/scorecards/766?period=2026-Q1&unit={WARD}")).await?;
    assert_eq!(decision["units"][0]["unit"], WARD);
    for name in ["nine", "766"] {
        let path = format!("/api/v1/scorecards/{name}?period=2026-Q1&below=true&format=csv");
        let text = browser.get(&path).await?.text();
        assert!(text.lines().any(|line| line.starts_with(WARD)), "{text}");
    }

    browser.post("/api/v1/periods/2026-04/close", &Json::Null).await?.expect(400)?;
    let closed = browser.post("/api/v1/periods/2026-03/close", &Json::Null).await?.expect(200)?;
    assert!(closed["figures"].as_u64() > Some(0), "{closed}");
    let again = browser.post("/api/v1/periods/2026-03/close", &Json::Null).await?.expect(200)?;
    assert_eq!(again["figures"], 0);
    let late = accepted("d-9", WARD, 2, "2026-03-30 08:00", "2026-04-10 17:00");
    publish(&site, "dossier", 100, [late]).await?;
    site.wait_count("select count(*) from dossier_step", 15).await?;
    let answer = browser.json("/api/v1/indicators/values?ids=A01&period=2026-03").await?;
    let value = of(&answer, "A01")?;
    assert_eq!((&value["value"], &value["as_published"]["value"]), (&json!(7), &json!(6)));
    assert_eq!(answer["period"]["is_closed"], true);
    let journal = browser.json("/api/v1/journal?who=admin").await?;
    let actions: Vec<&str> = journal["items"]
        .as_array()
        .context("items")?
        .iter()
        .filter_map(|i| i["action"].as_str())
        .collect();
    assert!(actions.contains(&"close_period"), "{actions:?}");
    assert!(
        actions.iter().any(|action| action.contains("rul") || action.contains("score")),
        "{actions:?}"
    );
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_identity_is_named_until_the_sums_are_mended() -> anyhow::Result<()> {
    let (site, browser) = site(NOW).await?;
    march(&site).await?;
    let path = "/api/v1/identities?period=2026-03&broken=true";
    assert_eq!(browser.json(path).await?, json!([]));
    let owner = site.client().await?;
    owner.execute("update dossier_cell set early = early + 1 where early > 0", &[]).await?;
    let broken = browser.json(path).await?;
    let broken = broken.as_array().context("a list")?;
    let one = broken.iter().find(|one| one["unit"] == CITY).context("the city")?;
    assert_eq!(
        (&one["identity"], &one["period"]),
        (&json!("resolved_by_outcome"), &json!("2026-03"))
    );
    assert_ne!(one["left"], one["right"]);
    assert!(broken.iter().all(|one| one["identity"] == "resolved_by_outcome"), "{broken:?}");
    owner.execute("update dossier_cell set early = early - 1 where early > 0", &[]).await?;
    assert_eq!(browser.json(path).await?, json!([]));
    drop(owner);
    site.stop().await?;
    Ok(())
}

/// A change of the running month is followed by a look at its identities: nobody waits for the next minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_identity_stands_in_data_health_within_two_seconds() -> anyhow::Result<()> {
    let (site, browser) = site(NOW).await?;
    let resolved = |number: &str, first: u64| {
        let due = "2026-05-12 17:00";
        let steps = [
            accepted(number, WARD, 2, "2026-05-04 08:00", due),
            step(number, WARD, 9, "2026-05-04 09:00"),
        ];
        publish(&site, "dossier", first, steps)
    };
    resolved("d-30", 300).await?;
    let early = "select coalesce(sum(early), 0)::int8 from dossier_cell where day = '2026-05-04'";
    site.wait_count(&format!("select count(*) from ({early}) e (n) where n > 0"), 1).await?;
    let mut channel = Channel::open(&browser).await?;
    let sources = channel.follow(1, "sources").await?;
    channel.wait_value(sources, "hub:books", "condition", 1).await?;
    let owner = site.client().await?;
    owner.execute("update dossier_cell set early = early + 1 where early > 0", &[]).await?;
    let begin = Instant::now();
    resolved("d-31", 310).await?;
    channel.wait_value(sources, "hub:books", "why", "books.differ").await?;
    let took = begin.elapsed();
    assert!(took <= EFFECT, "took {took:?}");
    // Of the city and of the ward.
    let broken = "hub_identities_broken_units{identity=\"resolved_by_outcome\"}";
    site.wait_progress(broken, 2.0).await?;
    owner.execute("update dossier_cell set early = early - 1 where early > 0", &[]).await?;
    resolved("d-32", 320).await?;
    channel.wait_value(sources, "hub:books", "condition", 1).await?;
    site.wait_metric(broken, 0.0).await?;
    drop(owner);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_headline_figure_follows_an_event_within_two_seconds() -> anyhow::Result<()> {
    let (site, browser) = site(NOW).await?;
    march(&site).await?;
    let mut channel = Channel::open(&browser).await?;
    let reform = channel.follow(1, "reform").await?;
    channel.wait_row(reform, "A08/month", |row| row["value"] == &json!(2)).await?;
    assert_eq!(channel[reform].value("A08/year", "status"), json!("ok"));
    let begin = Instant::now();
    let new = accepted("d-20", WARD, 2, "2026-05-04 09:00", "2026-05-12 17:00");
    publish(&site, "dossier", 200, [new]).await?;
    channel.wait_row(reform, "A08/month", |row| row["value"] == &json!(3)).await?;
    let took = begin.elapsed();
    assert!(took <= EFFECT, "took {took:?}");
    let answer = browser.json("/api/v1/indicators/values?ids=A08&period=2026-05").await?;
    assert_eq!(of(&answer, "A08")?["value"], 3);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_sees_tickets_without_their_texts_and_exact_places() -> anyhow::Result<()> {
    let (site, browser) = site(NOW).await?;
    let told = |number: &str, category: &str, seq| {
        let mut step = ticket(number, "new", at("2026-05-04 08:00"), seq);
        step["category"] = json!(category);
        step["summary"] = json!("Đèn hỏng trước nhà tôi");
        step["location"] = json!({"lat": 10.034_567, "lon": 105.787_654});
        step
    };
    for step in [told("1", "public-lighting", 1), told("2", "noise", 2)] {
        site.publish_json("desk/desk-1022/ticket", &step).await?;
    }
    site.wait_count("select count(*) from ticket", 2).await?;
    let visitor = site.visitor();
    let answer = visitor.get("/open311/v2/requests.json").await?;
    assert!(!answer.text().contains("Đèn hỏng"), "{}", answer.text());
    let requests = answer.expect(200)?;
    let of = |id: &str| {
        let list = requests.as_array().map_or(&[][..], Vec::as_slice);
        list.iter().find(|one| one["service_request_id"] == id).cloned().unwrap_or_default()
    };
    let public = of("desk-1022:1");
    assert_eq!((&public["lat"], &public["long"]), (&json!(10.035), &json!(105.788)));
    assert_eq!((&public["status"], &public["description"]), (&json!("open"), &Json::Null));
    let private = of("desk-1022:2");
    assert_eq!((&private["service_code"], &private["lat"]), (&json!("noise"), &Json::Null));
    let one = visitor.get("/open311/v2/requests/desk-1022:1.json").await?;
    assert!(one.status == 200 && !one.text().contains("Đèn hỏng"), "{}", one.text());
    for path in ["discovery.json", "services.json"] {
        visitor.get(&format!("/open311/v2/{path}")).await?.expect(200)?;
    }
    visitor.get("/api/v1/categories").await?.expect_problem(401, "unauthenticated", None)?;
    let categories = browser.json("/api/v1/categories").await?;
    let noise = json!({"id": "noise", "name": {"vi": "Tiếng ồn", "en": "Noise"}});
    let items = categories["items"].as_array().context("a list")?;
    assert!(items.contains(&noise), "{categories}");
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_listed_by_page_and_each_tells_its_steps() -> anyhow::Result<()> {
    let (site, browser) = site(NOW).await?;
    march(&site).await?;
    let petition = |status: &str, when: &str| {
        json!({
            "v": 1, "time": at(when), "boot": 1, "petition": "p-1", "status": status, "at": at(when),
            "kind": "service", "class": "staff", "unit": WARD, "dossier": "d-4",
        })
    };
    let steps =
        [petition("received", "2026-03-10 08:00"), petition("answered", "2026-03-12 08:00")];
    publish(&site, "petition", 1, steps).await?;
    let document = |state: &str, when: &str| {
        json!({
            "v": 1, "time": at(when), "boot": 1, "document": "t-1", "state": state, "at": at(when),
            "result_type": "KQ.G01", "unit": WARD, "has_holder": true,
        })
    };
    let steps = [document("reviewed", "2026-03-10 08:00"), document("signed", "2026-03-11 08:00")];
    publish(&site, "document", 1, steps).await?;
    publish(&site, "assessment", 1, [form("f-1", "appraiser", [1.978; 9])]).await?;
    site.wait_count("select count(*) from petition_step", 2).await?;
    site.wait_count("select count(*) from document_step", 2).await?;
    site.wait_count("select count(*) from assessment", 1).await?;

    let list = async |query: &str| -> anyhow::Result<Vec<String>> {
        let page = browser.json(&format!("/api/v1/dossiers?{query}")).await?;
        let items = page["items"].as_array().context("items")?;
        Ok(items.iter().filter_map(|one| one["dossier"].as_str()).map(str::to_owned).collect())
    };
    let both = ["d-7", "d-8"].map(str::to_owned);
    assert_eq!(list("open=true").await?, both);
    assert_eq!(list("overdue=true&channel=direct").await?, both);
    assert_eq!(list("status=not_accepted").await?, ["d-5"]);
    assert_eq!(list(&format!("unit={OTHER}&open=false")).await?, ["d-4", "d-3"]);
    assert_eq!(list("from=2026-03-10T00:00:00Z&to=2026-04-01T00:00:00Z").await?, ["d-7"]);
    let first = browser.json("/api/v1/dossiers?limit=3").await?;
    let next = first["next"].as_str().context("more")?;
    assert_eq!(list(&format!("limit=100&after={next}")).await?.len(), 5);
    let one = browser.json(&format!("/api/v1/dossiers/{SOURCE}:d-4")).await?;
    assert_eq!((&one["outcome"], &one["status_code"]), (&json!("late"), &json!(9)));
    assert_eq!((&one["petitions"], &one["channel"]), (&json!(1), &json!("post")));
    let statuses: Vec<&Json> =
        one["steps"].as_array().context("steps")?.iter().map(|step| &step["status"]).collect();
    assert_eq!(statuses, ["accepted", "done"]);

    let one = browser.json(&format!("/api/v1/petitions/{SOURCE}:p-1")).await?;
    assert_eq!((&one["status"], &one["on_time"]), (&json!("answered"), &json!(true)));
    assert_eq!(one["steps"].as_array().map(Vec::len), Some(2));
    let list = browser.json("/api/v1/petitions?dossier=d-4&class=staff").await?;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    let one = browser.json(&format!("/api/v1/documents/{SOURCE}:t-1")).await?;
    assert_eq!(
        (&one["state"], &one["reviewed_at"]),
        (&json!("signed"), &json!("2026-03-10T01:00:00Z"))
    );
    let list = browser.json("/api/v1/documents?state=signed&result_type=KQ.G01").await?;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    let list = browser.json("/api/v1/assessments?period=2026-Q1&by=appraiser").await?;
    assert_eq!(list["items"][0]["scores"]["N9"], 1.978);
    assert_eq!(list["items"][0]["quarter"], "2026-Q1");

    let valid = async |day: &str| -> anyhow::Result<Vec<Json>> {
        let page = browser.json(&format!("/api/v1/formalities?valid_at={day}&limit=10000")).await?;
        Ok(page["items"].as_array().context("items")?.clone())
    };
    for day in ["2021-12-01", "2026-05-04"] {
        let items = valid(day).await?;
        assert!(items.len() > 100, "{day}: {}", items.len());
        assert!(items.iter().any(|one| one["services"].as_array().is_some_and(|s| !s.is_empty())));
        let codes: std::collections::BTreeSet<_> =
            items.iter().map(|one| one["code"].to_string()).collect();
        assert_eq!(codes.len(), items.len(), "one row per code on {day}");
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_form_can_be_imported_again() -> anyhow::Result<()> {
    let (site, browser) = site(NOW).await?;
    march(&site).await?;
    let form = browser.get("/api/v1/exports/ii06a.csv?period=2026-03&by=unit").await?;
    let text = form.text();
    assert!(text.starts_with("\u{feff}Biểu số II.06a/VPCP/KSTT"), "{text}");
    let total = text.lines().find(|line| line.contains("Tổng cộng")).context("a total")?;
    assert_eq!(total, ",Tổng cộng,7,2,4,1,5,2,1,1,2,1,1");
    assert!(text.contains("cột (7) có 1 hồ sơ không có hạn"), "{text}");
    let headers = [("content-type", "text/csv")];
    let path = "/api/v1/imports?kind=ii06a&dry_run=true&period=2026-03";
    let report = browser.request("POST", path, &headers, &form.body).await?.expect(200)?;
    assert_eq!(report["problems"], json!([]), "{report}");
    let fields = browser.get("/api/v1/exports/ii06a.csv?period=2026-03").await?.text();
    assert!(fields.contains("Chưa xác định lĩnh vực,7,2,4,1,5,2,1,1,2,1,1"), "{fields}");
    site.stop().await?;
    Ok(())
}
