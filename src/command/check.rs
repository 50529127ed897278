//! `ioc-hub check`: configuration, city, database, broker, pages and port, without starting the hub.
//!
//! Every check is made, whatever failed before it; each failed one says what to do. Beside a running
//! hub it only reads: its own name on the broker, a session of one second, no lock in the database. The
//! private servers of `--local` are started for the time of the check when no hub runs them.

use std::{sync::Arc, time::Duration};

use ioc_hub::{
    alarm::rule::Rules,
    calendar::Calendar,
    city::City,
    clock::{Clock as _, SystemClock},
    config::{Config, Loaded, Origin, environment},
    hub::{self, explain},
    import::Words,
    indicator::{catalogue::Catalogue, law::Parameters},
    local::{self, Role},
    notify::Notifications,
    performance::target::Targets,
    quality::slow,
    store::{Store, StoreSettings},
};
use ioc_ingest::mqtt::{
    BrokerState, Options,
    probe::{self, ProbeError},
};
use tokio_util::sync::CancellationToken;

use super::{
    complain,
    connect::{self, DatabaseKeys},
    load_city, say,
};

mod database;

/// Longest wait for the broker.
const BROKER_WAIT: Duration = Duration::from_secs(10);
/// Messages published to a parked session: more than brokers keep when nobody changed their settings
/// (Mosquitto and EMQX 1 000).
const PARKED_MESSAGES: usize = 2_000;

/// What was found so far.
#[derive(Debug, Default)]
struct Report {
    checks: u32,
    failed: u32,
}

impl Report {
    fn good(&mut self, what: &str, found: impl std::fmt::Display) {
        self.checks += 1;
        say(format!("good    {what:<14} {found}"));
    }

    fn failed(&mut self, what: &str, why: impl std::fmt::Display, advice: &str) {
        self.checks += 1;
        self.failed += 1;
        say(format!("FAILED  {what:<14} {why}"));
        if !advice.is_empty() {
            say(format!("        {:<14} -> {advice}", ""));
        }
    }

    /// What was read of a file, or why it cannot be used.
    fn read<T, E: std::error::Error>(
        &mut self,
        what: &str,
        read: Result<T, E>,
        found: impl FnOnce(&T) -> String,
        advice: &str,
    ) {
        match read {
            Ok(read) => self.good(what, found(&read)),
            Err(error) => self.failed(what, explain(&error), advice),
        }
    }

    #[expect(clippy::unused_self, reason = "part of the report like the others")]
    fn note(&self, text: impl std::fmt::Display) {
        say(format!("        {:<14} note: {text}", ""));
    }
}

pub(super) async fn check(loaded: &Loaded, is_local: bool) -> anyhow::Result<()> {
    let config = &loaded.config;
    let mut report = Report::default();
    let changed = loaded.effective.iter().filter(|(.., origin)| *origin != Origin::Default).count();
    report.good(
        "configuration",
        format!("{changed} of {} keys differ from the defaults", loaded.effective.len()),
    );
    if config.insecure {
        report.note("insecure = true: connections are not encrypted");
    }
    if config.http.secure_cookies && !config.http.proxy {
        report.note("secure_cookies without proxy: visitors behind one proxy share one address");
    }
    let city = check_city(config, &mut report);
    check_calendar(config, &mut report);
    check_files(config, &mut report);
    if is_local {
        check_private(config, city.as_ref(), &mut report).await;
    } else {
        match connect::database(config) {
            Ok(settings) => check_configured(config, settings, city.as_ref(), &mut report).await,
            Err(error) => report.failed("database", format!("{error:#}"), ""),
        }
        let (host, port) = (&config.broker.host, config.broker.port);
        check_broker(config, city.as_ref(), (host, port), &mut report).await;
    }
    check_pages(config, &mut report);
    match connect::free_port(config).await {
        Ok(()) => report.good("port", format!("{} is free", config.http.listen)),
        Err(_) if connect::is_hub(&config.http.listen).await => {
            report.good("port", format!("a hub is at work on {}", config.http.listen));
        }
        Err(why) => report.failed("port", why, ""),
    }
    if report.failed > 0 {
        anyhow::bail!("{} of {} checks failed", report.failed, report.checks);
    }
    say(format!("{} checks, all good", report.checks));
    Ok(())
}

fn check_city(config: &Config, report: &mut Report) -> Option<City> {
    match load_city(config) {
        Ok(city) => {
            let (devices, units) = (city.devices.len(), city.units.len());
            let plans = city.plans.len();
            let found = format!("{devices} devices, {units} units, {plans} rows of signal plans");
            report.good("city", format!("{}: {found}", city.token));
            city.warnings.iter().for_each(|warning| report.note(warning));
            Some(city)
        }
        Err(error) => {
            report.failed("city", error, "correct the folder of the key city.folder");
            None
        }
    }
}

/// Every file of the configuration that `run` reads, by the functions that it reads them with.
fn check_files(config: &Config, report: &mut Report) {
    let quality = "correct the files of the keys of [quality]";
    match hub::thresholds(config) {
        Ok(read) => report
            .good("data quality", format!("thresholds {}, profile {}", read.version, read.chosen)),
        Err(error) => report.failed("data quality", explain(&error), quality),
    }
    report.read(
        "links",
        slow::links(&config.city.folder),
        |links| format!("{} pieces of road", links.len()),
        "correct links.csv in the folder of the key city.folder",
    );
    report.read(
        "indicators",
        Catalogue::configured(&config.indicators.catalogue),
        |catalogue| format!("catalogue {}", catalogue.version),
        "correct the file of the key indicators.catalogue",
    );
    report.read(
        "laws",
        Parameters::configured(&config.indicators.parameters),
        |laws| format!("version {}", laws.version),
        "correct the file of the key indicators.parameters",
    );
    report.read(
        "alarm rules",
        Rules::configured(&config.alarms.rules),
        |rules| format!("version {}: {} rules", rules.version, rules.iter().count()),
        "correct the file of the key alarms.rules",
    );
    report.read(
        "alarm targets",
        Targets::configured(&config.performance.targets),
        |_| "what figures of alarms should reach".to_owned(),
        "correct the file of the key performance.targets",
    );
    report.read(
        "notifications",
        Notifications::configured(&config.notifications.file, &environment()),
        |read| format!("{} receivers", read.endpoints.len()),
        "correct the file of the key notifications.file, or set the variables IOC_NOTIFY_… that it names",
    );
    report.read(
        "imports",
        Words::configured(&config.imports.file),
        |_| "headers and words of tables".to_owned(),
        "correct the file of the key imports.file",
    );
    report.read(
        "cameras",
        hub::stills(config),
        |stills| {
            let told =
                if stills.fetches() { "pictures are fetched" } else { "no address of pictures" };
            told.to_owned()
        },
        "see cameras.still, cameras.hosts, cameras.ca_file in the section [cameras]",
    );
}

fn check_calendar(config: &Config, report: &mut Report) {
    match Calendar::configured(&config.calendar.file) {
        Ok(calendar) => {
            let years: Vec<String> = calendar.years().map(|year| year.to_string()).collect();
            let version = calendar.version();
            report.good("calendar", format!("{version}: years {}", years.join(", ")));
            calendar.notes().iter().for_each(|note| report.note(note));
        }
        Err(error) => {
            report.failed("calendar", error, "correct the file of the key calendar.file");
        }
    }
}

async fn check_configured(
    config: &Config,
    settings: StoreSettings,
    city: Option<&City>,
    report: &mut Report,
) {
    let keys = (connect::database_keys(config), connect::owner_keys(config));
    match Store::new(settings) {
        Ok(store) => database::check(config, &store, keys, city, report).await,
        Err(error) => report.failed("database", explain(&error), ""),
    }
}

/// The private servers of a running hub, else started for the time of the check.
async fn check_private(config: &Config, city: Option<&City>, report: &mut Report) {
    let settings = connect::local_settings(config);
    let keys = || DatabaseKeys { url: "local.folder", password: "(private)" };
    let running = || -> anyhow::Result<Store> {
        let application = local::connection_of(&settings, Role::Application)?;
        let owner = local::connection_of(&settings, Role::Owner)?;
        Ok(Store::new(connect::settings(config, application, owner))?)
    };
    if let Ok(store) = running()
        && store.connect().await.is_ok()
    {
        database::check(config, &store, (keys(), keys()), city, report).await;
        let address = ("127.0.0.1", config.local.mqtt_port);
        return check_broker(config, city, address, report).await;
    }
    let progress = |line: &str| complain(line);
    let started = match local::fetch(&settings, &progress).await {
        Ok(programs) => local::start(&settings, &programs, &progress).await,
        Err(error) => Err(error),
    };
    let servers = match started {
        Ok(servers) => servers,
        Err(error) => return report.failed("private", explain(&error), ""),
    };
    let (application, owner) =
        (servers.database.connection(Role::Application), servers.database.connection(Role::Owner));
    match Store::new(connect::settings(config, application, owner)) {
        Ok(store) => database::check(config, &store, (keys(), keys()), city, report).await,
        Err(error) => report.failed("database", explain(&error), ""),
    }
    let address = servers.broker.address();
    check_broker(config, city, (&address.ip().to_string(), address.port()), report).await;
    if let Err(error) = servers.stop().await {
        report.failed("private", explain(&error), "");
    }
}

async fn check_broker(
    config: &Config,
    city: Option<&City>,
    (host, port): (&str, u16),
    report: &mut Report,
) {
    let token = city.map_or("check", |city| &city.token);
    let mut options = connect::broker(config, token, port, host);
    // A name of its own and the shortest session, so that a running hub keeps its own.
    options.client_id = format!("{}-check-{}", options.client_id, std::process::id());
    options.session_expiry_s = 1;
    let encrypted = if options.tls.is_some() { ", encrypted" } else { "" };
    match reach(options.clone()).await {
        Ok(()) => {
            report.good("broker", format!("{host}:{port}{encrypted}"));
            check_queue(&options, report).await;
        }
        Err(why) => {
            let advice = format!(
                "see broker.host, broker.port, broker.username, broker.tls in the section [broker]; \
                 the password is in the variable {}",
                config.broker.password_env
            );
            report.failed("broker", why, &advice);
        }
    }
}

/// Whether the broker keeps what comes while the hub is away.
async fn check_queue(options: &Options, report: &mut Report) {
    match probe::keeps_for_parked(options, PARKED_MESSAGES).await {
        Ok(kept) if kept.delivered >= kept.published => {
            let text = format!("keeps {} messages for an absent hub", kept.published);
            report.good("broker queue", text);
        }
        Ok(kept) => report.failed(
            "broker queue",
            format!(
                "of {} messages for an absent hub only {} came back: the broker drops the others",
                kept.published, kept.delivered
            ),
            "raise its limit: max_queued_messages and max_queued_bytes of Mosquitto, \
             mqtt.max_mqueue_len of EMQX; and let it keep sessions",
        ),
        Err(error @ ProbeError::Forbidden(_)) => report.note(format!(
            "whether the broker keeps messages for an absent hub is not known: {error}"
        )),
        Err(error) => report.failed("broker queue", error, ""),
    }
}

/// Connects and subscribes as the hub does, then leaves.
async fn reach(options: Options) -> Result<(), String> {
    let clock = Arc::new(SystemClock);
    let (session, _deliveries, _acknowledger, mut state) =
        ioc_ingest::mqtt::session(options, move || clock.now());
    let stop = CancellationToken::new();
    let seen = async {
        state
            .wait_for(|state| !matches!(state, BrokerState::Connecting))
            .await
            .map_err(|ended| ended.to_string())
            .and_then(|state| match &*state {
                BrokerState::Disconnected { error, .. } => Err(error.clone()),
                BrokerState::Connected { .. } | BrokerState::Connecting => Ok(()),
            })
    };
    let seen = async {
        let verdict = tokio::time::timeout(BROKER_WAIT, seen).await;
        stop.cancel();
        verdict.unwrap_or_else(|_late| {
            Err(format!("gives no answer within {} s", BROKER_WAIT.as_secs()))
        })
    };
    let (ran, verdict) = tokio::join!(session.run(stop.clone()), seen);
    ran.map_err(|error| explain(&error))?;
    verdict
}

fn check_pages(config: &Config, report: &mut Report) {
    let folder = &config.http.dashboards;
    if folder.join("index.html").is_file() {
        report.good("pages", folder.display());
    } else {
        let why = format!("there is no index.html in {}", folder.display());
        report.failed("pages", why, "`make dashboards` builds them; the key is http.dashboards");
    }
}
