//! Pages of a list: `limit` and `after` come in, `items` and `next` go out, alike at every resource.
//!
//! A resource takes [`ShortPages`] or [`LongPages`] beside its own query, asks the store for
//! [`Limit::rows`] rows after `after`, and hands them to [`Limit::page`]. Where a page ends is a
//! [`Cursor`] over the order of the list, so that rows which come meanwhile shift nothing.

use serde::Serialize;
use utoipa::openapi::{
    Required,
    path::{Parameter, ParameterBuilder, ParameterIn},
    schema::{ObjectBuilder, Type},
};

use super::{
    params::{FromParams, Params},
    problem::Problem,
};

/// Pages of a list that grows with time: 100 items, at most 1,000.
pub(crate) type ShortPages<C> = Paging<C, 100, 1_000>;
/// Pages of a registry or of bare figures: 1,000 items, at most 10,000.
pub(crate) type LongPages<C> = Paging<C, 1_000, 10_000>;

/// One page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub(crate) struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; null on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The whole list.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Which page, of `DEFAULT` items unless asked otherwise and of at most `MOST`.
#[derive(Debug)]
pub(crate) struct Paging<C, const DEFAULT: i64, const MOST: i64> {
    /// The item before the page; none for the first page.
    pub after: Option<C>,
    /// Most items of the page.
    pub limit: Limit,
}

/// Most items of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(i64);

/// Where a page ends, in the order of its list.
pub(crate) trait Cursor: Sized {
    /// As `next` shows it.
    fn write(&self) -> String;
    /// Reads what [`Cursor::write`] wrote; none for anything else.
    fn read(text: &str) -> Option<Self>;
}

/// A number in the order of the list.
impl Cursor for i64 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number| *number >= 0)
    }
}

/// An id.
impl Cursor for String {
    fn write(&self) -> String {
        self.clone()
    }

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Limit {
    /// How many rows to ask for: the one too many only tells that there is more.
    pub(crate) const fn rows(self) -> i64 {
        self.0 + 1
    }

    /// The page out of up to [`Limit::rows`] rows.
    pub(crate) fn page<R, T, C: Cursor>(
        self,
        mut rows: Vec<R>,
        cursor: impl Fn(&R) -> C,
        item: impl FnMut(R) -> T,
    ) -> Page<T> {
        let limit = usize::try_from(self.0).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| cursor(row).write());
        Page { items: rows.into_iter().map(item).collect(), next }
    }
}

impl<C: Cursor, const DEFAULT: i64, const MOST: i64> FromParams for Paging<C, DEFAULT, MOST> {
    fn from_params(params: &mut Params) -> Result<Self, Problem> {
        let limit = Limit(params.number("limit", 1..=MOST)?.unwrap_or(DEFAULT));
        let foreign = || Problem::invalid("after", "is no `next` of this list");
        let after = params.text("after")?;
        let after = after.map(|text| C::read(&text).ok_or_else(foreign)).transpose()?;
        Ok(Self { after, limit })
    }
}

impl<C, const DEFAULT: i64, const MOST: i64> utoipa::IntoParams for Paging<C, DEFAULT, MOST> {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1_i64))
            .maximum(Some(MOST))
            .default(Some(DEFAULT.into()));
        let after = ObjectBuilder::new().schema_type(Type::String);
        let parameter = |name: &str, description: &str, schema: ObjectBuilder| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        vec![
            parameter("limit", "Most items of the page.", limit),
            parameter("after", "`next` of the page before.", after),
        ]
    }
}

#[cfg(test)]
mod tests {
    use utoipa::IntoParams as _;

    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Result<ShortPages<i64>, Problem> {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        ShortPages::from_params(&mut Params::new(pairs.collect()))
    }

    #[test]
    fn a_page_names_its_last_item_as_cursor_only_when_more_follows() {
        let page = Limit(2).page(vec![1_i64, 2, 3], |row| *row, |row| 10 * row);
        assert_eq!((page.items, page.next.as_deref()), (vec![10, 20], Some("2")));
        let page = Limit(2).page(vec![1_i64, 2], |row| *row, |row| row);
        assert_eq!((page.items, page.next), (vec![1, 2], None));
        let page = Limit(2).page(Vec::<i64>::new(), |row| *row, |row| row);
        assert_eq!((page.items, page.next), (vec![], None));
    }

    #[test]
    fn limit_and_after_are_read_within_their_bounds() {
        let page = asked(&[]).unwrap();
        assert_eq!((page.after, page.limit.rows()), (None, 101));
        let page = asked(&[("limit", "1000"), ("after", "7")]).unwrap();
        assert_eq!((page.after, page.limit.rows()), (Some(7), 1_001));
        for (name, value) in [
            ("limit", "0"),
            ("limit", "1001"),
            ("limit", "ten"),
            ("after", "-1"),
            ("after", "7.5"),
            ("after", "vds-1"),
        ] {
            let problem = asked(&[(name, value)]).unwrap_err();
            assert_eq!(problem.at_fault(), Some(name), "{name}={value}");
        }
    }

    #[test]
    fn the_document_tells_the_bounds() {
        let document = serde_json::to_value(LongPages::<String>::into_params(|| None)).unwrap();
        let limit = &document[0];
        assert_eq!((&limit["name"], &limit["in"]), (&"limit".into(), &"query".into()));
        assert_eq!(limit["required"], false);
        assert_eq!(limit["schema"]["minimum"], 1);
        assert_eq!(limit["schema"]["maximum"], 10_000);
        assert_eq!(limit["schema"]["default"], 1_000);
        assert_eq!(document[1]["schema"]["type"], "string");
    }
}
