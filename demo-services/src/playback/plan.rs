//! What each plan allows.

/// How many streams at once a plan allows; nothing for a plan that does not exist.
pub(super) fn streams(plan: &str) -> Option<u32> {
    match plan {
        "basic" => Some(1),
        "standard" => Some(2),
        "premium" => Some(4),
        _ => None,
    }
}

/// Whether a plan covers a title.
pub(super) fn covers(plan: &str, premium_title: bool) -> bool {
    !premium_title || plan == "premium"
}
