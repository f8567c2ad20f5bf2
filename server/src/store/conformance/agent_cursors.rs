use domain::id::OutboxIncarnation;

use super::cases;
use super::fixtures::{add_host, at, host_id, id};
use crate::store::{Error, Tx};

cases! {
    async fn a_cursor_moves_only_from_where_it_stands(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        let advance = async |from, to| tx.advance_agent_cursor(host, outbox(1), from, to, at(0)).await;
        assert_eq!(tx.agent_cursor(host, outbox(1)).await.unwrap(), 0);

        advance(0, 10).await.unwrap();
        advance(10, 11).await.unwrap();

        for from in [5, 10, 12] {
            let refused = advance(from, 20).await;
            assert!(matches!(refused, Err(Error::Stale { table: "agent_cursors", .. })), "{from}: {refused:?}");
        }
        assert_eq!(tx.agent_cursor(host, outbox(1)).await.unwrap(), 11);
    }

    async fn each_outbox_has_a_cursor_of_its_own(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.advance_agent_cursor(host, outbox(1), 0, 10, at(0)).await.unwrap();

        tx.advance_agent_cursor(host, outbox(2), 0, 3, at(0)).await.unwrap();

        assert_eq!(cursors(&tx).await, [10, 3]);
    }

    async fn an_outbox_begins_once(store: Store) {
        let host = add_host(&store).await;
        let tx = store.begin().await.unwrap();
        tx.advance_agent_cursor(host, outbox(1), 0, 10, at(0)).await.unwrap();

        let refused = tx.advance_agent_cursor(host, outbox(1), 0, 5, at(0)).await;

        assert!(matches!(refused, Err(Error::Stale { table: "agent_cursors", .. })), "{refused:?}");
    }
}

async fn cursors(tx: &Tx) -> [u64; 2] {
    [
        tx.agent_cursor(host_id(1), outbox(1)).await.unwrap(),
        tx.agent_cursor(host_id(1), outbox(2)).await.unwrap(),
    ]
}

fn outbox(number: u128) -> OutboxIncarnation {
    id(OutboxIncarnation::from_uuid, number)
}
