//! What each value of the configuration may be.

use super::{Config, Layers, Mistake, Value, is_loopback};
use crate::still::Address;

enum Allowed {
    /// Whole numbers in this range, both ends included.
    Whole(i64, i64),
    /// Numbers in this range, both ends included.
    Number(f64, f64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// ADDRESS:PORT.
    Listen,
    /// Any text but the empty one.
    Text,
}

use Allowed::{Listen, Number, OneOf, Text, Whole};

const DAYS_MAX: i64 = 36_500;
const HZ_MAX: f64 = 100_000.0;

/// Keys that are not listed take any value of their type.
const RULES: &[(&str, Allowed)] = &[
    ("city.folder", Text),
    ("http.listen", Listen),
    ("http.dashboards", Text),
    ("http.session_h", Whole(1, 8_760)),
    ("broker.host", Text),
    ("broker.port", Whole(1, 65_535)),
    ("broker.client_id", Text),
    ("broker.receive_maximum", Whole(10, 65_535)),
    // Below the largest message of the contract plus its topic, the broker would withhold good ones.
    ("broker.max_packet_bytes", Whole(70_000, 16_777_216)),
    ("broker.session_expiry_s", Whole(60, 31_536_000)),
    ("broker.keep_alive_s", Whole(5, 600)),
    ("database.statement_timeout_ms", Whole(100, 3_600_000)),
    ("local.folder", Text),
    ("local.mqtt_port", Whole(0, 65_535)),
    ("local.programs", OneOf(&["auto", "private"])),
    ("ingest.batch_rows", Whole(1, 100_000)),
    ("ingest.linger_ms", Whole(0, 1_000)),
    ("ingest.clock_ahead_s", Whole(1, 86_400)),
    ("ingest.quarantine_messages", Whole(1, 1_000_000)),
    ("ingest.quarantine_bytes", Whole(65_536, 1_099_511_627_776)),
    ("ingest.strangers", Whole(0, 1_000_000)),
    ("ingest.noisy_factor", Number(0.0, 1_000_000.0)),
    ("ingest.noisy_burst_s", Number(1.0, 86_400.0)),
    ("rate.signal_hz", Number(0.0, HZ_MAX)),
    ("rate.vds_hz", Number(0.0, HZ_MAX)),
    ("rate.cctv_hz", Number(0.0, HZ_MAX)),
    ("rate.cabinet_hz", Number(0.0, HZ_MAX)),
    ("rate.desk_hz", Number(0.0, HZ_MAX)),
    ("rate.onestop_hz", Number(0.0, HZ_MAX)),
    ("rate.metric_hz", Number(0.0, HZ_MAX)),
    ("spool.after_ms", Whole(100, 600_000)),
    ("spool.bytes_max", Whole(16_777_216, 1_125_899_906_842_624)),
    ("spool.warn_share", Number(0.01, 1.0)),
    ("retention.signal_days", Whole(1, DAYS_MAX)),
    ("retention.interval_days", Whole(1, DAYS_MAX)),
    ("retention.rollup_5min_days", Whole(1, DAYS_MAX)),
    ("retention.health_days", Whole(1, DAYS_MAX)),
    ("retention.quarantine_days", Whole(1, DAYS_MAX)),
    ("retention.quarantine_personal_days", Whole(1, DAYS_MAX)),
    ("retention.journal_days", Whole(1, DAYS_MAX)),
    ("retention.record_days", Whole(1, DAYS_MAX)),
    ("quality.profile", Text),
    ("live.tick_ms", Whole(10, 1_000)),
    ("live.slow_tick_ms", Whole(100, 60_000)),
    ("live.resume_s", Whole(0, 600)),
    ("live.client_frames", Whole(2, 10_000)),
    ("live.slow_client_s", Whole(1, 600)),
    ("live.connections", Whole(1, 100_000)),
    ("live.connections_per_user", Whole(1, 100_000)),
    ("live.subscriptions", Whole(1, 1_000)),
    ("cameras.timeout_ms", Whole(100, 30_000)),
    ("cameras.bytes_max", Whole(1_024, 67_108_864)),
    ("simulate.seed", Whole(0, i64::MAX)),
    ("simulate.speed", Number(0.01, 1_000.0)),
    ("simulate.scale", OneOf(&["city", "S", "M", "L"])),
    ("simulate.rate_hz", Whole(0, 1_000_000)),
    ("log.level", Text),
    ("log.format", OneOf(&["text", "json"])),
];

/// Checks every value by itself.
pub(super) fn check(layers: &Layers, mistakes: &mut Vec<Mistake>) {
    for (key, allowed) in RULES {
        let Some(leaf) = layers.get(key) else { continue };
        let expected = match (allowed, &leaf.value) {
            (Whole(from, to), Value::Integer(n)) if !(from..=to).contains(&n) => {
                format!("{from} to {to}")
            }
            (Number(from, to), Value::Float(n)) if !(*from..=*to).contains(n) => {
                format!("{from} to {to}")
            }
            (OneOf(texts), Value::String(text)) if !texts.contains(&text.as_str()) => {
                format!("one of {}", texts.join(", "))
            }
            (Listen, Value::String(text)) if text.parse::<std::net::SocketAddr>().is_err() => {
                "ADDRESS:PORT such as 127.0.0.1:8080".to_owned()
            }
            (Text, Value::String(text)) if text.is_empty() => "a text, not an empty one".to_owned(),
            _ => continue,
        };
        let detail = format!("is {}, allowed is {expected}", leaf.value);
        mistakes.push(Mistake { origin: leaf.origin.clone(), key: (*key).to_owned(), detail });
    }
}

/// Checks values that depend on each other.
pub(super) fn check_together(config: &Config, layers: &Layers) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut mistake = |key: &str, detail: &str| {
        mistakes.push(Mistake {
            origin: layers.origin(key),
            key: key.to_owned(),
            detail: detail.to_owned(),
        });
    };
    let listens_open = config
        .http
        .listen
        .parse::<std::net::SocketAddr>()
        .is_ok_and(|address| !address.ip().is_loopback());
    if listens_open && !config.insecure {
        mistake(
            "http.listen",
            "listens beyond this machine without encryption: put a proxy with HTTPS before \
             127.0.0.1, or set insecure = true on a closed network",
        );
    }
    let broker = &config.broker;
    if !broker.tls && !is_loopback(&broker.host) && !config.insecure {
        mistake(
            "broker.host",
            "is another machine without encryption: set broker.tls = true and broker.ca_file, or \
             insecure = true on a closed network",
        );
    }
    if broker.tls && broker.ca_file.is_empty() {
        mistake("broker.ca_file", "is required with broker.tls = true");
    }
    if broker.client_cert_file.is_empty() != broker.client_key_file.is_empty() {
        mistake("broker.client_cert_file", "and broker.client_key_file belong together");
    }
    let cameras = &config.cameras;
    if !cameras.still.is_empty() {
        match Address::parse(&cameras.still, Some(&cameras.hosts)) {
            Err(error) => mistake("cameras.still", &error.to_string()),
            Ok(_) if cameras.still.starts_with("https:") && cameras.ca_file.is_empty() => {
                mistake("cameras.ca_file", "is required with an https address");
            }
            Ok(_) => {}
        }
    }
    if !cameras.stream.is_empty()
        && let Err(error) = Address::parse(&cameras.stream, None)
    {
        mistake("cameras.stream", &error.to_string());
    }
    if config.retention.rollup_5min_days < config.retention.interval_days {
        mistake(
            "retention.rollup_5min_days",
            "is shorter than retention.interval_days: rollups are kept at least as long as rows",
        );
    }
    mistakes
}
