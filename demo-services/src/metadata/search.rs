//! What a user types, as an expression of FTS5.

/// How many words of a query count.
const MAXIMUM_WORDS: usize = 16;

/// Every word must occur, the last one as the beginning of a word. Nothing if there is no word.
///
/// Words are quoted, so that nothing a user types is an operator.
pub(super) fn expression(query: &str) -> Option<String> {
    let words: Vec<String> = query
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MAXIMUM_WORDS)
        .map(|word| format!("\"{word}\""))
        .collect();
    if words.is_empty() {
        return None;
    }
    Some(format!("{}*", words.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_and_the_last_is_a_beginning() {
        assert_eq!(
            expression("Silent har").as_deref(),
            Some(r#""Silent" "har"*"#)
        );
        assert_eq!(
            expression(r#"a" OR "b"#).as_deref(),
            Some(r#""a" "OR" "b"*"#)
        );
        assert_eq!(expression(" *-^ "), None);
    }
}
