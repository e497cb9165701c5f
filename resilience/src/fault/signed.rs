//! Faults that a request brings for itself, signed by whoever may break it.
//!
//! The header `aplomb-fault` holds `payload.signature`, both in base64url without padding. The
//! payload is JSON: what the fault does, until when the instruction may be used, and a nonce. The
//! signature is its HMAC-SHA256 under a key that the service was configured with. A service
//! carries each instruction out once, so a repeated attempt goes through, and a recorded header
//! is worth nothing.
//!
//! At the edge every internal header is removed, this one too: instructions come from inside.
//!
//! Anything that is wrong with a header (no signature, another key, expired, too far ahead, seen
//! before) leaves the request alone: a fault that nobody can answer for does not happen.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use resilience::fault::signed::{FaultKey, Instruction};
//! use resilience::fault::{FaultKind, Faults};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = FaultKey::new(*b"thirty-two bytes or more of this")?;
//! let faults = Faults::builder("metadata").key(key.clone()).build();
//! let until = SystemTime::now() + Duration::from_secs(60);
//! let header = key.sign(&Instruction::new(FaultKind::Abort, until, "7f3a"));
//! # let _ = (faults, header);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::error::FaultError;
use super::spec::FaultKind;
use crate::context::headers::FAULT;

/// How long before its end an instruction may be used: what lives longer is not believed, since
/// its nonce would have to be remembered for as long.
pub const LONGEST_LIFE: Duration = Duration::from_mins(5);

/// How many nonces are remembered. When so many instructions are in use no other one is.
const MAXIMUM_NONCES: usize = 10_000;

/// A key shorter than the hash gives away strength (RFC 2104, section 3).
const SHORTEST_KEY: usize = 32;

/// The longest header that is looked at, in bytes.
const LONGEST_HEADER: usize = 4_096;

/// What those who break requests and those who let themselves be broken both know.
#[derive(Clone)]
pub struct FaultKey(Hmac<Sha256>);

impl FaultKey {
    /// A key of at least 32 bytes.
    ///
    /// # Errors
    ///
    /// A shorter key.
    pub fn new(key: impl Into<Vec<u8>>) -> Result<Self, FaultError> {
        let key = key.into();
        let wrong = || FaultError::Value {
            key: "key",
            value: format!("{} bytes long", key.len()),
            expected: "at least 32 bytes",
        };
        if key.len() < SHORTEST_KEY {
            return Err(wrong());
        }
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).map_err(|_| wrong())?;
        Ok(Self(mac))
    }

    /// The value of the header `aplomb-fault` for this instruction.
    ///
    /// # Errors
    ///
    /// Never in practice: an instruction is always JSON.
    pub fn sign(&self, instruction: &Instruction) -> Result<HeaderValue, serde_json::Error> {
        let payload = BASE64.encode(serde_json::to_vec(instruction)?);
        let signature = self.mac(&payload).finalize().into_bytes();
        let text = format!("{payload}.{}", BASE64.encode(signature));
        HeaderValue::from_str(&text).map_err(serde::ser::Error::custom)
    }

    /// The instruction, if it was signed with this key.
    fn verify(&self, text: &str) -> Option<Instruction> {
        let (payload, signature) = text.split_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        // Compared in constant time.
        self.mac(payload).verify_slice(&signature).ok()?;
        serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()
    }

    fn mac(&self, payload: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(payload.as_bytes());
        mac
    }
}

impl fmt::Debug for FaultKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FaultKey(…)")
    }
}

/// What a request brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Instruction {
    /// What happens to it.
    pub fault: FaultKind,
    /// Until when, in seconds since 1970.
    pub expires_at: u64,
    /// Tells instructions apart; up to 64 characters.
    pub nonce: String,
}

impl Instruction {
    /// This fault, once for each service, until then.
    pub fn new(fault: FaultKind, until: SystemTime, nonce: impl Into<String>) -> Self {
        let expires_at = until.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            fault,
            expires_at: expires_at.as_secs(),
            nonce: nonce.into(),
        }
    }

    fn is_well_formed(&self) -> bool {
        (1..=64).contains(&self.nonce.len()) && self.fault.check().is_ok()
    }
}

/// Believes instructions that are signed, in time and new.
#[derive(Debug)]
pub(super) struct SignedFaults {
    key: FaultKey,
    /// Nonces with the second in which they can be forgotten.
    seen: Mutex<BTreeMap<String, u64>>,
}

impl SignedFaults {
    pub(super) fn new(key: FaultKey) -> Self {
        Self {
            key,
            seen: Mutex::default(),
        }
    }

    /// The fault that a request brings, if it is to be believed.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<FaultKind> {
        let value = headers.get(FAULT)?;
        self.accept(value.as_bytes(), SystemTime::now())
    }

    fn accept(&self, value: &[u8], now: SystemTime) -> Option<FaultKind> {
        if value.len() > LONGEST_HEADER {
            return None;
        }
        let instruction = self.key.verify(std::str::from_utf8(value).ok()?)?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let lives =
            instruction.expires_at > now && instruction.expires_at - now <= LONGEST_LIFE.as_secs();
        if !lives || !instruction.is_well_formed() {
            return None;
        }
        let mut seen = self.seen.lock();
        if seen.len() >= MAXIMUM_NONCES {
            seen.retain(|_, forgotten_at| *forgotten_at > now);
        }
        if seen.len() >= MAXIMUM_NONCES || seen.contains_key(&instruction.nonce) {
            return None;
        }
        seen.insert(instruction.nonce, instruction.expires_at);
        Some(instruction.fault)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> FaultKey {
        FaultKey::new([7; 32]).unwrap()
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000_000)
    }

    fn instruction(nonce: &str, life: i64) -> Instruction {
        let expires_at = 1_000_000_000_u64.saturating_add_signed(life);
        Instruction {
            fault: FaultKind::Status { status: 503 },
            expires_at,
            nonce: nonce.to_owned(),
        }
    }

    #[test]
    fn a_signed_instruction_is_carried_out_once() {
        let faults = SignedFaults::new(key());
        let header = key().sign(&instruction("a", 60)).unwrap();
        let expected = Some(FaultKind::Status { status: 503 });
        assert_eq!(faults.accept(header.as_bytes(), now()), expected);
        assert_eq!(faults.accept(header.as_bytes(), now()), None);
        let next = key().sign(&instruction("b", 60)).unwrap();
        assert_eq!(faults.accept(next.as_bytes(), now()), expected);
    }

    #[test]
    fn whatever_is_wrong_leaves_the_request_alone() {
        let faults = SignedFaults::new(key());
        let other_key = FaultKey::new([8; 32]).unwrap();
        let wrong_status = Instruction {
            fault: FaultKind::Status { status: 200 },
            ..instruction("a", 60)
        };
        for (header, why) in [
            (other_key.sign(&instruction("a", 60)), "another key"),
            (key().sign(&instruction("a", 0)), "expired"),
            (key().sign(&instruction("a", -60)), "long expired"),
            (key().sign(&instruction("a", 301)), "too far ahead"),
            (key().sign(&instruction("", 60)), "no nonce"),
            (
                key().sign(&instruction(&"n".repeat(65), 60)),
                "a long nonce",
            ),
            (key().sign(&wrong_status), "not a failure"),
        ] {
            assert_eq!(
                faults.accept(header.unwrap().as_bytes(), now()),
                None,
                "{why}"
            );
        }
        let header = key().sign(&instruction("a", 60)).unwrap();
        let mut changed = header.as_bytes().to_vec();
        for index in 0..changed.len() {
            changed[index] ^= 1;
            assert_eq!(faults.accept(&changed, now()), None, "byte {index}");
            changed[index] ^= 1;
        }
        assert!(faults.accept(&changed, now()).is_some());
    }

    #[test]
    fn a_flood_of_instructions_is_bounded_and_ends() {
        let faults = SignedFaults::new(key());
        let accepted = |nonce: usize, now: SystemTime, life| {
            let header = key().sign(&instruction(&nonce.to_string(), life)).unwrap();
            faults.accept(header.as_bytes(), now).is_some()
        };
        assert!((0..MAXIMUM_NONCES).all(|nonce| accepted(nonce, now(), 60)));
        assert!(!accepted(MAXIMUM_NONCES, now(), 60));
        assert_eq!(faults.seen.lock().len(), MAXIMUM_NONCES);
        let later = now() + Duration::from_secs(60);
        assert!(accepted(MAXIMUM_NONCES + 1, later, 120));
        assert_eq!(faults.seen.lock().len(), 1);
    }

    #[test]
    fn a_short_key_is_refused_and_no_key_is_shown() {
        assert!(FaultKey::new([0; 31]).is_err());
        assert_eq!(format!("{:?}", key()), "FaultKey(…)");
    }

    proptest! {
        #[test]
        fn no_header_panics_and_none_that_is_not_signed_counts(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
            prop_assert_eq!(SignedFaults::new(key()).accept(&bytes, now()), None);
        }
    }
}
