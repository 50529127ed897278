//! Fan-out: one topic to many live clients, beside a bare axum broadcast of the same frames to as many
//! clients. Both servers and both client processes run all the time and are silent in turns.
//!
//! At 4 frames/s it is measured how late a frame is on the socket after its server wrote the time into
//! it, also while one more client has stopped reading. Flat out it is how many frames a second arrive:
//! the hub writes a frame on every tick of 50 ms, the bare server as often. The hub makes its frames
//! as always: a station publishes, the message is stored, the live view encodes it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use ioc_hub::city::City;
use tokio::{net::TcpSocket, sync::watch, time::sleep};

use super::{
    broadcast::BroadcastArgs,
    child::{HubProcess, Process},
    clients::{ClientsArgs, Read},
    http::{self, Scrape},
    live::LiveClient,
    machine, process,
    report::{Report, float, median},
    servers::Servers,
    station,
};

const DATABASE: &str = "bench_fan";
/// Frames that the bare server repeats.
const RECORDED: usize = 8;
/// Frames per second at the pace of a page.
const PACED_HZ: f64 = 4.0;
/// Flat out: ticks of the hub, and messages for it, so many that no tick is without.
const FLAT_OUT_HZ: f64 = 20.0;
const FLAT_OUT_MESSAGES_HZ: f64 = 25.0;
/// From so many clients on the rounds are flat out too, and the client that stops reading is left out.
const FLAT_OUT_FROM: usize = 2_000;
/// After the pace was set, before anything is measured.
const SETTLE: Duration = Duration::from_millis(600);
/// A client that stops reading: subscriptions that all want every frame, and its receive buffer, bytes.
const STALLED_SUBSCRIPTIONS: u32 = 60;
const STALLED_BUFFER_BYTES: u32 = 4_096;
/// Longest wait until the hub closes it.
const STALLED_MAX: Duration = Duration::from_secs(40);
/// Files that a server opens beside its clients.
const OTHER_FILES: usize = 200;

/// How much is measured.
#[derive(Debug, Clone)]
pub(crate) struct Extent {
    /// Rounds of each server.
    pub(crate) rounds: usize,
    /// Length of a round.
    pub(crate) span: Duration,
    /// Numbers of clients, one after the other.
    pub(crate) clients: Vec<usize>,
}

/// Measures every number of clients.
pub(crate) async fn run(
    servers: &Servers,
    city: &City,
    extent: &Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    let password = servers.prepare(DATABASE, city, &[station::device(city)?]).await?;
    let hub = HubProcess::start(servers, DATABASE).await?;
    let cookie = http::sign_in(hub.address, &password).await?;
    let (pace, paced) = watch::channel(0.0);
    let measured = async {
        let bare = start_bare(servers, (hub.address, &cookie), &pace).await?;
        let mut stage = Stage { servers, hub: &hub, cookie, pace, bare, clients: None };
        let first = extent.clients.iter().min().copied();
        for clients in &extent.clients {
            if machine::open_files().is_some_and(|files| files < clients + OTHER_FILES) {
                super::say(format!("  LEFT OUT: {clients} clients need more open files"));
                continue;
            }
            stage.clients(*clients).await?;
            stage.measure(*clients, extent, report).await?;
            if first == Some(*clients) {
                stage.wait_for_close(report).await?;
            }
            stage.leave().await?;
        }
        stage.bare.process.stop().await
    };
    tokio::select! {
        ended = station::publish(servers, &city.token, paced) => ended?,
        done = measured => done?,
    }
    hub.process.stop().await
}

struct Bare {
    process: Process,
    address: SocketAddr,
}

/// Records the hub's frames and starts the bare server with them.
async fn start_bare(
    servers: &Servers,
    (address, cookie): (SocketAddr, &str),
    pace: &watch::Sender<f64>,
) -> anyhow::Result<Bare> {
    let mut client = LiveClient::open(address, cookie).await?;
    client.subscribe(1, station::TOPIC).await?;
    pace.send_replace(PACED_HZ);
    let mut lines = String::new();
    let mut recorded = 0;
    while recorded < RECORDED {
        let frame = client.next().await?;
        if frame.text.starts_with("{\"op\":\"delta\"") {
            lines.extend([frame.text.as_str(), "\n"]);
            recorded += 1;
        }
    }
    pace.send_replace(0.0);
    let frames = servers.folder().join("frames.txt");
    std::fs::write(&frames, lines)?;
    let args = BroadcastArgs { frames };
    let mut process = Process::role(&args.words(), &servers.folder().join("broadcast.log"))?;
    let told = |line: &str| line.strip_prefix("listening ")?.parse().ok();
    let address = process.expect("its address", told).await?;
    Ok(Bare { process, address })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Hub,
    Bare,
}

/// What one server did in one round.
#[derive(Debug, Clone, Copy)]
struct Round {
    read: Read,
    /// Processor microseconds of the server per frame read.
    cpu_us: f64,
}

type Of = fn(&Round) -> f64;

/// Both servers, with their clients.
struct Stage<'a> {
    servers: &'a Servers,
    hub: &'a HubProcess,
    cookie: String,
    pace: watch::Sender<f64>,
    bare: Bare,
    /// Of the hub, of the bare server.
    clients: Option<(Process, Process)>,
}

impl Stage<'_> {
    async fn clients(&mut self, clients: usize) -> anyhow::Result<()> {
        super::say(format!("  connecting {clients} clients to each of both servers"));
        let mut processes = Vec::new();
        for (address, cookie) in [(self.hub.address, self.cookie.as_str()), (self.bare.address, "")]
        {
            let args = ClientsArgs { address, clients, topic: station::TOPIC.to_owned() };
            let mut process =
                Process::role(&args.words(), &self.servers.folder().join("clients.log"))?;
            process.tell(cookie).await?;
            process.expect("that it is ready", |line| (line == "ready").then_some(())).await?;
            processes.push(process);
        }
        let bare = processes.pop().context("two processes")?;
        self.clients = processes.pop().map(|hub| (hub, bare));
        Ok(())
    }

    async fn leave(&mut self) -> anyhow::Result<()> {
        if let Some((hub, bare)) = self.clients.take() {
            hub.stop().await?;
            bare.stop().await?;
        }
        Ok(())
    }

    async fn set_pace(&mut self, side: Side, hz: f64) -> anyhow::Result<()> {
        match side {
            Side::Hub => {
                self.pace.send_replace(hz);
                Ok(())
            }
            Side::Bare => self.bare.process.tell(&format!("pace {hz}")).await,
        }
    }

    async fn round(&mut self, side: Side, hz: f64, span: Duration) -> anyhow::Result<Round> {
        self.set_pace(side, hz).await?;
        sleep(SETTLE).await;
        let server = match side {
            Side::Hub => self.hub.process.pid(),
            Side::Bare => self.bare.process.pid(),
        };
        let (of_hub, of_bare) = self.clients.as_mut().context("no clients")?;
        let clients = if side == Side::Hub { of_hub } else { of_bare };
        let before_s = process::cpu_s(server);
        clients.tell(&format!("measure {}", span.as_millis())).await?;
        let read: Read =
            clients.expect("what it read", |line| serde_json::from_str(line).ok()).await?;
        let cpu_s = process::cpu_s(server) - before_s;
        anyhow::ensure!(read.frames > 0, "no client of {side:?} saw a frame; see its log");
        self.set_pace(side, 0.0).await?;
        let (of_hub, of_bare) = self.clients.as_mut().context("no clients")?;
        let clients = if side == Side::Hub { of_hub } else { of_bare };
        clients.tell("quiet").await?;
        clients.expect("that all is quiet", |line| (line == "quiet").then_some(())).await?;
        Ok(Round { read, cpu_us: cpu_s * 1e6 / float(read.frames) })
    }

    async fn measure(
        &mut self,
        clients: usize,
        extent: &Extent,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let many = clients >= FLAT_OUT_FROM;
        let (mut hub, mut stalled, mut bare) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..extent.rounds {
            hub.push(self.round(Side::Hub, PACED_HZ, extent.span).await?);
            if !many {
                let client = self.stalled().await?;
                stalled.push(self.round(Side::Hub, PACED_HZ, extent.span).await?);
                drop(client);
            }
            bare.push(self.round(Side::Bare, PACED_HZ, extent.span).await?);
        }
        let part = format!("fan-out to {clients} clients, {PACED_HZ} frames/s each");
        tell_paced(&part, [&hub, &stalled, &bare], !many, report);
        if many {
            let (mut hub, mut bare) = (Vec::new(), Vec::new());
            for round in 0..extent.rounds {
                let mut sides = [(Side::Hub, FLAT_OUT_MESSAGES_HZ), (Side::Bare, FLAT_OUT_HZ)];
                sides.rotate_left(round % 2);
                for (side, hz) in sides {
                    let done = self.round(side, hz, extent.span).await?;
                    super::say(format!("  {side:?}: {:.0} frames/s", done.read.frames_hz()));
                    if side == Side::Hub { hub.push(done) } else { bare.push(done) }
                }
            }
            let part = format!("fan-out to {clients} clients, flat out");
            tell_flat_out(&part, &hub, &bare, report);
        }
        let part = format!("fan-out to {clients} clients, memory");
        for (name, pid, goal) in [
            ("hub", self.hub.process.pid(), if many { "<= 300 at 5,000" } else { "" }),
            ("bare broadcast", self.bare.process.pid(), ""),
        ] {
            let memory = process::memory(pid).context("a server has ended; see its log")?;
            report.add(&part, format!("{name}: resident"), (memory.resident_mib, "MiB"), goal);
        }
        Ok(())
    }

    /// A client that subscribes and never reads.
    async fn stalled(&self) -> anyhow::Result<LiveClient> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(STALLED_BUFFER_BYTES)?;
        let mut client = LiveClient::on(socket, self.hub.address, &self.cookie).await?;
        for id in 1..=STALLED_SUBSCRIPTIONS {
            client.subscribe(id, station::TOPIC).await?;
        }
        Ok(client)
    }

    /// How long the hub bears a client that does not read.
    async fn wait_for_close(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let closed = "hub_live_slow_clients_total";
        let before = Scrape::take(self.hub.address).await?.value(closed);
        self.set_pace(Side::Hub, PACED_HZ).await?;
        let client = self.stalled().await?;
        let begun = Instant::now();
        while Scrape::take(self.hub.address).await?.value(closed) <= before {
            anyhow::ensure!(begun.elapsed() < STALLED_MAX, "the hub keeps a client that stalls");
            sleep(Duration::from_millis(100)).await;
        }
        drop(client);
        self.set_pace(Side::Hub, 0.0).await?;
        let name = "a client that stops reading is closed after";
        report.add("fan-out, one slow client", name, (begun.elapsed().as_secs_f64(), "s"), "");
        Ok(())
    }
}

fn tell_paced(part: &str, [hub, stalled, bare]: [&[Round]; 3], goal: bool, report: &mut Report) {
    let of = |rounds: &[Round], value: Of| rounds.iter().map(value).collect::<Vec<f64>>();
    let bytes: Of = |round| float(round.read.bytes) / float(round.read.frames);
    report.add(part, "mean frame", (median(&of(hub, bytes)), "bytes"), "");
    let fewest: Of = |round| float(round.read.fewest);
    for (who, rounds, goal) in [
        ("hub", hub, if goal { "<= 250 at 1,000" } else { "" }),
        ("hub, one more client stopped reading", stalled, if goal { "the same" } else { "" }),
        ("bare broadcast", bare, ""),
    ] {
        let figures: [(&str, Of, &'static str, &'static str); 5] = [
            ("frames", |round| round.read.frames_hz(), "frames/s", ""),
            ("frames of the client that got the fewest", fewest, "frames/round", ""),
            ("written to read, p50", |round| round.read.late_p50_ms, "ms", ""),
            ("written to read, p99", |round| round.read.late_p99_ms, "ms", goal),
            ("written to read, longest", |round| round.read.late_max_ms, "ms", ""),
        ];
        if rounds.is_empty() {
            continue;
        }
        for (name, value, unit, goal) in figures {
            let name = format!("{who}: {name}");
            report.add_rounds(part, name, (of(rounds, value), unit), goal);
        }
    }
    tell_ratio(part, hub, bare, report);
}

fn tell_ratio(part: &str, hub: &[Round], bare: &[Round], report: &mut Report) {
    let rate = |rounds: &[Round]| {
        median(&rounds.iter().map(|round| round.read.frames_hz()).collect::<Vec<f64>>())
    };
    let ratio = 100.0 * rate(hub) / rate(bare).max(f64::MIN_POSITIVE);
    let name = "hub / bare broadcast, frames/s, medians";
    report.add(part, name, (ratio, "%"), ">= 85 at 5,000");
}

fn tell_flat_out(part: &str, hub: &[Round], bare: &[Round], report: &mut Report) {
    let of = |rounds: &[Round], value: Of| rounds.iter().map(value).collect::<Vec<f64>>();
    let rate: Of = |round| round.read.frames_hz();
    report.add_rounds(part, "hub: frames", (of(hub, rate), "frames/s"), "");
    report.add_rounds(part, "bare broadcast: frames", (of(bare, rate), "frames/s"), "");
    tell_ratio(part, hub, bare, report);
    for (who, rounds) in [("hub", hub), ("bare broadcast", bare)] {
        let fewest = of(rounds, |round| float(round.read.fewest));
        let name = format!("{who}: frames of the client that got the fewest");
        report.add_rounds(part, name, (fewest, "frames/round"), "");
        let cpu = of(rounds, |round| round.cpu_us);
        report.add_rounds(part, format!("{who}: processor time"), (cpu, "us/frame"), "");
        let late = of(rounds, |round| round.read.late_p99_ms);
        report.add_rounds(part, format!("{who}: written to read, p99"), (late, "ms"), "");
    }
    let again = of(hub, |round| float(round.read.snapshots));
    report.add_rounds(part, "hub: clients that lagged and began anew", (again, "snapshots"), "");
}
