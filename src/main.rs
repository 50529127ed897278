//! Command line of the hub: reads options, loads configuration and city, hands over to the library.
//!
//! Exit codes: 0 done, 1 it failed, 2 the command line, the configuration or the city is at fault.

use std::process::ExitCode;

use mimalloc::MiMalloc;

mod command;

/// Messages are made on one thread and freed on another, in bursts: the C library's keeps far more of
/// that memory than is in use.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
/// How long the allocator keeps freed memory, milliseconds: at design point L what it keeps by itself is a
/// tenth of the hub.
const KEEP_FREED: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "0");

fn main() -> ExitCode {
    #[cfg(unix)]
    set_allocator();
    command::main()
}

/// Starts this program again in the same process with [`KEEP_FREED`], which the allocator reads before `main`;
/// whoever sets it already decides. Where that fails, the hub runs with more memory.
#[cfg(unix)]
fn set_allocator() {
    use std::os::unix::process::CommandExt as _;
    let (key, value) = KEEP_FREED;
    if std::env::var_os(key).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| program.clone().into_os_string());
    let _failed =
        std::process::Command::new(program).arg0(name).args(arguments).env(key, value).exec();
}
