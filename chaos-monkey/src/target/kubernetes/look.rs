//! One look at everything that decides about a kill, and what filters and guards say of it.

use jiff::Timestamp;

use super::attempt::Wanted;
use super::fresh::Fresh;
use crate::agent::Rules;
use crate::agent::check::{self, Check};
use crate::agent::cluster::Pod;
use crate::agent::filter::Candidate;
use crate::agent::guard::{Halt, Leadership, Overall, Situation, Veto};
use crate::agent::workload::Narrowing;
use crate::schema::LedgerEntry;

/// One look at everything that decides.
pub(super) struct Look {
    pub(super) fresh: Fresh,
    pub(super) halts: Result<Vec<Halt>, String>,
    pub(super) outage: Option<String>,
    pub(super) leadership: Leadership,
}

impl Look {
    /// The pod of an identity.
    pub(super) fn victim(&self, uid: &str) -> Option<&Pod> {
        self.fresh.pods.iter().find(|pod| pod.uid == uid)
    }

    /// The first no of a filter or a guard.
    pub(super) fn veto(
        &self,
        rules: &Rules,
        wanted: &Wanted<'_>,
        victim: &Pod,
        ledger: &[LedgerEntry],
    ) -> Option<Veto> {
        check::first_no(self.checks(rules, wanted, victim, ledger))
    }

    /// What each filter and each guard says.
    pub(super) fn checks(
        &self,
        rules: &Rules,
        wanted: &Wanted<'_>,
        victim: &Pod,
        ledger: &[LedgerEntry],
    ) -> Vec<Check> {
        let now = Timestamp::now();
        let candidate = Candidate {
            pod: victim,
            owner: Some(&self.fresh.owner),
            namespace: Some(&self.fresh.namespace),
            now,
        };
        let budgets = self.fresh.budgets_of(&victim.described.labels);
        let situation = Situation {
            overall: Overall {
                now,
                halts: self.halts.as_deref().map_err(String::as_str),
                leadership: self.leadership,
                ledger,
                occasion: wanted.occasion,
                outage: self.outage.as_deref(),
            },
            victim,
            owner: wanted.owner,
            state: &self.fresh.state,
            // One that is not understood does not pass the filters.
            narrowing: Narrowing::of(&self.fresh.owner, rules).unwrap_or_default(),
            pods: &self.fresh.pods,
            disruption_budgets: &budgets,
        };
        let mut checks = check::filters(rules, &candidate);
        checks.extend(check::guards(rules, &situation));
        checks
    }
}
