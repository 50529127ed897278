//! A browser as the tests need it: requests over sockets of their own, with the session's cookie.
//!
//! Speaks HTTP/1.0, so that an answer ends with its connection.

use std::{fmt::Write as _, net::SocketAddr};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::server::DEADLINE;

/// Somebody at a screen, signed in or not.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    pub(crate) cookie: Option<String>,
}

/// An answer of the hub.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").context("no head")?;
        let head = String::from_utf8(bytes[..end].to_vec())?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok(Self { status, head, body: bytes[end + 4..].to_vec() })
    }

    /// Value of a header; names in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {}", self.text()))
    }

    /// The JSON of an answer with this status.
    pub(crate) fn expect(&self, status: u16) -> anyhow::Result<Value> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text());
        if self.body.is_empty() { Ok(Value::Null) } else { self.json() }
    }

    /// That this is a problem document with this code and field.
    pub(crate) fn expect_problem(
        &self,
        status: u16,
        code: &str,
        field: Option<&str>,
    ) -> anyhow::Result<()> {
        let problem = self.expect(status)?;
        ensure!(self.header("content-type") == Some("application/problem+json"), "{}", self.head);
        ensure!(problem["code"] == code && problem["field"] == json!(field), "{problem}");
        ensure!(problem["type"] == format!("urn:ioc-hub:problem:{code}"), "{problem}");
        ensure!(problem["status"] == status, "{problem}");
        Ok(())
    }
}

impl Browser {
    /// Nobody.
    pub(crate) const fn anonymous(address: SocketAddr) -> Self {
        Self { address, cookie: None }
    }

    /// Signs in through the API.
    pub(crate) async fn sign_in(
        address: SocketAddr,
        user: &str,
        password: &str,
    ) -> anyhow::Result<Self> {
        let body = json!({"user": user, "password": password});
        let answer = Self::anonymous(address).post("/api/v1/sessions", &body).await?;
        answer.expect(201)?;
        let cookie = answer.header("set-cookie").context("no cookie")?;
        let pair = cookie.split(';').next().context("an empty cookie")?;
        Ok(Self { address, cookie: Some(pair.to_owned()) })
    }

    /// A request with these headers.
    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let mut head = format!("{method} {path} HTTP/1.0\r\nhost: {}\r\n", self.address);
        let cookie = self.cookie.as_deref().map(|cookie| ("cookie", cookie));
        for (name, value) in headers.iter().copied().chain(cookie) {
            write!(head, "{name}: {value}\r\n")?;
        }
        if !body.is_empty() {
            write!(head, "content-length: {}\r\n", body.len())?;
        }
        head.push_str("\r\n");
        let talk = async {
            let mut socket = TcpStream::connect(self.address).await?;
            socket.write_all(&[head.as_bytes(), body].concat()).await?;
            let mut bytes = Vec::new();
            socket.read_to_end(&mut bytes).await?;
            Answer::read(&bytes)
        };
        let answer = tokio::time::timeout(DEADLINE, talk).await;
        answer.with_context(|| format!("{method} {path}: no answer"))?
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.request("GET", path, &[], b"").await
    }

    /// The JSON of a good answer.
    pub(crate) async fn json(&self, path: &str) -> anyhow::Result<Value> {
        self.get(path).await?.expect(200).with_context(|| path.to_owned())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/json")];
        self.request("POST", path, &headers, body.as_bytes()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let headers = [("content-type", "application/json")];
        self.request("PUT", path, &headers, body.to_string().as_bytes()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.request("DELETE", path, &[], b"").await
    }
}
