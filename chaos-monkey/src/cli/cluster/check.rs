//! `chaos-monkey check`.

use std::fmt::Write as _;

use clap::Args;

use super::{ClusterArguments, in_runtime_or_say};
use crate::cli::{SettingsArguments, print};
use crate::exit::Exit;
use crate::target::kubernetes::access::{self, Finding};

/// Checks whether an agent could do its work in a cluster
#[derive(Debug, Args)]
#[command(
    long_about = "Checks whether an agent could do its work in a cluster: its settings, each \
                  permission that it needs, its resources, its clock, and whether its outage probe \
                  and its webhooks can be reached; one line each. The permissions are those of whoever runs it, so run it as the \
                  agent:\n\n  \
                  kubectl exec --namespace chaos-monkey deploy/chaos-monkey -- chaos-monkey check"
)]
pub struct CheckArguments {
    /// By which settings
    #[command(flatten)]
    pub settings: SettingsArguments,

    /// In which cluster
    #[command(flatten)]
    pub cluster: ClusterArguments,
}

pub(super) fn execute(arguments: &CheckArguments) -> Exit {
    in_runtime_or_say(async {
        let connection = arguments.cluster.open().await?;
        let mut findings = vec![Finding {
            what: format!("the context is `{}`", connection.context),
            trouble: None,
        }];
        match arguments
            .cluster
            .settings(&arguments.settings, &connection)
            .await
        {
            Ok(settings) => {
                findings.push(Finding {
                    what: format!("the settings of `{}` are right", settings.name),
                    trouble: None,
                });
                let namespace = &arguments.cluster.agent_namespace;
                let (agent, rules) = (&settings.name, &settings.rules);
                findings.extend(access::check(&connection, namespace, agent, rules).await);
            }
            Err(error) => findings.push(Finding {
                what: "the settings".to_owned(),
                trouble: Some(error.trim_start_matches("error: ").to_owned()),
            }),
        }
        let (text, exit) = told(&findings);
        Ok(print(text.as_bytes(), std::io::stdout()).max(exit))
    })
}

/// One line for each finding, and what the command ends with.
fn told(findings: &[Finding]) -> (String, Exit) {
    let mut text = String::new();
    for Finding { what, trouble } in findings {
        // Writing to a string cannot fail.
        let _ = match trouble {
            None => writeln!(text, "✓ {what}"),
            Some(trouble) => writeln!(text, "✗ {what}: {trouble}"),
        };
    }
    let is_right = findings.iter().all(|finding| finding.trouble.is_none());
    let exit = if is_right { Exit::Passed } else { Exit::Failed };
    (text, exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trouble_is_enough_to_fail_and_each_has_its_line() {
        let finding = |what: &str, trouble: Option<&str>| Finding {
            what: what.to_owned(),
            trouble: trouble.map(str::to_owned),
        };
        let well = finding("may get pods", None);
        assert_eq!(
            told(std::slice::from_ref(&well)),
            ("✓ may get pods\n".to_owned(), Exit::Passed)
        );
        let missing = finding("may list pods", Some("not allowed"));
        let (text, exit) = told(&[well, missing]);
        assert_eq!(text, "✓ may get pods\n✗ may list pods: not allowed\n");
        assert_eq!(exit, Exit::Failed);
        assert_eq!(exit as u8, 1);
    }
}
