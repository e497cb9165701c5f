//! The layer.

use std::sync::Arc;

use tower_layer::Layer;

use super::builder::LoadShedBuilder;
use super::service::LoadShed;
use super::shedder::Shedder;
use crate::concurrency::LimitHandle;

/// What all services of a layer share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) shedder: Shedder,
    pub(super) exempt: Vec<String>,
}

/// Wraps a service into a [`LoadShed`]; all services it makes share one queue.
#[derive(Debug, Clone)]
pub struct LoadShedLayer {
    shared: Arc<Shared>,
}

impl LoadShedLayer {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Begins load shedding for the service called `name`.
    pub fn builder(name: impl Into<String>) -> LoadShedBuilder {
        LoadShedBuilder::new(name.into())
    }

    /// How many requests are worked on and wait, to look at.
    pub fn handle(&self) -> LimitHandle {
        self.shared.shedder.handle()
    }
}

impl<S> Layer<S> for LoadShedLayer {
    type Service = LoadShed<S>;

    fn layer(&self, inner: S) -> LoadShed<S> {
        LoadShed::new(inner, Arc::clone(&self.shared))
    }
}
