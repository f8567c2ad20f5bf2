use std::net::{IpAddr, Ipv6Addr};

use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate};

use super::*;

#[test]
fn a_new_authority_is_a_root_with_two_branches_of_the_documented_lives() {
    let World { parts, .. } = World::new(1);

    for (ca, role, days) in [
        (&parts.root, CaRole::Root, 3_652),
        (&parts.agents, CaRole::Agents, 365),
        (&parts.servers, CaRole::Servers, 365),
    ] {
        let Validity { not_before, not_after } = ca.certificate.validity();
        assert_eq!(ca.certificate.role(), role);
        assert_eq!(start().since(not_before), Duration::from_mins(10), "{role}");
        assert_eq!(not_after.since(start()), DAY * days, "{role}");
        assert_eq!(ca.certificate.serial().len(), 32);
    }
}

#[test]
fn branches_are_limited_to_leaves_of_their_purpose() {
    let World { parts, .. } = World::new(1);

    let limits = |ca: &Ca| {
        let certificate = parsed(ca.certificate.as_der());
        let constraints = certificate.basic_constraints().unwrap().unwrap().value.clone();
        let usage = certificate.extended_key_usage().unwrap();
        let usage = usage.map(|usage| (usage.value.client_auth, usage.value.server_auth, usage.value.any));
        (constraints.ca, constraints.path_len_constraint, usage)
    };

    assert_eq!(limits(&parts.root), (true, Some(1), None));
    assert_eq!(limits(&parts.agents), (true, Some(0), Some((true, false, false))));
    assert_eq!(limits(&parts.servers), (true, Some(0), Some((false, true, false))));
}

#[test]
fn an_authority_comes_back_from_what_was_stored() {
    let World { parts, authority, .. } = World::new(1);
    let stored = |ca: &Ca| Ca {
        certificate: CaCertificate::from_der(ca.certificate.as_der().to_vec()).unwrap(),
        key: ca.key.clone(),
    };

    let root = CaCertificate::from_der(parts.root.certificate.as_der().to_vec()).unwrap();
    let restored = Authority::new(root, &stored(&parts.agents), Vec::new(), &stored(&parts.servers)).unwrap();

    assert_eq!(restored.pin(), authority.pin());
    assert_eq!(restored.deployment(), authority.deployment());
    assert_eq!(restored.bundle_pem(), authority.bundle_pem());
}

#[test]
fn parts_of_another_role_deployment_or_key_are_refused() {
    let ours = World::new(1).parts;
    let theirs = World::new(2).parts;
    let same_name = World::new(1).parts;
    let root = || ours.root.certificate.clone();
    let refused = |root, agents: &Ca, servers: &Ca| Authority::new(root, agents, Vec::new(), servers).unwrap_err();

    for error in [
        refused(root(), &ours.servers, &ours.servers),
        refused(root(), &ours.agents, &ours.agents),
        refused(ours.agents.certificate.clone(), &ours.agents, &ours.servers),
        refused(root(), &theirs.agents, &ours.servers),
        refused(root(), &ours.agents, &same_name.servers),
    ] {
        assert!(matches!(error, Error::Misplaced { .. }), "{error}");
    }
    let mixed = Ca {
        certificate: ours.agents.certificate.clone(),
        key: ours.servers.key.clone(),
    };
    assert!(matches!(
        refused(root(), &mixed, &ours.servers),
        Error::ForeignKey { role: CaRole::Agents }
    ));
    let former = Authority::new(
        root(),
        &ours.agents,
        vec![ours.servers.certificate.clone()],
        &ours.servers,
    );
    assert!(matches!(former, Err(Error::Misplaced { wanted: CaRole::Agents })));
}

#[test]
fn a_damaged_certificate_is_refused() {
    let der = World::new(1).parts.root.certificate.as_der().to_vec();
    let leaf = issued(&World::new(1)).certificate;
    let longer = [der.as_slice(), &[0]].concat();

    for bytes in [
        Vec::new(),
        der[1..].to_vec(),
        der[..der.len() - 1].to_vec(),
        longer,
        leaf,
    ] {
        assert!(matches!(CaCertificate::from_der(bytes), Err(Error::Damaged)));
    }
}

#[test]
fn the_pin_is_the_hash_of_the_roots_public_key_info() {
    let World { parts, authority, .. } = World::new(1);

    let root = parsed(parts.root.certificate.as_der());
    let expected: [u8; 32] = Sha256::digest(root.public_key().raw).into();

    assert_eq!(authority.pin().as_bytes(), &expected);
}

#[test]
fn an_agents_certificate_names_its_host_and_serves_clients_only() {
    let world = World::new(1);
    let key = key();

    let issued = world
        .authority
        .issue_agent(&request(&key), host(7), WEEK, start())
        .unwrap();

    let certificate = parsed(&issued.certificate);
    assert_eq!(
        names(&certificate),
        [format!("rm://{}/agent/{}", world.authority.deployment(), host(7))]
    );
    assert_eq!(
        extensions(&certificate),
        [
            "authority key",
            "names",
            "key usage 1",
            "usage client",
            "subject key",
            "not a CA"
        ]
    );
    assert_eq!(issued.validity.not_after.since(start()), DAY * 7);
    assert_eq!(issued.serial, certificate.raw_serial_as_string().replace(':', ""));
    assert_eq!(
        issued.public_key_sha256,
        <[u8; 32]>::from(Sha256::digest(certificate.public_key().raw))
    );
}

#[test]
fn a_request_for_a_ca_with_other_names_gets_a_plain_leaf() {
    let world = World::new(1);
    let key = key();
    let mut greedy = rcgen::CertificateParams::new(["other.example.org".to_owned()]).unwrap();
    let name = format!("rm://{}/agent/{}", world.authority.deployment(), host(8));
    greedy
        .subject_alt_names
        .push(rcgen::SanType::URI(name.try_into().unwrap()));
    greedy.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    greedy.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    greedy.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::Any];
    greedy.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0])];
    greedy
        .distinguished_name
        .push(rcgen::DnType::OrganizationName, "somebody else");
    let greedy = CertificateRequest::from_pem(&request_pem(&greedy, &key)).unwrap();

    let issued = world.authority.issue_agent(&greedy, host(7), WEEK, start()).unwrap();
    let plain = world
        .authority
        .issue_agent(&request(&key), host(7), WEEK, start())
        .unwrap();

    let (issued, plain) = (parsed(&issued.certificate), parsed(&plain.certificate));
    assert_eq!(extensions(&issued), extensions(&plain));
    assert_eq!(issued.subject().to_string(), plain.subject().to_string());
    assert_eq!(names(&issued), names(&plain));
}

#[test]
fn the_servers_certificate_is_for_the_agent_url_and_this_machine() {
    let world = World::new(1);
    for (host, expected) in [
        (
            Host::Name("backup.example.org".to_owned()),
            vec!["backup.example.org", "localhost", "127.0.0.1", "::1"],
        ),
        (
            Host::Name("localhost".to_owned()),
            vec!["localhost", "127.0.0.1", "::1"],
        ),
        (
            Host::Address("10.0.0.5".parse().unwrap()),
            vec!["10.0.0.5", "localhost", "127.0.0.1", "::1"],
        ),
        (
            Host::Address(Ipv6Addr::LOCALHOST.into()),
            vec!["localhost", "127.0.0.1", "::1"],
        ),
    ] {
        let leaf = world.authority.issue_server(&host, start()).unwrap();

        let certificate = parsed(&leaf.chain[0]);
        assert_eq!(names(&certificate), expected);
        let usage = certificate.extended_key_usage().unwrap().unwrap();
        assert!(usage.value.server_auth && !usage.value.client_auth);
        assert_eq!(leaf.validity.not_after.since(start()), DAY * 30);
        assert_eq!(leaf.chain.len(), 3, "leaf, CA and root");
        assert_eq!(leaf.chain[2].as_ref(), world.parts.root.certificate.as_der());
    }
}

#[test]
fn a_leaf_is_written_again_with_the_ca_that_issued_it_also_after_a_renewal() {
    let World { parts, authority, .. } = World::new(1);
    let issued = authority.issue_agent(&request(&key()), host(7), WEEK, start()).unwrap();
    let next = reissue(&parts.root, CaRole::Agents, start()).unwrap();
    let former = vec![parts.agents.certificate.clone()];
    let renewed = Authority::new(parts.root.certificate.clone(), &next, former, &parts.servers).unwrap();

    let again = renewed.agent_chain_pem(issued.certificate).unwrap();

    assert_eq!(again, issued.chain_pem);
    let foreign = World::new(2)
        .authority
        .issue_agent(&request(&key()), host(7), WEEK, start())
        .unwrap();
    assert!(matches!(
        renewed.agent_chain_pem(foreign.certificate),
        Err(Error::Damaged)
    ));
}

#[test]
fn no_certificate_outlives_its_issuer() {
    let World { parts, authority, .. } = World::new(1);
    let end = parts.agents.certificate.validity().not_after;

    let late = authority
        .issue_agent(&request(&key()), host(7), WEEK, end.saturating_sub(DAY))
        .unwrap();
    let root_end = parts.root.certificate.validity().not_after;
    let late_ca = reissue(&parts.root, CaRole::Agents, root_end.saturating_sub(DAY)).unwrap();

    assert_eq!(late.validity.not_after, end);
    assert_eq!(late_ca.certificate.validity().not_after, root_end);
}

#[test]
fn only_the_root_issues_intermediates_and_never_a_root() {
    let World { parts, .. } = World::new(1);

    assert!(matches!(
        reissue(&parts.agents, CaRole::Servers, start()),
        Err(Error::Misplaced { .. })
    ));
    assert!(matches!(
        reissue(&parts.root, CaRole::Root, start()),
        Err(Error::Misplaced { .. })
    ));
}

#[test]
fn the_identity_of_a_peer_is_what_was_issued_to_it() {
    let world = World::new(1);
    let issued = issued(&world);

    let identity = identify(&world, issued.certificate).unwrap();

    assert_eq!(identity.deployment, world.authority.deployment());
    assert_eq!(identity.host, host(7));
    assert_eq!(identity.serial, issued.serial);
    assert_eq!(identity.public_key_sha256, issued.public_key_sha256);
    assert_eq!(identity.not_after, issued.validity.not_after);
}

#[test]
fn certificates_of_servers_cas_and_other_deployments_identify_nobody() {
    let world = World::new(1);

    assert_eq!(identify(&world, world.server_leaf().chain[0].to_vec()), None);
    assert_eq!(identify(&world, world.parts.agents.certificate.as_der().to_vec()), None);
    assert_eq!(identify(&world, issued(&World::new(2)).certificate), None);
    assert_eq!(identify(&world, b"garbage".to_vec()), None);
}

fn issued(world: &World) -> IssuedCertificate {
    world
        .authority
        .issue_agent(&request(&key()), host(7), WEEK, start())
        .unwrap()
}

fn identify(world: &World, certificate: Vec<u8>) -> Option<peer::PeerIdentity> {
    peer::PeerReader::new(world.authority.deployment()).identify(&CertificateDer::from(certificate))
}

fn parsed(der: &[u8]) -> X509Certificate<'_> {
    let (rest, certificate) = X509Certificate::from_der(der).unwrap();
    assert!(rest.is_empty());
    certificate
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what else there is shows in the assertion"
)]
fn extensions(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extensions = certificate
        .iter_extensions()
        .map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(_) => "authority key".to_owned(),
            ParsedExtension::SubjectKeyIdentifier(_) => "subject key".to_owned(),
            ParsedExtension::SubjectAlternativeName(_) => "names".to_owned(),
            ParsedExtension::KeyUsage(usage) => format!("key usage {}", usage.flags),
            ParsedExtension::ExtendedKeyUsage(usage) if usage.client_auth && !usage.any && !usage.server_auth => {
                "usage client".to_owned()
            }
            ParsedExtension::BasicConstraints(constraints) if !constraints.ca => "not a CA".to_owned(),
            other => format!("{other:?}"),
        });
    extensions.collect()
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what else there is shows in the assertion"
)]
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    let shown = |name: &GeneralName<'_>| match *name {
        GeneralName::DNSName(name) | GeneralName::URI(name) => name.to_owned(),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(bytes) {
            Ok(short) => IpAddr::from(short).to_string(),
            Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes).unwrap()).to_string(),
        },
        _ => format!("{name:?}"),
    };
    names.value.general_names.iter().map(shown).collect()
}
