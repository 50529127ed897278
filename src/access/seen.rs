//! Who was signed in a moment ago, so that people can go on reading while the database is away.
//!
//! A session is noted whenever the database confirmed it and forgotten when it said that it ended, at
//! sign-out and when the password changes. It stands for [`KEPT_FOR`] after it was used last and never beyond
//! its own end. In memory, bounded: at most [`KEPT_MAX`] sessions; at the limit a new one is not kept.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};

use super::Identity;

/// How long a session that nobody uses is kept.
const KEPT_FOR: TimeDelta = TimeDelta::minutes(15);
/// Sessions kept.
const KEPT_MAX: usize = 10_000;

#[derive(Debug)]
struct Kept {
    identity: Identity,
    until: DateTime<Utc>,
}

/// Sessions of the last minutes by the hash of their token.
#[derive(Debug, Default)]
pub struct Seen(Mutex<HashMap<[u8; 32], Kept>>);

impl Seen {
    /// The database confirmed this session.
    pub(crate) fn note(&self, identity: &Identity, now: DateTime<Utc>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&identity.session) {
            kept.retain(|_, one| one.until > now);
            if kept.len() >= KEPT_MAX {
                return;
            }
        }
        let until = identity.expires_at.min(now + KEPT_FOR);
        kept.insert(identity.session, Kept { identity: identity.clone(), until });
    }

    /// Who held this session a moment ago.
    pub(super) fn find(&self, session: &[u8; 32], now: DateTime<Utc>) -> Option<Identity> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = kept.get_mut(session).filter(|one| one.until > now)?;
        one.until = one.identity.expires_at.min(now + KEPT_FOR);
        Some(one.identity.clone())
    }

    /// This session ended.
    pub(super) fn forget(&self, session: &[u8; 32]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }

    /// Every session of the account ended but this one.
    pub(super) fn forget_others(&self, who: &Identity) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|session, one| {
            one.identity.account_id != who.account_id || *session == who.session
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Role, *};

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn somebody(account_id: i32, session: u8) -> Identity {
        Identity {
            account_id,
            user: format!("user{account_id}"),
            role: Role::Viewer,
            expires_at: START + TimeDelta::hours(1),
            session: [session; 32],
        }
    }

    #[test]
    fn a_session_stands_for_minutes_after_its_last_use_and_never_beyond_its_end() {
        let seen = Seen::default();
        let who = somebody(1, 1);
        seen.note(&who, START);
        let find = |minutes| seen.find(&[1; 32], START + TimeDelta::minutes(minutes));
        for minutes in [0, 14, 28, 42, 56] {
            assert_eq!(find(minutes).as_ref(), Some(&who), "after {minutes} min");
        }
        assert_eq!(find(60), None, "its end");
        seen.note(&who, START);
        assert_eq!(find(15), None, "nobody used it");
        assert_eq!(seen.find(&[2; 32], START), None);
    }

    #[test]
    fn what_ended_is_forgotten() {
        let seen = Seen::default();
        for who in [somebody(1, 1), somebody(1, 2), somebody(2, 3)] {
            seen.note(&who, START);
        }
        seen.forget_others(&somebody(1, 1));
        let stands = |session: u8| seen.find(&[session; 32], START).is_some();
        assert_eq!([1, 2, 3].map(stands), [true, false, true]);
        seen.forget(&[1; 32]);
        assert_eq!([1, 2, 3].map(stands), [false, false, true]);
    }

    #[test]
    fn the_memory_is_bounded() {
        let seen = Seen::default();
        for n in 0..=KEPT_MAX {
            let mut who = somebody(1, 0);
            who.session[..8].copy_from_slice(&n.to_be_bytes());
            seen.note(&who, START);
        }
        assert_eq!(seen.0.lock().unwrap().len(), KEPT_MAX);
    }
}
