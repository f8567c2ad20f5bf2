//! What hosts download: the install files, the agent and its checksum.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::fs;

use data_encoding::HEXLOWER;
use domain::Role;
use reqwest::{Method, StatusCode};
use sha2::{Digest as _, Sha256};
use support::rest::send;
use support::{As, TestServer};

const LINUX: &str = "os=linux&arch=amd64";

#[tokio::test]
async fn the_install_files_are_served_to_everybody_as_they_are_built_in() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;

    for (name, built_in) in [
        ("install.sh", include_str!("../../deploy/install.sh")),
        (
            "restic-manager-agent.service",
            include_str!("../../deploy/systemd/restic-manager-agent.service"),
        ),
    ] {
        let answer = client.get(&format!("/install/{name}")).await;

        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.text, built_in);
        assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        let sum = HEXLOWER.encode(&Sha256::digest(built_in));
        assert_eq!(answer.headers["x-checksum-sha256"], sum);
        assert_eq!(answer.headers["etag"], format!("\"{sum}\""));
    }
}

#[tokio::test]
async fn nothing_but_the_listed_names_is_served() {
    let server = TestServer::start().await;
    let client = server.rest(As::User(Role::Admin)).await;
    fs::create_dir(server.data_dir().join("install")).unwrap();
    fs::write(server.data_dir().join("install/notes"), "not for hosts").unwrap();

    for name in [
        "notes",
        "install.ps1",
        "",
        "..%2fsecret.key",
        "%2e%2e/secret.key",
        "../secret.key",
        "install%2esh",
        "install.sh/",
        "a/install.sh",
        "%ff",
        "install.sh%00",
        "..\\secret.key",
    ] {
        let answer = client.get(&format!("/install/{name}")).await;

        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (404, "not_found"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_agent_is_served_with_its_checksum_and_only_when_the_client_lacks_it() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;
    // More than one piece of the answer.
    let program = "agent".repeat(50_000);
    publish(&server, "restic-manager-agent-linux-amd64", &program);
    let sum = HEXLOWER.encode(&Sha256::digest(&program));

    let path = format!("/agent/binary?{LINUX}");
    let whole = client.get(&path).await;
    let head = send(client.request(Method::HEAD, &path)).await;
    let known = send(
        client
            .request(Method::GET, &path)
            .header("if-none-match", format!("\"old\", W/\"{sum}\"")),
    )
    .await;
    let line = client.get(&format!("/agent/binary.sha256?{LINUX}")).await;

    assert_eq!(whole.text, program);
    assert_eq!(whole.headers["x-checksum-sha256"], sum);
    assert_eq!(
        whole.headers["content-disposition"],
        "attachment; filename=\"restic-manager-agent-linux-amd64\""
    );
    assert_eq!(head.headers["content-length"], program.len().to_string());
    assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(known.headers["etag"], format!("\"{sum}\""));
    assert_eq!(line.text, format!("{sum}  restic-manager-agent-linux-amd64\n"));
}

#[tokio::test]
async fn a_replaced_agent_is_served_at_once() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;
    let path = format!("/agent/binary?{LINUX}");

    publish(&server, "restic-manager-agent-linux-amd64", "old");
    let old = client.get(&path).await;
    publish(&server, "restic-manager-agent-linux-amd64", "newer");
    let new = client.get(&path).await;

    assert_eq!((old.text.as_str(), new.text.as_str()), ("old", "newer"));
    assert_ne!(old.headers["etag"], new.headers["etag"]);
}

#[tokio::test]
async fn the_operators_own_files_come_before_those_of_a_package() {
    let dist = tempfile::tempdir().unwrap();
    let settings = [("RM_DIST_DIR", dist.path().to_str().unwrap())];
    let server = TestServer::start_with(&settings, std::sync::Arc::new(server::clock::SystemClock)).await;
    let client = server.rest(As::Anonymous).await;
    fs::write(dist.path().join("restic-manager-agent-linux-arm64"), "of the package").unwrap();
    fs::write(dist.path().join("install.sh"), "of the package").unwrap();
    let paths = ["/agent/binary?os=linux&arch=arm64", "/install/install.sh"];

    for path in paths {
        assert_eq!(client.get(path).await.text, "of the package", "{path}");
    }
    publish(&server, "restic-manager-agent-linux-arm64", "of the operator");
    fs::create_dir(server.data_dir().join("install")).unwrap();
    fs::write(server.data_dir().join("install/install.sh"), "of the operator").unwrap();

    for path in paths {
        assert_eq!(client.get(path).await.text, "of the operator", "{path}");
    }
}

#[tokio::test]
async fn what_is_not_published_is_told_with_the_place_for_it() {
    let server = TestServer::start().await;
    let client = server.rest(As::Anonymous).await;

    for route in ["/agent/binary", "/agent/binary.sha256"] {
        for query in [
            "os=windows&arch=amd64",
            "os=plan9&arch=amd64",
            "os=linux&arch=..%2f..",
            "os=linux&arch=amd64/x",
        ] {
            let answer = client.get(&format!("{route}?{query}")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code().as_str()),
                (404, "not_published"),
                "{query}"
            );
        }
        for (query, field) in [
            ("", "os"),
            ("os=linux", "arch"),
            ("os=&arch=amd64", "os"),
            ("os=linux&arch", "arch"),
        ] {
            client
                .get(&format!("{route}?{query}"))
                .await
                .refuses(400, "missing_field", field);
        }
    }
    let windows = client.get("/agent/binary?os=windows&arch=amd64").await.json();
    let place = "agent-binaries/restic-manager-agent-windows-amd64.exe";
    assert!(windows["message"].as_str().unwrap().contains(place), "{windows}");
}

fn publish(server: &TestServer, name: &str, content: &str) {
    let folder = server.data_dir().join("agent-binaries");
    fs::create_dir_all(&folder).unwrap();
    let new = folder.join("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}
