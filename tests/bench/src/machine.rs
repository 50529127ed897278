//! What a figure depends on: the machine, and the versions of the programs. Anything that cannot be
//! found is null; nothing here decides whether a benchmark runs.

use std::{fs, path::Path, process::Stdio, time::Duration};

use rumqttc::v5::{
    AsyncClient, Event, MqttOptions,
    mqttbytes::{QoS, v5::Packet},
};
use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use super::servers::{ROOT, Servers};

/// Where Mosquitto tells its version; it repeats its figures every 10 s.
const BROKER_VERSION: &str = "$SYS/broker/version";
const BROKER_PATIENCE: Duration = Duration::from_secs(12);
const DATABASE_VERSION: &str = "select current_setting('server_version'), \
    (select default_version from pg_available_extensions where name = 'timescaledb')";

/// Cores, memory, processor and kernel.
pub(crate) fn describe() -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| -> Option<String> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let memory_kib = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    json!({
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
        "memory_mib": memory_kib.map(|kib| kib / 1024),
        "processor": field(&read("/proc/cpuinfo"), "model name"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "open_files": open_files(),
    })
}

/// Files that a process may open when it asks for as many as it is allowed.
pub(crate) fn open_files() -> Option<usize> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Versions of what was built here.
pub(crate) async fn built() -> Value {
    json!({
        "hub": ioc_hub::hub::BUILD,
        "revision": first_line("git", &["rev-parse", "--short", "HEAD"]).await,
        "changed_files": output("git", &["status", "--porcelain"]).await.map(|o| o.lines().count()),
        "rustc": first_line("rustc", &["--version"]).await,
    })
}

/// Versions of the servers.
pub(crate) async fn of_servers(servers: &Servers) -> anyhow::Result<Value> {
    let client = servers.client("postgres").await?;
    let row = client.query_one(DATABASE_VERSION, &[]).await?;
    let (postgresql, timescaledb): (String, Option<String>) = (row.get(0), row.get(1));
    let broker = timeout(BROKER_PATIENCE, broker_version(servers.mqtt_port())).await;
    let broker = broker.ok().transpose()?;
    Ok(json!({"postgresql": postgresql, "timescaledb": timescaledb, "broker": broker}))
}

async fn broker_version(port: u16) -> anyhow::Result<String> {
    let (client, mut events) =
        AsyncClient::new(MqttOptions::new("bench-version", "127.0.0.1", port), 4);
    client.subscribe(BROKER_VERSION, QoS::AtMostOnce).await?;
    loop {
        if let Event::Incoming(Packet::Publish(publish)) = events.poll().await? {
            return Ok(String::from_utf8_lossy(&publish.payload).into_owned());
        }
    }
}

async fn output(program: &str, words: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(words).current_dir(Path::new(ROOT)).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().await.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn first_line(program: &str, words: &[&str]) -> Option<String> {
    output(program, words).await?.lines().next().map(str::to_owned)
}
