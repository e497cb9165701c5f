//! From what stands in the cluster to a game day that may be run, or all that is wrong with it.

use serde_json::{Value, json};

use super::store::ReadDay;
use crate::agent::game_day::{reached_by_services, refusals};
use crate::file::{Backend, load_values};
use crate::schema::{API_VERSION, GameDay, Kind, System};

/// The game day and its system, held against the same rules as files, and against what an agent
/// does for nobody.
///
/// # Errors
///
/// Everything that is wrong, each with its place.
pub(super) fn checked(
    day: &ReadDay,
    system: &Value,
) -> Result<Box<(GameDay, System)>, Vec<String>> {
    let document = |kind: Kind, name: &str, spec: &Value| {
        let value = json!({
            "apiVersion": API_VERSION, "kind": kind.as_str(), "metadata": {"name": name},
            "spec": spec,
        });
        (format!("{} {name}", kind.as_str()), value)
    };
    let values = [
        document(Kind::System, day.system(), system),
        document(Kind::GameDay, &day.name, &day.spec),
    ];
    let documents = load_values(&values, Backend::Kubernetes).map_err(|mistakes| {
        let mistakes = mistakes.list().iter().map(ToString::to_string);
        mistakes.collect::<Vec<_>>()
    })?;
    let found = documents.game_day(None);
    let (game_day, system) = found.map_err(|mistake| vec![mistake.to_string()])?;
    let refusals = refusals(&day.namespace, game_day, system);
    if !refusals.is_empty() {
        return Err(refusals.iter().map(ToString::to_string).collect());
    }
    let system = reached_by_services(&day.namespace, system);
    Ok(Box::new((game_day.clone(), system)))
}
