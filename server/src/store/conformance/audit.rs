use domain::ActorKind;
use domain::audit::{ChainHash, first_broken};
use domain::audit_query::{ActionFilter, AuditQuery};
use domain::page::{PageQuery, PageSize};
use serde_json::json;

use super::cases;
use super::fixtures::{at, page};
use crate::store::{AuditLine, NewAuditEntry, Store};

cases! {
    async fn a_line_comes_back_with_all_its_facts(store: Store) {
        let written = append(&store, [entry(0, "host.updated", "anna", "web-01")]).await.remove(0);

        let found = all(&store).await;

        assert_eq!(found, [written]);
        assert_eq!(found[0].entry.id, 1);
        assert_eq!(found[0].entry.payload, r#"{"fields":["tags"]}"#);
        assert_eq!(found[0].hash, found[0].entry.hash(ChainHash::START));
    }

    async fn a_line_without_person_address_and_target_comes_back(store: Store) {
        let sparse = NewAuditEntry {
            actor_kind: ActorKind::System,
            actor_id: None,
            ip: None,
            target_kind: None,
            target_id: None,
            target_name: "".into(),
            ..entry(0, "security.token_replayed", "system", "")
        };
        let written = append(&store, [sparse]).await.remove(0);

        let found = all(&store).await;

        assert_eq!(found, [written]);
        assert_eq!(found[0].entry.actor_id, None);
        assert_eq!(found[0].entry.target_id, None);
    }

    async fn lines_of_many_writers_form_one_chain(store: Store) {
        let writers: Vec<_> = (0..20)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    append(&store, [entry(number, "job.run_now", "anna", "web-01")]).await;
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }

        let mut lines = all(&store).await;
        lines.reverse();

        assert_eq!(lines.iter().map(|line| line.entry.id).collect::<Vec<_>>(), (1..=20).collect::<Vec<u64>>());
        assert_eq!(first_broken(ChainHash::START, lines.iter().map(|line| (&line.entry, line.hash))), None);
    }

    async fn a_line_that_was_not_committed_leaves_no_gap(store: Store) {
        let tx = store.begin().await.unwrap();
        tx.append_audit(entry(0, "host.deleted", "anna", "web-01")).await.unwrap();
        drop(tx);

        let written = append(&store, [entry(1, "auth.login", "anna", "")]).await.remove(0);

        assert_eq!(written.entry.id, 1);
        assert_eq!(written.hash, written.entry.hash(ChainHash::START));
    }

    async fn filters_are_combined(store: Store) {
        append(&store, [
            entry(0, "auth.login", "anna", ""),
            entry(1, "auth.logout", "ben", ""),
            entry(2, "auth_x", "anna", ""),
            entry(3, "host.updated", "anna", "web-01"),
            entry(4, "host.updated", "ben", "web-02"),
        ]).await;
        let everything = query();

        check(&store, &everything, &[5, 4, 3, 2, 1]).await;
        check(&store, &AuditQuery { action: ActionFilter::new("auth.login"), ..query() }, &[1]).await;
        check(&store, &AuditQuery { action: ActionFilter::new("auth.*"), ..query() }, &[2, 1]).await;
        check(&store, &AuditQuery { action: ActionFilter::new("AUTH.*"), ..query() }, &[]).await;
        check(&store, &AuditQuery { action: ActionFilter::new("*"), ..query() }, &[5, 4, 3, 2, 1]).await;
        check(&store, &AuditQuery { actor: "anna".into(), ..query() }, &[4, 3, 1]).await;
        check(&store, &AuditQuery { actor: "id-of-ben".into(), ..query() }, &[5, 2]).await;
        check(&store, &AuditQuery { target: "web-02".into(), ..query() }, &[5]).await;
        check(&store, &AuditQuery { target: "id-of-web-01".into(), ..query() }, &[4]).await;
        check(&store, &AuditQuery { from: Some(at(1)), to: Some(at(3)), ..query() }, &[3, 2]).await;
        let anna_on_hosts = AuditQuery { action: ActionFilter::new("host.*"), actor: "anna".into(), ..query() };
        check(&store, &anna_on_hosts, &[4]).await;
    }

    async fn what_no_column_can_hold_matches_nothing(store: Store) {
        append(&store, [entry(0, "auth.login", "anna", "")]).await;

        check(&store, &AuditQuery { action: ActionFilter::new("auth\0"), ..query() }, &[]).await;
        check(&store, &AuditQuery { action: ActionFilter::new("auth\0*"), ..query() }, &[]).await;
        check(&store, &AuditQuery { actor: "\0".into(), ..query() }, &[]).await;
        check(&store, &AuditQuery { target: "\0".into(), ..query() }, &[]).await;
    }

    async fn pages_follow_each_other_without_gap(store: Store) {
        append(&store, (0..5).map(|number| entry(number, "auth.login", "anna", ""))).await;
        let tx = store.read().await.unwrap();

        let first = tx.audit_log(&query(), &page(2, None)).await.unwrap();
        append(&store, [entry(9, "auth.login", "anna", "")]).await;
        let second = tx.audit_log(&query(), &page(2, first.next)).await.unwrap();
        let third = tx.audit_log(&query(), &page(2, second.next)).await.unwrap();

        assert_eq!([ids(&first.items), ids(&second.items), ids(&third.items)], [vec![5, 4], vec![3, 2], vec![1]]);
        assert_eq!((first.next, second.next, third.next), (Some(4), Some(2), None));
        assert_eq!((first.total, third.total), (5, 5));
    }
}

fn entry(seconds: i64, action: &str, actor: &str, target: &str) -> NewAuditEntry {
    NewAuditEntry {
        ts: at(seconds),
        actor_kind: ActorKind::User,
        actor_id: Some(format!("id-of-{actor}")),
        actor_name: actor.into(),
        ip: Some("2001:db8::7".parse().unwrap()),
        action: action.to_owned(),
        target_kind: Some("host".to_owned()),
        target_id: Some(format!("id-of-{target}")),
        target_name: target.into(),
        payload: json!({ "fields": ["tags"] }),
    }
}

fn query() -> AuditQuery {
    AuditQuery {
        action: ActionFilter::Any,
        actor: String::new(),
        target: String::new(),
        from: None,
        to: None,
        page: PageQuery {
            size: PageSize::new(0, 50, 500).unwrap(),
            token: String::new(),
        },
    }
}

async fn append(store: &Store, entries: impl IntoIterator<Item = NewAuditEntry>) -> Vec<AuditLine> {
    let tx = store.begin().await.unwrap();
    let mut lines = Vec::new();
    for entry in entries {
        lines.push(tx.append_audit(entry).await.unwrap());
    }
    tx.commit().await.unwrap();
    lines
}

async fn all(store: &Store) -> Vec<AuditLine> {
    store
        .read()
        .await
        .unwrap()
        .audit_log(&query(), &page(500, None))
        .await
        .unwrap()
        .items
}

async fn check(store: &Store, query: &AuditQuery, expected: &[u64]) {
    let found = store
        .read()
        .await
        .unwrap()
        .audit_log(query, &page(500, None))
        .await
        .unwrap();

    assert_eq!(ids(&found.items), expected, "{query:?}");
    assert_eq!(found.total, u64::try_from(expected.len()).unwrap());
}

fn ids(lines: &[AuditLine]) -> Vec<u64> {
    lines.iter().map(|line| line.entry.id).collect()
}
