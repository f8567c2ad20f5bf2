//! Runs reconcilers: each in a task of its own, on its period and when nudged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use domain::Clock;
use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Reconciler, Registry, Status};

/// A run that takes longer hangs: it is ended, and the next one begins from the database again.
const DEADLINE: Duration = Duration::from_mins(10);

/// Wakes one reconciler. Clones wake the same one.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// For one reconciler that is yet to be added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it run soon: now, or once the present run has ended. Never waits; several before a run are one.
    pub fn nudge(&self) {
        self.0.notify_one();
    }
}

/// The reconcilers of the server.
pub struct Driver {
    registry: Registry,
    clock: Arc<dyn Clock>,
    tasks: Vec<Task>,
}

struct Task {
    reconciler: Box<dyn Reconciler>,
    nudge: Nudge,
    registry: Registry,
    clock: Arc<dyn Clock>,
}

impl Driver {
    /// Reports to `registry`, with the times of `clock`.
    pub fn new(registry: Registry, clock: Arc<dyn Clock>) -> Self {
        Self {
            registry,
            clock,
            tasks: Vec::new(),
        }
    }

    /// Adds a reconciler that `nudge` wakes; [`Nudge::new`] for one that only its period does.
    pub fn add(&mut self, reconciler: impl Reconciler + 'static, nudge: Nudge) {
        self.registry.add(reconciler.name(), reconciler.period());
        self.tasks.push(Task {
            reconciler: Box::new(reconciler),
            nudge,
            registry: self.registry.clone(),
            clock: Arc::clone(&self.clock),
        });
    }

    /// Runs each once at the start and then as it is due, until `shutdown`. Returns when the runs of that moment have ended.
    pub async fn run(self, shutdown: CancellationToken) {
        let tracker = TaskTracker::new();
        for task in self.tasks {
            tracker.spawn(task.run(shutdown.clone()));
        }
        tracker.close();
        tracker.wait().await;
    }
}

impl Task {
    async fn run(mut self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            self.activate().await;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.nudge.0.notified() => {}
                () = tokio::time::sleep(self.reconciler.period()) => {}
            }
        }
    }

    async fn activate(&mut self) {
        let name = self.reconciler.name();
        // Nudges until here are answered by this run.
        let _ = self.nudge.0.notified().now_or_never();
        let (began_at, began) = (self.clock.now(), Instant::now());
        let run = AssertUnwindSafe(self.reconciler.activate()).catch_unwind();
        let status = match tokio::time::timeout(DEADLINE, run).await {
            Ok(Ok(status)) => status,
            // What was said in the panic is in the log; it may hold what is not for the System page.
            Ok(Err(_)) => Status::Failed("a fault in the server; its log has the cause".to_owned()),
            Err(_) => Status::Failed(format!("it did not end within {} minutes", DEADLINE.as_secs() / 60)),
        };
        let error = match &status {
            Status::Done(_) => None,
            Status::Failed(error) => Some(error.clone()),
        };
        let had_failed = self.registry.record(name, began_at, began.elapsed(), status);
        // Changes only: some run every few seconds.
        match (error, had_failed) {
            (Some(error), false) => tracing::error!(task = name, error, "background work fails; it is tried again"),
            (None, true) => tracing::info!(task = name, "background work is done again"),
            (Some(_), true) | (None, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future;
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use domain::{MockClock, Timestamp};
    use tokio::task::JoinHandle;

    use super::*;
    use crate::reconcile::TaskStatus;

    const PERIOD: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn it_runs_at_the_start_and_then_on_its_period() {
        let stand = Stand::start(Does::Count);

        tokio::time::sleep(PERIOD * 3 + PERIOD / 2).await;

        assert_eq!(stand.runs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_nudge_wakes_it_at_once_and_several_are_one() {
        let stand = Stand::start(Does::Count);
        tokio::time::sleep(PERIOD / 4).await;

        for _ in 0..5 {
            stand.nudge.nudge();
        }
        tokio::time::sleep(PERIOD / 4).await;

        assert_eq!(stand.runs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_nudge_during_a_run_makes_one_more_after_it_and_never_two_at_once() {
        let stand = Stand::start(Does::Take(Duration::from_secs(10)));
        tokio::time::sleep(Duration::from_secs(5)).await;

        stand.nudge.nudge();
        stand.nudge.nudge();
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(stand.runs(), 1, "the first has not ended");
        tokio::time::sleep(Duration::from_secs(20)).await;

        assert_eq!(stand.runs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_last_run_did_is_kept() {
        let stand = Stand::start(Does::Take(Duration::from_secs(2)));
        assert_eq!(stand.status().last_run_at, None);

        tokio::time::sleep(Duration::from_secs(3)).await;

        let expected = TaskStatus {
            name: "counted",
            period: PERIOD,
            last_run_at: Some(Timestamp::UNIX_EPOCH),
            duration: Some(Duration::from_secs(2)),
            last_result: "run 1".to_owned(),
            last_error: None,
        };
        assert_eq!(stand.status(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_kept_until_a_run_goes_well() {
        let stand = Stand::start(Does::FailOnce);
        tokio::task::yield_now().await;
        let failed = stand.status();

        tokio::time::sleep(PERIOD * 2).await;

        assert_eq!(
            (failed.last_result.as_str(), failed.last_error.as_deref()),
            ("", Some("no luck"))
        );
        let well = stand.status();
        assert_eq!((well.last_result.is_empty(), well.last_error), (false, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure_and_the_next_run_comes() {
        let stand = Stand::start(Does::Panic);

        tokio::time::sleep(PERIOD + PERIOD / 2).await;

        assert_eq!(stand.runs(), 2);
        let error = stand.status().last_error.unwrap();
        assert!(!error.contains("secret"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_hangs_is_ended() {
        let stand = Stand::start(Does::Hang);

        tokio::time::sleep(DEADLINE + PERIOD * 2).await;

        assert_eq!(stand.runs(), 2);
        assert_eq!(
            stand.status().last_error.as_deref(),
            Some("it did not end within 10 minutes")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_lets_the_present_run_end_and_begins_no_other() {
        let stand = Stand::start(Does::Take(Duration::from_secs(10)));
        tokio::time::sleep(Duration::from_secs(1)).await;

        stand.nudge.nudge();
        stand.shutdown.cancel();
        let (driver, runs, registry) = (stand.driver, stand.runs, stand.registry);
        driver.await.unwrap();

        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(registry.all()[0].last_result, "run 1");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hangs_does_not_hold_up_the_others() {
        let stand = Stand::start(Does::Hang);
        let other = Stand::start_in(stand.registry.clone(), "other", Does::Count);

        tokio::time::sleep(PERIOD + PERIOD / 2).await;

        assert_eq!((stand.runs(), other.runs()), (1, 2));
        let names: Vec<&str> = stand.registry.all().iter().map(|task| task.name).collect();
        assert_eq!(names, ["counted", "other"]);
    }

    /// A driver with one reconciler.
    struct Stand {
        registry: Registry,
        nudge: Nudge,
        runs: Arc<AtomicU32>,
        shutdown: CancellationToken,
        driver: JoinHandle<()>,
    }

    impl Stand {
        fn start(does: Does) -> Self {
            Self::start_in(Registry::default(), "counted", does)
        }

        fn start_in(registry: Registry, name: &'static str, does: Does) -> Self {
            let (nudge, runs, shutdown) = (Nudge::new(), Arc::new(AtomicU32::new(0)), CancellationToken::new());
            let clock = Arc::new(MockClock::at(Timestamp::UNIX_EPOCH));
            let mut driver = Driver::new(registry.clone(), clock);
            let counted = Counted {
                name,
                runs: Arc::clone(&runs),
                does,
            };
            driver.add(counted, nudge.clone());
            Self {
                driver: tokio::spawn(driver.run(shutdown.clone())),
                registry,
                nudge,
                runs,
                shutdown,
            }
        }

        fn runs(&self) -> u32 {
            self.runs.load(Ordering::SeqCst)
        }

        fn status(&self) -> TaskStatus {
            self.registry.all().remove(0)
        }
    }

    enum Does {
        Count,
        Take(Duration),
        FailOnce,
        Panic,
        Hang,
    }

    struct Counted {
        name: &'static str,
        runs: Arc<AtomicU32>,
        does: Does,
    }

    #[async_trait]
    impl Reconciler for Counted {
        fn name(&self) -> &'static str {
            self.name
        }

        fn period(&self) -> Duration {
            PERIOD
        }

        async fn activate(&mut self) -> Status {
            let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
            match self.does {
                Does::Take(time) => tokio::time::sleep(time).await,
                Does::FailOnce if run == 1 => return Status::Failed("no luck".to_owned()),
                Does::Count | Does::FailOnce => {}
                Does::Panic => panic!("with a secret"),
                Does::Hang => future::pending().await,
            }
            Status::done(format!("run {run}"))
        }
    }
}
