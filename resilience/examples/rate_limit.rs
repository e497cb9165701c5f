//! Each caller may ask three times a second; the fourth time it is told when to come back.
//!
//! Run it with `cargo run -p resilience --example rate_limit`.

use std::time::Duration;

use http::{Request, Response};
use resilience::BoxError;
use resilience::rate_limit::{RateLimitLayer, RateLimited, RateLimiter};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let limiter = RateLimiter::builder("search")
        .quota(3, Duration::from_secs(1))
        .key(|request| {
            let caller = request.headers.get("caller")?;
            caller.to_str().ok().map(str::to_owned)
        })
        .build()?;
    let search = RateLimitLayer::new(limiter).layer(service_fn(async |_: Request<()>| {
        Ok::<_, BoxError>(Response::new("found"))
    }));
    for caller in ["ana", "ana", "ana", "ana", "bob"] {
        let request = Request::builder().header("caller", caller).body(())?;
        match search.clone().oneshot(request).await {
            Ok(answer) => println!(
                "{caller}: {}, {:?}",
                answer.body(),
                answer.headers()["ratelimit"]
            ),
            Err(error) => match error.downcast_ref::<RateLimited>() {
                Some(limited) => println!("{caller}: {limited}"),
                None => return Err(error),
            },
        }
    }
    Ok(())
}
