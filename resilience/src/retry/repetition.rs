//! What is kept of a request, so that it can be sent once more.

use http::Request;

use crate::context::{CallContext, Carried, Copied};

/// A request without its extensions, and those.
pub(crate) struct Repetition<B> {
    head: Request<B>,
    extensions: Copied,
}

impl<B: Clone> Repetition<B> {
    pub(crate) fn of(request: &Request<B>) -> Self {
        let mut head = Request::new(request.body().clone());
        request.method().clone_into(head.method_mut());
        request.uri().clone_into(head.uri_mut());
        *head.version_mut() = request.version();
        request.headers().clone_into(head.headers_mut());
        Self {
            head,
            extensions: Carried::copy(request.extensions()),
        }
    }

    /// The request, once more.
    pub(crate) fn request(&self) -> Request<B> {
        let mut request = self.head.clone();
        *request.extensions_mut() = self.extensions.extensions();
        request
    }
}

impl<B> Repetition<B> {
    /// The context of the call.
    pub(crate) fn context(&self) -> Option<CallContext> {
        match &self.extensions {
            Copied::Alone(carried) => carried.context.clone().or_else(CallContext::current),
            Copied::All(extensions) => CallContext::of(extensions),
        }
    }
}
