//! Runs one server so that it never outlives the hub, and stops it.
//!
//! The server runs under a small shell that holds a pipe from the hub. When the
//! pipe closes, because the hub stops it, ends or is killed with -9, the shell
//! asks the server to stop, and insists after four seconds. The group of
//! processes is its own, so that Ctrl-C reaches the hub alone, which stops first.
//! A lock per server tells a second hub; a pid file finds what an earlier one left.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

use super::command::{program, run, spawn_error, tail};
use super::error::{LocalError, folder_error};
use super::place::Place;

/// The guard: `sh -c GUARD guard PID_FILE GENTLE HARD PROGRAM ARGUMENTS…`.
///
/// The inner block waits for the end of its input, which is the pipe. The shell
/// itself waits for the server, so that a server that ends is noticed at once.
const GUARD: &str = r#"
pid_file=$1 gentle=$2 hard=$3
shift 3
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
echo "$server" >"$pid_file"
{
  while read -r line; do :; done
  kill -s "$gentle" "$server"
  tenths=0
  while [ "$tenths" -lt 40 ] && kill -s 0 "$server"; do
    sleep 0.1
    tenths=$((tenths + 1))
  done
  kill -s "$hard" "$server"
} <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&- </dev/null
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
rm -f "$pid_file"
exit "$status"
"#;

/// A stop takes at most this long: four seconds of the guard and the end of the server, s.
const STOP_S: u64 = 5;

/// How long a server of an earlier hub gets to end, before and after it is asked to, s.
const LEFTOVER_S: u64 = 10;

/// Size at which a log file is put aside at the next start, bytes.
const LOG_MAX_BYTES: u64 = 10_000_000;

/// What is started.
pub(super) struct Launch {
    /// Program and arguments. One of the arguments must be below the data folder:
    /// by it a leftover server is told from a stranger with the same process id.
    pub(super) command: Vec<OsString>,
    /// Signal that asks for a clean stop, and the one after four seconds.
    pub(super) signals: [&'static str; 2],
}

/// A running server with its guard.
#[derive(Debug)]
pub(super) struct Guarded {
    server: &'static str,
    guard: Child,
    pipe: Option<ChildStdin>,
    pid_file: PathBuf,
    log: PathBuf,
    /// Ends with the hub and frees the folder for the next one.
    _lock: File,
}

/// The right to run one server in a data folder; no other server runs there.
pub(super) struct Slot {
    server: &'static str,
    lock: File,
    pid_file: PathBuf,
    log: PathBuf,
}

/// A process that is just being started holds the files of its parent until its program begins: so long the
/// lock of a server that has ended may still be held.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// Time between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

impl Slot {
    /// Takes the folder for one server; stops what an earlier hub left running.
    ///
    /// # Errors
    /// Another hub that runs, or a leftover server that does not stop.
    pub(super) async fn take(place: &Place, server: &'static str) -> Result<Self, LocalError> {
        place.make_data()?;
        let lock_file = place.data.join(format!("{server}.lock"));
        let lock = File::create(&lock_file).map_err(|source| folder_error(&lock_file, source))?;
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    sleep(LOCK_PAUSE).await;
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(LocalError::InUse { server, folder: place.data.clone() });
                }
                Err(std::fs::TryLockError::Error(source)) => {
                    return Err(folder_error(&lock_file, source));
                }
            }
        }
        let pid_file = place.data.join(format!("{server}.pid"));
        end_leftover(place, server, &pid_file).await?;
        let log = place.data.join(format!("{server}.log"));
        put_aside(&log)?;
        Ok(Self { server, lock, pid_file, log })
    }

    /// Where the server's output goes.
    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    /// Starts the server under its guard.
    pub(super) fn start(self, place: &Place, launch: Launch) -> Result<Guarded, LocalError> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|source| folder_error(&self.log, source))?;
        let errors = log.try_clone().map_err(|source| folder_error(&self.log, source))?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(&self.pid_file).args(launch.signals);
        guard.args(place.as_servers_user(launch.command));
        guard.current_dir("/").env("LC_ALL", "C").process_group(0);
        guard.stdin(Stdio::piped()).stdout(log).stderr(errors);
        let mut child = guard.spawn().map_err(|source| spawn_error(&guard, source))?;
        let pipe = child.stdin.take();
        Ok(Guarded {
            server: self.server,
            guard: child,
            pipe,
            pid_file: self.pid_file,
            log: self.log,
            _lock: self.lock,
        })
    }
}

impl Guarded {
    /// Process id of the server itself, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        read_pid(&self.pid_file)
    }

    /// Waits until the server ends by itself; says how, with the end of its log.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost when the future is dropped.
    pub(super) async fn ended(&mut self) -> LocalError {
        match self.guard.wait().await {
            Ok(status) => self.end(status),
            Err(source) => folder_error(&self.log, source),
        }
    }

    /// The error of a server that has already ended; none while it runs.
    pub(super) fn has_ended(&mut self) -> Option<LocalError> {
        let status = self.guard.try_wait().ok().flatten()?;
        Some(self.end(status))
    }

    /// The error of a server that runs and does not answer.
    pub(super) fn not_ready(&self, seconds: u64) -> LocalError {
        LocalError::NotReady { server: self.server, seconds, log: self.log.clone() }
    }

    /// Stops the server and waits for its end.
    ///
    /// # Errors
    /// [`LocalError::SlowStop`] after five seconds; the guard goes on.
    pub(super) async fn stop(mut self) -> Result<(), LocalError> {
        drop(self.pipe.take());
        match timeout(Duration::from_secs(STOP_S), self.guard.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(LocalError::SlowStop { server: self.server, seconds: STOP_S }),
        }
    }

    fn end(&self, status: ExitStatus) -> LocalError {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let last = text.get(text.len().saturating_sub(4096)..).unwrap_or_default();
        LocalError::Ended {
            server: self.server,
            status: status.to_string(),
            log: self.log.clone(),
            tail: tail(&String::from_utf8_lossy(last)),
        }
    }
}

/// Sends a signal with the shell's own `kill`: the program of that name may be absent.
pub(super) async fn signal(folder: &Path, name: &str, pid: u32) -> Result<(), LocalError> {
    let mut command = program("sh");
    command.args(["-c", r#"kill -s "$1" "$2""#, "signal", name, &pid.to_string()]);
    run(&format!("send {name} to process {pid}"), folder, &mut command).await.map(drop)
}

/// Whether the process runs with something below the folder among its words.
pub(super) fn runs_in(pid: u32, folder: &Path) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words
        .split(|byte| *byte == 0)
        .any(|word| Path::new(OsStr::from_bytes(word)).starts_with(folder))
}

/// The number in a pid file's first line.
pub(super) fn read_pid(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

/// Waits for a server whose hub has gone, then asks it to stop.
async fn end_leftover(
    place: &Place,
    server: &'static str,
    pid_file: &Path,
) -> Result<(), LocalError> {
    let Some(pid) = read_pid(pid_file) else { return Ok(()) };
    if ended_within(pid, &place.data, LEFTOVER_S).await {
        return Ok(());
    }
    // SIGINT is a clean stop for both servers.
    let _ = signal(&place.data, "INT", pid).await;
    if ended_within(pid, &place.data, LEFTOVER_S).await {
        return Ok(());
    }
    Err(LocalError::StillRunning { server, pid })
}

async fn ended_within(pid: u32, data: &Path, seconds: u64) -> bool {
    let begun = Instant::now();
    while runs_in(pid, data) {
        if begun.elapsed() >= Duration::from_secs(seconds) {
            return false;
        }
        sleep(Duration::from_millis(50)).await;
    }
    true
}

/// Renames a log that has grown large; one older log is kept.
fn put_aside(log: &Path) -> Result<(), LocalError> {
    let bytes = std::fs::metadata(log).map_or(0, |metadata| metadata.len());
    if bytes <= LOG_MAX_BYTES {
        return Ok(());
    }
    let moved: io::Result<()> = std::fs::rename(log, log.with_extension("log.1"));
    moved.map_err(|source| folder_error(log, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn process_is_known_by_the_folder_in_its_words() {
        let mut sleeper = Command::new("sh");
        sleeper
            .args(["-c", "read -r line", "/srv/hub/data/x"])
            .stdin(Stdio::piped())
            .kill_on_drop(true);
        let child = sleeper.spawn().unwrap();
        let pid = child.id().unwrap();
        // The words of a new process appear a moment after its start.
        let begun = Instant::now();
        while !runs_in(pid, Path::new("/srv/hub/data")) {
            assert!(begun.elapsed() < Duration::from_secs(10), "the words never appear");
            sleep(Duration::from_millis(1)).await;
        }
        assert!(!runs_in(pid, Path::new("/srv/hub/dat")));
        assert!(!runs_in(u32::MAX, Path::new("/srv/hub/data")));
    }

    #[test]
    fn large_log_is_put_aside_once() {
        let folder = std::env::temp_dir().join(format!("ioc-hub-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let log = folder.join("broker.log");
        File::create(&log).unwrap().set_len(LOG_MAX_BYTES + 1).unwrap();
        put_aside(&log).unwrap();
        assert!(!log.exists() && folder.join("broker.log.1").exists());
        put_aside(&log).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
