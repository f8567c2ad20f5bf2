//! The files of the console, as they are served.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use brotli::enc::BrotliEncoderParams;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// What the server includes when it embeds the console.
const EMBEDDED: &str = "embedded.rs";

/// A file with its compressed forms.
pub(crate) struct Asset {
    /// What sort of file it is, for the budget.
    pub(crate) sort: &'static str,
    content: Vec<u8>,
    brotli: Vec<u8>,
    gzip: Vec<u8>,
}

impl Asset {
    /// How many bytes travel to a browser of today.
    pub(crate) fn sent(&self) -> usize {
        self.content.len().min(self.brotli.len())
    }
}

/// All files by their path.
#[derive(Default)]
pub(crate) struct Dist {
    assets: BTreeMap<String, Asset>,
}

impl Dist {
    /// Adds a file under `/assets` with its hash in its name, and gives its address.
    pub(crate) fn add(&mut self, sort: &'static str, name: &str, content: Vec<u8>) -> Result<String> {
        let hash = HEXLOWER.encode(&Sha256::digest(&content)[..5]);
        let (stem, extension) = name.rsplit_once('.').context("an asset's name has an ending")?;
        let path = format!("assets/{stem}-{hash}.{extension}");
        let address = format!("/{path}");
        self.insert(sort, path, content)?;
        Ok(address)
    }

    /// Adds a file under its own name.
    pub(crate) fn insert(&mut self, sort: &'static str, path: String, content: Vec<u8>) -> Result<()> {
        let (brotli, gzip) = (brotli(&content)?, gzip(&content)?);
        let asset = Asset {
            sort,
            content,
            brotli,
            gzip,
        };
        self.assets.insert(path, asset);
        Ok(())
    }

    /// All files.
    pub(crate) fn assets(&self) -> impl Iterator<Item = &Asset> {
        self.assets.values()
    }

    /// Writes all files in the place of what was there.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("could not remove {}", folder.display()))?;
        }
        fs::create_dir_all(folder.join("assets")).with_context(|| format!("could not make {}", folder.display()))?;
        let mut embedded = String::from("&[\n");
        for (path, asset) in &self.assets {
            let forms = [("", &asset.content), (".br", &asset.brotli), (".gz", &asset.gzip)];
            // A form that is not smaller helps nobody.
            let useful = forms
                .into_iter()
                .filter(|(ending, form)| ending.is_empty() || form.len() < asset.content.len());
            for (ending, form) in useful {
                let path = format!("{path}{ending}");
                let file = folder.join(&path);
                fs::write(&file, form).with_context(|| format!("could not write {}", file.display()))?;
                writeln!(embedded, "    ({path:?}, include_bytes!({path:?})),")?;
            }
        }
        embedded.push_str("]\n");
        fs::write(folder.join(EMBEDDED), embedded).context("could not write what the server embeds")?;
        println!("the console is in {}", folder.display());
        Ok(())
    }
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let best = BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        ..BrotliEncoderParams::default()
    };
    brotli::BrotliCompress(&mut &content[..], &mut packed, &best).context("could not compress")?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content).context("could not compress")?;
    packed.finish().context("could not compress")
}
