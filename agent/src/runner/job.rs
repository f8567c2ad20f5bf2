//! One job from its turn to its end: prepare, run restic, list the snapshots, report.

mod listing;
mod locks;
mod stats;
mod verdict;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::job::{FailureCause, FailureCode, Problems, Summary};
use domain::session::{AgentSettings, BackupOrder, HeldRepository, Work};
use domain::{ResticRepositoryId, Timestamp};
use restic::{Access, Binary, Command, Ending, Exit, Facts, Kind, Places, Snapshots, classify};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::listing::{Search, complete, lacks_result, read_list};
use self::verdict::{Verdict, code, contradiction, unknown_result};
use super::follow::{Followed, Limits, Subject, follow};
use super::journal::Journal;
use super::process::{self, Found, Launch, PASSWORD_DESCRIPTOR, Process};
use super::spool::JobDirectory;
use super::{Options, endpoint, prepare};
use crate::core::{End, Order, Report};

/// A list that follows a backup has this long, whatever the backup had.
const LISTING_WITHIN: Duration = Duration::from_mins(1);
const UNLOCK_WITHIN: Duration = Duration::from_mins(2);

/// A job whose turn has come.
pub(super) struct Job {
    pub(super) order: Order,
    pub(super) started_at: Timestamp,
    /// What opens the repository, or why it cannot be had.
    pub(super) credentials: Result<HeldRepository, FailureCause>,
    pub(super) settings: AgentSettings,
    pub(super) options: Arc<Options>,
    pub(super) directory: JobDirectory,
    pub(super) journal: Journal,
    pub(super) cancel: CancellationToken,
}

/// All that restic is started with.
struct Prepared {
    access: Access,
    binary: Binary,
    known: Option<ResticRepositoryId>,
}

/// One run of restic, judged.
struct Run {
    kind: Kind,
    outcome: restic::Outcome,
    exit: Exit,
    step: PathBuf,
}

impl Job {
    /// Runs the job to its end and reports it.
    pub(super) async fn run(mut self) {
        let verdict = self.work().await;
        let Verdict {
            outcome,
            problems,
            exit_code,
            repository,
        } = verdict;
        self.journal.report_growth().await;
        let end = End {
            outcome,
            problems,
            exit_code,
            restic_repository: repository,
            log_lines: self.journal.lines(),
        };
        self.journal.report(Report::Finished(end)).await;
    }

    async fn work(&mut self) -> Verdict {
        let prepared = match self.prepare().await {
            Ok(prepared) => prepared,
            Err(cause) => return self.failed(cause),
        };
        let work = self.order.work.clone();
        match work {
            Work::Backup(order) => self.backup(&prepared, &order).await,
            Work::Init => self.init(&prepared).await,
            Work::Reinit => self.reinit(&prepared).await,
            Work::Probe => self.probe(&prepared).await,
            Work::Snapshots => self.snapshots(&prepared).await,
            Work::Unlock { all } => self.unlock(&prepared, all).await,
            Work::Stats => self.stats(&prepared).await,
        }
    }

    async fn prepare(&mut self) -> Result<Prepared, FailureCause> {
        let held = self.credentials.clone()?;
        let known = held.restic_id;
        let access = prepare::access(held)?;
        let binary = prepare::binary(self.options.search.clone()).await?;
        Ok(Prepared { access, binary, known })
    }

    async fn backup(&mut self, prepared: &Prepared, order: &BackupOrder) -> Verdict {
        const STEP: &str = "backup";
        if let Err(verdict) = self.recognise(prepared, STEP).await {
            return *verdict;
        }
        let mut missing = Vec::new();
        let command = match self.begun(STEP).await {
            Ok(true) => None,
            Err(cause) => return self.failed(cause),
            Ok(false) => {
                let sources = match prepare::sources(order) {
                    Ok(sources) => sources,
                    Err(cause) => return self.failed(cause),
                };
                for path in &sources.missing {
                    self.journal
                        .say(&format!("{} is not there and is left out", path.display()));
                }
                let backup = prepare::backup(order, &sources, &self.settings.restic_host, &self.options);
                missing = sources.missing;
                let backup = match backup {
                    Ok(backup) => Command::Backup(backup),
                    Err(cause) => return self.failed(cause),
                };
                self.clear_doubt(prepared).await;
                self.raise_doubt();
                Some(backup)
            }
        };
        let run = match self.main(prepared, STEP, Kind::Backup, command, &missing).await {
            Ok(run) => run,
            Err(verdict) => return *verdict,
        };
        if lacks_result(&run) {
            match self.unreported(prepared, order).await {
                Search::Found(summary, snapshots) => {
                    self.settle_doubt();
                    self.report_snapshots(snapshots).await;
                    return self.succeeded(Summary::Backup(*summary), Problems::default(), run.exit, None);
                }
                Search::Nothing => {}
                Search::Cancelled => {
                    self.settle_doubt();
                    return self.cancelled();
                }
                Search::Unknown(why) => {
                    self.settle_doubt();
                    return self.failed(unknown_result(&why));
                }
            }
        }
        let (facts, problems) = match self.judged(prepared, &run).await {
            Ok(success) => success,
            Err(verdict) => return *verdict,
        };
        let Facts::Backup {
            mut summary,
            snapshot_id,
        } = facts
        else {
            return self.failed(contradiction());
        };
        let list = self.list(prepared).await;
        complete(&mut summary, &snapshot_id, list.as_deref());
        if let Some(snapshots) = list {
            self.report_snapshots(snapshots).await;
        }
        self.succeeded(Summary::Backup(summary), problems, run.exit, None)
    }

    async fn init(&mut self, prepared: &Prepared) -> Verdict {
        const STEP: &str = "init";
        let run = match self.main(prepared, STEP, Kind::Init, Some(Command::Init), &[]).await {
            Ok(run) => run,
            Err(verdict) => return *verdict,
        };
        let (facts, problems) = match self.judged(prepared, &run).await {
            Ok(success) => success,
            Err(verdict) => return *verdict,
        };
        let Facts::Init { repository, adopted } = facts else {
            return self.failed(contradiction());
        };
        if adopted {
            self.journal
                .say("there is a repository already; it is adopted if the password opens it");
        }
        let repository = match repository.filter(|_| !adopted) {
            Some(repository) => repository,
            None => match self.identify(prepared, "config").await {
                Ok(repository) => repository,
                Err(verdict) => return *verdict,
            },
        };
        match self.same_repository(prepared, repository) {
            Ok(()) => self.succeeded(Summary::Init { repository }, problems, Exit::Code(0), Some(repository)),
            Err(verdict) => *verdict,
        }
    }

    /// Makes the repository where none is. What it makes is another one than the known one, by intent.
    async fn reinit(&mut self, prepared: &Prepared) -> Verdict {
        const STEP: &str = "init";
        let run = match self.main(prepared, STEP, Kind::Init, Some(Command::Init), &[]).await {
            Ok(run) => run,
            Err(verdict) => return *verdict,
        };
        let made = match self.judged(prepared, &run).await {
            Ok((Facts::Init { adopted: true, .. }, _)) => {
                return self.failed(FailureCause {
                    code: FailureCode::LocationNotEmpty,
                    exit_code: code(run.exit),
                    message: "restic found a repository at the location".into(),
                });
            }
            Ok((Facts::Init { repository, .. }, _)) => repository,
            Ok(_) => return self.failed(contradiction()),
            Err(verdict) => return *verdict,
        };
        let repository = match made {
            Some(repository) => repository,
            None => match self.identify(prepared, "config").await {
                Ok(repository) => repository,
                Err(verdict) => return *verdict,
            },
        };
        // What was listed of the former one is no more.
        if let Some(snapshots) = self.list(prepared).await {
            self.report_snapshots(snapshots).await;
        }
        let summary = Summary::Init { repository };
        self.succeeded(summary, Problems::default(), run.exit, Some(repository))
    }

    async fn probe(&mut self, prepared: &Prepared) -> Verdict {
        let repository = match self.identify(prepared, "config").await {
            Ok(repository) => repository,
            Err(verdict) => return *verdict,
        };
        match self.same_repository(prepared, repository) {
            Ok(()) => {
                let summary = Summary::Probe { repository };
                self.succeeded(summary, Problems::default(), Exit::Code(0), Some(repository))
            }
            Err(verdict) => *verdict,
        }
    }

    async fn snapshots(&mut self, prepared: &Prepared) -> Verdict {
        const STEP: &str = "snapshots";
        if let Err(verdict) = self.recognise(prepared, STEP).await {
            return *verdict;
        }
        let command = match Snapshots::of_host(self.settings.restic_host.clone()) {
            Ok(command) => Command::Snapshots(command),
            Err(error) => return self.failed(prepare::failure(FailureCode::InvalidValue, &error)),
        };
        let run = match self.main(prepared, STEP, Kind::Snapshots, Some(command), &[]).await {
            Ok(run) => run,
            Err(verdict) => return *verdict,
        };
        if let Err(verdict) = self.judged(prepared, &run).await {
            return *verdict;
        }
        match read_list(&run.step) {
            Ok(snapshots) => {
                self.report_snapshots(snapshots).await;
                self.succeeded(Summary::Snapshots, Problems::default(), run.exit, None)
            }
            Err(why) => self.failed(FailureCause {
                code: FailureCode::NoResult,
                exit_code: Some(0),
                message: why.into(),
            }),
        }
    }

    /// Reads which repository it is, with its password.
    async fn identify(&mut self, prepared: &Prepared, step: &str) -> Result<ResticRepositoryId, Box<Verdict>> {
        let run = self
            .main(prepared, step, Kind::CatConfig, Some(Command::CatConfig), &[])
            .await?;
        self.identity(prepared, &run).await
    }

    /// Looks whether the repository is the known one, before anything is written there or a list is taken from there: a
    /// backup must not go where nobody will look for it. One open of the repository, without a lock.
    ///
    /// A run in `step` that an earlier life of the agent began was preceded by such a look.
    async fn recognise(&mut self, prepared: &Prepared, step: &str) -> Result<(), Box<Verdict>> {
        if prepared.known.is_none() {
            return Ok(());
        }
        match self.begun(step).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(cause) => return Err(Box::new(self.failed(cause))),
        }
        let run = self
            .ahead(prepared, "identity", Kind::CatConfig, Command::CatConfig)
            .await?;
        let found = self.identity(prepared, &run).await?;
        self.same_repository(prepared, found)
    }

    async fn identity(&mut self, prepared: &Prepared, run: &Run) -> Result<ResticRepositoryId, Box<Verdict>> {
        match self.judged(prepared, run).await? {
            (Facts::CatConfig { repository }, _) => Ok(repository),
            _ => Err(Box::new(self.failed(contradiction()))),
        }
    }

    /// A repository that is not the one the server knows is not used: somebody put another in its place.
    fn same_repository(&mut self, prepared: &Prepared, found: ResticRepositoryId) -> Result<(), Box<Verdict>> {
        match prepared.known {
            Some(known) if known != found => {
                let cause = FailureCause {
                    code: FailureCode::RepositoryReplaced,
                    exit_code: None,
                    message: format!(
                        "the repository at this location is {}, the known one is {}; nothing was written",
                        found.short(),
                        known.short()
                    )
                    .into(),
                };
                let mut verdict = self.failed(cause);
                verdict.repository = Some(found);
                Err(Box::new(verdict))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Runs the restic that the job is about, or goes on with the one that an earlier life of the agent started.
    ///
    /// Without a `command` there must be one.
    async fn main(
        &mut self,
        prepared: &Prepared,
        step: &str,
        kind: Kind,
        command: Option<Command>,
        missing: &[PathBuf],
    ) -> Result<Run, Box<Verdict>> {
        let subject = self.subject(prepared, step, command).await?;
        self.journal.report(Report::Running).await;
        let followed = self.own(prepared, step, kind, subject, missing).await;
        self.journal.report(Report::Finalizing).await;
        followed
    }

    /// Runs a restic that the job needs before the one it is about. Its failure is the job's.
    async fn ahead(
        &mut self,
        prepared: &Prepared,
        step: &str,
        kind: Kind,
        command: Command,
    ) -> Result<Run, Box<Verdict>> {
        let subject = self.subject(prepared, step, Some(command)).await?;
        self.own(prepared, step, kind, subject, &[]).await
    }

    /// Follows a restic that is stopped when the job is.
    async fn own(
        &mut self,
        prepared: &Prepared,
        step: &str,
        kind: Kind,
        subject: Subject,
        missing: &[PathBuf],
    ) -> Result<Run, Box<Verdict>> {
        let limits = Limits {
            cancel: self.cancel.clone(),
            deadline: self.deadline(),
            grace: self.options.grace,
        };
        let directory = self.directory.step(step);
        self.followed(prepared, directory, kind, subject, &limits, missing)
            .await
            .map_err(|cause| Box::new(self.failed(cause)))
    }

    /// Finds the restic that an earlier life of the agent started for this step, or starts it.
    async fn subject(
        &mut self,
        prepared: &Prepared,
        step: &str,
        command: Option<Command>,
    ) -> Result<Subject, Box<Verdict>> {
        let directory = self.directory.step(step);
        let found = Process::find(&directory)
            .await
            .map_err(|error| self.not_started(&error))?;
        Ok(match (found, command) {
            (Found::Alive(process), _) => {
                self.journal.say("the agent was restarted; restic runs on");
                Subject::Alive(process)
            }
            (Found::Ended(exit), _) => Subject::Ended(exit),
            (Found::Nothing, None) => return Err(Box::new(self.interrupted("restic was never started"))),
            (Found::Nothing, Some(command)) => {
                if self.cancel.is_cancelled() {
                    return Err(Box::new(self.cancelled()));
                }
                if let Err(message) = endpoint::answers(prepared.access.url()).await {
                    return Err(Box::new(self.failed(FailureCause {
                        code: FailureCode::Unreachable,
                        exit_code: None,
                        message: message.into(),
                    })));
                }
                let started = self.start(prepared, &directory, &command).await;
                Subject::Alive(Box::new(started.map_err(|error| self.not_started(&error))?))
            }
        })
    }

    /// Runs another restic for the job's sake. What it says is logged; its failure is not the job's.
    async fn aside(&mut self, prepared: &Prepared, step: &str, command: Command, within: Duration) -> Option<Run> {
        let limits = Limits {
            cancel: CancellationToken::new(),
            deadline: Some(Instant::now() + within),
            grace: self.options.grace,
        };
        let directory = self.directory.step(step);
        let kind = command.kind();
        let started = match process::clear(&directory).await {
            Ok(()) => self.start(prepared, &directory, &command).await,
            Err(error) => Err(error),
        };
        let run = match started {
            Ok(process) => {
                let subject = Subject::Alive(Box::new(process));
                self.followed(prepared, directory, kind, subject, &limits, &[]).await
            }
            Err(error) => Err(prepare::failure(FailureCode::AgentFailed, &error)),
        };
        match run {
            Ok(run) => Some(run),
            Err(cause) => {
                self.journal.say(cause.message.as_str());
                None
            }
        }
    }

    async fn start(
        &mut self,
        prepared: &Prepared,
        directory: &std::path::Path,
        command: &Command,
    ) -> Result<Process, process::Error> {
        let places = Places {
            cache: self.options.places.cache_dir().to_owned(),
            temporary: self.options.places.temporary(),
            home: self.options.places.state_dir().to_owned(),
            password_descriptor: PASSWORD_DESCRIPTOR,
        };
        let limits = restic::Limits {
            upload_kib_per_s: std::num::NonZeroU32::new(self.settings.limit_upload_kib_per_s),
            download_kib_per_s: std::num::NonZeroU32::new(self.settings.limit_download_kib_per_s),
        };
        let capabilities = prepared.binary.capabilities();
        let invocation = command.invocation(capabilities, &prepared.access, &places, limits);
        self.journal.say(&format!(
            "restic {} {}, repository {}",
            capabilities.version,
            what(command.kind()),
            prepared.access.url().as_str()
        ));
        Process::launch(Launch {
            wrapper: &self.options.wrapper,
            step: directory,
            program: prepared.binary.path(),
            invocation: &invocation,
            password: prepared.access.password(),
        })
        .await
    }

    async fn followed(
        &mut self,
        prepared: &Prepared,
        step: PathBuf,
        kind: Kind,
        subject: Subject,
        limits: &Limits,
        missing: &[PathBuf],
    ) -> Result<Run, FailureCause> {
        let redactor = prepared.access.redactor();
        let Followed { transcript, exit, stop } = follow(&step, kind, subject, redactor, limits, &mut self.journal)
            .await
            .map_err(|error| prepare::failure(FailureCode::AgentFailed, &error))?;
        let ending = Ending {
            exit,
            stop,
            missing_sources: missing,
        };
        let outcome = classify(prepared.binary.capabilities(), transcript, ending);
        Ok(Run {
            kind,
            outcome,
            exit,
            step,
        })
    }

    /// Splits a run into what it brought and the verdict that it was.
    async fn judged(&mut self, prepared: &Prepared, run: &Run) -> Result<(Facts, Problems), Box<Verdict>> {
        let has_ended_by_itself = match run.outcome {
            restic::Outcome::Ok(_) | restic::Outcome::Issues { .. } | restic::Outcome::Failed { .. } => {
                code(run.exit).is_some()
            }
            restic::Outcome::Cancelled | restic::Outcome::TimedOut | restic::Outcome::Interrupted => false,
        };
        let takes_lock = run.kind == Kind::Backup;
        if takes_lock && has_ended_by_itself {
            self.settle_doubt();
        }
        let mut verdict = match run.outcome.clone() {
            restic::Outcome::Ok(facts) => return Ok((facts, Problems::default())),
            restic::Outcome::Issues { facts, problems } => {
                // Killed behind its result.
                if takes_lock && !has_ended_by_itself {
                    self.leave_no_lock(prepared).await;
                }
                return Ok((facts, problems));
            }
            restic::Outcome::Failed { cause, lock: _ } => return Err(Box::new(self.failed(cause))),
            restic::Outcome::Cancelled => self.cancelled(),
            restic::Outcome::TimedOut => self.timed_out(),
            restic::Outcome::Interrupted => {
                let is_of_another_boot = process::is_of_another_boot(&run.step);
                self.interrupted(if is_of_another_boot {
                    "the host was started anew while restic ran"
                } else {
                    "restic was stopped by something else than the agent"
                })
            }
        };
        verdict.exit_code = code(run.exit);
        if takes_lock {
            self.leave_no_lock(prepared).await;
        }
        Err(Box::new(verdict))
    }

    /// Whether an earlier life of the agent began this run.
    async fn begun(&mut self, step: &str) -> Result<bool, FailureCause> {
        match Process::find(&self.directory.step(step)).await {
            Ok(Found::Nothing) => Ok(false),
            Ok(Found::Alive(_) | Found::Ended(_)) => Ok(true),
            Err(error) => Err(prepare::failure(FailureCode::AgentFailed, &error)),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let limit = self.order.deadline()?;
        let used = self.directory.running_for(self.started_at, self.options.clock.now());
        Some(Instant::now() + limit.saturating_sub(used))
    }
}

fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Backup => "saves the paths",
        Kind::Init => "makes the repository",
        Kind::CatConfig => "reads the config",
        Kind::Snapshots => "lists the snapshots",
        Kind::ListLocks => "lists the locks",
        Kind::CatLock => "reads a lock",
        Kind::Unlock => "removes locks",
        Kind::Stats => "counts",
    }
}
