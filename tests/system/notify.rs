//! Notifications against a real database, a real HTTP receiver and a real SMTP receiver: what is sent, what
//! is sent again, what is told together.

mod receivers;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::{
    access::Role,
    clock::{Clock as _, SystemClock},
    notify::{self, Around, Board, Notifications, Timing, board::EndpointCondition},
    store::{
        Store, migrate,
        notify::{NotificationFilter, NotificationRow},
    },
    tasks::Tasks,
};
use tokio_postgres::Client;

use crate::{
    server::{
        connect_as, data_folder, database_settings, new_database, repository, wait_for, wait_number,
    },
    site::Site,
};
use receivers::{Behaviour, Hook, Hooks, Mail};

const SECRET: &str = "a-secret-of-tests";

/// A database with workers.
struct Bench {
    store: Store,
    client: Client,
    board: Arc<Board>,
    connections: Tasks,
}

/// A transition to be written.
#[derive(Clone)]
struct Happened {
    seq: i64,
    at: DateTime<Utc>,
    action: &'static str,
    priority: i16,
    presented: bool,
}

fn raised(seq: i64) -> Happened {
    Happened { seq, at: SystemClock.now(), action: "raise", priority: 2, presented: true }
}

fn read(text: &str) -> anyhow::Result<Notifications> {
    let secrets = BTreeMap::from([("IOC_NOTIFY_TEST".to_owned(), SECRET.to_owned())]);
    Ok(Notifications::read(
        &format!("version = \"1\"\nlink = \"https://ioc.example\"\n{text}"),
        "test",
        &secrets,
    )?)
}

/// An endpoint that posts to `url`, with more keys.
fn hook(name: &str, url: &str, more: &str) -> String {
    format!(
        "[[endpoint]]\nname = \"{name}\"\ntimeout_s = 5\n{more}\n[endpoint.webhook]\n\
         url = \"{url}\"\nsecret_env = \"IOC_NOTIFY_TEST\"\n"
    )
}

impl Bench {
    async fn new() -> anyhow::Result<Self> {
        let database = new_database().await?;
        let store = Store::new(database_settings(&database))?;
        migrate::migrate(&store).await?;
        let connections = Tasks::new();
        let client = connect_as(&database, ioc_hub::local::Role::Owner, &connections).await?;
        Ok(Self { store, client, board: Arc::default(), connections })
    }

    /// Starts one worker for each endpoint and waits until each has its place.
    async fn start(&self, endpoints: &str) -> anyhow::Result<Tasks> {
        let tasks = Tasks::new();
        let notifications = read(endpoints)?;
        for endpoint in &notifications.endpoints {
            let around = Around {
                store: self.store.clone(),
                clock: Arc::new(SystemClock),
                zone: chrono_tz::Asia::Ho_Chi_Minh,
                city: "can-tho".into(),
                texts: Arc::new(|_| None),
                board: Arc::clone(&self.board),
                timing: Timing {
                    look: Duration::from_millis(10),
                    backoff: Duration::from_millis(20),
                    backoff_max: Duration::from_millis(50),
                },
                stop: tasks.stop_token(),
            };
            let link = notifications.link.clone();
            tasks.spawn("notifications", notify::run(Arc::clone(endpoint), link, around));
        }
        let wanted = i64::try_from(notifications.endpoints.len())?;
        let sql = "select count(*) from notification_endpoint";
        wait_number(&self.client, sql, wanted).await?;
        Ok(tasks)
    }

    async fn happens(&self, happened: &[Happened]) -> anyhow::Result<()> {
        for one in happened {
            self.client
                .execute(
                    "insert into alarm_transition (seq, at, code, object, service, area, occurrence,
                       action, from_state, to_state, priority, presented, first_out)
                     values ($1, $2, 'comm_loss_signal', 'sig-' || ($1::int8)::text, 'signal', 'ninh-kieu', 1,
                       $3, 'norm', 'unack', $4, $5, false)",
                    &[&one.seq, &one.at, &one.action, &one.priority, &one.presented],
                )
                .await?;
        }
        Ok(())
    }

    async fn messages(&self, endpoint: &str) -> anyhow::Result<Vec<NotificationRow>> {
        let filter = NotificationFilter {
            endpoint: Some(endpoint.to_owned()),
            limit: 1_000,
            ..NotificationFilter::default()
        };
        let mut rows = self.store.notifications(&filter).await?;
        rows.reverse();
        Ok(rows)
    }

    /// Waits until so many messages of an endpoint have a state, and answers all of its messages.
    async fn settled(
        &self,
        endpoint: &str,
        state: &str,
        count: usize,
    ) -> anyhow::Result<Vec<NotificationRow>> {
        wait_for(&format!("{count} {state} at {endpoint}"), || async {
            let rows = self.messages(endpoint).await?;
            let found = rows.iter().filter(|row| row.state == state).count();
            Ok((found >= count).then_some(rows))
        })
        .await
    }
}

async fn end(tasks: Tasks) -> anyhow::Result<()> {
    tasks.stop();
    Ok(tasks.join(Duration::from_secs(5)).await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_posted_once_and_its_signature_holds() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let hooks = Hooks::start().await?;
    // What was before the endpoint is not told.
    bench.happens(&[raised(1)]).await?;
    let tasks = bench.start(&hook("a", &hooks.url("a"), "")).await?;
    let hidden = Happened { presented: false, ..raised(2) };
    let cleared = Happened { action: "clear", ..raised(4) };
    bench.happens(&[hidden, raised(3), cleared]).await?;
    bench.settled("a", "delivered", 1).await?;
    // The cursor comes to the end, over what is not to be told.
    let cursor = "select cursor_seq from notification_endpoint";
    wait_number(&bench.client, cursor, 4).await?;
    let got = hooks.got("a");
    assert_eq!(got.len(), 1);
    let Hook { body, key, signature, content_type } = &got[0];
    assert_eq!((key.as_str(), content_type.as_str()), ("a:3", "application/json"));
    let (time, _) = signature.strip_prefix("t=").and_then(|rest| rest.split_once(',')).unwrap();
    let time: i64 = time.parse()?;
    assert!((SystemClock.now().timestamp() - time).abs() < 60);
    assert_eq!(*signature, notify::webhook::signature(SECRET, time, body));
    assert_ne!(*signature, notify::webhook::signature("another", time, body));
    let told: serde_json::Value = serde_json::from_slice(body)?;
    for (name, value) in [
        ("v", serde_json::json!(1)),
        ("id", "a:3".into()),
        ("city", "can-tho".into()),
        ("kind", "alarm".into()),
        ("event", "raised".into()),
        ("alarm", "comm_loss_signal:sig-3".into()),
        ("priority", 2.into()),
        ("link", "https://ioc.example/alarms#comm_loss_signal:sig-3".into()),
    ] {
        assert_eq!(told[name], value, "{name} of {told}");
    }
    let (_, row) = bench.board.list().remove(0);
    assert_eq!((row.condition, row.delivered, row.alarms), (EndpointCondition::Up, 1, 1));
    end(tasks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_endpoint_delays_no_other_and_is_given_up() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let hooks = Hooks::start().await?;
    hooks.behave("shaky", Behaviour::Fail(503, 2));
    hooks.behave("dead", Behaviour::Hang);
    hooks.behave("moved", Behaviour::Redirect);
    hooks.behave("late", Behaviour::Late(Duration::from_millis(150)));
    let nobody = "http://127.0.0.1:1/";
    let text = [
        hook("good", &hooks.url("good"), ""),
        hook("shaky", &hooks.url("shaky"), ""),
        hook("dead", &hooks.url("dead"), "attempts = 2")
            .replace("timeout_s = 5", "timeout_s = 0.5"),
        hook("moved", &hooks.url("moved"), ""),
        hook("late", &hooks.url("late"), ""),
        hook("gone", nobody, "attempts = 3"),
    ];
    let tasks = bench.start(&text.concat()).await?;
    bench.happens(&[raised(1)]).await?;
    bench.settled("good", "delivered", 1).await?;
    // The others have failed at most once so far, or wait: nobody waited for them.
    assert_eq!(hooks.got("good").len(), 1);
    bench.settled("late", "delivered", 1).await?;
    let shaky = bench.settled("shaky", "delivered", 1).await?;
    assert_eq!(shaky[0].attempts, 3);
    let tries = hooks.got("shaky");
    assert!(tries.iter().all(|one| one.key == "shaky:1" && one.body == tries[0].body));
    let answer = |rows: &[NotificationRow]| rows[0].answer.clone().unwrap_or_default();
    let dead = bench.settled("dead", "dead", 1).await?;
    assert_eq!((dead[0].attempts, answer(&dead).as_str()), (2, "no answer within 0.5 s"));
    let moved = bench.settled("moved", "dead", 1).await?;
    assert_eq!(moved[0].attempts, 1);
    assert_eq!(answer(&moved), "answered 302: redirects are not followed");
    assert!(hooks.got("elsewhere").is_empty(), "a redirect was followed");
    let gone = bench.settled("gone", "dead", 1).await?;
    assert!(answer(&gone).starts_with("no connection to 127.0.0.1 port 1"), "{gone:?}");
    let board: BTreeMap<_, _> = bench.board.list().into_iter().collect();
    assert_eq!(board["good"].condition, EndpointCondition::Up);
    assert_eq!((board["dead"].condition, board["dead"].dead), (EndpointCondition::Failing, 1));
    let metrics = ioc_hub::observe::Metrics::new();
    metrics.show(Box::new(notify::board::BoardMetrics(Arc::clone(&bench.board))));
    let text = metrics.render();
    for line in [
        "hub_notify_delivered_messages_total{endpoint=\"shaky\"} 1",
        "hub_notify_failed_attempts_total{endpoint=\"shaky\"} 2",
        "hub_notify_dead_messages_total{endpoint=\"dead\"} 1",
        "hub_notify_up{endpoint=\"dead\"} 0",
        "hub_notify_up{endpoint=\"good\"} 1",
    ] {
        assert!(text.contains(line), "missing {line} in\n{text}");
    }
    // What was given up is sent again when somebody asks for it, with its key.
    hooks.behave("moved", Behaviour::Take);
    let now = SystemClock.now();
    bench.store.retry_notification(moved[0].id, "somebody", now).await?;
    bench.settled("moved", "delivered", 1).await?;
    let keys: Vec<String> = hooks.got("moved").into_iter().map(|one| one.key).collect();
    assert_eq!(keys, ["moved:1", "moved:1"]);
    let journal =
        "select count(*) from journal where action = 'retry_notification' and who = 'somebody'";
    wait_number(&bench.client, journal, 1).await?;
    end(tasks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_ends_after_the_delivery_sends_the_same_again() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let hooks = Hooks::start().await?;
    hooks.behave("a", Behaviour::Hang);
    let text = hook("a", &hooks.url("a"), "").replace("timeout_s = 5", "timeout_s = 60");
    let tasks = bench.start(&text).await?;
    bench.happens(&[raised(1)]).await?;
    // The receiver has it; the hub has not heard so when it ends.
    wait_for("the message", || async { Ok((!hooks.got("a").is_empty()).then_some(())) }).await?;
    end(tasks).await?;
    assert_eq!(bench.messages("a").await?[0].state, "waiting");
    hooks.behave("a", Behaviour::Take);
    bench.happens(&[raised(2)]).await?;
    let tasks = bench.start(&text).await?;
    bench.settled("a", "delivered", 2).await?;
    let got = hooks.got("a");
    let keys: Vec<&str> = got.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["a:1", "a:1", "a:2"]);
    assert_eq!(got[0].body, got[1].body);
    end(tasks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_for_an_endpoint_that_is_disabled() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let hooks = Hooks::start().await?;
    let cursor = "select cursor_seq from notification_endpoint";
    let url = hooks.url("a");
    let tasks = bench.start(&hook("a", &url, "")).await?;
    end(tasks).await?;
    let tasks = bench.start(&hook("a", &url, "enabled = false")).await?;
    wait_number(&bench.client, cursor, -1).await?;
    bench.happens(&[raised(1), raised(2)]).await?;
    end(tasks).await?;
    let tasks = bench.start(&hook("a", &url, "")).await?;
    wait_number(&bench.client, cursor, 2).await?;
    bench.happens(&[raised(3)]).await?;
    let told: Vec<i64> =
        bench.settled("a", "delivered", 1).await?.iter().map(|row| row.first_seq).collect();
    assert_eq!(told, [3], "what happened meanwhile is not told");
    end(tasks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_is_told_in_one_message_with_counts() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let hooks = Hooks::start().await?;
    let more = "digest = { more_than = 5, within_s = 600, every_s = 0 }";
    let tasks = bench.start(&hook("a", &hooks.url("a"), more)).await?;
    // 1,000 losses behind one switch: one alarm in front of operators, its children are not told; and
    // 200 others, of which every tenth is critical.
    bench
        .client
        .batch_execute(
            "insert into alarm_transition (seq, at, code, object, service, occurrence, action,
               from_state, to_state, priority, presented, first_out)
             select n, now(), case when n <= 1000 then 'comm_loss_camera' else 'sig_dark' end,
               'x-' || n, 'cctv', 1, 'raise', 'norm', 'unack',
               case when n % 10 = 0 then 1 else 3 end, n > 1000, false
             from generate_series(1, 1200) n",
        )
        .await?;
    let rows = bench.settled("a", "delivered", 1).await?;
    assert_eq!((rows.len(), rows[0].alarms), (1, 200));
    assert_eq!((rows[0].first_seq, rows[0].last_seq), (1_001, 1_200));
    let told: serde_json::Value = serde_json::from_slice(&hooks.got("a")[0].body)?;
    assert_eq!((&told["kind"], &told["why"]), (&"digest".into(), &"flood".into()));
    assert_eq!(told["count"], 200);
    assert_eq!(told["priorities"], serde_json::json!({ "1": 20, "3": 180 }));
    assert_eq!(
        told["codes"][0],
        serde_json::json!({ "name": "sig_dark", "text": null, "count": 200 })
    );
    assert_eq!(told["gravest"].as_array().map(Vec::len), Some(20));
    assert!(told["gravest"].as_array().unwrap().iter().all(|one| one["priority"] == 1));
    end(tasks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_rate_limit_alarms_wait_and_are_told_together() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let hooks = Hooks::start().await?;
    let more = "rate = { messages = 2, per_s = 2 }\n\
                digest = { more_than = 1000, within_s = 600, every_s = 0 }";
    let text = hook("a", &hooks.url("a"), more);
    let tasks = bench.start(&text).await?;
    bench.happens(&[raised(1)]).await?;
    bench.settled("a", "delivered", 1).await?;
    bench.happens(&[raised(2)]).await?;
    bench.settled("a", "delivered", 2).await?;
    // A new hub knows what the one before it sent.
    end(tasks).await?;
    let tasks = bench.start(&text).await?;
    bench.happens(&[raised(3), raised(4), raised(5)]).await?;
    let rows = bench.settled("a", "delivered", 3).await?;
    let alarms: Vec<i32> = rows.iter().map(|row| row.alarms).collect();
    assert_eq!(alarms, [1, 1, 3]);
    assert!(rows[2].made_at >= rows[0].made_at + TimeDelta::seconds(2), "{rows:?}");
    assert_eq!(rows[2].content["why"], "rate");
    end(tasks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_shift_on_duty_is_told() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let hooks = Hooks::start().await?;
    let week = "[\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"]";
    let shift = |from: &str, to: &str| {
        format!("shifts = [{{ days = {week}, from = \"{from}\", to = \"{to}\" }}]")
    };
    let text = [
        hook("day", &hooks.url("day"), &shift("06:00", "18:00")),
        hook("night", &hooks.url("night"), &shift("18:00", "06:00")),
    ];
    let tasks = bench.start(&text.concat()).await?;
    // 18:00 in the city is 11:00 UTC.
    let at = |text: &str| -> anyhow::Result<DateTime<Utc>> { Ok(text.parse()?) };
    bench
        .happens(&[
            Happened { at: at("2026-03-02T10:59:59.999Z")?, ..raised(1) },
            Happened { at: at("2026-03-02T11:00:00Z")?, ..raised(2) },
        ])
        .await?;
    let day = bench.settled("day", "delivered", 1).await?;
    let night = bench.settled("night", "delivered", 1).await?;
    let cursors = "select min(cursor_seq) from notification_endpoint";
    wait_number(&bench.client, cursors, 2).await?;
    assert_eq!((day.len(), day[0].last_seq), (1, 1));
    assert_eq!((night.len(), night[0].last_seq), (1, 2));
    end(tasks).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_e_mail_names_code_object_and_priority_in_the_readers_language() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    let mail = Mail::start().await?;
    // Busy at first, and it does not know one of the recipients.
    mail.busy(1);
    let to = |name: &str, language: &str, to: &str| {
        format!(
            "[[endpoint]]\nname = \"{name}\"\nlanguage = \"{language}\"\n[endpoint.email]\n\
             host = \"127.0.0.1\"\nport = {}\nsecurity = \"plain\"\n\
             from = \"IOC Cần Thơ <ioc@cantho.example>\"\nto = [\"{to}\"]\n",
            mail.port()
        )
    };
    let text = [
        to("vi", "vi", "truc@cantho.example"),
        to("en", "en", "duty@cantho.example"),
        to("wrong", "en", "unknown@cantho.example"),
    ];
    let tasks = bench.start(&text.concat()).await?;
    bench.happens(&[Happened { priority: 1, ..raised(1) }]).await?;
    for endpoint in ["vi", "en"] {
        bench.settled(endpoint, "delivered", 1).await?;
    }
    let wrong = bench.settled("wrong", "dead", 1).await?;
    assert!(wrong[0].answer.as_ref().unwrap().contains("550"), "{wrong:?}");
    let of = |to: &str| mail.got().into_iter().filter(|one| one.to == [to]).collect::<Vec<_>>();
    let (vi, en) = (of("truc@cantho.example"), of("duty@cantho.example"));
    assert_eq!((vi.len(), en.len()), (1, 1));
    assert_eq!(vi[0].from, "ioc@cantho.example");
    let subject = "[P1] comm_loss_signal – sig-1";
    assert_eq!((vi[0].subject().as_str(), en[0].subject().as_str()), (subject, subject));
    assert!(vi[0].body().contains("Mức ưu tiên: 1 (khẩn cấp)"), "{}", vi[0].body());
    assert!(en[0].body().contains("Priority: 1 (critical)"), "{}", en[0].body());
    assert!(en[0].body().contains("https://ioc.example/alarms#comm_loss_signal:sig-1"));
    assert_eq!(en[0].header("Message-ID"), "<en.1@can-tho.ioc-hub>");
    assert_eq!(en[0].header("Auto-Submitted"), "auto-generated");
    // One of the three was tried twice.
    let attempts: i32 = {
        let rows = [bench.messages("vi").await?, bench.messages("en").await?].concat();
        rows.iter().map(|row| row.attempts).sum::<i32>() + wrong[0].attempts
    };
    assert_eq!(attempts, 4);
    end(tasks).await?;
    drop(bench.connections);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_sends_a_trial_and_says_what_happened() -> anyhow::Result<()> {
    let hooks = Hooks::start().await?;
    hooks.behave("b", Behaviour::Fail(403, 9));
    let file = data_folder(&format!("notifications-{}.toml", crate::server::next_number()));
    let text = [hook("a", &hooks.url("a"), ""), hook("b", &hooks.url("b"), "")].concat();
    std::fs::write(&file, format!("version = \"1\"\n{text}"))?;
    let run = async |name: &str, secret: &str| -> anyhow::Result<(Option<i32>, String)> {
        let done = tokio::process::Command::new(env!("CARGO_BIN_EXE_ioc-hub"))
            .args(["notify", "test", name])
            .env("IOC_NOTIFICATIONS_FILE", &file)
            .env("IOC_CITY_FOLDER", repository("config/city/can-tho"))
            .env("IOC_NOTIFY_TEST", secret)
            .output()
            .await?;
        let text = [done.stdout, done.stderr].concat();
        Ok((done.status.code(), String::from_utf8(text)?))
    };
    let (code, said) = run("a", SECRET).await?;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ms: answered 200"), "{said}");
    let got = hooks.got("a");
    let told: serde_json::Value = serde_json::from_slice(&got[0].body)?;
    assert_eq!((got.len(), &told["kind"]), (1, &"test".into()));
    assert!(got[0].key.starts_with("a:test-"), "{}", got[0].key);
    let (code, said) = run("b", SECRET).await?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("refused after") && said.contains("answered 403"), "{said}");
    let (code, said) = run("c", SECRET).await?;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("there are a, b"), "{said}");
    let (code, said) = run("a", "").await?;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the environment variable IOC_NOTIFY_TEST is not set"), "{said}");
    assert!(!said.contains(SECRET));
    std::fs::remove_file(&file)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_list_messages_and_send_again_what_was_given_up() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let client = site.client().await?;
    client
        .batch_execute(
            "insert into notification_endpoint values ('old', 9, now());
             insert into notification (endpoint, first_seq, last_seq, alarms, made_at, content, state,
               attempts, settled_at, answer) values
               ('old', 8, 8, 1, now(), '{\"kind\": \"test\"}', 'delivered', 1, now(), 'answered 200'),
               ('old', 9, 9, 1, now(), '{\"kind\": \"test\"}', 'dead', 12, now(), 'answered 500')",
        )
        .await?;
    let operator = site.account("truc-ban", Role::Operator).await?;
    let viewer = site.account("khach", Role::Viewer).await?;
    assert_eq!(viewer.get("/api/v1/notifications").await?.status, 403);
    let dead = operator.get("/api/v1/notifications?state=dead").await?.json()?;
    assert_eq!(dead["items"].as_array().map(Vec::len), Some(1));
    let one = &dead["items"][0];
    assert_eq!((&one["key"], &one["answer"]), (&"old:9".into(), &"answered 500".into()));
    let endpoints = operator.get("/api/v1/notifications/endpoints").await?.json()?;
    assert_eq!(endpoints["items"][0]["endpoint"], "old");
    assert_eq!(endpoints["items"][0]["dead"], 1);
    let again = format!("/api/v1/notifications/{}/retry", one["id"]);
    assert_eq!(viewer.post(&again, &serde_json::Value::Null).await?.status, 403);
    assert_eq!(operator.post(&again, &serde_json::Value::Null).await?.status, 202);
    assert_eq!(operator.post(&again, &serde_json::Value::Null).await?.status, 409);
    let missing =
        operator.post("/api/v1/notifications/999/retry", &serde_json::Value::Null).await?;
    assert_eq!(missing.status, 404);
    assert_eq!(site.count("select count(*) from notification where state = 'waiting'").await?, 1);
    assert_eq!(
        site.count("select count(*) from journal where action = 'retry_notification'").await?,
        1
    );
    site.stop().await?;
    Ok(())
}
