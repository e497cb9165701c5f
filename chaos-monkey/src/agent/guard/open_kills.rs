//! Nothing more is killed while owners of earlier victims are not whole again.

use super::Overall;
use crate::agent::Rules;

pub(super) fn check(rules: &Rules, overall: &Overall<'_>) -> Result<(), String> {
    let most = rules.guards.open_kills;
    let of_others = overall.of_other_occasions();
    let open: Vec<_> = of_others.filter(|entry| !entry.is_whole).collect();
    match open.as_slice() {
        [first, ..] if open.len() >= most as usize => Err(format!(
            "{} is not whole again since `{}` was killed at {}, and spec.guards.openKills is {most}",
            first.owner, first.pod, first.at
        )),
        _ => Ok(()),
    }
}
