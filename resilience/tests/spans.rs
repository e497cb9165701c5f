//! The spans of a client stack, as a subscriber sees them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use parking_lot::Mutex;
use resilience::BoxError;
use resilience::balance::Endpoints;
use tower::service_fn;
use tracing_subscriber::fmt::format::FmtSpan;

/// What was written, line by line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_is_a_span_with_a_span_for_each_attempt() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _current = tracing::subscriber::set_default(subscriber);

    let answers = Arc::new(Mutex::new(vec![
        StatusCode::OK,
        StatusCode::SERVICE_UNAVAILABLE,
    ]));
    let transport = service_fn(move |_: Request<Bytes>| {
        let status = answers.lock().pop();
        async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let status = status.ok_or("the third attempt is refused")?;
            let answer = Response::builder().status(status);
            Ok::<_, BoxError>(answer.body(Full::<Bytes>::default())?)
        }
    });
    let client = resilience::client("metadata")
        .endpoints(Endpoints::parse("http://m0:80").unwrap())
        .breaker(None)
        .build_on(transport)
        .unwrap();
    let get = || Request::get("/titles/7").body(Bytes::new()).unwrap();
    client.send(get()).await.unwrap();
    client.send(get()).await.unwrap_err();

    let bytes = lines.0.lock().clone();
    let text = String::from_utf8(bytes).unwrap();
    let ended: Vec<&str> = text.lines().filter(|it| it.contains("close")).collect();
    let (attempts, calls): (Vec<&str>, Vec<&str>) = ended
        .into_iter()
        .partition(|line| line.contains(":attempt{"));
    let [whole, failed] = calls.as_slice() else {
        panic!("two calls, and not {calls:?}");
    };
    for part in [
        "call{client=\"metadata\"",
        "method=GET",
        "path=\"/titles/7\"",
        "status=200",
    ] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    assert!(
        failed.contains("error=the third attempt is refused"),
        "{failed}"
    );
    assert!(
        attempts[0].contains("attempt{client=\"metadata\" status=503}"),
        "{text}"
    );
    assert!(
        attempts[1].contains("attempt{client=\"metadata\" status=200}"),
        "{text}"
    );
    assert!(
        attempts[2].contains("error=the third attempt is refused}"),
        "{text}"
    );
}
