//! What an agent should hold: its repository and what opens it, its settings, the certificates to trust.
//!
//! Each part has a hash by which server and agent know whether they mean the same. That of the credentials is taken over
//! what is stored, sealed as it is: a hash of the passwords would let whoever reads it try passwords against it. So it also
//! changes when the same password is sealed anew, which costs one push.

use data_encoding::HEXLOWER;
use domain::ResticRepositoryId;
use domain::id::HostId;
use domain::repository::LoginName;
use domain::session::{AgentSettings, Applied, DesiredKind, DesiredSet, DesiredState, HeldRepository, Stamp};
use sha2::{Digest as _, Sha256};

use super::host_credentials::repository_of;
use super::repositories::{everyday_slot, own_slot};
use super::{App, Error};
use crate::store::{ReadTx, Repository, StoredCredentials};

/// Everything that one agent should hold, secrets still sealed.
pub(super) struct Desired {
    host: HostId,
    repository: Option<Repository>,
    /// What opens it: the everyday slot and what the host has of its own.
    sealed: Vec<StoredCredentials>,
    settings: AgentSettings,
    ca_bundle_pem: String,
    version: u64,
}

impl App {
    /// Reads what an agent should hold; `None` when there is no such host (any more).
    pub(super) async fn desired(&self, tx: &ReadTx, host: HostId) -> Result<Option<Desired>, Error> {
        let Some(view) = tx.host(host).await? else {
            return Ok(None);
        };
        let repository = repository_of(tx, host).await?;
        let mut sealed = Vec::new();
        if let Some(repository) = &repository {
            for key in [everyday_slot(repository.id), own_slot(repository.id, host)] {
                sealed.extend(tx.credentials(key).await?);
            }
        }
        let settings = AgentSettings {
            restic_host: view.restic_host.to_string(),
            limit_upload_kib_per_s: view.limit_upload_kib_per_s,
            limit_download_kib_per_s: view.limit_download_kib_per_s,
        };
        let ca_bundle_pem = self.authority()?.bundle_pem();
        let version = view.desired_version;
        Ok(Some(Desired {
            host,
            repository,
            sealed,
            settings,
            ca_bundle_pem,
            version,
        }))
    }

    /// The parts that an agent lacks that holds `held`.
    ///
    /// Credentials that do not open are left out and reported to whoever runs the server: the agent keeps what it has, and
    /// everything else goes on.
    pub(super) async fn lacking(
        &self,
        tx: &ReadTx,
        desired: &Desired,
        held: &Applied,
    ) -> Result<Vec<DesiredState>, Error> {
        let mut lacking = Vec::new();
        for kind in DesiredKind::ALL {
            let hash = desired.hash(kind);
            if held.holds(kind, &hash) {
                continue;
            }
            let set = match kind {
                DesiredKind::Credentials => match self.held_repositories(tx, desired).await {
                    Ok(repositories) => DesiredSet::Credentials(repositories),
                    Err(error @ Error::Failed { .. }) => {
                        tracing::error!(
                            host.id = %desired.host, error = &error as &(dyn std::error::Error + 'static),
                            "the host does not get its credentials: what is stored does not open; set them again"
                        );
                        continue;
                    }
                    Err(error) => return Err(error),
                },
                DesiredKind::Settings => DesiredSet::Settings(desired.settings.clone()),
                DesiredKind::TrustBundle => DesiredSet::TrustBundle(desired.ca_bundle_pem.clone()),
            };
            let stamp = Stamp {
                version: desired.version,
                hash: hash.into(),
            };
            lacking.push(DesiredState { stamp, set });
        }
        Ok(lacking)
    }

    async fn held_repositories(&self, tx: &ReadTx, desired: &Desired) -> Result<Vec<HeldRepository>, Error> {
        let Some(repository) = &desired.repository else {
            return Ok(Vec::new());
        };
        let credentials = self.credentials_of_host(tx, repository, desired.host).await?;
        // Without it nothing on the host could open the repository.
        let Some(repo_password) = credentials.repo_password else {
            return Ok(Vec::new());
        };
        Ok(vec![HeldRepository {
            id: repository.id,
            url: repository.url.as_str().to_owned(),
            username: credentials
                .username
                .as_ref()
                .map(LoginName::as_str)
                .unwrap_or_default()
                .to_owned(),
            repo_password: repo_password.secret().clone(),
            backend_password: credentials.backend_password.unwrap_or_default(),
            backend_env: credentials
                .backend_env
                .iter()
                .map(|(variable, value)| (variable.as_str().to_owned(), value.clone()))
                .collect(),
            restic_id: repository.restic_id,
        }])
    }
}

impl Desired {
    /// Counts every change of it.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// Whether an agent that holds `held` lacks nothing.
    pub(super) fn is_held(&self, held: &Applied) -> bool {
        DesiredKind::ALL
            .into_iter()
            .all(|kind| held.holds(kind, &self.hash(kind)))
    }

    /// 64 hex digits that change whenever the part does.
    fn hash(&self, kind: DesiredKind) -> String {
        let mut fields = Fields::of(kind);
        match kind {
            DesiredKind::Credentials => {
                if let Some(repository) = &self.repository {
                    fields.add(repository.id.to_string());
                    fields.add(repository.url.as_str());
                    fields.add(
                        repository
                            .restic_id
                            .as_ref()
                            .map(ResticRepositoryId::to_string)
                            .unwrap_or_default(),
                    );
                }
                for stored in &self.sealed {
                    fields.add(stored.key.to_string());
                    fields.add(stored.sealed.as_bytes());
                }
            }
            DesiredKind::Settings => {
                let AgentSettings {
                    restic_host,
                    limit_upload_kib_per_s,
                    limit_download_kib_per_s,
                } = &self.settings;
                fields.add(restic_host);
                fields.add(limit_upload_kib_per_s.to_be_bytes());
                fields.add(limit_download_kib_per_s.to_be_bytes());
            }
            DesiredKind::TrustBundle => fields.add(&self.ca_bundle_pem),
        }
        fields.hash()
    }
}

/// A hash over fields that cannot run into each other.
struct Fields(Sha256);

impl Fields {
    fn of(kind: DesiredKind) -> Self {
        let mut fields = Self(Sha256::new());
        fields.add(kind.as_str());
        fields
    }

    fn add(&mut self, field: impl AsRef<[u8]>) {
        let field = field.as_ref();
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    fn hash(self) -> String {
        HEXLOWER.encode(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use domain::id::RepositoryId;
    use domain::repository::RepositoryUrl;
    use uuid::Uuid;

    use super::*;
    use crate::secrets::Sealed;

    #[test]
    fn each_part_changes_its_own_hash_only() {
        type Change = fn(&mut Desired);
        let changes: [(DesiredKind, Change); 6] = [
            (DesiredKind::Credentials, |desired| desired.repository = None),
            (DesiredKind::Credentials, |desired| {
                if let Some(repository) = &mut desired.repository {
                    repository.restic_id = Some("ab".repeat(32).parse().unwrap());
                }
            }),
            (DesiredKind::Credentials, |desired| {
                desired.sealed[0].sealed = Sealed::from_bytes(vec![2]);
            }),
            (DesiredKind::Settings, |desired| {
                desired.settings.limit_upload_kib_per_s = 9;
            }),
            (DesiredKind::Settings, |desired| {
                desired.settings.restic_host = "other".to_owned();
            }),
            (DesiredKind::TrustBundle, |desired| desired.ca_bundle_pem.push('x')),
        ];
        for (number, (changed, change)) in changes.into_iter().enumerate() {
            let (before, mut after) = (desired(), desired());

            change(&mut after);

            for kind in DesiredKind::ALL {
                assert_eq!(
                    before.hash(kind) != after.hash(kind),
                    kind == changed,
                    "change {number}, {kind}"
                );
            }
        }
    }

    #[test]
    fn limits_that_change_places_are_another_state() {
        let (mut one, mut other) = (desired(), desired());
        one.settings.limit_upload_kib_per_s = 5;
        other.settings.limit_download_kib_per_s = 5;

        assert_ne!(one.hash(DesiredKind::Settings), other.hash(DesiredKind::Settings));
    }

    #[test]
    fn an_agent_that_holds_all_three_lacks_nothing() {
        let desired = desired();
        let mut held = Applied::default();
        for kind in DesiredKind::ALL {
            assert!(!desired.is_held(&held));
            held.set(
                kind,
                Stamp {
                    version: 1,
                    hash: desired.hash(kind).into(),
                },
            );
        }

        assert!(desired.is_held(&held));
        assert_eq!(held.stamp(DesiredKind::Credentials).hash.as_str().len(), 64);
    }

    fn desired() -> Desired {
        let id = RepositoryId::from_uuid(Uuid::from_u128(1));
        let host = HostId::from_uuid(Uuid::from_u128(2));
        Desired {
            host,
            repository: Some(Repository {
                id,
                name: "main".parse().unwrap(),
                url: RepositoryUrl::parse("/srv/repo").unwrap().0,
                username: None,
                restic_id: None,
                created_at: Timestamp::UNIX_EPOCH,
                version: 1,
            }),
            sealed: vec![StoredCredentials {
                key: everyday_slot(id),
                sealed: Sealed::from_bytes(vec![1]),
                updated_at: Timestamp::UNIX_EPOCH,
            }],
            settings: AgentSettings {
                restic_host: "web-01".to_owned(),
                limit_upload_kib_per_s: 0,
                limit_download_kib_per_s: 0,
            },
            ca_bundle_pem: "pem".to_owned(),
            version: 4,
        }
    }
}
