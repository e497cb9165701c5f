//! The life of each instance.

use super::fold::{InstanceFacts, Mark};
use super::run::{InstanceEnd, InstanceRun, InstanceState, StateSpan};
use crate::journal::InstanceName;

/// The life of an instance until `end`.
pub(super) fn instance(name: &InstanceName, facts: &InstanceFacts, end: i64) -> InstanceRun {
    let mut run = InstanceRun {
        instance: name.clone(),
        kills: 0,
        pauses: 0,
        restarts: 0,
        unplanned_ends: 0,
        ready_after_micros: facts.ready_after.clone(),
        peak_memory_bytes: facts.peak_memory,
        states: states(facts, end),
        ends: Vec::new(),
    };
    let mut starts = 0_u64;
    for (at, mark) in &facts.marks {
        match mark {
            Mark::Started => starts += 1,
            Mark::Paused { .. } => run.pauses += 1,
            Mark::Down { how, fault } => {
                match fault {
                    Some(_) => run.kills += 1,
                    None => run.unplanned_ends += 1,
                }
                run.ends.push(InstanceEnd {
                    at_micros: *at,
                    how: how.clone(),
                    fault: fault.clone(),
                });
            }
            Mark::Ready | Mark::Stopped | Mark::Resumed => {}
        }
    }
    run.restarts = starts.saturating_sub(1);
    run
}

/// What an instance is after a mark.
pub(super) fn state_after(mark: &Mark) -> InstanceState {
    match mark {
        Mark::Started => InstanceState::Starting,
        Mark::Ready | Mark::Resumed => InstanceState::Up,
        Mark::Down { .. } | Mark::Stopped => InstanceState::Down,
        Mark::Paused { .. } => InstanceState::Paused,
    }
}

/// The first moment at which a victim of a fault was ready again; the beginning of the fault if it
/// did nothing to the victim; nothing if the victim is still away.
pub(super) fn ready_again(facts: &InstanceFacts, fault: &str, began: i64) -> Option<i64> {
    let hit = facts.marks.iter().find_map(|(at, mark)| match mark {
        Mark::Down {
            fault: Some(by), ..
        } if by == fault => Some(*at),
        Mark::Paused { fault: by } if by == fault => Some(*at),
        _ => None,
    });
    let Some(hit) = hit else { return Some(began) };
    facts
        .marks
        .iter()
        .find(|(at, mark)| *at >= hit && matches!(mark, Mark::Ready | Mark::Resumed))
        .map(|(at, _)| *at)
}

fn states(facts: &InstanceFacts, end: i64) -> Vec<StateSpan> {
    let mut spans: Vec<StateSpan> = Vec::new();
    for (at, mark) in &facts.marks {
        if let Some(last) = spans.last_mut() {
            last.to = (*at).min(end);
        }
        spans.push(StateSpan {
            from: *at,
            to: end,
            state: state_after(mark),
        });
    }
    spans.retain(|span| span.from < span.to);
    spans
}
