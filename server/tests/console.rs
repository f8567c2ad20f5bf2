//! The console as it is delivered: the document for pages, the files beside it, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::fs;
use std::sync::Arc;

use domain::Role;
use reqwest::{Method, StatusCode, header};
use server::clock::SystemClock;
use support::rest::{Answer, send};
use support::{As, TestServer};
use tempfile::TempDir;

const DOCUMENT: &str = "<!doctype html><title>console</title>";
const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

#[tokio::test]
async fn every_page_is_the_document_under_the_strict_policy() {
    let (server, _console) = with_console().await;

    for page in ["/", "/hosts", "/hosts/01890a5d/settings?tab=1", "/login", "/a/%2e%2e/b"] {
        let answer = get(&server, page, BROWSER, &[]).await;

        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::OK, DOCUMENT),
            "{page}"
        );
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"),
            "{policy}"
        );
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::REFERRER_POLICY], "same-origin");
        assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin");
        assert!(answer.headers.contains_key("permissions-policy"));
    }
}

#[tokio::test]
async fn a_document_that_a_browser_has_is_not_sent_again() {
    let (server, _console) = with_console().await;
    let first = get(&server, "/hosts", BROWSER, &[]).await;
    let tag = first.headers[header::ETAG].to_str().unwrap();

    let again = get(&server, "/jobs/1", BROWSER, &[("if-none-match", tag)]).await;
    let other = get(&server, "/", BROWSER, &[("if-none-match", "\"other\"")]).await;

    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.headers[header::CACHE_CONTROL], "no-cache");
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn files_are_kept_for_ever_and_sent_compressed() {
    let (server, _console) = with_console().await;

    let plain = get(&server, "/assets/app-1.wasm", "*/*", &[]).await;
    let packed = get(&server, "/assets/app-1.wasm", "*/*", &[("accept-encoding", "gzip, br")]).await;

    assert_eq!(plain.text, "program");
    assert_eq!(plain.headers.get(header::CONTENT_ENCODING), None);
    assert_eq!(packed.text, "brotli");
    assert_eq!(packed.headers[header::CONTENT_ENCODING], "br");
    assert_ne!(plain.headers[header::ETAG], packed.headers[header::ETAG]);
    for answer in [plain, packed] {
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/wasm");
        assert_eq!(
            answer.headers[header::CACHE_CONTROL],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(answer.headers[header::VARY], "accept-encoding");
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_console() {
    let (server, console) = with_console().await;
    fs::write(console.path().join("secret"), "not for browsers").unwrap();
    fs::create_dir(console.path().join("assets/below")).unwrap();
    fs::write(console.path().join("assets/below/secret"), "not for browsers").unwrap();

    for path in [
        "/assets/",
        "/assets",
        "/assets/missing.js",
        "/assets/below/secret",
        "/assets/..%2fsecret",
        "/assets//app-1.wasm",
        "/assets/app-1.wasm/",
        "/assets/app-1.wasm.br",
        "/assets/app-1.wasm%00",
        "/embedded.rs",
        "/index.html",
        "/secret.txt",
    ] {
        let answer = get(&server, path, BROWSER, &[]).await;

        assert!(!answer.text.contains("not for browsers"), "{path}");
        assert_ne!(answer.text, "program", "{path}");
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_is_no_page_is_answered_as_before() {
    let (server, _console) = with_console().await;

    for path in ["/api/nothing", "/agent/nothing", "/install/nothing", "/metrics"] {
        let answer = get(&server, path, BROWSER, &[]).await;
        assert_eq!(answer.code(), "not_found", "{path}");
    }
    assert_eq!(
        get(&server, "/hosts", "application/json", &[]).await.code(),
        "not_found"
    );
    assert_eq!(
        get(&server, "/healthz", BROWSER, &[]).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(
        get(&server, "/help/errors", BROWSER, &[])
            .await
            .text
            .contains("Every error")
    );
    let client = server.rest(As::User(Role::Admin)).await;
    let posted = send(client.request(Method::POST, "/hosts").header("accept", BROWSER)).await;
    assert_eq!(posted.code(), "not_found");
    let asked = send(client.request(Method::HEAD, "/hosts").header("accept", BROWSER)).await;
    assert_eq!((asked.status, asked.text.as_str()), (StatusCode::OK, ""));
    assert_eq!(
        asked.headers[header::CONTENT_LENGTH],
        DOCUMENT.len().to_string().as_str()
    );
}

#[tokio::test]
async fn without_a_console_there_are_no_pages() {
    let server = TestServer::start().await;

    assert_eq!(get(&server, "/", BROWSER, &[]).await.code(), "not_found");
}

async fn with_console() -> (TestServer, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("assets")).unwrap();
    for (path, text) in [
        ("index.html", DOCUMENT),
        ("embedded.rs", "&[]"),
        ("assets/app-1.wasm", "program"),
        ("assets/app-1.wasm.br", "brotli"),
        ("assets/app-1.wasm.gz", "gzip"),
    ] {
        fs::write(folder.path().join(path), text).unwrap();
    }
    let settings = [("RM_UI_DIR", folder.path().to_str().unwrap())];
    let server = TestServer::start_with(&settings, Arc::new(SystemClock)).await;
    (server, folder)
}

async fn get(server: &TestServer, path: &str, accept: &str, headers: &[(&str, &str)]) -> Answer {
    let client = server.rest(As::Anonymous).await;
    let mut request = client.request(Method::GET, path).header("accept", accept);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request).await
}
