//! Opaque page tokens: a cursor, bound to the list, filter and order that it belongs to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ErrorCode;
use domain::page::{Page, PageQuery};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::Error;
use crate::store;

/// Bytes of the digest that binds a token to its list.
const BINDING: usize = 8;

/// Opens a page query for a list. `list` names the list and everything that shapes it: filters and order.
///
/// Errors: `invalid_page_token` when the token was made for another list or by somebody else.
pub(super) fn open<C: DeserializeOwned>(
    query: &PageQuery,
    list: &impl Serialize,
) -> Result<store::PageRequest<C>, Error> {
    let size = query.size.get();
    if query.token.is_empty() {
        return Ok(store::PageRequest::first(size));
    }
    let cursor = cursor(&query.token, list).ok_or_else(|| {
        Error::refuse_field(
            ErrorCode::InvalidPageToken,
            "page_token",
            ErrorCode::InvalidPageToken.meaning(),
        )
    })?;
    Ok(store::PageRequest {
        size,
        after: Some(cursor),
    })
}

/// Closes a page: its cursor becomes the token of the next one.
pub(super) fn close<T, C: Serialize>(page: store::Page<T, C>, list: &impl Serialize) -> Result<Page<T>, Error> {
    let store::Page { items, next, total } = page;
    let next_token = match next {
        Some(cursor) => {
            let cursor = serde_json::to_vec(&cursor).map_err(|error| Error::failed("writing a page token", error))?;
            URL_SAFE_NO_PAD.encode([binding(list).as_slice(), &cursor].concat())
        }
        None => String::new(),
    };
    Ok(Page {
        items,
        next_token,
        total,
    })
}

fn cursor<C: DeserializeOwned>(token: &str, list: &impl Serialize) -> Option<C> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (bound, cursor) = bytes.split_at_checked(BINDING)?;
    if bound != binding(list) {
        return None;
    }
    serde_json::from_slice(cursor).ok()
}

fn binding(list: &impl Serialize) -> [u8; BINDING] {
    let digest = Sha256::digest(serde_json::to_vec(list).unwrap_or_default());
    let mut binding = [0; BINDING];
    binding.copy_from_slice(&digest[..BINDING]);
    binding
}

#[cfg(test)]
mod tests {
    use domain::page::PageSize;

    use super::*;

    #[test]
    fn a_token_opens_the_list_it_was_made_for() {
        let token = token_for(&("audit", "auth.*"));

        let request = open::<u64>(&query(&token), &("audit", "auth.*")).unwrap();

        assert_eq!(
            request,
            store::PageRequest {
                size: 2,
                after: Some(7)
            }
        );
    }

    #[test]
    fn a_token_of_another_list_or_of_nobody_is_refused() {
        let token = token_for(&("audit", "auth.*"));
        for (token, list) in [
            (token.as_str(), ("audit", "job.*")),
            ("AAAA", ("audit", "")),
            ("%", ("audit", "")),
        ] {
            let refused = open::<u64>(&query(token), &list).unwrap_err();

            assert_eq!(refused.code(), Some(ErrorCode::InvalidPageToken), "{token}");
        }
    }

    #[test]
    fn the_last_page_has_no_token() {
        let page = close(
            store::Page {
                items: vec![1],
                next: None::<u64>,
                total: 1,
            },
            &"list",
        )
        .unwrap();

        assert_eq!(page.next_token, "");
    }

    fn token_for(list: &impl Serialize) -> String {
        close(
            store::Page {
                items: vec![1, 2],
                next: Some(7_u64),
                total: 3,
            },
            list,
        )
        .unwrap()
        .next_token
    }

    fn query(token: &str) -> PageQuery {
        PageQuery {
            size: PageSize::new(2, 50, 500).unwrap(),
            token: token.to_owned(),
        }
    }
}
