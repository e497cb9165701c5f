//! Small pieces of text that several views share.

use std::fmt::Write;

use crate::journal::InstanceName;
use crate::schema::Metric;
use crate::verdict::{
    FaultRun, Prevented, RecoveryRun, RecoveryStatus, Run, StatementPhase, StatementRun,
    StatementStatus, words,
};

/// `gateway/0`, `recommendations/0, recommendations/1`.
pub(super) fn victims(victims: &[InstanceName]) -> String {
    victims
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What became of a planned fault.
pub(super) fn fault_outcome(run: &Run, fault: &FaultRun) -> String {
    if let Some(prevented) = &fault.prevented {
        return match prevented {
            Prevented::Vetoed { guard, reason } => format!("vetoed by {guard}: {reason}"),
            Prevented::Failed { reason } => format!("could not be carried out: {reason}"),
        };
    }
    if fault.began_micros.is_none() {
        return if run.about.no_faults {
            "left out"
        } else {
            "not reached"
        }
        .to_owned();
    }
    if let Some(closing) = &fault.merged_into {
        return format!("with {closing}");
    }
    run.recoveries
        .iter()
        .find(|recovery| recovery.faults.last() == Some(&fault.id))
        .map_or_else(words::dash, recovery_outcome)
}

/// What a recovery came to.
pub(super) fn recovery_outcome(recovery: &RecoveryRun) -> String {
    match recovery.status {
        RecoveryStatus::Recovered => {
            format!(
                "recovered after {}",
                words::seconds_or_dash(recovery.after_micros)
            )
        }
        RecoveryStatus::Late => {
            format!(
                "late: recovered after {}",
                words::seconds_or_dash(recovery.after_micros)
            )
        }
        RecoveryStatus::NotRecovered => "not recovered".to_owned(),
        RecoveryStatus::TooShort => "the load ended too soon to see it".to_owned(),
    }
}

/// `yield`, `latency p99 of home`, `harvest in each 2s`.
pub(super) fn measured(statement: &StatementRun) -> String {
    let written = &statement.statement;
    let mut text = words::metric(written.metric).to_owned();
    if let Some(journey) = &written.journey {
        let _ = write!(text, " of {journey}");
    }
    if let Some(window) = &written.window {
        let _ = write!(text, " in each {window}");
    }
    text
}

/// `✓ 100 %`, `✗ 95.89 %`, `? too few`.
pub(super) fn judged(metric: Metric, phase: &StatementPhase) -> String {
    let value = phase
        .value
        .map_or_else(words::dash, |value| words::value(metric, value));
    match phase.status {
        StatementStatus::Held => format!("✓ {value}"),
        StatementStatus::Broken => format!("✗ {value}"),
        StatementStatus::TooFewSamples => "? too few".to_owned(),
        StatementStatus::NotReached => "not reached".to_owned(),
    }
}

/// The title with the variant, if there is one.
pub(super) fn title(run: &Run) -> String {
    let mut title = run.about.title.clone();
    if let Some(variant) = &run.about.variant {
        let _ = write!(title, " ({variant})");
    }
    if run.about.no_faults {
        title.push_str(" (control run)");
    }
    title
}

/// Text for one line of a terminal: what would steer it becomes a space.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
