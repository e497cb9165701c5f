//! The ledger in the hands of an axum handler.

use std::convert::Infallible;
use std::time::Duration;

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use super::degradation::{Degradation, Reason};
use crate::context::CallContext;

/// The degradations of the answer that a handler makes: an extractor for axum.
///
/// What client stacks replace is recorded by itself. This is for what a handler replaces on its
/// own: a row left out, a default of its own making.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use resilience::ledger::{Degradations, Reason};
///
/// async fn home(degradations: Degradations) -> &'static str {
///     degradations.record("weather", Reason::Error, "no-forecast", 0.1);
///     "rows without weather"
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let routes: Router = Router::new()
///     .route("/home", get(home))
///     .layer(resilience::server("gateway").build()?);
/// # let _ = routes;
/// # Ok(())
/// # }
/// ```
///
/// Outside of a [server stack](crate::server()) there is no ledger, and nothing is recorded.
#[derive(Debug, Clone)]
pub struct Degradations {
    context: Option<CallContext>,
}

impl Degradations {
    /// Records that `stood_in` replaced what `dependency` should have given, which is a share of
    /// `weight`, 0 to 1, of the whole answer; what lies outside is cut off.
    pub fn record(
        &self,
        dependency: impl Into<String>,
        reason: Reason,
        stood_in: impl Into<String>,
        weight: f64,
    ) {
        self.record_aged(dependency, reason, stood_in, weight, None);
    }

    /// The same for a copy of a known age.
    pub fn record_aged(
        &self,
        dependency: impl Into<String>,
        reason: Reason,
        stood_in: impl Into<String>,
        weight: f64,
        age: impl Into<Option<Duration>>,
    ) {
        let Some(context) = &self.context else {
            return;
        };
        context.degrade(Degradation {
            dependency: dependency.into(),
            reason,
            stood_in: stood_in.into(),
            // No number is no part of the answer.
            weight: if weight.is_nan() {
                0.0
            } else {
                weight.clamp(0.0, 1.0)
            },
            age: age.into(),
        });
    }

    /// What is recorded so far, by client stacks too.
    pub fn entries(&self) -> Vec<Degradation> {
        let context = self.context.as_ref();
        context.map_or_else(Vec::new, |context| context.ledger().entries())
    }

    /// The harvest of the answer so far: 1 less the sum of the weights, not below 0.
    pub fn harvest(&self) -> f64 {
        let lost: f64 = self.entries().iter().map(|entry| entry.weight).sum();
        (1.0 - lost).max(0.0)
    }
}

impl<S: Sync> FromRequestParts<S> for Degradations {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            context: CallContext::of(&parts.extensions),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_a_handler_records_is_in_the_header() {
        let handler = async |degradations: Degradations| {
            degradations.record("weather", Reason::Error, "no-forecast", 0.25);
            degradations.record("ads", Reason::Timeout, "none", f64::NAN);
            degradations.record_aged(
                "rows",
                Reason::Open,
                "yesterday",
                7.0,
                Duration::from_secs(60),
            );
            format!("{:.2}", degradations.harvest())
        };
        let routes = Router::new()
            .route("/", get(handler))
            .layer(crate::server("gateway").build().unwrap());
        let request = Request::get("/").body(Body::empty()).unwrap();
        let answer = routes.oneshot(request).await.unwrap();
        let entries = super::super::parse(answer.headers());
        let weights: Vec<_> = entries
            .iter()
            .map(|entry| (entry.dependency.as_str(), entry.weight))
            .collect();
        assert_eq!(weights, [("weather", 0.25), ("ads", 0.0), ("rows", 1.0)]);
        let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(body, "0.00");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_server_stack_nothing_is_recorded() {
        let handler = async |degradations: Degradations| {
            degradations.record("weather", Reason::Error, "no-forecast", 0.25);
            degradations.entries().len().to_string()
        };
        let routes: Router = Router::new().route("/", get(handler));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let answer = routes.oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(body, "0");
    }
}
