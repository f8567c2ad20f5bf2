//! The console: its files, and its document for every address that is one of its pages.
//!
//! All files are read before the first request and looked up by their whole path, so no request can name another file.
//! What has a hash in its name is kept by browsers for ever; the document is asked for anew each time, so that a new
//! version is there with the next load.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};

/// The document, relative to the console's folder.
const DOCUMENT: &str = "index.html";
/// The folder of everything else, whose names hold hashes.
const ASSETS: &str = "assets";

/// First parts of paths that are never pages: they belong to machines.
const RESERVED: [&str; 8] = [
    "api", "agent", "install", ASSETS, "healthz", "readyz", "metrics", "help",
];

/// What the document may do: scripts, styles and fonts from here, the program in WebAssembly, and calls to here.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
                           magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// Endings of compressed forms and their names in requests, the better first.
const ENCODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

/// The files that this program was built with; none without the feature `embed-ui`.
#[cfg(feature = "embed-ui")]
const BUILT_IN: &[(&str, &[u8])] = include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../web-ui/dist/embedded.rs"));
#[cfg(not(feature = "embed-ui"))]
const BUILT_IN: &[(&str, &[u8])] = &[];

/// All files of the console.
#[derive(Debug)]
pub struct Console {
    files: HashMap<String, File>,
}

/// A file with its compressed forms.
#[derive(Debug, Default)]
struct File {
    media_type: &'static str,
    content: Bytes,
    /// By the place of their encoding in [`ENCODINGS`].
    packed: [Option<Bytes>; ENCODINGS.len()],
    hash: String,
}

impl Console {
    /// The console that is part of this program; `None` when it was built without.
    pub fn built_in() -> Option<Self> {
        let files = BUILT_IN.iter();
        let files = files.map(|(path, content)| ((*path).to_owned(), Bytes::from_static(content)));
        Self::of(files.collect())
    }

    /// Reads a console from a folder that `cargo xtask ui` has written.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = HashMap::new();
        let mut add = |folder: &Path, below: &str| -> io::Result<()> {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if let (true, Ok(name)) = (entry.file_type()?.is_file(), entry.file_name().into_string()) {
                    files.insert(format!("{below}{name}"), fs::read(entry.path())?.into());
                }
            }
            Ok(())
        };
        add(folder, "")?;
        add(&folder.join(ASSETS), &format!("{ASSETS}/"))?;
        Self::of(files).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no {DOCUMENT} in it")))
    }

    fn of(mut parts: HashMap<String, Bytes>) -> Option<Self> {
        let names: Vec<String> = parts.keys().filter(|path| is_served(path)).cloned().collect();
        let mut files = HashMap::new();
        for path in names {
            let content = parts.remove(&path).unwrap_or_default();
            let file = File {
                media_type: media_type(&path),
                hash: HEXLOWER.encode(&Sha256::digest(&content)[..16]),
                packed: ENCODINGS.map(|(ending, _)| parts.remove(&format!("{path}{ending}"))),
                content,
            };
            files.insert(path, file);
        }
        files.contains_key(DOCUMENT).then_some(Self { files })
    }

    /// Answers a request for a file or a page; `None` for everything else.
    pub(super) fn answer(&self, request: &Request) -> Option<Response> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let path = request.uri().path().strip_prefix('/')?;
        let headers = request.headers();
        let mut response = if path.starts_with("assets/") {
            respond(self.files.get(path)?, headers, "public, max-age=31536000, immutable")
        } else if is_page(path, headers) {
            let mut response = respond(self.files.get(DOCUMENT)?, headers, "no-cache");
            protect(response.headers_mut());
            response
        } else {
            return None;
        };
        if request.method() == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Some(response)
    }
}

/// Whether a file is one of the console's own and not a compressed form or a list.
fn is_served(path: &str) -> bool {
    let is_packed = ENCODINGS.iter().any(|(ending, _)| path.ends_with(ending));
    path == DOCUMENT || (path.starts_with("assets/") && !is_packed)
}

/// Whether a browser wants to show this address.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    // Packages of services, such as restic_manager.v1.HostService.
    let is_service = first.contains('.');
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_document = accepts.is_some_and(|accept| accept.contains("text/html"));
    wants_document && !is_service && !RESERVED.contains(&first)
}

fn respond(file: &File, asked: &HeaderMap, caching: &'static str) -> Response {
    let (content, encoding) = file.best_for(asked);
    let tag = format!("\"{}{}\"", file.hash, encoding.unwrap_or_default());
    let has_it = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if has_it {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(content.len()));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    *response.body_mut() = Body::from(content);
    response
}

/// Headers of the document alone; what every answer carries is added behind.
fn protect(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(PERMISSIONS),
    );
}

impl File {
    /// The smallest form that the client understands, and its encoding.
    fn best_for(&self, asked: &HeaderMap) -> (Bytes, Option<&'static str>) {
        let understood = asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let understands = |encoding: &str| {
            understood.is_some_and(|list| {
                list.split(',').any(|one| {
                    let (name, quality) = one.split_once(';').unwrap_or((one, ""));
                    let is_refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
                    name.trim().eq_ignore_ascii_case(encoding) && !is_refused
                })
            })
        };
        let mut forms = self.packed.iter().zip(ENCODINGS);
        let best = forms.find_map(|(packed, (_, encoding))| {
            let packed = packed.as_ref().filter(|_| understands(encoding))?;
            Some((packed.clone(), Some(encoding)))
        });
        best.unwrap_or_else(|| (self.content.clone(), None))
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_form_that_is_understood_is_sent() {
        let cases = [
            (None, "plain", None),
            (Some("gzip, deflate, br, zstd"), "b", Some("br")),
            (Some("gzip;q=1.0, br;q=0"), "g", Some("gzip")),
            (Some("BR"), "b", Some("br")),
            (Some("identity"), "plain", None),
            (Some("brotli"), "plain", None),
        ];
        for (accepted, content, encoding) in cases {
            let console = console();
            let mut request = Request::get("/assets/app-1.js").body(Body::empty()).unwrap();
            if let Some(accepted) = accepted {
                let accepted = HeaderValue::from_static(accepted);
                request.headers_mut().insert(header::ACCEPT_ENCODING, accepted);
            }

            let file = &console.files["assets/app-1.js"];

            let (sent, named) = file.best_for(request.headers());
            assert_eq!((sent, named), (Bytes::from(content), encoding), "{accepted:?}");
        }
    }

    #[test]
    fn pages_are_what_belongs_to_nobody_else() {
        let html = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"))]);
        for page in [
            "",
            "hosts",
            "hosts/1?q=a",
            "jobs/1",
            "settings/tokens",
            "apis",
            "a/../b",
        ] {
            assert!(is_page(page, &html), "{page:?}");
            assert!(!is_page(page, &HeaderMap::new()), "{page:?} by a program");
        }
        for other in [
            "api",
            "api/hosts",
            "agent/binary",
            "install/install.sh",
            "assets/x.js",
            "healthz",
            "readyz",
            "metrics",
            "help/errors",
            "restic_manager.v1.HostService/ListHosts",
            "grpc.health.v1.Health/Check",
            "robots.txt",
        ] {
            assert!(!is_page(other, &html), "{other:?}");
        }
    }

    #[test]
    fn a_path_is_taken_as_it_was_sent() {
        let console = console();
        for path in [
            "/assets/../index.html",
            "/assets/%2e%2e/index.html",
            "/assets/./app-1.js",
            "/assets/app-1%2ejs",
        ] {
            let request = Request::get(path)
                .header(header::ACCEPT, "text/html")
                .body(Body::empty());

            assert!(console.answer(&request.unwrap()).is_none(), "{path}");
        }
    }

    #[test]
    fn a_folder_without_a_document_is_no_console() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(ASSETS)).unwrap();

        assert_eq!(
            Console::read(folder.path()).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert!(Console::read(&folder.path().join("absent")).is_err());
    }

    fn console() -> Console {
        let files = [
            ("index.html", "<html>"),
            ("embedded.rs", "&[]"),
            ("assets/app-1.js", "plain"),
            ("assets/app-1.js.br", "b"),
            ("assets/app-1.js.gz", "g"),
        ];
        let console = Console::of(files.map(|(path, text)| (path.to_owned(), Bytes::from(text))).into()).unwrap();
        assert_eq!(console.files.len(), 2);
        console
    }
}
