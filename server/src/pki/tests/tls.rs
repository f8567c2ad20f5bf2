//! Handshakes in memory, with rustls on both sides and one mock clock.

use std::fs;
use std::io::{Read as _, Write as _};

use domain::{Clock, Secret};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};

use super::*;
use crate::config::Tls;
use crate::pki::tls::{AgentPort, WebPort};

#[test]
fn an_agent_is_known_by_its_certificate() {
    let world = World::new(1);
    let port = port(&world);
    let (identity, issued) = enrolled(&world);

    let (_, server) = handshake(&port, client(&world, Some(identity))).unwrap();

    let peer = peer(&world, &server).unwrap();
    assert_eq!((peer.host, peer.serial), (host(7), issued.serial));
}

#[test]
fn an_agent_may_present_its_leaf_alone() {
    let world = World::new(1);
    let (mut identity, _) = enrolled(&world);
    identity.chain.truncate(1);

    assert!(handshake(&port(&world), client(&world, Some(identity))).is_ok());
}

#[test]
fn without_a_certificate_the_connection_stands_and_nobody_is_known() {
    let world = World::new(1);

    let (client, server) = handshake(&port(&world), client(&world, None)).unwrap();

    assert_eq!(peer(&world, &server), None);
    let chain = client.peer_certificates().unwrap();
    assert_eq!(
        chain.last().unwrap().as_ref(),
        world.parts.root.certificate.as_der(),
        "the root can be compared"
    );
}

#[test]
fn certificates_that_our_ca_for_agents_did_not_issue_are_refused() {
    let world = World::new(1);
    let (foreign, _) = enrolled(&World::new(2));
    let leaf = world.server_leaf();
    let of_the_server = Identity {
        chain: leaf.chain.clone(),
        key: leaf.key.clone(),
    };
    let key = key();
    let self_made = Identity {
        chain: vec![
            rcgen::CertificateParams::default()
                .self_signed(&key)
                .unwrap()
                .der()
                .clone(),
        ],
        key: Secret::new(key.serialize_der()),
    };
    let ca = &world.parts.agents;
    let the_ca_itself = Identity {
        chain: vec![ca.certificate.as_der().to_vec().into()],
        key: ca.key.clone(),
    };

    for identity in [foreign, of_the_server, self_made, the_ca_itself] {
        assert!(handshake(&port(&world), client(&world, Some(identity))).is_err());
    }
}

#[test]
fn a_certificate_is_accepted_until_its_end_by_the_servers_clock() {
    let world = World::new(1);
    let port = port(&world);
    let (identity, issued) = enrolled(&world);

    world.clock.set(issued.validity.not_after);
    let at_the_end = handshake(&port, client(&world, Some(identity.clone())));
    world.clock.advance(Duration::from_secs(1));
    let after_it = handshake(&port, client(&world, Some(identity)));

    assert!(at_the_end.is_ok());
    assert!(after_it.is_err());
}

#[test]
fn the_agent_port_speaks_tls_1_3_and_http_2_only() {
    let world = World::new(1);
    let port = port(&world);
    let old = config(&world, None, &[&rustls::version::TLS12]);
    let mut http1 = config(&world, None, &[&rustls::version::TLS13]);
    http1.alpn_protocols = vec![b"http/1.1".to_vec()];

    assert!(handshake_with(port.config(), old, "backup.example.org").is_err());
    assert!(handshake_with(port.config(), http1, "backup.example.org").is_err());
}

#[test]
fn the_agent_port_gives_out_no_tickets() {
    let world = World::new(1);
    let (identity, _) = enrolled(&world);

    let (mut client, mut server) = handshake(&port(&world), client(&world, Some(identity))).unwrap();
    server.writer().write_all(b"hello").unwrap();
    pump(&mut client, &mut server).unwrap();

    let mut heard = [0; 5];
    client.reader().read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"hello");
    assert_eq!(client.tls13_tickets_received(), 0);
}

#[test]
fn a_new_server_leaf_is_presented_to_new_connections() {
    let world = World::new(1);
    let port = port(&world);
    let presented = |port: &AgentPort| {
        let (client, _) = handshake(port, client(&world, None)).unwrap();
        client.peer_certificates().unwrap()[0].clone()
    };
    let before = presented(&port);
    let config = port.config();

    let renewed = world.server_leaf();
    port.replace(&world.authority, &renewed).unwrap();

    assert_ne!(before, renewed.chain[0]);
    assert_eq!(presented(&port), renewed.chain[0]);
    assert!(Arc::ptr_eq(&config, &port.config()), "the listener's handle stays");
}

#[test]
fn agents_of_a_replaced_ca_stay_known_until_that_ca_ends() {
    let world = World::new(1);
    let port = port(&world);
    let (old_identity, _) = enrolled(&world);
    let World { parts, .. } = &world;
    let successor = reissue(&parts.root, CaRole::Agents, start()).unwrap();
    let former = vec![parts.agents.certificate.clone()];
    let root = parts.root.certificate.clone();
    let authority = Authority::new(root, &successor, former, &parts.servers).unwrap();

    port.replace(&authority, &world.server_leaf()).unwrap();

    let (new_identity, _) = enroll(&authority);
    assert!(handshake(&port, client(&world, Some(old_identity))).is_ok());
    assert!(handshake(&port, client(&world, Some(new_identity))).is_ok());
    let end = parts.agents.certificate.validity().not_after;
    assert_eq!(authority.accepted_agent_cas(end).count(), 2);
    assert_eq!(
        authority
            .accepted_agent_cas(end.saturating_add(Duration::from_secs(1)))
            .count(),
        1
    );
}

#[test]
fn agents_reach_the_port_by_each_of_its_names() {
    let world = World::new(1);
    let port = port(&world);

    for (name, is_ours) in [
        ("backup.example.org", true),
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("other.example.org", false),
    ] {
        let config = config(&world, None, &[&rustls::version::TLS13]);
        assert_eq!(handshake_with(port.config(), config, name).is_ok(), is_ours, "{name}");
    }
}

#[test]
fn the_web_port_serves_the_operators_certificate_to_old_and_new_clients() {
    let world = World::new(1);
    let dir = tempfile::tempdir().unwrap();
    let web = WebPort::new(web_files(&world, dir.path()), Arc::clone(&world.clock) as _).unwrap();

    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for protocol in ["h2", "http/1.1"] {
            let mut config = config(&world, None, &[version]);
            config.alpn_protocols = vec![protocol.as_bytes().to_vec()];

            let (client, _) = handshake_with(web.config(), config, "localhost").unwrap();

            assert_eq!(client.alpn_protocol(), Some(protocol.as_bytes()));
        }
    }
}

#[test]
fn the_web_port_reads_its_files_again_and_keeps_what_it_has_when_they_are_broken() {
    let world = World::new(1);
    let dir = tempfile::tempdir().unwrap();
    let files = web_files(&world, dir.path());
    let web = WebPort::new(files.clone(), Arc::clone(&world.clock) as _).unwrap();
    let presented = || {
        let (client, _) = handshake_with(
            web.config(),
            config(&world, None, &[&rustls::version::TLS13]),
            "localhost",
        )
        .unwrap();
        client.peer_certificates().unwrap()[0].clone()
    };
    let first = presented();

    fs::write(&files.certificate, "broken").unwrap();
    assert!(matches!(web.reload(), Err(Error::ReadPem { path, .. }) if path == files.certificate));
    assert_eq!(presented(), first);
    web_files(&world, dir.path());
    web.reload().unwrap();
    assert_ne!(presented(), first);
}

#[test]
fn web_files_that_are_missing_or_do_not_belong_together_are_named() {
    let world = World::new(1);
    let dir = tempfile::tempdir().unwrap();
    let good = web_files(&world, dir.path());
    let other_key = dir.path().join("other.key");
    fs::write(&other_key, key().serialize_pem()).unwrap();
    let open = |files: Tls| WebPort::new(files, Arc::clone(&world.clock) as _).unwrap_err();

    let missing = open(Tls {
        certificate: dir.path().join("absent"),
        ..good.clone()
    });
    let foreign = open(Tls {
        key: other_key.clone(),
        ..good.clone()
    });

    assert!(missing.to_string().contains("absent"), "{missing}");
    assert!(matches!(foreign, Error::WebCertificate { key, .. } if key == other_key));
}

/// What a client presents.
#[derive(Clone)]
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Secret<Vec<u8>>,
}

fn port(world: &World) -> AgentPort {
    AgentPort::new(
        &world.authority,
        &world.server_leaf(),
        Arc::clone(&world.clock) as Arc<dyn Clock>,
    )
    .unwrap()
}

fn enrolled(world: &World) -> (Identity, IssuedCertificate) {
    enroll(&world.authority)
}

fn enroll(authority: &Authority) -> (Identity, IssuedCertificate) {
    let key = key();
    let issued = authority.issue_agent(&request(&key), host(7), WEEK, start()).unwrap();
    let chain = CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes())
        .map(Result::unwrap)
        .collect();
    let key = Secret::new(key.serialize_der());
    (Identity { chain, key }, issued)
}

fn web_files(world: &World, dir: &std::path::Path) -> Tls {
    let leaf = world.server_leaf();
    let files = Tls {
        certificate: dir.join("web.pem"),
        key: dir.join("web.key"),
    };
    let key = PrivatePkcs8KeyDer::from(leaf.key.expose().as_slice());
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    fs::write(&files.certificate, crate::pki::pem::certificates(&leaf.chain)).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

fn peer(world: &World, server: &ServerConnection) -> Option<peer::PeerIdentity> {
    peer::PeerReader::new(world.authority.deployment()).read(server)
}

fn client(world: &World, identity: Option<Identity>) -> ClientConfig {
    config(world, identity, &[&rustls::version::TLS13])
}

fn config(world: &World, identity: Option<Identity>, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(world.parts.root.certificate.as_der().to_vec().into())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(ClientTime(Arc::clone(&world.clock))))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(Identity { chain, key }) => {
            let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.expose().clone()));
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.resumption = Resumption::in_memory_sessions(8);
    config
}

fn handshake(port: &AgentPort, client: ClientConfig) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    handshake_with(port.config(), client, "backup.example.org")
}

fn handshake_with(
    server: Arc<ServerConfig>,
    client: ClientConfig,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name)?;
    let mut server = ServerConnection::new(server)?;
    pump(&mut client, &mut server)?;
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

/// Carries bytes until neither side has anything to say.
fn pump(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(())
}

#[derive(Debug)]
struct ClientTime(Arc<MockClock>);

impl rustls::time_provider::TimeProvider for ClientTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(self.0.now().since(Timestamp::UNIX_EPOCH)))
    }
}
