//! What is read of a list in protobuf, by the numbers of `generated.proto` in
//! k8s.io/apimachinery, of `pkg/apis/meta/v1` and `pkg/runtime`. Which client has written which
//! field is skipped: it is most of an object.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prost::Message;

use crate::agent::object::{ObjectMetadata, Reference};

/// What an answer in protobuf begins with.
pub(super) const MAGIC: &[u8] = b"k8s\0";

/// The number of the part of an envelope that holds the answer.
pub(super) const RAW: u64 = 2;

/// The number of the part of a list that tells of the list.
pub(super) const METADATA: u64 = 1;

/// The number of each object of a list.
pub(super) const ITEM: u64 = 2;

/// What an answer that is an error says: in protobuf, in JSON, or in words.
pub(super) fn complaint(body: &[u8]) -> String {
    let envelope = body.strip_prefix(MAGIC).map(Envelope::decode);
    if let Some(Ok(Envelope { raw })) = envelope
        && let Ok(status) = Status::decode(raw.as_slice())
    {
        return status.message;
    }
    let json = serde_json::from_slice::<serde_json::Value>(body).ok();
    let message = json.as_ref().and_then(|it| it["message"].as_str());
    message.map_or_else(
        || String::from_utf8_lossy(body).trim().to_owned(),
        str::to_owned,
    )
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Envelope {
    #[prost(bytes = "vec", tag = "2")]
    pub(super) raw: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Status {
    #[prost(string, tag = "3")]
    pub(super) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListMetadata {
    #[prost(string, tag = "2")]
    pub(super) resource_version: String,
    #[prost(string, tag = "3")]
    pub(super) next: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Item {
    #[prost(message, tag = "1")]
    pub(super) metadata: Option<Metadata>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) namespace: String,
    #[prost(string, tag = "5")]
    pub(super) uid: String,
    #[prost(string, tag = "6")]
    pub(super) resource_version: String,
    #[prost(message, tag = "8")]
    pub(super) created: Option<Time>,
    #[prost(message, tag = "9")]
    pub(super) deleted: Option<Time>,
    #[prost(btree_map = "string, string", tag = "11")]
    pub(super) labels: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "12")]
    pub(super) annotations: BTreeMap<String, String>,
    #[prost(message, repeated, tag = "13")]
    pub(super) owners: Vec<OwnerReference>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Time {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OwnerReference {
    #[prost(string, tag = "1")]
    pub(super) kind: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) uid: String,
    #[prost(bool, tag = "6")]
    pub(super) controller: bool,
}

impl From<Metadata> for ObjectMetadata {
    fn from(it: Metadata) -> Self {
        let at = |time: Time| Timestamp::from_second(time.seconds).ok();
        Self {
            name: it.name,
            uid: it.uid,
            resource_version: it.resource_version,
            namespace: it.namespace,
            labels: it.labels,
            annotations: it.annotations,
            creation_timestamp: it.created.and_then(at),
            deletion_timestamp: it.deleted.and_then(at),
            owner_references: it
                .owners
                .into_iter()
                .map(|it| Reference {
                    kind: it.kind,
                    name: it.name,
                    uid: it.uid,
                    controller: it.controller,
                })
                .collect(),
        }
    }
}
