//! The mesh as a `System`: this executable, once per service, two replicas each; or the pods of a
//! release of its chart.

mod pods;

use std::path::Path;

use chaos_monkey::schema::{
    API_VERSION, AutoPort, Events, Health, HealthCheck, HttpHealth, Metadata, Port, Prepare,
    ProcessBinding, Service, Span, System, SystemSpec,
};
use indexmap::IndexMap;

use crate::gateway::Bug;

pub use pods::{Arguments, command};

/// The name that game-day files know the mesh by.
pub const NAME: &str = "streaming-mesh";

/// The same mesh with a bug planted in its gateway.
pub const NAME_WITH_BUG: &str = "streaming-mesh-with-planted-bug";

/// The services behind the gateway, in the order in which they start.
const LEAVES: [&str; 4] = ["auth", "metadata", "recommendations", "playback"];

/// What is different about a mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variant {
    /// The middleware is switched off in every service.
    pub bare: bool,
    /// A bug is planted in the gateway.
    pub bug: Bug,
}

/// Describes the mesh that `executable` (this program) can run as.
pub fn system(executable: &Path, variant: Variant) -> System {
    let program = executable.display().to_string();
    let mut services: IndexMap<String, Service> = LEAVES
        .into_iter()
        .map(|name| (name.to_owned(), service(&program, name, variant)))
        .collect();
    services.insert("gateway".to_owned(), gateway(&program, variant));
    let name = if variant.bug == Bug::None {
        NAME
    } else {
        NAME_WITH_BUG
    };
    System {
        api_version: API_VERSION.to_owned(),
        kind: "System".to_owned(),
        metadata: Metadata {
            name: name.to_owned(),
        },
        spec: SystemSpec {
            secrets: vec!["admin".to_owned()],
            prepare: Some(Prepare {
                command: words([&program, "setup", "--data", "${run}/data"]),
                env: IndexMap::new(),
                within: Span::from_secs(60),
            }),
            services,
        },
    }
}

fn service(program: &str, name: &str, variant: Variant) -> Service {
    let mut env = IndexMap::from([
        pair("APLOMB_LISTEN", "127.0.0.1:${port.http}"),
        pair("APLOMB_ADMIN", "127.0.0.1:${port.admin}"),
        pair("APLOMB_ADMIN_TOKEN", "${secret.admin}"),
        pair("APLOMB_DATA", "${run}/data"),
        pair("APLOMB_REPLICA", "${replica}"),
    ]);
    if variant.bare {
        env.extend([pair("APLOMB_BARE", "true")]);
    }
    Service {
        process: Some(ProcessBinding {
            command: words([program, name]),
            env,
            replicas: 2,
            ports: IndexMap::from([
                ("http".to_owned(), Port::Auto(AutoPort::Auto)),
                ("admin".to_owned(), Port::Auto(AutoPort::Auto)),
            ]),
            health: Health {
                check: HealthCheck::Http(HttpHealth {
                    port: "http".to_owned(),
                    path: "/readyz".to_owned(),
                }),
                interval: Span::from_millis(50),
                timeout: Span::from_secs(1),
                within: Span::from_secs(15),
            },
            restart_delay: Span::from_secs(1),
            stop_within: Span::from_secs(5),
            events: Some(Events {
                port: "admin".to_owned(),
                path: "/events".to_owned(),
                bearer: Some("${secret.admin}".to_owned()),
            }),
        }),
        kubernetes: None,
    }
}

fn gateway(program: &str, variant: Variant) -> Service {
    let mut service = service(program, "gateway", variant);
    if let Some(process) = &mut service.process {
        process.env.extend([
            pair("APLOMB_AUTH", "${endpoints.auth}"),
            pair("APLOMB_METADATA", "${endpoints.metadata}"),
            pair("APLOMB_PLAYBACK", "${endpoints.playback}"),
            pair("APLOMB_RECOMMENDATIONS", "${endpoints.recommendations}"),
        ]);
        if variant.bug == Bug::MismatchedTimeout {
            process
                .env
                .extend([pair("APLOMB_BUG", "mismatched-timeout")]);
        }
    }
    service
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
