//! Commands, exit codes and what is printed.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use domain::name::Username;
use domain::{Role, Secret};
use server::app::{Caller, Error};
use server::clock::{SystemClock, SystemIds};
use server::config::Config;
use server::passwords::{Cost, Hasher};
use server::shutdown::{Shutdown, Signals};
use server::{Parts, Server, grpc, telemetry};

/// Exit code for a configuration that cannot be used, as in `sysexits.h`.
const CONFIGURATION: u8 = 78;

/// The restic-manager server. Configured by RM_* variables and a YAML file; `config check` lists what is wrong.
#[derive(Debug, Parser)]
#[command(name = "restic-manager-server", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the server. This is what happens without a command, too.
    Serve,
    /// Manages users when nobody can sign in. Stop the server first if it uses SQLite.
    #[command(subcommand)]
    User(UserCommand),
    /// Looks at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Makes a user. The password is read from the terminal, or from standard input.
    Create {
        /// Name to sign in with.
        name: Username,
        /// viewer, operator or admin.
        #[arg(long, default_value = "viewer")]
        role: Role,
    },
    /// Lists all users with their roles.
    List,
    /// Sets a new password, lets the user sign in again and ends all of the user's sessions.
    ResetPassword {
        /// The user's name.
        name: Username,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints every problem of the configuration, or that there is none.
    Check,
}

/// Runs the command of this process.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let config = match Config::load(std::env::vars_os(), &|path| std::fs::read_to_string(path)) {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems.to_string());
            return ExitCode::from(CONFIGURATION);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("could not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => serve(config).await,
            Command::User(command) => user(config, command).await,
            Command::Config(ConfigCommand::Check) => {
                say("The configuration is fine.");
                Ok(())
            }
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config.telemetry)?;
    // Before anything is opened, so that a signal during the start is not lost.
    let signals = Signals::install()?;
    let server = Server::bind(config, parts(Hasher::new(Cost::default()))).await?;
    let shutdown = Shutdown::new();
    let app = server.start(&shutdown);
    shutdown.until_signalled(signals).await;
    app.close().await.map_err(sentence)
}

async fn user(config: Config, command: UserCommand) -> anyhow::Result<()> {
    let app = server::open(&config, parts(Hasher::new(Cost::default()))).await?;
    let caller = Caller::system();
    match command {
        UserCommand::Create { name, role } => {
            let password = read_password(&name)?;
            app.create_user(&caller, name.clone(), role, password)
                .await
                .map_err(sentence)?;
            say(&format!("User {name} may sign in as {role}."));
        }
        UserCommand::List => {
            for user in app.list_users(&caller).await.map_err(sentence)? {
                let state = if user.enabled { "" } else { "  disabled" };
                say(&format!("{}  {}{state}", user.name, user.role));
            }
        }
        UserCommand::ResetPassword { name } => {
            let password = read_password(&name)?;
            app.reset_password(&caller, &name, password).await.map_err(sentence)?;
            say(&format!(
                "User {name} has a new password; all sessions of this user have ended."
            ));
        }
    }
    app.close().await.map_err(sentence)?;
    Ok(())
}

/// Reads a password: from a terminal with a prompt, else the first line of standard input.
fn read_password(name: &Username) -> anyhow::Result<Secret<String>> {
    if io::stdin().is_terminal() {
        let mut out = io::stderr();
        write!(out, "New password for {name} (it is shown while you type): ")?;
        out.flush()?;
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    zeroize::Zeroize::zeroize(&mut line);
    anyhow::ensure!(
        !password.is_empty(),
        "no password was given; write it on standard input"
    );
    Ok(Secret::new(password))
}

fn parts(hasher: Hasher) -> Parts {
    let clock = Arc::new(SystemClock);
    Parts {
        ids: Arc::new(SystemIds::new(clock.clone())),
        clock,
        hasher,
    }
}

/// A refusal is a sentence for people; anything else is shown with its causes, for this is the server's own host.
fn sentence(error: Error) -> anyhow::Error {
    match error {
        Error::Refused(refusal) => anyhow::anyhow!("{}", refusal.message),
        Error::Store(_) | Error::Failed { .. } => anyhow::anyhow!("{}", grpc::status::chain(&error)),
    }
}

fn say(text: &str) {
    // A closed pipe is the reader's choice.
    let _ = writeln!(io::stdout(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
