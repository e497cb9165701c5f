//! How numbers read, in every view: no locale, thousands apart by commas, units after a space.

use crate::journal::Cause;
use crate::schema::{Bound, Metric, Phase};

/// `8,412`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 request`, `2 requests`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `99.98 %` of a ratio from 0 to 1, cut and not rounded, so that `100 %` means all of them.
pub fn percent(ratio: f64) -> String {
    if ratio >= 1.0 {
        return "100 %".to_owned();
    }
    if ratio > 0.0 && ratio < 0.0001 {
        return "< 0.01 %".to_owned();
    }
    // A hair more, since 0.29 * 10,000 is 2,899.999…
    let hundredths = (ratio * 10_000.0 + 1e-6).floor();
    format!("{:.2} %", hundredths / 100.0)
}

/// A ratio as a percentage, or a dash.
pub fn percent_or_dash(ratio: Option<f64>) -> String {
    ratio.map_or_else(dash, percent)
}

/// `12.3 ms`, `1.25 s`.
pub fn milliseconds(value: f64) -> String {
    if value >= 1_000.0 {
        return format!("{:.2} s", value / 1_000.0);
    }
    if value >= 100.0 {
        format!("{value:.0} ms")
    } else {
        format!("{value:.1} ms")
    }
}

/// Milliseconds, or a dash.
pub fn milliseconds_or_dash(value: Option<f64>) -> String {
    value.map_or_else(dash, milliseconds)
}

/// `12.3 s` of microseconds.
pub fn seconds(micros: i64) -> String {
    format!("{:.1} s", micros as f64 / 1e6)
}

/// Seconds of microseconds, or a dash.
pub fn seconds_or_dash(micros: Option<i64>) -> String {
    micros.map_or_else(dash, seconds)
}

/// `38.2 MiB`.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1_048_576.0)
}

/// What stands where there is no number.
pub fn dash() -> String {
    "–".to_owned()
}

/// The value of a metric in its unit.
pub fn value(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Yield | Metric::FirstAttemptYield | Metric::Harvest => percent(value),
        Metric::LatencyP50 | Metric::LatencyP95 | Metric::LatencyP99 => milliseconds(value),
    }
}

/// `at least 99.90 %`.
pub fn bound(metric: Metric, bound: Bound) -> String {
    match bound {
        Bound::AtLeast(limit) => format!("at least {}", value(metric, limit)),
        Bound::AtMost(limit) => format!("at most {}", value(metric, limit)),
    }
}

/// The name of a metric.
pub const fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Yield => "yield",
        Metric::FirstAttemptYield => "first-attempt yield",
        Metric::Harvest => "harvest",
        Metric::LatencyP50 => "latency p50",
        Metric::LatencyP95 => "latency p95",
        Metric::LatencyP99 => "latency p99",
    }
}

/// The name of a phase.
pub const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "before",
        Phase::During => "during",
        Phase::After => "after",
    }
}

/// The cause of a failure.
pub fn cause(cause: Option<&Cause>) -> String {
    match cause {
        Some(Cause::Status(status)) => format!("status {status}"),
        Some(Cause::Timeout) => "timeout".to_owned(),
        Some(Cause::Refused) => "refused".to_owned(),
        Some(Cause::Reset) => "reset".to_owned(),
        Some(Cause::Malformed) => "malformed".to_owned(),
        None => "unknown".to_owned(),
    }
}

/// `2026-01-02 03:04:05 UTC` of a moment in RFC 3339 and UTC; anything else as it is.
pub fn moment(text: &str) -> String {
    let Some((date, time)) = text.strip_suffix('Z').and_then(|text| text.split_once('T')) else {
        return text.to_owned();
    };
    let seconds = time.split('.').next().unwrap_or(time);
    format!("{date} {seconds} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_the_same_everywhere() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.999_999), "99.99 %", "only all of them are 100 %");
        assert_eq!(percent(0.29), "29.00 %");
        assert_eq!(percent(0.0), "0.00 %");
        assert_eq!(percent(0.000_01), "< 0.01 %");
        assert_eq!(milliseconds(4.25), "4.2 ms");
        assert_eq!(milliseconds(250.0), "250 ms");
        assert_eq!(milliseconds(1_250.0), "1.25 s");
        assert_eq!(
            moment("2026-01-02T03:04:05.123Z"),
            "2026-01-02 03:04:05 UTC"
        );
        assert_eq!(moment("yesterday"), "yesterday");
    }
}
