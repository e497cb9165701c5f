//! Only the leader kills, and only while it still leads when the answer must be there.

use super::{Leadership, Situation};
use crate::agent::Rules;

pub(super) fn check(_: &Rules, situation: &Situation<'_>) -> Result<(), String> {
    match situation.leadership {
        Leadership::Held | Leadership::NotNeeded => Ok(()),
        Leadership::Lost => {
            Err("this agent does not lead for long enough to finish a kill".to_owned())
        }
    }
}
