//! The files of the private `PostgreSQL` before it runs: the set-up of an empty
//! database, the superuser's password, left-over locks, the configuration.
//!
//! Every step can be repeated: one that was cut off is done again from its start.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use super::Programs;
use super::command::{failure, program, run, spawn_error};
use super::error::{LocalError, folder_error};
use super::guard::{read_pid, runs_in};
use super::place::{Place, socket_file};

/// `initdb` in a folder beside, which gets its name when it is whole.
pub(super) async fn initialise(
    place: &Place,
    programs: &Programs,
    cluster: &Path,
) -> Result<(), LocalError> {
    let failed = |source| folder_error(&place.data, source);
    let fresh = place.data.join("postgres.new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(failed)?;
    }
    place.own_folder("postgres.new")?;
    let mut words: Vec<OsString> =
        vec![programs.postgres_bin.join("initdb").into(), "-D".into(), fresh.clone().into()];
    words.extend(["--username=postgres", "--auth=reject", "--encoding=UTF8"].map(OsString::from));
    // The built-in locale sorts by code point and is the same on every machine; before 17 it does not exist.
    let locale: &[&str] = if programs.postgres_major >= 17 {
        &["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    } else {
        &["--locale=C.UTF-8"]
    };
    words.extend(locale.iter().map(OsString::from));
    let words = place.as_servers_user(words);
    let (name, arguments) = words.split_first().expect("the command has a program");
    let mut command = program(name);
    command.args(arguments).current_dir(&place.data);
    run("set up the database", &place.data, &mut command).await?;
    std::fs::rename(&fresh, cluster).map_err(failed)
}

/// Sets the password of the superuser while no server runs: the way in without a password.
pub(super) async fn set_superuser_password(
    place: &Place,
    programs: &Programs,
    cluster: &Path,
    password: &str,
) -> Result<(), LocalError> {
    let postgres = programs.postgres_bin.join("postgres");
    let words: Vec<OsString> =
        vec![postgres.into(), "--single".into(), "-D".into(), cluster.into(), "postgres".into()];
    let words = place.as_servers_user(words);
    let (name, arguments) = words.split_first().expect("the command has a program");
    let mut command = program(name);
    command.args(arguments).current_dir(&place.data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| spawn_error(&command, source))?;
    if let Some(mut input) = child.stdin.take() {
        let statement = format!("alter role postgres password '{password}'\n");
        // A server that ends before it reads says why below.
        let _ = input.write_all(statement.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(|source| spawn_error(&command, source))?;
    let said = String::from_utf8_lossy(&output.stderr).replace(password, "…");
    if output.status.success() && !said.contains("ERROR") {
        return Ok(());
    }
    Err(failure("set the password of the database's superuser", &place.data, output.status, &said))
}

/// Removes lock files whose process is not a server of this folder.
///
/// `PostgreSQL` refuses to start while the process id in them is alive, and in a
/// container that was started again the number often belongs to something else.
/// The slot is held: no hub runs a server here.
pub(super) fn remove_stale_locks(
    place: &Place,
    cluster: &Path,
    socket_folder: &Path,
) -> Result<(), LocalError> {
    let mut socket_lock = socket_file(socket_folder).into_os_string();
    socket_lock.push(".lock");
    for file in [cluster.join("postmaster.pid"), PathBuf::from(socket_lock)] {
        let Some(pid) = read_pid(&file) else { continue };
        if runs_in(pid, &place.data) {
            return Err(LocalError::StillRunning { server: "database", pid });
        }
        std::fs::remove_file(&file).map_err(|source| folder_error(&file, source))?;
    }
    Ok(())
}

pub(super) fn write_configuration(place: &Place, socket_folder: &Path) -> Result<(), LocalError> {
    let access = place.data.join("postgres-access.conf");
    let zones = Path::new("/usr/share/zoneinfo/UTC").exists();
    let text = render(&access, socket_folder, zones);
    let access_text = "# Written by the hub at every start.\nlocal all all scram-sha-256\n";
    for (file, text) in [(configuration_file(place), text.as_str()), (access, access_text)] {
        std::fs::write(&file, text).map_err(|source| folder_error(&file, source))?;
    }
    Ok(())
}

fn configuration_file(place: &Place) -> PathBuf {
    place.data.join("postgres.conf")
}

pub(super) fn server_command(place: &Place, programs: &Programs, cluster: &Path) -> Vec<OsString> {
    let mut option = OsString::from("--config-file=");
    option.push(configuration_file(place));
    vec![programs.postgres_bin.join("postgres").into(), "-D".into(), cluster.into(), option]
}

/// The configuration: for a machine of two cores and 4 GB that runs the hub too.
///
/// `zones`: the machine has the files of time zones, which Debian's `PostgreSQL` reads.
fn render(access: &Path, socket_folder: &Path, zones: bool) -> String {
    let zone = if zones { "UTC" } else { "GMT" };
    format!(
        "# Written by the hub at every start.\n\
        listen_addresses = ''\n\
        unix_socket_directories = '{}'\n\
        unix_socket_permissions = 0700\n\
        hba_file = '{}'\n\
        password_encryption = 'scram-sha-256'\n\
        max_connections = 60\n\
        shared_preload_libraries = 'timescaledb'\n\
        timescaledb.telemetry_level = off\n\
        timescaledb.max_background_workers = 8\n\
        max_worker_processes = 20\n\
        max_locks_per_transaction = 512\n\
        shared_buffers = '256MB'\n\
        effective_cache_size = '1GB'\n\
        work_mem = '16MB'\n\
        maintenance_work_mem = '128MB'\n\
        wal_compression = on\n\
        min_wal_size = '128MB'\n\
        max_wal_size = '2GB'\n\
        checkpoint_timeout = '10min'\n\
        synchronous_commit = on\n\
        random_page_cost = 1.1\n\
        jit = off\n\
        log_checkpoints = off\n\
        timezone = '{zone}'\n\
        log_timezone = '{zone}'\n\
        log_line_prefix = '%m [%p] %q%u@%d '\n\
        lc_messages = 'C'\n",
        socket_folder.display(),
        access.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_has_no_network_and_asks_for_passwords() {
        let text = render(Path::new("/d/access.conf"), Path::new("/d/run"), true);
        assert!(text.contains("\nlisten_addresses = ''\n"));
        assert!(text.contains("\nunix_socket_directories = '/d/run'\n"));
        assert!(text.contains("\nhba_file = '/d/access.conf'\n"));
        assert!(text.contains("\ntimezone = 'UTC'\n"));
    }

    #[test]
    fn machine_without_zone_files_still_starts() {
        let text = render(Path::new("/d/a"), Path::new("/d/run"), false);
        assert!(text.contains("\ntimezone = 'GMT'\nlog_timezone = 'GMT'\n"));
    }
}
