//! [`Exit`]: how the program ends, as scripts and service managers see it.

use std::process::ExitCode;

/// The program's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Ok,
    /// It did not.
    Error,
    /// The command line cannot be understood, or lacks something.
    Usage,
    /// Not now; the same later may work.
    TryLater,
    /// The server refused: the token is not good, or the host was deleted. A service manager must not start it again.
    Refused,
    /// The configuration is wrong, or the agent is not enrolled. Nor here.
    Configuration,
}

impl Exit {
    /// The number. 75, 77 and 78 are those of sysexits.h.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::Usage => 2,
            Self::TryLater => 75,
            Self::Refused => 77,
            Self::Configuration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
