//! Indicators over three years of a large city: what the store is asked, every indicator and scorecard
//! of all units, an event's way to the screen and into the cube, building a year anew.
//!
//! The records are made by SQL inside the database (`reform/*.sql`), as they stand after folding; the
//! steps that they would come from are not there, except those of the events that are committed.

use std::time::Instant;

use anyhow::Context as _;
use chrono::{Datelike as _, NaiveDate, TimeDelta};
use ioc_hub::{
    city::City,
    clock::{Clock as _, SystemClock},
    config, hub,
    indicator::measure::Span,
    store::{Store, StoreSettings, insert::Inserter},
};
use tokio_postgres::Client;

use super::{
    report::{Report, quantiles},
    servers::{Servers, connect},
};

mod answers;
mod events;
mod load;
mod questions;
mod shown;

const PART: &str = "reform: three years of dossiers and tickets";
const DATABASE: &str = "bench_reform";
/// The one-stop system of the city.
const SOURCE: &str = "onestop-can-tho";
/// Years that are made.
const YEARS: i64 = 3;
/// Slowest questions of each kind that are told one by one.
const SLOWEST: usize = 25;
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

/// Measures everything in a new database, or in one that an earlier run or somebody else made.
pub(crate) async fn run(
    place: Place<'_>,
    city: &City,
    extent: Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let Opened { store, client, password } = place.open(city).await?;
    pretend_folded(&store, &client, city).await?;
    let today = SystemClock.now().with_timezone(&city.time_zone).date_naive();
    // The last day that is made is the Friday before this week.
    let monday = today - TimeDelta::days(i64::from(today.weekday().num_days_from_monday()));
    let last = monday - TimeDelta::days(3);
    if let Place::New(_) = place {
        let begin = monday - TimeDelta::weeks(52 * YEARS);
        let begun = Instant::now();
        load::run(&client, begin, extent.dossiers).await?;
        report.add(PART, "records made", (begun.elapsed().as_secs_f64(), "s"), "");
    }
    // Records that were made in an earlier week end with that week's Friday.
    let made = "select max(received_day) from dossier \
                where received_day <= $1 and extract(isodow from received_day) = 5";
    let last: Option<NaiveDate> = client.query_one(made, &[&last]).await?.try_get(0)?;
    let last = last.context("the database holds no dossier that was received on a Friday")?;
    build(&store, &client, report).await?;
    ask_all(&store, city, last, extent.rounds, report).await?;
    super::say("  committing events");
    events::run(&store, &client, city, last, report).await?;
    if let (Place::New(servers), Some(password)) = (place, password) {
        super::say("  publishing events and waiting for them on the live channel");
        let units = store.unit_trees().await?;
        let unit = units.tree_at(today).units().last().map(|unit| unit.code.clone());
        let unit = unit.context("a city without units")?;
        let taken_ms = shown::run(servers, &city.token, &unit, &password).await?;
        let [p50, p95, most] = quantiles(taken_ms, &[0.5, 0.95, 1.0])[..] else { return Ok(()) };
        report.add(PART, "an event's effect on screen: p50", (p50, "ms"), "");
        report.add(PART, "an event's effect on screen: p95", (p95, "ms"), "");
        report.add(PART, "an event's effect on screen: longest", (most, "ms"), "<= 2,000 ms");
    }
    super::say("  building a year anew");
    rebuild(&store, last.year() - 1, report).await
}

/// Builds the cube, unless it stands.
async fn build(store: &Store, client: &Client, report: &mut Report) -> anyhow::Result<()> {
    let is_built = "select exists (select from dossier_cell)";
    if client.query_one(is_built, &[]).await?.get(0) {
        return Ok(());
    }
    super::say("  building the cube");
    let begun = Instant::now();
    let rebuilt = store.recompute_cells(None, Span::BEGIN).await?;
    report.add(PART, "cube of all years made", (begun.elapsed().as_secs_f64(), "s"), "");
    report.add(PART, "its cells", (f64::from(u32::try_from(rebuilt.cells)?), ""), "");
    client.batch_execute("vacuum analyze dossier_cell, dossier_handling").await?;
    Ok(())
}

async fn ask_all(
    store: &Store,
    city: &City,
    last: NaiveDate,
    rounds: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    super::say("  asking the store");
    let asker = questions::Asker { store, zone: city.time_zone, rounds };
    tell("a question to the store", "", &asker.questions(last).await?, report);
    let context = answers::context(store, city).await?;
    for (period, taken_s) in answers::close(store, &context, last).await? {
        report.add(PART, format!("closing {period}"), (taken_s, "s"), "");
    }
    super::say("  asking for every indicator");
    let [units, formalities] = answers::indicators(store, &context, last, rounds).await?;
    tell("any indicator, all units, one period", "<= 100 ms", &units, report);
    tell("any indicator by formality, one period", "", &formalities, report);
    super::say("  asking for scorecards");
    let asked = answers::scorecards(store, &context, last, rounds).await?;
    tell("a scorecard of all units", "<= 500 ms", &asked, report);
    let asked = answers::headlines(store, &context, rounds).await?;
    tell("the headline figures of three periods", "", &[asked], report);
    Ok(())
}

/// Notes that all records are folded by the rules of today: those that are made here have no steps.
async fn pretend_folded(store: &Store, client: &Client, city: &City) -> anyhow::Result<()> {
    let config = config::load(None, &config::environment())?.config;
    let records = hub::record_settings(&config, city.time_zone)?;
    drop(Inserter::connect(store, &records).await?);
    client.execute("update record_rule set is_done = true", &[]).await?;
    Ok(())
}

/// Where the records are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// In a new database.
    New(&'a Servers),
    /// In a database that holds them, given as connection text of its owner.
    Made(&'a str),
}

/// A way to the records.
struct Opened {
    store: Store,
    client: Client,
    /// Of the administrator of a new database.
    password: Option<String>,
}

impl Place<'_> {
    async fn open(&self, city: &City) -> anyhow::Result<Opened> {
        match self {
            Self::New(servers) => {
                let password = Some(servers.prepare(DATABASE, city, &city.devices).await?);
                let client = servers.client(DATABASE).await?;
                Ok(Opened { store: servers.store(DATABASE)?, client, password })
            }
            Self::Made(text) => {
                let config: tokio_postgres::Config = text.parse()?;
                let client = connect(&config).await?;
                let settings = StoreSettings {
                    application: config.clone(),
                    owner: config,
                    statement_timeout_ms: 120_000,
                    ca_file: None,
                };
                Ok(Opened { store: Store::new(settings)?, client, password: None })
            }
        }
    }
}

/// Builds a year anew and compares it.
async fn rebuild(store: &Store, year: i32, report: &mut Report) -> anyhow::Result<()> {
    let first = |year| NaiveDate::from_ymd_opt(year, 1, 1).context("a year");
    let year = Span { from: first(year)?, to: first(year + 1)? };
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
    // Of hundreds the slowest ones tell enough.
    let mut slowest: Vec<(f64, &str)> = asked
        .iter()
        .map(|asked| (quantiles(asked.taken_ms.clone(), &[0.95])[0], asked.name.as_str()))
        .collect();
    slowest.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (p95, name) in slowest.into_iter().take(SLOWEST) {
        report.add(PART, format!("  p95 {name}"), (p95, "ms"), "");
    }
}

/// Asks once more than `rounds`: the first one finds an empty cache and does not count.
async fn ask(
    name: impl Into<String>,
    rounds: usize,
    once: impl AsyncFn() -> anyhow::Result<usize>,
) -> anyhow::Result<Asked> {
    let name = name.into();
    let mut taken_ms = Vec::with_capacity(rounds);
    for round in 0..=rounds {
        let begun = Instant::now();
        let rows = once().await.with_context(|| name.clone())?;
        anyhow::ensure!(rows > 0, "{name}: no answer");
        if round > 0 {
            taken_ms.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(Asked { name, taken_ms })
}
