//! Command line of the hub.
fn main() {}
