//! The spool's folder: segments in the order of their messages, of which the last is added to and the
//! first is read.
//!
//! Messages are numbered from 0 on, without holes unless a file was damaged; a segment is named after
//! its first. What was drained is known in memory only: a segment is removed when all of it is in the
//! database, so that after a crash the rest of one is stored again, which changes nothing there.

use std::{
    collections::VecDeque,
    fs::{self, File, TryLockError},
    io::Write as _,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use ioc_ingest::delivery::Delivery;

use super::{
    SpoolError,
    record::{self, Record, Spooled},
    segment::{self, Segment},
};

/// A segment that has this size is not added to any more.
const SEGMENT_BYTES: u64 = 32 * 1024 * 1024;
/// At least so many segments make up the whole spool, so that a small one shrinks while it drains.
const SEGMENTS_MIN: u64 = 8;
/// Numbers that are left out behind a last segment whose end is not known, more than it can hold.
const UNKNOWN_MESSAGES: u64 = 1 << 32;
/// What an append may take on the disk beyond its records: pages of the store's own, and those of the
/// record before, which is written anew beside the next.
const MARGIN_BYTES: u64 = 1024 * 1024;
const LOCK: &str = "lock";
const PROBE: &str = "probe";
const PROBE_BYTES: usize = 4096;

/// One segment.
#[derive(Debug, Clone, Copy)]
struct Extent {
    first: u64,
    /// Number behind its last message.
    end: u64,
    disk_bytes: u64,
    /// Receive time of its first message; null until it was opened.
    oldest: Option<DateTime<Utc>>,
}

/// Messages read from the spool.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The messages, as the broker brought them.
    pub(super) messages: Vec<Spooled>,
    /// Number behind the last of them.
    pub(super) end: u64,
}

/// The folder, open.
pub(super) struct Disk {
    folder: PathBuf,
    bytes_max: u64,
    /// Held as long as this hub works on the folder.
    _lock: File,
    extents: VecDeque<Extent>,
    /// The last segment, if it is added to.
    tail: Option<Segment>,
    /// The segment that is read, with its first message, if it is not the tail.
    head: Option<(u64, Segment)>,
    /// The first message that is not yet drained.
    position: u64,
    /// Number of the next message.
    next: u64,
    /// The first message that this process put in.
    own_from: u64,
    /// Files that were moved aside since the start.
    damaged: u64,
}

impl Disk {
    /// Opens the folder and makes it if need be.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> Result<Self, SpoolError> {
        let failed = |source| SpoolError::folder(folder, source);
        fs::create_dir_all(folder).map_err(failed)?;
        let lock = File::create(folder.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(SpoolError::Locked { folder: folder.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut disk = Self {
            folder: folder.to_owned(),
            bytes_max,
            _lock: lock,
            extents: VecDeque::new(),
            tail: None,
            head: None,
            position: 0,
            next: 0,
            own_from: 0,
            damaged: 0,
        };
        disk.find_segments().map_err(failed)?;
        disk.find_end()?;
        disk.own_from = disk.next;
        disk.position = disk.extents.front().map_or(disk.next, |extent| extent.first);
        if let Some(first) = disk.extents.front().map(|extent| extent.first) {
            // Opens it, which tells the age of the oldest message.
            disk.read(first, 1)?;
        }
        Ok(disk)
    }

    fn find_segments(&mut self) -> std::io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if let Some(first) = segment::first_of(&path) {
                found.push((first, segment::disk_bytes(&path)?));
            }
        }
        found.sort_unstable();
        let ends: Vec<u64> = found.iter().skip(1).map(|(first, _)| *first).collect();
        for (at, (first, disk_bytes)) in found.into_iter().enumerate() {
            let end = ends.get(at).copied().unwrap_or(u64::MAX);
            self.extents.push_back(Extent { first, end, disk_bytes, oldest: None });
        }
        Ok(())
    }

    /// The end of the last segment is known only to the segment itself.
    fn find_end(&mut self) -> Result<(), SpoolError> {
        while let Some(last) = self.extents.back().copied() {
            if !self.open_head(last.first)? {
                self.next = last.first + UNKNOWN_MESSAGES;
                continue;
            }
            let Some((_, head)) = &self.head else { continue };
            if let Some(end) = head.end().map_err(|error| self.failed(error))? {
                self.next = self.next.max(end);
                if let Some(last) = self.extents.back_mut() {
                    last.end = end;
                }
                return Ok(());
            }
            // Made, and never written to.
            self.next = self.next.max(last.first);
            self.remove_last();
        }
        Ok(())
    }

    fn remove_last(&mut self) {
        let Some(last) = self.extents.pop_back() else { return };
        self.tail = None;
        self.head = None;
        remove(&segment::path(&self.folder, last.first));
    }

    /// Number of the next message.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// The first message that is not yet drained.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Messages that wait.
    pub(super) fn messages(&self) -> u64 {
        let waiting = |extent: &Extent| extent.end.saturating_sub(extent.first.max(self.position));
        self.extents.iter().map(waiting).sum()
    }

    /// Whether messages wait that this process put in.
    pub(super) fn holds_own(&self) -> bool {
        self.next > self.own_from && self.messages() > 0
    }

    /// What the files take on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.extents.iter().map(|extent| extent.disk_bytes).sum()
    }

    /// Receive time of the oldest message, to within one segment.
    pub(super) fn oldest(&self) -> Option<DateTime<Utc>> {
        self.extents.front().and_then(|extent| extent.oldest)
    }

    /// Files that were moved aside since the start.
    pub(super) const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Whether the folder can be written, found out by doing so.
    pub(super) fn probe(&self) -> Result<(), SpoolError> {
        let path = self.folder.join(PROBE);
        let probe = || {
            let mut file = File::create(&path)?;
            file.write_all(&[0; PROBE_BYTES])?;
            file.sync_data()?;
            fs::remove_file(&path)
        };
        probe().map_err(|source| SpoolError::folder(&self.folder, source))
    }

    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES.min(self.bytes_max / SEGMENTS_MIN)
    }

    fn failed(&self, error: redb::Error) -> SpoolError {
        match error {
            redb::Error::Io(source) => SpoolError::folder(&self.folder, source),
            error => SpoolError::Store { folder: self.folder.clone(), source: error.into() },
        }
    }

    /// Adds messages at the end. When this returns they are on the disk; returns the number behind
    /// the last. After an error none of them is to be taken for durable.
    pub(super) fn append<'a>(
        &mut self,
        messages: impl IntoIterator<Item = (&'a Delivery, Option<&'a str>)>,
    ) -> Result<u64, SpoolError> {
        let records = record::encode(self.next, messages);
        let Some(end) = records.last().map(Record::end) else { return Ok(self.next) };
        let oldest = records.first().and_then(Record::oldest);
        let length: u64 = records.iter().map(Record::disk_bytes).sum();
        if self.bytes() + length + MARGIN_BYTES > self.bytes_max {
            return Err(SpoolError::Full { bytes_max: self.bytes_max });
        }
        let written = self.add(&records);
        if let Err(error) = written {
            // What became of it is not known: nothing more goes into this file.
            self.tail = None;
            return Err(self.failed(error));
        }
        let path = |first| segment::path(&self.folder, first);
        if let Some(last) = self.extents.back_mut() {
            last.end = end;
            last.oldest = last.oldest.or(oldest);
            last.disk_bytes = segment::disk_bytes(&path(last.first)).unwrap_or(last.disk_bytes);
        }
        self.next = end;
        Ok(end)
    }

    fn add(&mut self, records: &[Record]) -> Result<(), redb::Error> {
        let full = self.extents.back().is_some_and(|last| last.disk_bytes >= self.segment_bytes());
        match &self.tail {
            Some(tail) if !full => tail.append(records),
            Some(_) | None => {
                self.tail = None;
                if self.extents.back().is_some_and(|last| last.first == self.next) {
                    self.remove_last();
                }
                let (first, end) = (self.next, self.next);
                let path = segment::path(&self.folder, first);
                let made = Segment::create(&path).inspect_err(|_error| remove(&path))?;
                let disk_bytes = segment::disk_bytes(&path)?;
                self.extents.push_back(Extent { first, end, disk_bytes, oldest: None });
                self.tail.insert(made).append(records)
            }
        }
    }

    /// The messages from number `from` on, of one segment and at most about `messages`; null when
    /// there are none. A damaged file is moved aside, and what is whole in it is read.
    pub(super) fn read(&mut self, from: u64, messages: u64) -> Result<Option<Chunk>, SpoolError> {
        let mut from = from;
        loop {
            let holds = |extent: &Extent| extent.end > from && extent.end > extent.first;
            let Some(at) = self.extents.iter().position(holds) else { return Ok(None) };
            let extent = self.extents[at];
            from = from.max(extent.first);
            let is_tail = at + 1 == self.extents.len() && self.tail.is_some();
            if !is_tail && !self.open_head(extent.first)? {
                continue;
            }
            let open =
                if is_tail { self.tail.as_ref() } else { self.head.as_ref().map(|(_, s)| s) };
            let Some(open) = open else { return Ok(None) };
            let end = self.extents[at].end;
            let records = open.read(from, end, messages).map_err(|error| self.failed(error))?;
            if records.is_empty() {
                from = end;
                continue;
            }
            let chunk = self.decode(&records);
            if let Some(first) = chunk.messages.first() {
                self.extents[at].oldest.get_or_insert(first.delivery.received_at);
                return Ok(Some(chunk));
            }
            from = chunk.end;
        }
    }

    fn decode(&mut self, records: &[(u64, Vec<u8>)]) -> Chunk {
        let mut chunk = Chunk { messages: Vec::new(), end: 0 };
        for (first, record) in records {
            if let Some(messages) = record::decode(record) {
                chunk.end = first + messages.len() as u64;
                chunk.messages.extend(messages);
            } else {
                self.damaged += 1;
                chunk.end = first + 1;
                tracing::error!(message = first, "a record of the spool is damaged: passed over");
            }
        }
        chunk
    }

    /// Opens the segment for reading. False when it was damaged and the segments are others now.
    fn open_head(&mut self, first: u64) -> Result<bool, SpoolError> {
        if self.head.as_ref().is_some_and(|(open, _)| *open == first) {
            return Ok(true);
        }
        self.head = None;
        let path = segment::path(&self.folder, first);
        match Segment::open(&path) {
            Ok(segment) => {
                self.head = Some((first, segment));
                Ok(true)
            }
            Err(error) if segment::is_damage(&error) => {
                self.save(first, &path, &error)?;
                Ok(false)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn save(&mut self, first: u64, path: &Path, why: &redb::Error) -> Result<(), SpoolError> {
        self.damaged += 1;
        let saved = segment::salvage(path).map_err(|error| self.failed(error))?;
        tracing::error!(
            %why, aside = %saved.aside.display(), saved = saved.messages,
            "a file of the spool is damaged: it was moved aside, its whole records were saved"
        );
        let Some(at) = self.extents.iter().position(|extent| extent.first == first) else {
            return Ok(());
        };
        match saved.end {
            Some(end) => {
                self.extents[at].end = self.extents[at].end.min(end);
                self.next = self.next.max(end);
            }
            None => drop(self.extents.remove(at)),
        }
        Ok(())
    }

    /// Forgets the messages before number `to` and removes the files that hold no others.
    pub(super) fn discard(&mut self, to: u64) {
        self.position = self.position.max(to);
        while let Some(front) = self.extents.front().copied().filter(|front| front.end <= to) {
            if self.extents.len() == 1 {
                self.tail = None;
            }
            if self.head.as_ref().is_some_and(|(open, _)| *open == front.first) {
                self.head = None;
            }
            self.extents.pop_front();
            remove(&segment::path(&self.folder, front.first));
        }
    }
}

/// A file that stays is read again after the next start, which changes nothing in the database.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a drained file of the spool was not removed");
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::record::tests::{message, same, spooled},
        *,
    };

    const MAX: u64 = 1 << 40;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("ioc-spool-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        folder
    }

    fn append(
        disk: &mut Disk,
        range: std::ops::Range<u64>,
        payload_bytes: usize,
    ) -> Result<u64, SpoolError> {
        let messages: Vec<Delivery> = range.map(|n| message(n, payload_bytes)).collect();
        disk.append(messages.iter().map(spooled))
    }

    /// Reads and discards everything; the messages have to be those from `from` on.
    fn drain(disk: &mut Disk, from: u64, payload_bytes: usize) -> u64 {
        let mut number = from;
        while let Some(chunk) = disk.read(disk.position(), 500).unwrap() {
            for found in &chunk.messages {
                assert!(same(found, &message(number, payload_bytes)), "message {number}");
                number += 1;
            }
            disk.discard(chunk.end);
        }
        number
    }

    #[test]
    fn everything_comes_out_in_order_while_more_goes_in_and_the_folder_is_empty_then() {
        let folder = folder("order");
        // Small enough for many segments.
        let mut disk = Disk::open(&folder, 8 * 1024 * 1024).unwrap();
        let (mut written, mut read) = (0, 0);
        for round in 0..60 {
            assert_eq!(append(&mut disk, written..written + 100, 500).unwrap(), written + 100);
            written += 100;
            if round % 3 == 2
                && let Some(chunk) = disk.read(disk.position(), 150).unwrap()
            {
                for found in &chunk.messages {
                    assert!(same(found, &message(read, 500)));
                    read += 1;
                }
                assert_eq!(chunk.end, read);
                disk.discard(chunk.end);
            }
            assert_eq!(disk.messages(), written - read);
        }
        assert!(disk.extents.len() > 1);
        let oldest = disk.oldest().unwrap();
        assert!(oldest <= message(read, 0).received_at && oldest > message(0, 0).received_at);
        assert_eq!(drain(&mut disk, read, 500), 6_000);
        assert_eq!((disk.messages(), disk.bytes(), disk.oldest()), (0, 0, None));
        let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
        assert_eq!(left.len(), 1, "only the lock: {left:?}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_full_spool_takes_nothing_and_takes_again_when_it_was_drained() {
        let folder = folder("full");
        let mut disk = Disk::open(&folder, 4 * 1024 * 1024).unwrap();
        let mut written = 0;
        let full = loop {
            match append(&mut disk, written..written + 50, 800) {
                Ok(end) => written = end,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, SpoolError::Full { bytes_max: 4_194_304 }), "{full}");
        assert!(disk.bytes() <= 4 * 1024 * 1024);
        assert!(written >= 1_500, "{written} messages of 800 bytes fill 4 MiB");
        assert_eq!(drain(&mut disk, 0, 800), written);
        append(&mut disk, written..written + 50, 800).unwrap();
        assert_eq!(drain(&mut disk, written, 800), written + 50);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_was_appended_is_there_after_a_crash_and_after_a_normal_end() {
        for crash in [false, true] {
            let folder = folder(if crash { "crash" } else { "end" });
            let mut disk = Disk::open(&folder, MAX).unwrap();
            for n in 0..5 {
                append(&mut disk, n * 10..(n + 1) * 10, 300).unwrap();
            }
            let chunk = disk.read(0, 10).unwrap().unwrap();
            disk.discard(chunk.end);
            if crash {
                // As a kill leaves it: the files are not closed.
                let copy = tests::folder("crashed");
                fs::create_dir_all(&copy).unwrap();
                for file in fs::read_dir(&folder).unwrap() {
                    let file = file.unwrap();
                    fs::copy(file.path(), copy.join(file.file_name())).unwrap();
                }
                drop(disk);
                fs::remove_dir_all(&folder).unwrap();
                fs::rename(&copy, &folder).unwrap();
            } else {
                drop(disk);
            }
            let mut disk = Disk::open(&folder, MAX).unwrap();
            assert_eq!((disk.position(), disk.next(), disk.messages()), (0, 50, 50));
            assert_eq!(disk.oldest(), Some(message(0, 0).received_at));
            assert_eq!(append(&mut disk, 50..60, 300).unwrap(), 60);
            assert_eq!(drain(&mut disk, 0, 300), 60);
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn a_damaged_file_in_the_middle_is_moved_aside_and_the_others_are_read() {
        let folder = folder("middle");
        let mut disk = Disk::open(&folder, 4 * 1024 * 1024).unwrap();
        let mut written = 0;
        while disk.extents.len() < 3 {
            written = append(&mut disk, written..written + 50, 800).unwrap();
        }
        let extents = disk.extents.clone();
        drop(disk);
        let broken = segment::path(&folder, extents[1].first);
        let length = fs::metadata(&broken).unwrap().len();
        fs::write(&broken, vec![0xee; usize::try_from(length).unwrap()]).unwrap();
        let mut disk = Disk::open(&folder, MAX).unwrap();
        let mut numbers = Vec::new();
        while let Some(chunk) = disk.read(disk.position(), 100).unwrap() {
            let begin = chunk.end - chunk.messages.len() as u64;
            for (number, found) in (begin..).zip(&chunk.messages) {
                assert!(same(found, &message(number, 800)));
                numbers.push(number);
            }
            disk.discard(chunk.end);
        }
        let expected = (0..extents[1].first).chain(extents[1].end..written);
        assert_eq!(numbers, expected.collect::<Vec<_>>());
        assert_eq!((disk.damaged(), disk.messages()), (1, 0));
        assert!(broken.with_extension("damaged").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_lies_behind_a_lost_part_of_a_file_is_read() {
        let folder = folder("hole");
        let mut disk = Disk::open(&folder, MAX).unwrap();
        for n in 0..60 {
            append(&mut disk, n * 50..(n + 1) * 50, 300).unwrap();
        }
        let first = disk.extents[0].first;
        drop(disk);
        // The middle of the only file is lost, more messages than are read at a time.
        let path = segment::path(&folder, first);
        let mut bytes = fs::read(&path).unwrap();
        let whole = record::find(&bytes);
        let at = |record: &Record| {
            let begin = |bytes: &[u8]| bytes == &record.bytes[..];
            bytes.windows(record.bytes.len()).position(begin).unwrap()
        };
        let lost: Vec<usize> = whole[10..40].iter().map(at).collect();
        for at in lost {
            bytes[at..at + 1_000].fill(0xee);
        }
        fs::write(&path, bytes).unwrap();
        let mut disk = Disk::open(&folder, MAX).unwrap();
        assert_eq!(disk.damaged(), 1);
        let mut numbers = Vec::new();
        while let Some(chunk) = disk.read(disk.position(), 100).unwrap() {
            numbers.extend(chunk.messages.iter().map(|found| {
                let number: u64 = found.delivery.topic.rsplit('/').next().unwrap().parse().unwrap();
                assert!(same(found, &message(number, 300)));
                number
            }));
            assert_eq!(numbers.last().map(|last| last + 1), Some(chunk.end));
            disk.discard(chunk.end);
        }
        assert!(numbers.into_iter().eq((0..10 * 50).chain(40 * 50..60 * 50)));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_last_file_is_moved_aside_and_numbers_go_on_behind_it() {
        let folder = folder("last");
        let mut disk = Disk::open(&folder, MAX).unwrap();
        append(&mut disk, 0..10, 100).unwrap();
        drop(disk);
        fs::write(segment::path(&folder, 0), b"short").unwrap();
        let mut disk = Disk::open(&folder, MAX).unwrap();
        assert_eq!((disk.messages(), disk.damaged()), (0, 1));
        assert!(disk.next() > 10);
        let next = disk.next();
        append(&mut disk, next..next + 5, 100).unwrap();
        assert_eq!(drain(&mut disk, next, 100), next + 5);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_in_use_or_out_of_reach_is_named_with_what_to_do() {
        let folder = folder("taken");
        let disk = Disk::open(&folder, MAX).unwrap();
        let error = Disk::open(&folder, MAX).err().unwrap().to_string();
        assert!(error.contains("spool.folder") && error.contains("stop it first"), "{error}");
        drop(disk);
        let file = folder.join("file");
        fs::write(&file, b"").unwrap();
        let error = Disk::open(&file.join("below"), MAX).err().unwrap().to_string();
        assert!(error.contains("spool.folder"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
