//! P8, P9 and P10: lists, the console's pages and the start of a server with ten thousand hosts and a million jobs.

use std::path::Path;

use restic_manager_integration_tests::{Fleet, fleet, seed};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::runtime::Runtime;

use crate::pages;
use crate::report::{Report, Row};
use crate::stopwatch::{Stopwatch, median, percentile};

pub(crate) const SIZE: seed::Size = seed::Size {
    hosts: 10_000,
    jobs: 100,
    snapshots: 20,
};
const STARTS: usize = 3;
const ROUNDS: usize = 40;
/// The hosts are written as online, and never fall silent within the run.
const OFFLINE_AFTER: (&str, &str) = ("RM_OFFLINE_AFTER", "24h");

/// What is asked for, and the same by hand: a condition and an order.
const LISTS: [(&str, &str, &str); 10] = [
    ("order_by=health", "TRUE", "h.urgency, h.hostname_key, h.id"),
    ("order_by=hostname", "TRUE", "h.hostname_key, h.id"),
    ("order_by=hostname%20desc", "TRUE", "h.hostname_key DESC, h.id"),
    (
        "order_by=last_backup_at%20desc",
        "TRUE",
        "h.last_backup_at DESC NULLS LAST, h.id",
    ),
    ("order_by=last_seen_at", "TRUE", "h.last_seen_at ASC NULLS LAST, h.id"),
    (
        "order_by=health&health=failing",
        "h.health = 'failing'",
        "h.urgency, h.hostname_key, h.id",
    ),
    ("order_by=hostname&health=ok", "h.health = 'ok'", "h.hostname_key, h.id"),
    (
        "order_by=health&q=web",
        "(instr(lower(h.hostname), 'web') > 0 OR instr(lower(h.tags), 'web') > 0)",
        "h.urgency, h.hostname_key, h.id",
    ),
    (
        "order_by=hostname&q=00042",
        "(instr(lower(h.hostname), '00042') > 0 OR instr(lower(h.tags), '00042') > 0)",
        "h.hostname_key, h.id",
    ),
    (
        "order_by=last_backup_at&q=no-such-host",
        "(instr(lower(h.hostname), 'no-such-host') > 0 OR instr(lower(h.tags), 'no-such-host') > 0)",
        "h.last_backup_at ASC NULLS LAST, h.id",
    ),
];

/// Measures and adds the rows.
pub(crate) fn measure(report: &mut Report) {
    let mut fleet = filled(SIZE);
    starts(report, &mut fleet);
    lists(report, &fleet);
    pages::measure(report, &fleet);
}

/// A server with so many hosts, which shows the console where that is built.
#[expect(clippy::print_stdout, reason = "long work shows that it goes on")]
pub(crate) fn filled(size: seed::Size) -> Fleet {
    println!("writing {} hosts with {} jobs each", size.hosts, size.jobs);
    let console = std::env::var("RM_TEST_CONSOLE").ok();
    let console = console.as_deref().map(|console| ("RM_UI_DIR", console));
    let settings: Vec<_> = console.into_iter().chain([OFFLINE_AFTER]).collect();
    let mut fleet = Fleet::start_with(&settings, fleet::ADMIN_PASSWORD);
    fleet.server.stop();
    seed::fill(&fleet.server.data(), size);
    // The first start computes what is shown of the hosts.
    fleet.server.start_again();
    fleet
}

fn starts(report: &mut Report, fleet: &mut Fleet) {
    let runtime = runtime();
    let (mut server, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        fleet.server.stop();
        let watch = Stopwatch::start();
        let hosts = runtime.block_on(open_and_select(&seed::database(&fleet.server.data())));
        bare.push(watch.elapsed().as_secs_f64());
        assert_eq!(hosts, SIZE.hosts as usize, "all hosts were written");
        let watch = Stopwatch::start();
        fleet.server.start_again();
        server.push(watch.elapsed().as_secs_f64());
    }
    report.add(Row::bound(
        "P10",
        format!(
            "from starting the server to its readiness, {} hosts and {} jobs",
            SIZE.hosts,
            jobs()
        ),
        median(&server),
        "s",
        Some(3.0),
    ));
    report.add(Row::bound(
        "P10",
        "of the reference: opening the database and selecting all hosts".to_owned(),
        median(&bare),
        "s",
        None,
    ));
}

#[expect(clippy::print_stdout, reason = "long work shows that it goes on")]
fn lists(report: &mut Report, fleet: &Fleet) {
    let runtime = runtime();
    let mut database = runtime.block_on(open(&seed::database(&fleet.server.data())));
    let (mut server, mut bare) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for (asked, condition, order) in LISTS {
            let watch = Stopwatch::start();
            let answer = fleet.admin.get(&format!("/api/hosts?page_size=50&{asked}"));
            let took = watch.milliseconds();
            let watch = Stopwatch::start();
            let rows = runtime.block_on(by_hand(&mut database, condition, order));
            let took_by_hand = watch.milliseconds();
            let shown = answer.ok().as_array().map_or(0, Vec::len);
            assert_eq!(shown, rows, "{asked} and the same by hand list the same");
            // The first round fills caches on both sides.
            if round > 0 {
                server.push(took);
                bare.push(took_by_hand);
            }
        }
    }
    println!(
        "P8: lists {:.2} ms, by hand {:.2} ms (p95)",
        percentile(&server, 95),
        percentile(&bare, 95)
    );
    report.add(Row::ratio(
        "P8",
        format!(
            "a page of 50 hosts over REST, {} filters and orders, {} hosts and {} jobs, p95",
            LISTS.len(),
            SIZE.hosts,
            jobs()
        ),
        percentile(&server, 95),
        "ms",
        ("one query by hand, and one that counts", percentile(&bare, 95)),
        Some(3.0),
    ));
    report.add(Row::bound(
        "P8",
        "the same, as a bound".to_owned(),
        percentile(&server, 95),
        "ms",
        Some(150.0),
    ));
}

/// What is shown of a page of hosts, read by one query as somebody would write it for just that, and their number by another.
/// Answers how many are on the page.
async fn by_hand(database: &mut SqliteConnection, condition: &str, order: &str) -> usize {
    let page = format!(
        "SELECT h.id, h.hostname, h.tags, h.status, h.last_seen_at, h.inventory, h.health, h.health_reason, h.health_cause, \
         h.health_since, h.recent_runs, h.last_backup_at, h.last_backup_code, h.last_success_at, h.snapshot_count, \
         h.running_job_id, r.status, r.detail FROM hosts h LEFT JOIN host_repositories r ON r.host_id = h.id AND r.is_default \
         WHERE {condition} ORDER BY {order} LIMIT 50"
    );
    let count = format!("SELECT count(*) FROM hosts h WHERE {condition}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(page)).fetch_all(&mut *database).await;
    let rows = rows.expect("the query fits the schema");
    let counted = sqlx::query(sqlx::AssertSqlSafe(count)).fetch_one(&mut *database).await;
    let counted: i64 = counted.expect("the query fits the schema").get(0);
    assert!(
        usize::try_from(counted).is_ok_and(|counted| counted >= rows.len()),
        "a page is a part"
    );
    rows.len()
}

async fn open(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .disable_statement_logging();
    let connection = SqliteConnection::connect_with(&options.read_only(true)).await;
    connection.expect("the database is there")
}

async fn open_and_select(database: &Path) -> usize {
    let mut connection = open(database).await;
    let rows = sqlx::query("SELECT * FROM hosts").fetch_all(&mut connection).await;
    let count = rows.expect("the database has hosts").len();
    connection.close().await.expect("it was open");
    count
}

fn jobs() -> u32 {
    SIZE.hosts * SIZE.jobs
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("this system has threads")
}
