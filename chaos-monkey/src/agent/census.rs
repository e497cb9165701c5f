//! What watches know of a cluster: which owners have pods that may be killed. It only proposes;
//! what decides is read afresh.
//!
//! It is made for a hundred thousand pods: of each it keeps a few numbers, and what the filters
//! say of it at once instead of the texts from which they say it.

use std::collections::BTreeMap;
#[allow(
    clippy::disallowed_types,
    reason = "its order cannot be seen: what comes out is sorted"
)]
use std::collections::HashMap;

use super::Rules;
use super::cluster::{Owner, OwnerName, Pod};
use super::draw::NameHash;
use super::filter::namespace::is_chosen;
use super::filter::opt_in::{self, Said};
use super::filter::{Candidate, OF_METADATA};
use super::object::ObjectMetadata;
use super::workload::{Misread, Narrowing};
use crate::hash::fnv1a;
use crate::schema::OwnerKind;

/// What watches know of a cluster.
#[derive(Debug, Default)]
#[allow(
    clippy::disallowed_types,
    reason = "its order cannot be seen: what comes out is sorted"
)]
pub struct Census {
    namespaces: BTreeMap<String, KnownNamespace>,
    owners: HashMap<OwnerName, KnownOwner>,
    /// The names of owners by their numbers, so that a pod needs only a number.
    names: Vec<OwnerName>,
    pods: HashMap<u128, KnownPod>,
    /// Pods that can never be victims as they are, to be counted.
    refused: HashMap<u128, RefusedPod>,
    /// How many names of owners may not be needed any more.
    forgotten: usize,
}

/// How many names are kept that may not be needed, at least.
const FORGOTTEN_NAMES: usize = 1_000;

#[derive(Debug, Clone, Copy)]
struct KnownNamespace {
    is_chosen: bool,
    said: Said,
    round: u32,
}

#[derive(Debug, Clone)]
struct KnownOwner {
    number: u32,
    /// What is known of it, if it was seen itself and not only named by a pod.
    seen: Option<SeenOwner>,
}

#[derive(Debug, Clone)]
struct SeenOwner {
    behind: Behind,
    said: Said,
    /// Nothing where it has no annotations that matter, as most.
    says: Option<Box<Result<Narrowing, Misread>>>,
    round: u32,
}

#[derive(Debug, Clone)]
enum Behind {
    Nobody,
    Known(OwnerName),
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct KnownPod {
    owner: u32,
    said: Said,
    hash: NameHash,
    round: u32,
}

#[derive(Debug, Clone, Copy)]
struct RefusedPod {
    /// The filter that has said no.
    by: &'static str,
    namespace: u64,
    round: u32,
}

/// What a census says at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// The owners of pods that may be killed, in the order of their names.
    pub proposals: Vec<Proposal>,
    /// How many running pods each filter has refused, by its name.
    pub filtered: BTreeMap<&'static str, usize>,
}

/// An owner of pods that may be killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Which.
    pub owner: OwnerName,
    /// Its pods, for drawing.
    pub pods: Vec<NameHash>,
    /// What it says about how it is killed from.
    pub narrowing: Narrowing,
}

impl Census {
    /// Takes in a namespace. `round` is that of the list or watch that tells of it.
    pub fn namespace(&mut self, rules: &Rules, metadata: ObjectMetadata, round: u32) {
        let name = metadata.name.clone();
        let described = metadata.described();
        let known = KnownNamespace {
            is_chosen: is_chosen(rules, &name, &described.labels).is_ok(),
            said: Said::of(&described),
            round,
        };
        self.namespaces.insert(name, known);
    }

    /// Takes in a controller.
    pub fn owner(&mut self, rules: &Rules, kind: OwnerKind, metadata: ObjectMetadata, round: u32) {
        let name = OwnerName {
            namespace: metadata.namespace.clone(),
            kind,
            name: metadata.name.clone(),
        };
        let behind = match metadata.owner() {
            Owner::Nobody => Behind::Nobody,
            Owner::Known(name) => Behind::Known(name),
            Owner::Unknown(_) => Behind::Unknown,
        };
        let described = metadata.described();
        let narrowing = Narrowing::of(&described, rules);
        let seen = SeenOwner {
            behind,
            said: Said::of(&described),
            says: (narrowing != Ok(Narrowing::default())).then(|| Box::new(narrowing)),
            round,
        };
        let number = self.number(&name);
        self.owners.insert(
            name,
            KnownOwner {
                number,
                seen: Some(seen),
            },
        );
    }

    /// Takes in a pod that runs. One that can never be a victim as it is is forgotten.
    pub fn pod(&mut self, rules: &Rules, metadata: ObjectMetadata, round: u32) {
        let Some(uid) = identity(&metadata.uid) else {
            return;
        };
        let namespace = fnv1a(metadata.namespace.as_bytes());
        match self.known(rules, metadata, round) {
            Ok(known) => {
                self.refused.remove(&uid);
                self.pods.insert(uid, known);
            }
            Err(by) => {
                self.pods.remove(&uid);
                let refused = RefusedPod {
                    by,
                    namespace,
                    round,
                };
                self.refused.insert(uid, refused);
            }
        }
    }

    /// What is kept of a pod, or the filter that refuses it.
    fn known(
        &mut self,
        rules: &Rules,
        metadata: ObjectMetadata,
        round: u32,
    ) -> Result<KnownPod, &'static str> {
        let Owner::Known(owner) = metadata.owner() else {
            return Err("owner");
        };
        if metadata.deletion_timestamp.is_some() {
            return Err("state");
        }
        let pod = Pod::of_metadata(metadata);
        let candidate = Candidate {
            pod: &pod,
            owner: None,
            namespace: None,
            now: pod.created,
        };
        let said = Said::of(&pod.described);
        if said == Said::Withheld {
            return Err("opt-in");
        }
        let mut filters = OF_METADATA.iter();
        if let Some(filter) = filters.find(|it| (it.check)(rules, &candidate).is_err()) {
            return Err(filter.name);
        }
        Ok(KnownPod {
            owner: self.number(&owner),
            said,
            hash: NameHash::of_pod(&pod),
            round,
        })
    }

    /// Forgets a pod that is gone or does not run any more.
    pub fn forget_pod(&mut self, uid: &str) {
        if let Some(uid) = identity(uid) {
            self.pods.remove(&uid);
            self.refused.remove(&uid);
        }
    }

    /// Forgets a controller that is gone.
    pub fn forget_owner(&mut self, kind: OwnerKind, namespace: &str, name: &str) {
        let name = OwnerName {
            namespace: namespace.to_owned(),
            kind,
            name: name.to_owned(),
        };
        if let Some(owner) = self.owners.get_mut(&name) {
            owner.seen = None;
            self.forgotten += 1;
        }
        self.give_up_names();
    }

    /// Gives up the names that neither a pod nor a controller needs any more, once there may be
    /// many of them: each rollout leaves the name of a ReplicaSet behind.
    fn give_up_names(&mut self) {
        if self.forgotten <= FORGOTTEN_NAMES + self.owners.len() / 2 {
            return;
        }
        let mut is_needed = vec![false; self.names.len()];
        for pod in self.pods.values() {
            is_needed[pod.owner as usize] = true;
        }
        self.owners
            .retain(|_, owner| owner.seen.is_some() || is_needed[owner.number as usize]);
        let mut new_numbers = vec![0; self.names.len()];
        self.names = Vec::with_capacity(self.owners.len());
        for (name, owner) in &mut self.owners {
            let number = self.names.len() as u32;
            new_numbers[owner.number as usize] = number;
            owner.number = number;
            self.names.push(name.clone());
        }
        for pod in self.pods.values_mut() {
            pod.owner = new_numbers[pod.owner as usize];
        }
        self.forgotten = 0;
    }

    /// Forgets a namespace that is gone.
    pub fn forget_namespace(&mut self, name: &str) {
        self.namespaces.remove(name);
    }

    /// A list of namespaces is complete: what it has not told of is gone. It is one of a single
    /// namespace, or of all.
    pub fn namespaces_complete(&mut self, round: u32, only: Option<&str>) {
        self.namespaces
            .retain(|name, known| known.round == round || !is_in(only, name));
    }

    /// A list of the controllers of one kind is complete, in one namespace or in all.
    pub fn owners_complete(&mut self, kind: OwnerKind, round: u32, only: Option<&str>) {
        for (name, owner) in &mut self.owners {
            let is_listed = name.kind == kind && is_in(only, &name.namespace);
            if is_listed && owner.seen.as_ref().is_some_and(|it| it.round != round) {
                owner.seen = None;
                self.forgotten += 1;
            }
        }
        self.give_up_names();
    }

    /// A list of pods is complete, in one namespace or in all.
    pub fn pods_complete(&mut self, round: u32, only: Option<&str>) {
        let names = &self.names;
        self.pods.retain(|_, pod| {
            pod.round == round || !is_in(only, &names[pod.owner as usize].namespace)
        });
        let only = only.map(|name| fnv1a(name.as_bytes()));
        self.refused
            .retain(|_, pod| pod.round == round || only.is_some_and(|only| only != pod.namespace));
    }

    /// How many pods it knows that can be victims but for their owner, their namespace and their
    /// state.
    pub fn pod_count(&self) -> usize {
        self.pods.len()
    }

    /// The owners of pods that may be killed, and how many pods the filters have refused.
    pub fn survey(&self, rules: &Rules) -> Survey {
        let tops: Vec<Result<Top<'_>, &'static str>> = self
            .names
            .iter()
            .map(|name| self.top(rules, name))
            .collect();
        let mut proposals: BTreeMap<&OwnerName, (Narrowing, Vec<NameHash>)> = BTreeMap::new();
        let mut filtered: BTreeMap<&'static str, usize> = BTreeMap::new();
        for pod in self.refused.values() {
            *filtered.entry(pod.by).or_default() += 1;
        }
        for pod in self.pods.values() {
            let top = tops
                .get(pod.owner as usize)
                .map_or(Err("owner"), |top| match top {
                    Ok(top) => Ok(top),
                    Err(by) => Err(*by),
                });
            match top.and_then(|top| Ok((top, top.passes(rules, pod.said)?))) {
                Ok((top, narrowing)) => {
                    let proposal = proposals.entry(top.name).or_default();
                    proposal.0 = narrowing;
                    proposal.1.push(pod.hash);
                }
                Err(by) => *filtered.entry(by).or_default() += 1,
            }
        }
        let proposals = proposals.into_iter();
        let proposals = proposals
            .map(|(owner, (narrowing, mut pods))| {
                pods.sort_unstable();
                Proposal {
                    owner: owner.clone(),
                    pods,
                    narrowing,
                }
            })
            .collect();
        Survey {
            proposals,
            filtered,
        }
    }

    /// The owners that might be killed from, did they not say what nobody understands.
    pub fn misread(&self, rules: &Rules) -> BTreeMap<OwnerName, Misread> {
        let says_wrong = |(name, owner): (&OwnerName, &KnownOwner)| {
            let says = owner.seen.as_ref()?.says.as_deref()?;
            let misread = says.as_ref().err()?;
            let top = self.top(rules, name).ok()?;
            let is_open = top.said != Said::Withheld && top.of_namespace != Said::Withheld;
            (top.name == name && is_open).then(|| (name.clone(), misread.clone()))
        };
        self.owners.iter().filter_map(says_wrong).collect()
    }

    /// The topmost controller behind one that a pod names, if pods of it may be killed; else the
    /// filter that refuses them.
    fn top(&self, rules: &Rules, named: &OwnerName) -> Result<Top<'_>, &'static str> {
        /// More than Kubernetes has, so that a circle ends.
        const DEEPEST: usize = 4;
        let known = |name: &OwnerName| self.owners.get_key_value(name).ok_or("owner");
        let (mut name, mut owner) = known(named)?;
        for _ in 0..DEEPEST {
            let seen = owner.seen.as_ref().ok_or("owner")?;
            match &seen.behind {
                Behind::Unknown => return Err("owner"),
                Behind::Known(behind) => (name, owner) = known(behind)?,
                Behind::Nobody => {
                    let namespace = self.namespaces.get(&name.namespace);
                    let namespace = namespace.filter(|it| it.is_chosen).ok_or("namespace")?;
                    if !rules.owner_kinds.contains(&name.kind) {
                        return Err("owner");
                    }
                    let own = rules.itself.as_ref().and_then(|it| it.owner.as_ref());
                    if own == Some(name) {
                        return Err("itself");
                    }
                    return Ok(Top {
                        name,
                        said: seen.said,
                        of_namespace: namespace.said,
                        says: match seen.says.as_deref() {
                            Some(says) => says.as_ref().copied(),
                            None => Ok(Narrowing::default()),
                        },
                    });
                }
            }
        }
        Err("owner")
    }

    fn number(&mut self, name: &OwnerName) -> u32 {
        if let Some(owner) = self.owners.get(name) {
            return owner.number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.owners
            .insert(name.clone(), KnownOwner { number, seen: None });
        number
    }
}

/// The topmost controller behind a pod.
struct Top<'census> {
    name: &'census OwnerName,
    said: Said,
    of_namespace: Said,
    says: Result<Narrowing, &'census Misread>,
}

impl Top<'_> {
    /// What it says about a pod of it that says this, or the filter that refuses that.
    fn passes(&self, rules: &Rules, said: Said) -> Result<Narrowing, &'static str> {
        if !opt_in::is_open(rules.opt_in, [said, self.said, self.of_namespace]) {
            return Err("opt-in");
        }
        self.says.map_err(|_| "workload")
    }
}

/// Whether a list that is of one namespace, or of all, is of this one, too.
fn is_in(only: Option<&str>, namespace: &str) -> bool {
    only.is_none_or(|only| only == namespace)
}

/// A unique identity as a number: a quarter of what its text takes.
fn identity(uid: &str) -> Option<u128> {
    let digits: String = uid.chars().filter(|letter| *letter != '-').collect();
    u128::from_str_radix(&digits, 16).ok()
}

#[cfg(test)]
mod tests;
