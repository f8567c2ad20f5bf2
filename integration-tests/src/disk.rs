//! A small disk of a test's own, in a mount namespace: programs that are started in it see it at its place, others do not.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::services;

/// A file system in memory. It goes with the last program that sees it.
pub struct Disk {
    /// Keeps the namespace until its input ends.
    holder: Child,
    place: PathBuf,
}

impl Disk {
    /// Mounts a disk of so many KiB over a directory. `None` where the system allows no mounts of one's own.
    #[track_caller]
    pub fn mount(place: &Path, kibibytes: u32) -> Option<Self> {
        fs::create_dir_all(place).expect("the temporary directory can be written");
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args([
            "sh",
            "-c",
            "mount -t tmpfs -o \"size=$0k,mode=700\" tmpfs \"$1\" && echo mounted && read -r _",
        ]);
        command.arg(kibibytes.to_string()).arg(place);
        let mut holder = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("util-linux is installed");
        let mut said = String::new();
        let output = holder.stdout.take().expect("it was asked for");
        // Nothing is said where it may not be mounted.
        BufReader::new(output).read_line(&mut said).ok();
        let disk = Self {
            holder,
            place: place.to_owned(),
        };
        if said == "mounted\n" {
            return Some(disk);
        }
        services::missing("the right to make a mount namespace");
        None
    }

    /// What a command line begins with so that its program sees the disk.
    pub fn enter(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["nsenter".into(), "--mount".into()];
        if !rustix::process::geteuid().is_root() {
            words.extend(["--user".into(), "--preserve-credentials".into()]);
        }
        words.extend(["--target".into(), self.holder.id().to_string().into()]);
        words
    }

    /// A path of the disk as this process sees it.
    pub fn seen(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(path.strip_prefix("/").expect("paths of tests are absolute"))
    }

    /// Takes all the space that is left. Answers how many bytes that were.
    #[track_caller]
    pub fn fill(&self) -> usize {
        let file = File::options().create(true).append(true).open(self.ballast());
        let mut file = file.expect("a full disk takes another name");
        let mut taken = 0;
        // Down to the last byte: what does not fit whole is tried in smaller pieces.
        let mut piece = vec![b'x'; 64 * 1024];
        while !piece.is_empty() {
            match file.write(&piece) {
                Ok(written) => taken += written,
                Err(_) => piece.truncate(piece.len() / 2),
            }
        }
        taken
    }

    /// Takes all the space but so many KiB.
    #[track_caller]
    pub fn fill_but(&self, kibibytes: usize) {
        let taken = self.fill();
        let kept = taken.saturating_sub(kibibytes * 1024);
        let file = File::options()
            .write(true)
            .open(self.ballast())
            .expect("it was just written");
        file.set_len(u64::try_from(kept).expect("a disk of a test is small"))
            .expect("our own file can be cut");
    }

    /// Gives the space back.
    #[track_caller]
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("the disk was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.seen(&self.place).join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The end of its input is what it waits for.
        drop(self.holder.stdin.take());
        // Nothing to do about a failure: it is our own child, and has ended then.
        self.holder.wait().ok();
    }
}
