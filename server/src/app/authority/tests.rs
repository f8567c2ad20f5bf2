use std::time::Duration;

use domain::{Clock, MockClock};
use tempfile::TempDir;

use super::*;
use crate::app::{Ports, Settings};
use crate::clock::SystemIds;
use crate::events::Bus;
use crate::passwords::{Cost, Hasher};
use crate::secrets::Keyring;
use crate::sessions;
use crate::store::{DatabaseUrl, Options, Store};
use crate::tasks::Registry;

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn the_ca_of_the_first_start_is_the_one_of_every_later_start() {
    let world = World::new().await;

    let first = world.started().await.unwrap();
    let second = world.started().await.unwrap();

    assert_eq!(second.pin().unwrap(), first.pin().unwrap());
    assert_eq!(
        second.authority().unwrap().deployment(),
        first.authority().unwrap().deployment()
    );
    assert_eq!(world.roles().await, [1, 1, 1]);
}

#[tokio::test]
async fn the_keys_are_nowhere_in_clear_and_open_with_the_master_key_only() {
    let world = World::new().await;
    world.started().await.unwrap();

    let refused = world.started_with_key(2).await.err().unwrap();

    assert!(
        matches!(
            refused,
            Error::Failed {
                doing: "opening the key of a CA",
                ..
            }
        ),
        "{refused:?}"
    );
    let root = world
        .store
        .read()
        .await
        .unwrap()
        .ca_certificate(CaRole::Root)
        .await
        .unwrap()
        .unwrap();
    let key = Keyring::from_key(&Secret::new([1; 32]))
        .open(&key_of(root.id), &root.sealed_key)
        .unwrap();
    assert!(
        !root
            .sealed_key
            .as_bytes()
            .windows(16)
            .any(|part| key.expose().windows(16).any(|other| other == part))
    );
}

#[tokio::test]
async fn intermediates_are_replaced_ninety_days_before_their_end_and_the_root_stays() {
    let world = World::new().await;
    let app = world.started().await.unwrap();
    let pin = app.pin().unwrap();
    for (day, expected) in [
        (
            274,
            Renewed {
                agents: false,
                servers: false,
                leaf: true,
            },
        ),
        (
            275,
            Renewed {
                agents: true,
                servers: true,
                leaf: true,
            },
        ),
        (275, Renewed::default()),
    ] {
        world.set_day(day);

        assert_eq!(
            app.renew_certificates(&Caller::system()).await.unwrap(),
            expected,
            "day {day}"
        );
    }

    assert_eq!(world.roles().await, [1, 2, 2]);
    assert_eq!(app.pin().unwrap(), pin);
    let actions = world.recorded(&app).await;
    assert_eq!(actions, ["ca.renewed", "ca.renewed", "ca.created"]);
}

#[tokio::test]
async fn a_start_after_a_year_replaces_what_has_ended() {
    let world = World::new().await;
    let pin = world.started().await.unwrap().pin().unwrap();
    world.set_day(400);

    let app = world.started().await.unwrap();

    assert_eq!(app.pin().unwrap(), pin);
    assert!(app.authority().unwrap().agents().validity().contains(world.clock.now()));
    assert_eq!(world.roles().await, [1, 2, 2]);
}

#[tokio::test]
async fn the_certificate_of_the_agent_port_is_renewed_with_a_third_of_its_life_left() {
    let world = World::new().await;
    let app = world.started().await.unwrap();
    for (day, expected) in [(19, false), (20, true), (21, false)] {
        world.set_day(day);

        let renewed = app.renew_certificates(&Caller::system()).await.unwrap();

        assert_eq!(
            renewed,
            Renewed {
                leaf: expected,
                ..Renewed::default()
            },
            "day {day}"
        );
    }
}

#[tokio::test]
async fn a_missing_part_of_the_ca_is_an_error_and_is_not_made_anew() {
    let world = World::new().await;
    let app = world.app(1);
    let now = world.clock.now();
    let new = pki::create(Deployment::from_uuid(app.0.ids.next_uuid()), now).unwrap();
    let tx = app.0.store.begin().await.unwrap();
    app.insert_ca(&tx, &new.root, now).await.unwrap();
    tx.commit().await.unwrap();

    let refused = app.open_authority(&Caller::system(), host()).await.unwrap_err();

    assert!(
        matches!(
            refused,
            Error::Failed {
                doing: "reading the CA",
                ..
            }
        ),
        "{refused:?}"
    );
    assert_eq!(world.roles().await, [1, 0, 0]);
}

/// One database and one clock, for any number of starts.
struct World {
    store: Store,
    clock: Arc<MockClock>,
    _directory: TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(directory.path().join("restic-manager.db"));
        Self {
            store: Store::open(&url, Options::default()).await.unwrap(),
            clock: Arc::new(MockClock::at(start())),
            _directory: directory,
        }
    }

    fn app(&self, key: u8) -> App {
        App::new(Ports {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            ids: Arc::new(SystemIds::new(Arc::clone(&self.clock) as Arc<dyn Clock>)),
            keyring: Keyring::from_key(&Secret::new([key; 32])),
            hasher: Hasher::new(Cost {
                memory_kib: 8,
                passes: 1,
                lanes: 1,
            }),
            sessions: sessions::channel().0,
            events: Bus::new(self.clock.now()),
            settings: Settings {
                base_url: "http://localhost:8080".to_owned(),
                agent_url: "https://localhost:8443".to_owned(),
                session_ttl: DAY,
                secure_cookies: false,
                offline_after: Duration::from_secs(90),
                limits: crate::config::Limits::default(),
                job_retention: None,
                log_retention: None,
                audit_retention: None,
                data_dir: "/nowhere".into(),
                dist_dir: "/nowhere".into(),
                agent_certificate_ttl: DAY * 7,
            },
            tasks: Registry::default(),
        })
    }

    async fn started(&self) -> Result<App, Error> {
        self.started_with_key(1).await
    }

    async fn started_with_key(&self, key: u8) -> Result<App, Error> {
        let app = self.app(key);
        app.open_authority(&Caller::system(), host()).await.map(|()| app)
    }

    fn set_day(&self, day: u32) {
        self.clock.set(start().saturating_add(DAY * day));
    }

    /// How many certificates there are of each role, root first.
    async fn roles(&self) -> [usize; 3] {
        let tx = self.store.read().await.unwrap();
        let mut counts = [0; 3];
        for (count, role) in counts.iter_mut().zip([CaRole::Root, CaRole::Agents, CaRole::Servers]) {
            *count = tx.ca_certificates(role).await.unwrap().len();
        }
        counts
    }

    async fn recorded(&self, app: &App) -> Vec<String> {
        use domain::audit_query::{ActionFilter, AuditQuery};
        use domain::page::{PageQuery, PageSize};
        let query = AuditQuery {
            action: ActionFilter::Prefix("ca.".to_owned()),
            actor: String::new(),
            target: String::new(),
            from: None,
            to: None,
            page: PageQuery {
                size: PageSize::new(0, 50, 50).unwrap(),
                token: String::new(),
            },
        };
        let page = app.list_audit_entries(&Caller::system(), query).await.unwrap();
        page.items.into_iter().map(|line| line.entry.action).collect()
    }
}

fn start() -> Timestamp {
    "2026-05-01T02:00:00Z".parse().unwrap()
}

fn host() -> Host {
    Host::Name("backup.example.org".to_owned())
}
