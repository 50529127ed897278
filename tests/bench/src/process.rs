//! What the kernel tells of processes: processor time and memory. Linux, as the hub.

use std::{fs, path::Path};

/// Clock ticks per second in `/proc/PID/stat`; the kernel's user interface fixes it at 100.
const TICKS_PER_S: f64 = 100.0;

/// User and system time of one process in seconds; 0 when it has gone.
pub(crate) fn cpu_s(pid: u32) -> f64 {
    stat(format!("/proc/{pid}/stat")).map_or(0.0, |stat| stat.cpu_s)
}

/// The same of a server and its children, those that ended included.
pub(crate) fn cpu_with_children_s(pid: u32) -> f64 {
    let Some(own) = stat(format!("/proc/{pid}/stat")) else { return 0.0 };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children: f64 = processes
        .filter_map(|entry| stat(entry.path().join("stat")))
        .filter(|stat| stat.parent == pid)
        .map(|stat| stat.cpu_s + stat.ended_s)
        .sum();
    own.cpu_s + own.ended_s + children
}

struct Stat {
    parent: u32,
    cpu_s: f64,
    /// Time of children that ended and were waited for.
    ended_s: f64,
}

/// Fields 4 and 14 to 17 of proc(5); the name before them may hold anything, up to the last `)`.
fn stat(path: impl AsRef<Path>) -> Option<Stat> {
    let text = fs::read_to_string(path).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let seconds = |at: usize| -> Option<f64> { fields.get(at)?.parse().ok().map(to_seconds) };
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        cpu_s: seconds(11)? + seconds(12)?,
        ended_s: seconds(13)? + seconds(14)?,
    })
}

fn to_seconds(ticks: f64) -> f64 {
    ticks / TICKS_PER_S
}

/// Resident memory now, and the most that it ever was, in MiB.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) resident_mib: f64,
    pub(crate) peak_mib: f64,
}

/// Memory of one process; null when it has gone.
pub(crate) fn memory(pid: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mib = |name: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok().map(|kib: f64| kib / 1024.0)
    };
    Some(Memory { resident_mib: mib("VmRSS:")?, peak_mib: mib("VmHWM:")? })
}
