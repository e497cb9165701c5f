//! Whether an attempt is repeated: a pure decision.

use http::Response;

use super::config::RetryConfig;
use crate::BoxError;
use crate::classify::{Classify, Outcome};
use crate::context::headers;
use crate::ledger::Reason;
use crate::rejection;
use crate::transport::{TransportError, TransportErrorKind};

/// How an attempt ended, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The result is what the caller gets: a success, or a word of the middleware itself that
    /// is not about the dependency.
    Useful,
    /// Nobody listened at the endpoint; `is_first` if that had not happened there in this call.
    Refused { is_first: bool },
    /// It failed, and the dependency certainly saw nothing of it.
    Unsent,
    /// It failed, and may have been carried out.
    Failed,
    /// It failed, and no repetition can mend it: the circuit is open, or the hop next to the
    /// failure has repeated it already.
    Final,
}

/// What happens after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The result goes to the caller.
    Use,
    /// A failure goes to the caller.
    GiveUp(GaveUp),
    /// The call is sent again at once, at no cost.
    RepeatFreely,
    /// The call is sent again after a wait, if time and budget allow it.
    Repeat,
}

/// Why a failed attempt was not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GaveUp {
    Final,
    Exhausted,
    NotRepeatable,
    NoTime,
    NoBudget,
}

pub(super) const fn decide(
    ending: Ending,
    is_repeatable: bool,
    attempts: u32,
    maximum_attempts: u32,
) -> Decision {
    match ending {
        Ending::Useful => Decision::Use,
        Ending::Final => Decision::GiveUp(GaveUp::Final),
        Ending::Refused { is_first: true } => Decision::RepeatFreely,
        Ending::Failed if !is_repeatable => Decision::GiveUp(GaveUp::NotRepeatable),
        // Every endpoint refused a call that cannot be repeated for anything else.
        Ending::Refused { .. } if !is_repeatable => Decision::GiveUp(GaveUp::Exhausted),
        Ending::Refused { .. } | Ending::Unsent | Ending::Failed => {
            if attempts < maximum_attempts {
                Decision::Repeat
            } else {
                Decision::GiveUp(GaveUp::Exhausted)
            }
        }
    }
}

/// How the attempt ended; `refused` are the endpoints that refused this call before.
pub(super) fn ending<B, C>(
    result: &Result<Response<B>, BoxError>,
    classify: &C,
    config: &RetryConfig,
    refused: &[String],
) -> Ending
where
    C: Classify<Response<B>, BoxError>,
{
    let outcome = classify.classify(result.as_ref());
    match result {
        Ok(response) => of_answer(outcome, response, config),
        Err(error) => of_error(outcome, error, config, refused),
    }
}

fn of_answer<B>(outcome: Outcome, response: &Response<B>, config: &RetryConfig) -> Ending {
    let is_failure = outcome == Outcome::Failure;
    let is_repeated = match &config.statuses {
        Some(statuses) => statuses.contains(&response.status()),
        None => is_failure,
    };
    match (is_repeated, is_failure) {
        (true, _) if headers::is_not_to_be_retried(response.headers()) => Ending::Final,
        (true, _) => Ending::Failed,
        (false, true) => Ending::Final,
        (false, false) => Ending::Useful,
    }
}

fn of_error(
    outcome: Outcome,
    error: &BoxError,
    config: &RetryConfig,
    refused: &[String],
) -> Ending {
    match outcome {
        Outcome::Success => return Ending::Useful,
        Outcome::Neutral => {
            return match rejection::reason(error.as_ref()) {
                Reason::Open => Ending::Final,
                _ => Ending::Useful,
            };
        }
        Outcome::Failure => {}
    }
    match TransportError::find(error.as_ref()) {
        Some(error) if error.kind() == TransportErrorKind::Refused => Ending::Refused {
            is_first: !refused.iter().any(|endpoint| endpoint == error.endpoint()),
        },
        _ if !config.repeats_error(error.as_ref()) => Ending::Final,
        Some(error) if error.is_unsent() => Ending::Unsent,
        _ => Ending::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Ending = Ending::Refused { is_first: true };
    const AGAIN: Ending = Ending::Refused { is_first: false };

    #[test]
    fn the_table_of_decisions() {
        use Decision::{GiveUp, Repeat, RepeatFreely, Use};
        for (ending, is_repeatable, attempts, expected) in [
            (Ending::Useful, true, 1, Use),
            (Ending::Useful, false, 3, Use),
            (Ending::Final, true, 1, GiveUp(GaveUp::Final)),
            (FIRST, false, 1, RepeatFreely),
            (FIRST, true, 3, RepeatFreely),
            (AGAIN, true, 1, Repeat),
            (AGAIN, false, 1, GiveUp(GaveUp::Exhausted)),
            (AGAIN, true, 3, GiveUp(GaveUp::Exhausted)),
            (Ending::Unsent, false, 1, Repeat),
            (Ending::Unsent, false, 3, GiveUp(GaveUp::Exhausted)),
            (Ending::Failed, true, 2, Repeat),
            (Ending::Failed, true, 3, GiveUp(GaveUp::Exhausted)),
            (Ending::Failed, false, 1, GiveUp(GaveUp::NotRepeatable)),
        ] {
            let decision = decide(ending, is_repeatable, attempts, 3);
            assert_eq!(decision, expected, "{ending:?} {is_repeatable} {attempts}");
        }
    }

    #[test]
    fn refusals_are_told_apart_by_endpoint() {
        let classify = crate::classify::HttpClassify::server_errors();
        let error = TransportError::new(TransportErrorKind::Refused, "a:1", "refused");
        let result: Result<Response<()>, BoxError> = Err(error.into());
        let refused = |endpoint: &str| [endpoint.to_owned()];
        let config = RetryConfig::new().errors(|_| false);
        let ending = |refused: &[String]| ending(&result, &classify, &config, refused);
        assert_eq!(ending(&refused("b:1")), FIRST);
        assert_eq!(ending(&refused("a:1")), AGAIN);
    }
}
