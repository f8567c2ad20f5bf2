//! Stories of certificates that near their end, told without a socket, a file or a sleep.

use std::collections::BTreeMap;

use domain::certificate::Lifetime;
use domain::id::{HostId, SessionId};
use uuid::Uuid;

use super::*;

const DAY: Duration = Duration::from_hours(24);

#[test]
fn the_next_certificate_is_asked_for_at_half_life_proven_by_a_new_connection_and_put_in_place() {
    let mut agent = Agent::online(4, None);
    assert_eq!(agent.take(), ["ask certificate"]);

    agent.offer();
    assert_eq!(agent.take(), ["store"]);
    agent.stored(4);
    assert_eq!(agent.take(), ["disconnect"]);
    agent.lose(Loss::Broken);
    assert_eq!(agent.take(), ["connect 0ns Candidate"]);
    agent.welcome();
    assert_eq!(agent.take(), ["promote"]);
    agent.on(Event::Promoted { outcome: Ok(()) });

    assert_eq!(agent.take(), [""; 0]);
    assert_eq!(agent.core.overview().certificate_ends, day(14));
    agent.lose(Loss::Broken);
    assert_eq!(agent.take(), ["connect 500ms Current"]);
}

#[test]
fn before_half_life_nothing_is_asked_and_the_core_wakes_for_it() {
    let mut agent = Agent::online(1, None);
    assert_eq!(agent.take(), [""; 0]);

    let due = agent.core.renewal_due.unwrap();
    agent.pass(due.saturating_sub(agent.now.uptime));

    assert_eq!(
        due,
        DAY * 3,
        "forty parts of a hundred of ten days, a day of which has passed"
    );
    assert_eq!(agent.take(), ["ask certificate"]);
}

#[test]
fn an_answer_that_is_late_or_says_no_is_asked_for_again_after_a_growing_pause() {
    let mut agent = Agent::online(4, None);
    agent.take();

    agent.pass(Duration::from_secs(30));
    assert_eq!(
        agent.take(),
        ["warn the server does not answer the wish for the next certificate"]
    );
    agent.pass(Duration::from_mins(1));
    assert_eq!(agent.take(), ["ask certificate"]);
    agent.refuse(true, Some(Duration::from_mins(5)));
    assert_eq!(agent.take(), ["warn no (code)"]);
    agent.pass(Duration::from_secs(299));
    assert_eq!(agent.take(), [""; 0]);
    agent.pass(Duration::from_secs(1));
    assert_eq!(agent.take(), ["ask certificate"]);
    agent.refuse(false, None);
    assert_eq!(agent.take(), ["discard", "warn no (code)"], "another key is needed");
    let trouble = agent.core.overview().renewal_trouble.unwrap();
    assert_eq!(
        (trouble.since, trouble.why.as_str()),
        (day(4).saturating_add(Duration::from_secs(30)), "no (code)")
    );
}

#[test]
fn a_failure_near_the_end_is_urgent() {
    let mut agent = Agent::online(8, None);
    agent.take();

    agent.refuse(true, None);

    assert_eq!(agent.take(), ["error no (code)"]);
}

#[test]
fn a_broken_session_asks_the_same_again_in_the_next_one() {
    let mut agent = Agent::online(4, None);
    agent.lose(Loss::Broken);
    agent.welcome();

    assert_eq!(
        agent.take(),
        ["ask certificate", "connect 500ms Current", "ask certificate"]
    );
}

#[test]
fn what_a_crash_left_is_shown_first_and_put_in_place_when_it_is_welcomed() {
    let mut agent = Agent::started(4, Some(3));
    assert_eq!(agent.take(), ["connect 500ms Candidate"]);

    agent.welcome();

    assert_eq!(agent.take(), ["promote"]);
}

#[test]
fn a_next_certificate_that_is_refused_goes_only_when_the_present_one_is_welcomed() {
    let mut agent = Agent::started(4, Some(3));
    agent.take();

    agent.lose(Loss::Unauthenticated);
    assert_eq!(agent.take(), ["connect 500ms Current"]);
    agent.welcome();

    assert_eq!(
        agent.take(),
        ["discard", "warn the server does not accept the next certificate"]
    );
    agent.pass(Duration::from_mins(1));
    assert_eq!(agent.take(), ["ask certificate"]);
}

#[test]
fn a_network_that_breaks_takes_turns_between_both_and_drops_neither() {
    let mut agent = Agent::started(4, Some(3));
    agent.take();

    let mut shown = Vec::new();
    for _ in 0..4 {
        agent.lose(Loss::Broken);
        shown.extend(agent.take());
    }
    agent.welcome();

    let kinds: Vec<&str> = shown.iter().filter_map(|effect| effect.rsplit(' ').next()).collect();
    assert_eq!(kinds, ["Current", "Candidate", "Current", "Candidate"]);
    assert_eq!(agent.take(), ["promote"]);
}

#[test]
fn a_session_that_came_about_with_the_present_one_tries_the_next_one_later() {
    let mut agent = Agent::started(4, Some(3));
    agent.lose(Loss::Broken);
    agent.take();

    agent.welcome();
    assert_eq!(agent.take(), ["warn no session came about with the next certificate"]);
    agent.pass(Duration::from_mins(1));

    assert_eq!(agent.take(), ["disconnect"]);
    agent.lose(Loss::Broken);
    assert_eq!(agent.take(), ["connect 0ns Candidate"]);
}

#[test]
fn a_certificate_that_ended_while_the_machine_slept_is_followed_by_one_on_the_word_of_the_identity_key() {
    let mut agent = Agent::started(30, None);
    assert_eq!(agent.take(), ["connect 500ms IdentityKey"]);

    agent.on(Event::Offered {
        certificate_pem: String::new(),
    });
    agent.stored(30);
    assert_eq!(agent.take(), ["store", "connect 0ns Candidate"]);
    agent.welcome();
    agent.on(Event::Promoted { outcome: Ok(()) });

    assert_eq!(agent.take(), ["promote"]);
    assert_eq!(agent.core.overview().certificate_ends, day(40));
}

#[test]
fn a_refused_certificate_leads_to_the_identity_key_and_a_refused_identity_key_to_patience() {
    let mut agent = Agent::started(1, None);
    agent.take();

    agent.lose(Loss::Unauthenticated);
    let quickly = agent.take();
    agent.lose(Loss::Unauthenticated);
    let slowly = agent.take();
    agent.lose(Loss::Unauthenticated);
    let again = agent.take();
    agent.lose(Loss::Unwanted);

    assert_eq!(quickly, ["connect 500ms IdentityKey"]);
    assert_eq!(slowly, ["connect 600s Current"], "from the beginning");
    assert_eq!(again, ["connect 1s IdentityKey"]);
    assert_eq!(agent.take(), ["connect 600s Current"]);
}

#[test]
fn a_host_that_is_unwanted_as_it_is_waits_and_asks_for_nothing() {
    let mut agent = Agent::started(1, None);
    agent.take();

    agent.lose(Loss::Unwanted);

    assert_eq!(agent.take(), ["connect 600s Current"]);
}

#[test]
fn connections_that_stand_and_are_never_welcomed_count_as_a_refusal() {
    let mut agent = Agent::started(1, None);
    agent.take();

    for _ in 0..2 {
        agent.on(Event::LinkUp);
        agent.lose(Loss::Broken);
        assert!(agent.take().last().unwrap().ends_with("Current"));
    }
    agent.on(Event::LinkUp);
    agent.lose(Loss::Broken);

    assert!(agent.take().last().unwrap().ends_with("IdentityKey"));
}

#[test]
fn a_network_that_is_away_never_uses_the_identity_key() {
    let mut agent = Agent::started(1, None);
    agent.take();

    for _ in 0..20 {
        agent.lose(Loss::Broken);
        assert!(agent.take().last().unwrap().ends_with("Current"));
    }
}

#[test]
fn a_disk_that_does_not_take_the_next_certificate_is_tried_again() {
    let mut agent = Agent::online(4, None);
    agent.offer();
    agent.take();

    agent.on(Event::OfferStored {
        outcome: Err("the disk is full".to_owned()),
    });
    assert_eq!(agent.take(), ["warn the disk is full"]);
    agent.pass(Duration::from_mins(1));
    assert_eq!(agent.take(), ["ask certificate"]);
    agent.offer();
    agent.stored(4);
    agent.lose(Loss::Broken);
    agent.welcome();
    agent.take();
    agent.on(Event::Promoted {
        outcome: Err("the disk is full".to_owned()),
    });
    assert_eq!(agent.take(), ["warn the disk is full"]);
    agent.pass(Duration::from_mins(2));

    assert_eq!(agent.take(), ["promote"]);
}

/// The core of a host whose certificate is in force from day 0 to day 10.
struct Agent {
    core: Core,
    now: Now,
    effects: Vec<String>,
    epoch: u64,
}

impl Agent {
    /// Started on a day, with a next certificate of ten days from another day.
    fn started(on: u64, candidate: Option<u64>) -> Self {
        let core = Core::new(Start {
            certificates: Certificates {
                host: HostId::from_uuid(Uuid::from_u128(0)),
                current: ten_days(0),
                candidate: candidate.map(ten_days),
            },
            outbox: Contents {
                next_seq: 1,
                acknowledged: 0,
                ends: BTreeMap::new(),
            },
            applied: Applied::default(),
            commands: Vec::new(),
            begun: Vec::new(),
            logs: Vec::new(),
        });
        let mut agent = Self {
            core,
            now: Now {
                wall: day(on),
                uptime: Duration::ZERO,
            },
            effects: Vec::new(),
            epoch: 0,
        };
        agent.on(Event::Started { random: 0.5 });
        agent
    }

    fn online(on: u64, candidate: Option<u64>) -> Self {
        let mut agent = Self::started(on, candidate);
        agent.take();
        agent.welcome();
        agent
    }

    fn on(&mut self, event: Event) {
        for effect in self.core.on_event(event, self.now) {
            self.effects.extend(told(&effect));
        }
    }

    fn welcome(&mut self) {
        self.on(Event::LinkUp);
        self.epoch += 1;
        self.on(Event::Received(Received::Welcome(Welcome {
            protocol: 1,
            session: SessionId::from_uuid(Uuid::nil()),
            epoch: self.epoch,
            acknowledged_seq: 0,
            // The server is heard whenever time passes in these stories.
            heartbeat: Duration::from_mins(5),
            server_time: self.now.wall,
            log_window_bytes: 1000,
            reconnect_spread: Duration::from_secs(10),
        })));
    }

    fn offer(&mut self) {
        self.on(Event::Received(Received::CertificateOffer {
            certificate_pem: String::new(),
        }));
    }

    fn refuse(&mut self, is_temporary: bool, retry_after: Option<Duration>) {
        self.on(Event::Received(Received::RenewRefused {
            why: "no (code)".to_owned(),
            retry_after,
            is_temporary,
        }));
    }

    fn stored(&mut self, since: u64) {
        self.on(Event::OfferStored {
            outcome: Ok(ten_days(since)),
        });
    }

    fn lose(&mut self, loss: Loss) {
        self.on(Event::LinkLost { loss, random: 0.5 });
    }

    fn pass(&mut self, by: Duration) {
        self.now.uptime += by;
        self.now.wall = self.now.wall.saturating_add(by);
        self.on(Event::Received(Received::Heartbeat));
        self.on(Event::Wakeup);
    }

    fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.effects)
    }
}

/// What an effect has to do with certificates, in a few words.
fn told(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Connect { after, with } => Some(format!("connect {after:?} {with:?}")),
        Effect::Disconnect => Some("disconnect".to_owned()),
        Effect::AskCertificate => Some("ask certificate".to_owned()),
        Effect::StoreOffer { .. } => Some("store".to_owned()),
        Effect::PromoteCandidate => Some("promote".to_owned()),
        Effect::DiscardCandidate => Some("discard".to_owned()),
        Effect::WarnOfRenewal { why, is_urgent, .. } => {
            let level = if *is_urgent { "error" } else { "warn" };
            Some(format!("{level} {why}"))
        }
        Effect::Send(_)
        | Effect::SendEvents { .. }
        | Effect::SendLog { .. }
        | Effect::Record { .. }
        | Effect::CloseCommand(_)
        | Effect::ForgetEvents { .. }
        | Effect::RestartOutbox { .. }
        | Effect::StoreDesired(_)
        | Effect::StoreCommand(_)
        | Effect::StartJob { .. }
        | Effect::ResumeJob { .. }
        | Effect::CancelJob(_)
        | Effect::ForgetJob(_)
        | Effect::ForgetIdentity
        | Effect::Exit(_) => None,
    }
}

fn ten_days(since: u64) -> Lifetime {
    Lifetime {
        not_before: day(since),
        not_after: day(since + 10),
    }
}

fn day(number: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(DAY * u32::try_from(number).unwrap())
}
