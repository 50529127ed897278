//! The hub itself ends at random moments, in the middle of its work.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{rig::Rig, site::permit};

/// Longest time between a hub's first work and its end, ms.
const WORK_MS: u64 = 400;

/// Kills the hub so often; the facts are compared every `every` times.
async fn kills(seed: u64, rounds: u32, every: u32) -> anyhow::Result<()> {
    let _permit = permit().await?;
    let mut rig = Rig::start(seed).await?;
    let mut dice = StdRng::seed_from_u64(seed);
    for round in 1..=rounds {
        let moment = Duration::from_millis(dice.random_range(0..WORK_MS));
        rig.during(async |works| {
            works.wait_work().await?;
            tokio::time::sleep(moment).await;
            works.kill_hub().await
        })
        .await?;
        if round % every == 0 || round == rounds {
            rig.holds().await?;
        }
    }
    rig.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_killed_loses_nothing_and_stores_nothing_twice() -> anyhow::Result<()> {
    kills(11, 3, 2).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_hub_that_is_killed_twenty_times_loses_nothing() -> anyhow::Result<()> {
    kills(12, 20, 5).await
}
