//! Runs a game day: starts the system, or finds it in a cluster, loads it, breaks it, watches it,
//! and judges.
//!
//! ```text
//! start → sessions → load ┬ before ─ steady? ─ during (faults) ─ after ┬→ read back → stop → verdict
//!                         └ follow: abort conditions, interruption ────┘
//! ```
//!
//! Everything that happens goes into the journal; the verdict is made from the journal alone.

mod error;
mod faults;
mod follow;
mod place;
mod stop;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout};

pub use error::EngineError;
pub use place::Place;
pub use stop::{Listening, Stop};

use crate::journal::{self, Journal, JournalWriter, PlannedFault, Record, ServiceLayout};
use crate::load::{self, LoadControl, Sessions};
use crate::observe;
use crate::plan;
use crate::schema::{GameDay, Phase, System};
use crate::target::Target;
#[cfg(feature = "kubernetes")]
use crate::target::kubernetes::game_day::Pods;
#[cfg(feature = "kubernetes")]
use crate::target::process;
use crate::target::process::{ProcessOptions, ProcessTarget, RunDir, Secrets};
use crate::verdict::{Fold, Run, Verdict};
use crate::view::{self, Display, Output};

/// How long the last victims may take to come back when the load has ended.
const LAST_VICTIMS_WITHIN: Duration = Duration::from_secs(15);

/// What is to be run.
#[derive(Debug, Clone)]
pub struct GameDayRun {
    /// The game day, already checked.
    pub game_day: GameDay,
    /// Its system, already checked.
    pub system: System,
    /// Where it takes place.
    pub place: Place,
    /// The seed of everything random.
    pub seed: u64,
    /// The folder for the journal and its views. It must not hold a journal yet.
    pub out: PathBuf,
    /// Leaves the faults out: the control run.
    pub no_faults: bool,
    /// What is different about the system, for the head of the report.
    pub variant: Option<String>,
    /// What is shown meanwhile.
    pub output: Output,
}

/// A game day that has come to its end.
#[derive(Debug)]
pub struct Finished {
    /// All that the journal says.
    pub run: Run,
    /// How it ended, and why.
    pub verdict: Verdict,
}

/// Runs a game day to its verdict. The first SIGINT, SIGTERM or SIGHUP ends it early, the second one
/// at once and without a verdict.
///
/// # Errors
/// The folder cannot be written, the system does not start, or a session cannot be opened:
/// everything was stopped again. Once the load has begun there is always a verdict.
pub async fn run(run: GameDayRun) -> Result<Finished, EngineError> {
    Box::pin(run_and_listen(run, Stop::on_signals)).await
}

/// Runs a game day to its verdict. It ends early when `end` says who or what ends it; signals are
/// somebody else's business.
///
/// # Errors
/// As for [`run`].
pub async fn run_until(
    run: GameDayRun,
    end: impl Future<Output = String> + Send + 'static,
) -> Result<Finished, EngineError> {
    let listen = |stop: &Stop, journal: &Journal| Ok(stop.when(journal, end));
    Box::pin(run_and_listen(run, listen)).await
}

async fn run_and_listen(
    run: GameDayRun,
    listen: impl FnOnce(&Stop, &Journal) -> std::io::Result<Listening>,
) -> Result<Finished, EngineError> {
    let folder = RunDir::create(&run.out).map_err(|source| EngineError::Out {
        path: run.out.clone(),
        source,
    })?;
    let path = folder.journal();
    let writer = JournalWriter::create(&path).map_err(|source| EngineError::Out {
        path: path.clone(),
        source,
    })?;
    let journal = writer.journal();
    let stop = Stop::new();
    let _listening = listen(&stop, &journal).map_err(EngineError::Machine)?;
    let fold = follow::fold(&journal);
    let display = Display::start(run.output, Arc::clone(&fold), {
        let journal = journal.clone();
        move || journal.now_micros()
    })
    .map_err(EngineError::Machine)?;
    let begun = tokio::select! {
        biased;
        // Dropping the rest drops the target, and the guardian kills what still runs.
        () = stop.asked_at_once() => Err(EngineError::InterruptedAtOnce),
        begun = begin(&run, &folder, &journal, &fold, &stop) => begun,
    };
    writer.finish().await;
    display.finish().await;
    // Keys and passwords of a system that is gone; that they stay is no reason to lose a verdict.
    if let Err(error) = std::fs::remove_dir_all(folder.work()) {
        tracing::warn!(%error, "cannot remove {}: {error}", folder.work().display());
    }
    begun?;
    let (run, verdict) = view::rebuild(folder.root())?;
    Ok(Finished { run, verdict })
}

/// From the first line of the journal to the last but one.
async fn begin(
    run: &GameDayRun,
    folder: &RunDir,
    journal: &Journal,
    fold: &Arc<Mutex<Fold>>,
    stop: &Stop,
) -> Result<(), EngineError> {
    match &run.place {
        Place::Processes => {
            let planned = first_line(run, plan::snapshot(&run.system), journal);
            let (secrets, options) = needed_by_commands(run)?;
            let starting = ProcessTarget::start(&run.system, folder, &secrets, journal, &options);
            let target = tokio::select! {
                started = starting => started?,
                // The guardian ends what was started when the engine's process ends.
                () = stop.asked() => return Err(EngineError::Interrupted),
            };
            Box::pin(on_target(
                run, &planned, &target, folder, journal, fold, stop,
            ))
            .await
        }
        #[cfg(feature = "kubernetes")]
        Place::Kubernetes(options) => {
            let client = &options.killer.connection.client;
            let reading = async {
                let (secrets, options) = needed_by_commands(run)?;
                process::prepare(&run.system, folder, &secrets, &options).await?;
                let load_target = &run.game_day.spec.load.target;
                Ok::<_, EngineError>(Pods::read(client, &run.system, load_target).await?)
            };
            let pods = tokio::select! {
                read = reading => read?,
                () = stop.asked() => return Err(EngineError::Interrupted),
            };
            let planned = first_line(run, pods.layout(), journal);
            let target = pods.follow(options, journal);
            Box::pin(on_target(
                run, &planned, &target, folder, journal, fold, stop,
            ))
            .await
        }
    }
}

/// The secrets of the run, and the program that starts commands and lets none of them stay behind.
fn needed_by_commands(run: &GameDayRun) -> Result<(Secrets, ProcessOptions), EngineError> {
    let secrets = Secrets::draw(&run.system.spec.secrets).map_err(EngineError::Machine)?;
    let options = ProcessOptions::this_executable().map_err(EngineError::Machine)?;
    Ok((secrets, options))
}

/// Plans the faults and writes the first line of the journal.
fn first_line(
    run: &GameDayRun,
    services: Vec<ServiceLayout>,
    journal: &Journal,
) -> Vec<PlannedFault> {
    let planned = if run.no_faults {
        Vec::new()
    } else {
        plan::plan(&run.game_day, &services, run.seed)
    };
    journal.record(Record::Start {
        version: journal::JOURNAL_VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        game_day: Box::new(run.game_day.clone()),
        services,
        seed: run.seed,
        no_faults: run.no_faults,
        variant: run.variant.clone(),
        started: jiff::Timestamp::now().to_string(),
        cores: std::thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        plan: planned.clone(),
    });
    planned
}

/// From the first session to the end of the target.
async fn on_target<T: Target>(
    run: &GameDayRun,
    planned: &[PlannedFault],
    target: &T,
    folder: &RunDir,
    journal: &Journal,
    fold: &Arc<Mutex<Fold>>,
    stop: &Stop,
) -> Result<(), EngineError> {
    let events = observe::tail_events(target.events().iter().cloned(), journal);
    let opening = open_sessions(run, folder, target);
    let opened = tokio::select! {
        opened = opening => opened,
        () = stop.asked() => Err(EngineError::Interrupted),
    };
    let loaded = match opened {
        Ok(sessions) => {
            under_load(
                run,
                planned,
                target,
                Arc::new(sessions),
                journal,
                fold,
                stop,
            )
            .await;
            Ok(())
        }
        Err(error) => Err(error),
    };
    events.stop().await;
    target.stop_all().await;
    loaded
}

async fn open_sessions<T: Target>(
    run: &GameDayRun,
    folder: &RunDir,
    target: &T,
) -> Result<Sessions, EngineError> {
    let endpoints = target.endpoints(&run.game_day.spec.load.target);
    let spec = &run.game_day.spec;
    Ok(load::open_sessions(spec, &folder.work(), &endpoints, run.seed).await?)
}

/// Everything that happens while users are served, and the reading back.
async fn under_load<T: Target>(
    run: &GameDayRun,
    planned: &[PlannedFault],
    target: &T,
    sessions: Arc<Sessions>,
    journal: &Journal,
    fold: &Arc<Mutex<Fold>>,
    stop: &Stop,
) {
    let zero = journal.start_load();
    journal.record(Record::Phase {
        phase: Phase::Before,
    });
    let spec = &run.game_day.spec;
    let control = LoadControl::new();
    let mut loading = spawn_load(&sessions, spec.timeline.duration.get(), journal, &control);
    let breaking = async {
        if !planned.is_empty() && steady_before(planned, zero, journal, fold, stop).await {
            faults::carry_out(planned, &spec.guards, target, journal, zero, stop).await;
        }
    };
    let working = async {
        tokio::pin!(breaking);
        tokio::select! {
            () = &mut breaking => ended(loading.await),
            loaded = &mut loading => {
                ended(loaded);
                // One that does not come back by then is told by the journal.
                let _ = timeout(LAST_VICTIMS_WITHIN, breaking).await;
            }
        }
    };
    let watching = async {
        follow::abort_conditions(&spec.abort, fold, journal, stop).await;
        // Nobody waits for a load whose outcome is known. The faults have heard it too.
        control.stop();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = working => {}
        () = watching => {}
    }
    if !stop.is_asked() {
        tokio::select! {
            () = load::read_back(&sessions, journal) => {}
            () = stop.asked() => {}
        }
    }
}

/// The load is a task of its own, so that nothing that the engine does makes a request late.
fn spawn_load(
    sessions: &Arc<Sessions>,
    duration: Duration,
    journal: &Journal,
    control: &LoadControl,
) -> JoinHandle<()> {
    let (sessions, journal, control) = (Arc::clone(sessions), journal.clone(), control.clone());
    tokio::spawn(async move {
        load::run(&sessions, duration, &journal, &control).await;
    })
}

fn ended(loaded: Result<(), JoinError>) {
    if let Err(error) = loaded {
        // The generator's record is missing then, and the run is inconclusive.
        tracing::error!(%error, "the load broke: {error}");
    }
}

/// Whether the steady state holds at the moment of the first fault. If not, nothing is broken
/// and the game day ends: there is nothing to learn from it.
async fn steady_before(
    planned: &[PlannedFault],
    zero: Instant,
    journal: &Journal,
    fold: &Arc<Mutex<Fold>>,
    stop: &Stop,
) -> bool {
    let Some(first) = planned.iter().map(|fault| fault.at).min() else {
        return true;
    };
    tokio::select! {
        () = tokio::time::sleep_until(faults::moment(zero, first)) => {}
        () = stop.asked() => return false,
    }
    let steady = fold.lock().steady_state_before();
    if let Err(reasons) = &steady {
        for reason in reasons {
            tracing::warn!("nothing is broken: {}", reason.text);
        }
        stop.ask_quietly();
        return false;
    }
    journal.record(Record::Phase {
        phase: Phase::During,
    });
    true
}
