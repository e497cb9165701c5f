//! `demo-services up`: the mesh alone, until Ctrl-C.

use std::path::PathBuf;

use anyhow::Context;
use chaos_monkey::journal::JournalWriter;
use chaos_monkey::target::Target;
use chaos_monkey::target::process::{ProcessOptions, ProcessTarget, RunDir, Secrets};
use tokio::signal::unix::{SignalKind, signal};

use crate::mesh::{self, Variant};

/// Run the mesh alone until Ctrl-C, with commands to try.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Folder for logs and data [default: a new one in game-day-runs]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Switch the middleware off in every service
    #[arg(long)]
    bare: bool,
}

/// Starts the mesh, says where it is, and stops it at Ctrl-C or SIGTERM.
///
/// # Errors
///
/// What keeps it from starting; everything is stopped again.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let folder = arguments.out.unwrap_or_else(|| {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ");
        PathBuf::from("game-day-runs").join(format!("up-{now}"))
    });
    let run = RunDir::create(&folder)
        .with_context(|| format!("cannot write {}: name another --out", folder.display()))?;
    let executable = std::env::current_exe().context("cannot find this executable")?;
    let variant = Variant {
        bare: arguments.bare,
        ..Variant::default()
    };
    let system = mesh::system(&executable, variant);
    let secrets = Secrets::draw(&system.spec.secrets)?;
    let writer = JournalWriter::create(&run.journal())?;
    let journal = writer.journal();
    let options = ProcessOptions::this_executable()?;
    eprintln!("starting the mesh …");
    let started = tokio::select! {
        target = ProcessTarget::start(&system, &run, &secrets, &journal, &options) => Some(target),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    let shown = match started {
        Some(Ok(target)) => {
            let greeting = greeting(&target, &system, &run, &secrets);
            if let Ok(greeting) = &greeting {
                println!("{greeting}");
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            eprintln!("stopping …");
            target.stop_all().await;
            greeting.map(drop)
        }
        Some(Err(error)) => Err(error.into()),
        None => Ok(()),
    };
    writer.finish().await;
    // It holds keys and the users' password.
    std::fs::remove_dir_all(run.work())
        .with_context(|| format!("cannot remove {}", run.work().display()))?;
    shown
}

/// The addresses, and three commands to try.
fn greeting(
    target: &ProcessTarget,
    system: &chaos_monkey::schema::System,
    run: &RunDir,
    secrets: &Secrets,
) -> anyhow::Result<String> {
    let mut lines = vec![String::new()];
    for service in system.spec.services.keys() {
        let addresses: Vec<String> = target
            .endpoints(service)
            .iter()
            .map(ToString::to_string)
            .collect();
        lines.push(format!("{service:16} {}", addresses.join("  ")));
    }
    let users = run.work().join("data").join("users.jsonl");
    let text = std::fs::read_to_string(&users)
        .with_context(|| format!("cannot read {}", users.display()))?;
    let user: serde_json::Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
    let (name, password) = (&user["name"], &user["password"]);
    let gateway = target
        .endpoints("gateway")
        .first()
        .map(ToString::to_string)
        .context("the mesh has no gateway")?;
    lines.extend([
        String::new(),
        "log in, look at the home screen, and search:".to_owned(),
        format!(
            "  TOKEN=$(curl -s {gateway}/api/login -H 'content-type: application/json' \
             -d '{{\"name\":{name},\"password\":{password}}}' | sed 's/.*\"accessToken\":\"\\([^\"]*\\)\".*/\\1/')"
        ),
        format!("  curl -si {gateway}/api/home -H \"authorization: Bearer $TOKEN\""),
        format!("  curl -s '{gateway}/api/search?q=harbour' -H \"authorization: Bearer $TOKEN\""),
        String::new(),
        format!(
            "metrics and events of each process: see its second port, with the bearer token {}",
            secrets.get("admin").unwrap_or_default()
        ),
        "kill a process and ask again; Ctrl-C stops everything".to_owned(),
    ]);
    Ok(lines.join("\n"))
}
