//! The network between the hub and its servers breaks: in the middle of acknowledgements, in the middle
//! of the answer to a commit, for long, and slowly.

use std::time::Duration;

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    proxy::Way,
    rig::{Rig, Works},
    site::permit,
};

/// What happens to the network.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Break {
    /// Some acknowledgements reach the broker, the next in part, the others not at all.
    Acknowledgements,
    /// What the database says after a commit gets lost: nobody knows whether it was done.
    Answers,
    /// What the hub writes arrives in part.
    Statements,
    /// Every packet takes long.
    Slow,
    /// Nothing passes and nobody is told.
    Dead,
    /// Nobody takes a connection.
    Refused,
    /// The broker stops, writes down its queue, and starts again.
    Broker,
}

pub(crate) const ALL: [Break; 7] = [
    Break::Acknowledgements,
    Break::Answers,
    Break::Statements,
    Break::Slow,
    Break::Dead,
    Break::Refused,
    Break::Broker,
];
/// Bytes after which a cut comes: some hundred acknowledgements of four bytes, some answers.
pub(crate) const BYTES: std::ops::Range<u64> = 200..4_000;
/// Longer than the hub waits for the answer to a commit.
const DEAD: Duration = Duration::from_secs(45);
/// Delay of every piece on a slow network.
const DELAY: Duration = Duration::from_millis(30);

pub(crate) async fn break_and_mend(
    works: &mut Works,
    what: Break,
    bytes: u64,
    away: Duration,
) -> anyhow::Result<()> {
    let (database, broker) = (&works.to_database, &works.to_broker);
    match what {
        Break::Acknowledgements => {
            // Never between two of them, which have four bytes each.
            broker.cut_after(Way::ToServer, bytes | 1).await?;
        }
        Break::Answers => database.cut_after(Way::ToClient, bytes).await?,
        Break::Statements => database.cut_after(Way::ToServer, bytes * 100).await?,
        Break::Slow | Break::Dead => {
            for link in [database, broker] {
                if matches!(what, Break::Dead) {
                    link.pause();
                } else {
                    link.delay(DELAY);
                }
                tokio::time::sleep(away).await;
                link.open();
            }
        }
        Break::Refused => {
            database.refuse();
            broker.refuse();
            works.wait_part("database", false).await?;
            works.wait_part("broker", false).await?;
            tokio::time::sleep(away).await;
            database.open();
            broker.open();
        }
        Break::Broker => {
            works.broker.stop().await?;
            works.broker.start().await?;
        }
    }
    Ok(())
}

async fn breaks(seed: u64, rounds: u32, away: Duration) -> anyhow::Result<()> {
    let _permit = permit().await?;
    let mut rig = Rig::start(seed).await?;
    let mut dice = StdRng::seed_from_u64(seed);
    for _round in 0..rounds {
        for what in ALL {
            let bytes = dice.random_range(BYTES);
            let done = rig
                .during(async |works| {
                    works.wait_work().await?;
                    break_and_mend(works, what, bytes, away).await?;
                    works.hub.ready().await
                })
                .await;
            done.with_context(|| format!("{what:?}"))?;
            rig.holds().await.with_context(|| format!("{what:?}"))?;
        }
    }
    rig.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_breaks_anywhere_costs_nothing() -> anyhow::Result<()> {
    breaks(31, 1, Duration::from_millis(400)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_network_that_breaks_again_and_again_costs_nothing() -> anyhow::Result<()> {
    breaks(32, 4, Duration::from_secs(3)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_line_that_is_dead_for_longer_than_a_statement_may_take_costs_nothing()
-> anyhow::Result<()> {
    let _permit = permit().await?;
    let mut rig = Rig::start(33).await?;
    rig.during(async |works| {
        works.wait_work().await?;
        works.to_database.pause();
        works.wait_part("database", false).await?;
        tokio::time::sleep(DEAD).await;
        works.to_database.open();
        works.hub.ready().await
    })
    .await?;
    rig.holds().await?;
    rig.stop().await
}
