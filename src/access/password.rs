//! Passwords: hashing with argon2id off the async threads and never many at once, so that a flood of
//! sign-ins cannot eat the machine; rules for new ones; random ones.
//!
//! Parameters are the argon2 crate's defaults (19 MiB, 2 passes, 1 lane), the OWASP minimum set.

use std::sync::Arc;

use argon2::{
    Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash,
};
use rand::RngExt as _;
use tokio::sync::Semaphore;

/// Shortest password in characters.
pub const PASSWORD_MIN_CHARS: usize = 12;
/// Longest password in characters; longer ones are refused before any hashing.
const PASSWORD_MAX_CHARS: usize = 128;
/// Characters of random passwords: none that look alike.
pub const PASSWORD_CHARS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Hashes computed at the same time; the rest waits.
const AT_ONCE: usize = 2;
/// Sign-ins that may wait for a hash; at the limit they are refused as busy.
const WAITING_MAX: usize = 32;

/// Why a new password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Fewer characters than [`PASSWORD_MIN_CHARS`].
    #[error("a password has at least {PASSWORD_MIN_CHARS} characters")]
    Short,
    /// More than the limit.
    #[error("a password has at most {PASSWORD_MAX_CHARS} characters")]
    Long,
    /// Contains the account's name, or is one character repeated.
    #[error("the password is easy to guess: leave the account's name out and mix the characters")]
    Guessable,
}

/// Why no hash was computed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    /// Too many sign-ins at once.
    #[error("too many sign-ins at once")]
    Busy,
    /// The hash function failed, or its thread did.
    #[error("hash a password: {0}")]
    Failed(String),
}

/// Computes hashes, a few at a time.
#[derive(Debug, Clone)]
pub(crate) struct Hashing {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Hashing {
    pub(crate) fn new() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    /// PHC text of a new password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, HashError> {
        let password = password.to_owned();
        self.run(move || {
            let hash: PasswordHash = Argon2::default()
                .hash_password(password.as_bytes())
                .map_err(|error| HashError::Failed(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` has the hash `phc`. Without a hash the same work is done against a hash
    /// that nothing matches, so that an unknown name takes as long as a wrong password.
    pub(crate) async fn verify(
        &self,
        password: &str,
        phc: Option<String>,
    ) -> Result<bool, HashError> {
        let password = password.to_owned();
        self.run(move || match phc {
            Some(phc) if password.chars().count() <= PASSWORD_MAX_CHARS => {
                Ok(Argon2::default().verify_password(password.as_bytes(), phc.as_str()).is_ok())
            }
            _ => {
                let mut out = [0; 32];
                Argon2::default()
                    .hash_password_into(b"nobody", b"no such account!", &mut out)
                    .map_err(|error| HashError::Failed(error.to_string()))?;
                Ok(false)
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let _waiting = self.waiting.try_acquire().map_err(|_full| HashError::Busy)?;
        let permit = self
            .at_once
            .clone()
            .acquire_owned()
            .await
            .map_err(|closed| HashError::Failed(closed.to_string()))?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|error| HashError::Failed(error.to_string()))?
    }
}

/// Checks a new password.
pub(crate) fn check(user: &str, password: &str) -> Result<(), Weak> {
    let chars = password.chars().count();
    if chars < PASSWORD_MIN_CHARS {
        return Err(Weak::Short);
    }
    if chars > PASSWORD_MAX_CHARS {
        return Err(Weak::Long);
    }
    let first = password.chars().next();
    let one_char = password.chars().all(|c| Some(c) == first);
    if one_char || password.to_lowercase().contains(&user.to_lowercase()) {
        return Err(Weak::Guessable);
    }
    Ok(())
}

/// A random password of 20 characters in groups of five (100 bits).
pub(crate) fn random() -> String {
    let mut rng = rand::rng();
    let group = |_| -> String {
        (0..5)
            .map(|_| char::from(PASSWORD_CHARS[rng.random_range(0..PASSWORD_CHARS.len())]))
            .collect()
    };
    (0..4).map(group).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches_its_hash() {
        let hashing = Hashing::new();
        let hash = hashing.hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hashing.verify("correct horse battery", Some(hash.clone())).await.unwrap());
        assert!(!hashing.verify("correct horse batterY", Some(hash)).await.unwrap());
        assert!(!hashing.verify("anything at all", None).await.unwrap());
    }

    #[tokio::test]
    async fn more_sign_ins_than_may_wait_are_refused_as_busy() {
        let hashing = Hashing::new();
        let _all = hashing.waiting.clone().try_acquire_many_owned(32).unwrap();
        assert!(matches!(hashing.verify("x", None).await, Err(HashError::Busy)));
    }

    #[test]
    fn weak_passwords_are_named() {
        assert_eq!(check("an", "short"), Err(Weak::Short));
        assert_eq!(check("an", &"x1".repeat(65)), Err(Weak::Long));
        assert_eq!(check("minh.anh", "xyz Minh.Anh 12345"), Err(Weak::Guessable));
        assert_eq!(check("an", "aaaaaaaaaaaaaaaa"), Err(Weak::Guessable));
        assert_eq!(check("an", "cầu Cái Răng 2026"), Ok(()));
    }

    #[test]
    fn a_random_password_passes_the_rules_and_never_repeats() {
        let (one, two) = (random(), random());
        assert_eq!(check("admin", &one), Ok(()));
        assert_eq!(one.len(), 23);
        assert_ne!(one, two);
    }
}
