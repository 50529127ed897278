//! Configuration: the compiled-in defaults of `config/hub.toml`, then a file, then `IOC_…` variables.
//!
//! The only place that reads the environment. [`load`] refuses unknown keys and bad values with
//! file, line, key and what is allowed, all of them at once; every value remembers where it came from.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

mod layer;
mod rule;

use layer::{Layers, Value};

/// What variables begin with that hold secrets of notifications; the file of notifications names them.
pub const NOTIFY_PREFIX: &str = "IOC_NOTIFY_";

/// The documented defaults of every key.
pub const DEFAULTS: &str = include_str!("../config/hub.toml");

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "every key is documented in config/hub.toml")]
pub struct Config {
    pub insecure: bool,
    pub city: City,
    pub calendar: Calendar,
    pub indicators: Indicators,
    pub http: Http,
    pub broker: Broker,
    pub database: Database,
    pub local: Local,
    pub ingest: Ingest,
    pub rate: Rate,
    pub spool: Spool,
    pub retention: Retention,
    pub imports: Imports,
    pub quality: Quality,
    pub alarms: Alarms,
    pub notifications: Notifications,
    pub performance: Performance,
    pub live: Live,
    pub cameras: Cameras,
    pub simulate: Simulate,
    pub log: Log,
}

macro_rules! section {
    ($name:ident { $($field:ident : $kind:ty),* $(,)? }) => {
        #[doc = concat!("Section of the configuration; see `config/hub.toml`.")]
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "every key is documented in config/hub.toml")]
        pub struct $name { $(pub $field: $kind),* }
    };
}

section!(City { folder: PathBuf });
section!(Calendar { file: String });
section!(Indicators { catalogue: String, parameters: String });
section!(Http {
    listen: String,
    dashboards: PathBuf,
    session_h: u32,
    secure_cookies: bool,
    proxy: bool
});
section!(Broker {
    host: String,
    port: u16,
    client_id: String,
    username: String,
    password_env: String,
    tls: bool,
    ca_file: String,
    client_cert_file: String,
    client_key_file: String,
    receive_maximum: u16,
    max_packet_bytes: u32,
    session_expiry_s: u32,
    keep_alive_s: u16,
});
section!(Database {
    url: String,
    password_env: String,
    owner_url: String,
    owner_password_env: String,
    ca_file: String,
    statement_timeout_ms: u32,
});
section!(Local { folder: PathBuf, data: String, mqtt_port: u16, programs: String });
section!(Ingest {
    batch_rows: usize,
    linger_ms: u64,
    clock_ahead_s: u32,
    quarantine_messages: u32,
    quarantine_bytes: u64,
    strangers: usize,
    noisy_factor: f64,
    noisy_burst_s: f64,
    personal_keys: Vec<String>,
});
section!(Rate {
    signal_hz: f64,
    vds_hz: f64,
    cctv_hz: f64,
    cabinet_hz: f64,
    desk_hz: f64,
    onestop_hz: f64,
    metric_hz: f64,
});
section!(Spool { folder: String, after_ms: u64, bytes_max: u64, warn_share: f64 });
section!(Retention {
    signal_days: u32,
    interval_days: u32,
    rollup_5min_days: u32,
    health_days: u32,
    quarantine_days: u32,
    quarantine_personal_days: u32,
    journal_days: u32,
    record_days: u32,
});
section!(Imports { file: String });
section!(Quality { thresholds: String, profile: String, pcu: String });
section!(Alarms { rules: String });
section!(Notifications { file: String });
section!(Performance { targets: String });
section!(Live {
    tick_ms: u64,
    slow_tick_ms: u64,
    resume_s: u64,
    client_frames: usize,
    slow_client_s: u64,
    connections: usize,
    connections_per_user: usize,
    subscriptions: usize,
});
section!(Cameras {
    hosts: Vec<String>,
    still: String,
    stream: String,
    username: String,
    password_env: String,
    ca_file: String,
    timeout_ms: u64,
    bytes_max: usize,
});
section!(Simulate { seed: u64, speed: f64, scale: String, rate_hz: u32, faults: bool });
section!(Log { level: String, format: String });

impl Local {
    /// Folder of the private servers' data and logs.
    pub fn data_folder(&self) -> PathBuf {
        match self.data.as_str() {
            "" => self.folder.join("data"),
            data => PathBuf::from(data),
        }
    }
}

impl Config {
    /// Folder of the spool.
    pub fn spool_folder(&self) -> PathBuf {
        match self.spool.folder.as_str() {
            "" => self.local.data_folder().join("spool"),
            folder => PathBuf::from(folder),
        }
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The compiled-in default.
    Default,
    /// A line of the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// An option of the command line.
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Option(name) => f.write_str(name),
        }
    }
}

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands.
    pub origin: Origin,
    /// The key, such as `http.listen`; empty when the file as a whole is at fault.
    pub key: String,
    /// What was found and what is allowed.
    pub detail: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.origin, self.detail)
        } else {
            write!(f, "{}: {}: {}", self.origin, self.key, self.detail)
        }
    }
}

/// Every mistake of a configuration.
#[derive(Debug, thiserror::Error)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.len();
        write!(f, "the configuration has {n} mistake{}", if n == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

/// A configuration with the origin of every value.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Every key with its value as TOML text and its origin, in the order of `config/hub.toml`.
    pub effective: Vec<(String, String, Origin)>,
}

/// Environment variables that the hub may read: those that start with `IOC_`.
pub type Environment = BTreeMap<String, String>;

/// The process's `IOC_…` variables.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn environment() -> Environment {
    std::env::vars().filter(|(name, _)| name.starts_with("IOC_")).collect()
}

/// Merges defaults, `file` and `environment`.
///
/// Variables named by a key that ends in `_env` are secrets and not keys, and so is `IOC_NOTIFY_…`;
/// `IOC_TEST_…` is left to tests.
pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Loaded, Mistakes> {
    let mut mistakes = Vec::new();
    let mut layers = Layers::defaults();
    if let Some(path) = file {
        match std::fs::read_to_string(path) {
            Ok(text) => layers.apply_file(path, &text, &mut mistakes),
            Err(error) => mistakes.push(Mistake {
                origin: Origin::File { path: path.to_owned(), line: 0 },
                key: String::new(),
                detail: format!("cannot be read: {error}"),
            }),
        }
    }
    layers.apply_environment(environment, &mut mistakes);
    rule::check(&layers, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(Mistakes(mistakes));
    }
    let config = layers.to_config().map_err(|mistake| Mistakes(vec![mistake]))?;
    let effective = layers.list();
    let mistakes = rule::check_together(&config, &layers);
    if mistakes.is_empty() { Ok(Loaded { config, effective }) } else { Err(Mistakes(mistakes)) }
}

impl Config {
    /// The defaults alone.
    ///
    /// # Errors
    /// Never for a build whose tests passed.
    pub fn defaults() -> Result<Self, Mistakes> {
        load(None, &Environment::new()).map(|loaded| loaded.config)
    }
}

/// Whether an address or host name means this machine alone.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, Mistakes> {
        let file = std::env::temp_dir().join(format!("ioc-config-{:x}.toml", fnv(text)));
        std::fs::write(&file, text).unwrap();
        let environment =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let loaded = load(Some(&file), &environment);
        std::fs::remove_file(&file).unwrap();
        loaded
    }

    fn fnv(text: &str) -> u64 {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    #[test]
    fn the_compiled_in_defaults_are_valid_and_documented() {
        let loaded = load(None, &Environment::new()).unwrap();
        assert_eq!(loaded.config.http.listen, "127.0.0.1:8080");
        assert!(loaded.effective.iter().all(|(_, _, origin)| *origin == Origin::Default));
        let mut comment = false;
        for line in DEFAULTS.lines() {
            match line.chars().next() {
                Some('#' | '[') => comment = true,
                // A run of keys shares the comment above it; a blank line ends the run.
                None => comment = false,
                Some(_) => assert!(comment, "no comment above: {line}"),
            }
        }
    }

    #[test]
    fn a_file_overrides_defaults_and_a_variable_overrides_the_file() {
        let text = "[http]\nlisten = \"127.0.0.1:9000\"\nsession_h = 8\n";
        let loaded = load_text(text, &[("IOC_HTTP_LISTEN", "127.0.0.1:9100")]).unwrap();
        assert_eq!(loaded.config.http.listen, "127.0.0.1:9100");
        assert_eq!(loaded.config.http.session_h, 8);
        let origin = |key: &str| {
            loaded.effective.iter().find(|(name, ..)| name == key).map(|(.., o)| o.to_string())
        };
        assert_eq!(origin("http.listen").as_deref(), Some("IOC_HTTP_LISTEN"));
        assert!(origin("http.session_h").unwrap().ends_with(".toml:3"));
    }

    #[test]
    fn every_mistake_is_reported_at_once_with_line_key_and_what_is_allowed() {
        let text = "[http]\nlisten = 8080\nlissten = \"x\"\nsession_h = 0\n[nonsense]\na = 1\n\
                    [log]\nformat = \"xml\"\n";
        let Mistakes(mistakes) =
            load_text(text, &[("IOC_BROKER_PORT", "70000"), ("IOC_NO_SUCH", "1")]).unwrap_err();
        let all = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for expected in [
            ".toml:2: http.listen: is 8080, allowed is text",
            ".toml:3: http.lissten: unknown key, did you mean `listen`?",
            ".toml:4: http.session_h: is 0, allowed is 1 to 8760",
            ".toml:5: nonsense: unknown section, allowed are",
            ".toml:8: log.format: is \"xml\", allowed is one of text, json",
            "IOC_BROKER_PORT: broker.port: is 70000, allowed is 1 to 65535",
            "IOC_NO_SUCH: no key of the configuration has this name",
        ] {
            assert!(all.contains(expected), "missing {expected:?} in\n{all}");
        }
        assert_eq!(mistakes.len(), 7, "{all}");
    }

    #[test]
    fn text_that_is_no_toml_names_its_line() {
        let error = load_text("[http]\nlisten = \n", &[]).unwrap_err().to_string();
        assert!(error.contains(".toml:2"), "{error}");
    }

    #[test]
    fn listening_beyond_this_machine_needs_insecure() {
        let open = "[http]\nlisten = \"0.0.0.0:8080\"\n";
        let error = load_text(open, &[]).unwrap_err().to_string();
        assert!(error.contains("insecure = true"), "{error}");
        load_text(&format!("insecure = true\n{open}"), &[]).unwrap();
    }

    #[test]
    fn pictures_come_from_named_hosts_only() {
        let still = "[cameras]\nstill = \"http://video.example/{id}.jpg\"\n";
        let error = load_text(still, &[]).unwrap_err().to_string();
        assert!(error.contains("cameras.still: has the host video.example"), "{error}");
        load_text(&format!("{still}hosts = [\"video.example\"]\n"), &[]).unwrap();
        let stream = "[cameras]\nstream = \"rtsp://video.example/{id}\"\n";
        let error = load_text(stream, &[]).unwrap_err().to_string();
        assert!(error.contains("cameras.stream: is no http"), "{error}");
    }

    #[test]
    fn a_broker_elsewhere_needs_encryption_or_insecure() {
        let far = "[broker]\nhost = \"mqtt.example\"\n";
        assert!(load_text(far, &[]).unwrap_err().to_string().contains("broker.tls"));
        load_text(&format!("{far}tls = true\nca_file = \"ca.pem\"\n"), &[]).unwrap();
        load_text(&format!("insecure = true\n{far}"), &[]).unwrap();
    }
}
