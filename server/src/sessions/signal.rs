//! [`Signal`]: what others want of a session. Signals coalesce, so there is always room for one more.

use domain::session::Goodbye;
use tokio::sync::watch;

/// What somebody wants of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Look into the database: something has changed for the host.
    Nudge,
    /// End, with these words.
    Cut(Goodbye),
}

/// What was asked for and not yet seen.
#[derive(Debug, Clone, Copy, Default)]
struct Pending {
    nudges: u64,
    cut: Option<Goodbye>,
}

/// The side that asks.
#[derive(Debug)]
pub(super) struct Bell(watch::Sender<Pending>);

/// The side that is asked.
#[derive(Debug)]
pub(super) struct Ear {
    pending: watch::Receiver<Pending>,
    seen: u64,
}

pub(super) fn bell() -> (Bell, Ear) {
    let (sender, pending) = watch::channel(Pending::default());
    (Bell(sender), Ear { pending, seen: 0 })
}

impl Bell {
    pub(super) fn nudge(&self) {
        self.0.send_modify(|pending| pending.nudges += 1);
    }

    /// The first words count.
    pub(super) fn cut(&self, goodbye: Goodbye) {
        self.0.send_modify(|pending| {
            pending.cut.get_or_insert(goodbye);
        });
    }
}

impl Ear {
    /// Waits for the next signal. A cut is heard before nudges; nudges that were not heard yet are one. Dropping the future
    /// loses nothing.
    pub(super) async fn next(&mut self) -> Signal {
        loop {
            let Pending { nudges, cut } = *self.pending.borrow_and_update();
            if let Some(goodbye) = cut {
                return Signal::Cut(goodbye);
            }
            if nudges != self.seen {
                self.seen = nudges;
                return Signal::Nudge;
            }
            if self.pending.changed().await.is_err() {
                // Nobody can ask any more.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the session is cut.
    pub(super) async fn cut(&mut self) -> Goodbye {
        match self
            .pending
            .wait_for(|pending| pending.cut.is_some())
            .await
            .map(|pending| pending.cut)
        {
            Ok(Some(goodbye)) => goodbye,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::session::GoodbyeReason;
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn nudges_that_were_not_heard_are_one() {
        let (bell, mut ear) = bell();
        bell.nudge();
        bell.nudge();

        assert_eq!(ear.next().await, Signal::Nudge);
        assert_eq!(ear.next().now_or_never(), None);
        bell.nudge();
        assert_eq!(ear.next().await, Signal::Nudge);
    }

    #[tokio::test]
    async fn waiting_for_a_cut_does_not_swallow_a_nudge() {
        let (bell, mut ear) = bell();
        bell.nudge();

        assert_eq!(ear.cut().now_or_never(), None);

        assert_eq!(ear.next().now_or_never(), Some(Signal::Nudge));
    }

    #[tokio::test]
    async fn the_first_cut_counts_and_outlives_whoever_asked() {
        let (bell, mut ear) = bell();
        let (first, second) = (goodbye(GoodbyeReason::Superseded), goodbye(GoodbyeReason::Shutdown));
        bell.nudge();
        bell.cut(first);
        bell.cut(second);
        drop(bell);

        assert_eq!(ear.cut().await, first);
        assert_eq!(ear.next().await, Signal::Cut(first));
    }

    fn goodbye(reason: GoodbyeReason) -> Goodbye {
        Goodbye::because(reason)
    }
}
