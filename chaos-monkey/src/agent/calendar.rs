//! The minutes in which something may be killed.

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::rules::{Complaints, Refused};
use crate::schema::{Schedule, Weekday};

/// Which days and hours are worked, in one time zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    weekdays: [bool; 7],
    hours: HoursOfDay,
    once: BTreeSet<Date>,
    /// Month and day.
    yearly: BTreeSet<(i8, i8)>,
}

/// A part of a day, in minutes since midnight, the second one not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoursOfDay {
    from: u16,
    to: u16,
}

impl HoursOfDay {
    /// Reads hours such as `10:00-12:00`; `None` where they are none, or end before they begin.
    pub fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        (from < to).then_some(Self { from, to })
    }

    /// Whether no minute lies outside of others.
    pub const fn are_within(self, others: Self) -> bool {
        self.from >= others.from && self.to <= others.to
    }

    /// Whether a moment is one of them.
    pub fn contain(self, at: &Zoned) -> bool {
        let minute = at.hour() as u16 * 60 + at.minute() as u16;
        (self.from..self.to).contains(&minute)
    }
}

impl fmt::Display for HoursOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [self.from, self.to].map(|it| (it / 60, it % 60));
        write!(
            formatter,
            "{:02}:{:02}-{:02}:{:02}",
            from.0, from.1, to.0, to.1
        )
    }
}

impl Calendar {
    /// The calendar of a schedule.
    ///
    /// # Errors
    ///
    /// Every value that cannot be.
    pub(super) fn of(schedule: &Schedule) -> Result<Self, Vec<Refused>> {
        let mut complaints = Complaints::new("schedule");
        let zone = TimeZone::get(&schedule.time_zone).unwrap_or_else(|_| {
            complaints.add(
                "timeZone",
                &schedule.time_zone,
                "there is no such time zone: write its IANA name, such as `Europe/Berlin` or `UTC`",
            );
            TimeZone::UTC
        });
        // The schema lets no other text pass; what passes nevertheless is no time at all.
        let hours = HoursOfDay {
            from: minute(&schedule.hours.from).unwrap_or(0),
            to: minute(&schedule.hours.to).unwrap_or(0),
        };
        if hours.from >= hours.to {
            complaints.add(
                "hours.to",
                &schedule.hours.to,
                "the hours end before they begin: write a later time of the same day",
            );
        }
        let mut weekdays = [false; 7];
        for day in &schedule.weekdays {
            weekdays[*day as usize] = true;
        }
        let (mut once, mut yearly) = (BTreeSet::new(), BTreeSet::new());
        for (index, day) in schedule.leave_out.iter().enumerate() {
            let key = format!("leaveOut[{index}]");
            // A leap year has every day that there is.
            let is_new = if let Ok(day) = day.parse::<Date>() {
                once.insert(day)
            } else if let Ok(day) = format!("2024-{day}").parse::<Date>() {
                yearly.insert((day.month(), day.day()))
            } else {
                complaints.add(&key, day, "there is no such day");
                continue;
            };
            if !is_new {
                complaints.add(&key, day, "it is there already");
            }
        }
        complaints.or(Self {
            zone,
            weekdays,
            hours,
            once,
            yearly,
        })
    }

    /// The time zone.
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The hours of each workday.
    pub const fn hours(&self) -> HoursOfDay {
        self.hours
    }

    /// Whether a day is worked.
    pub fn is_workday(&self, day: Date) -> bool {
        self.weekdays[weekday(day) as usize]
            && !self.once.contains(&day)
            && !self.yearly.contains(&(day.month(), day.day()))
    }

    /// The minutes of a workday, in order; none of another day.
    ///
    /// One that a change of the clocks leaves out is not there, and one that comes twice is there
    /// twice, since that is how long the day is.
    pub fn minutes(&self, day: Date) -> Vec<Timestamp> {
        if !self.is_workday(day) {
            return Vec::new();
        }
        let midnight = |day: Date| day.to_zoned(self.zone.clone());
        let (Ok(begin), Ok(end)) = (midnight(day), day.tomorrow().and_then(midnight)) else {
            return Vec::new();
        };
        let minutes = i64::from(begin.duration_until(&end).as_secs() as i32) / 60;
        let at = |minute: i64| begin.timestamp().checked_add(minute.minutes()).ok();
        let change = self.zone.following(begin.timestamp()).next();
        if change.is_none_or(|change| change.timestamp() >= end.timestamp()) && minutes == 24 * 60 {
            let hours = i64::from(self.hours.from)..i64::from(self.hours.to);
            return hours.filter_map(at).collect();
        }
        (0..minutes)
            .filter_map(at)
            .filter(|at| self.hours.contain(&at.to_zoned(self.zone.clone())))
            .collect()
    }

    /// Whether something may be killed at this moment.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let at = at.to_zoned(self.zone.clone());
        self.is_workday(at.date()) && self.hours.contain(&at)
    }

    /// The day that lies so many workdays before another one; `None` where the calendar has not
    /// that many within ten years.
    pub fn workdays_before(&self, day: Date, workdays: u32) -> Option<Date> {
        const TEN_YEARS: usize = 3_653;
        let mut left = workdays;
        if left == 0 {
            return Some(day);
        }
        for day in day
            .series(-1.day())
            .skip(1)
            .take(TEN_YEARS.max(workdays as usize * 7))
        {
            if self.is_workday(day) {
                left -= 1;
                if left == 0 {
                    return Some(day);
                }
            }
        }
        None
    }
}

fn weekday(day: Date) -> Weekday {
    Weekday::ALL[day.weekday().to_monday_zero_offset() as usize % 7]
}

/// The minute of a day that a text such as `09:00` names; `24:00` is midnight.
fn minute(text: &str) -> Option<u16> {
    if text == "24:00" {
        return Some(24 * 60);
    }
    let time = text.parse::<Time>().ok()?;
    Some(time.hour() as u16 * 60 + time.minute() as u16)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::schema::Hours;

    const A_MONDAY: Date = date(2026, 3, 23);

    fn schedule(zone: &str, from: &str, to: &str) -> Schedule {
        Schedule {
            time_zone: zone.to_owned(),
            weekdays: Weekday::ALL.to_vec(),
            hours: Hours {
                from: from.to_owned(),
                to: to.to_owned(),
            },
            ..Schedule::default()
        }
    }

    fn shown(calendar: &Calendar, day: Date) -> (usize, String, String) {
        let minutes = calendar.minutes(day);
        let show = |at: Option<&Timestamp>| at.map(ToString::to_string).unwrap_or_default();
        (minutes.len(), show(minutes.first()), show(minutes.last()))
    }

    #[test]
    fn changes_of_the_clocks_leave_out_and_repeat() {
        let spring = date(2026, 3, 29);
        let autumn = date(2026, 10, 25);
        for (zone, day, from, to, count, first, last) in [
            // Berlin goes from 02:00 to 03:00.
            (
                "Europe/Berlin",
                spring,
                "00:00",
                "24:00",
                23 * 60,
                "2026-03-28T23:00:00Z",
                "2026-03-29T21:59:00Z",
            ),
            (
                "Europe/Berlin",
                spring,
                "01:30",
                "03:30",
                60,
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:29:00Z",
            ),
            ("Europe/Berlin", spring, "02:10", "02:50", 0, "", ""),
            // Berlin goes from 03:00 back to 02:00.
            (
                "Europe/Berlin",
                autumn,
                "00:00",
                "24:00",
                25 * 60,
                "2026-10-24T22:00:00Z",
                "2026-10-25T22:59:00Z",
            ),
            (
                "Europe/Berlin",
                autumn,
                "02:10",
                "02:50",
                80,
                "2026-10-25T00:10:00Z",
                "2026-10-25T01:49:00Z",
            ),
            (
                "Europe/Berlin",
                autumn,
                "09:00",
                "15:00",
                360,
                "2026-10-25T08:00:00Z",
                "2026-10-25T13:59:00Z",
            ),
            // Lord Howe Island changes by half an hour.
            (
                "Australia/Lord_Howe",
                date(2026, 10, 4),
                "00:00",
                "24:00",
                23 * 60 + 30,
                "2026-10-03T13:30:00Z",
                "2026-10-04T12:59:00Z",
            ),
            // Cairo's midnight does not exist on the day on which summer begins.
            (
                "Africa/Cairo",
                date(2026, 4, 24),
                "00:00",
                "24:00",
                23 * 60,
                "2026-04-23T22:00:00Z",
                "2026-04-24T20:59:00Z",
            ),
            // Samoa had no 30 December 2011.
            (
                "Pacific/Apia",
                date(2011, 12, 30),
                "00:00",
                "24:00",
                0,
                "",
                "",
            ),
            (
                "UTC",
                spring,
                "23:59",
                "24:00",
                1,
                "2026-03-29T23:59:00Z",
                "2026-03-29T23:59:00Z",
            ),
        ] {
            let calendar = Calendar::of(&schedule(zone, from, to)).unwrap();
            let expected = (count, first.to_owned(), last.to_owned());
            assert_eq!(
                shown(&calendar, day),
                expected,
                "{zone} {day} {from} to {to}"
            );
            assert!(calendar.minutes(day).iter().all(|at| calendar.is_open(*at)));
        }
    }

    proptest! {
        #[test]
        fn the_minutes_are_those_that_are_within_the_hours(
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "America/St_Johns", "Asia/Kathmandu"]),
            day in 0_i32..800,
            hours in (0_u16..1_439).prop_flat_map(|from| (Just(from), from + 1..1_440)),
        ) {
            let shown = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            let calendar = Calendar::of(&schedule(zone, &shown(hours.0), &shown(hours.1))).unwrap();
            let day = A_MONDAY.saturating_add(day.days());
            // Every minute from the day before to the day after, looked at one by one.
            let begin = day.yesterday().unwrap().to_zoned(TimeZone::UTC).unwrap().timestamp();
            let naive: Vec<Timestamp> = (0..3 * 24 * 60_i64)
                .map(|minute| begin + minute.minutes())
                .filter(|at| calendar.is_open(*at))
                .filter(|at| at.to_zoned(calendar.zone().clone()).date() == day)
                .collect();
            prop_assert_eq!(calendar.minutes(day), naive);
        }
    }

    #[test]
    fn a_day_is_one_of_the_zone_and_not_of_utc() {
        let mut schedule = schedule("Pacific/Auckland", "09:00", "10:00");
        schedule.weekdays = vec![Weekday::Monday];
        let calendar = Calendar::of(&schedule).unwrap();
        // Nine on Monday in Auckland is still Sunday in Greenwich.
        assert_eq!(
            calendar.minutes(A_MONDAY)[0].to_string(),
            "2026-03-22T20:00:00Z"
        );
        assert!(calendar.is_open("2026-03-22T20:30:00Z".parse().unwrap()));
        assert!(!calendar.is_open("2026-03-23T20:30:00Z".parse().unwrap()));
    }

    #[test]
    fn days_are_left_out_once_or_every_year() {
        let schedule = Schedule {
            leave_out: ["2026-03-24", "03-26", "02-29"].map(str::to_owned).into(),
            ..Schedule::default()
        };
        let calendar = Calendar::of(&schedule).unwrap();
        let worked: Vec<String> = A_MONDAY
            .series(1.day())
            .take(7)
            .filter(|day| calendar.is_workday(*day))
            .map(|day| day.to_string())
            .collect();
        assert_eq!(worked, ["2026-03-23", "2026-03-25", "2026-03-27"]);
        assert!(!calendar.is_workday(date(2027, 3, 26)));
        assert!(calendar.is_workday(date(2027, 3, 24)));
        let friday = date(2026, 3, 27);
        assert_eq!(calendar.workdays_before(friday, 0), Some(friday));
        assert_eq!(calendar.workdays_before(friday, 2), Some(A_MONDAY));
        assert_eq!(
            calendar.workdays_before(A_MONDAY, 1),
            Some(date(2026, 3, 20))
        );
    }

    #[test]
    fn what_cannot_be_is_named() {
        let schedule = Schedule {
            time_zone: "Europe/Berlino".to_owned(),
            leave_out: ["02-30", "12-25", "12-25"].map(str::to_owned).into(),
            hours: Hours {
                from: "15:00".to_owned(),
                to: "09:00".to_owned(),
            },
            ..Schedule::default()
        };
        let refused = Calendar::of(&schedule).unwrap_err();
        let keys: Vec<String> = refused.iter().map(|one| one.key.to_string()).collect();
        assert_eq!(
            keys,
            [
                "spec.schedule.timeZone",
                "spec.schedule.hours.to",
                "spec.schedule.leaveOut[0]",
                "spec.schedule.leaveOut[2]",
            ][..]
                .to_vec()
        );
    }
}
