//! Accounts and their sessions. Every change writes the journal in the same transaction.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::{
    Store, StoreError,
    journal::{self, JournalEntry},
};

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Id.
    pub id: i32,
    /// Sign-in name.
    pub name: String,
    /// Argon2id hash in PHC text form.
    pub password_hash: String,
    /// administrator, operator or viewer.
    pub role: String,
    /// Hub clock.
    pub created_at: DateTime<Utc>,
    /// Hub clock.
    pub password_changed_at: DateTime<Utc>,
    /// Hub clock; null while enabled.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// A signed-in browser with its account.
#[derive(Debug, Clone)]
pub struct Session {
    /// Id of the account.
    pub account_id: i32,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// End of the session, hub clock.
    pub expires_at: DateTime<Utc>,
}

/// A session to be opened.
#[derive(Debug, Clone, Copy)]
pub struct NewSession {
    /// SHA-256 of the token.
    pub token_sha256: [u8; 32],
    /// Whose.
    pub account_id: i32,
    /// Hub clock.
    pub created_at: DateTime<Utc>,
    /// Hub clock.
    pub expires_at: DateTime<Utc>,
}

const COLUMNS: &str = "id, name, password_hash, role, created_at, password_changed_at, disabled_at";

fn account(row: &Row) -> Result<Account, tokio_postgres::Error> {
    Ok(Account {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        password_hash: row.try_get(2)?,
        role: row.try_get(3)?,
        created_at: row.try_get(4)?,
        password_changed_at: row.try_get(5)?,
        disabled_at: row.try_get(6)?,
    })
}

impl Store {
    /// Every account by name.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let failed = |error| StoreError::of("list the accounts", error);
        let sql = format!("select {COLUMNS} from account order by name");
        let rows = self.reader().await?.query(&sql, &[]).await.map_err(failed)?;
        rows.iter().map(account).collect::<Result<_, _>>().map_err(failed)
    }

    /// The account with this name.
    pub async fn account(&self, name: &str) -> Result<Option<Account>, StoreError> {
        let failed = |error| StoreError::of("read an account", error);
        let sql = format!("select {COLUMNS} from account where name = $1");
        let row = self.reader().await?.query_opt(&sql, &[&name]).await.map_err(failed)?;
        row.as_ref().map(account).transpose().map_err(failed)
    }

    /// Adds an account; with `only_first`, only into an empty table. False when it was not added.
    pub async fn add_account(
        &self,
        name: &str,
        password_hash: &str,
        role: &str,
        only_first: bool,
        entry: &JournalEntry<'_>,
    ) -> Result<bool, StoreError> {
        let failed = |error| StoreError::of("add an account", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        // Serialises two first starts, so that only one of them makes the first administrator.
        transaction
            .batch_execute("lock table account in share row exclusive mode")
            .await
            .map_err(failed)?;
        let added = transaction
            .execute(
                "insert into account (name, password_hash, role, created_at, password_changed_at)
                 select $1, $2, $3, $4, $4
                 where not $5 or not exists (select 1 from account)
                 on conflict (name) do nothing",
                &[&name, &password_hash, &role, &entry.at, &only_first],
            )
            .await
            .map_err(failed)?;
        if added == 1 {
            journal::insert(&transaction, entry).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(added == 1)
    }

    /// Sets another password and ends the account's sessions but `keep`. False when there is no such account.
    pub async fn set_account_password(
        &self,
        name: &str,
        password_hash: &str,
        keep: Option<&[u8; 32]>,
        entry: &JournalEntry<'_>,
    ) -> Result<bool, StoreError> {
        let failed = |error| StoreError::of("set a password", error);
        let keep = keep.map_or(&[][..], |token| token.as_slice());
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let row = transaction
            .query_opt(
                "update account set password_hash = $2, password_changed_at = $3
                 where name = $1 returning id",
                &[&name, &password_hash, &entry.at],
            )
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(false) };
        let id: i32 = row.try_get(0).map_err(failed)?;
        transaction
            .execute(
                "delete from session where account_id = $1 and token_sha256 <> $2",
                &[&id, &keep],
            )
            .await
            .map_err(failed)?;
        journal::insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    /// Disables an account and ends its sessions. False when there is no such enabled account.
    pub async fn disable_account(
        &self,
        name: &str,
        entry: &JournalEntry<'_>,
    ) -> Result<bool, StoreError> {
        let failed = |error| StoreError::of("disable an account", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let row = transaction
            .query_opt(
                "update account set disabled_at = $2
                 where name = $1 and disabled_at is null returning id",
                &[&name, &entry.at],
            )
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(false) };
        let id: i32 = row.try_get(0).map_err(failed)?;
        transaction
            .execute("delete from session where account_id = $1", &[&id])
            .await
            .map_err(failed)?;
        journal::insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(true)
    }

    /// Opens a session and forgets the expired ones.
    pub async fn open_session(
        &self,
        session: &NewSession,
        entry: &JournalEntry<'_>,
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("open a session", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        transaction
            .execute("delete from session where expires_at <= $1", &[&session.created_at])
            .await
            .map_err(failed)?;
        transaction
            .execute(
                "insert into session (token_sha256, account_id, created_at, expires_at)
                 values ($1, $2, $3, $4)",
                &[
                    &session.token_sha256.as_slice(),
                    &session.account_id,
                    &session.created_at,
                    &session.expires_at,
                ],
            )
            .await
            .map_err(failed)?;
        journal::insert(&transaction, entry).await?;
        transaction.commit().await.map_err(failed)
    }

    /// The session with this token hash, if it has not expired and its account is enabled.
    pub async fn session(
        &self,
        token_sha256: &[u8; 32],
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, StoreError> {
        let failed = |error| StoreError::of("look a session up", error);
        let row = self
            .reader()
            .await?
            .query_opt(
                "select a.id, a.name, a.role, s.expires_at
                 from session s join account a on a.id = s.account_id
                 where s.token_sha256 = $1 and s.expires_at > $2 and a.disabled_at is null",
                &[&token_sha256.as_slice(), &now],
            )
            .await
            .map_err(failed)?;
        row.map(|row| {
            Ok(Session {
                account_id: row.try_get(0)?,
                name: row.try_get(1)?,
                role: row.try_get(2)?,
                expires_at: row.try_get(3)?,
            })
        })
        .transpose()
        .map_err(failed)
    }

    /// Ends a session.
    pub async fn close_session(
        &self,
        token_sha256: &[u8; 32],
        entry: &JournalEntry<'_>,
    ) -> Result<(), StoreError> {
        let failed = |error| StoreError::of("close a session", error);
        let mut client = self.reader().await?;
        let transaction = client.transaction().await.map_err(failed)?;
        let closed = transaction
            .execute("delete from session where token_sha256 = $1", &[&token_sha256.as_slice()])
            .await
            .map_err(failed)?;
        if closed == 1 {
            journal::insert(&transaction, entry).await?;
        }
        transaction.commit().await.map_err(failed)
    }
}
