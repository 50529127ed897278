//! Where the servers live and as whom they run. `PostgreSQL` refuses root, so as
//! root both servers run as the unprivileged user `nobody`, and their folders
//! must be such that this user can reach them. An ordinary user needs no tricks.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{LocalError, folder_error};
use super::{LocalSettings, Progress, hexadecimal};

/// User that runs the servers when the hub is root.
const USER: &str = "nobody";

/// Longest path of a unix socket in bytes, without its terminating zero (`sun_path`).
const SOCKET_PATH_MAX: usize = 107;

/// Characters that end a value in one of the servers' files or in a library path.
const FORBIDDEN: &[char] = &[':', ',', '$', '\'', '"', '\\', '\n', '\r', '\t'];

/// The unprivileged user of a hub that is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Resolved folders of this process.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Private copy of the programs.
    pub(super) programs: PathBuf,
    /// Data, configuration and logs of the servers.
    pub(super) data: PathBuf,
    /// Who runs the servers; none: the user of this process.
    pub(super) account: Option<Account>,
}

impl Place {
    /// Absolute folders that the servers' user can reach; says where it goes instead when they are not.
    pub(super) fn of(settings: &LocalSettings, progress: Progress<'_>) -> Result<Self, LocalError> {
        let account = servers_account()?;
        let programs = reachable_folder(&settings.folder.join("programs"), account, progress)?;
        let data = reachable_folder(&settings.data, account, progress)?;
        Ok(Self { programs, data, account })
    }

    /// Makes a folder below the data that belongs to the servers' user alone.
    pub(super) fn own_folder(&self, name: &str) -> Result<PathBuf, LocalError> {
        let folder = self.data.join(name);
        make_private(&folder, self.account)?;
        Ok(folder)
    }

    /// Makes the data folder: open to enter as root (the servers are another user), else private.
    pub(super) fn make_data(&self) -> Result<(), LocalError> {
        let mode = if self.account.is_some() { 0o711 } else { 0o700 };
        std::fs::create_dir_all(&self.data)
            .and_then(|()| {
                std::fs::set_permissions(&self.data, std::fs::Permissions::from_mode(mode))
            })
            .map_err(|source| folder_error(&self.data, source))
    }

    /// The program and arguments, run as the servers' user.
    pub(super) fn as_servers_user(&self, command: Vec<OsString>) -> Vec<OsString> {
        let Some(Account { uid, gid }) = self.account else { return command };
        let mut words: Vec<OsString> = vec!["setpriv".into()];
        words.extend([format!("--reuid={uid}"), format!("--regid={gid}")].map(OsString::from));
        words.extend(["--clear-groups", "--no-new-privs", "--"].map(OsString::from));
        words.extend(command);
        words
    }

    /// Folder of the database's socket: below the data, or a short one when that path is too long.
    pub(super) fn socket_folder(&self) -> Result<PathBuf, LocalError> {
        let folder = self.data.join("run");
        if socket_path_fits(&folder) {
            make_private(&folder, self.account)?;
            return Ok(folder);
        }
        let short = Path::new("/tmp").join(format!("ioc-hub-{}", short_name(&self.data)));
        make_private(&short, self.account)?;
        Ok(short)
    }
}

/// The name of the database's socket in its folder.
pub(super) fn socket_file(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

fn socket_path_fits(folder: &Path) -> bool {
    socket_file(folder).as_os_str().len() <= SOCKET_PATH_MAX
}

/// Makes a folder with mode 0700 for the user; refuses one that somebody else made there before.
fn make_private(folder: &Path, account: Option<Account>) -> Result<(), LocalError> {
    let failed = |source| folder_error(folder, source);
    std::fs::create_dir_all(folder).map_err(failed)?;
    if let Some(Account { uid, gid }) = account {
        std::os::unix::fs::lchown(folder, Some(uid), Some(gid)).map_err(failed)?;
    }
    let metadata = std::fs::symlink_metadata(folder).map_err(failed)?;
    let uid = match account {
        Some(account) => account.uid,
        None => own_uid()?,
    };
    if !metadata.is_dir() || metadata.uid() != uid {
        return Err(LocalError::Denied { folder: folder.to_path_buf() });
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).map_err(failed)
}

/// The user that the kernel shows as owner of this process.
fn own_uid() -> Result<u32, LocalError> {
    let myself = Path::new("/proc/self");
    std::fs::metadata(myself)
        .map(|metadata| metadata.uid())
        .map_err(|source| folder_error(myself, source))
}

/// The user for the servers when this process is root; none for an ordinary user.
fn servers_account() -> Result<Option<Account>, LocalError> {
    if own_uid()? != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    account_in(&users, USER).map(Some).ok_or(LocalError::NoUser { user: USER })
}

/// `name:password:uid:gid:…`
fn account_in(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some(Account { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

/// The folder itself, absolute, or its stand-in under `/var` when the user cannot reach it.
fn reachable_folder(
    folder: &Path,
    account: Option<Account>,
    progress: Progress<'_>,
) -> Result<PathBuf, LocalError> {
    let folder = absolute(folder)?;
    if let Some(character) = folder.to_string_lossy().chars().find(|c| FORBIDDEN.contains(c)) {
        return Err(LocalError::FolderName { folder, character });
    }
    let Some(account) = account else { return Ok(folder) };
    // Made first, so that what root's umask leaves open is judged too.
    std::fs::create_dir_all(&folder).map_err(|source| folder_error(&folder, source))?;
    if reachable(&folder, account) {
        return Ok(folder);
    }
    let name = format!("{}-{}", short_name(&folder), file_name(&folder));
    for parent in ["/var/lib/ioc-hub", "/var/tmp/ioc-hub"] {
        let (parent, other) = (Path::new(parent), Path::new(parent).join(&name));
        let made = std::fs::create_dir_all(&other).and_then(|()| {
            std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o711))
        });
        // The names below /var/tmp are free to everybody: only root's own folder is taken.
        let ours = std::fs::symlink_metadata(parent)
            .is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == 0);
        if made.is_ok() && ours && reachable(&other, account) {
            progress(&format!(
                "the user {USER}, who runs the servers for root, cannot enter {}: using {} instead",
                folder.display(),
                other.display()
            ));
            return Ok(other);
        }
    }
    Err(LocalError::NotReachable { user: USER, folder })
}

/// The absolute path with the links of its existing part followed.
fn absolute(folder: &Path) -> Result<PathBuf, LocalError> {
    let path = std::path::absolute(folder).map_err(|source| folder_error(folder, source))?;
    for ancestor in path.ancestors() {
        if let Ok(real) = ancestor.canonicalize() {
            // Collected by parts, which leaves no slash at the end.
            let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
            return Ok(real.components().chain(rest.components()).collect());
        }
    }
    Ok(path)
}

/// Whether the user may search every folder above; the folder itself the hub makes as needed.
fn reachable(folder: &Path, account: Account) -> bool {
    let parents = folder.ancestors().skip(1);
    parents.filter_map(|parent| std::fs::metadata(parent).ok()).all(|metadata| {
        let bit = match (metadata.uid() == account.uid, metadata.gid() == account.gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        metadata.mode() & bit != 0
    })
}

/// Twelve digits that stand for a path.
fn short_name(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    hexadecimal(&digest[..6])
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(OsStr::new("data")).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: Account = Account { uid: 4_000_001, gid: 4_000_002 };

    /// A folder of the test with a child; the parent has the mode.
    fn child_of(name: &str, mode: u32) -> PathBuf {
        let parent =
            std::env::temp_dir().join(format!("ioc-hub-place-{}-{name}", std::process::id()));
        std::fs::create_dir_all(parent.join("child")).unwrap();
        std::fs::set_permissions(&parent, std::fs::Permissions::from_mode(mode)).unwrap();
        parent.join("child")
    }

    #[test]
    fn folder_behind_a_private_parent_is_not_reachable() {
        let (open, closed) = (child_of("open", 0o711), child_of("closed", 0o700));
        assert!(reachable(&open, STRANGER));
        assert!(!reachable(&closed, STRANGER));
        let owner = std::fs::metadata(&closed).unwrap();
        assert!(reachable(&closed, Account { uid: owner.uid(), gid: owner.gid() }));
        for child in [open, closed] {
            std::fs::remove_dir_all(child.parent().unwrap()).unwrap();
        }
    }

    #[test]
    fn folder_that_does_not_exist_yet_is_judged_by_its_parents() {
        let closed = child_of("later", 0o700);
        assert!(!reachable(&closed.join("not/yet"), STRANGER));
        std::fs::remove_dir_all(closed.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_folder_has_one_name() {
        let child = child_of("name", 0o755);
        let crooked = child.join("../child/./later/");
        let made = absolute(&child).unwrap();
        assert_eq!(made.as_os_str(), child.canonicalize().unwrap().as_os_str());
        assert_eq!(absolute(&child.join("later/")).unwrap(), made.join("later"));
        std::fs::create_dir_all(child.join("later")).unwrap();
        assert_eq!(absolute(&crooked).unwrap(), made.join("later"));
        std::fs::remove_dir_all(child.parent().unwrap()).unwrap();
    }

    #[test]
    fn path_with_a_character_of_the_configuration_is_refused() {
        let error = reachable_folder(Path::new("/srv/a:b"), None, &|_| {}).unwrap_err();
        assert!(matches!(error, LocalError::FolderName { character: ':', .. }));
    }

    #[test]
    fn long_socket_path_does_not_fit() {
        assert!(socket_path_fits(Path::new("/srv/hub/.local/data/run")));
        assert!(!socket_path_fits(&Path::new("/srv").join("x".repeat(100))));
    }

    #[test]
    fn users_are_found_by_their_whole_name() {
        let users = "nobody2:x:7:8::/:\nnobody:x:65534:65534:nobody:/:/bin/sh\n";
        assert_eq!(account_in(users, "nobody"), Some(Account { uid: 65_534, gid: 65_534 }));
        assert_eq!(account_in(users, "nob"), None);
    }

    #[test]
    fn command_is_unchanged_for_an_ordinary_user() {
        let mut place = Place { programs: PathBuf::new(), data: PathBuf::new(), account: None };
        let command: Vec<OsString> = vec!["postgres".into(), "-D".into()];
        assert_eq!(place.as_servers_user(command.clone()), command);
        place.account = Some(STRANGER);
        let wrapped = place.as_servers_user(command);
        assert_eq!(wrapped[0], "setpriv");
        assert_eq!(wrapped[1], "--reuid=4000001");
        assert_eq!(wrapped.last().unwrap(), "-D");
    }
}
