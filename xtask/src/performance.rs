//! `docs/performance.md`: one page, each part of which is written by a command of its own.

use std::fs;

use crate::run;

/// What the second part begins with.
const AGENT: &str = "# The agent in Kubernetes";

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The middleware, with the title of the page.
    Middleware,
    /// The agent, without its heading.
    Agent,
}

/// Replaces one part of the page and keeps the other.
pub(crate) fn put(part: Part, text: &str) -> anyhow::Result<()> {
    let path = run::root().join("docs").join("performance.md");
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(&path, replaced(&before, part, text))?;
    println!("written: {}", path.display());
    Ok(())
}

fn replaced(page: &str, part: Part, text: &str) -> String {
    let (middleware, agent) = page.split_once(AGENT).unwrap_or((page, ""));
    let (middleware, agent) = match part {
        Part::Middleware => (text, agent),
        Part::Agent => (middleware, text),
    };
    if agent.is_empty() {
        return format!("{}\n", middleware.trim_end());
    }
    format!("{}\n\n{AGENT}\n\n{}\n", middleware.trim_end(), agent.trim())
}

/// Processor and system.
pub(crate) fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("a processor without a name", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} virtual cores, {}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_replaced_alone() {
        let page = replaced("", Part::Middleware, "# Performance\n\nfast\n");
        assert_eq!(page, "# Performance\n\nfast\n");
        let page = replaced(&page, Part::Agent, "small\n");
        let both = "# Performance\n\nfast\n\n# The agent in Kubernetes\n\nsmall\n";
        assert_eq!(page, both);
        assert_eq!(replaced(&page, Part::Agent, "small"), both);
        let page = replaced(&page, Part::Middleware, "# Performance\n\nfaster");
        assert_eq!(page, both.replace("fast", "faster"));
    }
}
