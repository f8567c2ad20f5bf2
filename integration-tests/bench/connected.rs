//! P1: what a connected agent takes of the server's memory, against the echo server, in turns.
//!
//! The figure is the growth of resident memory from [`FEW`] to [`MANY`] connected agents, per agent. What the first agents
//! bring into memory, such as code and the database's cache, is there for all.

use std::net::SocketAddr;
use std::time::Duration;

use restic_manager_integration_tests::Fleet;

use crate::echo::Echo;
use crate::fleetsim::{Crowd, Played};
use crate::processes;
use crate::report::{Report, Row};
use crate::stopwatch::median;

/// How many agents connect in all.
pub(crate) const MANY: u16 = 1_000;
const FEW: usize = 100;
const ROUNDS: usize = 3;
/// Longer than the pause between two signs of life: each agent has said one, and has heard one.
const SETTLING: Duration = Duration::from_secs(7);

/// Memory of a process with few and with many agents, in KiB.
#[derive(Debug, Clone, Copy)]
struct Memory {
    few: f64,
    many: f64,
}

impl Memory {
    fn per_agent(self) -> f64 {
        let more = f64::from(MANY) - f64::from(u32::try_from(FEW).expect("it is small"));
        (self.many - self.few) / more
    }
}

/// Measures and adds the rows. Afterwards the server runs and all agents are disconnected.
#[expect(clippy::print_stdout, reason = "long work shows that it goes on")]
pub(crate) fn measure(report: &mut Report, fleet: &mut Fleet, crowd: &mut Crowd) {
    let mut server = Vec::new();
    let mut bare = Vec::new();
    for round in 0..ROUNDS {
        fleet.server.stop();
        fleet.server.start_again();
        let agents = crowd.take();
        let (memory, agents) = grow(crowd, agents, agent_port(fleet), fleet.server.process_id());
        crowd.put_back(agents);
        server.push(memory);

        let echo = Echo::start(&fleet.directory().join("echo"), crowd.issuer_pem());
        let copies = crowd.copies_that_trust(&echo.root_pem);
        let (memory, _) = grow(crowd, copies, echo.address, echo.process_id());
        bare.push(memory);
        println!(
            "P1 round {}: {:.1} KiB per agent, {:.1} KiB by the echo server",
            round + 1,
            server[round].per_agent(),
            bare[round].per_agent()
        );
    }
    let middle = |memory: &[Memory]| median(&memory.iter().map(|memory| memory.per_agent()).collect::<Vec<_>>());
    let (figure, reference) = (middle(&server), middle(&bare));
    report.add(Row::ratio(
        "P1",
        format!("memory of the server per connected idle agent, from {FEW} to {MANY} agents"),
        figure,
        "KiB",
        ("bare tonic bidi echo server", reference),
        Some(1.5),
    ));
    report.add(Row::bound(
        "P1",
        "the same, as a bound".to_owned(),
        figure,
        "KiB",
        Some(75.0),
    ));
    let whole: Vec<f64> = server.iter().map(|memory| memory.many / 1024.0).collect();
    report.add(Row::bound(
        "P1",
        format!("memory of the whole server with {MANY} connected agents"),
        median(&whole),
        "MiB",
        None,
    ));
}

/// Where agents connect.
pub(crate) fn agent_port(fleet: &Fleet) -> SocketAddr {
    fleet.server.agent_authority().parse().expect("it is an address")
}

fn grow(crowd: &Crowd, mut agents: Vec<Played>, target: SocketAddr, process: u32) -> (Memory, Vec<Played>) {
    let mut connected = crowd.connected_to(target);
    let more = agents.split_off(FEW);
    connected.join(agents);
    processes::watch_for(SETTLING);
    let few = processes::resident_kib(process);
    connected.join(more);
    processes::watch_for(SETTLING);
    let many = processes::resident_kib(process);
    (Memory { few, many }, connected.leave())
}
