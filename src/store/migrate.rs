//! Keeps the schema: forward only, each migration in its own transaction, under a lock, refused when
//! the database is newer than the program.
//!
//! Migrations run as the owner role; afterwards the application role gets its rights.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use super::{Store, StoreError};

struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("schema/", $name, ".sql")),
        }
    };
}

const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_registry"),
    migration!(2, "0002_interval"),
    migration!(3, "0003_signal"),
    migration!(4, "0004_health"),
    migration!(5, "0005_desk"),
    migration!(6, "0006_source"),
    migration!(7, "0007_access"),
    migration!(8, "0008_ledger"),
    migration!(9, "0009_rollup"),
    migration!(10, "0010_onestop"),
    migration!(11, "0011_indicator"),
    migration!(12, "0012_import"),
    migration!(13, "0013_quality"),
    migration!(14, "0014_alarm"),
    migration!(15, "0015_notification"),
    migration!(16, "0016_view"),
    migration!(17, "0017_limit"),
    migration!(18, "0018_formality"),
    migration!(19, "0019_seen"),
    migration!(20, "0020_clock"),
    migration!(21, "0021_overdue"),
    migration!(22, "0022_room"),
];

const GRANTS: &str = include_str!("schema/grants.sql");

/// Held while migrating, so that two programs never migrate at once. Any fixed number will do.
const MIGRATION_LOCK: i64 = 0x696f_635f_6d69_6772;

const BOOKKEEPING: &str = "
    create table if not exists schema_migration (
      version integer primary key,
      name text not null,
      sha256 text not null,
      applied_at timestamptz not null default now()
    );
    comment on table schema_migration is 'Migrations that were applied.';
    comment on column schema_migration.version is 'Number.';
    comment on column schema_migration.name is 'File name.';
    comment on column schema_migration.sha256 is 'SHA-256 of the statements, to notice another build.';
    comment on column schema_migration.applied_at is 'Database clock.';";

/// Newest schema version that this program knows.
pub fn known_version() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// Brings the schema up to date. Returns the names of the migrations that were applied.
pub async fn migrate(store: &Store) -> Result<Vec<&'static str>, StoreError> {
    let mut client = store.connect_owner().await?;
    let doing = "migrate the schema";
    ensure_timescale(&client).await?;
    client
        .execute("select pg_advisory_lock($1)", &[&MIGRATION_LOCK])
        .await
        .map_err(|error| StoreError::of(doing, error))?;
    client.batch_execute(BOOKKEEPING).await.map_err(|error| StoreError::of(doing, error))?;
    let applied = check_applied(&client).await?;
    let mut names = Vec::new();
    // Also one with a smaller number than the newest: two of different branches may come in either order.
    for migration in MIGRATIONS.iter().filter(|migration| !applied.contains(&migration.version)) {
        apply(&mut client, migration).await?;
        names.push(migration.name);
    }
    if let Some(role) = store.application_role() {
        let grants = GRANTS.replace("{role}", &format!("\"{}\"", role.replace('"', "\"\"")));
        client.batch_execute(&grants).await.map_err(|error| StoreError::of(doing, error))?;
    }
    Ok(names)
}

/// Fails when the schema is not exactly the one that this program knows.
pub async fn check(store: &Store) -> Result<(), StoreError> {
    let client = store.connect().await?;
    let doing = "read the schema version";
    let exists: bool = client
        .query_one("select to_regclass('schema_migration') is not null", &[])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| StoreError::of(doing, error))?;
    let applied = if exists { check_applied(&client).await? } else { BTreeSet::new() };
    if MIGRATIONS.iter().all(|migration| applied.contains(&migration.version)) {
        return Ok(());
    }
    let found = applied.last().copied().unwrap_or_default();
    Err(StoreError::TooOld { found, known: known_version() })
}

async fn ensure_timescale(client: &Client) -> Result<(), StoreError> {
    let present = client
        .query_opt("select 1 from pg_extension where extname = 'timescaledb'", &[])
        .await
        .map_err(|error| StoreError::of("look for TimescaleDB", error))?;
    if present.is_some() {
        return Ok(());
    }
    client
        .batch_execute("create extension timescaledb")
        .await
        .map_err(|_no_extension| StoreError::NoTimescale)
}

/// Versions that were applied, each as this program knows it.
async fn check_applied(client: &Client) -> Result<BTreeSet<i32>, StoreError> {
    let rows = client
        .query("select version, sha256 from schema_migration order by version", &[])
        .await
        .map_err(|error| StoreError::of("read the schema version", error))?;
    let mut applied = BTreeSet::new();
    for row in rows {
        let (version, sha256): (i32, String) = (row.get(0), row.get(1));
        applied.insert(version);
        match MIGRATIONS.iter().find(|migration| migration.version == version) {
            None => return Err(StoreError::TooNew { found: version, known: known_version() }),
            Some(migration) if fingerprint(migration.sql) != sha256 => {
                return Err(StoreError::Foreign { version });
            }
            Some(_) => {}
        }
    }
    Ok(applied)
}

async fn apply(client: &mut Client, migration: &Migration) -> Result<(), StoreError> {
    let failed = |error| StoreError::of(migration.name, error);
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.batch_execute(migration.sql).await.map_err(failed)?;
    transaction
        .execute(
            "insert into schema_migration (version, name, sha256) values ($1, $2, $3)",
            &[&migration.version, &migration.name, &fingerprint(migration.sql)],
        )
        .await
        .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

fn fingerprint(sql: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(sql).iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
