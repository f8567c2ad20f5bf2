//! The generated references are what is committed. `cargo xtask gen` writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use domain::ErrorCode;
use server::{config, gateway, grpc};

#[test]
fn the_openapi_document_is_committed() {
    check("openapi.json", gateway::openapi::DOCUMENT.as_str());
}

#[test]
fn the_configuration_reference_is_committed() {
    check("configuration.md", &config::reference());
}

#[test]
fn the_error_catalogue_is_committed() {
    check("errors.md", &errors());
}

fn errors() -> String {
    let mut page = String::from(
        "# Errors\n\nEvery refusal has a stable code. Over REST it is `code` in the body and decides the HTTP status; over gRPC it is the\n\
         upper-case `reason` of `google.rpc.ErrorInfo`. This page is generated.\n\n| code | HTTP | gRPC | what happened and what to do |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let (grpc_code, _) = grpc::status::codes(code.kind());
        let http = grpc::status::http_status(*code).as_u16();
        writeln!(page, "| `{code}` | {http} | {grpc_code:?} | {} |", code.meaning())
            .expect("writing to a string cannot fail");
    }
    page
}

/// Compares with what is committed, or writes it when `RM_WRITE_REFERENCE` is set.
fn check(name: &str, made: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/src/reference")
        .join(name);
    if std::env::var_os("RM_WRITE_REFERENCE").is_some() {
        let directory = path.parent().expect("the path was joined from several parts");
        fs::create_dir_all(directory).expect("the documents of this checkout can be written");
        fs::write(&path, made).expect("the documents of this checkout can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "{} is out of date; run `cargo xtask gen` and look at what changed",
        path.display()
    );
}
