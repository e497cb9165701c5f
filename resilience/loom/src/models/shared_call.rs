//! A shared call: nobody who waits for it sleeps for ever, whoever drives it on.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use loom::future::{AtomicWaker, block_on};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;

use super::check;
use crate::coalesce::shared_call::{Seat, SharedCall};

/// What a call waits for.
#[derive(Default)]
struct Dependency {
    has_answered: AtomicBool,
    waits: AtomicWaker,
    calls: AtomicUsize,
}

/// A call under way, and that it was not given up.
struct UnderWay(Arc<Dependency>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Dependency {
    fn answers(&self) {
        self.has_answered.store(true, Ordering::Release);
        self.waits.wake();
    }
}

/// What a call comes to. Others run while it is cloned, though the lock is taken.
struct End;

impl Clone for End {
    fn clone(&self) -> Self {
        thread::yield_now();
        Self
    }
}

fn call(dependency: &Arc<Dependency>) -> std::sync::Arc<SharedCall<End>> {
    dependency.calls.fetch_add(1, Ordering::AcqRel);
    let under_way = UnderWay(Arc::clone(dependency));
    let dependency = Arc::clone(dependency);
    std::sync::Arc::new(SharedCall::new(Box::pin(async move {
        let _under_way = under_way;
        poll_fn(|context| {
            dependency.waits.register_by_ref(context.waker());
            if dependency.has_answered.load(Ordering::Acquire) {
                Poll::Ready(End)
            } else {
                Poll::Pending
            }
        })
        .await
    })))
}

/// Two callers of one call.
fn callers(dependency: &Arc<Dependency>) -> [Seat<End>; 2] {
    let call = call(dependency);
    [Seat::new(std::sync::Arc::clone(&call)), Seat::new(call)]
}

/// Polled once, and given up.
fn leaves(seat: Seat<End>) {
    let seat = pin!(seat);
    let _ = Future::poll(seat as Pin<&mut _>, &mut Context::from_waker(Waker::noop()));
}

/// One caller waits, and is told the end, while the other does this and the dependency answers.
fn waits_beside(other: impl Fn(Seat<End>) + Copy + Send + Sync + 'static) {
    check(move || {
        let dependency = Arc::new(Dependency::default());
        let [first, second] = callers(&dependency);
        let other = thread::spawn(move || other(first));
        let answers = thread::spawn(move || dependency.answers());
        block_on(second);
        other.join().unwrap();
        answers.join().unwrap();
    });
}

pub(crate) fn each_of_two_callers_is_told_the_end() {
    waits_beside(|seat| drop(block_on(seat)));
}

pub(crate) fn who_stays_is_told_the_end_when_the_other_leaves() {
    waits_beside(leaves);
}

pub(crate) fn the_last_caller_drops_the_call() {
    check(|| {
        let dependency = Arc::new(Dependency::default());
        let [first, second] = callers(&dependency);
        let other = thread::spawn(move || leaves(first));
        leaves(second);
        other.join().unwrap();
        assert_eq!(dependency.calls.load(Ordering::Acquire), 0);
    });
}
