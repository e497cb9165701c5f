//! The word that was probably meant.

/// The known word that is nearest to a given one, if it is near enough to be a slip.
pub(super) fn nearest<'known>(given: &str, known: &[&'known str]) -> Option<&'known str> {
    let distance = |word: &str| strsim::damerau_levenshtein(given, word);
    let limit = (given.chars().count() / 3).clamp(1, 3);
    known
        .iter()
        .copied()
        .filter(|word| distance(word) <= limit)
        .min_by_key(|word| distance(word))
        .or_else(|| {
            let same = |word: &&str| word.eq_ignore_ascii_case(given);
            known.iter().copied().find(same)
        })
}

/// A question if a known word was probably meant, otherwise all of them.
pub(super) fn hint(given: &str, known: &[&str]) -> String {
    match nearest(given, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => one_of(known),
    }
}

/// What would be right.
pub(super) fn one_of(known: &[&str]) -> String {
    match known {
        [] => "there is none".to_owned(),
        [only] => format!("expected `{only}`"),
        several => format!("expected one of {}", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["replicas", "command", "restartDelay", "kill"];
        assert_eq!(nearest("replcias", &known), Some("replicas"));
        assert_eq!(nearest("restart_delay", &known), Some("restartDelay"));
        assert_eq!(nearest("KILL", &known), Some("kill"));
        assert_eq!(nearest("kil", &known), Some("kill"));
        assert_eq!(nearest("image", &known), None);
    }
}
