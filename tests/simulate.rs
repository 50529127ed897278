//! The simulated city as the broker sees it: the real Mosquitto, the demonstration city, and the
//! recorded events of a real controller.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ioc_hub::city::{City, Device, Scale};
use ioc_hub::clock::SystemClock;
use ioc_hub::local::{self, Broker, LocalSettings, Prefer};
use ioc_hub::simulate::{
    self, Recording, ReplayOptions, SimulateError, SimulateOptions, SimulateStats,
};
use ioc_ingest::{Contract, Fact, Message, Service, Stream, decode};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Longest time of a subscriber's life in these tests.
const DEADLINE: Duration = Duration::from_mins(1);
/// A whole city has spoken within this time, on a machine that does other things too.
const MOMENTS: Duration = Duration::from_secs(10);
/// A simulation stops within this time, on a machine that does other things too.
const STOP: Duration = Duration::from_millis(1500);

/// A broker of its own, and the folder that is removed with it.
struct Place {
    broker: Broker,
    folder: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[expect(clippy::print_stdout, reason = "shown when a test fails")]
fn say(line: &str) {
    println!("{line}");
}

async fn place(name: &str) -> Result<Place, Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("ioc-sim-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let settings = LocalSettings {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(".local"),
        data: folder.join("data"),
        mqtt_port: 0,
        prefer: Prefer::Private,
    };
    let programs = local::fetch(&settings, &say).await?;
    let broker = local::start_broker(&settings, &programs, &say).await?;
    Ok(Place { broker, folder })
}

fn city() -> Result<Arc<City>, ioc_hub::city::CityErrors> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho");
    City::load(&folder).map(Arc::new)
}

fn broker_of(place: &Place) -> simulate::Broker {
    let address = place.broker.address();
    simulate::Broker::new(&address.ip().to_string(), address.port())
}

/// Everything that comes over the broker, decoded.
struct Subscriber {
    events: EventLoop,
    begun: Instant,
    contract: Contract,
    /// Kept, because the event loop ends without its client.
    _client: AsyncClient,
}

impl Subscriber {
    async fn new(place: &Place) -> Result<Self, Box<dyn std::error::Error>> {
        let address = place.broker.address();
        let mut options = MqttOptions::new("subscriber", address.ip().to_string(), address.port());
        options.set_receive_maximum(Some(1000)).set_max_packet_size(Some(1 << 20));
        let (client, mut events) = AsyncClient::new(options, 10);
        client.subscribe("ioc/1/#", QoS::AtLeastOnce).await?;
        while !matches!(events.poll().await?, Event::Incoming(Packet::SubAck(_))) {}
        let contract = Contract { city: "can-tho".to_owned(), personal_keys: Vec::new() };
        Ok(Self { events, begun: Instant::now(), contract, _client: client })
    }

    async fn next(&mut self) -> Result<Message, Box<dyn std::error::Error>> {
        loop {
            let left = DEADLINE.saturating_sub(self.begun.elapsed());
            let event = tokio::time::timeout(left, self.events.poll()).await??;
            if let Event::Incoming(Packet::Publish(publish)) = event {
                let topic = std::str::from_utf8(&publish.topic)?;
                let message = decode(&self.contract, topic, &publish.payload)?;
                assert_eq!(message.refused, [], "on {topic}");
                return Ok(message);
            }
        }
    }
}

struct Simulation {
    stop: CancellationToken,
    stats: Arc<SimulateStats>,
    task: JoinHandle<Result<(), SimulateError>>,
}

#[expect(clippy::disallowed_methods, reason = "a test owns its tasks")]
fn start(options: SimulateOptions) -> Simulation {
    let (stop, stats) = (CancellationToken::new(), Arc::new(SimulateStats::default()));
    let run = simulate::run(options, Arc::new(SystemClock), stop.clone(), Arc::clone(&stats));
    Simulation { stop, stats, task: tokio::spawn(run) }
}

impl Simulation {
    async fn stop(self) -> Result<Arc<SimulateStats>, Box<dyn std::error::Error>> {
        let begun = Instant::now();
        self.stop.cancel();
        self.task.await??;
        assert!(begun.elapsed() < STOP, "stopping took {:?}", begun.elapsed());
        Ok(self.stats)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_city_speaks_within_moments() -> TestResult {
    let place = place("city").await?;
    let city = city()?;
    let mut subscriber = Subscriber::new(&place).await?;
    let mut waiting: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    // The one-stop system is not simulated yet.
    let simulated = |device: &&Device| device.simulated && device.service != Service::Onestop;
    for device in city.devices.iter().filter(simulated) {
        let mut streams = BTreeSet::from(["status"]);
        let service = device.service;
        let has = |stream: Stream| stream.allowed_for(service);
        streams.extend(has(Stream::Health).then_some("health"));
        streams.extend(has(Stream::State).then_some("state"));
        let measures = has(Stream::Interval) && !device.detectors.is_empty();
        streams.extend(measures.then_some("interval"));
        waiting.insert(device.source.to_string(), streams);
    }
    let expected = waiting.len();
    let begun = Instant::now();
    let options =
        SimulateOptions { faults: false, ..SimulateOptions::new(broker_of(&place), city) };
    let simulation = start(options);
    while !waiting.is_empty() {
        assert!(begun.elapsed() < MOMENTS, "after {:?} silent: {waiting:?}", begun.elapsed());
        let message = subscriber.next().await?;
        if let Some(streams) = waiting.get_mut(message.topic.source.as_str()) {
            streams.remove(message.topic.stream.as_str());
            if streams.is_empty() {
                waiting.remove(message.topic.source.as_str());
            }
        }
    }
    say(&format!("{expected} devices spoke in {:?}", begun.elapsed()));
    let stats = simulation.stop().await?;
    assert_eq!(stats.refused.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_says_hello_again_after_a_cut_and_goodbye_at_the_stop() -> TestResult {
    let place = place("cut").await?;
    let mut options = SimulateOptions::new(broker_of(&place), city()?);
    options.devices.retain(|device| device.service == Service::Signal);
    options.devices.truncate(4);
    options.connections = 1;
    let devices = options.devices.len();
    let mut subscriber = Subscriber::new(&place).await?;
    let simulation = start(options);
    let mut greeted = 0;
    while greeted < devices {
        let message = subscriber.next().await?;
        greeted += usize::from(matches!(message.fact, Fact::Status(status) if status.online));
    }
    // A second client of the same name throws the first out, as a cut of the link would.
    let address = place.broker.address();
    let boot = simulation_name(&mut subscriber).await?;
    let mut rival = MqttOptions::new(boot, address.ip().to_string(), address.port());
    rival.set_clean_start(true);
    let (rival_client, mut rival_events) = AsyncClient::new(rival, 10);
    while !matches!(rival_events.poll().await?, Event::Incoming(Packet::ConnAck(_))) {}
    drop((rival_client, rival_events));
    let mut greeted = 0;
    while greeted < devices {
        let message = subscriber.next().await?;
        greeted += usize::from(matches!(message.fact, Fact::Status(status) if status.online));
    }
    assert!(simulation.stats.connects.load(Ordering::Relaxed) >= 2);
    simulation.stop().await?;
    let mut gone = BTreeSet::new();
    while gone.len() < devices {
        let message = subscriber.next().await?;
        if matches!(message.fact, Fact::Status(status) if !status.online) {
            gone.insert(message.topic.source);
        }
    }
    Ok(())
}

/// The client id of the only connection of a simulation, from the boot of its devices.
async fn simulation_name(
    subscriber: &mut Subscriber,
) -> Result<String, Box<dyn std::error::Error>> {
    loop {
        if let Some(envelope) = subscriber.next().await?.envelope {
            return Ok(format!("ioc-simulate-{}-0", envelope.boot));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_is_kept_and_every_interval_is_new_and_in_the_past() -> TestResult {
    let place = place("rate").await?;
    let city = city()?;
    let mut subscriber = Subscriber::new(&place).await?;
    let options = SimulateOptions {
        rate: Some(500.0),
        devices: city.scaled(Scale::S),
        ..SimulateOptions::new(broker_of(&place), city)
    };
    let simulation = start(options);
    let begun = Instant::now();
    let mut keys = BTreeSet::new();
    while keys.len() < 1000 {
        let message = subscriber.next().await?;
        let time = message.envelope.ok_or("an interval has an envelope")?.time;
        let Fact::Interval(interval) = message.fact else { return Err("no interval".into()) };
        assert_eq!(interval.readings.len(), 4);
        assert!(keys.insert((message.topic.source, time)), "the same interval twice");
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert!((1.6..5.0).contains(&seconds), "1000 messages at 500/s took {seconds} s");
    let stats = simulation.stop().await?;
    assert_eq!(stats.failures.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_arrives_with_every_distinct_event() -> TestResult {
    let place = place("replay").await?;
    let mut subscriber = Subscriber::new(&place).await?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/atspm/raw_data.csv");
    let zone = chrono_tz::America::Los_Angeles;
    let recording = Recording::read(std::fs::File::open(file)?, zone)?;
    assert_eq!(recording.rows, 37_152);
    let options =
        ReplayOptions { broker: broker_of(&place), city: "can-tho".to_owned(), source: None };
    let receive = async {
        let mut distinct = BTreeSet::new();
        let mut next_seq = 0;
        while distinct.len() < 37_148 {
            let message = subscriber.next().await?;
            assert_eq!(message.topic.source.as_str(), "atspm-1136");
            if let Fact::SignalEvents(batch) = message.fact {
                let seq = message.envelope.ok_or("a batch has an envelope")?.seq;
                assert_eq!(seq, next_seq, "in order");
                next_seq += 1;
                let first = batch.events.first().ok_or("a batch has events")?.time;
                let span = |time: chrono::DateTime<chrono::Utc>| (time - first).num_milliseconds();
                assert!(batch.events.len() <= 200);
                assert!(batch.events.iter().all(|event| (0..=1000).contains(&span(event.time))));
                distinct.extend(batch.events);
            }
        }
        Ok::<_, Box<dyn std::error::Error>>(distinct)
    };
    let mut last = 0;
    let send = async {
        let stop = CancellationToken::new();
        let progress = |found: simulate::ReplayProgress| last = found.acknowledged;
        Ok(simulate::replay(&options, &recording, Arc::new(SystemClock), stop, progress).await?)
    };
    let begun = Instant::now();
    let (done, distinct) = tokio::try_join!(send, receive)?;
    say(&format!("{} batches in {:?}", done.batches, begun.elapsed()));
    assert_eq!((done.acknowledged, last), (done.batches, done.batches));
    assert_eq!(done.events, recording.events());
    assert_eq!(distinct.len(), 37_148);
    let first = distinct.first().ok_or("events")?.time;
    assert_eq!(first.to_rfc3339(), "2024-04-15T19:00:00+00:00");
    Ok(())
}
