//! The priority: one of three words, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resilience::context::Priority;

fuzz_target!(|text: &str| {
    if let Ok(priority) = text.parse::<Priority>() {
        assert_eq!(priority.as_str(), text);
    }
});
