//! The table of a chart's values, from the comments of its `values.yaml`.
//!
//! Such a file is written in one way, and anything else is an error: maps in block form, two spaces
//! for each level; a value on the line of its key; and above that line a comment of one line that
//! says what it is.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};

/// Under which heading the table stands, as the last thing of a README.md.
pub(super) const HEADING: &str = "## Values";

/// The table.
///
/// # Errors
///
/// A line that is not written in the one way, or a value of which nobody says what it is.
pub(super) fn of(values: &str) -> anyhow::Result<String> {
    let mut table = String::from("| value | default | what it is |\n|---|---|---|\n");
    for Row { name, value, said } in rows(values)? {
        let said = said.replace('|', "\\|");
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{name}` | `{value}` | {said} |");
    }
    Ok(table)
}

/// The names of all values, as `image.tag`.
///
/// # Errors
///
/// As those of [`of`].
#[cfg(test)]
pub(super) fn names(values: &str) -> anyhow::Result<Vec<String>> {
    Ok(rows(values)?.into_iter().map(|row| row.name).collect())
}

/// What a row of the table is made of.
struct Row<'text> {
    name: String,
    value: &'text str,
    said: &'text str,
}

fn rows(values: &str) -> anyhow::Result<Vec<Row<'_>>> {
    let mut rows = Vec::new();
    let mut path: Vec<&str> = Vec::new();
    let mut comment = None;
    for (index, line) in values.lines().enumerate() {
        let at = || format!("line {}: `{line}`", index + 1);
        let text = line.trim_start();
        if text.is_empty() {
            continue;
        }
        if let Some(said) = text.strip_prefix("# ") {
            ensure!(comment.is_none(), "{}: a second line of a comment", at());
            comment = Some(said);
            continue;
        }
        let indent = line.len() - text.len();
        let (key, value) = text.split_once(':').with_context(at)?;
        ensure!(
            !key.starts_with('-'),
            "{}: lists are written as `[…]`",
            at()
        );
        ensure!(
            indent % 2 == 0 && indent / 2 <= path.len(),
            "{}: two spaces for each level",
            at()
        );
        path.truncate(indent / 2);
        path.push(key);
        let value = value.trim();
        if value.is_empty() {
            ensure!(
                comment.is_none(),
                "{}: values have comments, maps have none",
                at()
            );
            continue;
        }
        let Some(said) = comment.take() else {
            bail!("{}: no comment says what it is", at());
        };
        let name = path.join(".");
        rows.push(Row { name, value, said });
    }
    Ok(rows)
}

/// A README.md with this table under its heading; `None` if it has no such heading.
pub(super) fn put_into(readme: &str, table: &str) -> Option<String> {
    let heading = format!("\n{HEADING}\n");
    let (before, _) = readme.split_once(&heading)?;
    Some(format!("{before}{heading}\n{table}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_a_row_with_its_path() {
        let values = "# How many.\nreplicas: 2\n\nimage:\n  # Which, a|b.\n  tag: \"\"\n  deep:\n    # All.\n    er: {a: 1}\n\n# None.\nlist: []\n";
        assert_eq!(
            of(values).unwrap(),
            "| value | default | what it is |\n|---|---|---|\n\
             | `replicas` | `2` | How many. |\n\
             | `image.tag` | `\"\"` | Which, a\\|b. |\n\
             | `image.deep.er` | `{a: 1}` | All. |\n\
             | `list` | `[]` | None. |\n"
        );
    }

    #[test]
    fn what_is_written_otherwise_is_an_error_with_its_line() {
        for (values, word) in [
            ("replicas: 2\n", "line 1: `replicas: 2`: no comment"),
            (
                "# A map.\nimage:\n",
                "line 2: `image:`: values have comments",
            ),
            ("# One.\n# Two.\na: 1\n", "line 2"),
            ("# Too deep.\n    a: 1\n", "line 2"),
            ("# A list.\n- a: 1\n", "line 2: `- a: 1`: lists"),
        ] {
            let error = format!("{:#}", of(values).unwrap_err());
            assert!(error.contains(word), "{values}: {error}");
        }
    }

    #[test]
    fn the_table_takes_the_place_of_the_one_before() {
        let readme = "# It\n\n## Values\n\nold\n";
        let with_new = put_into(readme, "new\n").unwrap();
        assert_eq!(with_new, "# It\n\n## Values\n\nnew\n");
        assert_eq!(put_into(&with_new, "new\n").unwrap(), with_new);
        assert_eq!(put_into("# It\n", "new\n"), None);
    }
}
