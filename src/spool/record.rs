//! One record of the spool: messages as they came from the broker, in the order of their coming.
//!
//! A record stands on its own: a mark, a digest of everything behind it, the number of its first
//! message and its length, then the messages. So it is recognised wherever it lies in a damaged file,
//! and a changed byte is noticed. Integers are little-endian; times are microseconds since 1970.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ioc_ingest::delivery::Delivery;
use sha2::{Digest as _, Sha256};

/// Largest record in bytes, unless one message alone is larger: with what the store adds it fills a
/// page of a power of two.
const RECORD_BYTES: usize = 255 * 1024;
/// Begin of every record; no text contains it.
const MARK: [u8; 8] = [0x89, b'I', b'O', b'C', b'S', b'P', b'1', 0x0a];
/// Room in a page for what the store adds to a record.
const PAGE_HEAD_BYTES: u64 = 256;
const DIGEST_BYTES: usize = 8;
/// Mark, digest, number of the first message, count of messages, length of the messages.
const HEAD_BYTES: usize = MARK.len() + DIGEST_BYTES + 8 + 4 + 4;
/// Time, flags, length of the topic, length of the payload.
const MESSAGE_HEAD_BYTES: usize = 8 + 1 + 4 + 4;
const QOS: u8 = 0b0011;
const RETAINED: u8 = 0b0100;
const DUPLICATE: u8 = 0b1000;
const OVER_RATE: u8 = 0b1_0000;

/// A message as it is spooled: what can be decided anew is not kept.
#[derive(Debug, Clone)]
pub struct Spooled {
    /// The message as the broker brought it.
    pub delivery: Delivery,
    /// In what its source was over its rate, if it was refused for that; null otherwise.
    pub over_rate: Option<String>,
}

/// An encoded record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Number of its first message.
    pub(super) first: u64,
    /// Messages in it.
    pub(super) messages: u32,
    /// The whole record.
    pub(super) bytes: Vec<u8>,
}

impl Record {
    /// Number behind its last message.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::from(self.messages)
    }

    /// What it takes on the disk: a page of a power of two.
    pub(super) fn disk_bytes(&self) -> u64 {
        (self.bytes.len() as u64 + PAGE_HEAD_BYTES).next_power_of_two()
    }

    /// Receive time of its first message.
    pub(super) fn oldest(&self) -> Option<DateTime<Utc>> {
        let mut reader = Reader(self.bytes.get(HEAD_BYTES..)?);
        DateTime::from_timestamp_micros(i64::from_le_bytes(reader.array()?))
    }
}

/// Encodes messages, the first of which gets the number `first`.
pub(super) fn encode<'a>(
    first: u64,
    messages: impl IntoIterator<Item = (&'a Delivery, Option<&'a str>)>,
) -> Vec<Record> {
    let mut records = Vec::new();
    let mut open = Record { first, messages: 0, bytes: vec![0; HEAD_BYTES] };
    for (delivery, over_rate) in messages {
        let told = over_rate.map_or(0, |over_rate| over_rate.len() + 4);
        let length = MESSAGE_HEAD_BYTES + delivery.topic.len() + delivery.payload.len() + told;
        if open.messages > 0 && open.bytes.len() + length > RECORD_BYTES {
            let next = Record { first: open.end(), messages: 0, bytes: vec![0; HEAD_BYTES] };
            records.push(seal(std::mem::replace(&mut open, next)));
        }
        push(&mut open.bytes, delivery, over_rate);
        open.messages += 1;
    }
    if open.messages > 0 {
        records.push(seal(open));
    }
    records
}

fn push(out: &mut Vec<u8>, delivery: &Delivery, over_rate: Option<&str>) {
    let mut flags = delivery.qos & QOS;
    flags |= if delivery.retained { RETAINED } else { 0 };
    flags |= if delivery.duplicate { DUPLICATE } else { 0 };
    flags |= if over_rate.is_some() { OVER_RATE } else { 0 };
    out.extend_from_slice(&delivery.received_at.timestamp_micros().to_le_bytes());
    out.push(flags);
    out.extend_from_slice(&length(delivery.topic.as_bytes()));
    out.extend_from_slice(&length(&delivery.payload));
    out.extend_from_slice(delivery.topic.as_bytes());
    out.extend_from_slice(&delivery.payload);
    if let Some(over_rate) = over_rate {
        out.extend_from_slice(&length(over_rate.as_bytes()));
        out.extend_from_slice(over_rate.as_bytes());
    }
}

/// A packet of MQTT holds less than 256 MiB, so that no length is cut.
fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

fn seal(mut record: Record) -> Record {
    let body = length(&record.bytes[HEAD_BYTES..]);
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(&MARK);
    head.extend_from_slice(&[0; DIGEST_BYTES]);
    head.extend_from_slice(&record.first.to_le_bytes());
    head.extend_from_slice(&record.messages.to_le_bytes());
    head.extend_from_slice(&body);
    record.bytes[..HEAD_BYTES].copy_from_slice(&head);
    let digest = digest(&record.bytes);
    record.bytes[MARK.len()..MARK.len() + DIGEST_BYTES].copy_from_slice(&digest);
    record
}

/// Digest of what stands behind it.
fn digest(record: &[u8]) -> [u8; DIGEST_BYTES] {
    let whole = Sha256::digest(&record[MARK.len() + DIGEST_BYTES..]);
    let mut short = [0; DIGEST_BYTES];
    short.copy_from_slice(&whole[..DIGEST_BYTES]);
    short
}

/// Reads values one after the other; null at the end of the bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn text(&mut self, length: usize) -> Option<String> {
        std::str::from_utf8(self.take(length)?).ok().map(str::to_owned)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }
}

/// The record that begins here, if it is whole and unchanged; more bytes may follow.
pub(super) fn check(bytes: &[u8]) -> Option<Record> {
    let mut reader = Reader(bytes);
    let mark: [u8; MARK.len()] = reader.array()?;
    let told: [u8; DIGEST_BYTES] = reader.array()?;
    let first = u64::from_le_bytes(reader.array()?);
    let messages = u32::from_le_bytes(reader.array()?);
    let body = reader.length()?;
    let whole = bytes.get(..HEAD_BYTES.checked_add(body)?)?;
    (mark == MARK && digest(whole) == told).then(|| Record {
        first,
        messages,
        bytes: whole.to_vec(),
    })
}

/// The messages of a record; null when it is not whole.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Spooled>> {
    let record = check(bytes)?;
    let mut reader = Reader(&record.bytes[HEAD_BYTES..]);
    let mut messages = Vec::with_capacity(usize::try_from(record.messages).ok()?);
    for _message in 0..record.messages {
        let received_at = DateTime::from_timestamp_micros(i64::from_le_bytes(reader.array()?))?;
        let [flags] = reader.array()?;
        let (topic, payload) = (reader.length()?, reader.length()?);
        let topic = reader.text(topic)?;
        // A copy of its own: whoever keeps one message must not keep the whole record.
        let payload = Bytes::copy_from_slice(reader.take(payload)?);
        let mut delivery = Delivery::unawaited(topic, payload, received_at);
        delivery.qos = flags & QOS;
        delivery.retained = flags & RETAINED != 0;
        delivery.duplicate = flags & DUPLICATE != 0;
        let over_rate = if flags & OVER_RATE == 0 {
            None
        } else {
            let length = reader.length()?;
            Some(reader.text(length)?)
        };
        messages.push(Spooled { delivery, over_rate });
    }
    Some(messages)
}

/// Every whole record in these bytes, wherever it lies, each number once and in order.
pub(super) fn find(bytes: &[u8]) -> Vec<Record> {
    let mut found = std::collections::BTreeMap::new();
    let mut at = 0;
    while let Some(mark) = bytes[at..].iter().position(|byte| *byte == MARK[0]) {
        at += mark;
        if let Some(record) = check(&bytes[at..]) {
            at += record.bytes.len();
            found.insert(record.first, record);
        } else {
            at += 1;
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A message whose content tells its number.
    pub(in super::super) fn message(n: u64, payload_bytes: usize) -> Delivery {
        let mut payload = format!("{{\"n\":{n}}}").into_bytes();
        payload.resize(payload_bytes.max(payload.len()), b' ');
        let at = DateTime::from_timestamp_micros(1_790_046_000_000_001 + i64::try_from(n).unwrap());
        let mut message =
            Delivery::unawaited(format!("ioc/1/cần-thơ/{n}"), payload.into(), at.unwrap());
        message.qos = u8::try_from(n % 3).unwrap();
        message.retained = n.is_multiple_of(5);
        message.duplicate = n.is_multiple_of(7);
        message
    }

    /// What the tests spool of a message: some are over the rate.
    pub(in super::super) fn spooled(message: &Delivery) -> (&Delivery, Option<&str>) {
        (message, message.duplicate.then_some("sends quá nhiều"))
    }

    pub(in super::super) fn same(a: &Spooled, b: &Delivery) -> bool {
        assert_eq!(a.over_rate.as_deref(), spooled(b).1);
        let a = &a.delivery;
        (&a.topic, &a.payload, a.qos, a.retained, a.duplicate, a.received_at)
            == (&b.topic, &b.payload, b.qos, b.retained, b.duplicate, b.received_at)
    }

    #[test]
    fn messages_come_back_as_they_were_in_records_of_bounded_size() {
        let messages: Vec<Delivery> = (0..2_000).map(|n| message(n, 700)).collect();
        let records = encode(17, messages.iter().map(spooled));
        assert!(records.len() > 3);
        assert_eq!((records[0].first, records[records.len() - 1].end()), (17, 2_017));
        let mut back = Vec::new();
        for (at, record) in records.iter().enumerate() {
            assert!(record.bytes.len() <= RECORD_BYTES);
            assert!(at == 0 || records[at - 1].end() == record.first);
            back.extend(decode(&record.bytes).unwrap());
        }
        assert_eq!(back.len(), messages.len());
        assert!(back.iter().zip(&messages).all(|(a, b)| same(a, b)));
    }

    #[test]
    fn a_message_larger_than_a_record_has_one_of_its_own() {
        let messages = [message(1, 10), message(2, 400_000), message(3, 10)];
        let records = encode(0, messages.iter().map(spooled));
        assert_eq!(records.iter().map(|record| record.messages).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(same(&decode(&records[1].bytes).unwrap()[0], &messages[1]));
    }

    #[test]
    fn no_messages_make_no_record() {
        assert!(encode(3, []).is_empty());
    }

    #[test]
    fn a_changed_or_missing_byte_is_noticed() {
        let messages = [message(1, 100), message(7, 100)];
        let record = &encode(5, messages.iter().map(spooled))[0].bytes;
        for at in 0..record.len() {
            let mut changed = record.clone();
            changed[at] ^= 0x10;
            assert_eq!(check(&changed), None, "byte {at}");
            assert!(decode(&record[..at]).is_none(), "{at} bytes");
        }
    }

    #[test]
    fn whole_records_are_found_between_rubbish() {
        let messages: Vec<Delivery> = (0..3).map(|n| message(n, 200_000)).collect();
        let records = encode(40, messages.iter().map(spooled));
        let mut bytes = b"rubbish \x89IOCSP1\n and".to_vec();
        for at in [2, 0, 1, 0] {
            bytes.extend_from_slice(&records[at].bytes);
            bytes.extend_from_slice(&records[1].bytes[..1_000]);
        }
        assert_eq!(find(&bytes), records);
    }
}
