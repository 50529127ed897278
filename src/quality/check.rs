//! The checks of a detector's history: names, codes of the catalogue, and the quality bit of each.

use serde::{Deserialize, Serialize};

use super::bits;

/// A check that rests on more than one message.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[schema(as = DetectorCheck)]
#[ts(rename = "DetectorCheck")]
pub enum Check {
    /// Q02: several of the last samples hold more vehicles than a lane can carry.
    MaxVolume,
    /// Q03: occupied, but no vehicle was counted.
    OccupancyWithoutCount,
    /// Q04: vehicles were counted, but nothing was occupied.
    CountWithoutOccupancy,
    /// Q04 where most vehicles are motorcycles, which loops see badly: told, but nothing is marked.
    MotorcyclesUnseen,
    /// Q05: occupied without end.
    StuckOn,
    /// Occupied beyond belief in too many samples; a rule of the profile `pems` only.
    HighOccupancy,
    /// Q06: no vehicle for too long, while the station reports.
    NoActivity,
    /// Q07: occupancy or speed does not change for hours.
    Constant,
    /// Q08: occupancy jumps up and down.
    Spike,
    /// Q10: too many samples have an implausible effective length.
    Length,
    /// Q14: a detector of a controller switches on and off unequally often. No row is marked.
    Imbalance,
    /// Q15: what flows in does not flow out. No row is marked.
    Conservation,
    /// Q16: far from what is usual at this time of the week. No row is marked.
    Unusual,
    /// Q17: a controller reports a phase that nobody configured. No row is marked.
    Unconfigured,
    /// Q18: the camera is dark or its picture stands still. No row is marked.
    CameraBlind,
    /// A person declared the detector bad.
    Forced,
}

/// Number of checks that a detector's own samples decide, which are the first ones.
pub const FOLDED: usize = 10;

impl Check {
    /// Every check.
    pub const ALL: [Self; 16] = [
        Self::MaxVolume,
        Self::OccupancyWithoutCount,
        Self::CountWithoutOccupancy,
        Self::MotorcyclesUnseen,
        Self::StuckOn,
        Self::HighOccupancy,
        Self::NoActivity,
        Self::Constant,
        Self::Spike,
        Self::Length,
        Self::Imbalance,
        Self::Conservation,
        Self::Unusual,
        Self::Unconfigured,
        Self::CameraBlind,
        Self::Forced,
    ];

    /// The checks that a detector's own samples decide.
    pub fn folded() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().take(FOLDED)
    }

    /// Its word in tables, JSON and reason codes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MaxVolume => "max_volume",
            Self::OccupancyWithoutCount => "occupancy_without_count",
            Self::CountWithoutOccupancy => "count_without_occupancy",
            Self::MotorcyclesUnseen => "motorcycles_unseen",
            Self::StuckOn => "stuck_on",
            Self::HighOccupancy => "high_occupancy",
            Self::NoActivity => "no_activity",
            Self::Constant => "constant",
            Self::Spike => "spike",
            Self::Length => "length",
            Self::Imbalance => "imbalance",
            Self::Conservation => "conservation",
            Self::Unusual => "unusual",
            Self::Unconfigured => "unconfigured",
            Self::CameraBlind => "camera_blind",
            Self::Forced => "forced",
        }
    }

    /// The check of a word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.as_str() == text)
    }

    /// Its number in the catalogue of checks; null for rules beyond it.
    pub const fn code(self) -> Option<&'static str> {
        match self {
            Self::MaxVolume => Some("Q02"),
            Self::OccupancyWithoutCount => Some("Q03"),
            Self::CountWithoutOccupancy | Self::MotorcyclesUnseen => Some("Q04"),
            Self::StuckOn => Some("Q05"),
            Self::NoActivity => Some("Q06"),
            Self::Constant => Some("Q07"),
            Self::Spike => Some("Q08"),
            Self::Length => Some("Q10"),
            Self::Imbalance => Some("Q14"),
            Self::Conservation => Some("Q15"),
            Self::Unusual => Some("Q16"),
            Self::Unconfigured => Some("Q17"),
            Self::CameraBlind => Some("Q18"),
            Self::HighOccupancy | Self::Forced => None,
        }
    }

    /// The quality bit that it sets; 0 where it only tells.
    pub const fn bit(self) -> i32 {
        match self {
            Self::MaxVolume => bits::MAX_VOLUME,
            Self::OccupancyWithoutCount | Self::CountWithoutOccupancy => bits::MISMATCH,
            Self::StuckOn | Self::HighOccupancy => bits::STUCK_ON,
            Self::NoActivity => bits::NO_ACTIVITY,
            Self::Constant => bits::CONSTANT,
            Self::Spike => bits::SPIKE,
            Self::Length => bits::LENGTH,
            Self::Forced => bits::FORCED_BAD,
            Self::MotorcyclesUnseen
            | Self::Imbalance
            | Self::Conservation
            | Self::Unusual
            | Self::Unconfigured
            | Self::CameraBlind => 0,
        }
    }

    /// Whether the detector counts as failed while it is open; otherwise it is a hint.
    pub const fn is_failure(self) -> bool {
        self.bit() != 0
    }

    /// Unit of its value and its limit.
    pub const fn unit_of_measure(self) -> &'static str {
        match self {
            Self::MaxVolume => "samples",
            Self::OccupancyWithoutCount
            | Self::CountWithoutOccupancy
            | Self::MotorcyclesUnseen
            | Self::HighOccupancy
            | Self::Length
            | Self::Imbalance
            | Self::Conservation => "%",
            Self::StuckOn | Self::NoActivity | Self::Constant | Self::CameraBlind => "s",
            Self::Spike => "jumps",
            Self::Unusual => "z",
            Self::Unconfigured => "events",
            Self::Forced => "",
        }
    }

    /// Its place in a mask of checks.
    pub const fn mask(self) -> u16 {
        1 << self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_word_and_the_folded_ones_come_first() {
        for (at, check) in Check::ALL.into_iter().enumerate() {
            assert_eq!(check as usize, at);
            assert_eq!(Check::parse(check.as_str()), Some(check));
            let json = serde_json::to_value(check).unwrap();
            assert_eq!(json, check.as_str());
        }
        assert_eq!(Check::folded().last(), Some(Check::Length));
        assert_eq!(Check::parse("nonsense"), None);
    }
}
