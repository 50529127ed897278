//! Runs one program of the machine to its end and returns what it printed;
//! turns a failure into an error that says what was attempted.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

use super::error::{LocalError, NEEDED_MB};

/// Last characters of a program's output that an error repeats.
const TAIL_CHARS: usize = 800;

/// A program with the plain locale, no input, and killed when its future is dropped.
pub(super) fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs the program and returns its standard output.
///
/// `what` is the attempt in words, `folder` the place it writes to: named when
/// that place is full or read-only.
pub(super) async fn run(
    what: &str,
    folder: &Path,
    command: &mut Command,
) -> Result<String, LocalError> {
    let output = command.output().await.map_err(|source| spawn_error(command, source))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    Err(failure(what, folder, output.status, &format!("{printed}{said}")))
}

/// The error of a program that could not be started.
pub(super) fn spawn_error(command: &Command, source: io::Error) -> LocalError {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    LocalError::Spawn { program, source }
}

/// The error of a program that ended with a failure, from what it said.
pub(super) fn failure(what: &str, folder: &Path, status: ExitStatus, said: &str) -> LocalError {
    if said.contains("No space left on device") || said.contains("enough free space") {
        return LocalError::DiskFull { folder: folder.to_path_buf(), needed_mb: NEEDED_MB };
    }
    if said.contains("Read-only file system") {
        return LocalError::ReadOnly { folder: folder.to_path_buf() };
    }
    LocalError::Command { what: what.to_owned(), status: status.to_string(), output: tail(said) }
}

/// The last lines of a text, at most [`TAIL_CHARS`] characters, on one line.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let joined = lines.join(" | ");
    let skipped = joined.chars().count().saturating_sub(TAIL_CHARS);
    joined.chars().skip(skipped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_keeps_the_end_on_one_line() {
        assert_eq!(tail("one\n\n  two \n"), "one | two");
        let long = "x".repeat(TAIL_CHARS * 2) + "end";
        assert_eq!(tail(&long).chars().count(), TAIL_CHARS);
        assert!(tail(&long).ends_with("end"));
    }

    #[tokio::test]
    async fn failed_program_says_what_was_attempted() {
        let mut command = program("sh");
        command.args(["-c", "echo reason >&2; exit 3"]);
        let error = run("try it", Path::new("/x"), &mut command).await.unwrap_err();
        assert_eq!(error.to_string(), "try it failed (exit status: 3): reason");
    }

    #[tokio::test]
    async fn full_disk_is_recognised_in_what_a_program_says() {
        let mut command = program("sh");
        command.args(["-c", "echo 'write: No space left on device' >&2; exit 1"]);
        let error = run("unpack", Path::new("/x"), &mut command).await.unwrap_err();
        assert!(matches!(error, LocalError::DiskFull { folder, .. } if folder == Path::new("/x")));
    }
}
