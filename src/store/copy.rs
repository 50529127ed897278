//! Rows in PostgreSQL's binary COPY format, encoded straight from the batch into one buffer.
//!
//! Format: header of 19 bytes, then per row a field count (i16) and per field its length (i32, -1 for
//! null) and bytes in network order, then the trailer -1. Timestamps are microseconds since
//! 2000-01-01, dates are days since then. (PostgreSQL documentation, COPY, "Binary Format".)

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use futures_util::SinkExt;
use tokio_postgres::{Statement, Transaction};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// 2000-01-01T00:00:00Z in microseconds of Unix time.
const EPOCH_US: i64 = 946_684_800_000_000;
/// 2000-01-01 in days since the begin of the first year.
const EPOCH_DAY: i32 = 730_120;
/// Memory that the first row reserves.
const FIRST_BYTES: usize = 4096;
const OID_INT2: u32 = 21;
const OID_INT4: u32 = 23;

/// Rows of one table. Takes no memory before its first row.
#[derive(Debug, Default)]
pub(super) struct Rows {
    buffer: BytesMut,
    columns: i16,
    count: usize,
}

impl Rows {
    pub(super) fn new(columns: i16) -> Self {
        Self { columns, ..Self::default() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// Begins a row; every column must follow.
    pub(super) fn row(&mut self) -> &mut Self {
        if self.buffer.is_empty() {
            self.buffer.reserve(FIRST_BYTES);
            self.buffer.put_slice(SIGNATURE);
            self.buffer.put_u32(0);
            self.buffer.put_u32(0);
        }
        self.buffer.put_i16(self.columns);
        self.count += 1;
        self
    }

    fn null(&mut self) -> &mut Self {
        self.buffer.put_i32(-1);
        self
    }

    pub(super) fn i16(&mut self, value: impl Into<Option<i16>>) -> &mut Self {
        let Some(value) = value.into() else { return self.null() };
        self.buffer.put_i32(2);
        self.buffer.put_i16(value);
        self
    }

    pub(super) fn i32(&mut self, value: impl Into<Option<i32>>) -> &mut Self {
        let Some(value) = value.into() else { return self.null() };
        self.buffer.put_i32(4);
        self.buffer.put_i32(value);
        self
    }

    pub(super) fn i64(&mut self, value: impl Into<Option<i64>>) -> &mut Self {
        let Some(value) = value.into() else { return self.null() };
        self.buffer.put_i32(8);
        self.buffer.put_i64(value);
        self
    }

    pub(super) fn f64(&mut self, value: impl Into<Option<f64>>) -> &mut Self {
        let Some(value) = value.into() else { return self.null() };
        self.buffer.put_i32(8);
        self.buffer.put_f64(value);
        self
    }

    pub(super) fn bool(&mut self, value: impl Into<Option<bool>>) -> &mut Self {
        let Some(value) = value.into() else { return self.null() };
        self.buffer.put_i32(1);
        self.buffer.put_u8(u8::from(value));
        self
    }

    pub(super) fn time(&mut self, value: impl Into<Option<DateTime<Utc>>>) -> &mut Self {
        let micros = value.into().map(|time| time.timestamp_micros() - EPOCH_US);
        self.i64(micros)
    }

    pub(super) fn date(&mut self, value: impl Into<Option<NaiveDate>>) -> &mut Self {
        let days = value.into().map(|day| day.num_days_from_ce() - EPOCH_DAY);
        self.i32(days)
    }

    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.buffer.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
        self.buffer.put_slice(value);
        self
    }

    pub(super) fn text<'a>(&mut self, value: impl Into<Option<&'a str>>) -> &mut Self {
        match value.into() {
            Some(text) => self.bytes(text.as_bytes()),
            None => self.null(),
        }
    }

    /// A `jsonb` value: its version byte, then the text.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> &mut Self {
        let at = self.buffer.len();
        self.buffer.put_i32(0);
        self.buffer.put_u8(1);
        if serde_json::to_writer((&mut self.buffer).writer(), value).is_err() {
            self.buffer.truncate(at);
            return self.null();
        }
        let len = i32::try_from(self.buffer.len() - at - 4).unwrap_or(i32::MAX);
        self.buffer[at..at + 4].copy_from_slice(&len.to_be_bytes());
        self
    }

    fn array_header(&mut self, oid: u32, elements: usize, bytes: usize, nulls: bool) {
        let len = i32::try_from(elements).unwrap_or(i32::MAX);
        self.buffer.put_i32(20 + i32::try_from(bytes).unwrap_or(i32::MAX));
        self.buffer.put_i32(1);
        self.buffer.put_i32(i32::from(nulls));
        self.buffer.put_u32(oid);
        self.buffer.put_i32(len);
        self.buffer.put_i32(1);
    }

    pub(super) fn array_i32(&mut self, value: Option<&[Option<i32>]>) -> &mut Self {
        let Some(values) = value else { return self.null() };
        let present = values.iter().flatten().count();
        let bytes = values.len() * 4 + present * 4;
        self.array_header(OID_INT4, values.len(), bytes, present < values.len());
        for value in values {
            self.i32(*value);
        }
        self
    }

    pub(super) fn array_i16(&mut self, value: Option<&[Option<i16>]>) -> &mut Self {
        let Some(values) = value else { return self.null() };
        let present = values.iter().flatten().count();
        let bytes = values.len() * 4 + present * 2;
        self.array_header(OID_INT2, values.len(), bytes, present < values.len());
        for value in values {
            self.i16(*value);
        }
        self
    }

    /// The whole COPY stream; there must be a row.
    pub(super) fn finish(mut self) -> Bytes {
        self.buffer.put_i16(-1);
        self.buffer.freeze()
    }
}

/// Bytes of a stream that are handed to the connection at once: it copies them, and keeps the room.
const PART_BYTES: usize = 64 * 1024;

/// Sends a finished COPY stream.
pub(super) async fn send(
    transaction: &Transaction<'_>,
    statement: &Statement,
    mut stream: Bytes,
) -> Result<u64, tokio_postgres::Error> {
    let sink = transaction.copy_in(statement).await?;
    let mut sink = std::pin::pin!(sink);
    while !stream.is_empty() {
        let part = stream.split_to(PART_BYTES.min(stream.len()));
        sink.feed(part).await?;
    }
    sink.finish().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_laid_out_as_postgresql_documents() {
        let mut rows = Rows::new(4);
        let time = DateTime::from_timestamp(946_684_801, 0).unwrap();
        rows.row().i32(7).time(time).date(time.date_naive().succ_opt());
        rows.array_i16(Some(&[Some(1), None]));
        assert_eq!(rows.len(), 1);
        let stream = rows.finish();
        let body = &stream[19..];
        let expected: &[u8] = &[
            0, 4, // fields
            0, 0, 0, 4, 0, 0, 0, 7, // int4 7
            0, 0, 0, 8, 0, 0, 0, 0, 0, 15, 66, 64, // one second in microseconds
            0, 0, 0, 4, 0, 0, 0, 1, // 2000-01-02
            0, 0, 0, 30, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0,
            1, // header
            0, 0, 0, 2, 0, 1, 255, 255, 255, 255, // elements
            255, 255, // trailer
        ];
        assert_eq!(body, expected);
    }
}
