//! The quality bits of a row, as they are stored: a closed list, never renumbered.

/// Out of range: a value that cannot be, or a period of another length than registered.
pub const OUT_OF_RANGE: i32 = 1;
/// More vehicles than a lane can carry.
pub const MAX_VOLUME: i32 = 1 << 1;
/// Count and occupancy contradict each other.
pub const MISMATCH: i32 = 1 << 2;
/// Occupied without end.
pub const STUCK_ON: i32 = 1 << 3;
/// No vehicle for too long.
pub const NO_ACTIVITY: i32 = 1 << 4;
/// Values do not change.
pub const CONSTANT: i32 = 1 << 5;
/// Occupancy jumps.
pub const SPIKE: i32 = 1 << 6;
/// Speed missing, or implausible beside count and occupancy.
pub const SPEED: i32 = 1 << 7;
/// Effective vehicle length implausible.
pub const LENGTH: i32 = 1 << 8;
/// Classes do not add up to the count.
pub const CLASS_SUM: i32 = 1 << 9;
/// Fewer sub-samples than expected.
pub const INCOMPLETE: i32 = 1 << 10;
/// Replayed by the source from its own buffer.
pub const LATE: i32 = 1 << 11;
/// The source's clock is off: the time is suspect, the values count.
pub const CLOCK_SUSPECT: i32 = 1 << 12;
/// The camera stood away from its home preset.
pub const OFF_PRESET: i32 = 1 << 13;
/// Not measured but filled in. No row of the hub carries it.
pub const IMPUTED: i32 = 1 << 14;
/// A person declared the detector bad.
pub const FORCED_BAD: i32 = 1 << 15;
/// The source's clock is so far off that the values may belong to another interval.
pub const CLOCK_INVALID: i32 = 1 << 16;

/// Bits that the envelope and the camera tell, which the values of a row do not.
pub const TOLD: i32 = LATE | CLOCK_SUSPECT | CLOCK_INVALID | OFF_PRESET | IMPUTED;

/// Every bit with its word in JSON, in order.
pub const WORDS: [(i32, &str); 17] = [
    (OUT_OF_RANGE, "out_of_range"),
    (MAX_VOLUME, "max_volume"),
    (MISMATCH, "mismatch"),
    (STUCK_ON, "stuck_on"),
    (NO_ACTIVITY, "no_activity"),
    (CONSTANT, "constant"),
    (SPIKE, "spike"),
    (SPEED, "speed"),
    (LENGTH, "length"),
    (CLASS_SUM, "class_sum"),
    (INCOMPLETE, "incomplete"),
    (LATE, "late"),
    (CLOCK_SUSPECT, "clock_suspect"),
    (OFF_PRESET, "off_preset"),
    (IMPUTED, "imputed"),
    (FORCED_BAD, "forced_bad"),
    (CLOCK_INVALID, "clock_invalid"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_stands_once_at_its_place() {
        for (place, (bit, _)) in WORDS.into_iter().enumerate() {
            assert_eq!(bit, 1 << place);
        }
    }
}
