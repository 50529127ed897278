//! `ioc-hub migrate` and `ioc-hub user`: the schema and the accounts.

use std::{io::BufRead as _, sync::Arc};

use anyhow::Context as _;
use clap::Subcommand;
use ioc_hub::{
    access::{self, Role},
    clock::{SharedClock, SystemClock},
    config::Config,
    store::migrate as schema,
};

use super::{
    WHO,
    connect::{with_registry, with_store},
    say,
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  ioc-hub user list --local
  printf '%s\\n' \"$PASSWORD\" | ioc-hub user add lan --role operator --local
  ioc-hub user password admin --local     asks for the new password; also for a forgotten one
  ioc-hub user disable lan --config hub.toml

A running hub takes every change up at once. Without --local: the database of database.url.")]
pub(super) enum UserCommand {
    /// List accounts.
    List,
    /// Add an account; the password is read from standard input.
    Add {
        /// Sign-in name: 1 to 64 characters of a-z 0-9 - _ .
        name: String,
        /// administrator, operator or viewer.
        #[arg(long, default_value = "viewer", value_parser = parse_role)]
        role: Role,
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

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "allowed: administrator, operator, viewer".to_owned())
}

pub(super) fn clock() -> SharedClock {
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

fn read_password() -> anyhow::Result<String> {
    super::complain("password (one line on standard input):");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

pub(super) async fn user(
    config: &Config,
    is_local: bool,
    command: UserCommand,
) -> anyhow::Result<()> {
    with_registry(config, is_local, async |store| {
        match command {
            UserCommand::List => {
                let accounts = access::list_users(&store).await?;
                if accounts.is_empty() {
                    super::complain("no account yet: the hub makes the first at its first start");
                }
                for account in accounts {
                    let state = if account.disabled_at.is_some() { "disabled" } else { "enabled" };
                    say(format!("{:<24} {:<14} {state}", account.name, account.role));
                }
            }
            UserCommand::Add { name, role } => {
                let password = read_password()?;
                access::add_user(&store, &clock(), (&name, role), &password, WHO).await?;
                say(format!("added {name}, {}", role.as_str()));
            }
            UserCommand::Password { name } => {
                let password = read_password()?;
                access::set_password(&store, &clock(), &name, &password, WHO).await?;
                say(format!("the password of {name} is set; its sessions ended"));
            }
            UserCommand::Disable { name } => {
                access::disable_user(&store, &clock(), &name, WHO).await?;
                say(format!("{name} is disabled; its sessions ended"));
            }
        }
        Ok(())
    })
    .await
}
