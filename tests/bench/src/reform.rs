//! Indicators over three years of a large city: sums of measures from the cube and from the records,
//! everything that a scorecard of all units asks, one event's effect on the cube, rebuilding a year.
//!
//! The records are made by SQL inside the database (`reform/*.sql`), as they stand after folding; the
//! steps that they would come from are not there, except those of the events that are committed.

use std::time::Instant;

use anyhow::Context as _;
use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use ioc_hub::{
    admit::{Admitted, Horizon, admit},
    city::City,
    config, hub,
    indicator::measure::{By, Dimension, Measure, Noun, OpenBorders, Ranked, Slice, Span},
    registry::Registry,
    store::{Store, insert::Inserter, measure::Page, refuse::Bound, registry},
};
use ioc_ingest::{Contract, Delivery};
use tokio_postgres::Client;

use super::{
    report::{Report, quantiles},
    servers::Servers,
};

const PART: &str = "reform: three years of dossiers and tickets";
const DATABASE: &str = "bench_reform";
/// The one-stop system of the city.
const SOURCE: &str = "onestop-can-tho";
/// Years that are made.
const YEARS: i64 = 3;
/// Working days of a year, as the records are spread.
const WORKING_DAYS: i64 = 260;

/// How much is made and asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Dossiers a year; a twentieth as many tickets.
    pub(crate) dossiers: i64,
    /// Times that each question is asked.
    pub(crate) rounds: usize,
}

/// One question: its name, and how long each answer took.
struct Asked {
    name: String,
    taken_ms: Vec<f64>,
}

/// Measures everything.
pub(crate) async fn run(
    servers: &Servers,
    city: &City,
    extent: Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    servers.prepare(DATABASE, city, &city.devices).await?;
    let store = servers.store(DATABASE)?;
    let today = servers.clock().now().with_timezone(&city.time_zone).date_naive();
    // The last day that was made is the Friday before this week.
    let monday = today - TimeDelta::days(i64::from(today.weekday().num_days_from_monday()));
    let begin = monday - TimeDelta::weeks(52 * YEARS);
    let begun = Instant::now();
    load(&servers.client(DATABASE).await?, begin, extent.dossiers).await?;
    report.add(PART, "records made", (begun.elapsed().as_secs_f64(), "s"), "");
    rebuild(&store, begin, report).await?;
    let last = monday - TimeDelta::days(3);
    let asker = Asker { store: &store, zone: city.time_zone, rounds: extent.rounds };
    tell(
        "any indicator, whole tree, one period",
        "p95 <= 100 ms",
        &asker.questions(last).await?,
        report,
    );
    tell("scorecards of all units", "p95 <= 500 ms", &asker.scorecards(last).await?, report);
    events(servers, city, last, report).await
}

/// Makes the records; indexes are built afterwards.
async fn load(client: &Client, begin: NaiveDate, dossiers: i64) -> anyhow::Result<()> {
    let indexes = "select indexname, indexdef from pg_indexes where tablename = 'dossier' \
                   and indexname <> 'dossier_pkey' order by 1";
    let indexes = client.query(indexes, &[]).await?;
    client.batch_execute("alter table dossier drop constraint dossier_pkey").await?;
    for index in &indexes {
        client.batch_execute(&format!("drop index {}", index.get::<_, String>(0))).await?;
    }
    client.execute("select setseed(0.5)", &[]).await?;
    let catalogue = "insert into formality (code, valid_from, name_vi, name_en, level, online_level, \
         has_fee, eligible_full, requires_paper_result, source, mark) \
         select '1.' || lpad(n::text, 6, '0'), '2020-01-01', 'x', 'x', 'commune', 'full', n % 3 = 0, \
           n % 2 = 0, n % 2 = 0, 'benchmark', 'demonstration' from generate_series(0, 1499) n \
         on conflict do nothing";
    client.execute(catalogue, &[]).await?;
    let total = dossiers * YEARS;
    let today = i32::try_from(WORKING_DAYS * YEARS - 1)?;
    super::say(format!("  making {total} dossiers and {} tickets", total / 20));
    let sql = include_str!("reform/dossiers.sql");
    client.execute(sql, &[&0_i64, &(total - 1), &dossiers, &begin, &today]).await?;
    let sql = include_str!("reform/tickets.sql");
    let days = i32::try_from(YEARS * 364)?;
    let noon = begin.and_time(chrono::NaiveTime::MIN);
    client
        .execute(sql, &[&0_i64, &(total / 20 - 1), &(dossiers / 20), &noon, &begin, &days])
        .await?;
    client.batch_execute("set maintenance_work_mem = '512MB'").await?;
    client.batch_execute("alter table dossier add primary key (device_id, dossier)").await?;
    for index in &indexes {
        client.batch_execute(&index.get::<_, String>(1)).await?;
    }
    client.batch_execute("vacuum analyze dossier").await?;
    client.batch_execute("analyze ticket").await?;
    Ok(())
}

/// Builds the whole cube, then a middle year once more.
async fn rebuild(store: &Store, begin: NaiveDate, report: &mut Report) -> anyhow::Result<()> {
    super::say("  building the cube");
    let begun = Instant::now();
    let rebuilt = store.recompute_cells(None, Span::BEGIN).await?;
    report.add(PART, "cube built of all years", (begun.elapsed().as_secs_f64(), "s"), "");
    report.add(PART, "cells", (f64::from(u32::try_from(rebuilt.cells)?), ""), "");
    let first = |year| NaiveDate::from_ymd_opt(year, 1, 1).context("a year");
    let year = Span { from: first(begin.year() + 2)?, to: first(begin.year() + 3)? };
    let begun = Instant::now();
    store.recompute_cells(Some(year), Span::BEGIN).await?;
    report.add(PART, "a year built anew", (begun.elapsed().as_secs_f64(), "s"), "<= 60 s");
    let begun = Instant::now();
    let verified = store.verify_cells(Some(year), Span::BEGIN).await?;
    anyhow::ensure!(verified.differences.is_empty(), "{:?}", verified.differences.first());
    report.add(PART, "a year compared", (begun.elapsed().as_secs_f64(), "s"), "");
    Ok(())
}

fn tell(what: &str, goal: &'static str, asked: &[Asked], report: &mut Report) {
    let all: Vec<f64> = asked.iter().flat_map(|asked| asked.taken_ms.clone()).collect();
    let [p50, p95] = quantiles(all, &[0.5, 0.95])[..] else { return };
    report.add(PART, format!("{what}: p50"), (p50, "ms"), "");
    report.add(PART, format!("{what}: p95"), (p95, "ms"), goal);
    for asked in asked {
        let p95 = quantiles(asked.taken_ms.clone(), &[0.95])[0];
        report.add(PART, format!("  p95 {}", asked.name), (p95, "ms"), "");
    }
}

/// Asks the store.
struct Asker<'a> {
    store: &'a Store,
    zone: Tz,
    rounds: usize,
}

impl Asker<'_> {
    async fn ask(
        &self,
        name: impl Into<String>,
        once: impl AsyncFn() -> anyhow::Result<usize>,
    ) -> anyhow::Result<Asked> {
        let name = name.into();
        let mut taken_ms = Vec::with_capacity(self.rounds);
        // The first one finds an empty cache.
        for round in 0..=self.rounds {
            let begun = Instant::now();
            let rows = once().await.with_context(|| name.clone())?;
            anyhow::ensure!(rows > 0, "{name}: no answer");
            if round > 0 {
                taken_ms.push(begun.elapsed().as_secs_f64() * 1e3);
            }
        }
        Ok(Asked { name, taken_ms })
    }

    async fn sums(
        &self,
        name: &str,
        (measures, span, by): (&[Measure], Span, By),
        slice: &Slice,
    ) -> anyhow::Result<Asked> {
        let once =
            async || Ok(self.store.measures(measures, span, slice, by, self.zone).await?.len());
        self.ask(format!("{name} ({} to {})", span.from, span.to), once).await
    }

    /// Every kind of question that one indicator of the whole tree asks, over each kind of period.
    async fn questions(&self, last: NaiveDate) -> anyhow::Result<Vec<Asked>> {
        use Measure::{
            Early, HandlingKnown, HandlingMin, Late, OnDay, OverdueBegan, OverdueEnded, Received,
            Resolved, TicketHandled, TicketLate, TicketOnTime, TicketReceived,
        };
        let all = Slice::default();
        let of = |dimension| By { unit: true, dimension: Some(dimension) };
        let total = |dimension| By { unit: false, dimension: Some(dimension) };
        let mut asked = Vec::new();
        for span in periods(last) {
            for (name, measures, by) in [
                ("ratio per unit", [Early, OnDay, Late].as_slice(), By::UNIT),
                ("mean per unit", &[HandlingMin, HandlingKnown], By::UNIT),
                ("by channel", &[Received], of(Dimension::Channel)),
                ("by field", &[Received], total(Dimension::Field)),
                ("by formality", &[Received], total(Dimension::Formality)),
                ("tickets per unit", &[TicketHandled, TicketOnTime, TicketLate], By::UNIT),
                ("tickets by category", &[TicketReceived], of(Dimension::Category)),
            ] {
                asked.push(self.sums(name, (measures, span, by), &all).await?);
            }
            let quantiles = async || {
                let (ranked, by) = (Ranked::Handling, By::UNIT);
                Ok(self.store.histograms(ranked, span, &all, by, self.zone).await?.len())
            };
            asked.push(
                self.ask(format!("quantiles ({} to {})", span.from, span.to), quantiles).await?,
            );
            let slice = Slice { formality: Some("1.000000".to_owned()), ..Slice::default() };
            asked.push(self.sums("one formality", (&[Received], span, By::UNIT), &slice).await?);
            let page = Page { after: None, limit: 100 };
            let records = async || {
                Ok(self.store.measured_records(Late, span, &all, &page, self.zone).await?.len())
            };
            asked.push(self.ask(format!("records ({} to {})", span.from, span.to), records).await?);
        }
        let until = Span::until(last);
        let open = [Received, Resolved, OverdueBegan, OverdueEnded];
        asked.push(self.sums("open at a past day", (&open, until, By::UNIT), &all).await?);
        asked.push(self.ask("open now", async || self.open(last).await).await?);
        Ok(asked)
    }

    async fn open(&self, last: NaiveDate) -> anyhow::Result<usize> {
        let now = last.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(1);
        let back = |days| last - TimeDelta::days(days);
        let bands = [back(2), back(7), back(14), back(28)];
        let borders = OpenBorders { now, soon: now + TimeDelta::days(1), bands };
        Ok(self.store.open_now(Noun::Dossier, &borders, &Slice::default(), By::UNIT).await?.len())
    }

    /// What both scorecards of all units ask, for each kind of period.
    async fn scorecards(&self, last: NaiveDate) -> anyhow::Result<Vec<Asked>> {
        let dossiers: Vec<Measure> = Measure::of(Noun::Dossier).collect();
        let petitions: Vec<Measure> = Measure::of(Noun::Petition).collect();
        let active =
            [Measure::SubmittedOnline, Measure::Vneid, Measure::FeeKnown, Measure::PaidOnline];
        let all = Slice::default();
        let mut asked = Vec::new();
        for span in periods(last).into_iter().skip(2) {
            let once = async || {
                let (by, zone) = (By::UNIT, self.zone);
                let rows = self.store.measures(&dossiers, span, &all, by, zone).await?.len();
                self.store.measures(&petitions, span, &all, by, zone).await?;
                for measure in active {
                    self.store.active_formalities(measure, span, &all, zone).await?;
                }
                Ok(rows + self.open(last).await?)
            };
            asked.push(self.ask(format!("scorecard ({} to {})", span.from, span.to), once).await?);
        }
        Ok(asked)
    }
}

/// A day, a week, a month, a quarter, nine months and a year that end with the last day.
fn periods(last: NaiveDate) -> Vec<Span> {
    let first = |months: u32| {
        let month = last.with_day(1).unwrap_or(last);
        month.checked_sub_months(chrono::Months::new(months)).unwrap_or(month)
    };
    let year = NaiveDate::from_yo_opt(last.year(), 1).unwrap_or(last);
    vec![
        Span { from: last, to: last + TimeDelta::days(1) },
        Span { from: last - TimeDelta::days(4), to: last + TimeDelta::days(3) },
        Span { from: first(1), to: first(0) },
        Span { from: first(3), to: first(0) },
        Span { from: first(9), to: first(0) },
        Span { from: year, to: NaiveDate::from_yo_opt(last.year() + 1, 1).unwrap_or(last) },
    ]
}

/// What it takes to commit steps of new dossiers: one by one, and in batches. Each is accepted, then done.
async fn events(
    servers: &Servers,
    city: &City,
    last: NaiveDate,
    report: &mut Report,
) -> anyhow::Result<()> {
    let config = config::load(None, &config::environment())?.config;
    let store = servers.store(DATABASE)?;
    let records = hub::record_settings(&config, city.time_zone)?;
    let client = servers.client(DATABASE).await?;
    let registry = registry::load(&client).await?;
    let limits = &config.ingest;
    let mut bound =
        Bound::load(&client, limits.quarantine_messages, limits.quarantine_bytes).await?;
    let mut inserter = Inserter::connect(&store, &records).await?;
    let mut source = Events {
        topic: format!("ioc/{}/onestop/{}/dossier", city.token, SOURCE),
        contract: Contract {
            city: city.token.clone(),
            personal_keys: config.ingest.personal_keys.clone(),
        },
        horizon: hub::horizon(&config),
        begin: last.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::hours(2),
        sent: 0,
    };
    for (lot, batches) in [(1, 200), (500, 20)] {
        let (mut each_ms, mut events) = (Vec::new(), 0);
        for _batch in 0..batches {
            for status in [2, 9] {
                let items = source.steps(&registry, status, lot)?;
                let begun = Instant::now();
                let done = inserter.commit(&registry, &mut bound, &items).await?;
                each_ms.push(begun.elapsed().as_secs_f64() * 1e3);
                events += done.records.dossiers;
            }
            source.sent += lot;
        }
        anyhow::ensure!(events == 2 * lot * batches, "{events} dossiers were folded");
        let [p50, p95] = quantiles(each_ms, &[0.5, 0.95])[..] else { continue };
        report.add(PART, format!("commit of {lot} steps of dossiers: p50"), (p50, "ms"), "");
        report.add(PART, format!("commit of {lot} steps of dossiers: p95"), (p95, "ms"), "");
    }
    let cells = store.verify_cells(None, last - TimeDelta::days(70)).await?;
    anyhow::ensure!(cells.differences.is_empty(), "{:?}", cells.differences.first());
    Ok(())
}

/// Makes admitted steps.
struct Events {
    topic: String,
    contract: Contract,
    horizon: Horizon,
    begin: DateTime<Utc>,
    sent: usize,
}

impl Events {
    /// A step of each of the next dossiers.
    fn steps(&self, registry: &Registry, status: u8, lot: usize) -> anyhow::Result<Vec<Admitted>> {
        let step = |number: usize| {
            let minutes = i64::try_from(number % 400)? + i64::from(status) * 60;
            let time = self.begin + TimeDelta::minutes(minutes);
            let unit = format!("gso:{}", 31_000 + number % 103);
            let message = serde_json::json!({
                "v": 1, "time": time, "boot": u64::from(status), "seq": number + 1, "at": time,
                "dossier": format!("B-{number}"), "status": status, "unit": unit, "channel": 2,
                "formality": format!("1.{:06}", number % 350), "field": format!("field-{}", number % 30),
                "due_at": time + TimeDelta::days(5),
            });
            let bytes = message.to_string().into_bytes().into();
            let delivery = Delivery::unawaited(self.topic.clone(), bytes, time);
            let admitted = admit(&self.contract, registry, &self.horizon, time, delivery);
            anyhow::ensure!(admitted.accepted.is_some(), "refused: {:?}", admitted.refused);
            Ok(admitted)
        };
        (self.sent..self.sent + lot).map(step).collect()
    }
}
