//! Asks a server what the hub needs to know before it works there.

use tokio_postgres::Client;

use super::StoreError;

/// State of `TimescaleDB` in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// Enabled, in this version.
    Enabled(String),
    /// Installed and loaded, so that it can be enabled.
    Available,
    /// Not installed, or not loaded.
    Absent,
}

/// A server and what the connected role may do there.
#[derive(Debug, Clone)]
pub struct Server {
    /// Version in the server's words.
    pub version: String,
    /// Major version.
    pub major: i32,
    /// The connected role.
    pub role: String,
    /// Whether it is a superuser.
    pub is_superuser: bool,
    /// Whether it may make tables in the schema `public`.
    pub may_create: bool,
    /// Whether it may enable trusted extensions in this database.
    pub may_extend: bool,
    /// `TimescaleDB` in this database.
    pub timescaledb: Extension,
}

/// Asks as the role of `client`. Which libraries are loaded is told to few; whoever loads `TimescaleDB`
/// has its settings.
pub async fn server(client: &Client) -> Result<Server, StoreError> {
    let failed = |error| StoreError::of("ask what the server is", error);
    let row = client
        .query_one(
            "select current_setting('server_version'), \
                    current_setting('server_version_num')::int4 / 10000, current_user::text, \
                    (select rolsuper from pg_roles where rolname = current_user), \
                    coalesce(has_schema_privilege(to_regnamespace('public'), 'create'), false), \
                    has_database_privilege(current_database(), 'create'), \
                    (select extversion from pg_extension where extname = 'timescaledb'), \
                    exists (select from pg_available_extensions where name = 'timescaledb') \
                      and exists (select from pg_settings where name like 'timescaledb.%')",
            &[],
        )
        .await
        .map_err(failed)?;
    let server = || {
        let enabled: Option<String> = row.try_get(6)?;
        let available: bool = row.try_get(7)?;
        Ok(Server {
            version: row.try_get(0)?,
            major: row.try_get(1)?,
            role: row.try_get(2)?,
            is_superuser: row.try_get(3)?,
            may_create: row.try_get(4)?,
            may_extend: row.try_get(5)?,
            timescaledb: match enabled {
                Some(version) => Extension::Enabled(version),
                None if available => Extension::Available,
                None => Extension::Absent,
            },
        })
    };
    server().map_err(failed)
}

/// Whether the server knows a time zone by its IANA name.
pub async fn knows_zone(client: &Client, zone: &str) -> Result<bool, StoreError> {
    client
        .query_one("select exists (select from pg_timezone_names where name = $1)", &[&zone])
        .await
        .map(|row| row.get(0))
        .map_err(|error| StoreError::of("look for a time zone", error))
}
