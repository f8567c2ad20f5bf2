use domain::id::CertificateId;

use super::cases;
use super::fixtures::{at, host, host_id, id};
use crate::pki::CaRole;
use crate::secrets::Sealed;
use crate::store::{Error, HostCertificate, Store, StoredCa};

cases! {
    async fn the_ca_certificate_in_use_is_the_one_made_last(store: Store) {
        let (old, new) = (ca(1, CaRole::Agents, 10), ca(2, CaRole::Agents, 20));
        let root = ca(3, CaRole::Root, 30);
        let tx = store.begin().await.unwrap();
        for certificate in [&new, &root, &old] {
            tx.insert_ca_certificate(certificate).await.unwrap();
        }
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();

        assert_eq!(tx.ca_certificate(CaRole::Agents).await.unwrap().as_ref(), Some(&new));
        assert_eq!(tx.ca_certificates(CaRole::Agents).await.unwrap(), [new, old]);
        assert_eq!(tx.ca_certificate(CaRole::Root).await.unwrap(), Some(root));
        assert_eq!(tx.ca_certificate(CaRole::Servers).await.unwrap(), None);
    }

    async fn a_host_certificate_is_found_by_serial_host_and_key(store: Store) {
        let (first, renewed, other) = (certificate(1, 1, 10), certificate(2, 1, 20), certificate(3, 2, 30));
        add(&store, &[&first, &renewed, &other]).await;

        let tx = store.read().await.unwrap();

        assert_eq!(tx.certificate(&renewed.serial).await.unwrap().as_ref(), Some(&renewed));
        assert_eq!(tx.certificate("ff").await.unwrap(), None);
        assert_eq!(tx.host_certificates(host_id(1)).await.unwrap(), [renewed, first]);
        assert_eq!(tx.host_of_key(&[3; 32]).await.unwrap(), Some(host_id(2)));
        assert_eq!(tx.host_of_key(&[9; 32]).await.unwrap(), None);
    }

    async fn a_serial_number_is_given_once(store: Store) {
        add(&store, &[&certificate(1, 1, 10)]).await;

        let tx = store.begin().await.unwrap();
        let again = HostCertificate { id: id(CertificateId::from_uuid, 9), ..certificate(1, 2, 20) };
        let refused = tx.insert_host_certificate(&again).await;

        assert!(matches!(refused, Err(Error::Taken { table: "host_certificates", .. })), "{refused:?}");
    }

    async fn the_certificate_in_use_voids_those_of_its_host_that_were_issued_before(store: Store) {
        let all = [certificate(1, 1, 10), certificate(2, 1, 20), certificate(3, 1, 30), certificate(4, 2, 5)];
        let [first, used, offered, other] = &all;
        add(&store, &[first, used, offered, other]).await;

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.supersede_host_certificates(used, at(50)).await.unwrap(), 1);
        assert_eq!(tx.supersede_host_certificates(used, at(60)).await.unwrap(), 0);
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        let mut void = Vec::new();
        for certificate in &all {
            void.push(tx.certificate(&certificate.serial).await.unwrap().unwrap().revoked_at);
        }
        assert_eq!(void, [Some(at(50)), None, None, None]);
    }

    async fn a_host_shows_the_end_of_its_last_good_certificate(store: Store) {
        add(&store, &[&certificate(1, 1, 10), &certificate(2, 1, 20), &certificate(3, 2, 30)]).await;
        let tx = store.begin().await.unwrap();
        tx.revoke_host_certificates(host_id(2), at(40)).await.unwrap();
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();

        let end = async |host| tx.host(host_id(host)).await.unwrap().unwrap().certificate_ends_at;
        assert_eq!((end(1).await, end(2).await), (Some(at(1_020)), None));
    }

    async fn long_ended_certificates_go_but_for_the_last_of_each_host(store: Store) {
        let all = [certificate(1, 1, 10), certificate(2, 1, 20), certificate(3, 1, 300), certificate(4, 2, 5)];
        add(&store, &all.each_ref()).await;

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.delete_ended_host_certificates(at(1_015)).await.unwrap(), 1);
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        assert_eq!(tx.host_certificates(host_id(1)).await.unwrap().len(), 2);
        assert_eq!(tx.host_certificates(host_id(2)).await.unwrap().len(), 1);
    }

    async fn revoking_voids_all_certificates_of_one_host_once(store: Store) {
        let (first, second, other) = (certificate(1, 1, 10), certificate(2, 1, 20), certificate(3, 2, 30));
        add(&store, &[&first, &second, &other]).await;

        let tx = store.begin().await.unwrap();
        assert_eq!(tx.revoke_host_certificates(host_id(1), at(50)).await.unwrap(), 2);
        assert_eq!(tx.revoke_host_certificates(host_id(1), at(60)).await.unwrap(), 0);
        tx.commit().await.unwrap();

        let tx = store.read().await.unwrap();
        for revoked in tx.host_certificates(host_id(1)).await.unwrap() {
            assert_eq!(revoked.revoked_at, Some(at(50)));
        }
        assert_eq!(tx.certificate(&other.serial).await.unwrap(), Some(other));
    }
}

async fn add(store: &Store, certificates: &[&HostCertificate]) {
    let tx = store.begin().await.unwrap();
    tx.insert_host(&host(1, "web-01")).await.unwrap();
    tx.insert_host(&host(2, "web-02")).await.unwrap();
    for certificate in certificates {
        tx.insert_host_certificate(certificate).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn ca(number: u8, role: CaRole, created: i64) -> StoredCa {
    StoredCa {
        id: id(CertificateId::from_uuid, number.into()),
        role,
        certificate: vec![number, 0],
        sealed_key: Sealed::from_bytes(vec![number, 1]),
        not_before: at(created - 5),
        not_after: at(created + 1_000),
        created_at: at(created),
    }
}

fn certificate(number: u8, host: u128, issued: i64) -> HostCertificate {
    HostCertificate {
        id: id(CertificateId::from_uuid, number.into()),
        host_id: host_id(host),
        serial: format!("{number:032x}"),
        public_key_sha256: [number; 32],
        certificate: vec![number, 2],
        not_before: at(issued - 5),
        not_after: at(issued + 1_000),
        issued_at: at(issued),
        revoked_at: None,
    }
}
