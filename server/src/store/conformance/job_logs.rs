use domain::session::LogChunk;

use super::cases;
use super::fixtures::{add_host, add_job, chunk, job, job_id};
use crate::store::{Error, LogPosition, Store};

cases! {
    async fn chunks_are_read_from_any_line(store: Store) {
        add(&store, &[chunk(1, 1, 10), chunk(1, 11, 5), chunk(1, 16, 5)]).await;

        assert_eq!(read(&store, 1, 10).await, [chunk(1, 1, 10), chunk(1, 11, 5), chunk(1, 16, 5)]);
        assert_eq!(read(&store, 1, 2).await, [chunk(1, 1, 10), chunk(1, 11, 5)]);
        assert_eq!(read(&store, 10, 10).await, [chunk(1, 1, 10), chunk(1, 11, 5), chunk(1, 16, 5)]);
        assert_eq!(read(&store, 11, 10).await, [chunk(1, 11, 5), chunk(1, 16, 5)]);
        assert_eq!(read(&store, 20, 10).await, [chunk(1, 16, 5)]);
        assert_eq!(read(&store, 21, 10).await, []);
        assert_eq!(read(&store, u64::MAX, 10).await, []);
    }

    async fn what_was_sent_before_is_not_added_again(store: Store) {
        add(&store, &[chunk(1, 1, 10)]).await;
        let tx = store.begin().await.unwrap();

        assert!(!tx.append_log(&chunk(1, 1, 10)).await.unwrap());
        assert!(!tx.append_log(&chunk(1, 1, 20)).await.unwrap());
        assert!(!tx.append_log(&chunk(1, 10, 2)).await.unwrap());
        assert!(tx.append_log(&chunk(1, 11, 1)).await.unwrap());
        tx.commit().await.unwrap();

        assert_eq!(read(&store, 1, 10).await, [chunk(1, 1, 10), chunk(1, 11, 1)]);
        assert_eq!(position(&store, 1).await, Some(LogPosition { next_line: 12, bytes: 2048 }));
        assert_eq!(position(&store, 9).await, None);
    }

    async fn a_gap_is_remembered(store: Store) {
        add(&store, &[chunk(1, 1, 10), chunk(1, 11, 1)]).await;
        assert_eq!(extent(&store).await, (11, false));

        let tx = store.begin().await.unwrap();
        assert!(tx.append_log(&chunk(1, 100, 1)).await.unwrap());
        assert!(tx.append_log(&chunk(1, 101, 1)).await.unwrap());
        tx.commit().await.unwrap();

        assert_eq!(extent(&store).await, (101, true));
        assert_eq!(position(&store, 1).await.map(|position| position.next_line), Some(102));
        assert_eq!(read(&store, 50, 1).await, [chunk(1, 100, 1)]);
    }

    async fn a_piece_that_follows_what_is_not_there_is_not_added(store: Store) {
        let follows = |line: u64, piece: LogChunk| LogChunk { follows_line: Some(line), ..piece };
        add(&store, &[follows(0, chunk(1, 1, 10))]).await;

        let tx = store.begin().await.unwrap();
        assert!(!tx.append_log(&follows(11, chunk(1, 12, 1))).await.unwrap());
        assert!(!tx.append_log(&follows(u64::MAX, chunk(1, 12, 1))).await.unwrap());
        assert_eq!(tx.log_position(job_id(1)).await.unwrap().unwrap().next_line, 11);
        // Dropped by the agent, as it says.
        assert!(tx.append_log(&follows(10, chunk(1, 20, 1))).await.unwrap());
        tx.commit().await.unwrap();

        assert_eq!(read(&store, 1, 10).await, [chunk(1, 1, 10), chunk(1, 20, 1)]);
        assert_eq!(extent(&store).await, (20, true));
    }

    async fn a_log_that_is_too_long_keeps_its_beginning_and_its_end(store: Store) {
        let big = |number: u64| LogChunk { text_bytes: 1024 * 1024, ..chunk(1, number, 1) };
        add(&store, &(1..=32).map(big).collect::<Vec<_>>()).await;

        let tx = store.begin().await.unwrap();
        tx.drop_log_middle(job_id(1), 1024 * 1024 + 1).await.unwrap();
        assert!(tx.append_log(&big(33)).await.unwrap());
        tx.commit().await.unwrap();

        let kept: Vec<u64> = read(&store, 1, 99).await.iter().map(|chunk| chunk.first_line).collect();
        assert_eq!(kept, (1..=24).chain(27..=33).collect::<Vec<_>>());
        let bytes = position(&store, 1).await.map(|position| position.bytes);
        assert_eq!(bytes, Some(31 * 1024 * 1024));
        assert_eq!(extent(&store).await, (33, true));
    }

    async fn a_short_log_loses_nothing(store: Store) {
        add(&store, &[chunk(1, 1, 10), chunk(1, 11, 1)]).await;

        let tx = store.begin().await.unwrap();
        tx.drop_log_middle(job_id(1), 1).await.unwrap();

        assert_eq!(tx.log_chunks(job_id(1), 1, 9).await.unwrap().len(), 2);
        assert!(!tx.job(job_id(1)).await.unwrap().unwrap().log.truncated);
    }

    async fn what_a_job_says_to_have_written_is_remembered(store: Store) {
        add(&store, &[chunk(1, 1, 10)]).await;

        let tx = store.begin().await.unwrap();
        for (said, kept) in [(12, 12), (u64::MAX, u64::try_from(i64::MAX).unwrap())] {
            tx.set_written_log_lines(job_id(1), said).await.unwrap();

            assert_eq!(tx.job(job_id(1)).await.unwrap().unwrap().log.written, Some(kept));
        }
        let refused = tx.set_written_log_lines(job_id(9), 1).await;
        assert!(matches!(refused, Err(Error::Missing { table: "jobs", .. })), "{refused:?}");
    }

    async fn the_tail_holds_the_last_lines(store: Store) {
        let chunks: Vec<LogChunk> = (0..40).map(|number| chunk(1, number * 10 + 1, 10)).collect();
        add(&store, &chunks).await;

        let tx = store.read().await.unwrap();

        assert_eq!(tx.log_tail(job_id(1), 1).await.unwrap(), chunks[39..]);
        assert_eq!(tx.log_tail(job_id(1), 10).await.unwrap(), chunks[39..]);
        assert_eq!(tx.log_tail(job_id(1), 11).await.unwrap(), chunks[38..]);
        // More chunks than are read at once.
        assert_eq!(tx.log_tail(job_id(1), 200).await.unwrap(), chunks[20..]);
        assert_eq!(tx.log_tail(job_id(1), 9_999).await.unwrap(), chunks[..]);
        assert_eq!(tx.log_tail(job_id(2), 10).await.unwrap(), []);
    }

    async fn a_log_needs_its_job(store: Store) {
        let tx = store.begin().await.unwrap();

        let refused = tx.append_log(&chunk(9, 1, 1)).await;

        assert!(matches!(refused, Err(Error::Missing { table: "jobs", .. })), "{refused:?}");
    }

    async fn line_numbers_beyond_the_database_are_refused(store: Store) {
        add(&store, &[]).await;
        let tx = store.begin().await.unwrap();

        let refused = tx.append_log(&chunk(1, u64::MAX - 5, 1)).await;

        assert!(matches!(refused, Err(Error::Unstorable { .. })), "{refused:?}");
    }
}

async fn add(store: &Store, chunks: &[LogChunk]) {
    let host = add_host(store).await;
    let tx = store.begin().await.unwrap();
    add_job(&tx, job(1, host)).await;
    add_job(&tx, job(2, host)).await;
    for chunk in chunks {
        assert!(tx.append_log(chunk).await.unwrap());
    }
    tx.commit().await.unwrap();
}

async fn read(store: &Store, from: u64, limit: u64) -> Vec<LogChunk> {
    store
        .read()
        .await
        .unwrap()
        .log_chunks(job_id(1), from, limit)
        .await
        .unwrap()
}

async fn position(store: &Store, number: u128) -> Option<LogPosition> {
    store.read().await.unwrap().log_position(job_id(number)).await.unwrap()
}

async fn extent(store: &Store) -> (u64, bool) {
    let log = store.read().await.unwrap().job(job_id(1)).await.unwrap().unwrap().log;
    (log.lines, log.truncated)
}
