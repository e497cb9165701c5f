//! The clients of the services behind the gateway, each with what stands in for it.
//!
//! `docs/mesh.md` has the table of journeys, needs and stand-ins that this file makes true.

use std::sync::Arc;
use std::time::Duration;

use resilience::Client;
use resilience::backoff::FullJitter;
use resilience::circuit_breaker::CircuitBreakerConfig;
use resilience::fallback::Fallback;
use resilience::hedge::HedgeConfig;
use resilience::quantile::QuantileConfig;
use resilience::timeout::AdaptiveTimeout;

use super::stand_ins::{self, StandIns};
use super::{Bug, GatewaySettings, Peers};
use crate::shell::Shell;

/// A login hashes a password on purpose slowly, two at a time.
const LOGIN_TIMEOUT: Duration = Duration::from_millis(900);

/// How many last good lists of positions are kept, and for how long.
const POSITIONS_KEPT: usize = 2_000;
const POSITIONS_KEPT_FOR: Duration = Duration::from_secs(3_600);

/// With one bad replica of two half of all attempts may fail: that is no reason to give up on
/// the service, so a breaker opens above it.
const FAILURE_RATE: f64 = 0.6;

/// How long a breaker waits before it probes again. A probe costs nobody anything, since popular
/// rows and the like stand in; so it comes often enough that users have everything back within
/// about a second.
const PROBE_BASE: Duration = Duration::from_millis(250);
const PROBE_MAXIMUM: Duration = Duration::from_secs(1);

/// Titles are read by every journey and cheap to read: the slowest twentieth is asked for a
/// second time elsewhere, as "The Tail at Scale" recommends.
const HEDGE_QUANTILE: f64 = 0.95;
const HEDGE_UNTIL_KNOWN: Duration = Duration::from_millis(100);

/// Titles take a few milliseconds: a read that takes many times that sits on a replica that is
/// not well. What a busy machine adds is no reason to give up, though.
const USUAL_QUANTILE: f64 = 0.99;
const LEAST_PATIENCE: Duration = Duration::from_millis(100);

/// The services behind the gateway.
pub(crate) struct Dependencies {
    pub(crate) auth: Client,
    pub(crate) metadata: Client,
    pub(crate) playback: Client,
    pub(crate) recommendations: Client,
}

impl Dependencies {
    pub(super) fn connect(
        shell: &Shell,
        settings: &GatewaySettings,
        stand_ins: &Arc<StandIns>,
    ) -> anyhow::Result<Self> {
        let titles = Arc::clone(stand_ins);
        let popular = Arc::clone(stand_ins);
        let connect = |name, peers: &Peers, fallback| {
            builder(shell, settings.bug, name, peers).fallback(fallback)
        };
        Ok(Self {
            auth: builder(shell, Bug::None, "auth", &settings.auth)
                .attempt_timeout(LOGIN_TIMEOUT)
                .build()?,
            metadata: connect(
                "metadata",
                &settings.metadata,
                Fallback::new().from_fn("compact-index", 1.0, move |request, _| {
                    stand_ins::titles_from_index(&titles, request)
                }),
            )
            // Half of the users look at the same few titles at the same time.
            .coalesce(true)
            .adaptive_timeout(
                AdaptiveTimeout::new(QuantileConfig::new(USUAL_QUANTILE)).minimum(LEAST_PATIENCE),
            )
            .hedge((!settings.no_hedge).then(|| {
                HedgeConfig::after_quantile(QuantileConfig::new(HEDGE_QUANTILE), HEDGE_UNTIL_KNOWN)
            }))
            .build()?,
            playback: connect(
                "playback",
                &settings.playback,
                Fallback::new()
                    .last_good(POSITIONS_KEPT, POSITIONS_KEPT_FOR)
                    .from_fn("no-positions", 1.0, |request, _| {
                        stand_ins::no_positions(request)
                    }),
            )
            .build()?,
            recommendations: connect(
                "recommendations",
                &settings.recommendations,
                Fallback::new().from_fn("popular", 1.0, move |_, _| {
                    stand_ins::popular_rows(&popular)
                }),
            )
            .build()?,
        })
    }
}

/// A client in the form that all of them share.
pub(super) fn builder(
    shell: &Shell,
    bug: Bug,
    name: &'static str,
    peers: &Peers,
) -> resilience::ClientBuilder {
    peers
        .reach(resilience::client(name), shell.settings.seed)
        .attempt_timeout(bug.attempt_timeout())
        .deadline(bug.edge_deadline())
        .breaker(
            CircuitBreakerConfig::new()
                .failure_rate(FAILURE_RATE)
                .backoff(FullJitter::new(
                    PROBE_BASE,
                    PROBE_MAXIMUM,
                    shell.settings.seed,
                )),
        )
        .telemetry(shell.telemetry.clone())
        .seed(shell.settings.seed)
        .enabled(!shell.settings.bare)
}
