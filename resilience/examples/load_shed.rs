//! Too much to do: three requests at a time and a queue of three. What matters more goes first
//! and takes the place of what matters less; who finds none gets a 503 at once and is told when
//! to come back. The health route always answers.
//!
//! Run it with `cargo run -p resilience --example load_shed`.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use http_body_util::Empty;
use resilience::BoxError;
use resilience::context::{CallContext, Priority, TraceContext};
use resilience::load_shed::LoadShedLayer;
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let layer = LoadShedLayer::builder("titles")
        .max_in_flight(3)
        .queue(3, Duration::from_millis(250))
        .retry_after(Duration::from_secs(2))
        .build()?;
    let service = layer.layer(service_fn(async |_: Request<()>| {
        sleep(Duration::from_millis(100)).await;
        Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
    }));

    let (play, browse, guess) = (Priority::Critical, Priority::Default, Priority::Sheddable);
    let arriving = [
        guess, guess, browse, guess, guess, browse, play, play, browse,
    ];
    let begun = Instant::now();
    let calls = arriving.map(|priority| ("/titles", priority)).into_iter();
    let calls = calls.chain([("/livez", guess)]).map(|(path, priority)| {
        let service = service.clone();
        async move {
            let context = CallContext::new(None, priority, TraceContext::begin());
            let mut request = Request::get(path).body(())?;
            request.extensions_mut().insert(context);
            let answer = service.oneshot(request).await?;
            let retry_after = answer.headers().get(RETRY_AFTER);
            println!(
                "{path} {:9} {} after {:3} ms, Retry-After {retry_after:?}",
                priority.as_str(),
                answer.status().as_u16(),
                begun.elapsed().as_millis(),
            );
            Ok::<_, BoxError>(())
        }
    });
    join_all(calls).await.into_iter().collect()
}
