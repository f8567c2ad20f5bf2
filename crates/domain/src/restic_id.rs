//! The ids that restic makes: [`SnapshotId`] and [`ResticRepositoryId`], both SHA-256 in hex.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

/// A text that is not a full restic id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind} id: 64 lower-case hex digits are needed")]
pub struct InvalidResticId {
    /// The kind of id that was wanted: `snapshot` or `restic repository`.
    pub kind: &'static str,
}

macro_rules! restic_ids {
    ($($(#[$doc:meta])* $name:ident: $kind:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The first eight digits, the form that restic prints for people. Not unique.
            pub fn short(&self) -> String {
                HEXLOWER.encode(&self.0[..4])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($kind, ":{}"), self)
            }
        }

        impl FromStr for $name {
            type Err = InvalidResticId;

            fn from_str(text: &str) -> Result<Self, InvalidResticId> {
                let bytes = HEXLOWER.decode(text.as_bytes()).ok();
                bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(InvalidResticId { kind: $kind })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

restic_ids! {
    /// A snapshot, by the id of its file in the repository. It changes when restic rewrites the snapshot's tags.
    SnapshotId: "snapshot",
    /// What a repository is: the `id` in its config, made by `restic init`. A URL is only where it lies.
    ResticRepositoryId: "restic repository",
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

    #[test]
    fn the_text_form_is_restics() {
        let id: SnapshotId = DIGITS.parse().unwrap();

        assert_eq!(id.to_string(), DIGITS);
        assert_eq!(id.short(), "0f1e2d3c");
        assert_eq!(format!("{id:?}"), format!("snapshot:{DIGITS}"));
    }

    #[test]
    fn shortened_and_upper_case_forms_are_refused() {
        for text in ["", "0f1e2d3c", &DIGITS.to_uppercase(), &format!("{DIGITS}00"), "latest"] {
            let refused = text.parse::<ResticRepositoryId>();

            assert_eq!(
                refused,
                Err(InvalidResticId {
                    kind: "restic repository"
                }),
                "{text}"
            );
        }
    }
}
