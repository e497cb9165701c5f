//! Where the client stack allocates, and why.

use std::path::Path;

/// A place that allocates.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// How often in one call.
    pub count: f64,
    /// How much in one call.
    pub bytes: f64,
    /// As [`place`] names it.
    pub place: String,
}

impl Site {
    /// Reads a line that the program `sites` wrote.
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.splitn(3, ' ');
        Some(Self {
            count: fields.next()?.parse().ok()?,
            bytes: fields.next()?.parse().ok()?,
            place: fields.next()?.to_owned(),
        })
    }
}

/// What justifies the places that begin so.
const REASONS: [(&str, &str); 8] = [
    (
        "balance/tried: ",
        "the endpoints that were tried, shared by the retry with the balancer",
    ),
    (
        "body/collect: ",
        "a body that turns out larger than the limit is handed on, and must not move once read",
    ),
    (
        "context/headers: insert",
        "the map of headers, where the caller set none",
    ),
    (
        "context/headers: from",
        "the value of a header: trace, time left",
    ),
    (
        "context/mod: new",
        "the trace begins here; inside a server the context of its request is shared instead",
    ),
    (
        "context/carried: ",
        "what the parts tell each other about a call, as one value: HTTP's extensions are a boxed \
         map with a box for each value",
    ),
    (
        "stack/lazy: ",
        "everything below the retry, so that what stands above it is small when it is moved",
    ),
    (
        "stack/client: ",
        "a client whose type does not name its parts: a clone of the stack, since readiness \
         belongs to one call, and then the future of the whole stack, in one box",
    ),
];

pub fn reason(site: &Site) -> Option<&'static str> {
    let mut reasons = REASONS.iter();
    let fits = |(place, _): &&(&str, _)| site.place.starts_with(place);
    reasons.find(fits).map(|(_, reason)| *reason)
}

/// The innermost file of the middleware among `frames` (innermost first), and what it called.
pub fn place(frames: &[&str]) -> String {
    let is_ours = |frame: &&str| file(frame).is_some();
    let Some(index) = frames.iter().position(is_ours) else {
        return "outside of the middleware".to_owned();
    };
    let called = index.checked_sub(1).map_or("", |inner| frames[inner]);
    let file = file(frames[index]).unwrap_or_default();
    format!("{file}: {}", function(called))
}

/// The file of a frame such as `0x1234: call<A, B> (src/retry/service.rs:75:5)`, if it is one of
/// the middleware: paths are those of each crate, so it is looked up.
fn file(frame: &str) -> Option<&str> {
    let (_, location) = frame.rsplit_once(" (")?;
    let (path, _) = location.split_once(".rs:")?;
    let name = path
        .strip_prefix("src/")
        .or_else(|| Some(path.rsplit_once("/resilience/src/")?.1))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resilience/src");
    let is_ours = root.join(name).with_extension("rs").is_file();
    is_ours.then_some(name)
}

/// `insert<a::b::C>` as `insert<C>`.
fn function(frame: &str) -> String {
    let frame = frame.split_once(": ").map_or(frame, |(_, rest)| rest);
    let name = frame.rsplit_once(" (").map_or(frame, |(name, _)| name);
    let is_word = |letter: char| letter.is_alphanumeric() || "_:".contains(letter);
    let mut short = String::new();
    for (index, word) in name.split_inclusive(|letter| !is_word(letter)).enumerate() {
        let begin = word.trim_end_matches(|letter| !is_word(letter));
        let begin = begin.rfind("::").map_or(0, |colons| colons + 2);
        // Two levels of generics say enough.
        if index > 1 && short.matches('<').count() > 1 {
            return format!("{}…", short.trim_end_matches('<'));
        }
        short.push_str(&word[begin..]);
    }
    short
}
