//! What the gateway needs to know beyond what every service does.

use resilience::balance::Endpoints;

use super::Bug;

/// Where the other services are.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewaySettings {
    /// Addresses of auth, comma-separated
    #[arg(long, env = "APLOMB_AUTH", value_name = "URLS", value_parser = Endpoints::parse)]
    pub auth: Endpoints,

    /// Addresses of metadata, comma-separated
    #[arg(long, env = "APLOMB_METADATA", value_name = "URLS", value_parser = Endpoints::parse)]
    pub metadata: Endpoints,

    /// Addresses of playback, comma-separated
    #[arg(long, env = "APLOMB_PLAYBACK", value_name = "URLS", value_parser = Endpoints::parse)]
    pub playback: Endpoints,

    /// Addresses of recommendations, comma-separated
    #[arg(long, env = "APLOMB_RECOMMENDATIONS", value_name = "URLS", value_parser = Endpoints::parse)]
    pub recommendations: Endpoints,

    /// Ask for slow titles only once, to measure what a second time costs
    #[arg(long, env = "APLOMB_NO_HEDGE")]
    pub no_hedge: bool,

    /// Plant a bug for a game day to find
    #[arg(long, env = "APLOMB_BUG", value_enum, default_value_t)]
    pub bug: Bug,
}
