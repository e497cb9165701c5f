//! `chaos-monkey convert`.

use std::io::{self, Read as _};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::print;
use crate::convert::chaoskube::{self, ChaoskubeFlags};
use crate::convert::kube_monkey::{self, KubeMonkeyConfig};
use crate::exit::Exit;

/// Turns what another pod killer is told into settings of an agent
#[derive(Debug, Args)]
#[command(
    long_about = "Turns what another pod killer is told into settings of an agent. What is \
                  different from before stands in comments above them; what is not understood is \
                  an error, even where the other tool passes over it.\n\n  \
                  chaos-monkey convert chaoskube --interval=10m --labels='app=web' > agent.yaml"
)]
pub struct ConvertArguments {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Chaoskube(Box<ChaoskubeArguments>),
    KubeMonkey(KubeMonkeyArguments),
}

/// From the flags of chaoskube, as they stand in its manifest
#[derive(Debug, Args)]
struct ChaoskubeArguments {
    /// The name of the agent
    #[arg(long, default_value = "platform")]
    name: String,

    #[command(flatten)]
    flags: ChaoskubeFlags,
}

/// From the labels of kube-monkey at workloads
#[derive(Debug, Args)]
#[command(
    long_about = "From the labels of kube-monkey at workloads. Give what kubectl prints of them:\n\n  \
                  kubectl get deployments,statefulsets,daemonsets --all-namespaces --output json \\\n    \
                  | chaos-monkey convert kube-monkey - > agent.yaml\n\n\
                  and a second time with `--output commands` for what each workload has to say."
)]
struct KubeMonkeyArguments {
    /// What kubectl has printed; `-` for standard input
    #[arg(value_name = "FILE")]
    list: PathBuf,

    /// The name of the agent
    #[arg(long, default_value = "platform")]
    name: String,

    /// What is printed
    #[arg(long, value_enum, default_value_t = ConvertOutput::Settings)]
    output: ConvertOutput,

    #[command(flatten)]
    config: KubeMonkeyConfig,
}

/// What is printed of labels of kube-monkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ConvertOutput {
    /// The settings of the agent
    Settings,
    /// The annotations of workloads, as commands of kubectl
    Commands,
}

pub(super) fn execute(arguments: &ConvertArguments) -> Exit {
    let text = match &arguments.from {
        From::Chaoskube(arguments) => chaoskube::convert(&arguments.flags)
            .map(|it| it.file(&arguments.name))
            .map_err(|error| error.to_string()),
        From::KubeMonkey(arguments) => of_labels(arguments),
    };
    match text {
        Ok(text) => print(text.as_bytes(), io::stdout()),
        Err(error) => {
            for line in error.lines() {
                eprintln!("error: {line}");
            }
            Exit::Usage
        }
    }
}

fn of_labels(arguments: &KubeMonkeyArguments) -> Result<String, String> {
    let file = arguments.list.display();
    let list = read(&arguments.list).map_err(|error| format!("{file} cannot be read: {error}"))?;
    let converted = kube_monkey::convert(&list, &arguments.config);
    let converted = converted.map_err(|error| error.to_string())?;
    Ok(match arguments.output {
        ConvertOutput::Settings => converted.file(&arguments.name),
        ConvertOutput::Commands => converted.commands.join("\n") + "\n",
    })
}

fn read(path: &PathBuf) -> io::Result<String> {
    if path.as_os_str() != "-" {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
