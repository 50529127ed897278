//! `ioc-hub notify test`: sends one trial message to an endpoint and says what happened.

use std::time::Instant;

use anyhow::bail;
use clap::Subcommand;
use ioc_hub::{
    config::{Config, environment},
    notify::{Notifications, Outcome, worker::trial},
};

use super::{administer::clock, load_city, say};

/// What can be done about notifications.
#[derive(Debug, Subcommand)]
pub(super) enum NotifyCommand {
    /// Send one trial message to an endpoint.
    ///
    /// Needs neither database nor a running hub, and touches nothing of theirs. One attempt, no second.
    #[command(after_help = "Examples:
  ioc-hub notify test truc-ban --config hub.toml
  IOC_NOTIFICATIONS_FILE=notifications.toml IOC_NOTIFY_MAIL=… ioc-hub notify test truc-ban

Exit codes: 0 the receiver took it; 1 it did not; 2 the configuration or the city is at fault.")]
    Test {
        /// Name of the endpoint in the file of the key notifications.file.
        endpoint: String,
    },
}

pub(super) async fn notify(config: &Config, command: NotifyCommand) -> anyhow::Result<()> {
    let NotifyCommand::Test { endpoint: name } = command;
    let notifications = Notifications::configured(&config.notifications.file, &environment())?;
    let Some(endpoint) = notifications.get(&name) else {
        let known: Vec<&str> =
            notifications.endpoints.iter().map(|one| one.name.as_str()).collect();
        if known.is_empty() {
            bail!("there is no endpoint: name a file with endpoints in the key notifications.file");
        }
        bail!("there is no endpoint {name:?}: there are {}", known.join(", "));
    };
    let city = load_city(config)?;
    let now = clock().now();
    let message = trial(endpoint, &city.token, now, &notifications.link);
    let (kind, target) = (endpoint.sender.kind(), endpoint.sender.target());
    say(format!("endpoint {name}: {kind} to {target}"));
    if !endpoint.enabled {
        say("it is switched off (enabled = false): a running hub sends it nothing");
    }
    say(format!("sending {} …", message.id));
    let begun = Instant::now();
    let outcome =
        endpoint.sender.send(&message, endpoint.timeout, now.with_timezone(&city.time_zone)).await;
    let took_ms = begun.elapsed().as_millis();
    match outcome {
        Outcome::Delivered(words) => {
            say(format!("delivered after {took_ms} ms: {words}"));
            Ok(())
        }
        Outcome::Again { why, .. } => {
            bail!("not delivered after {took_ms} ms: {why}; a running hub would try again")
        }
        Outcome::Refused(why) => {
            bail!("refused after {took_ms} ms: {why}; a running hub would give the message up")
        }
    }
}
