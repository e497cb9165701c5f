//! Only the leader kills, and only while it still leads when the answer must be there.

use super::{Leadership, Overall};
use crate::agent::Rules;

pub(super) fn check(_: &Rules, overall: &Overall<'_>) -> Result<(), String> {
    match overall.leadership {
        Leadership::Held | Leadership::NotNeeded => Ok(()),
        Leadership::Lost => {
            Err("this agent does not lead for long enough to finish a kill".to_owned())
        }
    }
}
