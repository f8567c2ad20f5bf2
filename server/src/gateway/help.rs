//! The error catalogue as a page, so that an error can point at its explanation on a machine without the internet.

use std::fmt::Write as _;

use axum::response::{Html, IntoResponse, Response};
use domain::ErrorCode;

use crate::grpc::status::http_status;

/// Answers `GET /help/errors`.
pub(super) async fn errors() -> Response {
    Html(page()).into_response()
}

fn page() -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Errors · restic-manager</title>\
         <h1>Errors</h1><p>Every error has a stable code. This is what each one means and what to do.</p><dl>",
    );
    for code in ErrorCode::ALL {
        // Nothing here comes from outside: codes and sentences are constants of ours.
        let meaning = code.meaning().replace('&', "&amp;").replace('<', "&lt;");
        let _ = write!(
            page,
            "<dt id=\"{code}\"><code>{code}</code> ({})</dt><dd>{meaning}</dd>",
            http_status(*code).as_u16()
        );
    }
    page.push_str("</dl></html>");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_anchor() {
        let page = page();

        for code in ErrorCode::ALL {
            assert!(page.contains(&format!("id=\"{code}\"")), "{code}");
        }
    }
}
