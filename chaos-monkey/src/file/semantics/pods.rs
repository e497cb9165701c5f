//! What must hold in the binding of a service to pods.

use std::collections::BTreeMap;

use super::{Problem, Problems};
use crate::agent::selector::Selector;
use crate::file::KeyPath;
use crate::schema::{Kind, KubernetesBinding, Reach};
use crate::target::Endpoint;

/// The pods that services have, each with the place that says so.
pub(super) type Taken<'spec> = BTreeMap<(&'spec str, &'spec str), KeyPath>;

/// Every mistake of a binding.
pub(super) fn check<'spec>(
    binding: &'spec KubernetesBinding,
    key: &KeyPath,
    taken: &mut Taken<'spec>,
    problems: &mut Problems,
) {
    let pods = key.key("pods");
    selector(&binding.pods, &pods, problems);
    let chosen = (binding.namespace.as_str(), binding.pods.trim());
    match taken.get(&chosen) {
        Some(earlier) => {
            let message = format!("{earlier} has the same pods: choose others by their labels");
            let problem = Problem::new(pods, message).with_value(&binding.pods);
            problems.push(problem.given(Kind::System, earlier.clone()));
        }
        None => drop(taken.insert(chosen, pods)),
    }
    if let Some(Reach::Url(url)) = &binding.reach
        && let Err(error) = url.parse::<Endpoint>()
    {
        let key = key.key("reach").key("url");
        problems.push(Problem::new(key, error.to_string()).with_value(url));
    }
}

fn selector(text: &str, key: &KeyPath, problems: &mut Problems) {
    let message = if text.trim().is_empty() {
        "these would be all pods of the namespace: name a label, such as `app=web`".to_owned()
    } else {
        match text.parse::<Selector>() {
            Ok(_) => return,
            Err(error) => error.to_string(),
        }
    };
    problems.push(Problem::new(key.clone(), message).with_value(text));
}
