//! The command `demo-services`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chaos_monkey::target::process::guardian::run_if_requested();
    match demo_services::cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
