//! `ioc-hub city`: checks the city folder, compares it with the registry, takes it over.

use anyhow::{Context as _, bail};
use clap::Subcommand;
use ioc_hub::{
    city::City,
    config::Config,
    store::{
        Store,
        city::{self as stored, Apply, Difference},
        register, registry,
    },
};
use tokio_postgres::Client;

use super::{WHO, administer::clock, connect::with_registry, load_city, run::devices, say};

/// What a command says when the registry changed while a hub is at work.
pub(super) const TAKEN_UP: &str = "the hub at work on this database takes it up within seconds";
/// What it says besides when a device was retired.
pub(super) const TAKEN_OFF: &str =
    "its messages are refused from then on; it leaves the screens when the hub is restarted";

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  ioc-hub city check                        every error of the folder city.folder at once
  ioc-hub city diff --local                 one line per difference
  ioc-hub city apply --local                take them all over; ids and stored data stay
  ioc-hub city apply --retire --local       also retire devices that the folder does not have

The folder seeds an empty registry at the hub's first start; from then on the database is the truth
and changes only by these commands, `ioc-hub device` and the API. Every change is in the journal. A running
hub takes a change up within seconds; a retired device leaves the screens when the hub is restarted.")]
pub(super) enum CityCommand {
    /// Check the city folder and report every broken reference.
    Check,
    /// Show what differs between the city folder and the registry; exit code 1 if anything does.
    Diff,
    /// Take the differences over into the registry, in one transaction.
    Apply {
        /// Also retire the devices that the folder does not have.
        #[arg(long)]
        retire: bool,
    },
}

pub(super) async fn city(
    config: &Config,
    is_local: bool,
    command: CityCommand,
) -> anyhow::Result<()> {
    let city = load_city(config)?;
    match command {
        CityCommand::Check => {
            check(&city);
            Ok(())
        }
        CityCommand::Diff => {
            let devices = devices(&city, &config.simulate.scale);
            with_registry(config, is_local, async |store| {
                let client = connect(&store, &city).await?;
                diff(&stored::differences(&client, &city, &devices).await?)
            })
            .await
        }
        CityCommand::Apply { retire } => {
            let devices = devices(&city, &config.simulate.scale);
            with_registry(config, is_local, async |store| {
                let mut client = connect(&store, &city).await?;
                let options = Apply { who: WHO, now: clock().now(), retire };
                let changed = stored::apply(&mut client, &city, &devices, options).await?;
                let left = stored::differences(&client, &city, &devices).await?;
                tell_applied(&client, &changed, &left).await
            })
            .await
        }
    }
}

fn check(city: &City) {
    say(format!(
        "{}: {} devices, {} units, {} areas, {} corridors, {} metrics, {} ticket categories",
        city.token,
        city.devices.len(),
        city.units.len(),
        city.areas.len(),
        city.corridors.len(),
        city.metrics.len(),
        city.categories.len()
    ));
    city.warnings.iter().for_each(|warning| say(format!("note: {warning}")));
}

/// A connection to the registry of this very city.
async fn connect(store: &Store, city: &City) -> anyhow::Result<Client> {
    let client = store.connect().await?;
    match registry::city_token(&client).await? {
        Some(found) if found == city.token => Ok(client),
        Some(found) => bail!(
            "the database holds the city {found}, the folder is {}: name the folder of {found} in \
             the key city.folder",
            city.token
        ),
        None => bail!("the registry is empty: the hub seeds it from the folder at its first start"),
    }
}

fn diff(differences: &[Difference]) -> anyhow::Result<()> {
    if differences.is_empty() {
        say("no differences");
        return Ok(());
    }
    differences.iter().for_each(say);
    let missing = differences.iter().filter(|difference| difference.is_missing_device()).count();
    let retire = match missing {
        0 => "",
        _ => ", with --retire also by retiring devices that it does not have",
    };
    bail!(
        "{} between the folder and the registry; `ioc-hub city apply` takes the folder over{retire}",
        count(differences.len())
    )
}

fn count(differences: usize) -> String {
    format!("{differences} difference{}", if differences == 1 { "" } else { "s" })
}

async fn tell_applied(
    client: &Client,
    changed: &[Difference],
    left: &[Difference],
) -> anyhow::Result<()> {
    changed.iter().for_each(say);
    for difference in left.iter().filter(|difference| difference.is_missing_device()) {
        say(format!("kept     device {}: not in the folder, --retire retires it", difference.key));
    }
    if changed.is_empty() {
        say("nothing to take over");
        return Ok(());
    }
    say(format!("{} taken over", count(changed.len())));
    let at_work = register::hub_at_work(client).await.context("after the change was stored")?;
    if at_work {
        say(TAKEN_UP);
        if changed.iter().any(Difference::is_missing_device) {
            say(TAKEN_OFF);
        }
    }
    Ok(())
}
