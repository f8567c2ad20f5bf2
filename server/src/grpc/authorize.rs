//! The door: reads the `access` option of every method once and admits callers by it, the same on all faces.
//!
//! **Invariant:** a method without the option, or with a role this table does not know, is denied to everybody.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, LazyLock};

use domain::{ErrorCode, Role};
use prost::Message;
use prost_reflect::{DescriptorPool, ExtensionDescriptor, MethodDescriptor, ReflectMessage as _};
use proto::door::Door;
use tonic::{Request, Response, Status};

use super::metadata::{self, RequestMetadata};
use super::{once, status};
use crate::app::{App, Caller, Error, Refusal, SignedInUser, Who};
use crate::pki::peer::PeerIdentity;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Everybody.
    Anonymous,
    /// A person with at least this role.
    Role(Role),
    /// An agent with a valid client certificate.
    Agent,
}

/// The access rule of one method.
#[derive(Debug, Clone)]
pub struct Access {
    /// Who may call it; `None` when the method has no usable option and is denied to everybody.
    pub requirement: Option<Requirement>,
    /// The audit action of a call that changes something; empty for methods that only read.
    pub audit: String,
    /// Whether it answers with a stream.
    pub streaming: bool,
}

/// The rules of all methods, by gRPC path (`/package.Service/Method`).
pub static ACCESS: LazyLock<HashMap<String, Access>> = LazyLock::new(|| table(&POOL));

/// The contract with its options.
pub static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(proto::DESCRIPTORS).expect("the descriptors were encoded by the build of this very binary")
});

fn table(pool: &DescriptorPool) -> HashMap<String, Access> {
    let option = pool.get_extension_by_name("restic_manager.v1.access");
    pool.services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| (path(&method), access(&method, option.as_ref())))
        .collect()
}

/// The gRPC path of a method.
pub fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

fn access(method: &MethodDescriptor, option: Option<&ExtensionDescriptor>) -> Access {
    let streaming = method.is_server_streaming();
    let options = method.options();
    let Some(option) = option.filter(|option| options.has_extension(option)) else {
        return Access {
            requirement: None,
            audit: String::new(),
            streaming,
        };
    };
    let value = options.get_extension(option);
    let Some(value) = value.as_message() else {
        return Access {
            requirement: None,
            audit: String::new(),
            streaming,
        };
    };
    debug_assert_eq!(value.descriptor().full_name(), "restic_manager.v1.Access");
    let role = value.get_field_by_name("role").and_then(|role| role.as_enum_number());
    let audit = value
        .get_field_by_name("audit")
        .and_then(|audit| audit.as_str().map(str::to_owned));
    Access {
        requirement: role.and_then(requirement),
        audit: audit.unwrap_or_default(),
        streaming,
    }
}

fn requirement(role: i32) -> Option<Requirement> {
    match proto::v1::Role::try_from(role).ok()? {
        proto::v1::Role::Unspecified => None,
        proto::v1::Role::Anonymous => Some(Requirement::Anonymous),
        proto::v1::Role::Viewer => Some(Requirement::Role(Role::Viewer)),
        proto::v1::Role::Operator => Some(Requirement::Role(Role::Operator)),
        proto::v1::Role::Admin => Some(Requirement::Role(Role::Admin)),
        proto::v1::Role::Agent => Some(Requirement::Agent),
    }
}

/// The door of every service.
#[derive(Clone)]
pub struct Gate {
    app: App,
    access: &'static HashMap<String, Access>,
}

impl Gate {
    /// Guards with the rules of the contract.
    pub fn new(app: App) -> Self {
        Self { app, access: &ACCESS }
    }

    /// Finds out who calls `method` and whether that is allowed.
    ///
    /// Errors: `unauthorized` without a valid proof where one is needed, `certificate_revoked` with an agent's that was
    /// declared void, `forbidden` when the role is too low or the
    /// method has no rule; the latter is written to the audit log.
    pub async fn admit_parts(
        &self,
        method: &str,
        request: &RequestMetadata,
        peer: Option<&Arc<PeerIdentity>>,
    ) -> Result<Caller, Refusal> {
        let who = self.identify(request, peer).await?;
        let caller = Caller {
            who,
            origin: request.origin.clone(),
        };
        let refuse = |code| Err(Refusal::of(code));
        match (
            self.access.get(method).and_then(|access| access.requirement),
            &caller.who,
        ) {
            (Some(Requirement::Anonymous), _) | (Some(Requirement::Agent), Who::Agent(_)) => Ok(caller),
            (Some(Requirement::Role(least)), Who::User(SignedInUser { role, .. })) if *role >= least => Ok(caller),
            (Some(Requirement::Agent), Who::Anonymous) => {
                refuse(peer.map_or(ErrorCode::Unauthorized, |peer| self.app.refusal_of_agent(peer)))
            }
            (Some(Requirement::Role(_)) | None, Who::Anonymous) => refuse(ErrorCode::Unauthorized),
            (None | Some(_), Who::User(_) | Who::Agent(_) | Who::System) => {
                self.app.record_denied(&caller, method).await;
                refuse(ErrorCode::Forbidden)
            }
        }
    }

    async fn identify(&self, request: &RequestMetadata, peer: Option<&Arc<PeerIdentity>>) -> Result<Who, Refusal> {
        let failed = |error: &Error| status::refusal_of(error, request.origin.request);
        if let Some(peer) = peer {
            let host = self
                .app
                .authenticate_agent(peer)
                .await
                .map_err(|error| failed(&error))?;
            return Ok(host.map_or(Who::Anonymous, Who::Agent));
        }
        let Some(token) = &request.session else {
            return Ok(Who::Anonymous);
        };
        let user = self
            .app
            .authenticate_user(token)
            .await
            .map_err(|error| failed(&error))?;
        Ok(user.map_or(Who::Anonymous, Who::User))
    }
}

#[tonic::async_trait]
impl Door for Gate {
    async fn admit<T: Send>(&self, method: &'static str, request: &mut Request<T>) -> Result<(), Status> {
        let parts = metadata::read(request.metadata());
        let peer = request.extensions().get::<Arc<PeerIdentity>>().cloned();
        let refused = |refusal| status::refused(&refusal, parts.origin.request);
        let caller = self.admit_parts(method, &parts, peer.as_ref()).await.map_err(refused)?;
        request.extensions_mut().insert(caller);
        Ok(())
    }

    async fn once<M, A, C, F>(
        &self,
        method: &'static str,
        request_id: String,
        request: Request<M>,
        call: C,
    ) -> Result<Response<A>, Status>
    where
        M: Message + 'static,
        A: Message + Default + 'static,
        C: FnOnce(Request<M>) -> F + Send + 'static,
        F: Future<Output = Result<Response<A>, Status>> + Send + 'static,
    {
        once::carry_out(&self.app, method, &request_id, request, call).await
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn every_method_of_ours_has_a_rule() {
        let ours: Vec<_> = ACCESS
            .iter()
            .filter(|(path, _)| path.starts_with("/restic_manager."))
            .collect();

        assert!(ours.len() > 20, "{}", ours.len());
        for (path, access) in ours {
            assert!(access.requirement.is_some(), "{path} lacks the access option");
        }
    }

    #[test]
    fn a_method_that_changes_something_names_its_audit_action() {
        let pool = &*POOL;
        for service in pool.services().filter(|service| service.full_name() != "google.api") {
            for method in service.methods() {
                let rule = &ACCESS[&path(&method)];
                let reads = ["Get", "List", "Watch", "Open"]
                    .iter()
                    .any(|verb| method.name().starts_with(verb));

                assert_eq!(rule.audit.is_empty(), reads, "{}", path(&method));
            }
        }
    }

    #[test]
    fn a_method_without_the_option_is_denied() {
        let descriptors = proto_without_options();

        let table = table(&descriptors);

        assert!(!table.is_empty());
        assert!(table.values().all(|access| access.requirement.is_none()));
    }

    /// A round trip through the plain types loses the options, which is just what this needs.
    fn proto_without_options() -> DescriptorPool {
        let plain = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        DescriptorPool::decode(plain.encode_to_vec().as_slice()).unwrap()
    }
}
