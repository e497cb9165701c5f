//! What a cluster holds of a system before the game day begins.

use std::collections::BTreeMap;

use kube::Client;
use tokio::time::Instant;

use super::roster::{Roster, SeenPod};
use super::{PodOptions, PodTarget, PodsError, reach, seen};
use crate::journal::{Journal, ServiceLayout};
use crate::schema::{KubernetesBinding, System};
use crate::target::Endpoint;

/// The pods of a system, all of which are ready, and where users reach them. Nothing follows them
/// yet.
#[derive(Debug)]
pub struct Pods {
    services: Vec<ServicePods>,
    endpoints: BTreeMap<String, Endpoint>,
}

/// The pods of one service.
#[derive(Debug, Clone)]
pub(super) struct ServicePods {
    pub(super) name: String,
    pub(super) binding: KubernetesBinding,
    pub(super) pods: Vec<SeenPod>,
    /// The version of their list.
    pub(super) version: String,
}

impl Pods {
    /// Finds the pods of each service of a system, and where users reach the target of the load.
    ///
    /// # Errors
    /// A service has no pods, one of them is not ready or belongs to two services, users reach
    /// them nowhere, or the cluster refuses or is too slow.
    pub async fn read(
        client: &Client,
        system: &System,
        load_target: &str,
    ) -> Result<Self, PodsError> {
        let mut services = Vec::new();
        let mut endpoints = BTreeMap::new();
        for (name, service) in &system.spec.services {
            let Some(binding) = &service.kubernetes else {
                return Err(PodsError::NoBinding {
                    service: name.clone(),
                });
            };
            if name == load_target {
                let endpoint = reach::find(client, name, binding).await?;
                endpoints.insert(name.clone(), endpoint);
            }
            let (mut pods, version) = seen::list(client, binding).await?;
            pods.retain(|pod| !pod.is_ending);
            services.push(ServicePods {
                name: name.clone(),
                binding: binding.clone(),
                pods,
                version,
            });
        }
        check(&services)?;
        Ok(Self {
            services,
            endpoints,
        })
    }

    /// The services, and how many pods each has: the snapshot that a plan is made for.
    pub fn layout(&self) -> Vec<ServiceLayout> {
        let layout = |service: &ServicePods| ServiceLayout {
            name: service.name.clone(),
            replicas: u32::try_from(service.pods.len()).unwrap_or(u32::MAX),
        };
        self.services.iter().map(layout).collect()
    }

    /// Begins to follow them.
    pub fn follow(self, options: &PodOptions, journal: &Journal) -> PodTarget {
        let Self {
            services,
            endpoints,
        } = self;
        let pods = services
            .iter()
            .map(|it| (it.name.clone(), it.pods.clone()))
            .collect();
        let (roster, told) = Roster::new(pods, Instant::now());
        for (at, record) in told {
            journal.record_at(at, record);
        }
        PodTarget::start(
            options.clone(),
            roster,
            services,
            endpoints,
            journal.clone(),
        )
    }
}

fn check(services: &[ServicePods]) -> Result<(), PodsError> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for service in services {
        let ServicePods {
            name,
            binding,
            pods,
            ..
        } = service;
        if pods.is_empty() {
            return Err(PodsError::NoPods {
                service: name.clone(),
                namespace: binding.namespace.clone(),
                pods: binding.pods.clone(),
            });
        }
        for pod in pods {
            let shown = || format!("{}/{}", pod.namespace, pod.name);
            if !pod.is_ready {
                return Err(PodsError::NotReady {
                    service: name.clone(),
                    pod: shown(),
                });
            }
            if let Some(other) = seen.insert(&pod.uid, name) {
                return Err(PodsError::InTwoServices {
                    pod: shown(),
                    one: other.to_owned(),
                    other: name.clone(),
                });
            }
        }
    }
    Ok(())
}
