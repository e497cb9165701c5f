//! The forms of names and paths, as regular expressions, and what they mean to people.

/// A name that Kubernetes takes too: a DNS label (RFC 1123).
pub(crate) const LABEL: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";

/// A word that can stand in a report, in `${…}` and in the id of a fault.
pub(crate) const WORD: &str = "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$";

/// The path of a URL.
pub(crate) const PATH: &str = "^/";

/// A place in a JSON document (RFC 6901); empty for the whole.
pub(crate) const JSON_POINTER: &str = "^(/.*)?$";

/// A name that HTTP takes for a header (RFC 9110, a token).
pub(crate) const HEADER_NAME: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// A time of day, up to midnight at its end.
pub(crate) const CLOCK_TIME: &str = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";

/// A day of one year, or of every year.
pub(crate) const DAY: &str = "^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// What a text has to be to fit a pattern.
pub(crate) fn meaning(pattern: &str) -> String {
    match pattern {
        LABEL => "lower-case letters, digits and hyphens, at most 63".to_owned(),
        WORD => "letters, digits, hyphens and underscores, at most 63".to_owned(),
        PATH => "a path that begins with `/`".to_owned(),
        JSON_POINTER => "a JSON pointer such as `/session/token`".to_owned(),
        HEADER_NAME => "the name of a header, such as `x-request-id`".to_owned(),
        CLOCK_TIME => "a time from `00:00` to `24:00`".to_owned(),
        DAY => "a day such as `2026-12-31`, or `12-25` for every year".to_owned(),
        other => format!("a text that fits `{other}`"),
    }
}

/// Whether a text fits a pattern. What cannot be evaluated does not fit.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    regex_lite::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_say() {
        for (pattern, text, expected) in [
            (LABEL, "web-1", true),
            (LABEL, "Web", false),
            (LABEL, "-web", false),
            (WORD, "save_Position-2", true),
            (WORD, "a.b", false),
            (WORD, "", false),
            (PATH, "/x", true),
            (PATH, "x/", false),
            (JSON_POINTER, "", true),
            (JSON_POINTER, "/a/0", true),
            (JSON_POINTER, "a", false),
            (HEADER_NAME, "x-request-id", true),
            (HEADER_NAME, "x request", false),
            (CLOCK_TIME, "09:00", true),
            (CLOCK_TIME, "24:00", true),
            (CLOCK_TIME, "25:00", false),
            (CLOCK_TIME, "24:01", false),
            (CLOCK_TIME, "9:00", false),
            (DAY, "2026-12-31", true),
            (DAY, "12-25", true),
            (DAY, "13-01", false),
            (DAY, "25.12.", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{text:?} and {pattern}");
        }
    }
}
