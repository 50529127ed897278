//! What could not be committed yet, on disk: messages as the broker brought them, in their order.
//!
//! From: the writer, when the database does not take a batch in time. Back to: the writer, when it does
//! again. What [`Spool::append`] returned for is synced to the disk and may be acknowledged. The spool
//! is bounded in bytes and then refuses, so that the broker keeps what follows. Its memory does not
//! grow with what it holds. The files belong to one thread, which also decodes what it reads: what it
//! allocates for a batch and others free it has again for the next one, which threads that take turns have not.
//!
//! [`SpoolState`] tells every change of how much waits: for the screens, readiness and metrics.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Instant,
};

use chrono::{DateTime, Utc};
use ioc_ingest::Reason;
use tokio::sync::{oneshot, watch};

use crate::{admit::Admitted, observe::Metrics};

mod disk;
mod record;
mod segment;

use disk::Disk;
pub use record::Spooled;

/// Where the spool lies and how large it may grow.
#[derive(Debug, Clone, PartialEq)]
pub struct SpoolSettings {
    /// Its folder; made if it is not there.
    pub folder: PathBuf,
    /// What its files may take on the disk.
    pub bytes_max: u64,
    /// Share of that from which on it is shown as filling, 0 to 1.
    pub warn_share: f64,
}

/// Why the spool cannot be used, or not now.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The user of this process may not use the folder.
    #[error(
        "no permission to use the spool folder {folder}: give it to the user that runs the hub \
         (chown), or name another folder in the key spool.folder"
    )]
    Denied {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder lies on a read-only file system.
    #[error(
        "the spool folder {folder} is on a read-only file system: mount it writable, or name \
         another folder in the key spool.folder"
    )]
    ReadOnly {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk is full.
    #[error(
        "no space left on the disk of the spool folder {folder}: free some there; nothing is lost, \
         the broker keeps what is not spooled"
    )]
    DiskFull {
        /// The folder.
        folder: PathBuf,
    },
    /// Another process works on the folder.
    #[error(
        "another hub uses the spool folder {folder}: stop it first, or give each hub a folder of \
         its own with the key spool.folder"
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// Any other failure of the file system.
    #[error("use the spool folder {folder} (key spool.folder)")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The spool holds as much as it may.
    #[error("the spool holds {bytes_max} bytes, which is its limit (key spool.bytes_max)")]
    Full {
        /// The limit.
        bytes_max: u64,
    },
    /// The store below failed.
    #[error("use the spool in {folder}")]
    Store {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// It was closed.
    #[error("the spool is closed")]
    Closed,
    /// A defect of the store below.
    #[error("the spool in {folder} failed unexpectedly")]
    Panicked {
        /// The folder.
        folder: PathBuf,
    },
}

impl SpoolError {
    fn folder(folder: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let folder = folder.to_owned();
        match source.kind() {
            ErrorKind::PermissionDenied => Self::Denied { folder },
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { folder },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull { folder },
            _ => Self::Folder { folder, source },
        }
    }
}

/// How the spool is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing waits in it.
    #[default]
    Empty,
    /// Messages wait.
    Used,
    /// More waits than the configured share of the bound.
    Filling,
    /// It takes no more: messages stay with the broker.
    Full,
}

/// What the spool holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SpoolState {
    /// How it is used.
    pub level: Level,
    /// Messages that wait.
    pub messages: u64,
    /// What its files take on the disk.
    pub bytes: u64,
    /// What they may take.
    pub bytes_max: u64,
    /// Receive time of the oldest message, to within one file; null when it is empty.
    pub oldest: Option<DateTime<Utc>>,
    /// Why it cannot be used now, in words for an administrator.
    pub trouble: Option<String>,
    /// Damaged files and records met since the start; the files were moved aside.
    pub damaged: u64,
    /// Whether messages wait that this process put in.
    pub holds_own: bool,
}

/// What the thread of the files is asked for.
enum Job {
    Work(Box<dyn FnOnce(&mut Disk) + Send>),
    Close(oneshot::Sender<()>),
}

struct Shared {
    jobs: mpsc::Sender<Job>,
    settings: SpoolSettings,
    metrics: Arc<Metrics>,
    state: watch::Sender<SpoolState>,
}

/// The way to the spool. Cheap to clone; one writer uses it.
#[derive(Clone)]
pub struct Spool(Arc<Shared>);

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spool").field(&*self.0.state.borrow()).finish()
    }
}

impl Spool {
    /// Opens the spool with what an earlier process left in it.
    ///
    /// # Errors
    /// What an administrator has to mend. A damaged file is no error: it is moved aside.
    pub async fn open(settings: SpoolSettings, metrics: Arc<Metrics>) -> Result<Self, SpoolError> {
        let (jobs, asked) = mpsc::channel();
        let (tell, opened) = oneshot::channel();
        let (folder, bytes_max) = (settings.folder.clone(), settings.bytes_max);
        let serving = move || match Disk::open(&folder, bytes_max) {
            Ok(disk) => {
                let _told = tell.send(Ok(()));
                serve(disk, asked);
            }
            Err(error) => {
                let _told = tell.send(Err(error));
            }
        };
        let thread = std::thread::Builder::new().name("spool".to_owned()).spawn(serving);
        let _detached = thread.map_err(|source| SpoolError::folder(&settings.folder, source))?;
        let panicked = |_| Err(SpoolError::Panicked { folder: settings.folder.clone() });
        opened.await.unwrap_or_else(panicked)?;
        let spool =
            Self(Arc::new(Shared { jobs, settings, metrics, state: watch::Sender::default() }));
        // That nothing can be written now is told, and no reason not to start.
        let _told = spool.ask(|disk| disk.probe()).await;
        Ok(spool)
    }

    /// What the spool holds, now and from now on.
    pub fn state(&self) -> watch::Receiver<SpoolState> {
        self.0.state.subscribe()
    }

    /// Whether everything that this process put in was taken out again.
    pub fn is_all_stored(&self) -> bool {
        !self.0.state.borrow().holds_own
    }

    /// Finds out whether a spool that could not be used can be used again.
    pub async fn probe(&self) {
        if self.0.state.borrow().trouble.is_some() {
            // The state tells what came of it.
            let _told = self.ask(|disk| disk.probe()).await;
        }
    }

    /// The number of the first message that waits, and the one that the next message gets.
    pub async fn bounds(&self) -> Result<(u64, u64), SpoolError> {
        self.ask(|disk| Ok((disk.position(), disk.next()))).await
    }

    /// Adds the messages of a batch at the end; they are on the disk when this returns. Returns the
    /// number behind the last.
    ///
    /// # Errors
    /// None of them is to be acknowledged then.
    ///
    /// # Cancel safety
    /// When dropped, the messages may or may not have been added.
    pub async fn append(&self, items: Arc<Vec<Admitted>>) -> Result<u64, SpoolError> {
        let metrics = Arc::clone(&self.0.metrics);
        self.ask(move |disk| {
            let begun = Instant::now();
            let end = disk.append(items.iter().map(|item| (&item.delivery, over_rate(item))))?;
            metrics.spool_writes.inc();
            metrics.spool_write_seconds.observe(begun.elapsed().as_secs_f64());
            metrics.spool_written.inc_by(items.len() as u64);
            Ok(end)
        })
        .await
    }

    /// Begins at once to read the messages from number `from` on, about `messages` at most, and to
    /// `prepare` them. Gives them with the number behind the last, or null when there are none.
    pub fn read<T: Send + 'static>(
        &self,
        from: u64,
        messages: u64,
        prepare: impl FnOnce(Vec<Spooled>) -> T + Send + 'static,
    ) -> impl Future<Output = Result<Option<(T, u64)>, SpoolError>> + Send + 'static {
        self.ask(move |disk| {
            let chunk = disk.read(from, messages)?;
            Ok(chunk.map(|chunk| (prepare(chunk.messages), chunk.end)))
        })
    }

    /// Forgets the messages before number `to`: they are in the database.
    pub async fn discard(&self, to: u64) -> Result<(), SpoolError> {
        let metrics = Arc::clone(&self.0.metrics);
        self.ask(move |disk| {
            let before = disk.messages();
            disk.discard(to);
            metrics.spool_drained.inc_by(before.saturating_sub(disk.messages()));
            Ok(())
        })
        .await
    }

    /// Closes its files, so that the next hub can have the folder.
    pub async fn close(self) {
        let (tell, closed) = oneshot::channel();
        // Both fail when it is closed already.
        let _asked = self.0.jobs.send(Job::Close(tell));
        let _told = closed.await;
    }

    /// Has the thread of the files do something at once, and tell what they hold then.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Disk) -> Result<T, SpoolError> + Send + 'static,
    ) -> impl Future<Output = Result<T, SpoolError>> + Send + 'static {
        let (tell, answer) = oneshot::channel();
        let shared = Arc::clone(&self.0);
        let work = move |disk: &mut Disk| {
            // A defect of the store below does not end the thread.
            let done = catch_unwind(AssertUnwindSafe(|| work(disk)));
            let panicked = |_| Err(SpoolError::Panicked { folder: shared.settings.folder.clone() });
            let done = done.unwrap_or_else(panicked);
            shared.tell(disk, done.as_ref().err());
            let _told = tell.send(done);
        };
        // After the close it is dropped, and never answers.
        let _asked = self.0.jobs.send(Job::Work(Box::new(work)));
        async move { answer.await.unwrap_or(Err(SpoolError::Closed)) }
    }
}

/// Does what is asked for until the close, or until nobody is left who could ask.
#[expect(clippy::needless_pass_by_value, reason = "both end with it")]
fn serve(mut disk: Disk, jobs: mpsc::Receiver<Job>) {
    for job in &jobs {
        match job {
            Job::Work(work) => work(&mut disk),
            Job::Close(tell) => {
                drop(disk);
                let _told = tell.send(());
                return;
            }
        }
    }
}

impl Shared {
    fn tell(&self, disk: &Disk, error: Option<&SpoolError>) {
        let Self { settings, metrics, state, .. } = self;
        let (messages, bytes) = (disk.messages(), disk.bytes());
        #[expect(clippy::cast_precision_loss, reason = "a share of the bound")]
        let is_filling = bytes as f64 >= settings.bytes_max as f64 * settings.warn_share;
        let is_full = matches!(error, Some(SpoolError::Full { .. }));
        let trouble = error.filter(|_| !is_full).map(|error| error as &dyn std::error::Error);
        let trouble = trouble.map(crate::writer::command::chain);
        let oldest = disk.oldest();
        state.send_modify(|state| {
            // It stays full in the eyes of people until a file was drained.
            let was_full = state.level == Level::Full && bytes >= state.bytes;
            let level = match (messages, is_full || was_full, is_filling) {
                (0, _, _) => Level::Empty,
                (_, true, _) => Level::Full,
                (_, false, true) => Level::Filling,
                (_, false, false) => Level::Used,
            };
            warn(settings, state, level, trouble.as_deref());
            *state = SpoolState {
                level,
                messages,
                bytes,
                bytes_max: settings.bytes_max,
                oldest,
                trouble,
                damaged: disk.damaged(),
                holds_own: disk.holds_own(),
            };
        });
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        metrics.spool_bytes.set(gauge(bytes));
        metrics.spool_messages.set(gauge(messages));
        metrics.spool_oldest.set(oldest.map_or(0, |oldest| oldest.timestamp()));
        metrics.spool_damaged.set(gauge(disk.damaged()));
    }
}

/// In what the source of a message was over its rate, if it was refused for that: it cannot be decided
/// anew later.
fn over_rate(item: &Admitted) -> Option<&str> {
    let reject = &item.refused.first()?.reject;
    (item.accepted.is_none() && reject.reason == Reason::Rate).then_some(reject.detail.as_str())
}

/// Logs what an administrator should know, once.
fn warn(settings: &SpoolSettings, state: &SpoolState, level: Level, trouble: Option<&str>) {
    let (folder, bytes_max) = (settings.folder.display(), settings.bytes_max);
    if state.trouble.as_deref() != trouble
        && let Some(why) = trouble
    {
        tracing::error!(%folder, why, "the spool cannot be used");
    }
    match level {
        Level::Full if state.level != Level::Full => {
            tracing::error!(%folder, bytes_max, "the spool is full: messages stay with the broker");
        }
        Level::Filling if state.level < Level::Filling => {
            tracing::warn!(%folder, bytes_max, "the spool is filling up");
        }
        Level::Empty | Level::Used | Level::Filling | Level::Full => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str) -> SpoolSettings {
        let name = format!("ioc-spool-state-{}-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&folder));
        SpoolSettings { folder, bytes_max: 8 * 1024 * 1024, warn_share: 0.5 }
    }

    fn batch(from: u64) -> Arc<Vec<Admitted>> {
        let admitted = |n| Admitted {
            delivery: record::tests::message(n, 1_000),
            topic: None,
            number: None,
            accepted: None,
            refused: Vec::new(),
            replayed: false,
            may_be_stored: false,
        };
        Arc::new((from..from + 200).map(admitted).collect())
    }

    #[tokio::test]
    async fn people_are_told_how_full_it_is() {
        let settings = settings("levels");
        let metrics = Metrics::new();
        let spool = Spool::open(settings.clone(), Arc::clone(&metrics)).await.unwrap();
        let state = spool.state();
        assert_eq!(state.borrow().level, Level::Empty);
        let mut levels = vec![Level::Empty];
        let mut written = 0;
        while state.borrow().level != Level::Full {
            if let Ok(end) = spool.append(batch(written)).await {
                written = end;
                assert!(!spool.is_all_stored());
            }
            let now = state.borrow().clone();
            assert_eq!(now.messages, written);
            assert!(now.bytes <= settings.bytes_max);
            assert_eq!(now.level == Level::Used, now.bytes < settings.bytes_max / 2);
            if levels.last() != Some(&now.level) {
                levels.push(now.level);
            }
        }
        assert_eq!(levels, [Level::Empty, Level::Used, Level::Filling, Level::Full]);
        let oldest = record::tests::message(0, 0).received_at;
        assert_eq!(state.borrow().oldest, Some(oldest));
        let text = metrics.render();
        assert!(text.contains(&format!("hub_spool_waiting_messages {written}\n")), "{text}");
        let seconds = oldest.timestamp();
        assert!(
            text.contains(&format!("hub_spool_oldest_timestamp_seconds {seconds}\n")),
            "{text}"
        );
        let (read, end) = spool.read(0, 10, |read| read).await.unwrap().unwrap();
        assert_eq!(read.len() as u64, end);
        spool.discard(written).await.unwrap();
        assert_eq!((state.borrow().level, state.borrow().bytes), (Level::Empty, 0));
        assert!(spool.is_all_stored());
        spool.close().await;
        std::fs::remove_dir_all(settings.folder).unwrap();
    }

    #[tokio::test]
    async fn what_an_earlier_process_left_is_not_its_own() {
        let settings = settings("earlier");
        let first = Spool::open(settings.clone(), Metrics::new()).await.unwrap();
        first.append(batch(0)).await.unwrap();
        first.clone().close().await;
        assert!(matches!(first.append(batch(200)).await, Err(SpoolError::Closed)));
        let second = Spool::open(settings.clone(), Metrics::new()).await.unwrap();
        assert_eq!(second.bounds().await.unwrap(), (0, 200));
        assert!(second.is_all_stored());
        second.append(batch(200)).await.unwrap();
        assert!(!second.is_all_stored());
        second.discard(400).await.unwrap();
        assert!(second.is_all_stored());
        second.close().await;
        std::fs::remove_dir_all(settings.folder).unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_told_until_it_is_back() {
        let settings = settings("gone");
        let spool = Spool::open(settings.clone(), Metrics::new()).await.unwrap();
        let state = spool.state();
        std::fs::remove_dir_all(&settings.folder).unwrap();
        assert!(spool.append(batch(0)).await.is_err());
        assert!(state.borrow().trouble.as_ref().unwrap().contains("spool.folder"));
        spool.probe().await;
        assert!(state.borrow().trouble.is_some());
        std::fs::create_dir_all(&settings.folder).unwrap();
        spool.probe().await;
        assert_eq!(state.borrow().trouble, None);
        assert_eq!(spool.append(batch(0)).await.unwrap(), 200);
        spool.close().await;
        std::fs::remove_dir_all(settings.folder).unwrap();
    }
}
