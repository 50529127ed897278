//! Accounts as the administrator's commands and the first start change them.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::topic::is_token;
use serde_json::json;

use super::{
    Gate, Identity, Role,
    password::{self, HashError, Weak},
    seen::Seen,
};
use crate::{
    clock::SharedClock,
    store::{Store, StoreError, journal::JournalEntry},
};

/// Name of the first administrator.
const FIRST_ADMINISTRATOR: &str = "admin";

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    /// The name breaks the rules.
    #[error("{0:?} is no account name: 1 to 64 characters of a-z 0-9 - _ .")]
    Name(String),
    /// The password breaks the rules.
    #[error(transparent)]
    Weak(#[from] Weak),
    /// The name is taken.
    #[error("there is already an account {0}")]
    Exists(String),
    /// No such account, or it is disabled already.
    #[error("there is no enabled account {0}")]
    Unknown(String),
    /// The current password is wrong.
    #[error("the current password is wrong")]
    Wrong,
    /// Disabling it would leave nobody who administers.
    #[error("{0} is the last enabled administrator: add another one first")]
    Last(String),
    /// The current password was wrong too often.
    #[error("too many wrong passwords")]
    TooMany {
        /// Time until the next try is looked at.
        wait: TimeDelta,
    },
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once: try again")]
    Busy,
    /// The hash function failed.
    #[error("hash a password: {0}")]
    Hash(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HashError> for AdministerError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(why) => Self::Hash(why),
        }
    }
}

/// An account as the administrator sees it.
#[derive(Debug, Clone)]
pub struct AccountInfo {
    /// Sign-in name.
    pub name: String,
    /// Role in the database's words.
    pub role: String,
    /// Hub clock.
    pub created_at: DateTime<Utc>,
    /// Hub clock.
    pub password_changed_at: DateTime<Utc>,
    /// Hub clock; null while enabled.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Makes the first administrator when there is no account at all. Returns the random password, to be
/// shown once.
pub async fn ensure_administrator(
    store: &Store,
    clock: &SharedClock,
) -> Result<Option<String>, AdministerError> {
    if !store.accounts().await?.is_empty() {
        return Ok(None);
    }
    let password = password::random();
    let hash = Gate::new().hashing.hash(&password).await?;
    let role = Role::Administrator.as_str();
    let entry = added(clock, "command:run", FIRST_ADMINISTRATOR, role);
    let made = store.add_account(FIRST_ADMINISTRATOR, &hash, role, true, &entry).await?;
    Ok(made.then_some(password))
}

/// Adds an account.
pub async fn add_user(
    store: &Store,
    clock: &SharedClock,
    (name, role): (&str, Role),
    password: &str,
    who: &str,
) -> Result<(), AdministerError> {
    if !is_token(name) {
        return Err(AdministerError::Name(name.to_owned()));
    }
    password::check(name, password)?;
    let hash = Gate::new().hashing.hash(password).await?;
    let entry = added(clock, who, name, role.as_str());
    if store.add_account(name, &hash, role.as_str(), false, &entry).await? {
        Ok(())
    } else {
        Err(AdministerError::Exists(name.to_owned()))
    }
}

fn added<'a>(clock: &SharedClock, who: &'a str, name: &'a str, role: &str) -> JournalEntry<'a> {
    let after = Some(json!({ "role": role }));
    JournalEntry { at: clock.now(), who, action: "add_user", object: name, before: None, after }
}

/// Sets the password of an account and ends its sessions.
pub async fn set_password(
    store: &Store,
    clock: &SharedClock,
    name: &str,
    password: &str,
    who: &str,
) -> Result<(), AdministerError> {
    password::check(name, password)?;
    let hash = Gate::new().hashing.hash(password).await?;
    let entry = JournalEntry {
        at: clock.now(),
        who,
        action: "set_password",
        object: name,
        before: None,
        after: None,
    };
    if store.set_account_password(name, &hash, None, &entry).await? {
        Ok(())
    } else {
        Err(AdministerError::Unknown(name.to_owned()))
    }
}

/// Changes the caller's own password and ends the caller's other sessions.
pub async fn change_own_password(
    store: &Store,
    (gate, seen): (&Gate, &Seen),
    identity: &Identity,
    (current, new): (&str, &str),
    (from, now): (IpAddr, DateTime<Utc>),
) -> Result<(), AdministerError> {
    let name = &identity.user;
    gate.attempts.begin(name, from, now).map_err(|wait| AdministerError::TooMany { wait })?;
    let account = store.account(name).await?;
    let hash = account.map(|account| account.password_hash);
    if !gate.hashing.verify(current, hash).await? {
        return Err(AdministerError::Wrong);
    }
    gate.attempts.succeeded(name, from);
    password::check(name, new)?;
    let hash = gate.hashing.hash(new).await?;
    let entry = JournalEntry {
        at: now,
        who: name,
        action: "change_password",
        object: name,
        before: None,
        after: None,
    };
    store.set_account_password(name, &hash, Some(&identity.session), &entry).await?;
    seen.forget_others(identity);
    Ok(())
}

/// Disables an account and ends its sessions.
pub async fn disable_user(
    store: &Store,
    clock: &SharedClock,
    name: &str,
    who: &str,
) -> Result<(), AdministerError> {
    let administrators: Vec<_> = store
        .accounts()
        .await?
        .into_iter()
        .filter(|account| {
            account.disabled_at.is_none() && account.role == Role::Administrator.as_str()
        })
        .map(|account| account.name)
        .collect();
    if administrators == [name] {
        return Err(AdministerError::Last(name.to_owned()));
    }
    let entry = JournalEntry {
        at: clock.now(),
        who,
        action: "disable_user",
        object: name,
        before: None,
        after: None,
    };
    if store.disable_account(name, &entry).await? {
        Ok(())
    } else {
        Err(AdministerError::Unknown(name.to_owned()))
    }
}

/// Every account by name.
pub async fn list_users(store: &Store) -> Result<Vec<AccountInfo>, AdministerError> {
    let accounts = store.accounts().await?;
    Ok(accounts
        .into_iter()
        .map(|account| AccountInfo {
            name: account.name,
            role: account.role,
            created_at: account.created_at,
            password_changed_at: account.password_changed_at,
            disabled_at: account.disabled_at,
        })
        .collect())
}
