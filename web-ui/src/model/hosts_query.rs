//! What the list of hosts shows, as its address says.

use std::fmt::Write as _;

use proto::v1::{Health, ListHostsRequest};

/// How many hosts are on a page.
pub const PAGE_SIZE: i32 = 50;

/// The columns that the list can be sorted by, as the server names them; the worst host first unless somebody asks otherwise.
pub const SORTS: [&str; 4] = ["health", "hostname", "last_backup_at", "last_seen_at"];

/// The healths that the list can be filtered by, in the order of their urgency.
pub const HEALTHS: [(Health, &str); 7] = [
    (Health::Failing, "failing"),
    (Health::Offline, "offline"),
    (Health::Warning, "warning"),
    (Health::Pending, "pending"),
    (Health::Waiting, "waiting"),
    (Health::Asleep, "asleep"),
    (Health::Ok, "ok"),
];

/// Filter, order and page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostsQuery {
    /// Words in names and tags.
    pub q: String,
    /// Only this health; unspecified: all.
    pub health: Health,
    /// The column, one of [`SORTS`]; empty: the first of them.
    pub sort: String,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Which page, from 1.
    pub page: u32,
    /// The server's token of this page; empty for the first.
    pub after: String,
}

impl HostsQuery {
    /// Reads an address. What it does not know is left out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).unwrap_or_default();
        let wanted = text("health");
        let known = HEALTHS.iter().find(|(_, word)| *word == wanted);
        let sort = text("sort");
        let (column, descending) = match sort.strip_prefix('-') {
            Some(column) => (column, true),
            None => (sort.as_str(), false),
        };
        let column = SORTS.into_iter().find(|known| *known == column);
        let after = text("after");
        let page = text("page").parse().unwrap_or(1).max(1);
        Self {
            q: text("q"),
            health: known.map_or(Health::Unspecified, |(health, _)| *health),
            sort: column.unwrap_or_default().to_owned(),
            descending: descending && column.is_some(),
            page: if after.is_empty() { 1 } else { page.max(2) },
            after,
        }
    }

    /// The address of this list.
    pub fn path(&self) -> String {
        let mut path = String::from("/hosts");
        let mut first = true;
        let mut add = |name: &str, value: &str| {
            if value.is_empty() {
                return;
            }
            path.push(if first { '?' } else { '&' });
            first = false;
            // Writing to a String cannot fail.
            let _ = write!(path, "{name}={}", encoded(value));
        };
        add("q", &self.q);
        let word = HEALTHS.iter().find(|(health, _)| *health == self.health);
        add("health", word.map_or("", |(_, word)| word));
        let direction = if self.descending { "-" } else { "" };
        if !self.sort.is_empty() {
            add("sort", &format!("{direction}{}", self.sort));
        }
        if !self.after.is_empty() {
            add("page", &self.page.to_string());
            add("after", &self.after);
        }
        path
    }

    /// The call that answers it.
    pub fn request(&self) -> ListHostsRequest {
        let column = if self.sort.is_empty() { SORTS[0] } else { &self.sort };
        let direction = if self.descending { " desc" } else { "" };
        ListHostsRequest {
            q: self.q.clone(),
            health: self.health.into(),
            order_by: format!("{column}{direction}"),
            page_size: PAGE_SIZE,
            page_token: self.after.clone(),
            ..ListHostsRequest::default()
        }
    }

    /// Whether anything is filtered out.
    pub fn is_filtered(&self) -> bool {
        !self.q.is_empty() || self.health != Health::Unspecified
    }

    /// The filter as a person would say it, such as `web health:failing`.
    pub fn filter(&self) -> String {
        let word = HEALTHS.iter().find(|(health, _)| *health == self.health);
        let health = word.map(|(_, word)| format!("health:{word}"));
        let words = (!self.q.is_empty()).then(|| self.q.clone());
        words.into_iter().chain(health).collect::<Vec<_>>().join(" ")
    }

    /// The first page with other words.
    #[must_use]
    pub fn with_words(&self, words: &str) -> Self {
        Self {
            q: words.to_owned(),
            ..self.first()
        }
    }

    /// The first page of one health, or of all.
    #[must_use]
    pub fn with_health(&self, health: Health) -> Self {
        Self { health, ..self.first() }
    }

    /// The first page sorted by a column, the latest time first; by the same column again, the other way round.
    #[must_use]
    pub fn sorted_by(&self, column: &str) -> Self {
        let same = self.sorts_by(column);
        Self {
            sort: column.to_owned(),
            descending: if same {
                !self.descending
            } else {
                column.ends_with("_at")
            },
            ..self.first()
        }
    }

    /// Whether it is sorted by this column.
    pub fn sorts_by(&self, column: &str) -> bool {
        self.sort == column || (self.sort.is_empty() && column == SORTS[0])
    }

    /// The page behind this one.
    #[must_use]
    pub fn next(&self, token: &str) -> Self {
        Self {
            page: self.page.max(1) + 1,
            after: token.to_owned(),
            ..self.clone()
        }
    }

    /// The first page of the same list.
    #[must_use]
    pub fn first(&self) -> Self {
        Self {
            page: 1,
            after: String::new(),
            ..self.clone()
        }
    }
}

/// A value as it stands in an address.
pub fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_the_whole_list_and_is_read_back() {
        let lists = [
            HostsQuery::read(|_| None),
            HostsQuery::read(|_| None).with_words("web & \u{e4}?"),
            HostsQuery::read(|_| None)
                .with_health(Health::Failing)
                .sorted_by("last_backup_at"),
            HostsQuery::read(|_| None).sorted_by("hostname").next("t/0+k").next("2"),
        ];
        for list in lists {
            let path = list.path();
            let (_, query) = path.split_once('?').unwrap_or((&path, ""));
            let read = HostsQuery::read(|name| {
                let pair = query
                    .split('&')
                    .find_map(|pair| pair.strip_prefix(&format!("{name}=")))?;
                Some(decoded(pair))
            });

            assert_eq!(read, list, "{path}");
        }
    }

    #[test]
    fn what_an_address_should_not_say_is_left_out() {
        let read = HostsQuery::read(|name| match name {
            "health" => Some("dead".to_owned()),
            "sort" => Some("-password".to_owned()),
            "page" => Some("7".to_owned()),
            _ => None,
        });

        assert_eq!(read.request().order_by, "health");
        assert_eq!((read.health, read.page), (Health::Unspecified, 1));
    }

    #[test]
    fn another_filter_or_order_begins_at_the_first_page() {
        let third = HostsQuery::read(|_| None).next("a").next("b");
        assert_eq!((third.page, third.after.as_str()), (3, "b"));

        for changed in [
            third.with_words("x"),
            third.with_health(Health::Ok),
            third.sorted_by("last_seen_at"),
        ] {
            assert_eq!((changed.page, changed.after.as_str()), (1, ""));
        }
        assert_eq!(third.sorted_by("health").request().order_by, "health desc");
        assert_eq!(third.sorted_by("hostname").request().order_by, "hostname");
        assert_eq!(third.sorted_by("last_seen_at").request().order_by, "last_seen_at desc");
    }

    fn decoded(value: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = value.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            if *byte == b'%' {
                bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
                rest = &after[2..];
            } else {
                bytes.push(*byte);
                rest = after;
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}
