use domain::id::HostId;

use super::cases;
use super::fixtures::{add_host, add_job, at, command, command_id, host, host_id, job};
use crate::store::{CommandKind, CommandState, StoredCommand, Tx};

cases! {
    async fn a_command_is_due_until_it_is_accepted_or_expires(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let job = add_job(&tx, job(1, host)).await;
        let run = command(1, &job);
        let cancel = StoredCommand { kind: CommandKind::Cancel, created_at: at(5), ..command(2, &job) };
        tx.insert_command(&cancel).await.unwrap();
        tx.insert_command(&run).await.unwrap();
        assert_eq!(tx.due_commands(host, at(899)).await.unwrap(), [run.clone(), cancel.clone()]);
        assert_eq!(tx.due_commands(host, at(900)).await.unwrap(), []);
        assert_eq!(tx.due_commands(host_id(9), at(0)).await.unwrap(), []);

        assert!(tx.command_sent(run.id, 7, at(10)).await.unwrap());
        assert_eq!(due(&tx, host).await, [command_id(1), command_id(2)]);
        assert!(tx.command_accepted(run.id, at(11)).await.unwrap());
        assert_eq!(due(&tx, host).await, [command_id(2)]);
        assert_eq!(tx.open_command_count(host).await.unwrap(), 1);

        let found = tx.command(run.id).await.unwrap();
        assert_eq!(found, Some(StoredCommand { state: CommandState::Accepted { at: at(11) }, ..run }));
        assert_eq!(tx.command(command_id(9)).await.unwrap(), None);
    }

    async fn what_was_settled_is_not_settled_again(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let job = add_job(&tx, job(1, host)).await;
        for number in 1..=3 {
            tx.insert_command(&command(number, &job)).await.unwrap();
        }

        assert!(tx.command_accepted(command_id(1), at(1)).await.unwrap());
        assert!(!tx.command_accepted(command_id(1), at(2)).await.unwrap());
        assert!(!tx.command_sent(command_id(1), 8, at(2)).await.unwrap());
        assert!(tx.command_refused(command_id(2), "queue_full".into(), at(2)).await.unwrap());
        assert!(!tx.command_expired(command_id(2), at(3)).await.unwrap());
        assert!(tx.command_expired(command_id(3), at(3)).await.unwrap());
        assert!(!tx.command_accepted(command_id(3), at(4)).await.unwrap());
        assert!(!tx.command_accepted(command_id(9), at(4)).await.unwrap());

        let state = async |number| tx.command(command_id(number)).await.unwrap().unwrap().state;
        assert_eq!(state(1).await, CommandState::Accepted { at: at(1) });
        assert_eq!(state(2).await, CommandState::Refused { at: at(2), reason: "queue_full".into() });
        assert_eq!(state(3).await, CommandState::Expired { at: at(3) });
    }

    async fn what_was_sent_and_not_accepted_is_queued_again(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        let (here, there) = (add_job(&tx, job(1, first)).await, add_job(&tx, job(2, host_id(2))).await);
        for (number, job) in [(1, &here), (2, &here), (3, &here), (4, &there)] {
            tx.insert_command(&command(number, job)).await.unwrap();
            assert!(tx.command_sent(command_id(number), 7, at(1)).await.unwrap());
        }
        assert!(tx.command_accepted(command_id(3), at(2)).await.unwrap());

        assert_eq!(tx.requeue_commands(first).await.unwrap(), 2);

        let state = async |number| tx.command(command_id(number)).await.unwrap().unwrap().state;
        assert_eq!((state(1).await, state(2).await), (CommandState::Queued, CommandState::Queued));
        assert_eq!(state(3).await, CommandState::Accepted { at: at(2) });
        assert_eq!(state(4).await, CommandState::Sent { at: at(1), epoch: 7 });
    }

    async fn the_end_of_a_job_closes_its_commands(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let (first, second) = (add_job(&tx, job(1, host)).await, add_job(&tx, job(2, host)).await);
        for (number, job) in [(1, &first), (2, &first), (3, &first), (4, &second)] {
            tx.insert_command(&command(number, job)).await.unwrap();
        }
        assert!(tx.command_accepted(command_id(1), at(1)).await.unwrap());
        assert!(tx.command_refused(command_id(2), "no".into(), at(1)).await.unwrap());

        assert_eq!(tx.finish_commands(first.id, at(9)).await.unwrap(), 2);

        let state = async |number| tx.command(command_id(number)).await.unwrap().unwrap().state;
        assert_eq!((state(1).await, state(3).await), (CommandState::Done { at: at(9) }, CommandState::Done { at: at(9) }));
        assert_eq!(state(2).await.as_str(), "refused");
        assert_eq!(state(4).await, CommandState::Queued);
    }

    async fn hosts_with_commands_that_wait_are_found(store: Store) {
        let first = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.insert_host(&host(2, "web-02")).await.unwrap();
        let (here, there) = (add_job(&tx, job(1, first)).await, add_job(&tx, job(2, host_id(2))).await);
        for (number, job) in [(1, &here), (2, &here), (3, &there)] {
            tx.insert_command(&command(number, job)).await.unwrap();
        }
        assert!(tx.command_sent(command_id(3), 7, at(1)).await.unwrap());

        assert_eq!(tx.hosts_with_queued_commands(at(899)).await.unwrap(), [first]);
        assert_eq!(tx.hosts_with_queued_commands(at(900)).await.unwrap(), []);
    }

    async fn commands_whose_time_is_over_expire_once(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let job = add_job(&tx, job(1, host)).await;
        let until = |number, end| StoredCommand { expires_at: at(end), ..command(number, &job) };
        for command in [until(1, 99), until(2, 100), until(3, 101), until(4, 50)] {
            tx.insert_command(&command).await.unwrap();
        }
        assert!(tx.command_sent(command_id(2), 7, at(1)).await.unwrap());
        assert!(tx.command_accepted(command_id(4), at(1)).await.unwrap());

        assert!(!tx.has_expired_commands(at(98)).await.unwrap());
        assert!(tx.has_expired_commands(at(99)).await.unwrap());
        let expired = tx.expire_commands(at(100)).await.unwrap();

        assert!(!tx.has_expired_commands(at(100)).await.unwrap());
        assert_eq!(expired, [until(1, 99), StoredCommand { state: CommandState::Sent { at: at(1), epoch: 7 }, ..until(2, 100) }]);
        assert_eq!(tx.expire_commands(at(100)).await.unwrap(), []);
        assert_eq!(tx.command(command_id(2)).await.unwrap().unwrap().state, CommandState::Expired { at: at(100) });
    }
}

async fn due(tx: &Tx, host: HostId) -> Vec<domain::id::CommandId> {
    tx.due_commands(host, at(20))
        .await
        .unwrap()
        .into_iter()
        .map(|command| command.id)
        .collect()
}
