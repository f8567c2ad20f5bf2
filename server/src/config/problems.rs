//! What is wrong with a configuration: all of it at once.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An environment variable, or a flag that overrides it.
    Environment,
    /// The YAML file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("the environment"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// One thing that keeps the server from starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key as its source spells it, or the file that could not be read.
    pub key: String,
    /// Where it was found.
    pub source: Source,
    /// What is wrong with it and what is allowed. Never holds a secret value.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}: {}", self.key, self.source, self.sentence)
    }
}

/// Everything that is wrong with a configuration, in the order of the reference page; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// The single problems.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "the configuration has a problem, so the server does not start:")?,
            many => write!(
                f,
                "the configuration has {many} problems, so the server does not start:"
            )?,
        }
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
