use std::time::Duration;

use uuid::Uuid;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_watcher_hears_what_changes_from_then_on() {
    let bus = bus(7);
    bus.publish(host(1));
    let mut subscription = bus.subscribe(None);

    bus.publish(host(2));
    bus.publish(Change::HostDeleted(host_id(3)));

    assert_eq!(changes(subscription.next().await), ["7-2 host 2", "7-3 gone 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_thing_that_changes_often_is_told_once_a_second_and_last() {
    let bus = bus(7);
    let mut subscription = bus.subscribe(None);
    let begun = Instant::now();
    let publisher = {
        let bus = bus.clone();
        tokio::spawn(async move {
            for _ in 0..=24 {
                bus.publish(host(1));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    };

    let mut told = Vec::new();
    for _ in 0..4 {
        changes(subscription.next().await);
        told.push(begun.elapsed().as_millis());
    }

    assert_eq!(told, [0, 1_000, 2_000, 3_000]);
    publisher.await.unwrap();
    let more = tokio::time::timeout(Duration::from_secs(10), subscription.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_goes_on_where_it_was_cut_off() {
    let bus = bus(7);
    for number in 1..=3 {
        bus.publish(host(number));
    }

    let mut subscription = bus.subscribe(Some("7-1"));

    assert_eq!(changes(subscription.next().await), ["7-2 host 2", "7-3 host 3"]);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_not_known_means_reading_everything_again() {
    let bus = bus(7);
    bus.publish(host(1));
    for unknown in ["8-1", "7-2", "7-", "-", "", "x", "7-18446744073709551615"] {
        let mut subscription = bus.subscribe(Some(unknown));

        assert_eq!(subscription.next().await, Batch::Resync(bus.id(1)), "{unknown}");
    }
    let mut subscription = bus.subscribe(Some("8-1"));
    subscription.next().await;
    bus.publish(host(2));
    assert_eq!(
        changes(subscription.next().await),
        ["7-2 host 2"],
        "it goes on behind the resync"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_falls_behind_is_told_so() {
    let bus = bus(7);
    let mut subscription = bus.subscribe(None);
    for number in 0..5_000 {
        bus.publish(host(number));
    }

    assert_eq!(subscription.next().await, Batch::Resync(bus.id(5_000)));
}

fn bus(start: i64) -> Bus {
    Bus::new(Timestamp::from_micros(start).unwrap())
}

fn host(number: u128) -> Change {
    Change::Host(host_id(number))
}

fn host_id(number: u128) -> HostId {
    HostId::from_uuid(Uuid::from_u128(number))
}

fn changes(batch: Batch) -> Vec<String> {
    let Batch::Changes(changes) = batch else {
        panic!("{batch:?}")
    };
    let text = |(id, change): (EventId, Change)| match change {
        Change::Host(host) => format!("{id} host {}", host.as_uuid().as_u128()),
        Change::HostDeleted(host) => format!("{id} gone {}", host.as_uuid().as_u128()),
        Change::Job(job) => format!("{id} job {}", job.as_uuid().as_u128()),
    };
    changes.into_iter().map(text).collect()
}
