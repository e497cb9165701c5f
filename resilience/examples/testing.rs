//! Your own stack in virtual time: a scripted dependency that breaks off in mid-body, stalls and
//! comes back, a clock that is turned by hand, and what the breaker went through meanwhile. An
//! outage of a minute takes no time.
//!
//! Run it with `cargo run -p resilience --features testing --example testing`.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use resilience::BoxError;
use resilience::balance::Endpoints;
use resilience::circuit_breaker::{CircuitBreakerConfig, State};
use resilience::telemetry::Telemetry;
use resilience::testing::{Clock, Script, Step, Transitions, assert_breaker};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let clock = Clock::stop();
    let script = Script::new([
        Step::content("half a row").breaking_off(),
        Step::content("half a row").stalling(),
        Step::content("rows"),
    ]);
    let telemetry = Telemetry::default();
    let mut transitions = Transitions::record(&telemetry, "metadata");
    let metadata = resilience::client("metadata")
        .endpoints(Endpoints::parse("http://metadata:4000")?)
        .retry(None)
        .breaker(
            CircuitBreakerConfig::new()
                .consecutive_failures(2)
                .probes(1)
                .backoff(std::iter::repeat(Duration::from_secs(60))),
        )
        .telemetry(telemetry)
        .build_on(script.clone())?;

    for _ in 0..3 {
        let answer = metadata.send(Request::get("/rows").body(Bytes::new())?);
        match answer.await {
            Ok(_) => println!("an answer"),
            Err(error) => println!("{error}"),
        }
    }
    // Both failed inside of the body, and the third call was not sent.
    assert_breaker(metadata.breaker(), State::Open);
    assert_eq!(script.calls().len(), 2);

    clock.advance(Duration::from_secs(60)).await;
    let answer = metadata.send(Request::get("/rows").body(Bytes::new())?);
    println!("a minute later: {}", answer.await?.status());
    transitions.assert(&[State::Open, State::HalfOpen, State::Closed]);
    println!("the breaker went through {:?}", transitions.entered());
    Ok(())
}
