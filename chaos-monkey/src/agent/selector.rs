//! Selectors of labels, as `kubectl get --selector` reads them.
//!
//! `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b, c)`, `a`, `!a`, `a>1`, `a<1`, with commas
//! between them, all of which must hold. As in Kubernetes, `!=` and `notin` hold where the key is
//! missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::schema::patterns::fits;

/// A name after the prefix of a key, or a value: letters, digits, and `-_.` inside.
const NAME: &str = "^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$";

/// The prefix of a key, a DNS name.
const PREFIX: &str = "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$";

/// Selects by labels or annotations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    text: String,
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    holds: Holds,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Holds {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Missing,
    Above(i64),
    Below(i64),
}

/// A text that is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: write it as `kubectl get --selector` reads it, such as `app=web,tier notin (test)`")]
pub struct NoSelector(String);

impl Selector {
    /// Reads a selector of annotations, whose values can be any text: between quotes, as JSON
    /// writes it, where it is more than a value of a label could be.
    ///
    /// # Errors
    ///
    /// A text that is none.
    pub fn of_annotations(text: &str) -> Result<Self, NoSelector> {
        let mut letters = "quoted".to_owned();
        while text.contains(&letters) {
            letters.push('d');
        }
        let (plain, values) = without_quotes(text, &letters)?;
        let mut selector: Self = plain.parse()?;
        text.trim().clone_into(&mut selector.text);
        for requirement in &mut selector.requirements {
            if let Holds::In(words) | Holds::NotIn(words) = &mut requirement.holds {
                let words_meant = words.iter().map(|word| {
                    let number = word.strip_prefix(&letters)?.parse::<usize>().ok()?;
                    values.get(number).cloned()
                });
                let words_meant = words_meant.zip(words.iter());
                *words = words_meant
                    .map(|(meant, word)| meant.unwrap_or_else(|| word.clone()))
                    .collect();
            }
        }
        Ok(selector)
    }

    /// Whether all requirements hold.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let holds = |one: &Requirement| one.holds.on(labels.get(&one.key).map(String::as_str));
        self.requirements.iter().all(holds)
    }
}

impl Holds {
    fn on(&self, value: Option<&str>) -> bool {
        let number = || value?.parse::<i64>().ok();
        match self {
            Self::In(values) => value.is_some_and(|value| values.contains(value)),
            Self::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
            Self::Above(bound) => number().is_some_and(|number| number > *bound),
            Self::Below(bound) => number().is_some_and(|number| number < *bound),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for Selector {
    type Err = NoSelector;

    fn from_str(text: &str) -> Result<Self, NoSelector> {
        let requirements = split(text)?
            .into_iter()
            .map(|part| requirement(part.trim()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            text: text.trim().to_owned(),
            requirements,
        })
    }
}

/// A text with a word in place of each quoted text, and those texts.
fn without_quotes(text: &str, word: &str) -> Result<(String, Vec<String>), NoSelector> {
    let (mut plain, mut values) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some((before, quoted)) = rest.split_once('"') {
        let mut is_escaped = false;
        let end = quoted.find(|letter| {
            let is_end = letter == '"' && !is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            is_end
        });
        let Some(end) = end else {
            return Err(NoSelector("a quote has no other one".to_owned()));
        };
        let value = serde_json::from_str(&format!("\"{}\"", &quoted[..end]));
        let value = value
            .map_err(|error| NoSelector(format!("what is between quotes is no text ({error})")))?;
        plain.push_str(before);
        plain.push_str(word);
        plain.push_str(&values.len().to_string());
        values.push(value);
        rest = &quoted[end + 1..];
    }
    plain.push_str(rest);
    Ok((plain, values))
}

/// At the commas that are not between parentheses.
fn split(text: &str) -> Result<Vec<&str>, NoSelector> {
    let mut parts = Vec::new();
    let (mut start, mut is_inside) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' if is_inside => {
                return Err(NoSelector("a `(` stands inside of another".to_owned()));
            }
            ')' if !is_inside => return Err(NoSelector("a `)` has no `(`".to_owned())),
            '(' => is_inside = true,
            ')' => is_inside = false,
            ',' if !is_inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if is_inside {
        return Err(NoSelector("a `(` has no `)`".to_owned()));
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn requirement(part: &str) -> Result<Requirement, NoSelector> {
    if part.is_empty() {
        return Err(NoSelector("a requirement is empty".to_owned()));
    }
    if let Some(key) = part.strip_prefix('!') {
        return of(key, Holds::Missing);
    }
    if let Some((before, list)) = part.split_once('(') {
        return of_list(before.trim_end(), list);
    }
    for (sign, is_equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = part.split_once(sign) {
            let values = BTreeSet::from([self::value(value)?]);
            let holds = if is_equal { Holds::In } else { Holds::NotIn };
            return of(key, holds(values));
        }
    }
    for (sign, is_above) in [('>', true), ('<', false)] {
        if let Some((key, bound)) = part.split_once(sign) {
            let number = bound.trim().parse();
            let number = number.map_err(|_| NoSelector(format!("`{bound}` is no number")))?;
            let holds = if is_above { Holds::Above } else { Holds::Below };
            return of(key, holds(number));
        }
    }
    of(part, Holds::Exists)
}

/// What stands before a `(` and after it.
fn of_list(before: &str, list: &str) -> Result<Requirement, NoSelector> {
    let Some((key, word)) = before.rsplit_once(char::is_whitespace) else {
        return Err(NoSelector(format!("there is no operator in `{before}`")));
    };
    let Some((list, "")) = list.split_once(')').map(|(list, rest)| (list, rest.trim())) else {
        return Err(NoSelector(format!("something follows the `)` of `{key}`")));
    };
    let values = list.split(',').map(value).collect::<Result<_, _>>()?;
    match word {
        "in" => of(key, Holds::In(values)),
        "notin" => of(key, Holds::NotIn(values)),
        other => Err(NoSelector(format!(
            "there is no operator `{other}`, only `in` and `notin`"
        ))),
    }
}

fn of(key: &str, holds: Holds) -> Result<Requirement, NoSelector> {
    let key = key.trim();
    let (prefix, name) = key
        .split_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if !fits(NAME, name) || prefix.is_some_and(|prefix| !fits(PREFIX, prefix)) {
        return Err(NoSelector(format!("`{key}` is no key of a label")));
    }
    let key = key.to_owned();
    Ok(Requirement { key, holds })
}

fn value(text: &str) -> Result<String, NoSelector> {
    let text = text.trim();
    if text.is_empty() || fits(NAME, text) {
        return Ok(text.to_owned());
    }
    Err(NoSelector(format!("`{text}` is no value of a label")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(text: &str) -> BTreeMap<String, String> {
        text.split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn it_selects_as_kubernetes_does() {
        for (selector, on, expected) in [
            ("app=web", "app=web", true),
            ("app==web", "app=web,x=1", true),
            ("app = web", "app=api", false),
            ("app=web", "", false),
            ("app!=web", "app=api", true),
            ("app!=web", "", true),
            ("app!=web", "app=web", false),
            ("app in (web, api)", "app=api", true),
            ("app in (web,api)", "app=db", false),
            ("app in (web,api)", "", false),
            ("app notin (web)", "app=db", true),
            ("app notin (web)", "", true),
            ("app notin (web)", "app=web", false),
            ("app in ()", "app=", true),
            ("app", "app=", true),
            ("app", "", false),
            ("!app", "", true),
            ("! app", "app=web", false),
            ("zone>3", "zone=4", true),
            ("zone>3", "zone=3", false),
            ("zone<3", "zone=-2", true),
            ("zone<3", "zone=many", false),
            ("app=", "app=", true),
            ("a.b/c=1,!d,e in (f)", "a.b/c=1,e=f", true),
            ("a.b/c=1,!d,e in (f)", "a.b/c=1,e=f,d=", false),
        ] {
            let parsed: Selector = selector.parse().unwrap();
            assert_eq!(parsed.selects(&labels(on)), expected, "{selector} on {on}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for (text, why) in [
            ("", "empty"),
            ("app=web,", "empty"),
            ("app=we b", "no value"),
            ("app=a=b", "no value"),
            ("ap p", "no key"),
            ("-app=1", "no key"),
            ("a/b/c=1", "no key"),
            ("A.b/c=1", "no key"),
            ("app in (web", "has no `)`"),
            ("app in web)", "has no `(`"),
            ("app in ((web)", "inside"),
            ("app into (web)", "no operator `into`"),
            ("(web)", "no operator"),
            ("app in (web) x", "follows"),
            ("zone>many", "no number"),
        ] {
            let error = text.parse::<Selector>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn values_of_annotations_can_be_any_text() {
        let url = r#"link="https://wiki/x?a=b,(c)",team in ("a b", ops),note!="say \"no\"""#;
        let selector = Selector::of_annotations(url).unwrap();
        assert_eq!(selector.to_string(), url);
        let mut on = labels("team=ops");
        on.insert("link".to_owned(), "https://wiki/x?a=b,(c)".to_owned());
        assert!(selector.selects(&on));
        on.insert("team".to_owned(), "a b".to_owned());
        assert!(selector.selects(&on));
        on.insert("note".to_owned(), "say \"no\"".to_owned());
        assert!(!selector.selects(&on));
        let plain = Selector::of_annotations("quoted=quoted0").unwrap();
        assert!(plain.selects(&labels("quoted=quoted0")));
        for (text, why) in [
            ("a=\"b", "has no other one"),
            ("a=\"\\x\"", "is no text"),
            ("a=b c", "no value"),
            ("\"a\"=b c", "no value"),
        ] {
            let error = Selector::of_annotations(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[a-z!=<>(),. /é"\\-]{0,40}"#) {
            let _ = text.parse::<Selector>();
            let _ = Selector::of_annotations(&text);
        }
    }
}
