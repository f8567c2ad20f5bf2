//! The program in WebAssembly and its glue.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "wasm-release";
const NAME: &str = "restic-manager-web-ui";

/// What the browser runs.
pub(crate) struct Program {
    /// The program.
    pub(crate) wasm: Vec<u8>,
    /// The JavaScript between it and the browser.
    pub(crate) glue: String,
}

/// Compiles the console and makes its glue.
pub(crate) fn build(root: &Path, target: &Path, gallery: bool) -> Result<Program> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo.args(["build", "--package", NAME, "--target", TARGET, "--profile", PROFILE]);
    if gallery {
        cargo.args(["--features", "gallery"]);
    }
    let status = cargo.status().context("could not start cargo")?;
    ensure!(status.success(), "the console does not compile");

    let out = target.join("web-ui");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(target.join(TARGET).join(PROFILE).join(format!("{NAME}.wasm")))
        .out_name("app")
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .generate(&out)
        .context("wasm-bindgen could not read the program")?;
    let read = |name: &str| fs::read(out.join(name)).with_context(|| format!("wasm-bindgen wrote no {name}"));
    Ok(Program {
        wasm: read("app_bg.wasm")?,
        glue: String::from_utf8(read("app.js")?).context("the glue is not text")?,
    })
}
