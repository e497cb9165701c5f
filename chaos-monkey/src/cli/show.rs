//! What every command that runs a game day has in common: its flags, its output, its exit code.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::PathBuf;

use clap::Args;

use crate::engine::{self, EngineError, Finished, GameDayRun, Place};
use crate::exit::Exit;
use crate::schema::{GameDay, System};
use crate::verdict::Outcome;
use crate::view::{self, Output};

/// How a game day runs and what it shows.
#[derive(Debug, Clone, Args)]
pub struct ShowArguments {
    /// Seed of everything random: the same seed, the same victims and the same load
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// Folder for journal, verdict and report [default: game-day-runs/TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Leave the faults out: the control run
    #[arg(long)]
    pub no_faults: bool,

    /// Show nothing but the verdict
    #[arg(long, conflicts_with = "json")]
    pub quiet: bool,

    /// Show nothing but the verdict, as JSON
    #[arg(long)]
    pub json: bool,
}

impl ShowArguments {
    /// Runs a checked game day in local processes and shows it; the exit code is that of its
    /// verdict.
    pub fn run(&self, game_day: &GameDay, system: &System, variant: Option<&str>) -> Exit {
        match in_runtime(self.finish(game_day, system, variant)) {
            Ok(finished) => exit(finished),
            Err(error) => {
                eprintln!("error: cannot start: {error}");
                Exit::Internal
            }
        }
    }

    /// Runs a checked game day in local processes, shows it, and says where its report is.
    ///
    /// # Errors
    /// It came to no verdict.
    pub async fn finish(
        &self,
        game_day: &GameDay,
        system: &System,
        variant: Option<&str>,
    ) -> Result<Finished, EngineError> {
        Box::pin(self.finish_in(Place::Processes, game_day, system, variant)).await
    }

    /// Runs a checked game day in its place, shows it, and says where its report is.
    ///
    /// # Errors
    /// It came to no verdict.
    pub async fn finish_in(
        &self,
        place: Place,
        game_day: &GameDay,
        system: &System,
        variant: Option<&str>,
    ) -> Result<Finished, EngineError> {
        let out = self.folder();
        let output = self.output();
        if matches!(output, Output::Lines) {
            eprintln!("{}, seed {}", game_day.spec.title, self.seed);
        }
        let finished = Box::pin(engine::run(GameDayRun {
            game_day: game_day.clone(),
            system: system.clone(),
            place,
            seed: self.seed,
            out: out.clone(),
            no_faults: self.no_faults,
            variant: variant.map(str::to_owned),
            output,
        }))
        .await?;
        let text = if output == Output::Json {
            view::json(&finished.run, &finished.verdict)
        } else {
            let block = view::block(&finished.run, &finished.verdict, stdout().is_terminal());
            format!("{block}report: {}\n", out.join("report.html").display())
        };
        // Whoever closed the pipe has the files.
        let _ = stdout().write_all(text.as_bytes());
        Ok(finished)
    }

    /// The folder that was asked for, or a new one named after the time.
    pub fn folder(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| {
            let now = jiff::Timestamp::now();
            let name = now.strftime("%Y-%m-%dT%H-%M-%SZ").to_string();
            PathBuf::from("game-day-runs").join(name)
        })
    }

    fn output(&self) -> Output {
        if self.json {
            Output::Json
        } else if self.quiet {
            Output::Quiet
        } else if stderr().is_terminal() && stdout().is_terminal() {
            Output::Live
        } else {
            Output::Lines
        }
    }
}

/// The exit code of a game day; why it came to no verdict is said on standard error.
pub(super) fn exit(finished: Result<Finished, EngineError>) -> Exit {
    match finished {
        Ok(finished) => finished.verdict.outcome.into(),
        Err(error) => {
            eprintln!("error: {error}");
            error.exit()
        }
    }
}

/// Runs something asynchronous to its end.
///
/// # Errors
/// The machine has no threads left.
pub fn in_runtime<F: Future>(future: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Passed => Self::Passed,
            Outcome::Failed => Self::Failed,
            Outcome::Aborted => Self::Aborted,
            Outcome::Inconclusive => Self::Inconclusive,
        }
    }
}
