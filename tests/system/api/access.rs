//! Who may ask what, what is answered to a wrong question, and what every answer carries.

use std::time::Duration;

use ioc_hub::access::Role;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    message::{bucket, interval},
    server::repository,
    site::Site,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_told_with_its_field() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let administrator = site.administrator().await?;
    let from = "from=2026-03-02T00:00:00Z";
    for (path, status, code, field) in [
        ("devices?limit=0", 400, "invalid", Some("limit")),
        ("devices?limit=10001", 400, "invalid", Some("limit")),
        ("devices?service=tram", 400, "invalid", Some("service")),
        ("devices?colour=red", 400, "unknown_parameter", Some("colour")),
        ("devices/nobody", 404, "not_found", None),
        ("sources?service=tram", 400, "invalid", Some("service")),
        ("gaps?service=tram", 400, "invalid", Some("service")),
        ("gaps?after=vds-001", 400, "invalid", Some("after")),
        ("gaps?open=perhaps", 400, "invalid", Some("open")),
        ("series/total", 400, "invalid", Some("source")),
        (&format!("series/total?service=tram&{from}"), 400, "invalid", Some("service")),
        (&format!("series/total?service=vds&{from}&step=7m"), 400, "invalid", Some("step")),
        (&format!("series/total?source=nobody&{from}"), 404, "not_found", None),
        ("units?valid_at=yesterday", 400, "invalid", Some("valid_at")),
        ("units?after=x", 400, "invalid", Some("after")),
        ("series", 400, "invalid", Some("source")),
        ("series?source=vds-001", 400, "invalid", Some("from")),
        (&format!("series?source=nobody&{from}"), 404, "not_found", None),
        (&format!("series?source=vds-001&lane=9&{from}"), 404, "not_found", None),
        ("series?source=vds-001&from=2026-03-02T00:00:00", 400, "invalid", Some("from")),
        (&format!("series?source=vds-001&{from}&step=7"), 400, "invalid", Some("step")),
        ("state?at=2999-01-01T00:00:00Z", 400, "invalid", Some("at")),
        ("state", 400, "invalid", Some("at")),
        (&format!("series?source=vds-001&{from}&points=20001"), 400, "invalid", Some("points")),
        (
            &format!("devices/nobody/indications?{from}&to=2026-03-02T01:00:00Z"),
            404,
            "not_found",
            None,
        ),
        (&format!("devices/sig-0001/indications?{from}"), 400, "too_much", Some("from")),
        ("devices/sig-0001/indications", 400, "invalid", Some("from")),
        ("devices/sig-0001/equipment?from=2999-01-01T00:00:00Z", 400, "invalid", Some("from")),
        ("devices/sig-0001/still", 404, "not_found", None),
        ("tickets?status=lost", 400, "invalid", Some("status")),
        ("tickets?after=x", 400, "invalid", Some("after")),
        ("tickets/nothing", 404, "not_found", None),
        (&format!("calls?{from}&to=2026-03-01T00:00:00Z"), 400, "invalid", Some("to")),
        ("metrics/nothing", 404, "not_found", None),
        ("quarantine?reason=mood", 400, "invalid", Some("reason")),
        ("quarantine/0", 404, "not_found", None),
        ("quarantine/x", 404, "not_found", None),
        ("journal?limit=x", 400, "invalid", Some("limit")),
        ("nothing", 404, "not_found", None),
        ("devices/%00", 404, "not_found", None),
        ("devices?q=%00", 400, "invalid", Some("q")),
        ("tickets?unit=%00", 400, "invalid", Some("unit")),
        ("sources?after=%00", 400, "invalid", Some("after")),
    ] {
        let answer = administrator.get(&format!("/api/v1/{path}")).await?;
        answer.expect_problem(status, code, field).map_err(|why| why.context(path.to_owned()))?;
    }
    let wrong = administrator.request("PUT", "/api/v1/devices", &[], b"").await?;
    wrong.expect_problem(405, "method_not_allowed", None)?;
    let media_type = [("content-type", "application/json")];
    let large = vec![b' '; 1024 * 1024 + 1];
    let answer = administrator.request("POST", "/api/v1/sessions", &media_type, &large).await?;
    answer.expect_problem(413, "too_large", None)?;
    let answer = administrator.request("POST", "/api/v1/sessions", &media_type, b"{").await?;
    answer.expect_problem(400, "body", None)?;
    let zero = json!({"user": "a\u{0}", "password": "x"});
    let answer = administrator.post("/api/v1/sessions", &zero).await?;
    answer.expect_problem(401, "wrong_password", None)?;
    let accept = |body: &Value| {
        let body = body.clone();
        let administrator = administrator.clone();
        async move { administrator.post("/api/v1/sources/vds-new/accept", &body).await }
    };
    let mut body = json!({"service": "vds", "name": {"vi": "x", "en": "x"}, "lon": 105.7, "lat": 10.0, "period_s": 30.0});
    accept(&body).await?.expect_problem(404, "not_found", None)?;
    for (key, value) in [("service", json!("tram")), ("lon", json!(181)), ("period_s", json!(0))] {
        let good = std::mem::replace(&mut body[key], value);
        accept(&body).await?.expect_problem(400, "invalid", Some(key))?;
        body[key] = good;
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_does_what_it_may_and_no_page_of_another_origin_changes_anything()
-> anyhow::Result<()> {
    let site = Site::start().await?;
    let viewer = site.account("viewer", Role::Viewer).await?;
    let operator = site.account("operator", Role::Operator).await?;
    let administrator = site.administrator().await?;
    site.publish("vds/stranger/interval", interval(bucket(), 1, &[1]).to_string()).await?;
    site.wait_count("select count(*) from quarantine", 1).await?;
    let accept = json!({"service": "vds", "name": {"vi": "Mới", "en": "New"}});
    let accept_path = "/api/v1/sources/stranger/accept";
    let replay_path = "/api/v1/quarantine/1/replay";
    viewer.get("/api/v1/journal").await?.expect_problem(403, "forbidden", None)?;
    assert_eq!(operator.get("/api/v1/journal").await?.status, 200);
    for (browser, replays, accepts) in [(&viewer, 403, 403), (&operator, 200, 403)] {
        assert_eq!(browser.get("/api/v1/devices").await?.status, 200);
        assert_eq!(browser.post(replay_path, &Value::Null).await?.status, replays);
        assert_eq!(browser.post(accept_path, &accept).await?.status, accepts);
        assert_eq!(browser.delete("/api/v1/quarantine/1").await?.status, 403);
    }
    assert_eq!(site.count("select count(*) from device where source = 'stranger'").await?, 0);
    for header in [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")] {
        let headers = [("content-type", "application/json"), header];
        let body = accept.to_string();
        let answer = administrator.request("POST", accept_path, &headers, body.as_bytes()).await?;
        answer.expect_problem(403, "cross_site", None)?;
        let answer =
            administrator.request("DELETE", "/api/v1/quarantine/1", &[header], b"").await?;
        answer.expect_problem(403, "cross_site", None)?;
    }
    administrator.post(accept_path, &accept).await?.expect(201)?;

    let current = operator.json("/api/v1/sessions/current").await?;
    assert_eq!((&current["user"], &current["role"]), (&json!("operator"), &json!("operator")));
    operator.delete("/api/v1/sessions/current").await?.expect(204)?;
    operator.get("/api/v1/sessions/current").await?.expect_problem(401, "unauthenticated", None)?;
    let wrong = json!({"user": "viewer", "password": "not-the-password"});
    let answer = site.visitor().post("/api/v1/sessions", &wrong).await?;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("set-cookie"), None);
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let visitor = site.visitor();
    let built = repository("dashboards/dist/index.html").is_file();
    for (path, status) in [
        ("/", if built { 200 } else { 404 }),
        ("/healthz", 200),
        ("/api/v1/city", 200),
        ("/api/v1/devices", 401),
        ("/api/v1/nothing", 404),
        ("/assets/nothing.js", 404),
    ] {
        let answer = visitor.get(path).await?;
        assert_eq!(answer.status, status, "{path}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path} {name}");
        }
    }
    let password = site.password.clone().unwrap_or_default();
    let body = json!({"user": "admin", "password": password});
    let answer = visitor.post("/api/v1/sessions", &body).await?;
    let cookie = answer.header("set-cookie").unwrap_or_default();
    for part in ["ioc_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    site.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_broken_connections_keep_nobody_out() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let mut held = Vec::new();
    for n in 0..300 {
        let mut socket = TcpStream::connect(site.hub.address).await?;
        // Half a request, no request, and what is none at all.
        let begin: &[u8] = match n % 3 {
            0 => b"GET /api/v1/city HTTP/1.1\r\nhost: x\r\nx-slow: ",
            1 => b"",
            _ => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        };
        socket.write_all(begin).await?;
        held.push(socket);
    }
    let administrator = site.administrator().await?;
    let begun = tokio::time::Instant::now();
    for _request in 0..20 {
        administrator.json("/api/v1/devices?limit=10").await?;
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    site.publish_json("vds/vds-001/interval", &interval(bucket(), 1, &[1])).await?;
    site.wait_count("select count(*) from interval_reading", 1).await?;
    drop(held);
    site.stop().await?;
    Ok(())
}
