//! Who may import whom inside the crates.
//!
//! ```text
//! server   grpc · reconcile · gateway -> app -> store · sessions · notify · pki · secrets -> domain
//! web-ui   app -> pages -> kit, api, live, session -> model, i18n
//! agent    main -> supervisor -> core · link · state · runner (-> restic, hooks, spool)
//! ```

use super::files::Source;
use super::paths::{self, Named};

/// Something that files in some places never import.
pub(crate) struct Rule {
    /// Files and folders it holds for, without `.rs`.
    pub(crate) within: &'static [&'static str],
    /// Places within those that it does not hold for.
    except: &'static [&'static str],
    /// Paths that are not imported: modules as `crate::…`, other crates by name.
    never: &'static [&'static str],
    /// What is broken, and where the code belongs.
    because: &'static str,
}

/// The standard library's doors to the world. Addresses are values and may be used anywhere; sockets may not.
const IO_OF_STD: &[&str] = &[
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::process",
    "std::thread",
    "std::env",
    "std::io",
];

const PURE_CORE: &str =
    "the core is a function of events and a time; what touches the world is an effect that the supervisor carries out";

/// The whole law. A new module of the server or the agent comes with its line here.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        within: &["server/src/store"],
        except: &[],
        never: &[
            "crate::app",
            "crate::grpc",
            "crate::gateway",
            "crate::reconcile",
            "crate::sessions",
            "crate::listen",
        ],
        because: "the store knows rows and nothing above them; a rule about the object belongs in server/src/app",
    },
    Rule {
        within: &["server/src/app"],
        except: &[],
        never: &["crate::grpc", "crate::gateway", "crate::reconcile", "crate::listen"],
        because: "app never looks up at its callers; it nudges through a handle it was given",
    },
    Rule {
        within: &["server/src/grpc"],
        except: &[],
        never: &["crate::store", "crate::gateway", "crate::reconcile", "crate::listen"],
        because: "a service is caller, convert, one app call, convert, answer; loading and deciding belong in server/src/app",
    },
    Rule {
        within: &["server/src/gateway"],
        except: &[],
        never: &["crate::store", "crate::reconcile", "crate::listen"],
        because: "the gateway has no rules of its own; it mounts what server/src/grpc serves and asks server/src/app",
    },
    Rule {
        within: &["server/src/reconcile"],
        except: &[],
        never: &["crate::store", "crate::grpc", "crate::gateway", "crate::listen"],
        because: "a reconciler drives app methods on a period; what it decides and writes belongs in server/src/app",
    },
    Rule {
        within: &[
            "server/src/sessions",
            "server/src/notify",
            "server/src/pki",
            "server/src/secrets",
        ],
        except: &[],
        never: &[
            "crate::app",
            "crate::store",
            "crate::grpc",
            "crate::gateway",
            "crate::reconcile",
            "crate::listen",
        ],
        because: "a port knows the domain only and is given what it needs; what joins two ports belongs in server/src/app",
    },
    Rule {
        within: &["server/src/config"],
        except: &[],
        never: &[
            "crate::app",
            "crate::grpc",
            "crate::gateway",
            "crate::reconcile",
            "crate::listen",
            "crate::sessions",
        ],
        because: "configuration is plain values; what acts on them belongs to the module that takes them",
    },
    Rule {
        within: &["server/src"],
        except: &["server/src/store"],
        never: &["sea_orm", "sea_orm_migration", "sqlx", "crate::store::entity"],
        because: "only server/src/store speaks to the database; add a method to its Tx",
    },
    Rule {
        within: &["server/src"],
        except: &["server/src/grpc"],
        never: &["tonic", "tonic_health", "tonic_reflection", "tonic_web", "tonic_types"],
        because: "only server/src/grpc knows tonic; elsewhere errors are our own and messages come through it",
    },
    Rule {
        within: &["server/src"],
        except: &["server/src/listen", "server/src/pki"],
        never: &["rustls", "tokio_rustls"],
        because: "only server/src/listen and server/src/pki know TLS",
    },
    Rule {
        within: &["server/src"],
        except: &["server/src/gateway", "server/src/listen"],
        never: &["axum"],
        because: "only server/src/gateway and server/src/listen know HTTP routing",
    },
    Rule {
        within: &["agent/src/core"],
        except: &[],
        never: &[
            "crate::link",
            "crate::runner",
            "crate::state",
            "crate::supervisor",
            "crate::spool",
            "crate::hooks",
            "crate::service",
            "crate::config",
            "tokio",
            "tonic",
            "rustls",
            "redb",
            "rustix",
            "restic",
            "proto",
        ],
        because: PURE_CORE,
    },
    Rule {
        within: &["agent/src/core"],
        except: &[],
        never: IO_OF_STD,
        because: PURE_CORE,
    },
    Rule {
        within: &["agent/src/link"],
        except: &[],
        never: &[
            "crate::runner",
            "crate::state",
            "crate::supervisor",
            "crate::spool",
            "crate::hooks",
            "restic",
        ],
        because: "link, runner and state never see each other; the supervisor passes between them",
    },
    Rule {
        within: &["agent/src/runner", "agent/src/hooks", "agent/src/spool"],
        except: &[],
        never: &["crate::link", "crate::state", "crate::supervisor", "tonic", "rustls"],
        because: "link, runner and state never see each other; the supervisor passes between them",
    },
    Rule {
        within: &["agent/src/state"],
        except: &[],
        never: &[
            "crate::link",
            "crate::runner",
            "crate::supervisor",
            "crate::spool",
            "crate::hooks",
            "tonic",
            "restic",
        ],
        because: "link, runner and state never see each other; the supervisor passes between them",
    },
    Rule {
        within: &["web-ui/src/kit"],
        except: &[],
        never: &["crate::api", "crate::pages", "crate::session", "crate::live", "proto"],
        because: "a component knows no endpoint and no message; what asks the server belongs in web-ui/src/pages",
    },
    Rule {
        within: &["web-ui/src/model"],
        except: &[],
        never: &[
            "crate::api",
            "crate::kit",
            "crate::pages",
            "leptos",
            "leptos_router",
            "web_sys",
            "js_sys",
            "wasm_bindgen",
        ],
        because: "the model is tested without a browser; what touches one belongs in web-ui/src/browser.rs or a component",
    },
    Rule {
        within: &["web-ui/src"],
        except: &["web-ui/src/api"],
        never: &[
            "web_sys::Request",
            "web_sys::Response",
            "web_sys::EventSource",
            "web_sys::WebSocket",
        ],
        because: "only web-ui/src/api speaks to the network",
    },
    Rule {
        within: &["crates/domain/src"],
        except: &[],
        never: IO_OF_STD,
        because: "the domain cannot do IO; pass the value in, or put the code into the application that needs it",
    },
];

/// What a source imports against the rules, as lines for a person.
pub(crate) fn violations(source: &Source) -> Vec<String> {
    let rules: Vec<&Rule> = RULES.iter().filter(|rule| rule.holds_for(&source.path)).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let module = module_of(&source.path);
    let mut found = Vec::new();
    for Named { line, segments } in paths::named(&source.text) {
        let path = absolute(&segments, &module);
        for rule in rules
            .iter()
            .filter(|rule| rule.never.iter().any(|never| starts_with(&path, never)))
        {
            found.push(format!(
                "{}:{line}: imports {}: {}",
                source.path,
                path.join("::"),
                rule.because
            ));
        }
    }
    found
}

/// Whether a place of a rule lies in one of the crates that have such rules.
pub(crate) fn is_a_place(place: &str) -> bool {
    ["server/src", "agent/src", "crates/domain/src", "web-ui/src"]
        .iter()
        .any(|top| lies_in(place, top))
}

impl Rule {
    fn holds_for(&self, path: &str) -> bool {
        let in_any = |places: &[&str]| places.iter().any(|place| lies_in(path, place));
        in_any(self.within) && !in_any(self.except)
    }
}

/// Whether a path is the folder or file `place`, or lies in the folder.
fn lies_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".rs")
}

/// The module that a file is, from `crate` on.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let parts = inside
        .trim_end_matches(".rs")
        .split('/')
        .filter(|part| !matches!(*part, "mod" | "lib" | "main"));
    std::iter::once("crate").chain(parts).map(str::to_owned).collect()
}

/// A path as seen from the crate's root. What inline test modules call `super` is taken for the file's parent, which
/// lies in the same layer.
fn absolute(segments: &[String], module: &[String]) -> Vec<String> {
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    match segments.first().map(String::as_str) {
        Some("super") => {
            let keep = module.len().saturating_sub(ups).max(1);
            module[..keep].iter().chain(&segments[ups..]).cloned().collect()
        }
        Some("self") => module.iter().chain(&segments[1..]).cloned().collect(),
        // How a crate's own binary and tests call its library.
        Some("server" | "agent") => std::iter::once("crate".to_owned())
            .chain(segments[1..].iter().cloned())
            .collect(),
        _ => segments.to_vec(),
    }
}

fn starts_with(path: &[String], never: &str) -> bool {
    let never: Vec<&str> = never.split("::").collect();
    path.len() >= never.len() && path.iter().zip(never).all(|(segment, wanted)| segment == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_reads_the_store_is_told_where_that_belongs() {
        let found = check("server/src/grpc/hosts.rs", "use crate::{app::App, store::Store};");

        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("server/src/grpc/hosts.rs:1: imports crate::store::Store: "),
            "{}",
            found[0]
        );
        assert!(found[0].contains("belong in server/src/app"), "{}", found[0]);
    }

    #[test]
    fn each_layer_is_guarded_against_looking_up_or_sideways() {
        let caught = [
            ("server/src/store/hosts.rs", "use crate::app::Caller;"),
            ("server/src/store.rs", "fn f(x: super::app::App) {}"),
            ("server/src/app/jobs.rs", "fn f() { crate::reconcile::nudge() }"),
            ("server/src/app/deep/er.rs", "use super::super::super::gateway::x;"),
            ("server/src/app/mod.rs", "use sea_orm::Value;"),
            ("server/src/gateway/mod.rs", "use tonic::Status;"),
            ("server/src/gateway/mod.rs", "use crate::store::Store;"),
            ("server/src/reconcile/cleanup.rs", "use crate::store::Store;"),
            ("server/src/sessions/registry.rs", "use crate::app::App;"),
            ("server/src/main.rs", "use server::store::entity::host;"),
            ("server/src/grpc/mod.rs", "use axum::Router;"),
            ("server/src/app/enrollment.rs", "use rustls::pki_types::CertificateDer;"),
            ("agent/src/core/queue.rs", "use tokio::time::Instant;"),
            ("agent/src/core/mod.rs", "use std::{collections::BTreeMap, fs::File};"),
            ("agent/src/link.rs", "use crate::state::Outbox;"),
            ("agent/src/runner.rs", "use crate::link::Link;"),
            ("agent/src/state/outbox.rs", "use restic::Event;"),
            ("crates/domain/src/name.rs", "use std::fs;"),
        ];

        for (path, text) in caught {
            assert_eq!(check(path, text).len(), 1, "{path}: {text}");
        }
    }

    #[test]
    fn imports_along_the_arrows_are_fine() {
        let fine = [
            ("crates/domain/src/audit.rs", "use std::net::IpAddr;"),
            (
                "server/src/grpc/hosts.rs",
                "use crate::app::App;\nuse tonic::{Request, Status};",
            ),
            (
                "server/src/app/hosts.rs",
                "use crate::store::Store;\nuse crate::sessions::Handle;\nuse domain::HostId;",
            ),
            (
                "server/src/store/hosts.rs",
                "use super::entity::host;\nuse sea_orm::EntityTrait;",
            ),
            ("server/src/listen/tls.rs", "use tokio_rustls::TlsAcceptor;"),
            (
                "server/src/gateway/mod.rs",
                "use axum::Router;\nuse crate::grpc::services;",
            ),
            ("server/src/lib.rs", "use crate::{gateway, grpc, listen, store::Store};"),
            (
                "agent/src/core/mod.rs",
                "use domain::Timestamp;\nuse std::collections::BTreeMap;",
            ),
            (
                "agent/src/supervisor.rs",
                "use crate::{core::Core, link::Link, runner::Runner, state::Outbox};",
            ),
            ("server/src/application.rs", "use crate::grpc::x;"),
        ];

        for (path, text) in fine {
            assert_eq!(check(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    #[test]
    fn what_a_comment_or_string_says_is_no_import() {
        let found = check(
            "server/src/app/x.rs",
            "// see crate::grpc::hosts\nconst HELP: &str = \"tonic::Status\";",
        );

        assert_eq!(found, Vec::<String>::new());
    }

    fn check(path: &str, text: &str) -> Vec<String> {
        violations(&Source {
            path: path.to_owned(),
            text: text.to_owned(),
        })
    }
}
