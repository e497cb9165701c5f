//! `chaos-monkey explain`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::print;
use crate::agent::cluster::{Owner, Pod};
use crate::agent::filter::{self, Candidate};
use crate::agent::{Rules, snapshot};
use crate::exit::Exit;
use crate::file;

/// Says of a pod whether it can be a victim, and why
#[derive(Debug, Args)]
#[command(
    long_about = "Says of a pod whether an agent may kill it: every filter, passed or not, and \
                  why.\n\n  \
                  chaos-monkey explain shop/web-5d8f-x2x agent.yaml --snapshot cluster.json"
)]
pub struct ExplainArguments {
    /// The pod: NAMESPACE/POD, or POD where only one namespace has it
    #[arg(value_name = "POD")]
    pub pod: String,

    /// The settings of the agent
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Which agent, if the files hold several
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// What is in the cluster, as kubectl prints it
    #[arg(long, value_name = "FILE")]
    pub snapshot: PathBuf,

    /// The moment, such as 2026-03-23T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
}

pub(super) fn execute(arguments: &ExplainArguments) -> Exit {
    let documents = match file::load(&arguments.files) {
        Ok(documents) => documents,
        Err(mistakes) => {
            eprintln!("{mistakes:#}");
            return Exit::Usage;
        }
    };
    match text(&documents, arguments) {
        Ok(text) => print(text.as_bytes(), std::io::stdout()),
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Usage
        }
    }
}

fn text(documents: &file::Documents, arguments: &ExplainArguments) -> Result<String, String> {
    let agent = documents
        .agent(arguments.name.as_deref())
        .map_err(|mistake| mistake.to_string())?;
    // The file was checked with the same rules, so that there is nothing left to be said.
    let rules = Rules::of(&agent.spec).map_err(|refused| format!("{refused:?}"))?;
    let cluster = snapshot::open(&arguments.snapshot).map_err(|error| error.to_string())?;
    let pod = cluster
        .pod(&arguments.pod)
        .map_err(|error| error.to_string())?;
    let at = arguments.at.unwrap_or_else(Timestamp::now);
    Ok(explained(&rules, pod, &Candidate::of(pod, &cluster, at)))
}

/// The pod, then one line for each filter, then one for the schedule.
fn explained(rules: &Rules, pod: &Pod, candidate: &Candidate<'_>) -> String {
    let owner = match &pod.owner {
        Owner::Known(owner) => format!("of {} {}", owner.kind.as_str(), owner.name),
        Owner::Unknown(what) => format!("of {what}"),
        Owner::Nobody => "of nobody".to_owned(),
    };
    let word = if candidate.can_be_victim(rules) {
        "can be a victim"
    } else {
        "is never a victim as it is"
    };
    let mut text = format!("{}/{} {owner} {word}\n", pod.namespace, pod.name);
    for filter in &filter::ALL {
        // Writing to a string cannot fail.
        let _ = match (filter.check)(rules, candidate) {
            Ok(()) => writeln!(text, "  ✓ {}", filter.name),
            Err(reason) => writeln!(text, "  ✗ {}: {reason}", filter.name),
        };
    }
    let zone = rules.calendar().zone().iana_name().unwrap_or("UTC");
    let is_open = if rules.calendar().is_open(candidate.now) {
        "within"
    } else {
        "outside of"
    };
    let at = candidate.now.to_zoned(rules.calendar().zone().clone());
    let at = at.strftime("%a %F %H:%M %:z");
    let _ = writeln!(
        text,
        "  {at} is {is_open} the hours of the schedule ({zone})"
    );
    text
}
