//! Secrets that were planted are found nowhere in clear.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeSet;
use std::path::Path;

use restic_manager_integration_tests::agent::Agent;
use restic_manager_integration_tests::buf::Buf;
use restic_manager_integration_tests::rest::Rest;
use restic_manager_integration_tests::sampling::{Sampler, Seen};
use restic_manager_integration_tests::search::{self, Canary};
use restic_manager_integration_tests::{Fleet, Host, Repository, grpc_web, ports};
use serde_json::{Value, json};

const ADMIN_PASSWORD: &str = "canary-admin-7f1e02c9";
const REPOSITORY_PASSWORD: &str = "canary-repository-51bd3a86";
const URL_PASSWORD: &str = "canary-url-c4409e17";

#[test]
fn planted_secrets_are_found_nowhere_in_clear() {
    let sampler = Sampler::start();
    let mut fleet = Fleet::start_with(&[("RM_LOG", "debug")], ADMIN_PASSWORD);
    let Some(mut repository) = Repository::on_rest_server(fleet.directory(), "repository") else {
        return;
    };
    REPOSITORY_PASSWORD.clone_into(&mut repository.password);

    // Two hosts: one that backs up, and one whose repository cannot be reached, so that errors are written about it.
    let (mut host, first_token) = enroll(&fleet, "web-1", &repository.fields());
    let (mut lost, second_token) = enroll(&fleet, "web-2", &unreachable());
    let canaries = canaries(&repository, &[&first_token, &second_token]);
    host.is_ready();
    lost.becomes("without a repository", |host| host["repo_status"] == "init_failed");
    let job = run_the_main_job(&fleet, &host, &canaries);
    every_answer(&fleet, &host, &job);
    host.agent.stop();
    lost.agent.stop();
    fleet.server.stop();

    no_file_holds(&fleet, &canaries);
    let answers = fleet.admin.transcript();
    for canary in &canaries {
        assert!(
            !canary.is_in(answers.as_bytes()),
            "{} is in an answer of the server",
            canary.what
        );
    }
    no_process_shows(&sampler.stop(), &canaries);
}

/// Backs up slowly, so that there is time to look, and looks into every file while restic runs.
fn run_the_main_job(fleet: &Fleet, host: &Host, canaries: &[Canary]) -> String {
    host.update(json!({ "limit_upload_kib_s": 512 }));
    host.becomes("told its limits", |host| {
        host["applied_version"] == host["desired_version"]
    });
    let job = host.start_backup(&[&fleet.large_file(2), &fleet.data()]);
    host.job_becomes(&job, "running", |job| job["progress"].is_object());
    no_file_holds(fleet, canaries);
    let events = fleet.admin.events(&format!("/api/jobs/{job}/stream"), None);
    let end = events.last().unwrap();
    assert_eq!(
        (end.name.as_str(), &end.data["result_code"]),
        ("end", &json!("ok")),
        "{end:?}"
    );
    job
}

/// Asks everything that can be asked, on every face.
fn every_answer(fleet: &Fleet, host: &Host, job: &str) {
    let repository = host.get()["repository_id"].as_str().unwrap().to_owned();
    for path in readable_paths(&fleet.admin) {
        let thing = match path.split('/').nth(2) {
            Some("hosts") => &host.id,
            Some("jobs") => job,
            Some("repositories") => &repository,
            _ => "",
        };
        let path = path.replace("{id}", thing).replace("{host_id}", thing);
        assert!(!path.contains('{'), "nothing to put into {path}");
        if path == "/api/events" {
            // It never ends; the first event is enough.
            host.update(json!({ "tags": ["seen"] }));
            fleet.admin.events(&path, Some("none-0")).next().unwrap();
        } else {
            let status = fleet.admin.get(&path).status;
            assert!(matches!(status, 200 | 204), "{path} answered with {status}");
        }
    }

    let requests = requests(host, job, &repository);
    for (method, request) in &requests {
        let id = request.as_object().unwrap().values().next();
        grpc_web::call(&fleet.admin, method, id);
    }
    let Some(buf) = Buf::new(fleet.directory(), &fleet.admin) else {
        return;
    };
    let known: BTreeSet<&str> = requests.iter().map(|(method, _)| *method).collect();
    for method in buf.methods() {
        let name = method.rsplit('/').next().unwrap();
        let reads = method.starts_with("restic_manager.v1.") && (name.starts_with("Get") || name.starts_with("List"));
        assert!(
            !reads || known.contains(method.as_str()),
            "{method} is read by nobody in this test"
        );
    }
    for (method, request) in requests {
        let output = buf.call(method, &request, Some(fleet.admin.session()));
        assert!(output.status.success(), "{method}: {output:?}");
        fleet.admin.record(&format!("{output:?}"));
    }
}

/// Every method that reads, with a request that has an answer.
fn requests(host: &Host, job: &str, repository: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("restic_manager.v1.AuditService/ListAuditEntries", json!({})),
        ("restic_manager.v1.AuthService/GetBootstrapStatus", json!({})),
        ("restic_manager.v1.AuthService/GetSession", json!({})),
        (
            "restic_manager.v1.EnrollmentTokenService/ListEnrollmentTokens",
            json!({}),
        ),
        ("restic_manager.v1.FleetService/GetFleetSummary", json!({})),
        ("restic_manager.v1.FleetService/ListAttention", json!({})),
        ("restic_manager.v1.HostService/GetHost", json!({ "id": host.id })),
        ("restic_manager.v1.HostService/ListHosts", json!({})),
        ("restic_manager.v1.JobService/GetJob", json!({ "id": job })),
        ("restic_manager.v1.JobService/GetJobLog", json!({ "id": job })),
        (
            "restic_manager.v1.JobService/ListHostJobs",
            json!({ "host_id": host.id }),
        ),
        ("restic_manager.v1.JobService/ListJobs", json!({})),
        (
            "restic_manager.v1.RepositoryService/GetHostCredentials",
            json!({ "host_id": host.id }),
        ),
        (
            "restic_manager.v1.RepositoryService/GetRepository",
            json!({ "id": repository }),
        ),
        (
            "restic_manager.v1.RepositoryService/GetRepositoryStats",
            json!({ "id": repository }),
        ),
        ("restic_manager.v1.RepositoryService/ListRepositories", json!({})),
        (
            "restic_manager.v1.SnapshotService/ListSnapshots",
            json!({ "host_id": host.id }),
        ),
        ("restic_manager.v1.SystemService/GetIngest", json!({})),
        ("restic_manager.v1.SystemService/GetVersion", json!({})),
        ("restic_manager.v1.SystemService/ListLimits", json!({})),
        ("restic_manager.v1.SystemService/ListTasks", json!({})),
    ]
}

/// The paths of the API that answer to GET.
fn readable_paths(client: &Rest) -> Vec<String> {
    let document = client.get("/api/openapi.json").ok();
    let paths = document["paths"].as_object().unwrap().iter();
    let readable = paths.filter(|(_, methods)| methods["get"].is_object());
    // The agent's program itself is no text.
    let texts = readable.filter(|(path, _)| *path != "/agent/binary");
    texts
        .map(|(path, _)| match path.as_str() {
            "/agent/binary.sha256" => format!("{path}?os=linux&arch=amd64"),
            _ => path.replace("{file}", "install.sh"),
        })
        .collect()
}

/// Enrolls a host. The answer that holds the token holds no other secret, and is not among those searched later.
fn enroll(fleet: &Fleet, name: &str, fields: &Value) -> (Host, String) {
    let mut body = fields.clone();
    body["hostname"] = name.into();
    let apart = fleet.admin.apart();
    let token = apart.post("/api/enrollment-tokens", &body).ok()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    for planted in [ADMIN_PASSWORD, REPOSITORY_PASSWORD, URL_PASSWORD] {
        assert!(!apart.transcript().contains(planted));
    }
    let agent = Agent::new(&fleet.directory().join(name), "");
    (fleet.enroll_with(name, agent, &token), token)
}

/// A repository that nobody serves, with a password in its address.
fn unreachable() -> Value {
    let url = format!("rest:http://fleet:{URL_PASSWORD}@127.0.0.1:{}/nobody", ports::free());
    json!({ "repo_url": url, "repo_password": REPOSITORY_PASSWORD })
}

fn canaries(repository: &Repository, tokens: &[&str]) -> Vec<Canary> {
    let fixed = [
        ("the admin's password", ADMIN_PASSWORD),
        ("the repository's password", REPOSITORY_PASSWORD),
        ("the password in an address", URL_PASSWORD),
        ("the login at the repository's server", &repository.backend_password),
    ];
    // The other parts of a token are no secret.
    let tokens = tokens
        .iter()
        .map(|token| ("an enrollment token", token.split('_').nth(2).unwrap()));
    let all = fixed.into_iter().chain(tokens);
    all.map(|(what, value)| Canary {
        what,
        value: value.to_owned(),
    })
    .collect()
}

/// Database with its log of writes, keys, agents' state and spool, and the output of every program.
fn no_file_holds(fleet: &Fleet, canaries: &[Canary]) {
    let files = search::files(&[fleet.directory()]);
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    for expected in [
        "restic-manager.db",
        "server.log",
        "agent.log",
        "secrets.enc",
        "state.redb",
    ] {
        assert!(
            names.iter().any(|name| name.ends_with(expected)),
            "{expected}: {names:?}"
        );
    }
    for (path, bytes) in &files {
        for canary in canaries {
            assert!(!canary.is_in(bytes), "{} is in {}", canary.what, path.display());
        }
    }
}

/// No argument of any process of ours (server, agent, wrapper, restic), and of the environment not the password that opens the
/// repository. What else runs on the machine is its own business.
fn no_process_shows(seen: &BTreeSet<Seen>, canaries: &[Canary]) {
    for program in ["restic-manager-server serve", "restic-manager-agent", " backup "] {
        let mut found = seen.iter().filter(|process| process.command_line().contains(program));
        assert!(
            found.any(|process| !process.environment.is_empty()),
            "{program} was not seen"
        );
    }
    for process in seen.iter().filter(|process| is_ours(process)) {
        for canary in canaries {
            assert!(
                !canary.is_in(&process.arguments),
                "{} is in {}",
                canary.what,
                process.command_line()
            );
        }
        let opens = canaries
            .iter()
            .find(|canary| canary.value == REPOSITORY_PASSWORD)
            .unwrap();
        assert!(
            !opens.is_in(&process.environment),
            "{} is in the environment of {}",
            opens.what,
            process.command_line()
        );
    }
}

fn is_ours(process: &Seen) -> bool {
    let command_line = process.command_line();
    let program = command_line.split_whitespace().next().unwrap_or_default();
    Path::new(program)
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("restic"))
}
