//! Metrics that are read where they live at every scrape: bounded queues and the broker session.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
};

use ioc_ingest::mqtt::Counters;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use tokio::sync::mpsc;

/// Depth and bound of one queue; null after its end.
type Level = dyn Fn() -> Option<(usize, usize)> + Send + Sync;

/// Every bounded queue between two tasks.
#[derive(Default)]
pub struct Queues(Vec<(&'static str, Box<Level>)>);

impl fmt::Debug for Queues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Queues {
    /// Watches a queue without keeping it open.
    pub fn add<T: Send + 'static>(&mut self, name: &'static str, sender: mpsc::WeakSender<T>) {
        let level = move || {
            let sender = sender.upgrade()?;
            let bound = sender.max_capacity();
            Some((bound - sender.capacity(), bound))
        };
        self.0.push((name, Box::new(level)));
    }

    fn encode_gauge(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, help): (&str, &str),
        value: impl Fn((usize, usize)) -> usize,
    ) -> fmt::Result {
        let kind = prometheus_client::metrics::MetricType::Gauge;
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for (queue, level) in &self.0 {
            let Some(level) = level() else { continue };
            let gauge = ConstGauge::new(i64::try_from(value(level)).unwrap_or(i64::MAX));
            gauge.encode(family.encode_family(&[("queue", *queue)])?)?;
        }
        Ok(())
    }
}

impl Collector for Queues {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let depth = ("queue_depth", "Items that wait in a bounded queue between two tasks");
        self.encode_gauge(&mut encoder, depth, |(depth, _)| depth)?;
        let bound = ("queue_bound", "Items that the queue holds at most");
        self.encode_gauge(&mut encoder, bound, |(_, bound)| bound)
    }
}

/// The broker session.
#[derive(Debug)]
pub(super) struct Session(pub(super) Arc<Counters>);

impl Collector for Session {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counters = &self.0;
        let totals: [(&str, &str, &AtomicU64); 8] = [
            (
                "received",
                "Publishes taken from the socket, repeated ones included",
                &counters.received,
            ),
            ("acknowledged", "Acknowledgements sent", &counters.acknowledged),
            (
                "stale_acknowledgements",
                "Acknowledgements of a connection that was lost: the broker repeats the messages",
                &counters.stale_acks_dropped,
            ),
            (
                "unguaranteed_dropped",
                "Messages of QoS 0 lost because the hub was behind",
                &counters.unawaited_dropped,
            ),
            ("repeats", "Messages repeated on the same connection", &counters.repeats_ignored),
            ("reconnects", "Connections after the first", &counters.reconnects),
            (
                "sessions_lost",
                "Connections at which the broker had lost the session and its queue",
                &counters.sessions_lost,
            ),
            (
                "window_exceeded",
                "Connections cut because the broker ignored its window",
                &counters.window_exceeded,
            ),
        ];
        for (name, help, value) in totals {
            let counter = ConstCounter::new(value.load(Ordering::Relaxed));
            let name = format!("broker_{name}");
            let metric = encoder.encode_descriptor(&name, help, None, counter.metric_type())?;
            counter.encode(metric)?;
        }
        let levels: [(&str, &str, &AtomicU64); 2] = [
            (
                "unacknowledged_messages",
                "Messages delivered and not acknowledged",
                &counters.unacked,
            ),
            (
                "unacknowledged_bytes",
                "Bytes of topics and payloads delivered and not acknowledged",
                &counters.unacked_bytes,
            ),
        ];
        for (name, help, value) in levels {
            let value = i64::try_from(value.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
            let gauge = ConstGauge::new(value);
            let name = format!("broker_{name}");
            let metric = encoder.encode_descriptor(&name, help, None, gauge.metric_type())?;
            gauge.encode(metric)?;
        }
        Ok(())
    }
}
