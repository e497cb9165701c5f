use serde_json::json;

use super::*;
use crate::schema::Span;
use crate::target::kubernetes::scripted::{self, Reply, pod, refusal, status, with};

fn soon() -> Instant {
    Instant::now() + std::time::Duration::from_millis(500)
}

async fn outcome_of(method: KillMethod, reply: Reply) -> Sent {
    let (client, asked) = scripted::cluster(move |_, _, _| reply.clone());
    let sent = kill(&client, method, &pod(), soon()).await;
    assert_eq!(asked.lock().len(), 1, "nothing is ever sent twice");
    sent
}

/// A refusal as the API words it for a disruption budget.
fn by_budget() -> Reply {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut refused = status("Failure", 429, "TooManyRequests", message);
    refused["details"] = json!({"causes": [{
        "reason": "DisruptionBudget",
        "message": "The disruption budget web needs 3 healthy pods and has 3 currently",
    }]});
    with(429, &refused)
}

#[tokio::test(start_paused = true)]
async fn a_deletion_may_be_answered_with_the_pod() {
    let sent = outcome_of(KillMethod::DeleteNow, with(200, &json!({"kind": "Pod"}))).await;
    assert_eq!(sent.outcome, KillOutcome::Killed, "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_means() {
    let two_budgets = "This pod has more than one PodDisruptionBudget, which the eviction \
                       subresource does not support.";
    for (reply, outcome, reason) in [
        (
            with(201, &status("Success", 201, "", "")),
            KillOutcome::Killed,
            "",
        ),
        // Two disruption budgets: 201, and a failure inside.
        (
            with(201, &status("Failure", 500, "InternalError", two_budgets)),
            KillOutcome::Refused,
            "more than one",
        ),
        (
            refusal(
                429,
                "TooManyRequests",
                "Cannot evict pod as it would violate the budget.",
            ),
            KillOutcome::Refused,
            "violate the budget",
        ),
        (
            by_budget(),
            KillOutcome::Refused,
            "(DisruptionBudget: The disruption budget web needs 3 healthy pods and has 3 currently)",
        ),
        (
            refusal(409, "Conflict", "the UID does not match"),
            KillOutcome::Refused,
            "UID",
        ),
        (
            refusal(404, "NotFound", "no such pod"),
            KillOutcome::Refused,
            "no such pod",
        ),
        (
            refusal(403, "Forbidden", "may not"),
            KillOutcome::Refused,
            "may not",
        ),
        // A timeout on the way and a mishap in the middle prove nothing.
        (
            refusal(408, "Timeout", "too slow"),
            KillOutcome::Unknown,
            "too slow",
        ),
        (
            refusal(500, "InternalError", "etcd"),
            KillOutcome::Unknown,
            "etcd",
        ),
        (
            refusal(503, "ServiceUnavailable", "later"),
            KillOutcome::Unknown,
            "later",
        ),
        (
            Reply::With(201, "{\"kind\": \"Sta".to_owned()),
            KillOutcome::Unknown,
            "evict shop/web-1",
        ),
        // What is no status proves nothing either.
        (with(200, &json!({})), KillOutcome::Unknown, "no status"),
        (
            with(200, &json!({"kind": "Pod"})),
            KillOutcome::Unknown,
            "no status",
        ),
        (
            Reply::With(502, "<html>".to_owned()),
            KillOutcome::Unknown,
            "evict shop/web-1",
        ),
        (Reply::Never, KillOutcome::Unknown, "no answer within 5 s"),
    ] {
        let sent = outcome_of(KillMethod::Evict, reply.clone()).await;
        assert_eq!(sent.outcome, outcome, "{reply:?}: {sent:?}");
        assert!(
            sent.reason.unwrap_or_default().contains(reason),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn each_method_names_the_very_pod_that_was_read() {
    let preconditions = json!({"uid": "the-uid", "resourceVersion": "41"});
    let pod_path = "/api/v1/namespaces/shop/pods/web-1";
    for (method, line, grace) in [
        (
            KillMethod::Evict,
            format!("POST {pod_path}/eviction?"),
            json!(null),
        ),
        (
            KillMethod::Delete(Span::from_secs(7)),
            format!("DELETE {pod_path}?"),
            json!(7),
        ),
        (
            KillMethod::DeleteNow,
            format!("DELETE {pod_path}?"),
            json!(0),
        ),
    ] {
        let (client, asked) =
            scripted::cluster(|_, _, _| with(200, &status("Success", 200, "", "")));
        let sent = kill(&client, method, &pod(), soon()).await;
        assert_eq!(sent.outcome, KillOutcome::Killed, "{sent:?}");
        let (asked, body) = asked.lock()[0].clone();
        assert_eq!(asked, line);
        let options = if matches!(method, KillMethod::Evict) {
            assert_eq!(body["kind"], "Eviction");
            &body["deleteOptions"]
        } else {
            &body
        };
        assert_eq!(options["preconditions"], preconditions, "{body}");
        assert_eq!(options["gracePeriodSeconds"], grace, "{body}");
    }
}

/// A cluster whose connection takes so long until it takes the body of a request.
async fn through_a_slow_connection(milliseconds: u64) -> (Sent, bool) {
    use crate::target::kubernetes::send_until::limited;
    use http_body_util::BodyExt as _;

    let was_read = std::sync::Arc::new(parking_lot::Mutex::new(false));
    let told = std::sync::Arc::clone(&was_read);
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let told = std::sync::Arc::clone(&told);
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
            limited(request).into_body().collect().await?;
            *told.lock() = true;
            let answer = status("Success", 201, "", "").to_string();
            Ok::<_, tower::BoxError>(http::Response::new(kube::client::Body::from(
                answer.into_bytes(),
            )))
        }
    });
    let client = Client::new(service, "default");
    let sent = kill(&client, KillMethod::Evict, &pod(), soon()).await;
    let was_read = *was_read.lock();
    (sent, was_read)
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_late_to_its_connection_is_not_written() {
    let (sent, was_read) = through_a_slow_connection(499).await;
    assert_eq!((sent.outcome, was_read), (KillOutcome::Killed, true));
    let (sent, was_read) = through_a_slow_connection(501).await;
    assert_eq!((sent.outcome, was_read), (KillOutcome::NotSent, false));
    let reason = sent.reason.unwrap();
    assert!(reason.contains("not free in time"), "{reason}");
}
