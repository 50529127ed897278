//! `ioc-hub device`: lists, shows, registers and retires devices, accepts discovered sources.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use ioc_hub::{
    config::Config,
    store::{
        Store,
        device::{DeviceFilter, DeviceRow},
        register::{self, Discovered, RegisterError, Registration},
    },
};
use ioc_ingest::{Service, Source};

use super::{
    WHO,
    administer::clock,
    city::{TAKEN_OFF, TAKEN_UP},
    connect::with_registry,
    held::store_held,
    say,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  ioc-hub device list --service vds --local
  ioc-hub device show vds-001 --local
  ioc-hub device add vds-900 --service vds --name-vi 'Trạm cầu Cần Thơ' --name-en 'Can Tho Bridge' \\
      --lat 10.0345 --lon 105.8102 --corridor ql1 --period-s 30 --local
  ioc-hub device accept my-first --lat 10.036 --lon 105.772 --local
  ioc-hub device retire vds-900 --local

Every change is in the journal, with command:ioc-hub as its author. A running hub takes it up within
seconds; a retired device leaves the screens when the hub is restarted. Ids stay for ever: a retired
device keeps its data and can be put back with --undo.")]
pub(super) enum DeviceCommand {
    /// List registered devices, then discovered sources.
    List {
        /// Only of this service: signal, vds, cctv, cabinet, desk, onestop or metric.
        #[arg(long, value_parser = parse_service)]
        service: Option<Service>,
        /// Retired ones too.
        #[arg(long)]
        retired: bool,
    },
    /// Show everything that the registry holds of one device or discovered source.
    Show {
        /// Source token, as in its topics.
        #[arg(value_parser = parse_source)]
        source: Source,
    },
    /// Register a device before it publishes.
    Add {
        /// Source token, as in its topics; unique in the city.
        #[arg(value_parser = parse_source)]
        source: Source,
        /// Service that it publishes under: signal, vds, cctv, cabinet, desk, onestop or metric.
        #[arg(long, value_parser = parse_service)]
        service: Service,
        #[command(flatten)]
        description: Description,
    },
    /// Register a source that publishes already, and store what it sent until now.
    Accept {
        /// Source token, as in its topics.
        #[arg(value_parser = parse_source)]
        source: Source,
        #[command(flatten)]
        description: Description,
    },
    /// Take a device out of service: its messages are refused, its data stays.
    Retire {
        /// Source token, as in its topics.
        #[arg(value_parser = parse_source)]
        source: Source,
        /// Put a retired device back into service.
        #[arg(long)]
        undo: bool,
    },
}

/// What a person says of a device.
#[derive(Debug, Args)]
pub(super) struct Description {
    /// Vietnamese name; without it the source token.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name_vi: Option<String>,
    /// English name; without it the Vietnamese one.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name_en: Option<String>,
    /// Latitude, degrees WGS 84.
    #[arg(long, value_name = "DEGREES", requires = "lon", allow_negative_numbers = true,
          value_parser = parse_latitude)]
    lat: Option<f64>,
    /// Longitude, degrees WGS 84.
    #[arg(long, value_name = "DEGREES", requires = "lat", allow_negative_numbers = true,
          value_parser = parse_longitude)]
    lon: Option<f64>,
    /// Id of the corridor that it stands at.
    #[arg(long, value_name = "ID")]
    corridor: Option<String>,
    /// Source token of the cabinet that feeds it.
    #[arg(long, value_name = "SOURCE", value_parser = parse_source)]
    parent: Option<Source>,
    /// Seconds between two regular messages, 1 to 3600.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    period_s: Option<u32>,
}

impl Description {
    fn of(self, source: &Source, service: Service) -> Registration {
        let name_vi = self.name_vi.unwrap_or_else(|| source.to_string());
        Registration {
            source: source.clone(),
            service,
            name_en: self.name_en.unwrap_or_else(|| name_vi.clone()),
            name_vi,
            position: self.lon.zip(self.lat),
            corridor: self.corridor,
            parent: self.parent,
            period_ms: self.period_s.map(|period_s| period_s * 1_000),
        }
    }
}

fn parse_source(text: &str) -> Result<Source, String> {
    Source::parse(text).map_err(|_| "allowed: 1 to 64 characters of a-z 0-9 - _ .".to_owned())
}

fn parse_service(text: &str) -> Result<Service, String> {
    Service::parse(text)
        .ok_or_else(|| format!("allowed: {}", Service::ALL.map(Service::as_str).join(", ")))
}

fn parse_name(text: &str) -> Result<String, String> {
    /// Longest name in characters; a longer one fits on no screen.
    const NAME_MAX_CHARS: usize = 200;
    let text = text.trim();
    if (1..=NAME_MAX_CHARS).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err(format!("allowed: 1 to {NAME_MAX_CHARS} characters"))
    }
}

fn parse_degrees(text: &str, most: f64) -> Result<f64, String> {
    let degrees = text.parse().ok().filter(|degrees: &f64| degrees.abs() <= most);
    degrees.ok_or_else(|| format!("allowed: -{most} to {most}"))
}

fn parse_latitude(text: &str) -> Result<f64, String> {
    parse_degrees(text, 90.0)
}

fn parse_longitude(text: &str) -> Result<f64, String> {
    parse_degrees(text, 180.0)
}

pub(super) async fn device(
    config: &Config,
    is_local: bool,
    command: DeviceCommand,
) -> anyhow::Result<()> {
    with_registry(config, is_local, async |store| match command {
        DeviceCommand::List { service, retired } => list(&store, service, retired).await,
        DeviceCommand::Show { source } => show(&store, &source).await,
        DeviceCommand::Add { source, service, description } => {
            add(&store, &description.of(&source, service)).await
        }
        DeviceCommand::Accept { source, description } => {
            accept(config, &store, &source, description).await
        }
        DeviceCommand::Retire { source, undo } => retire(&store, &source, undo).await,
    })
    .await
}

async fn list(store: &Store, service: Option<Service>, retired: bool) -> anyhow::Result<()> {
    let services = service.map(|service| service.as_str().to_owned()).into_iter().collect();
    let filter = DeviceFilter { services, retired, limit: i64::MAX, ..DeviceFilter::default() };
    for device in store.devices(&filter).await? {
        say(line(&device));
    }
    let found = register::discovered(&store.connect().await?, None).await?;
    let of_service =
        |found: &&Discovered| service.is_none_or(|service| service.as_str() == found.service);
    for found in found.iter().filter(of_service) {
        let Discovered { source, service, held, .. } = found;
        say(format!(
            "{source:<20} {service:<8} discovered, {held} messages held: `ioc-hub device accept {source}`"
        ));
    }
    Ok(())
}

fn line(device: &DeviceRow) -> String {
    let place = match (device.lat, device.lon) {
        (Some(lat), Some(lon)) => format!("{lat:.5},{lon:.5}"),
        _ => "no place".to_owned(),
    };
    let area = match (&device.area, device.lat) {
        (Some(area), _) => area,
        (None, Some(_)) => "outside all areas",
        (None, None) => "-",
    };
    let retired = if device.retired_at.is_some() { " (retired)" } else { "" };
    let DeviceRow { source, service, name_vi, .. } = device;
    format!("{source:<20} {service:<8} {place:<20} {area:<18} {name_vi}{retired}")
}

async fn show(store: &Store, source: &Source) -> anyhow::Result<()> {
    let filter = DeviceFilter {
        sources: vec![source.to_string()],
        retired: true,
        limit: 1,
        ..DeviceFilter::default()
    };
    let client = store.connect().await?;
    let heard = register::heard(&client, source).await?;
    let registered = store.devices(&filter).await?.into_iter().next();
    if let Some(device) = &registered {
        tell_registered(device);
    } else if let Some(found) = register::discovered(&client, Some(source)).await?.first() {
        let Discovered { source, service, held, .. } = found;
        say(format!("source      {source}\nservice     {service}\nregistered  no"));
        say(format!("held        {held} messages; `ioc-hub device accept {source}` stores them"));
    } else {
        bail!("{source} is not registered and was never heard: `ioc-hub device list` shows all");
    }
    match heard {
        Some(heard) => {
            say(format!("last heard  {}", heard.last_seen.format("%Y-%m-%dT%H:%M:%SZ")));
            say(format!("messages    {}, of them {} refused", heard.messages, heard.refused));
        }
        None => say("last heard  never"),
    }
    Ok(())
}

fn tell_registered(device: &DeviceRow) {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    say(format!("source      {}", device.source));
    say(format!("service     {}", device.service));
    say(format!("name        {} / {}", device.name_vi, device.name_en));
    match (device.lat, device.lon) {
        (Some(lat), Some(lon)) => say(format!("place       lat {lat}, lon {lon}")),
        _ => say("place       -"),
    }
    say(format!("area        {}", or_none(&device.area)));
    say(format!("corridor    {}", or_none(&device.corridor)));
    say(format!("parent      {}", or_none(&device.parent)));
    let period = device.period_ms.map(|ms| format!("{} s", f64::from(ms) / 1e3));
    say(format!("period      {}", or_none(&period)));
    say(format!("simulated   {}", if device.simulated { "yes" } else { "no" }));
    say(format!("registered  {}", device.registered_at.format("%Y-%m-%dT%H:%M:%SZ")));
    if let Some(at) = device.retired_at {
        say(format!("retired     {}", at.format("%Y-%m-%dT%H:%M:%SZ")));
    }
    for detector in &device.detectors {
        let direction = detector.direction.as_deref().unwrap_or("direction not known");
        say(format!(
            "detector    {}: {} / {}, {direction}",
            detector.place, detector.name_vi, detector.name_en
        ));
    }
}

async fn add(store: &Store, registration: &Registration) -> anyhow::Result<()> {
    let mut client = store.connect().await?;
    let source = &registration.source;
    if let Some(found) = register::discovered(&client, Some(source)).await?.first() {
        bail!(
            "{source} publishes already, as {}: `ioc-hub device accept {source}` registers it",
            found.service
        );
    }
    register::add(&mut client, registration, "add_device", WHO, clock().now()).await?;
    say(format!("registered {source}, {}", registration.service.as_str()));
    tell_hub(store).await
}

async fn accept(
    config: &Config,
    store: &Store,
    source: &Source,
    description: Description,
) -> anyhow::Result<()> {
    let mut client = store.connect().await?;
    let held = register::held_of(&client, source).await?;
    match register::discovered(&client, Some(source)).await?.first() {
        Some(found) => {
            let service = Service::parse(&found.service)
                .with_context(|| format!("{source} publishes as {:?}", found.service))?;
            let registration = description.of(source, service);
            register::add(&mut client, &registration, "accept_source", WHO, clock().now()).await?;
            say(format!("registered {source}, {}", service.as_str()));
        }
        None if !register::is_registered(&client, source).await? => bail!(
            "{source} has not published yet: `ioc-hub device add {source} --service …` registers it \
             in advance"
        ),
        None if held.is_empty() => return Err(RegisterError::Exists(source.clone()).into()),
        None => say(format!("{source} is registered already")),
    }
    if held.is_empty() {
        return tell_hub(store).await;
    }
    if register::hub_at_work(&client).await? {
        say(format!("{TAKEN_UP}, with the {} messages that it sent until now", held.len()));
        return Ok(());
    }
    let (stored, refused) = store_held(config, store, &held).await?;
    say(format!(
        "{stored} messages that it sent until now are stored, {refused} are still refused"
    ));
    Ok(())
}

async fn retire(store: &Store, source: &Source, undo: bool) -> anyhow::Result<()> {
    let mut client = store.connect().await?;
    register::retire(&mut client, source, undo, WHO, clock().now()).await?;
    say(format!("{source} is {}", if undo { "back in service" } else { "retired" }));
    tell_hub(store).await?;
    if !undo && register::hub_at_work(&client).await? {
        say(TAKEN_OFF);
    }
    Ok(())
}

/// Says how a running hub learns of a changed registry.
async fn tell_hub(store: &Store) -> anyhow::Result<()> {
    if register::hub_at_work(&store.connect().await?).await? {
        say(TAKEN_UP);
    }
    Ok(())
}
