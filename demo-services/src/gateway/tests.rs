//! What gives way when there is too much to do, in paused time.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_util::future::join_all;
use http::header::RETRY_AFTER;
use http::{Request, StatusCode};
use tokio::time::sleep;
use tower::ServiceExt;

use super::server;

/// How many of the requests for each path were answered, and how many were turned away.
async fn storm(service: &Router, paths: &[(&str, usize)]) -> Vec<(usize, usize)> {
    let calls = paths.iter().map(async |(path, many)| {
        let calls = (0..*many).map(|_| {
            let request = Request::get(*path).body(Body::empty()).unwrap();
            service.clone().oneshot(request)
        });
        let (mut served, mut shed) = (0, 0);
        for answer in join_all(calls).await {
            let answer = answer.unwrap();
            match answer.status() {
                StatusCode::OK => served += 1,
                status => {
                    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                    assert!(answer.headers().contains_key(RETRY_AFTER));
                    shed += 1;
                }
            }
        }
        (served, shed)
    });
    join_all(calls).await
}

#[tokio::test(start_paused = true)]
async fn browsing_gives_way_before_playback_does() {
    let busy = async || sleep(Duration::from_millis(50)).await;
    let service = Router::new()
        .route("/api/home", get(busy))
        .route("/api/search", get(busy))
        .route("/api/playback/{title}", get(busy))
        .route("/api/positions", get(busy))
        .layer(server().build().unwrap());

    // More than there are places and room to wait, and those that watch come last.
    let paths = [
        ("/api/home", 500),
        ("/api/search", 200),
        ("/api/playback/7", 150),
        ("/api/positions", 50),
    ];
    let outcome = storm(&service, &paths).await;
    assert_eq!(outcome[2], (150, 0), "playback: {outcome:?}");
    assert_eq!(outcome[3], (50, 0), "positions: {outcome:?}");
    let browsing_shed = outcome[0].1 + outcome[1].1;
    assert!(browsing_shed > 300, "{outcome:?}");
    assert!(outcome[0].0 > 200, "what fits is served: {outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn what_fits_is_served_whatever_it_is() {
    let service = Router::new()
        .route("/api/home", get(async || ()))
        .layer(server().build().unwrap());
    assert_eq!(storm(&service, &[("/api/home", 200)]).await, [(200, 0)]);
}
