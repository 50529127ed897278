//! One file of the spool: records of one embedded database, keyed by the number of their first message.
//!
//! A file is only ever added to, and removed as a whole when all of it is stored, so that nothing in
//! it is overwritten. An append is one transaction that is on the disk when it returns. After a crash
//! the store itself falls back to its last whole transaction; a file that it gives up is searched for
//! whole records by [`salvage`].

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::MetadataExt as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use redb::{
    Builder, Database, Error, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    TableError,
};

use super::record::{self, Record};

/// Name of a segment is the number of its first message with this ending.
pub(super) const ENDING: &str = "spool";
/// Ending of a file that was moved aside.
const ASIDE: &str = "damaged";
/// Ending of the file that is to take its place.
const SAVED: &str = "saved";
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
/// Memory for pages of one open file, bytes.
const CACHE_BYTES: usize = 1024 * 1024;
/// Records that are read at once, bytes: large messages take no more memory than ordinary ones.
const READ_BYTES: usize = 16 * 1024 * 1024;
/// The store's files are whole pages.
const PAGE_BYTES: u64 = 4096;

/// An open file.
pub(super) struct Segment(Database);

/// Where the segment that begins with this message lies.
pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{ENDING}"))
}

/// The first message of the segment at this path; null for other files.
pub(super) fn first_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(ENDING)?.strip_suffix('.')?.parse().ok()
}

/// What a file takes on the disk, bytes.
pub(super) fn disk_bytes(path: &Path) -> std::io::Result<u64> {
    // Unit of `blocks` whatever the file system's own block is: stat(2).
    const BLOCK_BYTES: u64 = 512;
    Ok(fs::metadata(path)?.blocks() * BLOCK_BYTES)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

impl Segment {
    /// A new file. Its name is on the disk when this returns.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let database = builder().create(path)?;
        if let Some(folder) = path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::Io)?;
        }
        Ok(Self(database))
    }

    /// An existing file, checked as a whole.
    ///
    /// # Errors
    /// [`Error::Corrupted`] when the store cannot mend it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let length = fs::metadata(path)?.len();
        if !length.is_multiple_of(PAGE_BYTES) {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(length.next_multiple_of(PAGE_BYTES))?;
        }
        // The store asserts what only a damaged file breaks.
        match catch_unwind(AssertUnwindSafe(|| builder().open(path))) {
            Ok(opened) => Ok(Self(opened?)),
            Err(_panicked) => Err(Error::Corrupted("the store gave up".to_owned())),
        }
    }

    /// Adds records; they are on the disk when this returns.
    pub(super) fn append(&self, records: &[Record]) -> Result<(), Error> {
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for record in records {
                table.insert(record.first, record.bytes.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Records from message `from` up to `to` with the numbers of their first messages, in order, until
    /// they hold `messages` or [`READ_BYTES`] or more. Numbers may be missing where a file was damaged.
    pub(super) fn read(
        &self,
        from: u64,
        to: u64,
        messages: u64,
    ) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        let transaction = self.0.begin_read()?;
        let table = match transaction.open_table(RECORDS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            table => table?,
        };
        let mut records: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut length = 0;
        for entry in table.range(from..to)? {
            let (first, bytes) = entry?;
            let begin = records.first().map_or(first.value(), |(begin, _)| *begin);
            if first.value() - begin >= messages || length >= READ_BYTES {
                break;
            }
            length += bytes.value().len();
            records.push((first.value(), bytes.value().to_vec()));
        }
        Ok(records)
    }

    /// Number behind the last message; null when there is none.
    pub(super) fn end(&self) -> Result<Option<u64>, Error> {
        let transaction = self.0.begin_read()?;
        let table = match transaction.open_table(RECORDS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let Some((first, bytes)) = table.last()? else { return Ok(None) };
        // A last record that cannot be read is passed over when its turn comes.
        Ok(Some(record::check(bytes.value()).map_or(first.value() + 1, |record| record.end())))
    }
}

/// Whether the file itself is at fault, not the disk or the rights.
pub(super) fn is_damage(error: &Error) -> bool {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error {
        Error::Io(error) => matches!(error.kind(), InvalidData | UnexpectedEof),
        Error::DatabaseAlreadyOpen | Error::PreviousIo | Error::LockPoisoned(_) => false,
        _ => true,
    }
}

/// What could be saved from a damaged file.
pub(super) struct Salvaged {
    /// Where the damaged file lies now.
    pub(super) aside: PathBuf,
    /// Number behind the last message that was saved; null when there was none.
    pub(super) end: Option<u64>,
    /// Messages that were saved.
    pub(super) messages: u64,
}

/// Moves a damaged file aside and puts one in its place with every whole record that is found in it. A
/// hub that is killed meanwhile finds the damaged file again.
pub(super) fn salvage(path: &Path) -> Result<Salvaged, Error> {
    let (aside, saved) = (free_name(path), path.with_extension(SAVED));
    let records = record::find(&fs::read(path)?);
    if !records.is_empty() {
        // Of a hub that was killed while it did the same.
        let _absent = fs::remove_file(&saved);
        Segment::create(&saved)?.append(&records)?;
    }
    // Not every file system has a second name for a file.
    fs::hard_link(path, &aside).or_else(|_error| fs::copy(path, &aside).map(drop))?;
    if records.is_empty() {
        fs::remove_file(path)?;
    } else {
        fs::rename(&saved, path)?;
    }
    Ok(Salvaged {
        aside,
        end: records.last().map(Record::end),
        messages: records.iter().map(|record| u64::from(record.messages)).sum(),
    })
}

fn free_name(path: &Path) -> PathBuf {
    let name = |n: u32| match n {
        0 => path.with_extension(ASIDE),
        n => path.with_extension(format!("{ASIDE}-{n}")),
    };
    (0..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{
        super::record::{
            decode, encode,
            tests::{message, spooled},
        },
        *,
    };

    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("ioc-segment-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Appends of 40 messages each, as the hub writes them; copied while the file is open, which is
    /// what a power cut leaves.
    fn crashed(folder: &Path, appends: u64) -> PathBuf {
        let path = path(folder, 0);
        let segment = Segment::create(&path).unwrap();
        for n in 0..appends {
            let messages: Vec<_> = (n * 40..(n + 1) * 40).map(|n| message(n, 900)).collect();
            segment.append(&encode(n * 40, messages.iter().map(spooled))).unwrap();
        }
        let copy = super::path(folder, 1);
        fs::copy(&path, &copy).unwrap();
        copy
    }

    /// The messages of a file, in order; each has to be the one of its number.
    fn messages(path: &Path) -> u64 {
        let segment = Segment::open(path).unwrap();
        let records = segment.read(0, u64::MAX, u64::MAX).unwrap();
        let found: Vec<_> =
            records.iter().flat_map(|(_, record)| decode(record).unwrap()).collect();
        for (n, found) in (0..).zip(&found) {
            assert!(record::tests::same(found, &message(n, 900)), "message {n}");
        }
        assert_eq!(segment.end().unwrap().unwrap_or(0), found.len() as u64);
        found.len() as u64
    }

    #[test]
    fn a_file_that_was_never_closed_holds_everything() {
        let folder = folder("crash");
        assert_eq!(messages(&crashed(&folder, 30)), 30 * 40);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_torn_end_costs_no_complete_record() {
        let folder = folder("torn");
        let whole = fs::read(crashed(&folder, 30)).unwrap();
        let written = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        for (case, cut) in [1, 100, 5_000, 100_000, written / 2].into_iter().enumerate() {
            for flip in [false, true] {
                let path = path(&folder, 100 + case as u64 * 2 + u64::from(flip));
                let mut torn = whole[..written - cut].to_vec();
                if flip {
                    torn.extend(whole[written - cut..].iter().map(|byte| byte ^ 0x55));
                }
                fs::write(&path, &torn).unwrap();
                let complete = record::find(&torn);
                let complete: u64 = complete.iter().map(|record| u64::from(record.messages)).sum();
                assert!(complete + 3 * 40 + cut as u64 / 900 >= 30 * 40, "{complete} of {cut}");
                match Segment::open(&path) {
                    Ok(segment) => drop(segment),
                    Err(error) => {
                        assert!(is_damage(&error), "{error}");
                        let salvaged = salvage(&path).unwrap();
                        assert_eq!(fs::read(salvaged.aside).unwrap().len() % 4096, 0);
                        assert_eq!(salvaged.messages, complete);
                    }
                }
                assert!(messages(&path) + 40 >= complete, "cut {cut}, flip {flip}");
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_no_store_is_moved_aside_and_kept() {
        let folder = folder("foreign");
        let path = path(&folder, 7);
        fs::write(&path, b"not a spool").unwrap();
        assert!(Segment::open(&path).is_err_and(|error| is_damage(&error)));
        let first = salvage(&path).unwrap();
        assert_eq!((first.end, first.messages), (None, 0));
        fs::write(&path, b"again").unwrap();
        let second = salvage(&path).unwrap();
        assert_ne!(first.aside, second.aside);
        assert!(!path.exists());
        assert!(fs::read(first.aside).unwrap().starts_with(b"not a spool"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_is_saved_by_the_hub_after_one_that_was_killed_meanwhile() {
        let folder = folder("killed");
        let path = crashed(&folder, 3);
        let mut bytes = fs::read(&path).unwrap();
        bytes[..4096].fill(0xee);
        fs::write(&path, &bytes).unwrap();
        fs::write(path.with_extension(SAVED), &bytes[..10_000]).unwrap();
        let salvaged = salvage(&path).unwrap();
        assert_eq!((salvaged.messages, messages(&path)), (3 * 40, 3 * 40));
        assert_eq!(fs::read(salvaged.aside).unwrap(), bytes);
        assert!(!path.with_extension(SAVED).exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn reading_stops_at_the_wanted_number_of_messages() {
        let folder = folder("read");
        let segment = Segment::create(&path(&folder, 0)).unwrap();
        assert_eq!((segment.end().unwrap(), segment.read(0, 9, 9).unwrap().len()), (None, 0));
        for n in 0..5 {
            let messages = [message(n * 2, 10), message(n * 2 + 1, 10)];
            segment.append(&encode(n * 2, messages.iter().map(spooled))).unwrap();
        }
        assert_eq!(segment.read(2, 10, 4).unwrap().len(), 2);
        assert_eq!(segment.read(2, 10, 3).unwrap().len(), 2);
        assert_eq!(segment.read(2, 6, 100).unwrap().len(), 2);
        assert_eq!(segment.end().unwrap(), Some(10));
        fs::remove_dir_all(folder).unwrap();
    }
}
