//! The metric catalogue and the figures of other city systems.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;

use super::{Store, StoreError};

/// A metric of the catalogue.
#[derive(Debug, Clone)]
pub struct MetricRow {
    /// Name in messages.
    pub name: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// Unit of measure.
    pub unit_of_measure: String,
    /// Smallest accepted value.
    pub minimum: Option<f64>,
    /// Largest accepted value.
    pub maximum: Option<f64>,
    /// Where the definition comes from.
    pub source: String,
}

/// A figure.
#[derive(Debug, Clone)]
pub struct MetricValueRow {
    /// Source clock.
    pub time: DateTime<Utc>,
    /// Publishing system.
    pub source: String,
    /// Unit that the figure belongs to; empty for none.
    pub unit: String,
    /// Further dimensions.
    pub labels: Value,
    /// The same as the database writes them, for the order of pages.
    pub labels_text: String,
    /// The figure; null when it was not measured.
    pub value: Option<f64>,
    /// exact or `at_least`.
    pub bound: String,
}

/// Which figures of one metric: oldest first.
#[derive(Debug, Clone, Default)]
pub struct MetricFilter {
    /// Name of the metric.
    pub name: String,
    /// Only of this unit.
    pub unit: Option<String>,
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Only after this figure: time, source, unit, labels as text.
    pub after: Option<(DateTime<Utc>, String, String, String)>,
    /// Most rows.
    pub limit: i64,
}

impl Store {
    /// The catalogue, or one metric of it.
    pub async fn metric_catalogue(&self, name: Option<&str>) -> Result<Vec<MetricRow>, StoreError> {
        let failed = |error| StoreError::of("read the metric catalogue", error);
        let rows = self
            .reader()
            .await?
            .query(
                "select name, name_vi, name_en, unit_of_measure, minimum, maximum, source
                 from metric_definition where $1::text is null or name = $1
                 order by name collate \"C\"",
                &[&name],
            )
            .await
            .map_err(failed)?;
        rows.iter()
            .map(|row| {
                Ok(MetricRow {
                    name: row.try_get(0)?,
                    name_vi: row.try_get(1)?,
                    name_en: row.try_get(2)?,
                    unit_of_measure: row.try_get(3)?,
                    minimum: row.try_get(4)?,
                    maximum: row.try_get(5)?,
                    source: row.try_get(6)?,
                })
            })
            .collect::<Result<_, _>>()
            .map_err(failed)
    }

    /// Figures of one metric, oldest first.
    pub async fn metric_values(
        &self,
        filter: &MetricFilter,
    ) -> Result<Vec<MetricValueRow>, StoreError> {
        let failed = |error| StoreError::of("read figures", error);
        let (time, source, unit, labels) = match &filter.after {
            Some((time, source, unit, labels)) => {
                (Some(*time), Some(source), Some(unit), Some(labels))
            }
            None => (None, None, None, None),
        };
        let rows = self
            .reader()
            .await?
            .query(
                "select v.time, d.source, v.unit, v.labels, v.labels::text, v.value, v.bound
                 from metric_value v join device d on d.id = v.device_id
                 where v.name = $1
                   and ($2::text is null or v.unit = $2)
                   and ($3::timestamptz is null or v.time >= $3)
                   and ($4::timestamptz is null or v.time < $4)
                   and ($5::timestamptz is null
                        or (v.time, d.source collate \"C\", v.unit collate \"C\",
                            v.labels::text collate \"C\") > ($5, $6::text, $7::text, $8::text))
                 order by v.time, d.source collate \"C\", v.unit collate \"C\",
                          v.labels::text collate \"C\"
                 limit $9",
                &[
                    &filter.name,
                    &filter.unit,
                    &filter.from,
                    &filter.to,
                    &time,
                    &source,
                    &unit,
                    &labels,
                    &filter.limit,
                ],
            )
            .await
            .map_err(failed)?;
        rows.iter().map(value).collect::<Result<_, _>>().map_err(failed)
    }
}

fn value(row: &Row) -> Result<MetricValueRow, tokio_postgres::Error> {
    Ok(MetricValueRow {
        time: row.try_get(0)?,
        source: row.try_get(1)?,
        unit: row.try_get(2)?,
        labels: row.try_get(3)?,
        labels_text: row.try_get(4)?,
        value: row.try_get(5)?,
        bound: row.try_get(6)?,
    })
}
