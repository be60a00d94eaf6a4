//! Shutterpost.

use std::process::ExitCode;

fn main() -> ExitCode {
    shutterpost::cli::main()
}
