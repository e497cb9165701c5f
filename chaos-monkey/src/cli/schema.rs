//! `chaos-monkey schema`.

use std::io;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::print;
use crate::exit::Exit;
use crate::schema::{Kind, json_schema, reference};

/// Prints the JSON schema of what the files may hold
#[derive(Debug, Args)]
#[command(
    long_about = "Prints the JSON schema of what the files may hold, for editors that complete \
                  and check while one types. In a file of your own, point to it with\n\n  \
                  # yaml-language-server: $schema=aplomb.schema.json\n\nafter\n\n  \
                  chaos-monkey schema > aplomb.schema.json"
)]
pub struct SchemaArguments {
    /// The kind of resource; both if it is left out
    #[arg(long, value_enum, ignore_case = true)]
    pub kind: Option<SchemaKind>,

    /// The form: the JSON schema, or the reference page that is made from it
    #[arg(long, value_enum, default_value_t = SchemaOutput::Json)]
    pub output: SchemaOutput,
}

/// A kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaKind {
    /// What can be broken
    #[value(name = "System")]
    System,
    /// What is done to it
    #[value(name = "GameDay")]
    GameDay,
}

/// A form of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOutput {
    /// The JSON schema
    Json,
    /// The reference page
    Markdown,
}

pub(super) fn execute(arguments: &SchemaArguments) -> Exit {
    let kinds = match arguments.kind {
        Some(SchemaKind::System) => vec![Kind::System],
        Some(SchemaKind::GameDay) => vec![Kind::GameDay],
        None => vec![Kind::System, Kind::GameDay],
    };
    let text = match arguments.output {
        SchemaOutput::Markdown => kinds.into_iter().map(reference::page).collect(),
        SchemaOutput::Json => {
            let schemas: Vec<_> = kinds.into_iter().map(json_schema).collect();
            let schema = match schemas.as_slice() {
                [only] => only.as_value().clone(),
                all => json!({"oneOf": all}),
            };
            format!("{schema:#}\n")
        }
    };
    print(text.as_bytes(), io::stdout())
}
