//! The disk of the database is full: a small one, which only this test uses.

use std::time::Duration;

use crate::{
    cluster::Cluster,
    disk::{Disk, skipped},
    rig::Rig,
    site::permit,
};

/// Room for an empty server and what a test writes.
const DISK_MB: u32 = 900;

async fn fill(test: &str, seed: u64, rounds: u32, away: Duration) -> anyhow::Result<()> {
    let _permit = permit().await?;
    let place = Cluster::place();
    let Some(disk) = Disk::mount(&place.data, DISK_MB)? else {
        skipped(test, "a disk of its own cannot be mounted here; run it as root");
        return Ok(());
    };
    let mut rig = Rig::on(Cluster::at(place).await?, seed).await?;
    for _round in 0..rounds {
        rig.during(async |works| {
            works.wait_work().await?;
            disk.fill()?;
            works.wait_part("database", false).await?;
            tokio::time::sleep(away).await;
            disk.clear()?;
            // A server that cannot write its log ends; whoever made room starts it again.
            let ready = works.wait_part("database", true);
            tokio::pin!(ready);
            tokio::select! {
                ready = &mut ready => return ready,
                () = tokio::time::sleep(Duration::from_secs(2)) => {}
            }
            Ok(())
        })
        .await?;
        let works = &mut rig.works;
        if !works.cluster.is_running().await {
            works.cluster.start().await?;
        }
        works.wait_part("database", true).await?;
        rig.holds().await?;
    }
    rig.stop().await?;
    drop(disk);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_database_costs_nothing() -> anyhow::Result<()> {
    fill("a_full_disk_of_the_database_costs_nothing", 41, 1, Duration::from_millis(500)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_disk_that_is_full_again_and_again_costs_nothing() -> anyhow::Result<()> {
    let test = "a_disk_that_is_full_again_and_again_costs_nothing";
    fill(test, 42, 4, Duration::from_secs(15)).await
}
