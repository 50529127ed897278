//! `desk/ticket` and `desk/call`. Personal data is looked for in `personal.rs`, in all of the text.

use chrono::DateTime;

use super::{
    Parsed,
    envelope::enveloped,
    fault::Fault,
    json::{Reader, keys},
    number::Quantity,
};
use crate::{
    message::Fact,
    ticket::{Call, CallDirection, Location, TicketStatus, TicketStep},
};

/// Longest summary, in characters.
const SUMMARY_MAX: usize = 2_000;
const RATING: Quantity = Quantity::new(0, 1, 5);
/// Degrees.
const LATITUDE_MAX: f64 = 90.0;
const LONGITUDE_MAX: f64 = 180.0;

keys!(TicketKey {
    Ticket = "ticket",
    Status = "status",
    At = "at",
    Channel = "channel",
    Kind = "kind",
    Category = "category",
    Unit = "unit",
    Summary = "summary",
    Location = "location",
    DueAt = "due_at",
    FirstResponseAt = "first_response_at",
    SolvedAtDesk = "solved_at_desk",
    MergedInto = "merged_into",
    Rating = "rating",
});

keys!(LocationKey { Latitude = "lat", Longitude = "lon" });

keys!(CallKey {
    Call = "call",
    Direction = "direction",
    QueuedAt = "queued_at",
    AnsweredAt = "answered_at",
    AbandonedAt = "abandoned_at",
    EndedAt = "ended_at",
    Ticket = "ticket",
});

/// Reads `desk/ticket`.
pub(super) fn ticket(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut step = Box::new(TicketStep {
        ticket: Box::default(),
        status: TicketStatus::New,
        at: DateTime::UNIX_EPOCH,
        channel: None,
        kind: None,
        category: None,
        unit: None,
        summary: None,
        location: None,
        due_at: None,
        first_response_at: None,
        solved_at_desk: None,
        merged_into: None,
        rating: None,
    });
    let (envelope, seen) = enveloped(reader, |reader, key| ticket_field(&mut step, reader, key))?;
    for key in [TicketKey::Ticket, TicketKey::Status, TicketKey::At] {
        seen.require(key)?;
    }
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Ticket(step), refused: Vec::new() })
}

fn ticket_field(
    step: &mut TicketStep,
    reader: &mut Reader<'_>,
    key: TicketKey,
) -> Result<(), Fault> {
    match key {
        TicketKey::Ticket => step.ticket = reader.code()?,
        TicketKey::Status => step.status = reader.word()?,
        TicketKey::At => step.at = reader.time()?,
        TicketKey::Channel => step.channel = reader.nullable(Reader::word)?,
        TicketKey::Kind => step.kind = reader.nullable(Reader::word)?,
        TicketKey::Category => step.category = reader.nullable(Reader::token)?,
        TicketKey::Unit => step.unit = reader.nullable(Reader::unit)?,
        TicketKey::Summary => step.summary = reader.nullable(|r| r.text(SUMMARY_MAX, true))?,
        TicketKey::Location => step.location = reader.nullable(location)?,
        TicketKey::DueAt => step.due_at = reader.nullable(Reader::time)?,
        TicketKey::FirstResponseAt => step.first_response_at = reader.nullable(Reader::time)?,
        TicketKey::SolvedAtDesk => step.solved_at_desk = reader.nullable(Reader::boolean)?,
        TicketKey::MergedInto => step.merged_into = reader.nullable(Reader::code)?,
        TicketKey::Rating => step.rating = reader.nullable(|r| r.whole(RATING))?,
    }
    Ok(())
}

fn location(reader: &mut Reader<'_>) -> Result<Location, Fault> {
    let mut location = Location { lat: 0.0, lon: 0.0 };
    let seen = reader.object(|reader, key| {
        match key {
            LocationKey::Latitude => location.lat = reader.double_within(LATITUDE_MAX)?,
            LocationKey::Longitude => location.lon = reader.double_within(LONGITUDE_MAX)?,
        }
        Ok(())
    })?;
    seen.require(LocationKey::Latitude)?;
    seen.require(LocationKey::Longitude)?;
    Ok(location)
}

/// Reads `desk/call`.
pub(super) fn call(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut call = Box::new(Call {
        call: Box::default(),
        direction: CallDirection::In,
        queued_at: None,
        answered_at: None,
        abandoned_at: None,
        ended_at: None,
        ticket: None,
    });
    let (envelope, seen) = enveloped(reader, |reader, key| {
        match key {
            CallKey::Call => call.call = reader.code()?,
            CallKey::Direction => call.direction = reader.word()?,
            CallKey::QueuedAt => call.queued_at = reader.nullable(Reader::time)?,
            CallKey::AnsweredAt => call.answered_at = reader.nullable(Reader::time)?,
            CallKey::AbandonedAt => call.abandoned_at = reader.nullable(Reader::time)?,
            CallKey::EndedAt => call.ended_at = reader.nullable(Reader::time)?,
            CallKey::Ticket => call.ticket = reader.nullable(Reader::code)?,
        }
        Ok(())
    })?;
    seen.require(CallKey::Call)?;
    seen.require(CallKey::Direction)?;
    Ok(Parsed { envelope: Some(envelope), fact: Fact::Call(call), refused: Vec::new() })
}
