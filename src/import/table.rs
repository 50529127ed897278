//! Bytes of a CSV file as lines of cells: encoding and delimiter are recognised, texts become NFC. Lines
//! are made one by one, so that a large file needs little more memory than its text.

mod windows1258;

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use super::report::Report;

/// Delimiters that are tried, with their names.
const DELIMITERS: [(u8, &str); 4] = [(b',', ","), (b';', ";"), (b'\t', "tab"), (b'|', "|")];
/// Lines by which the delimiter is recognised.
const SAMPLE_LINES: usize = 200;

/// One line of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Line of the file, from 1, on which it begins.
    pub(super) number: u64,
    /// Cells: trimmed, NFC, line breaks as spaces.
    pub(super) cells: Vec<String>,
}

impl Line {
    /// Cells that are not empty.
    pub(super) fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }
}

/// A text with its delimiter.
#[derive(Debug)]
pub(super) struct Table<'a> {
    text: Cow<'a, str>,
    delimiter: u8,
    /// Whether the first line only tells the delimiter.
    is_told: bool,
}

/// Recognises encoding and delimiter; null, with the reason in the report, when the bytes are no table.
pub(super) fn open<'a>(bytes: &'a [u8], report: &mut Report) -> Option<Table<'a>> {
    let text = decode(bytes, report)?;
    // Spreadsheets write their delimiter into a first line "sep=;".
    let first = text.lines().next().unwrap_or_default().trim();
    let told = first.strip_prefix("sep=").and_then(|rest| rest.bytes().next());
    let (delimiter, name) = match told {
        Some(byte) => DELIMITERS.into_iter().find(|(known, _)| *known == byte)?,
        None => detect(&text),
    };
    report.delimiter = Some(name.to_owned());
    let table = Table { text, delimiter, is_told: told.is_some() };
    if table.lines().all(|line| line.filled() == 0) {
        report.refuse(None, "", "the file is empty".to_owned(), "export the table again");
        return None;
    }
    Some(table)
}

impl Table<'_> {
    /// Every line that has cells, in order. The text is valid and rows may have any length, so that the
    /// reader finds nothing to refuse.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line> {
        let mut counter = LineCounter { text: self.text.as_bytes(), at: 0, line: 1 };
        let records = reader(&self.text, self.delimiter).into_records().filter_map(Result::ok);
        records.skip(usize::from(self.is_told)).map(move |record| {
            let number = counter.line_of(record.position().map_or(0, csv::Position::byte));
            Line { number, cells: record.iter().map(cell).collect() }
        })
    }
}

/// Counts lines up to a place; the reader's own count stops before the empty lines that it passes over.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// The line of the first character at or after `byte` that ends no line. Places only grow.
    fn line_of(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let is_end = |byte: &&u8| matches!(byte, b'\n' | b'\r');
        let begin = from + self.text[from..].iter().take_while(is_end).count();
        let passed = self.text.get(self.at..begin).unwrap_or_default();
        self.line += (passed.split(|byte| *byte == b'\n').count() - 1) as u64;
        self.at = begin.max(self.at);
        self.line
    }
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

fn cell(text: &str) -> String {
    let text = text.trim();
    // Most cells are plain: digits, codes, and words that stand composed already.
    if text.is_ascii() && !text.contains("  ") && !text.contains(['\n', '\r', '\t']) {
        return text.to_owned();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").nfc().collect()
}

/// UTF-8 with or without mark, UTF-16 with mark, or Windows-1258.
fn decode<'a>(bytes: &'a [u8], report: &mut Report) -> Option<Cow<'a, str>> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| -> Cow<'a, str> {
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        Cow::Owned(text.collect())
    };
    let (name, text) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => ("UTF-8 with mark", Cow::Borrowed(utf8(rest, report)?)),
        [0xff, 0xfe, rest @ ..] => ("UTF-16 LE", wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => ("UTF-16 BE", wide(rest, u16::from_be_bytes)),
        bytes => {
            let is_other = std::str::from_utf8(bytes).is_err();
            match is_other.then(|| windows1258::decode(bytes)).flatten() {
                Some(text) => ("Windows-1258", Cow::Owned(text)),
                None => ("UTF-8", Cow::Borrowed(utf8(bytes, report)?)),
            }
        }
    };
    if text.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        let problem = "holds characters that no text has".to_owned();
        report.refuse(None, "", problem, "save the table as «CSV UTF-8» and send that file");
        return None;
    }
    report.encoding = Some(name.to_owned());
    Some(text)
}

fn utf8<'a>(bytes: &'a [u8], report: &mut Report) -> Option<&'a str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count() as u64;
            let problem = "is neither UTF-8 nor Windows-1258, perhaps an old Vietnamese code page \
                           (TCVN3, VNI) or a spreadsheet file"
                .to_owned();
            let advice = "save the table as «CSV UTF-8» and send that file";
            report.refuse(Some(line), "", problem, advice);
            None
        }
    }
}

/// The delimiter that gives most lines the same number of cells, and many of them.
fn detect(text: &str) -> (u8, &'static str) {
    let score = |delimiter: u8| {
        let mut widths: Vec<usize> = reader(text, delimiter)
            .records()
            .take(SAMPLE_LINES)
            .filter_map(Result::ok)
            .map(|record| record.len())
            .filter(|width| *width > 1)
            .collect();
        widths.sort_unstable();
        let runs = widths.chunk_by(|a, b| a == b);
        runs.map(|run| run.len() * (run[0] - 1)).max().unwrap_or(0)
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|(byte, _)| score(*byte));
    best.unwrap_or(DELIMITERS[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Kind;

    fn lines(bytes: &[u8]) -> (Report, Vec<Vec<String>>) {
        let mut report = Report::new(Kind::Dossier, "test");
        let table = open(bytes, &mut report);
        let cells = table.iter().flat_map(Table::lines).map(|line| line.cells).collect();
        (report, cells)
    }

    #[test]
    fn encodings_and_delimiters_are_recognised() {
        let text = "Mã hồ sơ;Ngày nhận\nA,1;05/02/2021\nB;06/02/2021\n";
        let wide: Vec<u8> =
            text.replace(';', "\t").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&[0xef, 0xbb, 0xbf], text.as_bytes()].concat();
        let cases: [(Vec<u8>, &str, &str); 5] = [
            (
                // Letters and tone marks apart, as that code page has them.
                b"M\xe3\xde h\xf4\xcc s\xbd;Ng\xe0y nh\xe2\xf2n\nA,1;05/02/2021\n"
                    .map(|byte| match byte {
                        0xe3 => b'a',
                        0xbd => 0xf5,
                        other => other,
                    })
                    .to_vec(),
                "Windows-1258",
                ";",
            ),
            (text.as_bytes().to_vec(), "UTF-8", ";"),
            (marked, "UTF-8 with mark", ";"),
            ([&[0xff, 0xfe], &wide[..]].concat(), "UTF-16 LE", "tab"),
            (format!("sep=;\n{text}").into_bytes(), "UTF-8", ";"),
        ];
        for (bytes, encoding, delimiter) in cases {
            let (report, cells) = lines(&bytes);
            assert_eq!(report.encoding.as_deref(), Some(encoding));
            assert_eq!(report.delimiter.as_deref(), Some(delimiter));
            assert_eq!(cells[0], ["Mã hồ sơ", "Ngày nhận"], "{encoding}");
            assert_eq!(cells[1], ["A,1", "05/02/2021"]);
        }
    }

    #[test]
    fn cells_are_trimmed_and_composed() {
        let (_, cells) = lines("a,\" Hoa\u{300}\n  Bi\u{300}nh \",c\n".as_bytes());
        assert_eq!(cells[0], ["a", "Ho\u{e0} B\u{ec}nh", "c"]);
    }

    #[test]
    fn bytes_that_are_no_table_are_refused_with_the_line() {
        let (report, _) = lines(b"a,b\nM\xb8 h\xe5 s\xac,1\n");
        assert!(report.is_refused);
        assert_eq!(report.problems[0].line, Some(2));
        assert!(report.problems[0].advice.contains("UTF-8"));
        for bytes in [&b""[..], b"\n\n", b"PK\x03\x04\x00\x00"] {
            assert!(lines(bytes).0.is_refused, "{bytes:?}");
        }
    }
}
