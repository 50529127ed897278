//! The outermost object of a message, and the envelope in it.
//!
//! The whole text is read even when a field is refused, so that broken JSON is told before a wrong
//! version, and a wrong version before any other field.

use chrono::DateTime;

use super::{
    fault::Fault,
    json::{Key, Reader, Seen, keys},
    number::Quantity,
};
use crate::{
    envelope::{Clock, ClockSource, Envelope, Number, SEQ_MAX},
    reject::Reason,
};

/// The version of the contract.
const VERSION: i64 = 1;
/// `boot`, an unsigned 32-bit number.
pub(super) const BOOT: Quantity = Quantity::new(0, 0, u32::MAX as i64);
const SEQ: Quantity = Quantity::new(0, 0, SEQ_MAX.cast_signed());
/// A clock's offset, up to 24 days either way: whole milliseconds.
const OFFSET_MS: Quantity = Quantity::new(0, -2_147_483_647, 2_147_483_647);

keys!(EnvelopeKey {
    Version = "v",
    Time = "time",
    Boot = "boot",
    Seq = "seq",
    Clock = "clock",
    Late = "late",
});

keys!(NumberKey { Boot = "boot", Seq = "seq" });

keys!(ClockKey { Source = "source", Offset = "offset_ms" });

/// Keys of the envelope.
const ENVELOPE_KEYS: u32 = 6;

/// A key of the envelope or of the message's own.
#[derive(Debug, Clone, Copy)]
enum Joined<K> {
    Envelope(EnvelopeKey),
    Own(K),
}

impl<K: Key> Key for Joined<K> {
    #[inline]
    fn of(name: &str) -> Option<Self> {
        EnvelopeKey::of(name).map(Self::Envelope).or_else(|| K::of(name).map(Self::Own))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Envelope(key) => key.name(),
            Self::Own(key) => key.name(),
        }
    }

    #[inline]
    fn number(self) -> u32 {
        match self {
            Self::Envelope(key) => key.number(),
            Self::Own(key) => ENVELOPE_KEYS + key.number(),
        }
    }
}

/// Reads the one object that a message is, to the end of the text.
pub(super) fn whole<K: Key>(
    reader: &mut Reader<'_>,
    mut field: impl FnMut(&mut Reader<'_>, K) -> Result<(), Fault>,
) -> Result<Seen<K>, Fault> {
    let mut first: Option<Fault> = None;
    let outcome = reader.attempt(|reader| {
        reader.object(|reader, key: K| {
            if let Err(fault) = reader.attempt(|reader| field(reader, key))? {
                let fault = fault.under(key.name());
                let before = first.as_ref().map(Fault::reason);
                if before.is_none()
                    || (fault.reason() == Reason::Version && before != Some(Reason::Version))
                {
                    first = Some(fault);
                }
            }
            Ok(())
        })
    })?;
    reader.end()?;
    match first {
        Some(fault) => Err(fault),
        None => outcome,
    }
}

/// Reads a message with an envelope; `field` reads the message's own keys.
pub(super) fn enveloped<K: Key>(
    reader: &mut Reader<'_>,
    mut field: impl FnMut(&mut Reader<'_>, K) -> Result<(), Fault>,
) -> Result<(Envelope, Seen<K>), Fault> {
    let mut envelope =
        Envelope { time: DateTime::UNIX_EPOCH, boot: 0, seq: 0, clock: None, late: false };
    let seen = whole(reader, |reader, key: Joined<K>| {
        match key {
            Joined::Envelope(EnvelopeKey::Version) => version(reader)?,
            Joined::Envelope(EnvelopeKey::Time) => envelope.time = reader.time()?,
            Joined::Envelope(EnvelopeKey::Boot) => envelope.boot = reader.whole(BOOT)?,
            Joined::Envelope(EnvelopeKey::Seq) => envelope.seq = reader.whole(SEQ)?,
            Joined::Envelope(EnvelopeKey::Clock) => envelope.clock = reader.nullable(clock)?,
            Joined::Envelope(EnvelopeKey::Late) => {
                envelope.late = reader.nullable(Reader::boolean)?.unwrap_or(false);
            }
            Joined::Own(key) => field(reader, key)?,
        }
        Ok(())
    })?;
    for key in [EnvelopeKey::Version, EnvelopeKey::Time, EnvelopeKey::Boot, EnvelopeKey::Seq] {
        seen.require(Joined::Envelope(key))?;
    }
    Ok((envelope, seen.tail(ENVELOPE_KEYS)))
}

/// The number of a message, from text that may be broken behind it.
pub(super) fn number(text: &str) -> Option<Number> {
    let (mut boot, mut seq) = (None, None);
    let read = Reader::new(text).object(|reader, key| {
        match key {
            NumberKey::Boot => boot = Some(reader.whole(BOOT)?),
            NumberKey::Seq => seq = Some(reader.whole(SEQ)?),
        }
        Ok(())
    });
    // Whatever else is wrong with the text is told by the reject.
    drop(read);
    boot.zip(seq).map(|(boot, seq)| Number { boot, seq })
}

/// Reads `v`, the major version of the contract.
pub(super) fn version(reader: &mut Reader<'_>) -> Result<(), Fault> {
    let at = reader.place();
    let number = reader.number()?;
    if number.fixed(Quantity::new(0, VERSION, VERSION)) == Some(VERSION) && number.is_whole() {
        return Ok(());
    }
    Err(Fault::value(Reason::Version, "must be 1", at))
}

fn clock(reader: &mut Reader<'_>) -> Result<Clock, Fault> {
    let mut clock = Clock { source: ClockSource::None, offset_ms: None };
    let seen = reader.object(|reader, key| {
        match key {
            ClockKey::Source => clock.source = reader.word()?,
            ClockKey::Offset => {
                clock.offset_ms = reader.nullable(|reader| reader.fixed(OFFSET_MS))?;
            }
        }
        Ok(())
    })?;
    seen.require(ClockKey::Source)?;
    Ok(clock)
}
