//! P3: from the request for a job to the command at its agent, while all agents are connected, against an echo over the same
//! transport and a durable commit, in turns.

use restic_manager_integration_tests::Fleet;
use serde_json::json;

use crate::connected::{MANY, agent_port};
use crate::echo::{Echo, Line};
use crate::fleetsim::{Connected, Crowd, Told};
use crate::reference::commit::Database;
use crate::report::{Report, Row};
use crate::stopwatch::{Stopwatch, percentile};

const ROUNDS: usize = 5;
const IN_A_ROUND: usize = 100;
/// What a dispatch may cost beyond the echo. Source: the goal P3.
const COMMITS: f64 = 1.5;

/// Milliseconds.
#[derive(Debug, Default)]
struct Times {
    dispatch: Vec<f64>,
    echo: Vec<f64>,
    commit: Vec<f64>,
}

/// Measures and adds the rows.
#[expect(clippy::print_stdout, reason = "long work shows that it goes on")]
pub(crate) fn measure(report: &mut Report, fleet: &Fleet, crowd: &mut Crowd) {
    let echo = Echo::start(&fleet.directory().join("echo"), crowd.issuer_pem());
    let copies = crowd.copies_that_trust(&echo.root_pem);
    let agents = crowd.take();
    let hosts: Vec<String> = agents.iter().map(|agent| agent.host().to_owned()).collect();
    let mut line = crowd.run(Line::open(&copies[0], echo.address));
    let mut database = crowd.run(Database::create(&fleet.directory().join("commits.db")));
    let mut at_echo = crowd.connected_to(echo.address);
    at_echo.join(copies);
    let mut connected = crowd.connected_to(agent_port(fleet));
    connected.join(agents);

    let mut times = Times::default();
    let mut hosts = hosts.iter().cycle();
    for round in 0..ROUNDS {
        for host in hosts.by_ref().take(IN_A_ROUND) {
            times.dispatch.push(dispatch(fleet, &connected, host));
        }
        for _ in 0..IN_A_ROUND {
            times.echo.push(crowd.run(line.ask()));
        }
        for _ in 0..IN_A_ROUND {
            times.commit.push(crowd.run(database.commit()));
        }
        println!(
            "P3 until round {}: dispatch {:.2} ms, echo {:.2} ms, commit {:.2} ms",
            round + 1,
            percentile(&times.dispatch, 50),
            percentile(&times.echo, 50),
            percentile(&times.commit, 50)
        );
    }
    at_echo.leave();
    connected.leave();
    add(report, times);
}

fn add(report: &mut Report, times: Times) {
    let Times { dispatch, echo, commit } = times;
    let (echo, commit) = (percentile(&echo, 50), percentile(&commit, 50));
    let (middle, slow) = (percentile(&dispatch, 50), percentile(&dispatch, 99));
    report.add(Row::ratio(
        "P3",
        format!("from asking for a job to the command at its agent, {MANY} connected, p50"),
        middle,
        "ms",
        ("an echo and 1.5 durable commits", echo + COMMITS * commit),
        Some(1.0),
    ));
    report.add(Row::ratio(
        "P3",
        "the same, p99".to_owned(),
        slow,
        "ms",
        ("3 × its p50, and 10 ms", 3.0 * middle + 10.0),
        Some(1.0),
    ));
    report.add(Row::bound(
        "P3",
        "of the reference: an echo over the same transport, p50".to_owned(),
        echo,
        "ms",
        None,
    ));
    report.add(Row::bound(
        "P3",
        "of the reference: a durable commit into SQLite, p50".to_owned(),
        commit,
        "ms",
        None,
    ));
}

/// Asks for a job, and waits until its end is acknowledged. Answers how long the command took.
fn dispatch(fleet: &Fleet, connected: &Connected<'_>, host: &str) -> f64 {
    let watch = Stopwatch::start();
    let asked = fleet
        .admin
        .post(&format!("/api/hosts/{host}/jobs"), &json!({ "kind": "probe" }));
    let asked = asked.ok();
    let mut arrived = None;
    loop {
        match connected.next() {
            Told::Ordered { job, at } if asked["id"] == *job => arrived = Some(at),
            Told::Done { job } if asked["id"] == *job => break,
            Told::Ordered { .. } | Told::Done { .. } | Told::Settled(_) => {}
        }
    }
    arrived
        .expect("a job that is done was ordered")
        .milliseconds_after(watch)
}
