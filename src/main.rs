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

fn main() -> ExitCode {
    command::main()
}
