//! A network that a test can break: stands between the hub and a server and forwards bytes, until it is
//! told to cut, to cut after some bytes of one direction, to delay, to hold everything back, or to
//! refuse.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use ioc_hub::tasks::Tasks;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

use crate::server::DEADLINE;

/// Bytes that are forwarded at a time.
const PIECE_BYTES: usize = 16 * 1024;

/// The server behind the proxy.
#[derive(Debug, Clone)]
pub(crate) enum Server {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    ToServer,
    ToClient,
}

/// What happens to bytes and to new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Delayed(Duration),
    /// Nothing passes, and nobody is told.
    Paused,
    /// New connections end at once.
    Refusing,
}

struct Shared {
    server: Server,
    mode: watch::Sender<Mode>,
    /// Cuts so far; each ends every connection.
    cuts: watch::Sender<u64>,
    /// Bytes that still pass in this direction before the next cut.
    left: Mutex<Option<(Way, u64)>>,
}

/// A proxy on a loopback port; it ends with its value.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: Tasks,
}

impl Proxy {
    /// Listens on any free port and forwards to the server.
    pub(crate) async fn before(server: Server) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            mode: watch::Sender::new(Mode::Open),
            cuts: watch::Sender::new(0),
            left: Mutex::new(None),
        });
        let tasks = Tasks::new();
        tasks.spawn_short("proxy", accept(listener, Arc::clone(&shared), tasks.clone()));
        Ok(Self { address, shared, tasks })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection now.
    pub(crate) fn cut(&self) {
        self.shared.cut();
    }

    /// Lets so many more bytes pass in one direction, cuts every connection after them, and returns
    /// when that is done.
    pub(crate) async fn cut_after(&self, way: Way, bytes: u64) -> anyhow::Result<()> {
        let mut cuts = self.shared.cuts.subscribe();
        cuts.mark_unchanged();
        *self.shared.left() = Some((way, bytes.max(1)));
        let cut = tokio::time::timeout(DEADLINE, cuts.changed()).await;
        Ok(cut.with_context(|| format!("{bytes} bytes did not pass in time"))??)
    }

    /// Every piece waits this long.
    pub(crate) fn delay(&self, by: Duration) {
        self.shared.mode.send_replace(Mode::Delayed(by));
    }

    /// Nothing passes, and connections stay: a dead line.
    pub(crate) fn pause(&self) {
        self.shared.mode.send_replace(Mode::Paused);
    }

    /// Cuts, and ends new connections at once.
    pub(crate) fn refuse(&self) {
        self.shared.mode.send_replace(Mode::Refusing);
        self.cut();
    }

    /// Forwards again.
    pub(crate) fn open(&self) {
        self.shared.mode.send_replace(Mode::Open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

impl Shared {
    fn left(&self) -> std::sync::MutexGuard<'_, Option<(Way, u64)>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many of these bytes pass, and whether the cut comes after them.
    fn take(&self, way: Way, bytes: usize) -> (usize, bool) {
        let mut left = self.left();
        let Some((limited, rest)) = left.as_mut() else { return (bytes, false) };
        if *limited != way {
            return (bytes, false);
        }
        let wanted = u64::try_from(bytes).unwrap_or(u64::MAX);
        if wanted < *rest {
            *rest -= wanted;
            return (bytes, false);
        }
        let passing = usize::try_from(*rest).unwrap_or(bytes);
        *left = None;
        (passing, true)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tasks: Tasks) -> std::io::Result<()> {
    let stop = tasks.stop_token();
    loop {
        let client = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            accepted = listener.accept() => accepted?.0,
        };
        if *shared.mode.borrow() == Mode::Refusing {
            continue;
        }
        client.set_nodelay(true)?;
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn_short("proxied connection", async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // However it ends: both sides see it.
                _ended = connection(&shared, client) => {}
            }
            Ok::<(), std::io::Error>(())
        });
    }
}

async fn connection(shared: &Shared, client: TcpStream) -> std::io::Result<()> {
    let mut cuts = shared.cuts.subscribe();
    cuts.mark_unchanged();
    match &shared.server {
        Server::Tcp(address) => {
            let server = TcpStream::connect(address).await?;
            server.set_nodelay(true)?;
            join(shared, client, server, cuts).await
        }
        Server::Unix(path) => join(shared, client, UnixStream::connect(path).await?, cuts).await,
    }
}

/// Forwards in both directions until one ends or the next cut comes.
async fn join(
    shared: &Shared,
    client: TcpStream,
    server: impl AsyncRead + AsyncWrite,
    mut cuts: watch::Receiver<u64>,
) -> std::io::Result<()> {
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    tokio::select! {
        ended = forward(shared, Way::ToServer, from_client, to_server) => ended,
        ended = forward(shared, Way::ToClient, from_server, to_client) => ended,
        _cut = cuts.changed() => Ok(()),
    }
}

async fn forward(
    shared: &Shared,
    way: Way,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut mode = shared.mode.subscribe();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let bytes = from.read(&mut piece).await?;
        if bytes == 0 {
            return Ok(());
        }
        let passing = mode.wait_for(|mode| *mode != Mode::Paused).await.map(|mode| *mode);
        if let Ok(Mode::Delayed(by)) = passing {
            tokio::time::sleep(by).await;
        }
        let (passing, last) = shared.take(way, bytes);
        to.write_all(&piece[..passing]).await?;
        if last {
            to.flush().await?;
            shared.cut();
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo(tasks: &Tasks) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let all = tasks.clone();
        tasks.spawn_short("echo", async move {
            while let Ok((socket, _from)) = listener.accept().await {
                all.spawn_short("echoed", async move {
                    let (mut from, mut to) = socket.into_split();
                    let _ended = tokio::io::copy(&mut from, &mut to).await;
                    Ok::<(), std::io::Error>(())
                });
            }
            Ok::<(), std::io::Error>(())
        });
        Ok(address)
    }

    async fn come_back(socket: &mut TcpStream, bytes: usize) -> anyhow::Result<Vec<u8>> {
        socket.write_all(&vec![7; bytes]).await?;
        let mut back = Vec::new();
        let reading = async {
            while back.len() < bytes {
                if socket.read_buf(&mut back).await.unwrap_or(0) == 0 {
                    break;
                }
            }
        };
        tokio::time::timeout(DEADLINE, reading).await?;
        Ok(back)
    }

    #[tokio::test]
    async fn a_cut_comes_after_exactly_so_many_bytes_of_one_direction() -> anyhow::Result<()> {
        let tasks = Tasks::new();
        let proxy = Proxy::before(Server::Tcp(echo(&tasks).await?)).await?;
        let mut socket = TcpStream::connect(proxy.address()).await?;
        assert_eq!(come_back(&mut socket, 100).await?.len(), 100);
        let cut = proxy.cut_after(Way::ToClient, 30);
        let (cut, back) = tokio::join!(cut, come_back(&mut socket, 100));
        cut?;
        assert_eq!(back?.len(), 30);
        let mut socket = TcpStream::connect(proxy.address()).await?;
        assert_eq!(come_back(&mut socket, 100).await?.len(), 100, "the next connection is whole");
        Ok(())
    }

    #[tokio::test]
    async fn a_paused_line_holds_everything_and_a_refusing_one_takes_nobody() -> anyhow::Result<()>
    {
        let tasks = Tasks::new();
        let proxy = Proxy::before(Server::Tcp(echo(&tasks).await?)).await?;
        let mut socket = TcpStream::connect(proxy.address()).await?;
        proxy.pause();
        let mut answered = false;
        {
            let back = come_back(&mut socket, 10);
            tokio::pin!(back);
            tokio::select! {
                _back = &mut back => answered = true,
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
            assert!(!answered, "something passed a dead line");
            proxy.open();
            assert_eq!(back.await?.len(), 10);
        }
        proxy.refuse();
        let mut next = TcpStream::connect(proxy.address()).await?;
        assert_eq!(come_back(&mut next, 10).await.map_or(0, |back| back.len()), 0);
        assert_eq!(come_back(&mut socket, 10).await.map_or(0, |back| back.len()), 0);
        Ok(())
    }
}
