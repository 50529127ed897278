//! Windows-1258, the Vietnamese code page of old spreadsheets: letters, and tone marks behind them.
//!
//! Nothing in a file names its code page, so a text counts as this one only if it has marks and each of
//! them stands behind a letter that can carry it. Texts of TCVN3 and VNI, which use the same bytes
//! otherwise, put marks behind consonants and signs into words.

use unicode_normalization::UnicodeNormalization as _;

/// The bytes from 0x80 on that are not those of Latin-1; `\0` stands for a byte without a meaning.
const UPPER: [char; 32] = [
    '\u{20ac}', '\0', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
    '\u{2c6}', '\u{2030}', '\0', '\u{2039}', '\u{152}', '\0', '\0', '\0', '\0', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}',
    '\0', '\u{203a}', '\u{153}', '\0', '\0', '\u{178}',
];

/// Letters that carry tone marks.
const VOWELS: &str = "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY";

/// Signs that stand in texts though never inside words.
const SIGNS: &str = "\u{a0}§«°±·º»×\u{ad}";

/// The text; null when the bytes are none of this code page, or have no tone mark at all.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 4);
    let (mut before, mut has_mark) = ('\n', false);
    for &byte in bytes {
        let letter = letter(byte)?;
        if is_mark(letter) {
            has_mark = true;
            if !VOWELS.contains(before) {
                return None;
            }
        } else if ('\u{a1}'..='\u{bf}').contains(&letter)
            && !SIGNS.contains(letter)
            && before.is_alphabetic()
        {
            return None;
        }
        before = letter;
        text.push(letter);
    }
    has_mark.then(|| text.nfc().collect())
}

const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}')
}

fn letter(byte: u8) -> Option<char> {
    let letter = match byte {
        0..0x80 => char::from(byte),
        0x80..0xa0 => UPPER[usize::from(byte - 0x80)],
        0xc3 => 'Ă',
        0xcc => '\u{300}',
        0xd0 => 'Đ',
        0xd2 => '\u{309}',
        0xd5 => 'Ơ',
        0xdd => 'Ư',
        0xde => '\u{303}',
        0xe3 => 'ă',
        0xec => '\u{301}',
        0xf0 => 'đ',
        0xf2 => '\u{323}',
        0xf5 => 'ơ',
        0xfd => 'ư',
        0xfe => '₫',
        latin => char::from(latin),
    };
    (letter != '\0' || byte == 0).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_marks_become_one() {
        // Tiếng Việt, Đường Phường, ngõ
        let text =
            decode(b"Ti\xea\xecng Vi\xea\xf2t, \xd0\xfd\xf5\xccng Ph\xfd\xf5\xccng, ngo\xde");
        assert_eq!(text.as_deref(), Some("Tiếng Việt, Đường Phường, ngõ"));
    }

    #[test]
    fn other_code_pages_and_plain_texts_are_none() {
        assert_eq!(decode(b"Ma ho so"), None, "nothing to recognise it by");
        // "Mã hồ sơ, Phường" in TCVN3 and in VNI.
        assert_eq!(decode(b"M\xb7 h\xe5 s\xac, Ph\xad\xeang"), None);
        assert_eq!(decode(b"Ma\xf5 ho\xe0 s\xf4, Ph\xf6\xf4\xf8ng"), None);
        assert_eq!(decode(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]), None);
        assert_eq!(decode(b"k\xcc"), None, "a mark behind a consonant");
    }
}
