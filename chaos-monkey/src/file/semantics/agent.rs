//! What must hold in the settings of an agent: what is read there is what is applied later.

use super::{Problem, Problems};
use crate::agent::Rules;
use crate::schema::AgentSpec;

/// Every mistake of the settings.
pub(super) fn check(spec: &AgentSpec, problems: &mut Problems) {
    for refused in Rules::of(spec).err().into_iter().flatten() {
        problems.push(Problem::new(refused.key, refused.message).with_value(refused.value));
    }
}
