//! Topic text `ioc/1/{city}/{service}/{source}/{stream}` to and from [`Topic`].
//!
//! A token is 1 to 64 characters of `a-z 0-9 - _ .`; anything else does not parse. Which streams a
//! service may publish is part of the contract and checked here.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest token of a topic, in characters.
pub const TOKEN_MAX: usize = 64;

/// What kind of equipment or system publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Traffic signal controller.
    Signal,
    /// Vehicle detection station.
    Vds,
    /// Camera, with or without video analytics.
    Cctv,
    /// Roadside cabinet: power, communication, environment.
    Cabinet,
    /// The 1022 service desk.
    Desk,
    /// The one-stop system of administrative procedures.
    Onestop,
    /// Any other city system that publishes figures of the metric catalogue.
    Metric,
}

impl Service {
    /// Every service, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::Signal,
        Self::Vds,
        Self::Cctv,
        Self::Cabinet,
        Self::Desk,
        Self::Onestop,
        Self::Metric,
    ];

    /// The token of the service in a topic.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Vds => "vds",
            Self::Cctv => "cctv",
            Self::Cabinet => "cabinet",
            Self::Desk => "desk",
            Self::Onestop => "onestop",
            Self::Metric => "metric",
        }
    }

    /// The service with this token.
    pub fn parse(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.as_str() == token)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One stream of messages of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// State of every signal group of one controller.
    State,
    /// High-resolution controller events.
    Events,
    /// One collection period of a detector station or of a camera's analytics.
    Interval,
    /// Something that a camera saw.
    Incident,
    /// Equipment health.
    Health,
    /// Connection and last will.
    Status,
    /// One step in the life of a service-desk ticket.
    Ticket,
    /// One call at the switchboard.
    Call,
    /// One step in the life of a dossier of an administrative procedure.
    Dossier,
    /// One form on the nine indicators.
    Assessment,
    /// One step in the life of a petition about procedures.
    Petition,
    /// One step of a result document on its way to a signed electronic copy.
    Document,
    /// Figures of the metric catalogue.
    Sample,
}

impl Stream {
    /// Every stream.
    pub const ALL: [Self; 13] = [
        Self::State,
        Self::Events,
        Self::Interval,
        Self::Incident,
        Self::Health,
        Self::Status,
        Self::Ticket,
        Self::Call,
        Self::Dossier,
        Self::Assessment,
        Self::Petition,
        Self::Document,
        Self::Sample,
    ];

    /// The token of the stream in a topic.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Events => "events",
            Self::Interval => "interval",
            Self::Incident => "incident",
            Self::Health => "health",
            Self::Status => "status",
            Self::Ticket => "ticket",
            Self::Call => "call",
            Self::Dossier => "dossier",
            Self::Assessment => "assessment",
            Self::Petition => "petition",
            Self::Document => "document",
            Self::Sample => "sample",
        }
    }

    /// The stream with this token.
    pub fn parse(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.as_str() == token)
    }

    /// Whether the contract lets `service` publish this stream.
    pub const fn allowed_for(self, service: Service) -> bool {
        match self {
            Self::State | Self::Events => matches!(service, Service::Signal),
            Self::Interval => matches!(service, Service::Vds | Service::Cctv),
            Self::Incident => matches!(service, Service::Cctv),
            Self::Health => {
                matches!(service, Service::Signal | Service::Vds | Service::Cctv | Service::Cabinet)
            }
            Self::Status => true,
            Self::Ticket | Self::Call => matches!(service, Service::Desk),
            Self::Dossier | Self::Assessment | Self::Petition | Self::Document => {
                matches!(service, Service::Onestop)
            }
            Self::Sample => matches!(service, Service::Metric),
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Stable id of what publishes, unique in the city across services.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Source(Box<str>);

/// A text that is no token of the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no token: 1 to 64 characters of a-z 0-9 - _ .")]
pub struct NotAToken(pub String);

/// Whether `text` is a token of the contract.
pub fn is_token(text: &str) -> bool {
    (1..=TOKEN_MAX).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}

impl Source {
    /// The source with this token.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        if is_token(text) { Ok(Self(text.into())) } else { Err(NotAToken(text.to_owned())) }
    }

    /// The token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Source {
    type Error = NotAToken;

    fn try_from(text: String) -> Result<Self, NotAToken> {
        Self::parse(&text)
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.0.into()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A topic of the contract, without the city (one hub serves one city).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic {
    /// The service level of the topic.
    pub service: Service,
    /// The publishing source.
    pub source: Source,
    /// The stream of the source.
    pub stream: Stream,
}

/// Why a topic does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not six levels that start with `ioc/1`.
    #[error("a topic is ioc/1/city/service/source/stream")]
    Shape,
    /// Another city's token.
    #[error("city {0:?} is not this hub's city")]
    City(String),
    /// No service of the contract.
    #[error("unknown service {0:?}")]
    Service(String),
    /// No token.
    #[error("source: {0}")]
    Source(#[from] NotAToken),
    /// No stream of this service.
    #[error("service {service} has no stream {stream:?}")]
    Stream {
        /// The service of the topic.
        service: Service,
        /// The text at the stream's place.
        stream: String,
    },
}

impl Topic {
    /// Reads `ioc/1/{city}/{service}/{source}/{stream}`.
    pub fn parse(text: &str, city: &str) -> Result<Self, TopicError> {
        let mut levels = text.split('/');
        let mut next = || levels.next().ok_or(TopicError::Shape);
        if next()? != "ioc" || next()? != "1" {
            return Err(TopicError::Shape);
        }
        let (city_level, service, source, stream) = (next()?, next()?, next()?, next()?);
        if levels.next().is_some() {
            return Err(TopicError::Shape);
        }
        if city_level != city {
            return Err(TopicError::City(city_level.to_owned()));
        }
        let service =
            Service::parse(service).ok_or_else(|| TopicError::Service(service.to_owned()))?;
        let source = Source::parse(source)?;
        let stream = Stream::parse(stream)
            .filter(|found| found.allowed_for(service))
            .ok_or_else(|| TopicError::Stream { service, stream: stream.to_owned() })?;
        Ok(Self { service, source, stream })
    }

    /// The topic text in `city`.
    pub fn to_text(&self, city: &str) -> String {
        format!("ioc/1/{city}/{}/{}/{}", self.service, self.source, self.stream)
    }
}
