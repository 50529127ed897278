//! `onestop/petition`.

use chrono::DateTime;

use super::{
    Parsed,
    envelope::enveloped,
    fault::Fault,
    json::{Reader, keys},
};
use crate::{
    message::Fact,
    petition::{PetitionStatus, PetitionStep},
};

keys!(PetitionKey {
    Petition = "petition",
    Status = "status",
    At = "at",
    Kind = "kind",
    Class = "class",
    Unit = "unit",
    Dossier = "dossier",
    Satisfied = "satisfied",
});

/// Reads `onestop/petition`.
pub(super) fn petition(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut step = Box::new(PetitionStep {
        petition: Box::default(),
        status: PetitionStatus::Received,
        at: DateTime::UNIX_EPOCH,
        kind: None,
        class: None,
        unit: None,
        dossier: None,
        satisfied: None,
    });
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            PetitionKey::Petition => step.petition = reader.code()?,
            PetitionKey::Status => step.status = reader.word()?,
            PetitionKey::At => step.at = reader.time()?,
            PetitionKey::Kind => step.kind = reader.nullable(Reader::word)?,
            PetitionKey::Class => step.class = reader.nullable(Reader::word)?,
            PetitionKey::Unit => step.unit = reader.nullable(Reader::unit)?,
            PetitionKey::Dossier => step.dossier = reader.nullable(Reader::code)?,
            PetitionKey::Satisfied => step.satisfied = reader.nullable(Reader::boolean)?,
        }
        Ok(())
    })?;
    for key in [PetitionKey::Petition, PetitionKey::Status, PetitionKey::At] {
        seen.require(key)?;
    }
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Petition(step), refused: Vec::new() })
}
