//! Transitions of circuit breakers in what services tell of themselves.

use serde_json::Value;

use super::run::BreakerTransition;
use crate::journal::InstanceName;

/// The event that a service writes when a breaker changes its state.
const TRANSITION: &str = "breakerTransition";

/// The transition that an event tells of, if it tells of one.
pub(super) fn transition(
    at: i64,
    instance: &InstanceName,
    event: &Value,
) -> Option<BreakerTransition> {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    if text("event") != Some(TRANSITION) {
        return None;
    }
    Some(BreakerTransition {
        at_micros: at,
        instance: instance.clone(),
        breaker: text("client")
            .or_else(|| text("breaker"))
            .unwrap_or("unnamed")
            .to_owned(),
        from: text("from").unwrap_or("unknown").to_owned(),
        to: text("to")?.to_owned(),
        reason: text("reason").unwrap_or_default().to_owned(),
    })
}
