//! `ioc-hub migrate`, `device`, `user` and `city`: what an administrator does at the terminal.

use std::{io::BufRead as _, sync::Arc};

use anyhow::Context as _;
use clap::Subcommand;
use ioc_hub::{
    access::{self, Role},
    city::City,
    clock::{SharedClock, SystemClock},
    config::Config,
    store::migrate as schema,
};

use super::{connect::with_store, say};

/// Who the journal names for changes at the terminal.
const WHO: &str = "command:ioc-hub";

#[derive(Debug, Subcommand)]
pub(super) enum DeviceCommand {
    /// List registered devices and discovered sources.
    List,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List accounts.
    List,
    /// Add an account; the password is read from standard input.
    Add {
        /// Sign-in name.
        name: String,
        /// administrator, operator or viewer.
        #[arg(long, default_value = "viewer")]
        role: String,
    },
    /// Set a password, read from standard input; ends the account's sessions.
    Password {
        /// Sign-in name.
        name: String,
    },
    /// Disable an account; ends its sessions.
    Disable {
        /// Sign-in name.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum CityCommand {
    /// Check the city folder and report every broken reference.
    Check,
}

fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

pub(super) async fn migrate(config: &Config, is_local: bool) -> anyhow::Result<()> {
    with_store(config, is_local, async |store| {
        let applied = schema::migrate(&store).await?;
        for name in &applied {
            say(format!("applied {name}"));
        }
        say(format!("the schema has version {}", schema::known_version()));
        Ok(())
    })
    .await
}

pub(super) async fn device(
    config: &Config,
    is_local: bool,
    command: DeviceCommand,
) -> anyhow::Result<()> {
    let DeviceCommand::List = command;
    with_store(config, is_local, async |store| {
        let client = store.connect().await?;
        let registry = ioc_hub::store::registry::load(&client).await?;
        let mut devices: Vec<_> = registry.devices.values().collect();
        devices.sort_by(|a, b| a.source.cmp(&b.source));
        for device in devices {
            let place = device.position.map_or("no place".to_owned(), |(lon, lat)| format!("{lat:.5},{lon:.5}"));
            let area = device.area.as_deref().unwrap_or("outside all areas");
            say(format!("{:<20} {:<8} {place:<20} {area:<14} {}", device.source.as_str(), device.service.as_str(), device.name_vi));
        }
        for (source, service) in ioc_hub::store::registry::discovered(&client).await? {
            say(format!("{source:<20} {service:<8} discovered: accept it on the screen or by POST /api/v1/sources/{source}/accept"));
        }
        Ok(())
    })
    .await
}

fn read_password() -> anyhow::Result<String> {
    say("password (one line on standard input):");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

pub(super) async fn user(
    config: &Config,
    is_local: bool,
    command: UserCommand,
) -> anyhow::Result<()> {
    with_store(config, is_local, async |store| {
        match command {
            UserCommand::List => {
                for account in access::list_users(&store).await? {
                    let state = if account.disabled_at.is_some() { "disabled" } else { "enabled" };
                    say(format!("{:<24} {:<14} {state}", account.name, account.role));
                }
            }
            UserCommand::Add { name, role } => {
                let role = Role::parse(&role).with_context(|| {
                    format!("{role:?} is no role: administrator, operator or viewer")
                })?;
                let password = read_password()?;
                access::add_user(&store, &clock(), (&name, role), &password, WHO).await?;
                say(format!("added {name}"));
            }
            UserCommand::Password { name } => {
                let password = read_password()?;
                access::set_password(&store, &clock(), &name, &password, WHO).await?;
                say(format!("the password of {name} is set; its sessions ended"));
            }
            UserCommand::Disable { name } => {
                access::disable_user(&store, &clock(), &name, WHO).await?;
                say(format!("{name} is disabled"));
            }
        }
        Ok(())
    })
    .await
}

pub(super) async fn city(
    config: &Config,
    _is_local: bool,
    command: CityCommand,
) -> anyhow::Result<()> {
    let CityCommand::Check = command;
    let city = City::load(&config.city.folder)?;
    say(format!(
        "{}: {} devices, {} units, {} areas, {} corridors",
        city.token,
        city.devices.len(),
        city.units.len(),
        city.areas.len(),
        city.corridors.len()
    ));
    city.warnings.iter().for_each(|warning| say(format!("note: {warning}")));
    Ok(())
}
