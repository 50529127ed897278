//! Rows as one parameter: an array of a table's row type in PostgreSQL's binary form, for statements
//! that take a batch at once.
//!
//! Cheaper than a temporary table, which has to be filled, read and emptied, and than one array per
//! column, each of which the server unnests by itself. Format of an array: dimensions, flag of nulls,
//! type and length; per element its length and a record; a record is its number of columns, and per
//! column type, length (-1 for null) and bytes (`array_recv` and `record_recv` of PostgreSQL).

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, Utc};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

/// 2000-01-01T00:00:00Z in microseconds of Unix time.
const EPOCH_US: i64 = 946_684_800_000_000;

/// Rows of one type. Every row must have all columns, in the order of the type.
#[derive(Debug, Default)]
pub(super) struct Records {
    buffer: BytesMut,
    count: i32,
    /// Where the length of the row stands that is being written.
    at: usize,
}

impl Records {
    /// Writes a row of `columns` columns.
    pub(super) fn row(&mut self, columns: i32, write: impl FnOnce(&mut Self)) {
        self.at = self.buffer.len();
        self.buffer.put_i32(0);
        self.buffer.put_i32(columns);
        write(self);
        let bytes = i32::try_from(self.buffer.len() - self.at - 4).unwrap_or(i32::MAX);
        self.buffer[self.at..self.at + 4].copy_from_slice(&bytes.to_be_bytes());
        self.count += 1;
    }

    fn column(&mut self, kind: &Type, value: Option<&[u8]>) -> &mut Self {
        self.buffer.put_u32(kind.oid());
        match value {
            Some(bytes) => {
                self.buffer.put_i32(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                self.buffer.put_slice(bytes);
            }
            None => self.buffer.put_i32(-1),
        }
        self
    }

    pub(super) fn i16(&mut self, value: impl Into<Option<i16>>) -> &mut Self {
        let bytes = value.into().map(i16::to_be_bytes);
        self.column(&Type::INT2, bytes.as_ref().map(<[u8; 2]>::as_slice))
    }

    pub(super) fn i32(&mut self, value: impl Into<Option<i32>>) -> &mut Self {
        let bytes = value.into().map(i32::to_be_bytes);
        self.column(&Type::INT4, bytes.as_ref().map(<[u8; 4]>::as_slice))
    }

    pub(super) fn i64(&mut self, value: impl Into<Option<i64>>) -> &mut Self {
        let bytes = value.into().map(i64::to_be_bytes);
        self.column(&Type::INT8, bytes.as_ref().map(<[u8; 8]>::as_slice))
    }

    pub(super) fn time(&mut self, value: impl Into<Option<DateTime<Utc>>>) -> &mut Self {
        let micros = value.into().map(|time| (time.timestamp_micros() - EPOCH_US).to_be_bytes());
        self.column(&Type::TIMESTAMPTZ, micros.as_ref().map(<[u8; 8]>::as_slice))
    }
}

impl ToSql for Records {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        let Kind::Array(element) = kind.kind() else { return Err("no array".into()) };
        out.reserve(self.buffer.len() + 20);
        out.put_i32(1);
        out.put_i32(0);
        out.put_u32(element.oid());
        out.put_i32(self.count);
        out.put_i32(1);
        out.put_slice(&self.buffer);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(kind.kind(), Kind::Array(element) if matches!(element.kind(), Kind::Composite(_)))
    }

    to_sql_checked!();
}
