use std::fs;

use domain::certificate::Occasion;
use domain::id::EnrollmentTokenId;
use rcgen::SerialNumber;
use uuid::Uuid;

use super::next::Wish;
use super::*;

#[test]
fn a_repeated_attempt_has_the_same_key_and_nonce_and_another_token_has_others() {
    let (_directory, places) = places();

    let first = Candidate::for_token(&places, token(1)).unwrap();
    let again = Candidate::for_token(&places, token(1)).unwrap();
    let other = Candidate::for_token(&places, token(2)).unwrap();

    assert_eq!(first.nonce(), again.nonce());
    assert_eq!(
        public_key(&first.csr_pem().unwrap()),
        public_key(&again.csr_pem().unwrap())
    );
    assert_ne!(first.nonce(), other.nonce());
    assert_ne!(
        public_key(&first.csr_pem().unwrap()),
        public_key(&other.csr_pem().unwrap())
    );
    assert_eq!(first.nonce().len(), 32);
    assert_eq!(
        first.proof().unwrap().key,
        other.proof().unwrap().key,
        "the identity key stays"
    );
}

#[test]
fn a_promoted_candidate_is_the_identity() {
    let (_directory, places) = places();
    let candidate = Candidate::for_token(&places, token(1)).unwrap();
    let certificate = certify(&candidate.csr_pem().unwrap());
    assert!(candidate.is_certified_by(&certificate));
    assert!(Identity::load(&places).unwrap().is_none());

    candidate.promote(&places, &facts(), &certificate, "bundle").unwrap();

    let identity = Identity::load(&places).unwrap().unwrap();
    assert_eq!(identity.facts, facts());
    assert_eq!(
        identity.credential.lifetime.not_after.to_string(),
        "2026-05-08T00:00:00Z"
    );
    assert_eq!(fs::read_to_string(places.ca_bundle()).unwrap(), "bundle");
    assert!(!super::candidate(&places).exists());
    assert_eq!(files(&current(&places)), [CREDENTIAL, FACTS]);
}

#[test]
fn an_enrollment_that_a_crash_stopped_before_the_rename_goes_on_with_its_key() {
    let (_directory, places) = places();
    let candidate = Candidate::for_token(&places, token(1)).unwrap();
    let (csr, nonce) = (candidate.csr_pem().unwrap(), candidate.nonce().to_owned());
    // All is written, and the rename was not.
    fs::write(super::candidate(&places).join(CREDENTIAL), "whatever").unwrap();
    fs::write(super::candidate(&places).join(FACTS), "whatever").unwrap();

    let again = Candidate::for_token(&places, token(1)).unwrap();

    assert_eq!(
        (public_key(&again.csr_pem().unwrap()), again.nonce()),
        (public_key(&csr), nonce.as_str())
    );
    again.promote(&places, &facts(), &certify(&csr), "bundle").unwrap();
    assert!(Identity::load(&places).unwrap().is_some());
}

#[test]
fn a_damaged_identity_is_an_error_and_not_an_absent_one() {
    for file in [FACTS, CREDENTIAL] {
        let (_directory, places) = enrolled();
        fs::write(current(&places).join(file), "{").unwrap();

        let error = Identity::load(&places).unwrap_err();

        assert!(matches!(error, Error::Damaged { path } if path.ends_with(file)));
    }
}

#[test]
fn the_next_certificate_replaces_the_one_in_use_with_its_key() {
    let (_directory, places) = enrolled();
    let before = Identity::load(&places).unwrap().unwrap().credential;
    let wish = Wish::take_up(&places).unwrap();
    let certificate = certify(&wish.csr_pem().unwrap());

    next::store(&places, &certificate).unwrap();
    let held = next::held(&places).unwrap().unwrap();
    let still = Identity::load(&places).unwrap().unwrap().credential;
    next::promote(&places).unwrap();
    let after = Identity::load(&places).unwrap().unwrap().credential;

    assert_eq!(still.pem.expose(), before.pem.expose(), "until then nothing changes");
    assert_eq!(after.pem.expose(), held.pem.expose());
    assert_ne!(after.pem.expose(), before.pem.expose());
    assert!(next::held(&places).unwrap().is_none());
    assert_eq!(files(&places.identity_dir()), ["current", "host-key.pem"]);
}

#[test]
fn a_wish_that_was_not_answered_is_taken_up_with_its_key_and_a_fulfilled_one_is_not() {
    let (_directory, places) = enrolled();
    let first = Wish::take_up(&places).unwrap().csr_pem().unwrap();
    let again = Wish::take_up(&places).unwrap().csr_pem().unwrap();
    assert_eq!(public_key(&first), public_key(&again));

    let asked = super::candidate(&places).join(KEY);
    let key = fs::read(&asked).unwrap();
    next::store(&places, &certify(&first)).unwrap();
    // A crash came before the key was removed.
    fs::write(&asked, &key).unwrap();
    let beside_the_candidate = Wish::take_up(&places).unwrap().csr_pem().unwrap();
    next::promote(&places).unwrap();
    durable::create_directory(&super::candidate(&places)).unwrap();
    fs::write(&asked, &key).unwrap();
    let after_promotion = Wish::take_up(&places).unwrap().csr_pem().unwrap();

    assert_ne!(public_key(&beside_the_candidate), public_key(&first));
    assert_ne!(public_key(&after_promotion), public_key(&first));
}

#[test]
fn a_certificate_for_another_key_is_not_stored() {
    let (_directory, places) = enrolled();
    Wish::take_up(&places).unwrap();
    let foreign = KeyPair::generate().unwrap();
    let foreign = certify(&csr_pem(&foreign).unwrap());

    for certificate in [foreign.as_str(), "", "-----BEGIN CERTIFICATE-----"] {
        assert!(
            matches!(next::store(&places, certificate), Err(Error::OtherKey)),
            "{certificate}"
        );
    }
    assert!(next::held(&places).unwrap().is_none());
}

#[test]
fn the_identity_key_is_made_once_and_never_replaced() {
    let (_directory, places) = places();
    let occasion = Occasion::Renewal { host: facts().host_id };
    let key = || {
        HostKey::load_or_make(&places)
            .and_then(|key| key.prove(&occasion, &[1; 32]))
            .map(|proof| proof.key)
    };
    assert_eq!(key().unwrap(), key().unwrap());
    let path = places.identity_dir().join("host-key.pem");
    let other_kind = KeyPair::generate().unwrap().serialize_pem();

    for damage in ["", &other_kind] {
        fs::write(&path, damage).unwrap();

        assert!(matches!(key(), Err(Error::Damaged { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), damage);
    }
}

fn places() -> (tempfile::TempDir, Places) {
    let directory = tempfile::tempdir().unwrap();
    let places = Places::new(None, Some(directory.path().to_owned()));
    (directory, places)
}

fn enrolled() -> (tempfile::TempDir, Places) {
    let (directory, places) = places();
    let candidate = Candidate::for_token(&places, token(1)).unwrap();
    let certificate = certify(&candidate.csr_pem().unwrap());
    candidate.promote(&places, &facts(), &certificate, "bundle").unwrap();
    (directory, places)
}

/// A certificate for the key of a request, as far as the agent looks at it.
fn certify(csr_pem: &str) -> String {
    let request = rcgen::CertificateSigningRequestParams::from_pem(csr_pem).unwrap();
    let key = KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(CertificateParams::default(), key);
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&[0x40; 16]));
    params.not_before = rcgen::date_time_ymd(2026, 5, 1);
    params.not_after = rcgen::date_time_ymd(2026, 5, 8);
    params.signed_by(&request.public_key, &issuer).unwrap().pem()
}

fn public_key(csr_pem: &str) -> Vec<u8> {
    let request = rcgen::CertificateSigningRequestParams::from_pem(csr_pem).unwrap();
    request.public_key.der_bytes().to_vec()
}

/// The names in a directory, in order.
fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn facts() -> Facts {
    Facts {
        host_id: HostId::from_uuid(Uuid::from_u128(5)),
        agent_endpoint: "https://backup.example.org:8443".to_owned(),
        ca_pin: "ab".repeat(32),
        enrolled_at: Timestamp::UNIX_EPOCH,
    }
}

fn token(number: u128) -> EnrollmentTokenId {
    EnrollmentTokenId::from_uuid(Uuid::from_u128(number))
}
