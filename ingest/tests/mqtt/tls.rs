//! Encrypted connections: who is trusted, who we are, and which file is wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::fake_broker::{Broker, Link, Outcome, mark, within};
use crate::hub::{Hub, options};
use ioc_ingest::mqtt::{Cause, Options, TlsOptions};

/// A certificate authority with certificates for the broker and the hub, in a folder of its own.
struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// `name` keeps the folders of tests that run at the same time apart.
    fn new(name: &str) -> Outcome<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mqtt-tls").join(name);
        fs::create_dir_all(&folder)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("{name} root"));
        let key = KeyPair::generate()?;
        fs::write(folder.join("ca.pem"), params.self_signed(&key)?.pem())?;
        Ok(Self { folder, issuer: Issuer::new(params, key) })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes `{name}.pem` and `{name}.key`: a certificate for the host or client `subject`.
    fn issue(&self, name: &str, subject: &str) -> Outcome {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![subject.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, subject);
        let certificate = params.signed_by(&key, &self.issuer)?;
        fs::write(self.file(&format!("{name}.pem")), certificate.pem())?;
        Ok(fs::write(self.file(&format!("{name}.key")), key.serialize_pem())?)
    }

    /// The broker's side: shows `broker.pem`, and asks for our certificate if `ask` is set.
    fn acceptor(&self, ask: bool) -> Outcome<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = vec![CertificateDer::from_pem_file(self.file("broker.pem"))?];
        let key = PrivateKeyDer::from_pem_file(self.file("broker.key"))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if ask {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(self.file("ca.pem"))?)?;
            let roots = Arc::new(roots);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build()?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        Ok(TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key)?)))
    }

    fn trusting(&self, broker: &Broker) -> Outcome<Options> {
        let mut options = options(broker)?;
        options.tls = Some(TlsOptions { ca: Some(self.file("ca.pem")), ..TlsOptions::default() });
        Ok(options)
    }
}

async fn accept(broker: &Broker, acceptor: &TlsAcceptor) -> Outcome<TlsStream<TcpStream>> {
    let socket = broker.accept_tcp().await?;
    Ok(within("the TLS handshake", acceptor.accept(socket)).await??)
}

/// What a session with these options says about its files.
async fn refused(broker: &Broker, files: TlsOptions) -> Outcome<String> {
    let mut options = options(broker)?;
    options.tls = Some(files);
    let error = Hub::start(options).ended().await?.err().ok_or("the files were accepted")?;
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    Ok(format!("{error}: {}", cause.unwrap_or_default()))
}

#[tokio::test]
async fn messages_come_over_tls_from_a_broker_that_the_ca_file_vouches_for() -> Outcome {
    let authority = Authority::new("trusted")?;
    authority.issue("broker", "127.0.0.1")?;
    let broker = Broker::start().await?;
    let mut hub = Hub::start(authority.trusting(&broker)?);
    let mut link = Link::open(accept(&broker, &authority.acceptor(false)?).await?).await?;
    link.welcome(false).await?;
    link.grant().await?;
    link.send(&[mark("encrypted")]).await?;
    assert_eq!(hub.next_text().await?, "encrypted");
    Ok(())
}

#[tokio::test]
async fn the_hub_shows_its_certificate_when_the_broker_asks() -> Outcome {
    let authority = Authority::new("mutual")?;
    authority.issue("broker", "127.0.0.1")?;
    authority.issue("hub", "ioc-hub")?;
    let broker = Broker::start().await?;
    let mut options = authority.trusting(&broker)?;
    options.tls = Some(TlsOptions {
        ca: Some(authority.file("ca.pem")),
        client_cert: Some(authority.file("hub.pem")),
        client_key: Some(authority.file("hub.key")),
    });
    let mut hub = Hub::start(options);
    let wire = accept(&broker, &authority.acceptor(true)?).await?;
    let shown = wire.get_ref().1.peer_certificates().ok_or("no certificate shown")?;
    assert_eq!(shown, [CertificateDer::from_pem_file(authority.file("hub.pem"))?]);
    let mut link = Link::open(wire).await?;
    link.welcome(false).await?;
    link.grant().await?;
    hub.connected().await?;
    Ok(())
}

#[tokio::test]
async fn a_broker_that_asks_for_a_certificate_which_we_lack_is_shown_as_a_tls_failure() -> Outcome {
    let authority = Authority::new("lacking")?;
    authority.issue("broker", "127.0.0.1")?;
    let broker = Broker::start().await?;
    let mut hub = Hub::start(authority.trusting(&broker)?);
    assert!(accept(&broker, &authority.acceptor(true)?).await.is_err());
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Tls);
    assert!(error.contains("client certificate"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_broker_signed_by_another_authority_is_not_trusted() -> Outcome {
    let authority = Authority::new("ours")?;
    let other = Authority::new("theirs")?;
    other.issue("broker", "127.0.0.1")?;
    let broker = Broker::start().await?;
    let mut hub = Hub::start(authority.trusting(&broker)?);
    assert!(accept(&broker, &other.acceptor(false)?).await.is_err());
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Tls);
    assert!(error.contains("check the CA file"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_accepted() -> Outcome {
    let authority = Authority::new("elsewhere")?;
    authority.issue("broker", "broker.example")?;
    let broker = Broker::start().await?;
    let mut hub = Hub::start(authority.trusting(&broker)?);
    assert!(accept(&broker, &authority.acceptor(false)?).await.is_err());
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Tls);
    assert!(error.contains("the name in the broker's certificate"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_tls_session_to_a_port_without_tls_says_so() -> Outcome {
    let authority = Authority::new("plain")?;
    let broker = Broker::start().await?;
    let mut hub = Hub::start(authority.trusting(&broker)?);
    // A plain broker takes the greeting for a broken packet and closes.
    drop(broker.accept_tcp().await?);
    let (cause, error) = hub.disconnected().await?;
    assert_eq!(cause, Cause::Tls);
    assert!(error.contains("is it a TLS port"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_bad_file_ends_the_session_with_its_option_and_its_path() -> Outcome {
    let authority = Authority::new("files")?;
    authority.issue("hub", "ioc-hub")?;
    authority.issue("other", "other")?;
    fs::write(authority.file("empty.pem"), "no certificate in here\n")?;
    fs::write(
        authority.file("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )?;
    let broker = Broker::start().await?;
    let ca = |name: &str| TlsOptions { ca: Some(authority.file(name)), ..TlsOptions::default() };
    let client = |cert: Option<&str>, key: Option<&str>| TlsOptions {
        client_cert: cert.map(|name| authority.file(name)),
        client_key: key.map(|name| authority.file(name)),
        ..ca("ca.pem")
    };
    let cases = [
        (ca("missing.pem"), "tls.ca", "missing.pem"),
        (ca("empty.pem"), "tls.ca", "empty.pem"),
        (ca("broken.pem"), "tls.ca", "broken.pem"),
        (client(Some("missing.pem"), Some("hub.key")), "tls.client_cert", "missing.pem"),
        (client(Some("hub.pem"), Some("hub.pem")), "tls.client_key", "hub.pem"),
        (client(Some("hub.pem"), Some("other.key")), "tls.client_key", "other.key"),
        (client(Some("hub.pem"), None), "tls.client_key", "only tls.client_cert is given"),
        (client(None, Some("hub.key")), "tls.client_cert", "only tls.client_key is given"),
    ];
    for (files, key, file) in cases {
        let text = refused(&broker, files).await?;
        assert!(text.contains(key) && text.contains(file), "{key} {file}: {text}");
    }
    Ok(())
}
