//! Half an hour at design point L, ten minutes of it without a database: `make soak`.
//!
//! The simulated metropolis publishes at its natural rate, and beside it devices that know the truth.
//! Each minute tells the memory, what waits and how old the live view is, both of which are looked at
//! every second; at the end everything is in, and equals what was sent. `SOAK_MINUTES` shortens it; a third is without a database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::{
    access::{self, Role as Rights},
    city::{City, Device, Scale},
    clock::{Clock as _, SharedClock, SystemClock},
    simulate::{Broker, SimulateOptions, SimulateStats, run},
    store::Store,
};
use ioc_ingest::Service;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    browser::Browser,
    channel::Channel,
    cluster::Cluster,
    message::bucket,
    rig::{Rig, Works},
    server::{number, repository},
    site::permit,
    truth::{Cast, Truth},
};

/// Stations and signals that the devices of the truth take over from the simulation.
const RESERVED: usize = 10;
/// Their messages per second.
const RATE_PER_S: usize = 100;
/// The clocks of their stations run so much faster than ours: six intervals of half a minute a second.
const STATION_PACE: u32 = 180;
/// Everything has to be in so soon after the database is back.
const CAUGHT_UP: Duration = Duration::from_mins(5);
/// Messages that may always be under way: about a second of them.
const UNDER_WAY: f64 = 8_000.0;
/// By how much the live view may be older without a database than with one: what a batch waits for
/// before it goes to the spool, and one signal's own pace of ten seconds.
const LIVE_S: f64 = 15.0;
const PASSWORD: &str = "a-long-word-for-tests";
/// Memory that the hub may hold at L, however long a fault lasts.
const MEMORY_MB: u64 = 250;

#[expect(clippy::disallowed_methods, reason = "a person who runs it by hand says how long")]
fn minutes() -> u32 {
    let given = std::env::var("SOAK_MINUTES").ok().and_then(|text| text.parse().ok());
    given.unwrap_or(30)
}

/// What a person reads while it runs.
#[expect(clippy::print_stdout, reason = "for the person who waits")]
fn say(line: &str) {
    println!("{line}");
}

/// The devices of design point L: those of the truth, and the simulated rest.
fn devices(city: &City) -> (Cast, Vec<Device>) {
    let mut rest = city.scaled(Scale::L);
    let mut take = |service| {
        let mut taken = Vec::new();
        rest.retain(|device| {
            let takes = device.service == service && taken.len() < RESERVED;
            if takes {
                taken.push(device.source.to_string());
            }
            !takes
        });
        taken
    };
    let cast = Cast { stations: take(Service::Vds), signals: take(Service::Signal) };
    (cast, rest)
}

/// Follows one device on the live channel; keeps when its newest measurement was made, Unix ms.
async fn follow(
    address: std::net::SocketAddr,
    source: &str,
    newest_ms: &AtomicU64,
) -> anyhow::Result<()> {
    let browser = Browser::sign_in(address, "soak", PASSWORD).await?;
    let mut channel = Channel::open(&browser).await?;
    let id = channel.follow(1, &format!("device/{source}")).await?;
    loop {
        // Without a frame for long the age that is told grows.
        let Ok(frame) = channel.frame().await else { continue };
        let time: Option<DateTime<Utc>> = serde_json::from_value(frame["time"].clone()).ok();
        let age_ms = channel[id].value("state", "age_ms").as_i64();
        if let (Some(time), Some(age_ms)) = (time, age_ms) {
            let made = time.timestamp_millis() - age_ms;
            newest_ms.store(u64::try_from(made)?, Ordering::Relaxed);
        }
    }
}

/// What is watched while it runs.
struct Watch<'a> {
    works: &'a Works,
    sent: [&'a AtomicU64; 2],
    newest_ms: &'a AtomicU64,
    begun: Instant,
    memory_bytes: u64,
    oldest_s: f64,
}

#[expect(clippy::cast_precision_loss, reason = "small numbers, told to people")]
impl Watch<'_> {
    /// Messages that the broker has acknowledged and the hub has not committed.
    async fn behind(&self) -> anyhow::Result<f64> {
        let committed = self.works.hub.metric("hub_writer_batch_messages_sum").await?;
        let sent: u64 = self.sent.iter().map(|sent| sent.load(Ordering::Relaxed)).sum();
        Ok(sent as f64 - committed)
    }

    fn age_s(&self) -> f64 {
        let newest = self.newest_ms.load(Ordering::Relaxed) as f64;
        (SystemClock.now().timestamp_millis() as f64 - newest) / 1_000.0
    }

    /// Looks at memory and age; keeps the worst.
    fn look(&mut self) -> anyhow::Result<(u64, f64)> {
        let (memory, age_s) = (self.works.hub.memory_bytes()?, self.age_s());
        self.memory_bytes = self.memory_bytes.max(memory);
        self.oldest_s = self.oldest_s.max(age_s);
        Ok((memory, age_s))
    }

    /// One line.
    async fn tell(&mut self, what: &str) -> anyhow::Result<()> {
        let behind = self.behind().await?;
        let (memory, age_s) = self.look()?;
        let spooled = self.works.hub.metric("hub_spool_size_bytes").await?;
        say(&format!(
            "{:>5} s  {what:<16} memory {:>4} MB  spool {:>6.1} MB  behind {behind:>9.0} messages  live {age_s:>5.1} s old",
            self.begun.elapsed().as_secs(),
            memory >> 20,
            spooled / 1e6,
        ));
        Ok(())
    }

    /// Goes on for so long, telling each minute.
    async fn pass(&mut self, what: &str, time: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + time;
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let mut told = Instant::now();
        while Instant::now() < until {
            seconds.tick().await;
            self.look()?;
            if told.elapsed() >= Duration::from_mins(1) {
                told = Instant::now();
                self.tell(what).await?;
            }
        }
        self.tell(what).await
    }

    /// Waits until only what comes now is under way; says how long it took.
    async fn catch_up(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut told = begun;
        while self.behind().await? > UNDER_WAY {
            ensure!(begun.elapsed() < CAUGHT_UP, "not in within {} s", CAUGHT_UP.as_secs());
            if told.elapsed() > Duration::from_secs(30) {
                told = Instant::now();
                self.tell("catches up").await?;
            }
            self.look()?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(begun.elapsed())
    }
}

/// A third with a database, a third without, a third with it again. Gives the most memory that the hub
/// held.
async fn play(
    works: &mut Works,
    sent: [&AtomicU64; 2],
    newest_ms: &AtomicU64,
) -> anyhow::Result<u64> {
    let third = Duration::from_secs(u64::from(minutes()) * 20);
    let begun = Instant::now();
    let mut watch = Watch { works, sent, newest_ms, begun, memory_bytes: 0, oldest_s: 0.0 };
    watch.pass("at work", third).await?;
    let (memory_bytes, before) = (watch.memory_bytes, watch.oldest_s);
    works.cluster.stop().await?;
    let mut watch = Watch { works, sent, newest_ms, begun, memory_bytes, oldest_s: 0.0 };
    watch.pass("no database", third).await?;
    let (memory_bytes, oldest_s) = (watch.memory_bytes, watch.oldest_s);
    works.cluster.start().await?;
    let mut watch = Watch { works, sent, newest_ms, begun, memory_bytes, oldest_s };
    let caught_up = watch.catch_up().await?;
    watch.tell("everything is in").await?;
    watch.pass("at work", third.saturating_sub(caught_up)).await?;
    say(&format!(
        "caught up {:.1} s after the database came back; most memory {} MB; live at most {:.1} s \
         old without a database, {before:.1} s with one",
        caught_up.as_secs_f64(),
        watch.memory_bytes >> 20,
        watch.oldest_s,
    ));
    ensure!(watch.oldest_s <= before + LIVE_S, "the live view stopped for {} s", watch.oldest_s);
    Ok(watch.memory_bytes)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour: make soak"]
async fn the_largest_city_stands_ten_minutes_without_a_database() -> anyhow::Result<()> {
    let _permit = permit().await?;
    let city = Arc::new(City::load(&repository("config/city/can-tho"))?);
    let (cast, simulated) = devices(&city);
    let followed = simulated.iter().find(|device| device.service == Service::Signal);
    let followed = followed.context("signals are simulated")?.source.to_string();
    let cluster = Cluster::new().await?;
    let works = Works::start(cluster, vec![("IOC_SIMULATE_SCALE", "L".to_owned())]).await?;
    let clock: SharedClock = Arc::new(SystemClock);
    let store = Store::new(works.cluster.over(works.to_database.address().port())?)?;
    access::add_user(&store, &clock, ("soak", Rights::Viewer), PASSWORD, "test").await?;
    drop(store);

    let address = works.broker.address();
    let broker = Broker::new(&address.ip().to_string(), address.port());
    let options = SimulateOptions {
        devices: simulated,
        faults: false,
        ..SimulateOptions::new(broker, Arc::clone(&city))
    };
    let (stop, stats) = (CancellationToken::new(), Arc::new(SimulateStats::default()));
    let newest_ms = AtomicU64::new(u64::try_from(clock.now().timestamp_millis())?);
    // The story of the stations ends before now, however long it is told.
    let told_minutes = i64::from(minutes() * STATION_PACE);
    let begin = bucket() - TimeDelta::minutes(told_minutes) - TimeDelta::days(1);
    let truth = Truth::new(61, begin, &cast);
    let mut rig = Rig::of(works, truth, RATE_PER_S);
    let told = rig.truth().counter();
    let simulation = run(options, Arc::clone(&clock), stop.clone(), Arc::clone(&stats));
    let most_bytes = AtomicU64::new(0);
    let played = rig.during(async |works| {
        let http = works.hub.browser.address;
        let played = async {
            let following = follow(http, &followed, &newest_ms);
            let playing = play(works, [&stats.acknowledged, &told], &newest_ms);
            tokio::select! {
                followed = following => {
                    followed.context("the live channel ended")?;
                    anyhow::bail!("the live channel ended")
                }
                played = playing => played,
            }
        };
        let played = async {
            let _stop = stop.clone().drop_guard();
            played.await
        };
        let (simulated, played) = tokio::join!(simulation, played);
        simulated?;
        most_bytes.store(played?, Ordering::Relaxed);
        Ok(())
    });
    Box::pin(played).await?;

    say("comparing what is stored with what was sent");
    rig.holds().await?;
    let client = rig.works.client().await?;
    let received = number(&client, "select sum(messages)::int8 from source_state").await?;
    let sent = stats.acknowledged.load(Ordering::Relaxed) + told.load(Ordering::Relaxed);
    ensure!(u64::try_from(received)? >= sent, "{received} of {sent} messages");
    let refused = "select count(*) from quarantine where source <> all($1)";
    let refused: i64 = client.query_one(refused, &[&rig.truth().sources()]).await?.get(0);
    ensure!(refused == 0, "{refused} messages of the simulation were refused");
    say(&format!("{sent} messages sent and stored"));
    rig.stop().await?;
    // Last, so that it hides nothing else.
    let most_mb = most_bytes.load(Ordering::Relaxed) >> 20;
    ensure!(most_mb <= MEMORY_MB, "the hub held {most_mb} MB, allowed are {MEMORY_MB} MB");
    Ok(())
}
