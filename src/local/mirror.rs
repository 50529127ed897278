//! Reads the machine's apt sources and finds the mirrors that may serve Debian's
//! main component, so that no host name stands in the product.
//!
//! Both formats of sources.list(5): one line per source, and deb822 stanzas.
//! Out: candidates in the order they are worth trying, and a stanza for each.

use std::path::Path;

use super::error::{LocalError, folder_error};

/// Debian suites, under the names a machine's sources may give them.
const DEBIAN_SUITES: &[&str] = &[
    "buster",
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "duke",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];

/// Fields of a source that decide whether its signature is trusted.
const KEPT_FIELDS: &[&str] = &["Signed-By", "Trusted", "Check-Valid-Until", "Check-Date"];

/// One mirror of Debian as the machine names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mirror {
    /// Address as in the apt source; may name a file with a list of mirrors.
    pub(super) uri: String,
    /// Fields about trust, copied as they stand (continuation lines included).
    fields: Vec<(String, String)>,
}

/// One source of the machine, before it is known to be Debian's.
#[derive(Debug, Default)]
struct Source {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    fields: Vec<(String, String)>,
}

impl Mirror {
    /// The address without a user and password that may stand in it.
    pub(super) fn shown(&self) -> String {
        match self.uri.split_once("://").map(|(scheme, rest)| (scheme, rest.rsplit_once('@'))) {
            Some((scheme, Some((_, host)))) => format!("{scheme}://{host}"),
            _ => self.uri.clone(),
        }
    }
}

/// Reads all apt sources below a folder laid out like `/etc/apt`.
///
/// # Errors
/// When a source file exists and cannot be read.
pub(super) fn mirrors(etc_apt: &Path) -> Result<Vec<Mirror>, LocalError> {
    let mut sources = Vec::new();
    let main = etc_apt.join("sources.list");
    if main.is_file() {
        sources.extend(parse_list(&read(&main)?));
    }
    let parts = etc_apt.join("sources.list.d");
    let mut files: Vec<_> = match std::fs::read_dir(&parts) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    files.sort();
    for file in files {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("list") => sources.extend(parse_list(&read(&file)?)),
            Some("sources") => sources.extend(parse_deb822(&read(&file)?)),
            _ => {}
        }
    }
    Ok(candidates(sources))
}

/// The deb822 stanza that points apt at one suite of a mirror.
pub(super) fn render(mirror: &Mirror, suite: &str, architecture: &str) -> String {
    let mut text = format!(
        "Types: deb\nURIs: {}\nSuites: {suite}\nComponents: main\nArchitectures: {architecture}\nTargets: Packages\n",
        mirror.uri
    );
    for (key, value) in &mirror.fields {
        text.push_str(key);
        text.push(':');
        text.push_str(value);
        text.push('\n');
    }
    text
}

fn read(file: &Path) -> Result<String, LocalError> {
    std::fs::read_to_string(file).map_err(|source| folder_error(file, source))
}

fn candidates(sources: Vec<Source>) -> Vec<Mirror> {
    let mut found: Vec<Mirror> = Vec::new();
    for source in sources {
        let debian = source.suites.iter().any(|suite| DEBIAN_SUITES.contains(&suite.as_str()));
        if !debian || !source.components.iter().any(|component| component == "main") {
            continue;
        }
        for uri in source.uris {
            let known = found.iter().any(|mirror| mirror.uri == uri);
            if !known && !uri.starts_with("cdrom:") {
                found.push(Mirror { uri, fields: source.fields.clone() });
            }
        }
    }
    // A vendor's repository may also call its suite "stable": an address that
    // ends in "debian", or a mirror list, is the likelier one.
    found.sort_by_key(|mirror| {
        let path = mirror.uri.trim_end_matches('/');
        !(path.ends_with("/debian") || path.starts_with("mirror"))
    });
    found
}

fn parse_list(text: &str) -> Vec<Source> {
    text.lines().filter_map(parse_line).collect()
}

/// `deb [option=value …] uri suite component …`
fn parse_line(line: &str) -> Option<Source> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = line.strip_prefix("deb")?;
    if !rest.starts_with([' ', '\t']) {
        return None;
    }
    let rest = rest.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let uri = words.next()?;
    let suite = words.next()?;
    let fields = options
        .split_whitespace()
        .filter_map(|option| option.split_once('='))
        .filter_map(|(key, value)| Some((kept(key)?, format!(" {}", value.replace(',', " ")))))
        .collect();
    Some(Source { uris: vec![uri], suites: vec![suite], components: words.collect(), fields })
}

/// The name of a field that is carried over, in the spelling of deb822.
fn kept(key: &str) -> Option<String> {
    KEPT_FIELDS
        .iter()
        .find(|field| field.eq_ignore_ascii_case(key))
        .map(|field| (*field).to_owned())
}

fn parse_deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut stanza: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            sources.extend(source_of(&stanza));
            stanza.clear();
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = stanza.last_mut() {
                value.push('\n');
                value.push_str(line);
            }
        } else if let Some((key, value)) = line.split_once(':') {
            stanza.push((key.to_owned(), value.to_owned()));
        }
    }
    sources
}

fn source_of(stanza: &[(String, String)]) -> Option<Source> {
    let words = |name: &str| -> Vec<String> {
        let field = stanza.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        field
            .map(|(_, value)| value.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let disabled = words("Enabled")
        .first()
        .is_some_and(|value| matches!(value.as_str(), "no" | "false" | "0"));
    if disabled || !words("Types").iter().any(|kind| kind == "deb") {
        return None;
    }
    let fields =
        stanza.iter().filter_map(|(key, value)| Some((kept(key)?, value.clone()))).collect();
    Some(Source {
        uris: words("URIs"),
        suites: words("Suites"),
        components: words("Components"),
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(sources: Vec<Source>) -> Vec<String> {
        candidates(sources).into_iter().map(|mirror| mirror.uri).collect()
    }

    #[test]
    fn one_line_sources_give_the_mirror_of_main() {
        let text = "# deb http://old.test/debian bookworm main\n\
            deb-src http://m.test/debian bookworm main\n\
            deb [arch=amd64 signed-by=/k.gpg,/l.gpg trusted=yes] http://m.test/debian/ bookworm main contrib # note\n\
            deb http://m.test/debian-security bookworm-security main\n\
            deb http://vendor.test/apt bookworm-vendor main\n\
            deb cdrom:[Debian]/ bookworm main\n\
            deb http://m.test/nonfree bookworm non-free\n";
        let found = candidates(parse_list(text));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(
            render(&found[0], "trixie", "amd64"),
            "Types: deb\nURIs: http://m.test/debian/\nSuites: trixie\nComponents: main\nArchitectures: amd64\n\
             Targets: Packages\nSigned-By: /k.gpg /l.gpg\nTrusted: yes\n"
        );
    }

    #[test]
    fn deb822_sources_keep_the_signature_fields() {
        let text = "Types: deb deb-src\n# a comment inside\nURIs: http://m.test/debian http://n.test/debian\n\
            Suites: trixie trixie-updates\nComponents: main\nSigned-By:\n -----BEGIN\n .\n key\n\n\
            Enabled: no\nTypes: deb\nURIs: http://off.test/debian\nSuites: trixie\nComponents: main\n\n\
            types: deb\nuris: http://m.test/debian-security\nsuites: trixie-security\ncomponents: main\n";
        let found = candidates(parse_deb822(text));
        let names: Vec<_> = found.iter().map(|mirror| mirror.uri.as_str()).collect();
        assert_eq!(names, ["http://m.test/debian", "http://n.test/debian"]);
        assert!(
            render(&found[0], "trixie", "arm64").ends_with("Signed-By:\n -----BEGIN\n .\n key\n")
        );
    }

    #[test]
    fn likely_debian_mirror_is_tried_before_a_vendor() {
        let text = "deb http://vendor.test/chrome/deb stable main\n\
            deb http://snapshot.test/archive/debian/20250520T000000Z bookworm main\n\
            deb mirror+file:/etc/apt/mirrors/debian.list bookworm main\n\
            deb http://m.test/debian bookworm main\n";
        assert_eq!(
            uris(parse_list(text)),
            [
                "mirror+file:/etc/apt/mirrors/debian.list",
                "http://m.test/debian",
                "http://vendor.test/chrome/deb",
                "http://snapshot.test/archive/debian/20250520T000000Z",
            ]
        );
    }

    #[test]
    fn password_of_a_mirror_is_not_shown() {
        let found = candidates(parse_list("deb https://user:secret@m.test/debian trixie main\n"));
        assert_eq!(found[0].shown(), "https://m.test/debian");
    }

    #[test]
    fn another_distribution_gives_no_mirror() {
        assert!(
            uris(parse_list("deb http://archive.test/ubuntu noble main universe\n")).is_empty()
        );
    }
}
