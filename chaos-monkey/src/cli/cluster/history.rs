//! `chaos-monkey history`.

use std::fmt::Write as _;

use clap::Args;

use super::{ClusterArguments, in_runtime_or_say};
use crate::cli::print;
use crate::exit::Exit;
use crate::schema::KillRecord;
use crate::target::kubernetes::Records;

/// Shows the kills that are on record, the latest last
#[derive(Debug, Args)]
pub struct HistoryArguments {
    /// In which cluster
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Print them as JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) fn execute(arguments: &HistoryArguments) -> Exit {
    in_runtime_or_say(async {
        let connection = arguments.cluster.open().await?;
        let records = Records::new(connection.client, &arguments.cluster.agent_namespace);
        let kills = records
            .all()
            .await
            .map_err(|error| format!("error: {error}"))?;
        let text = if arguments.json {
            let text = serde_json::to_string_pretty(&kills);
            text.map_err(|error| format!("error: {error}"))? + "\n"
        } else {
            table(&kills)
        };
        Ok(print(text.as_bytes(), std::io::stdout()))
    })
}

fn table(kills: &[KillRecord]) -> String {
    let mut text = String::new();
    for kill in kills {
        let spec = &kill.spec;
        let status = kill.status.clone().unwrap_or_default();
        let outcome = status.outcome.map_or("open", |outcome| outcome.as_str());
        let whole = status
            .whole_after
            .map(|after| format!("whole after {after}"));
        let details: Vec<String> = [status.reason, whole].into_iter().flatten().collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {:8}  {}  {}  {}  {}",
            spec.at.strftime("%F %T"),
            outcome,
            spec.owner,
            spec.pod,
            spec.agent,
            details.join("; "),
        );
    }
    let plural = if kills.len() == 1 { "" } else { "s" };
    let _ = writeln!(
        text,
        "{} kill{plural} on record (times in UTC)",
        kills.len()
    );
    text
}
