//! `demo-services system`: the pods of a release of the chart as a `System`, for game days.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chaos_monkey::file;
use chaos_monkey::schema::{
    API_VERSION, KubernetesBinding, Metadata, Prepare, Reach, Service, ServicePort, Span, System,
    SystemSpec,
};
use indexmap::IndexMap;

use super::{LEAVES, NAME, words};

/// The name of the chart, by which its pods and names are known.
const CHART: &str = "demo-services";

/// How long the name of everything in a release may be; what the chart cuts it to.
const LONGEST_NAME: usize = 47;

/// Print the pods of a release of the chart as a system, for game days.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The namespace of the release
    #[arg(long)]
    namespace: String,

    /// The name of the release
    #[arg(long, default_value = "mesh")]
    release: String,

    /// The folder that `demo-services setup` has made, with the users of the release
    #[arg(
        long,
        env = "APLOMB_DATA",
        value_name = "DIR",
        default_value = "mesh-data"
    )]
    data: PathBuf,

    /// Where users reach the gateway from here, instead of through its Service
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Prints the system.
///
/// # Errors
///
/// A folder without users, or words from which no system can be made.
pub fn command(arguments: &Arguments) -> anyhow::Result<()> {
    let data = std::path::absolute(&arguments.data).context("cannot name the folder of users")?;
    let users = data.join("users.jsonl");
    anyhow::ensure!(
        users.is_file(),
        "{} is not there: name with --data the folder that `demo-services setup` has made",
        users.display()
    );
    let text = file::to_yaml(&system(arguments, &data))?;
    // A namespace that cannot be is better told here than by the one who reads it.
    file::load_text("the system", &text, &[])
        .map_err(|mistakes| anyhow::anyhow!("{mistakes:#}"))?;
    print!("{text}");
    Ok(())
}

fn system(arguments: &Arguments, data: &Path) -> System {
    let Arguments {
        namespace, release, ..
    } = arguments;
    let gateway = match &arguments.url {
        Some(url) => Reach::Url(url.clone()),
        None => Reach::Service(ServicePort {
            name: format!("{}-gateway", full_name(release)),
            port: 80,
        }),
    };
    let reaches = LEAVES.map(|name| (name, None));
    let services = reaches
        .into_iter()
        .chain([("gateway", Some(gateway))])
        .map(|(name, reach)| {
            let service = Service {
                process: None,
                kubernetes: Some(KubernetesBinding {
                    namespace: namespace.clone(),
                    pods: format!(
                        "app.kubernetes.io/name={CHART},app.kubernetes.io/instance={release},\
                         app.kubernetes.io/component={name}"
                    ),
                    reach,
                }),
            };
            (name.to_owned(), service)
        })
        .collect();
    System {
        api_version: API_VERSION.to_owned(),
        kind: "System".to_owned(),
        metadata: Metadata {
            name: NAME.to_owned(),
        },
        spec: SystemSpec {
            secrets: Vec::new(),
            // A game day reads users and titles in the folder of its run.
            prepare: Some(Prepare {
                command: words(["cp", "-r", &data.display().to_string(), "${run}/data"]),
                env: IndexMap::new(),
                within: Span::from_secs(60),
            }),
            services,
        },
    }
}

/// The name of everything in a release, as `templates/_names.tpl` of the chart makes it.
fn full_name(release: &str) -> String {
    let name = if release.contains(CHART) {
        release.to_owned()
    } else {
        format!("{release}-{CHART}")
    };
    let cut = name.get(..LONGEST_NAME).unwrap_or(&name);
    cut.strip_suffix('-').unwrap_or(cut).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(release: &str) -> Arguments {
        Arguments {
            namespace: "streaming".to_owned(),
            release: release.to_owned(),
            data: PathBuf::from("unused"),
            url: None,
        }
    }

    #[test]
    fn the_default_game_day_runs_against_the_pods_as_it_is() {
        let system = system(&arguments("mesh"), Path::new("/here/mesh-data"));
        let text = file::to_yaml(&system).unwrap();
        let day = include_str!("../../game-days/default.yaml");
        let documents = file::load_text("both", &format!("{text}---\n{day}"), &[]);
        let documents = documents.unwrap_or_else(|mistakes| panic!("{mistakes:#}\n{text}"));
        let (_, found) = documents.game_day(None).unwrap();
        assert_eq!(*found, system, "what is written is read as it was");
        assert!(text.contains("name: mesh-demo-services-gateway"), "{text}");
    }

    #[test]
    fn a_release_has_the_name_that_the_chart_gives_it() {
        for (release, name) in [
            ("mesh", "mesh-demo-services"),
            ("demo-services", "demo-services"),
            ("my-demo-services-2", "my-demo-services-2"),
            (
                "a-release-whose-name-is-as-long-as-helm-lets-it-be",
                "a-release-whose-name-is-as-long-as-helm-lets-it",
            ),
            (
                "a-release-with-a-name-that-is-cut-right-at-the",
                "a-release-with-a-name-that-is-cut-right-at-the",
            ),
        ] {
            assert_eq!(full_name(release), name);
        }
    }

    #[test]
    fn another_way_to_the_gateway_takes_the_place_of_its_service() {
        let mut arguments = arguments("mesh");
        arguments.url = Some("http://127.0.0.1:8080".to_owned());
        let text = file::to_yaml(&system(&arguments, Path::new("/data"))).unwrap();
        assert!(text.contains("url: \"http://127.0.0.1:8080\""), "{text}");
        assert!(!text.contains("mesh-demo-services-gateway"), "{text}");
    }

    #[test]
    fn a_folder_without_users_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = arguments("mesh");
        arguments.data = folder.path().to_owned();
        let error = command(&arguments).unwrap_err().to_string();
        assert!(error.contains("users.jsonl is not there"), "{error}");
    }
}
