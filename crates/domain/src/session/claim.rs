//! [`Claims`]: who may speak for a host, when two machines or two processes say that they are it.
//!
//! Two agents with one identity cannot be told apart by what they show. They are told apart by what one agent alone never
//! does: it speaks in the name of one start of its machine at a time, and it always knows the last session that it had.
//!
//! An honest agent may look like a second one for a moment: its machine was restarted, and the connection of before the
//! restart is not known to be dead yet. That is a question and no proof, so it costs a short wait and nothing else.
//!
//! Source: features.md SES-06; agent-protocol.md §8.

use std::time::Duration;

use crate::{ReportedText, Timestamp};

/// An agent's wish to speak for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'a> {
    /// The start of the machine that the agent runs in.
    pub boot_id: &'a ReportedText<64>,
    /// The last session of the host that this process of the agent had; 0 when it had none.
    pub last_epoch: u64,
}

/// What happened lately around the identity of one host. What is forgotten of it delays a judgement and changes none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// When the host's session was last heard.
    last_heard: Timestamp,
    /// The last session whose agent spoke after its welcome, and so knows of it.
    known_epoch: u64,
    /// Those who came while another start of the machine seemed to be there, the oldest first.
    challengers: Vec<Challenger>,
    /// When it was proven that there are two, within [`Claims::WINDOW`].
    proofs: Vec<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenger {
    boot_id: ReportedText<64>,
    since: Timestamp,
}

/// What becomes of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    /// Whether the agent may speak.
    pub verdict: Verdict,
    /// What shows that another agent uses the identity; `None` when nothing does.
    pub proof: Option<Proof>,
}

/// Whether an agent may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may. Who spoke until then does no more.
    Admit,
    /// Not while another start of the machine seems to be there.
    Refuse {
        /// When it will be known better.
        retry_after: Duration,
    },
    /// Nobody may any more, until a person has decided.
    Quarantine,
}

/// Something that one agent alone does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proof {
    /// It does not know of the last session of its own host, so that was another's.
    Forgotten,
    /// Another start of the machine has spoken after this one was there.
    Outlived,
}

impl Claims {
    /// How long a proof counts.
    pub const WINDOW: Duration = Duration::from_mins(10);
    /// So many proofs within [`Self::WINDOW`] end in quarantine. One may come of a machine that was set back to an
    /// earlier copy of its memory; it comes once.
    pub const LIMIT: usize = 3;
    /// The most challengers that are remembered.
    const CHALLENGERS: usize = 8;

    /// Nothing is known.
    pub const fn new() -> Self {
        Self {
            last_heard: Timestamp::UNIX_EPOCH,
            known_epoch: 0,
            challengers: Vec::new(),
            proofs: Vec::new(),
        }
    }

    /// Notes that the host's session with this epoch said something after its welcome.
    pub fn heard(&mut self, epoch: u64, at: Timestamp) {
        self.last_heard = at;
        self.known_epoch = self.known_epoch.max(epoch);
    }

    /// Judges a claim. `holder` is the start of the machine that speaks for the host at present; `None` when nobody does.
    /// `grace` is how long an agent that is there may be silent, by the server's clock like `now`.
    pub fn judge(
        &mut self,
        claim: Claim<'_>,
        holder: Option<&ReportedText<64>>,
        now: Timestamp,
        grace: Duration,
    ) -> Ruling {
        // A clock that was set back must not keep a session alive that is not there.
        self.last_heard = self.last_heard.min(now);
        let silence = now.since(self.last_heard);
        let is_contested = holder.is_some_and(|boot_id| boot_id != claim.boot_id) && silence <= grace;
        let proof = if claim.last_epoch > 0 && claim.last_epoch < self.known_epoch {
            Some(Proof::Forgotten)
        } else if is_contested && self.is_outlived(claim.boot_id, grace) {
            Some(Proof::Outlived)
        } else {
            None
        };
        self.proofs.retain(|at| now.since(*at) < Self::WINDOW);
        self.proofs.extend(proof.map(|_| now));
        let surplus = self.proofs.len().saturating_sub(Self::LIMIT);
        self.proofs.drain(..surplus);
        let verdict = if self.proofs.len() >= Self::LIMIT {
            Verdict::Quarantine
        } else if is_contested {
            self.remember(claim.boot_id, now);
            Verdict::Refuse {
                // Rounded up, or it would come a moment too early.
                retry_after: Duration::from_secs(grace.saturating_sub(silence).as_secs() + 1),
            }
        } else {
            self.challengers.retain(|known| known.boot_id != *claim.boot_id);
            self.last_heard = now;
            Verdict::Admit
        };
        Ruling { verdict, proof }
    }

    /// Whether the host's session spoke after this start of the machine was there, and not only by what was on its way.
    fn is_outlived(&self, boot_id: &ReportedText<64>, grace: Duration) -> bool {
        let known = self.challengers.iter().find(|known| known.boot_id == *boot_id);
        known.is_some_and(|known| self.last_heard > known.since.saturating_add(grace / 2))
    }

    fn remember(&mut self, boot_id: &ReportedText<64>, now: Timestamp) {
        if self.challengers.iter().any(|known| known.boot_id == *boot_id) {
            return;
        }
        if self.challengers.len() == Self::CHALLENGERS {
            self.challengers.remove(0);
        }
        self.challengers.push(Challenger {
            boot_id: boot_id.clone(),
            since: now,
        });
    }
}

impl Default for Claims {
    fn default() -> Self {
        Self::new()
    }
}

impl Proof {
    /// The stable word for it in the record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forgotten => "unknown_session",
            Self::Outlived => "two_boots",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_mins(1);

    #[test]
    fn whether_an_agent_may_speak_depends_on_who_does() {
        let refused = |seconds| Verdict::Refuse {
            retry_after: Duration::from_secs(seconds),
        };
        for (holder, heard, boot, verdict) in [
            (None, 0, "a", Verdict::Admit),
            (None, 0, "b", Verdict::Admit),
            // The same start of the machine: a new connection of the same agent, or its process was restarted.
            (Some("a"), 99, "a", Verdict::Admit),
            // Another one while the former seems to be there: until it has been silent for too long.
            (Some("a"), 100, "b", refused(61)),
            (Some("a"), 70, "b", refused(31)),
            (Some("a"), 40, "b", refused(1)),
            (Some("a"), 39, "b", Verdict::Admit),
        ] {
            let mut claims = Claims::new();
            claims.heard(7, at(heard));
            let holder = holder.map(ReportedText::from);

            let ruling = claims.judge(claim(&boot.into(), 7), holder.as_ref(), at(100), GRACE);

            let expected = Ruling { verdict, proof: None };
            assert_eq!(ruling, expected, "{holder:?} heard at {heard}, then {boot}");
        }
    }

    #[test]
    fn a_restarted_machine_waits_once_and_proves_nothing() {
        let mut play = Play::begin();
        play.speaks(5);

        // Its connection of before the restart stands, as far as the server knows.
        assert_eq!(play.claims_at("b", 0, 30), (Word::Refuse, None));
        // Somebody restarts the agent by hand, again and again.
        for second in [31, 33, 36, 40, 50, 64] {
            assert_eq!(play.claims_at("b", 0, second), (Word::Refuse, None), "{second}");
        }

        assert_eq!(play.claims_at("b", 0, 66), (Word::Admit, None));
    }

    #[test]
    fn a_restarted_agent_and_a_flaky_link_prove_nothing() {
        let mut play = Play::begin();
        for round in 0..20 {
            let second = 10 * round;
            // A new process knows of no session; one that goes on knows the last one, or one whose welcome was lost.
            assert_eq!(play.claims_at("a", 0, second), (Word::Admit, None));
            play.speaks(second + 1);
            let last = play.epoch;
            assert_eq!(play.claims_at("a", last, second + 2), (Word::Admit, None));
            assert_eq!(play.claims_at("a", last, second + 3), (Word::Admit, None));
            play.speaks(second + 4);
        }
    }

    #[test]
    fn a_copied_machine_is_refused_and_after_three_proofs_nobody_speaks() {
        let mut play = Play::begin();
        let mut words = Vec::new();
        for second in [30, 95, 160, 225] {
            play.speaks(second - 10);
            words.push(play.claims_at("b", 0, second));
        }

        assert_eq!(
            words,
            [
                (Word::Refuse, None),
                (Word::Refuse, Some(Proof::Outlived)),
                (Word::Refuse, Some(Proof::Outlived)),
                (Word::Quarantine, Some(Proof::Outlived)),
            ]
        );
    }

    #[test]
    fn two_processes_that_push_each_other_out_are_noticed() {
        let mut play = Play::begin();
        play.speaks(1);
        let mut words = Vec::new();
        // Each was told that it was superseded and comes back; each has only its own sessions in mind.
        let mut last = [play.epoch, 0];
        for round in 0..6_usize {
            let second = 60 * i64::try_from(round).unwrap() + 30;
            let who = 1 - round % 2;
            words.push(play.claims_at("a", last[who], second));
            last[who] = play.epoch;
            play.speaks(second + 10);
        }

        let proven = Some(Proof::Forgotten);
        assert_eq!(
            words[..4],
            [
                (Word::Admit, None),
                (Word::Admit, proven),
                (Word::Admit, proven),
                (Word::Quarantine, proven),
            ]
        );
    }

    #[test]
    fn a_session_whose_agent_never_spoke_is_not_held_against_anybody() {
        let mut play = Play::begin();
        play.speaks(1);
        let known = play.epoch;

        // Three welcomes are lost on the way, one after the other.
        for second in [10, 20, 30] {
            assert_eq!(play.claims_at("a", known, second), (Word::Admit, None));
        }
    }

    #[test]
    fn old_proofs_are_forgotten() {
        let mut play = Play::begin();
        for round in 0..10 {
            let second = 301 * round;
            play.speaks(second);

            let (word, _) = play.claims_at("a", 1, second + 1);

            assert_eq!(word, Word::Admit, "round {round}");
        }
    }

    #[test]
    fn many_challengers_are_told_apart_and_bounded() {
        let mut play = Play::begin();
        for round in 0..3 {
            for number in 0..20 {
                play.speaks(100 * round + number);
                play.claims_at(&format!("boot-{number}"), 0, 100 * round + number);
            }
        }

        assert!(play.claims.challengers.len() <= Claims::CHALLENGERS);
        assert!(play.claims.proofs.len() <= Claims::LIMIT);
    }

    #[test]
    fn a_clock_that_is_set_back_delays_a_restarted_machine_once_and_proves_nothing() {
        let mut play = Play::begin();
        play.speaks(1_000);

        assert_eq!(play.claims_at("b", 0, 10), (Word::Refuse, None));
        assert_eq!(play.claims_at("b", 0, 60), (Word::Refuse, None));
        assert_eq!(play.claims_at("b", 0, 71), (Word::Admit, None));
    }

    /// A host whose first session, of the start "a" of its machine, is open.
    struct Play {
        claims: Claims,
        holder: ReportedText<64>,
        epoch: u64,
    }

    #[derive(Debug, PartialEq, Eq)]
    enum Word {
        Admit,
        Refuse,
        Quarantine,
    }

    impl Play {
        fn begin() -> Self {
            let mut claims = Claims::new();
            let holder = "a".into();
            claims.judge(claim(&holder, 0), None, at(0), GRACE);
            claims.heard(1, at(0));
            Self {
                claims,
                holder,
                epoch: 1,
            }
        }

        /// The session that is open says something.
        fn speaks(&mut self, second: i64) {
            self.claims.heard(self.epoch, at(second));
        }

        fn claims_at(&mut self, boot_id: &str, last_epoch: u64, second: i64) -> (Word, Option<Proof>) {
            let boot_id = boot_id.into();
            let claim = claim(&boot_id, last_epoch);
            let Ruling { verdict, proof } = self.claims.judge(claim, Some(&self.holder), at(second), GRACE);
            let word = match verdict {
                Verdict::Admit => {
                    self.holder = boot_id;
                    self.epoch += 1;
                    Word::Admit
                }
                Verdict::Refuse { .. } => Word::Refuse,
                Verdict::Quarantine => Word::Quarantine,
            };
            (word, proof)
        }
    }

    fn claim(boot_id: &ReportedText<64>, last_epoch: u64) -> Claim<'_> {
        Claim { boot_id, last_epoch }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_777_593_600 + second, 0).unwrap()
    }
}
