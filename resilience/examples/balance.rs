//! One of three replicas goes silent: it is left alone, and taken back when it is well again.
//!
//! Run it with `cargo run -p resilience --example balance`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use resilience::BoxError;
use resilience::balance::{Balance, BalanceConfig, Endpoints};
use resilience::telemetry::Telemetry;
use tokio::time::{sleep, timeout};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let telemetry = Telemetry::default();
    let mut events = telemetry.subscribe();
    let config = BalanceConfig::new()
        .consecutive_failures(1)
        .unanswered_after(Duration::from_millis(50))
        .ejection(Duration::from_millis(300), Duration::from_millis(300))
        .slow_start(Duration::from_millis(300));
    let layer = Balance::builder("metadata")
        .endpoints(Endpoints::parse("http://a:1,http://b:1,http://c:1")?)
        .config(config)
        .telemetry(telemetry)
        .build()?;

    let is_silent = Arc::new(AtomicBool::new(false));
    let silence = Arc::clone(&is_silent);
    let client = layer.layer(service_fn(move |request: Request<()>| {
        let endpoint = request.uri().host().unwrap_or_default().to_owned();
        let is_silent = endpoint == "a" && silence.load(Ordering::Relaxed);
        async move {
            if is_silent {
                std::future::pending::<()>().await;
            }
            sleep(Duration::from_millis(1)).await;
            Ok::<_, BoxError>(Response::new(endpoint))
        }
    }));

    for (phase, silent) in [
        ("all are well", false),
        ("a is silent", true),
        ("a is back", false),
    ] {
        is_silent.store(silent, Ordering::Relaxed);
        let mut answers = BTreeMap::<String, u32>::new();
        for _ in 0..600 {
            let call = client.clone().oneshot(Request::new(()));
            let who = match timeout(Duration::from_millis(60), call).await {
                Ok(answer) => answer?.into_body(),
                Err(_) => "nobody".to_owned(),
            };
            *answers.entry(who).or_default() += 1;
        }
        println!("{phase}: {answers:?}");
        while let Ok(event) = events.try_recv() {
            println!("    {event:?}");
        }
    }
    Ok(())
}
