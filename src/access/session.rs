//! Signing in and out, and who a session token belongs to.
//!
//! The token is 256 random bits as 64 hexadecimal digits in a cookie; the database holds only its SHA-256. A
//! session ends at its expiry, at sign-out, when the password changes and when the account is
//! disabled.

use std::{fmt::Write as _, net::IpAddr};

use chrono::{DateTime, TimeDelta, Utc};
use ioc_ingest::topic::is_token;
use rand::Rng as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    Identity, Role,
    attempts::Attempts,
    password::{HashError, Hashing},
    seen::Seen,
};
use crate::store::{
    Store, StoreError,
    account::{Account, NewSession},
    journal::JournalEntry,
};

/// Guards signing in: how many hashes at once, how many failures from where.
#[derive(Debug)]
pub struct Gate {
    pub(super) attempts: Attempts,
    pub(super) hashing: Hashing,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// Nobody has tried yet.
    pub fn new() -> Self {
        Self { attempts: Attempts::default(), hashing: Hashing::new() }
    }
}

/// A new session.
#[derive(Debug)]
pub struct SignedIn {
    /// The token for the cookie; kept nowhere else.
    pub token: String,
    /// Who.
    pub identity: Identity,
}

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Unknown name, wrong password or disabled account: the three are not told apart.
    #[error("the name or the password is wrong")]
    Wrong,
    /// Too many failures.
    #[error("too many failed sign-ins")]
    TooMany {
        /// Time until the next try is looked at.
        wait: TimeDelta,
    },
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once")]
    Busy,
    /// The hash function failed.
    #[error("check a password: {0}")]
    Hash(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HashError> for SignInError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(why) => Self::Hash(why),
        }
    }
}

/// Checks name and password and opens a session of `length`.
pub async fn sign_in(
    store: &Store,
    gate: &Gate,
    (user, password): (&str, &str),
    from: IpAddr,
    (now, length): (DateTime<Utc>, TimeDelta),
) -> Result<SignedIn, SignInError> {
    let (account, role) = check(store, gate, (user, password), from, now).await?;
    let token = new_token();
    let session = token_hash(&token);
    let expires_at = now + length;
    let opened =
        NewSession { token_sha256: session, account_id: account.id, created_at: now, expires_at };
    let entry = JournalEntry {
        at: now,
        who: user,
        action: "sign_in",
        object: user,
        before: None,
        after: Some(json!({ "from": from.to_string(), "expires_at": expires_at })),
    };
    store.open_session(&opened, &entry).await?;
    let identity =
        Identity { account_id: account.id, user: account.name, role, expires_at, session };
    Ok(SignedIn { token, identity })
}

/// Checks name and password of somebody who agrees to what another does; opens no session.
pub async fn confirm(
    store: &Store,
    gate: &Gate,
    who: (&str, &str),
    from: IpAddr,
    now: DateTime<Utc>,
) -> Result<Role, SignInError> {
    check(store, gate, who, from, now).await.map(|(_, role)| role)
}

async fn check(
    store: &Store,
    gate: &Gate,
    (user, password): (&str, &str),
    from: IpAddr,
    now: DateTime<Utc>,
) -> Result<(Account, Role), SignInError> {
    // A name that cannot exist shares one counter, so that long texts fill no memory.
    let counted = if is_token(user) { user } else { "" };
    gate.attempts.begin(counted, from, now).map_err(|wait| SignInError::TooMany { wait })?;
    let account = if is_token(user) { store.account(user).await? } else { None };
    let account = account.filter(|account| account.disabled_at.is_none());
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let right = gate.hashing.verify(password, hash).await?;
    let Some(account) = account.filter(|_| right) else { return Err(SignInError::Wrong) };
    let role = Role::parse(&account.role).ok_or(SignInError::Wrong)?;
    gate.attempts.succeeded(counted, from);
    Ok((account, role))
}

/// Whether the session of `who` still stands. While the database is away it does: a connection that
/// was let in is not cut because of that.
pub async fn is_live(store: &Store, who: &Identity, now: DateTime<Utc>) -> bool {
    store.session(&who.session, now).await.map_or(true, |found| found.is_some())
}

/// Who holds this token; nobody when it is unknown, expired or of a disabled account. `seen` learns of it.
pub async fn identify(
    store: &Store,
    seen: &Seen,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Identity>, StoreError> {
    let well_formed = token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit());
    if !well_formed {
        return Ok(None);
    }
    let session = token_hash(token);
    let found = store.session(&session, now).await?.and_then(|found| {
        let role = Role::parse(&found.role)?;
        Some(Identity {
            account_id: found.account_id,
            user: found.name,
            role,
            expires_at: found.expires_at,
            session,
        })
    });
    match &found {
        Some(identity) => seen.note(identity, now),
        None => seen.forget(&session),
    }
    Ok(found)
}

/// The same for somebody who only reads: while the database does not answer, whoever was signed in a moment
/// ago still is. What needs no database can then be seen.
pub async fn identify_reader(
    store: &Store,
    seen: &Seen,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Identity>, StoreError> {
    match identify(store, seen, token, now).await {
        Err(error) if error.is_retriable() => {
            seen.find(&token_hash(token), now).map(Some).ok_or(error)
        }
        answered => answered,
    }
}

/// Ends the session of `identity`.
pub async fn sign_out(
    store: &Store,
    seen: &Seen,
    identity: &Identity,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let entry = JournalEntry {
        at: now,
        who: &identity.user,
        action: "sign_out",
        object: &identity.user,
        before: None,
        after: None,
    };
    seen.forget(&identity.session);
    store.close_session(&identity.session, &entry).await
}

fn new_token() -> String {
    let mut bytes = [0; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_64_hexadecimal_digits_and_never_repeat() {
        let (one, two) = (new_token(), new_token());
        assert_eq!(one.len(), 64);
        assert!(one.bytes().all(|b| b.is_ascii_hexdigit()));
        assert_ne!(one, two);
        assert_ne!(token_hash(&one), token_hash(&two));
    }
}
