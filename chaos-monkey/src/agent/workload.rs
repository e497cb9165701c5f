//! What a workload says about how it is killed from: annotations of its controller, which only
//! narrow what the settings allow. One that is not understood forbids the workload altogether,
//! since nobody knows what was meant.

use std::fmt;

use super::Rules;
use super::calendar::HoursOfDay;
use super::cluster::{Described, Texts};
use crate::schema::{Rhythm, Span, VictimAmount};

/// What all annotations of an agent begin with.
const PREFIX: &str = "chaos.aplomb.dev/";

/// How much time lies between two kills, on average: workdays, or a duration for each pod.
pub const MEAN_TIME: &str = "chaos.aplomb.dev/mean-time";

/// How many pods are killed: `one`, `all`, `2`, `30%` or `up to 30%`.
pub const MODE: &str = "chaos.aplomb.dev/mode";

/// The hours of a workday: `10:00-12:00`.
pub const HOURS: &str = "chaos.aplomb.dev/hours";

/// What a workload says: nothing where the settings apply as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Narrowing {
    /// The rhythm in place of that of the settings.
    pub rhythm: Option<Rhythm>,
    /// The most that are killed at once, beside that of the settings.
    pub amount: Option<VictimAmount>,
    /// Hours within those of the settings.
    pub hours: Option<HoursOfDay>,
}

/// An annotation that forbids its workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// Its name.
    pub annotation: String,
    /// Its value.
    pub value: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Misread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            annotation,
            value,
            message,
        } = self;
        write!(formatter, "`{annotation}: {value}`: {message}")
    }
}

impl Narrowing {
    /// Reads what the controller of pods says.
    ///
    /// # Errors
    ///
    /// The first annotation that is not understood, or that would allow more than the settings.
    pub fn of(controller: &Described, rules: &Rules) -> Result<Self, Misread> {
        let mut narrowing = Self::default();
        for (annotation, value) in own(&controller.annotations) {
            let read = match annotation.as_str() {
                super::ENABLED => Ok(()),
                MEAN_TIME => mean_time(value, rules.rhythm).map(|it| narrowing.rhythm = Some(it)),
                MODE => mode(value, rules).map(|it| narrowing.amount = Some(it)),
                HOURS => hours(value, rules).map(|it| narrowing.hours = Some(it)),
                _ => Err(format!(
                    "nobody knows it: write {MEAN_TIME}, {MODE} or {HOURS}"
                )),
            };
            read.map_err(|message| Misread {
                annotation: annotation.clone(),
                value: value.clone(),
                message,
            })?;
        }
        Ok(narrowing)
    }
}

fn own(annotations: &Texts) -> impl Iterator<Item = (&String, &String)> {
    annotations
        .iter()
        .filter(|(annotation, _)| annotation.starts_with(PREFIX))
}

/// The rhythm with a longer mean time.
fn mean_time(text: &str, rhythm: Rhythm) -> Result<Rhythm, String> {
    match rhythm {
        Rhythm::PerOwner(mut rhythm) => {
            let workdays = text.parse().ok().filter(|it| (1..=10_000).contains(it));
            let workdays: u32 =
                workdays.ok_or("expected a number of workdays from 1 to 10000, such as `10`")?;
            if workdays < rhythm.mean_time {
                return Err(format!(
                    "that is more often than the settings allow: write {} or more",
                    rhythm.mean_time
                ));
            }
            rhythm.mean_time = workdays;
            Ok(Rhythm::PerOwner(rhythm))
        }
        Rhythm::PerPod(mut rhythm) => {
            let time: Span = text
                .parse()
                .map_err(|_| "expected a duration such as `10days` or `36h`")?;
            if time < rhythm.mean_time {
                return Err(format!(
                    "that is more often than the settings allow: write {} or more",
                    rhythm.mean_time
                ));
            }
            rhythm.mean_time = time;
            Ok(Rhythm::PerPod(rhythm))
        }
        Rhythm::Every(_) => Err(
            "the rhythm of the settings is `every`, which draws out of all and has no mean time: \
             remove it"
                .to_owned(),
        ),
    }
}

/// How many. What cannot be compared before the pods are counted is allowed: then the smaller of
/// the two numbers counts.
fn mode(text: &str, rules: &Rules) -> Result<VictimAmount, String> {
    if matches!(rules.rhythm, Rhythm::PerPod(_)) {
        return Err(
            "the rhythm of the settings is `perPod`, which draws each pod alone: remove it"
                .to_owned(),
        );
    }
    let amount = amount(text)
        .ok_or("expected `one`, `all`, `2`, `30%` or `up to 30%`, at most 1000 pods")?;
    let is_more = match (amount, rules.amount) {
        (VictimAmount::All, allowed) => allowed != VictimAmount::All,
        (VictimAmount::Fixed(number), VictimAmount::One) => number > 1,
        (VictimAmount::Fixed(number), VictimAmount::Fixed(most))
        | (
            VictimAmount::Percent(number) | VictimAmount::UpToPercent(number),
            VictimAmount::Percent(most) | VictimAmount::UpToPercent(most),
        ) => number > most,
        _ => false,
    };
    if is_more {
        return Err("that is more than spec.amount of the settings allows".to_owned());
    }
    Ok(amount)
}

fn amount(text: &str) -> Option<VictimAmount> {
    let percent = |text: &str| {
        let number = text.strip_suffix('%')?.parse().ok()?;
        (1..=100).contains(&number).then_some(number)
    };
    match text {
        "one" => Some(VictimAmount::One),
        "all" => Some(VictimAmount::All),
        _ => {
            if let Some(most) = text.strip_prefix("up to ") {
                return percent(most).map(VictimAmount::UpToPercent);
            }
            if text.ends_with('%') {
                return percent(text).map(VictimAmount::Percent);
            }
            let number = text.parse().ok().filter(|it| (1..=1_000).contains(it))?;
            Some(VictimAmount::Fixed(number))
        }
    }
}

fn hours(text: &str, rules: &Rules) -> Result<HoursOfDay, String> {
    let hours = HoursOfDay::read(text).ok_or("expected hours of a day such as `10:00-12:00`")?;
    let allowed = rules.calendar.hours();
    if !hours.are_within(allowed) {
        return Err(format!(
            "they are not within the hours of the settings, {allowed}"
        ));
    }
    Ok(hours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{AgentSpec, Every, PerPod};

    fn read(spec: &AgentSpec, annotations: &[(&str, &str)]) -> Result<Narrowing, String> {
        let annotations = annotations
            .iter()
            .map(|(name, value)| (format!("{PREFIX}{name}"), (*value).to_owned()));
        let described = Described {
            annotations: annotations.collect(),
            ..Described::default()
        };
        Narrowing::of(&described, &Rules::of(spec).unwrap()).map_err(|it| it.to_string())
    }

    fn with(rhythm: Rhythm, amount: VictimAmount) -> AgentSpec {
        let mut spec = AgentSpec {
            amount,
            ..AgentSpec::default()
        };
        spec.schedule.rhythm = rhythm;
        spec
    }

    const PER_POD: Rhythm = Rhythm::PerPod(PerPod {
        mean_time: Span::from_secs(36_000),
    });

    #[test]
    fn what_narrows_is_read() {
        let spec = AgentSpec::default();
        assert_eq!(
            read(&spec, &[("enabled", "true")]),
            Ok(Narrowing::default())
        );
        let annotations = [
            ("mean-time", "10"),
            ("mode", "one"),
            ("hours", "10:00-11:30"),
        ];
        let narrowing = read(&spec, &annotations).unwrap();
        let Some(Rhythm::PerOwner(rhythm)) = narrowing.rhythm else {
            panic!("{narrowing:?}");
        };
        assert_eq!((rhythm.mean_time, rhythm.minimum_time), (10, 1));
        assert_eq!(narrowing.amount, Some(VictimAmount::One));
        assert_eq!(narrowing.hours.unwrap().to_string(), "10:00-11:30");
        let longer = read(&with(PER_POD, VictimAmount::One), &[("mean-time", "3days")]).unwrap();
        let expected = PerPod {
            mean_time: Span::from_secs(3 * 86_400),
        };
        assert_eq!(longer.rhythm, Some(Rhythm::PerPod(expected)));
    }

    #[test]
    fn amounts_are_compared_where_they_can_be() {
        let owner = Rhythm::default();
        for (allowed, mode, is_allowed) in [
            (VictimAmount::One, "one", true),
            (VictimAmount::One, "1", true),
            (VictimAmount::One, "2", false),
            (VictimAmount::One, "30%", true),
            (VictimAmount::One, "all", false),
            (VictimAmount::All, "all", true),
            (VictimAmount::Fixed(3), "3", true),
            (VictimAmount::Fixed(3), "4", false),
            (VictimAmount::Percent(30), "30%", true),
            (VictimAmount::Percent(30), "up to 31%", false),
            (VictimAmount::UpToPercent(30), "up to 20%", true),
            (VictimAmount::UpToPercent(30), "4", true),
        ] {
            let read = read(&with(owner, allowed), &[("mode", mode)]);
            assert_eq!(read.is_ok(), is_allowed, "{allowed:?} {mode}: {read:?}");
        }
    }

    #[test]
    fn what_is_not_understood_or_allows_more_is_refused() {
        let spec = AgentSpec::default();
        let every = Rhythm::Every(Every {
            interval: Span::from_secs(60),
            jitter: Span::default(),
            owners: 1,
        });
        for (spec, name, value, reason) in [
            (&spec, "mean-time", "often", "a number of workdays"),
            (&spec, "mean-time", "0", "a number of workdays"),
            (&spec, "mean-time", "2", "write 5 or more"),
            (
                &with(every, VictimAmount::One),
                "mean-time",
                "9",
                "no mean time",
            ),
            (
                &with(PER_POD, VictimAmount::One),
                "mean-time",
                "9",
                "a duration",
            ),
            (
                &with(PER_POD, VictimAmount::One),
                "mean-time",
                "9h",
                "write 10h",
            ),
            (
                &with(PER_POD, VictimAmount::One),
                "mode",
                "one",
                "each pod alone",
            ),
            (&spec, "mode", "some", "expected `one`"),
            (&spec, "mode", "0", "expected `one`"),
            (&spec, "mode", "140%", "expected `one`"),
            (&spec, "mode", "up to 0%", "expected `one`"),
            (&spec, "hours", "25:00-26:00", "such as `10:00-12:00`"),
            (&spec, "hours", "11:00-10:00", "such as `10:00-12:00`"),
            (
                &spec,
                "hours",
                "08:00-10:00",
                "hours of the settings, 09:00-15:00",
            ),
            (&spec, "mean-tme", "9", "nobody knows it"),
        ] {
            let refused = read(spec, &[(name, value)]).unwrap_err();
            assert!(refused.contains(reason), "{name} {value}: {refused}");
            assert!(refused.starts_with(&format!("`{PREFIX}{name}: {value}`")));
        }
    }
}
