//! Asks a server what the hub needs to know before it works there.

use tokio_postgres::Client;

use super::StoreError;

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
    /// Whether it may make schemas, and with them extensions, in this database.
    pub may_create_in_database: bool,
    /// Version of the enabled `TimescaleDB`; null when it is not enabled here.
    pub timescaledb: Option<String>,
    /// Whether `TimescaleDB` is installed and loaded, so that it can be enabled.
    pub timescaledb_available: bool,
    /// Whether the server knows the asked-for time zone.
    pub knows_zone: bool,
}

/// Asks as the role of `client`; `zone` is an IANA name, null asks for none.
pub async fn server(client: &Client, zone: Option<&str>) -> Result<Server, StoreError> {
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
                      and exists (select from pg_settings \
                                  where name like 'timescaledb.%' and name <> 'timescaledb.disable_load'), \
                    $1::text is null or exists (select from pg_timezone_names where name = $1)",
            &[&zone],
        )
        .await
        .map_err(failed)?;
    let server = || {
        Ok(Server {
            version: row.try_get(0)?,
            major: row.try_get(1)?,
            role: row.try_get(2)?,
            is_superuser: row.try_get(3)?,
            may_create: row.try_get(4)?,
            may_create_in_database: row.try_get(5)?,
            timescaledb: row.try_get(6)?,
            timescaledb_available: row.try_get(7)?,
            knows_zone: row.try_get(8)?,
        })
    };
    server().map_err(failed)
}
