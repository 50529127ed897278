//! Who may do what: the one place that decides.
//!
//! A person has a role, a role has rights, a request needs a right. [`decide`] is the only function
//! that says yes or no, so that a finer model (areas, time, tokens) replaces one function body.
//! Accounts and sessions live in the database; passwords are argon2id hashes, session tokens are
//! kept only as SHA-256.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

mod administer;
mod attempts;
mod password;
mod seen;
mod session;

pub use administer::{
    AccountInfo, AdministerError, add_user, change_own_password, disable_user,
    ensure_administrator, list_users, set_password,
};
pub use password::{PASSWORD_CHARS, PASSWORD_MIN_CHARS, Weak};
pub use seen::Seen;
pub use session::{
    Gate, SignInError, SignedIn, confirm, identify, identify_reader, is_live, sign_in, sign_out,
};

/// What a role may do, from least to most.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// See what the city does.
    Read,
    /// Act on it: replay refused messages.
    Operate,
    /// Change who and what takes part: accounts, sources; see what may hold personal data.
    Administer,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Administer];

    /// Stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Administer => "administer",
        }
    }
}

/// Role of an account.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Every right.
    Administrator,
    /// Read and operate.
    Operator,
    /// Read.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Administrator, Self::Operator, Self::Viewer];

    /// Name in the database, in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }

    /// The role with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The rights of the role.
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Self::Administrator => &Right::ALL,
            Self::Operator => &[Right::Read, Right::Operate],
            Self::Viewer => &[Right::Read],
        }
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Account id.
    pub account_id: i32,
    /// Sign-in name, also the `who` of the journal.
    pub user: String,
    /// Role at the time of the look-up.
    pub role: Role,
    /// End of the session, hub clock.
    pub expires_at: DateTime<Utc>,
    /// SHA-256 of the session token: the session's key.
    pub(crate) session: [u8; 32],
}

/// The answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs the right {}", .0.as_str())]
pub struct Denied(pub Right);

/// Whether `who` may do what needs `right`.
pub fn decide(who: &Identity, right: Right) -> Result<(), Denied> {
    if who.role.rights().contains(&right) { Ok(()) } else { Err(Denied(right)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody(role: Role) -> Identity {
        Identity {
            account_id: 1,
            user: "somebody".into(),
            role,
            expires_at: DateTime::UNIX_EPOCH,
            session: [0; 32],
        }
    }

    #[test]
    fn each_role_has_its_rights_and_no_more() {
        let allowed = |role| {
            let who = somebody(role);
            Right::ALL.map(|right| decide(&who, right).is_ok())
        };
        assert_eq!(allowed(Role::Viewer), [true, false, false]);
        assert_eq!(allowed(Role::Operator), [true, true, false]);
        assert_eq!(allowed(Role::Administrator), [true, true, true]);
    }

    #[test]
    fn a_role_is_read_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
