//! From sources to files that are served: each asset gets its hash, and what names it is filled in.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::dist::Dist;
use crate::program::Program;

/// The order of the styles: tokens first, what is particular last.
const STYLES: &[&str] = &["tokens", "fonts", "base", "kit", "app"];
const FONTS: &[&str] = &[
    "inter-latin-wght-normal.woff2",
    "inter-latin-ext-wght-normal.woff2",
    "jetbrains-mono-latin-wght-normal.woff2",
    "jetbrains-mono-latin-ext-wght-normal.woff2",
];

/// Puts everything together.
pub(crate) fn assemble(source: &Path, program: &Program) -> Result<Dist> {
    let mut dist = Dist::default();
    let text = |path: &str| {
        let file = source.join(path);
        fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))
    };
    let mut style = styles(source)?;
    let mut inter = String::new();
    for font in FONTS {
        let file = source.join("fonts").join(font);
        let content = fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
        let later = font.contains("-ext-");
        let sort = if later { "fonts for other letters" } else { "fonts" };
        let address = dist.add(sort, font, content)?;
        style = style.replace(font, &address);
        if font == &FONTS[0] {
            inter = address;
        }
    }
    let wasm = dist.add("program", "app.wasm", program.wasm.clone())?;
    let glue = dist.add("glue", "app.js", program.glue.clone().into_bytes())?;
    let start = filled(&text("assets/start.js")?, &[("glue", &glue), ("program", &wasm)])?;
    let names = [
        ("style", dist.add("style", "app.css", small(&style).into_bytes())?),
        (
            "sprite",
            dist.add("shapes", "sprite.svg", text("assets/sprite.svg")?.into_bytes())?,
        ),
        (
            "icon",
            dist.add("shapes", "icon.svg", text("assets/icon.svg")?.into_bytes())?,
        ),
        (
            "boot",
            dist.add("document", "boot.js", text("assets/boot.js")?.into_bytes())?,
        ),
        ("start", dist.add("document", "start.js", start.into_bytes())?),
        ("glue", glue),
        ("program", wasm),
        ("inter", inter),
    ];
    let names: Vec<(&str, &str)> = names.iter().map(|(name, address)| (*name, address.as_str())).collect();
    let document = filled(&text("index.html")?, &names)?;
    dist.insert("document", "index.html".to_owned(), document.into_bytes())?;
    Ok(dist)
}

/// All styles in one text; those of components in the order of their names, for none depends on another.
fn styles(source: &Path) -> Result<String> {
    let mut all = String::new();
    for name in STYLES {
        let place = source.join("styles").join(name);
        let mut files = vec![place.with_extension("css")];
        if place.is_dir() {
            let entries = fs::read_dir(&place).with_context(|| format!("could not read {}", place.display()))?;
            files = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
            files.sort();
        }
        for file in files {
            all.push_str(&fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?);
        }
    }
    Ok(all)
}

/// A style without comments, indentation and empty lines.
fn small(style: &str) -> String {
    let mut text = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, after)) = rest.split_once("/*") {
        text.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn filled(template: &str, names: &[(&str, &str)]) -> Result<String> {
    let text = names.iter().fold(template.to_owned(), |text, (name, address)| {
        text.replace(&format!("{{{{{name}}}}}"), address)
    });
    ensure!(
        !text.contains("{{"),
        "a template names something that is not there: {text}"
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go() {
        assert_eq!(
            small("/* a\n b */\n  a {\n    b: c; /* d */ e: f;\n\n  }\n"),
            "a {\nb: c;  e: f;\n}"
        );
    }

    #[test]
    fn a_name_that_is_not_known_is_an_error() {
        assert_eq!(filled("<{{a}}>", &[("a", "b")]).unwrap(), "<b>");
        assert!(filled("<{{a}}{{c}}>", &[("a", "b")]).is_err());
    }
}
