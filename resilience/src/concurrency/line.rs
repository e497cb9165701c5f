//! The line in front of the gate: who waits, who goes next and who goes away. Pure, with the
//! clock as an argument.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::queue::{Order, Queue};
use crate::context::Priority;

/// Why somebody gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// As many wait as may, and none of them matters less.
    Full,
    /// Waiting had become pointless.
    TooLate,
}

/// A place in the line. What matters more comes first, then who came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    priority: Priority,
    number: u64,
}

/// Those who wait, each with something by which it is called.
#[derive(Debug)]
pub(super) struct Line<T> {
    queue: Queue,
    waiting: BTreeMap<Ticket, (Instant, T)>,
    next_number: u64,
    /// Since when it has not been empty.
    standing_since: Option<Instant>,
    /// Since when nobody has got a place within the target of the queue's delay.
    late_since: Option<Instant>,
}

/// Who goes next, and who is turned away before.
#[derive(Debug)]
pub(super) struct Called<T> {
    pub(super) next: Option<T>,
    pub(super) turned_away: Vec<T>,
}

impl<T> Line<T> {
    pub(super) const fn new(queue: Queue) -> Self {
        Self {
            queue,
            waiting: BTreeMap::new(),
            next_number: 0,
            standing_since: None,
            late_since: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Joins the line at `now`; whoever had to leave for it is turned away.
    pub(super) fn join(
        &mut self,
        priority: Priority,
        caller: T,
        now: Instant,
    ) -> Result<(Ticket, Option<T>), Refused> {
        let priority = if self.queue.by_priority {
            priority
        } else {
            Priority::default()
        };
        let mut displaced = None;
        if self.waiting.len() >= self.queue.length {
            displaced = self.displace(priority);
            if displaced.is_none() {
                return Err(Refused::Full);
            }
        }
        let number = self.next_number;
        self.next_number += 1;
        let ticket = Ticket { priority, number };
        self.standing_since.get_or_insert(now);
        self.waiting.insert(ticket, (now, caller));
        Ok((ticket, displaced))
    }

    /// The one that matters least and came last leaves for somebody who matters more.
    fn displace(&mut self, priority: Priority) -> Option<T> {
        let last = self.waiting.last_entry()?;
        if last.key().priority <= priority {
            return None;
        }
        Some(last.remove().1)
    }

    /// Leaves the line; nothing if that has happened already.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<T> {
        let (_, caller) = self.waiting.remove(&ticket)?;
        self.note_emptiness();
        Some(caller)
    }

    /// A place is free at `now`.
    pub(super) fn call(&mut self, now: Instant) -> Called<T> {
        let mut turned_away = Vec::new();
        while let Some((since, caller)) = self.take(now) {
            if self.is_pointless(since, now) {
                turned_away.push(caller);
                continue;
            }
            self.note_emptiness();
            return Called {
                next: Some(caller),
                turned_away,
            };
        }
        self.note_emptiness();
        Called {
            next: None,
            turned_away,
        }
    }

    fn take(&mut self, now: Instant) -> Option<(Instant, T)> {
        let first = *self.waiting.first_key_value()?.0;
        let ticket = if self.is_newest_first(now) {
            // The last one of those who matter as much as the first.
            let end = Ticket {
                priority: first.priority,
                number: u64::MAX,
            };
            *self.waiting.range(..=end).next_back()?.0
        } else {
            first
        };
        self.waiting.remove(&ticket)
    }

    fn is_newest_first(&self, now: Instant) -> bool {
        match self.queue.order {
            Order::Fifo => false,
            Order::AdaptiveLifo { after } => self
                .standing_since
                .is_some_and(|since| now.saturating_duration_since(since) >= after),
        }
    }

    fn is_pointless(&mut self, since: Instant, now: Instant) -> bool {
        let Some(delay) = self.queue.delay else {
            return false;
        };
        if now.saturating_duration_since(since) < delay.target {
            self.late_since = None;
            return false;
        }
        let late_since = *self.late_since.get_or_insert(now);
        now.saturating_duration_since(late_since) >= delay.interval
    }

    fn note_emptiness(&mut self) {
        if self.waiting.is_empty() {
            self.standing_since = None;
            // An empty line is as quick as can be.
            self.late_since = None;
        }
    }
}
