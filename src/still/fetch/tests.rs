//! Pictures from a server of this machine that answers as it is told to.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture";

fn camera() -> Source {
    Source::parse("cam-001").unwrap()
}

fn fetcher(address: &str, hosts: &[&str]) -> Fetcher {
    Fetcher::new(FetchSettings {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        address: Address::parse(address, None).unwrap(),
        credentials: Some(("viewer".into(), "secret".into())),
        tls: None,
        timeout: Duration::from_millis(500),
        bytes_max: 1_000,
    })
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut bytes = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    bytes.extend(body);
    bytes
}

/// Answers one connection after the other with these, and gives back the heads of the requests.
async fn served(
    listener: TcpListener,
    answers: Vec<Vec<u8>>,
    fetching: impl Future<Output = Taken>,
) -> (Taken, Vec<String>) {
    let serving = async {
        let mut heads = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            heads.push(String::from_utf8(head).unwrap());
            // A client that has seen enough may be gone.
            let _gone = stream.write_all(&answer).await;
        }
        heads
    };
    let (taken, heads) = tokio::join!(fetching, serving);
    (taken, heads)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// What one answer of the camera becomes.
async fn one(answer: Vec<u8>) -> Taken {
    let (listener, at) = listen().await;
    let host = at.to_string();
    let fetcher = fetcher(&format!("http://{at}/still/{{id}}.jpg"), &[&host]);
    served(listener, vec![answer], fetcher.picture(&camera())).await.0
}

#[tokio::test]
async fn a_picture_is_fetched_with_the_id_and_the_password() {
    let (listener, at) = listen().await;
    let host = at.to_string();
    let fetcher = fetcher(&format!("http://{at}/still/{{id}}.jpg?size=1"), &[&host]);
    let picture = answer("200 OK\r\ncontent-type: image/jpeg; x=1", JPEG);
    let (taken, heads) = served(listener, vec![picture], fetcher.picture(&camera())).await;
    assert_eq!(taken, Ok(("image/jpeg", Bytes::from_static(JPEG))));
    assert!(heads[0].starts_with("GET /still/cam-001.jpg?size=1 HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("authorization: Basic dmlld2VyOnNlY3JldA=="), "{}", heads[0]);
    assert!(heads[0].contains(&format!("host: {at}\r\n")), "{}", heads[0]);
}

#[tokio::test]
async fn only_named_hosts_are_asked_at_first_and_after_a_redirect() {
    let (listener, at) = listen().await;
    let host = at.to_string();
    let stranger = fetcher(&format!("http://{at}/{{id}}"), &["127.0.0.1"]);
    assert_eq!(stranger.picture(&camera()).await, Err(FetchError::Host(host.clone())));
    let known = fetcher(&format!("http://{at}/{{id}}"), &[&host]);
    let elsewhere = answer("302 Found\r\nlocation: http://127.0.0.1:1/secret", b"");
    let (taken, _) = served(listener, vec![elsewhere], known.picture(&camera())).await;
    assert_eq!(taken, Err(FetchError::Host("127.0.0.1:1".into())));
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed_and_not_for_ever() {
    let (listener, at) = listen().await;
    let host = at.to_string();
    let known = fetcher(&format!("http://{at}/{{id}}"), &[&host]);
    let onward = || answer("307 Temporary Redirect\r\nlocation: /b?c=1", b"");
    let picture = answer("200 OK\r\ncontent-type: image/png", b"png");
    let (taken, heads) = served(listener, vec![onward(), picture], known.picture(&camera())).await;
    assert_eq!(taken, Ok(("image/png", Bytes::from_static(b"png"))));
    assert!(heads[1].starts_with("GET /b?c=1 "), "{}", heads[1]);

    let (listener, at) = listen().await;
    let host = at.to_string();
    let known = fetcher(&format!("http://{at}/{{id}}"), &[&host]);
    let answers = (0..=REDIRECTS_MAX).map(|_| onward()).collect();
    let (taken, _) = served(listener, answers, known.picture(&camera())).await;
    assert_eq!(taken, Err(FetchError::Redirects));
}

#[tokio::test]
async fn what_is_no_picture_is_not_passed_on() {
    let page = answer("200 OK\r\ncontent-type: text/html", b"<script>");
    assert_eq!(one(page).await, Err(FetchError::MediaType("text/html".into())));
    let drawing = answer("200 OK\r\ncontent-type: image/svg+xml", b"<svg/>");
    assert_eq!(one(drawing).await, Err(FetchError::MediaType("image/svg+xml".into())));
    assert_eq!(one(answer("401 Unauthorized", b"")).await, Err(FetchError::Refused(401)));
    assert_eq!(one(answer("503 Busy", b"")).await, Err(FetchError::Status(503)));
    let large = answer("200 OK\r\ncontent-type: image/jpeg", &[0; 1_001]);
    assert_eq!(one(large).await, Err(FetchError::TooLarge(1_000)));
    assert!(matches!(one(b"nonsense\r\n\r\n".to_vec()).await, Err(FetchError::Broken(_))));
}

#[tokio::test]
async fn a_camera_that_says_nothing_is_given_up_and_one_that_is_off_is_told_apart() {
    let (listener, at) = listen().await;
    let host = at.to_string();
    let silent = fetcher(&format!("http://{at}/{{id}}"), &[&host]);
    assert_eq!(silent.picture(&camera()).await, Err(FetchError::TimedOut));
    drop(listener);
    assert!(matches!(silent.picture(&camera()).await, Err(FetchError::Unreachable(_))));
}

#[test]
fn an_address_is_checked_before_it_is_used() {
    let hosts = ["video.example:8080".to_owned()];
    let parse = |text: &str| Address::parse(text, Some(&hosts));
    let address = parse("http://video.example:8080/{id}.jpg").unwrap();
    assert_eq!(address.of(&camera()), "http://video.example:8080/cam-001.jpg");
    for bad in
        ["", "video.example", "/a", "ftp://video.example:8080/", "http://u:p@video.example:8080/"]
    {
        assert_eq!(parse(bad), Err(AddressError::Form), "{bad}");
    }
    assert_eq!(parse("http://video.example/"), Err(AddressError::Host("video.example".into())));
}

#[test]
fn a_redirect_may_name_a_path_or_a_whole_address() {
    let from: Uri = "http://a.example/x?y=1".parse().unwrap();
    let to = |location| onward(&from, location).map(|uri| uri.to_string());
    assert_eq!(to("/z?w=2").as_deref(), Some("http://a.example/z?w=2"));
    assert_eq!(to("https://b.example/z").as_deref(), Some("https://b.example/z"));
    assert_eq!(to("//b.example/z"), None);
    assert_eq!(to("z.jpg"), None);
}
