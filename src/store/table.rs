//! Fact tables and the two ways into them.
//!
//! `copy`: binary COPY straight into the table, the fast way while no duplicates come. `merge`: the
//! same rows into a temporary table, from there `on conflict do nothing`; it answers which rows were
//! not new and which of those differ from the stored fact. Arrays cannot pass through `unnest`
//! without losing their borders, and one encoder for both ways is simpler than two.
//!
//! A step that is told again keeps its earliest message number, so that the order in which its messages
//! came does not matter.
//!
//! The temporary tables keep their rows and are truncated at their next use: with `on commit delete
//! rows` PostgreSQL would truncate every one of them at every commit, about 2 ms each.

use tokio_postgres::{Client, Statement, Transaction};

use super::{
    StoreError,
    copy::{self, Rows},
};

/// A fact table.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    /// Natural key.
    pub(super) key: &'static [&'static str],
    /// Columns whose difference makes the same key a conflict.
    pub(super) compared: &'static [&'static str],
}

/// Which way a batch goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Copy,
    Merge,
}

/// Rows of a batch that were not new.
#[derive(Debug, Default)]
pub(super) struct NotNew {
    /// Row numbers whose key was already there.
    pub(super) known: Vec<i32>,
    /// Those of them whose content differs from the stored fact.
    pub(super) conflicts: Vec<i32>,
}

/// Prepared statements of one table on one connection.
pub(super) struct Prepared {
    name: &'static str,
    copy: Statement,
    clear: Statement,
    stage: Statement,
    merge: Statement,
    conflicts: Option<Statement>,
    earliest: Option<Statement>,
}

fn list(columns: &[&str], prefix: &str) -> String {
    columns.iter().map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
}

impl Table {
    /// Rows of this table for `way`; with [`Way::Merge`] each begins with its number.
    pub(super) fn rows(&self, way: Way) -> Rows {
        let extra = usize::from(way == Way::Merge);
        Rows::new(i16::try_from(self.columns.len() + extra).unwrap_or(i16::MAX))
    }

    /// Creates the temporary table and prepares every statement.
    pub(super) async fn prepare(&self, client: &Client) -> Result<Prepared, StoreError> {
        let failed = |error| StoreError::of(self.name, error);
        let name = self.name;
        let columns = list(self.columns, "");
        let key = list(self.key, "");
        client
            .batch_execute(&format!(
                "create temp table stage_{name} as \
                 select 0::int4 as n, {columns} from {name} with no data"
            ))
            .await
            .map_err(failed)?;
        let prepare = async |sql: String| client.prepare(&sql).await.map_err(failed);
        let merge = format!(
            "with first as (select distinct on ({key}) * from stage_{name} order by {key}, n), \
             inserted as (insert into {name} ({columns}) select {columns} from first \
               on conflict do nothing returning {key}), \
             fresh as (select n from first join inserted using ({key})) \
             select n from stage_{name} where n not in (select n from fresh)"
        );
        let conflicts = (!self.compared.is_empty()).then(|| {
            format!(
                "select s.n from stage_{name} s join {name} t using ({key}) \
                 where s.n = any($1) and ({}) is distinct from ({})",
                list(self.compared, "s."),
                list(self.compared, "t."),
            )
        });
        let same = self.key.iter().map(|column| format!("t.{column} = s.{column}"));
        let earliest = self.columns.contains(&"seq").then(|| {
            format!(
                "update {name} t set time = s.time, boot = s.boot, seq = s.seq \
                 from (select distinct on ({key}) * from stage_{name} \
                   order by {key}, time, boot, seq) s \
                 where {} and (s.time, s.boot, s.seq) < (t.time, t.boot, t.seq) \
                   and ({}) is not distinct from ({})",
                same.collect::<Vec<_>>().join(" and "),
                list(self.compared, "s."),
                list(self.compared, "t."),
            )
        });
        Ok(Prepared {
            name,
            copy: prepare(format!("copy {name} ({columns}) from stdin binary")).await?,
            clear: prepare(format!("truncate stage_{name}")).await?,
            stage: prepare(format!("copy stage_{name} (n, {columns}) from stdin binary")).await?,
            merge: prepare(merge).await?,
            conflicts: match conflicts {
                Some(sql) => Some(prepare(sql).await?),
                None => None,
            },
            earliest: match earliest {
                Some(sql) => Some(prepare(sql).await?),
                None => None,
            },
        })
    }
}

impl Prepared {
    /// Writes `rows`, encoded for `way`.
    pub(super) async fn write(
        &self,
        transaction: &Transaction<'_>,
        way: Way,
        rows: Rows,
    ) -> Result<NotNew, StoreError> {
        let failed = |error| StoreError::of(self.name, error);
        if rows.is_empty() {
            return Ok(NotNew::default());
        }
        if way == Way::Copy {
            copy::send(transaction, &self.copy, rows.finish()).await.map_err(failed)?;
            return Ok(NotNew::default());
        }
        transaction.execute(&self.clear, &[]).await.map_err(failed)?;
        copy::send(transaction, &self.stage, rows.finish()).await.map_err(failed)?;
        let numbers = |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.get(0)).collect();
        let rows = transaction.query(&self.merge, &[]).await.map_err(failed)?;
        let known: Vec<i32> = numbers(rows);
        let conflicts = match &self.conflicts {
            Some(statement) if !known.is_empty() => {
                numbers(transaction.query(statement, &[&known]).await.map_err(failed)?)
            }
            _ => Vec::new(),
        };
        if let Some(earliest) = self.earliest.as_ref().filter(|_| !known.is_empty()) {
            transaction.execute(earliest, &[]).await.map_err(failed)?;
        }
        Ok(NotNew { known, conflicts })
    }
}

pub(super) const INTERVAL: Table = Table {
    name: "interval_reading",
    columns: &[
        "time",
        "detector_id",
        "duration_ms",
        "count",
        "headway_ms",
        "queue_dm",
        "density_e1_per_km",
        "quality",
        "occupancy_e4",
        "speed_e1_kmh",
        "confidence_e4",
        "samples",
        "samples_expected",
        "classes",
        "class_speed_e1_kmh",
    ],
    key: &["detector_id", "time", "duration_ms"],
    compared: &[
        "count",
        "headway_ms",
        "queue_dm",
        "density_e1_per_km",
        "occupancy_e4",
        "speed_e1_kmh",
        "confidence_e4",
        "samples",
        "samples_expected",
        "classes",
        "class_speed_e1_kmh",
    ],
};

pub(super) const SIGNAL_STATE: Table = Table {
    name: "signal_state",
    columns: &[
        "time",
        "device_id",
        "mode",
        "plan",
        "cycle_ms",
        "cycle_position_ms",
        "offset_ms",
        "flash",
        "preempt",
        "groups",
    ],
    key: &["device_id", "time"],
    compared: &[
        "mode",
        "plan",
        "cycle_ms",
        "cycle_position_ms",
        "offset_ms",
        "flash",
        "preempt",
        "groups",
    ],
};

pub(super) const SIGNAL_EVENT: Table = Table {
    name: "signal_event",
    columns: &["time", "device_id", "code", "parameter"],
    key: &["device_id", "time", "code", "parameter"],
    compared: &[],
};

pub(super) const HEALTH: Table = Table {
    name: "health",
    columns: &["time", "device_id", "report"],
    key: &["device_id", "time"],
    compared: &["report"],
};

pub(super) const CONNECTION: Table = Table {
    name: "connection",
    columns: &["time", "device_id", "boot", "online"],
    key: &["device_id", "time", "boot", "online"],
    compared: &[],
};

/// The end of an incident may follow later, so it is not compared but filled in.
pub(super) const INCIDENT: Table = Table {
    name: "incident",
    columns: &["time", "device_id", "confidence_e4", "ended", "kind", "zone"],
    key: &["device_id", "kind", "zone", "time"],
    compared: &[],
};

/// The same step may come again under another seq, so time, boot and seq are not compared.
pub(super) const TICKET_STEP: Table = Table {
    name: "ticket_step",
    columns: &[
        "device_id",
        "ticket",
        "status",
        "at",
        "time",
        "boot",
        "seq",
        "channel",
        "kind",
        "category",
        "unit",
        "summary",
        "lat",
        "lon",
        "due_at",
        "first_response_at",
        "solved_at_desk",
        "merged_into",
        "rating",
    ],
    key: &["device_id", "ticket", "status", "at"],
    compared: &[
        "channel",
        "kind",
        "category",
        "unit",
        "summary",
        "lat",
        "lon",
        "due_at",
        "first_response_at",
        "solved_at_desk",
        "merged_into",
        "rating",
    ],
};

pub(super) const CALL: Table = Table {
    name: "call",
    columns: &[
        "device_id",
        "call",
        "direction",
        "queued_at",
        "answered_at",
        "abandoned_at",
        "ended_at",
        "ticket",
        "time",
    ],
    key: &["device_id", "call"],
    compared: &["direction", "queued_at", "answered_at", "abandoned_at", "ended_at", "ticket"],
};

pub(super) const METRIC: Table = Table {
    name: "metric_value",
    columns: &["time", "device_id", "name", "unit", "labels", "value", "bound"],
    key: &["name", "device_id", "unit", "labels", "time"],
    compared: &["value", "bound"],
};
