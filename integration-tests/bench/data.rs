//! The files that are backed up: 1 GiB in 20,000 files, as in the goal P6.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

const FILES: usize = 20_000;
const FILES_IN_A_FOLDER: usize = 200;
const TOTAL_BYTES: usize = 1 << 30;

/// Writes the files, whose content neither compresses nor repeats.
pub(crate) fn make(directory: &Path) -> PathBuf {
    let root = directory.join("data");
    let mut random = File::open("/dev/urandom").expect("this system has randomness");
    let mut content = vec![0; TOTAL_BYTES / FILES];
    for number in 0..FILES {
        let folder = root.join((number / FILES_IN_A_FOLDER).to_string());
        fs::create_dir_all(&folder).expect("the temporary directory can be written");
        random.read_exact(&mut content).expect("randomness does not end");
        let mut file = File::create(folder.join(number.to_string())).expect("the temporary directory can be written");
        file.write_all(&content).expect("the temporary directory has 1 GiB");
    }
    root
}
