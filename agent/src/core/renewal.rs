//! [`Renewal`]: how the host stays known to the server although certificates end.
//!
//! ```text
//! resting ─half life─► asked ─offer─► held ─new connection─► welcomed ─► promoted ─► resting
//!                        │ refused, late                │ refused: the present one is tried, then the identity key
//!                        └─► resting, after a pause     └─► dropped, once another one was welcomed
//! ```
//!
//! **Invariant:** a key is given up only when the server has welcomed the host with another one.
//!
//! **Invariant:** nothing here leads to a new enrollment. When every certificate has ended or is refused, the identity key
//! asks for another; when that is refused, too, everything is tried again, seldom.
//!
//! Source: security.md, "Renewal"; features.md SES-11.

use std::time::Duration;

use domain::Timestamp;
use domain::certificate::Lifetime;
use domain::id::HostId;

use super::effect::Effect;
use super::event::Now;
use super::reconnect::Loss;

/// An answer that takes longer does not come.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// So many connections in a row that stood and were not welcomed count as a refusal: TLS does not always say why it ends.
const UNWELCOME: u32 = 3;

/// What shows the server who the host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The certificate in use.
    Current,
    /// The next certificate.
    Candidate,
    /// The identity key: no certificate is shown, and one is asked for.
    IdentityKey,
}

/// The certificates on the agent's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificates {
    /// Whose they are.
    pub host: HostId,
    /// The one in use.
    pub current: Lifetime,
    /// The next one, if it was given and not yet welcomed.
    pub candidate: Option<Lifetime>,
}

/// A renewal that does not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalTrouble {
    /// Since when.
    pub since: Timestamp,
    /// What happened last.
    pub why: String,
}

/// Where the renewal stands.
#[derive(Debug)]
pub(super) struct Renewal {
    host: HostId,
    current: Lifetime,
    next: Next,
    /// What the present or last connection shows.
    shown: Credential,
    current_is_refused: bool,
    /// Connections in a row that stood and were not welcomed.
    unwelcome: u32,
    failures: u32,
    trouble: Option<RenewalTrouble>,
    /// Nothing is tried before.
    pause: Option<Duration>,
    /// The connection is being given up to show the next certificate.
    is_switching: bool,
}

/// Where the next certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// There is none.
    Nowhere,
    /// The server was asked for it in this session.
    Asked {
        /// It does not answer when it has not until then.
        until: Duration,
    },
    /// On disk, and not welcomed yet.
    Held { lifetime: Lifetime, is_refused: bool },
}

impl Renewal {
    pub(super) fn new(certificates: Certificates) -> Self {
        let Certificates {
            host,
            current,
            candidate,
        } = certificates;
        let held = |lifetime| Next::Held {
            lifetime,
            is_refused: false,
        };
        Self {
            host,
            current,
            next: candidate.map_or(Next::Nowhere, held),
            shown: Credential::Current,
            current_is_refused: false,
            unwelcome: 0,
            failures: 0,
            trouble: None,
            pause: None,
            is_switching: false,
        }
    }

    /// When the certificate in use ends.
    pub(super) const fn ends(&self) -> Timestamp {
        self.current.not_after
    }

    /// What keeps the next one from coming.
    pub(super) const fn trouble(&self) -> Option<&RenewalTrouble> {
        self.trouble.as_ref()
    }

    /// Chooses what the next connection shows.
    pub(super) fn choose(&mut self, now: Now) -> Credential {
        self.shown = self.choice(now.wall);
        self.shown
    }

    /// Whether the connection was given up to show the next certificate, which is to be done at once.
    pub(super) const fn take_switch(&mut self) -> bool {
        std::mem::replace(&mut self.is_switching, false)
    }

    /// The server has opened a session.
    pub(super) fn welcomed(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.unwelcome = 0;
        self.pause = None;
        match (self.shown, self.next) {
            (Credential::Candidate, Next::Held { .. }) => effects.push(Effect::PromoteCandidate),
            (Credential::Current, Next::Held { is_refused: true, .. }) => {
                self.next = Next::Nowhere;
                effects.push(Effect::DiscardCandidate);
                self.failed(
                    "the server does not accept the next certificate".to_owned(),
                    None,
                    now,
                    effects,
                );
            }
            (Credential::Current, Next::Held { is_refused: false, .. }) => {
                self.failed(
                    "no session came about with the next certificate".to_owned(),
                    None,
                    now,
                    effects,
                );
            }
            (_, Next::Nowhere | Next::Asked { .. }) | (Credential::IdentityKey, Next::Held { .. }) => {}
        }
        self.current_is_refused = false;
    }

    /// The connection is gone, or could not be made. `stood` says that it was there and not welcomed. What the core makes
    /// of the loss comes back: while there is another way to be known, a refusal is no reason to wait long.
    pub(super) fn lost(&mut self, loss: Loss, stood: bool, now: Now) -> Loss {
        if let Next::Asked { .. } = self.next {
            // The same question is asked again in the next session, about the same key.
            self.next = Next::Nowhere;
        }
        match &loss {
            Loss::Unauthenticated => self.refused(),
            Loss::Broken if stood => {
                self.unwelcome += 1;
                if self.unwelcome >= UNWELCOME {
                    self.refused();
                }
            }
            Loss::Broken => self.unwelcome = 0,
            Loss::Unwanted | Loss::Duplicate { .. } | Loss::ProtocolTooOld | Loss::Busy { .. } | Loss::Farewell(_) => {}
        }
        let goes_on = loss == Loss::Unauthenticated
            && self.shown != Credential::IdentityKey
            && self.choice(now.wall) != self.shown;
        if self.shown == Credential::IdentityKey && matches!(loss, Loss::Unauthenticated | Loss::Unwanted) {
            // Everything was refused. What the server thinks may change; then it is tried from the beginning.
            self.forgive();
        }
        if goes_on { Loss::Broken } else { loss }
    }

    /// The server has given a certificate.
    pub(super) fn offered(&self, certificate_pem: String, effects: &mut Vec<Effect>) {
        match self.next {
            Next::Nowhere | Next::Asked { .. } => effects.push(Effect::StoreOffer { certificate_pem }),
            // With the identity key one was asked for because this one is of no use.
            Next::Held { .. } if self.shown == Credential::IdentityKey => {
                effects.push(Effect::StoreOffer { certificate_pem });
            }
            Next::Held { .. } => {}
        }
    }

    /// The certificate that was given is on disk, or could not be stored.
    pub(super) fn offer_stored(&mut self, outcome: Result<Lifetime, String>, now: Now, effects: &mut Vec<Effect>) {
        match outcome {
            Ok(lifetime) => {
                self.next = Next::Held {
                    lifetime,
                    is_refused: false,
                };
                self.pause = None;
                self.unwelcome = 0;
            }
            Err(why) => {
                self.next = Next::Nowhere;
                self.failed(why, None, now, effects);
            }
        }
    }

    /// The server, or the disk, does not give the next certificate. With `key_is_used` it takes another key.
    pub(super) fn not_given(
        &mut self,
        why: String,
        retry_after: Option<Duration>,
        key_is_used: bool,
        now: Now,
        effects: &mut Vec<Effect>,
    ) {
        if let Next::Held { .. } = self.next {
            return;
        }
        self.next = Next::Nowhere;
        if key_is_used {
            effects.push(Effect::DiscardCandidate);
        }
        self.failed(why, retry_after, now, effects);
    }

    /// The next certificate is the one in use, or could not be made so.
    pub(super) fn promoted(&mut self, outcome: Result<(), String>, now: Now, effects: &mut Vec<Effect>) {
        let Next::Held { lifetime, .. } = self.next else {
            return;
        };
        match outcome {
            Ok(()) => {
                self.current = lifetime;
                self.next = Next::Nowhere;
                self.shown = Credential::Current;
                self.failures = 0;
                self.trouble = None;
                self.pause = None;
            }
            Err(why) => self.failed(why, None, now, effects),
        }
    }

    /// Does what is due while a session is open. True when the connection is to be given up.
    pub(super) fn go_on(&mut self, now: Now, effects: &mut Vec<Effect>) -> bool {
        if self.pause.is_some_and(|pause| now.uptime < pause) {
            return false;
        }
        match self.next {
            Next::Nowhere if now.wall >= self.current.renewal(self.host) => {
                self.next = Next::Asked {
                    until: now.uptime + ANSWER_WITHIN,
                };
                effects.push(Effect::AskCertificate);
                false
            }
            Next::Asked { until } if now.uptime >= until => {
                self.next = Next::Nowhere;
                self.failed(
                    "the server does not answer the wish for the next certificate".to_owned(),
                    None,
                    now,
                    effects,
                );
                false
            }
            Next::Nowhere | Next::Asked { .. } => false,
            Next::Held { .. } if self.shown == Credential::Candidate => {
                // It could not be made the one in use before.
                if self.pause.take().is_some() {
                    effects.push(Effect::PromoteCandidate);
                }
                false
            }
            Next::Held { .. } => {
                self.is_switching = true;
                true
            }
        }
    }

    /// How long nothing is to be tried from now on.
    pub(super) fn pause_left(&self, now: Now) -> Duration {
        self.pause.unwrap_or_default().saturating_sub(now.uptime)
    }

    /// When [`Self::go_on`] is due in an open session.
    pub(super) fn next_wakeup(&self, now: Now) -> Option<Duration> {
        let due = match self.next {
            Next::Nowhere => now.uptime + self.current.renewal(self.host).since(now.wall),
            Next::Asked { until } => until,
            Next::Held { .. } => self.pause?,
        };
        Some(due.max(self.pause.unwrap_or(Duration::ZERO)))
    }

    fn choice(&self, now: Timestamp) -> Credential {
        let current = !self.current_is_refused && !self.current.has_ended(now);
        match self.next {
            Next::Held {
                lifetime,
                is_refused: false,
            } if !(lifetime.has_ended(now) || self.shown == Credential::Candidate && current) => Credential::Candidate,
            _ if current => Credential::Current,
            Next::Nowhere | Next::Asked { .. } | Next::Held { .. } => Credential::IdentityKey,
        }
    }

    /// The server does not know the host by what was shown.
    fn refused(&mut self) {
        self.unwelcome = 0;
        match (self.shown, &mut self.next) {
            (Credential::Candidate, Next::Held { is_refused, .. }) => *is_refused = true,
            (Credential::Current, _) => self.current_is_refused = true,
            (Credential::Candidate | Credential::IdentityKey, _) => {}
        }
    }

    fn forgive(&mut self) {
        self.current_is_refused = false;
        if let Next::Held { is_refused, .. } = &mut self.next {
            *is_refused = false;
        }
    }

    fn failed(&mut self, why: String, retry_after: Option<Duration>, now: Now, effects: &mut Vec<Effect>) {
        self.failures = self.failures.saturating_add(1);
        let pause = self.current.retry(self.failures);
        self.pause = Some(now.uptime + pause.max(retry_after.unwrap_or_default()));
        let since = self.trouble.as_ref().map_or(now.wall, |trouble| trouble.since);
        self.trouble = Some(RenewalTrouble {
            since,
            why: why.clone(),
        });
        effects.push(Effect::WarnOfRenewal {
            why,
            ends: self.current.not_after,
            is_urgent: self.current.is_nearly_over(now.wall),
        });
    }
}
