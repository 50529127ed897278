//! Words of the contract: closed lists of texts, each one variant of an enum.
//!
//! The text of a variant is the same in messages, tables, the API and on the live socket.

/// A closed list of words. `as_str` and `parse` are inverse to each other.
pub trait Word: Copy + Eq + 'static {
    /// Every variant, in the order of the contract.
    const ALL: &'static [Self];

    /// The word as it stands in a message.
    fn as_str(self) -> &'static str;

    /// The variant with this word.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str() == text)
    }
}

/// Gives an enum its words, each written once.
macro_rules! words {
    ($name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        impl $crate::word::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::Word;
    use crate::{
        assessment::{Assessor, FormChannel},
        document::DocumentState,
        dossier::{Applicant, DossierChannel, DossierStatus, LimitUnit, PaidOnline},
        envelope::ClockSource,
        health::{CameraWhy, DetectorState, LampFault, Power},
        incident::IncidentKind,
        interval::{Direction, ZoneKind},
        metric::Bound,
        petition::{PetitionClass, PetitionKind, PetitionStatus},
        signal::{GroupKind, Mode},
        ticket::{CallDirection, Channel, TicketKind, TicketStatus},
    };

    fn agrees<T: Word + Serialize + std::fmt::Debug>() {
        for &word in T::ALL {
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
            assert_eq!(T::parse(word.as_str()), Some(word));
        }
        assert_eq!(T::parse("no such word"), None);
    }

    #[test]
    fn every_word_is_the_serialised_name_of_its_variant() {
        agrees::<ClockSource>();
        agrees::<Power>();
        agrees::<LampFault>();
        agrees::<DetectorState>();
        agrees::<CameraWhy>();
        agrees::<IncidentKind>();
        agrees::<Direction>();
        agrees::<ZoneKind>();
        agrees::<Bound>();
        agrees::<Mode>();
        agrees::<GroupKind>();
        agrees::<Channel>();
        agrees::<TicketKind>();
        agrees::<TicketStatus>();
        agrees::<CallDirection>();
        agrees::<DossierChannel>();
        agrees::<DossierStatus>();
        agrees::<LimitUnit>();
        agrees::<Applicant>();
        agrees::<PaidOnline>();
        agrees::<Assessor>();
        agrees::<FormChannel>();
        agrees::<PetitionKind>();
        agrees::<PetitionClass>();
        agrees::<PetitionStatus>();
        agrees::<DocumentState>();
    }
}
