//! Storing alone: the hub's own inserter, fed with admitted batches and no broker, beside binary COPY
//! of the same rows into a table with the same columns, chunks and unique index.
//!
//! The reference is the floor: its rows are encoded and sorted beforehand and it does nothing but send
//! them, one transaction a batch. The inserter encodes, keeps the keys, the 5-minute rollup, the
//! counters of sources and the current values. Afterwards both tables must hold the same rows.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::{BufMut as _, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use ioc_hub::{
    admit::{Admitted, Horizon, admit},
    city::City,
    config, hub, quality,
    registry::Registry,
    store::{insert::Inserter, refuse::Bound, registry},
};
use ioc_ingest::{Contract, Delivery, Fact, interval::Reading};
use tokio_postgres::{Client, Statement};

use super::{
    copy::{self, OID_INT2, OID_INT4, array, put},
    payload::{self, LANES, Messages, STATIONS},
    process,
    report::{Report, float},
    servers::Servers,
};

const PART: &str = "store alone, no broker, 4 lanes a message";
const DATABASE: &str = "bench_store";
const BARE: &str = "create table bare_interval (like interval_reading); \
    select create_hypertable('bare_interval', by_range('time', interval '1 day'), \
                             create_default_indexes => false); \
    create unique index on bare_interval (detector_id, time, duration_ms)";
const COLUMNS: &str = "time, detector_id, duration_ms, count, headway_ms, queue_dm, density_e1_per_km, \
    quality, occupancy_e4, speed_e1_kmh, confidence_e4, samples, samples_expected, classes, \
    class_speed_e1_kmh";
const COLUMNS_COUNT: i16 = 15;
/// Rows that only one of the two tables holds, content included.
const DIFFERENT: &str = "with hub as (select * from interval_reading where time >= $1), \
         bare as (select * from bare_interval where time >= $1) \
    select (select count(*) from (select * from hub except all select * from bare) h) \
         + (select count(*) from (select * from bare except all select * from hub) b)";
/// Rounds run on device clocks that begin so many days ago.
const PAST_DAYS: i64 = 20;
/// One batch, for either way.
struct Batch {
    items: Vec<Admitted>,
    stream: Bytes,
}

/// One round of one way.
#[derive(Debug, Clone, Copy)]
struct Round {
    rows_hz: f64,
    /// Processor microseconds per row, of this process and of the database.
    client_us: f64,
    database_us: f64,
}

/// Both ways into one database.
struct Ways<'a> {
    servers: &'a Servers,
    inserter: Inserter,
    bound: Bound,
    registry: Registry,
    client: Client,
    copy: Statement,
}

/// Measures `rounds` rounds of each way, `messages` messages a round.
pub(crate) async fn run(
    servers: &Servers,
    city: &City,
    (rounds, messages): (usize, usize),
    report: &mut Report,
) -> anyhow::Result<()> {
    servers.prepare(DATABASE, city, &payload::devices(city)?).await?;
    let config = config::load(None, &config::environment())?.config;
    let mut ways = Ways::connect(servers, &config, city).await?;
    let now = servers.clock().now();
    let begin_ms = (now.timestamp() / 86_400 - PAST_DAYS) * 86_400_000;
    let mut source = Source {
        city: &city.token,
        contract: Contract {
            city: city.token.clone(),
            personal_keys: config.ingest.personal_keys.clone(),
        },
        horizon: hub::horizon(&config),
        now,
        messages: Messages::new(begin_ms),
        sent: 0,
    };
    // Every station sends every number once, so that no round begins with a gap.
    let messages = messages.next_multiple_of(STATIONS);
    let lot = config.ingest.batch_rows / LANES;
    let (mut bare, mut hub) = (Vec::new(), Vec::new());
    let mut last = begin_ms;
    for round in 0..=rounds {
        last = payload::step_ms(begin_ms, source.sent / STATIONS);
        let batches = source.batches(&ways.registry, messages, lot)?;
        let done = ways.round(round % 2 == 0, &batches).await?;
        // The first one made the chunks and their indexes.
        if round > 0 {
            super::say(format!("  bare {:.0}, hub {:.0} rows/s", done.0.rows_hz, done.1.rows_hz));
            bare.push(done.0);
            hub.push(done.1);
        }
    }
    let from = DateTime::from_timestamp_millis(last).context("a time")?;
    let different: i64 = ways.client.query_one(DIFFERENT, &[&from]).await?.get(0);
    anyhow::ensure!(different == 0, "{different} rows differ between the two tables");
    tell(&bare, &hub, report);
    Ok(())
}

fn tell(bare: &[Round], hub: &[Round], report: &mut Report) {
    let of = |rounds: &[Round], value: fn(&Round) -> f64| rounds.iter().map(value).collect();
    let rates: fn(&Round) -> f64 = |round| round.rows_hz;
    let name = "bare COPY, rows encoded beforehand";
    let bare_hz = report.add_rounds(PART, name, (of(bare, rates), "lane rows/s"), "");
    let hub_hz = report.add_rounds(PART, "hub's inserter", (of(hub, rates), "lane rows/s"), "");
    let ratio = 100.0 * hub_hz / bare_hz.max(f64::MIN_POSITIVE);
    report.add(PART, "hub's inserter / bare COPY, medians", (ratio, "%"), "");
    for (who, rounds) in [("bare COPY", bare), ("hub's inserter", hub)] {
        let client = of(rounds, |round| round.client_us);
        report.add_rounds(PART, format!("{who}: processor time here"), (client, "us/row"), "");
        let database = of(rounds, |round| round.database_us);
        let name = format!("{who}: processor time of the database");
        report.add_rounds(PART, name, (database, "us/row"), "");
    }
}

/// Makes admitted batches on device clocks that only advance.
struct Source<'a> {
    city: &'a str,
    contract: Contract,
    horizon: Horizon,
    now: DateTime<Utc>,
    messages: Messages,
    /// Messages so far.
    sent: usize,
}

impl Source<'_> {
    /// `messages` further messages in batches of `lot`.
    fn batches(
        &mut self,
        registry: &Registry,
        messages: usize,
        lot: usize,
    ) -> anyhow::Result<Vec<Batch>> {
        let end = self.sent + messages;
        let mut batches = Vec::with_capacity(messages.div_ceil(lot));
        while self.sent < end {
            let items = (self.sent..(self.sent + lot).min(end))
                .map(|at| self.item(registry, at))
                .collect::<anyhow::Result<Vec<Admitted>>>()?;
            self.sent += items.len();
            let stream = encode(registry, &items)?;
            batches.push(Batch { items, stream });
        }
        Ok(batches)
    }

    fn item(&mut self, registry: &Registry, at: usize) -> anyhow::Result<Admitted> {
        let station = at % STATIONS;
        let topic = payload::topic("ioc", self.city, station);
        let bytes = self.messages.message(station, at / STATIONS);
        let delivery = Delivery::unawaited(topic, bytes, self.now);
        let admitted = admit(&self.contract, registry, &self.horizon, self.now, delivery);
        anyhow::ensure!(admitted.accepted.is_some(), "refused: {:?}", admitted.refused);
        Ok(admitted)
    }
}

impl<'a> Ways<'a> {
    async fn connect(
        servers: &'a Servers,
        config: &config::Config,
        city: &City,
    ) -> anyhow::Result<Self> {
        let client = servers.client(DATABASE).await?;
        client.batch_execute(BARE).await?;
        let copy = format!("copy bare_interval ({COLUMNS}) from stdin binary");
        let limits = &config.ingest;
        Ok(Self {
            inserter: Inserter::connect(
                &servers.store(DATABASE)?,
                &hub::record_settings(config, city.time_zone)?,
            )
            .await?,
            bound: Bound::load(&client, limits.quarantine_messages, limits.quarantine_bytes)
                .await?,
            registry: registry::load(&client).await?,
            copy: client.prepare(&copy).await?,
            client,
            servers,
        })
    }

    /// The same batches both ways: (bare, hub).
    async fn round(
        &mut self,
        bare_first: bool,
        batches: &[Batch],
    ) -> anyhow::Result<(Round, Round)> {
        // Whoever comes first finds the machine as the other one left it: they take turns.
        if bare_first {
            let bare = self.timed(false, batches).await?;
            Ok((bare, self.timed(true, batches).await?))
        } else {
            let hub = self.timed(true, batches).await?;
            Ok((self.timed(false, batches).await?, hub))
        }
    }

    async fn timed(&mut self, through_hub: bool, batches: &[Batch]) -> anyhow::Result<Round> {
        let cpu = |servers: &Servers| {
            let database = process::cpu_with_children_s(servers.database_pid());
            (process::cpu_s(std::process::id()), database)
        };
        let before = cpu(self.servers);
        let begun = Instant::now();
        let mut rows = 0;
        for batch in batches {
            rows += if through_hub { self.hub(batch).await? } else { self.bare(batch).await? };
        }
        let taken: Duration = begun.elapsed();
        let after = cpu(self.servers);
        let expected: usize = batches.iter().map(|batch| batch.items.len() * LANES).sum();
        anyhow::ensure!(rows == expected as u64, "{rows} of {expected} rows were new");
        let each_us = |after: f64, before: f64| (after - before) * 1e6 / float(expected);
        Ok(Round {
            rows_hz: float(expected) / taken.as_secs_f64(),
            client_us: each_us(after.0, before.0),
            database_us: each_us(after.1, before.1),
        })
    }

    async fn hub(&mut self, batch: &Batch) -> anyhow::Result<u64> {
        let committed = self.inserter.commit(&self.registry, &mut self.bound, &batch.items).await?;
        Ok(committed.new_rows)
    }

    async fn bare(&self, batch: &Batch) -> anyhow::Result<u64> {
        copy::send(&self.client, &self.copy, batch.stream.clone()).await
    }
}

/// The rows of a batch in the order of the unique index.
fn encode(registry: &Registry, items: &[Admitted]) -> anyhow::Result<Bytes> {
    let mut rows = Vec::with_capacity(items.len() * LANES);
    for accepted in items.iter().filter_map(|item| item.accepted.as_ref()) {
        let Fact::Interval(interval) = &accepted.message.fact else { continue };
        let envelope = accepted.message.envelope.context("an interval without envelope")?;
        let device = registry.device(&accepted.device.source).context("a registered station")?;
        for reading in &interval.readings {
            let detector = *device.detectors.get(&reading.place).context("a registered lane")?;
            let judged_by = (device.period_ms, registry.table.of(detector));
            let marks = quality::marks(&envelope, interval, reading, judged_by);
            rows.push((detector, envelope.time, interval.duration_ms, marks, reading));
        }
    }
    rows.sort_unstable_by_key(|(detector, time, ..)| (*detector, *time));
    let mut stream = copy::begin();
    for (detector, time, duration_ms, marks, reading) in rows {
        stream.put_i16(COLUMNS_COUNT);
        copy::time(&mut stream, time);
        put(&mut stream, Some(detector), BytesMut::put_i32);
        put(&mut stream, Some(duration_ms), BytesMut::put_u32);
        row(&mut stream, marks, reading);
    }
    Ok(copy::end(stream))
}

fn row(out: &mut BytesMut, marks: i32, reading: &Reading) {
    put(out, reading.count, BytesMut::put_u32);
    put(out, reading.headway_ms, BytesMut::put_u32);
    put(out, reading.queue_dm, BytesMut::put_u32);
    put(out, reading.density_e1_per_km, BytesMut::put_u32);
    put(out, Some(marks), BytesMut::put_i32);
    put(out, reading.occupancy_e4, BytesMut::put_u16);
    put(out, reading.speed_e1_kmh, BytesMut::put_u16);
    put(out, reading.confidence_e4, BytesMut::put_u16);
    put(out, reading.samples, BytesMut::put_u16);
    put(out, reading.samples_expected, BytesMut::put_u16);
    array(out, OID_INT4, reading.classes, BytesMut::put_u32);
    array(out, OID_INT2, reading.class_speed_e1_kmh, BytesMut::put_u16);
}
