//! What the router is made of.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};
use tokio::sync::Semaphore;

use super::registered::{Registered, Shared};
use super::token::{Token, guard};
use super::{answers, breakers, events, faults, status};
use crate::circuit_breaker::BreakerHandle;
use crate::circuit_breaker::keyed::KeyedBreakers;
use crate::concurrency::LimitHandle;
use crate::config::ConfigError;
use crate::fault::Faults;
use crate::rate_limit::RateLimiter;
use crate::server::ServerLayer;
use crate::stack::Client;
use crate::telemetry::Telemetry;

/// The longest body, in bytes: 64 KiB, many times what the longest fault needs.
pub const BODY_LIMIT: usize = 64 * 1024;

/// How many streams of events there may be at once; whoever comes then is answered 503.
pub const MAXIMUM_STREAMS: usize = 16;

/// Builds the router; see the [module](super).
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `router` is called"]
pub struct Admin {
    token: Token,
    registered: Registered,
}

impl Admin {
    /// A router that only `token` opens: at least 16 bytes that can stand in a header (letters,
    /// digits and `-._~+/=`), from a secret and not from the program's text. An empty one keeps
    /// everybody out.
    pub fn new(token: impl AsRef<str>) -> Self {
        Self {
            token: Token::new(token.as_ref()),
            registered: Registered::default(),
        }
    }

    /// Registers what a client stack has: its breaker, its bulkhead, its budgets and its faults.
    pub fn client(mut self, client: &Client) -> Self {
        let registered = &mut self.registered;
        registered.breakers.extend(client.breaker().cloned());
        registered.bulkheads.extend(client.bulkhead().cloned());
        registered
            .retry_budgets
            .extend(client.retry_budget().cloned());
        registered
            .hedge_budgets
            .extend(client.hedge_budget().cloned());
        match client.faults() {
            Some(faults) => self.faults(faults),
            None => self,
        }
    }

    /// Registers what a server stack has: its queue, its rate limit and its faults.
    pub fn server(mut self, server: &ServerLayer) -> Self {
        self.registered.servers.extend(server.limit());
        self.registered
            .rate_limits
            .extend(server.rate_limit().cloned());
        match server.faults() {
            Some(faults) => self.faults(faults),
            None => self,
        }
    }

    /// Registers a breaker that belongs to no client stack.
    pub fn breaker(mut self, breaker: BreakerHandle) -> Self {
        self.registered.breakers.push(breaker);
        self
    }

    /// Registers the breakers of all keys: each by its name, and all of them under the name that
    /// they have in common.
    pub fn keyed_breakers(mut self, breakers: KeyedBreakers) -> Self {
        self.registered.keyed.push(breakers);
        self
    }

    /// Registers breakers that come and go: `breakers` is asked for every request. Those
    /// [of keys](Self::keyed_breakers) have a place of their own.
    pub fn breakers(
        mut self,
        breakers: impl Fn() -> Vec<BreakerHandle> + Send + Sync + 'static,
    ) -> Self {
        self.registered.more_breakers.push(Arc::new(breakers));
        self
    }

    /// Registers a bulkhead that belongs to no client stack.
    pub fn bulkhead(mut self, bulkhead: LimitHandle) -> Self {
        self.registered.bulkheads.push(bulkhead);
        self
    }

    /// Registers a rate limit that belongs to no server stack.
    pub fn rate_limit(mut self, limiter: &RateLimiter) -> Self {
        self.registered.rate_limits.push(limiter.clone());
        self
    }

    /// Registers a place for faults. Whoever has the token can break it.
    ///
    /// Several stacks may share one: it is registered once.
    pub fn faults(mut self, faults: &Faults) -> Self {
        let known = &mut self.registered.faults;
        if !known.iter().any(|known| known.is_same_as(faults)) {
            known.push(faults.clone());
        }
        self
    }

    /// Where events come from; without it there are none.
    pub fn telemetry(mut self, telemetry: &Telemetry) -> Self {
        self.registered.telemetry = Some(telemetry.clone());
        self
    }

    /// The router, to be nested into another or served alone.
    ///
    /// # Errors
    ///
    /// A token that is too short or cannot be sent, and two breakers, two groups of keyed ones or
    /// two places for faults with one name.
    pub fn router<S>(self) -> Result<Router<S>, ConfigError>
    where
        S: Clone + Send + Sync + 'static,
    {
        self.token.check()?;
        let breakers = self.registered.breakers.iter().map(BreakerHandle::name);
        names_one_each("breaker", breakers)?;
        let keyed = self.registered.keyed.iter().map(KeyedBreakers::name);
        names_one_each("keyed breakers", keyed)?;
        names_one_each("faults", self.registered.faults.iter().map(Faults::name))?;
        if self.registered.telemetry.is_none() {
            tracing::debug!("the admin router has no telemetry to take events from");
        }
        let shared = Shared {
            registered: Arc::new(self.registered),
            streams: Arc::new(Semaphore::new(MAXIMUM_STREAMS)),
        };
        let router = Router::new()
            .route("/", get(status::everything))
            .route("/breakers", get(status::breakers))
            .route("/breakers/{name}", get(breakers::one))
            .route("/breakers/{name}/mode", put(breakers::switch))
            .route("/breakers/{name}/reset", post(breakers::reset))
            .route("/breakers/{name}/config", put(breakers::reconfigure))
            .route("/keyed-breakers", get(status::keyed_breakers))
            .route(
                "/keyed-breakers/{name}/config",
                put(breakers::reconfigure_keyed),
            )
            .route("/limits", get(status::limits))
            .route("/budgets", get(status::budgets))
            .route("/rate-limits", get(status::rate_limits))
            .route("/faults", get(status::faults))
            .route(
                "/faults/{name}",
                post(faults::inject).delete(faults::lift_all),
            )
            .route(
                "/faults/{name}/{id}",
                put(faults::renew).delete(faults::lift),
            )
            .route("/events", get(events::stream))
            .fallback(answers::no_route)
            .method_not_allowed_fallback(answers::no_method)
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(from_fn_with_state(self.token, guard));
        Ok(router.with_state(shared))
    }
}

/// What is steered by its name must be found by it.
fn names_one_each<'a>(
    key: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), ConfigError> {
    let mut known = Vec::new();
    for name in names {
        if known.contains(&name) {
            let expected = "a name of its own for each that is registered";
            return Err(ConfigError::new(
                "admin",
                key,
                format!("`{name}` twice"),
                expected,
            ));
        }
        known.push(name);
    }
    Ok(())
}
