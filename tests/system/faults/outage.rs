//! The database goes away in every way that databases go away, and comes back.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use ioc_hub::local::Role;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::{
    rig::{Rig, Works},
    server::DEADLINE,
    site::permit,
};

/// What happens to the database.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outage {
    /// Every process of the server ends at once.
    Killed,
    /// Stopped and started as by an administrator.
    Restarted,
    /// Every process stands still, connections stay.
    Paused,
    /// Others hold every connection that the server gives.
    OutOfConnections,
    /// Writes are refused.
    ReadOnly,
    /// Stopped, and the hub is killed while it spools.
    HubToo,
}

pub(crate) const ALL: [Outage; 6] = [
    Outage::Killed,
    Outage::Restarted,
    Outage::Paused,
    Outage::OutOfConnections,
    Outage::ReadOnly,
    Outage::HubToo,
];

const CUT: &str = "select pg_terminate_backend(pid) from pg_stat_activity \
                   where application_name like 'ioc-hub%'";

/// Takes connections until the server gives none.
async fn take_all(works: &Works, held: &mut Vec<Client>) {
    while let Ok(client) = works.cluster.connect(Role::Application).await {
        held.push(client);
    }
}

/// Keeps the hub out of the server.
async fn crowd_out(works: &Works) -> anyhow::Result<Vec<Client>> {
    // Kept for administrators, so that the hub's connections can be ended when all others are taken.
    let administrator = works.cluster.connect(Role::Superuser).await?;
    let hubs = "select count(*) from pg_stat_activity where application_name like 'ioc-hub%'";
    let mut held = Vec::new();
    let until = Instant::now() + DEADLINE;
    loop {
        take_all(works, &mut held).await;
        administrator.execute(CUT, &[]).await?;
        take_all(works, &mut held).await;
        let left = administrator.query_one(hubs, &[]).await?.get::<_, i64>(0);
        if left == 0 {
            return Ok(held);
        }
        ensure!(Instant::now() < until, "the hub still holds {left} connections");
    }
}

async fn hold(works: &Works, away: Duration) -> anyhow::Result<()> {
    works.wait_part("database", false).await?;
    tokio::time::sleep(away).await;
    Ok(())
}

/// Breaks the database, keeps it broken for a while after the hub has noticed, and mends it.
pub(crate) async fn break_and_mend(
    works: &mut Works,
    outage: Outage,
    away: Duration,
) -> anyhow::Result<()> {
    match outage {
        Outage::Killed => {
            works.cluster.kill().await?;
            hold(works, away).await?;
            works.cluster.start().await?;
        }
        Outage::Restarted => {
            works.cluster.stop().await?;
            hold(works, away).await?;
            works.cluster.start().await?;
        }
        Outage::Paused => {
            works.cluster.pause()?;
            tokio::time::sleep(away).await;
            works.cluster.resume()?;
        }
        Outage::OutOfConnections => {
            let held = crowd_out(works).await?;
            hold(works, away).await?;
            drop(held);
        }
        Outage::ReadOnly => {
            let read_only = "alter system set default_transaction_read_only = on";
            let reload = "select pg_reload_conf()";
            works.cluster.administer(&[read_only, reload, CUT]).await?;
            hold(works, away).await?;
            // The session itself was opened read-only.
            let writable = "set default_transaction_read_only = off";
            let reset = "alter system reset default_transaction_read_only";
            works.cluster.administer(&[writable, reset, reload, CUT]).await?;
        }
        Outage::HubToo => {
            works.cluster.stop().await?;
            hold(works, away).await?;
            works.hub.kill().await?;
            works.cluster.start().await?;
            works.start_hub().await?;
        }
    }
    works.wait_part("database", true).await
}

async fn outages(seed: u64, rounds: u32, away: Duration) -> anyhow::Result<()> {
    let _permit = permit().await?;
    let mut rig = Rig::start(seed).await?;
    for _round in 0..rounds {
        for outage in ALL {
            let done = rig
                .during(async |works| {
                    works.wait_work().await?;
                    break_and_mend(works, outage, away).await
                })
                .await;
            done.with_context(|| format!("{outage:?}"))?;
            rig.holds().await.with_context(|| format!("{outage:?}"))?;
        }
    }
    rig.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_in_any_way_costs_nothing() -> anyhow::Result<()> {
    outages(21, 1, Duration::from_millis(500)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_database_that_goes_away_for_long_costs_nothing() -> anyhow::Result<()> {
    outages(22, 2, Duration::from_secs(15)).await
}
