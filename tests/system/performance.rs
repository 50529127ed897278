//! Figures on alarms and equipment against a scenario whose figures are computed by hand.

use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::access::Role;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::site::{Site, SiteOptions};

/// Writes transitions; numbers far above what the hub itself would write.
struct History<'c> {
    client: &'c Client,
    seq: i64,
    from: DateTime<Utc>,
}

/// Code, object, service, priority.
type Alarm<'a> = (&'a str, &'a str, &'a str, i16);

impl History<'_> {
    /// `seconds` after the begin of the span, `action` brings the alarm into `state`.
    async fn note(
        &mut self,
        seconds: i64,
        (code, object, service, priority): Alarm<'_>,
        (action, state): (&str, &str),
        presented: bool,
    ) -> anyhow::Result<()> {
        self.seq += 1;
        let at = self.from + TimeDelta::seconds(seconds);
        self.client
            .execute(
                "insert into alarm_transition (seq, at, code, object, service, occurrence, action,
                   from_state, to_state, priority, presented, first_out)
                 values ($1, $2, $3, $4, $5, 1, $6, 'norm', $7, $8, $9, false)",
                &[&self.seq, &at, &code, &object, &service, &action, &state, &priority, &presented],
            )
            .await?;
        Ok(())
    }
}

const HOUR: i64 = 3_600;

async fn sources(client: &Client, service: &str) -> anyhow::Result<Vec<String>> {
    let sql = "select source from device where service = $1 order by source";
    Ok(client.query(sql, &[&service]).await?.iter().map(|row| row.get(0)).collect())
}

fn near(found: &Value, expected: f64) {
    let found = found.as_f64().unwrap_or(f64::NAN);
    assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
}

/// Everything happens between 02:55 UTC of one day and of the next, `from` and `to`:
/// 1 h     `comm_loss_signal` of signal A, priority 2; acknowledged after 60 s, cleared after 30 min. Its
///         connection was lost from 0:59 to 1:29, so that it was down from 0:59 to 1:30: 31 min
/// 5 h     20 `comm_loss_camera` that are not shown; one of them of a camera that never published
/// 10 h    12 `det_failed`, priority 4, within 2 minutes, 12:55 UTC: a flood in the bin from 12:50
/// 20 h    `temp_high` of signal A, priority 3, comes up three times within 40 s
/// 22 h    `sig_dark` of signal B, priority 1; nobody acknowledges it, it goes on: down for 2 h
async fn scenario(client: &Client, from: DateTime<Utc>) -> anyhow::Result<()> {
    let signals = sources(client, "signal").await?;
    let (a, b) = (signals[0].as_str(), signals[1].as_str());
    let camera = sources(client, "cctv").await?.remove(0);
    let mut history = History { client, seq: 1_000_000, from };
    let lost = ("comm_loss_signal", a, "signal", 2);
    history.note(HOUR, lost, ("raise", "unack"), true).await?;
    history.note(HOUR + 60, lost, ("acknowledge", "ack"), true).await?;
    history.note(HOUR + 1_800, lost, ("clear", "norm"), true).await?;
    for child in 0..20 {
        let object = if child == 0 { camera.clone() } else { format!("cam-unknown-{child}") };
        let alarm = ("comm_loss_camera", object.as_str(), "cctv", 3);
        history.note(5 * HOUR, alarm, ("raise", "unack"), false).await?;
    }
    for detector in 0..12 {
        let object = format!("vds-001/lane/{detector}");
        let alarm = ("det_failed", object.as_str(), "vds", 4);
        history.note(10 * HOUR + 10 * detector, alarm, ("raise", "unack"), true).await?;
    }
    let hot = ("temp_high", a, "signal", 3);
    for (seconds, went) in [
        (0, ("raise", "unack")),
        (10, ("clear", "rtnun")),
        (20, ("re_raise", "unack")),
        (30, ("clear", "rtnun")),
        (40, ("re_raise", "unack")),
    ] {
        history.note(20 * HOUR + seconds, hot, went, true).await?;
    }
    history.note(22 * HOUR, ("sig_dark", b, "signal", 1), ("raise", "unack"), true).await?;

    let at = |seconds: i64| from + TimeDelta::seconds(seconds);
    client
        .execute(
            "insert into connection (time, device_id, boot, online)
             select t, id, 1, on_line from device,
               (values ($2::timestamptz, false), ($3, true)) as told (t, on_line) where source = $1",
            &[&a, &at(59 * 60), &at(89 * 60)],
        )
        .await?;
    for source in [a, b] {
        client
            .execute(
                "insert into source_state (source, service, first_seen, last_seen, messages, refused,
                   duplicates, late, dropped, unguaranteed)
                 values ($1, 'signal', $2, $2, 1, 0, 0, 0, 0, 0)",
                &[&source, &(from - TimeDelta::days(10))],
            )
            .await?;
    }
    // 100 messages are expected of signal A, 4 never came; one hole was seen before the span.
    client
        .execute(
            "insert into seq_run (id, source, service, stream, boot, first_seq, last_seq)
             values (1000, $1, 'signal', 'state', 1, 1, 100)",
            &[&a],
        )
        .await?;
    for (id, missing, seen) in [(1_000_i64, 3_i64, at(HOUR)), (1_001, 1, at(-HOUR))] {
        client
            .execute(
                "insert into gap (id, source, service, stream, boot, from_seq, to_seq, missing, first_seen)
                 values ($1, $2, 'signal', 'state', 1, 5, 9, $3, $4)",
                &[&id, &a, &missing, &seen],
            )
            .await?;
    }
    // Two bins of 5 minutes of one lane: 20 intervals, 17 of them good.
    for (minutes, good) in [(-10, 9), (-5, 8)] {
        client
            .execute(
                "insert into interval_5min (bucket, detector_id, intervals, good, duration_ms, count_n,
                   count_sum, occupancy_ms, occupancy_sum, speed_count, speed_sum, pace_sum, samples,
                   samples_expected, quality)
                 select $1, min(t.id), 10, $2, 300000, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0
                 from detector t join device d on d.id = t.device_id where d.service = 'vds'",
                &[&(at(24 * HOUR) + TimeDelta::minutes(minutes)), &good],
            )
            .await?;
    }
    // Active since 26 hours; the second is put aside.
    for (object, shelved) in [("sig-old", None), ("sig-shelved", Some(at(48 * HOUR)))] {
        client
            .execute(
                "insert into alarm (code, object, occurrence, priority, state, raised_at, changed_at,
                   count, shelved_until, suppressed, comments, first_out, chattering, presented, seq)
                 values ('door_open', $1, 1, 3, 'ack', $2, $2, 1, $3, '{}', 0, false, false, true, 1)",
                &[&object, &at(-2 * HOUR), &shelved],
            )
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_a_day_are_those_computed_by_hand() -> anyhow::Result<()> {
    let (options, now) = SiteOptions::standing();
    let site = Site::start_with(options).await?;
    let client = site.client().await?;
    let to = now - TimeDelta::minutes(5);
    let from = to - TimeDelta::days(1);
    // Before anything was recorded nothing is known: no alarms there are not zero alarms.
    let admin = site.administrator().await?;
    let path = |from: DateTime<Utc>, to: DateTime<Utc>| {
        let text = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        format!("/api/v1/alarms/performance?from={}&to={}", text(from), text(to))
    };
    scenario(&client, from).await?;
    let before = admin.json(&path(from - TimeDelta::days(1), from)).await?;
    for figure in ["rate_10min_mean", "rate_10min_max", "flood_share", "top10_share"] {
        assert_eq!(before[figure]["value"], Value::Null, "{figure}");
    }
    assert_eq!(before["alarms"], Value::Null);
    // Two may operate: the administrator and the operator. The viewer does not count.
    site.account("truc-ban", Role::Operator).await?;
    let viewer = site.account("khach", Role::Viewer).await?;
    let day = viewer.json(&path(from, to)).await?;
    let figure = |name: &str| day[name]["value"].clone();

    assert_eq!(day["operators"], 2);
    // 1 + 12 + 3 + 1 were shown, 20 were not. Known since the first, 23 h before `to`: 138 bins.
    assert_eq!((&day["alarms"], &day["not_presented"]), (&json!(17), &json!(20)));
    near(&figure("rate_10min_mean"), 17.0 / 2.0 / 138.0);
    assert_eq!(day["rate_10min_mean"]["met"], true);
    // The fullest bin holds 12: 6 for each.
    near(&figure("rate_10min_max"), 6.0);
    assert_eq!(day["rate_10min_max"]["met"], false);
    near(&figure("flood_share"), 1.0 / 138.0);
    assert_eq!(day["floods"], json!([{ "start": "2026-09-21T12:50:00Z", "alarms": 12 }]));
    let hour = &day["hours"][9];
    assert_eq!(hour["start"], "2026-09-21T12:00:00Z");
    assert_eq!(hour["priorities"], json!([0, 0, 0, 12]));
    let hidden: i64 = day["hours"]
        .as_array()
        .map(|hours| hours.iter().filter_map(|hour| hour["not_presented"].as_i64()).sum())
        .unwrap_or_default();
    assert_eq!(hidden, 20);

    assert_eq!(figure("stale"), json!(1.0));
    assert_eq!(day["stale_alarms"][0]["alarm"], "door_open:sig-old");
    assert_eq!(day["top"][0]["code"], "det_failed");
    near(&day["top"][0]["share"], 12.0 / 17.0);
    near(&figure("top10_share"), 1.0);
    assert_eq!(day["chattering"].as_array().map(Vec::len), Some(1));
    let chattering = &day["chattering"][0];
    assert_eq!(
        (&chattering["code"], &chattering["alarms"], &chattering["third"]),
        (&json!("temp_high"), &json!(3), &json!(1))
    );
    for (at, expected) in [2.0, 3.0, 12.0].into_iter().enumerate() {
        near(&day["priorities"][at]["share"]["value"], expected / 17.0);
    }

    handling(&day);
    equipment(&day);

    let stream = &day["streams"][0];
    assert_eq!((&stream["expected"], &stream["missing"]), (&json!(100), &json!(4)));
    assert_eq!(stream["missing_in_span"], 3);
    near(&stream["received"]["value"], 0.96);
    assert_eq!(stream["received"]["met"], false);
    let good = &day["intervals"][0];
    assert_eq!(
        (&good["service"], &good["intervals"], &good["good"]),
        (&json!("vds"), &json!(20), &json!(17))
    );
    near(&good["share"]["value"], 0.85);
    let unasked = viewer.get("/api/v1/alarms/performance?from=2026-01-01T00:00:00Z").await?;
    assert_eq!(unasked.json()?["code"], "too_much");
    site.stop().await?;
    Ok(())
}

/// Priority 2: acknowledged after 60 s, cleared after 1,800 s. The others wait and are active; the three
/// times that the third came up are one occurrence.
fn handling(day: &Value) {
    let rows: Vec<&Value> = day["handling"].as_array().into_iter().flatten().collect();
    let counts: Vec<_> = rows
        .iter()
        .map(|row| {
            [
                &row["priority"],
                &row["alarms"],
                &row["acknowledged"],
                &row["waiting"],
                &row["active"],
            ]
        })
        .map(|row| row.map(|number| number.as_i64().unwrap_or(-1)))
        .collect();
    assert_eq!(counts, [[1, 1, 0, 1, 1], [2, 1, 1, 0, 0], [3, 1, 0, 1, 1], [4, 12, 0, 12, 12]]);
    let second = rows[1];
    near(&second["acknowledge_p90"]["value"], 60.0);
    assert_eq!(second["acknowledge_p90"]["met"], true);
    near(&second["clear_p50_s"], 1_800.0);
    // Nobody acknowledged the first: its time is not known, and not 0.
    assert_eq!(rows[0]["acknowledge_p90"]["value"], Value::Null);
    assert_eq!(rows[0]["clear_mean_s"], Value::Null);
}

/// Signals: two are known for 24 h each, 172,800 s; down for 1,860 s and, until the end, 7,200 s; two
/// outages began, the first ended. The camera is known since it was lost and never came back. Of the
/// stations nothing is known.
fn equipment(day: &Value) {
    let of = |service: &str| {
        let rows = day["equipment"].as_array().into_iter().flatten();
        rows.into_iter().find(|row| row["service"] == service).cloned().unwrap_or_default()
    };
    let signals = of("signal");
    assert_eq!(signals["known"], 2);
    assert_eq!([&signals["begun"], &signals["ended"], &signals["ongoing"]], [2, 1, 1]);
    near(&signals["down_s"], 9_060.0);
    near(&signals["mttr_s"], 1_860.0);
    near(&signals["mtbf_s"], (172_800.0 - 9_060.0) / 2.0);
    near(&signals["availability"]["value"], 1.0 - 9_060.0 / 172_800.0);
    assert_eq!(signals["availability"]["met"], false);
    let cameras = of("cctv");
    assert_eq!(cameras["known"], 1);
    near(&cameras["availability"]["value"], 0.0);
    assert_eq!(cameras["mttr_s"], Value::Null);
    let stations = of("vds");
    assert_eq!(stations["known"], 0);
    for unknown in [&stations["availability"]["value"], &stations["mtbf_s"], &stations["down_s"]] {
        assert_eq!(*unknown, Value::Null);
    }
}
