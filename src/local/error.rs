//! What can go wrong with the private servers: one variant per cause, each
//! message with what to do about it. The cause itself is in `source()`.

use std::io;
use std::path::{Path, PathBuf};

/// Why the private broker or database could not be fetched, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The file system of the folder is full.
    #[error(
        "no space left in {folder}: free at least {needed_mb} MB there, or name another folder in the key `local.folder`"
    )]
    DiskFull {
        /// Folder that could not be written.
        folder: PathBuf,
        /// Space that is needed, in MB.
        needed_mb: u64,
    },
    /// The folder lies on a read-only file system.
    #[error(
        "{folder} is on a read-only file system: mount it writable, or name another folder in the key `local.folder`"
    )]
    ReadOnly {
        /// Folder that could not be written.
        folder: PathBuf,
    },
    /// The user of this process may not use the folder.
    #[error(
        "no permission to use {folder}: give it to the user that runs the hub (chown), or name another folder in the key `local.folder`"
    )]
    Denied {
        /// Folder or file that was refused.
        folder: PathBuf,
    },
    /// Any other failure of the file system.
    #[error("use {folder}")]
    Folder {
        /// Folder or file that was used.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder's name cannot stand in the configuration files of the servers.
    #[error(
        "the folder {folder:?} contains {character:?}, which the configuration of the servers cannot carry: name another folder in the key `local.folder`"
    )]
    FolderName {
        /// The folder.
        folder: PathBuf,
        /// The first character that is not possible.
        character: char,
    },
    /// No apt or dpkg-deb on this machine.
    #[error(
        "no `{missing}` on this machine, so that no private copy can be fetched: install PostgreSQL 15 or newer with the extension timescaledb, and mosquitto 2.0.13 or newer (Debian: postgresql-17-timescaledb, mosquitto), or start without --local with the addresses of an own broker and database"
    )]
    NotDebian {
        /// The program that was not found.
        missing: &'static str,
    },
    /// None of the machine's apt sources serves the packages.
    #[error(
        "none of the machine's apt sources serves the Debian suite {suite} ({tried}): add a Debian mirror to /etc/apt/sources.list.d and check the network, or install postgresql-17-timescaledb and mosquitto yourself"
    )]
    NoMirror {
        /// The suite that was looked for.
        suite: &'static str,
        /// What each source answered.
        tried: String,
    },
    /// A package came with the wrong content twice.
    #[error(
        "the package {package} arrives damaged: its SHA-256 is not the one of the signed index; start again, and if it stays, ask the keeper of the mirror or proxy"
    )]
    Checksum {
        /// Name of the package.
        package: String,
    },
    /// The fetched set does not stand on its own.
    #[error(
        "{program} of the private copy needs {library}, which is not part of it: remove the folder {folder} and start again; if it stays, install postgresql-17-timescaledb and mosquitto"
    )]
    ForeignLibrary {
        /// Program or module that was checked.
        program: PathBuf,
        /// Library that is missing or would come from the system.
        library: String,
        /// Folder of the private copy.
        folder: PathBuf,
    },
    /// A program of the machine could not be started at all.
    #[error("start the program `{program}`")]
    Spawn {
        /// Name or path of the program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program of the machine failed.
    #[error("{what} failed ({status}): {output}")]
    Command {
        /// What was attempted.
        what: String,
        /// Exit status in words.
        status: String,
        /// Last lines of what the program said.
        output: String,
    },
    /// Another process fetches into the same folder for too long.
    #[error(
        "another process has been fetching into {folder} for {seconds} s: end it and start again"
    )]
    FetchLocked {
        /// Folder of the private copy.
        folder: PathBuf,
        /// Time waited.
        seconds: u64,
    },
    /// Root has to start `PostgreSQL` as another user, and there is none.
    #[error(
        "PostgreSQL refuses to run as root, and there is no user `{user}` to run it as: start the hub as an ordinary user"
    )]
    NoUser {
        /// User that was looked for.
        user: &'static str,
    },
    /// No folder that the unprivileged user could reach.
    #[error(
        "the user `{user}` that runs the servers cannot reach {folder}, nor could a folder under /var/lib or /var/tmp be made: name a folder in the key `local.folder` whose parents all users may enter"
    )]
    NotReachable {
        /// User that runs the servers.
        user: &'static str,
        /// Folder that was asked for.
        folder: PathBuf,
    },
    /// The broker's port belongs to somebody else.
    #[error(
        "port {port} on 127.0.0.1 is taken by another program: end that program, or set another port in the key `local.mqtt_port`"
    )]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// The broker's port cannot be opened for another reason.
    #[error(
        "port {port} on 127.0.0.1 cannot be opened: set another port (above 1023) in the key `local.mqtt_port`"
    )]
    Port {
        /// The port.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// Another hub runs its servers in the same folder.
    #[error(
        "another hub is running the {server} in {folder}: stop it first, or name another folder in the key `local.folder`"
    )]
    InUse {
        /// Which server.
        server: &'static str,
        /// Data folder.
        folder: PathBuf,
    },
    /// A server that an earlier hub left does not stop.
    #[error(
        "the {server} of an earlier hub (process {pid}) does not stop: end it with `kill {pid}` and start again"
    )]
    StillRunning {
        /// Which server.
        server: &'static str,
        /// Its process id.
        pid: u32,
    },
    /// The data was written by another `PostgreSQL` than the one at hand.
    #[error(
        "the data in {folder} was written by PostgreSQL {found}, the programs are PostgreSQL {programs}: install PostgreSQL {found} with timescaledb, or move the folder away to start with an empty database"
    )]
    DataVersion {
        /// Folder of the database.
        folder: PathBuf,
        /// Major version that wrote it.
        found: u32,
        /// Major version that was found.
        programs: u32,
    },
    /// A server ended although nobody asked it to.
    #[error("the private {server} ended ({status}); the end of {log} says: {tail}")]
    Ended {
        /// Which server.
        server: &'static str,
        /// Exit status in words.
        status: String,
        /// Log file.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// A server runs but does not answer.
    #[error("the private {server} does not answer after {seconds} s; see {log}")]
    NotReady {
        /// Which server.
        server: &'static str,
        /// Time waited.
        seconds: u64,
        /// Log file.
        log: PathBuf,
    },
    /// A server did not stop in time; its guard goes on stopping it.
    #[error("the private {server} did not stop within {seconds} s")]
    SlowStop {
        /// Which server.
        server: &'static str,
        /// Time waited.
        seconds: u64,
    },
    /// A statement to the private database failed.
    #[error("{what} in the private database")]
    Database {
        /// What was attempted.
        what: String,
        /// What the database said.
        source: tokio_postgres::Error,
    },
    /// The file of the passwords cannot be read as such.
    #[error("the file {file} is not what the hub wrote: remove it, new passwords are then set")]
    Passwords {
        /// The file.
        file: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
}

/// Space that a first start needs: packages, programs, an empty database, MB.
pub(super) const NEEDED_MB: u64 = 600;

/// Sorts a failure of the file system by what the operator has to do.
pub(super) fn folder_error(folder: &Path, source: io::Error) -> LocalError {
    let folder = folder.to_path_buf();
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            LocalError::DiskFull { folder, needed_mb: NEEDED_MB }
        }
        io::ErrorKind::ReadOnlyFilesystem => LocalError::ReadOnly { folder },
        io::ErrorKind::PermissionDenied => LocalError::Denied { folder },
        _ => LocalError::Folder { folder, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_and_read_only_folders_are_told_apart() {
        let folder = Path::new("/data");
        let full = folder_error(folder, io::ErrorKind::StorageFull.into());
        let read_only = folder_error(folder, io::ErrorKind::ReadOnlyFilesystem.into());
        assert!(full.to_string().starts_with("no space left in /data: free at least 600 MB"));
        assert!(read_only.to_string().starts_with("/data is on a read-only file system"));
    }
}
