//! The game days that come with the demo. They are files for people to read and copy, and part
//! of the binary so that it needs no folder beside it.

/// Name and text of each, the default first.
const GAME_DAYS: [(&str, &str); 7] = [
    ("default", include_str!("../../game-days/default.yaml")),
    (
        "single-kills",
        include_str!("../../game-days/single-kills.yaml"),
    ),
    (
        "recommendations-gone",
        include_str!("../../game-days/recommendations-gone.yaml"),
    ),
    (
        "metadata-gone",
        include_str!("../../game-days/metadata-gone.yaml"),
    ),
    ("auth-gone", include_str!("../../game-days/auth-gone.yaml")),
    (
        "paused-replica",
        include_str!("../../game-days/paused-replica.yaml"),
    ),
    (
        "planted-bug",
        include_str!("../../game-days/planted-bug.yaml"),
    ),
];

/// The name of the one that runs when none is named.
pub(super) const DEFAULT: &str = "default";

/// Name and text of each, the default first.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    GAME_DAYS.into_iter()
}

/// The text of a game day.
pub(super) fn text(name: &str) -> Option<&'static str> {
    all()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| text)
}
