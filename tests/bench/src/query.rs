//! History of a large city: what a planner waits for, over HTTP, while nothing else goes on.
//!
//! About 21 million readings are made by SQL: a year of 30 s intervals of a few stations, thirty days of
//! 5-minute intervals of a thousand. Hours and days are built by the hub itself, from which the time of the
//! hub's own work after such a back-fill is told too.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chrono::{DateTime, DurationRound as _, SecondsFormat, TimeDelta, Utc};
use ioc_hub::city::City;
use tokio::time::sleep;
use tokio_postgres::Client;

use super::{
    child::HubProcess,
    http, payload,
    report::{Report, float, quantiles},
    servers::Servers,
};

const PART: &str = "history over HTTP";
const DATABASE: &str = "bench_query";
/// Stations with a year of short intervals, one lane each.
const DEEP: usize = 12;
/// Stations with a month of long intervals, one lane each.
const WIDE: usize = 1_000;
/// Questions of each kind per round.
const QUESTIONS: usize = 20;
/// Longest wait for hours and days.
const BUILD_MAX: Duration = Duration::from_mins(15);

fn deep(station: usize) -> String {
    format!("bench-deep-{station:02}")
}

/// Measures everything; each question is asked in so many rounds.
pub(crate) async fn run(
    servers: &Servers,
    city: &City,
    rounds: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let wide = |station: usize| format!("bench-wide-{station:04}");
    let sources = (0..DEEP).map(deep).chain((0..WIDE).map(wide));
    let devices: Vec<_> =
        sources.map(|source| payload::device(city, &source, 1)).collect::<anyhow::Result<_>>()?;
    let password = servers.prepare(DATABASE, city, &devices).await?;
    let until = servers.clock().now().duration_trunc(TimeDelta::hours(1))?;
    let client = servers.client(DATABASE).await?;
    load(&client, until, report).await?;

    let hub = HubProcess::start(servers, DATABASE).await?;
    wait_until_built(&client, report).await?;
    let cookie = http::sign_in(hub.address, &password).await?;
    let asker = Asker { address: hub.address, cookie, until, rounds };
    asker.ask_all(report).await?;
    hub.process.stop().await
}

/// Makes readings and their 5-minute sums.
async fn load(client: &Client, until: DateTime<Utc>, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut made = 0;
    for (like, days, duration_ms) in [("bench-deep-%", 365, 30_000), ("bench-wide-%", 30, 300_000)]
    {
        let detectors = "select array_agg(t.id order by t.id) from detector t \
                         join device d on d.id = t.device_id where d.source like $1";
        let detectors: Vec<i32> = client.query_one(detectors, &[&like]).await?.get(0);
        let sql = include_str!("query/readings.sql");
        // A month at a time, so that one transaction stays small.
        for part in 0..(days + 29) / 30 {
            let to = until - TimeDelta::days(30 * part);
            let from = (to - TimeDelta::days(30)).max(until - TimeDelta::days(days));
            made += client.execute(sql, &[&detectors, &from, &to, &duration_ms]).await?;
        }
    }
    client.execute(include_str!("query/sums.sql"), &[]).await?;
    client.batch_execute("analyze interval_reading; analyze interval_5min").await?;
    report.add(PART, "readings made", (float(usize::try_from(made)?) / 1e6, "million"), "");
    report.add(PART, "taken for it", (begun.elapsed().as_secs_f64(), "s"), "");
    Ok(())
}

/// Waits until the hub has built hours and days of all of it.
async fn wait_until_built(client: &Client, report: &mut Report) -> anyhow::Result<()> {
    let begun = Instant::now();
    let is_built = "select closed_before > now() - interval '3 hours' and built_before = closed_before \
                    and days_before > now() - interval '2 days' from rollup_state";
    while !client.query_one(is_built, &[]).await?.get::<_, bool>(0) {
        anyhow::ensure!(begun.elapsed() < BUILD_MAX, "hours and days are not built");
        sleep(Duration::from_millis(200)).await;
    }
    client.batch_execute("vacuum analyze interval_1h; vacuum analyze interval_1d").await?;
    report.add(PART, "hours and days built", (begun.elapsed().as_secs_f64(), "s"), "");
    Ok(())
}

struct Asker {
    address: SocketAddr,
    cookie: String,
    until: DateTime<Utc>,
    rounds: usize,
}

impl Asker {
    async fn ask_all(&self, report: &mut Report) -> anyhow::Result<()> {
        let one = |days: i64, points: &'static str| {
            move |number: usize| {
                let source = deep(number % DEEP);
                // Other days each time, so that no answer repeats the one before.
                let to = self.until - TimeDelta::hours(i64::try_from(number).unwrap_or(0));
                let span = Self::span(to - TimeDelta::days(days), to);
                format!("series?source={source}&lane=1&quantity=flow_veh_h&{span}&{points}")
            }
        };
        let total = |number: usize| {
            let to = self.until - TimeDelta::hours(i64::try_from(number % 48).unwrap_or(0));
            let span = Self::span(to - TimeDelta::days(30), to);
            format!("series/total?service=vds&quantity=count&{span}&step=1h")
        };
        let day = self.ask(("one device, one day, raw", "series"), one(1, "step=30s"), 2_880);
        tell("one device, one day, raw", "p95 <= 30 ms", day.await?, report);
        let year = self.ask(("one device, one year", "series"), one(364, "points=2000"), 1_000);
        tell("one device, one year, 2,000 points", "p95 <= 60 ms", year.await?, report);
        let month = self.ask(("1,012 devices, 30 days", "totals"), total, 720);
        tell("1,012 devices summed, 720 hours", "p95 <= 1 s", month.await?, report);
        Ok(())
    }

    fn span(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
        let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("from={}&to={}", text(from), text(to))
    }

    /// How long each answer took, ms. An answer with fewer points than `least` under its key is none.
    async fn ask(
        &self,
        (what, key): (&str, &str),
        path: impl Fn(usize) -> String,
        least: usize,
    ) -> anyhow::Result<Vec<f64>> {
        let mut taken_ms = Vec::new();
        for number in 0..self.rounds * QUESTIONS {
            let path = format!("/api/v1/{}", path(number));
            let begun = Instant::now();
            let answer = http::get_as(self.address, &path, &self.cookie).await?;
            let took = begun.elapsed();
            anyhow::ensure!(answer.status == 200, "{what}: {} {}", answer.status, answer.body);
            let body: serde_json::Value = serde_json::from_str(&answer.body)?;
            let points = body[key][0]["points"].as_array().context("an answer without points")?;
            anyhow::ensure!(points.len() >= least, "{what}: {} points", points.len());
            taken_ms.push(took.as_secs_f64() * 1e3);
        }
        Ok(taken_ms)
    }
}

fn tell(what: &str, goal: &'static str, taken_ms: Vec<f64>, report: &mut Report) {
    let [p50, p95] = quantiles(taken_ms, &[0.5, 0.95])[..] else { return };
    report.add(PART, format!("{what}: p50"), (p50, "ms"), "");
    report.add(PART, format!("{what}: p95"), (p95, "ms"), goal);
}
