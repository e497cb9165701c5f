//! A first list, in one answer that is read while it comes in.
//!
//! In protobuf an API server takes a third of the time for it that JSON takes. In pages of 500 it
//! takes three to four times as long for a hundred thousand pods, since it looks for the fields
//! that are asked for once a page. Any version will do, as it is for the clients of Kubernetes
//! itself: it comes from the memory of the API server, and what decides is read afresh.

use std::time::Duration;

use http::{HeaderValue, header};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::api::ListParams;
use kube::client::Body;
use kube::core::Request;
use tokio::time::timeout;

use super::protobuf::complaint;
use super::source::Source;
use super::unpack::{Part, Unpacker};
use crate::agent::object::ObjectMetadata;
use crate::target::kubernetes::connection::{ANSWER_LIMIT, ClusterError, chain};

/// What is asked for.
const ACCEPT: HeaderValue = HeaderValue::from_static(
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
);

/// How long an answer may take to begin: as long as an API server gives itself for a request.
/// Those before Kubernetes 1.33 make all of a list before they send the first of it.
const BEGIN_LIMIT: Duration = Duration::from_secs(60);

/// Reads a whole list, gives each object of it away as it comes, and says which version it has.
pub(super) async fn read(
    client: &Client,
    source: &Source,
    mut take: impl FnMut(Box<ObjectMetadata>),
) -> Result<String, ClusterError> {
    let what = || format!("list {}", source.path());
    let refused = |why: String, code: u16| ClusterError::Refused {
        what: what(),
        why,
        code,
    };
    let parameters = ListParams {
        field_selector: source.fields(),
        ..ListParams::default().match_any()
    };
    let request = Request::new(source.path()).list_metadata(&parameters);
    let mut request = request.map_err(|error| refused(chain(&error), 0))?;
    request.headers_mut().insert(header::ACCEPT, ACCEPT);
    let answer = timeout(BEGIN_LIMIT, client.send(request.map(Body::from))).await;
    let answer = answer.map_err(|_| refused(silent(BEGIN_LIMIT), 0))?;
    let answer = answer.map_err(|error| refused(chain(&error), 0))?;
    let (head, mut body) = answer.into_parts();
    let status = head.status;
    if !status.is_success() {
        let body = timeout(ANSWER_LIMIT, body.collect()).await;
        let body = body.map_err(|_| refused(silent(ANSWER_LIMIT), status.as_u16()))?;
        let body = body.map_err(|error| refused(chain(&error), status.as_u16()))?;
        return Err(refused(complaint(&body.to_bytes()), status.as_u16()));
    }
    let (mut unpacker, mut version) = (Unpacker::default(), None);
    loop {
        let frame = timeout(ANSWER_LIMIT, body.frame()).await;
        let frame = frame.map_err(|_| refused(silent(ANSWER_LIMIT), 0))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| refused(chain(&error), 0))?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        unpacker.add(&bytes);
        while let Some(part) = unpacker.next().map_err(|why| refused(why, 0))? {
            match part {
                Part::List(list) if list.next.is_empty() => version = Some(list.resource_version),
                Part::List(_) => {
                    return Err(refused("it is only a part of the list".to_owned(), 0));
                }
                Part::Object(object) => take(object),
            }
        }
    }
    match version {
        Some(version) if unpacker.is_whole() => Ok(version),
        _ => Err(refused("the answer ends in the middle".to_owned(), 0)),
    }
}

fn silent(limit: Duration) -> String {
    format!("nothing came for {} s", limit.as_secs())
}
