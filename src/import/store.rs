//! Stores what was read of a table, lot by lot, and notes how far it is.
//!
//! Facts go through the writer as messages of a registered source; other tables are stored as a whole.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use ioc_ingest::{Fact, Service, Source};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{Content, Flaw, Kind, Report, Stored, Upload};
use crate::{
    clock::SharedClock,
    store::{
        Store, StoreError,
        import::{Importer, NewRun},
    },
    writer::{NewDevice, WriterError, WriterHandle, import::Lot},
};

/// Facts in one transaction: small, so that live messages wait only for a moment in between.
const LOT_FACTS: usize = 500;
/// Lots that are read ahead while one is stored.
const LOTS_AHEAD: usize = 2;

/// Is told how many facts were handled, and of how many.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

/// What an import is stored with.
#[derive(Clone)]
pub struct Storing<'a> {
    /// The database.
    pub store: &'a Store,
    /// The way to the writer; null where none is needed, because the table holds no facts.
    pub writer: Option<&'a WriterHandle>,
    /// The hub's clock.
    pub clock: &'a SharedClock,
    /// Account name, or `command:NAME`.
    pub who: &'a str,
    /// Source that the facts are of; null for the one that imports have of their own.
    pub source: Option<Source>,
    /// Is told after each transaction how far it is.
    pub progress: Option<Progress<'a>>,
}

impl std::fmt::Debug for Storing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storing").field("who", &self.who).finish_non_exhaustive()
    }
}

/// Why an import ended early. What was stored until then stays, and importing again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database.
    #[error("the import ended early; import the same file again")]
    Store(#[from] StoreError),
    /// The writer.
    #[error(transparent)]
    Writer(#[from] WriterError),
}

/// The source of imported facts of a service.
fn own_source(service: Service) -> (String, &'static str, &'static str) {
    match service {
        Service::Desk => {
            ("import-desk".to_owned(), "Nhập từ tệp: tổng đài 1022", "Imported: 1022 desk")
        }
        _ => ("import-onestop".to_owned(), "Nhập từ tệp: một cửa", "Imported: one-stop system"),
    }
}

/// Stores the `content` of a file and completes its report.
///
/// # Errors
/// See [`ImportError`].
pub async fn store(
    storing: &Storing<'_>,
    upload: &Arc<Upload>,
    content: Content,
    report: &mut Report,
) -> Result<(), ImportError> {
    let now: DateTime<Utc> = storing.clock.now();
    let sha256 = Sha256::digest(&upload.bytes)
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let by = Importer { who: storing.who, source: &format!("file {}", &sha256[..12]), now };
    let run = NewRun {
        kind: report.kind,
        sha256: &sha256,
        storable: report.storable,
        rows_bad: report.rows_bad,
    };
    let id = storing.store.begin_import(&run, &by).await?;
    let stored = match content {
        Content::Facts(_) => store_facts(storing, id, upload, report).await?,
        table @ (Content::Ii06a(_) | Content::Scores(_) | Content::Formalities(_)) => {
            storing.store.store_table(&table, &by).await?
        }
    };
    let finished = Some(storing.clock.now());
    storing.store.note_import(id, report.storable, stored, finished).await?;
    report.stored = Some(stored);
    Ok(())
}

async fn store_facts(
    storing: &Storing<'_>,
    id: i64,
    upload: &Arc<Upload>,
    report: &mut Report,
) -> Result<Stored, ImportError> {
    let kind = report.kind;
    let writer = storing.writer.ok_or(WriterError::Away)?;
    let source = source(storing, writer, kind).await?;
    let mut stored = Stored::default();
    let mut done = 0;
    let mut lots = lots(upload);
    while let Some(facts) = lots.recv().await {
        done += facts.len() as u64;
        let lot = Lot { kind, source: source.clone(), facts };
        let outcome = writer.import(lot).await?;
        stored.new += outcome.stored.new;
        stored.duplicates += outcome.stored.duplicates;
        stored.changed += outcome.stored.changed;
        stored.refused += outcome.stored.refused;
        report.problems.extend(outcome.refused.into_iter().map(refused));
        storing.store.note_import(id, done, stored, None).await?;
        if let Some(progress) = storing.progress {
            progress(done, report.storable);
        }
    }
    Ok(stored)
}

/// Reads the facts again, on a thread of its own, as fast as they are stored. It ends when nobody takes
/// them any more.
fn lots(upload: &Arc<Upload>) -> mpsc::Receiver<Vec<(u64, Fact)>> {
    let (sender, receiver) = mpsc::channel(LOTS_AHEAD);
    let upload = Arc::clone(upload);
    tokio::task::spawn_blocking(move || {
        let mut lot = Vec::with_capacity(LOT_FACTS);
        upload.facts(&mut |line, fact| {
            lot.push((line, fact));
            lot.len() < LOT_FACTS || sender.blocking_send(std::mem::take(&mut lot)).is_ok()
        });
        if !lot.is_empty() {
            // Whoever stores may have ended with an error.
            let _ended = sender.blocking_send(lot);
        }
    });
    receiver
}

fn refused((line, why): (u64, String)) -> Flaw {
    Flaw {
        line: Some(line),
        column: String::new(),
        value: None,
        problem: format!("the hub refused it: {why}"),
        advice: "correct the row and import the file again".to_owned(),
    }
}

/// The source that the facts are of; that of imports is registered when it is used first.
async fn source(
    storing: &Storing<'_>,
    writer: &WriterHandle,
    kind: Kind,
) -> Result<Source, ImportError> {
    let Some((service, _)) = kind.stream() else {
        let why = format!("a table of kind {} holds no facts", kind.as_str());
        return Err(WriterError::Impossible(why).into());
    };
    if let Some(source) = &storing.source {
        return Ok(source.clone());
    }
    let (token, name_vi, name_en) = own_source(service);
    let source = Source::parse(&token)
        .map_err(|error| WriterError::Impossible(format!("{token}: {error}")))?;
    let device = NewDevice {
        source: source.clone(),
        service,
        name_vi: name_vi.to_owned(),
        name_en: name_en.to_owned(),
        position: None,
        period_ms: None,
    };
    match writer.accept(device, storing.who).await {
        Ok(_) | Err(WriterError::Exists(_)) => Ok(source),
        Err(error) => Err(error.into()),
    }
}
