//! Arguments per version, and the grammar that no input breaks.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::Version;

/// All that may stand before `--`. A flag that is not here must be argued for.
const GLOBAL_FLAGS: [&str; 5] = [
    "--json",
    "--no-lock",
    "--limit-upload",
    "--limit-download",
    "--retry-lock",
];
const BACKUP_FLAGS: [&str; 6] = [
    "--host",
    "--tag",
    "--group-by",
    "--exclude-caches",
    "--one-file-system",
    "--exclude",
];

#[test]
fn a_backup_is_written_for_the_version_at_hand() {
    let command = Command::Backup(Backup::new(full_options()).unwrap());

    for (version, wait, group_by) in [
        ("0.14.0", "", ""),
        ("0.16.0", "--retry-lock=600s ", "--group-by=host,tags "),
        ("0.16.5", "--retry-lock=600s ", "--group-by=host,tags "),
        ("0.17.3", "--retry-lock=600s ", "--group-by=host,tags "),
        ("0.18.0", "--retry-lock=600s ", "--group-by=host,tags "),
        ("0.19.1", "--retry-lock=600s ", "--group-by=host,tags "),
    ] {
        let expected = format!(
            "--json --limit-upload=500 --limit-download=700 {wait}backup --host=web-1 --tag=system {group_by}\
             --exclude-caches --one-file-system --exclude=*.tmp --exclude=!keep.tmp --exclude=/var/lib/restic-manager \
             -- /etc /srv/data files"
        );

        assert_eq!(line(&command, version, limits(500, 700)), expected, "{version}");
    }
}

#[test]
fn the_other_commands_are_the_same_in_every_version() {
    for version in ["0.14.0", "0.16.5", "0.17.3", "0.18.0", "0.19.1"] {
        for (command, expected) in [
            (Command::Init, "--json init"),
            (Command::CatConfig, "--json --no-lock cat config"),
            (
                Command::Snapshots(Snapshots::of_host("web-1".to_owned()).unwrap()),
                "--json --no-lock snapshots --host=web-1",
            ),
            (Command::ListLocks, "--json --no-lock list locks"),
            (Command::Unlock, "unlock"),
        ] {
            assert_eq!(line(&command, version, Limits::default()), expected, "{version}");
        }
    }
}

#[test]
fn the_least_backup_has_no_optional_flag() {
    let options = BackupOptions {
        excludes: Vec::new(),
        own_paths: Vec::new(),
        exclude_caches: false,
        one_file_system: false,
        lock_wait: Duration::ZERO,
        ..full_options()
    };
    let command = Command::Backup(Backup::new(options).unwrap());

    assert_eq!(
        line(&command, "0.18.0", Limits::default()),
        "--json backup --host=web-1 --tag=system --group-by=host,tags -- /etc /srv/data files"
    );
}

#[test]
fn an_own_path_is_excluded_as_a_name_and_not_as_a_pattern() {
    let options = BackupOptions {
        own_paths: vec!["/var/lib/a*b[1]?\\c".into()],
        ..full_options()
    };
    let command = Command::Backup(Backup::new(options).unwrap());

    let line = line(&command, "0.18.0", Limits::default());

    assert!(line.contains(r"--exclude=/var/lib/a\*b\[1\]\?\\c -- "), "{line}");
}

#[test]
fn values_that_restic_could_take_for_something_else_are_refused() {
    let what = "a host name";
    check(|options| options.host = String::new(), &Refused::Value { what });
    check(|options| options.host = "-v".to_owned(), &Refused::Value { what });
    check(|options| options.host = "a\nb".to_owned(), &Refused::Value { what });
    check(
        |options| options.tag = "--json".to_owned(),
        &Refused::Value { what: "a tag" },
    );
    check(|options| options.tag = "a,b".to_owned(), &Refused::CommaInTag);
    check(|options| options.sources.clear(), &Refused::NoSource);
    let what = "an exclude pattern";
    check(
        |options| options.excludes.push("-o".to_owned()),
        &Refused::Value { what },
    );
    check(|options| options.excludes.push(String::new()), &Refused::Value { what });
    for path in ["relative", "-", "--password-command=id", "", "/etc/../var", "/etc\0"] {
        let path = PathBuf::from(path);
        check(
            |options| options.sources.push(path.clone()),
            &Refused::Path { path: path.clone() },
        );
    }
    assert!(Snapshots::of_host("-h".to_owned()).is_err());
}

#[test]
fn a_source_inside_the_agents_own_paths_is_refused() {
    for path in [
        "/var/lib/restic-manager",
        "/var/lib/restic-manager/secrets.enc",
        "/var/lib//restic-manager/./x",
    ] {
        let path = PathBuf::from(path);
        check(
            |options| options.sources.push(path.clone()),
            &Refused::OwnPath { path: path.clone() },
        );
    }
    let mut options = full_options();
    options.sources = vec!["/".into(), "/var/lib/restic-manager-other".into()];
    assert!(Backup::new(options).is_ok());
}

proptest! {
    #[test]
    fn no_input_leaves_the_grammar(
        host in value(),
        tag in value(),
        sources in prop::collection::vec(value(), 0..4),
        excludes in prop::collection::vec(value(), 0..4),
        own_paths in prop::collection::vec(value(), 0..2),
        flags in any::<(bool, bool)>(),
        seconds in 0_u64..1000,
        upload in any::<Option<NonZeroU32>>(),
        minor in 14_u32..22,
    ) {
        let options = BackupOptions {
            host,
            tag,
            sources: sources.into_iter().map(PathBuf::from).collect(),
            excludes,
            own_paths: own_paths.into_iter().map(PathBuf::from).collect(),
            exclude_caches: flags.0,
            one_file_system: flags.1,
            lock_wait: Duration::from_secs(seconds),
        };
        let sources = options.sources.clone();
        let capabilities = Capabilities::of(Version::new(0, minor, 0));

        if let Ok(backup) = Backup::new(options) {
            let limits = Limits { upload_kib_per_s: upload, download_kib_per_s: None };
            let args = Command::Backup(backup).args(&capabilities, limits);

            assert_in_grammar(&args, &sources);
        }
    }
}

fn assert_in_grammar(args: &[OsString], sources: &[PathBuf]) {
    let subcommand = args.iter().position(|arg| arg == "backup").unwrap();
    let end = args.len() - sources.len() - 1;
    assert_eq!(args[end], "--");
    for arg in &args[..subcommand] {
        assert!(
            GLOBAL_FLAGS.contains(&flag(arg)),
            "{} before the subcommand",
            arg.display()
        );
    }
    for arg in &args[subcommand + 1..end] {
        assert!(BACKUP_FLAGS.contains(&flag(arg)), "{} before --", arg.display());
    }
    for (arg, source) in args[end + 1..].iter().zip(sources) {
        assert_eq!(arg, source);
        assert!(Path::new(arg).is_absolute());
    }
}

fn flag(arg: &OsString) -> &str {
    arg.to_str().unwrap().split('=').next().unwrap()
}

/// Ordinary values, and those that somebody would try.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "/[a-z]{1,8}(/[a-z.*-]{1,8}){0,2}",
        1 => "[a-z0-9 ,=-]{0,8}",
        1 => any::<String>(),
        1 => prop::sample::select(vec![
            "--",
            "-o",
            "--password-command=id",
            "--option=sftp.command=id",
            "backup",
            "/a/../b",
            "/a\0b",
            "/var\n--stdin-from-command",
            "",
        ]).prop_map(str::to_owned),
    ]
}

fn check(change: impl FnOnce(&mut BackupOptions), expected: &Refused) {
    let mut options = full_options();
    change(&mut options);

    assert_eq!(&Backup::new(options).unwrap_err(), expected);
}

fn full_options() -> BackupOptions {
    BackupOptions {
        host: "web-1".to_owned(),
        tag: "system".to_owned(),
        sources: vec!["/etc".into(), "/srv/data files".into()],
        excludes: vec!["*.tmp".to_owned(), "!keep.tmp".to_owned()],
        own_paths: vec!["/var/lib/restic-manager".into()],
        exclude_caches: true,
        one_file_system: true,
        lock_wait: Duration::from_mins(10),
    }
}

fn limits(upload: u32, download: u32) -> Limits {
    Limits {
        upload_kib_per_s: NonZeroU32::new(upload),
        download_kib_per_s: NonZeroU32::new(download),
    }
}

fn line(command: &Command, version: &str, limits: Limits) -> String {
    let capabilities = Capabilities::of(version.parse().unwrap());
    let args = command.args(&capabilities, limits);
    let args: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
    args.join(" ")
}
