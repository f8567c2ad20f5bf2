//! What a caller asks of a long list.

/// How many items at most, from 1 to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u32);

/// A number of items outside the list's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a whole number from 1 to {max} is needed, or 0 for {default}")]
pub struct InvalidPageSize {
    max: u32,
    default: u32,
}

impl PageSize {
    /// Reads what a client sent; 0 stands for the default.
    pub fn new(asked: i32, default: u32, max: u32) -> Result<Self, InvalidPageSize> {
        match u32::try_from(asked) {
            Ok(0) => Ok(Self(default)),
            Ok(size) if size <= max => Ok(Self(size)),
            Ok(_) | Err(_) => Err(InvalidPageSize { max, default }),
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A page that a caller wants: its size and the opaque token of the page before, empty for the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// How many items at most.
    pub size: PageSize,
    /// As it came; the app opens it.
    pub token: String,
}

/// A page as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Opaque token of the next page; empty when this is the last one.
    pub next_token: String,
    /// How many items the whole list has.
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_the_default_and_the_rest_is_bounded() {
        assert_eq!(PageSize::new(0, 50, 500).map(PageSize::get), Ok(50));
        assert_eq!(PageSize::new(500, 50, 500).map(PageSize::get), Ok(500));
        assert_eq!(
            PageSize::new(501, 50, 500).unwrap_err().to_string(),
            "a whole number from 1 to 500 is needed, or 0 for 50"
        );
        assert!(PageSize::new(-1, 50, 500).is_err());
    }
}
