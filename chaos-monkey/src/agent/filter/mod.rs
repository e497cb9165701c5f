//! Which pods can be victims: filters in sequence, each a small pure function.
//!
//! A pod must pass all of them. The order decides only which reason is named first.

mod age;
mod annotations;
mod itself;
mod labels;
mod mirror;
pub(super) mod namespace;
pub(super) mod opt_in;
mod owner;
mod pod_name;
mod state;
mod workload;

use jiff::Timestamp;

use super::Rules;
use super::cluster::{Cluster, Described, Owner, Pod};
use super::guard::Veto;

/// A pod with what is known about what it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'cluster> {
    /// The pod.
    pub pod: &'cluster Pod,
    /// What is said about its owner; nothing where that is not known.
    pub owner: Option<&'cluster Described>,
    /// What is said about its namespace; nothing where that is not known.
    pub namespace: Option<&'cluster Described>,
    /// The moment for which is asked.
    pub now: Timestamp,
}

/// One filter.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// Its name in logs, metrics and explanations.
    pub name: &'static str,
    /// Says why the pod cannot be a victim, for people.
    pub check: fn(&Rules, &Candidate<'_>) -> Result<(), String>,
}

/// All filters, in the order in which they are asked.
pub const ALL: [Filter; 11] = [
    Filter {
        name: "namespace",
        check: namespace::check,
    },
    Filter {
        name: "opt-in",
        check: opt_in::check,
    },
    Filter {
        name: "owner",
        check: owner::check,
    },
    Filter {
        name: "workload",
        check: workload::check,
    },
    OF_METADATA[0],
    OF_METADATA[1],
    OF_METADATA[2],
    OF_METADATA[3],
    OF_METADATA[4],
    Filter {
        name: "state",
        check: state::check,
    },
    AGE,
];

/// Those that need nothing but what people say about the pod, and its name.
pub(super) const OF_METADATA: [Filter; 5] = [
    Filter {
        name: "mirror",
        check: mirror::check,
    },
    Filter {
        name: "itself",
        check: itself::check,
    },
    Filter {
        name: "labels",
        check: labels::check,
    },
    Filter {
        name: "annotations",
        check: annotations::check,
    },
    Filter {
        name: "name",
        check: pod_name::check,
    },
];

/// The only one whose answer changes by itself.
pub const AGE: Filter = Filter {
    name: "age",
    check: age::check,
};

impl<'cluster> Candidate<'cluster> {
    /// A pod in its cluster.
    pub fn of(pod: &'cluster Pod, cluster: &'cluster Cluster, now: Timestamp) -> Self {
        let owner = match &pod.owner {
            Owner::Known(name) => cluster.owners.get(name),
            Owner::Unknown(_) | Owner::Nobody => None,
        };
        Self {
            pod,
            owner,
            namespace: cluster.namespaces.get(&pod.namespace),
            now,
        }
    }

    /// Whether all filters let it pass.
    pub fn can_be_victim(&self, rules: &Rules) -> bool {
        ALL.iter().all(|filter| (filter.check)(rules, self).is_ok())
    }

    /// The pod, its owner and its namespace, with what they are called.
    fn places(&self) -> impl Iterator<Item = (&'static str, &'cluster Described)> {
        let pod = Some(("pod", &self.pod.described));
        let owner = self.owner.map(|owner| ("owner", owner));
        let namespace = self.namespace.map(|namespace| ("namespace", namespace));
        [pod, owner, namespace].into_iter().flatten()
    }
}

/// The first no, if there is one.
pub fn first_veto(rules: &Rules, candidate: &Candidate<'_>) -> Option<Veto> {
    ALL.iter().find_map(|filter| {
        let reason = (filter.check)(rules, candidate).err()?;
        let by = filter.name;
        Some(Veto { by, reason })
    })
}

#[cfg(test)]
mod tests;
