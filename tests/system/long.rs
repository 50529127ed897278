//! A long run, for `make test-long`: one fault of any kind after the other while devices publish.

use std::time::Duration;

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use crate::{
    faults::{link, outage},
    rig::{Rig, Works},
    site::permit,
};

/// Faults of the run.
const ROUNDS: u32 = 80;
/// After so many of them the facts are compared.
const COMPARED_EVERY: u32 = 10;
const SEED: u64 = 7;

/// One fault of any kind.
async fn any_fault(works: &mut Works, dice: &mut StdRng) -> anyhow::Result<()> {
    let away = Duration::from_millis(dice.random_range(0..1_500));
    match dice.random_range(0..3_u32) {
        0 => works.kill_hub().await,
        1 => {
            let what = *outage::ALL.choose(dice).context("there are some")?;
            let broken = outage::break_and_mend(works, what, away).await;
            broken.with_context(|| format!("{what:?}"))
        }
        _ => {
            let what = *link::ALL.choose(dice).context("there are some")?;
            let bytes = dice.random_range(link::BYTES);
            let broken = link::break_and_mend(works, what, bytes, away).await;
            broken.with_context(|| format!("{what:?}"))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn an_hour_of_faults_in_minutes_loses_nothing_and_stores_nothing_twice() -> anyhow::Result<()>
{
    let _permit = permit().await?;
    let mut rig = Rig::start(SEED).await?;
    let mut dice = StdRng::seed_from_u64(SEED);
    for round in 1..=ROUNDS {
        let dice = &mut dice;
        let broken = rig
            .during(async |works| {
                // The next fault may meet the work that the last one left.
                tokio::time::sleep(Duration::from_millis(dice.random_range(0..500))).await;
                any_fault(works, dice).await
            })
            .await;
        broken.with_context(|| format!("fault {round}"))?;
        if round % COMPARED_EVERY == 0 {
            rig.holds().await.with_context(|| format!("after {round} faults"))?;
        }
    }
    rig.stop().await
}
