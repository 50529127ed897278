//! What lists of records have in common: the id of a record, and where a page of them ends.
//!
//! Tickets, calls, dossiers, petitions, documents and forms are all known by their publishing system and
//! a number of its own, and listed by time.

use chrono::SecondsFormat;
use ioc_ingest::topic::is_token;

use super::{paging::Cursor, params, problem::Problem};
use crate::store::ticket::After;

/// `TIME~SOURCE~NUMBER`: neither times nor sources contain a tilde.
impl Cursor for After {
    fn write(&self) -> String {
        let (time, source, number) = self;
        format!("{}~{source}~{number}", time.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '~');
        let time = params::time("after", parts.next()?).ok()?;
        Some((time, parts.next()?.to_owned(), parts.next()?.to_owned()))
    }
}

/// `SOURCE:NUMBER`.
pub(super) fn id(source: &str, number: &str) -> String {
    format!("{source}:{number}")
}

/// Source and number of an id in a path; an id that no record can have names none.
pub(super) fn parts(noun: &str, id: &str) -> Result<(String, String), Problem> {
    let parts = id.split_once(':').filter(|(source, number)| {
        is_token(source) && !number.is_empty() && !number.contains('\0')
    });
    let (source, number) = parts.ok_or_else(|| missing(noun, id))?;
    Ok((source.to_owned(), number.to_owned()))
}

/// There is no such record.
pub(super) fn missing(noun: &str, id: &str) -> Problem {
    Problem::not_found(format!("there is no {noun} {id:?}"))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_cursor_is_read_back_to_the_microsecond() {
        let time = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let after: After = (time, "desk-1022".to_owned(), "1022~odd~number".to_owned());
        assert_eq!(After::read(&after.write()).unwrap(), after);
        for foreign in ["", "yesterday", "2026-03-02T01:15:00Z~desk-1022", "then~desk-1022~1"] {
            assert!(After::read(foreign).is_none(), "{foreign}");
        }
    }

    #[test]
    fn an_id_is_a_source_and_whatever_number_it_gives() {
        let whole = id("onestop-can-tho", "000.00.16.H13-230315:0001");
        let (source, number) = parts("dossier", &whole).unwrap();
        assert_eq!((source.as_str(), number.as_str()), ("onestop-can-tho", &whole[16..]));
        for foreign in ["", "onestop", "onestop:", ":1", "One Stop:1", "onestop:\0"] {
            assert_eq!(parts("dossier", foreign).unwrap_err().code, "not_found", "{foreign}");
        }
    }
}
