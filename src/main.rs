//! The command line `dbopt`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    database_optimizer::cli::run()
}
