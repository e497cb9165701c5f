//! Hours that are left out, as the hours that remain.

use crate::schema::Hours;

const MINUTES: usize = 24 * 60;

/// The parts of a day, in minutes since midnight, that no period covers. A period that ends before
/// it begins goes on past midnight, and an empty one covers nothing.
pub(super) fn remaining(left_out: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let is_left_out = |minute: usize| {
        left_out.iter().any(|&(from, to)| {
            if from <= to {
                (from..to).contains(&minute)
            } else {
                minute >= from || minute < to
            }
        })
    };
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for minute in (0..MINUTES).filter(|minute| !is_left_out(*minute)) {
        match parts.last_mut() {
            Some((_, end)) if *end == minute => *end = minute + 1,
            _ => parts.push((minute, minute + 1)),
        }
    }
    parts
}

/// A part of a day as settings have it.
pub(super) fn hours((from, to): (usize, usize)) -> Hours {
    let time = |minute: usize| format!("{:02}:{:02}", minute / 60, minute % 60);
    Hours {
        from: time(from),
        to: time(to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_left_out_remains() {
        for (left_out, expected) in [
            (vec![], vec![(0, 1_440)]),
            (vec![(1_320, 480)], vec![(480, 1_320)]),
            (
                vec![(1_320, 480), (660, 780)],
                vec![(480, 660), (780, 1_320)],
            ),
            (vec![(0, 1_380), (1_200, 0)], vec![]),
            (vec![(600, 600)], vec![(0, 1_440)]),
        ] {
            assert_eq!(remaining(&left_out), expected, "{left_out:?}");
        }
        assert_eq!(hours((480, 1_440)).to, "24:00");
    }
}
