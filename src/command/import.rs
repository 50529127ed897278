//! `ioc-hub import`: reads a CSV table, reports every flaw, stores what has none.
//!
//! A dry run needs no database: it reads against the city folder. Facts are stored by the hub's own
//! writer; beside a running hub the command stops and names the route of its API that takes the table.
//! Long work tells how far it is.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use ioc_hub::{
    config::Config,
    import::{self, Ask, Kind, Report, Storing, Upload, Words},
    indicator::period::Period,
    store::{Store, register},
    unit::Units,
};
use ioc_ingest::Source;

use super::{
    WHO, administer::clock, complain, connect::with_registry, held::with_writer, load_city, say,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ioc-hub import ho-so.csv --kind dossier --dry-run
  ioc-hub import ho-so.csv --kind dossier --local
  ioc-hub import bieu-II-06a.csv --kind ii06a --period 2026-Q3 --local
  ioc-hub import diem-766.csv --kind official766 --period 2026-10 --json --local

Header names are known in many spellings (config/imports.toml, key imports.file); numbers are
Vietnamese: 1.432 is one thousand four hundred and thirty-two. Rows with a problem are not stored, the
others are; correct the file and import it again: what is stored already stays as it is. A table with
a column of personal data is refused.

Exit codes: 0 no problem was found; 1 there were problems.")]
pub(super) struct ImportArgs {
    /// The table, CSV with comma, semicolon or tab, in UTF-8, UTF-16 with mark or Windows-1258.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it holds: dossier, ticket, ii06a, official766 or formality.
    #[arg(long, value_parser = parse_kind)]
    kind: Kind,
    /// Only read and report; needs no database.
    #[arg(long)]
    dry_run: bool,
    /// Period of a table that has no column for it: 2026-11, 2026-Q4, 2026-H1, 2026-9M or 2026.
    #[arg(long, value_name = "PERIOD", value_parser = parse_period)]
    period: Option<Period>,
    /// Unit of a form II.06a whose rows are fields: its code.
    #[arg(long, value_name = "CODE")]
    unit: Option<String>,
    /// Registered source that the facts are of; without it, one that imports have of their own.
    #[arg(long, value_name = "SOURCE", value_parser = parse_source)]
    source: Option<Source>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).ok_or_else(|| format!("allowed: {}", Kind::ALL.map(Kind::as_str).join(", ")))
}

fn parse_period(text: &str) -> Result<Period, String> {
    text.parse::<Period>().map_err(|error| error.to_string())
}

fn parse_source(text: &str) -> Result<Source, String> {
    Source::parse(text).map_err(|_| "allowed: 1 to 64 characters of a-z 0-9 - _ .".to_owned())
}

pub(super) async fn import(
    config: &Config,
    is_local: bool,
    args: ImportArgs,
) -> anyhow::Result<()> {
    let words = Arc::new(Words::configured(&config.imports.file)?);
    let bytes =
        std::fs::read(&args.file).with_context(|| format!("read {}", args.file.display()))?;
    let bytes = bytes.into();
    let report = if args.dry_run {
        let city = load_city(config)?;
        let categories = city.categories.iter();
        let table = Table {
            units: Units::of_city(&city),
            categories: categories.map(|row| (row.token.clone(), row.name_vi.clone())).collect(),
            zone: city.time_zone,
        };
        table.upload(config, &args, words, bytes)?.read(&Progress::new("rows read").rows()).0
    } else {
        with_registry(config, is_local, async |store| {
            store_table(config, &store, &args, words, bytes).await
        })
        .await?
    };
    show(&report, args.json)?;
    if !report.problems.is_empty() {
        bail!("{} problems in {}", report.problems.len(), args.file.display());
    }
    Ok(())
}

/// What a table is read against.
struct Table {
    units: Units,
    categories: Vec<(String, String)>,
    zone: chrono_tz::Tz,
}

impl Table {
    fn upload(
        self,
        config: &Config,
        args: &ImportArgs,
        words: Arc<Words>,
        bytes: Bytes,
    ) -> anyhow::Result<Upload> {
        let today = clock().now().with_timezone(&self.zone).date_naive();
        if let Some(unit) = &args.unit {
            let day = args.period.map_or(today, |period| period.last_day().min(today));
            if self.units.tree_at(day).unit(unit).is_none() {
                bail!("--unit {unit}: no unit had this code on {day}");
            }
        }
        Ok(Upload {
            kind: args.kind,
            bytes,
            ask: Ask { period: args.period, unit: args.unit.clone() },
            words,
            units: self.units,
            categories: self.categories,
            personal_keys: config.ingest.personal_keys.clone(),
            zone: self.zone,
            today,
        })
    }
}

/// Tells a person at the terminal how far long work is: a line now and then, beside the report.
struct Progress {
    what: &'static str,
    last: Mutex<Instant>,
}

/// Between two lines; shorter work says nothing.
const PROGRESS_PAUSE: Duration = Duration::from_secs(2);

impl Progress {
    fn new(what: &'static str) -> Self {
        Self { what, last: Mutex::new(Instant::now()) }
    }

    fn tell(&self, done: u64, all: Option<u64>) {
        let Ok(mut last) = self.last.lock() else { return };
        if last.elapsed() < PROGRESS_PAUSE {
            return;
        }
        *last = Instant::now();
        let what = self.what;
        match all.filter(|all| *all > 0) {
            Some(all) => complain(format!("{done} of {all} {what} ({} %)", done * 100 / all)),
            None => complain(format!("{done} {what}")),
        }
    }

    fn rows(&self) -> impl Fn(u64) + '_ {
        |done| self.tell(done, None)
    }
}

async fn store_table(
    config: &Config,
    store: &Store,
    args: &ImportArgs,
    words: Arc<Words>,
    bytes: Bytes,
) -> anyhow::Result<Report> {
    let table = Table {
        units: store.unit_trees().await?,
        categories: store.category_names().await?,
        zone: super::held::zone(store).await?,
    };
    let upload = Arc::new(table.upload(config, args, words, bytes)?);
    let (mut report, content) = upload.read(&Progress::new("rows read").rows());
    if report.is_refused {
        return Ok(report);
    }
    let holds_facts = args.kind.stream().is_some();
    if holds_facts && register::hub_at_work(&store.connect().await?).await? {
        bail!(
            "a hub is at work on this database and stores facts itself: send it the file with \
             POST /api/v1/imports?kind={}, or stop it for the time of the import",
            args.kind.as_str()
        );
    }
    let progress = Progress::new("facts stored");
    let tell = |done, all| progress.tell(done, Some(all));
    let storing = Storing {
        store,
        writer: None,
        clock: &clock(),
        who: WHO,
        source: args.source.clone(),
        progress: Some(&tell),
    };
    if holds_facts {
        with_writer(config, store, async |writer| {
            let storing = Storing { writer: Some(&writer), ..storing };
            import::store(&storing, &upload, content, &mut report).await?;
            Ok(report)
        })
        .await
    } else {
        import::store(&storing, &upload, content, &mut report).await?;
        Ok(report)
    }
}

fn show(report: &Report, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        say(serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    for column in &report.columns {
        let taken = match (&column.field, column.is_personal) {
            (_, true) => "PERSONAL DATA",
            (Some(field), false) => field,
            (None, false) => "not used",
        };
        say(format!("column  {:<40} {taken}", column.title));
    }
    for (word, flaws) in [("PROBLEM", &report.problems), ("warning", &report.warnings)] {
        for flaw in flaws {
            let line = flaw.line.map_or(String::new(), |line| format!("line {line} "));
            let value = flaw.value.as_deref().map_or(String::new(), |text| format!("{text:?} "));
            say(format!("{word} {line}{}: {value}{}", flaw.column, flaw.problem));
            if !flaw.advice.is_empty() {
                say(format!("        -> {}", flaw.advice));
            }
        }
    }
    let Report { rows, rows_bad, storable, .. } = report;
    say(format!(
        "{rows} rows, {rows_bad} of them with problems; {storable} facts or rows can be stored"
    ));
    match report.stored {
        Some(stored) => say(format!(
            "stored: {} new, {} known already, {} known with other content, {} refused",
            stored.new, stored.duplicates, stored.changed, stored.refused
        )),
        None if report.is_refused => say("refused: nothing is stored of this table"),
        None => say("dry run: nothing was stored"),
    }
    Ok(())
}
