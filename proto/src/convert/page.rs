//! Pages of lists.

use domain::page::{PageQuery, PageSize};

use super::Invalid;

/// Longest page token that is looked at, in bytes. Ours are shorter.
const TOKEN_LIMIT: usize = 2048;

/// Reads the paging fields of a list with the usual limits: 50 items by default, at most 500.
pub fn page(page_size: i32, page_token: String) -> Result<PageQuery, Invalid> {
    page_with_limits(page_size, page_token, 50, 500)
}

/// Reads the paging fields of a list with limits of its own.
pub fn page_with_limits(page_size: i32, page_token: String, default: u32, max: u32) -> Result<PageQuery, Invalid> {
    let size = PageSize::new(page_size, default, max).map_err(|error| Invalid::argument("page_size", error))?;
    if page_token.len() > TOKEN_LIMIT {
        return Err(Invalid::with_code(
            "page_token",
            domain::ErrorCode::InvalidPageToken,
            domain::ErrorCode::InvalidPageToken.meaning(),
        ));
    }
    Ok(PageQuery {
        size,
        token: page_token,
    })
}
