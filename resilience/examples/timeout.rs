//! An attempt ends with its timeout, or with the deadline of the request if that is nearer.
//!
//! Run it with `cargo run -p resilience --example timeout`.

use std::time::Duration;

use http::{Request, Response};
use resilience::BoxError;
use resilience::context::{CallContext, Priority, TraceContext};
use resilience::timeout::{TimeoutElapsed, TimeoutLayer};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let layer = TimeoutLayer::builder("metadata")
        .timeout(Duration::from_millis(200))
        .build()?;
    let slow = layer.layer(service_fn(async |_: Request<()>| {
        sleep(Duration::from_secs(1)).await;
        Ok::<_, BoxError>(Response::new(()))
    }));

    for left in [None, Some(Duration::from_millis(50))] {
        let deadline = left.map(|left| Instant::now() + left);
        let context = CallContext::new(deadline, Priority::default(), TraceContext::begin());
        let mut request = Request::new(());
        request.extensions_mut().insert(context);

        let Err(error) = slow.clone().oneshot(request).await else {
            return Err("the slow dependency answered in time".into());
        };
        let elapsed = error.downcast::<TimeoutElapsed>()?;
        println!(
            "{elapsed}, cut by the deadline: {}",
            elapsed.is_cut_by_deadline()
        );
    }
    Ok(())
}
