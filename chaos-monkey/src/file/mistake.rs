//! One mistake in a file, and all of them.

use std::fmt;

/// The way to a value, as in `spec.timeline.faults[0].at`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyPath(Vec<Segment>);

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Segment {
    /// The value of a key.
    Key(String),
    /// An item of a list, counted from 0.
    Index(usize),
}

impl KeyPath {
    /// The whole document.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// A path of keys, written with dots, as in `spec.timeline`.
    pub fn dotted(keys: &str) -> Self {
        Self(
            keys.split('.')
                .map(|key| Segment::Key(key.to_owned()))
                .collect(),
        )
    }

    /// The path to the value of a key in here.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    /// The path to an item in here, counted from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    /// Whether this is `other` or lies inside of it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.0
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Key(key) if position == 0 => formatter.write_str(key)?,
                Segment::Key(key) => write!(formatter, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Where a mistake stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1; 0 if the mistake concerns the file as a whole.
    pub line: usize,
    /// The column in characters, counted from 1; 0 if the mistake concerns the file as a whole.
    pub column: usize,
    /// The text of the line.
    pub source: String,
}

/// One mistake: where, which key, which value, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it stands; nothing for a resource that was built in code.
    pub place: Option<Place>,
    /// The key.
    pub key: KeyPath,
    /// The value as it was written, if the mistake is one of a value.
    pub value: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Mistake {
    /// A mistake that stands nowhere.
    pub(super) fn unplaced(message: String) -> Self {
        Self {
            place: None,
            key: KeyPath::root(),
            value: None,
            message,
        }
    }

    /// A mistake that concerns a file as a whole.
    pub(super) fn of_file(file: &str, message: String) -> Self {
        Self {
            place: Some(Place {
                file: file.to_owned(),
                line: 0,
                column: 0,
                source: String::new(),
            }),
            key: KeyPath::root(),
            value: None,
            message,
        }
    }
}

impl fmt::Display for Mistake {
    /// One line: `FILE:LINE:COLUMN: KEY: MESSAGE`, without what is not known. The alternate form
    /// (`{:#}`) adds the line of the file and a caret under the place.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{}:", place.file)?;
            if place.line > 0 {
                write!(formatter, "{}:{}:", place.line, place.column)?;
            }
            formatter.write_str(" ")?;
        }
        if !self.key.segments().is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        formatter.write_str(&self.message)?;
        match &self.place {
            Some(place) if formatter.alternate() && place.line > 0 => {
                write_source(formatter, place)
            }
            _ => Ok(()),
        }
    }
}

fn write_source(formatter: &mut fmt::Formatter<'_>, place: &Place) -> fmt::Result {
    let number = place.line.to_string();
    // Tabs stay tabs, so that the caret stands under its place whatever their width.
    let indent: String = place
        .source
        .chars()
        .take(place.column.saturating_sub(1))
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    let margin = " ".repeat(number.len());
    write!(
        formatter,
        "\n  {number} | {}\n  {margin} | {indent}^",
        place.source
    )
}

/// All mistakes that were found, in the order in which they stand; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub(crate) Vec<Mistake>);

impl Mistakes {
    /// The mistakes.
    pub fn list(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for Mistakes {
    /// One mistake after the other, each with the line it stands in if the form is alternate.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, mistake) in self.0.iter().enumerate() {
            if position > 0 {
                formatter.write_str("\n")?;
            }
            mistake.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
