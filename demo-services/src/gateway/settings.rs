//! What the gateway needs to know beyond what every service does.

use super::{Bug, Peers};
use crate::shell::DatabaseSettings;

/// Where the other services are, and where positions wait for playback.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewaySettings {
    /// Addresses of auth: http://HOST:PORT, comma-separated, or dns://NAME:PORT
    #[arg(long, env = "APLOMB_AUTH", value_name = "URLS")]
    pub auth: Peers,

    /// Addresses of metadata: http://HOST:PORT, comma-separated, or dns://NAME:PORT
    #[arg(long, env = "APLOMB_METADATA", value_name = "URLS")]
    pub metadata: Peers,

    /// Addresses of playback: http://HOST:PORT, comma-separated, or dns://NAME:PORT
    #[arg(long, env = "APLOMB_PLAYBACK", value_name = "URLS")]
    pub playback: Peers,

    /// Addresses of recommendations: http://HOST:PORT, comma-separated, or dns://NAME:PORT
    #[arg(long, env = "APLOMB_RECOMMENDATIONS", value_name = "URLS")]
    pub recommendations: Peers,

    /// Where the outbox is kept.
    #[command(flatten)]
    pub database: DatabaseSettings,

    /// Ask for slow titles only once, to measure what a second time costs
    #[arg(long, env = "APLOMB_NO_HEDGE")]
    pub no_hedge: bool,

    /// Plant a bug for a game day to find
    #[arg(long, env = "APLOMB_BUG", value_enum, default_value_t)]
    pub bug: Bug,
}
