use http::{HeaderMap, HeaderValue};

use super::Outcome;

/// What the trailers of an answer say about a call whose head was good.
///
/// It is small and does not know the classifier it comes from, so that each body that is followed
/// to its end can carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrailerRule {
    /// One bit for each status of gRPC that is a failure.
    grpc_failures: u32,
}

impl TrailerRule {
    /// Trailers say nothing: a body that came to its end was good (the default).
    pub const fn ignored() -> Self {
        Self { grpc_failures: 0 }
    }

    /// Trailers with one of these values of `grpc-status` are failures: 0 to 31, of which gRPC
    /// knows 0 to 16. Others are ignored.
    pub fn grpc_failures(codes: impl IntoIterator<Item = u8>) -> Self {
        let bits = codes.into_iter().filter_map(bit);
        Self {
            grpc_failures: bits.fold(0, |all, bit| all | bit),
        }
    }

    /// What these trailers say.
    pub fn judge(self, trailers: &HeaderMap) -> Outcome {
        let status = trailers.get("grpc-status").and_then(code);
        match status.and_then(bit) {
            Some(bit) if self.grpc_failures & bit != 0 => Outcome::Failure,
            _ => Outcome::Success,
        }
    }
}

fn bit(code: u8) -> Option<u32> {
    1_u32.checked_shl(code.into())
}

fn code(status: &HeaderValue) -> Option<u8> {
    status.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(rule: TrailerRule, status: &'static str) -> Outcome {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        rule.judge(&trailers)
    }

    #[test]
    fn only_the_codes_that_were_named_are_failures() {
        let rule = TrailerRule::grpc_failures([13, 31, 32, 255]);
        for (status, expected) in [
            ("13", Outcome::Failure),
            ("31", Outcome::Failure),
            ("0", Outcome::Success),
            ("32", Outcome::Success),
            ("255", Outcome::Success),
            ("-1", Outcome::Success),
            ("much", Outcome::Success),
        ] {
            assert_eq!(judge(rule, status), expected, "{status}");
        }
        assert_eq!(judge(TrailerRule::ignored(), "13"), Outcome::Success);
        assert_eq!(rule.judge(&HeaderMap::new()), Outcome::Success);
    }
}
