//! Rows in the binary format of COPY, as a bare pipeline writes them: no table knows of it, no check.

use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::SinkExt as _;
use tokio_postgres::{Client, Statement};

/// 2000-01-01 in Unix microseconds, PostgreSQL's epoch.
const EPOCH_US: i64 = 946_684_800_000_000;
/// Element types of arrays.
pub(crate) const OID_INT2: u32 = 21;
pub(crate) const OID_INT4: u32 = 23;
pub(crate) const OID_FLOAT4: u32 = 700;

/// A stream without rows yet.
pub(crate) fn begin() -> BytesMut {
    let mut stream = BytesMut::with_capacity(1 << 20);
    stream.put_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    stream
}

/// The stream when its rows are complete.
pub(crate) fn end(mut stream: BytesMut) -> Bytes {
    stream.put_i16(-1);
    stream.freeze()
}

/// Copies a stream in a transaction of its own.
pub(crate) async fn send(
    client: &Client,
    statement: &Statement,
    stream: Bytes,
) -> anyhow::Result<u64> {
    let mut sink = std::pin::pin!(client.copy_in(statement).await?);
    sink.send(stream).await?;
    Ok(sink.finish().await?)
}

/// A `timestamptz`.
pub(crate) fn time(out: &mut BytesMut, time: DateTime<Utc>) {
    put(out, Some(time.timestamp_micros() - EPOCH_US), BytesMut::put_i64);
}

/// One field: its length and bytes, or -1.
pub(crate) fn put<T>(out: &mut BytesMut, value: Option<T>, write: impl Fn(&mut BytesMut, T)) {
    match value {
        Some(value) => {
            out.put_i32(i32::try_from(size_of::<T>()).unwrap_or(0));
            write(out, value);
        }
        None => out.put_i32(-1),
    }
}

/// An array of one dimension whose elements may be null.
pub(crate) fn array<T: Copy, const N: usize>(
    out: &mut BytesMut,
    oid: u32,
    values: Option<[Option<T>; N]>,
    write: impl Fn(&mut BytesMut, T) + Copy,
) {
    let Some(values) = values else { return out.put_i32(-1) };
    let at = out.len();
    out.put_i32(0);
    out.put_i32(1);
    out.put_i32(i32::from(values.iter().any(Option::is_none)));
    out.put_u32(oid);
    out.put_i32(i32::try_from(N).unwrap_or(0));
    out.put_i32(1);
    for value in values {
        put(out, value, write);
    }
    let length = i32::try_from(out.len() - at - 4).unwrap_or(0);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}
