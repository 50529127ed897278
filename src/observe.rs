//! Logs and metrics: how the hub tells an administrator what it does.
//!
//! Metric names are `hub_<stage>_<what>_<unit>`; labels come from closed sets. Counted per batch.

use std::sync::{Arc, Mutex, PoisonError};

use ioc_ingest::mqtt::Counters;
use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tracing_subscriber::EnvFilter;

mod watched;

pub use watched::Queues;
use watched::Session;

/// Label `reason` of refused messages.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// Reason code.
    pub reason: &'static str,
}

/// Label of accounting identities.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct IdentityLabel {
    /// Its word in the laws of indicators.
    pub identity: String,
}

/// Every metric of the process.
#[derive(Debug)]
#[expect(missing_docs, reason = "each metric is described where it is registered")]
pub struct Metrics {
    registry: Mutex<Registry>,
    pub received: Counter,
    pub accepted: Counter,
    pub refused: Family<ReasonLabel, Counter>,
    pub unguaranteed: Counter,
    pub strangers: Gauge,
    pub strangers_beyond: Counter,
    pub rows: Counter,
    pub duplicates: Counter,
    pub conflicts: Counter,
    pub quarantined: Counter,
    pub dropped: Counter,
    pub refused_again: Counter,
    pub alarms_dropped: Counter,
    pub batches: Counter,
    pub batch_messages: Histogram,
    pub commit_seconds: Histogram,
    pub commit_age_seconds: Histogram,
    pub retries: Counter,
    pub bisections: Counter,
    pub rollup_marks: Gauge,
    pub rollup_rebuilt: Counter,
    pub identities_broken: Family<IdentityLabel, Gauge>,
    pub quality_marked: Counter,
    pub quality_rejudged: Counter,
    pub quality_open: Gauge,
    pub selfcheck_checked: Counter,
    pub selfcheck_mismatches: Counter,
    pub live_clients: Gauge,
    pub live_frames: Counter,
    pub live_resyncs: Counter,
    pub live_slow: Counter,
    pub spool_bytes: Gauge,
    pub spool_messages: Gauge,
    pub spool_oldest: Gauge,
    pub spool_damaged: Gauge,
    pub spool_writes: Counter,
    pub spool_written: Counter,
    pub spool_drained: Counter,
    pub spool_write_seconds: Histogram,
}

impl Metrics {
    /// Registers everything.
    #[expect(clippy::too_many_lines, reason = "the list of all metrics")]
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("hub");
        let r = &mut registry;
        let times = || exponential_buckets(0.0005, 2.0, 16);
        let metrics = Self {
            received: counter(r, "ingest_received", "Messages taken from the broker"),
            accepted: counter(r, "ingest_accepted", "Messages stored, wholly or in part"),
            refused: family(r, "ingest_refused", "Messages or parts of them refused"),
            unguaranteed: counter(r, "ingest_unguaranteed", "Messages published with QoS 0"),
            strangers: gauge(r, "ingest_strangers", "Sources not in service that are told apart"),
            strangers_beyond: counter(
                r,
                "ingest_strangers_beyond_messages",
                "Messages of sources not in service beyond the limit, which are counted together",
            ),
            rows: counter(r, "writer_rows", "Fact rows stored"),
            duplicates: counter(r, "writer_duplicates", "Fact rows that were already stored"),
            conflicts: counter(r, "writer_conflicts", "Fact rows that differ from the stored fact"),
            quarantined: counter(r, "writer_quarantined", "Rows put into the quarantine"),
            dropped: counter(r, "writer_dropped", "Refused messages beyond the quarantine's bound"),
            refused_again: counter(
                r,
                "writer_refused_again",
                "Refused messages that came before and are in the quarantine already",
            ),
            alarms_dropped: counter(
                r,
                "writer_alarms_dropped",
                "Changes of alarms left out of the history because too many waited for the database",
            ),
            batches: counter(r, "writer_batches", "Batches committed"),
            batch_messages: histogram(
                r,
                "writer_batch_messages",
                "Messages of a batch",
                None,
                Histogram::new(exponential_buckets(1.0, 2.0, 15)),
            ),
            commit_seconds: histogram(
                r,
                "writer_commit",
                "Time of one commit",
                Some(Unit::Seconds),
                Histogram::new(times()),
            ),
            commit_age_seconds: histogram(
                r,
                "writer_commit_age",
                "From receiving the first message of a batch to its commit",
                Some(Unit::Seconds),
                Histogram::new(times()),
            ),
            retries: counter(
                r,
                "writer_retries",
                "Batches tried again because the database was away",
            ),
            bisections: counter(r, "writer_bisections", "Batches cut in two to find a refused row"),
            rollup_marks: gauge(r, "rollup_marks", "Closed hours whose rollup is to be built anew"),
            rollup_rebuilt: counter(r, "rollup_rebuilt", "Hours built anew after late data"),
            identities_broken: identities(r),
            quality_marked: counter(
                r,
                "quality_marked_rows",
                "Rows whose quality bits the history of their detector changed",
            ),
            quality_rejudged: counter(
                r,
                "quality_rejudged_detectors",
                "Times that a detector was judged from its rows: after late data and starts",
            ),
            quality_open: gauge(r, "quality_open_checks", "Checks of detectors that are open"),
            selfcheck_checked: counter(
                r,
                "selfcheck_checked",
                "Hours, and days of units, compared with their rows",
            ),
            selfcheck_mismatches: counter(
                r,
                "selfcheck_mismatches",
                "Hours whose rollup differed from its rows",
            ),
            live_clients: gauge(r, "live_clients", "Open live connections"),
            live_frames: counter(r, "live_frames", "Frames queued for live clients"),
            live_resyncs: counter(r, "live_resyncs", "Live clients that had to start anew"),
            live_slow: counter(r, "live_slow_clients", "Live clients closed for not reading"),
            spool_bytes: gauge(r, "spool_size_bytes", "What the spool takes on the disk"),
            spool_messages: gauge(r, "spool_waiting_messages", "Messages that wait in the spool"),
            spool_oldest: gauge(
                r,
                "spool_oldest_timestamp_seconds",
                "Receive time of the oldest message in the spool, since 1970; 0 when it is empty",
            ),
            spool_damaged: gauge(
                r,
                "spool_damaged_files",
                "Damaged files and records of the spool met since the start",
            ),
            spool_writes: counter(r, "spool_writes", "Batches written to the spool and synced"),
            spool_written: counter(r, "spool_written_messages", "Messages written to the spool"),
            spool_drained: counter(
                r,
                "spool_drained_messages",
                "Messages of the spool that are in the database now",
            ),
            spool_write_seconds: histogram(
                r,
                "spool_write",
                "Time to write one batch to the spool and to sync it",
                Some(Unit::Seconds),
                Histogram::new(times()),
            ),
            registry: Mutex::new(Registry::default()),
        };
        *metrics.registry.lock().unwrap_or_else(PoisonError::into_inner) = registry;
        Arc::new(metrics)
    }

    /// Shows the queues between the tasks and the broker session from now on.
    pub fn watch(&self, queues: Queues, session: Arc<Counters>) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(Box::new(queues));
        registry.register_collector(Box::new(Session(session)));
    }

    /// Shows what a part of the hub counts by itself from now on.
    pub fn show(&self, collector: Box<dyn Collector>) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register_collector(collector);
    }

    /// Prometheus text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing into a String cannot fail.
        let _infallible = encode(&mut text, &registry);
        text
    }
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn family(registry: &mut Registry, name: &str, help: &str) -> Family<ReasonLabel, Counter> {
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}

fn identities(registry: &mut Registry) -> Family<IdentityLabel, Gauge> {
    let family = Family::default();
    let help = "Units whose records break an accounting identity in the running month";
    registry.register("identities_broken_units", help, family.clone());
    family
}

fn histogram(
    registry: &mut Registry,
    name: &str,
    help: &str,
    unit: Option<Unit>,
    histogram: Histogram,
) -> Histogram {
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, histogram.clone()),
        None => registry.register(name, help, histogram.clone()),
    }
    histogram
}

/// Starts logging to standard error.
///
/// # Errors
/// The filter text, when it does not parse.
pub fn start_logs(level: &str, format: &str) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(level)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    // A second start (tests) keeps the first.
    let _already = if format == "json" { builder.json().try_init() } else { builder.try_init() };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_queue_shows_its_depth_and_its_bound_until_it_ends() {
        let metrics = Metrics::new();
        let (sender, mut receiver) = tokio::sync::mpsc::channel(5);
        let mut queues = Queues::default();
        queues.add("test", sender.downgrade());
        metrics.watch(queues, Arc::new(Counters::default()));
        sender.send(1).await.unwrap();
        sender.send(2).await.unwrap();
        let text = metrics.render();
        assert!(text.contains("hub_queue_depth{queue=\"test\"} 2"), "{text}");
        assert!(text.contains("hub_queue_bound{queue=\"test\"} 5"), "{text}");
        assert!(text.contains("hub_broker_acknowledged_total 0"), "{text}");
        assert!(text.contains("hub_broker_unacknowledged_messages 0"), "{text}");
        receiver.close();
        drop(sender);
        assert!(!metrics.render().contains("queue=\"test\""));
    }

    #[test]
    fn metrics_carry_their_prefix_unit_and_labels() {
        let metrics = Metrics::new();
        metrics.received.inc_by(3);
        metrics.refused.get_or_create(&ReasonLabel { reason: "range" }).inc();
        metrics.commit_seconds.observe(0.002);
        let text = metrics.render();
        assert!(text.contains("hub_ingest_received_total 3"), "{text}");
        assert!(text.contains("hub_ingest_refused_total{reason=\"range\"} 1"), "{text}");
        assert!(text.contains("hub_writer_commit_seconds_bucket"), "{text}");
    }
}
