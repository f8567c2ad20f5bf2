//! What the server says is lost, comes twice or in another order. Whatever was disturbed, the next session of a server that
//! says again what it does not know to have arrived leads to the same end.

use super::tests::{Agent, backup, credit, desired, job, listing};
use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Lost,
    Doubled,
    /// It changes places with the next one.
    Swapped,
}

/// What there is at the end.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// Each as often as it was started. Which of two repositories was first does not matter.
    started: Vec<JobId>,
    /// The story of the jobs, as it was recorded.
    story: Vec<String>,
    /// The state of the settings that was stored last.
    settings: Option<String>,
    forgotten: Vec<String>,
}

/// How many words the server says before the jobs work, and how many after.
const ORDERS: usize = 4;
const RECEIPTS: usize = 5;

#[test]
fn the_end_is_the_same_whichever_word_was_lost_doubled_or_swapped() {
    let undisturbed = played(None);
    assert_eq!(undisturbed.started, [job(1), job(2)]);
    assert_eq!(undisturbed.settings.as_deref(), Some("store settings 2"));
    assert_eq!(
        undisturbed.story,
        [
            "record finalizing 1",
            "record finished 1 ok, closes 1",
            "record finished 2 ok, closes 2",
            "record running 1",
            "record started 1",
            "record started 2",
        ]
    );
    assert_eq!(undisturbed.forgotten, ["forget job 1", "forget job 2"]);

    for at in 0..ORDERS + RECEIPTS {
        for fault in [Fault::Lost, Fault::Doubled, Fault::Swapped] {
            assert_eq!(played(Some((fault, at))), undisturbed, "{fault:?} at {at}");
        }
    }
}

fn played(fault: Option<(Fault, usize)>) -> End {
    let mut agent = Agent::online();
    let in_orders = fault.filter(|(_, at)| *at < ORDERS);
    let in_receipts = fault.and_then(|(fault, at)| Some((fault, at.checked_sub(ORDERS)?)));

    for which in order(ORDERS, in_orders) {
        let word = order_of(&agent, which);
        agent.receive(word);
    }
    // Of the settings only the newest state is said again.
    reconnect(&mut agent, 2, 0);
    for which in 1..ORDERS {
        let word = order_of(&agent, which);
        agent.receive(word);
    }
    agent.report(1, Report::Running);
    agent.report(1, Report::LogGrown { lines: 10 });
    agent.report(1, Report::Finalizing);
    agent.finish(1);
    agent.finish(2);
    let last = agent.next_seq - 1;
    for which in order(RECEIPTS, in_receipts) {
        let word = receipt(which, last);
        agent.receive(word);
    }
    reconnect(&mut agent, 3, last);
    agent.receive(credit(1, 11));

    let with = |start: &str| {
        let mut found: Vec<String> = agent
            .effects
            .iter()
            .filter(|effect| effect.starts_with(start))
            .cloned()
            .collect();
        found.sort_unstable();
        found
    };
    // That a settings state came too late is said, once for each time.
    let story = with("record")
        .into_iter()
        .filter(|record| !record.starts_with("record applied"));
    agent.started.sort_unstable();
    End {
        story: story.collect(),
        settings: agent
            .effects
            .iter()
            .rfind(|effect| effect.starts_with("store settings"))
            .cloned(),
        forgotten: with("forget job"),
        started: agent.started,
    }
}

/// The places of so many words in the order in which they arrive.
fn order(count: usize, fault: Option<(Fault, usize)>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    match fault {
        None => {}
        Some((Fault::Lost, at)) => {
            order.remove(at);
        }
        Some((Fault::Doubled, at)) => order.insert(at, at),
        Some((Fault::Swapped, at)) => order.swap(at, (at + 1) % count),
    }
    order
}

fn order_of(agent: &Agent, which: usize) -> Received {
    let command = match which {
        0 => return desired(1),
        1 => return desired(2),
        2 => backup(1, 1),
        _ => listing(2, 2),
    };
    let stored = format!("store command {}", command.id.as_uuid().as_u128());
    Received::Command {
        known: agent.effects.contains(&stored),
        command,
    }
}

fn receipt(which: usize, last: u64) -> Received {
    match which {
        0 => Received::Ack { through: 1 },
        1 => Received::Ack { through: last - 1 },
        2 => credit(1, 5),
        3 => credit(1, 11),
        _ => Received::Ack { through: last },
    }
}

fn reconnect(agent: &mut Agent, epoch: u64, acknowledged: u64) {
    agent.lose(Loss::Broken);
    agent.on(Event::LinkUp);
    agent.welcome(epoch, acknowledged);
}
