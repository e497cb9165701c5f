//! The models, one file for each part.

pub(crate) mod breaker;
pub(crate) mod budget;
pub(crate) mod shared_call;

/// Every interleaving with up to three preemptions of a running thread: more than three have
/// not been needed to find a defect, and each one more takes ten times as long.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}
