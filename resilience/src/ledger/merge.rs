//! The arithmetic of weights.

use super::Degradation;

/// How complete an answer is: `1 − Σ weight`, not below 0.
pub fn harvest(entries: &[Degradation]) -> f64 {
    (1.0 - sum(entries)).clamp(0.0, 1.0)
}

/// Turns shares of a dependency's answer into shares of the caller's: each is multiplied by
/// `weight`, and if together they exceed it, all shrink alike until they no longer do.
pub fn scale(mut entries: Vec<Degradation>, weight: f64) -> Vec<Degradation> {
    let weight = share(weight);
    // A dependency that reports more than its whole answer cannot cost more than the whole.
    let factor = weight / sum(&entries).max(1.0);
    for entry in &mut entries {
        entry.weight = share(entry.weight) * factor;
    }
    entries
}

pub(super) fn sum(entries: &[Degradation]) -> f64 {
    entries.iter().map(|entry| share(entry.weight)).sum()
}

/// A weight from outside may be anything.
pub(super) fn share(weight: f64) -> f64 {
    if weight.is_nan() {
        return 0.0;
    }
    weight.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::Reason;

    fn entry(weight: f64) -> Degradation {
        Degradation {
            dependency: "metadata".to_owned(),
            reason: Reason::Timeout,
            stood_in: "index".to_owned(),
            weight,
            age: None,
        }
    }

    #[test]
    fn a_share_of_a_share_is_a_product() {
        let scaled = scale(vec![entry(0.5), entry(0.25)], 0.4);
        assert!((scaled[0].weight - 0.2).abs() < 1e-12);
        assert!((scaled[1].weight - 0.1).abs() < 1e-12);
    }

    /// A hop with what it replaced itself and, with their weights, the hops it called.
    #[derive(Debug, Clone)]
    struct Hop {
        own: Vec<f64>,
        called: Vec<(f64, Hop)>,
    }

    fn hops() -> impl Strategy<Value = Hop> {
        let own = || prop::collection::vec(0.0..1.0_f64, 0..3);
        let leaf = own().prop_map(|own| Hop {
            own,
            called: Vec::new(),
        });
        leaf.prop_recursive(3, 12, 3, move |inner| {
            (own(), prop::collection::vec((0.0..1.0_f64, inner), 0..3))
                .prop_map(|(own, called)| Hop { own, called })
        })
    }

    impl Hop {
        fn ledger(&self) -> crate::ledger::Ledger {
            let ledger = crate::ledger::Ledger::default();
            for weight in &self.own {
                ledger.record(entry(*weight));
            }
            for (weight, hop) in &self.called {
                ledger.merge(hop.ledger().entries(), *weight);
            }
            ledger
        }

        /// The naive reference: what is lost of the answer, which can be all of it at most.
        fn lost(&self) -> f64 {
            let own: f64 = self.own.iter().sum();
            let called = self.called.iter();
            let called: f64 = called.map(|(weight, hop)| weight * hop.lost()).sum();
            (own + called).min(1.0)
        }

        fn entries(&self) -> usize {
            let called: usize = self.called.iter().map(|(_, hop)| hop.entries()).sum();
            self.own.len() + called
        }
    }

    proptest! {
        #[test]
        fn harvest_through_many_hops_agrees_with_a_naive_reference(hop in hops()) {
            let ledger = hop.ledger();
            prop_assert!((ledger.harvest() - (1.0 - hop.lost())).abs() < 1e-9);
            prop_assert_eq!(ledger.entries().len(), hop.entries());
        }

        #[test]
        fn what_a_call_reports_never_costs_more_than_the_call(
            weights in prop::collection::vec(0.0..2.0_f64, 0..10),
            weight in 0.0..1.0_f64,
        ) {
            let entries: Vec<_> = weights.iter().copied().map(entry).collect();
            let reported: f64 = weights.iter().map(|weight| weight.min(1.0)).sum();
            let scaled = scale(entries, weight);
            let expected = reported.min(1.0) * weight;
            prop_assert!((sum(&scaled) - expected).abs() < 1e-9);
            prop_assert!(sum(&scaled) <= weight + 1e-9);
        }

        #[test]
        fn harvest_is_a_share_whatever_the_weights(weights in prop::collection::vec(any::<f64>(), 0..10)) {
            let entries: Vec<_> = weights.into_iter().map(entry).collect();
            prop_assert!((0.0..=1.0).contains(&harvest(&entries)));
        }
    }
}
