//! The settings that all services have in common.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Secret;

/// Where a service listens and where its data lies.
#[derive(Debug, Clone, clap::Args)]
pub struct ServiceSettings {
    /// Address for users or other services
    #[arg(long, env = "APLOMB_LISTEN", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Address for metrics, events and admin, behind the bearer token
    #[arg(long, env = "APLOMB_ADMIN", value_name = "ADDRESS")]
    pub admin: SocketAddr,

    /// Bearer token of the admin address, at least 16 characters; better given by the environment
    #[arg(
        long,
        env = "APLOMB_ADMIN_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub admin_token: Secret,

    /// Folder made by `demo-services setup`; auth with a database needs none
    #[arg(long, env = "APLOMB_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Switch the resilience middleware off, to see what it is good for
    #[arg(long, env = "APLOMB_BARE")]
    pub bare: bool,

    /// Seed of everything random in this process
    #[arg(long, env = "APLOMB_SEED", default_value_t = 1)]
    pub seed: u64,

    /// Which of its service's replicas this is, counted from 0
    #[arg(long, env = "APLOMB_REPLICA", default_value_t = 0)]
    pub replica: u32,
}

impl ServiceSettings {
    /// The data folder.
    ///
    /// # Errors
    ///
    /// When none was given.
    pub fn data(&self) -> anyhow::Result<&Path> {
        self.data
            .as_deref()
            .context("give --data (APLOMB_DATA), the folder made by `demo-services setup`")
    }
}
