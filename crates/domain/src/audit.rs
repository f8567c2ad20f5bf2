//! The audit log: [`Entry`], one line of the record, and the chain of hashes that ties the lines together.
//!
//! Each line's hash covers the hash of the line before, so a changed, removed or inserted line breaks the chain from there
//! on. The length before each field keeps text from moving over to a neighbour unnoticed.
//!
//! Source: features.md AUD-01.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{ActorKind, ReportedText, Timestamp};

/// One line of the record. Written once, in the transaction of the change that it tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Position in the chain, from 1, without gaps.
    pub id: u64,
    /// By the server's clock.
    pub ts: Timestamp,
    /// What sort of actor did it.
    pub actor_kind: ActorKind,
    /// The actor's id; `None` for the server itself and when nobody was signed in.
    pub actor_id: Option<String>,
    /// The actor's name at that time; the name that was tried when nobody was signed in.
    pub actor_name: ReportedText<256>,
    /// Where the request came from; `None` when there was none.
    pub ip: Option<IpAddr>,
    /// What was done, such as `job.run_now`.
    pub action: String,
    /// What sort of thing it was done to, such as `host`; `None` when there is none.
    pub target_kind: Option<String>,
    /// The thing's id.
    pub target_id: Option<String>,
    /// The thing's name at that time.
    pub target_name: ReportedText<256>,
    /// A JSON object with further facts, never a secret. Text, and stored as text: the hash covers its bytes, which a
    /// database's own JSON type would not keep.
    pub payload: String,
}

/// The hash of a line and, through it, of all before. The text form is 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

/// A text that is no [`ChainHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hash of the audit chain: 64 lower-case hex digits are needed")]
pub struct InvalidChainHash;

impl Entry {
    /// Computes the line's hash: SHA-256 of the hash before, then of each field in the order of [`Entry`], its length in
    /// bytes as 8 bytes, big end first, before it.
    ///
    /// Numbers are decimal text, the time is microseconds since 1970, and what is absent is empty.
    pub fn hash(&self, previous: ChainHash) -> ChainHash {
        let Self {
            id,
            ts,
            actor_kind,
            actor_id,
            actor_name,
            ip,
            action,
            target_kind,
            target_id,
            target_name,
            payload,
        } = self;
        let fields: [&str; 11] = [
            &id.to_string(),
            &ts.as_micros().to_string(),
            actor_kind.as_str(),
            actor_id.as_deref().unwrap_or_default(),
            actor_name.as_str(),
            &ip.map(|ip| ip.to_string()).unwrap_or_default(),
            action,
            target_kind.as_deref().unwrap_or_default(),
            target_id.as_deref().unwrap_or_default(),
            target_name.as_str(),
            payload,
        ];
        let mut digest = Sha256::new_with_prefix(previous.0);
        for field in fields {
            digest.update((field.len() as u64).to_be_bytes());
            digest.update(field);
        }
        ChainHash(digest.finalize().into())
    }
}

/// Finds the first line that does not fit the chain: its hash is not the one its fields and the line before give, or its
/// id does not follow.
///
/// `lines` are in the order of their ids; `anchor` is the hash before the first of them: [`ChainHash::START`], or what
/// retention kept when it cut the log. Returns the index in `lines`; `None` when all fit. That lines are missing at the
/// end shows only against a head that is kept elsewhere.
pub fn first_broken<'a>(anchor: ChainHash, lines: impl IntoIterator<Item = (&'a Entry, ChainHash)>) -> Option<usize> {
    let mut previous = anchor;
    let mut expected_id = None;
    for (index, (entry, hash)) in lines.into_iter().enumerate() {
        if expected_id.is_some_and(|id| id != entry.id) || entry.hash(previous) != hash {
            return Some(index);
        }
        previous = hash;
        expected_id = entry.id.checked_add(1);
    }
    None
}

impl ChainHash {
    /// What stands before the first line of a log.
    pub const START: Self = Self([0; 32]);

    /// Reads what the store keeps.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What the store keeps.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chain:{self}")
    }
}

impl FromStr for ChainHash {
    type Err = InvalidChainHash;

    fn from_str(text: &str) -> Result<Self, InvalidChainHash> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| InvalidChainHash)?;
        bytes.try_into().map(Self).map_err(|_| InvalidChainHash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Entry);

    /// Computed outside of this program (Python's hashlib), so that a change of the layout cannot go unnoticed.
    const GOLDEN: &str = "621f33477b67ff055f4259e484213bd97a155941d10a9eefda603da3d6365745";

    #[test]
    fn the_hash_of_a_known_line_is_known() {
        let hash = entry(1).hash(ChainHash::START);

        assert_eq!(hash.to_string(), GOLDEN);
        assert_eq!(GOLDEN.parse(), Ok(hash));
        assert_eq!(GOLDEN[1..].parse::<ChainHash>(), Err(InvalidChainHash));
    }

    #[test]
    fn every_field_counts() {
        let changes: [(&str, Change); 11] = [
            ("id", |entry| entry.id += 1),
            ("ts", |entry| entry.ts = Timestamp::UNIX_EPOCH),
            ("actor_kind", |entry| entry.actor_kind = ActorKind::System),
            ("actor_id", |entry| entry.actor_id = None),
            ("actor_name", |entry| entry.actor_name = "bert".into()),
            ("ip", |entry| entry.ip = None),
            ("action", |entry| entry.action = "job.cancel".to_owned()),
            ("target_kind", |entry| entry.target_kind = None),
            ("target_id", |entry| entry.target_id = None),
            ("target_name", |entry| entry.target_name = "web-02".into()),
            ("payload", |entry| entry.payload = "{}".to_owned()),
        ];
        for (field, change) in changes {
            let mut other = entry(1);
            change(&mut other);

            assert_ne!(other.hash(ChainHash::START), entry(1).hash(ChainHash::START), "{field}");
        }
    }

    #[test]
    fn text_cannot_move_to_a_neighbouring_field() {
        let mut moved = entry(1);
        moved.target_name = "web-0".into();
        moved.payload = format!("1{}", moved.payload);

        assert_ne!(moved.hash(ChainHash::START), entry(1).hash(ChainHash::START));
    }

    #[test]
    fn an_untouched_chain_has_no_broken_line() {
        let lines = chain(5);

        assert_eq!(check(ChainHash::START, &lines), None);
        assert_eq!(check(lines[1].1, &lines[2..]), None);
        assert_eq!(check(ChainHash::START, &[]), None);
    }

    #[test]
    fn the_first_broken_line_is_found() {
        let lines = chain(5);

        let mut changed = lines.clone();
        changed[2].0.action = "host.deleted".to_owned();
        let mut rehashed = changed.clone();
        rehashed[2].1 = rehashed[2].0.hash(rehashed[1].1);
        let mut removed = lines.clone();
        removed.remove(3);
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        let mut renumbered = lines.clone();
        renumbered[4].0.id = 9;
        renumbered[4].1 = renumbered[4].0.hash(renumbered[3].1);

        for (case, lines, broken) in [
            ("changed", changed, 2),
            ("changed with its own hash", rehashed, 3),
            ("removed", removed, 3),
            ("swapped", swapped, 1),
            ("renumbered", renumbered, 4),
            ("cut at the front", lines[1..].to_vec(), 0),
        ] {
            assert_eq!(check(ChainHash::START, &lines), Some(broken), "{case}");
        }
    }

    fn check(anchor: ChainHash, lines: &[(Entry, ChainHash)]) -> Option<usize> {
        first_broken(anchor, lines.iter().map(|(entry, hash)| (entry, *hash)))
    }

    fn chain(length: u64) -> Vec<(Entry, ChainHash)> {
        let mut previous = ChainHash::START;
        (1..=length)
            .map(|id| {
                previous = entry(id).hash(previous);
                (entry(id), previous)
            })
            .collect()
    }

    fn entry(id: u64) -> Entry {
        Entry {
            id,
            ts: "2026-05-01T02:00:00.123456Z".parse().unwrap(),
            actor_kind: ActorKind::User,
            actor_id: Some("01890a5d-ac96-774b-bcce-b302099a8057".to_owned()),
            actor_name: "anna".into(),
            ip: Some("192.0.2.7".parse().unwrap()),
            action: "job.run_now".to_owned(),
            target_kind: Some("host".to_owned()),
            target_id: Some("01890a5d-ac96-774b-bcce-b302099a8058".to_owned()),
            target_name: "web-01".into(),
            payload: r#"{"kind":"backup"}"#.to_owned(),
        }
    }
}
