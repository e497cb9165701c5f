//! How far the clock here and that of the cluster are apart. Budgets, the cool-down and what the
//! ledger forgets go by the time of day of whoever kills, and all agents share one ledger.

use http::header::DATE;
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;

use super::connection::{ClusterError, ask};

/// How far apart they may be.
const APART: SignedDuration = SignedDuration::from_secs(10);

/// Why the clock here cannot be trusted; nothing where it can.
///
/// # Errors
///
/// The cluster is too slow.
pub(super) async fn distrust(client: &Client) -> Result<Option<String>, ClusterError> {
    let before = Timestamp::now();
    let question = async {
        // Whoever may ask for it or not: each answer says when it was given.
        let request = Request::get("/version").body(Body::empty());
        let request = request.map_err(kube::Error::HttpError)?;
        let (head, body) = client.send(request).await?.into_parts();
        // A connection whose answer was read can be used again.
        let _ = body.collect().await;
        Ok(head)
    };
    let head = ask("get the time of the cluster", question).await?;
    Ok(compare(before, date(&head.headers), Timestamp::now()))
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// What the cluster said between two moments here, in full seconds.
fn compare(before: Timestamp, date: Option<Timestamp>, after: Timestamp) -> Option<String> {
    let Some(date) = date else {
        return Some("the cluster does not say what time it is".to_owned());
    };
    let second = SignedDuration::from_secs(1);
    let ahead = before.duration_since(date) - second;
    let behind = date.duration_since(after);
    let (by, word) = if ahead > behind {
        (ahead, "ahead of")
    } else {
        (behind, "behind")
    };
    (by > APART).then(|| {
        let by = SignedDuration::from_secs(by.as_secs());
        format!("the clock here is {by:#} {word} that of the cluster: set it right")
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_clock_is_trusted_within_ten_seconds_and_however_long_the_answer_took() {
        let header = HeaderValue::from_static("Tue, 01 Dec 2026 03:40:45 GMT");
        let date = date(&HeaderMap::from_iter([(DATE, header)])).unwrap();
        let at = |seconds| date + SignedDuration::from_secs(seconds);
        for (before, after, is_trusted) in [
            (0, 0, true),
            (11, 12, true),
            (12, 13, false),
            (-12, -10, true),
            (-13, -11, false),
            // A slow answer says no more than that it was given in between.
            (-4, 300, true),
        ] {
            let distrust = compare(at(before), Some(date), at(after));
            assert_eq!(distrust.is_none(), is_trusted, "{before}: {distrust:?}");
        }
        let days = compare(at(3 * 86_400), Some(date), at(3 * 86_400)).unwrap();
        assert!(days.contains("ahead of that of the cluster"), "{days}");
        assert!(compare(at(0), None, at(0)).is_some());
    }
}
