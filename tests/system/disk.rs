//! A small disk of its own for a server, which a test can fill: a file system in memory, where this
//! process may mount one.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;

/// What a skipped test writes first on its line; `tests/run` counts such lines.
const SKIPPED: &str = "skipped:";

/// A mounted disk; unmounted with its value.
pub(crate) struct Disk {
    folder: PathBuf,
}

fn run(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Unmounts whatever is mounted at the folder.
pub(crate) fn unmount(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let at = folder.to_string_lossy();
    if mounts.lines().any(|line| line.split(' ').nth(1) == Some(&at)) {
        run(Command::new("umount").arg("-l").arg(folder));
    }
}

/// Says beside the captured output that a test did not take place, and why.
pub(crate) fn skipped(test: &str, why: &str) {
    let _closed = writeln!(std::io::stderr(), "\n{SKIPPED} {test}: {why}");
}

impl Disk {
    /// A disk at the folder; null where mounting is not permitted.
    pub(crate) fn mount(folder: &Path, megabytes: u32) -> anyhow::Result<Option<Self>> {
        std::fs::create_dir_all(folder)?;
        let options = format!("size={megabytes}m,mode=0711");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &options, "ioc-test"]).arg(folder);
        Ok(run(&mut command).then(|| Self { folder: folder.to_path_buf() }))
    }

    /// Makes the disk read-only, while nobody writes to it.
    pub(crate) fn protect(&self) -> anyhow::Result<()> {
        let mut command = Command::new("mount");
        anyhow::ensure!(run(command.args(["-o", "remount,ro"]).arg(&self.folder)), "remount");
        Ok(())
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Fills the disk to its last byte.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        let zeros = vec![0; 1 << 16];
        let mut ballast =
            std::fs::File::options().create(true).append(true).open(self.ballast())?;
        for length in [zeros.len(), 4_096, 1] {
            while ballast.write(&zeros[..length]).is_ok() {}
        }
        Ok(())
    }

    /// Takes away what [`fill`](Self::fill) wrote.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        std::fs::remove_file(self.ballast()).context("the disk was filled")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.folder);
    }
}
