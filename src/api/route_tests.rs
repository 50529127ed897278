//! The router as a whole, without a database: who is let in, what every answer carries, what a
//! client sees while the database is away, and the static pages.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use chrono::TimeDelta;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{ApiSettings, App, openapi_document, router};
use crate::{
    access::{Gate, Identity, Role, Seen},
    clock::{SharedClock, TestClock},
    live,
    pcu::Pcu,
    quality::Thresholds,
    readiness::{Component, Readiness},
    still::Stills,
    store::{Store, StoreSettings},
    writer::WriterHandle,
};

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Ho_Chi_Minh;
const HERE: &str = "127.0.0.1:5000";
const ELSEWHERE: &str = "192.0.2.7:5000";
/// Well formed, so that it is looked up.
const COOKIE: &str = "ioc_session=00000000000000000000000000000000000000000000000000000000000000aa";

/// Nothing listens on port 1, so the database is away.
fn store() -> Store {
    let config: tokio_postgres::Config = "host=127.0.0.1 port=1 user=nobody".parse().unwrap();
    let application = config.clone();
    Store::new(StoreSettings {
        application,
        owner: config,
        statement_timeout_ms: 1_000,
        ca_file: None,
    })
    .unwrap()
}

fn rules() -> Arc<crate::alarm::rule::Rules> {
    Arc::new(crate::alarm::rule::Rules::configured("").unwrap())
}

fn pcu() -> Pcu {
    Pcu::configured("").unwrap()
}

fn app(dashboards: &Path) -> Arc<App> {
    let now = "2026-03-02T01:15:00Z".parse().unwrap();
    let clock: SharedClock = Arc::new(TestClock::new(now));
    let up = Component::up(now);
    let down = Component::down(now, "connection refused");
    let readiness = Readiness { database: down, broker: up.clone(), writer: up.clone(), spool: up };
    Arc::new(App {
        store: store(),
        settings: ApiSettings {
            dashboards: dashboards.to_owned(),
            session_length: TimeDelta::hours(12),
            secure_cookies: false,
            proxy: false,
            insecure: false,
            build: "0.0.0+test".into(),
            zone: ZONE,
            interval_horizon: TimeDelta::days(396),
            rollup_horizon: TimeDelta::days(1_096),
            city: "can-tho".into(),
            demonstration: true,
            subscriptions: 64,
            slow_client: Duration::from_secs(10),
            words: Arc::new(crate::import::Words::default_words()),
            displays: Vec::new(),
            personal_keys: vec!["ho_ten".into()],
            stream: None,
        },
        ready: watch::channel(readiness).1,
        reform: watch::channel(None).1,
        standings: watch::channel(Arc::default()).1,
        thresholds: Arc::new(Thresholds::configured("", "hub", &pcu()).unwrap()),
        pcu: Arc::new(pcu()),
        registry: watch::channel(None).1,
        stills: Stills::new(None),
        targets: crate::performance::target::Targets::configured("").unwrap(),
        notify: Arc::default(),
        metrics: Arc::new(|| "# EOF\n".into()),
        state_of: Arc::new(|_| None),
        live: live::start::tests::alone(&clock).0,
        stop: CancellationToken::new(),
        writer: WriterHandle::channel().0,
        gate: Gate::new(),
        seen: Seen::default(),
        clock,
        rules: rules(),
    })
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["status"], self.status.as_u16());
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

async fn ask(app: &Arc<App>, from: &str, request: axum::http::request::Builder) -> Answer {
    send(app, from, request, Body::empty()).await
}

async fn send(
    app: &Arc<App>,
    from: &str,
    request: axum::http::request::Builder,
    body: Body,
) -> Answer {
    let mut request = request.body(body).unwrap();
    let peer: SocketAddr = from.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = router(Arc::clone(app)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status, headers: parts.headers, body }
}

fn get(path: &str) -> axum::http::request::Builder {
    Request::builder().uri(path)
}

#[tokio::test]
async fn every_documented_route_but_the_public_ones_needs_a_session() {
    let app = app(Path::new("nowhere"));
    let document = serde_json::to_value(openapi_document()).unwrap();
    let mut guarded = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let operation = &item[method.as_str().to_lowercase()];
            // `security: [{}]` marks what anybody may ask for.
            if operation.is_null() || operation.get("security").is_some() {
                continue;
            }
            let path = path.replace("{id}", "1").replace("{name}", "meetings");
            let answer = ask(&app, HERE, get(&path).method(method.clone())).await;
            let at = format!("{method} {path}");
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{at}");
            assert_eq!(answer.code(), "unauthenticated", "{at}");
            guarded += 1;
        }
    }
    assert!(guarded >= 22, "only {guarded} routes were tried");
}

#[tokio::test]
async fn while_the_database_is_away_a_client_is_told_to_come_back() {
    let app = app(Path::new("nowhere"));
    let answer = ask(&app, HERE, get("/api/v1/devices").header(header::COOKIE, COOKIE)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "database_away");
    assert_eq!(answer.headers[header::RETRY_AFTER], "5");
    let text = String::from_utf8(answer.body).unwrap();
    assert!(!text.contains("refused") && !text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn who_was_signed_in_a_moment_ago_reads_on_while_the_database_is_away() {
    let app = app(Path::new("nowhere"));
    let now = app.clock.now();
    let token = COOKIE.strip_prefix("ioc_session=").unwrap();
    let who = Identity {
        account_id: 1,
        user: "an".into(),
        role: Role::Operator,
        expires_at: now + TimeDelta::hours(1),
        session: Sha256::digest(token).into(),
    };
    app.seen.note(&who, now);
    let asked = |path: &str| get(path).header(header::COOKIE, COOKIE);
    let alarms = ask(&app, HERE, asked("/api/v1/alarms")).await;
    assert_eq!(alarms.status, StatusCode::OK);
    assert_eq!(ask(&app, HERE, asked("/api/v1/cameras")).await.code(), "starting");
    // Changing anything needs the database's word, and so does reading from it.
    let reset = asked("/api/v1/alarms/x:y/reset").method(Method::POST);
    assert_eq!(ask(&app, HERE, reset).await.code(), "database_away");
    assert_eq!(ask(&app, HERE, asked("/api/v1/devices")).await.code(), "database_away");
}

#[tokio::test]
async fn what_does_not_exist_is_a_problem_document_too() {
    let app = app(Path::new("nowhere"));
    assert_eq!(ask(&app, HERE, get("/api/v1/nothing")).await.code(), "not_found");
    assert_eq!(ask(&app, HERE, get("/api/v2/devices")).await.code(), "not_found");
    let put = get("/api/v1/devices").method(Method::PUT);
    assert_eq!(ask(&app, HERE, put).await.code(), "method_not_allowed");
}

#[tokio::test]
async fn what_is_public_may_be_kept_by_anybody() {
    let app = app(Path::new("nowhere"));
    let answer = ask(&app, ELSEWHERE, get("/open311/v2/discovery.json")).await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "public, max-age=300");
}

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let app = app(Path::new("nowhere"));
    let sign_in = || {
        let request = get("/api/v1/sessions").method(Method::POST);
        request.header(header::CONTENT_TYPE, "application/json").header(header::HOST, "hub")
    };
    let body = || Body::from(r#"{"user":"admin","password":"x"}"#);
    let cross = sign_in().header("sec-fetch-site", "cross-site");
    assert_eq!(send(&app, HERE, cross, body()).await.code(), "cross_site");
    let cross = sign_in().header(header::ORIGIN, "http://evil.example");
    assert_eq!(send(&app, HERE, cross, body()).await.code(), "cross_site");
    let own = sign_in().header("sec-fetch-site", "same-origin");
    assert_eq!(send(&app, HERE, own, body()).await.code(), "database_away");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let app = app(Path::new("nowhere"));
    let request = get("/api/v1/sessions").method(Method::POST);
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let body = format!(r#"{{"user":"admin","password":"{}"}}"#, "x".repeat(1024 * 1024));
    let answer = send(&app, HERE, request, Body::from(body)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.code(), "too_large");
}

#[tokio::test]
async fn readiness_names_what_is_missing_to_this_machine_only() {
    let app = app(Path::new("nowhere"));
    let here = ask(&app, HERE, get("/readyz")).await;
    assert_eq!(here.status, StatusCode::SERVICE_UNAVAILABLE);
    let told: Value = serde_json::from_slice(&here.body).unwrap();
    assert_eq!(told["database"]["why"], "connection refused");
    assert_eq!(told["database"]["since"], "2026-03-02T01:15:00Z");
    assert_eq!(
        (&told["ready"], &told["broker"]["ready"]),
        (&Value::Bool(false), &Value::Bool(true))
    );
    let elsewhere = ask(&app, ELSEWHERE, get("/readyz")).await;
    let told: Value = serde_json::from_slice(&elsewhere.body).unwrap();
    assert_eq!((&told["ready"], &told["database"]), (&Value::Bool(false), &Value::Null));
}

#[tokio::test]
async fn metrics_are_for_this_machine_only_and_life_is_for_all() {
    let app = app(Path::new("nowhere"));
    let here = ask(&app, HERE, get("/metrics")).await;
    assert_eq!((here.status, here.body.as_slice()), (StatusCode::OK, b"# EOF\n".as_slice()));
    assert_eq!(ask(&app, ELSEWHERE, get("/metrics")).await.code(), "forbidden");
    assert_eq!(ask(&app, ELSEWHERE, get("/healthz")).await.status, StatusCode::OK);
}

/// A built dashboards folder, removed with the test.
struct Built(PathBuf);

impl Built {
    fn new(name: &str) -> Self {
        let name = format!("ioc-hub-pages-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("assets")).unwrap();
        fs::write(folder.join("index.html"), "<!doctype html>the page").unwrap();
        fs::write(folder.join("assets/app-1a2b.js"), "plain").unwrap();
        fs::write(folder.join("assets/app-1a2b.js.br"), "brotli").unwrap();
        Self(folder)
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        let _already_gone = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn hashed_files_are_kept_for_ever_and_pages_asked_for_again() {
    let built = Built::new("files");
    let app = app(&built.0);
    let script = get("/assets/app-1a2b.js").header(header::ACCEPT_ENCODING, "gzip, br");
    let script = ask(&app, HERE, script).await;
    assert_eq!((script.status, script.body.as_slice()), (StatusCode::OK, b"brotli".as_slice()));
    assert_eq!(script.headers[header::CONTENT_ENCODING], "br");
    assert_eq!(script.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    for page in ["/", "/ops", "/login", "/vds/vds-001", "/cctv/cam.north.1"] {
        let page = get(page).header(header::ACCEPT, "text/html,*/*;q=0.8");
        let page = ask(&app, HERE, page).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.body, b"<!doctype html>the page");
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-cache");
    }
}

#[tokio::test]
async fn a_missing_file_is_not_answered_with_the_page() {
    let built = Built::new("missing");
    let app = app(&built.0);
    for path in ["/assets/app-9999.js", "/nothing.css", "/../Cargo.toml", "/%2e%2e/Cargo.toml"] {
        let answer = ask(&app, HERE, get(path)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.headers.get(header::CACHE_CONTROL).unwrap(), "no-store", "{path}");
    }
    let page = get("/assets/app-9999").header(header::ACCEPT, "text/html");
    assert_eq!(ask(&app, HERE, page).await.status, StatusCode::NOT_FOUND);
    let post = get("/").method(Method::POST);
    assert_eq!(ask(&app, HERE, post).await.code(), "method_not_allowed");
}

#[tokio::test]
async fn without_built_pages_a_page_says_what_to_build() {
    let answer = ask(&app(Path::new("dashboards/dist-that-is-not-there")), HERE, get("/")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("dashboards/dist-that-is-not-there"), "{text}");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let built = Built::new("headers");
    let app = app(&built.0);
    for path in ["/", "/assets/app-1a2b.js", "/nothing.js", "/api/v1/devices", "/healthz"] {
        let headers = ask(&app, HERE, get(path)).await.headers;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{path}");
    }
}
