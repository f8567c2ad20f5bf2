//! Names that people give: of hosts, users, repositories and source groups, and the tags of hosts.
//!
//! Source of the limits: features.md API-11.

use std::fmt;
use std::str::FromStr;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $invalid:ident, $allowed:literal, $is_valid:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        #[doc = concat!("A text that is no [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error($allowed)]
        pub struct $invalid;

        impl $name {
            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = $invalid;

            fn from_str(text: &str) -> Result<Self, $invalid> {
                let is_valid: fn(&str) -> bool = $is_valid;
                if is_valid(text) { Ok(Self(text.to_owned())) } else { Err($invalid) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

names! {
    /// The name of a host in the console; unique without regard to case.
    Hostname, InvalidHostname,
    "a host name has 1 to 253 characters of A-Z a-z 0-9 . _ -",
    |text| has_length(text, 253) && text.bytes().all(|byte| is_word(byte, b"._-"));

    /// A label of a host.
    Tag, InvalidTag,
    "a tag has 1 to 64 characters of A-Z a-z 0-9 . _ : -",
    |text| has_length(text, 64) && text.bytes().all(|byte| is_word(byte, b"._:-"));

    /// The name of a source group; unique on its host. It is the restic tag of the group's snapshots, and restic splits
    /// tags at commas.
    SourceGroupName, InvalidSourceGroupName,
    "a source group name has 1 to 64 characters of a-z 0-9 . _ - and begins with a letter or digit",
    |text| has_length(text, 64)
        && text.bytes().all(|byte| is_word(byte, b"._-") && !byte.is_ascii_uppercase())
        && !text.starts_with(['.', '_', '-']);

    /// The name with which a person signs in; unique without regard to case.
    Username, InvalidUsername,
    "a user name has 1 to 64 characters of A-Z a-z 0-9 . _ @ -",
    |text| has_length(text, 64) && text.bytes().all(|byte| is_word(byte, b"._@-"));

    /// The name of a repository in the console; unique without regard to case.
    RepositoryName, InvalidRepositoryName,
    "a repository name has 1 to 64 printable characters and does not begin or end with a space",
    |text| (1..=64).contains(&text.chars().count()) && text.trim() == text && is_printable(text);
}

impl Hostname {
    /// The form in which names are compared: two hosts with the same key have the same name.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl Username {
    /// The form in which names are compared: two users with the same key have the same name.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl RepositoryName {
    /// The form in which names are compared: two repositories with the same key have the same name.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// The labels of a host: distinct, in alphabetical order, at most [`Self::MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

/// Why a list of texts is not [`Tags`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTags {
    /// There are too many.
    #[error("at most {} tags are allowed", Tags::MAX)]
    TooMany,
    /// One of them is not a tag.
    #[error("{InvalidTag}")]
    Tag {
        /// Which, counted from 0.
        index: usize,
    },
    /// One of them is there twice.
    #[error("each tag may be given only once")]
    Twice {
        /// The second of the two, counted from 0.
        index: usize,
    },
}

impl Tags {
    /// How many tags a host can have.
    pub const MAX: usize = 32;

    /// Reads the texts of all tags, in any order.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, InvalidTags> {
        if texts.len() > Self::MAX {
            return Err(InvalidTags::TooMany);
        }
        let mut tags: Vec<Tag> = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            let tag = text.as_ref().parse().map_err(|_| InvalidTags::Tag { index })?;
            if tags.contains(&tag) {
                return Err(InvalidTags::Twice { index });
            }
            tags.push(tag);
        }
        tags.sort_unstable();
        Ok(Self(tags))
    }

    /// The tags in alphabetical order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.0.iter()
    }

    /// Whether the host bears no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the host bears the tag.
    pub fn contains(&self, tag: &Tag) -> bool {
        self.0.contains(tag)
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = &'a Tag;
    type IntoIter = std::slice::Iter<'a, Tag>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn has_length(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
}

fn is_word(byte: u8, punctuation: &[u8]) -> bool {
    byte.is_ascii_alphanumeric() || punctuation.contains(&byte)
}

/// Whether nothing in it acts on a terminal or on the direction of text.
fn is_printable(text: &str) -> bool {
    crate::ReportedText::<1024>::from(text).as_str() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostnames_within_their_limits_are_taken_as_they_are() {
        check::<Hostname>(
            &["a", "Web-01.example.org", "_x", "-x", &"h".repeat(253)],
            &["", "a b", "höst", "a/b", "a\0", "a\n", &"h".repeat(254)],
        );
        assert_eq!("Web-01".parse::<Hostname>().unwrap().key(), "web-01");
    }

    #[test]
    fn usernames_within_their_limits_are_taken_as_they_are() {
        check::<Username>(
            &["a", "Anna.B@example.org", &"u".repeat(64)],
            &["", "a b", "a:b", "é", &"u".repeat(65)],
        );
        assert_eq!("Anna".parse::<Username>().unwrap().key(), "anna");
    }

    #[test]
    fn source_group_names_are_restic_tags_without_commas() {
        check::<SourceGroupName>(
            &["default", "0", "etc.home_1-x", &"g".repeat(64)],
            &["", "Default", "-x", ".x", "a,b", "a b", &"g".repeat(65)],
        );
    }

    #[test]
    fn repository_names_are_printable_and_trimmed() {
        check::<RepositoryName>(
            &["Büro NAS (2. Stock)", "x", &"ü".repeat(64)],
            &["", " x", "x ", "a\tb", "a\u{202e}b", &"ü".repeat(65)],
        );
        assert_eq!("NAS Ä".parse::<RepositoryName>().unwrap().key(), "nas ä");
    }

    #[test]
    fn tags_are_sorted_and_distinct() {
        let tags = Tags::parse(&["web", "env:prod", "db"]).unwrap();

        assert_eq!(
            tags.iter().map(Tag::as_str).collect::<Vec<_>>(),
            ["db", "env:prod", "web"]
        );
        assert!(tags.contains(&"db".parse().unwrap()) && !tags.is_empty());
    }

    #[test]
    fn a_bad_list_of_tags_says_which_one() {
        let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();

        assert_eq!(Tags::parse(&["a", "b c"]), Err(InvalidTags::Tag { index: 1 }));
        assert_eq!(Tags::parse(&["a", "b", "a"]), Err(InvalidTags::Twice { index: 2 }));
        assert_eq!(Tags::parse(&[&"t".repeat(65)]), Err(InvalidTags::Tag { index: 0 }));
        assert_eq!(Tags::parse(&many), Err(InvalidTags::TooMany));
        assert_eq!(Tags::parse(&many[1..]).map(|tags| tags.iter().count()), Ok(32));
    }

    #[test]
    fn a_refusal_says_what_is_allowed() {
        let refusals = [
            InvalidHostname.to_string(),
            InvalidTags::Tag { index: 0 }.to_string(),
            InvalidTags::TooMany.to_string(),
        ];

        assert_eq!(
            refusals,
            [
                "a host name has 1 to 253 characters of A-Z a-z 0-9 . _ -",
                "a tag has 1 to 64 characters of A-Z a-z 0-9 . _ : -",
                "at most 32 tags are allowed",
            ]
        );
    }

    fn check<T: FromStr + fmt::Display>(allowed: &[&str], refused: &[&str]) {
        for text in allowed {
            let name = text.parse::<T>().map(|name| name.to_string()).ok();

            assert_eq!(name.as_deref(), Some(*text));
        }
        for text in refused {
            assert!(text.parse::<T>().is_err(), "{text:?}");
        }
    }
}
