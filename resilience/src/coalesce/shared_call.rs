//! A call that several callers wait for: whichever of them is polled drives it on.
//!
//! `Shared` of `futures-util` does that, too, but wakes even the caller that is just being told
//! the end. A task that wakes itself goes behind all others, wakes a second thread, and runs once
//! more for nothing: with every call, also where there is one caller.
//!
//! `resilience/loom` runs the interleavings of two callers and a call that goes on.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker, ready};

use crate::sync::Mutex;

type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A call, and who waits for it.
pub(crate) struct SharedCall<T> {
    progress: Mutex<Progress<T>>,
    callers: Arc<Callers>,
    /// Of all callers.
    waker: Waker,
}

enum Progress<T> {
    UnderWay(Call<T>),
    Ended(T),
}

impl<T> SharedCall<T> {
    pub(crate) fn new(call: Call<T>) -> Self {
        let callers = Arc::<Callers>::default();
        Self {
            progress: Mutex::new(Progress::UnderWay(call)),
            waker: Waker::from(Arc::clone(&callers)),
            callers,
        }
    }
}

impl<T: Clone> SharedCall<T> {
    /// Drives it on for the caller at `place`, who knows of so many `wakes`.
    fn drive(&self, place: Option<Place>, wakes: u64) -> Poll<T> {
        // Declared first, so that it comes last: who finds the lock taken relies on being woken
        // when it is free.
        let mut after = None;
        let Some(mut progress) = self.progress.try_lock() else {
            return Poll::Pending;
        };
        let others = after.insert(WakeOthers {
            callers: &self.callers,
            than: place,
            unless: None,
        });
        if let Progress::UnderWay(call) = &mut *progress {
            match call.as_mut().poll(&mut Context::from_waker(&self.waker)) {
                Poll::Ready(end) => *progress = Progress::Ended(end),
                Poll::Pending => others.unless = Some(wakes),
            }
        }
        match &*progress {
            Progress::Ended(end) => Poll::Ready(end.clone()),
            Progress::UnderWay(_) => Poll::Pending,
        }
    }
}

/// Wakes the others after one caller had the lock: if the call ended, be it in a panic, or if it
/// went on meanwhile, since who came after that found the lock taken.
struct WakeOthers<'a> {
    callers: &'a Callers,
    than: Option<Place>,
    /// While it is under way: not if it was woken only so often.
    unless: Option<u64>,
}

impl Drop for WakeOthers<'_> {
    fn drop(&mut self) {
        if self
            .unless
            .is_none_or(|wakes| self.callers.wakes() != wakes)
        {
            self.callers.wake_others(self.than);
        }
    }
}

/// One caller's seat: a future of what the call came to.
pub(crate) struct Seat<T> {
    /// Nothing once the caller knows the end.
    call: Option<Arc<SharedCall<T>>>,
    place: Option<Place>,
}

impl<T> Seat<T> {
    pub(crate) const fn new(call: Arc<SharedCall<T>>) -> Self {
        Self {
            call: Some(call),
            place: None,
        }
    }
}

impl<T: Clone> Future for Seat<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Self { call: seat, place } = &mut *self;
        let Some(call) = seat else {
            return Poll::Pending;
        };
        // Before the call is polled, which may wake its callers at once.
        let wakes = call.callers.enter(place, context.waker());
        let end = ready!(call.drive(*place, wakes));
        // With the last caller goes the call, and its copy of the end.
        *seat = None;
        Poll::Ready(end)
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        if let Some(call) = &self.call {
            call.callers.leave(self.place.take());
        }
    }
}

/// Who is to be woken when the call goes on.
#[derive(Default)]
struct Callers {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// How often the call has said that it goes on.
    wakes: u64,
    /// Callers are woken all at once; then the next round begins, without anybody.
    round: u64,
    wakers: Vec<Option<Waker>>,
}

/// Where the waker of one caller is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    round: u64,
    index: usize,
}

impl Waiting {
    fn at(&mut self, place: Option<Place>) -> Option<&mut Option<Waker>> {
        let place = place.filter(|place| place.round == self.round)?;
        self.wakers.get_mut(place.index)
    }

    /// Those who are to be woken.
    fn next_round(&mut self) -> Vec<Option<Waker>> {
        self.round += 1;
        mem::take(&mut self.wakers)
    }
}

// Wakers are foreign code: under the lock they are cloned, and neither woken nor dropped.
impl Callers {
    /// Has this waker woken in the next round, and says how often the call has gone on.
    fn enter(&self, place: &mut Option<Place>, waker: &Waker) -> u64 {
        let _replaced;
        let mut waiting = self.waiting.lock();
        match waiting.at(*place) {
            Some(Some(present)) if present.will_wake(waker) => {}
            Some(present) => _replaced = present.replace(waker.clone()),
            None => {
                *place = Some(Place {
                    round: waiting.round,
                    index: waiting.wakers.len(),
                });
                waiting.wakers.push(Some(waker.clone()));
            }
        }
        waiting.wakes
    }

    fn wakes(&self) -> u64 {
        self.waiting.lock().wakes
    }

    fn leave(&self, place: Option<Place>) {
        let _left = self.waiting.lock().at(place).and_then(Option::take);
    }

    fn wake_others(&self, than: Option<Place>) {
        let mut waiting = self.waiting.lock();
        let _own = waiting.at(than).and_then(Option::take);
        let others = waiting.next_round();
        drop(waiting);
        others.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Wake for Callers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut waiting = self.waiting.lock();
        waiting.wakes += 1;
        let everybody = waiting.next_round();
        drop(waiting);
        everybody.into_iter().flatten().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use tokio::sync::oneshot;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Caller {
        seat: Seat<&'static str>,
        wakes: Arc<Wakes>,
    }

    impl Caller {
        fn of(call: &Arc<SharedCall<&'static str>>) -> Self {
            Self {
                seat: Seat::new(Arc::clone(call)),
                wakes: Arc::default(),
            }
        }

        fn poll(&mut self) -> Poll<&'static str> {
            let waker = Waker::from(Arc::clone(&self.wakes));
            Pin::new(&mut self.seat).poll(&mut Context::from_waker(&waker))
        }

        fn wakes(&self) -> usize {
            self.wakes.0.load(Ordering::Relaxed)
        }
    }

    fn call() -> (oneshot::Sender<&'static str>, Arc<SharedCall<&'static str>>) {
        let (end, ended) = oneshot::channel();
        let call = Box::pin(async { ended.await.unwrap() });
        (end, Arc::new(SharedCall::new(call)))
    }

    /// Regression: with each call the task of its only caller woke itself.
    #[test]
    fn who_is_told_the_end_is_not_woken_for_it() {
        let (end, call) = call();
        let mut caller = Caller::of(&call);
        drop(call);
        assert!(caller.poll().is_pending());
        end.send("a title").unwrap();
        assert_eq!(caller.wakes(), 1, "to be told");
        assert_eq!(caller.poll(), Poll::Ready("a title"));
        assert_eq!(caller.wakes(), 1);
        assert!(caller.poll().is_pending(), "told once");
    }

    /// Lets one thread poll a call that ends so, and this one ask for it meanwhile.
    fn asked_for_while_it_is_polled(end: impl FnOnce() -> &'static str + Send + 'static) -> Caller {
        let (begun, has_begun) = mpsc::channel();
        let (asked, was_asked) = mpsc::channel();
        let call: Call<&'static str> = Box::pin(async move {
            begun.send(()).unwrap();
            was_asked.recv().unwrap();
            end()
        });
        let call = Arc::new(SharedCall::new(call));
        let mut drives = Caller::of(&call);
        let mut asks = Caller::of(&call);
        let thread = thread::spawn(move || drives.poll());
        has_begun.recv().unwrap();
        assert!(asks.poll().is_pending());
        assert_eq!(asks.wakes(), 0);
        asked.send(()).unwrap();
        let _ = thread.join();
        asks
    }

    #[test]
    fn who_asks_while_another_is_told_is_woken() {
        let mut caller = asked_for_while_it_is_polled(|| "a title");
        assert_eq!(caller.wakes(), 1);
        assert_eq!(caller.poll(), Poll::Ready("a title"));
    }

    #[test]
    fn a_call_that_panics_leaves_nobody_asleep() {
        let caller = asked_for_while_it_is_polled(|| panic!("scripted"));
        assert_eq!(caller.wakes(), 1);
    }

    #[test]
    fn one_that_leaves_is_not_woken_and_takes_nobody_with_it() {
        let (end, call) = call();
        let mut leaves = Caller::of(&call);
        let mut stays = Caller::of(&call);
        assert!(leaves.poll().is_pending() && stays.poll().is_pending());
        let wakes = Arc::clone(&leaves.wakes);
        drop(leaves);
        end.send("a title").unwrap();
        assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
        assert_eq!(stays.wakes(), 1);
        assert_eq!(stays.poll(), Poll::Ready("a title"));
    }

    #[test]
    fn a_call_is_dropped_with_its_last_caller() {
        let (end, call) = call();
        let callers = [0; 2].map(|_| Caller::of(&call));
        drop(call);
        drop(callers);
        assert!(end.is_closed());
    }

    #[test]
    fn a_caller_is_woken_by_its_latest_waker() {
        let (end, call) = call();
        let mut caller = Caller::of(&call);
        assert!(caller.poll().is_pending());
        let earlier = mem::take(&mut caller.wakes);
        assert!(caller.poll().is_pending());
        end.send("a title").unwrap();
        assert_eq!((earlier.0.load(Ordering::Relaxed), caller.wakes()), (0, 1));
    }
}
