//! [`HostQuery`]: what a reader of the host list asks for.

use std::str::FromStr;

use crate::health::Health;
use crate::host::HostStatus;
use crate::id::RepositoryId;
use crate::name::Tag;
use crate::page::PageQuery;

/// Filters of the host list, combined with "and", and its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostQuery {
    /// In lower case; each is a part of the host's name or equals one of its tags, without regard to case.
    pub words: Vec<String>,
    /// With this status.
    pub status: Option<HostStatus>,
    /// With this health.
    pub health: Option<Health>,
    /// With this tag.
    pub tag: Option<Tag>,
    /// With a repository in this state: one of [`RepoStatus::WORDS`](crate::repository::RepoStatus::WORDS).
    pub repo_status: Option<&'static str>,
    /// That use this repository.
    pub repository: Option<RepositoryId>,
    /// The order.
    pub order: HostOrder,
    /// Which page.
    pub page: PageQuery,
}

/// An order of hosts. Hosts that are equal in it, or lack the value, come by id, the latter last in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct HostOrder {
    /// By what.
    pub key: HostOrderKey,
    /// From the largest to the smallest.
    pub descending: bool,
}

/// What hosts are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HostOrderKey {
    /// The name, without regard to case.
    #[default]
    Hostname,
    /// How urgently somebody should look at it, the worst first.
    Health,
    /// When it was enrolled.
    EnrolledAt,
    /// When its agent was last heard.
    LastSeenAt,
    /// When its last backup ended.
    LastBackupAt,
}

/// A text that is no order of hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "hostname, health, enrolled_at, last_seen_at or last_backup_at is needed, each with or without \" desc\" behind it"
)]
pub struct InvalidHostOrder;

impl FromStr for HostOrder {
    type Err = InvalidHostOrder;

    fn from_str(text: &str) -> Result<Self, InvalidHostOrder> {
        let (key, descending) = match text.strip_suffix(" desc") {
            Some(key) => (key, true),
            None => (text, false),
        };
        let key = match key {
            "hostname" => HostOrderKey::Hostname,
            "health" => HostOrderKey::Health,
            "enrolled_at" => HostOrderKey::EnrolledAt,
            "last_seen_at" => HostOrderKey::LastSeenAt,
            "last_backup_at" => HostOrderKey::LastBackupAt,
            _ => return Err(InvalidHostOrder),
        };
        Ok(Self { key, descending })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_field_and_a_direction() {
        let order = |text: &str| text.parse::<HostOrder>();

        assert_eq!(
            order("hostname"),
            Ok(HostOrder {
                key: HostOrderKey::Hostname,
                descending: false
            })
        );
        assert_eq!(
            order("last_backup_at desc"),
            Ok(HostOrder {
                key: HostOrderKey::LastBackupAt,
                descending: true
            })
        );
        for text in ["", "id", "hostname asc", "hostname  desc", "desc", "Hostname"] {
            assert_eq!(order(text), Err(InvalidHostOrder), "{text:?}");
        }
    }
}
