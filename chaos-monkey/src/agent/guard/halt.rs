//! The halt switch, of the agent and of the victim's namespace.

use super::Overall;
use crate::agent::Rules;

pub(super) fn check(_: &Rules, overall: &Overall<'_>) -> Result<(), String> {
    match overall.halts {
        Err(error) => Err(format!(
            "whether there is a halt could not be read: {error}"
        )),
        Ok([]) => Ok(()),
        Ok([halt, ..]) => Err(format!("halted in `{}`: {}", halt.namespace, halt.reason)),
    }
}
