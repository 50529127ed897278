//! `ioc-hub verify`: compares the rollups of any span, and the sums over dossiers, with the rows that they
//! are made of, and the quality bits of rows with what the rows of their detectors tell.

use std::sync::Arc;

use anyhow::bail;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use clap::Args;
use ioc_hub::{
    config::Config,
    day::midnight,
    hub,
    indicator::measure::Span,
    store::{
        Store, cell,
        device::DeviceFilter,
        registry,
        verify::{self as stored, Difference, Scope, Verified},
        verify_marks::verify_marks,
    },
};
use serde::Serialize;

use super::{administer::clock, complain, connect::with_registry, load_city, say};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ioc-hub verify --local                                     everything that is kept
  ioc-hub verify --from 2026-03-01 --to 2026-03-08 --local   one week: 1 to 7 March
  ioc-hub verify --from 2026-03-01 --source vds-001 --local  one device since 1 March
  ioc-hub verify --json --local | jq .differences            for programs

Recomputes the 5-minute sums from the intervals, hours and civil days from the 5-minute sums, and the
sums over dossiers of all months that the span touches from the dossiers (not with --source); then the
quality bits of the intervals by the thresholds of the configuration, from when on they apply. It only
reads, and may run beside a hub at work. Progress goes to standard error, one line a day; differences
to standard output. Exit codes: 0 everything agrees; 1 something differs, or it failed; 2 the command
line, the configuration or the city is at fault.")]
pub(super) struct VerifyArgs {
    /// First civil day (2026-03-01), or a time in it (2026-03-01T08:00:00+07:00). Without it: the oldest.
    #[arg(long, value_name = "DAY", value_parser = parse_moment)]
    from: Option<Moment>,
    /// Civil day before which to end, or a time in the last day. Without it: now.
    #[arg(long, value_name = "DAY", value_parser = parse_moment)]
    to: Option<Moment>,
    /// Only this device.
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// The result as one JSON object.
    #[arg(long)]
    json: bool,
}

/// The result for programs.
#[derive(Serialize)]
struct All<'a> {
    #[serde(flatten)]
    rollups: &'a Verified,
    /// Sums over dossiers.
    dossiers: &'a cell::Verified,
}

/// A civil day or an instant.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Day(NaiveDate),
    Time(DateTime<Utc>),
}

impl Moment {
    fn begin(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Day(day) => midnight(day, zone),
            Self::Time(time) => time,
        }
    }
}

fn parse_moment(text: &str) -> Result<Moment, String> {
    if let Ok(day) = text.parse() {
        return Ok(Moment::Day(day));
    }
    DateTime::parse_from_rfc3339(text).map(|time| Moment::Time(time.to_utc())).map_err(|_no_time| {
        "allowed: a day as 2026-03-01 or a time as 2026-03-01T08:00:00+07:00".to_owned()
    })
}

pub(super) async fn verify(
    config: &Config,
    is_local: bool,
    args: VerifyArgs,
) -> anyhow::Result<()> {
    let zone = load_city(config)?.time_zone;
    with_registry(config, is_local, async |store| {
        if let Some(source) = &args.source {
            check_source(&store, source).await?;
        }
        let client = store.connect().await?;
        let now = clock().now();
        let to = args.to.map_or(now, |moment| moment.begin(zone));
        let from = match args.from.map(|moment| moment.begin(zone)) {
            Some(from) if from > to => bail!("--from is after --to"),
            Some(from) => from,
            None => stored::oldest(&client).await?.unwrap_or(to).min(to),
        };
        let scope = Scope {
            from,
            to,
            intervals_since: now - TimeDelta::days(i64::from(config.retention.interval_days)),
            zone,
            source: args.source.clone(),
        };
        let mut verified =
            stored::verify(&client, &scope, |day, so_far| progress(day, so_far, zone)).await?;
        let thresholds = Arc::new(hub::thresholds(config)?);
        let day = now.with_timezone(&zone).date_naive();
        let registry = registry::load(&client).await?.judged_by(&thresholds, day);
        verify_marks(&client, &registry, &scope, &mut verified).await?;
        let cells = match &args.source {
            None => {
                let day = |time: DateTime<Utc>| time.with_timezone(&zone).date_naive();
                let (first, end) = (args.from.map(|_| day(from)), args.to.map(|_| day(to)));
                let span =
                    Span { from: first.unwrap_or(Span::BEGIN), to: end.unwrap_or(NaiveDate::MAX) };
                let kept_since = hub::retention(config).records_since(now);
                store.verify_cells(Some(span), kept_since).await?
            }
            Some(_) => cell::Verified::default(),
        };
        if args.json {
            say(serde_json::to_string(&All { rollups: &verified, dossiers: &cells })?);
        } else {
            tell(&verified, zone);
            tell_cells(&cells);
        }
        conclude(&verified, &cells)
    })
    .await
}

async fn check_source(store: &Store, source: &str) -> anyhow::Result<()> {
    let filter = DeviceFilter {
        sources: vec![source.to_owned()],
        retired: true,
        limit: 1,
        ..DeviceFilter::default()
    };
    if store.devices(&filter).await?.is_empty() {
        bail!("there is no device {source}: `ioc-hub device list` shows all");
    }
    Ok(())
}

fn progress(day: DateTime<Utc>, so_far: &Verified, zone: Tz) {
    let Verified { five_minutes, hours, days, differences, .. } = so_far;
    complain(format!(
        "{}  so far {five_minutes} buckets of 5 minutes, {hours} hours, {days} days: {}",
        day.with_timezone(&zone).date_naive(),
        count(differences.len(), so_far.more)
    ));
}

fn count(differences: usize, more: bool) -> String {
    match (differences, more) {
        (0, _) => "no difference".to_owned(),
        (1, false) => "1 difference".to_owned(),
        (n, false) => format!("{n} differences"),
        (n, true) => format!("more than {n} differences"),
    }
}

fn tell(verified: &Verified, zone: Tz) {
    if verified.differences.is_empty() {
        let Verified { five_minutes, hours, days, rows, .. } = verified;
        say(format!(
            "everything agrees: {five_minutes} buckets of 5 minutes, {hours} hours, {days} days, \
             quality bits of {rows} intervals"
        ));
        return;
    }
    let header =
        ["table", "detector", "bucket", "column", "stored", "recomputed"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(header)
        .chain(verified.differences.iter().map(|difference| line(difference, zone)))
        .collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..6).map(|column| width(column).unwrap_or(0)).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn line(difference: &Difference, zone: Tz) -> [String; 6] {
    let told = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    [
        difference.table.to_owned(),
        difference.detector.clone(),
        difference.bucket.with_timezone(&zone).to_rfc3339(),
        difference.column.clone(),
        told(&difference.stored),
        told(&difference.recomputed),
    ]
}

fn tell_cells(cells: &cell::Verified) {
    if cells.differences.is_empty() {
        say(format!("the sums over dossiers agree: {} in {} months", cells.cells, cells.months));
    }
    for cell::CellDifference { table, cell, column, stored, recomputed } in &cells.differences {
        say(format!("{table}  {cell}  {column}  stored {stored}  recomputed {recomputed}"));
    }
}

fn conclude(verified: &Verified, cells: &cell::Verified) -> anyhow::Result<()> {
    let differences = verified.differences.len() + cells.differences.len();
    if differences == 0 {
        return Ok(());
    }
    bail!(
        "{} between sums, quality bits and their rows; a hub that is at work logs new ones",
        count(differences, verified.more || cells.more)
    )
}
