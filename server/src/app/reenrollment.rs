//! Putting a machine in the place of a host: the host keeps everything but its agent.

use domain::enrollment::{CreatedToken, Enroll, NewReplacementToken};
use domain::host::HostEvent;
use domain::id::HostId;
use domain::{ErrorCode, Timestamp};
use serde_json::json;

use super::enrollment::inventory;
use super::enrollment_tokens::{Generated, about, unused_token};
use super::host_credentials::known_host;
use super::record::record;
use super::{App, Caller, Error};
use crate::store::{Replacement, StoredToken, Tx};

impl App {
    /// Makes a token that puts a machine in the place of a host.
    ///
    /// Errors: `host_not_found`; `invalid_argument` when the name is not the host's.
    pub async fn create_replacement_token(
        &self,
        caller: &Caller,
        new: NewReplacementToken,
    ) -> Result<CreatedToken, Error> {
        let NewReplacementToken {
            host,
            hostname,
            ttl,
            source,
        } = new;
        let user = self.signed_in_user(caller)?;
        let now = self.0.clock.now();
        let tx = self.0.store.begin().await?;
        let known = match known_host(&tx, host).await {
            Ok(known) => known,
            Err(error) if error.code() == Some(ErrorCode::HostNotFound) => {
                let message = ErrorCode::HostNotFound.meaning();
                return Err(Error::refuse_field(ErrorCode::HostNotFound, "replace_host_id", message));
            }
            Err(error) => return Err(error),
        };
        if hostname.is_some_and(|name| name.key() != known.hostname.key()) {
            let message = format!(
                "the host in `replace_host_id` is named {}; give that name, or none",
                known.hostname
            );
            return Err(Error::refuse_field(ErrorCode::InvalidArgument, "hostname", message));
        }
        let token = self.new_token()?;
        let stored = StoredToken {
            replaces: Some(host),
            ..unused_token(&token, known.hostname, &user.name, (ttl, source), now)
        };
        tx.insert_enrollment_token(&stored).await?;
        let facts = json!({
            "hostname": stored.hostname.as_str(),
            "ttl_seconds": ttl.as_duration().as_secs(),
            "replace_host_id": host.to_string(),
        });
        record(&tx, caller, about("enrollment_token.created", &stored).with(facts), now).await?;
        tx.commit().await?;
        Ok(self.shown_once(&stored, &token, Generated::default()))
    }

    /// Takes the place of a host for the machine that enrolls: what was issued before is void. How many certificates that
    /// were.
    ///
    /// Errors: `host_not_found`.
    pub(super) async fn take_place(
        &self,
        tx: &Tx,
        enroll: &Enroll,
        host: HostId,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let known = tx.host_session(host).await?.ok_or_else(|| {
            Error::refuse_field(
                ErrorCode::HostNotFound,
                "token",
                "the host that this token gives to a machine was deleted since; make a token for a new host",
            )
        })?;
        let voided = tx.revoke_host_certificates(host, now).await?;
        // Or the former machine could come back with it once its certificate has ended.
        tx.forget_identity_key(host).await?;
        let replacement = Replacement {
            status: known.status.next(HostEvent::EnrolledAnew),
            at: now,
            inventory: inventory(enroll),
        };
        tx.replace_agent(host, &replacement).await?;
        Ok(voided)
    }
}
