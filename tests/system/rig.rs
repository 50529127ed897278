//! A hub as a process of its own between proxies, with devices that publish while a test breaks what is
//! around it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use ioc_hub::local::Role;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use crate::{
    cluster::Cluster,
    process::Process,
    proxy::{Proxy, Server},
    publisher::Publisher,
    server::{DEADLINE, Mosquitto, wait_for},
    stored,
    truth::{Message, Truth},
};

/// Messages per second while something breaks.
const RATE_PER_S: usize = 1_000;
/// Handfuls of messages in a second.
const HANDFULS_PER_S: usize = 20;
/// Time between two handfuls of messages.
const TICK: Duration = Duration::from_millis(50);
/// So soon even short outages reach the spool.
const SPOOL_AFTER_MS: u64 = 300;
/// By how much the memory of the hub may lie above its level before the faults, bytes: what an
/// allocator keeps of the largest batches, twice over.
const MEMORY_BYTES: u64 = 64 << 20;

/// What can be broken.
pub(crate) struct Works {
    pub(crate) cluster: Cluster,
    pub(crate) broker: Mosquitto,
    pub(crate) to_database: Proxy,
    pub(crate) to_broker: Proxy,
    pub(crate) hub: Process,
    /// Keys of the configuration that differ from the defaults.
    changed: Vec<(&'static str, String)>,
}

/// Who publishes.
struct Devices {
    truth: Truth,
    publisher: Publisher,
}

/// A hub with everything around it.
pub(crate) struct Rig {
    pub(crate) works: Works,
    devices: Devices,
    /// Level of the hub's memory; 0 where it is not compared.
    memory_bytes: u64,
    /// Messages per second while something breaks.
    rate_per_s: usize,
}

impl Works {
    /// A hub with these keys changed, on this database server.
    pub(crate) async fn start(
        cluster: Cluster,
        changed: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Self> {
        let broker = Mosquitto::new().await?;
        let to_database = Proxy::before(Server::Unix(cluster.socket())).await?;
        let to_broker = Proxy::before(Server::Tcp(broker.address())).await?;
        let settings = cluster.over(to_database.address().port())?;
        let hub = Process::start_with(&settings, to_broker.address(), &changed).await?;
        Ok(Self { cluster, broker, to_database, to_broker, hub, changed })
    }

    /// Kills the hub and starts the next on the same broker and database.
    pub(crate) async fn kill_hub(&mut self) -> anyhow::Result<()> {
        self.hub.kill().await?;
        self.start_hub().await
    }

    /// Starts the hub after the last was killed.
    pub(crate) async fn start_hub(&mut self) -> anyhow::Result<()> {
        let settings = self.cluster.over(self.to_database.address().port())?;
        let broker = self.to_broker.address();
        self.hub = Process::start_with(&settings, broker, &self.changed).await?;
        Ok(())
    }

    /// Waits until the hub says that a part is away, or back.
    pub(crate) async fn wait_part(&self, part: &str, ready: bool) -> anyhow::Result<()> {
        let seen = || async {
            let report = self.hub.browser.get("/readyz").await?.json()?;
            Ok((report[part]["ready"] == ready).then_some(()))
        };
        let waited = wait_for(&format!("{part} ready: {ready}"), seen).await;
        let state = self.hub.browser.get("/readyz").await?.text();
        waited.with_context(|| format!("{state}\n{}", self.cluster.log()))
    }

    /// Waits until the hub has written something more: it is in the middle of its work.
    pub(crate) async fn wait_work(&self) -> anyhow::Result<()> {
        let before = self.hub.metric("hub_writer_batches_total").await?;
        let more = || async {
            let batches = self.hub.metric("hub_writer_batches_total").await?;
            Ok((batches > before).then_some(()))
        };
        wait_for("the hub writes", more).await
    }

    /// A direct connection to the database.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        self.cluster.connect(Role::Owner).await
    }
}

impl Devices {
    async fn publish(&mut self, messages: Vec<Message>) -> anyhow::Result<()> {
        let bytes = messages.iter().map(|m| (m.topic.clone(), m.payload.clone()));
        self.publisher.publish_all(bytes).await?;
        self.truth.accept(messages);
        Ok(())
    }

    /// Publishes at a steady rate until `done`.
    async fn publish_until(
        &mut self,
        done: &CancellationToken,
        rate_per_s: usize,
    ) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !done.is_cancelled() {
            ticks.tick().await;
            let messages = self.truth.next(rate_per_s / HANDFULS_PER_S);
            self.publish(messages).await?;
        }
        Ok(())
    }
}

impl Rig {
    /// A hub at work whose memory has reached its level.
    pub(crate) async fn start(seed: u64) -> anyhow::Result<Self> {
        Self::on(Cluster::new().await?, seed).await
    }

    /// The same on this database server.
    pub(crate) async fn on(cluster: Cluster, seed: u64) -> anyhow::Result<Self> {
        Self::with(cluster, Vec::new(), seed).await
    }

    /// The same with some keys of the configuration changed.
    pub(crate) async fn with(
        cluster: Cluster,
        mut changed: Vec<(&'static str, String)>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        changed.push(("IOC_SPOOL_AFTER_MS", SPOOL_AFTER_MS.to_string()));
        let works = Works::start(cluster, changed).await?;
        let mut rig = Self::of(works, Truth::of_the_city(seed), RATE_PER_S);
        rig.publish(2_000).await?;
        rig.holds().await?;
        rig.memory_bytes = rig.works.hub.memory_bytes()?;
        Ok(rig)
    }

    /// A hub whose memory is not compared, with these devices.
    pub(crate) fn of(works: Works, truth: Truth, rate_per_s: usize) -> Self {
        let publisher = Publisher::connect(works.broker.address());
        let devices = Devices { truth, publisher };
        Self { works, devices, memory_bytes: 0, rate_per_s }
    }

    /// Publishes so many messages at once.
    pub(crate) async fn publish(&mut self, messages: usize) -> anyhow::Result<()> {
        let messages = self.devices.truth.next(messages);
        self.devices.publish(messages).await
    }

    /// Breaks something, and mends it, while the devices publish; returns when both are done.
    pub(crate) async fn during(
        &mut self,
        breaking: impl AsyncFnOnce(&mut Works) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (works, done) = (&mut self.works, CancellationToken::new());
        let publishing = self.devices.publish_until(&done, self.rate_per_s);
        let broken = async {
            let _end = done.clone().drop_guard();
            breaking(works).await
        };
        let (published, broken) = tokio::join!(publishing, broken);
        broken?;
        published
    }

    /// Waits until all that was acknowledged is stored, and compares it; the hub is ready and its
    /// memory back at its level.
    pub(crate) async fn holds(&mut self) -> anyhow::Result<()> {
        let rest = self.devices.truth.rest();
        self.devices.publish(rest).await?;
        self.publish(1).await?;
        let rest = self.devices.truth.rest();
        self.devices.publish(rest).await?;
        self.works.hub.ready().await?;
        let client = self.works.client().await?;
        stored::holds(&client, &self.devices.truth).await?;
        let mismatches = self.works.hub.metric("hub_selfcheck_mismatches_total").await?;
        ensure!(mismatches < 0.5, "the self-check of the hub found {mismatches} mismatches");
        self.memory_is_back().await
    }

    async fn memory_is_back(&self) -> anyhow::Result<()> {
        if self.memory_bytes == 0 {
            return Ok(());
        }
        let until = Instant::now() + DEADLINE;
        loop {
            let found = self.works.hub.memory_bytes()?;
            if found <= self.memory_bytes + MEMORY_BYTES {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "the hub holds {} MB after the faults, {} MB before",
                found >> 20,
                self.memory_bytes >> 20
            );
            tokio::time::sleep(TICK).await;
        }
    }

    /// What the devices know.
    pub(crate) const fn truth(&self) -> &Truth {
        &self.devices.truth
    }

    /// Ends everything.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.works.hub.kill().await?;
        self.works.cluster.stop().await.context("the database stops")
    }
}
