//! A database with rows in every table, and a value in every column that may be null.

use domain::audit_query::{ActionFilter, AuditQuery};
use domain::certificate::IdentityKey;
use domain::enrollment::{TokenHash, TokenLife, TokenUse};
use domain::id::{CertificateId, EnrollmentTokenId, OutboxIncarnation};
use domain::job::{CancelRequest, FailureCode, Job, Mode};
use domain::page::{PageQuery, PageSize};
use domain::repository::{CredentialSlot, RepoStatus};
use domain::{Actor, ActorKind};

use super::fixtures::{
    add_job, at, chunk, claim, command, command_id, failed, group_id, host, host_id, id, job, login_session, move_job,
    opening, page, part, paths, repository, repository_id, running, snapshot, source_group, succeeded, tags, user,
};
use super::repository_stats::numbers;
use crate::pki::CaRole;
use crate::secrets::Sealed;
use crate::store::{
    CredentialKey, FoundRepository, HostCertificate, NewAuditEntry, Repository, Store, StoredCa, StoredCredentials,
    StoredToken, TokenRepository, Tx,
};

/// Fills an empty database.
pub(super) async fn fill(store: &Store) {
    let tx = store.begin().await.unwrap();
    people(&tx).await;
    hosts(&tx).await;
    tokens(&tx).await;
    jobs(&tx).await;
    tx.commit().await.unwrap();
}

pub(super) fn audit_query() -> AuditQuery {
    AuditQuery {
        action: ActionFilter::Any,
        actor: String::new(),
        target: String::new(),
        from: None,
        to: None,
        page: first_page(),
    }
}

pub(super) fn first_page() -> PageQuery {
    PageQuery {
        size: PageSize::new(0, 50, 500).unwrap(),
        token: String::new(),
    }
}

async fn people(tx: &Tx) {
    let anna = user(1, "anna");
    tx.insert_user(&anna).await.unwrap();
    tx.insert_login_session(&login_session(1, &anna), &[1; 32])
        .await
        .unwrap();
    tx.put_setting("deployment", &"d", at(0)).await.unwrap();
    let asked = claim(anna.id, 1, 1);
    assert!(tx.claim(&asked, at(0), at(0)).await.unwrap());
    tx.keep_answer(&asked, vec![7]).await.unwrap();
    let entry = NewAuditEntry {
        ts: at(0),
        actor_kind: ActorKind::User,
        actor_id: Some(anna.id.to_string()),
        actor_name: "anna".into(),
        ip: Some("192.0.2.7".parse().unwrap()),
        action: "host.enrolled".to_owned(),
        target_kind: Some("host".to_owned()),
        target_id: Some(host_id(1).to_string()),
        target_name: "web-01".into(),
        payload: serde_json::json!({}),
    };
    tx.append_audit(entry.clone()).await.unwrap();
    tx.append_audit(entry).await.unwrap();
    assert!(tx.cut_audit(at(1), 1, at(40)).await.unwrap().is_some());
    let audited = tx.audit_log(&audit_query(), &page(1, None)).await.unwrap();
    assert_eq!(audited.total, 1);
}

async fn hosts(tx: &Tx) {
    tx.insert_host(&host(1, "web-01")).await.unwrap();
    tx.open_session(host_id(1), &opening(10)).await.unwrap();
    tx.insert_source_group(&source_group(1, host_id(1), "default"))
        .await
        .unwrap();
    let ca = StoredCa {
        id: id(CertificateId::from_uuid, 1),
        role: CaRole::Root,
        certificate: vec![1],
        sealed_key: Sealed::from_bytes(vec![2]),
        not_before: at(0),
        not_after: at(9),
        created_at: at(0),
    };
    tx.insert_ca_certificate(&ca).await.unwrap();
    let certificate = HostCertificate {
        id: id(CertificateId::from_uuid, 2),
        host_id: host_id(1),
        serial: "01".to_owned(),
        public_key_sha256: [1; 32],
        certificate: vec![3],
        not_before: at(0),
        not_after: at(9),
        issued_at: at(0),
        revoked_at: Some(at(5)),
    };
    tx.insert_host_certificate(&certificate).await.unwrap();
    tx.set_identity_key(host_id(1), &IdentityKey::from_bytes([6; 32]), at(0))
        .await
        .unwrap();
    let nas = Repository {
        restic_id: Some("ab".repeat(32).parse().unwrap()),
        ..repository(1, "nas")
    };
    tx.insert_repository(&nas).await.unwrap();
    tx.bind_repository(host_id(1), nas.id, RepoStatus::Ready).await.unwrap();
    let found = FoundRepository {
        restic_id: "cd".repeat(32).parse().unwrap(),
        at: at(7),
    };
    tx.set_found_repository(host_id(1), nas.id, Some(found)).await.unwrap();
    tx.put_repository_stats(&numbers(5)).await.unwrap();
    let own = StoredCredentials {
        key: CredentialKey {
            repository: nas.id,
            slot: CredentialSlot::Everyday,
            host: Some(host_id(1)),
        },
        sealed: Sealed::from_bytes(vec![4]),
        updated_at: at(0),
    };
    tx.put_credentials(&own).await.unwrap();
    tx.put_snapshots(
        host_id(1),
        &part(1, 0, true, vec![snapshot(1, 5, &["default"])]),
        at(20),
    )
    .await
    .unwrap();
}

async fn tokens(tx: &Tx) {
    let used = TokenUse {
        at: at(5),
        key: [5; 32],
        nonce: "n".to_owned(),
    };
    let token = StoredToken {
        id: id(EnrollmentTokenId::from_uuid, 1),
        hostname: "web-01".parse().unwrap(),
        tags: tags(&["a"]),
        initial_paths: Some(paths(&["/srv"])),
        repository: TokenRepository::At {
            url: "/srv/restic".parse().unwrap(),
            credentials: Sealed::from_bytes(vec![5]),
        },
        source: Some("192.0.2.0/24".parse().unwrap()),
        secret_hash: TokenHash::from_bytes([6; 32]),
        created_by: "anna".to_owned(),
        created_at: at(0),
        life: TokenLife {
            expires_at: at(9),
            used: Some(used),
            revoked_at: None,
        },
        host_id: Some(host_id(1)),
        replaces: Some(host_id(1)),
    };
    let revoked = StoredToken {
        id: id(EnrollmentTokenId::from_uuid, 2),
        repository: TokenRepository::Known(repository_id(1)),
        life: TokenLife {
            expires_at: at(9),
            used: None,
            revoked_at: Some(at(5)),
        },
        host_id: None,
        ..token.clone()
    };
    tx.insert_enrollment_token(&token).await.unwrap();
    tx.insert_enrollment_token(&revoked).await.unwrap();
}

async fn jobs(tx: &Tx) {
    let mut ended = add_job(
        tx,
        Job {
            source_group_id: Some(group_id(1)),
            mode: Mode::Anew,
            ..job(1, host_id(1))
        },
    )
    .await;
    move_job(tx, &mut ended, failed(30, FailureCode::NoSpace)).await;
    let mut saved = add_job(tx, job(40, host_id(1))).await;
    move_job(tx, &mut saved, succeeded(20)).await;
    let mut runs = add_job(tx, job(2, host_id(1))).await;
    runs.cancel_requested = Some(CancelRequest {
        at: at(31),
        by: Actor::System,
    });
    move_job(tx, &mut runs, running(31)).await;
    assert!(tx.append_log(&chunk(1, 1, 5)).await.unwrap());
    assert_eq!(tx.remove_logs_ended_before(at(99), 1, at(40)).await.unwrap(), 1);
    assert!(tx.append_log(&chunk(2, 1, 5)).await.unwrap());
    tx.set_written_log_lines(ended.id, 3).await.unwrap();
    tx.insert_command(&command(1, &runs)).await.unwrap();
    assert!(tx.command_sent(command_id(1), 1, at(31)).await.unwrap());
    let outbox = id(OutboxIncarnation::from_uuid, 1);
    tx.advance_agent_cursor(host_id(1), outbox, 0, 7, at(31)).await.unwrap();
}
