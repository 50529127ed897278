//! What the broker session needs to know, checked once before the first connection.
//!
//! Defaults are in [`Options::new`]; what is allowed is in the error of [`Options::check`].

use std::path::PathBuf;
use std::time::Duration;

use rumqttc::Transport;
use rumqttc::v5::MqttOptions;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{ConnectProperties, Filter, RetainForwardRule};

use super::tls;
use crate::topic::{Service, is_token};

/// The client library refuses shorter keep-alives.
const KEEP_ALIVE_MIN_S: u16 = 5;

/// Room for some 16 000 acknowledgements. We send little else, and with a small buffer it is noticed
/// soon when the broker does not read.
const SEND_BUFFER_BYTES: u32 = 64 * 1_024;

/// Messages that we may have published without an acknowledgement: the hub publishes none.
const PUBLISHES_MAX: u16 = 16;

/// Smaller packets could not carry the messages of the contract (64 KiB of payload and the topic).
const PACKET_MIN_BYTES: u32 = 1_024;

/// Largest packet of the protocol.
const PACKET_MAX_BYTES: u32 = 268_435_455;

/// Certificates and keys, all PEM. The broker's certificate must name [`Options::host`].
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// Certificates that may sign the broker's. `None`: the system's bundle, [`tls::SYSTEM_CA`].
    pub ca: Option<PathBuf>,
    /// Our certificate, followed by those that lead to its root; needs `client_key`.
    pub client_cert: Option<PathBuf>,
    /// The private key of `client_cert` (PKCS#8, PKCS#1 or SEC1, not encrypted).
    pub client_key: Option<PathBuf>,
}

/// Where the broker is, who we are, and the limits of the session.
#[derive(Clone)]
pub struct Options {
    /// Host name or address of the broker.
    pub host: String,
    /// TCP port, commonly 1883, with TLS 8883.
    pub port: u16,
    /// Name of the session in the broker. Two programs with the same name throw each other out.
    pub client_id: String,
    /// User name, if the broker asks for one.
    pub username: Option<String>,
    /// Password of the user. Never logged.
    pub password: Option<String>,
    /// Encrypts the connection.
    pub tls: Option<TlsOptions>,
    /// Token of the city whose topics are subscribed.
    pub city: String,
    /// Services to subscribe. Empty: the whole city, also topics that fit no service.
    pub services: Vec<Service>,
    /// How many messages the broker may send ahead of acknowledgement; the deliveries' channel holds
    /// as many. Throughput is at most this divided by the time from delivery to commit.
    pub receive_maximum: u16,
    /// Largest packet that the broker may send us, in bytes; it withholds larger ones. Should exceed the
    /// 64 KiB of the contract, so that a message a little too large is refused with a reason.
    pub max_packet_bytes: u32,
    /// How long the broker keeps session and queue while we are away, in seconds; `u32::MAX` is forever.
    pub session_expiry_s: u32,
    /// Longest silence before a ping, in seconds. A dead link is noticed within twice this time.
    pub keep_alive_s: u16,
    /// Time for TCP, TLS and the broker's answer together, in seconds.
    pub connect_timeout_s: u16,
    /// First wait after a failure, in milliseconds.
    pub backoff_min_ms: u64,
    /// Longest wait, in milliseconds; also the wait after a refusal.
    pub backoff_max_ms: u64,
    /// Bytes of unacknowledged messages at which we cut a broker that ignores its window.
    pub unacked_bytes_max: u64,
}

/// Why a session cannot even try to connect.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A value that the protocol or the session does not allow.
    #[error("option {key} is {value}, allowed: {allowed}")]
    Option {
        /// Field of [`Options`].
        key: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        allowed: String,
    },
    /// Only one of certificate and key is given.
    #[error(
        "options tls.client_cert and tls.client_key belong together, but only {given} is given"
    )]
    Pair {
        /// The one that is given.
        given: &'static str,
    },
    /// A PEM file cannot be read or holds nothing of the kind.
    #[error("read {what} from {path} (option {key})")]
    TlsFile {
        /// Field of [`Options`], for example `tls.ca`.
        key: &'static str,
        /// What the file should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The reader's own words.
        source: rustls::pki_types::pem::Error,
    },
    /// A file was read, but TLS cannot work with what it holds.
    #[error("use {what} from {path} (option {key})")]
    TlsContent {
        /// Field of [`Options`], for example `tls.client_key`.
        key: &'static str,
        /// What the file holds.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The TLS library's own words.
        source: rustls::Error,
    },
    /// The TLS library refuses its own settings.
    #[error("set up TLS")]
    Tls(#[from] rustls::Error),
}

impl Options {
    /// The defaults, for a broker without TLS and without credentials.
    pub fn new(host: &str, port: u16, client_id: &str, city: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            client_id: client_id.to_owned(),
            username: None,
            password: None,
            tls: None,
            city: city.to_owned(),
            services: Vec::new(),
            receive_maximum: 1_000,
            max_packet_bytes: 128 * 1_024,
            session_expiry_s: 7 * 24 * 3_600,
            keep_alive_s: 30,
            connect_timeout_s: 10,
            backoff_min_ms: 250,
            backoff_max_ms: 15_000,
            unacked_bytes_max: 1_000 * 128 * 1_024,
        }
    }

    /// Checks values and TLS files without connecting.
    pub fn check(&self) -> Result<(), SessionError> {
        self.connection().map(|_settings| ())
    }

    /// The client library's form of these options.
    pub(super) fn connection(&self) -> Result<MqttOptions, SessionError> {
        self.check_values()?;
        let mut settings = MqttOptions::new(&self.client_id, &self.host, self.port);
        if let Some(username) = &self.username {
            settings.set_credentials(username, self.password.as_deref().unwrap_or_default());
        }
        if let Some(files) = &self.tls {
            settings.set_transport(Transport::tls_with_config(tls::client(files)?.into()));
        }
        let mut network = settings.network_options();
        network.set_tcp_nodelay(true);
        network.set_tcp_send_buffer_size(SEND_BUFFER_BYTES);
        settings
            .set_network_options(network)
            .set_keep_alive(Duration::from_secs(self.keep_alive_s.into()))
            .set_connection_timeout(self.connect_timeout_s.into())
            .set_manual_acks(true)
            // The library reserves some 200 bytes for each message that we might publish.
            .set_outgoing_inflight_upper_limit(PUBLISHES_MAX)
            // A session that outlives the connection needs both: not to start clean, and an expiry.
            .set_clean_start(false)
            .set_connect_properties(ConnectProperties {
                session_expiry_interval: Some(self.session_expiry_s),
                receive_maximum: Some(self.receive_maximum),
                // Without it the library cuts the link at 10 KiB, and the broker repeats the message.
                max_packet_size: Some(self.max_packet_bytes),
                // Not offered: the library yields an empty topic for a message sent under an alias.
                topic_alias_max: None,
                ..ConnectProperties::new()
            });
        Ok(settings)
    }

    /// What to subscribe: quality of service 1, since a level 2 session may resume with a PUBREL that
    /// the library answers by dropping the connection. Retained messages come with a new subscription
    /// only, so that a reconnect does not repeat the state of the whole city.
    pub(super) fn filters(&self) -> Vec<Filter> {
        self.paths(&self.services).map(filter).collect()
    }

    /// Filters of other settings of `services`, which a session from an earlier run may still hold.
    pub(super) fn other_paths(&self) -> Vec<String> {
        let wanted: Vec<_> = self.paths(&self.services).collect();
        let all = self.paths(&[]).chain(self.paths(&Service::ALL));
        all.filter(|path| !wanted.contains(path)).collect()
    }

    fn paths<'a>(&'a self, services: &'a [Service]) -> impl Iterator<Item = String> + 'a {
        let whole = services.is_empty().then(|| format!("ioc/1/{}/#", self.city));
        let each = services.iter().map(|service| format!("ioc/1/{}/{service}/#", self.city));
        whole.into_iter().chain(each)
    }

    fn check_values(&self) -> Result<(), SessionError> {
        let window = u64::from(self.receive_maximum) * u64::from(self.max_packet_bytes);
        require(!self.host.is_empty(), "host", &self.host, "a host name or address")?;
        require(self.port > 0, "port", &self.port, "1 to 65535")?;
        require(!self.client_id.is_empty(), "client_id", &self.client_id, "a text of its own")?;
        require(is_token(&self.city), "city", &self.city, "1 to 64 characters of a-z 0-9 - _ .")?;
        require(self.receive_maximum > 0, "receive_maximum", &self.receive_maximum, "1 to 65535")?;
        require(
            (PACKET_MIN_BYTES..=PACKET_MAX_BYTES).contains(&self.max_packet_bytes),
            "max_packet_bytes",
            &self.max_packet_bytes,
            &format!("{PACKET_MIN_BYTES} to {PACKET_MAX_BYTES}"),
        )?;
        require(
            self.session_expiry_s > 0,
            "session_expiry_s",
            &self.session_expiry_s,
            "1 and more",
        )?;
        require(
            self.keep_alive_s >= KEEP_ALIVE_MIN_S,
            "keep_alive_s",
            &self.keep_alive_s,
            &format!("{KEEP_ALIVE_MIN_S} to 65535"),
        )?;
        require(
            self.connect_timeout_s > 0,
            "connect_timeout_s",
            &self.connect_timeout_s,
            "1 and more",
        )?;
        require(self.backoff_min_ms > 0, "backoff_min_ms", &self.backoff_min_ms, "1 and more")?;
        require(
            self.backoff_max_ms >= self.backoff_min_ms,
            "backoff_max_ms",
            &self.backoff_max_ms,
            &format!("{} (backoff_min_ms) and more", self.backoff_min_ms),
        )?;
        require(
            self.unacked_bytes_max >= window,
            "unacked_bytes_max",
            &self.unacked_bytes_max,
            &format!("{window} (receive_maximum x max_packet_bytes) and more"),
        )?;
        require(
            self.password.is_none() || self.username.is_some(),
            "username",
            &"empty",
            "a user name, because a password is given",
        )
    }
}

fn filter(path: String) -> Filter {
    let mut filter = Filter::new(path, QoS::AtLeastOnce);
    filter.retain_forward_rule = RetainForwardRule::OnNewSubscribe;
    filter
}

fn require(
    holds: bool,
    key: &'static str,
    value: &impl ToString,
    allowed: &str,
) -> Result<(), SessionError> {
    if holds {
        return Ok(());
    }
    Err(SessionError::Option { key, value: value.to_string(), allowed: allowed.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{Options, SessionError};
    use crate::topic::Service;

    fn refused(change: impl FnOnce(&mut Options)) -> &'static str {
        let mut options = Options::new("localhost", 1883, "ioc-hub", "can-tho");
        change(&mut options);
        match options.check() {
            Err(SessionError::Option { key, .. }) => key,
            other => panic!("expected a refused option, not {other:?}"),
        }
    }

    #[test]
    fn defaults_are_allowed() {
        assert!(Options::new("localhost", 1883, "ioc-hub", "can-tho").check().is_ok());
    }

    #[test]
    fn a_value_out_of_range_is_refused_with_its_key() {
        assert_eq!(refused(|o| o.host.clear()), "host");
        assert_eq!(refused(|o| o.port = 0), "port");
        assert_eq!(refused(|o| o.client_id.clear()), "client_id");
        assert_eq!(refused(|o| o.city = "Cần Thơ".to_owned()), "city");
        assert_eq!(refused(|o| o.receive_maximum = 0), "receive_maximum");
        assert_eq!(refused(|o| o.max_packet_bytes = 100), "max_packet_bytes");
        assert_eq!(refused(|o| o.session_expiry_s = 0), "session_expiry_s");
        assert_eq!(refused(|o| o.keep_alive_s = 4), "keep_alive_s");
        assert_eq!(refused(|o| o.connect_timeout_s = 0), "connect_timeout_s");
        assert_eq!(refused(|o| o.backoff_min_ms = 0), "backoff_min_ms");
        assert_eq!(refused(|o| o.backoff_max_ms = 1), "backoff_max_ms");
        assert_eq!(refused(|o| o.receive_maximum = 1_001), "unacked_bytes_max");
        assert_eq!(refused(|o| o.password = Some("secret".to_owned())), "username");
    }

    #[test]
    fn a_narrower_subscription_names_the_wider_ones_to_give_up() {
        let mut options = Options::new("localhost", 1883, "ioc-hub", "can-tho");
        assert_eq!(options.filters()[0].path, "ioc/1/can-tho/#");
        assert_eq!(options.other_paths().len(), Service::ALL.len());
        options.services = vec![Service::Vds];
        assert_eq!(options.filters()[0].path, "ioc/1/can-tho/vds/#");
        let others = options.other_paths();
        assert!(others.contains(&"ioc/1/can-tho/#".to_owned()));
        assert!(!others.contains(&"ioc/1/can-tho/vds/#".to_owned()));
    }
}
