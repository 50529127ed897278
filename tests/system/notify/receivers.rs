//! Receivers of notifications: an HTTP server and an SMTP server (RFC 5321, as far as a client needs it)
//! that note what they get and behave as they are told.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use base64::Engine as _;
use ioc_hub::tasks::Tasks;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Behaviour {
    /// Takes it.
    Take,
    /// Answers with this status so many times, then takes it.
    Fail(u16, u32),
    /// Never answers.
    Hang,
    /// Sends elsewhere.
    Redirect,
    /// Takes it after this time.
    Late(Duration),
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) body: Bytes,
    pub(super) key: String,
    pub(super) signature: String,
    pub(super) content_type: String,
}

#[derive(Default)]
struct Noted {
    got: HashMap<String, Vec<Hook>>,
    behaviours: HashMap<String, Behaviour>,
}

/// An HTTP server with one path per endpoint.
pub(super) struct Hooks {
    noted: Arc<Mutex<Noted>>,
    address: SocketAddr,
    tasks: Tasks,
}

impl Hooks {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let noted: Arc<Mutex<Noted>> = Arc::default();
        let router = Router::new().route("/{name}", any(receive)).with_state(Arc::clone(&noted));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let tasks = Tasks::new();
        tasks.spawn_short("hooks", async move { axum::serve(listener, router).await });
        Ok(Self { noted, address, tasks })
    }

    pub(super) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    pub(super) fn behave(&self, name: &str, behaviour: Behaviour) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.behaviours.insert(name.to_owned(), behaviour);
    }

    pub(super) fn got(&self, name: &str) -> Vec<Hook> {
        let noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.got.get(name).cloned().unwrap_or_default()
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

async fn receive(
    State(noted): State<Arc<Mutex<Noted>>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let hook = Hook {
        body,
        key: text("idempotency-key"),
        signature: text("x-hub-signature"),
        content_type: text("content-type"),
    };
    let behaviour = {
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.got.entry(name.clone()).or_default().push(hook);
        let behaviour = noted.behaviours.entry(name).or_insert(Behaviour::Take);
        let now = *behaviour;
        if let Behaviour::Fail(status, left) = now {
            *behaviour = if left > 1 { Behaviour::Fail(status, left - 1) } else { Behaviour::Take };
        }
        now
    };
    match behaviour {
        Behaviour::Take => StatusCode::OK.into_response(),
        Behaviour::Fail(status, _) => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT).into_response()
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Redirect => {
            (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response()
        }
        Behaviour::Late(after) => {
            tokio::time::sleep(after).await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

/// An e-mail as it came.
#[derive(Debug, Clone)]
pub(super) struct Mailed {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    data: String,
}

impl Mailed {
    /// A header with its continuation lines.
    pub(super) fn header(&self, name: &str) -> String {
        let unfolded = self.data.replace("\r\n ", " ");
        let begin = format!("{name}: ");
        let line = unfolded.lines().find_map(|line| line.strip_prefix(&begin));
        line.unwrap_or_default().trim().to_owned()
    }

    /// The subject; encoded words (RFC 2047) in base64 are read.
    pub(super) fn subject(&self) -> String {
        let mut text = String::new();
        let mut was_encoded = false;
        for word in self.header("Subject").split(' ') {
            let encoded = word.strip_prefix("=?utf-8?b?").and_then(|rest| rest.strip_suffix("?="));
            // White space between two encoded words is none.
            if !(text.is_empty() || was_encoded && encoded.is_some()) {
                text.push(' ');
            }
            was_encoded = encoded.is_some();
            text.push_str(&encoded.map_or_else(|| word.to_owned(), decoded));
        }
        text
    }

    /// The text; quoted-printable and base64 (RFC 2045) are read.
    pub(super) fn body(&self) -> String {
        let body = self.data.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        match self.header("Content-Transfer-Encoding").as_str() {
            "base64" => decoded(&body.replace("\r\n", "")),
            "quoted-printable" => unquoted(body),
            _ => body.to_owned(),
        }
    }
}

fn decoded(text: &str) -> String {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn unquoted(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'=' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

#[derive(Default)]
struct Mailbox {
    got: Vec<Mailed>,
    busy: u32,
}

/// An SMTP server.
pub(super) struct Mail {
    mailbox: Arc<Mutex<Mailbox>>,
    address: SocketAddr,
    tasks: Tasks,
}

impl Mail {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let mailbox: Arc<Mutex<Mailbox>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let tasks = Tasks::new();
        let serving = serve(listener, Arc::clone(&mailbox), tasks.clone());
        tasks.spawn_short("mail", serving);
        Ok(Self { mailbox, address, tasks })
    }

    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Refuses the next so many e-mails for the time being.
    pub(super) fn busy(&self, times: u32) {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).busy = times;
    }

    pub(super) fn got(&self) -> Vec<Mailed> {
        self.mailbox.lock().unwrap_or_else(PoisonError::into_inner).got.clone()
    }
}

impl Drop for Mail {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

async fn serve(
    listener: TcpListener,
    mailbox: Arc<Mutex<Mailbox>>,
    tasks: Tasks,
) -> std::io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let mailbox = Arc::clone(&mailbox);
        tasks.spawn_short("mail session", async move {
            // A client that goes away in the middle is no error of the server.
            drop(session(stream, &mailbox).await);
            Ok::<(), std::io::Error>(())
        });
    }
}

/// The address between angle brackets.
fn address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('<')?;
    Some(rest.split_once('>')?.0.to_owned())
}

/// One connection of a client.
async fn session(stream: TcpStream, mailbox: &Mutex<Mailbox>) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test ESMTP\r\n").await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-test\r\n250 8BITMIME\r\n",
            "MAIL" => {
                let busy = {
                    let mut mailbox = mailbox.lock().unwrap_or_else(PoisonError::into_inner);
                    let busy = mailbox.busy > 0;
                    mailbox.busy = mailbox.busy.saturating_sub(1);
                    busy
                };
                from = address(&line).context("a sender")?;
                to.clear();
                if busy { b"450 busy, come back\r\n" } else { b"250 fine\r\n" }
            }
            "RCPT" => {
                let recipient = address(&line).context("a recipient")?;
                if recipient.starts_with("unknown@") {
                    b"550 no such user\r\n"
                } else {
                    to.push(recipient);
                    b"250 fine\r\n"
                }
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut data = String::new();
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await?;
                    if line == ".\r\n" || line.is_empty() {
                        break;
                    }
                    // A line that begins with a dot has one more on the way.
                    data.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                let mailed = Mailed { from: from.clone(), to: to.clone(), data };
                mailbox.lock().unwrap_or_else(PoisonError::into_inner).got.push(mailed);
                b"250 taken\r\n"
            }
            "RSET" | "NOOP" => b"250 fine\r\n",
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => b"502 unknown\r\n",
        };
        stream.write_all(answer).await?;
    }
}
