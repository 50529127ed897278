//! Texts that are kept for long and seldom looked at, compressed each for itself.
//!
//! The latest messages of a city, and the histories of its detectors, are tens of megabytes of JSON that
//! repeats the same keys. Each is kept as a block of LZ4 (its block format), with the words of an ordinary
//! one known beforehand.

use lz4_flex::block;

/// Shorter texts are kept as they are.
const PACKED_MIN: usize = 256;

/// A text: after its length in bytes (little endian) its block; after a length of 0 the text itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    /// Packs a text; `words` are what texts like it repeat, and only its size depends on them.
    pub(crate) fn of(text: &[u8], words: &[u8]) -> Self {
        if text.len() < PACKED_MIN {
            return Self([&[0; 4], text].concat().into());
        }
        Self(block::compress_prepend_size_with_dict(text, words).into())
    }

    /// The text; `words` must be those that it was packed with.
    pub(crate) fn open(&self, words: &[u8]) -> Vec<u8> {
        match self.0.split_first_chunk::<4>() {
            Some(([0, 0, 0, 0], text)) => text.to_vec(),
            // What was packed here cannot fail to be opened.
            Some(_) | None => {
                block::decompress_size_prepended_with_dict(&self.0, words).unwrap_or_default()
            }
        }
    }

    /// Bytes that it takes.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[u8] = br#"{"count":1,"occupancy":0.1,"speed_kmh":30.1},"#;

    #[test]
    fn texts_of_any_length_come_back_as_they_were() {
        let text: Vec<u8> = WORDS.iter().rev().chain(WORDS).copied().cycle().take(3_000).collect();
        for length in [0, 1, 4, 255, 256, 257, 1_000, text.len()] {
            let packed = Packed::of(&text[..length], WORDS);
            assert_eq!(packed.open(WORDS), &text[..length], "{length} bytes");
        }
        let unlike: Vec<u8> = (0..5_000_u32).map(|n| n.wrapping_mul(n).to_le_bytes()[1]).collect();
        assert_eq!(Packed::of(&unlike, WORDS).open(WORDS), unlike);
    }

    #[test]
    fn words_known_beforehand_are_not_kept() {
        let text = [WORDS; 8].concat();
        let (with, without) = (Packed::of(&text, WORDS), Packed::of(&text, b""));
        assert!(with.len() + 30 < without.len(), "{} and {}", with.len(), without.len());
    }
}
