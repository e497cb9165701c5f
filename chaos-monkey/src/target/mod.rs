//! What can be broken: services made of instances.
//!
//! A target knows its instances, can break them in the ways of [`Target`], and brings them back
//! by itself. Local processes are in [`process`], pods of a cluster in [`kubernetes`].

mod endpoint;
mod error;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod process;

use std::future::Future;

pub use endpoint::{Endpoint, NoEndpoint};
pub use error::TargetError;

use crate::journal::{FaultId, InstanceName};
use crate::observe::EventSource;

/// How an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstanceState {
    /// It was started and does not serve yet.
    Starting,
    /// It serves.
    Ready,
    /// It was halted without ending it.
    Paused,
    /// It does not run.
    Down,
}

/// One instance, and how it is at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Which.
    pub instance: InstanceName,
    /// How it is.
    pub state: InstanceState,
}

/// Something that can be broken, and that brings its instances back by itself.
///
/// Whatever is done is journalled by the target. All calls return as soon as the deed is done,
/// not when its consequences are over.
pub trait Target: Clone + Send + Sync + 'static {
    /// All instances and how they are now, in the order of the system's services and replicas.
    fn snapshot(&self) -> Vec<InstanceStatus>;

    /// Where users reach a service: its instances in the order of their replicas, or one place
    /// for all of them.
    fn endpoints(&self, service: &str) -> Vec<Endpoint>;

    /// Where the instances tell of themselves.
    fn events(&self) -> &[EventSource] {
        &[]
    }

    /// Kills an instance. It comes back after its restart delay.
    fn kill(
        &self,
        instance: &InstanceName,
        fault: &FaultId,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Halts an instance without ending it.
    fn pause(
        &self,
        instance: &InstanceName,
        fault: &FaultId,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Lets a halted instance go on. One that was not halted by this fault, or has ended since,
    /// is left alone.
    fn resume(
        &self,
        instance: &InstanceName,
        fault: &FaultId,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Kills an instance if it runs, and keeps it away until every fault that holds it down has
    /// released it.
    fn hold_down(
        &self,
        instance: &InstanceName,
        fault: &FaultId,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Lets an instance come back that was held down by this fault.
    fn release(
        &self,
        instance: &InstanceName,
        fault: &FaultId,
    ) -> impl Future<Output = Result<(), TargetError>> + Send;

    /// Waits until an instance is ready; at once if it is.
    fn until_ready(&self, instance: &InstanceName) -> impl Future<Output = ()> + Send;

    /// Stops all instances, politely first. Afterwards nothing of the target runs.
    fn stop_all(&self) -> impl Future<Output = ()> + Send;
}
