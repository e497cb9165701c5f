//! An object of which a watch reads the metadata alone.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use serde::{Deserialize, Deserializer};

use crate::agent::object::ObjectMetadata;

/// The metadata of an object of a kind, without those that say which client has written which
/// field: these are most of them, and nobody here needs them.
pub(super) struct Watched<K> {
    metadata: ObjectMeta,
    kind: PhantomData<fn() -> K>,
}

impl<K> Watched<K> {
    pub(super) fn into_metadata(self) -> ObjectMeta {
        self.metadata
    }
}

impl<K> Clone for Watched<K> {
    fn clone(&self) -> Self {
        Self {
            metadata: self.metadata.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> Debug for Watched<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.metadata.fmt(formatter)
    }
}

impl<'de, K> Deserialize<'de> for Watched<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object {
            metadata: ObjectMetadata,
        }
        let Object { metadata } = Object::deserialize(deserializer)?;
        let references = metadata
            .owner_references
            .into_iter()
            .map(|it| OwnerReference {
                kind: it.kind,
                name: it.name,
                uid: it.uid,
                controller: Some(it.controller),
                ..OwnerReference::default()
            });
        Ok(Self {
            metadata: ObjectMeta {
                name: Some(metadata.name),
                namespace: Some(metadata.namespace).filter(|name| !name.is_empty()),
                uid: Some(metadata.uid),
                resource_version: Some(metadata.resource_version),
                labels: Some(metadata.labels),
                annotations: Some(metadata.annotations),
                creation_timestamp: metadata.creation_timestamp.map(Time),
                deletion_timestamp: metadata.deletion_timestamp.map(Time),
                owner_references: Some(references.collect()),
                ..ObjectMeta::default()
            },
            kind: PhantomData,
        })
    }
}

impl<K: Resource> Resource for Watched<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn metadata_api() -> bool {
        true
    }

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
