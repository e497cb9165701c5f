//! What the panels of the time line are drawn with.

use std::fmt::Write;

use crate::verdict::{SLOT_MICROS, Slot};

/// The width of the picture.
pub(super) const WIDTH: f64 = 1_040.0;
/// Where the time begins: names and scales stand to the left of it.
pub(super) const LEFT: f64 = 136.0;
/// Where the time ends.
pub(super) const RIGHT: f64 = WIDTH - 20.0;
/// With more slots than this, several are drawn as one.
const MOST_BINS: usize = 600;

/// From time to place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// The end of the load, in microseconds.
    pub(super) end: i64,
}

impl Axis {
    /// Where a moment lies; what is outside the load lies on its edge.
    pub(super) fn x(self, micros: i64) -> f64 {
        let share = micros.clamp(0, self.end.max(1)) as f64 / self.end.max(1) as f64;
        LEFT + share * (RIGHT - LEFT)
    }

    /// Whole seconds to write below, at most a dozen.
    pub(super) fn ticks(self) -> Vec<i64> {
        let seconds = self.end / 1_000_000;
        let steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
        let step = steps
            .into_iter()
            .find(|step| seconds / step <= 12)
            .unwrap_or(7_200);
        (0..=seconds / step)
            .map(|tick| tick * step * 1_000_000)
            .collect()
    }
}

/// One or several slots, drawn as one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bin {
    /// When it begins.
    pub(super) from: i64,
    /// When it ends.
    pub(super) to: i64,
    pub(super) full: u64,
    pub(super) degraded: u64,
    pub(super) failed: u64,
    /// The share of usable answers.
    pub(super) yield_ratio: Option<f64>,
    /// The mean harvest of the usable answers.
    pub(super) harvest: Option<f64>,
    /// The median of the slot with the highest one, in milliseconds.
    pub(super) p50: Option<f64>,
    /// The 99th percentile of the slot with the highest one, in milliseconds.
    pub(super) p99: Option<f64>,
}

impl Bin {
    /// How many requests.
    pub(super) fn requests(&self) -> u64 {
        self.full + self.degraded + self.failed
    }

    /// Requests per second.
    pub(super) fn rate(&self, requests: u64) -> f64 {
        requests as f64 * 1e6 / (self.to - self.from).max(1) as f64
    }
}

/// The slots as columns: one each, or several together if there are too many.
pub(super) fn bins(slots: &[Slot], end: i64) -> Vec<Bin> {
    let together = slots.len().div_ceil(MOST_BINS).max(1);
    slots
        .chunks(together)
        .map(|slots| {
            let next = slots.last().map_or(end, |last| last.from + SLOT_MICROS);
            bin(slots, next.min(end))
        })
        .collect()
}

fn bin(slots: &[Slot], to: i64) -> Bin {
    let sum = |pick: fn(&Slot) -> u64| slots.iter().map(pick).sum::<u64>();
    let (full, degraded, failed) = (
        sum(|slot| slot.numbers.full),
        sum(|slot| slot.numbers.degraded),
        sum(|slot| slot.numbers.failed),
    );
    let usable = full + degraded;
    let harvest: f64 = slots
        .iter()
        .filter_map(|slot| {
            let usable = slot.numbers.full + slot.numbers.degraded;
            slot.numbers.harvest.map(|harvest| harvest * usable as f64)
        })
        .sum();
    let highest = |pick: fn(&crate::verdict::Latency) -> f64| {
        slots
            .iter()
            .filter_map(|slot| slot.numbers.latency.as_ref().map(pick))
            .reduce(f64::max)
    };
    let share = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
    Bin {
        from: slots.first().map_or(0, |slot| slot.from),
        to,
        full,
        degraded,
        failed,
        yield_ratio: share(usable as f64, usable + failed),
        harvest: share(harvest, usable),
        p50: highest(|latency| latency.p50),
        p99: highest(|latency| latency.p99),
    }
}

/// A panel: from value to place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    /// Its upper edge.
    pub(super) top: f64,
    /// Its height.
    pub(super) height: f64,
    /// The value at its upper edge.
    pub(super) max: f64,
    /// Whether a decade takes as much room as the next; the lower edge is 1.
    pub(super) is_logarithmic: bool,
}

impl Panel {
    /// The lower edge.
    pub(super) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Where a value lies.
    pub(super) fn y(&self, value: f64) -> f64 {
        let share = if self.is_logarithmic {
            value.max(1.0).log10() / self.max.log10()
        } else {
            value / self.max
        };
        self.bottom() - share.clamp(0.0, 1.0) * self.height
    }
}

/// A line through the middles of the bins, broken where there is no value.
pub(super) fn line(
    axis: Axis,
    panel: Panel,
    bins: &[Bin],
    pick: fn(&Bin) -> Option<f64>,
) -> String {
    let mut path = String::new();
    let mut is_down = false;
    for bin in bins {
        let Some(value) = pick(bin) else {
            is_down = false;
            continue;
        };
        let command = if is_down { 'L' } else { 'M' };
        let x = axis.x(i64::midpoint(bin.from, bin.to));
        let _ = write!(path, "{command}{x:.1} {:.1}", panel.y(value));
        if !is_down {
            // A lone value is seen as a dot.
            path.push_str("h.1");
        }
        is_down = true;
    }
    path
}

/// Columns from one value up to another.
pub(super) fn columns(
    axis: Axis,
    panel: Panel,
    bins: &[Bin],
    pick: fn(&Bin) -> (u64, u64),
) -> String {
    let mut path = String::new();
    for bin in bins {
        let (below, number) = pick(bin);
        if number == 0 {
            continue;
        }
        let (left, right) = (axis.x(bin.from), axis.x(bin.to));
        let (top, bottom) = (panel.y(bin.rate(below + number)), panel.y(bin.rate(below)));
        let _ = write!(
            path,
            "M{left:.1} {top:.1}H{right:.1}V{bottom:.1}H{left:.1}z"
        );
    }
    path
}

/// A round number that is not below a value: 1, 1.5, 2, 3, 4, 6 or 8 times a power of ten.
pub(super) fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|round| *round >= value)
        .unwrap_or(value)
}

/// A coordinate as text.
pub(super) fn place(value: f64) -> String {
    format!("{value:.1}")
}

/// A small cross around a place.
pub(super) fn cross(x: f64, y: f64) -> String {
    format!(
        "M{:.1} {:.1}l6 6M{:.1} {:.1}l-6 6",
        x - 3.0,
        y - 3.0,
        x + 3.0,
        y - 3.0,
    )
}
