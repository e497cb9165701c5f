//! How much memory an instance holds.

/// Resident bytes of a process, where the operating system tells.
pub(super) fn resident(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    parse(&status)
}

fn parse(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_size_is_read_in_kibibytes() {
        assert_eq!(
            parse("Name:\tauth\nVmHWM:\t  9000 kB\nVmRSS:\t  8200 kB\n"),
            Some(8_200 * 1024)
        );
        assert_eq!(parse("Name:\tzombie\n"), None);
        assert_eq!(parse("VmRSS:\tmuch\n"), None);
    }
}
