//! One process that plays many agents: real keys and certificates, real TLS, the real protocol, no restic.
//!
//! Each agent enrolls by a token as a host does, holds one session, stores nothing and claims to do at once whatever it is
//! told. Agents connect from addresses of their own within 127.0.0.0/8, so that what a server allows one address does not
//! count for all.
//!
//! **Invariant:** only loopback addresses are dialled, and the number of agents is fixed before the first one enrolls.

mod agent;
mod enrollment;
mod wire;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use restic_manager_integration_tests::Fleet;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use agent::{Played, Told};
pub(crate) use wire::Wire;

/// Agents that connect at the same time.
const AT_ONCE: usize = 16;
/// How long all agents may take to get where they are waited for.
const PATIENCE: Duration = Duration::from_mins(3);

/// Agents that have enrolled with a server.
pub(crate) struct Crowd {
    runtime: Runtime,
    agents: Vec<Played>,
}

/// Agents that hold sessions.
pub(crate) struct Connected<'a> {
    runtime: &'a Runtime,
    target: SocketAddr,
    sessions: Vec<JoinHandle<Played>>,
    turns: Arc<Semaphore>,
    tell: mpsc::Sender<Told>,
    told: Receiver<Told>,
    settled: BTreeSet<u16>,
    stop: CancellationToken,
}

impl Crowd {
    /// Enrolls so many agents, each as a host with a repository of its own. The server must take this machine for a proxy,
    /// because it is told that each calls from its own address.
    pub(crate) fn enroll(fleet: &Fleet, count: u16) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        Self {
            runtime: runtime.expect("this system has threads"),
            agents: enrollment::enroll(fleet, count),
        }
    }

    /// Runs something where the agents live.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The CA that has signed the certificates of all agents, PEM.
    pub(crate) fn issuer_pem(&self) -> &str {
        self.agents[0].issuer_pem()
    }

    /// Copies of all agents, which also know a server by this root certificate.
    pub(crate) fn copies_that_trust(&self, root_pem: &str) -> Vec<Played> {
        self.agents.iter().map(|agent| agent.trusting(root_pem)).collect()
    }

    /// Takes the agents, to connect them.
    pub(crate) fn take(&mut self) -> Vec<Played> {
        std::mem::take(&mut self.agents)
    }

    /// Gives agents back.
    pub(crate) fn put_back(&mut self, agents: Vec<Played>) {
        self.agents = agents;
    }

    /// Nobody, at this server.
    pub(crate) fn connected_to(&self, target: SocketAddr) -> Connected<'_> {
        let (tell, told) = mpsc::channel();
        Connected {
            runtime: &self.runtime,
            target,
            sessions: Vec::new(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            tell,
            told,
            settled: BTreeSet::new(),
            stop: CancellationToken::new(),
        }
    }
}

impl Connected<'_> {
    /// Connects more agents and waits until the server has had all it wanted of each.
    pub(crate) fn join(&mut self, agents: impl IntoIterator<Item = Played>) {
        for agent in agents {
            let session = agent.hold(
                self.target,
                Arc::clone(&self.turns),
                self.tell.clone(),
                self.stop.clone(),
            );
            self.sessions.push(self.runtime.spawn(session));
        }
        while self.settled.len() < self.sessions.len() {
            if let Told::Settled(number) = self.next() {
                self.settled.insert(number);
            }
        }
    }

    /// The next thing that happens to an agent.
    pub(crate) fn next(&self) -> Told {
        let told = self.told.recv_timeout(PATIENCE);
        told.unwrap_or_else(|_| {
            panic!(
                "nothing more happens, and {} of {} agents have settled",
                self.settled.len(),
                self.sessions.len()
            )
        })
    }

    /// Lets all agents say goodbye, and gives them back.
    pub(crate) fn leave(self) -> Vec<Played> {
        self.stop.cancel();
        let left = async {
            let mut agents = Vec::new();
            for session in self.sessions {
                agents.push(session.await.expect("no agent fails"));
            }
            agents
        };
        self.runtime.block_on(left)
    }
}
