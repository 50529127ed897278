//! The database is away and the spool cannot take what comes either: its disk is full, or became
//! read-only. Messages stay with the broker, and nothing is lost.

use std::time::Duration;

use anyhow::Context as _;

use crate::{
    cluster::Cluster,
    disk::{Disk, skipped},
    rig::{Rig, Works},
    server::data_folder,
    site::permit,
};

/// Room for what a test spools.
const DISK_MB: u32 = 64;

/// What happens to the disk of the spool.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Full,
    ReadOnly,
}

async fn away(works: &Works, disk: &Disk, fault: Fault, time: Duration) -> anyhow::Result<()> {
    works.to_database.refuse();
    works.wait_part("database", false).await?;
    match fault {
        Fault::Full => disk.fill()?,
        Fault::ReadOnly => disk.protect(true)?,
    }
    works.wait_part("spool", false).await?;
    tokio::time::sleep(time).await;
    match fault {
        Fault::Full => disk.clear()?,
        Fault::ReadOnly => disk.protect(false)?,
    }
    works.wait_part("spool", true).await?;
    works.to_database.open();
    works.hub.ready().await
}

async fn spool_fails(test: &str, seed: u64, rounds: u32, time: Duration) -> anyhow::Result<()> {
    let _permit = permit().await?;
    let folder = data_folder(test);
    let Some(disk) = Disk::mount(&folder, DISK_MB)? else {
        skipped(test, "a disk of its own cannot be mounted here; run it as root");
        return Ok(());
    };
    let folder = vec![("IOC_SPOOL_FOLDER", folder.display().to_string())];
    let mut rig = Rig::with(Cluster::new().await?, folder, seed).await?;
    for _round in 0..rounds {
        for fault in [Fault::Full, Fault::ReadOnly] {
            let done = rig
                .during(async |works| {
                    works.wait_work().await?;
                    away(works, &disk, fault, time).await
                })
                .await;
            done.with_context(|| format!("{fault:?}"))?;
            rig.holds().await.with_context(|| format!("{fault:?}"))?;
        }
    }
    rig.stop().await?;
    drop(disk);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_can_take_nothing_costs_nothing() -> anyhow::Result<()> {
    let test = "a_spool_that_can_take_nothing_costs_nothing";
    spool_fails(test, 71, 1, Duration::from_millis(500)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_spool_that_can_take_nothing_for_long_costs_nothing() -> anyhow::Result<()> {
    let test = "a_spool_that_can_take_nothing_for_long_costs_nothing";
    spool_fails(test, 72, 3, Duration::from_secs(10)).await
}
