//! The private Mosquitto: its configuration, its start, and where it listens.
//! Loopback only and without passwords, as the machine's own users are trusted.
//!
//! Its queue is written every ten seconds and at a clean stop: a broker that
//! crashes loses what it accepted since the last time.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::error::{LocalError, folder_error};
use super::guard::{Guarded, Launch, Slot};
use super::place::Place;
use super::{LocalSettings, Programs, Progress};

/// The broker opens its port within this time, also with a large queue to read, s.
const READY_S: u64 = 60;

/// The private broker while it runs.
#[derive(Debug)]
pub struct Broker {
    server: Guarded,
    address: SocketAddr,
}

impl Broker {
    /// Where it listens, on the loopback interface.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Process id of Mosquitto; none when it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Waits until the broker ends by itself.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost when the future is dropped.
    pub async fn ended(&mut self) -> LocalError {
        self.server.ended().await
    }

    /// Stops the broker; it writes its queue first.
    ///
    /// # Errors
    /// [`LocalError::SlowStop`] after five seconds.
    pub async fn stop(self) -> Result<(), LocalError> {
        self.server.stop().await
    }
}

/// Starts the broker alone. A port of 0 takes any free one.
///
/// # Errors
/// The port is taken, another hub uses the folder, or Mosquitto does not start.
pub async fn start_broker(
    settings: &LocalSettings,
    programs: &Programs,
    progress: Progress<'_>,
) -> Result<Broker, LocalError> {
    let place = Place::of(settings, &|_| {})?; // `fetch` has said where
    let slot = Slot::take(&place, "broker").await?;
    let queue = place.own_folder("mosquitto")?;
    let port = free_port(settings.mqtt_port, place.account.is_some())?;
    let file = place.data.join("mosquitto.conf");
    std::fs::write(&file, render(port, &queue)).map_err(|source| folder_error(&file, source))?;
    let command = vec![programs.mosquitto.clone().into(), "-c".into(), file.into()];
    let server = slot.start(&place, Launch { command, signals: ["TERM", "KILL"] })?;
    let mut broker = Broker { server, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
    wait_ready(&mut broker).await?;
    progress(&format!("the private broker listens on {}", broker.address));
    Ok(broker)
}

async fn wait_ready(broker: &mut Broker) -> Result<(), LocalError> {
    let begun = Instant::now();
    while TcpStream::connect(broker.address).await.is_err() {
        if let Some(error) = broker.server.has_ended() {
            return Err(error);
        }
        if begun.elapsed() >= Duration::from_secs(READY_S) {
            return Err(broker.server.not_ready(READY_S));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Opens the port for a moment: a port that is taken is told before anything starts.
///
/// `unprivileged`: root starts the broker as a user that may not have the low ports.
fn free_port(port: u16, unprivileged: bool) -> Result<u16, LocalError> {
    if unprivileged && (1..1024).contains(&port) {
        return Err(LocalError::Port { port, source: std::io::ErrorKind::PermissionDenied.into() });
    }
    let opened =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    match opened {
        Ok(address) => Ok(address.port()),
        Err(source) if source.kind() == std::io::ErrorKind::AddrInUse => {
            Err(LocalError::PortTaken { port })
        }
        Err(source) => Err(LocalError::Port { port, source }),
    }
}

/// The configuration. Queue limits are large numbers, because 0 does not mean
/// "no limit" in every version; one message may have 1 MiB. `message_size_limit`
/// refuses that message alone, where `max_packet_size` would cut the device off.
fn render(port: u16, queue: &Path) -> String {
    format!(
        "# Written by the hub at every start.\n\
        listener {port} 127.0.0.1\n\
        allow_anonymous true\n\
        set_tcp_nodelay true\n\
        message_size_limit 1048576\n\
        max_inflight_messages 20000\n\
        max_queued_messages 10000000\n\
        max_queued_bytes 1073741824\n\
        persistence true\n\
        persistence_location {}/\n\
        autosave_interval 10\n\
        sys_interval 10\n\
        log_dest stderr\n\
        log_type error\n\
        log_type warning\n\
        log_type notice\n\
        log_timestamp_format %Y-%m-%dT%H:%M:%S\n",
        queue.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broker_listens_on_loopback_and_keeps_its_queue() {
        let text = render(1883, Path::new("/srv/my data/mosquitto"));
        assert!(text.contains("\nlistener 1883 127.0.0.1\n"));
        assert!(text.contains("\npersistence_location /srv/my data/mosquitto/\n"));
        assert_eq!(text.lines().filter(|line| line.starts_with("listener")).count(), 1);
    }

    #[test]
    fn taken_port_is_named_with_its_key() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = free_port(port, false).unwrap_err().to_string();
        assert!(
            message.contains(&format!("port {port}")) && message.contains("local.mqtt_port"),
            "{message}"
        );
    }

    #[test]
    fn low_port_is_refused_where_the_broker_is_not_root() {
        let message = free_port(883, true).unwrap_err().to_string();
        assert!(message.contains("above 1023"), "{message}");
    }

    #[test]
    fn port_zero_gives_any_free_port() {
        assert_ne!(free_port(0, true).unwrap(), 0);
    }
}
