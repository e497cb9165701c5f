//! `chaos-monkey schema`.

use std::io;

use clap::{Args, ValueEnum};

use super::print;
use crate::exit::Exit;
use crate::schema::{Kind, any_json_schema, json_schema, reference};

/// Prints the JSON schema of what the files may hold
#[derive(Debug, Args)]
#[command(
    long_about = "Prints the JSON schema of what the files may hold, for editors that complete \
                  and check while one types. In a file of your own, point to it with\n\n  \
                  # yaml-language-server: $schema=aplomb.schema.json\n\nafter\n\n  \
                  chaos-monkey schema > aplomb.schema.json"
)]
pub struct SchemaArguments {
    /// The kind of resource, System, GameDay or Agent; all if it is left out
    #[arg(long, value_parser = kind_named)]
    pub kind: Option<Kind>,

    /// The form: the JSON schema, or the reference page that is made from it
    #[arg(long, value_enum, default_value_t = SchemaOutput::Json)]
    pub output: SchemaOutput,
}

/// A form of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOutput {
    /// The JSON schema
    Json,
    /// The reference page
    Markdown,
}

/// The kind of this word, in whatever case.
fn kind_named(word: &str) -> Result<Kind, String> {
    Kind::ALL
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(word))
        .ok_or_else(|| {
            let words = Kind::ALL.map(Kind::as_str);
            format!("there is no such kind: write {}", words.join(", "))
        })
}

pub(super) fn execute(arguments: &SchemaArguments) -> Exit {
    let text = match (arguments.output, arguments.kind) {
        (SchemaOutput::Markdown, Some(kind)) => reference::page(kind),
        (SchemaOutput::Markdown, None) => Kind::ALL.map(reference::page).join("\n"),
        (SchemaOutput::Json, kind) => {
            let schema = kind.map_or_else(any_json_schema, json_schema);
            format!("{:#}\n", schema.as_value())
        }
    };
    print(text.as_bytes(), io::stdout())
}
