//! The passwords of the private database: random, made once, kept in a file of
//! the data folder that only the hub's user can read. They never appear in logs.

use std::fmt;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::database::Role;
use super::error::{LocalError, folder_error};
use super::hexadecimal;

/// One password per role.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Passwords {
    owner: String,
    application: String,
    superuser: String,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Passwords(…)")
    }
}

impl Passwords {
    /// The kept passwords, or new ones with `true`.
    pub(super) fn open(data: &Path) -> Result<(Self, bool), LocalError> {
        let file = file_of(data);
        match std::fs::read(&file) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(passwords) => Ok((passwords, false)),
                Err(source) => Err(LocalError::Passwords { file, source }),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok((Self::random(), true))
            }
            Err(error) => Err(folder_error(&file, error)),
        }
    }

    /// Writes the file, whole or not at all.
    pub(super) fn keep(&self, data: &Path) -> Result<(), LocalError> {
        let (file, fresh) = (file_of(data), data.join("passwords.new"));
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let _ = std::fs::remove_file(&fresh);
        std::fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut opened| {
                opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all())
            })
            .and_then(|()| std::fs::rename(&fresh, &file))
            .map_err(|source| folder_error(&file, source))
    }

    /// The password of a role.
    pub(super) fn of(&self, role: Role) -> &str {
        match role {
            Role::Owner => &self.owner,
            Role::Application => &self.application,
            Role::Superuser => &self.superuser,
        }
    }

    fn random() -> Self {
        Self { owner: word(), application: word(), superuser: word() }
    }
}

fn file_of(data: &Path) -> PathBuf {
    data.join("passwords.json")
}

/// 192 random bits as hexadecimal digits: nothing to escape in SQL or in an address.
fn word() -> String {
    let bytes: [u8; 24] = rand::random();
    hexadecimal(&bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn passwords_stay_and_only_the_user_reads_them() {
        let data = std::env::temp_dir().join(format!("ioc-hub-passwords-{}", std::process::id()));
        std::fs::create_dir_all(&data).unwrap();
        let (made, fresh) = Passwords::open(&data).unwrap();
        made.keep(&data).unwrap();
        assert!(fresh);
        assert_eq!(Passwords::open(&data).unwrap(), (made.clone(), false));
        let mode = std::fs::metadata(file_of(&data)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_ne!(made.of(Role::Owner), made.of(Role::Application));
        assert!(!format!("{made:?}").contains(made.of(Role::Owner)));
        std::fs::remove_dir_all(&data).unwrap();
    }
}
