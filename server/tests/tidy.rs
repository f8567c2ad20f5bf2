//! The tree keeps its own rules: who may import whom, no sleeping tests, no paths that are not there.
//!
//! Cargo enforces which crate may depend on which. Inside the crates these tests do, by reading the source: a violation
//! is reported as file and line, the rule it broke, and where the code belongs.

#[path = "tidy/console.rs"]
mod console;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/mentioned.rs"]
mod mentioned;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/wording.rs"]
mod wording;

use files::{Source, all_under, root};

#[test]
fn modules_import_only_what_lies_below_them() {
    let sources = rust();

    let found: Vec<String> = sources.iter().flat_map(layers::violations).collect();

    assert_eq!(found, Vec::<String>::new(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_layering_rule_names_folders_or_files_of_its_crate() {
    let strangers: Vec<&str> = layers::RULES
        .iter()
        .flat_map(|rule| rule.within)
        .copied()
        .filter(|place| !layers::is_a_place(place))
        .collect();

    assert_eq!(strangers, Vec::<&str>::new());
}

#[test]
fn tests_wait_for_a_condition_instead_of_sleeping() {
    let sources = rust();

    let found: Vec<String> = sources.iter().flat_map(wording::sleeps).collect();

    assert_eq!(found, Vec::<String>::new(), "\n{}\n", found.join("\n"));
}

#[test]
fn nothing_names_a_folder_of_one_machine_or_leaves_work_unfiled() {
    let sources = all_under(
        &root(),
        &[
            "rs", "toml", "md", "proto", "sh", "yaml", "yml", "json", "service", "ps1",
        ],
    );

    let found: Vec<String> = sources.iter().flat_map(wording::unwanted).collect();

    assert_eq!(found, Vec::<String>::new(), "\n{}\n", found.join("\n"));
}

#[test]
fn documents_name_only_files_that_exist() {
    let documents = all_under(&root(), &["md"]);

    let found: Vec<String> = documents
        .iter()
        .flat_map(|document| mentioned::missing(document, &root()))
        .collect();

    assert_eq!(found, Vec::<String>::new(), "\n{}\n", found.join("\n"));
}

#[test]
fn the_console_obeys_its_policy_and_keeps_its_texts_together() {
    let sources = all_under(&root(), &["rs", "css", "html"]);

    let found: Vec<String> = sources.iter().flat_map(console::violations).collect();

    assert_eq!(found, Vec::<String>::new(), "\n{}\n", found.join("\n"));
}

fn rust() -> Vec<Source> {
    let sources = all_under(&root(), &["rs"]);
    assert!(
        sources.iter().any(|source| source.path == "server/src/lib.rs"),
        "the walk found none of our own files"
    );
    sources
}
