//! What the list of hosts shows, as its address says.

use proto::v1::{Health, ListHostsRequest};

use super::list_page::ListPage;

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
    /// Which page.
    pub page: ListPage,
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
        Self {
            q: text("q"),
            health: known.map_or(Health::Unspecified, |(health, _)| *health),
            sort: column.unwrap_or_default().to_owned(),
            descending: descending && column.is_some(),
            page: ListPage::read(&get),
        }
    }

    /// The address of this list.
    pub fn path(&self) -> String {
        self.path_of(&self.page)
    }

    /// The address of a page of this list.
    pub fn path_of(&self, page: &ListPage) -> String {
        let word = HEALTHS.iter().find(|(health, _)| *health == self.health);
        let direction = if self.descending { "-" } else { "" };
        let sort = if self.sort.is_empty() {
            String::new()
        } else {
            format!("{direction}{}", self.sort)
        };
        let others = [
            ("q", self.q.as_str()),
            ("health", word.map_or("", |(_, word)| word)),
            ("sort", &sort),
        ];
        page.path("/hosts", &others)
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
            page_token: self.page.after.clone(),
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

    /// The first page of the same list.
    #[must_use]
    pub fn first(&self) -> Self {
        Self {
            page: ListPage::default(),
            ..self.clone()
        }
    }
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
            behind(&behind(&HostsQuery::read(|_| None).sorted_by("hostname"), "t/0+k"), "2"),
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
        assert_eq!((read.health, read.page), (Health::Unspecified, ListPage::default()));
    }

    #[test]
    fn another_filter_or_order_begins_at_the_first_page() {
        let third = behind(&behind(&HostsQuery::read(|_| None), "a"), "b");
        assert_eq!((third.page.number, third.page.after.as_str()), (3, "b"));

        for changed in [
            third.with_words("x"),
            third.with_health(Health::Ok),
            third.sorted_by("last_seen_at"),
        ] {
            assert_eq!(changed.page, ListPage::default());
        }
        assert_eq!(third.sorted_by("health").request().order_by, "health desc");
        assert_eq!(third.sorted_by("hostname").request().order_by, "hostname");
        assert_eq!(third.sorted_by("last_seen_at").request().order_by, "last_seen_at desc");
    }

    fn behind(list: &HostsQuery, token: &str) -> HostsQuery {
        HostsQuery {
            page: list.page.next(token),
            ..list.clone()
        }
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
