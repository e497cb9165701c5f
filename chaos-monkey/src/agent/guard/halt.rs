//! The halt switch, of the agent and of the victim's namespace.

use super::Situation;
use crate::agent::Rules;

pub(super) fn check(_: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    match situation.halts {
        Err(error) => Err(format!(
            "whether there is a halt could not be read: {error}"
        )),
        Ok([]) => Ok(()),
        Ok([halt, ..]) => Err(format!("halted in `{}`: {}", halt.namespace, halt.reason)),
    }
}
