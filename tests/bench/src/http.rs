//! The few requests that a benchmark makes of the hub: one per connection, read to its end.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

async fn exchange(address: SocketAddr, request: &str) -> anyhow::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a head")?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.context("an answer without a status")?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    exchange(address, &request).await
}

/// Asks as somebody who has signed in.
pub(crate) async fn get_as(
    address: SocketAddr,
    path: &str,
    cookie: &str,
) -> anyhow::Result<Answer> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n"
    );
    exchange(address, &request).await
}

/// Signs in and returns the session cookie as `name=value`.
pub(crate) async fn sign_in(address: SocketAddr, password: &str) -> anyhow::Result<String> {
    let body = serde_json::json!({"user": "admin", "password": password}).to_string();
    let request = format!(
        "POST /api/v1/sessions HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(address, &request).await?;
    anyhow::ensure!(answer.status == 201, "sign in: {} {}", answer.status, answer.body);
    let cookie = answer.head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
    });
    cookie.map(str::to_owned).context("no cookie after the sign-in")
}

/// Samples of the Prometheus text format by name with labels.
#[derive(Debug, Default)]
pub(crate) struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    pub(crate) async fn take(address: SocketAddr) -> anyhow::Result<Self> {
        let answer = get(address, "/metrics").await?;
        anyhow::ensure!(answer.status == 200, "/metrics: {}", answer.status);
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(Self(
            answer.body.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect(),
        ))
    }

    /// A counter or gauge without labels; 0 when it is absent.
    pub(crate) fn value(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    /// The quantile of what a histogram counted since `before`, interpolated within its bucket; null
    /// when it counted nothing.
    pub(crate) fn quantile(&self, before: &Self, name: &str, quantile: f64) -> Option<f64> {
        let prefix = format!("{name}_bucket{{le=\"");
        let mut buckets: Vec<(f64, f64)> = self
            .0
            .iter()
            .filter_map(|(key, count)| {
                let edge = key.strip_prefix(&prefix)?.strip_suffix("\"}")?;
                let edge = if edge == "+Inf" { f64::INFINITY } else { edge.parse().ok()? };
                Some((edge, count - before.value(key)))
            })
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let wanted = buckets.last()?.1 * quantile;
        let (mut low, mut below) = (0.0, 0.0);
        for (edge, count) in buckets {
            if count > 0.0 && count >= wanted {
                let share = (wanted - below) / (count - below).max(f64::MIN_POSITIVE);
                return Some(if edge.is_finite() { low + (edge - low) * share } else { low });
            }
            (low, below) = (edge, count);
        }
        None
    }
}
