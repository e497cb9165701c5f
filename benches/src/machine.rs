//! Where the figures come from.

/// Processor and system.
pub fn describe() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("a processor without a name", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let system = std::env::consts::OS;
    format!("{model}, {cores} virtual cores, {system}")
}

/// How many processes wanted a core at the same time over the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// Names and versions of the peers, from the lock file.
pub fn peers() -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let begin = lock.find(&format!("name = \"{name}\"\nversion = \""))?;
        lock[begin..].split('"').nth(3)
    };
    ["tower", "tower-resilience", "failsafe", "recloser"]
        .map(|name| format!("`{name}` {}", version(name).unwrap_or("?")))
        .join(", ")
}
