//! What people arrange: saved views, what a wall display shows, hand-overs of shifts.

use chrono::TimeDelta;
use ioc_hub::access::Role;
use serde_json::{Value, json};

use crate::{message::now, site::Site};

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item["name"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_seen_by_its_owner_or_by_everybody() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let operator = site.account("operator", Role::Operator).await?;
    let view = |name: &str, shared: bool| json!({"name": name, "address": "/ops?service=vds", "shared": shared});
    viewer.post("/api/v1/views", &view("own", false)).await?.expect(201)?;
    viewer.post("/api/v1/views", &view("all", true)).await?.expect_problem(
        403,
        "forbidden",
        None,
    )?;
    operator.post("/api/v1/views", &view("all", true)).await?.expect(201)?;
    let away = json!({"name": "x", "address": "//evil.example", "shared": false});
    let answer = viewer.post("/api/v1/views", &away).await?;
    answer.expect_problem(400, "invalid", Some("address"))?;
    assert_eq!(names(&viewer.json("/api/v1/views").await?), ["all", "own"]);
    assert_eq!(names(&operator.json("/api/v1/views").await?), ["all"]);
    // The same name again replaces the view.
    viewer.post("/api/v1/views", &view("own", false)).await?.expect(201)?;
    let list = viewer.json("/api/v1/views").await?;
    let id = |name: &str| {
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().find(|item| item["name"] == name).map(|item| item["id"].to_string())
    };
    let shared = format!("/api/v1/views/{}", id("all").unwrap_or_default());
    viewer.delete(&shared).await?.expect_problem(404, "not_found", None)?;
    let own = format!("/api/v1/views/{}", id("own").unwrap_or_default());
    viewer.delete(&own).await?.expect(204)?;
    assert_eq!(names(&viewer.json("/api/v1/views").await?), ["all"]);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_shows_what_an_operator_puts_on_it_and_the_settings_win() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let operator = site.account("operator", Role::Operator).await?;
    let administrator = site.administrator().await?;
    let wall = "/api/v1/displays/ioc-wall";
    let shown = async || -> anyhow::Result<Value> {
        let list = viewer.json("/api/v1/displays").await?;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        Ok(items.into_iter().find(|item| item["id"] == "ioc-wall").unwrap_or_default())
    };
    let before = shown().await?;
    assert_eq!((&before["profile"]["columns"], &before["pushed"]), (&json!(4), &Value::Null));
    let json_header = [("content-type", "application/json")];
    let push = json!({"view": "alarms", "minutes": 5}).to_string();
    let path = format!("{wall}/view");
    let answer = viewer.request("PUT", &path, &json_header, push.as_bytes()).await?;
    answer.expect_problem(403, "forbidden", None)?;
    operator.request("PUT", &path, &json_header, push.as_bytes()).await?.expect(204)?;
    let pushed = shown().await?["pushed"].clone();
    assert_eq!((&pushed["view"], &pushed["by"]), (&json!("alarms"), &json!("operator")));
    operator.delete(&path).await?.expect(204)?;
    operator.delete(&path).await?.expect(204)?;
    assert_eq!(shown().await?["pushed"], Value::Null);

    let mut profile = before["profile"].clone();
    profile["distance_m"] = json!(9.5);
    let text = profile.to_string();
    let answer = operator.request("PUT", wall, &json_header, text.as_bytes()).await?;
    answer.expect_problem(403, "forbidden", None)?;
    administrator.request("PUT", wall, &json_header, text.as_bytes()).await?.expect(204)?;
    let changed = shown().await?;
    assert_eq!(
        (&changed["profile"]["distance_m"], &changed["from_settings"]),
        (&json!(9.5), &json!(true))
    );
    administrator.delete(wall).await?.expect(204)?;
    assert_eq!(shown().await?["profile"], before["profile"]);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shift_is_signed_by_who_goes_and_by_who_comes() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let day = site.account("day", Role::Operator).await?;
    let night = site.account("night", Role::Operator).await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let shift = json!({
        "from": "2026-03-02T00:00:00Z", "to": "2026-03-02T08:00:00Z", "note": "Hai đèn hỏng."
    });
    let path = "/api/v1/handovers";
    viewer.post(path, &shift).await?.expect_problem(403, "forbidden", None)?;
    day.post(path, &shift).await?.expect(201)?;
    let take = "/api/v1/handovers/1/take";
    day.post(take, &Value::Null).await?.expect_problem(409, "own_shift", None)?;
    night.post(take, &Value::Null).await?.expect(204)?;
    night.post(take, &Value::Null).await?.expect_problem(409, "taken", None)?;
    night.post("/api/v1/handovers/9/take", &Value::Null).await?.expect_problem(
        404,
        "not_found",
        None,
    )?;
    let list = night.json(path).await?;
    let signed = &list["items"][0];
    assert_eq!(
        (&signed["given_by"], &signed["taken_by"], &signed["note"]),
        (&json!("day"), &json!("night"), &json!("Hai đèn hỏng."))
    );
    let journal = night.json("/api/v1/journal?action=take_shift").await?;
    assert_eq!(
        (&journal["items"][0]["who"], &journal["items"][1]),
        (&json!("night"), &Value::Null)
    );
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposed_limit_stands_in_the_journal_and_changes_no_rule() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let day = site.account("day", Role::Operator).await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let path = "/api/v1/alarms/rules/on_battery/proposals";
    let proposal = json!({ "limit": "10 %", "reason": "Ắc quy mới" });
    viewer.post(path, &proposal).await?.expect_problem(403, "forbidden", None)?;
    let nobody = "/api/v1/alarms/rules/no_such_rule/proposals";
    day.post(nobody, &proposal).await?.expect_problem(404, "not_found", None)?;
    let empty = json!({ "limit": " ", "reason": "x" });
    day.post(path, &empty).await?.expect_problem(400, "invalid", Some("limit"))?;
    let rules = day.json("/api/v1/alarms/rules").await?;
    day.post(path, &proposal).await?.expect(204)?;
    let journal = day.json("/api/v1/journal?action=propose_limit").await?;
    let entry = &journal["items"][0];
    assert_eq!((&entry["who"], &entry["object"]), (&json!("day"), &json!("on_battery")));
    assert_eq!((&entry["after"], &journal["items"][1]), (&proposal, &Value::Null));
    assert_eq!(day.json("/api/v1/alarms/rules").await?, rules);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_was_silenced_stands_in_the_journal() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let day = site.account("day", Role::Operator).await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let path = "/api/v1/console/silence";
    let until = |minutes| json!({ "until": now() + TimeDelta::minutes(minutes) });
    viewer.post(path, &until(2)).await?.expect_problem(403, "forbidden", None)?;
    day.post(path, &until(30)).await?.expect_problem(400, "invalid", Some("until"))?;
    let silence = until(2);
    day.post(path, &silence).await?.expect(204)?;
    let journal = day.json("/api/v1/journal?action=silence_console").await?;
    assert_eq!(
        (&journal["items"][0]["who"], &journal["items"][0]["after"], &journal["items"][1]),
        (&json!("day"), &silence, &Value::Null)
    );
    site.stop().await?;
    Ok(())
}
