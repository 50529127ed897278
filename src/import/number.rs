//! Vietnamese numbers: the point groups thousands, the comma is the decimal sign.
//!
//! 1.432 is one thousand four hundred and thirty-two; 1.1152 is a misprint and refused, never read as
//! a little more than one; "hơn 362.729" is a lower bound.

use ioc_ingest::metric::Bound;

use super::words::Words;
use crate::unit::name::plain_key;

/// A count and whether it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) value: u64,
    pub(super) bound: Bound,
}

/// Why a text is no number, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoNumber {
    pub(super) problem: &'static str,
    pub(super) advice: String,
}

fn no_number<T>(problem: &'static str, advice: impl Into<String>) -> Result<T, NoNumber> {
    Err(NoNumber { problem, advice: advice.into() })
}

/// Reads a count, 0 to 999 999 999 999.
pub(super) fn count(text: &str, words: &Words) -> Result<Count, NoNumber> {
    let (digits, bound) = strip(text, words)?;
    let (whole, fraction) = match digits.split_once(',') {
        Some((whole, fraction)) => (whole, fraction),
        None => match digits.rsplit_once('.') {
            // A spreadsheet that writes whole numbers with a decimal point.
            Some((whole, "0" | "00")) if is_digits(whole) => (whole, "0"),
            _ => (digits.as_str(), "0"),
        },
    };
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte == b'0') {
        let advice = "a count has no decimals; the comma is the decimal sign, the point groups \
                      thousands: 1.432";
        return no_number("is no whole number", advice);
    }
    let value = grouped(whole)?;
    Ok(Count { value, bound })
}

/// Reads points in thousandths, 0 to `max_e3`. A point is the decimal sign too, where three digits
/// behind it cannot be thousands because the maximum is less.
pub(super) fn points_e3(text: &str, max_e3: u32, words: &Words) -> Result<u32, NoNumber> {
    let (digits, bound) = strip(text, words)?;
    if bound == Bound::AtLeast {
        return no_number("is no exact number", "write the points themselves, such as 17,25");
    }
    let (whole, fraction) =
        digits.split_once(',').or_else(|| digits.split_once('.')).unwrap_or((&digits, ""));
    if !is_digits(whole) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return no_number("is no number of points", "write it such as 17,25 or 17.25");
    }
    let kept = fraction.trim_end_matches('0');
    if kept.len() > 3 {
        return no_number("has more than three decimals", "points have at most three decimals");
    }
    let value = format!("{whole}{kept:0<3}").parse::<u32>().ok().filter(|value| *value <= max_e3);
    match value {
        Some(value) => Ok(value),
        None => no_number(
            "is more than the highest number of points",
            format!("write 0 to {},{:03}", max_e3 / 1000, max_e3 % 1000),
        ),
    }
}

/// The digits and signs of a number, without the words around it.
fn strip(text: &str, words: &Words) -> Result<(String, Bound), NoNumber> {
    let mut text = text.trim().trim_start_matches('\'').to_lowercase();
    let mut bound = Bound::Exact;
    let key = plain_key(&text);
    let is_before = |word: &String| {
        let plain = plain_key(word);
        if plain.is_empty() { text.starts_with(word.as_str()) } else { key.starts_with(&plain) }
    };
    if words.vague.iter().any(|word| is_before(word) && !words.lower_bound.contains(word)) {
        let advice = "write the exact number, or «hơn 1.432» for a lower bound";
        return no_number("is a vague number", advice);
    }
    if words.lower_bound.iter().any(is_before) {
        bound = Bound::AtLeast;
    }
    if let Some(first) = text.find(|c: char| c.is_ascii_digit()) {
        let before = plain_key(&text[..first]);
        let sign = text[..first].trim();
        let is_known = sign.is_empty()
            || words
                .lower_bound
                .iter()
                .any(|word| word == sign || (!before.is_empty() && plain_key(word) == before));
        if !is_known || sign.ends_with(['-', '−']) {
            return no_number("is no number", "write digits only: 1432 or 1.432");
        }
        text.drain(..first);
    } else {
        return no_number("is no number", "write digits only: 1432 or 1.432");
    }
    let end = text.rfind(|c: char| c.is_ascii_digit()).map_or(0, |last| last + 1);
    let behind = plain_key(&text[end..]);
    if !behind.is_empty() && !words.counted.iter().any(|word| plain_key(word) == behind) {
        return no_number("has words behind the number", "write digits only: 1432 or 1.432");
    }
    if text[end..].contains('%') {
        return no_number("is a share", "write the count itself");
    }
    text.truncate(end);
    // Spaces group thousands in some tables.
    let digits = text.split([' ', '\u{a0}', '\u{202f}']).collect::<Vec<_>>();
    if digits.len() > 1 && !digits[1..].iter().all(|group| group.len() >= 3) {
        return no_number("is several numbers", "write one number per cell");
    }
    Ok((digits.concat(), bound))
}

/// Digits with or without points between groups of three.
fn grouped(text: &str) -> Result<u64, NoNumber> {
    const ADVICE: &str = "points stand between groups of three digits";
    let mut groups = text.split('.');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let is_grouped = rest.is_empty()
        || ((1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3));
    if !is_grouped || !is_digits(first) || !rest.iter().all(|group| is_digits(group)) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        return no_number(
            "is a misprint: its points do not group thousands",
            format!("{ADVICE}: perhaps {} is meant", with_points(&digits)),
        );
    }
    let digits = format!("{first}{}", rest.concat());
    match digits.parse::<u64>() {
        Ok(value) if digits.len() <= 12 => Ok(value),
        _ => no_number("is too large", "at most 999.999.999.999"),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// 11152 as 11.152.
pub(super) fn with_points(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static WORDS: std::sync::LazyLock<Words> = std::sync::LazyLock::new(Words::default_words);

    fn value(text: &str) -> Option<u64> {
        count(text, &WORDS).ok().map(|count| count.value)
    }

    #[test]
    fn points_group_thousands() {
        for (text, expected) in [
            ("1.432", 1432),
            ("1432", 1432),
            ("362.729", 362_729),
            ("1.234.567", 1_234_567),
            ("06", 6),
            ("0", 0),
            (" 8.011 ", 8011),
            ("1 432", 1432),
            ("1\u{a0}432", 1432),
            ("1.432,0", 1432),
            ("1432.0", 1432),
            ("'793", 793),
            ("252 thủ tục", 252),
            ("497 hồ sơ", 497),
        ] {
            assert_eq!(value(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn misprints_are_refused_with_a_hint() {
        let words = &*WORDS;
        let misprint = count("1.1152", words).unwrap_err();
        assert!(misprint.problem.contains("misprint"), "{misprint:?}");
        assert!(misprint.advice.contains("11.152"), "{misprint:?}");
        for bad in [
            "1.1152",
            "1.43",
            "1.4.32",
            "1432.5",
            "1.432,5",
            "1,432",
            "12,5",
            "-5",
            "−5",
            "1e3",
            "5%",
            "98,15%",
            "khoảng 500",
            "gần 2.000",
            "< 10",
            "280 + 1.152",
            "1 2",
            "năm",
            "(12)",
            "1/2",
            "1.000.000.000.000",
            "0912345678 hotline",
        ] {
            assert_eq!(value(bad), None, "{bad}");
        }
    }

    #[test]
    fn more_than_is_a_lower_bound() {
        let words = &*WORDS;
        for text in ["hơn 362.729", "Hơn 362.729", "trên 362.729 văn bản", ">362.729", "≥ 362729"]
        {
            let expected = Count { value: 362_729, bound: Bound::AtLeast };
            assert_eq!(count(text, words), Ok(expected), "{text}");
        }
        assert_eq!(count("254", words).unwrap().bound, Bound::Exact);
    }

    #[test]
    fn points_take_either_decimal_sign() {
        let words = &*WORDS;
        let read = |text, max| points_e3(text, max, words).ok();
        assert_eq!(read("1.978", 2_000), Some(1_978));
        assert_eq!(read("1,978", 2_000), Some(1_978));
        assert_eq!(read("15.753", 18_000), Some(15_753));
        assert_eq!(read("83,61", 100_000), Some(83_610));
        assert_eq!(read("100", 100_000), Some(100_000));
        assert_eq!(read("100.000", 100_000), Some(100_000));
        assert_eq!(read("5,7 điểm", 6_000), Some(5_700));
        for bad in ["2,001", "1.1152", "-1", "", "x", "1.0.0", "hơn 1"] {
            assert_eq!(read(bad, 2_000), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_count_is_read_however_it_is_grouped(number in 0_u64..1_000_000_000_000) {
            let plain = number.to_string();
            prop_assert_eq!(value(&plain), Some(number));
            prop_assert_eq!(value(&with_points(&plain)), Some(number));
        }

        #[test]
        fn no_text_is_too_strange(text in ".{0,24}") {
            let words = &*WORDS;
            let _ = count(&text, words);
            let _ = points_e3(&text, 100_000, words);
        }
    }
}
