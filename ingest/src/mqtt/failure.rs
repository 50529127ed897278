//! Why a connection ended, in words that say what to do, and how soon to try again.
//!
//! The one place that classifies the client library's errors.

use std::error::Error;
use std::io;

use rumqttc::v5::mqttbytes::Error as PacketError;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};
use rumqttc::v5::{ConnectionError, StateError};

use super::options::Options;
use super::state::Cause;

/// The end of a connection, or of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// What happened and what to do, one line.
    pub(super) error: String,
    /// Trying again soon cannot help: wait the longest time.
    pub(super) slow: bool,
}

impl Failure {
    pub(super) fn soon(cause: Cause, error: String) -> Self {
        Self { cause, error, slow: false }
    }

    pub(super) fn slow(cause: Cause, error: String) -> Self {
        Self { cause, error, slow: true }
    }
}

/// Classifies what the client library returned; `connected` tells whether the broker had accepted us.
pub(super) fn explain(error: &ConnectionError, options: &Options, connected: bool) -> Failure {
    let address = format!("{}:{}", options.host, options.port);
    if let Some(tls) = tls_error(error) {
        let advice =
            "check the CA file, the name in the broker's certificate, and the client certificate";
        return Failure::slow(Cause::Tls, format!("TLS with {address}: {tls}; {advice}"));
    }
    match error {
        ConnectionError::ConnectionRefused(code) => refused(*code, options, &address),
        ConnectionError::Timeout(_) => Failure::soon(
            Cause::Unreachable,
            format!("{address} gave no answer to CONNECT within {} s", options.connect_timeout_s),
        ),
        ConnectionError::MqttState(state) => broken(state, options, &address, connected),
        ConnectionError::Io(io) if connected => {
            Failure::soon(Cause::Lost, format!("connection to {address} lost: {io}"))
        }
        ConnectionError::Io(io) => Failure::soon(
            Cause::Unreachable,
            format!(
                "connect to {address}: {io}; check that the broker runs and the address is right"
            ),
        ),
        ConnectionError::Tls(tls) => Failure::soon(
            Cause::Tls,
            format!("TLS with {address}: {tls}; does the broker run, and is it a TLS port?"),
        ),
        other => Failure::soon(Cause::Protocol, format!("{address}: {other}")),
    }
}

fn refused(code: ConnectReturnCode, options: &Options, address: &str) -> Failure {
    let user = match &options.username {
        Some(username) => format!("user {username:?}"),
        None => "a client without user name".to_owned(),
    };
    let id = &options.client_id;
    let slow = |text: String| {
        Failure::slow(Cause::Refused, format!("{address} refused the connection: {text}"))
    };
    match code {
        ConnectReturnCode::BadUserNamePassword => slow(format!(
            "bad user name or password for {user}; check both against the broker's list"
        )),
        ConnectReturnCode::NotAuthorized => slow(format!(
            "{user} is not authorised; check user name, password and the broker's access list"
        )),
        ConnectReturnCode::Banned => slow(format!("{user}, client id {id:?}, is banned")),
        ConnectReturnCode::ClientIdentifierNotValid => {
            slow(format!("client id {id:?} is not valid there; choose another"))
        }
        ConnectReturnCode::BadAuthenticationMethod => {
            slow("it wants an authentication method other than user name and password".to_owned())
        }
        ConnectReturnCode::UnsupportedProtocolVersion => {
            slow("it does not speak MQTT 5; use a broker that does".to_owned())
        }
        other => {
            let text = format!("{address} refused the connection for now: {other:?}");
            Failure::soon(Cause::Refused, text)
        }
    }
}

fn broken(state: &StateError, options: &Options, address: &str, connected: bool) -> Failure {
    let id = &options.client_id;
    match state {
        StateError::AwaitPingResp => {
            Failure::soon(Cause::Silent, format!("{address} did not answer the keep-alive ping"))
        }
        StateError::ServerDisconnect {
            reason_code: DisconnectReasonCode::SessionTakenOver,
            ..
        } => Failure::slow(
            Cause::Refused,
            format!(
                "another program connected to {address} with client id {id:?}; give it its own"
            ),
        ),
        StateError::ServerDisconnect { reason_code, reason_string } => {
            let words = reason_string.as_deref().unwrap_or("no reason given");
            let text = format!("{address} closed the connection: {reason_code:?}, {words}");
            Failure::soon(Cause::Lost, text)
        }
        StateError::Deserialization(PacketError::PayloadSizeLimitExceeded { pkt_size, max }) => {
            Failure::slow(
                Cause::Protocol,
                format!(
                    "{address} sent a packet of {pkt_size} bytes although {max} were allowed; \
                     raise max_packet_bytes or let the broker respect it"
                ),
            )
        }
        _ if !connected => Failure::soon(
            Cause::Protocol,
            format!(
                "{address} did not answer CONNECT: {state}; is it an MQTT 5 broker, and no TLS port?"
            ),
        ),
        StateError::Deserialization(PacketError::Io(io)) | StateError::Io(io) => {
            Failure::soon(Cause::Lost, format!("connection to {address} lost: {io}"))
        }
        StateError::ConnectionAborted => Failure::soon(
            Cause::Lost,
            format!(
                "{address} closed the connection; if this repeats, look for another program with \
                 client id {id:?}"
            ),
        ),
        other => Failure::soon(Cause::Protocol, format!("{address}: {other}")),
    }
}

/// The TLS library's error somewhere below `error`. Two of the links are not in the chain of sources:
/// an I/O error keeps its inner error apart, and the library's state its packet error.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    if let Some(StateError::Deserialization(packet)) = error.downcast_ref::<StateError>() {
        return tls_error(packet);
    }
    if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        return tls_error(inner);
    }
    error.source().and_then(tls_error)
}

#[cfg(test)]
mod tests {
    use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};
    use rumqttc::v5::{ConnectionError, StateError};

    use super::super::options::Options;
    use super::super::state::Cause;
    use super::{Failure, explain};

    fn explained(error: &ConnectionError, connected: bool) -> Failure {
        explain(error, &Options::new("broker", 1883, "ioc-hub", "can-tho"), connected)
    }

    #[test]
    fn only_what_a_person_must_mend_is_tried_again_slowly() {
        let refused = |code| explained(&ConnectionError::ConnectionRefused(code), false);
        for code in [
            ConnectReturnCode::BadUserNamePassword,
            ConnectReturnCode::NotAuthorized,
            ConnectReturnCode::Banned,
            ConnectReturnCode::ClientIdentifierNotValid,
            ConnectReturnCode::BadAuthenticationMethod,
            ConnectReturnCode::UnsupportedProtocolVersion,
        ] {
            assert!(refused(code).slow, "{code:?}");
        }
        for code in [ConnectReturnCode::ServerBusy, ConnectReturnCode::ServerUnavailable] {
            assert!(!refused(code).slow, "{code:?}");
        }
        assert!(!explained(&StateError::ConnectionAborted.into(), true).slow);
    }

    #[test]
    fn another_program_with_our_client_id_is_named_as_the_reason() {
        let reason_code = DisconnectReasonCode::SessionTakenOver;
        let error = StateError::ServerDisconnect { reason_code, reason_string: None };
        let failure = explained(&error.into(), true);
        assert_eq!(failure.cause, Cause::Refused);
        assert!(failure.slow);
        assert!(failure.error.contains("client id \"ioc-hub\""), "{}", failure.error);
    }
}
