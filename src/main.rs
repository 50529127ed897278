//! Command line of the hub: reads options, loads configuration and city, hands over to the library.
//!
//! Exit codes: 0 done, 1 it failed, 2 the command line, the configuration or the city is at fault.

use std::process::ExitCode;

mod command;

fn main() -> ExitCode {
    command::main()
}
