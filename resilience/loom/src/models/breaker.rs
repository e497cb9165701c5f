//! A breaker: what must hold at rest, whatever the order in which threads came by.

use loom::sync::{Arc, Mutex};
use loom::thread;

use super::check;
use crate::circuit_breaker::consecutive::Consecutive;
use crate::circuit_breaker::gate::{Gate, Span, Way};
use crate::circuit_breaker::window::count::CountWindow;
use crate::circuit_breaker::window::sample::{Sample, Totals};

const GOOD: Sample = Sample {
    failure: false,
    slow: false,
};
const BAD: Sample = Sample {
    failure: true,
    slow: false,
};

fn of_slots(window: &CountWindow) -> Totals {
    let mut totals = Totals::default();
    for sample in window.samples() {
        totals.add(sample);
    }
    totals
}

/// What a breaker does when it closes again.
fn begin_anew(gate: &Gate, window: &CountWindow) {
    gate.turn(2, 0, || window.clear());
    gate.publish(2, 0, Way::Counted);
}

pub(crate) fn three_threads_in_a_window_of_two_leave_totals_that_are_those_of_the_slots() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let window = Arc::new(CountWindow::new(2));
        let threads = [BAD, GOOD].map(|sample| {
            let (gate, window) = (Arc::clone(&gate), Arc::clone(&window));
            thread::spawn(move || window.record(0, sample, &gate))
        });
        window.record(0, BAD, &gate);
        for thread in threads {
            thread.join().unwrap();
        }
        let totals = window.totals();
        assert_eq!(totals, of_slots(&window));
        assert_eq!(totals.calls, 2);
        assert!(totals.failures >= 1);
    });
}

pub(crate) fn a_result_of_an_earlier_generation_never_stays_in_the_window() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let window = Arc::new(CountWindow::new(2));
        let late = {
            let (gate, window) = (Arc::clone(&gate), Arc::clone(&window));
            thread::spawn(move || {
                window.record(0, BAD, &gate);
            })
        };
        begin_anew(&gate, &window);
        window.record(2, GOOD, &gate);
        late.join().unwrap();
        let totals = window.totals();
        assert_eq!(totals, of_slots(&window));
        assert_eq!(totals.failures, 0);
        // The late call may have taken the slot in which the good one would have stayed.
        assert!(totals.calls <= 1);
    });
}

pub(crate) fn a_late_result_does_not_push_out_a_result_of_the_present() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let window = Arc::new(CountWindow::new(2));
        let late = {
            let (gate, window) = (Arc::clone(&gate), Arc::clone(&window));
            thread::spawn(move || {
                window.record(0, BAD, &gate);
            })
        };
        begin_anew(&gate, &window);
        window.record(2, BAD, &gate);
        late.join().unwrap();
        assert_eq!(window.totals(), of_slots(&window));
        assert_eq!(window.totals().failures, 1);
    });
}

pub(crate) fn failures_in_a_row_are_all_counted() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let consecutive = Arc::new(Consecutive::new(3));
        let threads = [(); 2].map(|()| {
            let (gate, consecutive) = (Arc::clone(&gate), Arc::clone(&consecutive));
            thread::spawn(move || consecutive.record(0, true, &gate))
        });
        let mut reached = usize::from(consecutive.record(0, true, &gate));
        for thread in threads {
            reached += usize::from(thread.join().unwrap());
        }
        assert_eq!(reached, 1);
    });
}

pub(crate) fn a_late_failure_does_not_count_among_those_of_the_present() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let consecutive = Arc::new(Consecutive::new(2));
        let late = {
            let (gate, consecutive) = (Arc::clone(&gate), Arc::clone(&consecutive));
            thread::spawn(move || {
                consecutive.record(0, true, &gate);
            })
        };
        gate.publish(2, 0, Way::Counted);
        assert!(!consecutive.record(2, true, &gate));
        late.join().unwrap();
        assert!(consecutive.record(2, true, &gate));
    });
}

/// The whole way of a failure: recorded without a lock, judged, and one thread opens.
pub(crate) fn of_two_threads_that_reach_the_threshold_one_opens() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let window = Arc::new(CountWindow::new(2));
        let opened = Arc::new(Mutex::new(0_u32));
        let fail = |gate: &Gate, window: &CountWindow, opened: &Mutex<u32>| {
            let permit = gate.read();
            if !window.record(permit.generation(), BAD, gate) || window.totals().failures < 1 {
                return;
            }
            let mut opened = opened.lock().unwrap();
            if gate.is_in(permit.generation()) {
                *opened += 1;
                gate.publish(permit.generation() + 1, 0, Way::Ask);
            }
        };
        let other = {
            let (gate, window, opened) =
                (Arc::clone(&gate), Arc::clone(&window), Arc::clone(&opened));
            thread::spawn(move || fail(&gate, &window, &opened))
        };
        let permit = gate.read();
        if permit.way() == Way::Counted {
            fail(&gate, &window, &opened);
        }
        other.join().unwrap();
        let opened = *opened.lock().unwrap();
        assert!((1..=2).contains(&opened));
        assert!(gate.is_in(opened));
    });
}

/// An outage, a probe, a second outage: whoever is refused meanwhile is told of one of the two.
pub(crate) fn a_refusal_is_never_made_of_two_outages() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let spans = [(1, 10, 20), (3, 30, 40)]
            .map(|(generation, since, until)| (generation, Span { since, until }));
        let reader = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                let refusal = gate.read();
                if refusal.way() == Way::Waiting
                    && let Some(span) = gate.span(refusal)
                {
                    assert!(spans.contains(&(refusal.generation(), span)));
                }
            })
        };
        let [(first, earlier), (second, later)] = spans;
        gate.refuse(first, 0, Way::Waiting, earlier);
        gate.publish(2, 0, Way::Ask);
        gate.refuse(second, 0, Way::Waiting, later);
        reader.join().unwrap();
    });
}

/// All probes are under way, one ends: the others have more time from then on. The word of the
/// gate is the same before and after.
pub(crate) fn a_refusal_that_is_prolonged_has_one_end_or_the_other() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let since = 10;
        let full = move |until| Span { since, until };
        gate.refuse(1, 0, Way::Probing, full(20));
        let reader = {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                let refusal = gate.read();
                if refusal.way() == Way::Probing
                    && let Some(span) = gate.span(refusal)
                {
                    assert!([full(20), full(40)].contains(&span));
                }
            })
        };
        gate.refuse(1, 0, Way::Probing, full(40));
        reader.join().unwrap();
        assert_eq!(gate.span(gate.read()), Some(full(40)));
    });
}

/// What a breaker does when an operator gives it other rules: it takes the run along.
fn change_rules(gate: &Gate, limit: u32, before: &Consecutive) -> Consecutive {
    let after = gate.turn(1, 1, || Consecutive::resumed(limit, 1, before));
    gate.publish(1, 1, Way::Counted);
    after
}

/// One call of the first generation ends.
fn ends(gate: &Arc<Gate>, before: &Arc<Consecutive>, failure: bool) -> thread::JoinHandle<()> {
    let (gate, before) = (Arc::clone(gate), Arc::clone(before));
    thread::spawn(move || {
        if gate.is_in(0) {
            before.record(0, failure, &gate);
        }
    })
}

/// What ended before the change is never lost. A call that ends meanwhile may come too late; the
/// gate that it reads and the count that is taken along need not be of the same moment.
pub(crate) fn failures_before_a_change_of_rules_go_on_after_it_each_once() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let before = Arc::new(Consecutive::new(9));
        before.record(0, true, &gate);
        let meanwhile = [(); 2].map(|()| ends(&gate, &before, true));
        let after = change_rules(&gate, 4, &before);
        let still_needed = (1..).find(|_| after.record(1, true, &gate)).unwrap();
        for call in meanwhile {
            call.join().unwrap();
        }
        // Four in all: one from before, up to two of those that ended meanwhile, and these.
        assert!((1..=3).contains(&still_needed));
    });
}

pub(crate) fn a_failure_that_ended_before_a_change_of_rules_is_taken_along() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let before = Arc::new(Consecutive::new(9));
        let late = ends(&gate, &before, true);
        ends(&gate, &before, true).join().unwrap();
        let after = change_rules(&gate, 2, &before);
        assert!(after.record(1, true, &gate));
        late.join().unwrap();
    });
}

pub(crate) fn a_success_during_a_change_of_rules_does_not_end_the_run_after_it() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let before = Arc::new(Consecutive::new(9));
        before.record(0, true, &gate);
        let other = ends(&gate, &before, false);
        let after = change_rules(&gate, 2, &before);
        after.record(1, true, &gate);
        other.join().unwrap();
        assert!(after.record(1, true, &gate));
    });
}

pub(crate) fn what_an_earlier_outage_left_is_not_resumed() {
    check(|| {
        let gate = Arc::new(Gate::new());
        let before = Arc::new(Consecutive::new(9));
        before.record(0, true, &gate);
        let late = ends(&gate, &before, true);
        gate.publish(1, 0, Way::Ask);
        gate.publish(2, 0, Way::Counted);
        let after = gate.turn(3, 1, || Consecutive::resumed(2, 3, &before));
        gate.publish(3, 1, Way::Counted);
        assert!(!after.record(3, true, &gate));
        late.join().unwrap();
        assert!(after.record(3, true, &gate));
    });
}
