//! All instances of a system as local processes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::guardian::Guardian;
use super::ports::Ports;
use super::spec::{self, InstanceSpec};
use super::supervisor::{Deed, Handle};
use super::words::{HTTP_PORT, Words};
use super::{RunDir, Secrets, StartError, memory, prepare};
use crate::journal::{FaultId, InstanceName, Journal, Record};
use crate::observe::EventSource;
use crate::schema::System;
use crate::target::{Endpoint, InstanceState, InstanceStatus, Target, TargetError};

/// How often the memory of each instance is looked at.
const MEMORY_EVERY: Duration = Duration::from_secs(1);

/// How a system of local processes is started.
#[derive(Debug, Clone)]
pub struct ProcessOptions {
    /// The executable that becomes guardian and launcher: one whose `main` begins with
    /// [`guardian::run_if_requested`](super::guardian::run_if_requested).
    pub guardian: PathBuf,
}

impl ProcessOptions {
    /// This executable is its own guardian.
    pub fn this_executable() -> std::io::Result<Self> {
        Ok(Self {
            guardian: std::env::current_exe()?,
        })
    }

    pub(super) fn start_guardian(&self) -> Result<Guardian, StartError> {
        Guardian::start(&self.guardian).map_err(|source| StartError::Guardian {
            program: self.guardian.clone(),
            source,
        })
    }
}

/// A system that runs as local processes. Clones stand for the same one; when the last one is
/// dropped, everything that still runs is killed.
#[derive(Debug, Clone)]
pub struct ProcessTarget {
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    instances: Vec<Handle>,
    events: Vec<EventSource>,
    ports: Ports,
    guardian: Guardian,
    memory: AbortHandle,
}

/// A system that was looked at and can be started: ports are chosen, programs found, words
/// replaced. Nothing runs yet.
#[derive(Debug)]
struct Plan {
    prepare: Option<(spec::Program, Duration)>,
    instances: Vec<InstanceSpec>,
    ports: Ports,
}

impl Plan {
    fn make(system: &System, run_dir: &RunDir, secrets: &Secrets) -> Result<Self, StartError> {
        let ports = Ports::allocate(system)?;
        let words = Words::of_run(&run_dir.work(), secrets, &system.spec.secrets);
        let prepare = match &system.spec.prepare {
            Some(definition) => Some((spec::prepare(definition, &words)?, definition.within.get())),
            None => None,
        };
        let mut instances = Vec::new();
        for (service, definition) in &system.spec.services {
            instances.extend(spec::instances(
                service, definition, &words, &ports, run_dir,
            )?);
        }
        Ok(Self {
            prepare,
            instances,
            ports,
        })
    }
}

impl ProcessTarget {
    /// Starts a system and returns when every instance is ready. After an error nothing runs.
    pub async fn start(
        system: &System,
        run_dir: &RunDir,
        secrets: &Secrets,
        journal: &Journal,
        options: &ProcessOptions,
    ) -> Result<Self, StartError> {
        let plan = Plan::make(system, run_dir, secrets)?;
        let guardian = options.start_guardian()?;
        if let Some((program, within)) = &plan.prepare {
            let log = run_dir.prepare_log();
            prepare::run(program, *within, &log, &guardian).await?;
        }
        let events = plan
            .instances
            .iter()
            .filter_map(|spec| spec.events.clone())
            .collect();
        // All at once, in the order of the file: none waits for another one to be ready.
        let instances: Vec<_> = plan
            .instances
            .into_iter()
            .map(|spec| Handle::supervise(spec, journal.clone(), guardian.clone()))
            .collect();
        let memory = tokio::spawn(watch_memory(instances.clone(), journal.clone())).abort_handle();
        let target = Self {
            running: Arc::new(Running {
                instances,
                events,
                ports: plan.ports,
                guardian,
                memory,
            }),
        };
        if let Err(error) = target.all_ready().await {
            target.stop_all().await;
            return Err(error);
        }
        Ok(target)
    }

    /// The address of a port of an instance.
    pub fn address(&self, instance: &InstanceName, port: &str) -> Option<SocketAddr> {
        self.running
            .ports
            .address(&instance.service, instance.replica, port)
    }

    /// Kills everything that runs, at once and without a word.
    pub fn kill_all(&self) {
        self.running.memory.abort();
        self.running.guardian.end();
    }

    async fn all_ready(&self) -> Result<(), StartError> {
        let ready = self.running.instances.iter().map(|instance| async {
            instance
                .until_ready()
                .await
                .map_err(|failure| StartError::NotReady {
                    instance: instance.name.to_string(),
                    how: failure.how,
                    log: failure.log,
                })
        });
        try_join_all(ready).await.map(|_| ())
    }

    async fn command(&self, instance: &InstanceName, deed: Deed) -> Result<(), TargetError> {
        let Some(handle) = self.find(instance) else {
            return Err(TargetError::Unknown {
                instance: instance.clone(),
            });
        };
        handle.command(deed).await
    }

    fn find(&self, instance: &InstanceName) -> Option<&Handle> {
        self.running
            .instances
            .iter()
            .find(|handle| handle.name == *instance)
    }
}

impl Target for ProcessTarget {
    fn snapshot(&self) -> Vec<InstanceStatus> {
        self.running
            .instances
            .iter()
            .map(|handle| InstanceStatus {
                instance: handle.name.clone(),
                state: handle.status().state,
            })
            .collect()
    }

    fn endpoints(&self, service: &str) -> Vec<Endpoint> {
        let addresses = self.running.ports.addresses(service, HTTP_PORT);
        addresses.map(Endpoint::from).collect()
    }

    fn events(&self) -> &[EventSource] {
        &self.running.events
    }

    async fn kill(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        self.command(instance, Deed::Kill(fault.clone())).await
    }

    async fn pause(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        self.command(instance, Deed::Pause(fault.clone())).await
    }

    async fn resume(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        self.command(instance, Deed::Resume(fault.clone())).await
    }

    async fn hold_down(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        self.command(instance, Deed::HoldDown(fault.clone())).await
    }

    async fn release(&self, instance: &InstanceName, fault: &FaultId) -> Result<(), TargetError> {
        self.command(instance, Deed::Release(fault.clone())).await
    }

    async fn until_ready(&self, instance: &InstanceName) {
        if let Some(handle) = self.find(instance) {
            // An instance that was stopped will not be ready, and nobody should wait for it.
            let _ = handle.until_ready().await;
        }
    }

    async fn stop_all(&self) {
        self.running.memory.abort();
        let stops = self
            .running
            .instances
            .iter()
            .map(|instance| instance.command(Deed::Stop));
        // One that has stopped already is fine.
        let _: Vec<_> = join_all(stops).await;
        self.running.guardian.end();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.memory.abort();
        self.guardian.end();
    }
}

/// Journals the memory of each instance that runs.
async fn watch_memory(instances: Vec<Handle>, journal: Journal) {
    let mut ticks = interval(MEMORY_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for instance in &instances {
            let status = instance.status();
            if !matches!(status.state, InstanceState::Ready | InstanceState::Paused) {
                continue;
            }
            if let Some(resident) = status.pid.and_then(memory::resident) {
                journal.record(Record::InstanceMemory {
                    instance: instance.name.clone(),
                    resident,
                });
            }
        }
    }
}
