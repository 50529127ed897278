//! The disk of the spool fails: full while the database is away, so that messages stay with the broker
//! and nothing is lost, or read-only from the begin, which is told.

use std::time::Duration;

use crate::{
    cluster::Cluster,
    disk::{Disk, skipped},
    rig::{Rig, Works},
    server::{Mosquitto, data_folder, database_name},
    site::{Site, SiteOptions, permit},
};

/// Room for what a test spools.
const DISK_MB: u32 = 64;

/// A disk for the spool of a test; null where there can be none.
fn disk(test: &str) -> anyhow::Result<Option<(Disk, String)>> {
    let folder = data_folder(test);
    let Some(disk) = Disk::mount(&folder, DISK_MB)? else {
        skipped(test, "a disk of its own cannot be mounted here; run it as root");
        return Ok(None);
    };
    Ok(Some((disk, folder.display().to_string())))
}

/// Neither the database nor the spool takes anything for a while.
async fn away(works: &Works, disk: &Disk, time: Duration) -> anyhow::Result<()> {
    works.wait_work().await?;
    works.to_database.refuse();
    works.wait_part("database", false).await?;
    disk.fill()?;
    works.wait_part("spool", false).await?;
    tokio::time::sleep(time).await;
    disk.clear()?;
    works.wait_part("spool", true).await?;
    works.to_database.open();
    works.hub.ready().await
}

async fn fill(test: &str, seed: u64, rounds: u32, time: Duration) -> anyhow::Result<()> {
    let _permit = permit().await?;
    let Some((disk, folder)) = disk(test)? else { return Ok(()) };
    let changed = vec![("IOC_SPOOL_FOLDER", folder)];
    let mut rig = Rig::with(Cluster::new().await?, changed, seed).await?;
    for _round in 0..rounds {
        rig.during(async |works| away(works, &disk, time).await).await?;
        rig.holds().await?;
    }
    rig.stop().await?;
    drop(disk);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_spool_costs_nothing() -> anyhow::Result<()> {
    let test = "a_full_disk_of_the_spool_costs_nothing";
    fill(test, 71, 1, Duration::from_millis(500)).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn a_disk_of_the_spool_that_is_full_for_long_costs_nothing() -> anyhow::Result<()> {
    let test = "a_disk_of_the_spool_that_is_full_for_long_costs_nothing";
    fill(test, 72, 3, Duration::from_secs(10)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_folder_for_the_spool_is_told_with_its_key() -> anyhow::Result<()> {
    let test = "a_read_only_folder_for_the_spool_is_told_with_its_key";
    let Some((disk, folder)) = disk(test)? else { return Ok(()) };
    disk.protect()?;
    let options = SiteOptions::with(|config| config.spool.folder.clone_from(&folder));
    let started = Site::begin_on(options, database_name(), Mosquitto::new().await?).await;
    let error = started.err().map(|error| format!("{error:#}")).unwrap_or_default();
    for part in ["read-only", "spool.folder", &folder] {
        assert!(error.contains(part), "{error}");
    }
    Ok(())
}
