//! Every resource of the API for a seeded city and after devices have published.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use ioc_ingest::Service;
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    message::{bucket, call, events, interval, now, sample, state, ticket},
    site::Site,
};

mod access;
mod screens;

fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().cloned().unwrap_or_default()
}

/// Every item of a list, page by page.
async fn all(browser: &Browser, path: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = browser.json(&format!("{path}{separator}limit={limit}{after}")).await?;
        let page_items = items(&page);
        assert!(page_items.len() <= limit, "{path}");
        found.extend(page_items);
        match page["next"].as_str() {
            Some(next) => after = format!("&after={}", next.replace('+', "%2B")),
            None => return Ok(found),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeded_city_is_told_as_its_folder_has_it() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let city = site.visitor().json("/api/v1/city").await?;
    assert_eq!((&city["city"], &city["demonstration"]), (&json!("can-tho"), &json!(true)));
    assert_eq!(
        (&city["name"]["vi"], &city["time_zone"]),
        (&json!("Cần Thơ"), &json!("Asia/Ho_Chi_Minh"))
    );
    for (layer, count) in [
        ("areas", site.city.areas.len()),
        ("corridors", site.city.corridors.len()),
        ("rivers", site.city.rivers.len()),
        ("places", site.city.places.len()),
    ] {
        let features = &city["map"][layer]["features"];
        assert_eq!(features.as_array().map(Vec::len), Some(count), "{layer}");
    }

    let devices = all(&administrator, "/api/v1/devices", 250).await?;
    let ids: BTreeSet<&str> = devices.iter().filter_map(|device| device["id"].as_str()).collect();
    let expected: BTreeSet<&str> =
        site.city.devices.iter().map(|device| device.source.as_str()).collect();
    assert_eq!(ids, expected);
    assert_eq!(devices.len(), expected.len(), "every device once");
    let of =
        |id: &str| devices.iter().find(|device| device["id"] == id).cloned().unwrap_or_default();
    let station = administrator.json("/api/v1/devices/vds-001").await?;
    assert_eq!(station, of("vds-001"));
    let known =
        site.city.devices.iter().find(|device| device.source.as_str() == "vds-001").unwrap();
    assert_eq!((&station["lon"], &station["lat"]), (&json!(known.lon), &json!(known.lat)));
    assert_eq!((&station["area"], &station["corridor"]), (&json!(known.area), &json!("ql91")));
    assert_eq!((&station["parent"], &station["period_s"]), (&json!("cab-001"), &json!(30.0)));
    assert_eq!((&station["condition"], &station["age_ms"]), (&json!(0), &Value::Null));
    let cameras = administrator.json("/api/v1/cameras").await?;
    let all_cameras = site.city.devices.iter().filter(|device| device.service == Service::Cctv);
    assert_eq!(cameras["cameras"].as_array().map(Vec::len), Some(all_cameras.count()));
    assert_eq!(cameras["cameras"][0]["picture"], "drawn");
    let id = cameras["cameras"][0]["id"].as_str().unwrap_or_default();
    let still = administrator.get(&format!("/api/v1/devices/{id}/still")).await?;
    assert_eq!(still.status, 200);
    assert!(still.text().contains(id), "the picture tells its camera");
    let keys: Vec<_> =
        station["detectors"].as_array().into_iter().flatten().map(|d| d["key"].clone()).collect();
    assert_eq!(keys, ["lane/1", "lane/2", "lane/3", "lane/4"]);

    let filtered =
        all(&administrator, "/api/v1/devices?service=vds,cctv&corridor=ql91", 1000).await?;
    let wanted = site.city.devices.iter().filter(|device| {
        matches!(device.service, Service::Vds | Service::Cctv)
            && device.corridor.as_deref() == Some("ql91")
    });
    assert_eq!(filtered.len(), wanted.count());
    let geo = [("accept", "application/geo+json")];
    let answer = administrator.request("GET", "/api/v1/devices?service=vds", &geo, b"").await?;
    assert_eq!(answer.header("content-type"), Some("application/geo+json"));
    let collection = answer.expect(200)?;
    assert_eq!(collection["type"], "FeatureCollection");
    assert_eq!(collection["features"].as_array().map(Vec::len), Some(150));
    assert_eq!(collection.get("next"), None, "the last page");
    let path = "/api/v1/devices?service=vds&limit=100";
    let first = administrator.request("GET", path, &geo, b"").await?.expect(200)?;
    let next = first["next"].as_str().unwrap_or_default();
    let path = format!("{path}&after={next}");
    let second = administrator.request("GET", &path, &geo, b"").await?.expect(200)?;
    assert_eq!(second["features"].as_array().map(Vec::len), Some(50), "after {next}");
    let point = &collection["features"][0];
    assert_eq!((&point["type"], &point["geometry"]["type"]), (&json!("Feature"), &json!("Point")));
    assert_eq!(point["geometry"]["coordinates"], json!([known.lon, known.lat]));

    assert_eq!(items(&administrator.json("/api/v1/areas").await?).len(), site.city.areas.len());
    assert_eq!(all(&administrator, "/api/v1/units", 50).await?.len(), site.city.units.len());
    for day in ["2021-11-05", "2026-03-02"] {
        let units = all(&administrator, &format!("/api/v1/units?valid_at={day}"), 1000).await?;
        let at: chrono::NaiveDate = day.parse()?;
        let valid = site
            .city
            .units
            .iter()
            .filter(|unit| unit.valid_from <= at && unit.valid_to.is_none_or(|to| to > at));
        assert_eq!(units.len(), valid.count(), "{day}");
    }
    let metrics = items(&administrator.json("/api/v1/metrics").await?);
    assert_eq!(metrics.len(), site.city.metrics.len());
    let sources = all(&administrator, "/api/v1/sources", 300).await?;
    assert_eq!(sources.len(), expected.len());
    assert!(
        sources
            .iter()
            .all(|source| source["state"] == "registered" && source["counters"].is_null())
    );
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn series_tell_gaps_as_null_and_the_rollup_sums_them_up() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let begin = bucket();
    // The third period is missing, the fifth measured no vehicle, the sixth measured nothing.
    for (n, count) in [(0, Some(41)), (1, Some(5)), (3, Some(7)), (4, Some(0)), (5, None)] {
        let time = begin + TimeDelta::seconds(30 * n);
        let mut message = interval(time, u64::try_from(n)?, &[count.unwrap_or(0), 1]);
        if count.is_none() {
            message["lanes"][0] = json!({"lane": 1, "count": null});
        }
        site.publish_json("vds/vds-001/interval", &message).await?;
    }
    site.wait_count("select count(*) from interval_reading", 10).await?;
    let span = |seconds: i64| {
        let text = |time: chrono::DateTime<chrono::Utc>| {
            time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        };
        format!("from={}&to={}", text(begin), text(begin + TimeDelta::seconds(seconds)))
    };
    let series = async |query: &str| {
        let answer = administrator.json(&format!("/api/v1/series?source=vds-001&{query}")).await?;
        anyhow::Ok(answer["series"].as_array().cloned().unwrap_or_default())
    };
    let values = |series: &Value| -> Vec<Value> {
        series["points"].as_array().into_iter().flatten().map(|point| point[1].clone()).collect()
    };

    let raw = series(&format!("lane=1&quantity=count,speed_kmh,flow_veh_h&step=30s&{}", span(210)))
        .await?;
    assert_eq!((&raw[0]["basis"], &raw[0]["resolution_s"]), (&json!("raw"), &json!(30)));
    let numbers = |values: &[Value]| values.iter().map(Value::as_f64).collect::<Vec<_>>();
    let counts = [Some(41.0), Some(5.0), None, Some(7.0), Some(0.0), None, None];
    assert_eq!(numbers(&values(&raw[0])), counts);
    let speeds = [Some(28.4), Some(28.4), None, Some(28.4), None, None, None];
    assert_eq!(numbers(&values(&raw[1])), speeds);
    assert_eq!(values(&raw[2])[0].as_f64(), Some(41.0 * 120.0));
    assert_eq!(
        raw[0]["points"][0][0],
        json!(begin.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    );

    let summed = series(&format!("lane=1,2&quantity=count&step=5m&{}", span(300))).await?;
    assert_eq!((&summed[0]["basis"], &summed[0]["resolution_s"]), (&json!("5min"), &json!(300)));
    assert_eq!(values(&summed[0])[0].as_f64(), Some(53.0));
    assert_eq!(values(&summed[1])[0].as_f64(), Some(5.0));
    let motorcycles =
        series(&format!("quantity=count&class=motorcycle,bus&step=5m&{}", span(300))).await?;
    assert_eq!(values(&motorcycles[0])[0].as_f64(), Some(58.0), "both lanes together");
    assert_eq!(values(&motorcycles[1]), [Value::Null], "no lane tells of buses");
    let empty = series(&format!("lane=3&quantity=count&step=5m&{}", span(300))).await?;
    assert_eq!(values(&empty[0]), [Value::Null]);

    let path = format!("/api/v1/series?source=vds-001&lane=1&quantity=count&step=5m&{}", span(300));
    let csv = administrator.request("GET", &path, &[("accept", "text/csv")], b"").await?;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(csv.text().lines().count(), 2, "{}", csv.text());
    let columns = [("accept", "application/vnd.ioc.columns")];
    let columns = administrator.request("GET", &path, &columns, b"").await?;
    let line = columns.body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header: Value = serde_json::from_slice(line)?;
    assert!(header.is_object(), "{header}");

    // The same answer again is not sent twice.
    let tag = administrator.get(&path).await?.header("etag").unwrap_or_default().to_owned();
    let again = administrator.request("GET", &path, &[("if-none-match", &tag)], b"").await?;
    assert_eq!((again.status, again.body.len()), (304, 0));
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_devices_and_systems_published_is_told() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let time = now() - TimeDelta::seconds(60);
    site.publish_json("vds/vds-001/interval", &interval(time, 1, &[41, 0])).await?;
    site.publish_json("signal/sig-0001/state", &state(time, 1)).await?;
    site.publish_json("signal/sig-0001/events", &events(time, 1, &[(0, 1, 2), (300, 82, 17)]))
        .await?;
    let health =
        json!({"v": 1, "time": time, "boot": 1, "seq": 2, "power": "line", "mains_v": 221.4});
    site.publish_json("signal/sig-0001/health", &health).await?;
    for (n, status) in ["new", "assigned", "resolved"].into_iter().enumerate() {
        let at = time + TimeDelta::seconds(i64::try_from(n)?);
        site.publish_json("desk/desk-1022/ticket", &ticket("1022-7", status, at, n as u64)).await?;
    }
    site.publish_json("desk/desk-1022/ticket", &ticket("1022-8", "new", time, 9)).await?;
    site.publish_json("desk/desk-1022/call", &call("c-1", time, 1, true)).await?;
    site.publish_json("metric/national-portal/sample", &sample("npsp_services", 793.0, time, 1))
        .await?;
    site.publish_json("metric/national-portal/sample", &sample("nonsense", 1.0, time, 2)).await?;
    site.wait_count("select sum(messages)::int8 from source_state", 11).await?;

    let at = (time + TimeDelta::seconds(40)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let shown = administrator.json(&format!("/api/v1/state?at={at}")).await?;
    let of = |id: &str| {
        let devices = shown["devices"].as_array().cloned().unwrap_or_default();
        devices.into_iter().find(|device| device["id"] == id).unwrap_or_default()
    };
    let controller = of("sig-0001");
    assert_eq!(
        (&controller["signal"]["mode"], &controller["signal"]["cycle_s"]),
        (&json!("free"), &json!(90.0))
    );
    assert_eq!(controller["signal"]["groups"][0]["min_end_s"], 7.5);
    assert_eq!(controller["health"]["report"]["mains_v"], 221.4);
    let lane = &of("vds-001")["readings"][0];
    assert_eq!(
        (&lane["key"], &lane["count"], &lane["occupancy"]),
        (&json!("lane/1"), &json!(41), &json!(0.183))
    );
    let before = (time - TimeDelta::seconds(1)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let before = administrator.json(&format!("/api/v1/state?at={before}")).await?;
    assert_eq!(before["devices"], json!([]), "nothing had been told yet");

    let since = (time - TimeDelta::seconds(5)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let told = format!("/api/v1/devices/sig-0001/indications?from={since}");
    let told = administrator.json(&told).await?;
    assert_eq!(told["groups"][0]["kind"], "vehicle");
    // The controller has told nothing for half a minute: from its last word on nobody knows.
    let begin_ms = time.timestamp_millis();
    assert_eq!(told["groups"][0]["runs"], json!([[begin_ms, 6], [begin_ms, null]]));
    assert_eq!(told["programs"][0].as_array().map(|program| &program[1]), Some(&json!("free")));
    let told =
        administrator.json(&format!("/api/v1/devices/sig-0001/equipment?from={since}")).await?;
    assert_eq!(
        (&told["reports"][0]["time"], &told["reports"][0]["power"]),
        (&json!(time), &json!("line"))
    );
    assert_eq!(told["reports"].as_array().map(Vec::len), Some(1));

    let tickets = items(&administrator.json("/api/v1/tickets").await?);
    assert_eq!(tickets.len(), 2);
    let open = items(&administrator.json("/api/v1/tickets?status=new,assigned").await?);
    assert_eq!((open.len(), &open[0]["ticket"]), (1, &json!("1022-8")));
    let one = administrator.json("/api/v1/tickets/desk-1022:1022-7").await?;
    assert_eq!((&one["status"], &one["channel"]), (&json!("resolved"), &json!("hotline")));
    assert_eq!(one["created_at"], json!(time));
    let steps: Vec<_> =
        one["steps"].as_array().into_iter().flatten().map(|step| step["status"].clone()).collect();
    assert_eq!(steps, ["new", "assigned", "resolved"]);
    let calls = items(&administrator.json("/api/v1/calls").await?);
    assert_eq!((&calls[0]["call"], &calls[0]["direction"]), (&json!("c-1"), &json!("in")));
    let summary = administrator.json("/api/v1/desk/summary").await?;
    for (key, expected) in [("received_total", 2), ("handled_total", 1), ("in_process", 1)] {
        assert_eq!(summary[key], expected, "{key}");
    }
    assert_eq!(
        (&summary["channels"]["hotline"], &summary["statuses"]["new"]),
        (&json!(2), &json!(1))
    );
    let figures = administrator.json("/api/v1/metrics/npsp_services?unit=gso:92").await?;
    assert_eq!(
        (&figures["items"][0]["value"], &figures["items"][0]["source"]),
        (&json!(793.0), &json!("national-portal"))
    );
    let refused = items(&administrator.json("/api/v1/quarantine?reason=unknown_metric").await?);
    assert_eq!(refused.len(), 1);
    let bytes = administrator.json(&format!("/api/v1/quarantine/{}", refused[0]["id"])).await?;
    let payload: Value = serde_json::from_str(bytes["payload_text"].as_str().unwrap_or_default())?;
    assert_eq!(payload["values"][0]["name"], "nonsense");
    let journal = items(&administrator.json("/api/v1/journal").await?);
    let actions: Vec<_> = journal.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["sign_in", "add_user", "seed_registry"]);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_see_life_readiness_metrics_and_the_description() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let visitor = site.visitor();
    assert_eq!(visitor.get("/healthz").await?.text(), "ok\n");
    let ready = visitor.json("/readyz").await?;
    assert_eq!((&ready["ready"], &ready["database"]["ready"]), (&json!(true), &json!(true)));
    // A proxy in front hides the details from everybody but administrators.
    let passed_on = [("x-forwarded-for", "192.0.2.7")];
    let brief = visitor.request("GET", "/readyz", &passed_on, b"").await?.expect(200)?;
    assert_eq!((&brief["ready"], &brief["database"]), (&json!(true), &Value::Null));
    let refused = visitor.request("GET", "/metrics", &passed_on, b"").await?;
    refused.expect_problem(403, "forbidden", None)?;
    site.publish_json("vds/vds-001/interval", &interval(bucket(), 1, &[41, 0])).await?;
    site.wait_count("select count(*) from interval_reading", 2).await?;
    let metrics = visitor.get("/metrics").await?.text();
    assert!(metrics.contains("hub_ingest_received_total 1\n"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"));

    // Every resource that the description names is there, and asks who one is.
    let description = visitor.json("/api/v1/openapi.json").await?;
    assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let paths = description["paths"].as_object().cloned().unwrap_or_default();
    assert!(paths.len() > 20, "{} paths", paths.len());
    for (path, methods) in &paths {
        let open = ["/healthz", "/readyz", "/metrics", "/api/v1/city", "/api/v1/openapi.json"];
        for method in methods.as_object().into_iter().flat_map(|methods| methods.keys()) {
            let url = path.replace("{id}", "1").replace("{name}", "x");
            let method = method.to_uppercase();
            let is_open = open.contains(&path.as_str()) || path.starts_with("/open311/");
            if is_open || (path == "/api/v1/sessions" && method == "POST") {
                continue;
            }
            let answer = visitor.request(&method, &url, &[], b"").await?;
            answer
                .expect_problem(401, "unauthenticated", None)
                .map_err(|why| why.context(format!("{method} {path}")))?;
        }
    }
    site.stop().await?;
    Ok(())
}
