//! The date inside a dossier code. The code is opaque as a key; its parts are only compared.
//!
//! Old form `000.00.31.H13-260302-0975` (lowest level first), new form `H13.50.05.13-260302-0975`, with
//! a running number of 4 to 7 digits. (Circular 01/2018/TT-VPCP, Article 19, and codes in use.)

use chrono::NaiveDate;

/// Whether the date in a code is another day, or none; false for a code of another form.
pub(super) fn date_differs(code: &str, day: NaiveDate) -> bool {
    let parts: Vec<&str> = code.split('-').collect();
    let [agency, date, number] = parts[..] else { return false };
    is_agency(agency)
        && is_digits(date, 6..=6)
        && is_digits(number, 4..=7)
        && NaiveDate::parse_from_str(&format!("20{date}"), "%Y%m%d") != Ok(day)
}

fn is_digits(text: &str, count: std::ops::RangeInclusive<usize>) -> bool {
    count.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A letter and two digits, as in `H13`.
fn is_province(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && is_digits(&text[1..], 2..=2)
}

fn is_agency(text: &str) -> bool {
    let levels: Vec<&str> = text.split('.').collect();
    match levels[..] {
        [a, b, c, province] if is_province(province) => {
            is_digits(a, 3..=3) && is_digits(b, 2..=2) && is_digits(c, 2..=2)
        }
        [province, ref below @ ..] => {
            is_province(province) && below.len() <= 4 && below.iter().all(|l| is_digits(l, 1..=3))
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_and_every_length_of_the_number_are_read() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        for code in [
            "H13.50.05.13-260302-0975",
            "H13-260302-0975",
            "H13.50-260302-12345",
            "H13.50.05.13.1-260302-123456",
            "H13.50.05.13-260302-1234567",
            "000.00.31.H13-260302-0975",
        ] {
            assert!(!date_differs(code, day(2)), "{code}");
            assert!(date_differs(code, day(1)), "{code}");
        }
        assert!(date_differs("H13.50.05.13-261302-0975", day(2)), "no such month");
    }

    #[test]
    fn other_codes_are_opaque() {
        for code in [
            "",
            "HS-0975",
            "H13-260302-975",
            "H13-260302-12345678",
            "H13-26032-0975",
            "13-260302-0975",
            "h13-260302-0975",
            "H13.5050-260302-0975",
            "H13.1.2.3.4.5-260302-0975",
            "00.00.31.H13-260302-0975",
            "H13-260302-0975-1",
            "Đ13-260302-0975",
        ] {
            assert!(!date_differs(code, NaiveDate::MIN), "{code}");
        }
    }
}
