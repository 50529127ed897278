//! What people see of the broker session: its state and its counters.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// Whether messages can come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerState {
    /// The first attempt since the start is under way.
    Connecting,
    /// The broker has accepted us and our subscription is in place.
    Connected {
        /// `false`: the broker held no session for our client id, so what devices sent while we were
        /// away is not in its queue. Normal for the very first connection of an installation.
        session_present: bool,
        /// When the broker accepted the connection.
        since: DateTime<Utc>,
    },
    /// No connection; the next attempt follows by itself.
    Disconnected {
        /// When the connection was lost, or the first attempt failed; later failures do not move it.
        since: DateTime<Utc>,
        /// The newest failure in words, with what to do about it.
        error: String,
        /// The kind of the newest failure.
        cause: Cause,
    },
}

/// Kinds of failure that call for different actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Nothing answers at the address.
    Unreachable,
    /// The broker does not want us: credentials, rights, client id. Only a person can mend it.
    Refused,
    /// Certificates do not fit.
    Tls,
    /// An established connection ended.
    Lost,
    /// The broker stopped answering or reading while the connection stood.
    Silent,
    /// The broker sent more unacknowledged data than it was allowed to.
    Window,
    /// The broker sent something that the protocol or our CONNECT forbids.
    Protocol,
}

impl Cause {
    /// Short code for screens and metrics, for example `broker.refused`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "broker.unreachable",
            Self::Refused => "broker.refused",
            Self::Tls => "broker.tls",
            Self::Lost => "broker.lost",
            Self::Silent => "broker.silent",
            Self::Window => "broker.window",
            Self::Protocol => "broker.protocol",
        }
    }
}

/// Totals since the start of the process, and two gauges (`unacked`, `unacked_bytes`).
#[derive(Debug, Default)]
pub struct Counters {
    /// Publishes taken from the socket, repeated ones included.
    pub received: AtomicU64,
    /// Acknowledgements queued for the broker.
    pub acknowledged: AtomicU64,
    /// Tickets that came back after their connection was lost, or twice. The broker delivers those
    /// messages again; nothing is lost.
    pub stale_acks_dropped: AtomicU64,
    /// Messages with quality of service 0 dropped because the hub was behind. These are lost.
    pub unawaited_dropped: AtomicU64,
    /// Messages that the broker repeated on the same connection while we still held them.
    pub repeats_ignored: AtomicU64,
    /// Successful connections after the first.
    pub reconnects: AtomicU64,
    /// Reconnects at which the broker had lost our session, and with it whatever it had queued.
    pub sessions_lost: AtomicU64,
    /// Connections that we cut because the broker ignored its window.
    pub window_exceeded: AtomicU64,
    /// Messages delivered on this connection and not acknowledged, now.
    pub unacked: AtomicU64,
    /// Bytes of topics and payloads of those messages, now.
    pub unacked_bytes: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(gauge: &AtomicU64, value: u64) {
        gauge.store(value, Ordering::Relaxed);
    }
}
