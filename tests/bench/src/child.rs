//! Child processes: the hub's own release binary, and this program again in another role. Each ends
//! with the benchmark: roles at the end of their standard input, the hub by its process id.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use ioc_hub::local::Role;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    http,
    servers::{self, Servers},
};

/// The program under test, beside this one in the target folder.
const HUB: &str = "ioc-hub";
/// Starts a program that may open as many files as this user is allowed to: thousands of clients.
const RAISED: &str = "ulimit -S -n \"$(ulimit -H -n)\"; exec \"$0\" \"$@\"";
/// The rule that contains noisy sources stays at work, but so far away that no part of the benchmark
/// meets it: a thousand stations publish what in a city many thousands do.
pub(crate) const NOISY_FACTOR: &str = "1000000.0";
/// A flood runs on device clocks that advance many times faster than time does. They begin now, since what
/// comes into hours that are over is late data, and the hub has to sum such hours anew.
pub(crate) const CLOCK_AHEAD_S: &str = "86400";
/// Longest wait for a start or an end.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program with its pipes; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) input: Option<ChildStdin>,
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        command.current_dir(servers::ROOT).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().context("start a child process")?;
        let output = child.stdout.take().context("a child without output")?;
        let input = child.stdin.take();
        Ok(Self { child, input, lines: BufReader::new(output).lines() })
    }

    /// This program again, in a role.
    pub(crate) fn role(words: &[String], log: &Path) -> anyhow::Result<Self> {
        let myself = std::env::current_exe().context("find this program")?;
        Self::start(raised(&myself).args(words), log)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// Writes a line to the child.
    pub(crate) async fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the child's input is closed")?;
        input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(input.flush().await?)
    }

    /// Reads lines until one fits.
    pub(crate) async fn expect<T>(
        &mut self,
        what: &str,
        fits: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<T> {
        let read = async {
            while let Some(line) = self.lines.next_line().await? {
                if let Some(found) = fits(&line) {
                    return Ok(found);
                }
            }
            anyhow::bail!("a child ended before it said {what}; see its log")
        };
        timeout(PATIENCE, read).await.with_context(|| format!("a child never said {what}"))?
    }

    /// Asks for a clean stop and waits for it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        if let Some(pid) = self.child.id() {
            let words = ["-c", "kill -s TERM \"$1\"", "stop", &pid.to_string()];
            Command::new("sh").args(words).stderr(Stdio::null()).status().await?;
        }
        // The output is read on, so that a full pipe cannot hold the child up.
        let end = async {
            while let Ok(Some(_line)) = self.lines.next_line().await {}
            self.child.wait().await
        };
        timeout(PATIENCE, end).await.context("a child does not stop")??;
        Ok(())
    }
}

/// The program with its limit of open files raised.
fn raised(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", RAISED]).arg(program);
    command
}

/// Lines of this process's own input; the channel ends with it, and so does a role.
pub(crate) fn input_lines() -> mpsc::Receiver<String> {
    let (lines, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The hub as a process of its own.
#[derive(Debug)]
pub(crate) struct HubProcess {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) started: Instant,
}

/// Environment of a hub on the benchmark's servers.
fn on_servers(command: &mut Command, servers: &Servers, database: &str) {
    let application = servers.connection(database, Role::Application);
    let owner = servers.connection(database, Role::Owner);
    command
        .env("IOC_HTTP_LISTEN", "127.0.0.1:0")
        .env("IOC_BROKER_PORT", servers.mqtt_port().to_string())
        .env("IOC_BROKER_CLIENT_ID", "bench-hub")
        .env("IOC_DATABASE_URL", servers::connection_text(&application))
        .env("IOC_DATABASE_PASSWORD", servers::password_text(&application))
        .env("IOC_DATABASE_OWNER_URL", servers::connection_text(&owner))
        .env("IOC_DATABASE_OWNER_PASSWORD", servers::password_text(&owner))
        .env("IOC_SPOOL_FOLDER", servers.folder().join(format!("spool-{database}")))
        .env("IOC_LIVE_CONNECTIONS_PER_USER", "100000")
        .env("IOC_INGEST_NOISY_FACTOR", NOISY_FACTOR)
        .env("IOC_INGEST_CLOCK_AHEAD_S", CLOCK_AHEAD_S)
        .env("IOC_LOG_LEVEL", "warn");
}

/// The hub's release binary.
fn hub() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe().context("find this program")?.with_file_name(HUB);
    anyhow::ensure!(path.is_file(), "there is no {}: run `make bench`", path.display());
    Ok(path)
}

/// What the hub prints when it listens.
fn announced(line: &str) -> Option<SocketAddr> {
    line.trim().strip_prefix("screens")?.trim().strip_prefix("http://")?.parse().ok()
}

impl HubProcess {
    /// Starts the hub on a prepared database and waits until it is ready.
    pub(crate) async fn start(servers: &Servers, database: &str) -> anyhow::Result<Self> {
        let mut command = raised(&hub()?);
        command.arg("run");
        on_servers(&mut command, servers, database);
        let mut hub = Self::launch(&mut command, &servers.folder().join("hub.log")).await?;
        hub.ready().await?;
        Ok(hub)
    }

    /// Starts the hub with private servers of its own and a simulated city, as `make run` does.
    pub(crate) async fn start_local(folder: &Path, mqtt_port: u16) -> anyhow::Result<Self> {
        let mut command = raised(&hub()?);
        command
            .args(["run", "--local", "--simulate"])
            .env("IOC_HTTP_LISTEN", "127.0.0.1:0")
            .env("IOC_LOCAL_FOLDER", folder)
            .env("IOC_LOCAL_PROGRAMS", "private")
            .env("IOC_LOCAL_MQTT_PORT", mqtt_port.to_string())
            .env("IOC_LOG_LEVEL", "warn");
        Self::launch(&mut command, &folder.join("hub.log")).await
    }

    async fn launch(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let started = Instant::now();
        let mut process = Process::start(command, log)?;
        let address = process.expect("its address", announced).await?;
        Ok(Self { process, address, started })
    }

    /// Waits until every part works; returns the time since the start of the process in seconds.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<f64> {
        let begun = Instant::now();
        while http::get(self.address, "/readyz").await?.status != 200 {
            anyhow::ensure!(begun.elapsed() < PATIENCE, "the hub does not become ready");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(self.started.elapsed().as_secs_f64())
    }
}

/// The simulated city of a design point at its natural rate, without faults.
pub(crate) fn simulated_city(servers: &Servers, scale: &str) -> anyhow::Result<Process> {
    let mut command = raised(&hub()?);
    command
        .args(["simulate", "--scale", scale])
        .env("IOC_BROKER_PORT", servers.mqtt_port().to_string())
        .env("IOC_SIMULATE_FAULTS", "false")
        .env("IOC_LOG_LEVEL", "warn");
    Process::start(&mut command, &servers.folder().join("simulate.log"))
}
