//! The agent's command line: parses, starts what was asked for, and ends with its exit code.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use agent::cli::{Cli, Command, Enroll, ExecRestic};
use agent::clock::{SystemClock, SystemIds};
use agent::config::{Config, Places};
use agent::doctor::{self, Verdict};
use agent::enroll::{self, TokenSource, read_token};
use agent::exit::Exit;
use agent::identity::Identity;
use agent::status::Status;
use agent::{legacy, space, telemetry, wipe};
use clap::Parser as _;

fn main() -> ExitCode {
    #[cfg(unix)]
    if let Some(ExecRestic { step, program, args }) = ExecRestic::read(std::env::args_os()) {
        return agent::runner::wrapper::run(&step, &program, &args).into();
    }
    let cli = Cli::parse();
    let places = Places::new(cli.config, cli.state_dir);
    let exit = match cli.command {
        Command::Run => run(places),
        Command::Enroll(args) => enroll(args, &places),
        Command::Status { json } => status(&places, json),
        Command::Doctor => examine(&places),
        Command::Version => say(format_args!("restic-manager-agent {}", env!("CARGO_PKG_VERSION"))),
        Command::Wipe { yes } => wipe(&places, yes),
    };
    exit.into()
}

#[cfg(unix)]
fn run(places: Places) -> Exit {
    use std::time::Duration;

    use agent::supervisor::{Setup, own_program, run_on};

    telemetry::start();
    match legacy::migrate(&places) {
        Ok(true) => {
            tracing::warn!(
                "the repository's credentials that an older agent kept in the configuration are sealed now; set them on the \
                 server too"
            );
        }
        Ok(false) => {}
        Err(error) => return complain(&error, Exit::Configuration),
    }
    let config = match Config::load(places.config()) {
        Ok(config) => config,
        Err(error) => return complain(&error, Exit::Configuration),
    };
    let clock = Arc::new(SystemClock);
    let setup = Setup {
        places,
        config,
        program: own_program(),
        ids: Arc::new(SystemIds::new(clock.clone())),
        clock,
        grace: Duration::from_secs(30),
    };
    let work = async {
        let stop = stop_signal()?;
        let ended = run_on(setup, stop).await;
        ended.map_err(|error| (error.exit(), telemetry::chain(&error)))
    };
    match with_runtime(work) {
        Ok(exit) => exit,
        Err((exit, message)) => {
            tracing::error!(message);
            exit
        }
    }
}

#[cfg(not(unix))]
fn run(_: Places) -> Exit {
    telemetry::start();
    tracing::error!("this agent cannot run restic on this system; nothing is backed up");
    Exit::Error
}

#[cfg(unix)]
fn stop_signal() -> Result<tokio_util::sync::CancellationToken, (Exit, String)> {
    use tokio::signal::unix::{SignalKind, signal};

    let failed = |error: std::io::Error| (Exit::Error, error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopped.cancel();
    });
    Ok(stop)
}

fn enroll(args: Enroll, places: &Places) -> Exit {
    let Enroll {
        server,
        agent_url,
        token_file,
        ca_pin,
        name,
        force,
    } = args;
    let source = match token_file {
        None => TokenSource::Environment,
        Some(path) if path.as_os_str() == "-" => TokenSource::Stdin,
        Some(path) => TokenSource::File(path),
    };
    let token = match read_token(&source) {
        Ok(token) => token,
        Err(error) => return complain(&error, Exit::Usage),
    };
    let request = enroll::Request {
        server,
        agent_url,
        token,
        ca_pin,
        name,
        force,
    };
    match with_runtime(enroll::enroll(request, places, &SystemClock)) {
        Ok(facts) => say(format_args!(
            "This machine is host {}. Its agent connects to {} when it runs.",
            facts.host_id, facts.agent_endpoint
        )),
        Err(error) => {
            let exit = error.exit();
            complain(&error, exit)
        }
    }
}

fn status(places: &Places, json: bool) -> Exit {
    let status = match Status::read(&places.status()) {
        Ok(status) => status,
        Err(error) => return complain(&error, Exit::Error),
    };
    let Some(status) = status else {
        let why = match Identity::load(places) {
            Ok(Some(identity)) => format!("host {}: the agent does not run", identity.facts.host_id),
            Ok(None) => "this machine is not enrolled".to_owned(),
            Err(error) => telemetry::chain(&error),
        };
        if json {
            say(format_args!(
                "{}",
                serde_json::json!({ "is_running": false, "message": why })
            ));
        } else {
            say(format_args!("{why}"));
        }
        return Exit::Error;
    };
    let shortage = space::shortage(places.state_dir());
    if json {
        let mut value = serde_json::json!(status);
        value["is_running"] = true.into();
        value["disk_shortage"] = serde_json::json!(shortage);
        return say(format_args!("{value:#}"));
    }
    match shortage {
        Some(shortage) => say(format_args!("{status}\ndisk       FULL: {shortage}")),
        None => say(format_args!("{status}")),
    }
}

fn examine(places: &Places) -> Exit {
    let findings = with_runtime(doctor::examine(places, &SystemClock));
    let is_bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    for finding in findings {
        say(format_args!("{finding}"));
    }
    if is_bad { Exit::Error } else { Exit::Ok }
}

fn wipe(places: &Places, yes: bool) -> Exit {
    if !yes {
        let state = places.state_dir().display();
        let _ = writeln!(
            std::io::stderr(),
            "This removes key, certificate, credentials and state in {state}; the host must then be enrolled anew. Repeat \
             it with --yes to do so."
        );
        return Exit::Usage;
    }
    match wipe::wipe(places, &SystemIds::new(Arc::new(SystemClock))) {
        Ok(()) => say(format_args!(
            "Removed. The host still stands in the console; delete it there. Program and service stay; the install script \
             removes them too when it is given --uninstall."
        )),
        Err(error) => complain(&error, Exit::Error),
    }
}

/// One thread: the agent waits nearly all of its life, and each thread costs memory on every host.
fn with_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("an event loop can be made");
    let result = runtime.block_on(work);
    // A restic that does not answer `version` must not hold up the end.
    runtime.shutdown_background();
    result
}

fn say(text: std::fmt::Arguments<'_>) -> Exit {
    // Whoever closed our output does not want to hear about it.
    let _ = writeln!(std::io::stdout(), "{text}");
    Exit::Ok
}

fn complain(error: &dyn std::error::Error, exit: Exit) -> Exit {
    let _ = writeln!(std::io::stderr(), "{}", telemetry::chain(error));
    exit
}
