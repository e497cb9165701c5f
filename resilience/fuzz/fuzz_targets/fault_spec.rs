//! A fault as JSON: what is accepted is the same after a round through JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resilience::fault::FaultSpec;

fuzz_target!(|bytes: &[u8]| {
    let Ok(spec) = serde_json::from_slice::<FaultSpec>(bytes) else {
        return;
    };
    if spec.check().is_ok() {
        let text = serde_json::to_vec(&spec).expect("it is JSON");
        let again: FaultSpec = serde_json::from_slice(&text).expect("it was JSON");
        assert_eq!(again, spec);
    }
});
