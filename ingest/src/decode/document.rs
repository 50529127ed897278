//! `onestop/document`. A person's number in the token is looked for in `personal.rs`.

use chrono::DateTime;

use super::{
    Parsed,
    envelope::enveloped,
    fault::Fault,
    json::{Reader, keys},
};
use crate::{
    document::{DocumentState, DocumentStep},
    message::Fact,
};

keys!(DocumentKey {
    Document = "document",
    State = "state",
    At = "at",
    ResultType = "result_type",
    Unit = "unit",
    HasHolder = "has_holder",
});

/// Reads `onestop/document`.
pub(super) fn document(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut step = Box::new(DocumentStep {
        document: Box::default(),
        state: DocumentState::Reviewed,
        at: DateTime::UNIX_EPOCH,
        result_type: None,
        unit: None,
        has_holder: None,
    });
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            DocumentKey::Document => step.document = reader.code()?,
            DocumentKey::State => step.state = reader.word()?,
            DocumentKey::At => step.at = reader.time()?,
            DocumentKey::ResultType => step.result_type = reader.nullable(Reader::code)?,
            DocumentKey::Unit => step.unit = reader.nullable(Reader::unit)?,
            DocumentKey::HasHolder => step.has_holder = reader.nullable(Reader::boolean)?,
        }
        Ok(())
    })?;
    for key in [DocumentKey::Document, DocumentKey::State, DocumentKey::At] {
        seen.require(key)?;
    }
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Document(step), refused: Vec::new() })
}
