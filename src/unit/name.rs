//! Vietnamese names as keys: one key for every way in which the same name is written.
//!
//! Unicode NFC, lower case, one place for the tone mark (òa and oà, ủy and uỷ are the same letters in
//! two orthographies), punctuation and runs of spaces as one space. Accents stay: they distinguish names.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::city::UnitKind;

/// Tone marks on the second vowel of oa, oe, uy, and the same mark on the first.
const TONES: [(char, char, char, char); 15] = [
    ('o', 'à', 'ò', 'a'),
    ('o', 'á', 'ó', 'a'),
    ('o', 'ả', 'ỏ', 'a'),
    ('o', 'ã', 'õ', 'a'),
    ('o', 'ạ', 'ọ', 'a'),
    ('o', 'è', 'ò', 'e'),
    ('o', 'é', 'ó', 'e'),
    ('o', 'ẻ', 'ỏ', 'e'),
    ('o', 'ẽ', 'õ', 'e'),
    ('o', 'ẹ', 'ọ', 'e'),
    ('u', 'ỳ', 'ù', 'y'),
    ('u', 'ý', 'ú', 'y'),
    ('u', 'ỷ', 'ủ', 'y'),
    ('u', 'ỹ', 'ũ', 'y'),
    ('u', 'ỵ', 'ụ', 'y'),
];

/// Words for what a unit is, as keys, with the kinds that they may mean; longer ones first.
const KINDS: [(&str, &[UnitKind]); 16] = [
    ("thành phố ", &[UnitKind::City, UnitKind::District]),
    ("thị trấn ", &[UnitKind::Town]),
    ("thị xã ", &[UnitKind::District]),
    ("phường ", &[UnitKind::Ward]),
    ("quận ", &[UnitKind::District]),
    ("huyện ", &[UnitKind::District]),
    ("tỉnh ", &[UnitKind::City]),
    ("xã ", &[UnitKind::Commune]),
    ("sở ", &[UnitKind::Agency]),
    ("tp ", &[UnitKind::City, UnitKind::District]),
    ("tt ", &[UnitKind::Town]),
    ("tx ", &[UnitKind::District]),
    ("p ", &[UnitKind::Ward]),
    ("q ", &[UnitKind::District]),
    ("h ", &[UnitKind::District]),
    ("x ", &[UnitKind::Commune]),
];

/// Words for the office of a unit, as keys; longer ones first.
const OFFICES: [&str; 10] = [
    "bộ phận tiếp nhận và trả kết quả ",
    "bộ phận tn và tkq ",
    "bộ phận một cửa ",
    "trung tâm phục vụ hành chính công ",
    "trung tâm pvhcc ",
    "ttpvhcc ",
    "văn phòng hđnd và ubnd ",
    "ủy ban nhân dân ",
    "ubnd ",
    "của ",
];

/// The key of a name.
pub(crate) fn key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    let lower = text.nfc().flat_map(char::to_lowercase);
    for c in lower {
        // The Icelandic eth stands for đ in texts from old code pages.
        let c = if c == 'ð' { 'đ' } else { c };
        let last = key.chars().next_back();
        let moved = TONES.iter().find(|(first, second, ..)| last == Some(*first) && c == *second);
        if let Some((_, _, first, second)) = moved {
            key.pop();
            key.push(*first);
            key.push(*second);
        } else if c.is_alphanumeric() {
            key.push(c);
        } else if last.is_some_and(|last| last != ' ') {
            key.push(' ');
        }
    }
    key.truncate(key.trim_end().len());
    key
}

/// The key of a text without accents, for header words that people type in any way.
pub(crate) fn plain_key(text: &str) -> String {
    let key = key(text);
    let plain = key.nfd().filter(|c| !is_combining_mark(*c));
    plain.map(|c| if c == 'đ' { 'd' } else { c }).collect()
}

/// A key without the words for the unit's office.
pub(super) fn without_office(mut key: &str) -> &str {
    while let Some(rest) = OFFICES.iter().find_map(|office| key.strip_prefix(office)) {
        key = rest;
    }
    key
}

/// The kinds that a key begins with, and what follows; null for a key without a kind.
pub(super) fn split_kind(key: &str) -> (Option<&'static [UnitKind]>, &str) {
    let found = KINDS.iter().find_map(|(word, kinds)| Some((*kinds, key.strip_prefix(word)?)));
    found.map_or((None, key), |(kinds, rest)| (Some(kinds), rest))
}

/// A key without its kind.
pub(super) fn bare(key: &str) -> &str {
    split_kind(key).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_orthographies_and_two_unicode_forms_have_one_key() {
        for (a, b) in [
            ("Thạnh Hòa", "Thạnh Hoà"),
            ("Bình Thủy", "BÌNH THUỶ"),
            ("Ủy ban", "Uỷ ban"),
            ("Hòe Nhai", "Hoè  Nhai"),
            ("Thốt Nốt", "Tho\u{302}\u{301}t No\u{302}\u{301}t"),
            ("Thạnh Hòa", "Tha\u{323}nh Hoa\u{300}"),
            ("Sở Văn hóa, Thể thao và Du lịch", "sở văn hoá - thể thao và du lịch"),
            ("Đông Thắng", "Ðông\u{a0}Thắng "),
        ] {
            assert_eq!(key(a), key(b), "{a} {b}");
        }
        for (a, b) in [("Thạnh An", "Thanh An"), ("Tân Lộc", "Tân Lọc"), ("Hòa", "Hóa")] {
            assert_ne!(key(a), key(b), "{a} {b}");
        }
        assert_eq!(plain_key("Mã hồ sơ (Đ.1)"), "ma ho so d 1");
    }
}
