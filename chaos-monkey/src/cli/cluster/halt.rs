//! `chaos-monkey halt` and `chaos-monkey resume`.

use clap::Args;

use super::arguments::confirmed;
use super::{ClusterArguments, in_runtime_or_say};
use crate::cli::print;
use crate::exit::Exit;
use crate::target::kubernetes::halt;

/// Halts all killing at once, everywhere or in one namespace
#[derive(Debug, Args)]
#[command(
    long_about = "Halts all killing at once: everywhere, or in one namespace. The switch is a \
                  ConfigMap `chaos-halt`; whoever may write one in a namespace can protect it \
                  without this command:\n\n  \
                  kubectl create configmap chaos-halt --namespace shop --from-literal=reason='sale'"
)]
pub struct HaltArguments {
    /// Why, for whoever asks
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// Only in this namespace [default: everywhere]
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// In which cluster
    #[command(flatten)]
    pub cluster: ClusterArguments,
}

/// Lets killing go on that was halted
#[derive(Debug, Args)]
pub struct ResumeArguments {
    /// Only in this namespace [default: the halt of everything]
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,

    /// In which cluster
    #[command(flatten)]
    pub cluster: ClusterArguments,

    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

pub(super) fn halt(arguments: &HaltArguments) -> Exit {
    in_runtime_or_say(async {
        let connection = arguments.cluster.open().await?;
        let everything = &arguments.cluster.agent_namespace;
        let namespace = arguments.namespace.as_ref().unwrap_or(everything);
        let by = std::env::var("USER").unwrap_or_else(|_| "somebody".to_owned());
        halt::switch_on(&connection.client, namespace, &arguments.reason, &by)
            .await
            .map_err(|error| format!("error: nothing is halted: {error}"))?;
        let place = place(arguments.namespace.as_deref());
        let text = format!(
            "killing is halted {place}, context `{}`\n",
            connection.context
        );
        Ok(print(text.as_bytes(), std::io::stdout()))
    })
}

pub(super) fn resume(arguments: &ResumeArguments) -> Exit {
    in_runtime_or_say(async {
        let connection = arguments.cluster.open().await?;
        let place = place(arguments.namespace.as_deref());
        let question = format!(
            "Let killing go on {place}, context `{}`?",
            connection.context
        );
        if !confirmed(&question, arguments.yes)? {
            eprintln!("it stays halted");
            return Ok(Exit::Aborted);
        }
        let everything = &arguments.cluster.agent_namespace;
        let namespace = arguments.namespace.as_ref().unwrap_or(everything);
        let was_on = halt::switch_off(&connection.client, namespace)
            .await
            .map_err(|error| format!("error: it stays as it is: {error}"))?;
        let text = if was_on {
            "killing goes on"
        } else {
            "nothing was halted"
        };
        Ok(print(
            format!("{text} {place}, context `{}`\n", connection.context).as_bytes(),
            std::io::stdout(),
        ))
    })
}

fn place(namespace: Option<&str>) -> String {
    namespace.map_or_else(|| "everywhere".to_owned(), |it| format!("in `{it}`"))
}
