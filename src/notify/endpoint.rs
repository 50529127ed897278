//! The receivers, read from `config/notifications.toml`, which explains every key.
//!
//! All mistakes of a file are told at once, each with the name of its endpoint. Secrets come from the
//! environment by their names. Nothing goes to another machine without encryption unless the endpoint says
//! that it may.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use chrono_tz::Tz;
use ioc_ingest::{Service, topic::is_token};
use serde::Deserialize;

use super::{
    email::{Email, Security},
    message::Event,
    plan::Pace,
    send::{Sender, authorities},
    shift::{self, Shift},
    webhook::{Webhook, address},
};
use crate::{config::is_loopback, store::notify::TransitionRow};

/// The endpoints that are compiled in: none.
pub const DEFAULT: &str = include_str!("../../config/notifications.toml");
/// What variables of secrets begin with.
pub const SECRET_PREFIX: &str = crate::config::NOTIFY_PREFIX;
/// The word for alarms of objects that are no device, in `services`.
const NO_SERVICE: &str = "none";

/// The file of notifications cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointsError {
    /// It has mistakes.
    #[error("load {file} (key notifications.file): {}", .why.join("; "))]
    File {
        /// The file, or `(compiled in)`.
        file: String,
        /// What is wrong, all of it.
        why: Vec<String>,
    },
    /// A CA file cannot be used.
    #[error("ca_file {path}: {why}")]
    Ca {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

/// Language of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Vietnamese.
    #[default]
    Vi,
    /// English.
    En,
}

/// What an endpoint hears of; an empty set is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Events.
    pub events: BTreeSet<Event>,
    /// Priorities.
    pub priorities: BTreeSet<i16>,
    /// Codes of rules.
    pub codes: BTreeSet<String>,
    /// Areas.
    pub areas: BTreeSet<String>,
    /// Services, `none` for what is no device.
    pub services: BTreeSet<String>,
    /// When it is on duty.
    pub shifts: Vec<Shift>,
}

/// A receiver.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its token.
    pub name: String,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Language of its e-mails.
    pub language: Language,
    /// What it hears of.
    pub filter: Filter,
    /// How often.
    pub pace: Pace,
    /// Attempts before a message is given up.
    pub attempts: u32,
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// How it is reached.
    pub sender: Sender,
}

/// Every receiver.
#[derive(Debug, Clone, Default)]
pub struct Notifications {
    /// Address of the dashboards; empty for none.
    pub link: String,
    /// The endpoints, in the order of the file.
    pub endpoints: Vec<Arc<Endpoint>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    #[serde(rename = "version")]
    _version: String,
    #[serde(default)]
    link: String,
    #[serde(default, rename = "endpoint")]
    endpoints: Vec<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    language: Language,
    on: Option<BTreeSet<Event>>,
    #[serde(default)]
    priorities: BTreeSet<i16>,
    #[serde(default)]
    codes: BTreeSet<String>,
    #[serde(default)]
    areas: BTreeSet<String>,
    #[serde(default)]
    services: BTreeSet<String>,
    #[serde(default)]
    shifts: Vec<shift::Written>,
    #[serde(default)]
    rate: WrittenRate,
    #[serde(default)]
    digest: WrittenDigest,
    #[serde(default = "attempts")]
    attempts: u32,
    #[serde(default = "timeout_s")]
    timeout_s: f32,
    #[serde(default)]
    ca_file: String,
    #[serde(default)]
    insecure: bool,
    webhook: Option<WrittenWebhook>,
    email: Option<WrittenEmail>,
}

const fn yes() -> bool {
    true
}

const fn attempts() -> u32 {
    12
}

const fn timeout_s() -> f32 {
    10.0
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenRate {
    messages: usize,
    per_s: u32,
}

impl Default for WrittenRate {
    fn default() -> Self {
        Self { messages: 30, per_s: 600 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenDigest {
    more_than: usize,
    within_s: u32,
    every_s: u32,
}

impl Default for WrittenDigest {
    /// A flood of alarms is more than 10 in 10 minutes (EEMUA 191).
    fn default() -> Self {
        Self { more_than: 10, within_s: 600, every_s: 60 }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWebhook {
    url: String,
    secret_env: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEmail {
    host: String,
    port: u16,
    security: Security,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password_env: String,
    from: String,
    to: Vec<String>,
}

impl Notifications {
    /// The endpoints of a file, or the compiled-in ones for ""; secrets are looked up in `environment`.
    ///
    /// # Errors
    /// The file cannot be read, or some endpoint cannot be used.
    pub fn configured(
        file: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, EndpointsError> {
        if file.is_empty() {
            return Self::read(DEFAULT, "(compiled in)", environment);
        }
        let text = std::fs::read_to_string(file).map_err(|error| EndpointsError::File {
            file: file.to_owned(),
            why: vec![error.to_string()],
        })?;
        Self::read(&text, file, environment)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong, all of it.
    pub fn read(
        text: &str,
        file: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, EndpointsError> {
        let failed = |why| EndpointsError::File { file: file.to_owned(), why };
        let written: WrittenFile =
            toml::from_str(text).map_err(|error| failed(vec![error.to_string().trim().into()]))?;
        let (mut endpoints, mut why, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for one in written.endpoints {
            let name = one.name.clone();
            if !names.insert(name.clone()) {
                why.push(format!("{name}: stands twice"));
            }
            match Endpoint::of(one, environment) {
                Ok(endpoint) => endpoints.push(Arc::new(endpoint)),
                Err(wrong) => why.extend(wrong.into_iter().map(|wrong| format!("{name}: {wrong}"))),
            }
        }
        if why.is_empty() { Ok(Self { link: written.link, endpoints }) } else { Err(failed(why)) }
    }

    /// The endpoint with a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }
}

impl Endpoint {
    fn of(written: Written, secrets: &BTreeMap<String, String>) -> Result<Self, Vec<String>> {
        let mut wrong = Vec::new();
        if !is_token(&written.name) {
            wrong.push("its name is no token of a-z 0-9 - _ .".to_owned());
        }
        if written.attempts == 0 || written.rate.messages == 0 || written.rate.per_s == 0 {
            wrong.push("attempts, rate.messages and rate.per_s are at least 1".to_owned());
        }
        if !(0.1..=300.0).contains(&written.timeout_s) {
            wrong.push("timeout_s is 0.1 to 300".to_owned());
        }
        if written.priorities.iter().any(|priority| !(1..=4).contains(priority)) {
            wrong.push("priorities are 1 to 4".to_owned());
        }
        for service in &written.services {
            if service != NO_SERVICE && Service::parse(service).is_none() {
                wrong.push(format!("services: {service:?} is no service"));
            }
        }
        let shifts: Vec<Shift> = written
            .shifts
            .iter()
            .filter_map(|shift| Shift::of(shift).map_err(|why| wrong.push(why)).ok())
            .collect();
        let sender = sender(&written, secrets).map_err(|why| wrong.extend(why)).ok();
        let seconds = |seconds: u32| TimeDelta::seconds(i64::from(seconds));
        let default_events = || BTreeSet::from([Event::Raised, Event::Escalated]);
        match sender {
            Some(sender) if wrong.is_empty() => Ok(Self {
                name: written.name,
                enabled: written.enabled,
                language: written.language,
                filter: Filter {
                    events: written.on.unwrap_or_else(default_events),
                    priorities: written.priorities,
                    codes: written.codes,
                    areas: written.areas,
                    services: written.services,
                    shifts,
                },
                pace: Pace {
                    rate_messages: written.rate.messages,
                    rate_per: seconds(written.rate.per_s),
                    flood_more_than: written.digest.more_than,
                    flood_within: seconds(written.digest.within_s),
                    gather: seconds(written.digest.every_s),
                },
                attempts: written.attempts,
                timeout: Duration::from_secs_f32(written.timeout_s),
                sender,
            }),
            _ => Err(wrong),
        }
    }

    /// What a transition means to it; none when it is not to hear of it.
    pub fn hears(&self, row: &TransitionRow, zone: Tz) -> Option<Event> {
        self.filter.hears(row, zone)
    }
}

impl Filter {
    fn hears(&self, row: &TransitionRow, zone: Tz) -> Option<Event> {
        let event = Event::of(&row.action, &row.to_state)?;
        let among = |set: &BTreeSet<String>, word: Option<&str>| {
            set.is_empty() || word.is_some_and(|word| set.contains(word))
        };
        let heard = row.presented
            && self.events.contains(&event)
            && (self.priorities.is_empty() || self.priorities.contains(&row.priority))
            && among(&self.codes, Some(&row.code))
            && among(&self.areas, row.area.as_deref())
            && among(&self.services, Some(row.service.as_deref().unwrap_or(NO_SERVICE)))
            && (self.shifts.is_empty() || self.shifts.iter().any(|one| one.holds(row.at, zone)));
        heard.then_some(event)
    }
}

/// A secret by the name of its variable.
fn secret(name: &str, secrets: &BTreeMap<String, String>) -> Result<String, String> {
    if !name.starts_with(SECRET_PREFIX) {
        return Err(format!("{name:?} is no name of a secret: it begins with {SECRET_PREFIX}"));
    }
    let found = secrets.get(name).filter(|secret| !secret.is_empty());
    found.cloned().ok_or_else(|| format!("the environment variable {name} is not set"))
}

fn sender(written: &Written, secrets: &BTreeMap<String, String>) -> Result<Sender, Vec<String>> {
    match (&written.webhook, &written.email) {
        (Some(webhook), None) => webhook_of(written, webhook, secrets).map_err(|why| vec![why]),
        (None, Some(email)) => email_of(written, email, secrets).map_err(|why| vec![why]),
        _ => Err(vec!["exactly one of webhook and email".to_owned()]),
    }
}

fn tls(written: &Written) -> Result<Arc<rustls::ClientConfig>, String> {
    if written.ca_file.is_empty() {
        return Err("ca_file is required for an encrypted connection".to_owned());
    }
    authorities(Path::new(&written.ca_file)).map_err(|error| error.to_string())
}

fn webhook_of(
    written: &Written,
    webhook: &WrittenWebhook,
    secrets: &BTreeMap<String, String>,
) -> Result<Sender, String> {
    let (uri, encrypted) = address(&webhook.url)
        .ok_or_else(|| format!("url {:?} is no http or https address", webhook.url))?;
    let host = uri.host().unwrap_or_default();
    if !encrypted && !written.insecure && !is_loopback(host) {
        return Err(format!("url: {host} is another machine: https, or insecure = true"));
    }
    let tls = encrypted.then(|| tls(written)).transpose()?;
    Ok(Sender::Webhook(Webhook::new(uri, secret(&webhook.secret_env, secrets)?, tls)))
}

fn email_of(
    written: &Written,
    email: &WrittenEmail,
    secrets: &BTreeMap<String, String>,
) -> Result<Sender, String> {
    let plain = email.security == Security::Plain;
    if plain && !written.insecure && !is_loopback(&email.host) {
        let host = &email.host;
        return Err(format!(
            "{host} is another machine: security tls or starttls, or insecure = true"
        ));
    }
    let ca = if plain {
        None
    } else {
        // Read here too, so that a bad file is told at the start.
        tls(written)?;
        let pem = std::fs::read(&written.ca_file).map_err(|error| error.to_string())?;
        Some(pem)
    };
    let login = match email.username.as_str() {
        "" => None,
        user => Some((user.to_owned(), secret(&email.password_env, secrets)?)),
    };
    let reach = super::email::Reach {
        host: email.host.clone(),
        port: email.port,
        security: email.security,
        ca,
        login,
    };
    Email::new(reach, &email.from, &email.to, written.language).map(Sender::Email)
}

#[cfg(test)]
mod tests {
    use super::{super::message::tests::row, *};

    const ZONE: Tz = chrono_tz::Asia::Ho_Chi_Minh;

    fn read(endpoints: &str) -> Result<Notifications, EndpointsError> {
        let secrets = BTreeMap::from([("IOC_NOTIFY_A".to_owned(), "geheim".to_owned())]);
        Notifications::read(&format!("version = \"1\"\n{endpoints}"), "test", &secrets)
    }

    fn hook(more: &str) -> String {
        format!(
            "[[endpoint]]\nname = \"a\"\n{more}\n[endpoint.webhook]\n\
             url = \"http://127.0.0.1:9/\"\nsecret_env = \"IOC_NOTIFY_A\"\n"
        )
    }

    fn hears(more: &str, row: &TransitionRow) -> bool {
        read(&hook(more)).unwrap().get("a").unwrap().hears(row, ZONE).is_some()
    }

    #[test]
    fn the_compiled_in_file_has_no_endpoint() {
        let none = Notifications::configured("", &BTreeMap::new()).unwrap();
        assert!(none.endpoints.is_empty());
    }

    #[test]
    fn every_mistake_is_told_at_once_with_the_name_of_its_endpoint() {
        let far = "[[endpoint]]\nname = \"far\"\npriorities = [5]\nservices = [\"radar\"]\n\
                   shifts = [{ days = [\"mon\"], from = \"6\", to = \"18:00\" }]\n\
                   [endpoint.webhook]\nurl = \"http://hook.example/\"\nsecret_env = \"IOC_NOTIFY_A\"\n";
        let unset = "[[endpoint]]\nname = \"unset\"\n[endpoint.webhook]\n\
                     url = \"http://[::1]:9/\"\nsecret_env = \"IOC_NOTIFY_B\"\n";
        let other = "[[endpoint]]\nname = \"other\"\n[endpoint.webhook]\n\
                     url = \"http://localhost/\"\nsecret_env = \"IOC_DATABASE_PASSWORD\"\n";
        let twice = "[[endpoint]]\nname = \"far\"\n";
        let text = read(&[far, unset, other, twice].concat()).unwrap_err().to_string();
        for expected in [
            "far: priorities are 1 to 4",
            "far: services: \"radar\" is no service",
            "far: shifts: \"6\" is no time such as 06:00",
            "far: url: hook.example is another machine: https, or insecure = true",
            "unset: the environment variable IOC_NOTIFY_B is not set",
            "other: \"IOC_DATABASE_PASSWORD\" is no name of a secret",
            "far: stands twice",
            "far: exactly one of webhook and email",
        ] {
            assert!(text.contains(expected), "missing {expected:?} in\n{text}");
        }
    }

    #[test]
    fn encryption_needs_a_file_of_authorities_and_plain_mail_stays_here() {
        let mail = |host: &str, security: &str| {
            read(&format!(
                "[[endpoint]]\nname = \"m\"\n[endpoint.email]\nhost = \"{host}\"\nport = 25\n\
                 security = \"{security}\"\nfrom = \"ioc@cantho.example\"\nto = [\"a@cantho.example\"]\n"
            ))
        };
        assert!(mail("127.0.0.1", "plain").is_ok());
        let told = mail("mail.example", "plain").unwrap_err().to_string();
        assert!(told.contains("another machine"), "{told}");
        let told = mail("mail.example", "starttls").unwrap_err().to_string();
        assert!(told.contains("ca_file is required"), "{told}");
    }

    #[test]
    fn only_what_operators_see_and_what_was_asked_for_is_heard() {
        let alarm = row(1, "sig_dark", 1);
        assert!(hears("", &alarm));
        assert!(!hears("", &TransitionRow { presented: false, ..alarm.clone() }));
        assert!(!hears("", &TransitionRow { action: "clear".into(), ..alarm.clone() }));
        assert!(hears(
            "on = [\"cleared\"]",
            &TransitionRow { action: "clear".into(), ..alarm.clone() }
        ));
        assert!(hears("priorities = [1, 2]", &alarm) && !hears("priorities = [2]", &alarm));
        assert!(hears("codes = [\"sig_dark\"]", &alarm) && !hears("codes = [\"x\"]", &alarm));
        assert!(hears("areas = [\"area-1\"]", &alarm) && !hears("areas = [\"area-2\"]", &alarm));
        assert!(
            hears("services = [\"signal\"]", &alarm) && !hears("services = [\"none\"]", &alarm)
        );
        let hub = TransitionRow { service: None, area: None, ..alarm };
        assert!(hears("services = [\"none\"]", &hub) && !hears("areas = [\"area-1\"]", &hub));
    }

    #[test]
    fn what_happens_at_the_border_of_a_shift_is_heard_by_one_side() {
        let at = |local: &str| TransitionRow {
            at: format!("{local}+07:00").parse().unwrap(),
            ..row(1, "sig_dark", 1)
        };
        let day = "shifts = [{ days = [\"mon\"], from = \"06:00\", to = \"18:00\" }]";
        let night = "shifts = [{ days = [\"mon\"], from = \"18:00\", to = \"06:00\" }]";
        let last = at("2026-03-02T17:59:59.999");
        assert!(hears(day, &last) && !hears(night, &last));
        let first = at("2026-03-02T18:00:00");
        assert!(!hears(day, &first) && hears(night, &first));
    }
}
