//! Lines of code per crate.

use std::path::Path;

use crate::run;

/// Prints them.
pub(crate) fn run() -> anyhow::Result<()> {
    println!("| crate | code | tests |");
    println!("|---|--:|--:|");
    for name in ["resilience", "chaos-monkey", "demo-services", "xtask"] {
        let (mut code, mut tests) = (0, 0);
        count(&run::root().join(name), &mut code, &mut tests)?;
        println!("| {name} | {code} | {tests} |");
    }
    Ok(())
}

/// Neither blank lines nor comments. From `#[cfg(test)]` on, and in test files, it is tests.
fn count(folder: &Path, code: &mut usize, tests: &mut usize) -> anyhow::Result<()> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            count(&path, code, tests)?;
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let is_test_file = path.components().any(|part| part.as_os_str() == "tests")
            || path.file_stem().is_some_and(|stem| stem == "tests");
        let mut in_tests = is_test_file;
        for line in std::fs::read_to_string(&path)?.lines().map(str::trim) {
            if line.starts_with("#[cfg(test)]") {
                in_tests = true;
            }
            if line.is_empty() || line.starts_with("//") {
                continue;
            }
            *(if in_tests { &mut *tests } else { &mut *code }) += 1;
        }
    }
    Ok(())
}
