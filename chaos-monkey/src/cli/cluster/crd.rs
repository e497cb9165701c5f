//! `chaos-monkey crd`.

use clap::Args;
use kube::CustomResourceExt as _;
use serde_json::json;

use crate::cli::print;
use crate::exit::Exit;
use crate::schema::{KillLedger, KillRecord, game_day_definition, system_definition};

/// Prints the definitions of the resources that an agent leaves in a cluster, or finds there
#[derive(Debug, Args)]
#[command(
    long_about = "Prints the definitions of the resources that an agent leaves in a cluster, \
                  `Kill` and `KillLedger`, and of those that it finds there, `System` and \
                  `GameDay`, as JSON that kubectl reads:\n\n  \
                  chaos-monkey crd | kubectl apply -f -"
)]
pub struct CrdArguments {}

pub(super) fn execute(_: &CrdArguments) -> Exit {
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            KillRecord::crd(),
            KillLedger::crd(),
            system_definition(),
            game_day_definition(),
        ],
    });
    match serde_json::to_string_pretty(&list) {
        Ok(text) => print((text + "\n").as_bytes(), std::io::stdout()),
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Internal
        }
    }
}
