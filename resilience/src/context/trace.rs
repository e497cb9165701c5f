//! W3C Trace Context: `00-<trace>-<span>-<flags>`.

use std::fmt;
use std::str::{self, FromStr};

use rand::random;

/// `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;

/// Where a request stands in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    flags: u8,
}

impl TraceContext {
    /// A new trace.
    pub fn begin() -> Self {
        Self {
            trace: random::<u128>().max(1),
            span: random::<u64>().max(1),
            flags: 0,
        }
    }

    /// The next span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span: random::<u64>().max(1),
            ..self
        }
    }

    /// The id that all spans of a trace share.
    pub const fn trace_id(&self) -> u128 {
        self.trace
    }

    /// As it stands in the header. Every attempt writes one, so nothing is allocated.
    pub(super) fn header(&self) -> [u8; LENGTH] {
        let mut text = [b'-'; LENGTH];
        write_hex(&mut text[..2], 0);
        write_hex(&mut text[3..35], self.trace);
        write_hex(&mut text[36..52], self.span.into());
        write_hex(&mut text[53..], self.flags.into());
        text
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.header();
        formatter.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// The last digits of `value`, as many as there is room for.
fn write_hex(room: &mut [u8], mut value: u128) {
    for digit in room.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value & 0xf) as usize];
        value >>= 4;
    }
}

/// A header that is not of the form `00-<32 hex>-<16 hex>-<2 hex>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a trace parent: expected 00-<32 hex digits>-<16 hex digits>-<2 hex digits>")]
pub struct BadTraceParent;

impl FromStr for TraceContext {
    type Err = BadTraceParent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields = text.splitn(5, '-');
        let mut field = |length| hex(fields.next().ok_or(BadTraceParent)?, length);
        let (version, trace, span, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
        // A later version may append fields; version ff is forbidden.
        if version == 0xff || (version == 0 && fields.next().is_some()) {
            return Err(BadTraceParent);
        }
        if trace == 0 || span == 0 {
            return Err(BadTraceParent);
        }
        Ok(Self {
            trace,
            span: u64::try_from(span).map_err(|_| BadTraceParent)?,
            flags: u8::try_from(flags).map_err(|_| BadTraceParent)?,
        })
    }
}

/// Lower-case hex digits, as the standard demands.
fn hex(text: &str, length: usize) -> Result<u128, BadTraceParent> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != length || !text.bytes().all(digit) {
        return Err(BadTraceParent);
    }
    u128::from_str_radix(text, 16).map_err(|_| BadTraceParent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standards_example_is_read_and_written() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context: TraceContext = text.parse().unwrap();
        assert_eq!(context.to_string(), text);
        assert_eq!(context.child().trace_id(), context.trace_id());
        assert_ne!(context.child(), context);
    }

    #[test]
    fn zeros_capitals_and_version_ff_are_refused() {
        for text in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(BadTraceParent), "{text}");
        }
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}") {
            if let Ok(context) = text.parse::<TraceContext>() {
                prop_assert_eq!(context.to_string().parse(), Ok(context));
            }
        }
    }
}
