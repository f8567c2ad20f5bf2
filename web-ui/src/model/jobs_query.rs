//! What the list of jobs shows, as its address says.

use pbjson_types::Timestamp;
use proto::v1::{JobKind, JobStatus, ListJobsRequest};

use super::list_page::{ListPage, encoded};

/// How many jobs are on a page.
pub const PAGE_SIZE: i32 = 50;

/// The states that the list can be filtered by.
pub const STATUSES: [(JobStatus, &str); 5] = [
    (JobStatus::Queued, "queued"),
    (JobStatus::Running, "running"),
    (JobStatus::Succeeded, "succeeded"),
    (JobStatus::Failed, "failed"),
    (JobStatus::Cancelled, "cancelled"),
];

/// The kinds that the list can be filtered by.
pub const KINDS: [(JobKind, &str); 6] = [
    (JobKind::Backup, "backup"),
    (JobKind::Init, "init"),
    (JobKind::Probe, "probe"),
    (JobKind::Snapshots, "snapshots"),
    (JobKind::Unlock, "unlock"),
    (JobKind::Stats, "stats"),
];

/// How far back the list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    /// The last 24 hours.
    Day,
    /// The last 7 days.
    #[default]
    Week,
    /// The last 30 days.
    Month,
    /// To the first job on record.
    All,
}

impl Range {
    /// All, from the shortest on.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::All];

    /// Its word in an address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::All => "all",
        }
    }

    /// Its length in seconds; `None` for all.
    const fn seconds(self) -> Option<i64> {
        match self {
            Self::Day => Some(86_400),
            Self::Week => Some(7 * 86_400),
            Self::Month => Some(30 * 86_400),
            Self::All => None,
        }
    }
}

/// Filter and page of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobsQuery {
    /// Only jobs of this host; empty: all.
    pub host: String,
    /// Only this kind; unspecified: all.
    pub kind: JobKind,
    /// Only this state; unspecified: all.
    pub status: JobStatus,
    /// How far back.
    pub range: Range,
    /// Which page.
    pub page: ListPage,
    /// From when on, in seconds since 1970, on a page that is not the first: pages belong together only while they begin at
    /// the same time.
    pub from: Option<i64>,
}

impl JobsQuery {
    /// Reads an address. What it does not know is left out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).unwrap_or_default();
        let (kind, status, range) = (text("kind"), text("status"), text("range"));
        let page = ListPage::read(&get);
        Self {
            host: text("host"),
            kind: KINDS
                .iter()
                .find(|(_, word)| *word == kind)
                .map_or(JobKind::Unspecified, |(kind, _)| *kind),
            status: STATUSES
                .iter()
                .find(|(_, word)| *word == status)
                .map_or(JobStatus::Unspecified, |(status, _)| *status),
            range: Range::ALL
                .into_iter()
                .find(|known| known.word() == range)
                .unwrap_or_default(),
            from: text("from").parse().ok().filter(|_| !page.after.is_empty()),
            page,
        }
    }

    /// The address of this list.
    pub fn path(&self) -> String {
        self.path_from("/jobs", &self.host)
    }

    /// The address of this list among what belongs to its host.
    pub fn path_at_host(&self) -> String {
        self.path_from(&format!("/hosts/{}/jobs", encoded(&self.host)), "")
    }

    fn path_from(&self, path: &str, host: &str) -> String {
        let range = if self.range == Range::default() {
            ""
        } else {
            self.range.word()
        };
        let from = self.from.map(|from| from.to_string()).unwrap_or_default();
        let others = [
            ("host", host),
            ("kind", self.kind_word()),
            ("status", self.status_word()),
            ("range", range),
            ("from", &from),
        ];
        self.page.path(path, &others)
    }

    /// The call that answers it at a time, in milliseconds since 1970.
    pub fn request(&self, now: i64) -> ListJobsRequest {
        let from = self
            .range
            .seconds()
            .map(|length| self.from.unwrap_or(now / 1000 - length));
        ListJobsRequest {
            host_id: self.host.clone(),
            kind: self.kind.into(),
            status: self.status.into(),
            from: from.map(|seconds| Timestamp { seconds, nanos: 0 }),
            page_size: PAGE_SIZE,
            page_token: self.page.after.clone(),
            ..ListJobsRequest::default()
        }
    }

    /// The word of its kind in an address; empty for all.
    pub fn kind_word(&self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, _)| *kind == self.kind)
            .map_or("", |(_, word)| word)
    }

    /// The word of its state in an address; empty for all.
    pub fn status_word(&self) -> &'static str {
        STATUSES
            .iter()
            .find(|(status, _)| *status == self.status)
            .map_or("", |(_, word)| word)
    }

    /// Whether anything but the range is filtered out. On the page of a host, that host is no filter.
    pub fn is_filtered_beside(&self, is_at_host: bool) -> bool {
        (!self.host.is_empty() && !is_at_host) || !self.filter().is_empty()
    }

    /// The filter as a person would say it, such as `kind:backup state:failed`. The host is said by `host`, its name.
    pub fn filter_with(&self, host: &str) -> String {
        let host = (!self.host.is_empty()).then(|| format!("host:{host}"));
        let words = self.filter();
        host.into_iter()
            .chain((!words.is_empty()).then_some(words))
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn filter(&self) -> String {
        let pairs = [("kind", self.kind_word()), ("state", self.status_word())];
        let said: Vec<String> = pairs
            .into_iter()
            .filter(|(_, word)| !word.is_empty())
            .map(|(name, word)| format!("{name}:{word}"))
            .collect();
        said.join(" ")
    }

    /// The first page of one host, or of all.
    #[must_use]
    pub fn with_host(&self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self.first()
        }
    }

    /// The first page of the kind with this word, or of all.
    #[must_use]
    pub fn with_kind(&self, word: &str) -> Self {
        let kind = KINDS.iter().find(|(_, known)| *known == word);
        Self {
            kind: kind.map_or(JobKind::Unspecified, |(kind, _)| *kind),
            ..self.first()
        }
    }

    /// The first page of the state with this word, or of all.
    #[must_use]
    pub fn with_status(&self, word: &str) -> Self {
        let status = STATUSES.iter().find(|(_, known)| *known == word);
        Self {
            status: status.map_or(JobStatus::Unspecified, |(status, _)| *status),
            ..self.first()
        }
    }

    /// The first page that goes as far back as this word says.
    #[must_use]
    pub fn with_range(&self, word: &str) -> Self {
        let range = Range::ALL.into_iter().find(|known| known.word() == word);
        Self {
            range: range.unwrap_or_default(),
            ..self.first()
        }
    }

    /// Another page of this list. `from` is what the one that is shown was asked for with.
    #[must_use]
    pub fn at(&self, page: &ListPage, from: Option<i64>) -> Self {
        Self {
            page: page.clone(),
            from: from.filter(|_| !page.after.is_empty()),
            ..self.clone()
        }
    }

    /// The first page of the same list.
    #[must_use]
    pub fn first(&self) -> Self {
        Self {
            page: ListPage::default(),
            from: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> JobsQuery {
        let (_, query) = path.split_once('?').unwrap_or((path, ""));
        JobsQuery::read(|name| {
            let mut pairs = query.split('&');
            pairs
                .find_map(|pair| pair.strip_prefix(&format!("{name}=")))
                .map(str::to_owned)
        })
    }

    fn behind(list: &JobsQuery, token: &str, from: Option<i64>) -> JobsQuery {
        list.at(&list.page.next(token), from)
    }

    #[test]
    fn an_address_says_the_whole_list_and_is_read_back() {
        let start = read("/jobs");
        let lists = [
            start.clone(),
            start.with_host("0192-a").with_kind("backup").with_status("failed"),
            behind(&behind(&start.with_range("24h"), "t0", Some(9)), "t1", Some(9)),
            behind(&start.with_range("all"), "t0", None),
        ];
        for list in &lists {
            assert_eq!(read(&list.path()), *list, "{}", list.path());
        }
        assert_eq!(start.path(), "/jobs");
        assert_eq!(lists[1].path_at_host(), "/hosts/0192-a/jobs?kind=backup&status=failed");
    }

    #[test]
    fn what_an_address_should_not_say_is_left_out() {
        let odd = read("/jobs?kind=prune&status=dead&range=9y&page=7&from=3");

        assert_eq!(odd, read("/jobs"));
    }

    #[test]
    fn all_pages_begin_at_the_time_of_the_first() {
        let first = read("/jobs?range=24h");
        let asked = first.request(100_000_000).from.map(|from| from.seconds);
        assert_eq!(asked, Some(100_000 - 86_400));

        let second = behind(&first, "t", asked);

        assert_eq!(second.request(200_000_000).from.map(|from| from.seconds), asked);
        assert_eq!(
            second.first().request(200_000_000).from.map(|from| from.seconds),
            Some(200_000 - 86_400)
        );
        assert_eq!(read("/jobs?range=all").request(5).from, None);
    }

    #[test]
    fn another_filter_begins_at_the_first_page() {
        let third = behind(&behind(&read("/jobs"), "a", Some(1)), "b", Some(1));
        assert_eq!((third.page.number, third.page.after.as_str()), (3, "b"));

        for changed in [
            third.with_host("x"),
            third.with_kind("init"),
            third.with_status(""),
            third.with_range("all"),
        ] {
            assert_eq!((changed.page, changed.from), (ListPage::default(), None));
        }
    }

    #[test]
    fn the_filter_is_said_as_a_person_would() {
        let list = read("/jobs?host=1&kind=backup&status=failed");

        assert_eq!(list.filter_with("web-01"), "host:web-01 kind:backup state:failed");
        let one_host = read("/jobs?host=1");
        assert!(list.is_filtered_beside(true) && one_host.is_filtered_beside(false));
        assert!(!one_host.is_filtered_beside(true));
        assert!(!read("/jobs?range=24h").is_filtered_beside(false));
    }
}
