//! `traceparent`: what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resilience::context::TraceContext;

fuzz_target!(|text: &str| {
    if let Ok(trace) = text.parse::<TraceContext>() {
        let again = trace.to_string().parse::<TraceContext>();
        assert_eq!(again.map(|it| it.trace_id()).ok(), Some(trace.trace_id()));
    }
});
