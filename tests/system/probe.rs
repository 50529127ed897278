//! Whether a broker keeps what comes while the hub is away, as `ioc-hub check` finds it out.

use std::{net::SocketAddr, process::Stdio};

use ioc_ingest::mqtt::{
    Options,
    probe::{Kept, keeps_for_parked},
};
use tokio::{net::TcpStream, process::Child};

use crate::server::{Mosquitto, mosquitto_program, wait_for};

const MESSAGES: usize = 2_000;

/// A broker that nobody has set up: it keeps few messages for an absent client.
async fn forgetful(queue: usize) -> anyhow::Result<(Child, SocketAddr)> {
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let folder = std::env::temp_dir().join(format!("ioc-test-{}-broker", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("mosquitto.conf");
    let text = format!(
        "listener {} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages {queue}\n",
        address.port()
    );
    std::fs::write(&file, text)?;
    let broker = tokio::process::Command::new(mosquitto_program())
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    wait_for("the broker listens", || async { Ok(TcpStream::connect(address).await.ok()) }).await?;
    Ok((broker, address))
}

fn options(address: SocketAddr) -> Options {
    Options::new(&address.ip().to_string(), address.port(), "probe", "can-tho")
}

#[tokio::test]
async fn the_private_broker_keeps_what_comes_while_the_hub_is_away() -> anyhow::Result<()> {
    let broker = Mosquitto::new().await?;
    let kept = keeps_for_parked(&options(broker.address()), MESSAGES).await?;
    assert_eq!(kept, Kept { published: MESSAGES, delivered: MESSAGES });
    Ok(())
}

#[tokio::test]
async fn a_broker_that_drops_is_found_out() -> anyhow::Result<()> {
    let (mut broker, address) = forgetful(300).await?;
    let kept = keeps_for_parked(&options(address), MESSAGES).await?;
    assert_eq!(kept.published, MESSAGES);
    // Up to its window of messages under way more than its queue.
    assert!((300..1_000).contains(&kept.delivered), "{kept:?}");
    broker.kill().await?;
    Ok(())
}

#[tokio::test]
async fn an_absent_broker_is_an_error() -> anyhow::Result<()> {
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let error = keeps_for_parked(&options(address), 1).await.unwrap_err().to_string();
    assert!(error.contains(&address.to_string()), "{error}");
    Ok(())
}
