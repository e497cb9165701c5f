//! The command `chaos-monkey`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chaos_monkey::target::process::guardian::run_if_requested();
    chaos_monkey::cli::main()
}
