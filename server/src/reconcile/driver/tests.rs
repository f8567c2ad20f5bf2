use std::future;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use domain::{MockClock, Timestamp};
use tokio::task::JoinHandle;

use super::*;
use crate::tasks::TaskStatus;

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
