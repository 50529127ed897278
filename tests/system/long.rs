//! Long runs, for `make test-long`: one fault after the other while devices publish.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use crate::{
    faults::{cut, intervals},
    process::Process,
    publisher::Publisher,
    server::{Mosquitto, administer, connect, new_database, number, wait_number},
    site::permit,
};

/// Faults of the run.
const ROUNDS: u32 = 60;
/// Messages of four rows each that are published between two faults.
const MESSAGES: u64 = 2_000;
const SEED: u64 = 7;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make test-long"]
async fn an_hour_of_faults_in_minutes_loses_nothing_and_stores_nothing_twice() -> anyhow::Result<()>
{
    let _permit = permit().await?;
    let (database, mut broker) = (new_database().await?, Mosquitto::new().await?);
    let mut hub = Process::start(&database, &broker).await?;
    let mut device = Publisher::connect(broker.address());
    let mut dice = StdRng::seed_from_u64(SEED);
    for round in 0..ROUNDS {
        let whole =
            |(topic, payload): (String, Vec<u8>)| (format!("ioc/1/can-tho/{topic}"), payload);
        let from = u64::from(round) * MESSAGES;
        let messages = intervals(from, from + MESSAGES).map(whole);
        let (fault, pause) = (dice.random_range(0..4_u32), dice.random_range(0..1_500_u64));
        let breaking = async {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            match fault {
                0 => administer(&[&cut(&database)]).await?,
                1 => {
                    hub.kill().await?;
                    hub = Process::start(&database, &broker).await?;
                }
                2 => {
                    broker.stop().await?;
                    broker.start().await?;
                }
                _ => {
                    administer(&[
                        &format!("alter database {database} allow_connections false"),
                        &cut(&database),
                    ])
                    .await?;
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    administer(&[&format!("alter database {database} allow_connections true")])
                        .await?;
                }
            }
            anyhow::Ok(())
        };
        let (published, broken) = tokio::join!(device.publish_all(messages), breaking);
        published?;
        broken?;
    }
    hub.ready().await?;
    let client = connect(&database).await?;
    let rows = i64::from(ROUNDS) * i64::try_from(MESSAGES)? * 4;
    wait_number(&client, "select count(*) from interval_reading", rows).await?;
    assert_eq!(number(&client, include_str!("rollup.sql")).await?, 0);
    assert_eq!(number(&client, "select count(*) from quarantine").await?, 0);
    hub.kill().await
}
