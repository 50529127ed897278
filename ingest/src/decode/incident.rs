//! `cctv/incident`.

use super::{
    Parsed,
    envelope::enveloped,
    fault::Fault,
    interval::SHARE,
    json::{Reader, keys},
};
use crate::{
    incident::{Incident, IncidentKind},
    message::Fact,
};

keys!(IncidentKey { Kind = "kind", Zone = "zone", Confidence = "confidence", Ended = "ended" });

/// Reads `cctv/incident`.
pub(super) fn incident(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut incident = Incident {
        kind: IncidentKind::Queue,
        zone: Box::default(),
        confidence_e4: None,
        ended: None,
    };
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            IncidentKey::Kind => incident.kind = reader.word()?,
            IncidentKey::Zone => incident.zone = reader.token()?,
            IncidentKey::Confidence => {
                incident.confidence_e4 = reader.nullable(|r| r.fixed(SHARE))?;
            }
            IncidentKey::Ended => incident.ended = reader.nullable(Reader::time)?,
        }
        Ok(())
    })?;
    seen.require(IncidentKey::Kind)?;
    seen.require(IncidentKey::Zone)?;
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Incident(incident), refused: Vec::new() })
}
