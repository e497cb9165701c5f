//! What the command's exit codes mean.

use std::process::{ExitCode, Termination};

/// How the command ended, for scripts and pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// The game day passed, or the command did what was asked.
    Passed = 0,
    /// The game day failed: users noticed, or a promise was broken.
    Failed = 1,
    /// A bad file or a bad argument; nothing was started, or everything was stopped again.
    Usage = 2,
    /// The game day was ended early, by an abort condition or by somebody.
    Aborted = 3,
    /// The evidence does not carry a verdict.
    Inconclusive = 4,
    /// A mistake of the program itself (`EX_SOFTWARE` of sysexits).
    Internal = 70,
}

impl Exit {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_are_the_documented_ones() {
        let codes = [
            Exit::Passed,
            Exit::Failed,
            Exit::Usage,
            Exit::Aborted,
            Exit::Inconclusive,
            Exit::Internal,
        ]
        .map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 70]);
    }
}
