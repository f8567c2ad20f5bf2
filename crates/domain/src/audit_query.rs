//! What a reader of the audit log asks for.

use crate::Timestamp;
use crate::page::PageQuery;

/// Filters of the audit log, combined with "and".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditQuery {
    /// Which actions.
    pub action: ActionFilter,
    /// Exactly this actor's id or name; empty: all.
    pub actor: String,
    /// Exactly this target's id or name; empty: all.
    pub target: String,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// Which page.
    pub page: PageQuery,
}

/// Which actions are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionFilter {
    /// All.
    Any,
    /// Exactly this one.
    Exactly(String),
    /// Those that begin so.
    Prefix(String),
}

impl ActionFilter {
    /// Reads what a client sent: empty, an action, or a prefix with `*` behind it.
    pub fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None if text.is_empty() => Self::Any,
            None => Self::Exactly(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_makes_a_prefix() {
        assert_eq!(ActionFilter::new(""), ActionFilter::Any);
        assert_eq!(
            ActionFilter::new("auth.login"),
            ActionFilter::Exactly("auth.login".to_owned())
        );
        assert_eq!(ActionFilter::new("auth.*"), ActionFilter::Prefix("auth.".to_owned()));
        assert_eq!(ActionFilter::new("*"), ActionFilter::Prefix(String::new()));
    }
}
