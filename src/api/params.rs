//! Query parameters: read strictly, every mistake names its field.
//!
//! Half-open `from`/`to`, times with an offset; pages are read in [`super::paging`]. A parameter that
//! the resource does not know, or that stands twice where one value is meant, is refused.

use std::{collections::HashSet, fmt::Display, ops::RangeInclusive, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use chrono::{DateTime, Utc};
use ioc_ingest::{Service, Word};

use super::problem::Problem;

/// What a resource reads from the query string.
pub(crate) trait FromParams: Sized {
    /// Takes its parameters out of `params`.
    fn from_params(params: &mut Params) -> Result<Self, Problem>;
}

/// Two parts of one query, such as what is listed and which page of it.
impl<A: FromParams, B: FromParams> FromParams for (A, B) {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        Ok((A::from_params(params)?, B::from_params(params)?))
    }
}

/// Extractor of a query string.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Send + Sync, T: FromParams> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::invalid("query", error.body_text()))?;
        // No text of ours holds one, and the database takes none.
        if let Some((name, _)) = pairs.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Problem::invalid(name.clone(), "holds a NUL character"));
        }
        let mut params = Params::new(pairs);
        let asked = T::from_params(&mut params)?;
        params.finish()?;
        Ok(Self(asked))
    }
}

/// `from` and `to`, where given.
pub(crate) type Span = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The parameters of one request that have not been taken yet.
#[derive(Debug)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Params {
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, known: Vec::new() }
    }

    /// Every value of a parameter that may be repeated or hold a comma list, each once; no empty
    /// values.
    pub(crate) fn list(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let (mut values, mut seen) = (Vec::new(), HashSet::new());
        self.pairs.retain(|(key, value)| {
            if key == name {
                let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
                values.extend(parts.map(str::to_owned).filter(|part| seen.insert(part.clone())));
            }
            key != name
        });
        values
    }

    /// The same where every value is one of the words of a closed set.
    pub(crate) fn named<T: Copy>(
        &mut self,
        name: &'static str,
        known: &[(&str, T)],
    ) -> Result<Vec<T>, Problem> {
        let find = |word: String| {
            known.iter().find(|(known, _)| *known == word).map(|(_, item)| *item).ok_or_else(|| {
                let all: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
                Problem::invalid(name, format!("{word:?}, allowed is {}", all.join(", ")))
            })
        };
        self.list(name).into_iter().map(find).collect()
    }

    /// The same where the words are those of the contract.
    pub(crate) fn words<T: Word>(&mut self, name: &'static str) -> Result<Vec<T>, Problem> {
        let known: Vec<(&str, T)> = T::ALL.iter().map(|word| (word.as_str(), *word)).collect();
        self.named(name, &known)
    }

    /// One word of the contract, at most.
    pub(crate) fn word<T: Word>(&mut self, name: &'static str) -> Result<Option<T>, Problem> {
        match self.words(name)?.as_slice() {
            [] => Ok(None),
            [word] => Ok(Some(*word)),
            many => {
                Err(Problem::invalid(name, format!("stands {} times, allowed is once", many.len())))
            }
        }
    }

    /// `service`: services of the contract.
    pub(crate) fn services(&mut self) -> Result<Vec<String>, Problem> {
        let services = self.named("service", &Service::ALL.map(|item| (item.as_str(), item)))?;
        Ok(services.into_iter().map(|service| service.as_str().to_owned()).collect())
    }

    /// The one value of a parameter; an empty one counts as left out.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        self.known.push(name);
        let mut values = Vec::new();
        self.pairs.retain_mut(|(key, value)| {
            if key == name {
                values.push(std::mem::take(value));
            }
            key != name
        });
        match values.len() {
            0 | 1 => Ok(values.pop().filter(|value| !value.is_empty())),
            many => Err(Problem::invalid(name, format!("stands {many} times, allowed is once"))),
        }
    }

    /// A time with offset.
    pub(crate) fn time(&mut self, name: &'static str) -> Result<Option<DateTime<Utc>>, Problem> {
        self.text(name)?.map(|text| time(name, &text)).transpose()
    }

    /// A number within a range.
    pub(crate) fn number<T>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, Problem>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse::<T>() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (low, high) = range.into_inner();
                let detail = format!("{text:?}, allowed is {low} to {high}");
                Err(Problem::invalid(name, detail))
            }
        }
    }

    /// true or false.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => {
                Err(Problem::invalid(name, format!("{other:?}, allowed is true or false")))
            }
        }
    }

    /// `from` and `to`, both optional, `from` before `to`.
    pub(crate) fn span(&mut self) -> Result<Span, Problem> {
        let (from, to) = (self.time("from")?, self.time("to")?);
        match (from, to) {
            (Some(from), Some(to)) if from >= to => {
                Err(Problem::invalid("to", "is not after `from`"))
            }
            span => Ok(span),
        }
    }

    /// Refuses what nobody has taken.
    fn finish(self) -> Result<(), Problem> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::unknown_parameter(name, &self.known)),
        }
    }
}

/// Reads an RFC 3339 time with offset.
///
/// A `+` that was not escaped in the query string arrives as a space; before an offset it cannot
/// mean anything else, so it is taken as `+`.
pub(crate) fn time(name: &'static str, text: &str) -> Result<DateTime<Utc>, Problem> {
    let escaped;
    let mut candidate = text;
    if let Some((head, offset)) = text.rsplit_once(' ')
        && head.contains(['T', 't'])
        && offset.len() == 5
    {
        escaped = format!("{head}+{offset}");
        candidate = &escaped;
    }
    DateTime::parse_from_rfc3339(candidate).map(|time| time.to_utc()).map_err(|_unreadable| {
        Problem::invalid(
            name,
            format!("{text:?} is no RFC 3339 time with offset, such as 2026-03-02T08:15:00+07:00"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        Params::new(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_time_without_offset_is_refused_and_named() {
        let problem = params(&[("at", "2026-03-02T08:15:00")]).time("at").unwrap_err();
        assert_eq!((problem.code, problem.at_fault()), ("invalid", Some("at")));
        let expected = DateTime::parse_from_rfc3339("2026-03-02T01:15:00Z").unwrap();
        for text in
            ["2026-03-02T01:15:00Z", "2026-03-02T08:15:00+07:00", "2026-03-02T08:15:00 07:00"]
        {
            assert_eq!(params(&[("at", text)]).time("at").unwrap().unwrap(), expected, "{text}");
        }
        assert!(params(&[("at", "2026-03-02 01:15")]).time("at").is_err());
    }

    #[test]
    fn an_unknown_or_repeated_parameter_is_refused() {
        let mut given = params(&[("limit", "5"), ("limt", "6")]);
        assert_eq!(given.number("limit", 1..=100).unwrap(), Some(5));
        let problem = given.finish().unwrap_err();
        assert_eq!(problem.code, "unknown_parameter");
        assert_eq!(problem.at_fault(), Some("limt"));
        assert!(params(&[("limit", "5"), ("limit", "6")]).text("limit").is_err());
    }

    #[test]
    fn lists_come_by_comma_and_by_repeating() {
        let mut given = params(&[("source", "a,b"), ("source", "c"), ("source", "")]);
        assert_eq!(given.list("source"), ["a", "b", "c"]);
        given.finish().unwrap();
    }

    #[test]
    fn a_value_that_is_listed_twice_counts_once() {
        let mut given = params(&[("source", "b,a,b"), ("source", "a")]);
        assert_eq!(given.list("source"), ["b", "a"]);
        assert_eq!(params(&[("service", "vds,vds")]).services().unwrap(), ["vds"]);
    }

    #[test]
    fn an_unknown_service_is_refused_and_the_known_ones_are_named() {
        let problem = params(&[("service", "vds,radar")]).services().unwrap_err();
        assert_eq!((problem.code, problem.at_fault()), ("invalid", Some("service")));
        let told = format!("{problem:?}");
        assert!(told.contains("radar") && told.contains("onestop"), "{told}");
    }

    #[test]
    fn a_span_is_half_open_and_forward() {
        let span = [("from", "2026-03-02T00:00:00Z"), ("to", "2026-03-02T00:00:00Z")];
        assert_eq!(params(&span).span().unwrap_err().at_fault(), Some("to"));
        assert_eq!(params(&[]).span().unwrap(), (None, None));
    }

    struct Text;

    impl FromParams for Text {
        fn from_params(params: &mut Params) -> Result<Self, Problem> {
            params.text("q").map(|_| Self)
        }
    }

    #[tokio::test]
    async fn a_nul_character_is_the_callers_mistake() {
        let read = async |uri: &str| {
            let request = axum::http::Request::builder().uri(uri).body(()).unwrap();
            Asked::<Text>::from_request_parts(&mut request.into_parts().0, &()).await
        };
        assert!(read("/?q=ab").await.is_ok());
        let problem = read("/?q=a%00b").await.err().unwrap();
        assert_eq!(problem.at_fault(), Some("q"));
    }
}
