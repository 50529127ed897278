//! The bare reference: rumqttc with manual acknowledgement, a typed parse, binary COPY into a plain
//! hypertable, then the acknowledgements. No check, no key, no rollup, no current values, no live
//! view: the floor beside which the hub's rate is read. It stores every value that the hub stores of
//! a lane. A process of its own: the database comes on the first line of its standard input, `ready`
//! and `committed N` (rows so far) go to its standard output.

use bytes::{BufMut as _, Bytes, BytesMut};
use clap::Args;
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, MqttOptions,
    mqttbytes::{
        QoS,
        v5::{ConnectProperties, Packet, Publish},
    },
};
use tokio::sync::mpsc;
use tokio_postgres::Client;

use super::{
    copy::{self, OID_FLOAT4, OID_INT4, array, put},
    servers::connect,
    typed::{Classes, IntervalMessage, Lane},
};

/// Its table.
pub(crate) const TABLE: &str = "create table bare_reading (time timestamptz not null, \
    station int4 not null, lane int2 not null, duration_ms int4 not null, count int4, occupancy float4, \
    speed_kmh float4, headway_s float4, samples int2, samples_expected int2, classes int4[], \
    class_speed_kmh float4[]); \
    select create_hypertable('bare_reading', by_range('time', interval '1 day'))";
const COPY: &str = "copy bare_reading from stdin binary";
const COLUMNS: i16 = 12;

#[derive(Debug, Args)]
pub(crate) struct ReferenceArgs {
    #[arg(long)]
    pub(crate) port: u16,
    /// First level of the topics to subscribe.
    #[arg(long)]
    pub(crate) root: String,
    /// Messages that the broker sends ahead of acknowledgement.
    #[arg(long)]
    pub(crate) window: u16,
    /// Most messages of a batch.
    #[arg(long)]
    pub(crate) batch: usize,
}

pub(crate) async fn run(args: ReferenceArgs) -> anyhow::Result<()> {
    let mut lines = super::child::input_lines();
    let database = lines.recv().await.unwrap_or_default();
    let client = connect(&database.parse()?).await?;
    let mut options = MqttOptions::new("bare", "127.0.0.1", args.port);
    options.set_manual_acks(true).set_clean_start(true).set_connect_properties(ConnectProperties {
        receive_maximum: Some(args.window),
        max_packet_size: Some(131_072),
        ..ConnectProperties::new()
    });
    let (mqtt, events) = AsyncClient::new(options, 65_600);
    mqtt.try_subscribe(format!("{}/#", args.root), QoS::AtLeastOnce)?;
    let (received, deliveries) = mpsc::channel(usize::from(args.window));
    let (encoded, batches) = mpsc::channel(1);
    let (committed, acks) = mpsc::channel(64);
    tokio::select! {
        ended = poll(events, mqtt, received, acks) => ended,
        ended = encode(deliveries, encoded, args.batch) => ended,
        ended = store(client, batches, committed) => ended,
        _end_of_input = async { while lines.recv().await.is_some() {} } => Ok(()),
    }
}

/// Owns the connection: hands publishes on, sends acknowledgements.
async fn poll(
    mut events: EventLoop,
    mqtt: AsyncClient,
    received: mpsc::Sender<Publish>,
    mut acks: mpsc::Receiver<Vec<u16>>,
) -> anyhow::Result<()> {
    loop {
        let mut poll = std::pin::pin!(events.poll());
        let event = loop {
            tokio::select! {
                event = &mut poll => break event?,
                Some(ids) = acks.recv() => for pkid in ids {
                    mqtt.try_ack(&Publish { qos: QoS::AtLeastOnce, pkid, ..Publish::default() })?;
                },
            }
        };
        match event {
            Event::Incoming(Packet::Publish(publish)) => received.send(publish).await?,
            Event::Incoming(Packet::SubAck(_)) => super::say("ready"),
            _ => {}
        }
    }
}

struct Batch {
    stream: Bytes,
    rows: u64,
    ids: Vec<u16>,
}

/// Parses and encodes the next batch while the last one is copied.
async fn encode(
    mut deliveries: mpsc::Receiver<Publish>,
    encoded: mpsc::Sender<Batch>,
    most: usize,
) -> anyhow::Result<()> {
    let mut received = Vec::with_capacity(most);
    while deliveries.recv_many(&mut received, most).await > 0 {
        let mut batch =
            Batch { stream: Bytes::new(), rows: 0, ids: Vec::with_capacity(received.len()) };
        let mut stream = copy::begin();
        for publish in received.drain(..) {
            let message: IntervalMessage = sonic_rs::from_slice(&publish.payload)?;
            let station = station(&publish.topic);
            batch.rows += message.lanes.len() as u64;
            for lane in &message.lanes {
                row(&mut stream, station, &message, lane);
            }
            batch.ids.push(publish.pkid);
        }
        batch.stream = copy::end(stream);
        encoded.send(batch).await?;
    }
    Ok(())
}

async fn store(
    client: Client,
    mut batches: mpsc::Receiver<Batch>,
    committed: mpsc::Sender<Vec<u16>>,
) -> anyhow::Result<()> {
    let statement = client.prepare(COPY).await?;
    let mut rows = 0;
    while let Some(batch) = batches.recv().await {
        copy::send(&client, &statement, batch.stream).await?;
        committed.send(batch.ids).await?;
        rows += batch.rows;
        super::say(format!("committed {rows}"));
    }
    Ok(())
}

/// The number in the station's name: a bare pipeline would look it up.
fn station(topic: &[u8]) -> i32 {
    let name = topic.split(|byte| *byte == b'/').nth(4).unwrap_or_default();
    let digits = name.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + i32::from(digit - b'0'))
}

fn row(out: &mut BytesMut, station: i32, message: &IntervalMessage, lane: &Lane) {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of an interval")]
    let duration_ms = (message.duration_s * 1e3) as i32;
    out.put_i16(COLUMNS);
    copy::time(out, message.time);
    put(out, Some(station), BytesMut::put_i32);
    put(out, Some(lane.lane), BytesMut::put_i16);
    put(out, Some(duration_ms), BytesMut::put_i32);
    put(out, lane.count, BytesMut::put_i32);
    put(out, lane.occupancy, BytesMut::put_f32);
    put(out, lane.speed_kmh, BytesMut::put_f32);
    put(out, lane.headway_s, BytesMut::put_f32);
    put(out, lane.samples, BytesMut::put_i16);
    put(out, lane.samples_expected, BytesMut::put_i16);
    array(out, OID_INT4, lane.classes.as_ref().map(Classes::values), BytesMut::put_i32);
    array(out, OID_FLOAT4, lane.class_speed_kmh.as_ref().map(Classes::values), BytesMut::put_f32);
}

impl ReferenceArgs {
    /// The same as words of a command line.
    pub(crate) fn words(&self) -> Vec<String> {
        let Self { port, root, window, batch } = self;
        vec![
            "reference".into(),
            format!("--port={port}"),
            format!("--root={root}"),
            format!("--window={window}"),
            format!("--batch={batch}"),
        ]
    }
}
