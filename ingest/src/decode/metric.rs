//! `metric/sample`.

use std::collections::BTreeMap;

use super::{
    Parsed,
    envelope::enveloped,
    fault::Fault,
    json::{Reader, keys},
    part::at_least_one,
};
use crate::{
    message::Fact,
    metric::{Bound, MetricSample, MetricValue},
    reject::Reason,
    topic::is_token,
};

/// Figures of one message.
const VALUES_MAX: usize = 200;
/// Labels of one figure.
const LABELS_MAX: usize = 16;
/// Longest value of a label, in characters.
const LABEL_MAX: usize = 64;

keys!(SampleKey { Values = "values" });

keys!(ValueKey {
    Name = "name",
    Value = "value",
    Bound = "bound",
    Unit = "unit",
    Labels = "labels",
});

/// Reads `metric/sample`.
pub(super) fn sample(reader: &mut Reader<'_>) -> Result<Parsed, Fault> {
    let mut values = Vec::new();
    let (envelope, seen) = enveloped(reader, |reader, SampleKey::Values| {
        values = figures(reader)?;
        Ok(())
    })?;
    seen.require(SampleKey::Values)?;
    let fact = Fact::Metric(MetricSample { values });
    Ok(Parsed { envelope: Some(envelope), fact, refused: Vec::new() })
}

fn figures(reader: &mut Reader<'_>) -> Result<Vec<MetricValue>, Fault> {
    let mut values: Vec<MetricValue> = Vec::new();
    reader.list(VALUES_MAX, |reader, _| {
        let new = figure(reader)?;
        let key = |value: &MetricValue| (value.name.clone(), value.unit.clone());
        if values.iter().any(|value| key(value) == key(&new) && value.labels == new.labels) {
            return Err(Fault::absent(Reason::Duplicate, "stands twice in the message"));
        }
        values.push(new);
        Ok(())
    })?;
    at_least_one(values)
}

fn figure(reader: &mut Reader<'_>) -> Result<MetricValue, Fault> {
    let mut figure = MetricValue {
        name: Box::default(),
        value: None,
        bound: Bound::Exact,
        unit: None,
        labels: BTreeMap::new(),
    };
    let seen = reader.object(|reader, key| {
        match key {
            ValueKey::Name => figure.name = reader.token()?,
            ValueKey::Value => figure.value = reader.nullable(Reader::double)?,
            ValueKey::Bound => {
                figure.bound = reader.nullable(Reader::word)?.unwrap_or(Bound::Exact);
            }
            ValueKey::Unit => figure.unit = reader.nullable(Reader::unit)?,
            ValueKey::Labels => figure.labels = reader.nullable(labels)?.unwrap_or_default(),
        }
        Ok(())
    })?;
    seen.require(ValueKey::Name)?;
    seen.require(ValueKey::Value)?;
    Ok(figure)
}

fn labels(reader: &mut Reader<'_>) -> Result<BTreeMap<Box<str>, Box<str>>, Fault> {
    let start = reader.place();
    let mut labels = BTreeMap::new();
    reader.map(|reader, name| {
        if labels.len() == LABELS_MAX {
            let what = format!("must have at most {LABELS_MAX} labels");
            return Err(Fault::value(Reason::TooMany, what, start));
        }
        if !is_token(name) {
            let what = "must have names of 1 to 64 characters of a-z 0-9 - _ .";
            return Err(Fault::value(Reason::Range, what, start));
        }
        labels.insert(name.into(), reader.text(LABEL_MAX, false)?);
        Ok(())
    })?;
    Ok(labels)
}
