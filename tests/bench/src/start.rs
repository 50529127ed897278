//! From the start of the hub's binary to readiness and to the first moving value on a socket: once
//! with an empty data folder, once more with what the first start left. As `make run` starts it, with
//! private servers and the simulated city; downloads and builds are not part of it.

use std::{net::TcpListener, os::unix::fs::symlink, path::Path};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use ioc_hub::clock::SharedClock;

use super::{
    child::HubProcess,
    http,
    live::{LiveClient, rows},
    report::Report,
    servers::ROOT,
};

const PART: &str = "start of the hub with private servers and the simulated city";
/// Place of `age_ms` in a row of the topic `devices`.
const AGE: usize = 3;

/// Two starts, one after the other.
pub(crate) async fn run(
    folder: &Path,
    clock: &SharedClock,
    report: &mut Report,
) -> anyhow::Result<()> {
    let local = folder.join("start");
    std::fs::create_dir_all(&local)?;
    symlink(Path::new(ROOT).join(".local/programs"), local.join("programs"))?;
    let cold = start(&local, clock, None).await?;
    let warm = start(&local, clock, Some(&cold.password)).await?;
    for (name, start) in [("cold", &cold), ("warm", &warm)] {
        report.add(PART, format!("{name}: ready after"), (start.ready_s, "s"), "");
        let name = format!("{name}: first moving value after");
        report.add(PART, name, (start.moving_s, "s"), "<= 5");
    }
    Ok(())
}

struct Start {
    password: String,
    ready_s: f64,
    moving_s: f64,
}

async fn start(local: &Path, clock: &SharedClock, known: Option<&str>) -> anyhow::Result<Start> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let started_at = clock.now();
    let mut hub = HubProcess::start_local(local, port).await?;
    let password = match known {
        Some(password) => password.to_owned(),
        None => hub.process.expect("the first password", first_password).await?,
    };
    let ready_s = hub.ready().await?;
    let cookie = http::sign_in(hub.address, &password).await?;
    let mut client = LiveClient::open(hub.address, &cookie).await?;
    client.subscribe(1, "devices").await?;
    let moving_s = loop {
        let frame = client.next().await?;
        let json = frame.json()?;
        if rows(&json, 1).iter().any(|row| is_newer(&json["time"], &row[AGE], started_at)) {
            break (frame.at - hub.started).as_secs_f64();
        }
    };
    hub.process.stop().await?;
    Ok(Start { password, ready_s, moving_s })
}

/// Whether a value was measured after `since`, by the frame's time and the value's age.
fn is_newer(time: &serde_json::Value, age_ms: &serde_json::Value, since: DateTime<Utc>) -> bool {
    let measured = || -> anyhow::Result<DateTime<Utc>> {
        let time: DateTime<Utc> = time.as_str().context("a frame without time")?.parse()?;
        Ok(time - TimeDelta::milliseconds(age_ms.as_i64().context("never measured")?))
    };
    measured().is_ok_and(|measured| measured >= since)
}

fn first_password(line: &str) -> Option<String> {
    line.trim().strip_prefix("password").map(|password| password.trim().to_owned())
}
