//! `aplomb-fault`: what is not signed breaks nothing, and what is signed, in time and well formed
//! breaks one request as it says.
//!
//! The first byte says how the header is made of the rest: as it is, as a signed payload, or as a
//! signed instruction with the fault of the rest and a life of the next two bytes, in seconds.
#![no_main]

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use resilience::context::headers;
use resilience::fault::signed::{FaultKey, Instruction, LONGEST_LIFE};
use resilience::fault::{FaultKind, FaultLayer, FaultSpec, Faults};
use sha2::Sha256;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

const KEY: [u8; 32] = [7; 32];
const BODY: &[u8] = b"ten bytes.";
const LONGEST_HEADER: usize = 4_096;
const LONGEST_DELAY: Duration = Duration::from_secs(3_600);

static FAULT_KEY: LazyLock<FaultKey> =
    LazyLock::new(|| FaultKey::new(KEY).expect("it is long enough"));

/// Made anew for the first of so many nonces: a service remembers twice as many at a time.
static FAULTS: LazyLock<Mutex<Faults>> = LazyLock::new(|| Mutex::new(faults()));
const NONCES: u32 = 5_000;
static NONCE: AtomicU32 = AtomicU32::new(1);

fn faults() -> Faults {
    Faults::builder("fuzzed").key(FAULT_KEY.clone()).build()
}

/// Time is paused: a delay of an hour takes none.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    let builder = builder.enable_time().start_paused(true);
    builder.build().expect("a runtime with time alone")
});

/// A header, and the fault that it is to bring.
type Case = (Vec<u8>, Option<FaultKind>);

/// `None` where the clock may change between here and there what is right.
fn case(bytes: &[u8]) -> Option<Case> {
    let (mode, rest) = bytes.split_first()?;
    match mode % 3 {
        0 => Some((rest.to_vec(), None)),
        1 => {
            let header = sign(rest);
            let instruction = serde_json::from_slice(rest).ok();
            let fault = instruction.map_or(Some(None), believed)?;
            // In time by chance: its nonce may have been used before.
            fault.is_none().then_some((header, None))
        }
        _ => {
            let (life, fault) = rest.split_first_chunk::<2>()?;
            let life = i64::from(i16::from_be_bytes(*life));
            let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
            let until = now.as_secs().saturating_add_signed(life);
            let until = UNIX_EPOCH + Duration::from_secs(until);
            let fault = serde_json::from_slice(fault).ok()?;
            let instruction =
                Instruction::new(fault, until, NONCE.load(Ordering::Relaxed).to_string());
            let header = FAULT_KEY.sign(&instruction).expect("it is JSON");
            Some((header.as_bytes().to_vec(), believed(instruction)?))
        }
    }
}

/// Signs anything, as nobody does who has only the crate.
fn sign(payload: &[u8]) -> Vec<u8> {
    let payload = BASE64.encode(payload);
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&KEY).expect("any length will do");
    mac.update(payload.as_bytes());
    let signature = BASE64.encode(mac.finalize().into_bytes());
    format!("{payload}.{signature}").into_bytes()
}

/// The fault of a signed instruction that is to be believed.
fn believed(instruction: Instruction) -> Option<Option<FaultKind>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let longest = LONGEST_LIFE.as_secs();
    let life = i128::from(instruction.expires_at) - i128::from(now);
    let edges = [0, i128::from(longest)];
    if edges.iter().any(|edge| (life - edge).abs() <= 5) {
        return None;
    }
    let lives = (0..=i128::from(longest)).contains(&life);
    let has_nonce = (1..=64).contains(&instruction.nonce.len());
    let fault = instruction.fault;
    let can_be = FaultSpec::new(fault.clone(), Duration::from_secs(1)).check();
    Some((lives && has_nonce && can_be.is_ok()).then_some(fault))
}

/// What the caller of a request saw.
#[derive(Debug, PartialEq)]
struct Seen {
    status: StatusCode,
    bytes: usize,
    is_whole: bool,
    waited: Duration,
}

async fn send(faults: &Faults, header: &HeaderValue) -> Seen {
    let begun = Instant::now();
    let service = FaultLayer::new(faults.clone()).layer(service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(BODY))))
    }));
    let mut request = Request::new(());
    request.headers_mut().insert(headers::FAULT, header.clone());
    let Ok(answer) = service.oneshot(request).await;
    let status = answer.status();
    let mut body = answer.into_body();
    let (mut bytes, mut is_whole) = (0, true);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => {
                is_whole = false;
                break;
            }
        }
    }
    Seen {
        status,
        bytes,
        is_whole,
        waited: begun.elapsed(),
    }
}

const UNBROKEN: Seen = Seen {
    status: StatusCode::OK,
    bytes: BODY.len(),
    is_whole: true,
    waited: Duration::ZERO,
};

fn assert_broken(fault: &FaultKind, seen: &Seen) {
    match fault {
        FaultKind::Delay { .. } => {
            let at_once = Seen {
                waited: Duration::ZERO,
                ..*seen
            };
            assert_eq!(at_once, UNBROKEN);
            // A timer is exact to the millisecond.
            assert!(seen.waited <= LONGEST_DELAY + Duration::from_millis(1));
        }
        FaultKind::Status { status } => {
            assert_eq!((seen.status.as_u16(), seen.bytes), (*status, 0));
        }
        FaultKind::Abort => assert_eq!((seen.bytes, seen.is_whole), (0, false)),
        FaultKind::ResetBody { after_bytes } => {
            let after = usize::try_from(*after_bytes).unwrap_or(usize::MAX);
            assert_eq!(seen.bytes, BODY.len().min(after));
            assert!(!seen.is_whole || after >= BODY.len());
        }
        FaultKind::Throttle { .. } => {
            assert_eq!((seen.bytes, seen.is_whole), (BODY.len(), true));
        }
        _ => {}
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((header, expected)) = case(bytes) else {
        return;
    };
    let expected = expected.filter(|_| header.len() <= LONGEST_HEADER);
    let Ok(value) = HeaderValue::from_bytes(&header) else {
        return;
    };
    let mut faults_of_all = FAULTS.lock().expect("nobody panicked before");
    if expected.is_some() && NONCE.fetch_add(1, Ordering::Relaxed) % NONCES == 0 {
        *faults_of_all = faults();
    }
    let faults = faults_of_all.clone();
    RUNTIME.block_on(async {
        let seen = send(&faults, &value).await;
        match expected {
            Some(fault) => assert_broken(&fault, &seen),
            None => assert_eq!(seen, UNBROKEN),
        }
        // Each instruction is carried out once.
        assert_eq!(send(&faults, &value).await, UNBROKEN);
    });
});
