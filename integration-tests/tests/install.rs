//! The install script, run as the enrollment answer says, on a machine of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Output;

use restic_manager_integration_tests::machine::Machine;
use restic_manager_integration_tests::{Fleet, Repository, fleet, ports, process, programs, services, wait};
use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = "/usr/local/bin/restic-manager-agent";
const UNIT: &str = "/etc/systemd/system/restic-manager-agent.service";
const IDENTITY: &str = "/var/lib/restic-manager/identity/current";

#[test]
fn the_answered_command_installs_and_enrolls_and_a_second_time_changes_nothing() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    let token = token(&fleet, "web-1", &fleet.local_repository().fields());
    let command = token["install_command"].as_str().unwrap();

    let first = process::stdout(&machine.run(command));
    let ready = host_with(&fleet, |host| host["repo_status"] == "ready");
    let before = footprint(&machine);
    let second = process::stdout(&machine.run(command));

    assert!(first.contains("has its session with the server"), "{first}");
    assert_eq!(ready["agent_version"], env!("CARGO_PKG_VERSION"));
    assert!(second.contains("nothing to do"), "{second}");
    assert_eq!(footprint(&machine), before);
    let unit = programs::clone().join("deploy/systemd/restic-manager-agent.service");
    assert_eq!(fs::read(machine.outside(UNIT)).unwrap(), fs::read(unit).unwrap());
    for directory in [
        "/etc/restic-manager",
        "/var/lib/restic-manager",
        "/var/cache/restic-manager",
    ] {
        assert_eq!(mode(&machine, directory), 0o700, "{directory}");
    }
    assert_eq!((mode(&machine, PROGRAM), mode(&machine, UNIT)), (0o755, 0o644));
}

#[test]
fn what_is_missing_is_repaired_without_a_token_and_uninstalling_leaves_nothing() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    let server = fleet.server.url();
    let token = token(&fleet, "web-1", &json!({}));
    process::stdout(&machine.run(token["install_command"].as_str().unwrap()));
    let identity = inode(&machine, IDENTITY);

    process::stdout(&machine.run("systemctl stop restic-manager-agent"));
    fs::remove_file(machine.outside(UNIT)).unwrap();
    let repair = format!("curl -fsSL {server}/install/install.sh | sudo RM_SERVER={server} bash");
    let repaired = process::stdout(&machine.run(&repair));
    let same = inode(&machine, IDENTITY);
    let removal = format!("curl -fsSL {server}/install/install.sh | sudo bash -s -- --uninstall");
    let removed = process::stdout(&machine.run(&removal));
    let again = process::stdout(&machine.run(&removal));

    assert!(repaired.contains("installing what is missing"), "{repaired}");
    assert_eq!(same, identity);
    assert!(removed.contains("is removed"), "{removed}");
    assert!(again.contains("is removed"), "{again}");
    for place in [
        PROGRAM,
        UNIT,
        "/etc/restic-manager",
        "/var/lib/restic-manager",
        "/var/cache/restic-manager",
    ] {
        assert!(!machine.outside(place).exists(), "{place}");
    }
    assert!(!machine.run("systemctl is-active restic-manager-agent").status.success());
}

#[test]
fn a_local_repository_that_the_sandbox_keeps_read_only_is_told_with_the_way_out() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    let place = fleet.directory().join("srv");
    fs::create_dir(&place).unwrap();
    fs::write(machine.answers("read-only"), place.to_str().unwrap()).unwrap();
    let repository = Repository::local(&place, "repository");
    let token = token(&fleet, "web-1", &repository.fields());

    process::stdout(&machine.run(token["install_command"].as_str().unwrap()));
    let host = host_with(&fleet, |host| host["repo_status"] == "init_failed");
    let id = host["id"].as_str().unwrap();
    let job = &fleet.admin.get(&format!("/api/hosts/{id}/jobs?kind=init")).ok()[0];
    let doctor = machine.run(&format!("{PROGRAM} doctor"));

    assert_eq!(host["repo_status_detail"], "access_denied");
    assert!(job["error"].as_str().unwrap().contains("ReadWritePaths="), "{job:#}");
    assert!(!doctor.status.success());
    let found = String::from_utf8(doctor.stdout).unwrap();
    let finding = found.lines().find(|line| line.contains("repository ")).unwrap();
    assert!(
        finding.starts_with("BAD") && finding.contains("ReadWritePaths="),
        "{found}"
    );
}

#[test]
fn a_forced_enrollment_replaces_the_identity_and_the_agent_runs_as_the_new_host() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    let first = token(&fleet, "web-1", &json!({}));
    process::stdout(&machine.run(first["install_command"].as_str().unwrap()));
    let identity = inode(&machine, IDENTITY);

    let second = token(&fleet, "web-2", &json!({}));
    let command = second["install_command"].as_str().unwrap();
    let forced = command.replace(" sudo ", " sudo RM_FORCE_REENROLL=1 ");
    let said = process::stdout(&machine.run(&forced));

    assert!(said.contains("has its session with the server"), "{said}");
    assert_ne!(inode(&machine, IDENTITY), identity);
    let hosts = fleet.admin.get("/api/hosts?q=web-2").ok();
    assert_eq!(hosts[0]["status"], "online", "{hosts:#}");
}

#[test]
fn the_script_file_of_the_answer_installs_too() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    let token = token(&fleet, "web-1", &json!({}));
    fs::write(
        machine.answers("install-web-1.sh"),
        token["installer_script"].as_str().unwrap(),
    )
    .unwrap();

    let run = format!("bash {}", machine.answers("install-web-1.sh").display());
    process::stdout(&machine.run(&run));

    host_with(&fleet, |host| host["status"] == "online");
}

#[test]
fn a_damaged_download_is_told_and_changes_nothing() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    if !services::has_program("curl") {
        return;
    }
    let token = token(&fleet, "web-1", &json!({}));
    // The network between here and the server adds a byte to the agent.
    machine.add_program(
        "curl",
        "#!/bin/bash\n/usr/bin/curl \"$@\" || exit\n[[ \"$*\" != *agent/binary\\?* ]] || printf x >>\"${@: -2:1}\"\n",
    );

    let refused = machine.run(token["install_command"].as_str().unwrap());

    ended(&refused, 75, "damaged on its way");
    assert!(!machine.outside(PROGRAM).exists());
    assert!(!machine.outside("/var/lib/restic-manager").exists());
}

#[test]
fn an_agent_port_that_cannot_be_reached_is_named_with_what_to_look_at() {
    let agent_url = format!("https://127.0.0.1:{}", ports::free());
    let fleet = Fleet::start_with(&[("RM_AGENT_URL", &agent_url)], fleet::ADMIN_PASSWORD);
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    let token = token(&fleet, "web-1", &json!({}));

    let refused = machine.run(token["install_command"].as_str().unwrap());

    ended(&refused, 75, agent_url.strip_prefix("https://").unwrap());
    ended(&refused, 75, "untouched");
    assert!(!machine.outside(UNIT).exists());
}

#[test]
fn what_the_server_refuses_or_lacks_is_told_and_nothing_is_started() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    let token = token(&fleet, "web-1", &json!({}));
    let used = token["install_command"].as_str().unwrap();
    let id = token["id"].as_str().unwrap();
    fleet.admin.delete(&format!("/api/enrollment-tokens/{id}")).ok();

    let revoked = machine.run(used);
    let without_token = machine.run(&used.replace("RM_TOKEN=", "RM_HOSTNAME="));
    let without_server = machine.run(&used.replace("RM_SERVER=", "RM_HOSTNAME="));
    machine.add_program("uname", "#!/bin/sh\n[ \"$1\" = -s ] && echo Linux || echo riscv64\n");
    let unknown = machine.run(used);
    let absent_arch = if cfg!(target_arch = "aarch64") {
        "x86_64"
    } else {
        "aarch64"
    };
    machine.add_program(
        "uname",
        &format!("#!/bin/sh\n[ \"$1\" = -s ] && echo Linux || echo {absent_arch}\n"),
    );
    let unpublished = machine.run(used);

    ended(&revoked, 77, "token_revoked");
    ended(&without_token, 2, "RM_TOKEN is not set");
    ended(&without_server, 2, "RM_SERVER is not set");
    ended(&unknown, 1, "riscv64");
    ended(&unpublished, 1, "agent-binaries");
    assert!(!machine.outside(UNIT).exists());
}

#[test]
fn without_systemd_the_agent_is_installed_and_the_person_is_told_how_to_run_it() {
    let fleet = Fleet::start();
    let Some(machine) = Machine::new(fleet.directory()) else {
        return;
    };
    machine.set_init("offline");
    let token = token(&fleet, "web-1", &json!({}));

    let told = machine.run(token["install_command"].as_str().unwrap());

    ended(&told, 3, &format!("{PROGRAM} run"));
    assert!(machine.outside(IDENTITY).is_dir());
    assert!(!machine.outside(UNIT).exists());
}

#[test]
fn other_schedules_of_restic_are_listed_with_what_disables_each() {
    let directory = TempDir::new().unwrap();
    let Some(machine) = Machine::new(directory.path()) else {
        return;
    };
    let daily = machine.outside("/etc/cron.daily/backup");
    fs::create_dir_all(daily.parent().unwrap()).unwrap();
    fs::write(&daily, "#!/bin/sh\n# every night\nexec restic backup /srv\n").unwrap();
    fs::set_permissions(&daily, fs::Permissions::from_mode(0o755)).unwrap();
    let crontab = machine.outside("/etc/cron.d/backups");
    fs::create_dir_all(crontab.parent().unwrap()).unwrap();
    let lines = "# restic\nRESTIC_PASSWORD=canary\n0 1 * * * root ls\n0 2 * * * root RESTIC_PASSWORD=canary restic backup /etc\n";
    fs::write(&crontab, lines).unwrap();
    let nightly = machine.answers("nightly.sh");
    fs::write(&nightly, "resticprofile backup\n").unwrap();
    let units = machine.answers("units");
    fs::create_dir(&units).unwrap();
    fs::write(
        units.join("nightly.service"),
        format!("ExecStart=-{} --now\n", nightly.display()),
    )
    .unwrap();
    fs::write(
        units.join("other.service"),
        "ExecStart=/usr/bin/restic-manager-agent run\n",
    )
    .unwrap();
    let row = |name: &str| format!("Tue 2026-11-24 03:00:00 UTC 5h left n/a n/a {name}.timer {name}.service\n");
    fs::write(machine.answers("timers"), row("nightly") + &row("other")).unwrap();
    let mine = "0 3 * * * restic forget\n";
    fs::write(machine.answers("roots"), mine).unwrap();
    let kept = machine.answers("roots");
    machine.add_program(
        "crontab",
        &format!(
            "#!/bin/sh\n[ \"$3\" = -l ] && exec cat {0} || exec cat >{0}.new\n",
            kept.display()
        ),
    );

    let listed = process::stdout(&machine.run(&listing()));
    let commands = listed.lines().filter_map(|line| line.strip_prefix("    "));
    let commands: Vec<&str> = commands.filter(|line| !line.starts_with("systemctl")).collect();
    process::stdout(&machine.run(&commands.join("\n")));
    fs::rename(kept.with_extension("new"), &kept).unwrap();
    fs::write(machine.answers("timers"), row("other")).unwrap();
    let after = process::stdout(&machine.run(&listing()));

    assert!(
        listed.contains("    systemctl disable --now nightly.timer\n"),
        "{listed}"
    );
    assert_eq!(commands.len(), 3, "{listed}");
    assert!(!listed.contains("canary") && !listed.contains("other"), "{listed}");
    assert_eq!(after, "");
    assert!(
        fs::read_to_string(&crontab)
            .unwrap()
            .ends_with("\n#0 2 * * * root RESTIC_PASSWORD=canary restic backup /etc\n")
    );
    assert_eq!(fs::read_to_string(&kept).unwrap(), format!("#{mine}"));
}

#[test]
fn another_shell_than_bash_is_told_so() {
    if !services::has_program("dash") {
        return;
    }
    let directory = TempDir::new().unwrap();
    let mut shell = process::command(Path::new("dash"), directory.path());

    let refused = process::run(shell.arg(programs::clone().join("deploy/install.sh")));

    ended(&refused, 2, "needs bash");
}

/// The script without its last line, which begins the work, and the part that looks for other schedules.
fn listing() -> String {
    let script = programs::clone().join("deploy/install.sh");
    format!("source <(sed '$d' '{}'); show_other_schedules", script.display())
}

fn token(fleet: &Fleet, name: &str, fields: &Value) -> Value {
    let mut body = fields.clone();
    body["hostname"] = name.into();
    fleet.admin.post("/api/enrollment-tokens", &body).ok()
}

/// Waits until the only host is so.
#[track_caller]
fn host_with(fleet: &Fleet, as_wanted: impl Fn(&Value) -> bool) -> Value {
    wait::until("the host to be as wanted", wait::SHORTLY, || {
        let hosts = fleet.admin.get("/api/hosts").ok();
        hosts.get(0).filter(|host| as_wanted(host)).cloned()
    })
}

#[track_caller]
fn ended(output: &Output, code: i32, said: &str) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(said), "{text}");
}

/// What tells whether program, unit and identity are the same files as before.
fn footprint(machine: &Machine) -> [(u64, i64); 3] {
    [PROGRAM, UNIT, IDENTITY].map(|place| {
        let metadata = fs::metadata(machine.outside(place)).unwrap();
        (metadata.ino(), metadata.ctime_nsec())
    })
}

fn inode(machine: &Machine, place: &str) -> u64 {
    fs::metadata(machine.outside(place)).unwrap().ino()
}

fn mode(machine: &Machine, place: &str) -> u32 {
    fs::metadata(machine.outside(place)).unwrap().permissions().mode() & 0o777
}
