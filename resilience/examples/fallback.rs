//! A dependency is gone; its last good answer stands in, or a default where there is none,
//! and the ledger says so.
//!
//! Run it with `cargo run -p resilience --example fallback`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use resilience::BoxError;
use resilience::body::ResponseBody;
use resilience::context::CallContext;
use resilience::fallback::{Fallback, FallbackLayer};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let fallback = Fallback::new()
        .last_good(1_000, Duration::from_mins(10))
        .default_with("popular", 0.5, |_| {
            Response::new(Bytes::from("popular rows"))
        });
    let layer = FallbackLayer::builder("recommendations")
        .fallback(fallback)
        .weight(0.3)
        .build()?;

    let is_gone = Arc::new(AtomicBool::new(false));
    let dependency = Arc::clone(&is_gone);
    let client = layer.layer(service_fn(move |request: Request<Bytes>| {
        let is_gone = dependency.load(Ordering::Relaxed);
        async move {
            if is_gone {
                return Err::<Response<ResponseBody>, BoxError>("connection refused".into());
            }
            let rows = format!("rows of {}", request.uri());
            Ok(Response::new(ResponseBody::from(rows)))
        }
    }));

    for (user, gone) in [(7, false), (7, true), (8, true)] {
        is_gone.store(gone, Ordering::Relaxed);
        // A server does this for every request: the handler finds the context in its task.
        let context = CallContext::default();
        let request = Request::get(format!("/users/{user}")).body(Bytes::new())?;
        let call = client.clone().oneshot(request);
        let response = context.clone().scope(call).await?;

        let body = response.into_body().into_bytes().await?;
        let harvest = context.ledger().harvest();
        println!(
            "user {user}: {}, harvest {harvest}",
            String::from_utf8_lossy(&body)
        );
        if let Some(header) = context.ledger().to_header() {
            println!("    degradation: {}", header.to_str()?);
        }
    }
    Ok(())
}
