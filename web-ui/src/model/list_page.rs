//! Which page of a list is shown, as its address says.

use std::fmt::Write as _;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage {
    /// Which page, from 1.
    pub number: u32,
    /// The server's token of this page; empty for the first.
    pub after: String,
}

impl Default for ListPage {
    fn default() -> Self {
        Self {
            number: 1,
            after: String::new(),
        }
    }
}

impl ListPage {
    /// Reads an address. A number without a token leads nowhere, so it is left out.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let after = get("after").unwrap_or_default();
        let number: u32 = get("page").and_then(|page| page.parse().ok()).unwrap_or(2);
        Self {
            number: if after.is_empty() { 1 } else { number.max(2) },
            after,
        }
    }

    /// The address of this page of the list at `path`, with what else is in the address before it.
    pub fn path(&self, path: &str, others: &[(&str, &str)]) -> String {
        let number = self.number.to_string();
        let page = [("page", number.as_str()), ("after", self.after.as_str())];
        let page = page.into_iter().filter(|_| !self.after.is_empty());
        let pairs = others
            .iter()
            .copied()
            .filter(|(_, value)| !value.is_empty())
            .chain(page);
        let mut address = path.to_owned();
        for (index, (name, value)) in pairs.enumerate() {
            let sign = if index == 0 { '?' } else { '&' };
            // Writing to a String cannot fail.
            let _ = write!(address, "{sign}{name}={}", encoded(value));
        }
        address
    }

    /// The page behind this one.
    #[must_use]
    pub fn next(&self, token: &str) -> Self {
        Self {
            number: self.number + 1,
            after: token.to_owned(),
        }
    }

    /// The number of the first row of this page, from 1.
    pub fn first_row(&self, page_size: u32) -> u64 {
        u64::from(self.number - 1) * u64::from(page_size) + 1
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
    fn an_address_is_read_back_and_a_number_alone_is_the_first_page() {
        let read = |page: &str, after: &str| {
            ListPage::read(|name| {
                let value = if name == "page" { page } else { after };
                (!value.is_empty()).then(|| value.to_owned())
            })
        };
        let first = read("", "");
        let third = first.next("a/1").next("b&2");

        assert_eq!((first.number, first.path("/x", &[])), (1, "/x".to_owned()));
        assert_eq!(third.path("/x", &[]), "/x?page=3&after=b%262");
        assert_eq!(
            third.path("/x", &[("state", "used"), ("q", "")]),
            "/x?state=used&page=3&after=b%262"
        );
        assert_eq!(read("3", "b&2"), third);
        assert_eq!(read("7", ""), first);
        assert_eq!((read("0", "b").number, read("x", "b").number), (2, 2));
        assert_eq!((first.first_row(50), third.first_row(50)), (1, 101));
    }
}
